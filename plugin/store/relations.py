"""What connects tables: keys, indexes, ways to join. A thing that is hidden is no neighbour of anything.

A foreign key to a hidden table keeps its own columns and loses its name and its target.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import aliased

from plugin.store._around_rows import is_one_of, kept
from plugin.store._context import Context
from plugin.store._models.catalog import (
    KeyRow,
    ObservedJoinRow,
    ResourceRow,
)
from plugin.store._rows import chunks, listing, one, to_resources
from plugin.store._visible import visible
from plugin.store.listing import IS_COLUMN
from plugin.store.query_log import statements
from plugin.store.shapes import Index, Join, Key, PlainColumn, Resource


def columns(context: Context, table_id: int) -> tuple[Resource, ...]:
    """The columns of a visible table in the table's order. NotFound where the table is not visible."""
    one(context, table_id)
    return columns_of(context, (table_id,)).get(table_id, ())


def columns_of(context: Context, table_ids: Iterable[int]) -> dict[int, tuple[Resource, ...]]:
    """The visible columns of several tables, each in its table's order; nothing for a table that is not visible."""
    found: dict[int, list[Resource]] = {}
    for part in chunks(sorted(set(table_ids))):
        rows = context.session.execute(
            listing(visible(context), IS_COLUMN, ResourceRow.parent_id.in_(part)).order_by(
                ResourceRow.parent_id, ResourceRow.position, ResourceRow.id
            )
        ).all()
        for column in to_resources(context, rows):
            if column.parent_id is not None:
                found.setdefault(column.parent_id, []).append(column)
    return {table_id: tuple(columns) for table_id, columns in found.items()}


def plain_columns_of(context: Context, table_ids: Iterable[int]) -> dict[int, list[PlainColumn]]:
    """The same in short, for texts that tell many tables: a dozen columns each cost more to look up than to tell."""
    found: dict[int, list[PlainColumn]] = {}
    context.session.flush()
    for part in chunks(sorted(set(table_ids))):
        for row in context.session.connection().execute(kept(context, _plain), {"ids": part}).all():
            found.setdefault(row[1], []).append(PlainColumn(*row))
    return found


def _plain(context: Context) -> Select[Any]:
    """Columns of some tables in short, in each table's order."""
    return (
        select(
            ResourceRow.id,
            ResourceRow.parent_id,
            ResourceRow.name,
            ResourceRow.native_type,
            ResourceRow.is_pk,
            ResourceRow.description,
        )
        .where(visible(context), IS_COLUMN, is_one_of(context, ResourceRow.parent_id))
        .order_by(ResourceRow.parent_id, ResourceRow.position, ResourceRow.id)
    )


def keys(context: Context, table_id: int) -> tuple[Key, ...]:
    """The keys of a visible table. NotFound where the table is not visible."""
    one(context, table_id)
    return keys_of(context, (table_id,)).get(table_id, ())


def keys_of(context: Context, table_ids: Iterable[int]) -> dict[int, tuple[Key, ...]]:
    """The keys of several tables; nothing for a table that is not visible."""
    wanted = sorted(set(table_ids))
    context.session.flush()
    rows = [
        row
        for part in chunks(wanted)
        for row in context.session.connection().execute(kept(context, _keyed), {"ids": part}).all()
    ]
    known = _Columns(context, {*wanted, *(row.ref_id for row in rows if row.ref_id is not None)})
    found: dict[int, list[Key]] = {}
    for table_id, kind, name, names, ref_names, ref_id, ref in rows:
        if not known.has(table_id, names):
            continue
        if kind == "foreign" and ref_id is not None and not known.has(ref_id, ref_names):
            ref_id = ref = None
        found.setdefault(table_id, []).append(
            Key(
                kind=kind,
                name=name if kind != "foreign" or ref_id is not None else "",
                columns=tuple(names),
                ref=ref,
                ref_id=ref_id,
                ref_columns=tuple(ref_names) if ref_id is not None else (),
            )
        )
    return {table_id: tuple(keys) for table_id, keys in found.items()}


def _keyed(context: Context) -> Select[Any]:
    """The keys of some tables that are visible, with what they point at where that is visible too."""
    target = aliased(ResourceRow)
    return (
        select(
            KeyRow.table_id,
            KeyRow.kind,
            KeyRow.name,
            KeyRow.columns,
            KeyRow.ref_columns,
            target.id.label("ref_id"),
            target.qualified_name,
        )
        .join(ResourceRow, ResourceRow.id == KeyRow.table_id)
        .outerjoin(target, and_(target.id == KeyRow.ref_id, visible(context, target)))
        .where(
            KeyRow.workspace_id == context.workspace_id,
            is_one_of(context, KeyRow.table_id),
            visible(context),
        )
        .order_by(KeyRow.table_id, KeyRow.id)
    )


