"""Questions about what changed at the sources and what may be out of date.

Enters: a cleaned question. Leaves: the name of an intent and its phrases, or None. A time ("since Monday", "last week")
and a place ("in sales", "of the warehouse") stand anywhere in such a question, so both are taken out of it first and
only what is left is held against patterns.
"""

# ruff: noqa: E501 - one pattern is one line: broken up they cannot be read beside each other

from __future__ import annotations

import re

LONGEST = 400
"""Characters of a question that is held against these patterns; one that repeats their words takes them the square of
its length (20,000 characters took seconds), and nobody asks for changes at such length."""
Asked = tuple[str, dict[str, str]]
"""An intent's name and its phrases."""

_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_UNIT = r"(?:hours?|days?|nights?|weeks?|months?|quarters?|years?)"
_TIME = re.compile(
    r"\b(?:"
    rf"(?:(?:since|from|after|on|between) )?(?:the |this |last |past |previous )*{_DAY}(?: (?:morning|night|evening|afternoon))?(?: (?:to|and|until|till) {_DAY})?"
    r"|(?:(?:since|from|on|in|after|between) )?(?:the )?\d{4}-\d\d-\d\d(?: (?:to|and|until|till) \d{4}-\d\d-\d\d)?"
    r"|(?:(?:since|from) )?(?:yesterday|today|overnight|last night|this morning|recently|lately|newly)"
    rf"|(?:(?:in|during|over|within|for|since|from|of) )?(?:(?:the|this|last|past|previous) )+(?:(?:\d+|two|three|few|couple of) )?{_UNIT}\b"
    rf"|(?:in|during|over|within|for|since) (?:a|one|two|three|\d+) {_UNIT}\b(?: ago)?"
    r"|(?:since|after) .+$"
    r")(?![\w.])",
    re.I,
)
_OF_LATE = re.compile(r"recently|lately|newly", re.I)
_PLACE = re.compile(r"(?P<core>.+?) (?:in|to|under|on|at|from|of|inside|within|with|for) (?P<in>\S.*)", re.I)
_NOWHERE = re.compile(
    r"(?:(?:the|our|my|this|their|its|all|any) )*(?:catalog|workspace|data|data ?sources?|sources?|systems?|here|general|company)",
    re.I,
)
_KIND = (
    r"(?:databases?|schemas?|schemata|tables?|views?|columns?|fields?|dashboards?|charts?|models?|metrics?|jobs?|"
    r"documents?|reports?|tables and views|views and tables)"
)
_ANYTHING = r"(?:anything|something|everything|things?|all|stuff|data|metadata|resources|assets)"
_AUX = r"(?:(?:that|which|is|are|has|have|had|was|were|got|get|gets|been|be|the|all|there|things|everything|schema|structural|any) )*"
_START = (
    rf"(?:(?:which|what|how many|show(?: me)?(?: the| all)?|list(?: the| all)?|find|any|(?:did|has|have|was|were|is|are)(?: there)?(?: been)? any|(?:the|all)) (?P<kind>{_KIND})"
    rf"|(?:what(?: all| else)?|{_ANYTHING}|(?:did|has|have|was|were|is|are)(?: there)?(?: been)?(?: {_ANYTHING})?|show(?: me)?|list|give me|any|tell me)"
    rf"|(?P<kind2>{_KIND}))"
)
_MEANS = {
    "add": "added", "new": "added", "creat": "added", "appear": "added", "came": "added", "disappear": "removed", "vanish": "removed",
    "remov": "removed", "drop": "removed", "delet": "removed", "gone": "removed", "retyp": "retyped",
    "redescrib": "redescribed", "redefin": "redefined", "rewritten": "redefined", "rekey": "rekeyed", "renam": "renamed",
}  # fmt: skip
_CHANGE = (
    r"(?:changed?|changes|modified|modifications?|altered|different|differences|happened|news?|added|additions?|created|appear(?:ed)?|removed|removals?|dropped"
    r"|deleted|deletions?|gone|disappear(?:ed)?|vanish(?:ed)?|retyped|redescribed|redefined|rewritten|rekeyed|renamed|renames|drifts?|drifted)"
)
_VAGUE = re.compile(r"chang|modif|alter|differ|happen|new|creat", re.I)
"""Words that people say of other things as well: only with a time or a place they ask for this."""
_PROPERTY = r"(?P<what>(?:data |column )?types?|descriptions?|comments?|documentation|(?:primary |foreign |unique )?keys?|(?:view )?definitions?|sql)"
_OF_PROPERTY = {"type": "retyped", "descr": "redescribed", "comment": "redescribed", "document": "redescribed", "key": "rekeyed"}  # fmt: skip
_CHANGED = re.compile(rf"(?:{_START} )?{_AUX}(?P<change>{_CHANGE})(?: (?P<kind3>{_KIND})| things)?", re.I)
_BECAME = re.compile(
    rf"(?:(?:which|what|show(?: me)?|list|did any|have any|any) )*(?:the )?(?P<kind>{_KIND}) {_AUX}(?:became|become|turned|made|changed to) (?P<change>required|mandatory|not null|non null|null|optional|nullable)",
    re.I,
)
_OTHER = (
    re.compile(
        rf"(?:(?:which|what|show(?: me)?|list|did any|have any|were any|any|the) )*{_PROPERTY}(?: of (?:the )?{_KIND})? {_AUX}(?:change[sd]?|updated|modified|different)",
        re.I,
    ),
    re.compile(
        rf"(?:(?:which|what|show(?: me)?|list|did any|have any) )*(?:the )?(?P<kind>{_KIND}) {_AUX}(?:change[sd]?|got)(?: (?:a|an|the|their|its|another|new|other|different))* {_PROPERTY}",
        re.I,
    ),
)
_ONE = re.compile(
    rf"(?:has|have|did|was|were|is) (?:the )?(?:table |view |column |schema )?(?P<in>(?!(?:{_ANYTHING}|any|there|it|we|you|i|{_KIND})\b)[\w$«»]+(?:\.[\w$«»]+)*) (?:been )?(?P<change>{_CHANGE})",
    re.I,
)
_STALE_WORD = r"(?:stale|out[ -]of[ -]date|outdated|obsolete|not (?:up[ -]to[ -]date|fresh|current)|not (?:been )?(?:synced|refreshed|synchroni[sz]ed))"
_STALE = re.compile(
    rf"(?:(?:which|what|show(?: me)?|list|find|give me|how many|is|are|do we have|have we got|there|any|all|the|our) )*(?:(?P<kind>{_KIND}|{_ANYTHING}|integrations?|sources?|data ?sources?|connections?|syncs?) )?"
    rf"(?:(?:that|which|is|are|was|were|have|has|looks?|may be|might be|could be|metadata) )*{_STALE_WORD}(?: (?P<kind2>{_KIND}|{_ANYTHING}|integrations?|sources?|data ?sources?|connections?))?",
    re.I,
)
_UPDATED = r"(?:updated|changed|modified|loaded|written(?: to)?|touched|filled)"
_IDLE = re.compile(
    rf"(?:(?:which|what|show(?: me)?|list|find|any|all|the|our|are there|do we have) )*(?P<kind>tables?|views?|tables and views|dashboards?|models?|data|datasets?) (?:(?:in|of|under) (?:the )?(?P<in>[\w$.]+)(?: schema| database)? )?(?:(?:that|which|have|has|had|is|are|was|were) )*"
    rf"(?:(?:not|never)(?: (?:been|being|got|get|gets))* {_UPDATED}|(?:no longer|not (?:any ?more|any longer)) (?:(?:being|been|get|gets|is|are) )*{_UPDATED}|stopped (?:being |getting )?(?:updated|changing|updating|loading|loaded|refreshing|refreshed))(?: (?:any ?more|any longer|at all))?",
    re.I,
)
_FAILED = re.compile(
    r"(?:(?:which|what|show(?: me)?|list|did|have|has|are|is|any|all|the|last) )*(?:failed syncs?|(?:integrations?|sources?|data ?sources?|connections?|syncs?) (?:(?:that|which|have|has|did|do|are|is|was|were|not) )*(?:fail|failed|failing|broken|run|ran|stopped|sync|synced)(?: to sync| syncing)?)",
    re.I,
)


