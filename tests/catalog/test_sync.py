"""Syncs with real connectors, into SQLite and into PostgreSQL."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from plugin.access.viewer import Viewer
from plugin.catalog.sync import add_integration, sync
from plugin.errors import NotFound
from plugin.store import Store

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A small SQLite database with keys, views over views, comments and rows."""
    path = tmp_path / "shop.sqlite3"
    with sqlite3.connect(path) as db:
        db.executescript(
            """
            CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT, name TEXT NOT NULL DEFAULT 'CANARY_DEFAULT');
            CREATE TABLE orders (
                id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers (id), total NUMERIC, status TEXT
            );
            CREATE INDEX ix_orders_status ON orders (status);
            CREATE VIEW paid AS SELECT o.id, o.customer_id, o.total FROM orders o WHERE o.status = 'CANARY_LITERAL';
            CREATE VIEW spent AS
                SELECT c.name AS customer, sum(p.total) AS amount
                FROM paid p JOIN customers c ON c.id = p.customer_id GROUP BY c.name;
            INSERT INTO customers VALUES (1, 'CANARY_ROW@example.com', 'CANARY_ROW');
            """
        )
    return path


def connect(store: Store, admin: Viewer, path: Path, name: str = "shop") -> int:
    return add_integration(store, admin, name, "sqlite", settings={"url": f"sqlite:///{path}"}, secrets={}).id


def test_a_first_sync_brings_the_source_into_the_catalog(
    any_store: Store, any_admin: Viewer, shop: Path
) -> None:
    integration = connect(any_store, any_admin, shop)
    done = sync(any_store, any_admin, integration)
    assert (done.status, done.errors) == ("done", ())
    assert done.created > 10 and done.updated == done.removed == 0
    with any_store.as_viewer(any_admin) as mine:
        orders = mine.catalog.by_name("orders")
        assert [column.name for column in mine.catalog.columns(orders.id)] == [
            "id",
            "customer_id",
            "total",
            "status",
        ]
        assert orders.children == 4
        customers = mine.catalog.by_name("CUSTOMERS")
        email = mine.catalog.by_name("customers.email")
        assert email.sensitivity == "personal"
        assert email.parent_id == customers.id
        keys = {key.kind: key for key in mine.catalog.keys(orders.id)}
        assert keys["foreign"].ref_id == customers.id
        spent = mine.catalog.by_name("spent")
        lineage = mine.catalog.lineage(spent.id, depth=3, columns=True)
        names = {each.name for each in lineage.resources.values()}
        assert names == {"spent", "paid", "customers", "orders"}
        amount = {
            (edge.upstream_column, edge.downstream_column)
            for edge in lineage.edges
            if edge.kind == "column" and edge.downstream_id == spent.id
        }
        assert amount == {("name", "customer"), ("total", "amount")}
        assert mine.catalog.joins(orders.id)[0].on == (("customer_id", "id"),)


def test_an_unchanged_source_writes_nothing(any_store: Store, any_admin: Viewer, shop: Path) -> None:
    integration = connect(any_store, any_admin, shop)
    first = sync(any_store, any_admin, integration)
    again = sync(any_store, any_admin, integration)
    assert (again.created, again.updated, again.removed) == (0, 0, 0)
    assert again.unchanged == again.seen == first.created


