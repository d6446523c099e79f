"""The catalog over time: what drifted, how fresh it is, and a sync that dies in the middle."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import update

from plugin.access.viewer import Viewer
from plugin.catalog.freshness import freshness, is_stale
from plugin.catalog.sync import add_integration, sync
from plugin.cli import cli
from plugin.cli.catalog import start_of
from plugin.errors import BadInput, NotFound
from plugin.store import Store
from plugin.store._models.catalog import DriftRow
from plugin.tools.fragments import fragment
from tests.assistant import shop as shops
from tests.assistant.shop import build, records, table

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
DIES = """
import sys, time
from plugin.catalog import sync as syncs
from plugin.config import read_config
from plugin.store import _merge, open_store

store = open_store(read_config({"DOCENT_HOME": sys.argv[1]}))

def hang(*_arguments):
    print("here", flush=True)
    time.sleep(3600)

if sys.argv[4] == "writing":
    _merge.zones.recount = hang
    syncs.sync(store, int(sys.argv[2]), int(sys.argv[3]))
else:
    syncs.sync(store, int(sys.argv[2]), int(sys.argv[3]), progress=lambda stage, *_: stage == "linking" and hang())
"""


def change(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as db:
        for statement in statements:
            db.execute(statement)
    db.close()


def connect(store: Store, admin: Viewer, path: Path) -> int:
    return add_integration(
        store, admin, "shop", "sqlite", settings={"url": f"sqlite:///{path}"}, secrets={}
    ).id


def names(store: Store, admin: Viewer) -> set[str]:
    with store.as_viewer(admin) as mine:
        return {each.name for each in mine.catalog.browse(limit=100).items}


@pytest.mark.parametrize("stage", ["linking", "writing"])
def test_a_sync_that_is_killed_leaves_the_catalog_as_it_was(
    store: Store, admin: Viewer, home: Path, tmp_path: Path, stage: str
) -> None:
    path = tmp_path / "shop.sqlite3"
    change(path, "CREATE TABLE orders (id INTEGER)")
    integration = connect(store, admin, path)
    sync(store, admin, integration)
    before = names(store, admin)
    change(path, "CREATE TABLE refunds (id INTEGER)", "DROP TABLE orders")
    with subprocess.Popen(
        [sys.executable, "-c", DIES, str(home), str(admin.workspace_id), str(integration), stage],
        stdout=subprocess.PIPE,
        text=True,
    ) as dying:
        assert dying.stdout is not None
        assert dying.stdout.readline() == "here\n"
        os.kill(dying.pid, signal.SIGKILL)
    assert names(store, admin) == before
    with store.as_viewer(admin) as mine:
        assert not mine.catalog.search("refunds").hits
    # A sync that gave no sign of life for long is dead; here nobody waits for that.
    with sqlite3.connect(next(home.glob("*.sqlite3"), None) or next(home.glob("*.db"))) as db:
        long_ago = (datetime.now(UTC) - timedelta(days=2)).strftime("%Y-%m-%d %H:%M:%S.%f")
        assert db.execute("UPDATE syncs SET beat = ? WHERE status = 'running'", (long_ago,)).rowcount == 1
    db.close()
    done = sync(store, admin, integration)
    assert (done.status, done.errors) == ("done", ())
    assert names(store, admin) == before - {"orders"} | {"refunds"}


def docent(home: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> Result:
    monkeypatch.setenv("DOCENT_HOME", str(home))
    return CliRunner().invoke(cli, list(words), catch_exceptions=False)


def test_the_command_line_tells_what_drifted(
    store: Store, admin: Viewer, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "shop.sqlite3"
    change(path, "CREATE TABLE orders (id INTEGER, total TEXT)", "CREATE TABLE old (id INTEGER)")
    integration = connect(store, admin, path)
    sync(store, admin, integration)
    change(
        path,
        "DROP TABLE orders",
        "CREATE TABLE orders (id INTEGER, total NUMERIC UNIQUE)",
        "DROP TABLE old",
        "CREATE TABLE refunds (id INTEGER)",
    )
    sync(store, admin, integration)
    told = docent(home, monkeypatch, "drift", "--since", "2000-01-01", "--json")
    assert told.exit_code == 0
    lines = [json.loads(line) for line in told.stdout.splitlines()]
    found = {(line["change"], line["qualified_name"].split(".", 1)[-1]) for line in lines}
    assert {("added", "refunds"), ("removed", "old"), ("retyped", "orders.total")} <= found
    words = docent(home, monkeypatch, "drift", "--since", "2000-01-01").stdout
    assert "TEXT -> NUMERIC" in words
    assert "orders  nothing -> unique key (total)" in words
    assert not docent(home, monkeypatch, "drift", "--since", "2999-01-01").stdout
    some = docent(
        home, monkeypatch, "drift", "--since", "2000-01-01", "--under", "old", "--integration", "Shop"
    )
    assert "removed" in some.stdout and "refunds" not in some.stdout and not some.stderr
    some = docent(home, monkeypatch, "drift", "--since", "2000-01-01", "--change", "added", "--json")
    assert {json.loads(line)["change"] for line in some.stdout.splitlines()} == {"added"}
    some = docent(home, monkeypatch, "drift", "--since", "2000-01-01", "--limit", "1")
    assert len(some.stdout.splitlines()) == 1
    assert f"the newest 1 of {len(lines)} changes" in some.stderr
    nowhere = CliRunner().invoke(cli, ["drift", "--since", "2000-01-01", "--integration", "shoop"])
    assert isinstance(nowhere.exception, NotFound) or "no integration 'shoop'" in nowhere.stderr
    shown = docent(home, monkeypatch, "show", "orders").stdout
    assert "As of the sync of" in shown


def test_columns_that_became_required_and_keys_that_came_are_told(
    any_store: Store, any_admin: Viewer, tmp_path: Path
) -> None:
    """What breaks a load is drift though no type changed; what a key points at is not told with it."""
    path = tmp_path / "shop.sqlite3"
    change(
        path,
        "CREATE TABLE people (id INTEGER PRIMARY KEY)",
        "CREATE TABLE plain (id INTEGER PRIMARY KEY, person INTEGER)",
        "CREATE TABLE orders (nr INTEGER, person INTEGER, total TEXT NOT NULL, UNIQUE (total))",
    )
    integration = connect(any_store, any_admin, path)
    sync(any_store, any_admin, integration)
    change(
        path,
        "DROP TABLE orders",
        "CREATE TABLE orders (nr INTEGER PRIMARY KEY NOT NULL, person INTEGER REFERENCES people (id), total TEXT)",
        "ALTER TABLE plain ADD COLUMN note TEXT",
    )
    sync(any_store, any_admin, integration)
    with any_store.as_viewer(any_admin) as mine:
        report = {
            (each.change, each.qualified_name.split(".", 1)[-1], each.before, each.after)
            for each in mine.catalog.drift(LONG_AGO)
        }
        assert report == {
            ("added", "plain.note", None, None),
            ("required", "orders.nr", None, None),
            ("optional", "orders.total", None, None),
            ("rekeyed", "orders", "unique key (total)", "foreign key (person), primary key (nr)"),
        }
    sync(any_store, any_admin, integration, full=True)
    with any_store.as_viewer(any_admin) as mine:
        assert len(mine.catalog.drift(LONG_AGO)) == len(report)
    with any_store.as_admin(any_admin) as door:
        door.settings.set("ai.filters", [{"effect": "exclude", "tags": ["hidden"]}])
    with any_store.as_viewer(any_admin.as_assistant()) as mine:
        assert {each.change for each in mine.catalog.drift(LONG_AGO)} == {"added", "required", "optional"}


def test_a_view_where_a_table_was_is_told_as_one_gone_and_another_come(
    any_store: Store, any_admin: Viewer, tmp_path: Path
) -> None:
    path = tmp_path / "shop.sqlite3"
    change(
        path,
        "CREATE TABLE orders (id INTEGER PRIMARY KEY NOT NULL, total TEXT)",
        "CREATE VIEW old AS SELECT id FROM orders",
    )
    integration = connect(any_store, any_admin, path)
    sync(any_store, any_admin, integration)
    change(
        path,
        "ALTER TABLE orders RENAME TO orders_kept",
        "CREATE VIEW orders AS SELECT id, total, 1 AS one FROM orders_kept",
        "DROP VIEW old",
        "CREATE TABLE old (id INTEGER)",
    )
    assert sync(any_store, any_admin, integration).status == "done"
    with any_store.as_viewer(any_admin) as mine:
        told = {
            (each.change, each.kind, each.qualified_name.rpartition(".")[2])
            for each in mine.catalog.drift(LONG_AGO)
        }
        assert mine.catalog.by_name("orders").kind == "view"
    assert told == {
        ("removed", "table", "orders"),
        ("added", "view", "orders"),
        ("added", "table", "orders_kept"),
        ("removed", "view", "old"),
        ("added", "table", "old"),
    }


def test_a_description_that_a_person_replaced_is_told_when_the_source_changes_its_own(
    store: Store, admin: Viewer
) -> None:
    def said(description: str) -> list[Any]:
        return [
            *records(),
            table("sales", "vouchers", "id bigint pk; code text 'old'", description=description),
        ]

    shop = build(store, admin, more=lambda: said("Paper.")[-1:])
    with store.as_viewer(admin) as mine:
        mine.edits.set_property(mine.catalog.by_name("sales.vouchers").id, "description", "Ours.")
    for description in ("Plastic.", "Plastic."):
        shops.SOURCE = lambda: said(description)  # noqa: B023  it is asked at once
        try:
            assert sync(store, admin, shop.integration_id, full=True).status == "done"
        finally:
            shops.SOURCE = records
    with store.as_viewer(admin) as mine:
        assert mine.catalog.by_name("sales.vouchers").description == "Ours."
        told = [(each.change, each.before, each.after) for each in mine.catalog.drift(LONG_AGO)]
    assert told == [("redescribed", "Paper.", "Plastic.")]


def test_differences_are_kept_for_400_days(any_store: Store, any_admin: Viewer, tmp_path: Path) -> None:
    path = tmp_path / "shop.sqlite3"
    change(path, "CREATE TABLE kept (id INTEGER)")
    integration = connect(any_store, any_admin, path)
    sync(any_store, any_admin, integration)
    for days, name in ((401, "first"), (399, "second"), (0, "third")):
        change(path, f"CREATE TABLE {name} (id INTEGER)")
        assert sync(any_store, any_admin, integration).created == 2
        ago = datetime.now(UTC) - timedelta(days=days)
        with any_store._context(any_admin.workspace_id) as context:
            moved = update(DriftRow).where(DriftRow.qualified_name.endswith(name)).values(at=ago)
            context.session.execute(moved)
    with any_store.as_viewer(any_admin) as mine:
        told = {each.qualified_name.rpartition(".")[2] for each in mine.catalog.drift(LONG_AGO)}
    assert told == {"second", "third"}


def test_an_exchanged_table_is_no_unchanged_source(store: Store, admin: Viewer, tmp_path: Path) -> None:
    path = tmp_path / "shop.sqlite3"
    change(path, "CREATE TABLE orders (id INTEGER)")
    integration = connect(store, admin, path)
    first = sync(store, admin, integration)
    again = sync(store, admin, integration)
    assert (again.created, again.updated, again.removed) == (0, 0, 0)
    assert again.seen == again.unchanged == first.seen
    change(path, "DROP TABLE orders", "CREATE TABLE others (id INTEGER)")
    assert sync(store, admin, integration).removed == 2


@pytest.fixture
def two_schemas(postgres_url: str) -> str:
    """A PostgreSQL database with the schemas sales and finance; yields its URL."""
    url = postgres_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("CREATE SCHEMA sales; CREATE SCHEMA finance")
        db.execute("CREATE TABLE sales.orders (id int); CREATE TABLE sales.refunds (id int)")
        db.execute("CREATE TABLE finance.ledger (id int)")
    return url


def test_a_sync_of_one_schema_touches_that_schema_alone(
    store: Store, admin: Viewer, two_schemas: str
) -> None:
    integration = add_integration(store, admin, "w", "postgres", settings={"url": two_schemas}, secrets={}).id
    sync(store, admin, integration)
    with store.as_admin(admin) as door:
        whole = door.integrations.get(integration).last_sync_at
    with psycopg.connect(two_schemas, autocommit=True) as db:
        db.execute("DROP TABLE sales.refunds; CREATE TABLE sales.returns (id int)")
        db.execute("DROP TABLE finance.ledger; CREATE TABLE finance.budget (id int)")
    done = sync(store, admin, integration, only_schema="sales")
    assert (done.status, done.only_schema, done.created, done.removed) == ("done", "sales", 2, 2)
    assert {"orders", "returns", "ledger"} <= names(store, admin)
    assert not {"refunds", "budget"} & names(store, admin)
    with store.as_admin(admin) as door:
        assert door.integrations.get(integration).last_sync_at == whole
    nowhere = sync(store, admin, integration, only_schema="slaes")
    assert nowhere.status == "failed" and "no schema 'slaes'" in nowhere.errors[0]
    again = sync(store, admin, integration, only_schema="sales")
    assert (again.created, again.updated, again.removed) == (0, 0, 0)
    sync(store, admin, integration)
    assert {"orders", "returns", "budget"} <= names(store, admin)
    assert "ledger" not in names(store, admin)


def test_a_schema_of_any_name_is_synced_alone(store: Store, admin: Viewer, postgres_url: str) -> None:
    """Also one whose name is a pattern, or that a setting would cut; and no other that such a pattern fits."""
    url = postgres_url.replace("+psycopg", "")
    odd = ("a.b", " lead", "tab\t", "st*r", "x[1]", "one, two")
    with psycopg.connect(url, autocommit=True) as db:
        for name in (*odd, "axb"):
            db.execute(f'CREATE SCHEMA "{name}"; CREATE TABLE "{name}".stays (id int)')
    integration = add_integration(store, admin, "w", "postgres", settings={"url": url}, secrets={}).id
    sync(store, admin, integration)
    with psycopg.connect(url, autocommit=True) as db:
        for name in (*odd, "axb"):
            db.execute(f'CREATE TABLE "{name}".came (id int)')
    for count, name in enumerate(odd, 1):
        done = sync(store, admin, integration, only_schema=name)
        assert (done.status, done.created, done.removed) == ("done", 2, 0), name
        with store.as_viewer(admin) as mine:
            tables = [each.name for each in mine.catalog.browse(kinds=("table",), limit=100).items]
        assert (tables.count("stays"), tables.count("came")) == (len(odd) + 1, count)


def test_a_view_that_came_before_its_table_learns_its_columns(
    store: Store, admin: Viewer, two_schemas: str
) -> None:
    """By a sync of the view's schema alone: when the table comes they are tied, and the next sync knows by columns."""
    with psycopg.connect(two_schemas, autocommit=True) as db:
        db.execute("CREATE SCHEMA late; CREATE TABLE late.bills (nr int, total int)")
    integration = add_integration(store, admin, "w", "postgres", settings={"url": two_schemas}, secrets={}).id
    with psycopg.connect(two_schemas, autocommit=True) as db:
        db.execute("CREATE VIEW sales.owed AS SELECT nr, total * 2 AS twice FROM late.bills")
    assert sync(store, admin, integration, only_schema="sales").status == "done"
    read = []
    for _ in range(3):
        done = sync(store, admin, integration)
        with store.as_viewer(admin) as mine:
            bills = mine.catalog.by_name("late.bills")
            read.append(len(mine.catalog.lineage(bills.id, columns=True).edges))
    assert read[-1] > read[0] == 1
    assert (done.created, done.updated, done.removed) == (0, 0, 0)