def indexes(context: Context, table_id: int) -> tuple[Index, ...]:
    """The indexes of a visible table. NotFound where the table is not visible."""
    properties = one(context, table_id).properties or {}
    known = _Columns(context, {table_id})
    return tuple(
        Index(name=name, columns=tuple(names), unique=unique, method=method)
        for name, names, unique, method in properties.get("indexes", ())
        if known.has(table_id, [column for column in names if not column.startswith("(")])
    )


class _Columns:
    """Visible column names of some tables; looked up only where AI filters can hide a column of a visible table."""

    def __init__(self, context: Context, tables: Iterable[int]) -> None:
        self.names: dict[int, set[str]] | None = None
        if not (context.for_ai and context.ai_rules):
            return
        self.names = {table: set() for table in tables}
        for part in chunks(sorted(self.names)):
            rows = context.session.execute(
                select(ResourceRow.parent_id, ResourceRow.name).where(
                    visible(context), IS_COLUMN, ResourceRow.parent_id.in_(part)
                )
            )
            for table_id, name in rows:
                if table_id is not None:
                    self.names[table_id].add(name)

    def has(self, table_id: int, names: Iterable[str]) -> bool:
        return self.names is None or self.names.get(table_id, set()).issuperset(names)


def joins(context: Context, table_id: int, other_id: int | None = None, limit: int = 200) -> tuple[Join, ...]:
    """Ways to join a visible table with others: foreign keys in both directions, then joins seen in queries."""
    one(context, table_id)
    if other_id is not None:
        one(context, other_id)
    table, ref = aliased(ResourceRow), aliased(ResourceRow)
    either = or_(KeyRow.table_id == table_id, KeyRow.ref_id == table_id)
    query = (
        select(KeyRow, table.qualified_name, ref.qualified_name)
        .join(table, table.id == KeyRow.table_id)
        .join(ref, ref.id == KeyRow.ref_id)
        .where(
            KeyRow.workspace_id == context.workspace_id,
            KeyRow.kind == "foreign",
            either,
            visible(context, table),
            visible(context, ref),
        )
        .order_by(KeyRow.id)
        .limit(limit)
    )
    if other_id is not None:
        query = query.where(or_(KeyRow.table_id == other_id, KeyRow.ref_id == other_id))
        if other_id != table_id:
            query = query.where(KeyRow.table_id != KeyRow.ref_id)
    rows = context.session.execute(query).all()
    known = _Columns(context, {id_ for key, _t, _r in rows for id_ in (key.table_id, key.ref_id) if id_})
    found = [
        Join(
            left_id=key.table_id,
            left=table_name,
            right_id=key.ref_id or 0,
            right=ref_name,
            on=tuple(zip(key.columns, key.ref_columns, strict=False)),
            source="foreign key",
        )
        for key, table_name, ref_name in rows
        if known.has(key.table_id, key.columns) and known.has(key.ref_id or 0, key.ref_columns)
    ]
    return (*found, *_observed(context, table_id, other_id, limit))


def _observed(context: Context, table_id: int, other_id: int | None, limit: int) -> list[Join]:
    """Joins of statements that the viewer sees, the most run first: one that a hidden table is in tells none."""
    seen = statements(context, table_id)
    left, right = aliased(ResourceRow), aliased(ResourceRow)
    query = (
        select(ObservedJoinRow, left.qualified_name, right.qualified_name)
        .join(left, left.id == ObservedJoinRow.left_id)
        .join(right, right.id == ObservedJoinRow.right_id)
        .where(
            ObservedJoinRow.workspace_id == context.workspace_id,
            or_(ObservedJoinRow.left_id == table_id, ObservedJoinRow.right_id == table_id),
            visible(context, left),
            visible(context, right),
        )
        .order_by(ObservedJoinRow.id)
    )
    if other_id is not None:
        query = query.where(or_(ObservedJoinRow.left_id == other_id, ObservedJoinRow.right_id == other_id))
    rows = [row for row in context.session.execute(query) if row[0].query_id in seen]
    known = _Columns(context, {id_ for join, _l, _r in rows for id_ in (join.left_id, join.right_id)})
    runs: dict[Join, int] = defaultdict(int)
    for join, left_name, right_name in rows:
        on = tuple((a, b) for a, b in join.pairs)
        if known.has(join.left_id, [a for a, _b in on]) and known.has(join.right_id, [b for _a, b in on]):
            runs[Join(join.left_id, left_name, join.right_id, right_name, on, "observed")] += join.runs
    return sorted(runs, key=lambda join: -runs[join])[:limit]
