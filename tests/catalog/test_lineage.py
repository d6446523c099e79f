"""Lineage from SQL: tables, columns, writes; and an answer for what no parser reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.catalog.lineage import SqlLineage, lineage_of

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


@given(
    st.text(max_size=200), st.sampled_from(["postgres", "mysql", "sqlite", "duckdb", "bigquery", "snowflake"])
)
def test_it_never_raises(sql: str, dialect: str) -> None:
    lineage_of(sql, dialect)
