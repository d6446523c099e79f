"""Statements as twelve warehouses document them: every table each writes, what that reads, where its columns come from.

`lineage_dialects.txt` holds them: a statement, then `=> target < tables | column=table.column+...`, `;;` before another
target, `-` for none. What is expected was written down before the first of them was read.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from plugin.catalog.lineage import ON_THE_WAY, statements_of

SCHEMA = {
    "orders": ["id", "customer_id", "total", "status", "created_at"],
    "orders_old": ["id", "customer_id", "total", "status", "created_at"],
    "customers": ["id", "name", "email", "region"],
    "refunds": ["id", "order_id", "amount"],
    "daily": ["day", "revenue", "n"],
    "daily_old": ["day", "revenue", "n"],
    "events": ["id", "user_id", "payload", "ts", "items", "tags"],
    "emps": ["id", "boss_id", "name"],
    "quarters": ["emp", "q1", "q2", "q3", "q4"],
}
Told = dict[str, tuple[set[str], dict[str, set[str]] | None]]


def look(name: tuple[str, ...]) -> list[str] | None:
    return SCHEMA.get(name[-1].lower())


def corpus() -> list[tuple[str, str, str]]:
    found = []
    dialect = sql = ""
    for line in (Path(__file__).parent / "lineage_dialects.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("=>"):
            found.append((dialect, sql, line))
        elif line.startswith("@"):
            dialect = line[1:]
        else:
            sql = line
    return found


def expected(line: str) -> Told:
    found: Told = {}
    for part in line.removeprefix("=>").split(";;"):
        head, bar, columns = part.partition("|")
        target, _, tables = head.partition("<")
        pairs = (each.partition("=") for each in columns.split())
        of = {name.lower(): set(origins.split("+")) - {""} for name, _, origins in pairs}
        found[target.strip()] = (set(tables.split()), of if bar else None)
    return found


def told(sql: str, dialect: str, wanted: Told) -> Told:
    """What is told of the statements, in the form of `wanted`; what a text makes on its way is left out."""
    found: dict[str, tuple[set[str], dict[str, set[str]] | None]] = {}
    reads = [each for each in statements_of(sql, dialect, look) if each.tables or each.target]
    for each in reads:
        target = each.target[-1] if each.target else "-"
        if target.startswith(ON_THE_WAY) or (
            len(reads) > 1 and target not in wanted and (target == "-" or ";" in sql)
        ):
            continue
        tables, columns = found.setdefault(target, (set(), {}))
        tables |= {name[-1] for name in each.tables}
        for name, origins in each.columns:
            of = (columns if columns is not None else {}).setdefault(name.lower(), set())
            of |= {f"{table[-1]}.{column}" for table, column in origins}
    found = found or {"-": (set(), {})}
    return {
        target: (tables, None if target in wanted and wanted[target][1] is None else columns)
        for target, (tables, columns) in found.items()
    }


@pytest.mark.parametrize(("dialect", "sql", "line"), corpus())
def test_a_statement_of_a_warehouse(dialect: str, sql: str, line: str) -> None:
    wanted = expected(line)
    assert told(sql, dialect, wanted) == wanted


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("snowflake", "CREATE PROCEDURE p() " + " ".join(f"AS $a{i}$" for i in range(9000))),
        ("oracle", "MERGE INTO a USING b ON (x " + "DELETE WHERE " * 7000 + "("),
        ("snowflake", "SELECT * ILIKE '" + "%a" * 60 + "%b' FROM wide"),
        ("duckdb", "SELECT COLUMNS('(a+)+b') FROM wide"),
        ("bigquery", "BEGIN " + "BEGIN IF x THEN " * 5000),
    ],
)
def test_what_is_made_to_be_slow_is_not(dialect: str, sql: str) -> None:
    """A pattern that tries every way, or a search that begins anew at every word, would not end in a test."""
    assert statements_of(sql, dialect, lambda name: ["a" * 100] if name[-1] == "wide" else None)


@pytest.mark.parametrize(
    ("dialect", "sql", "columns"),
    [
        # `unread` is a table whose columns nobody knows: what stands behind its star stands at no known place.
        (
            "postgres",
            "SELECT unread.*, 1 AS z FROM unread UNION ALL SELECT id, amount FROM refunds",
            {"z": set()},
        ),
        (
            "postgres",
            "WITH c(x, y) AS (SELECT unread.*, r.id FROM unread, refunds r) SELECT x FROM c",
            {"x": set()},
        ),
        ("postgres", "SELECT q.x FROM (SELECT unread.*, r.id FROM unread, refunds r) q(x, y)", {"x": set()}),
        ("postgres", "CREATE VIEW v(x, id) AS SELECT unread.*, r.id FROM unread, refunds r", {"id": set()}),
        ("postgres", "INSERT INTO daily SELECT f.*, r.id FROM made_up(3) f, refunds r", {"revenue": set()}),
        ("snowflake", "SELECT id FROM orders MINUS SELECT order_id FROM refunds", {"id": {"orders.id"}}),
        # A star elsewhere in the statement displaces nothing.
        (
            "postgres",
            "INSERT INTO refunds SELECT id, customer_id, total FROM orders WHERE EXISTS (SELECT * FROM unread)",
            {"amount": {"orders.total"}, "order_id": {"orders.customer_id"}},
        ),
    ],
)
def test_a_column_stands_at_a_place_only_where_all_before_it_are_known(
    dialect: str, sql: str, columns: dict[str, set[str]]
) -> None:
    (found,) = statements_of(sql, dialect, look)
    for name, origins in columns.items():
        told_of = {
            f"{table[-1]}.{column}" for each, of in found.columns if each == name for table, column in of
        }
        assert told_of == origins


@pytest.mark.parametrize("dialect", ["tsql", "oracle", "snowflake"])
def test_a_cte_that_reads_itself_reads_no_table_of_its_name(dialect: str) -> None:
    sql = (
        "WITH daily AS (SELECT id, boss_id FROM emps UNION ALL SELECT e.id, e.boss_id FROM emps e "
        "JOIN daily ON daily.id = e.boss_id) SELECT id FROM daily"
    )
    assert [each.tables for each in statements_of(sql, dialect, look)] == [(("emps",),)]


SELF = "WITH daily AS (SELECT id FROM emps UNION ALL SELECT id FROM daily) SELECT id FROM daily"


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        # A CTE inside the first branch of one that may read itself.
        ("snowflake", "WITH o AS (WITH daily AS (SELECT id FROM emps) SELECT id FROM daily UNION ALL SELECT id FROM emps) "
         "SELECT id FROM o"),
        ("postgres", "WITH RECURSIVE o AS (WITH daily AS (SELECT id FROM emps) SELECT id FROM daily UNION ALL "
         "SELECT boss_id FROM o) SELECT id FROM o"),
        # Not at the top of the statement.
        ("snowflake", f"SELECT id FROM ({SELF}) q"),
        ("oracle", f"CREATE TABLE z AS ({SELF})"),
        ("snowflake", f"INSERT INTO z (q) ({SELF})"),
        # Two branches read it.
        ("tsql", "WITH daily AS (SELECT id FROM emps UNION ALL SELECT id FROM daily UNION ALL SELECT id FROM daily) "
         "SELECT id FROM daily"),
        ("sqlite", "WITH RECURSIVE daily AS (SELECT id FROM emps UNION ALL SELECT id FROM daily UNION ALL "
         "SELECT boss_id FROM emps) SELECT id FROM daily"),
    ],
)  # fmt: skip
def test_a_cte_inside_another_or_read_by_two_branches_is_no_table(dialect: str, sql: str) -> None:
    assert [each.tables for each in statements_of(sql, dialect, look)] == [(("emps",),)]


def test_a_branch_gives_what_another_branch_of_itself_gives() -> None:
    sql = (
        "WITH RECURSIVE r (a, b) AS (SELECT id, boss_id FROM emps UNION ALL SELECT id, customer_id FROM orders "
        "UNION ALL SELECT b, a FROM r) SELECT a FROM r"
    )
    (found,) = statements_of(sql, "postgres", look)
    ((_name, origins),) = found.columns
    assert {f"{table[-1]}.{column}" for table, column in origins} == {
        "emps.id", "emps.boss_id", "orders.id", "orders.customer_id"
    }  # fmt: skip


def nested(level: str, depth: int) -> str:
    sql = "SELECT id FROM orders"
    for _ in range(depth):
        sql = level.format(sql)
    return sql


@pytest.mark.parametrize(
    "sql",
    [
        "WITH c0 AS (SELECT * FROM orders)"
        + "".join(f", c{i} AS (SELECT x.*, y.* FROM c{i - 1} x, c{i - 1} y)" for i in range(1, 40))
        + " SELECT 1",
        "".join(
            f"CREATE TEMP TABLE x{i} AS SELECT a.*, b.* FROM {was} a, {was} b;"
            for i, was in enumerate(["orders", *(f"x{i}" for i in range(40))])
        ),
        nested(
            "WITH RECURSIVE r AS (SELECT id FROM ({}) q UNION ALL SELECT id FROM orders) SELECT id FROM r", 30
        ),
        nested(
            "WITH d AS (WITH e AS ({}) DELETE FROM orders WHERE id IN (SELECT id FROM e) RETURNING id) "
            "SELECT id FROM d",
            30,
        ),
    ],
)
def test_what_doubles_with_each_step_is_given_up_and_said(sql: str) -> None:
    """Unbounded, none of these would end, and the first two would take all memory there is."""
    found = statements_of(sql, "postgres", look)
    assert found[-1].partial
    assert ("orders",) in found[0].tables
