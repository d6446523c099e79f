"""Query logs of real servers: pg_stat_statements and MySQL's performance schema, in servers of the test's own.

What is run often, by how many people and how tables are joined comes in; literals, names of people and service
accounts do not.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pymysql
import pytest

from plugin.access.viewer import Viewer
from plugin.catalog.sync import add_integration, sync
from plugin.store import Store
from tests.own_servers import mariadb_of_own, postgres_of_own

CANARY = "canary-7f3a91"


@pytest.fixture(scope="module")
def logging_postgres() -> Iterator[str]:
    """A PostgreSQL that loads pg_stat_statements, as no running one can be made to."""
    with postgres_of_own("shared_preload_libraries=pg_stat_statements") as port:
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"


@pytest.fixture(scope="module")
def logging_mariadb() -> Iterator[str]:
    """A MariaDB with the performance schema, which is off by default."""
    with mariadb_of_own(
        "--performance-schema=ON", "--performance-schema-consumer-statements-digest=ON"
    ) as port:
        yield f"mysql://root@127.0.0.1:{port}/shop"


ORDERS = (
    "SELECT o.id, c.name FROM sales.orders o JOIN sales.customers c ON c.id = o.customer_id WHERE c.name = {}"
)


@pytest.fixture
def shop(logging_postgres: str) -> Iterator[str]:
    """Two tables that people join and a service scans."""
    with psycopg.connect(logging_postgres, autocommit=True) as db:
        db.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        db.execute("CREATE SCHEMA sales")
        db.execute("CREATE TABLE sales.customers (id int PRIMARY KEY, name text)")
        db.execute("CREATE TABLE sales.orders (id int PRIMARY KEY, customer_id int)")
        db.execute("CREATE TABLE sales.scanned (id int)")
        db.execute("CREATE TABLE sales.named (id int, name text)")
        for person in ("ann", "bea", "loader_7"):
            db.execute(f"CREATE ROLE {person} LOGIN SUPERUSER")
        db.execute("SELECT pg_stat_statements_reset()")
    for person, times in (("ann", 6), ("bea", 3), ("loader_7", 40)):
        with psycopg.connect(logging_postgres, user=person, autocommit=True) as db:
            for number in range(times):
                db.execute(ORDERS.format(f"'{CANARY}-{number}'"))
            if person == "loader_7":
                db.execute("SELECT id FROM sales.scanned")
                db.execute(
                    f"""/* {{"app": "dbt"}} */ INSERT INTO sales.named
                    SELECT o.id, c.name FROM sales.orders o JOIN sales.customers c ON c.id = o.customer_id
                    WHERE c.name <> '{CANARY}'"""
                )
    yield logging_postgres
    with psycopg.connect(logging_postgres, autocommit=True) as db:
        db.execute("DROP SCHEMA sales CASCADE; DROP ROLE ann; DROP ROLE bea; DROP ROLE loader_7")


def test_postgres_tells_popularity_queries_and_joins(
    store: Store, admin: Viewer, shop: str, home: Path
) -> None:
    integration = add_integration(store, admin, "w", "postgres", settings={"url": shop}, secrets={}).id
    with store.as_admin(admin) as door:
        door.integrations.update(integration, options={"service_accounts": "loader_*\nreporting"})
        assert door.integrations.get(integration).options["service_accounts"] == "loader_*, reporting"
    assert sync(store, admin, integration).status == "done"
    with store.as_viewer(admin) as mine:
        orders, customers = mine.catalog.by_name("sales.orders"), mine.catalog.by_name("sales.customers")
        assert [runs for sql, runs, _ in mine.catalog.frequent_queries(orders.id) if "JOIN" in sql] == [9]
        assert orders.popularity > 0.2
        assert mine.catalog.by_name("sales.scanned").popularity == 0
        assert not mine.catalog.frequent_queries(mine.catalog.by_name("sales.scanned").id)
        joins = [
            each for each in mine.catalog.joins(orders.id) if customers.id in (each.left_id, each.right_id)
        ]
        assert [(each.source, {*each.on[0]}) for each in joins] == [("observed", {"customer_id", "id"})]
    store.close()
    kept = b"".join(each.read_bytes() for each in home.iterdir() if each.is_file())
    assert CANARY.encode() not in kept
    for person in (b"ann", b"bea", b"loader_7"):
        assert person + b"\x00" not in kept and b'"' + person + b'"' not in kept


def test_a_table_filled_from_others_has_lineage_from_the_log(store: Store, admin: Viewer, shop: str) -> None:
    integration = add_integration(store, admin, "w", "postgres", settings={"url": shop}, secrets={}).id
    assert sync(store, admin, integration).status == "done"
    with store.as_viewer(admin) as mine:
        named = mine.catalog.by_name("sales.named")
        found = mine.catalog.lineage(named.id, downstream=False, columns=True).edges
        assert {(each.upstream.split(".")[-1], each.source, each.confidence) for each in found} == {
            ("orders", "query_log", 0.9), ("customers", "query_log", 0.9),
        }  # fmt: skip
        assert {(each.upstream_column, each.downstream_column) for each in found if each.upstream_column} == {
            ("id", "id"), ("name", "name"),
        }  # fmt: skip


def test_what_runs_once_is_read_beside_what_runs_a_million_times(monkeypatch: pytest.MonkeyPatch) -> None:
    from connectors.records import Query
    from plugin.catalog.naming import Names
    from plugin.catalog.sync import queries
    from plugin.store.staging import Known, Stage, table_key

    monkeypatch.setattr(queries, "READ", 3)
    names = Names()
    keys = {name: table_key("d", "s", name) for name in ("a", "b", "c")}
    for name, key in keys.items():
        names.add(key, "d", "s", name)
    log = [Query(sql=f"SELECT x{number} FROM s.a", runs=1000 - number) for number in range(50)]
    log += [
        Query(sql="CREATE TABLE s.b__dbt_tmp AS (SELECT x FROM s.a)", runs=1),
        Query(sql="INSERT INTO s.c SELECT FROM s.b WHERE (((", runs=1),
    ]
    with Stage(Known({}, b"k" * 32)) as stage:
        queries.stage_queries(stage, log, "postgres", names, lambda _keys: {})
        edges = {(each.upstream, each.downstream, each.confidence) for each in stage.query_edges}
        assert edges == {(keys["a"], keys["b"], 0.9), (keys["b"], keys["c"], 0.6)}
        assert stage.queries is not None and sum("SELECT x" in each.sql for each in stage.queries) == 4


def test_without_the_setting_the_loader_counts(store: Store, admin: Viewer, shop: str) -> None:
    integration = add_integration(store, admin, "w", "postgres", settings={"url": shop}, secrets={}).id
    sync(store, admin, integration)
    with store.as_viewer(admin) as mine:
        orders = mine.catalog.by_name("sales.orders")
        assert max(each.runs for each in mine.catalog.frequent_queries(orders.id)) == 49
        assert mine.catalog.by_name("sales.scanned").popularity > 0


def test_mariadb_tells_popularity_queries_and_joins(
    store: Store, admin: Viewer, logging_mariadb: str, home: Path
) -> None:
    port = int(logging_mariadb.rsplit(":", 1)[1].split("/")[0])
    with pymysql.connect(host="127.0.0.1", port=port, user="root", autocommit=True) as db:
        cursor = db.cursor()
        for statement in (
            "CREATE DATABASE sales",
            "CREATE TABLE sales.customers (id int PRIMARY KEY, name text)",
            "CREATE TABLE sales.orders (id int PRIMARY KEY, customer_id int)",
            *[ORDERS.format(f"'{CANARY}-{number}'") for number in range(7)],
        ):
            cursor.execute(statement)
    settings = {"url": f"mysql://root@127.0.0.1:{port}/sales"}
    integration = add_integration(store, admin, "m", "mysql", settings=settings, secrets={}).id
    assert sync(store, admin, integration).status == "done"
    with store.as_viewer(admin) as mine:
        orders, customers = mine.catalog.by_name("sales.orders"), mine.catalog.by_name("sales.customers")
        assert [runs for sql, runs, _ in mine.catalog.frequent_queries(orders.id) if "JOIN" in sql] == [7]
        assert orders.popularity > 0
        joins = [
            each for each in mine.catalog.joins(orders.id) if customers.id in (each.left_id, each.right_id)
        ]
        assert [(each.source, {*each.on[0]}) for each in joins] == [("observed", {"customer_id", "id"})]
    store.close()
    assert CANARY.encode() not in b"".join(each.read_bytes() for each in home.iterdir() if each.is_file())
