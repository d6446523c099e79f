"""Syncs with real connectors, into SQLite and into PostgreSQL."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from plugin.access.viewer import Viewer
from plugin.catalog.sync import add_integration, sync
from plugin.errors import NotFound
from plugin.store import Store


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


def test_a_first_sync_brings_the_source_into_the_catalog(any_store: Store, any_admin: Viewer, shop: Path) -> None:
    integration = connect(any_store, any_admin, shop)
    done = sync(any_store, any_admin, integration)
    assert (done.status, done.errors) == ("done", ())
    assert done.created > 10 and done.updated == done.removed == 0
    with any_store.as_viewer(any_admin) as mine:
        orders = mine.catalog.by_name("orders")
        assert [column.name for column in mine.catalog.columns(orders.id)] == ["id", "customer_id", "total", "status"]
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
