"""Pipe queries: each step sees the rows of the step before it, and nothing else than what the asker may see."""

from __future__ import annotations

import duckdb
import pytest

from plugin.run_sql.guard import check
from plugin.run_sql.verdict import Verdict, VisibleTable, VisibleTables

ORDERS = ("id", "status", "amount")
TABLES = VisibleTables(
    (
        VisibleTable(("shop", "orders"), ORDERS),
        VisibleTable(("shop", "customers"), ("cid", "country")),
        VisibleTable(("shop", "staff"), ("name", "pay"), masked={"pay": "text"}, partial=True),
    )
)
ROWS = [(1, "a", 10), (2, "a", 20), (3, "b", 30), (4, "c", 40)]


def decide(sql: str, dialect: str = "bigquery", **more: int) -> Verdict:
    return check(sql, dialect=dialect, tables=TABLES, default_schema="shop", **more)


AS_ROWS = [
    ("FROM shop.orders |> ORDER BY id |> LIMIT 2 |> WHERE id > 1", [(2, "a", 20)]),
    ("FROM shop.orders |> ORDER BY id |> LIMIT 2 |> AGGREGATE SUM(amount) AS s", [(30,)]),
    ("FROM shop.orders |> LIMIT 3 |> LIMIT 2 |> AGGREGATE COUNT(*) AS n", [(2,)]),
    ("FROM shop.orders |> SELECT status |> DISTINCT |> AGGREGATE COUNT(*) AS n", [(3,)]),
    ("FROM shop.orders |> SELECT DISTINCT status |> AGGREGATE COUNT(*) AS n", [(3,)]),
    ("FROM shop.orders |> SELECT DISTINCT status |> ORDER BY status", [("a",), ("b",), ("c",)]),
    ("SELECT DISTINCT status FROM shop.orders |> AGGREGATE COUNT(*) AS n", [(3,)]),
    ("SELECT amount - 30 AS amount FROM shop.orders |> WHERE amount > 0", [(10,)]),
    ("SELECT id FROM shop.orders |> SELECT * |> WHERE id = 1", [(1,)]),
    ("FROM shop.orders |> ORDER BY amount |> SELECT -amount AS amount |> LIMIT 1", [(-10,)]),
    ("FROM shop.orders |> ORDER BY amount DESC |> SELECT id |> LIMIT 1", [(4,)]),
    ("FROM shop.orders |> ORDER BY id |> LIMIT 2 |> EXTEND COUNT(*) OVER () AS n |> SELECT DISTINCT n", [(2,)]),
    (
        "FROM shop.orders |> AGGREGATE SUM(amount) AS s GROUP AND ORDER BY status DESC",
        [("c", 40), ("b", 30), ("a", 30)],
    ),
    (
        "FROM shop.orders |> AGGREGATE COUNT(*) AS n DESC GROUP BY status |> LIMIT 1",
        [("a", 2)],
    ),
    (
        "FROM shop.orders |> WHERE id > 3 |> FULL JOIN shop.customers ON cid = id |> ORDER BY cid |> SELECT id, cid",
        [(None, 1), (4, 4)],
    ),
    (
        "FROM shop.orders |> WHERE amount > 20 |> AS o |> JOIN shop.customers AS c ON c.cid = o.id |> SELECT o.id",
        [(4,)],
    ),
    ("WITH x AS (SELECT id FROM shop.orders) FROM x |> LIMIT 3 |> AS y |> AGGREGATE COUNT(y.id) AS n", [(3,)]),
    ("SELECT n FROM (FROM shop.orders |> LIMIT 3 |> AGGREGATE COUNT(*) AS n)", [(3,)]),
    ("FROM shop.orders |> SELECT id IS DISTINCT FROM 1 AS other |> LIMIT 4 |> AGGREGATE COUNT(*) AS n;", [(4,)]),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "rows"), AS_ROWS)
@pytest.mark.parametrize("limit", [None, 100])
def test_what_runs_gives_the_rows_of_the_steps_in_their_order(
    sql: str, rows: list[tuple[object, ...]], limit: int | None
) -> None:
    verdict = decide(sql, **({} if limit is None else {"row_limit": limit}))
    assert verdict.accepted, verdict.reasons
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA shop; CREATE TABLE shop.orders (id INT, status TEXT, amount INT)")
        connection.executemany("INSERT INTO shop.orders VALUES (?, ?, ?)", ROWS)
        connection.execute(
            "CREATE TABLE shop.customers AS SELECT 1 AS cid, 'x' AS country UNION SELECT 4, 'y'"
        )
        found = connection.execute(verdict.rendered.replace("`", '"')).fetchall()
    if "n, cid" in sql or "id, cid" in sql:  # the order stands before the last SELECT
        found = sorted(found, key=str, reverse=True)
    assert found == rows, verdict.rendered


