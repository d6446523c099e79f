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
from sqlalchemy import text

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
        assert [each.runs for each in mine.catalog.frequent_queries(orders.id) if "JOIN" in each.sql] == [9]
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


def test_a_statement_whose_tables_are_read_anew_is_seen_by_others(
    store: Store, admin: Viewer, shop: str
) -> None:
    """What an older release kept under too few tables is mended by the next sync, though the log is as it was."""
    with psycopg.connect(
        shop, autocommit=True
    ) as db:  # our own statements count too: the second look finds no new
        db.execute("ALTER SYSTEM SET pg_stat_statements.track = 'none'")
        db.execute("SELECT pg_reload_conf()")
    try:
        integration = add_integration(store, admin, "w", "postgres", settings={"url": shop}, secrets={}).id
        assert sync(store, admin, integration).status == "done"
        with store._engine.begin() as raw:
            kept = raw.execute(text("SELECT * FROM frequent_query_tables ORDER BY 1, 2")).all()
            raw.execute(
                text("DELETE FROM frequent_query_tables WHERE resource_id = :id"), {"id": kept[0].resource_id}
            )
        assert sync(store, admin, integration).status == "done"
        with store._engine.begin() as raw:
            count = raw.execute(text("SELECT count(*) FROM frequent_query_tables")).scalar_one()
        assert count == len(kept) > 1
    finally:
        with psycopg.connect(shop, autocommit=True) as db:
            db.execute("ALTER SYSTEM RESET pg_stat_statements.track")
            db.execute("SELECT pg_reload_conf()")


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
        assert [each.runs for each in mine.catalog.frequent_queries(orders.id) if "JOIN" in each.sql] == [7]
        assert orders.popularity > 0
        joins = [
            each for each in mine.catalog.joins(orders.id) if customers.id in (each.left_id, each.right_id)
        ]
        assert [(each.source, {*each.on[0]}) for each in joins] == [("observed", {"customer_id", "id"})]
    store.close()
    assert CANARY.encode() not in b"".join(each.read_bytes() for each in home.iterdir() if each.is_file())


def test_one_text_in_two_databases_is_two_statements(
    store: Store, admin: Viewer, logging_mariadb: str
) -> None:
    port = int(logging_mariadb.rsplit(":", 1)[1].split("/")[0])
    with pymysql.connect(host="127.0.0.1", port=port, user="root", autocommit=True) as db:
        cursor = db.cursor()
        for tenant, times in (("tenant_a", 5), ("tenant_b", 2)):
            for statement in (
                f"CREATE DATABASE {tenant}",
                f"USE {tenant}",
                "CREATE TABLE visits (id int, visitor_id int, at datetime)",
                "CREATE TABLE visitors (id int, born date)",
                *["SELECT v.id FROM visits v JOIN visitors p ON p.id = v.visitor_id"] * times,
            ):
                cursor.execute(statement)
    integration = add_integration(
        store, admin, "tenants", "mysql",
        settings={"url": f"mysql://root@127.0.0.1:{port}/", "schemas": "tenant_a\ntenant_b"}, secrets={},
    ).id  # fmt: skip
    assert sync(store, admin, integration).status == "done"
    with store.as_viewer(admin) as mine:
        for tenant, times in (("tenant_a", 5), ("tenant_b", 2)):
            visits = mine.catalog.by_name(f"{tenant}.visits")
            assert [each.runs for each in mine.catalog.frequent_queries(visits.id)] == [times], tenant
            assert len(mine.catalog.joins(visits.id)) == 1
    assert sync(store, admin, integration).updated == 0


