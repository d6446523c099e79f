"""Lineage as one viewer sees it. A hop through something hidden is cut: the walk is over visible resources only, so
what lies behind a hidden table is not reached through it, and a count of neighbours counts those that can be seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import aliased

from plugin.store._context import Context
from plugin.store._models.catalog import EdgeRow, ResourceRow
from plugin.store._rows import chunks, load, one
from plugin.store._visible import visible
from plugin.store.shapes import Edge, Lineage


def lineage(
    context: Context,
    resource_id: int,
    *,
    upstream: bool = True,
    downstream: bool = True,
    depth: int = 1,
    columns: bool = False,
    limit: int = 500,
) -> Lineage:
    """The neighbourhood of a visible resource, hop by hop over visible resources, up to `limit` of them.

    From a column: what feeds that column and what it feeds, column by column. `columns` adds column edges among the
    tables found. NotFound where the start is not visible.
    """
    start = one(context, resource_id)
    if start.kind == "column":
        return _column_lineage(context, resource_id, upstream, downstream, depth, limit)
    found = {resource_id}
    edges: dict[int, Edge] = {}
    cut = False
    for up in [way for way, wanted in ((True, upstream), (False, downstream)) if wanted]:
        level = {resource_id}
        walked = {resource_id}
        for _hop in range(max(0, depth)):
            room = limit - len(found)
            following, more = _hop_tables(context, level, up, room, found, edges)
            cut = cut or more
            level = following - walked
            walked |= following
            found |= following
            if not level:
                break
    if columns:
        _add_column_edges(context, found, edges, limit)
    return Lineage(resource_id, load(context, found), tuple(edges.values()), cut)


ENDS = tuple(aliased(ResourceRow) for _ in range(4))
"""The ends of an edge and their columns. Made once, so that the AI filters on them are put together once, too."""
OTHER = aliased(ResourceRow)
"""The other end of an edge that is counted."""


def _hop_tables(
    context: Context, level: set[int], up: bool, room: int, found: set[int], edges: dict[int, Edge]
) -> tuple[set[int], bool]:
    """One hop from `level`; adds to `edges` what stays within the limit. Returns the ends, and was there more."""
    near = EdgeRow.downstream_id if up else EdgeRow.upstream_id
    far = EdgeRow.upstream_id if up else EdgeRow.downstream_id
    ends: set[int] = set()
    fresh = 0
    more = False
    for part in chunks(sorted(level)):
        rows = context.session.execute(
            _edges(context)
            .where(EdgeRow.kind == "table", near.in_(part))
            .order_by(far, EdgeRow.id)
            .limit(max(room, 0) * 2 + len(found) + 50)
        ).all()
        for row in rows:
            end = row.upstream_id if up else row.downstream_id
            if end not in found and end not in ends:
                if fresh >= room:
                    more = True
                    continue
                fresh += 1
            ends.add(end)
            edges[row.id] = _edge(row)
    return ends, more


def _edges(context: Context) -> Any:
    """Edges between visible ends, with their names; column ends too must be visible where they are named."""
    upper, lower, upper_column, lower_column = ENDS
    return (
        select(
            EdgeRow.id,
            EdgeRow.upstream_id,
            EdgeRow.downstream_id,
            EdgeRow.upstream_column_id,
            EdgeRow.downstream_column_id,
            EdgeRow.kind,
            EdgeRow.source,
            EdgeRow.confidence,
            upper.qualified_name.label("upstream"),
            lower.qualified_name.label("downstream"),
            upper_column.name.label("upstream_column"),
            lower_column.name.label("downstream_column"),
        )
        .join(upper, upper.id == EdgeRow.upstream_id)
        .join(lower, lower.id == EdgeRow.downstream_id)
        .outerjoin(
            upper_column,
            and_(upper_column.id == EdgeRow.upstream_column_id, visible(context, upper_column)),
        )
        .outerjoin(
            lower_column,
            and_(lower_column.id == EdgeRow.downstream_column_id, visible(context, lower_column)),
        )
        .where(
            EdgeRow.workspace_id == context.workspace_id,
            visible(context, upper),
            visible(context, lower),
            or_(EdgeRow.upstream_column_id.is_(None), upper_column.id.is_not(None)),
            or_(EdgeRow.downstream_column_id.is_(None), lower_column.id.is_not(None)),
        )
    )


def _edge(row: Any) -> Edge:
    return Edge(
        upstream_id=row.upstream_id,
        upstream=row.upstream,
        downstream_id=row.downstream_id,
        downstream=row.downstream,
        kind=row.kind,
        source=row.source,
        upstream_column=row.upstream_column,
        downstream_column=row.downstream_column,
        confidence=row.confidence,
    )


def _add_column_edges(context: Context, found: set[int], edges: dict[int, Edge], limit: int) -> None:
    for part in chunks(sorted(found)):
        rows = context.session.execute(
            _edges(context)
            .where(EdgeRow.kind == "column", EdgeRow.downstream_id.in_(part))
            .order_by(EdgeRow.id)
            .limit(limit * 40)
        )
        for row in rows:
            if row.upstream_id in found:
                edges[row.id] = _edge(row)


def _column_lineage(
    context: Context, column_id: int, upstream: bool, downstream: bool, depth: int, limit: int
) -> Lineage:
    edges: dict[int, Edge] = {}
    tables: set[int] = set()
    columns = {column_id}
    cut = False
    for up in [way for way, wanted in ((True, upstream), (False, downstream)) if wanted]:
        near = EdgeRow.downstream_column_id if up else EdgeRow.upstream_column_id
        anchor = EdgeRow.downstream_id if up else EdgeRow.upstream_id
        level, walked = {column_id}, {column_id}
        for _hop in range(max(0, depth)):
            following: set[int] = set()
            for part in chunks(sorted(level)):
                # The index is on the table's id, so the tables of the columns lead.
                of_tables = select(ResourceRow.asset_id).where(ResourceRow.id.in_(part))
                rows = context.session.execute(
                    _edges(context)
                    .where(EdgeRow.kind == "column", anchor.in_(of_tables), near.in_(part))
                    .order_by(EdgeRow.id)
                    .limit(limit + 1)
                ).all()
                for row in rows:
                    if len(columns) >= limit:
                        cut = True
                        break
                    end = row.upstream_column_id if up else row.downstream_column_id
                    edges[row.id] = _edge(row)
                    tables.update((row.upstream_id, row.downstream_id))
                    if end is not None:
                        following.add(end)
                        columns.add(end)
            level = following - walked
            walked |= following
            if not level:
                break
    return Lineage(column_id, load(context, tables | {column_id}), tuple(edges.values()), cut)


def degrees(context: Context, ids: Iterable[int]) -> dict[int, tuple[int, int]]:
    """How many visible resources feed each of these, and how many each feeds; those that are hidden are left out."""
    counted: dict[int, list[int]] = {}
    for part in chunks(sorted(set(ids))):
        shown = context.session.scalars(
            select(ResourceRow.id).where(ResourceRow.id.in_(part), visible(context)).order_by(ResourceRow.id)
        )
        counted.update((id_, [0, 0]) for id_ in shown)
    for side, (near, far) in enumerate(
        ((EdgeRow.downstream_id, EdgeRow.upstream_id), (EdgeRow.upstream_id, EdgeRow.downstream_id))
    ):
        for part in chunks(sorted(counted)):
            rows = context.session.execute(
                select(near, func.count(far.distinct()))
                .join(OTHER, OTHER.id == far)
                .where(
                    EdgeRow.workspace_id == context.workspace_id,
                    EdgeRow.kind == "table",
                    near.in_(part),
                    visible(context, OTHER),
                )
                .group_by(near)
            )
            for id_, number in rows:
                counted[id_][side] = number
    return {id_: (up, down) for id_, (up, down) in counted.items()}
