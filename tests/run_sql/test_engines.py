"""Real engines: rendered text gives the rows of the text that came in, and the engine's own lock holds without us."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors import connect
from connectors.abilities import RunLimits
from connectors.errors import QueryStopped, SourceError
from plugin.run_sql.batch import Checker
from tests.asynchronous import HOUR, ends, until
from tests.run_sql.test_corpus import CORPUS, WORLD

COLUMNS = {
    "sales.customers": "id int primary key, name {t}, email {t}, country {t}, region {t}, created_at {ts}",
    "sales.orders": "id int primary key, customer_id int, order_date date, status {t}, total {n}, currency {t}, note {t}, meta {j}{tags}",
    "sales.order_items": "order_id int, product_id int, qty int, unit_price {n}, discount {n}",
    "public.products": "id int primary key, name {t}, category {t}, price {n}, attrs {j}",
    "marketing.campaigns": "id int primary key, name {t}, channel {t}, start_date date, end_date date, budget {n}, clicks int, cost {n}",
    "hr.salaries": "employee_id int, salary {n}",
}
ROWS = [
    "insert into sales.customers values (1,'Ann','ann@x.org','DE','EMEA','2024-01-01 10:00:00'),(2,'Bob','bob@x.org','US','AMER','2024-02-01 10:00:00')",
    "insert into sales.orders (id,customer_id,order_date,status,total,currency,note,meta) values "
    "(1,1,'2024-02-01','paid',10.5,'EUR','hello; drop','{\"src\":\"web\",\"items\":[{\"sku\":\"a\"}]}'),(2,2,'2024-03-01','open',99,'USD',null,'{\"src\":\"app\"}')",
    "insert into sales.order_items values (1,1,2,5,0),(2,2,1,99,0.1)",
    "insert into public.products values (1,'Pen','office',5,'{}'),(2,'Desk','furn',99,'{}')",
    "insert into marketing.campaigns values (1,'Spring','mail','2024-02-01','2024-04-01',1000,50,400)",
    "insert into hr.salaries values (1,91234)",
]
VOLATILE = re.compile(
    r"random|rand\(|uuid|now\(|current_|getdate|sysdate|curdate|tablesample|using sample|today|clock_timestamp|'now'",
    re.I,
)


def good(dialect: str) -> list[str]:
    lines = (CORPUS / f"{dialect}.jsonl").read_text(encoding="utf-8").splitlines()
    return [case["sql"] for case in map(json.loads, lines) if case["expect"] == "accept"]


def statements(kinds: dict[str, str]) -> list[str]:
    return [f"create table {name} ({columns.format(**kinds)})" for name, columns in COLUMNS.items()]


def plain(rows: Any) -> list[str]:
    """Rows without order; PostgreSQL's date_part gives a float where EXTRACT gives a number."""
    return sorted(
        str([float(cell) if isinstance(cell, (Decimal, int)) else cell for cell in row]) for row in rows
    )


def same_rows(run: Any, dialect: str, least: float) -> None:
    """Every accepted query that the engine itself runs gives the same rows when rendered."""
    checker = Checker(columns=WORLD, default_schema="public")
    compared, wrong = 0, []
    for sql in good(dialect):
        if VOLATILE.search(sql):
            continue
        expected = run(sql)
        if isinstance(expected, Exception):
            continue
        verdict = checker.check(sql, dialect)
        found = run(verdict.rendered)
        compared += 1
        if isinstance(found, Exception) or plain(found) != plain(expected):
            wrong.append((sql, verdict.rendered, found))
    assert compared >= 30
    assert len(wrong) <= (1 - least) * compared, wrong


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Any]:
    import psycopg

    url = postgres_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        for schema in ("sales", "marketing", "hr"):
            connection.execute(f"create schema {schema}")
        kinds = {"t": "text", "n": "numeric", "j": "jsonb", "ts": "timestamptz", "tags": ", tags text[]"}
        for statement in statements(kinds) + ROWS:
            connection.execute(statement)  # type: ignore[call-overload]
        connection.execute("update sales.orders set tags = '{a,b}'")
        connection.execute(
            "create function public.get_salary(int) returns numeric language sql security definer as 'select salary from hr.salaries where employee_id=$1'"
        )
        yield connection, url


def test_postgres_gives_the_same_rows(postgres: Any) -> None:
    connection, _ = postgres

    def run(sql: str) -> Any:
        try:
            return connection.execute(sql).fetchall()
        except Exception as error:  # noqa: BLE001 - any refusal of the engine counts the same
            return error

    same_rows(run, "postgres", 1.0)


def test_postgres_refuses_by_itself_what_the_guard_would(postgres: Any, postgres_url: str) -> None:
    connection, url = postgres
    role = f"docent_q_{uuid.uuid4().hex[:12]}"
    connection.execute(f"create role {role} login")
    try:
        connection.execute(f"grant usage on schema sales to {role}; grant select on sales.orders to {role}")
        connection.execute("revoke execute on function public.get_salary(int) from public")
        settings = {"url": postgres_url.replace("postgres@", f"{role}@")}
        runner: Any = connect("postgres", settings, {})
        for sql in ("select * from hr.salaries", "select public.get_salary(1)", "delete from sales.orders", "select pg_read_file('PG_VERSION')",
                    "commit; drop schema sales cascade", "create table public.x as select 1", "select * from sales.orders for update"):  # fmt: skip
            with pytest.raises(SourceError), runner.run(sql, RunLimits(), lambda _: None) as result:
                list(result.batches)
        with runner.run("select id from sales.orders", RunLimits(), lambda _: None) as result:
            assert sum(len(batch) for batch in result.batches) == 2
        with (
            pytest.raises(SourceError),
            runner.run(
                "select count(*) from generate_series(1, 1000000000000)", RunLimits(seconds=1), lambda _: None
            ) as result,
        ):
            list(result.batches)
    finally:
        connection.execute(f"drop owned by {role}; drop role {role}")


