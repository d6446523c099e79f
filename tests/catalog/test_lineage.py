"""Lineage from SQL: tables, columns, writes; and an answer for what no parser reads."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlglot.dialects.dialect import Dialects

from plugin.catalog.lineage import SqlLineage, lineage_of, statements_of
from plugin.catalog.naming import Names
from plugin.store.staging import table_key

COLUMNS = {("orders",): ["id", "customer_id", "total"], ("customers",): ["id", "name"]}


def read(sql: str, dialect: str = "postgres") -> SqlLineage:
    return lineage_of(sql, dialect, lambda name: COLUMNS.get(name[-1:]))


def columns(found: SqlLineage) -> dict[str, set[str]]:
    return {name: {f"{table[-1]}.{column}" for table, column in origins} for name, origins in found.columns}


@pytest.mark.parametrize(
    ("sql", "tables", "expected"),
    [
        (
            "SELECT id, total * 2 AS twice FROM orders",
            {"orders"},
            {"id": {"orders.id"}, "twice": {"orders.total"}},
        ),
        (
            "SELECT * FROM orders o JOIN customers c ON c.id = o.customer_id",
            {"orders", "customers"},
            {
                "id": {"customers.id"},
                "customer_id": {"orders.customer_id"},
                "total": {"orders.total"},
                "name": {"customers.name"},
            },
        ),
        (
            "WITH orders AS (SELECT id AS k FROM customers) SELECT k FROM orders",
            {"customers"},
            {"k": {"customers.id"}},
        ),
        (
            "SELECT x.n FROM (SELECT name AS n FROM customers UNION ALL SELECT total FROM orders) x",
            {"orders", "customers"},
            {"n": {"customers.name", "orders.total"}},
        ),
        (
            "SELECT name, (SELECT sum(total) FROM orders o WHERE o.customer_id = c.id) AS spent FROM customers c",
            {"orders", "customers"},
            {"name": {"customers.name"}, "spent": {"orders.total"}},
        ),
        (
            "SELECT id FROM orders WHERE customer_id IN (SELECT id FROM customers)",
            {"orders", "customers"},
            None,
        ),
        (
            "WITH RECURSIVE r AS (SELECT id, name FROM customers UNION ALL SELECT r.id, c.name FROM r, customers c)"
            " SELECT id, name FROM r",
            {"customers"},
            {"id": {"customers.id"}, "name": {"customers.name"}},
        ),
    ],
)
def test_queries(sql: str, tables: set[str], expected: dict[str, set[str]] | None) -> None:
    found = read(sql)
    assert {name[-1] for name in found.tables} == tables
    assert not found.partial
    if expected is not None:
        assert columns(found) == expected


@pytest.mark.parametrize(
    ("sql", "target", "expected"),
    [
        ("CREATE VIEW v (a) AS SELECT total FROM orders", "v", {"a": {"orders.total"}}),
        ("CREATE TABLE t AS SELECT name FROM customers", "t", {"name": {"customers.name"}}),
        (
            "INSERT INTO t (x, y) SELECT id, name FROM customers",
            "t",
            {"x": {"customers.id"}, "y": {"customers.name"}},
        ),
        (
            "MERGE INTO t USING orders s ON t.id = s.id WHEN MATCHED THEN UPDATE SET z = s.total "
            "WHEN NOT MATCHED THEN INSERT (id, z) VALUES (s.id, s.total)",
            "t",
            {"z": {"orders.total"}, "id": {"orders.id"}},
        ),
    ],
)
def test_writes(sql: str, target: str, expected: dict[str, set[str]]) -> None:
    found = read(sql)
    assert found.target == (target,)
    assert columns(found) == expected


def test_joins_are_seen() -> None:
    (pair,) = read("SELECT 1 FROM orders o JOIN customers c ON c.id = o.customer_id").joins
    assert {f"{table[-1]}.{column}" for table, column in pair} == {"orders.customer_id", "customers.id"}


def test_what_no_parser_reads_still_has_an_answer() -> None:
    found = read("SELEC FROM )( sales.orders JOIN customers ON ~~ !")
    assert found.partial and ("customers",) in found.tables


def test_deep_nesting_is_no_crash() -> None:
    assert read("SELECT " + "(" * 5000 + "1" + ")" * 5000 + " FROM orders").partial


@pytest.mark.parametrize(
    ("sql", "dialect", "target", "tables"),
    [
        ("SELECT a INTO x FROM t", "tsql", "x", {"t"}),
        ("UPDATE a SET a.x = b.y FROM t a JOIN u b ON a.id = b.id", "tsql", "t", {"u"}),
        ("UPDATE t JOIN u ON t.id = u.id SET t.a = u.b", "mysql", "t", {"u"}),
        ("REPLACE INTO t (a) SELECT b FROM u", "mysql", "t", {"u"}),
        ("CREATE TABLE x CLONE y", "snowflake", "x", {"y"}),
        ("CREATE TABLE t AS TABLE u", "postgres", "t", {"u"}),
        ("CREATE MATERIALIZED VIEW v TO t AS SELECT a FROM u", "clickhouse", "v", {"u"}),
        ("INSERT ALL INTO a INTO b SELECT 1 FROM u", "snowflake", "b", {"u"}),
        ("FROM u INSERT OVERWRITE TABLE t SELECT a", "hive", "t", {"u"}),
        ("EXPLAIN SELECT a FROM u", "postgres", None, {"u"}),
        ("UNLOAD ('select a from u') TO 's3://x'", "redshift", None, {"u"}),
        ("DELETE FROM t USING u WHERE t.id = u.id", "postgres", "t", {"u"}),
    ],
)
def test_statements_of_many_engines(sql: str, dialect: str, target: str | None, tables: set[str]) -> None:
    found = read(sql, dialect)
    assert (found.target or (None,))[-1] == target
    assert {name[-1] for name in found.tables} == tables


def test_a_statement_that_cannot_be_read_takes_no_other_with_it() -> None:
    first, second = statements_of("SELECT id FROM orders; SELEC oops FROM customers )(", "postgres")
    assert not first.partial and first.columns
    assert second.partial and second.tables == (("customers",),)


def test_what_only_the_general_dialect_reads_is_marked() -> None:
    found = read("SELECT id FROM orders EXCEPT DISTINCT ON (1) SELECT 1", "mysql")
    assert found.partial and found.tables == (("orders",),)


def test_a_wildcard_stands_for_every_table_of_its_family() -> None:
    names = Names(table_key("p", "ga", f"events_2024010{day}") for day in range(1, 5))
    names.add_key(table_key("p", "other", "events_20240101"))
    (wildcard,) = lineage_of("SELECT event FROM `p.ga.events_*`", "bigquery").tables
    assert names.family(wildcard) == [table_key("p", "ga", f"events_2024010{day}") for day in range(1, 5)]
    assert names.find(wildcard) == table_key("p", "ga", "events_20240101")
    assert names.family(("ga", "events_20240102")) == [table_key("p", "ga", "events_20240102")]
    assert names.family(("ga", "nothing_*")) == [] and names.find(("ga", "nothing_*")) is None


def test_a_table_that_is_called_like_a_wildcard_is_itself() -> None:
    """dbt's sources of Google Analytics are: identifier `events_*`."""
    names = Names([table_key("p", "ga", "events_*"), table_key("p", "ga", "events_20240101")])
    assert names.find(("p", "ga", "events_*")) == table_key("p", "ga", "events_*")
    assert names.family(("ga", "events_2024*")) == [table_key("p", "ga", "events_20240101")]
    assert names.family(("p", "ga", "events*")) == [
        table_key("p", "ga", "events_*"),
        table_key("p", "ga", "events_20240101"),
    ]


