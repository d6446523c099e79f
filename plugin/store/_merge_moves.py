"""What its source renamed or put elsewhere while its key stayed: a dashboard that went to another folder.

Enters: a merge and the things whose name or place is another now. Leaves: their rows and all below them under the new
name, in the zone of where they are now, so that whoever saw the old place alone sees them no more. Keeps law 3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from plugin.store import zones
from plugin.store._merge_entries import Entry
from plugin.store._models.catalog import ResourceRow, ZoneRow
from plugin.store._popularity import rank_again
from plugin.store._rows import chunks

if TYPE_CHECKING:
    from plugin.store._merge import Merge, Place


def is_moved(merge: Merge, entry: Entry, row: Any) -> bool:
    """Whether a record has another name or stands elsewhere than its row. Containers and tables of a database are known
    by their names: where one differs, they are others.
    """
    if entry.key.startswith(("t:", "s:", "d:")):
        return False
    parent = merge._parent(entry)
    return bool(row.name != entry.name or row.parent_id != (parent.id if parent else None))


def move(merge: Merge, moved: list[tuple[Entry, Place]]) -> None:
    """Write the new names and places. What would come to stand below itself waits for what it is to stand below."""
    by_id = {place.id: place for place in merge.places.values()}
    went: list[int] = []
    rezoned: list[int] = []
    waiting = list(moved)
    while waiting:
        later = [each for each in waiting if not _moved(merge, *each, by_id, went, rezoned)]
        if len(later) == len(waiting):
            break
        waiting = later
    if rezoned:
        others = zones.recompute(merge.session, merge.workspace_id, merge.source.id)
        if others:
            rank_again(merge.session, merge.workspace_id, others)
    if went:
        rank_again(merge.session, merge.workspace_id, (), went)


def _moved(
    merge: Merge, entry: Entry, place: Place, by_id: dict[int, Place], went: list[int], rezoned: list[int]
) -> bool:
    session, parent = merge.session, merge._parent(entry)
    below = zones.descendants(session, place.id)
    if parent is not None and parent.id in below:
        return False
    before, old = place.qualified, place.zone_id
    merge._note("removed", place.kind, place.id, old, before)
    session.execute(
        update(ResourceRow)
        .where(ResourceRow.id == place.id)
        .values(name=entry.name, name_folded=entry.name.lower(), parent_id=parent.id if parent else None)
    )
    _name_again(merge, place, parent, below, by_id)
    new = parent.zone_id if parent else merge.root_zone
    own = session.scalar(select(ZoneRow.id).where(ZoneRow.resource_id == place.id))
    if own is not None:
        session.execute(update(ZoneRow).where(ZoneRow.id == own).values(parent_id=new))
        rezoned.append(own)
    elif new != old:
        ids = zones.move(session, merge.workspace_id, place.id, old, new)
        went += ids
        for id_ in ids:
            if id_ in by_id:
                by_id[id_].zone_id = new
    merge.touched_zones.update((old, new))
    merge.changed.update(below)
    merge._note("added", place.kind, place.id, place.zone_id, place.qualified)
    return True


def _name_again(
    merge: Merge, place: Place, parent: Place | None, below: list[int], by_id: dict[int, Place]
) -> None:
    """The qualified names of a thing and of all below it, parents first."""
    session = merge.session
    rows: dict[int, Any] = {}
    for part in chunks(below):
        found = session.execute(
            select(ResourceRow.id, ResourceRow.parent_id, ResourceRow.kind, ResourceRow.name).where(
                ResourceRow.id.in_(part)
            )
        )
        rows.update((row.id, row) for row in found)
    names: dict[int, str] = {}
    written = []
    for id_ in below:
        row = rows[id_]
        above = names.get(row.parent_id) or (parent.qualified if parent and id_ == place.id else "")
        names[id_] = f"{above}.{row.name}" if above else row.name
        folded = None if row.kind == "column" else names[id_].lower()
        written.append({"id": id_, "qualified_name": names[id_], "qualified_folded": folded})
        if id_ in by_id:
            by_id[id_].qualified = names[id_]
    session.execute(update(ResourceRow), written)
