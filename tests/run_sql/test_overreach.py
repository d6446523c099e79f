"""What the guard says is touched against what a real engine touches: names that shadow, whole rows, positions, other schemas.

With the guard on, an administrator's credential and nothing else between: no statement shows a hidden table or column,
nor a masked one. With the guard off, as the least role (PostgreSQL, MariaDB): none does either. SQLite and DuckDB have
no roles; there the walls keep what is outside the file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from connectors import connect
from connectors.abilities import RunLimits
from connectors.errors import SourceError
from plugin.run_sql.guard import check
from plugin.run_sql.verdict import VisibleTable, VisibleTables
from tests.run_sql import overreach

CANARY, SALARY = "CANARY", "91234"
LIMITS = RunLimits(rows=1000, seconds=20)


def world(tables: dict[str, list[str]], *, masked: bool) -> VisibleTables:
    """The visible tables; `masked`: their column `hidden` is there and stands behind a mask."""
    return VisibleTables(
        VisibleTable(
            tuple(name.split(".")),
            (*columns, "hidden") if masked and "v_ok" not in name else tuple(columns),
            {"hidden": "[masked]"} if masked and "v_ok" not in name else {},
            partial=True,
        )
        for name, columns in tables.items()
    )


def rows(source: Any, sql: str) -> str:
    """What comes back, or the engine's refusal in full."""
    try:
        with source.run(sql, LIMITS, lambda _: None) as result:
            return str([row for batch in result.batches for row in batch])
    except SourceError as error:
        return f"{error} {getattr(error, 'full', '')}"


def hold(
    source: Any, dialect: str, tables: dict[str, list[str]], schema: str, attacks: list[str], *, masked: bool
) -> int:
    """No attack that the guard lets through shows what is hidden or masked; how many it let through."""
    through, shown = 0, []
    visible = world(tables, masked=masked)
    for sql in attacks:
        verdict = check(sql, dialect=dialect, tables=visible, default_schema=schema, row_limit=100)
        if verdict.accepted:
            through += 1
            told = rows(source, verdict.rendered)
            if CANARY in told or SALARY in told:
                shown.append((sql, verdict.rendered, told[:120]))
    assert shown == []
    return through


def attacks(own: list[str], **names: str) -> list[str]:
    """The list with this engine's names in it; text in quotes that is a canary itself is left out."""
    every = [sql.format(**names) for sql in overreach.EVERY] + own
    return [sql for sql in every if "CANARY" not in sql and SALARY not in sql]


TABLES = {"sales.orders": ["id", "note"], "public.products": ["id", "name"], "sales.v_ok": ["id", "note"]}
NAMES = {"o": "sales.orders", "h": "hr.salaries", "p": "public.products", "os": "orders", "v": "sales.v_ok"}
FILL = [
    "create table {0}orders(id int, note varchar(20), hidden varchar(20))",
    "insert into {0}orders values (1, 'n', 'CANARY')",
    "create table {1}salaries(employee_id int, salary int)",
    "insert into {1}salaries values (1, 91234)",
    "create table {2}products(id int, name varchar(20), hidden varchar(20))",
    "insert into {2}products values (1, 'p', 'CANARY')",
    "create view {0}v_ok as select id, note from {0}orders",
    "create view {0}v_secret as select * from {1}salaries",
]


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[tuple[str, Callable[[str], None]]]:
    """A database where `hr` has tables of the visible ones' names, and a role that may see the visible columns."""
    import psycopg

    url = postgres_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:

        def do(sql: str) -> None:
            connection.execute(sql)  # type: ignore[call-overload]

        for sql in ["create schema sales", "create schema hr"] + [
            each.format("sales.", "hr.", "public.") for each in FILL
        ]:
            do(sql)
        for sql in (
            "create function public.get_salary(int) returns int language sql as 'select salary from hr.salaries'",
            "create function public.salary_of(sales.orders) returns int language sql as 'select salary from hr.salaries'",
            "create function public.name(sales.orders) returns text language sql as $$select hidden from sales.orders$$",
            "create function public.hr_rows() returns setof hr.salaries language sql as 'select * from hr.salaries'",
            "create sequence hr.s start 91234",
            "create table public.orders(id int, note text)", "insert into public.orders values (1, 'CANARY')",
            "create table hr.products(id int, name text)", "insert into hr.products values (1, 'CANARY')",
            'create table sales."Orders"(id int, note text)', "insert into sales.\"Orders\" values (1, 'CANARY')",
            "create materialized view sales.mv as select * from hr.salaries",
        ):  # fmt: skip
            do(sql)
        yield postgres_url, do


