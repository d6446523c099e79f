"""Nothing that stands in a row, a literal, a default, a check or an index ever comes out: the product's own hunt."""

from __future__ import annotations

import uuid

import psycopg
import pytest

from plugin.governance import canaries
from plugin.governance.canaries import Hunt, OwnSource, hunt


def quiet(_text: str) -> None:
    """Say nothing."""


def test_no_canary_gets_out_of_sqlite_and_duckdb() -> None:
    found = hunt(quiet)
    assert found.leaks == []
    assert found.control and found.hashes_equal and found.ran >= 4
    assert set(found.looked) == {
        "provider wire",
        "logs",
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
