"""Nothing that stands in a row, a literal, a default, a check or an index ever comes out: the product's own hunt."""

from __future__ import annotations

import logging
import sqlite3
import uuid
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from plugin.access.viewer import Viewer
from plugin.errors import Refused
from plugin.governance import canaries
from plugin.governance.canaries import Hunt, OwnSource, hunt
from plugin.store import Store


def quiet(_text: str) -> None:
    """Say nothing."""


def test_no_canary_gets_out_of_sqlite_and_duckdb() -> None:
    found = hunt(quiet)
    assert found.leaks == []
    assert found.control and found.hashes_equal and found.ran >= 4
    assert set(found.looked) == {
        "provider wire",
        "logs",
        "answers and steps",
        "error texts",
        "exports",
        "another member's reads",
        "our database files",
    }
    assert all(size > 0 for size in found.looked.values())


def test_no_canary_gets_out_of_servers_at_hand(postgres_url: str, mariadb_url: str) -> None:
    """Enumerations, generated columns, partition bounds, statistics and the engines' own errors, on real servers."""
    found = hunt(quiet, servers=[postgres_url, mariadb_url])
    assert sorted(found.sources) == ["duckdb", "mysql-2", "postgres-1", "sqlite"]
    assert found.leaks == [] and found.control and found.hashes_equal and found.planted > 40
    assert found.ran >= 8


def test_the_hunt_sees_a_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hunt that finds nothing proves nothing unless it finds what is there."""
    found = Hunt()
    canaries._look(
        found, "here", b"abc CANARY1 def " + "CANARY2".encode("utf-16-le"), ["CANARY1", "CANARY2", "CANARY3"]
    )
    assert [leak.canary for leak in found.leaks] == ["CANARY1", "CANARY2"] and not found.ok


def leaky(monkeypatch: pytest.MonkeyPatch, row: str) -> None:
    """A product that leaks in every way that somebody could build by mistake: a row's value in each place."""
    from plugin.run_sql import run as running
    from plugin.run_sql.results import Results

    inner_ask, inner_run, inner_add = canaries.ask, running.run, Results.add
    broken = []

    def ask_and_tell(store: Store, gateway: Any, viewer: Viewer, question: Any, **more: Any) -> Any:
        # Tool output: what the model is told of a result holds a row. Here it rides along with the next question.
        question = replace(question, text=f"{question.text} (for example {row})")
        yield from inner_ask(store, gateway, viewer, question, **more)

    def run_and_keep(store: Store, viewer: Viewer, *given: Any, **more: Any) -> Any:
        inner_run(store, viewer, *given, **more)
        if not broken:
            broken.append(True)
            with store.as_viewer(viewer) as mine:
                mine.history.memory.remember(f"the result began with {row}")  # history and its export
                mine.record.audit("run_sql", "allow", detail={"first": row})  # our database, in the clear
                mine.edits.create_term(f"Seen {row}", "as another member sees it")
        raise Refused(f"cannot cast {row} to a number", rule="run_sql.engine")

    def add_and_log(self: Results, result: Any, rows: Any) -> Any:
        logging.getLogger("docent.sql").warning(f"rows: {row}")
        return inner_add(self, result, rows)

    monkeypatch.setattr(canaries, "ask", ask_and_tell)
    monkeypatch.setattr(running, "run", run_and_keep)
    monkeypatch.setattr(Results, "add", add_and_log)


def test_every_place_is_looked_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A leak planted in each place is found in that place: a hunt that is blind somewhere proves nothing there."""
    row, path = f"CANARYOWN{uuid.uuid4().hex.upper()}", tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as made:
        made.execute("create table visits (id integer, note text)")
        made.execute("insert into visits values (1, ?)", (row,))
        made.commit()
    leaky(monkeypatch, row)
    url = {"url": f"sqlite:///{path}"}
    own = OwnSource("sqlite", url, {}, url, (row,))
    found = hunt(quiet, own)
    assert {leak.place for leak in found.leaks} == set(found.looked) and not found.ok
    assert {leak.canary for leak in found.leaks} == {row}


def test_an_operators_own_mariadb(mariadb_url: str) -> None:
    from sqlalchemy import make_url

    pymysql = pytest.importorskip("pymysql")
    server = make_url(mariadb_url)
    name, reader = server.database, f"reader_{uuid.uuid4().hex[:8]}"
    planted = tuple(f"CANARYMY{uuid.uuid4().hex.upper()}" for _ in range(3))
    connection = pymysql.connect(
        host=server.host, port=server.port or 3306, user=server.username, password=server.password or "",
        autocommit=True,
    )  # fmt: skip
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(
            f"create table {name}.visits (id int primary key, note varchar(80) default '{planted[0]}', "
            f"state enum('open', '{planted[2]}'))"
        )
        cursor.execute(f"insert into {name}.visits (id, note) values (1, %s)", (planted[1],))
        cursor.execute(
            f"create view {name}.flagged as select id from {name}.visits where note = '{planted[2]}'"
        )
        cursor.execute(f"create user {reader}@'%' identified by 'only-metadata'")
        try:
            cursor.execute(f"grant show view, references on {name}.* to {reader}@'%'")
            settings = {"url": f"mysql://{reader}@{server.host}:{server.port or 3306}/{name}"}
            query = {"url": f"mysql://{server.username}@{server.host}:{server.port or 3306}/{name}"}
            found = hunt(quiet, OwnSource("mysql", settings, {"password": "only-metadata"}, query, planted))
        finally:
            cursor.execute(f"drop user {reader}@'%'")
    assert found.leaks == []
    assert found.control and found.hashes_equal


def test_an_operators_own_postgres(postgres_url: str) -> None:
    plain = postgres_url.replace("postgresql+psycopg://", "postgresql://")
    reader, name = f"reader_{uuid.uuid4().hex[:8]}", plain.rsplit("/", 1)[1]
    planted = tuple(f"CANARYPG{uuid.uuid4().hex.upper()}" for _ in range(3))
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("create schema clinic")
        connection.execute(
            f"create table clinic.visits (id int primary key, note text default '{planted[0]}', "
            f"status text check (status <> '{planted[0]}'))"
        )
        connection.execute("insert into clinic.visits values (1, %s, 'open')", (planted[1],))
        connection.execute(
            f"create view clinic.flagged as select id from clinic.visits where note = '{planted[2]}'"
        )
        connection.execute(f"create role {reader} login")
        connection.execute(f"grant usage on schema clinic to {reader}")
        connection.execute("analyze")
        try:
            settings = {"url": f"postgresql://{reader}@127.0.0.1/{name}"}
            found = hunt(quiet, OwnSource("postgres", settings, {}, {"url": plain}, planted))
        finally:
            connection.execute(f"drop owned by {reader}")
            connection.execute(f"drop role {reader}")
    assert found.leaks == []
    assert found.control and found.hashes_equal