def test_a_schema_that_the_settings_leave_out_is_refused(
    store: Store, admin: Viewer, two_schemas: str
) -> None:
    settings = {"url": two_schemas, "schemas": "fin*, sales.ord*", "exclude": "stage_*"}
    integration = add_integration(store, admin, "w", "postgres", settings=settings, secrets={}).id
    assert sync(store, admin, integration, only_schema="sales").status == "done"
    assert names(store, admin) >= {"orders"} and "refunds" not in names(store, admin)
    for schema in ("marketing", "stage_1", "*"):
        refused = sync(store, admin, integration, only_schema=schema)
        assert refused.status == "failed" and "schema" in refused.errors[0]


def test_what_may_be_out_of_date_is_said(store: Store, admin: Viewer, tmp_path: Path) -> None:
    path = tmp_path / "shop.sqlite3"
    change(path, "CREATE TABLE orders (id INTEGER)")
    integration = connect(store, admin, path)
    sync(store, admin, integration)
    with store.as_viewer(admin) as mine:
        fresh = mine.catalog.by_name("orders")
    now = datetime.now(UTC)
    assert fresh.last_sync_at is not None and now - fresh.last_sync_at < timedelta(minutes=5)
    assert not is_stale(fresh, now)
    assert (
        freshness(fresh, fresh.last_sync_at + timedelta(hours=5, minutes=1))
        == "as of the sync of 5 hours ago"
    )
    assert is_stale(fresh, now + timedelta(days=3))
    assert "freshness" not in fragment(fresh, full=True).fields
    path.unlink()
    path.mkdir()
    assert sync(store, admin, integration).status == "failed"
    with store.as_viewer(admin) as mine:
        after = mine.catalog.by_name("orders")
    said = freshness(after, fresh.last_sync_at + timedelta(days=3, hours=2))
    assert said == "as of the sync of 3 days ago; the last sync failed"
    assert "the last sync failed" in fragment(after, full=True).fields["freshness"]


