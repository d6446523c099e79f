"""Blind analytics: the small language in which a model writes an answer about rows that it never sees.

The model knows the names and types of a result's columns. It writes `{{r1.first.total|money EUR}}`, and the value is
put in on the server, for the asker's page only. The language is total: every text gives segments, nothing raises; a
placeholder that cannot be understood stands there as it was written, marked unknown, never as a guess. A value that
is missing is "no value", a result without rows "no rows". docs/blind-analytics.md is the reference. One file because
a language is read as a whole: its grammar, its words and how each is bound.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Context, Decimal, InvalidOperation
from typing import Any, Literal

from plugin.run_sql.cells import is_number, shown
from plugin.run_sql.results import Result

NO_VALUE = "no value"
NO_ROWS = "no rows"
CHARTS = ("bar", "line", "area", "scatter", "pie", "number", "table")

_PLACEHOLDER = re.compile(r"\{\{((?:[^{}]|\{(?!\{)|\}(?!\})|\{\{[^{}]{0,200}\}\}){0,500}?)\}\}")
_RESULT = re.compile(r"(r[1-9][0-9]{0,3})\.(.+)", re.DOTALL)
_AGGREGATES = ("sum", "min", "max", "avg", "count", "distinct")


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a bound answer.

    `kind` text: `text` as the model wrote it. value: `text` is local and must not leave the page. table: show
    `result`. chart: draw `chart`. unknown: `text` is the placeholder as written. `source` is the placeholder.
    """

    kind: Literal["text", "value", "table", "chart", "unknown"]
    text: str = ""
    result: str = ""
    chart: Mapping[str, Any] | None = None
    source: str = ""
    why: str = ""


class _Unknown(Exception):
    """This placeholder means nothing; the text says why, for the title of the mark."""


def bind(text: str, results: Mapping[str, Result]) -> list[Segment]:
    """Cut `text` into segments and fill in values. `results` maps r1, r2, ... to the asker's own results."""
    segments: list[Segment] = []
    position = 0
    for match in _PLACEHOLDER.finditer(text):
        if match.start() > position:
            segments.append(Segment("text", text[position : match.start()]))
        segments.append(_bind_one(match[0], match[1].strip(), results))
        position = match.end()
    if position < len(text) or not segments:
        segments.append(Segment("text", text[position:]))
    return segments


def bind_text(text: str, results: Mapping[str, Result]) -> str:
    """The same as plain text, for a terminal; tables and charts become a note."""
    parts = []
    for segment in bind(text, results):
        if segment.kind == "table":
            parts.append(f"[table {segment.result}]")
        elif segment.kind == "chart":
            parts.append(f"[chart of {segment.result}]")
        else:
            parts.append(segment.text)
    return "".join(parts)


def names_used(text: str) -> tuple[str, ...]:
    """The results that a text refers to, in order."""
    found: dict[str, None] = {}
    for match in _PLACEHOLDER.finditer(text):
        inner = _RESULT.match(match[1].strip())
        if inner:
            found[inner[1]] = None
    return tuple(found)


def _bind_one(source: str, inner: str, results: Mapping[str, Result]) -> Segment:
    try:
        if "{{" in inner:
            raise _Unknown("a placeholder may not stand in another")
        match = _RESULT.fullmatch(inner)
        if match is None:
            raise _Unknown("it does not start with a result such as r1")
        name, rest = match[1], match[2].strip()
        result = results.get(name)
        if result is None:
            raise _Unknown(f"there is no result {name} in this session")
        if rest == "table":
            return Segment("table", result=name, source=source)
        if rest.startswith("chart(") and rest.endswith(")"):
            return Segment("chart", result=name, chart=_chart(rest[6:-1], result), source=source)
        if rest.startswith("compare(") and rest.endswith(")"):
            return Segment("value", _compare(rest[8:-1], result), result=name, source=source)
        path, *styles = _split(rest, "|")
        value = _value(path, result)
        return Segment("value", _styled(value, "|".join(styles), result), result=name, source=source)
    except _Unknown as error:
        return Segment("unknown", source, source=source, why=str(error))
    except (ValueError, ArithmeticError, TypeError, OverflowError):
        return Segment("unknown", source, source=source, why="its value cannot be worked out")


# --- values ----------------------------------------------------------------------------------------------------