DEEP = (
    "SELECT {}a FROM orders", "SELECT 1 FROM {}orders", "{}orders", "SELECT a || {}1 FROM orders",
)  # fmt: skip
REPEATED = (
    "FROM ", "NOT ", "CASE ", "IF ", "ANY ", "ARRAY ", "- ", "~", "STRUCT<a ", "date(", "array[", "(", "[", "{",
    "(SELECT ", "a OR CASE ", "IF || ", "CASE WHEN a THEN ", "WITH a AS (", "x -> ", "a[1] [1] ", "EXPLAIN ", ". a ",
)  # fmt: skip


@pytest.mark.parametrize("dialect", ["postgres", "bigquery", "tsql"])
def test_no_nesting_ends_the_process(dialect: str) -> None:
    """In a process of its own, with a small stack: the parser is compiled, and what overflows it cannot be caught."""
    work = f"""
import sys, threading, time
from plugin.catalog.lineage import statements_of
def go():
    for text in {DEEP!r}:
        for part in {REPEATED!r}:
            start = time.process_time()
            assert statements_of(text.replace("{{}}", part * 2500), {dialect!r})
            assert time.process_time() - start < 5, part
    print("fine")
threading.stack_size(1 * 1024 * 1024)
thread = threading.Thread(target=go)
thread.start()
thread.join()
"""
    ended = subprocess.run([sys.executable, "-c", work], capture_output=True, text=True, check=False)
    assert ended.returncode == 0 and "fine" in ended.stdout, (ended.returncode, ended.stderr[-500:])


