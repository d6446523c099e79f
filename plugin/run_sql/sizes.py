"""How large one value may get: functions that make much out of little (`repeat`, `lpad`, `space`) are bounded.

A count that is written as a number is refused beyond the bound. One that is computed is capped in the tree: NULL and
smaller counts stay what they are. A cap writes the count twice, so it must give the same both times and not be long.
One such call inside another multiplies, so the product is bounded too. A series in FROM may make `MAX_ROWS` rows where
its ends are written as numbers; what only the engine can see (joins, recursion) is stopped by its time and memory.
"""

from __future__ import annotations

import re

from sqlglot import exp

from plugin.run_sql.dialects import Engine
from plugin.run_sql.verdict import Refusal

MAX_COUNT = 10_000
MAX_ELEMENTS = 1_000_000
MAX_VALUE = 1_000_000
"""What calls that stand in each other may multiply to."""
MAX_GRAMS = 100
MAX_ROWS = 10_000_000
_MAX_NODES = 60
_IN_FROM = (exp.Table, exp.From, exp.Join, exp.Lateral, exp.TableFromRows)

_BY_KIND: dict[type[exp.Expr], str] = {
    exp.Repeat: "times", exp.Pad: "expression", exp.Space: "this", exp.Randstr: "this",
}  # fmt: skip
_BY_NAME = {
    "repeat": 1,
    "replicate": 1,
    "lpad": 1,
    "rpad": 1,
    "leftpad": 1,
    "rightpad": 1,
    "leftpadutf8": 1,
    "rightpadutf8": 1,
    "space": 0,
    "zeroblob": 0,
    "array_repeat": 1,
    "arraywithconstant": 0,
    "arrayresize": 1,
    "list_resize": 1,
    "array_resize": 1,
    "bitstring": 1,
    "stack": 0,
}
_VALUE_ARGUMENT = {"replace": 2, "regexp_replace": 2, "replaceall": 2, "replaceregexpall": 2}
"""Functions that put one of their arguments into the result again and again: which one."""
_GATHERING = frozenset(
    """string_agg group_concat listagg array_agg json_agg jsonb_agg json_arrayagg json_group_array grouparray
    list""".split()
)
"""Aggregates that put every row's value into one."""
_SERIES = frozenset({"range", "generate_series", "sequence", "generate_array", "array_generate_range"})
_ROWS = _SERIES | {"generateseries", "numbers", "numbers_mt", "zeros", "repeat_row"}
_FORMATS = frozenset({"printf", "format", "format_string"})
_FORMATTING = frozenset({"sqlite", "postgres", "duckdb", "bigquery", "trino", "databricks", "redshift"})
"""Engines where `format` reads a pattern, in which a width may stand."""
_WIDE = re.compile(r"\d{5}|\*")
_SAME_TWICE = (
    exp.Column, exp.Identifier, exp.Literal, exp.Binary, exp.Neg, exp.Paren, exp.Cast, exp.TryCast, exp.DataType,
    exp.Round, exp.Floor, exp.Ceil, exp.Length, exp.Least, exp.Greatest, exp.Abs, exp.Coalesce, exp.Max, exp.Min,
    exp.Sum, exp.Avg, exp.Count, exp.Star, exp.Case, exp.If, exp.Null, exp.Sign, exp.Sqrt, exp.Ln, exp.Log,
    exp.ToNumber, exp.StrPosition, exp.Window, exp.Order, exp.Ordered,
)  # fmt: skip


def check_size(node: exp.Expr, name: str, engine: Engine) -> None:
    """Bound what one call may make; may change the tree below `node`. Raises Refusal."""
    key = _BY_KIND.get(type(node))
    if isinstance(node, exp.Generator):
        _check_generator(node)
        return
    if name == "replicate" and engine.name == "tsql" and _is_text(node.this) and _is_computed(node, "times"):
        _check_nesting(node, MAX_COUNT)  # the engine itself cuts what is no varchar(max) at 8,000 bytes
        return
    if key is not None:
        count = node.args.get(key)
    elif name in _BY_NAME:
        given = node.expressions
        count = given[_BY_NAME[name]] if len(given) > _BY_NAME[name] else None
    elif name == "printf" or (name in _FORMATS and engine.name in _FORMATTING):
        _check_format(node, name)
        return
    elif name == "bar":
        _check_bar(node)
        return
    elif name == "ngrams":
        _check_grams(node)
        return
    elif name == "generate_timestamp_array":
        _check_steps(node)
        return
    elif name == "array_fill":
        _check_fill(node)
        return
    elif name in _ROWS and isinstance(node.parent, _IN_FROM):
        _check_rows(node, name)
        return
    elif name in _SERIES:
        _check_series(node, name)
        return
    else:
        return
    if isinstance(count, exp.Expr):
        made = _bound(count, name or type(node).__name__.lower())
        _check_nesting(node, made)