GOOD = [
    "FROM shop.orders |> RENAME amount AS total",
    "FROM shop.orders |> WHERE id > 1 |> RENAME amount total, id AS `order id` |> ORDER BY total |> LIMIT 3",
    "FROM shop.orders |> JOIN shop.customers AS c ON c.cid = id |> SELECT id, country |> RENAME country AS land",
    "SELECT * FROM (FROM shop.orders |> RENAME amount AS total) AS o WHERE o.total > 1",
    "FROM shop.orders |> WHERE id > 1 |> PIVOT (SUM(amount) FOR status IN ('a', 'b'))",
    "FROM shop.orders |> SELECT id, amount |> UNPIVOT (v FOR n IN (id, amount))",
    "FROM shop.orders |> TABLESAMPLE SYSTEM (10 PERCENT) |> WHERE id > 1",
    "FROM shop.orders |> SET amount = amount * 2, status = UPPER(status) |> DROP id;",
    "FROM shop.orders |> CROSS JOIN UNNEST([1, 2]) AS n |> SELECT id, n",
    "FROM shop.orders |> SELECT id |> UNION ALL (SELECT cid FROM shop.customers), (SELECT 1)",
    "FROM shop.staff |> RENAME pay AS wage |> SELECT wage",
    "FROM shop.staff |> SELECT name |> RENAME name AS pay",
]


@pytest.mark.parametrize("sql", GOOD)
def test_steps_that_analysts_write_are_read_and_what_runs_is_read_again(sql: str) -> None:
    verdict = decide(sql, row_limit=50)
    assert verdict.accepted, verdict.reasons
    again = decide(verdict.rendered)
    assert again.accepted and set(again.tables) == set(verdict.tables), (verdict.rendered, again.reasons)


def test_a_renamed_column_keeps_its_mask_and_its_place() -> None:
    rendered = decide("FROM shop.staff |> RENAME pay AS wage").rendered
    assert "AS `pay`" in rendered and "|> RENAME pay AS wage" in rendered
    assert rendered.index("AS `pay`") < rendered.index("RENAME") and "hidden" not in rendered


