"""How fresh what the catalog says of a resource is, in words, and when that must be said unasked.

Enters: a resource, with the last whole sync of its integration and whether one failed since. Leaves: one clause that
stands behind "as of", and whether the fact is stale: gone from its source, synced long ago, or from before a sync that
failed.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from plugin.store.shapes import Resource

OLD = timedelta(days=2)
"""What was synced before is told as old, whatever its schedule."""
STEPS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


def freshness(resource: Resource, now: datetime) -> str:
    """ "as of the sync of 3 days ago; the last sync failed"; "" for what people wrote here."""
    if not resource.integration_id:
        return ""
    if resource.last_sync_at is None:
        said = "as of no whole sync yet"
    else:
        said = f"as of the sync of {_ago(now - resource.last_sync_at)}"
    if resource.sync_failed:
        said += "; the last sync failed"
    if resource.stale_since is not None:
        said += f"; gone from its source since {resource.stale_since:%Y-%m-%d}"
    return said


def is_stale(resource: Resource, now: datetime) -> bool:
    """Must a reader be told that this may no longer hold?"""
    old = resource.last_sync_at is not None and now - resource.last_sync_at > OLD
    return bool(resource.integration_id) and (old or resource.sync_failed or resource.stale_since is not None)


def _ago(age: timedelta) -> str:
    seconds = age.total_seconds()
    for length, word in STEPS:
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {word}{'s' if count > 1 else ''} ago"
    return "less than a minute ago"