def test_since_monday_is_the_last_monday() -> None:
    sunday = datetime(2026, 11, 22, 10, 30, tzinfo=ZoneInfo("UTC"))
    for said, day in (("Monday", 16), ("sunday", 22), ("today", 22), ("yesterday", 21), ("2026-11-03", 3)):
        assert start_of(said, sunday) == datetime(2026, 11, day, tzinfo=UTC), said
    with pytest.raises(BadInput, match="monday"):
        start_of("the other day", sunday)


def test_since_monday_is_monday_where_the_person_is() -> None:
    """In California Sunday evening is Monday already in UTC; and midnight is where the clock was on that day."""
    evening = datetime(2026, 11, 22, 18, 0, tzinfo=ZoneInfo("America/Los_Angeles"))
    assert start_of("monday", evening) == datetime(2026, 11, 16, 8, tzinfo=UTC)
    assert start_of("2026-10-30T09:00", evening) == datetime(
        2026, 10, 30, 16, tzinfo=UTC
    )  # before the clock went back
    assert start_of("2026-10-30T09:00Z", evening) == datetime(2026, 10, 30, 9, tzinfo=UTC)
    morning = datetime(2026, 11, 16, 5, 0, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert start_of("monday", morning) == datetime(2026, 11, 15, 15, tzinfo=UTC)