def _value(path: str, result: Result) -> Any:
    """The value behind `rows`, `first.x`, `last.x`, `row(3).x`, `sum.x` and the like."""
    if path == "rows":
        return result.rows
    head, _, column = path.partition(".")
    head = head.strip()
    if not column:
        raise _Unknown(f"{path!r} is not a value of a result")
    index = result.position(_unquoted(column.strip()))
    if index is None:
        raise _Unknown(f"the result has no column {column.strip()!r}")
    if head in ("first", "last"):
        if result.rows == 0:
            return _Empty
        return result.page(0 if head == "first" else result.rows - 1, 1)[0][index]
    picked = re.fullmatch(r"row\(([1-9][0-9]{0,8})\)", head)
    if picked:
        number = int(picked[1])
        if result.rows == 0:
            return _Empty
        if number > result.rows:
            return None
        return result.page(number - 1, 1)[0][index]
    if head in _AGGREGATES:
        return _aggregate(head, index, result)
    raise _Unknown(f"{head!r} is not rows, first, last, row(n), sum, min, max, avg, count or distinct")


class _Empty:
    """Stands for a value of a result that has no rows."""


def _aggregate(kind: str, index: int, result: Result) -> Any:
    key = (kind, index)
    if key not in result.cached:
        if kind == "distinct":
            result.cached[key] = _distinct(index, result)
        else:
            result.cached.update(_aggregates(index, result))
    return result.cached[key]


def _distinct(index: int, result: Result) -> int:
    """How many different values, in several passes where there are many rows, so that memory stays small."""
    passes = result.rows // 1_000_000 + 1
    found = 0
    for each in range(passes):
        seen: set[int] = set()
        for row in result:
            value = row[index]
            if value is None:
                continue
            mark = hash(value) if value != -1 else 0x5BD1E995  # hash(-1) is hash(-2)
            if mark % passes == each:
                seen.add(mark)
        found += len(seen)
    return found


def _aggregates(index: int, result: Result) -> dict[tuple[str, int], Any]:
    count = 0
    numbers = 0
    total = Decimal(0)
    inexact = 0.0
    exact = True
    least: Any = None
    most: Any = None
    comparable = True
    undefined = False
    for row in result:
        value = row[index]
        if value is None:
            continue
        count += 1
        if value != value:  # NaN: it is less and greater than nothing, and any sum with it is NaN
            numbers += 1
            undefined = True
            continue
        if is_number(value):
            numbers += 1
            if isinstance(value, float):
                exact = False
            if exact:
                total += Decimal(value)
            inexact += float(value)
        if comparable:
            try:
                least = value if least is None or value < least else least
                most = value if most is None or value > most else most
            except TypeError:
                comparable = False
    if undefined:
        return {
            (kind, index): count if kind == "count" else None
            for kind in ("count", "sum", "avg", "min", "max")
        }
    summed: Any = None
    if numbers and numbers == count:
        summed = total if exact else inexact
    empty = _Empty if result.rows == 0 else None
    average = summed
    if summed is not None:
        average = _MEAN.divide(summed, Decimal(count)) if exact else summed / count
    return {
        ("count", index): count,
        ("sum", index): summed if summed is not None else empty if count == 0 else _NotNumbers,
        ("avg", index): average if average is not None else empty if count == 0 else _NotNumbers,
        ("min", index): (least if comparable else _NotNumbers) if count else empty,
        ("max", index): (most if comparable else _NotNumbers) if count else empty,
    }


_MEAN = Context(prec=18)
"""Digits of a mean: a third has no end, and nobody reads 28 of them."""


class _NotNumbers:
    """Stands for an aggregate of values that have none."""


def _plain(value: Any) -> Any:
    if value is _NotNumbers:
        raise _Unknown("the column does not hold numbers")
    return value


# --- wording ---------------------------------------------------------------------------------------------------


def _compare(arguments: str, result: Result) -> str:
    """`compare(first.total, last.total, "rose", "fell", "stayed the same")`: which word fits going from a to b."""
    given = _arguments(arguments)
    if len(given) not in (5, 6):
        raise _Unknown("compare needs two values and three words")
    sides: list[Any] = []
    for text in given[:2]:
        number = _number(text)
        sides.append(number if number is not None else _plain(_value(text, result)))
    before, after = sides
    words = [_unquoted(word) for word in given[2:]]
    if before is _Empty or after is _Empty:
        return words[3] if len(words) == 4 else NO_ROWS
    if before is None or after is None:
        return words[3] if len(words) == 4 else NO_VALUE
    if is_number(before) and is_number(after):
        before, after = _decimal(before), _decimal(after)
        if before.is_nan() or after.is_nan():
            return words[3] if len(words) == 4 else NO_VALUE
    elif type(before) is not type(after):
        raise _Unknown("the two values cannot be compared")
    return words[0] if after > before else words[1] if after < before else words[2]


