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