def _is_computed(node: exp.Expr, key: str) -> bool:
    count = node.args.get(key)
    return isinstance(count, exp.Expr) and _number(count) is None


def _is_text(given: object) -> bool:
    return isinstance(given, exp.Literal) and bool(given.is_string) and len(given.name) < 8000


def _number(node: exp.Expr) -> float | None:
    if isinstance(node, exp.Kwarg) and isinstance(node.expression, exp.Expr):
        return _number(node.expression)
    if isinstance(node, exp.Neg):
        return -1.0 if _number(node.this) is not None else None
    if isinstance(node, exp.Literal):
        try:
            return float(node.name)
        except ValueError:
            return None
    return None


def _bound(count: exp.Expr, name: str) -> float:
    """The most that a call with this count makes; a count that is computed is capped in the tree."""
    number = _number(count)
    if number is not None:
        if number > MAX_COUNT:
            raise Refusal("size", f"{name} may make at most {MAX_COUNT} at once")
        return number
    for seen, each in enumerate(count.walk()):
        if seen > _MAX_NODES or not isinstance(each, _SAME_TWICE):
            raise Refusal(
                "size", f"the count of {name} must be a number of at most {MAX_COUNT} or simple arithmetic"
            )
    if _capped(count):
        return MAX_COUNT
    most = exp.Literal.number(MAX_COUNT)
    count.replace(
        exp.Case(
            ifs=[exp.If(this=exp.GT(this=exp.Paren(this=count.copy()), expression=most), true=most.copy())],
            default=exp.Paren(this=count.copy()),
        )
    )
    return MAX_COUNT


def _check_nesting(node: exp.Expr, made: float) -> None:
    """Refuse where what this call makes is made again by a call around it. Calls are looked at from the outside in, so
    those around are bounded already."""
    product = max(made, 1.0)
    inner, outer = node, node.parent
    while isinstance(outer, exp.Expr) and not isinstance(outer, exp.Query):
        if isinstance(outer, exp.Func):
            product *= _times(outer, inner)
            if product > MAX_VALUE:
                raise Refusal("size", f"calls that stand in each other may make at most {MAX_VALUE} at once")
        inner, outer = outer, outer.parent


def _times(call: exp.Expr, inner: exp.Expr) -> float:
    """How often `call` may put what stands in `inner` into its result."""
    name = str(call.meta.get("name") or call.name).lower()
    key = _BY_KIND.get(type(call))
    if isinstance(call, (exp.GroupConcat, exp.ArrayAgg)) or name in _GATHERING:
        return MAX_COUNT
    if isinstance(call, exp.Replace):
        return MAX_COUNT if inner is call.args.get("replacement") else 1
    if isinstance(call, exp.RegexpReplace):
        return MAX_COUNT if inner is call.args.get("replacement") else 1
    if name in _VALUE_ARGUMENT:
        given = call.expressions
        at = _VALUE_ARGUMENT[name]
        return MAX_COUNT if len(given) > at and given[at] is inner else 1
    if isinstance(call, (exp.Pad, exp.Space)) or name in ("leftpad", "rightpad", "lpad", "rpad"):
        return 1  # its count is the length of what comes out, whatever goes in
    if key is not None:
        count = call.args.get(key)
    elif name in _BY_NAME and len(call.expressions) > _BY_NAME[name]:
        count = call.expressions[_BY_NAME[name]]
    else:
        return 1
    if count is inner or not isinstance(count, exp.Expr):
        return 1
    number = _number(count)
    return max(1.0, MAX_COUNT if number is None else number)


def _check_fill(node: exp.Expr) -> None:
    product = 1.0
    for each in (node.expressions[1].expressions if len(node.expressions) > 1 else ()) or (exp.Null(),):
        number = _number(each)
        if number is None:
            raise Refusal("size", "the sizes of array_fill must be a list of numbers")
        product *= max(number, 1.0)
    if product > MAX_ELEMENTS:
        raise Refusal("size", f"array_fill may make a list of at most {MAX_ELEMENTS} elements")


def _check_bar(node: exp.Expr) -> None:
    if len(node.expressions) < 4:  # bar(x, from, to): 80 wide
        return
    width = node.expressions[-1]
    number = _number(width) if isinstance(width, exp.Expr) else None
    if number is None or number > MAX_COUNT:
        raise Refusal("size", f"the width of bar must be a number of at most {MAX_COUNT}")


def _check_grams(node: exp.Expr) -> None:
    number = _number(node.expressions[-1]) if node.expressions else None
    if number is None or number > MAX_GRAMS:
        raise Refusal("size", f"the length of ngrams must be a number of at most {MAX_GRAMS}")