def test_what_the_servers_fold_is_read_as_sql(
    store: Store, admin: Viewer, logging_mariadb: str, logging_postgres: str
) -> None:
    """Typed literals, lists of values, casts and units: neither server keeps them as SQL, and joins stand beside them."""
    port = int(logging_mariadb.rsplit(":", 1)[1].split("/")[0])
    made = (
        "CREATE TABLE trips (id int, ship_id int, sailed date, fare decimal(9,2), class varchar(9))",
        "CREATE TABLE ships (id int, launched date)",
    )
    asked = [
        "SELECT t.id, coalesce(t.class, '-', 'x') FROM trips t, ships s WHERE t.ship_id = s.id"
        f" AND t.sailed >= DATE '2024-05-0{number + 1}' AND t.id IN ({', '.join(['7'] * (number + 2))})"
        for number in range(3)
    ]
    more = (
        "SELECT t.id FROM trips t LEFT JOIN ships s ON s.id = t.ship_id WHERE t.sailed > now() - INTERVAL 3 DAY"
        " AND t.id NOT IN (1, 2, 3) AND CAST(t.fare AS DECIMAL(9, 2)) > 4 AND t.sailed < TIMESTAMP '2024-05-01 00:00:00'"
    )
    with pymysql.connect(host="127.0.0.1", port=port, user="root", autocommit=True) as db:
        cursor = db.cursor()
        for statement in ("CREATE DATABASE harbour", "USE harbour", *made, *asked, more):
            cursor.execute(statement)
    with psycopg.connect(logging_postgres, autocommit=True) as pg:
        pg.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        pg.execute("CREATE SCHEMA harbour")
        pg.execute("SET search_path = harbour, public")
        pg.execute("SELECT pg_stat_statements_reset()")
        for statement in (*made, *asked, more.replace("INTERVAL 3 DAY", "INTERVAL '3 days'")):
            pg.execute(statement)
    for type_, url in (("mysql", f"mysql://root@127.0.0.1:{port}/harbour"), ("postgres", logging_postgres)):
        integration = add_integration(store, admin, type_, type_, settings={"url": url}, secrets={}).id
        assert sync(store, admin, integration).status == "done"
        with store.as_viewer(admin) as mine:
            trips = mine.catalog.by_name("harbour.trips", integration=integration)
            found = mine.catalog.frequent_queries(trips.id)
            assert [each.runs for each in found] == [3, 1], type_
            assert "IN (?)" in found[0].sql and "..." not in found[0].sql + found[1].sql
            (join,) = [each for each in mine.catalog.joins(trips.id) if each.source == "observed"]
            assert {*join.on[0]} == {"ship_id", "id"}, type_


def test_people_of_one_statement_in_several_texts_are_counted_once() -> None:
    from datetime import UTC, datetime

    from connectors.records import Query
    from plugin.catalog.naming import Names
    from plugin.catalog.sync.queries import stage_queries
    from plugin.store.staging import Known, Stage, table_key

    names = Names()
    names.add(table_key("d", "s", "a"), "d", "s", "a")
    log = [
        Query(f"/* for {user} */ SELECT x FROM s.a", 2, (user,), datetime(2026, 1, day, tzinfo=UTC), "d", None, (2,))
        for user, day in (("ann", 3), ("bea", 9), ("ann", 5))
    ]  # fmt: skip
    with Stage(Known({}, b"k" * 32)) as stage:
        stage_queries(stage, log, "postgres", names, lambda _keys: {})
        assert stage.queries is not None
        (only,) = stage.queries
    assert (only.runs, only.users, only.last_run) == (6, 2, datetime(2026, 1, 9, tzinfo=UTC))


