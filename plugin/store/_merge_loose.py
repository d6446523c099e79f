"""Lineage whose other end is not there: kept by name, and tied up when something of that name comes.

Enters: a merge that removes resources, or that made some. Leaves: loose ends for what stood on the removed ones, and
edges for the loose ends that the new ones fit. An edge from column to column is kept so only where a person drew it:
what a definition says of columns is read again from the definition.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, insert, literal, null, or_, select
from sqlalchemy.orm import aliased

from plugin.store._models.catalog import EdgeRow, LooseEndRow, ResourceRow
from plugin.store._popularity import RANKED
from plugin.store._rows import DRAWN, chunks
from plugin.store.listing import IS_COLUMN, NOT_COLUMN

if TYPE_CHECKING:
    from plugin.store._merge import Merge

MOST_LOOSE_ENDS = 20_000
SIDES = (
    (
        "up",
        EdgeRow.upstream_id,
        EdgeRow.upstream_column_id,
        EdgeRow.downstream_id,
        EdgeRow.downstream_column_id,
    ),
    (
        "down",
        EdgeRow.downstream_id,
        EdgeRow.downstream_column_id,
        EdgeRow.upstream_id,
        EdgeRow.upstream_column_id,
    ),
)
"""(which end goes; its table, its column; the table and the column that stay)"""


def loosen(merge: Merge, ids: Sequence[int]) -> None:
    """Keep by name what read tables or columns that are about to go, or was drawn to them or from them by hand."""
    session = merge.session
    parents = session.scalars(select(ResourceRow.parent_id).where(ResourceRow.id.in_(ids), IS_COLUMN)).all()
    tables = sorted({*ids, *(parent for parent in parents if parent is not None)})
    far_column, near_column = aliased(ResourceRow), aliased(ResourceRow)
    rows: list[Any] = []
    gone: list[int] = []
    for side, near, near_column_id, far, far_column_id in SIDES:
        head = (literal(side), far, EdgeRow.source, ResourceRow.qualified_folded)
        of_tables = (
            select(*head, null(), null())
            .join(ResourceRow, ResourceRow.id == near)
            .where(near.in_(ids), EdgeRow.kind == "table")
        )
        rows += session.execute(of_tables if side == "up" else of_tables.where(EdgeRow.source == DRAWN)).all()
        for part in chunks(tables, 400):
            of_columns = and_(
                near.in_(part), EdgeRow.kind == "column", or_(near.in_(ids), near_column_id.in_(ids))
            )
            rows += session.execute(
                select(*head, near_column.name, far_column.name)
                .join(ResourceRow, ResourceRow.id == near)
                .join(near_column, near_column.id == near_column_id)
                .join(far_column, far_column.id == far_column_id)
                .where(of_columns, EdgeRow.source == DRAWN)
            ).all()
            gone += session.scalars(select(EdgeRow.id).where(of_columns)).all()
    loose = [
        {
            "workspace_id": merge.workspace_id,
            "integration_id": merge.source.id,
            "resource_id": left_id,
            "name_folded": name,
            "direction": side,
            "source": source,
            "name_column": name_column,
            "resource_column": resource_column,
        }
        for side, left_id, source, name, name_column, resource_column in rows
        if left_id not in merge.gone and name
    ]
    if loose:
        session.execute(insert(LooseEndRow), loose)
    for gone_part in chunks(gone):
        session.execute(delete(EdgeRow).where(EdgeRow.id.in_(gone_part)))


def tie(merge: Merge) -> None:
    """Tie up the loose ends of the workspace that what came with this sync fits."""
    if not merge.added and not merge.widened:
        return
    rows = merge.session.scalars(
        select(LooseEndRow).where(LooseEndRow.workspace_id == merge.workspace_id).limit(MOST_LOOSE_ENDS)
    ).all()
    places = named(merge, {row.name_folded for row in rows})
    columns = _columns(merge, [row for row in rows if row.name_column is not None], places)
    for row in rows:
        other = places.get(row.name_folded)
        if other is None or other == row.resource_id:
            continue
        near = far = None
        if row.name_column is not None:
            near, far = (
                columns.get((other, row.name_column)),
                columns.get((row.resource_id, row.resource_column or "")),
            )
            if near is None or far is None:
                continue
        up = row.direction == "up"
        drawn = row.source == DRAWN
        merge.session.execute(
            insert(EdgeRow).values(
                workspace_id=merge.workspace_id,
                integration_id=None if drawn else row.integration_id,
                upstream_id=other if up else row.resource_id,
                downstream_id=row.resource_id if up else other,
                upstream_column_id=near if up else far,
                downstream_column_id=far if up else near,
                kind="table" if near is None else "column",
                source=row.source,
                confidence=1.0 if drawn else 0.8,
            )
        )
        merge.session.execute(delete(LooseEndRow).where(LooseEndRow.id == row.id))


def _columns(merge: Merge, rows: Sequence[LooseEndRow], places: dict[str, int]) -> dict[tuple[int, str], int]:
    tables = {row.resource_id for row in rows} | {
        places[row.name_folded] for row in rows if row.name_folded in places
    }
    found: dict[tuple[int, str], int] = {}
    for part in chunks(sorted(tables)):
        for parent_id, name, id_ in merge.session.execute(
            select(ResourceRow.parent_id, ResourceRow.name, ResourceRow.id).where(
                IS_COLUMN, ResourceRow.parent_id.in_(part)
            )
        ):
            found[(parent_id or 0, name)] = id_
    return found


def named(merge: Merge, wanted: set[str]) -> dict[str, int]:
    """Folded qualified names -> the one table, view or model of the workspace that each of them fits."""
    by_last: dict[str, list[str]] = defaultdict(list)
    for name in wanted:
        by_last[name.rsplit(".", 1)[-1]].append(name)
    fits: dict[str, list[int]] = defaultdict(list)
    for part in chunks(sorted(by_last)):
        candidates = merge.session.execute(
            select(ResourceRow.id, ResourceRow.name_folded, ResourceRow.qualified_folded).where(
                ResourceRow.workspace_id == merge.workspace_id,
                NOT_COLUMN,
                ResourceRow.name_folded.in_(part),
                ResourceRow.kind.in_(RANKED),
            )
        )
        for id_, last, qualified in candidates:
            for name in by_last[last]:
                if qualified == name or (qualified or "").endswith("." + name):
                    fits[name].append(id_)
    return {name: ids[0] for name, ids in fits.items() if len(ids) == 1}