def _check_steps(node: exp.Expr) -> None:
    unit = next((each for each in node.find_all(exp.Interval)), None)
    word = unit.args.get("unit") if unit is not None else None
    if isinstance(word, exp.Expr) and word.name.upper() in ("MICROSECOND", "MILLISECOND", "NANOSECOND"):
        raise Refusal("size", "GENERATE_TIMESTAMP_ARRAY steps by seconds or more")


def _check_generator(node: exp.Expr) -> None:
    if node.args.get("timelimit") is not None:
        raise Refusal("size", "GENERATOR takes ROWCOUNT here, a time to run is refused")
    count = node.args.get("rowcount")
    number = _number(count) if isinstance(count, exp.Expr) else None
    if number is None or number > MAX_ROWS:
        raise Refusal("size", f"the ROWCOUNT of GENERATOR must be a number of at most {MAX_ROWS}")


def _check_rows(node: exp.Expr, name: str) -> None:
    """A series in FROM whose ends (and step) are written as numbers."""
    numbers = []
    for value in node.args.values():
        for each in value if isinstance(value, list) else (value,):
            if isinstance(each, exp.Expr):
                if isinstance(each, exp.Literal) and each.is_string:
                    return
                numbers.append(_signed(each))
    first, *rest = numbers or [None]
    if first is None or None in rest[:2]:
        found = max((number for number in numbers if number is not None), default=0.0)
    elif not rest or name.startswith(("numbers", "zeros")):
        found = rest[0] if rest and rest[0] is not None else first
    else:
        last, step = rest[0], rest[1] if len(rest) > 1 else 1.0
        found = abs((last or 0.0) - first) / abs(step or 1.0)
    if found > MAX_ROWS:
        raise Refusal("size", f"{name} may make at most {MAX_ROWS} rows")


def check_connect(node: exp.Expr) -> None:
    """CONNECT BY LEVEL <= number: as many rows. Raises Refusal."""
    ends = (exp.Prior, exp.LTE, exp.LT, exp.Between)
    if not any(isinstance(each, ends) or _ends_with_the_text(each) for each in node.walk()):
        raise Refusal("size", "CONNECT BY must end: compare LEVEL with a number, or use PRIOR")
    for each in node.find_all(exp.LTE, exp.LT):
        number = _number(each.expression)
        if number is not None and number > MAX_ROWS:
            raise Refusal("size", f"CONNECT BY may make at most {MAX_ROWS} rows here")


def _ends_with_the_text(node: exp.Expr) -> bool:
    """REGEXP_SUBSTR(text, pattern, 1, LEVEL) IS NOT NULL: a text has as many matches as characters."""
    if not isinstance(node, exp.Not) or not isinstance(node.this, exp.Is):
        return False
    if not isinstance(node.parent, exp.Connect):  # under an OR or a NOT it need not end
        return False
    found, nothing = node.this.this, node.this.expression
    if not isinstance(found, exp.Anonymous) or found.name.upper() != "REGEXP_SUBSTR":
        return False
    occurrence = [each.sql().upper() for each in found.expressions[3:4]]
    return isinstance(nothing, exp.Null) and occurrence == ["LEVEL"]


def _signed(node: exp.Expr) -> float | None:
    if isinstance(node, exp.Neg):
        number = _number(node.this)
        return None if number is None else -number
    return _number(node)


def _capped(count: exp.Expr) -> bool:
    """Is this what a cap looks like, so that a text that was rendered once is not capped again?"""
    if not isinstance(count, exp.Case) or count.this is not None or len(count.args.get("ifs") or ()) != 1:
        return False
    test = count.args["ifs"][0]
    most = _number(test.args.get("true") or exp.Null())
    return (
        isinstance(test.this, exp.GT)
        and test.this.this == count.args.get("default")
        and most is not None
        and _number(test.this.expression) == most <= MAX_COUNT
    )


def _check_format(node: exp.Expr, name: str) -> None:
    pattern = node.this if isinstance(node.this, exp.Expr) else next(iter(node.expressions), None)
    if not isinstance(pattern, exp.Literal):
        raise Refusal("size", f"the pattern of {name} must be a text that is written in the statement")
    if _WIDE.search(pattern.name):
        raise Refusal("size", f"the pattern of {name} may not hold a width of five digits or *")


def _check_series(node: exp.Expr, name: str) -> None:
    for value in node.args.values():
        for each in value if isinstance(value, list) else (value,):
            number = _number(each) if isinstance(each, exp.Expr) else None
            if number is not None and number > MAX_ELEMENTS and not each.is_string:
                raise Refusal("size", f"{name} may make a list of at most {MAX_ELEMENTS} elements")
