"""A simple question about data as its parts: measure, subject, grouping, filters, order. No catalog is read here."""

# ruff: noqa: E501 - one pattern is one line

from __future__ import annotations

import re
from dataclasses import dataclass, field

from plugin.providers.builtin.phrases import singular

UNITS = ("hour", "day", "week", "month", "quarter", "year")
_LEAD = re.compile(
    r"^(?:(?:please )?(?:write|give me|show me|show|create|generate|build|make|get|get me|produce|need|i need|list|find|select|query|calculate|compute)"
    r"(?: me| us)? ?)?(?:(?:a|an|the|some) )?(?:(?:simple |plain )?(?:sql|select|query|queries|statement|sql query|sql statement|select statement)\b ?)*"
    r"(?:(?:to|for|that|which|of|with|so i can|:)\b ?)?(?:(?:gets?|returns?|shows?|lists?|finds?|selects?|calculates?|computes?|gives?|fetch(?:es)?|counts? up)\b ?)?(?:me )?(?:all )?(?:the )?",
    re.I,
)
_WHAT = re.compile(r"^(?:what (?:is|are|was|were)|which (?:is|are)|who (?:are|is)) (?:the |our )?", re.I)
_COUNT = re.compile(r"^(?:how many|number of|count of|count(?: the)?|amount of rows (?:in|of))(?: of)?(?: the)?(?P<distinct> (?:distinct|unique|different))? ", re.I)  # fmt: skip
_DISTINCT = re.compile(r"^(?:distinct|unique|different) (?P<rest>.+)$", re.I)
_AGGREGATES = (
    ("sum", r"(?:the )?(?:total|sum)(?: of)?(?: the| all)?|how much(?: is| was)?(?: the)?"),
    ("avg", r"(?:the )?(?:average|avg|mean)(?: of)?(?: the)?"),
    ("max", r"(?:the )?(?:maximum|max|highest|largest|biggest|greatest)(?: of)?(?: the)?"),
    ("min", r"(?:the )?(?:minimum|min|lowest|smallest)(?: of)?(?: the)?"),
)  # fmt: skip
_TOP = re.compile(r"^(?:the )?(?:top|first|best) (?P<n>\d+) (?P<rest>.+)$|^(?:the )?(?:top|best) (?P<rest2>\D.+ by .+)$", re.I)  # fmt: skip
_EXTREME = re.compile(r"^(?:the )?(?:(?P<n1>\d+) )?(?P<word>latest|newest|most recent|last|oldest|earliest) (?:(?P<n2>\d+) )?(?P<rest>.+)$", re.I)  # fmt: skip
_EARNED = re.compile(r"^how much (?:money |revenue )?(?:did|do|have|had) we (?P<verb>sell|sold|earn|earned|make|made|take in|turn over|spend|spent)(?: on| with| from| of)?\b", re.I)  # fmt: skip
_LARGEST = re.compile(r"^(?:the )?(?:(?P<n1>\d+) )?(?P<word>largest|biggest|highest|smallest|lowest|most expensive|cheapest) (?P<n2>\d+) (?P<rest>.+)$|^(?:the )?(?P<n3>\d+) (?P<word2>largest|biggest|highest|smallest|lowest|most expensive|cheapest) (?P<rest2>.+)$", re.I)  # fmt: skip
_GROUP = re.compile(r"\s+(?:per|by|for each|for every|in each|of each|grouped by|group by|broken down by|split by|each|across)(?: the)? (?P<group>[\w «»]+?)$", re.I)  # fmt: skip
_WHERE = re.compile(r"\s+(?:where|whose|for which|such that|with|which have|that have|have|has|having|without)(?: the| a| an)? (?P<where>.+)$", re.I)  # fmt: skip
_YEAR = re.compile(r"\s+(?:in|during|for|of) (?:the year )?(?P<year>(?:19|20)\d\d)$", re.I)
_PAST = re.compile(r"\s+(?:in|over|during|from|for|within)? ?(?:the )?(?P<word>last|past|previous) (?P<n>\d+)? ?(?P<unit>day|week|month|quarter|year)s?$", re.I)  # fmt: skip
_SINCE = re.compile(r"\s+(?P<word>since|after|before|until|from) (?P<date>\d{4}-\d\d-\d\d)$", re.I)
_FILLER = re.compile(r"\s+(?:are there|do we have|exist|did we have|have we had|were there|are in|there are|in total|overall|altogether|have we|we have|we got|got)$", re.I)  # fmt: skip

