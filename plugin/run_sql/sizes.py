"""How large one value may get: functions that make much out of little (`repeat`, `lpad`, `space`) are bounded.

A count that is written as a number is refused beyond the bound. One that is computed is capped in the tree: NULL and
smaller counts stay what they are. A cap writes the count twice, so it must give the same both times and not be long.
"""

from __future__ import annotations

import re

from sqlglot import exp

from plugin.run_sql.dialects import Engine
from plugin.run_sql.verdict import Refusal

MAX_COUNT = 10_000
MAX_ELEMENTS = 1_000_000
_MAX_NODES = 60

_BY_KIND: dict[type[exp.Expr], str] = {exp.Repeat: "times", exp.Pad: "expression", exp.Space: "this"}
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
}
_SERIES = frozenset({"range", "generate_series", "sequence", "generate_array", "array_generate_range"})
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
    if key is not None:
        count = node.args.get(key)
    elif name in _BY_NAME:
        given = node.expressions
        count = given[_BY_NAME[name]] if len(given) > _BY_NAME[name] else None
    elif name in _FORMATS and engine.name in _FORMATTING:
        _check_format(node, name)
        return
    elif name in _SERIES and not isinstance(node.parent, (exp.Table, exp.From, exp.Join, exp.Lateral)):
        _check_series(node, name)
        return
    else:
        return
    if isinstance(count, exp.Expr):
        _bound(count, name or type(node).__name__.lower())


def _number(node: exp.Expr) -> float | None:
    if isinstance(node, exp.Neg):
        return -1.0 if _number(node.this) is not None else None
    if isinstance(node, exp.Literal):
        try:
            return float(node.name)
        except ValueError:
            return None
    return None


def _bound(count: exp.Expr, name: str) -> None:
    number = _number(count)
    if number is not None:
        if number > MAX_COUNT:
            raise Refusal("size", f"{name} may make at most {MAX_COUNT} at once")
        return
    for seen, each in enumerate(count.walk()):
        if seen > _MAX_NODES or not isinstance(each, _SAME_TWICE):
            raise Refusal(
                "size", f"the count of {name} must be a number of at most {MAX_COUNT} or simple arithmetic"
            )
    if _capped(count):
        return
    most = exp.Literal.number(MAX_COUNT)
    count.replace(
        exp.Case(
            ifs=[exp.If(this=exp.GT(this=exp.Paren(this=count.copy()), expression=most), true=most.copy())],
            default=exp.Paren(this=count.copy()),
        )
    )


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