def test_cancel_leaves_no_statement_on_the_server(postgres: Any, postgres_url: str) -> None:
    connection, _ = postgres
    runner: Any = connect("postgres", {"url": postgres_url}, {})
    held: list[Any] = []

    def go() -> None:
        limits = RunLimits(seconds=HOUR)
        with (
            pytest.raises(QueryStopped, match="cancelled"),
            runner.run("select pg_sleep(3600)", limits, held.append) as result,
        ):
            list(result.batches)

    def sleeps() -> int:
        found = connection.execute(
            "select count(*) from pg_stat_activity where query like '%pg_sleep(3600)%' and state = 'active'"
            " and pid <> pg_backend_pid() and datname = current_database()"
        ).fetchone()
        return int(found[0])

    thread = threading.Thread(target=go)
    thread.start()
    until(sleeps)
    held[0].cancel()
    assert ends(thread)
    until(lambda: sleeps() == 0)


def test_mariadb_gives_the_same_rows(mariadb_url: str) -> None:
    import pymysql
    from sqlalchemy import make_url

    url = make_url(mariadb_url)
    names = ("sales", "marketing", "hr", "public")
    prefix = f"{url.database}_"
    connection = pymysql.connect(
        host=url.host,
        port=url.port or 3306,
        user=url.username,
        password=url.password or "",
        database=url.database,
        autocommit=True,
    )

    def put(sql: str) -> str:
        return re.sub(r"`?\b(sales|marketing|hr|public)\b`?(?=\.)", lambda match: prefix + match[1], sql)

    try:
        with connection.cursor() as cursor:
            for name in names:
                cursor.execute(f"create database {prefix}{name}")
            cursor.execute(f"use {prefix}public")
            kinds = {"t": "varchar(50)", "n": "decimal(10,2)", "j": "json", "ts": "datetime", "tags": ""}
            for statement in statements(kinds) + ROWS:
                cursor.execute(put(statement))

        def run(sql: str) -> Any:
            try:
                with connection.cursor() as cursor:
                    cursor.execute(put(sql))
                    return list(cursor.fetchall())
            except pymysql.Error as error:
                return error

        same_rows(run, "mysql", 0.97)
    finally:
        with connection.cursor() as cursor:
            for name in names:
                cursor.execute(f"drop database if exists {prefix}{name}")
        connection.close()


def test_sqlite_gives_the_same_rows() -> None:
    connection = sqlite3.connect(":memory:")
    for name in ("sales", "marketing", "hr", "public"):
        connection.execute(f"attach ':memory:' as {name}")
    kinds = {"t": "text", "n": "numeric", "j": "text", "ts": "text", "tags": ""}
    for statement in statements(kinds) + ROWS:
        connection.execute(statement)

    def run(sql: str) -> Any:
        try:
            return connection.execute(sql).fetchall()
        except sqlite3.Error as error:
            return error

    same_rows(run, "sqlite", 1.0)


def test_duckdb_gives_the_same_rows() -> None:
    import duckdb

    connection = duckdb.connect(":memory:")
    for name in ("sales", "marketing", "hr", "public"):
        connection.execute(f"create schema {name}")
    connection.execute("set search_path = 'public'")
    kinds = {
        "t": "varchar",
        "n": "decimal(10,2)",
        "j": "json",
        "ts": "timestamptz",
        "tags": ", tags varchar[]",
    }
    for statement in statements(kinds) + ROWS:
        connection.execute(statement)
    connection.execute("update sales.orders set tags = ['a', 'b']")

    def run(sql: str) -> Any:
        try:
            return connection.execute(sql).fetchall()
        except duckdb.Error as error:
            return error

    same_rows(run, "duckdb", 0.97)


def test_sqlite_and_duckdb_lock_themselves(tmp_path: Path) -> None:
    import duckdb

    connection = sqlite3.connect(tmp_path / "a.db")
    connection.execute("create table t (id int)")
    connection.commit()
    connection.close()
    duckdb.connect(str(tmp_path / "b.duckdb")).execute("create table t (id int)").close()
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    for type_, file, attacks in (
        ("sqlite", "a.db", ["delete from t", "attach '/tmp/x.db' as x", "pragma writable_schema=1", "select load_extension('x')"]),
        ("duckdb", "b.duckdb", ["delete from t", f"select * from '{secret}'", f"copy t to '{tmp_path}/o.csv'", "set enable_external_access=true"]),
    ):  # fmt: skip
        runner: Any = connect(type_, {"path": str(tmp_path / file)}, {})
        for sql in attacks:
            with pytest.raises(SourceError), runner.run(sql, RunLimits(), lambda _: None) as result:
                list(result.batches)
