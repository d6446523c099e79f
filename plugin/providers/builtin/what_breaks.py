"""Questions about a change that is planned: what breaks, who is affected, whom to tell.

Enters: a cleaned question. Leaves: the name of an intent and its phrases, or None.
"""

# ruff: noqa: E501 - one pattern is one line: broken up they cannot be read beside each other

from __future__ import annotations

import re

LONGEST = 400
"""Characters of a question that is held against these patterns; nobody asks what breaks at such length."""
Asked = tuple[str, dict[str, str]]
"""An intent's name and its phrases."""

_S = r"(?:the )?(?:table |view )?(?P<s>.+?)"
_DO = r"(?:change|drop|delete|remove|rename|alter|modify|touch|truncate|deprecate|retire|migrate|move|replace|retype|edit|get rid of|turn off|shut down)"
_DOING = r"(?:changing|dropping|deleting|removing|renaming|altering|modifying|touching|truncating|deprecating|retiring|migrating|moving|replacing|retyping|editing|getting rid of|turning off|shutting down)"
_DONE = r"(?:changed|dropped|deleted|removed|renamed|altered|modified|touched|truncated|deprecated|retired|migrated|moved|replaced|retyped|gone|missing|turned off)"
_SOMEBODY = r"(?:(?:i|we|you|they|someone|somebody|anyone|anybody) )"
_PLANNING = r"(?:(?:want to|were to|would|will|should|plan to|intend to|am going to|are going to|have to|need to|must) )?"
_WHEN = rf"(?:(?:if|when|before|after|once|in case|as) {_SOMEBODY}?{_PLANNING}{_DO}s?|(?:if|when|before|after|by|on|from|prior to|while|about) {_DOING})"
_PASSIVE = rf"(?:if|when|once|before|after|in case) {_S} (?:is|are|gets|get|was|were|goes|has been|would be|will be)(?: going to be)? {_DONE}"
_KINDS = r"(?:dashboards?|tables?|views?|reports?|charts?|models?|metrics?|jobs?|pipelines?|resources|assets|things)"
_WILL = r"(?:(?:will|would|could|might|may|can|do|does|is|are|gets?|be|all|else|then|going to|stops?|of our|our|other) )*"
_BREAKS = r"(?:breaks?|broken|fails?|affected|impacted|working|suffers?|hit|touched|hurt|concerned|changes?|notices?|at risk)"
_TELL = r"(?:tell|told|warn|warned|inform|informed|notify|notified|ask|asked|contact|contacted|talk to|speak to|speak with|talk with|alert|alerted|consult|consulted|coordinate with|check with|involve|involved|know|approve|sign off)"
_DUTY = (
    r"(?:(?:should|do|does|must|can|shall|would|will|need|needs|has|have|ought|i|we|to|be|all|else|first) )*"
)

# (intent, pattern). The pattern must match the whole question.
_RULES: tuple[tuple[str, str], ...] = (
    ("whom_to_tell", rf"(?:who|whom|which (?:people|teams?|owners?)) {_DUTY}{_TELL}(?: about it| first)? (?:{_WHEN} {_S}|{_PASSIVE.replace('<s>', '<s2>')})"),
    ("whom_to_tell", rf"(?:who|whom|which (?:people|teams?|owners?)) {_WILL}{_BREAKS} (?:{_WHEN} {_S}|{_PASSIVE.replace('<s>', '<s2>')})"),
    ("whom_to_tell", rf"(?:who|whom) (?:is|are|will be|would be|gets?) (?:affected|impacted|hit|hurt|concerned) by (?:a |any )?(?:changes? (?:to|of|in|on) )?{_S}"),
    ("whom_to_tell", rf"(?:which|whose) owners? (?:{_DUTY})?{_TELL} (?:about|of|for) (?:a |any )?changes? (?:to|of|in|on) {_S}"),
    ("downstream", rf"(?:what|which) ?(?P<kind>{_KINDS})? ?{_WILL}{_BREAKS} (?:{_WHEN} {_S}|{_PASSIVE.replace('<s>', '<s2>')})"),
    ("downstream", rf"(?:do|does|will|would|could|might|is|are|can) (?:anything|something|anyone|any (?P<kind>{_KINDS})|(?P<kind2>{_KINDS})) ?{_WILL}{_BREAKS} (?:{_WHEN} {_S}|{_PASSIVE.replace('<s>', '<s2>')})"),
    ("downstream", rf"what (?:would |will |does |could |is going to )?happens? (?:to (?:the |our )?(?P<kind>{_KINDS}) )?(?:{_WHEN} {_S}|{_PASSIVE.replace('<s>', '<s2>')})"),
    ("downstream", rf"{_PASSIVE},? (?:then )?(?:what|which (?P<kind>{_KINDS})|does anything|will anything) {_WILL}{_BREAKS}"),
    ("downstream", rf"how (?:risky|dangerous|bad|safe) (?:is it|would it be|is|would be)(?: to {_DO}| {_WHEN}| {_DOING}) {_S}"),
    ("downstream", rf"is it (?:risky|dangerous) (?:to {_DO}|{_WHEN}) {_S}"),
    ("downstream", rf"(?:trace|follow) {_S} (?:down |through )*(?:to|into|as far as|until|up to) (?:the |our |all |any )*(?P<kind>{_KINDS})"),
)  # fmt: skip
_COMPILED = [(name, re.compile(pattern, re.I)) for name, pattern in _RULES]
_ANYTHING = re.compile(r"resources|assets|things|pipelines?", re.I)
"""Words for whatever it may be."""


def what_breaks(question: str) -> Asked | None:
    """What a question about a planned change asks; None where it is none."""
    if len(question) > LONGEST:
        return None
    for name, pattern in _COMPILED:
        match = pattern.fullmatch(question)
        if match is None:
            continue
        slots: dict[str, str] = {}
        for group, value in match.groupdict().items():
            if value and value.strip():
                slots.setdefault(group.rstrip("23"), value.strip())
        if _ANYTHING.fullmatch(slots.get("kind", "")):
            del slots["kind"]
        return name, slots
    return None
