"""Redshift on a real PostgreSQL that is dressed with Redshift's own views: the statements keep to what both know."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator

import pytest
import sqlglot
from sqlglot import exp

from connectors import connect
from connectors.errors import SourceInterrupted, UnreachableSource
from connectors.records import Database, Progress, Schema, Table
from tests.connectors.databases import CANARY, PostgresRig

VIEWS = (
    "SET allow_system_table_mods = on",
    """CREATE VIEW pg_catalog.svv_table_info AS SELECT current_database()::text AS "database", 'public'::text AS "schema", 'orders'::text AS "table",
       3::bigint AS size, 42::numeric AS tbl_rows, 'KEY(id)'::text AS diststyle, 'id'::text AS sortkey1,
       timestamp '2026-01-02 03:04:05' AS create_time""",
    """CREATE VIEW pg_catalog.svv_mv_info AS
       SELECT current_database()::text AS database_name, 'public'::text AS schema_name, 'stored'::text AS name
       UNION ALL SELECT 'another', 'public', 'late'""",
    """CREATE FUNCTION pg_catalog.pg_get_late_binding_view_cols() RETURNS SETOF record LANGUAGE sql AS
       $$ SELECT 'public'::name, 'late'::name, 'a.b "c"'::name, 'integer'::varchar, 1 $$""",
    """CREATE VIEW pg_catalog.svv_external_tables AS
       SELECT current_database()::text AS redshift_database_name, 'lake'::text AS schemaname, 'clicks'::text AS tablename,
       's3://bucket/x'::text AS location UNION ALL SELECT 'another', 'lake', 'not_ours', 's3://bucket/y'""",
    """CREATE VIEW pg_catalog.svv_external_columns AS
       SELECT current_database()::text AS redshift_database_name, 'lake'::text AS schemaname, 'clicks'::text AS tablename,
       c.* FROM (VALUES ('who', 'int', 1, 0), ('day', 'date', 2, 1)) c(columnname, external_type, columnnum, part_key)
       UNION ALL SELECT 'another', 'lake', 'clicks', 'not_ours', 'int', 3, 0""",
    """CREATE VIEW pg_catalog.sys_query_history AS
       SELECT 'select note from orders'::text AS query_text, u.usesysid AS user_id, 'SELECT'::text AS query_type,
       'success'::text AS status, now()::timestamp AS start_time, 2500000::bigint AS execution_time, current_database()::text AS database_name
       FROM pg_user u WHERE u.usename = 'postgres'""",
    """CREATE VIEW pg_catalog.pg_class_info AS SELECT c.oid AS reloid, c.*,
       CASE c.relkind WHEN 'v' THEN timestamp '2025-05-06 07:08:09' END AS relcreationtime FROM pg_catalog.pg_class c""",
    "CREATE VIEW late AS SELECT",
    "CREATE VIEW stored AS SELECT id FROM orders",
)
# The leader node of Redshift has none of these (PostgreSQL 8.0 had not).
NOT_THERE = re.compile(
    r"array_agg|json_|string_agg|unnest|\bWITH\b|FILTER|LATERAL|concat\(|OVER \(|\bANY\(|SAVEPOINT", re.I
)


@pytest.fixture
def rig() -> Iterator[PostgresRig]:
    with PostgresRig().made() as made:
        made.type = "redshift"
        yield made


def tables(rig: PostgresRig, **settings: str) -> dict[str, Table]:
    return {each.name: each for each in rig.connector(**settings).extract() if isinstance(each, Table)}


def test_the_shop_with_what_only_redshift_has(rig: PostgresRig) -> None:
    rig.shop()
    rig.execute(*VIEWS)
    records = [each for each in rig.connector().extract() if not isinstance(each, Progress)]
    order = [type(each) for each in records]
    assert order == sorted(order, key=[Database, Schema, Table].index)
    found = {each.name: each for each in records if isinstance(each, Table)}
    orders = found["orders"]
    assert (orders.database, orders.schema, orders.kind) == (rig.database, "public", "table")
    assert orders.description == "What was bought" and orders.columns[2].description == "Free text"
    assert (orders.row_estimate, orders.size_bytes) == (42, 3 * 1024 * 1024)
    assert orders.properties == {
        "diststyle": "KEY(id)",
        "sortkey1": "id",
        "created": "2026-01-02T03:04:05+00:00",
    }
    assert [column.nullable for column in orders.columns] == [False, False, True]
    assert [(key.kind, key.columns, key.ref_table, key.ref_columns) for key in orders.keys] == [
        ("primary", ("id",), None, ()),
        ("foreign", ("customer_id",), "customers", ("id",)),
    ]
    assert found["stored"].kind == "materialized_view" and "'open'" in (found["open_orders"].definition or "")
    assert [column.name for column in found["late"].columns] == ['a.b "c"'] and found["late"].kind == "view"
    assert found["open_orders"].properties == {"created": "2025-05-06T07:08:09+00:00"}
    assert "not_ours" not in found
    clicks = found["clicks"]
    assert clicks.kind == "external_table" and clicks.properties == {"partition_key": "day"}
    assert [column.name for column in clicks.columns] == ["who", "day"]
    (query,) = rig.connector().queries()  # type: ignore[attr-defined]
    assert (query.runs, query.users, query.costs) == (1, ("postgres",), {"seconds": 2.5})
    assert CANARY not in repr(records) and CANARY.encode() not in rig.received()
    assert "schemas visible" in rig.connector().check()
    for statement in rig.statements():
        assert not NOT_THERE.search(statement), statement
        if re.match(r"\s*(BEGIN|ROLLBACK)", statement):
            continue
        (tree,) = sqlglot.parse(statement, read="redshift")
        for table in tree.find_all(exp.Table):
            assert table.db == "pg_catalog" or isinstance(table.this, exp.Func), statement


def test_a_role_with_nothing_granted_and_a_redshift_without_the_views(rig: PostgresRig) -> None:
    rig.shop()
    role = f"rig_{uuid.uuid4().hex[:10]}"
    rig._roles.append(role)
    rig.execute(f"CREATE ROLE {role} LOGIN")
    url = rig.settings()[0]["url"].replace("postgres@", f"{role}@")
    connector = connect("redshift", {"url": url}, {"password": "only-for-this-test"})
    assert {each.name for each in connector.extract() if isinstance(each, Table)} == {
        "customers",
        "orders",
        "open_orders",
    }
    assert list(connector.queries()) == []  # type: ignore[attr-defined]


def test_the_number_of_statements_does_not_grow_and_names_may_be_odd(rig: PostgresRig) -> None:
    counts = []
    for size in (10, 200):
        rig.execute(*(f"CREATE TABLE t{size}_{number} (id int)" for number in range(size)))
        before = len(rig.statements())
        assert len(tables(rig)) >= size
        counts.append(len(rig.statements()) - before)
    assert counts[0] == counts[1] <= 25
    names = ['a "quoted" name', "dots.in.it", "Größe_テーブル", "percent%s%%", "brace{x}", "x" * 63]
    rig.execute(*(f"CREATE TABLE {rig.quote(name)} ({rig.quote(name[:40])} int)" for name in names))
    found = tables(rig)
    assert set(names) <= set(found) and found[names[0]].columns[0].name == names[0]


def test_the_selection_is_made_at_the_source(rig: PostgresRig) -> None:
    rig.execute(*(f"CREATE TABLE {name} (only_in_{name} int)" for name in ("keep_a", "tmp_b", "tmpxd")))
    assert set(tables(rig, exclude="*.tmp_*")) == {"keep_a", "tmpxd"}
    assert b"only_in_tmp_b" not in rig.received()
    assert set(tables(rig, schemas="public.keep_*")) == {"keep_a"}
    assert tables(rig, schemas="other") == {}


def test_a_line_that_breaks_and_one_that_never_was(rig: PostgresRig) -> None:
    rig.shop()
    run = rig.connector().extract()
    next(run)
    rig.cut()
    with pytest.raises(SourceInterrupted, match="Redshift"):
        list(run)
    with pytest.raises(UnreachableSource, match="Redshift at") as gone:
        connect("redshift", {}, {"url": "redshift://a:s3cret@127.0.0.1:1/shop"}).check()
    assert "s3cret" not in str(gone.value)
