"""What a metric or a saved query of dbt's semantic layer is made of, as one line for people.

Expressions and filters are written by people and quote values (`status = 'lost'`): every literal and comment of them is
masked here, since no parser of SQL reads what has Jinja in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from connectors.dbt_artifacts import objects

Node = Mapping[str, Any]
_JINJA = re.compile(
    r"\{\{\s*(?:Time)?(?:Dimension|Entity|Metric)\(\s*['\"]([\w.]+)['\"]\s*(?:,\s*['\"](\w+)['\"]\s*)?[^{}]*\}\}"
)
_CALL = re.compile(
    r"^\s*(?:Time)?(?:Dimension|Entity)\(\s*['\"]([\w.]+)['\"]\s*(?:,\s*['\"](\w+)['\"]\s*)?\)\s*$"
)
_LITERAL = re.compile(
    r"""--[^\n]*|/\*.*?(?:\*/|\Z)|(\$\w*\$).*?(?:\1|\Z)|'(?:[^'\\]|''|\\.)*(?:'|\Z)|"(?:[^"\\]|""|\\.)*(?:"|\Z)|\{\{.*?(?:\}\}|\Z)|\{%.*?(?:%\}|\Z)"""
    r"""|(?<![\w.])\d[\w.]*""",
    re.DOTALL,
)
UNITS = {
    "second": ("PT", "S"),
    "minute": ("PT", "M"),
    "hour": ("PT", "H"),
    "day": ("P", "D"),
    "week": ("P", "W"),
    "month": ("P", "M"),
    "quarter": ("P", "M"),
    "year": ("P", "Y"),
}


class Measures:
    """The measures of a project's semantic models, by name."""

    def __init__(self, semantic_models: Iterable[Node]) -> None:
        self._of: dict[str, str] = {}
        for model in semantic_models:
            for each in objects(model.get("measures")):
                self._of[str(each.get("name"))] = _call(each.get("agg"), each.get("expr") or each.get("name"))

    def formula(self, metric: Node) -> str | None:
        """How a metric is computed, literals masked; None where the manifest does not say."""
        made = self._made(metric)
        filters = [masked(str(each)) for each in _filters(metric.get("filter"))]
        return made and made + "".join(f", where {each}" for each in filters)

    def _made(self, metric: Node) -> str | None:
        given: Node = metric.get("type_params") or {}
        kind = metric.get("type")
        if metric.get("calculation_method"):  # before manifest v10
            return _call(metric["calculation_method"], metric.get("expression"))
        if kind == "ratio" and given.get("numerator") and given.get("denominator"):
            return f"{_input(given['numerator'])} / {_input(given['denominator'])}"
        if kind == "derived" and given.get("expr"):
            inputs = [each for each in given.get("metrics") or () if each.get("alias") or _shift(each)]
            told = [f"{each.get('alias') or each['name']} is {_input(each)}" for each in inputs]
            return masked(str(given["expr"])) + (f", where {' and '.join(told)}" if told else "")
        if kind == "conversion" and given.get("conversion_type_params"):
            both = given["conversion_type_params"]
            pair = [self._measure(both.get(each)) for each in ("base_measure", "conversion_measure")]
            return f"conversion of {pair[0]} to {pair[1]}" if all(pair) else None
        own = given.get("metric_aggregation_params") or {}
        made = self._measure(given.get("measure"))
        if made is None and own.get("agg"):
            made = _call(own["agg"], own.get("expr") or given.get("expr") or metric["name"])
        more: Node = {**given, **(given.get("cumulative_type_params") or {})}
        if made and kind == "cumulative":
            grain = more.get("grain_to_date")
            window = _span(more.get("window"))
            made += (
                f", cumulative over {window}"
                if window
                else f", cumulative by {grain}"
                if grain
                else ", cumulative"
            )
        return made

    def _measure(self, said: Any) -> str | None:
        name = said.get("name") if isinstance(said, Mapping) else said
        if not isinstance(name, str):
            return None
        filters = _filters(said.get("filter")) if isinstance(said, Mapping) else []
        return self._of.get(name, name) + "".join(f" where {masked(str(each))}" for each in filters)


def asked(query: Node) -> str | None:
    """What a saved query asks for: its metrics, what it groups them by, its filters with literals masked."""
    given: Node = query.get("query_params") or {}
    said = [", ".join(str(each) for each in given.get("metrics") or ())]
    by = [_named(str(each)) for each in given.get("group_by") or ()]
    said += [f"by {', '.join(by)}"] if by else []
    said += [f"where {masked(str(each))}" for each in _filters(given.get("where"))]
    return " ".join(each for each in said if each) or None


def masked(expression: str) -> str:
    """An expression on one line without its literals and comments, dimensions by their names."""
    plain = _JINJA.sub(lambda found: "__".join(part for part in found.groups() if part), expression)
    plain = _LITERAL.sub(lambda found: " " if found[0][:2] in ("--", "/*") else "?", plain)
    return " ".join(plain.split())


def _named(dimension: str) -> str:
    found = _CALL.match(dimension)
    return "__".join(part for part in found.groups() if part) if found else masked(dimension)


def _call(function: Any, expression: Any) -> str:
    return f"{function or 'value'}({masked(str(expression or ''))})"


def _input(said: Any) -> str:
    if not isinstance(said, Mapping):
        return str(said)
    filters = "".join(f" where {masked(str(each))}" for each in _filters(said.get("filter")))
    return f"{said['name']}{_shift(said)}{filters}"


def _shift(said: Node) -> str:
    if window := _span(said.get("offset_window")):
        return f", {window} earlier"
    return f" at the start of the {said['offset_to_grain']}" if said.get("offset_to_grain") else ""


def _span(window: Any) -> str | None:
    """A window as ISO 8601 has it (P7D): a bare number beside a word would be masked as a literal of the formula."""
    if isinstance(window, str):  # before manifest v12: "7 days"
        count, _, grain = window.partition(" ")
    elif isinstance(window, Mapping):
        count, grain = str(window.get("count")), str(window.get("granularity"))
    else:
        return None
    before, unit = UNITS.get(grain.lower().removesuffix("s"), ("", ""))
    number = int(count) * (3 if grain.lower().startswith("quarter") else 1) if count.isdecimal() else 0
    return f"{before}{number}{unit}" if number and unit else grain


def _filters(said: Any) -> list[Any]:
    """The conditions of a filter, as each version of the manifest writes them."""
    if not said:
        return []
    if isinstance(said, Mapping):
        said = said.get("where_filters") or said.get("where_sql_template") or ()
    each = [said] if isinstance(said, str) else list(said)
    return [one.get("where_sql_template") if isinstance(one, Mapping) else one for one in each if one]
