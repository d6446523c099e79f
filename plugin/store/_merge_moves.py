"""What its source renamed or put elsewhere while its key stayed: a dashboard that went to another folder.

Enters: a merge and the things whose name or place is another now. Leaves: their rows and all below them under the new
name, in the zone of where they are now, so that whoever saw the old place alone sees them no more. Keeps law 3. Level
by level, so that a schema renamed with all its tables is some statements and not some for each.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from plugin.store import zones
from plugin.store._merge_entries import Entry
from plugin.store._models.catalog import ResourceRow, ZoneRow
from plugin.store._popularity import rank_again
from plugin.store._rows import chunks
from plugin.store.listing import IS_COLUMN, NOT_COLUMN

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
    """Write the new names and places. What would come to stand below itself stays where it is."""
    by_id = {place.id: place for place in merge.places.values()}
    goes = {place.id: (entry, place) for entry, place in moved}
    top = _top(merge, goes)
    told = len(merge.drift)
    for id_, (_entry, place) in goes.items():
        merge._note("removed", place.kind, id_, place.zone_id, place.qualified)
    written = [
        {
            "id": id_,
            "name": entry.name,
            "name_folded": entry.name.lower(),
            "parent_id": _parent_id(merge, entry),
        }
        for id_, (entry, _place) in goes.items()
    ]
    if not written:
        return
    merge.session.execute(update(ResourceRow), written)
    above: dict[int, tuple[str, int]] = {}
    for id_ in top:
        parent = merge._parent(goes[id_][0])
        above[id_] = (parent.qualified, parent.zone_id) if parent else ("", merge.root_zone)
    placed, went, rezoned = _place_again(merge, top, above)
    for id_, (name, zone) in placed.items():
        if id_ in by_id:
            by_id[id_].qualified, by_id[id_].zone_id = name, zone
    # What this merge told of them is told where they are now: who sees the old place alone is not to read it.
    for note in merge.drift[:told]:
        if note["resource_id"] in placed:
            note["qualified_name"], note["zone_id"] = placed[note["resource_id"]]
    for id_, (_entry, place) in goes.items():
        merge._note("added", place.kind, id_, place.zone_id, place.qualified)
    merge.changed.update(placed)
    merge.indexed.difference_update(went)
    if rezoned:
        others = zones.recompute(merge.session, merge.workspace_id, merge.source.id)
        if others:
            rank_again(merge.session, merge.workspace_id, others)
    if went:
        rank_again(merge.session, merge.workspace_id, (), went)


def _parent_id(merge: Merge, entry: Entry) -> int | None:
    parent = merge._parent(entry)
    return parent.id if parent else None


def _top(merge: Merge, goes: dict[int, tuple[Entry, Place]]) -> list[int]:
    """Those that stand below none of the others where they go. What would stand below itself is taken out of `goes`."""
    parents: dict[int, int | None] = {id_: _parent_id(merge, entry) for id_, (entry, _place) in goes.items()}
    old = _parents_of(merge, {*goes, *filter(None, parents.values())})
    while True:
        above = {**old, **{id_: parents[id_] for id_ in goes}}
        top, rings, clear = [], set(), set[int]()
        for id_ in goes:
            way: dict[int, None] = {}
            at: int | None = id_
            while at is not None and at not in way and at not in clear:
                way[at] = None
                at = above.get(at)
            if at in way:
                rings.update(list(way)[list(way).index(at) :])
            clear.update(way)
        bad = rings & goes.keys()
        if not bad:
            break
        for id_ in bad:
            del goes[id_]
    below: dict[int, bool] = {}
    for id_ in goes:
        walk, at = [], above.get(id_)
        while at is not None and at not in goes and at not in below:
            walk.append(at)
            at = above.get(at)
        found = at is not None and (at in goes or below[at])
        below.update(dict.fromkeys(walk, found))
        if not found:
            top.append(id_)
    return top


def _parents_of(merge: Merge, ids: Iterable[int]) -> dict[int, int | None]:
    """What stands above these, and above that, as the rows have it."""
    found: dict[int, int | None] = {}
    level = set(ids)
    while level:
        for part in chunks(sorted(level)):
            rows = select(ResourceRow.id, ResourceRow.parent_id).where(ResourceRow.id.in_(part))
            found.update(merge.session.execute(rows).tuples().all())
        level = {above for id_ in level if (above := found.get(id_)) is not None and above not in found}
    return found


def _place_again(
    merge: Merge, top: list[int], above: dict[int, tuple[str, int]]
) -> tuple[dict[int, tuple[str, int]], list[int], list[int]]:
    """Write the qualified names and zones of these and of all below them, parents first: (name and zone of each, what
    went into another zone, zones of their own that stand in another).
    """
    session = merge.session
    columns = (ResourceRow.id, ResourceRow.parent_id, ResourceRow.kind, ResourceRow.name, ResourceRow.zone_id)
    placed: dict[int, tuple[str, int]] = {}
    went: list[int] = []
    rezoned: list[int] = []
    level = [
        row
        for part in chunks(top)
        for row in session.execute(select(*columns).where(ResourceRow.id.in_(part)))
    ]
    while level:
        own: dict[int, Any] = {}
        for part in chunks(row.id for row in level if row.kind != "column"):
            zone = select(ZoneRow.id, ZoneRow.parent_id, ZoneRow.resource_id).where(
                ZoneRow.resource_id.in_(part)
            )
            own.update((row.resource_id, row) for row in session.execute(zone))
        names: list[dict[str, Any]] = []
        stands: list[dict[str, Any]] = []
        for row in level:
            name, zone_id = above[row.id] if row.id in above else placed[row.parent_id]
            name = f"{name}.{row.name}" if name else row.name
            mine = own.get(row.id)
            if mine is not None:
                if mine.parent_id != zone_id:
                    stands.append({"id": mine.id, "parent_id": zone_id})
                zone_id = mine.id
            elif row.zone_id != zone_id:
                went.append(row.id)
            placed[row.id] = (name, zone_id)
            folded = None if row.kind == "column" else name.lower()
            names.append(
                {"id": row.id, "qualified_name": name, "qualified_folded": folded, "zone_id": zone_id}
            )
        session.execute(update(ResourceRow), names)
        if stands:
            session.execute(update(ZoneRow), stands)
            rezoned += [each["id"] for each in stands]
        merge.touched_zones.update(row.zone_id for row in level)
        merge.touched_zones.update(placed[row.id][1] for row in level)
        parents = [row.id for row in level if row.kind != "column"]
        # Two queries, since each kind of child has an index of its own.
        level = [
            row
            for part in chunks(parents)
            for kind in (IS_COLUMN, NOT_COLUMN)
            for row in session.execute(select(*columns).where(ResourceRow.parent_id.in_(part), kind))
        ]
    return placed, went, rezoned
