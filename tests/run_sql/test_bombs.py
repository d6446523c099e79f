"""Statements that the guard lets through and that never end: each engine's own limits stop them in time and in memory."""

from __future__ import annotations

import resource
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from connectors import connect
from connectors.abilities import RunLimits
from connectors.errors import QueryStopped
from plugin.run_sql.batch import Checker
from tests.asynchronous import until
from tests.run_sql.test_corpus import WORLD

SECONDS = 1.0
CROSS = "SELECT count(*) FROM sales.orders a, sales.orders b, sales.orders c, sales.orders d, sales.orders e"
TRILLION = "SELECT count(*) FROM generate_series(1, 1000000000000)"
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT i FROM n"


def stopped(source: Any, sql: str) -> None:
    """It is stopped though it would run for years, by its time or for its memory, and this process grows by little."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with (
        pytest.raises(QueryStopped, match=f"stopped after {SECONDS:g} s|memory"),
        source.run(sql, RunLimits(rows=1000, bytes=1_000_000, seconds=SECONDS), lambda _: None) as running,
    ):
        list(running.batches)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < 500


def accepted(dialect: str, sql: str) -> str:
    verdict = Checker(columns=WORLD, default_schema="public").check(sql, dialect)
    assert verdict.accepted, verdict.reasons
    return verdict.rendered


def test_postgresql(postgres_url: str) -> None:
    import psycopg

    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("create schema sales")
        connection.execute("create table sales.orders as select generate_series(1, 2000) as id")
        source = connect("postgres", {}, {"url": postgres_url})
        stopped(source, accepted("postgres", CROSS))
        assert not Checker(columns=WORLD).check(TRILLION, "postgres").accepted
        stopped(source, TRILLION)  # the guard off: the engine's limit holds by itself
        left = (
            "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
            " and state = 'active'"
        )
        until(lambda: connection.execute(left).fetchone() == (0,))


def test_mariadb(mariadb_url: str) -> None:
    from sqlalchemy import create_engine, make_url, text

    engine = create_engine(mariadb_url)
    with engine.begin() as connection:
        connection.execute(text("create table orders (id int)"))
        connection.execute(text("insert into orders " + NUMBERS.replace("2000", "900")))
        database = make_url(mariadb_url).database
        # MySQL multiplies the counts of a bare cross join
        bomb = (
            CROSS.replace("sales.orders", f"`{database}`.orders")
            + " WHERE a.id + b.id + c.id + d.id + e.id > 7"
        )
    stopped(connect("mysql", {}, {"url": mariadb_url}), bomb)
    left = text(
        "select count(*) from information_schema.processlist where db = :d and info like '%count(*) FROM%'"
        " and id <> connection_id()"
    )
    with engine.connect() as connection:
        until(lambda: connection.execute(left, {"d": database}).scalar() == 0)
    engine.dispose()


def test_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table orders (id integer)")
        connection.execute("insert into orders " + NUMBERS)
    connection.close()
    stopped(connect("sqlite", {"path": str(path)}, {}), CROSS.replace("sales.", "main."))


def test_duckdb(tmp_path: Path) -> None:
    import duckdb

    path = tmp_path / "a.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "create schema sales; create table sales.orders as select range as id from range(2000)"
        )
    source = connect("duckdb", {"path": str(path)}, {})
    stopped(source, accepted("duckdb", CROSS + " WHERE a.id + b.id + c.id + d.id + e.id > 7"))
    gathered = accepted(
        "duckdb", "SELECT string_agg(t.x, '') FROM (SELECT repeat('x', 10000) AS x FROM range(9000000)) t"
    )
    stopped(source, gathered)