def test_a_statement_is_seen_by_those_who_see_all_that_it_names() -> None:
    """What it writes as well as what it reads, of several statements all, and of one not understood any table's name."""
    from connectors.records import Query
    from plugin.catalog.naming import Names
    from plugin.catalog.sync.queries import stage_queries
    from plugin.store.staging import Known, Stage, table_key

    names = Names()
    for name in ("a", "hidden"):
        names.add(table_key("d", "s", name), "d", "s", name)
    log = [
        Query("INSERT INTO s.hidden SELECT x FROM s.a", 9),
        Query("SELECT x FROM s.a; SELECT y FROM s.hidden", 8),
        Query("SELECT y FROM s.hidden; SELECT x FROM s.a", 7),
        Query("MERGE INTO s.hidden h USING s.a ON h.x = a.x WHEN MATCHED THEN DELETE", 6),
        Query("CREATE TABLE s.unknown AS SELECT x FROM s.a", 5),
        Query('SELECT x FROM s.a WHERE ((( oddly "hidden" (', 4),
        Query("SELECT x FROM s.a WHERE ((( oddly (", 3),
        Query("CREATE TEMPORARY TABLE mine AS SELECT x FROM s.a", 2),
        Query("SELECT x FROM s.a", 1),
    ]
    with Stage(Known({}, b"k" * 32)) as stage:
        stage_queries(stage, log, "postgres", names, lambda _keys: {})
        told = {each.runs: [key[-1] for key in each.tables] for each in stage.queries or ()}
    assert told == {9: ["a", "n"], 8: ["a", "n"], 7: ["a", "n"], 6: ["a", "n"], 3: ["a"], 2: ["a"], 1: ["a"]}


def test_what_no_lineage_is_read_from_names_tables_too() -> None:
    """A statement beside the query that moves no row, a table of that name elsewhere, a path in one pair of quotes."""
    from connectors.records import Query
    from plugin.catalog.naming import Names
    from plugin.catalog.sync.queries import stage_queries
    from plugin.store.staging import Known, Stage, table_key

    names = Names()
    for schema, name in (("s", "a"), ("s", "hidden"), ("secret", "a")):
        names.add(table_key("d", schema, name), "d", schema, name)
    beside = (
        "TRUNCATE s.hidden", "ALTER TABLE s.hidden ADD COLUMN y int", "COMMENT ON TABLE s.hidden IS 'x'",
        "DROP TABLE s.hidden", "GRANT SELECT ON s.hidden TO joe", "CREATE INDEX i ON s.hidden (x)",
        "TRUNCATE secret.a", "SET y = 1", "TRUNCATE s.a",
    )  # fmt: skip
    texts = {
        "postgres": (
            *(f"SELECT x FROM s.a; {other}" for other in beside),
            "SELECT x FROM s.a WHERE ((( oddly secret.a (",
            "SELECT x FROM s.a WHERE ((( oddly a (",
            "CREATE TEMP TABLE q AS SELECT x FROM s.a; INSERT INTO s.unknown SELECT x FROM q",
            'CREATE TEMP TABLE "q" AS SELECT x FROM s.a; INSERT INTO q SELECT x FROM s.a',
        ),
        "bigquery": ("SELECT x FROM `d.s.a` WHERE ((( oddly `d.s.hidden` (",),
        "tsql": (
            "SELECT x INTO #t FROM s.a; INSERT INTO s.unknown SELECT * FROM #t",
            "WHILE EXISTS (SELECT 1 FROM s.hidden) BEGIN SELECT x FROM s.a END",
            "SELECT x INTO #t FROM s.a; SELECT * FROM #t",
        ),
    }
    told = {}
    for dialect, log in texts.items():
        with Stage(Known({}, b"k" * 32)) as stage:
            stage_queries(stage, [Query(text, 9) for text in log], dialect, names, lambda _keys: {})
            told[dialect] = {each.sql: each.tables for each in stage.queries or ()}
    a, hidden = table_key("d", "s", "a"), table_key("d", "s", "hidden")
    assert told == {
        "postgres": {
            "SELECT x FROM s.a; SET y = ?": (a,),
            "SELECT x FROM s.a; TRUNCATE s.a": (a,),
            "SELECT x FROM s.a WHERE ((( oddly a (": (a,),
            'CREATE TEMP TABLE "q" AS SELECT x FROM s.a; INSERT INTO q SELECT x FROM s.a': (a,),
        },
        "bigquery": {},
        "tsql": {
            "WHILE EXISTS (SELECT ? FROM s.hidden) BEGIN SELECT x FROM s.a END": (a, hidden),
            "SELECT x INTO #t FROM s.a; SELECT * FROM #t": (a,),
        },
    }


