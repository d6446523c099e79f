"""What PIVOT and UNPIVOT make of a relation: rows become columns, or columns rows.

Enters: the relation, the clause, and a way to tell where an expression's columns come from. Leaves: the relation that
the query sees instead. A cell of a pivot comes from what is aggregated and from what says which column it stands in; of
an unpivot, a value comes from every column that it may be of, and the names of those are no data of anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sqlglot import exp

from plugin.catalog.lineage_relations import (
    NOTHING,
    Column,
    Origin,
    Relation,
    alias_columns,
    renamed,
)

OriginsOf = Callable[[exp.Expression, Relation], "frozenset[Origin]"]


class Pivoted(Relation):
    """Columns that a clause made, and beside them those of a table whose columns are unknown."""

    __slots__ = ("before", "made")

    def __init__(self, made: list[Column], before: Relation) -> None:
        super().__init__(None)
        self.made = {name.lower(): origins for name, origins in made}
        self.before = before

    def of(self, column: str) -> frozenset[Origin] | None:
        return self.made.get(column.lower())

    def origins(self, column: str) -> frozenset[Origin] | None:
        made = self.of(column)
        return self.before.origins(column) if made is None else made


def pivoted(before: Relation, pivot: exp.Pivot, origins_of: OriginsOf) -> tuple[Relation, bool]:
    """The relation behind a clause, and is it known which columns the clause makes?"""
    if pivot.args.get("unpivot"):
        made, used = _unpivot(before, pivot, origins_of)
        told = bool(made)
    else:
        made, used = _pivot(before, pivot, origins_of)
        told = bool(made)
    if before.columns is None:
        return Pivoted(made, before), told
    group = pivot.args.get("group")
    if isinstance(group, exp.Group):
        kept = [(each.alias_or_name, origins_of(each, before)) for each in group.expressions]
    else:
        kept = [column for column in before.columns if column[0].lower() not in used]
    return Relation(renamed([*kept, *made], alias_columns(pivot))), told


def _pivot(before: Relation, pivot: exp.Pivot, origins_of: OriginsOf) -> tuple[list[Column], set[str]]:
    cells = pivot.args.get("using") or pivot.expressions
    fields = pivot.args.get("fields") or (pivot.expressions if pivot.args.get("using") else ())
    asked = [field.this if isinstance(field, exp.In) else field for field in fields]
    where = frozenset(origin for each in asked for origin in origins_of(each, before))
    given = [origins_of(each.unalias(), before) | where for each in cells]
    used = {column.name.lower() for each in (*asked, *cells) for column in each.find_all(exp.Column)}
    names = [each.name for each in pivot.args.get("columns") or ()] or list(_named(pivot, fields, cells))
    return [(name, given[i % len(given)]) for i, name in enumerate(names) if given], used


def _named(pivot: exp.Pivot, fields: Any, cells: list[exp.Expression]) -> Iterator[str]:
    """DuckDB's names for PIVOT ... ON x IN ('a', 'b'): the value, with more than one cell its name as well."""
    if len(fields) != 1 or not isinstance(fields[0], exp.In):
        return
    for value in fields[0].expressions:
        for cell in cells:
            yield value.alias_or_name + (f"_{cell.alias_or_name or cell.sql()}" if len(cells) > 1 else "")


def _unpivot(before: Relation, pivot: exp.Pivot, origins_of: OriginsOf) -> tuple[list[Column], set[str]]:
    into = pivot.args.get("into")
    if isinstance(into, exp.UnpivotColumns):  # DuckDB: UNPIVOT t ON a, b INTO NAME k VALUE v
        labels, values, taken = [into.this.name], [each.name for each in into.expressions], pivot.expressions
    elif not pivot.args.get("fields"):
        labels, values, taken = ["name"], ["value"], pivot.expressions
    else:
        fields = [each for each in pivot.args["fields"] if isinstance(each, exp.In)]
        labels, taken = (
            [each.this.name for each in fields],
            [of for each in fields for of in each.expressions],
        )
        values = [part.name for each in pivot.expressions for part in _parts(each)]
    found: list[frozenset[Origin]] = [NOTHING] * len(values)
    used: set[str] = set()
    for each in taken:
        for i, part in enumerate(_parts(each)):
            used |= {column.name.lower() for column in part.find_all(exp.Column)}
            if i < len(found):
                found[i] |= origins_of(part, before)
    return [*((label, NOTHING) for label in labels), *zip(values, found, strict=True)], used


def _parts(node: exp.Expression) -> list[exp.Expression]:
    """What stands in one place of a list: one column, or several in brackets; without the label they are given."""
    inner = node.this if isinstance(node, exp.Alias | exp.PivotAlias) else node
    return inner.expressions if isinstance(inner, exp.Tuple) else [inner]