def _styled(value: Any, style: str, result: Result) -> str:
    value = _plain(value)
    if value is _Empty:
        return NO_ROWS
    if value is None:
        return NO_VALUE
    if not style:
        return shown(value) if not isinstance(value, float) else _trimmed(value)  # type: ignore[return-value]
    name, _, detail = style.partition(" ")
    detail = detail.strip()
    if name in ("number", "percent", "money"):
        if not is_number(value):
            try:
                value = Decimal(str(value))
            except InvalidOperation as error:
                raise _Unknown(f"|{name} needs a number") from error
        number = _decimal(value)
        if not number.is_finite():
            return NO_VALUE
        if name == "percent":
            return _grouped(number * 100, _places(detail, 1)) + " %"
        if name == "money":
            currency = detail.split(" ")[0] if detail else ""
            if currency and not re.fullmatch(r"[A-Z]{3}", currency):
                raise _Unknown("|money needs a currency of three letters")
            return (_grouped(number, 2) + " " + currency).strip()
        return _grouped(number, _places(detail, None))
    if name == "date":
        return _date(value)
    if name == "text":
        return str(shown(value))
    raise _Unknown(f"|{name} is not number, percent, money, date or text")


def _places(detail: str, default: int | None) -> int | None:
    if not detail:
        return default
    if not re.fullmatch(r"[0-9]", detail):
        raise _Unknown("the number of places must be one digit")
    return int(detail)


def _grouped(number: Decimal, places: int | None) -> str:
    if places is None:
        rounded = round(number, 2)
        text = f"{rounded:,f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{round(number, places):,.{places}f}"


def _trimmed(value: float) -> str:
    return f"{value:.15g}"


def _date(value: Any) -> str:
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    try:
        return datetime.fromisoformat(str(value)).date().isoformat()
    except ValueError as error:
        raise _Unknown("|date needs a date") from error


def _decimal(value: Any) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))


def _number(text: str) -> Decimal | None:
    return Decimal(text) if re.fullmatch(r"-?[0-9]{1,30}(\.[0-9]{1,30})?", text) else None


# --- charts ----------------------------------------------------------------------------------------------------


def _chart(arguments: str, result: Result) -> dict[str, Any]:
    """A fixed JSON schema: type, x, y (a list of columns), series, title. Columns must be the result's own."""
    given = _arguments(arguments)
    if not given or given[0] not in CHARTS:
        raise _Unknown(f"a chart is one of {', '.join(CHARTS)}")
    chart: dict[str, Any] = {"type": given[0], "x": None, "y": [], "series": None, "title": ""}
    for argument in given[1:]:
        key, equals, text = argument.partition("=")
        key, text = key.strip(), text.strip()
        if not equals or key not in ("x", "y", "series", "title"):
            raise _Unknown("a chart takes x=, y=, series= and title=")
        if key == "title":
            chart["title"] = _unquoted(text)[:200]
            continue
        names = [_known(each, result) for each in _split(text, "+")]
        if key == "y":
            chart["y"] = names
        elif len(names) == 1:
            chart[key] = names[0]
        else:
            raise _Unknown(f"{key}= takes one column")
    if chart["type"] != "table" and not chart["y"]:
        raise _Unknown("a chart needs y=")
    if chart["type"] not in ("table", "number") and chart["x"] is None:
        raise _Unknown("this chart needs x=")
    chart["time"] = chart["x"] is not None and _is_time(chart["x"], result)
    return chart


def _known(text: str, result: Result) -> str:
    index = result.position(_unquoted(text.strip()))
    if index is None:
        raise _Unknown(f"the result has no column {text.strip()!r}")
    return result.columns[index].name


def _is_time(name: str, result: Result) -> bool:
    index = result.position(name)
    if index is None:
        return False
    type_ = result.columns[index].type.lower()
    if "date" in type_ or "time" in type_:
        return True
    for row in result.page(0, 20):
        value = row[index]
        if value is None:
            continue
        if isinstance(value, (date, datetime)):
            return True
        return isinstance(value, str) and bool(re.fullmatch(r"\d{4}-\d{2}(-\d{2}.*)?", value))
    return False


# --- reading ---------------------------------------------------------------------------------------------------


def _arguments(text: str) -> list[str]:
    return _split(text, ",") if text.strip() else []


def _split(text: str, sign: str) -> list[str]:
    """Cut at each `sign` outside quotes."""
    parts: list[str] = []
    current: list[str] = []
    quote = ""
    for character in text:
        if quote:
            current.append(character)
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
            current.append(character)
        elif character == sign:
            parts.append("".join(current).strip())
            current = []
        else:
            current.append(character)
    if quote:
        raise _Unknown("a quote is not closed")
    parts.append("".join(current).strip())
    return parts


def _unquoted(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'`":
        return text[1:-1]
    return text