def test_what_a_cursor_asks_and_where_a_statement_looks_names_tables_too() -> None:
    """The hidden table may stand in a cursor, a plan, IN, EXISTS, the table that is written; a join is about both."""
    from connectors.records import Query
    from plugin.catalog.naming import Names
    from plugin.catalog.sync.queries import stage_queries
    from plugin.store.staging import Known, Stage, table_key

    names = Names()
    a, hidden = table_key("d", "s", "a"), table_key("d", "s", "hidden")
    for key, name in ((a, "a"), (hidden, "hidden")):
        names.add(key, "d", "s", name)
    asked = "SELECT a.x FROM s.a a JOIN s.{0} h ON h.y = a.x"
    forms = (
        asked,
        f"{asked} FOR UPDATE OF a",
        f"DECLARE c1 CURSOR WITH HOLD FOR {asked}",
        f"PREPARE p AS {asked}",
        f"EXPLAIN ANALYZE {asked}",
        f"EXPLAIN (ANALYZE, BUFFERS) {asked}",
        "SELECT a.x FROM s.a a WHERE a.x IN (SELECT y FROM s.{0})",
        "SELECT a.x FROM s.a a WHERE a.x NOT IN (SELECT y FROM s.{0})",
        "SELECT a.x FROM s.a a WHERE a.x = ANY (SELECT y FROM s.{0})",
        "SELECT a.x FROM s.a a WHERE EXISTS (SELECT FROM s.{0} h WHERE h.y = a.x)",
        "UPDATE s.{0} h SET z = a.z FROM s.a a WHERE h.y = a.x",
        "DELETE FROM s.{0} h USING s.a a WHERE h.y = a.x",
        "MERGE INTO s.{0} h USING s.a a ON h.y = a.x WHEN MATCHED THEN UPDATE SET z = a.z",
    )
    log = [Query(form.format(name), 1) for form in forms for name in ("hidden", "unknown")]
    log += [
        Query("PREPARE p (hidden) AS SELECT x FROM s.a", 1),
        Query("SELECT x FROM s.a FOR UPDATE OF hidden", 1),
    ]
    with Stage(Known({}, b"k" * 32)) as stage:
        stage_queries(stage, log, "postgres", names, lambda _keys: {})
        told = {
            each.sql: (each.tables, {frozenset(join[:2]) for join in each.joins})
            for each in stage.queries or ()
        }
    assert told.pop("SELECT x FROM s.a FOR UPDATE OF hidden") == ((a, hidden), set())
    assert told == {form.format("hidden"): ((a, hidden), {frozenset((a, hidden))}) for form in forms}