def test_a_long_list_is_no_deep_nesting() -> None:
    rows = ", ".join(f"({n}, 'x')" for n in range(2000))
    for sql in (
        f"INSERT INTO t (a, b) VALUES {rows}",
        "SELECT CASE id " + " ".join(f"WHEN {n} THEN 'x'" for n in range(500)) + " END AS x FROM orders",
        "SELECT " + " || ".join(["id"] * 1000) + " AS x FROM orders",
        "SELECT id FROM orders WHERE id IN (" + ", ".join(map(str, range(5000))) + ")",
        " UNION ALL ".join(["SELECT id FROM orders"] * 500),
        "SELECT id FROM orders WHERE id IN (" + ", ".join(["DATE '2020-01-01'"] * 300) + ")",
        "SELECT id FROM orders WHERE " + " OR ".join(["id IS NULL"] * 300),
        "SELECT ARRAY[" + ", ".join(["[1]"] * 300) + "] AS a FROM orders",
    ):
        assert not read(sql).partial, sql[:60]


DIALECTS = sorted(each.value for each in Dialects)


def test_what_dbt_states_in_a_comment_is_read_too() -> None:
    sql = """-- depends_on: "db"."s"."customers"
    -- depends_on: __dbt__cte__spine
    /* depends_on: no */ SELECT id FROM orders -- left join "db"."s"."gone" g on true"""
    assert set(read(sql).tables) == {("orders",), ("db", "s", "customers")}
    assert set(read("-- depends_on: orders\nSELECT id FROM orders").tables) == {("orders",)}
    assert read("-- depends_on: `p-1`.`d`.`t`\nSELECT FROM WHERE (", "bigquery").tables == (
        ("p-1", "d", "t"),
    )


def test_a_call_is_no_table_where_nothing_parses() -> None:
    sql = "SELECT )( FROM s.make_rows(1) x JOIN d.s.orders y ON FROM flatten (z) FROM customers,"
    found = read(sql)
    assert found.partial and set(found.tables) == {("d", "s", "orders"), ("customers",)}


STATEMENTS = (
    "WITH c AS (SELECT o.id, count(*) OVER (PARTITION BY o.customer_id) AS n FROM sales.orders o LEFT JOIN customers AS c"
    " ON c.id = o.customer_id WHERE o.total > 10.5 AND c.name LIKE 'a%') INSERT INTO t (x, y) SELECT id, n FROM c",
    "MERGE INTO t USING (SELECT * FROM orders) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET z = s.total WHEN NOT MATCHED"
    " THEN INSERT (id, z) VALUES (s.id, s.total)",
    "UPDATE t SET a = b.x, c = CASE WHEN b.y IS NULL THEN 1 ELSE CAST(b.z AS INT) END FROM b WHERE t.id = b.id",
    "CREATE OR REPLACE VIEW v AS SELECT a.*, b[1]:c::STRUCT<x INT> FROM `p.d.t` a, UNNEST(a.items) b UNION SELECT 1 -- x",
)
PIECES = sorted({word for sql in STATEMENTS for word in sql.split()} | set("()[]{}<>,;.'\"`*$@#:|\\"))


@given(
    st.sampled_from(STATEMENTS),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 30), st.sampled_from(["", *PIECES])), max_size=8),
    st.sampled_from(DIALECTS),
)
def test_mutilated_sql_has_an_answer(sql: str, cuts: list[tuple[int, int, str]], dialect: str) -> None:
    for at, length, piece in cuts:
        sql = sql[:at] + piece + sql[at + length :]
    assert statements_of(sql, dialect, lambda name: COLUMNS.get(name[-1:]))


@given(st.text(max_size=200), st.sampled_from([*DIALECTS, "no such dialect"]))
def test_it_never_raises(sql: str, dialect: str) -> None:
    lineage_of(sql, dialect)


@pytest.mark.parametrize("depth", [1, 2, 3, 6])
def test_joins_in_parentheses_are_read_to_the_bottom_as_postgres_writes_views(depth: int) -> None:
    from_ = "s.t0 t0"
    for number in range(1, depth + 1):
        from_ = f"({from_} JOIN s.t{number} t{number} USING (k))"
    shown = ", ".join(f"t{number}.v{number}" for number in range(depth + 1))
    found = lineage_of(
        f"SELECT {shown} FROM {from_}", "postgres", lambda name: ["k", f"v{name[-1].removeprefix('t')}"]
    )
    assert set(found.tables) == {("s", f"t{number}") for number in range(depth + 1)}
    assert dict(found.columns) == {
        f"v{number}": frozenset({(("s", f"t{number}"), f"v{number}")}) for number in range(depth + 1)
    }
