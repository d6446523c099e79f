"""What stands in the catalog is found by its name as it stands, and by its name as SQL writes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.records import Asset, Record
from connectors.sqlite import SQLite
from plugin.access.viewer import Viewer
from plugin.catalog.sync import add_integration, run_queued_sync
from plugin.errors import NotFound
from plugin.store import Store

NAMES = ("Sales [EU]", 'Grün "x"', "net `of tax`", "plain", 'a.b "c"')


class Tool(SQLite):
    """A connector to something whose names people chose."""

    def __init__(self) -> None:
        """It needs no settings."""

    def extract(self) -> Iterator[Record]:
        for number, name in enumerate(NAMES):
            yield Asset("dashboard", f"board/{number}", name)


@pytest.fixture
def mine(store: Store, admin: Viewer, tmp_path: Path) -> Viewer:
    place = {"url": f"sqlite:///{tmp_path}/nothing.sqlite3"}
    tool = add_integration(store, admin, "tool", "sqlite", settings=place, secrets={}).id
    with store.ingest(admin.workspace_id, tool) as ingest:
        queued = ingest.syncs.queue(tool)
    assert run_queued_sync(store, admin.workspace_id, tool, queued.id, connector=Tool()).created == len(NAMES)
    return admin


def test_a_name_with_quotes_or_brackets_is_found_as_it_stands(store: Store, mine: Viewer) -> None:
    with store.as_viewer(mine) as viewer:
        for name in NAMES:
            assert viewer.catalog.by_name(name).name == name
            assert viewer.catalog.by_name(f"tool.{name}").name == name
            assert viewer.catalog.by_name(name.upper(), integration="tool").name == name


def test_a_name_as_sql_writes_it_is_found_too(store: Store, mine: Viewer) -> None:
    with store.as_viewer(mine) as viewer:
        for written in ('"plain"', "`plain`", "[plain]", 'tool."plain"'):
            assert viewer.catalog.by_name(written).name == "plain"
        for absent in ('"plane"', "Sales EU", "[]"):
            with pytest.raises(NotFound):
                viewer.catalog.by_name(absent)
