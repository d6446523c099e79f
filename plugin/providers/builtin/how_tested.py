"""Questions about dbt's tests and runs as a whole: which fail, what did not build last night, what nobody tests.

Enters: a cleaned question. Leaves: the name of an intent and its phrases, or None. Whether one thing is tested is asked
in `understand`.
"""

# ruff: noqa: E501 - one pattern is one line: broken up they cannot be read beside each other

from __future__ import annotations

import re

LONGEST = 300
"""Characters of a question that is held against these patterns."""
Asked = tuple[str, dict[str, str]]
"""An intent's name and its phrases."""

_ASK = r"(?:(?:which|what|show|list|give me|find|get|are there|do we have|is there|have|has|did|do|does)(?: me)? )?(?:(?:all|any|the|our|some|of|every) )*"
_TESTED = r"(?:(?:dbt|data|data quality|quality) )?(?P<kind>tests?|checks?|models?|snapshots?|seeds?|sources?|models and sources|builds?|runs?)"
_STATE = r"(?:fail|fails|failed|failing|broke|broken|breaking|red|errored|error|erroring|skipped|not (?:build|built|pass|passed|passing|succeed|succeeded)|unsuccessful)"
_ARE = (
    r"(?:(?:are|is|was|were|that|which|have|has|had|did|do|does|been|being|currently|now|still|get|got|to) )*"
)
_WHEN = r"(?: (?:last night|tonight|overnight|today|yesterday|now|right now|currently|at the moment|recently|this morning|last time|in the (?:last|latest) (?:run|build|dbt run)|(?:in|of|on) the last run))?"
_IN = r"(?: (?:in|under|of|within|from) (?:the )?(?P<in>.+?))?"
_THINGS = r"(?:(?:dbt )?(?P<kind>models?|tables?|views?|sources?|things|snapshots?|models and sources))"
_NO_TEST = r"(?:untested|not tested|never tested|not covered by (?:any )?tests?|without (?:any |a )?(?:dbt )?tests?|(?:have|has|having|with) (?:no|not any|zero) (?:dbt )?tests?|(?:lack|lacks|lacking|missing|miss) (?:any )?(?:dbt )?tests?|not have (?:any |a )?(?:dbt )?tests?)"

# (intent, pattern). The pattern must match the whole question.
_RULES: tuple[tuple[str, str], ...] = (
    ("failing", rf"{_ASK}{_TESTED} {_ARE}{_STATE}{_WHEN}{_IN}"),
    ("failing", rf"{_ASK}(?:failing|failed|broken|red|errored|skipped) {_TESTED}{_WHEN}{_IN}"),
    ("failing", rf"what {_ARE}(?:failed|failing|broke|broken|skipped)(?: (?:last night|overnight|this morning))? in (?P<in>(?:the )?dbt(?: \w+)?)(?: last night| overnight| this morning| today| yesterday)?"),
    ("failing", r"(?:did|has|have|was|were|is|are|do) (?:(?:all|the|our|of|last|dbt) )*(?:tests?|checks|dbt run|dbt build|dbt|nightly build|nightly run|models) (?:all )?(?:pass(?:ed|ing)?|succeed(?:ed)?|succesful|successful|green|healthy|ok|fine|go through)(?: last night| overnight| today| yesterday)?"),
    ("untested", rf"{_ASK}{_THINGS} {_ARE}{_NO_TEST}{_IN}"),
    ("untested", rf"{_ASK}{_THINGS} {_NO_TEST} (?:do we have|are there|exist){_IN}"),
    ("untested", rf"{_ASK}untested {_THINGS}{_IN}"),
    ("untested", rf"what (?:is|are|have we|do we have)(?: left)? {_NO_TEST}{_IN}"),
)  # fmt: skip
_COMPILED = [(name, re.compile(pattern, re.I)) for name, pattern in _RULES]
_PROJECT = re.compile(r"(?:the |our )?dbt(?: project| run| build)?", re.I)


def how_tested(question: str) -> Asked | None:
    """What a question about tests and runs asks; None where it is none."""
    if len(question) > LONGEST:
        return None
    for name, pattern in _COMPILED:
        match = pattern.fullmatch(question)
        if match is None:
            continue
        slots = {
            group: value.strip() for group, value in match.groupdict().items() if value and value.strip()
        }
        if _PROJECT.fullmatch(slots.get("in", "")):
            del slots["in"]
        return name, slots
    return None