_OPERATORS = (
    ("between", r"(?:is |are |was |lies )?between (?P<v>.+?) and (?P<w>.+)"),
    ("not null", r"(?:is |are )?(?:not (?:null|empty|missing)|present|set|filled|known)"),
    ("null", r"(?:is |are )?(?:null|empty|missing|not set|unknown)"),
    (">=", r"(?:is |are )?(?:>=|at least|greater than or equal to|no less than) ?(?P<v>.+)"),
    ("<=", r"(?:is |are )?(?:<=|at most|less than or equal to|no more than|up to) ?(?P<v>.+)"),
    ("<>", r"(?:is |are |does |do )?(?:<>|!=|not equal to|not|is not) ?(?P<v>.+)"),
    (">", r"(?:is |are |was )?(?:>|greater than|more than|over|above|larger than|bigger than|higher than|after|later than) ?(?P<v>.+)"),
    ("<", r"(?:is |are |was )?(?:<|less than|under|below|smaller than|lower than|fewer than|before|earlier than) ?(?P<v>.+)"),
    ("contains", r"(?:contains?|containing|includes?|like|has) ?(?P<v>.+)"),
    ("starts", r"(?:starts?|starting|begins?|beginning) with ?(?P<v>.+)"),
    ("ends", r"(?:ends?|ending) (?:with|in) ?(?P<v>.+)"),
    ("=", r"(?:=|==|is|are|was|equals?|equal to|of|in|:) ?(?:equal to )?(?P<v>.+)"),
    ("=", r"(?P<v>.+)"),
)  # fmt: skip
_COMPILED_OPERATORS = [(name, re.compile(pattern, re.I)) for name, pattern in _OPERATORS]


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition. `words` begin with a column's name and end with operator and value; which is which is seen later."""

    words: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """The parts of a question about data."""

    measure: str
    """count, count distinct, sum, avg, max, min, rows or distinct."""
    subject: str
    """What is measured or listed: a table, a column, or both in a few words."""
    of: str = ""
    """The table, where the question says "<column> of <table>"."""
    group: str = ""
    unit: str = ""
    top: int | None = None
    descending: bool = True
    by: str = ""
    """What the top is measured by."""
    filters: tuple[Filter, ...] = ()
    year: int | None = None
    past: tuple[int, str] | None = None
    """The last so many days, weeks ..; 0 is the whole one before this: "last month" is the calendar's."""
    since: tuple[str, str] | None = None
    latest: bool = False
    implied: bool = False
    """Nobody said "count": "revenue by month" may mean a sum."""
    extra: tuple[str, ...] = field(default=())


def read_ask(question: str) -> Ask:
    """Take the question apart, from both ends inwards. What is not understood stays in `subject`."""
    text = _LEAD.sub("", question, count=1).strip() or question
    text = _WHAT.sub("", text).strip()
    text = _EARNED.sub(
        lambda m: f"total {'spend' if m['verb'].lower().startswith('sp') else 'revenue'}", text
    )
    text = re.sub(
        r"^(?:which|what) (?=\w+ (?:that |who |which )?(?:have|has|had|never|without|with)\b)",
        "",
        text,
        flags=re.I,
    )
    parts: dict[str, object] = {}
    text = _times(text, parts)
    # "how many customers have no email": the verb introduces a condition
    text = re.sub(
        r"\s+(?:that |who |which )?(?:have|has|had|with) no (\w+)$", r" where \1 null", text, flags=re.I
    )
    text = re.sub(
        r"\s+(?:that |who |which )?(?:have |has |had )?never (?:been )?(\w+)$",
        r" where \1 null",
        text,
        flags=re.I,
    )
    text = re.sub(r"\s+without (?:an? |any )?(\w+)$", r" where \1 null", text, flags=re.I)
    top, text = _top(text, parts)
    where = _WHERE.search(text)
    filters: tuple[Filter, ...] = ()
    if where:
        condition = where.group("where")
        late = _GROUP.search(condition)
        if late:
            parts["group"] = late.group("group")
            condition = condition[: late.start()]
        text = text[: where.start()]
        filters = tuple(Filter(tuple(each.split())) for each in _conditions(condition))
    text = _times(text, parts)
    group = str(parts.get("group") or "")
    found = _GROUP.search(text)
    if found and not group:
        group, text = found.group("group"), text[: found.start()]
    text = _times(_FILLER.sub("", text), parts)
    both = re.split(r"\s+(?:per|by|and|for each)\s+", group)
    times = [each for each in both if singular(each.lower()) in UNITS]
    if len(both) == 2 and len(times) == 1:  # "per channel per month"
        parts["unit"] = singular(times[0].lower())
        group = both[1 - both.index(times[0])]
    measure, subject = _measure(text)
    by = ""
    if top and group and measure == "rows":
        by, group = group, ""
    elif group and measure == "rows":
        measure, parts["implied"] = "count", True
    subject = _FILLER.sub("", _FILLER.sub("", subject)).strip()
    of = ""
    pair = re.fullmatch(r"(?P<a>.+?) (?:of|in|from|for|on) (?:the |all |our )?(?P<b>.+)", subject, re.I)
    if pair and measure != "count":
        subject, of = _FILLER.sub("", pair.group("a")), pair.group("b")
    elif pair and measure == "count":
        subject, of = pair.group("a"), pair.group("b")
        if re.fullmatch(r"rows|records|entries|lines", subject, re.I):
            subject, of = of, ""
    unit = (
        singular(group.lower())
        if singular(group.lower()) in UNITS
        else {"daily": "day", "monthly": "month"}.get(group.lower(), "")
    )
    return Ask(
        measure=measure,
        subject=_bare(subject),
        of=_bare(of),
        group="" if unit else _bare(group),
        unit=unit or str(parts.get("unit") or ""),
        top=top,
        descending=bool(parts.get("descending", True)),
        by=_bare(by),
        filters=filters,
        year=parts.get("year") if isinstance(parts.get("year"), int) else None,  # type: ignore[arg-type]
        past=parts.get("past"),  # type: ignore[arg-type]
        since=parts.get("since"),  # type: ignore[arg-type]
        latest=bool(parts.get("latest")),
        implied=bool(parts.get("implied")),
    )