BAD = [
    ("bigquery", "FROM hr.salaries |> RENAME pay AS p"),
    ("bigquery", "FROM shop.orders |> RENAME amount AS a FROM hr.salaries"),
    ("bigquery", "FROM shop.orders |> RENAME (SELECT pay FROM hr.salaries) AS a"),
    ("bigquery", "FROM shop.orders |> RENAME amount AS a, hr.f(id) AS b"),
    ("bigquery", "FROM shop.orders |> RENAME amount AS a |> JOIN hr.salaries AS s ON s.id = a"),
    ("bigquery", "FROM shop.orders |> RENAME id AS hr |> SELECT hr.pay FROM hr.salaries"),
    ("bigquery", "FROM shop.orders |> RENAME o.amount AS a"),
    ("bigquery", "FROM shop.orders |> RENAME amount"),
    ("bigquery", "FROM shop.orders |> RENAME"),
    ("bigquery", "FROM shop.orders |> RENAME hidden AS a"),
    ("bigquery", "FROM shop.staff |> RENAME secret AS name"),
    ("bigquery", "FROM shop.staff |> RENAME secret AS s |> SELECT s"),
    ("bigquery", "FROM shop.staff |> SELECT name |> RENAME pay AS p"),
    ("bigquery", "FROM shop.staff |> DROP name |> SELECT secret"),
    ("bigquery", "FROM shop.staff |> WHERE secret > 1 |> RENAME name AS n"),
    ("bigquery", "SELECT * RENAME (amount AS a), id FROM shop.orders"),
    ("bigquery", "SELECT * RENAME (amount AS a) FROM shop.orders WHERE id > 1"),
    ("bigquery", "FROM shop.orders |> SELECT id FROM hr.salaries"),
    ("bigquery", "FROM shop.orders |> SELECT id WHERE id > 3"),
    ("bigquery", "FROM shop.orders |> SELECT id, amount GROUP BY id"),
    ("bigquery", "FROM shop.orders |> SELECT id IS DISTINCT FROM 1 AS a FROM hr.salaries"),
    ("bigquery", "FROM shop.orders |> SELECT AS STRUCT id"),
    ("bigquery", "FROM shop.orders |> SELECT DISTINCT (SELECT MAX(pay) FROM hr.salaries)"),
    ("bigquery", "FROM shop.orders |> SELECT DISTINCT hr.f(id)"),
    ("bigquery", "FROM shop.orders |> AGGREGATE hr.f(amount) GROUP AND ORDER BY status"),
    (
        "bigquery",
        "FROM shop.orders |> AGGREGATE COUNT(*) AS n GROUP AND ORDER BY (SELECT pay FROM hr.salaries)",
    ),
    ("bigquery", "FROM shop.orders |> AGGREGATE SUM(hidden) AS n DESC GROUP AND ORDER BY status"),
    ("bigquery", "FROM shop.orders |> SET amount = (SELECT MAX(pay) FROM hr.salaries)"),
    ("bigquery", "FROM shop.orders |> SET amount = hr.f(amount)"),
    ("bigquery", "FROM shop.orders |> DROP (SELECT pay FROM hr.salaries)"),
    ("bigquery", "FROM shop.orders |> WHERE id > 1 |> AS hr |> SELECT hr.pay"),
    ("bigquery", "FROM shop.orders |> WHERE id > 1 |> AS salaries |> JOIN hr.salaries ON TRUE"),
    ("bigquery", "FROM shop.orders |> LIMIT 3 |> WHERE id IN (FROM hr.salaries |> LIMIT 1 |> SELECT pay)"),
    ("bigquery", "FROM (FROM hr.salaries |> LIMIT 3) |> WHERE TRUE"),
    ("bigquery", "SELECT pay FROM hr.salaries |> WHERE TRUE"),
    ("bigquery", "WITH x AS (FROM hr.salaries |> RENAME pay AS p) FROM shop.orders |> SELECT id"),
    ("bigquery", "FROM shop.orders |> TABLESAMPLE SYSTEM (10 PERCENT) hr.salaries"),
    ("bigquery", "FROM shop.orders |> WHERE id > 1 |> TABLESAMPLE SYSTEM (10 PERCENT)"),
    ("bigquery", "FROM shop.orders |> CALL shop.f(1)"),
    ("bigquery", "FROM shop.orders |> CALL ML.PREDICT(MODEL shop.m)"),
    ("bigquery", "FROM shop.orders |> CALL EXTERNAL_QUERY('c', 'x')"),
    ("bigquery", "FROM shop.orders |> INSERT INTO shop.orders"),
    ("bigquery", "FROM shop.orders |> CREATE TABLE shop.x"),
    ("bigquery", "FROM shop.orders |> EXPORT DATA OPTIONS (uri='gs://x')"),
    ("bigquery", "FROM shop.orders |> SELECT id; DROP TABLE shop.orders"),
    ("bigquery", "FROM shop.orders |> DROP id; FROM hr.salaries"),
    ("bigquery", "INSERT INTO shop.orders SELECT id FROM shop.orders |> WHERE TRUE"),
    ("bigquery", "FROM shop.orders |> PIVOT (SUM(amount) FOR status IN ((SELECT pay FROM hr.salaries)))"),
    ("bigquery", "FROM shop.orders |>"),
    ("bigquery", "|> SELECT id"),
    ("databricks", "FROM shop.orders |> LIMIT 3 |> JOIN hr.salaries ON TRUE"),
    ("databricks", "FROM shop.orders |> SELECT DISTINCT id FROM hr.salaries"),
    ("databricks", "FROM shop.orders |> DROP id, (SELECT pay FROM hr.salaries)"),
    ("databricks", "FROM shop.orders |> RENAME hidden AS a"),
    ("duckdb", "FROM shop.orders |> LIMIT 5 |> WHERE id > 2"),
    ("snowflake", "SELECT id FROM shop.orders |> WHERE id > 2"),
]


@pytest.mark.parametrize(("dialect", "sql"), BAD)
def test_a_step_reaches_no_hidden_table_no_hidden_column_and_no_function_off_the_list(
    dialect: str, sql: str
) -> None:
    verdict = decide(sql, dialect)
    assert not verdict.accepted, verdict.rendered


def test_steps_that_are_many_or_deep_are_read_in_bounds() -> None:
    assert decide("FROM shop.orders" + " |> LIMIT 3 |> WHERE id > 1" * 20).accepted
    for sql in (
        "FROM shop.orders" + " |> SELECT id" * 101,
        "FROM shop.orders" + " |> WHERE TRUE |> AS x" * 51,
    ):
        for dialect in ("bigquery", "databricks", "postgres"):
            assert decide(sql, dialect).rule == "text"
    deep = "FROM shop.orders"
    for _ in range(8):
        deep = f"FROM ({deep} |> LIMIT 3)"
    assert decide(deep + " |> SELECT id").accepted