def change(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as db:
        for statement in statements:
            db.execute(statement)


def snapshot(store: Store, viewer: Viewer) -> list[str]:
    """Everything that the catalog has, as text."""
    with store.as_viewer(viewer) as mine:
        everything = [
            *mine.catalog.browse(limit=1000).items,
            *mine.catalog.browse(kinds=("column",), limit=1000).items,
        ]
        # How fresh it is changes with every sync, whatever the catalog has.
        return [repr(replace(each, last_sync_at=None, sync_failed=False)) for each in everything]


def test_what_changed_is_written_and_what_is_gone_goes(
    any_store: Store, any_admin: Viewer, shop: Path
) -> None:
    integration = connect(any_store, any_admin, shop)
    sync(any_store, any_admin, integration)
    with any_store.as_viewer(any_admin) as mine:
        before = mine.catalog.by_name("orders").id
    change(
        shop,
        "ALTER TABLE orders ADD COLUMN note TEXT",
        "ALTER TABLE customers DROP COLUMN email",
        "DROP VIEW spent",
    )
    done = sync(any_store, any_admin, integration)
    # orders.note came; customers.email, spent and its two columns went.
    assert (done.status, done.created, done.removed) == ("done", 1, 4)
    with any_store.as_viewer(any_admin) as mine:
        assert mine.catalog.by_name("orders").id == before
        assert mine.catalog.by_name("orders.note").position == 5
        with pytest.raises(NotFound):
            mine.catalog.by_name("customers.email")
        with pytest.raises(NotFound):
            mine.catalog.by_name("spent")
        report = {(each.change, each.qualified_name.split(".")[-1]) for each in mine.catalog.drift(LONG_AGO)}
        assert {("added", "note"), ("removed", "email"), ("removed", "spent")} <= report
    assert sync(any_store, any_admin, integration).unchanged == done.seen


def test_a_persons_text_survives_a_smart_import(any_store: Store, any_admin: Viewer, shop: Path) -> None:
    integration = connect(any_store, any_admin, shop)
    sync(any_store, any_admin, integration)
    with any_store.as_viewer(any_admin) as mine:
        orders, email = mine.catalog.by_name("orders").id, mine.catalog.by_name("customers.email").id
        mine.edits.set_property(orders, "description", "what was ordered")
        mine.edits.set_property(email, "sensitivity", None)
        mine.edits.add_tag(orders, "core")
        mine.edits.add_owner(orders, "ada@example.com")
    change(shop, "ALTER TABLE orders ADD COLUMN note TEXT", "ALTER TABLE customers ADD COLUMN phone TEXT")
    sync(any_store, any_admin, integration, full=True)
    with any_store.as_viewer(any_admin) as mine:
        found = mine.catalog.resource(orders)
        assert (found.description, found.tags, found.owners[0].email) == (
            "what was ordered",
            ("core",),
            "ada@example.com",
        )
        assert mine.catalog.resource(email).sensitivity is None
        assert mine.catalog.by_name("customers.phone").sensitivity == "personal"


def test_a_source_that_shrank_stops_and_asks(any_store: Store, any_admin: Viewer, tmp_path: Path) -> None:
    path = tmp_path / "big.sqlite3"
    change(path, *(f"CREATE TABLE t{i} (id INTEGER)" for i in range(60)))
    integration = connect(any_store, any_admin, path)
    sync(any_store, any_admin, integration)
    before = snapshot(any_store, any_admin)
    change(path, *(f"DROP TABLE t{i}" for i in range(50)))
    stopped = sync(any_store, any_admin, integration)
    assert stopped.status == "stopped" and "--full" in stopped.errors[0]
    assert snapshot(any_store, any_admin) == before
    assert sync(any_store, any_admin, integration, full=True).removed == 100


def test_a_source_that_fails_leaves_the_catalog_as_it_was(
    any_store: Store, any_admin: Viewer, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    integration = connect(any_store, any_admin, shop)
    sync(any_store, any_admin, integration)
    before = snapshot(any_store, any_admin)
    shop.rename(shop.with_suffix(".gone"))
    failed = sync(any_store, any_admin, integration)
    assert failed.status == "failed" and failed.errors
    assert snapshot(any_store, any_admin) == before
    shop.with_suffix(".gone").rename(shop)
    change(shop, "ALTER TABLE orders ADD COLUMN note TEXT")
    assert sync(any_store, any_admin, integration).status == "done"


def test_cancelling_half_way_leaves_the_catalog_as_it_was(
    any_store: Store, any_admin: Viewer, shop: Path
) -> None:
    integration = connect(any_store, any_admin, shop)
    cancelled = sync(any_store, any_admin, integration, cancelled=lambda: True)
    assert cancelled.status == "cancelled"
    with any_store.as_viewer(any_admin) as mine:
        assert mine.catalog.counts() == {}
    assert sync(any_store, any_admin, integration).status == "done"


def test_a_fault_in_the_merge_rolls_everything_back(
    any_store: Store, any_admin: Viewer, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from plugin.store import _merge

    integration = connect(any_store, any_admin, shop)

    def fail(*_args: object) -> None:
        raise RuntimeError("the process dies here")

    with monkeypatch.context() as patched:
        patched.setattr(_merge.zones, "recount", fail)
        with pytest.raises(RuntimeError):
            sync(any_store, any_admin, integration)
    with any_store.as_viewer(any_admin) as mine:
        assert mine.catalog.browse(limit=10).items == ()
    with any_store.as_admin(any_admin) as door:
        assert door.integrations.syncs(integration)[0].status == "failed"
    assert sync(any_store, any_admin, integration).status == "done"


def test_no_literal_and_no_row_is_in_the_database(
    store: Store, admin: Viewer, shop: Path, home: Path
) -> None:
    integration = connect(store, admin, shop)
    sync(store, admin, integration)
    with store.as_viewer(admin) as mine:
        assert mine.catalog.by_name("paid").definition is not None
    store.close()
    for path in home.iterdir():
        assert b"CANARY" not in path.read_bytes(), path.name


def test_a_view_tells_when_its_table_comes_back(any_store: Store, any_admin: Viewer, tmp_path: Path) -> None:
    path = tmp_path / "views.sqlite3"
    change(path, "CREATE TABLE a (x TEXT)", "CREATE VIEW v AS SELECT x FROM a")
    integration = connect(any_store, any_admin, path)
    sync(any_store, any_admin, integration)
    change(path, "DROP TABLE a")
    sync(any_store, any_admin, integration)
    change(path, "CREATE TABLE a (x TEXT)")
    sync(any_store, any_admin, integration)
    with any_store.as_viewer(any_admin) as mine:
        lineage = mine.catalog.lineage(mine.catalog.by_name("v").id)
        assert {each.name for each in lineage.resources.values()} == {"a", "v"}
