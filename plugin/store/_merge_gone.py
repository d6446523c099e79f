"""Where differences are told once the place they were in is gone: to whoever sees the place above it.

A difference is told to whoever sees its zone, and the zone of a schema or of a table with a grant of its own goes with
it. Whoever sees the zone above saw what was below, so there it is told; to have seen that one place alone is not
enough.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from plugin.store._chunks import chunks
from plugin.store._models.catalog import DriftRow, ZoneRow

if TYPE_CHECKING:
    from plugin.store._merge import Merge


def tell_above(merge: Merge, removed: Iterable[int]) -> None:
    """Move what was told of zones that go with these resources up to the nearest that stays. Before they are gone."""
    above: dict[int, int | None] = {}
    for part in chunks(removed):
        going = select(ZoneRow.id, ZoneRow.parent_id).where(
            ZoneRow.resource_id.in_(part), ZoneRow.workspace_id == merge.workspace_id
        )
        above.update(merge.session.execute(going).tuples().all())
    if not above:
        return
    moved: dict[int, list[int]] = defaultdict(list)
    stays: dict[int, int] = {}
    for zone in above:
        up: int | None = zone
        while up in above:
            up = above[up]
        if up is not None:
            stays[zone] = up
            moved[up].append(zone)
    for each in merge.drift:
        each["zone_id"] = stays.get(each["zone_id"], each["zone_id"])
    for up, zones in moved.items():
        for some in chunks(zones):
            merge.session.execute(
                update(DriftRow)
                .where(DriftRow.integration_id == merge.source.id, DriftRow.zone_id.in_(some))
                .values(zone_id=up)
            )