def test_what_a_type_a_condition_or_a_block_names_is_named() -> None:
    """Every table's row is a type; what a conflict, RETURNING or WHEN asks, and what stands around a statement, counts."""
    from connectors.records import Query
    from plugin.catalog.naming import Names
    from plugin.catalog.sync.queries import stage_queries
    from plugin.store.staging import Known, Stage, table_key

    names = Names()
    for name in ("a", "b", "hidden"):
        names.add(table_key("d", "s", name), "d", "s", name)
    forms = (
        "SELECT NULL::s.{0} FROM s.a",
        "SELECT CAST(x AS {0}[]) FROM s.a",
        "INSERT INTO s.b SELECT x FROM s.a ON CONFLICT (x) DO UPDATE SET x = 1 WHERE (SELECT y FROM s.{0}) > 1",
        "INSERT INTO s.b SELECT x FROM s.a RETURNING (SELECT max(y) FROM s.{0})",
        "MERGE INTO s.b USING s.a ON a.x = b.x WHEN MATCHED AND EXISTS (SELECT FROM s.{0}) THEN DELETE",
        "DO $$ DECLARE r s.{0}; BEGIN INSERT INTO s.b SELECT x FROM s.a; END $$",
        "CREATE PROCEDURE p(r s.{0}) LANGUAGE plpgsql AS $$ BEGIN INSERT INTO s.b SELECT x FROM s.a; END $$",
    )
    log = [Query(form.format(name), 1) for form in forms for name in ("hidden", "a")]
    log += [Query('SELECT U&"h\\0069dden" FROM s.a', 1), Query("SELECT x FROM s.a", 1)]
    with Stage(Known({}, b"k" * 32)) as stage:
        stage_queries(stage, log, "postgres", names, lambda _keys: {})
        shown = {each.sql for each in stage.queries or () if table_key("d", "s", "hidden") not in each.tables}
    assert "SELECT x FROM s.a" in shown and len(shown) > 3
    assert not [each for each in shown if "hidden" in each or "U&" in each]


def test_postgres_says_which_statements_a_lost_right_hides(store: Store, admin: Viewer, shop: str) -> None:
    with psycopg.connect(shop, autocommit=True) as db:
        db.execute("CREATE ROLE looker LOGIN")
        db.execute("GRANT pg_read_all_stats TO looker")
        there = {"url": shop.replace("postgres@", "looker@")}
        integration = add_integration(store, admin, "w", "postgres", settings=there, secrets={}).id
        try:
            assert sync(store, admin, integration).errors == ()
            with store.as_viewer(admin) as mine:
                before = mine.catalog.frequent_queries(None)
            assert before
            for statement, said in (
                ("REVOKE pg_read_all_stats FROM looker", "statements of other roles in pg_stat_statements"),
                ("REVOKE SELECT ON pg_stat_statements FROM PUBLIC", "read pg_stat_statements: left out"),
            ):
                db.execute(statement)
                lost = sync(store, admin, integration)
                assert said in lost.errors[0] and "of the query log" in lost.errors[1]
                with store.as_viewer(admin) as mine:
                    assert mine.catalog.frequent_queries(None) == before
        finally:
            db.execute("GRANT SELECT ON pg_stat_statements TO PUBLIC")
            db.execute("DROP ROLE looker")


def test_mariadb_says_that_a_lost_right_hides_its_digests(
    store: Store, admin: Viewer, logging_mariadb: str
) -> None:
    port = int(logging_mariadb.rsplit(":", 1)[1].split("/")[0])
    table = "performance_schema.events_statements_summary_by_digest"
    with pymysql.connect(host="127.0.0.1", port=port, user="root", autocommit=True) as db:
        cursor = db.cursor()
        for statement in (
            "CREATE DATABASE hides",
            "CREATE TABLE hides.orders (id int)",
            "CREATE USER looker@'%' IDENTIFIED BY 'x'",
            "GRANT REFERENCES ON hides.* TO looker@'%'",
            f"GRANT SELECT ON {table} TO looker@'%'",
            "SELECT id FROM hides.orders",
        ):
            cursor.execute(statement)
        there = {"url": f"mysql://looker@127.0.0.1:{port}/hides"}
        integration = add_integration(
            store, admin, "m", "mysql", settings=there, secrets={"password": "x"}
        ).id
        assert not [each for each in sync(store, admin, integration).errors if "digests" in each]
        with store.as_viewer(admin) as mine:
            before = mine.catalog.frequent_queries(None)
        assert before
        cursor.execute(f"REVOKE SELECT ON {table} FROM looker@'%'")
        lost = sync(store, admin, integration)
        assert any("statement digests of performance_schema" in each for each in lost.errors)
        assert any("--full" in each for each in lost.errors)
        with store.as_viewer(admin) as mine:
            assert mine.catalog.frequent_queries(None) == before
