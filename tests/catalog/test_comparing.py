"""A table that is as it was is told by the bytes of its source's answer: whatever changes there changes the bytes."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from connectors.abilities import Compares
from connectors.records import Column, Record, Same, Table
from plugin.access.viewer import Viewer
from plugin.catalog.sync import add_integration, sync
from plugin.catalog.sync.comparing import Comparison
from plugin.config import Config
from plugin.store import Store
from plugin.store.staging import Known, raw_fingerprint, table_key
from tests.asynchronous import HANGS
from tests.connectors.databases import RIGS, Rig

ORDERS = (
    "CREATE TABLE orders (id int PRIMARY KEY, customer_id int, note text DEFAULT 'new')",
    "CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL)",
    "CREATE VIEW named AS SELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.customer_id",
)
CHANGES = (
    "ALTER TABLE orders ADD COLUMN at timestamptz",
    "ALTER TABLE orders RENAME COLUMN at TO placed_at",
    "ALTER TABLE orders DROP COLUMN placed_at",
    "ALTER TABLE orders ALTER COLUMN note TYPE varchar(9)",
    "ALTER TABLE orders ALTER COLUMN note SET DEFAULT 'old'",
    "ALTER TABLE orders ALTER COLUMN note SET NOT NULL",
    "ALTER TABLE orders ADD CONSTRAINT whose FOREIGN KEY (customer_id) REFERENCES customers",
    "CREATE INDEX notes ON orders (note)",
    "COMMENT ON TABLE orders IS 'What was bought'",
    "COMMENT ON COLUMN orders.note IS 'Free text'",
    "ALTER TABLE orders OWNER TO pg_read_all_data",
    "ANALYZE orders",
    "CREATE OR REPLACE VIEW named AS SELECT o.id, c.name FROM orders o LEFT JOIN customers c ON c.id = o.customer_id",
)


@pytest.fixture
def postgres(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    with RIGS["postgres"](tmp_path, monkeypatch).made() as rig:
        yield rig


def read(rig: Rig, known: dict[str, bytes]) -> dict[str, Record]:
    """What the connector tells of each table to somebody who knows these bytes."""
    connector = rig.connector()
    assert isinstance(connector, Compares)
    told = connector.extract_unless(lambda _database, _schema, name, raw: known.get(name) == raw)
    return {each.name: each for each in told if isinstance(each, Table | Same)}


def known_of(found: dict[str, Record]) -> dict[str, bytes]:
    return {
        name: each.raw for name, each in found.items() if isinstance(each, Table) and each.raw is not None
    }


def test_every_change_of_a_table_changes_its_bytes_and_those_of_no_other(postgres: Rig) -> None:
    postgres.execute(*ORDERS)
    known = known_of(read(postgres, {}))
    assert len(known) == 3
    for change in CHANGES:
        postgres.execute(change)
        found = read(postgres, known)
        touched = "named" if " VIEW " in change else "orders"
        assert {name for name, each in found.items() if isinstance(each, Table)} == {touched}, change
        known |= known_of(found)
    assert {type(each) for each in read(postgres, known).values()} == {Same}


def test_what_is_told_beside_the_comparison_is_what_is_told_without(postgres: Rig) -> None:
    postgres.execute(*ORDERS, "ANALYZE orders")
    postgres.execute(f"ALTER DATABASE {postgres.database} SET datestyle = 'German, DMY'")
    plain = {each.name: each for each in postgres.connector().extract() if isinstance(each, Table)}
    assert read(postgres, {}) == plain
    orders = plain["orders"]
    assert orders.raw is None and isinstance(orders.analyzed_at, datetime) and orders.analyzed_at.tzinfo
    assert abs((datetime.now(orders.analyzed_at.tzinfo) - orders.analyzed_at).total_seconds()) < 3600
    assert Column("note", 3, "text", True, "'new'::text") in orders.columns
    assert {key.kind for key in orders.keys} == {"primary"} and orders.indexes[0].columns == ("id",)


def rows(config: Config) -> list[tuple[object, ...]]:
    """Every row of the catalog and of its index, with the time it was written."""
    with sqlite3.connect(config.home / "docent.sqlite3") as db:
        tables = ("resources", "resource_keys", "edges", "loose_ends", "search_docs", "drift")
        return [(table, *row) for table in tables for row in db.execute(f"SELECT * FROM {table}")]


def test_a_sync_takes_what_changed_and_writes_no_row_of_the_rest(
    store: Store, admin: Viewer, config: Config, postgres: Rig
) -> None:
    postgres.execute(*ORDERS)
    settings, secrets = postgres.settings()
    integration = add_integration(store, admin, "w", "postgres", settings=settings, secrets=secrets).id
    first = sync(store, admin, integration)
    before = rows(config)
    again = sync(store, admin, integration)
    assert (again.status, again.created, again.updated, again.removed) == ("done", 0, 0, 0)
    assert again.seen == again.unchanged == first.created
    assert rows(config) == before
    postgres.execute("COMMENT ON COLUMN orders.note IS 'Free text'", "DROP VIEW named")
    changed = sync(store, admin, integration)
    assert (changed.created, changed.updated, changed.removed) == (0, 1, 3)
    with store.as_viewer(admin) as mine:
        assert mine.catalog.by_name("orders.note").description == "Free text"
    whole = sync(store, admin, integration, full=True)
    assert (whole.status, whole.seen) == ("done", changed.seen)


def test_whoever_asks_waits_for_the_catalog_and_goes_on_when_the_sync_ends_without_it() -> None:
    raw, secret = b"a row", b"k" * 32
    prints = {table_key("d", "s", "t"): raw_fingerprint(raw, secret), table_key("d", "s", "stale"): b""}
    told, ended = Comparison(), Comparison()
    answers: dict[str, bool] = {}

    def ask(name: str, comparison: Comparison) -> None:
        answers[name] = comparison("d", "s", "t", raw)

    asking = [
        threading.Thread(target=ask, args=each, daemon=True) for each in (("told", told), ("ended", ended))
    ]
    for each in asking:
        each.start()
    assert not answers
    told.tell(Known(prints, secret))
    ended.end()
    for each in asking:
        each.join(HANGS)
    assert answers == {"told": True, "ended": False}
    assert not told("d", "s", "t", b"another row")
    assert not told("d", "s", "stale", raw) and not told("d", "s", "new", raw)