@pytest.mark.parametrize("schema", ["public", "sales"])
def test_postgres_with_the_guard(postgres: tuple[str, Callable[[str], None]], schema: str) -> None:
    url, _ = postgres
    source = connect("postgres", {"url": url}, {})
    assert (
        hold(
            source, "postgres", TABLES, schema, attacks(overreach.POSTGRES, **NAMES), masked=schema == "sales"
        )
        > 30
    )


def test_postgres_by_itself(postgres: tuple[str, Callable[[str], None]]) -> None:
    url, do = postgres
    role = f"docent_rows_{url.rpartition('_')[2]}"
    do(f"create role {role} login")
    try:
        do(f"grant usage on schema sales to {role}; grant select on sales.v_ok to {role}")
        do(
            f"grant select (id, note) on sales.orders to {role}; grant select (id, name) on products to {role}"
        )
        source = connect("postgres", {"url": url.replace("postgres@", f"{role}@")}, {})
        assert rows(source, "select note from sales.orders") == "[('n',)]"
        for sql in attacks(overreach.POSTGRES, **NAMES):
            told = rows(source, sql)
            assert CANARY not in told and SALARY not in told, sql
    finally:
        do(f"drop owned by {role}; drop role {role}")


def test_a_search_path_and_a_temporary_table_change_nothing(
    postgres: tuple[str, Callable[[str], None]],
) -> None:
    """A role whose search path leads elsewhere first: a bare name still is the table that the guard looked at."""
    url, do = postgres
    database = url.rpartition("/")[2]
    do(f'alter database "{database}" set search_path = hr, sales, public')
    source = connect("postgres", {"url": url}, {})
    assert rows(source, "select name from products") == "[('CANARY',)]", "what it would be without the guard"
    visible = world(TABLES, masked=False)
    for sql in ("select name from products", "select * from products", "select products.name from products",
                "with p as (select * from products) select name from p"):  # fmt: skip
        verdict = check(sql, dialect="postgres", tables=visible, default_schema="public", row_limit=10)
        assert verdict.accepted and "CANARY" not in rows(source, verdict.rendered), verdict.rendered


def test_a_view_that_is_replaced_between_the_look_and_the_run(
    postgres: tuple[str, Callable[[str], None]],
) -> None:
    """The columns that were looked at are the ones that run; one that came or went since is not shown."""
    url, do = postgres
    source = connect("postgres", {"url": url}, {})
    visible = world(TABLES, masked=False)
    verdict = check("select * from sales.v_ok", dialect="postgres", tables=visible, row_limit=10)
    do("drop view sales.v_ok")
    do("create view sales.v_ok as select id, note, hidden from sales.orders")
    assert "CANARY" not in rows(source, verdict.rendered)
    do("alter view sales.v_ok rename to v_old")
    do("alter view sales.v_secret rename to v_ok")
    told = rows(source, verdict.rendered)
    assert SALARY not in told and "refused" in told


def test_mariadb(mariadb_url: str) -> None:
    import pymysql
    from sqlalchemy import make_url

    url = make_url(mariadb_url)
    sales, hr = str(url.database), f"{url.database}_hr"
    role = f"docent_rows_{sales[-8:]}"
    with closing(
        pymysql.connect(
            host=url.host, port=url.port or 3306, user=url.username, database=sales, autocommit=True
        )
    ) as connection:
        cursor = connection.cursor()
        try:
            for sql in (f"drop user if exists {role}@'%'", f"create database {hr}", *[each.format("", f"{hr}.", "") for each in FILL],
                        "alter table orders add primary key (id)", "alter table orders partition by hash(id) partitions 2",
                        "create table `Products`(id int, name varchar(20))", "insert into `Products` values (1, 'CANARY')",
                        f"create sequence {hr}.s start 91234", f"create function {hr}.f() returns int deterministic return 91234",
                        "create function f() returns int deterministic return 91234",
                        "create table `a.b`(x varchar(9))", "insert into `a.b` values ('CANARY')",
                        "create table sv(id int, note varchar(9)) with system versioning", "insert into sv values (1, 'CANARY')", "delete from sv",
                        f"create user {role}@'%'", f"grant select (id, note) on {sales}.orders to {role}@'%'",
                        f"grant select (id, name) on {sales}.products to {role}@'%'", f"grant select on {sales}.v_ok to {role}@'%'"):  # fmt: skip
                cursor.execute(sql)
            tables = {f"{sales}.{name}": columns for name, columns in
                      {"orders": ["id", "note"], "products": ["id", "name"], "v_ok": ["id", "note"], "sv": ["id", "note"]}.items()}  # fmt: skip
            own = [
                sql.replace("docent_rows_hr", hr).replace("docent_rows_sales", sales)
                for sql in overreach.MARIADB
            ]
            tried = attacks(
                own, o=f"{sales}.orders", h=f"{hr}.salaries", p=f"{sales}.products", os="orders", v="v_ok"
            )
            source = connect("mysql", {}, {"url": mariadb_url})
            for masked in (False, True):
                assert hold(source, "mysql", tables, sales, tried, masked=masked) > 30
            least = connect(
                "mysql", {}, {"url": url.set(username=role).render_as_string(hide_password=False)}
            )
            assert rows(least, "select note from orders") == "[('n',)]"
            for sql in tried:
                told = rows(least, sql)
                assert CANARY not in told and SALARY not in told, sql
        finally:
            cursor.execute(f"drop database if exists {hr}")
            cursor.execute(f"drop user if exists {role}@'%'")