def over_time(question: str) -> Asked | None:
    """What a question about changes or staleness asks; None where it is none."""
    if len(question) > LONGEST:
        return None
    time, rest = _without_time(re.sub(r"\bdrift report\b", "drift", question, flags=re.I))
    # "What changed recently" asks as well when the sources say that rows changed; another plan knows both.
    narrowed = bool(time) and not _OF_LATE.fullmatch(time)
    found = _read(rest, narrowed)
    if found is None:
        match = _PLACE.fullmatch(rest)
        if match is None:
            return None
        place = match.group("in")
        nowhere = _NOWHERE.fullmatch(place) is not None
        found = _read(match.group("core"), narrowed or not (nowhere or time))
        if found is not None and not nowhere:
            found[1].setdefault("in", _inner(place))
    if found is not None and time:
        found[1]["time"] = time
    return found


def _without_time(question: str) -> tuple[str, str]:
    match = _TIME.search(question)
    if match is None:
        return "", question
    rest = f"{question[: match.start()]} {question[match.end() :]}"
    return match.group().strip(), " ".join(rest.split())


def _read(rest: str, is_narrowed: bool) -> Asked | None:
    """`is_narrowed`: the question says a time or a place, so that vague words ask for changes too."""
    match = _IDLE.fullmatch(rest)
    if match:
        return "idle", _slots(match)
    for pattern in (_STALE, _FAILED):
        match = pattern.fullmatch(rest)
        if match:
            slots = _slots(match)
            return "stale", slots if pattern is _STALE else {"kind": "integration"}
    match = _BECAME.fullmatch(rest)
    if match:
        slots = _slots(match)
        said = slots["change"].lower()
        slots["change"] = "optional" if said in ("null", "optional", "nullable") else "required"
        return "changes", slots
    for pattern in _OTHER:
        match = pattern.fullmatch(rest)
        if match:
            slots = _slots(match)
            what = slots.pop("what").lower()
            slots["change"] = next(
                (change for word, change in _OF_PROPERTY.items() if word in what), "redefined"
            )
            return "changes", slots
    match = _CHANGED.fullmatch(rest) or _ONE.fullmatch(rest)
    if match is None:
        return None
    slots = _slots(match)
    said = slots.pop("change")
    if _VAGUE.match(said) and not is_narrowed and "in" not in slots:
        return None
    if slots.get("kind", "").lower() == "schema" and "schemas" not in rest.lower():
        del slots["kind"]  # "schema changes" are those of tables and columns
    means = next((change for word, change in _MEANS.items() if said.lower().startswith(word)), "")
    return "changes", slots | ({"change": means} if means else {})


def _slots(match: re.Match[str]) -> dict[str, str]:
    """Named groups; `kind2` and the like are other places of the same slot."""
    slots: dict[str, str] = {}
    for name, value in match.groupdict().items():
        if value and value.strip():
            slots.setdefault(name.rstrip("23"), value.strip())
    return slots


def _inner(place: str) -> str:
    """ "the sales schema of the warehouse" -> "sales schema"."""
    kept = re.sub(r"^(?:(?:the|our|my|this) )+", "", place, flags=re.I)
    return re.sub(r"^(.+? (?:schema|database|table|view)) (?:of|in) .+$", r"\1", kept, flags=re.I)
