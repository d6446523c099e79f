"""What statements cost: kept with the masked statement, added up over what a viewer sees, told to people and models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from connectors.records import Column, Database, Query, Record, Schema, Table, Unread
from connectors.sqlite import SQLite
from plugin.access.viewer import Viewer
from plugin.catalog.costs import cost_words
from plugin.catalog.sync import add_integration, queries, run_queued_sync
from plugin.store import Store
from plugin.store.shapes import Sync
from plugin.tools.frequent_queries import frequent_queries
from plugin.tools.retrieve import retrieve

ID = (Column("id", 1, "INTEGER"),)
SHOP = (
    Database("shop"),
    Schema("shop", "sales"),
    Schema("shop", "hr"),
    Table("shop", "sales", "orders", columns=ID),
    Table("shop", "hr", "salaries", columns=ID),
)
LOG = (
    Query("SELECT id FROM sales.orders WHERE id = 1", 9, ("ana",), costs={"bytes_billed": 2e12, "credits": 0.25}),
    Query("SELECT id FROM sales.orders WHERE id = 2", 1, ("ben",), costs={"bytes_billed": 1e12}),
    Query("SELECT o.id FROM sales.orders o JOIN hr.salaries s ON s.id = o.id", 5, ("ana",), costs={"bytes_billed": 7e12}),
)  # fmt: skip


class Tool(SQLite):
    """A source with these records, and with this log."""

    def __init__(self, log: Sequence[Query | Unread]) -> None:
        self._log = log

    def extract(self) -> Iterator[Record]:
        yield from SHOP

    def queries(self) -> Iterator[Query | Unread]:
        yield from self._log


@pytest.fixture
def tool(any_store: Store, any_admin: Viewer, tmp_path: Path) -> int:
    place = {"url": f"sqlite:///{tmp_path}/nothing.sqlite3"}
    return add_integration(any_store, any_admin, "tool", "sqlite", settings=place, secrets={}).id


def read(store: Store, admin: Viewer, tool: int, *log: Query | Unread) -> Sync:
    with store.ingest(admin.workspace_id, tool) as ingest:
        queued = ingest.syncs.queue(tool, full=False)
    return run_queued_sync(store, admin.workspace_id, tool, queued.id, connector=Tool(log))


def test_costs_add_up_over_what_the_viewer_sees_and_nothing_else(
    any_store: Store, any_admin: Viewer, tool: int
) -> None:
    assert read(any_store, any_admin, tool, *LOG).errors == ()
    assert read(any_store, any_admin, tool, *LOG).updated == 0
    with any_store.as_viewer(any_admin) as mine:
        orders = mine.catalog.by_name("sales.orders")
        folded, joined = mine.catalog.frequent_queries(orders.id)
        assert (folded.runs, folded.costs) == (10, {"bytes_billed": 3e12, "credits": 0.25})
        assert (joined.runs, joined.costs) == (5, {"bytes_billed": 7e12})
        assert mine.catalog.query_costs(orders.id) == {"bytes_billed": 10e12, "credits": 0.25}
        assert "10 TB billed, 0.25 credits" in str(retrieve(mine, "sales.orders").fragments[0].fields["cost"])
        (sent,) = frequent_queries(mine, "sales.orders").fragments
        assert "'cost': '3 TB billed, 0.25 credits'" in str(sent.fields["queries"])
        assert "ana" not in str(sent) and "ben" not in str(sent)
    with any_store.as_admin(any_admin) as door:
        team = door.people.add_team("Sales", private=True).id
        sam = door.people.add_member("sam@harbor.example", "guest", password="correct-horse-9-battery")
        door.people.add_to_team(team, sam.id)
        door.people.grant(team, tool, orders.parent_id)
    guest = Viewer(any_admin.workspace_id, sam.id, sam.role, sam.email, sam.name)
    with any_store.as_viewer(guest) as mine:
        assert mine.catalog.query_costs(orders.id) == {"bytes_billed": 3e12, "credits": 0.25}


def test_what_costs_most_is_kept_beside_what_runs_most(monkeypatch: pytest.MonkeyPatch, any_store: Store, any_admin: Viewer, tool: int) -> None:  # fmt: skip
    monkeypatch.setattr(queries, "MOST", 1)
    monkeypatch.setattr(queries, "DEAREST", 1)
    dear = [Query(f"SELECT id AS x{n} FROM sales.orders", 1, costs={"seconds": float(n)}) for n in range(4)]
    read(any_store, any_admin, tool, Query("SELECT id FROM sales.orders", 99), *dear)
    with any_store.as_viewer(any_admin) as mine:
        kept = mine.catalog.frequent_queries(mine.catalog.by_name("sales.orders").id)
    assert [(each.runs, dict(each.costs)) for each in kept] == [(99, {}), (1, {"seconds": 3.0})]


def test_a_log_that_may_not_be_read_costs_that_part_alone(
    any_store: Store, any_admin: Viewer, tool: int
) -> None:
    read(any_store, any_admin, tool, *LOG)
    lost = read(any_store, any_admin, tool, Unread("the query log"))
    assert (lost.status, lost.errors[0]) == ("done", "no right to read the query log: left out")
    assert lost.errors[1].startswith(
        "2 statements of the query log that could be read before stay as they were"
    )
    partly = read(any_store, any_admin, tool, Query(LOG[0].sql, 9, ("ana",)), Unread("what queries cost"))
    assert partly.status == "done" and "what queries cost" in partly.errors[0]
    with any_store.as_viewer(any_admin) as mine:
        (only,) = mine.catalog.frequent_queries(mine.catalog.by_name("sales.orders").id)
    assert only.costs == {}


@pytest.mark.parametrize(
    ("costs", "words"),
    [
        ({}, ""),
        ({"bytes_billed": 0.0}, ""),
        ({"bytes_billed": 1.234e12, "slot_seconds": 12_240.0}, "1.23 TB billed, 3.4 hours of slots"),
        ({"credits": 1234.4, "seconds": 100.0}, "1,234 credits, 100 seconds of the engine"),
        ({"bytes_scanned": 999.0, "credits": 0.0001}, "999 bytes scanned, less than 0.001 credits"),
        ({"bytes_read": 5e3, "task_seconds": 180.0}, "5 kB read, 3 minutes of tasks"),
    ],
)
def test_words(costs: dict[str, float], words: str) -> None:
    assert cost_words(costs) == words
