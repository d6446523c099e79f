"""Questions about how things are used: what runs most often, who and how many, what nobody uses, how people join.

Enters: a cleaned question. Leaves: the name of an intent and its phrases, or None.
"""

# ruff: noqa: E501 - one pattern is one line: broken up they cannot be read beside each other

from __future__ import annotations

import re

LONGEST = 400
"""Characters of a question that is held against these patterns; nobody asks for usage at such length."""
Asked = tuple[str, dict[str, str]]
"""An intent's name and its phrases."""

_S = r"(?:the )?(?:table |view )?(?P<s>.+?)"
_ASK = r"(?:(?:which|what|show|list|give me|find|get|display|are there|do we have|is there)(?: me)?(?: are| is)? )?(?:(?:all|any|the|our|some|of) )*"
_QUERIES = r"(?:queries|query|sql queries|statements?|sql statements?|sql|selects)"
_PEOPLE = r"(?:people|we|you|others|everyone|everybody|analysts|users|teams|colleagues|they|i|one)"
_HABIT = (
    r"(?:(?:usually|typically|normally|often|commonly|mostly|generally|really|actually|frequently|still) )?"
)
_MOST = r"(?:(?:the )?most(?: often| frequently| commonly| of all)?|often|frequently|usually|regularly|all the time|a lot)"
_ON = r"(?:on|of|for|against|over|using|with|in|about|around|that (?:use|read|touch)|touching|to)"
_TABLES = (
    r"(?P<kind>tables and views|tables?|views?|data|datasets?|things|resources|assets|dashboards?|models?)"
)
_USED = r"(?:used|queried|read|accessed|touched|looked at|in use|needed)"
_IN = r"(?: (?:in|under|of|within|inside|from) (?:the )?(?P<in>.+?))?"
_NOBODY = r"(?:nobody|no one|noone|no-one|nothing|no person)"