def test_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as connection:
        for sql in FILL:
            connection.execute(sql.format("", "", ""))
        connection.execute("create virtual table ft using fts5(body)")
        connection.execute("insert into ft values ('CANARY')")
        connection.commit()
    tables = {"main.orders": ["id", "note"], "main.v_ok": ["id", "note"], "main.products": ["id", "name"]}
    names = {"o": "main.orders", "h": "salaries", "p": "main.products", "os": "orders", "v": "main.v_ok"}
    source = connect("sqlite", {"path": str(path)}, {})
    for masked in (False, True):
        assert hold(source, "sqlite", tables, "main", attacks(overreach.SQLITE, **names), masked=masked) > 30
    for sql in ("create temp table products(id, name)", "create temp view orders as select * from salaries",
                f"attach '{path}' as other", "pragma query_only = 0"):  # fmt: skip
        assert not rows(source, sql).startswith("["), f"the guard off, a name could be shadowed: {sql}"


def test_duckdb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import duckdb

    monkeypatch.chdir(tmp_path)
    for name in ("orders.csv", "salaries"):
        (tmp_path / name).write_text("a\nCANARY\n")
    path = tmp_path / "orders.duckdb"  # the file gives its catalog the name of a table
    with duckdb.connect(str(path)) as connection:
        for sql in ("create schema sales", "create schema hr", *[each.format("sales.", "hr.", "main.") for each in FILL],
                    "alter table sales.orders add column st struct(a int, hidden varchar)", "update sales.orders set st = {'a': 1, 'hidden': 'CANARY'}",
                    "create table main.orders(id int, note varchar)", "insert into main.orders values (1, 'CANARY')",
                    "create macro leak() as (select salary from hr.salaries)", "create macro rows_of() as table select * from hr.salaries",
                    "create sequence hr.s start 91234", "create type hr.mood as enum ('CANARY')"):  # fmt: skip
            connection.execute(sql)
        connection.execute(f"copy (select 'CANARY' as a) to '{tmp_path}/leak.parquet'")
    leak_df = duckdb.sql("select 'CANARY' as a")
    tables = {"sales.orders": ["id", "note"], "main.products": ["id", "name"], "sales.v_ok": ["id", "note"]}
    names = {**NAMES, "p": "main.products"}
    source = connect("duckdb", {"path": str(path)}, {})
    for schema in ("main", "sales"):
        masked = schema == "sales"
        assert hold(source, "duckdb", tables, schema, attacks(overreach.DUCKDB, **names), masked=masked) > 30
    for sql in ("select * from leak_df", "select * from 'orders.csv'", 'select * from "leak.parquet"', "select * from salaries",
                "select * from glob('*')", f"attach '{path}' as other", "create temp table products(id int)",
                "select * from read_text('orders.csv')", "select * from 'leak.parquet'"):  # fmt: skip
        told = rows(source, sql)
        assert not told.startswith("["), f"the guard off: {sql} gave {told}"
    del leak_df


def test_a_position_reads_no_further_than_a_name() -> None:
    """DuckDB's `#3` counts over every column of FROM, those that one may not see too."""
    visible = world({"sales.orders": ["id", "note"]}, masked=True)
    for sql in ("select #3 from sales.orders", "select id from sales.orders order by #3", "select max(#3) from sales.orders"):  # fmt: skip
        verdict = check(sql, dialect="duckdb", tables=visible, default_schema="sales")
        assert not verdict.accepted or (
            "sales.orders.hidden" in verdict.columns and "[masked]" in verdict.rendered
        )
