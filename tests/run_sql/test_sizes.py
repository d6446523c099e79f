"""One value may not be made a gigabyte large, in any dialect."""

from __future__ import annotations

import pytest

from plugin.run_sql.batch import Checker
from plugin.run_sql.dialects import ENGINES

CHECKER = Checker(columns={"sales.orders": ["id", "status", "total"]}, default_schema="sales")


def decide(sql: str, dialect: str) -> str:
    return CHECKER.check(sql, dialect).decision


@pytest.mark.parametrize(
    ("sql", "dialects"),
    [
        ("SELECT repeat('x', 1000000000)", "postgres mysql duckdb snowflake bigquery redshift databricks clickhouse"),
        ("SELECT repeat('x', 1e9)", "postgres mysql duckdb"),
        ("SELECT lpad('x', 1000000000, 'y')", "postgres mysql duckdb snowflake bigquery trino oracle"),
        ("SELECT rpad('x', 1000000000, 'y')", "postgres mysql duckdb snowflake bigquery trino"),
        ("SELECT REPLICATE('x', 1000000000)", "tsql redshift"),
        ("SELECT SPACE(1000000000)", "tsql mysql databricks"),
        ("SELECT repeat('x', (SELECT 1000000000))", "postgres mysql duckdb clickhouse"),
        ("SELECT repeat('x', CAST(random() * 1000000000 AS INT))", "postgres duckdb"),
        ("SELECT printf('%1000000000d', 1)", "sqlite duckdb databricks"),
        ("SELECT printf('%*d', 1000000000, 1)", "sqlite"),
        ("SELECT printf(status, 1) FROM sales.orders", "sqlite duckdb"),
        ("SELECT format('%1000000000s', 1)", "postgres"),
        ("SELECT range(1000000000)", "duckdb clickhouse"),
    ],
)  # fmt: skip
def test_what_makes_a_huge_value_is_refused(sql: str, dialects: str) -> None:
    for dialect in dialects.split():
        assert decide(sql, dialect) == "reject", dialect


@pytest.mark.parametrize(
    "dialect", [name for name in ENGINES if name not in ("sqlite", "tsql", "oracle", "trino")]
)
def test_a_computed_count_is_capped_and_stays_so(dialect: str) -> None:
    for sql in (
        "SELECT REPEAT('x', id * 1000) AS bar FROM sales.orders",
        "SELECT LPAD(status, id, '.') FROM sales.orders",
    ):
        verdict = CHECKER.check(sql, dialect)
        if dialect == "clickhouse" and not verdict.accepted:
            continue
        assert verdict.accepted, verdict.reasons
        assert "10000" in verdict.rendered and "CASE" in verdict.rendered
        again = CHECKER.check(verdict.rendered, dialect)
        assert again.accepted and again.rendered.count("CASE") == 1, again.rendered


def test_small_counts_are_left_alone() -> None:
    for dialect in ("postgres", "mysql", "duckdb"):
        verdict = CHECKER.check("SELECT REPEAT('x', 3), LPAD(status, 10, '0') FROM sales.orders", dialect)
        assert verdict.accepted and "CASE" not in verdict.rendered


def test_a_capped_count_gives_the_same_values() -> None:
    duckdb = pytest.importorskip("duckdb")
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA sales")
    connection.execute(
        "CREATE TABLE sales.orders AS SELECT * FROM (VALUES (3, 'a', 1), (NULL, 'b', 1), (2000000000, 'c', 1)) t(id, status, total)"
    )
    verdict = CHECKER.check("SELECT length(repeat('x', id)) AS n FROM sales.orders ORDER BY status", "duckdb")
    assert connection.execute(verdict.rendered).fetchall() == [(3,), (None,), (10000,)]
    connection.close()
