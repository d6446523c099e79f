"""What a model is told of a result's columns follows from the statement and the catalog, never from the rows."""

from __future__ import annotations

import pytest

from plugin.run_sql.results import Column
from plugin.run_sql.shape import known_shape

TYPES = {"orders": {"id": "INT", "note": "VARCHAR(60)", "total": "DECIMAL(18,2)", "day": "DATE"}}


def told(sql: str, dialect: str, *columns: str, type: str = "VARCHAR") -> list[tuple[str, str]]:
    found = known_shape([Column(name, type) for name in columns], sql, dialect, lambda: TYPES)
    return [(each.name, each.type) for each in found]


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("duckdb", "PIVOT sales.orders ON note USING SUM(total)"),
        ("duckdb", "PIVOT sales.orders ON note IN ('a'), day USING SUM(total)"),
        ("duckdb", "PIVOT sales.orders ON note IN notes USING SUM(total)"),
        ("duckdb", "SELECT * FROM (PIVOT sales.orders ON note USING SUM(total))"),
        ("duckdb", "SELECT p.* FROM (PIVOT sales.orders ON note USING SUM(total)) AS p"),
        ("duckdb", "SELECT UNNEST(p) AS x FROM (PIVOT sales.orders ON note USING SUM(total)) AS p"),
        ("duckdb", "SELECT COLUMNS(*) FROM (PIVOT sales.orders ON note USING SUM(total)) AS p"),
        ("duckdb", "SELECT 1 FROM (PIVOT sales.orders ON note USING SUM(total)) AS p"),
        (
            "duckdb",
            "WITH p AS (PIVOT sales.orders ON note USING SUM(total)) SELECT * FROM p UNION ALL SELECT * FROM p",
        ),
        ("snowflake", "SELECT * FROM sales.orders PIVOT(SUM(total) FOR note IN (ANY ORDER BY note))"),
        (
            "snowflake",
            "SELECT * FROM sales.orders PIVOT(SUM(total) FOR note IN (SELECT note FROM sales.orders))",
        ),
        ("databricks", "SELECT * FROM sales.orders PIVOT(SUM(total) FOR note IN (ANY))"),
    ],
)
def test_columns_that_are_named_after_values_are_not_told(dialect: str, sql: str) -> None:
    assert told(sql, dialect, "CANARY-1") == []
    assert told(sql, dialect, "CANARY-1", "CANARY-2") == []


def test_what_the_statement_itself_names_is_told_without_a_type_that_lists_values() -> None:
    pivot = "(PIVOT sales.orders ON note USING SUM(total)) AS p"
    row = 'STRUCT(id INTEGER, "CANARY-1" DECIMAL(38,2))'
    assert told(f"SELECT p FROM {pivot}", "duckdb", "p", type=row) == [("p", "STRUCT")]
    assert told(f"SELECT [p] AS x, p.id FROM {pivot}", "duckdb", "x", "id", type=row + "[]") == [
        ("x", "STRUCT"), ("id", "STRUCT")]  # fmt: skip


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("duckdb", "PIVOT sales.orders ON note IN ('paid', 'open') USING SUM(total)"),
        ("duckdb", "SELECT * FROM sales.orders PIVOT(SUM(total) FOR note IN ('paid', 'open'))"),
        ("duckdb", "UNPIVOT sales.orders ON id, total INTO NAME k VALUE v"),
        ("snowflake", "SELECT * FROM sales.orders PIVOT(SUM(total) FOR note IN ('paid' AS a, 'open' AS b))"),
        ("bigquery", "SELECT * FROM sales.orders PIVOT(SUM(total) FOR note IN ('paid', 'open'))"),
        ("postgres", "SELECT a, b FROM sales.orders"),
    ],
)
def test_columns_of_a_list_are_told(dialect: str, sql: str) -> None:
    assert told(sql, dialect, "paid", "open") == [("paid", "VARCHAR"), ("open", "VARCHAR")]


def test_labels_of_an_enumeration_are_counted() -> None:
    assert told("SELECT state FROM t", "duckdb", "state", type="ENUM('CANARY-1', 'b')") == [
        ("state", "ENUM(2 labels)")
    ]
    assert "CANARY" not in str(
        told("SELECT s FROM t", "clickhouse", "s", type="Enum8('CANARY-1' = 1, 'b' = 2)")
    )
    assert "CANARY" not in str(told("SELECT s FROM t", "duckdb", "s", type="STRUCT(a ENUM('CANARY-1'))[]"))


def test_sqlite_s_types_are_those_of_the_statement_whatever_the_first_row_holds() -> None:
    sql = (
        "SELECT id, note, total AS t, day, count(*) AS n, CASE WHEN id > 1 THEN id ELSE 2 END AS c, "
        "CAST(note AS INTEGER) AS i, note || 'x' AS x, NULL AS nothing, unknown AS u FROM main.orders GROUP BY 1"
    )
    names = ("id", "note", "t", "day", "n", "c", "i", "x", "nothing", "u")
    for type in ("TEXT", "INTEGER", "BLOB", ""):
        assert told(sql, "sqlite", *names, type=type) == [
            ("id", "INTEGER"), ("note", "TEXT(60)"), ("t", "REAL(18, 2)"), ("day", "DATE"), ("n", "INTEGER"),
            ("c", "INTEGER"), ("i", "INTEGER"), ("x", "TEXT"), ("nothing", ""), ("u", ""),
        ]  # fmt: skip
    assert told("SELECT * FROM orders", "sqlite", *TYPES["orders"])[1] == ("note", "TEXT(60)")
    assert told("SELECT id FROM orders UNION ALL SELECT note FROM orders", "sqlite", "id", type="TEXT") == [
        ("id", "INTEGER")
    ]
