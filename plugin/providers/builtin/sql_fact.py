"""The table that a measure is summed over, found from what it is grouped by: "revenue per product category"."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from plugin.providers.builtin.phrases import words_of
from plugin.providers.builtin.sql_columns import NUMBER, column_for
from plugin.providers.builtin.sql_parse import Ask
from plugin.providers.builtin.talk import Given, Thing, Want, rows_of, things

MEASURES = frozenset(
    "revenue sale turnover income spend spending amount total cost value money discount quantity".split()
)
_READ = 12


def earned(table: Thing, measure: str) -> list[str]:
    """Quantity and price of a table of lines, for what was sold; nothing where it has not both."""
    if not set(words_of(measure)) & {"revenue", "sale", "turnover"}:
        return []
    numbers = [str(each["name"]) for each in table.columns if NUMBER.search(str(each.get("type", "")))]
    found = [next((name for name in numbers if each in words_of(name)), "") for each in ("quantity", "price")]
    return found if all(found) else []


def fact_for(ask: Ask) -> Generator[Want, Given, Thing | None]:
    """The nearest table with such a measure from which foreign keys lead, over one or two hops, to the grouping."""
    if not ask.group or not set(words_of(ask.subject)) & MEASURES:
        return None
    level = yield from _targets(ask.group)
    seen = set(level)
    read = 0
    for _hop in range(2):
        following: list[str] = []
        for name in level:
            given = yield Want("find_joins", {"table": name})
            for other in _inward(rows_of(given.fragments, "joins"), name):
                if other in seen or read >= _READ:
                    continue
                seen.add(other)
                read += 1
                answer = yield Want("retrieve", {"resource": other})
                thing = next(iter(things(answer.fragments)), None)
                if thing is None or not thing.is_table:
                    continue
                if column_for(thing, ask.subject, numeric=True) is not None or earned(thing, ask.subject):
                    return thing
                following.append(other)
        level = following
    return None


def _targets(group: str) -> Generator[Want, Given, list[str]]:
    """Tables that the grouping may mean: named so, or with a column named so."""
    spoken = words_of(group)
    given = yield Want("search", {"text": group, "kinds": ["table"], "limit": 10})
    found = [
        each.qualified
        for each in things(given.fragments)
        if each.is_table and words_of(each.name) in (spoken, spoken[-1:], spoken[:1])
    ]
    given = yield Want("search", {"text": group, "kinds": ["column"], "limit": 10})
    found += [
        each.qualified.rpartition(".")[0]
        for each in things(given.fragments)
        if words_of(each.name) in (spoken, spoken[-1:])
    ]
    return list(dict.fromkeys(found))[:3]


def _inward(hops: Sequence[Mapping[str, Any]], name: str) -> list[str]:
    """Tables whose foreign keys lead to this one."""
    return [
        str(hop["left"]) for hop in hops if str(hop["right"]) == name and hop.get("source") == "foreign key"
    ]
