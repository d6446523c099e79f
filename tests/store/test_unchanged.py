"""What has not changed at its source for long: from the longest on, page by page, and nothing of which no source tells."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.records import Schema, Table
from plugin.access.viewer import Viewer
from plugin.catalog.sync.reader import Reader
from plugin.store import Store
from plugin.store.staging import Stage

NOW = datetime.now(UTC)
DAYS = {"fresh": 1, "month": 31, "year": 400, "quarter": 95, "same_day": 31, "untold": None}


@pytest.fixture
def synced(any_store: Store, any_admin: Viewer) -> Store:
    with any_store.as_admin(any_admin) as door:
        integration = door.integrations.add("lake", "sqlite", {"path": "none"}, {})
    with any_store.ingest(any_admin.workspace_id, integration.id) as ingest:
        known = ingest.known()
    with Stage(known) as stage:
        reader = Reader(stage, "sqlite")
        reader.take(Schema(None, "s"))
        for name, days in DAYS.items():
            changed = None if days is None else NOW - timedelta(days=days)
            reader.take(Table(None, "s", name, changed_at=changed))
        with any_store.ingest(any_admin.workspace_id, integration.id) as ingest:
            ingest.merge(stage, rank=None)
    return any_store


def test_the_longest_unchanged_come_first_and_pages_follow(synced: Store, any_admin: Viewer) -> None:
    found, cursor = [], None
    with synced.as_viewer(any_admin) as mine:
        while True:
            page = mine.catalog.browse(
                unchanged_since=NOW - timedelta(days=30),
                sort="oldest",
                limit=2,
                cursor=cursor,
                with_total=True,
            )
            assert page.total == 4
            found += [each.name for each in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
    assert found == ["year", "quarter", "month", "same_day"]
    with synced.as_viewer(any_admin) as mine:
        newest = mine.catalog.browse(kinds=("table",), sort="changed", limit=2)
        rest = mine.catalog.browse(kinds=("table",), sort="changed", limit=9, cursor=newest.next_cursor)
    assert [each.name for each in (*newest.items, *rest.items)] == [
        "fresh",
        "month",
        "same_day",
        "quarter",
        "year",
        "untold",
    ]
