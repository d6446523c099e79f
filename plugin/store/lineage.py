"""Lineage as one viewer sees it. A hop through something hidden is cut: the walk is over visible resources only, so
what lies behind a hidden table is not reached through it, and a count of neighbours counts those that can be seen.

A page walks many hops, and putting a statement together takes longer than running it: each is kept for the next reader
who may see the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, literal_column, or_, select, union_all
from sqlalchemy.orm import aliased

from plugin.store._around_rows import is_one_of, kept
from plugin.store._context import Context
from plugin.store._models.catalog import EdgeRow, QueryTableRow, ResourceRow
from plugin.store._rows import LOGGED, chunks, load, one
from plugin.store._visible import sees_everything, visible
from plugin.store.shapes import Edge, Lineage

Found = tuple[int, int | None, int | None, Edge]
"""An edge as it is read: its id, the ids of its two columns where it is between columns, and what a viewer gets."""


def lineage(
    context: Context,
    resource_id: int,
    *,
    upstream: bool = True,
    downstream: bool = True,
    depth: int = 1,
    columns: bool = False,
    limit: int = 500,
    source: str | None = None,
) -> Lineage:
    """The neighbourhood of a visible resource, hop by hop over visible resources, up to `limit` of them.

    From a column: what feeds that column and what it feeds, column by column. `columns` adds column edges among the
    tables found. `source` keeps to the edges between tables that this source told, such as dbt: a hub has thousands of
    others. NotFound where the start is not visible.
    """
    start = one(context, resource_id)
    if start.kind == "column":
        return _column_lineage(context, resource_id, upstream, downstream, depth, limit)
    found = {resource_id}
    edges: dict[int, Edge] = {}
    cut = False
    for up in [way for way, wanted in ((True, upstream), (False, downstream)) if wanted]:
        cut = _walk(context, resource_id, up, depth, limit, found, edges, source) or cut
    if columns:
        _add_column_edges(context, found, edges, limit)
    return Lineage(resource_id, load(context, found), _once(edges), cut)


def downstream_of(
    context: Context, resource_id: int, *, depth: int, limit: int
) -> tuple[tuple[Edge, ...], bool]:
    """The edges below a visible table, without what stands at their ends; and is there more than `limit` resources?"""
    edges: dict[int, Edge] = {}
    cut = _walk(context, resource_id, False, depth, limit, {resource_id}, edges)
    return _once(edges), cut


def _once(edges: Mapping[int, Edge]) -> tuple[Edge, ...]:
    """Each edge of a source once, where several statements tell it: the one that is surest."""
    found: dict[tuple[object, ...], Edge] = {}
    for each in edges.values():
        ends = (
            each.upstream_id,
            each.downstream_id,
            each.upstream_column,
            each.downstream_column,
            each.source,
        )
        before = found.get(ends)
        if before is None or before.confidence < each.confidence:
            found[ends] = each
    return tuple(found.values())


def _walk(
    context: Context,
    start: int,
    up: bool,
    depth: int,
    limit: int,
    found: set[int],
    edges: dict[int, Edge],
    source: str | None = None,
) -> bool:
    """One way from `start`; adds to `found` and `edges` what stays within the limit. Returns: was there more?"""
    more = False
    level, walked = {start}, {start}
    build = (_above if up else _below) if source is None else (_above_by_source if up else _below_by_source)
    for _hop in range(max(0, depth)):
        room = max(limit - len(found), 0)
        most = room * 2 + len(found) + 50
        following: set[int] = set()
        fresh = 0
        for part in chunks(sorted(level)):
            read = _read(context, build, part, most, source)
            more = more or len(read) == most
            for id_, _upper, _lower, edge in read:
                end = edge.upstream_id if up else edge.downstream_id
                if end not in found and end not in following:
                    if fresh >= room:
                        more = True
                        continue
                    fresh += 1
                following.add(end)
                edges[id_] = edge
        level = following - walked
        walked |= following
        found |= following
        if not level:
            break
    return more


SAME = EdgeRow.source, EdgeRow.confidence.desc(), EdgeRow.id
"""How rows between the same ends stand. Never by the id first: which edge came first may tell of a hidden statement."""
OF_COLUMNS = (
    EdgeRow.downstream_id,
    EdgeRow.upstream_id,
    EdgeRow.downstream_column_id,
    EdgeRow.upstream_column_id,
    *SAME,
)
ENDS = tuple(aliased(ResourceRow) for _ in range(4))
"""The ends of an edge and their columns. Made once, so that the AI filters on them are put together once, too."""
OTHER = aliased(ResourceRow)
"""The other end of an edge that is counted."""


def _read(
    context: Context, build: Callable[[Context], Any], ids: list[int], most: int, source: str | None = None
) -> list[Found]:
    """The edges that a statement of those below finds at `ids`, up to `most` of them, each once: there is a row of one
    for every set of tables that statements name which tell it.
    """
    context.session.flush()
    asked = most
    while True:
        given = {"ids": ids, "most": asked} | ({"source": source} if source is not None else {})
        rows = context.session.connection().execute(kept(context, build), given).all()
        found: dict[tuple[object, ...], Found] = {}
        for row in rows:
            # Upper and lower end, their columns, source; the surest of several is read first.
            found.setdefault(
                (row[3], row[5], row[1], row[2], row[8]), (row[0], row[1], row[2], Edge(*row[3:]))
            )
        if len(rows) < asked or len(found) >= most:
            return list(found.values())[:most]
        asked *= 4


def told(context: Context) -> ColumnElement[bool]:
    """The condition under which an edge is this reader's to know: what only a query log told is for whoever sees every
    table that the statement names.
    """
    if sees_everything(context) and not (context.for_ai and context.ai_rules):
        return or_(EdgeRow.source != LOGGED, EdgeRow.query_id.is_not(None))
    named, seen = aliased(QueryTableRow), aliased(ResourceRow)
    of_visible = select(seen.id).where(seen.id == named.resource_id, visible(context, seen, by_id=True))
    hidden = (
        select(named.query_id)
        .where(
            named.query_id == EdgeRow.query_id,
            named.workspace_id == context.workspace_id,
            ~of_visible.correlate(named).exists(),
        )
        .correlate(EdgeRow)
        .exists()
    )
    return or_(EdgeRow.source != LOGGED, and_(EdgeRow.query_id.is_not(None), ~hidden))


def _edges(context: Context) -> Select[Any]:
    """Edges between visible ends, with their names; column ends too must be visible where they are named."""
    upper, lower, upper_column, lower_column = ENDS
    return (
        select(
            EdgeRow.id,
            EdgeRow.upstream_column_id,
            EdgeRow.downstream_column_id,
            # From here on in the order of `Edge`.
            EdgeRow.upstream_id,
            upper.qualified_name,
            EdgeRow.downstream_id,
            lower.qualified_name,
            EdgeRow.kind,
            EdgeRow.source,
            upper_column.name,
            lower_column.name,
            EdgeRow.confidence,
        )
        .join(upper, upper.id == EdgeRow.upstream_id)
        .join(lower, lower.id == EdgeRow.downstream_id)
        .outerjoin(
            upper_column,
            and_(upper_column.id == EdgeRow.upstream_column_id, visible(context, upper_column, by_id=True)),
        )
        .outerjoin(
            lower_column,
            and_(lower_column.id == EdgeRow.downstream_column_id, visible(context, lower_column, by_id=True)),
        )
        .where(
            EdgeRow.workspace_id == context.workspace_id,
            visible(context, upper, by_id=True),
            visible(context, lower, by_id=True),
            or_(EdgeRow.upstream_column_id.is_(None), upper_column.id.is_not(None)),
            or_(EdgeRow.downstream_column_id.is_(None), lower_column.id.is_not(None)),
            told(context),
        )
        .limit(bindparam("most"))
    )


def _above(context: Context) -> Select[Any]:
    """What feeds some resources."""
    at_them = is_one_of(context, EdgeRow.downstream_id)
    return (
        _edges(context)
        .where(EdgeRow.kind == "table", at_them)
        .order_by(EdgeRow.upstream_id, EdgeRow.downstream_id, *SAME)
    )


def _below(context: Context) -> Select[Any]:
    """What some resources feed."""
    at_them = is_one_of(context, EdgeRow.upstream_id)
    return (
        _edges(context)
        .where(EdgeRow.kind == "table", at_them)
        .order_by(EdgeRow.downstream_id, EdgeRow.upstream_id, *SAME)
    )


def _above_by_source(context: Context) -> Select[Any]:
    """What one source says that feeds some resources."""
    return _above(context).where(EdgeRow.source == bindparam("source"))


def _below_by_source(context: Context) -> Select[Any]:
    """What one source says that some resources feed."""
    return _below(context).where(EdgeRow.source == bindparam("source"))


def _columns_into(context: Context) -> Select[Any]:
    """What feeds the columns of some resources."""
    at_them = is_one_of(context, EdgeRow.downstream_id)
    return _edges(context).where(EdgeRow.kind == "column", at_them).order_by(*OF_COLUMNS)


def _columns_above(context: Context) -> Select[Any]:
    """What feeds some columns."""
    return _at_columns(context, EdgeRow.downstream_id, EdgeRow.downstream_column_id)


def _columns_below(context: Context) -> Select[Any]:
    """What some columns feed."""
    return _at_columns(context, EdgeRow.upstream_id, EdgeRow.upstream_column_id)


def _at_columns(context: Context, table: Any, column: Any) -> Select[Any]:
    # The index is on the table's id, so the tables of the columns lead.
    of_tables = select(ResourceRow.asset_id).where(is_one_of(context, ResourceRow.id))
    at_them = is_one_of(context, column)
    return (
        _edges(context).where(EdgeRow.kind == "column", table.in_(of_tables), at_them).order_by(*OF_COLUMNS)
    )


def _add_column_edges(context: Context, found: set[int], edges: dict[int, Edge], limit: int) -> None:
    for part in chunks(sorted(found)):
        for id_, _upper, _lower, edge in _read(context, _columns_into, part, limit * 40):
            if edge.upstream_id in found:
                edges[id_] = edge


def _column_lineage(
    context: Context, column_id: int, upstream: bool, downstream: bool, depth: int, limit: int
) -> Lineage:
    edges: dict[int, Edge] = {}
    columns = {column_id}
    cut = False
    for up in [way for way, wanted in ((True, upstream), (False, downstream)) if wanted]:
        cut = _walk_columns(context, column_id, up, depth, limit, columns, edges) or cut
    tables = {end for edge in edges.values() for end in (edge.upstream_id, edge.downstream_id)}
    return Lineage(column_id, load(context, tables | {column_id}), _once(edges), cut)


def flows_from(context: Context, column_id: int, *, depth: int, limit: int) -> tuple[tuple[Edge, ...], bool]:
    """The edges that the values of a visible column go on through, without what stands at their ends; and is there
    more than `limit` columns?
    """
    edges: dict[int, Edge] = {}
    cut = _walk_columns(context, column_id, False, depth, limit, {column_id}, edges)
    return _once(edges), cut


def _walk_columns(
    context: Context, start: int, up: bool, depth: int, limit: int, columns: set[int], edges: dict[int, Edge]
) -> bool:
    """One way from a column; adds to `columns` and `edges` what stays within the limit. Returns: was there more?"""
    cut = False
    level, walked = {start}, {start}
    for _hop in range(max(0, depth)):
        following: set[int] = set()
        for part in chunks(sorted(level)):
            read = _read(context, _columns_above if up else _columns_below, part, limit + 1)
            cut = cut or len(read) > limit
            for id_, upper, lower, edge in read:
                if len(columns) >= limit:
                    cut = True
                    break
                end = upper if up else lower
                edges[id_] = edge
                if end is not None:
                    following.add(end)
                    columns.add(end)
        level = following - walked
        walked |= following
        if not level:
            break
    return cut


def degrees(context: Context, ids: Iterable[int]) -> dict[int, tuple[int, int]]:
    """How many visible resources feed each of these, and how many each feeds; those that are hidden are left out."""
    shown: set[int] = set()
    counted: dict[str, dict[int, int]] = {"above": {}, "below": {}}
    context.session.flush()
    for part in chunks(sorted(set(ids))):
        rows = context.session.connection().execute(kept(context, _degrees), {"ids": part})
        for what, id_, number in rows:
            if what == "shown":
                shown.add(id_)
            else:
                counted[what][id_] = number
    return {id_: (counted["above"].get(id_, 0), counted["below"].get(id_, 0)) for id_ in sorted(shown)}


def _degrees(context: Context) -> Any:
    """Which of some resources are visible, and of each how many visible ones feed it and how many it feeds."""
    seen: Select[Any] = select(literal_column("'shown'"), ResourceRow.id, literal_column("0")).where(
        is_one_of(context, ResourceRow.id), visible(context, by_id=True)
    )
    return union_all(
        seen,
        _number(context, "above", EdgeRow.downstream_id, EdgeRow.upstream_id),
        _number(context, "below", EdgeRow.upstream_id, EdgeRow.downstream_id),
    )


def _number(context: Context, what: str, near: Any, far: Any) -> Select[Any]:
    """Some resources, each with how many visible others are at the far end of its edges."""
    return (
        select(literal_column(f"'{what}'"), near, func.count(far.distinct()))
        .join(OTHER, OTHER.id == far)
        .where(
            EdgeRow.workspace_id == context.workspace_id,
            EdgeRow.kind == "table",
            is_one_of(context, near),
            visible(context, OTHER, by_id=True),
            told(context),
        )
        .group_by(near)
    )