# (intent, pattern, phrases that are always the same). The pattern must match the whole question.
_RULES: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("queries", rf"{_ASK}(?:top|most (?:frequent|common|popular|used|often run|run|executed|typical)|frequent|common|typical|usual|popular|heaviest)(?: (?P<n>\d+))? {_QUERIES}(?: (?:that )?(?:are |get )?(?:run|executed|used|sent|{_PEOPLE} (?:run|use|send)))?(?: {_ON} {_S})?", {}),
    ("queries", rf"{_ASK}(?:top )?(?P<n>\d+ )?(?:most )?{_QUERIES} (?:that )?(?:(?:are|is|get|gets|do|does|being|{_PEOPLE}) )*(?:run|runs|executed|used|sent|issued|asked)(?: {_ON} {_S})? {_MOST}", {}),
    ("queries", rf"{_ASK}{_QUERIES} (?:that )?(?:(?:are|is|get|gets|do|does|being|{_PEOPLE}) )*(?:run|runs|executed|used|sent|issued|asked)(?: {_MOST})?(?: {_ON} {_S})", {}),
    ("queries", rf"(?:which|what) {_QUERIES} (?:use|read|touch|hit|mention|access|query|select from|join) {_S}(?: {_MOST})?", {}),
    ("queries", rf"how (?:is|are) {_S} {_HABIT}(?:queried|selected from)", {}),
    ("queries", rf"how (?:do|does|would) {_PEOPLE} {_HABIT}(?:query|use|select from) {_S}", {}),
    ("queries", rf"(?:show |list |give me )(?:me )?(?:the )?(?:queries|query log|query history|statements)(?: {_ON} {_S})?", {}),
    ("use", rf"who (?:all |else )?{_HABIT}(?:uses?|queries|reads|accesses|is using|are using|is querying|is reading|runs queries (?:on|against)|works with|has queried|queried) {_S}(?: (?:{_MOST}|mostly))?", {"who": "who"}),
    ("use", rf"(?:who (?:are|is) |show |list |what are )?(?:me )?(?:the )?(?:(?:most|main|top|frequent|heavy|heaviest|biggest|active|regular|power) )+(?:users?|consumers?|readers?) {_ON} {_S}", {"who": "who"}),
    ("use", rf"(?:how many|number of|which) (?:people|users|persons|analysts|colleagues|teams)(?: who)? {_HABIT}(?:use|query|read|access|are using|work with|have queried|queried) {_S}", {"who": "who"}),
    ("use", rf"how (?:often|much|frequently|heavily|widely|many times) (?:is|are|was|were|has|have|do {_PEOPLE}|does anyone) {_S} (?:been |being )?{_USED}(?: by {_PEOPLE})?", {}),
    ("use", rf"how (?:often|much|frequently|many times) (?:do|does|did) (?:{_PEOPLE}|anyone|anybody) (?:use|query|read|access) {_S}", {}),
    ("use", rf"how (?:is|are) {_S} {_HABIT}(?:being )?used", {}),
    ("use", rf"how (?:popular|used|important) (?:is|are) {_S}|(?:what is |show |show me )?(?:the )?(?:popularity|usage|use|usage statistics|usage stats) (?:of|for|on) (?P<s2>.+?)|is (?P<s3>.+?) popular", {}),
    ("use", rf"(?:is|are|was) {_S} (?:still |ever |even |actually |being |currently )*(?:used|queried|in use|unused|read|needed)(?: (?:by (?:anyone|anybody|{_PEOPLE})|at all|still|anymore|any more))*", {}),
    ("use", rf"(?:does|do|did|is|has) (?:anyone|anybody|someone|somebody|{_PEOPLE})(?: else)? {_HABIT}(?:ever )?(?:use|using|query|querying|queried|read|reading|access|used|need) {_S}(?: at all| anymore| any more)?", {"who": "who"}),
    ("unused", rf"{_ASK}(?:completely |totally )?(?:unused|never used|never queried|least used|least popular|least queried|unqueried|dead|abandoned|not used)(?: {_TABLES})?(?: do we have| are there| exist)?{_IN}", {}),
    ("unused", rf"{_ASK}{_TABLES} (?:(?:do|does|did|is|are|that|which) )*{_NOBODY} (?:ever |is |has |really |actually )*(?:uses?|using|used|queries|queried|query|reads?|touches|touched|looks at|needs?){_IN}", {}),
    ("unused", rf"{_ASK}{_TABLES} (?:(?:is|are|was|were|have|has|had|that|which|been|get|gets|do|does|we|people) )*(?:never|not|hardly|hardly ever|rarely|no longer|seldom|least|barely)(?: been| being| ever| get| gets)* (?:{_USED}|use|query|read)(?: by (?:anyone|anybody|anything|people))?(?: anymore| any more| at all)?{_IN}", {}),
    ("unused", rf"{_ASK}{_TABLES} (?:(?:is|are|that|which|get|gets) )*(?:(?:the )?(?:unused|least used|least popular|least queried|abandoned|dead)|{_USED} (?:the )?least(?: often)?){_IN}", {}),
    ("unused", rf"{_ASK}{_TABLES} (?:(?:that|which|have|has|with) )*(?:no|without(?: any)?|zero) (?:queries|usage|use|users|readers|consumers){_IN}", {}),
    ("unused", rf"{_ASK}{_TABLES} (?:can|could|may|should|might) (?:we|i|be) (?:safely )?(?:cleaned up|clean up|archived?|retired?|removed?|dropp?(?:ed)?|deleted?|get rid of){_IN}", {}),
    ("popular", rf"{_ASK}{_TABLES} (?:(?:is|are|get|gets|do|does|that|which|has|have|been|{_PEOPLE}) )*(?:{_USED}|use|query|read) (?:the )?most(?: often| frequently)?{_IN}", {}),
    ("popular", rf"{_ASK}(?:most|top)(?: (?:heavily|often|frequently|widely))? {_USED}(?: (?P<n>\d+))?(?: {_TABLES})?(?: do we have| are there)?{_IN}", {}),
    ("popular", rf"what (?:data |tables? )?(?:do|does) {_PEOPLE} (?:use|query|read|work with) (?:the )?most(?: often)?{_IN}", {}),
    ("join", rf"how (?:do|does|did|would) {_PEOPLE} {_HABIT}(?:join|combine|connect|link) {_S} (?:and|with|to|on to|onto) (?P<o>.+)", {}),
    ("joins_of", rf"how (?:do|does|did|would) {_PEOPLE} {_HABIT}(?:join|combine|connect|link) {_S}", {}),
    ("joins_of", rf"how (?:is|are) {_S} (?:usually |typically |normally |often |commonly |mostly )?(?:joined|combined)(?: (?:by people|with other tables|to other tables|in queries|in practice))?", {}),
    ("joins_of", rf"(?:(?:which|what) tables? |what )(?:is |are |do {_PEOPLE} |gets? )?{_HABIT}(?:used|queried|read|joined?|combined?|run) (?:most )?(?:often )?(?:together )?(?:with|to|alongside|beside) {_S}(?: (?:most|together|most often))?", {}),
    ("joins_of", rf"(?:what|which tables?|with what|to what) (?:is|are) {_S} {_HABIT}(?:joined|combined|used together|queried together)(?: (?:with|to))?(?: most often| most)?", {}),
    ("joins_of", rf"(?:show |list |what are |which are )?(?:me )?(?:the )?(?:observed|usual|common|typical|frequent|most common|most frequent) joins? (?:of|on|for|with|from) {_S}", {}),
)  # fmt: skip
_COMPILED = [(name, re.compile(pattern, re.I), given) for name, pattern, given in _RULES]
_NO_THING = re.compile(
    r"(?:it|they|you|we|i|people|anyone|everyone|(?:which|what|any|the|all|most|a|an|our) (?:tables?|views?|data|columns?|dashboards?)|tables?|views?|data|there)",
    re.I,
)
_A_PLACE = re.compile(
    r"(?:the |our |this )?(?:catalog|workspace|warehouse|database|company|all|total|here|general)", re.I
)


def how_used(question: str) -> Asked | None:
    """What a question about use asks; None where it is none."""
    if len(question) > LONGEST:
        return None
    for name, pattern, given in _COMPILED:
        match = pattern.fullmatch(question)
        if match is None:
            continue
        slots: dict[str, str] = dict(given)
        for group, value in match.groupdict().items():
            if value and value.strip():
                slots.setdefault(group.rstrip("23"), value.strip())
        said = slots.get("s", "")
        if said and name == "queries" and _A_PLACE.fullmatch(said):
            del slots["s"]
        elif said and said.lower() not in ("it", "they") and _NO_THING.fullmatch(said):
            continue
        return name, slots
    return None