def operator_of(words: str) -> tuple[str, str, str]:
    """The operator and its one or two values in what follows a column's name."""
    for name, pattern in _COMPILED_OPERATORS:
        match = pattern.fullmatch(words)
        if match:
            groups = match.groupdict()
            return name, (groups.get("v") or "").strip(), (groups.get("w") or "").strip()
    return "=", words, ""


def _measure(text: str) -> tuple[str, str]:
    match = _COUNT.match(text + " ")
    if match:
        rest = text[match.end() :].strip() if match.end() <= len(text) else ""
        return ("count distinct" if match.group("distinct") else "count"), rest or text
    for name, pattern in _AGGREGATES:
        found = re.match(rf"(?:{pattern})\s+(?P<rest>.+)$", text, re.I)
        if found:
            rest = found.group("rest")
            if name == "sum" and re.match(r"(?:number|count) of ", rest, re.I):
                return "count", re.sub(r"^(?:number|count) of ", "", rest, flags=re.I)
            return name, rest
    distinct = _DISTINCT.match(text)
    if distinct:
        return "distinct", distinct.group("rest")
    trailing = re.fullmatch(r"(?P<rest>.+?) (?P<word>count|counts|total|totals|average)", text, re.I)
    if trailing:
        word = trailing.group("word").lower()
        return (
            "count" if word.startswith("count") else "sum" if word.startswith("total") else "avg"
        ), trailing.group("rest")
    return "rows", text


def _top(text: str, parts: dict[str, object]) -> tuple[int | None, str]:
    found = _TOP.match(text)
    if found:
        return min(int(found.group("n") or 10), 1000), found.group("rest") or found.group("rest2")
    found = _LARGEST.match(text)
    if found:
        groups = found.groupdict()
        word = (groups["word"] or groups["word2"] or "").lower()
        parts["descending"] = word not in ("smallest", "lowest", "cheapest")
        number = groups["n1"] or groups["n2"] or groups["n3"]
        return min(int(number or 10), 1000), groups["rest"] or groups["rest2"] or ""
    found = _EXTREME.match(text)
    if found:
        parts["latest"] = True
        parts["descending"] = found.group("word").lower() not in ("oldest", "earliest")
        number = found.group("n1") or found.group("n2")
        return min(int(number), 1000) if number else (
            1 if not found.group("rest").endswith("s") else 10
        ), found.group("rest")
    return None, text


def _times(text: str, parts: dict[str, object]) -> str:
    year = _YEAR.search(text)
    if year:
        parts["year"] = int(year.group("year"))
        text = text[: year.start()]
    past = _PAST.search(text)
    if past:
        whole = past.group("n") is None and past.group("word").lower() != "past"
        parts["past"] = (0 if whole else int(past.group("n") or 1), past.group("unit").lower())
        text = text[: past.start()]
    since = _SINCE.search(text)
    if since:
        parts["since"] = (
            "<" if since.group("word").lower() in ("before", "until") else ">=",
            since.group("date"),
        )
        text = text[: since.start()]
    return text


def _conditions(text: str) -> list[str]:
    """Conditions joined by "and", but not the "and" of a "between"."""
    pieces = re.split(r"\s+and\s+(?:where |with |the )?", text, flags=re.I)
    out: list[str] = []
    for piece in pieces:
        if out and re.search(r"\bbetween\s+\S+$", out[-1], re.I):
            out[-1] += f" and {piece}"
        else:
            out.append(piece)
    return out


def _bare(text: str) -> str:
    kept = re.sub(r"^(?:the|a|an|all|our|my|any|every|each|table|column)\s+", "", text.strip(), flags=re.I)
    return re.sub(r"\s+(?:table|tables|column|data)$", "", kept, flags=re.I).strip()
