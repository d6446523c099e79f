"""What a model may know of a result: the columns as the statement says them, never as the rows make them. Keeps law 5.

Enters: a result's columns, the text that ran and its dialect. Leaves: names and types for the model. In most engines
both follow from the statement and the catalog. Three things do not, and are taken back here:

- a pivot without a list names its columns after values, one for each different value; a row of it as one value has a
  type that lists them. Where nothing but the statement's own words names the columns, those stand; else none is told.
- SQLite types values and not columns, so a type tells of the first row, or that there is none. The types that the
  statement and the catalog give stand in their place, "" where they give none.
- the labels of an enumeration are in its type; they are counted, as in the catalog.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

from plugin.access.viewer import Viewer
from plugin.catalog.mask_facts import mask_type
from plugin.errors import NotFound
from plugin.run_sql.results import Column

if TYPE_CHECKING:
    from plugin.store import Store

Types = Callable[[], Mapping[str, Mapping[str, str]]]
"""The native types of the columns that a statement touches: table, by its last name, -> column -> type."""


def known_shape(columns: Sequence[Column], sql: str, dialect: str, types: Types) -> tuple[Column, ...]:
    """What of `columns` the model may have; () where their very names are values. `types` is asked for SQLite only."""
    try:
        tree = sqlglot.parse_one(sql, read=dialect)
    except (SqlglotError, RecursionError):
        return ()  # it ran, so the guard had read it: this is for the day on which it reads otherwise
    if any(_named_by_values(pivot) for pivot in tree.find_all(exp.Pivot)):
        return _said(tree, columns)
    if dialect == "sqlite":
        return _typed(tree, columns, types)
    return tuple(Column(column.name, mask_type(column.type)) for column in columns)


def _named_by_values(pivot: exp.Pivot) -> bool:
    """Does this pivot make a column of each value that it meets? One with a list makes those of its list."""
    if pivot.args.get("unpivot"):
        return False
    lists = pivot.args.get("fields") or pivot.expressions
    return not lists or not all(_listed(each) for each in lists)


def _listed(field: exp.Expr) -> bool:
    given = field.expressions if isinstance(field, exp.In) else []
    return bool(given) and not any(each.find(exp.Query, exp.PivotAny) for each in given)


def _said(tree: exp.Expr, columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns that the outermost SELECT names one by one, with no more of a type than its kind."""
    select = _first(tree)
    if select is None or len(select.expressions) != len(columns):
        return ()
    for each in select.expressions:
        plain = isinstance(each, (exp.Alias, exp.Column))
        if not plain or each.is_star or each.find(exp.Star, exp.Columns, exp.UDTF):
            return ()
    return tuple(
        Column(each.alias_or_name, column.type.partition("(")[0].rstrip("[]"))
        for each, column in zip(select.expressions, columns, strict=True)
    )


def _first(tree: exp.Expr) -> exp.Select | None:
    """The SELECT that names the columns: the left one of a set operation, the inner one of brackets."""
    while isinstance(tree, (exp.SetOperation, exp.Subquery)):
        tree = tree.this
    return tree if isinstance(tree, exp.Select) else None


def _typed(tree: exp.Expr, columns: Sequence[Column], types: Types) -> tuple[Column, ...]:
    """The columns with types that no row had a part in."""
    untyped = tuple(Column(column.name) for column in columns)
    try:
        schema: dict[str, object] = {table: dict(known) for table, known in types().items()}
        for table in tree.find_all(exp.Table):
            table.set("db", None)
            table.set("catalog", None)
        made = annotate_types(
            qualify(tree, dialect="sqlite", schema=schema, validate_qualify_columns=False, quote_identifiers=False),
            schema=schema,
            dialect="sqlite",
        )  # fmt: skip
        select = _first(made)
    except (SqlglotError, RecursionError, ValueError, KeyError, TypeError, AttributeError):
        return untyped
    if select is None or len(select.expressions) != len(columns):
        return untyped
    kinds = [
        "" if each.type is None or each.type.this in _UNSAID else each.type.sql("sqlite")
        for each in select.expressions
    ]
    return tuple(Column(column.name, mask_type(kind)) for column, kind in zip(columns, kinds, strict=True))


_UNSAID = (exp.DataType.Type.UNKNOWN, exp.DataType.Type.NULL)


def native_types(
    store: Store, viewer: Viewer, integration_id: int, tables: Iterable[str]
) -> dict[str, dict[str, str]]:
    """Table, by its last name, -> column -> native type, as the viewer sees them."""
    found: dict[str, dict[str, str]] = {}
    with store.as_viewer(viewer) as door:
        for label in tables:
            with suppress(NotFound):
                table = door.catalog.by_name(label, integration=integration_id)
                known = door.catalog.columns(table.id)
                found[table.name] = {column.name: column.native_type or "" for column in known}
    return found
