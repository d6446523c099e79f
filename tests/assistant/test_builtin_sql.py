"""The dates that `builtin` writes: every unit passes the guard in each dialect, and four engines give the right rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from plugin.providers.builtin.sql_text import Sql
from plugin.run_sql.batch import Checker
from plugin.run_sql.dialects import ENGINES
from tests.own_servers import missing

UNITS = ("day", "week", "month", "quarter", "year")
CHECKER = Checker(columns={"sales.orders": ["day", "total"]}, default_schema="sales")


def statement(dialect: str, unit: str, number: int, table: str = "sales.orders") -> str:
    """`average total by <unit> last <unit>` as the plan puts it together."""
    sql = Sql(dialect)
    cut = sql.truncated("day", unit)
    return (
        f"SELECT {cut} AS {sql.name(unit)}, AVG(total) AS {sql.name('result')} FROM {table} "
        f"WHERE {sql.since('day', number, unit)} GROUP BY {cut} ORDER BY {cut}"
    )


@pytest.mark.parametrize("dialect", sorted(ENGINES))
def test_every_unit_passes_the_guard(dialect: str) -> None:
    for unit in UNITS:
        for number in (0, 3):
            text = statement(dialect, unit, number)
            verdict = CHECKER.check(text, dialect)
            assert verdict.accepted, (text, verdict.reasons)


def first_of(unit: str, day: date) -> date:
    """The first day of the unit that a day is in; weeks begin on Monday."""
    if unit == "week":
        return day - timedelta(days=day.weekday())
    month = {"month": day.month, "quarter": (day.month - 1) // 3 * 3 + 1, "year": 1}.get(unit)
    return day if month is None else day.replace(month=month, day=1)


def run_sqlite(text: str) -> list[Any]:
    with sqlite3.connect(":memory:") as connection:
        connection.execute("create table orders (day text, total real)")
        connection.executemany("insert into orders values (?, ?)", [(str(day), 1) for day in days()])
        return connection.execute(text).fetchall()


def run_duckdb(text: str) -> list[Any]:
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("create table orders (day date, total decimal(9, 2))")
        connection.executemany("insert into orders values (?, 1)", [(day,) for day in days()])
        return connection.execute(text).fetchall()


def run_server(text: str, engine: Any) -> list[Any]:
    from sqlalchemy import text as clause

    with engine.connect() as connection:
        connection.execute(clause("create temporary table orders (day date, total decimal(9, 2))"))
        connection.execute(clause("insert into orders values (:day, 1)"), [{"day": day} for day in days()])
        return list(connection.exec_driver_sql(text.replace("%", "%%")))


def run_postgres(text: str) -> list[Any]:
    from sqlalchemy import create_engine

    return run_server(text, create_engine("postgresql+psycopg://postgres@127.0.0.1:5432/postgres"))


def run_mariadb(text: str) -> list[Any]:
    from sqlalchemy import create_engine

    return run_server(text, create_engine("mysql+pymysql://root@127.0.0.1:3306/mysql"))


def days() -> list[date]:
    """Two years to today, and tomorrow, which no past holds."""
    return [date.today() - timedelta(days=back) for back in range(-1, 800)]


ENGINES_HERE: dict[str, Callable[[str], list[Any]]] = {
    "sqlite": run_sqlite, "duckdb": run_duckdb, "postgres": run_postgres, "mysql": run_mariadb,
}  # fmt: skip


@pytest.mark.parametrize("dialect", sorted(ENGINES_HERE))
@pytest.mark.parametrize("unit", UNITS)
def test_the_last_unit_is_the_whole_one_before_this(dialect: str, unit: str) -> None:
    while True:  # a run over midnight would have two days in it
        today = date.today()
        try:
            rows = ENGINES_HERE[dialect](
                f"SELECT MIN(day), MAX(day) FROM orders WHERE {Sql(dialect).since('day', 0, unit)}"
            )
            cut = ENGINES_HERE[dialect](statement(dialect, unit, 0, "orders"))
        except OperationalError as error:  # a machine without the server
            missing(f"{dialect}: {error}")
        if today == date.today():
            break
    this = first_of(unit, today)
    before = first_of(unit, this - timedelta(days=1))
    low, high = (date.fromisoformat(str(each)[:10]) for each in rows[0])
    assert (low, high) == (before, this - timedelta(days=1)), rows
    assert len(cut) == 1 and float(cut[0][1]) == 1, "one whole unit, as one row"
    if isinstance(cut[0][0], date | datetime):
        assert str(cut[0][0])[:10] == str(before)
