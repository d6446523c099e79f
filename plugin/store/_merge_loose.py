"""Lineage whose other end is not there: kept by name, and tied up when something of that name comes.

Enters: a merge that removes resources, or that made some. Leaves: loose ends for what stood on the removed ones, and
edges for the loose ends that the new ones fit. An edge from column to column is kept so only where a person drew it:
what a definition says of columns is read again from the definition. What a query log told is not kept at all: the next
log tells it anew, and for whom.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, insert, literal, null, or_, select, update
from sqlalchemy.orm import aliased

from plugin.store._merge_witnesses import forget_witnesses
from plugin.store._models.catalog import EdgeRow, LooseEndRow, ResourceRow
from plugin.store._models.integrations import IntegrationRow
from plugin.store._popularity import RANKED
from plugin.store._rows import DRAWN, LOGGED, chunks
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
    untold: set[int | None] = set()
    for side, near, near_column_id, far, far_column_id in SIDES:
        head = (literal(side), far, EdgeRow.source, ResourceRow.qualified_folded)
        of_tables = (
            select(*head, null(), null())
            .join(ResourceRow, ResourceRow.id == near)
            .where(near.in_(ids), EdgeRow.kind == "table", EdgeRow.source != LOGGED)
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
            for edge_id, number in session.execute(select(EdgeRow.id, EdgeRow.query_id).where(of_columns)):
                gone.append(edge_id)
                untold.add(number)
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
    forget_witnesses(merge, filter(None, untold))


def tie(merge: Merge) -> None:
    """Tie up the loose ends of the workspace that what came with this sync fits."""
    if not merge.added and not merge.widened:
        return
    rows = merge.session.scalars(
        select(LooseEndRow)
        .where(LooseEndRow.workspace_id == merge.workspace_id, LooseEndRow.source != LOGGED)
        .limit(MOST_LOOSE_ENDS)
    ).all()
    fits = _fitting(merge, {row.name_folded for row in rows})
    meant = {reader: _meant_by(merge, reader) for reader in {row.integration_id for row in rows}}
    places = {
        row.id: place
        for row in rows
        if (place := _one_of(fits.get(row.name_folded, ()), meant[row.integration_id])) is not None
    }
    columns = _columns(merge, [row for row in rows if row.name_column is not None], places)
    readers: set[int] = set()
    for row in rows:
        other = places.get(row.id)
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
        if up and not drawn:
            readers.add(row.resource_id)
    # Which columns they read is told by their definitions, that the next sync reads again though they are as they were.
    for part in chunks(sorted(readers)):
        merge.session.execute(update(ResourceRow).where(ResourceRow.id.in_(part)).values(fingerprint=None))


def _columns(merge: Merge, rows: Sequence[LooseEndRow], places: dict[int, int]) -> dict[tuple[int, str], int]:
    tables = {row.resource_id for row in rows} | {places[row.id] for row in rows if row.id in places}
    found: dict[tuple[int, str], int] = {}
    for part in chunks(sorted(tables)):
        for parent_id, name, id_ in merge.session.execute(
            select(ResourceRow.parent_id, ResourceRow.name, ResourceRow.id).where(
                IS_COLUMN, ResourceRow.parent_id.in_(part)
            )
        ):
            found[(parent_id or 0, name)] = id_
    return found


def named(merge: Merge, wanted: set[str]) -> tuple[dict[str, int], list[str]]:
    """Folded qualified names -> the table, view or model of the workspace that each of them means for this integration.

    A name that several fit means the one of the integrations that the option `reads_from` names, and none without it;
    beside the places come the names that were left for this reason.
    """
    fits, meant = _fitting(merge, wanted), _meant_by(merge, merge.source.id)
    found = {name: place for name, places in fits.items() if (place := _one_of(places, meant)) is not None}
    return found, sorted(name for name in fits if name not in found)


def all_named(merge: Merge, wanted: set[str]) -> dict[str, set[int]]:
    """Folded qualified names -> every table, view or model of the workspace that each of them may mean."""
    return {name: {id_ for id_, _integration in fits} for name, fits in _fitting(merge, wanted).items()}


Fit = tuple[int, int | None]
"""A resource that a name fits, and its integration."""


def _fitting(merge: Merge, wanted: set[str]) -> dict[str, list[Fit]]:
    """Every table, view or model of the workspace that each of these names fits."""
    by_last: dict[str, list[str]] = defaultdict(list)
    for name in wanted:
        by_last[name.rsplit(".", 1)[-1]].append(name)
    fits: dict[str, list[Fit]] = defaultdict(list)
    for part in chunks(sorted(by_last)):
        candidates = merge.session.execute(
            select(
                ResourceRow.id,
                ResourceRow.integration_id,
                ResourceRow.name_folded,
                ResourceRow.qualified_folded,
            ).where(
                ResourceRow.workspace_id == merge.workspace_id,
                NOT_COLUMN,
                ResourceRow.name_folded.in_(part),
                ResourceRow.kind.in_(RANKED),
            )
        )
        for id_, integration_id, last, qualified in candidates:
            for name in by_last[last]:
                if qualified == name or (qualified or "").endswith("." + name):
                    fits[name].append((id_, integration_id))
    return fits


def _meant_by(merge: Merge, reader: int) -> set[int]:
    """The integrations whose tables an integration says that it reads."""
    ours = (IntegrationRow.workspace_id == merge.workspace_id,)
    options = (
        merge.session.scalar(select(IntegrationRow.options).where(*ours, IntegrationRow.id == reader)) or {}
    )
    names = {part.strip().lower() for part in options.get("reads_from", "").split(",") if part.strip()}
    if not names:
        return set()
    rows = merge.session.execute(select(IntegrationRow.id, IntegrationRow.name).where(*ours))
    return {id_ for id_, name in rows if name.lower() in names}


def _one_of(fits: Sequence[Fit], meant: set[int]) -> int | None:
    """The one that is meant: the only one there is, or the only one of the integrations that are read."""
    if len(fits) > 1 and meant:
        fits = [fit for fit in fits if fit[1] in meant]
    return fits[0][0] if len(fits) == 1 else None
