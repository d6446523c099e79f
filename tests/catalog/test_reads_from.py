"""Production and staging have tables of the same names: lineage leads to the one that an admin says is read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from connectors.records import Asset, Record
from connectors.sqlite import SQLite
from plugin.access.viewer import Viewer
from plugin.catalog.sync import add_integration, run_queued_sync, sync
from plugin.store import Store
from plugin.store.shapes import Sync

QUERY = Asset(
    "query", "query/1", "Orders by day", definition="SELECT day, sum(total) FROM orders GROUP BY day"
)


class Tool(SQLite):
    """A BI tool with these records."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records

    def extract(self) -> Iterator[Record]:
        yield from self._records


def warehouse(store: Store, admin: Viewer, folder: Path, name: str) -> int:
    path = folder / f"{name}.sqlite3"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, day TEXT, total NUMERIC)")
    place = {"url": f"sqlite:///{path}"}
    made = add_integration(store, admin, name, "sqlite", settings=place, secrets={}).id
    assert sync(store, admin, made).status == "done"
    return made


@pytest.fixture
def tool(any_store: Store, any_admin: Viewer, tmp_path: Path) -> int:
    place = {"url": f"sqlite:///{tmp_path}/none.sqlite3"}
    return add_integration(any_store, any_admin, "tool", "sqlite", settings=place, secrets={}).id


def read(store: Store, admin: Viewer, tool: int, *, full: bool = False) -> Sync:
    with store.ingest(admin.workspace_id, tool) as ingest:
        queued = ingest.syncs.queue(tool, full=full)
    return run_queued_sync(store, admin.workspace_id, tool, queued.id, full=full, connector=Tool([QUERY]))


def sources(store: Store, admin: Viewer) -> set[str]:
    """The integrations of the tables that the query reads, as lineage has them."""
    with store.as_viewer(admin) as mine:
        query = mine.catalog.by_name("Orders by day")
        lineage = mine.catalog.lineage(query.id)
        return {str(each.integration) for id_, each in lineage.resources.items() if id_ != query.id}


def say(store: Store, admin: Viewer, tool: int, names: str) -> None:
    with store.as_admin(admin) as door:
        door.integrations.update(tool, options={"reads_from": names})


def test_a_name_that_two_have_leads_to_none_and_the_sync_says_so(
    any_store: Store, any_admin: Viewer, tmp_path: Path, tool: int
) -> None:
    for name in ("production", "staging"):
        warehouse(any_store, any_admin, tmp_path, name)
    done = read(any_store, any_admin, tool)
    assert done.status == "done" and "docent integration option tool reads_from" in done.errors[0]
    assert sources(any_store, any_admin) == set()
    say(any_store, any_admin, tool, "Production")
    assert read(any_store, any_admin, tool).errors == ()
    assert sources(any_store, any_admin) == {"production"}
    say(any_store, any_admin, tool, "staging")
    read(any_store, any_admin, tool)
    assert sources(any_store, any_admin) == {"staging"}


def test_a_table_that_comes_later_is_tied_by_the_same_rule(
    any_store: Store, any_admin: Viewer, tmp_path: Path, tool: int
) -> None:
    say(any_store, any_admin, tool, "production")
    read(any_store, any_admin, tool)
    warehouse(any_store, any_admin, tmp_path, "staging")
    assert sources(any_store, any_admin) == {"staging"}, "the only one there is"
    warehouse(any_store, any_admin, tmp_path, "production")
    read(any_store, any_admin, tool, full=True)  # what did not change is looked at again only when asked
    assert sources(any_store, any_admin) == {"production"}


def test_both_may_be_named_and_then_it_is_open_again(
    any_store: Store, any_admin: Viewer, tmp_path: Path, tool: int
) -> None:
    for name in ("production", "staging"):
        warehouse(any_store, any_admin, tmp_path, name)
    say(any_store, any_admin, tool, "production, staging")
    assert read(any_store, any_admin, tool).errors
    assert sources(any_store, any_admin) == set()
