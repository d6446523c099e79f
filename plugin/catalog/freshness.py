"""How fresh what the catalog says of a resource is, in words, and when that must be said unasked.

Enters: a resource, with the last whole sync of its integration and whether one failed since. Leaves: one clause that
stands behind "as of", and whether the fact is stale: gone from its source, synced long ago, or from before a sync that
failed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plugin.store.shapes import Resource

OLD = timedelta(days=2)
"""What was synced before is told as old, whatever its schedule."""
STEPS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


def freshness(resource: Resource, now: datetime) -> str:
    """ "as of the sync of 3 days ago; the last sync failed"; "" for what people wrote here."""
    if not resource.integration_id:
        return ""
    said = source_freshness(resource.last_sync_at, resource.sync_failed, now)
    if resource.stale_since is not None:
        said += f"; gone from its source since {resource.stale_since:%Y-%m-%d}"
    return said


def is_stale(resource: Resource, now: datetime) -> bool:
    """Must a reader be told that this may no longer hold?"""
    late = source_is_stale(resource.last_sync_at, resource.sync_failed, now)
    return bool(resource.integration_id) and (late or resource.stale_since is not None)


def source_freshness(last_sync_at: datetime | None, failed: bool, now: datetime) -> str:
    """The same of a whole source, by its last whole sync that ended well and whether one failed since."""
    said = (
        "as of no whole sync yet" if last_sync_at is None else f"as of the sync of {_ago(now - last_sync_at)}"
    )
    return f"{said}; the last sync failed" if failed else said


def source_is_stale(last_sync_at: datetime | None, failed: bool, now: datetime) -> bool:
    """May nothing of this source hold any longer?"""
    return failed or (last_sync_at is not None and now - last_sync_at > OLD)


def _ago(age: timedelta) -> str:
    seconds = age.total_seconds()
    for length, word in STEPS:
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {word}{'s' if count > 1 else ''} ago"
    return "less than a minute ago"
