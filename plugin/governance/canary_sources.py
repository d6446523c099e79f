"""Scratch databases for the canary hunt, with a canary in every place that can hold a value.

Enters: a folder for files, or the URL of a PostgreSQL or MySQL server on which a database and a role may be made.
Leaves: a `Scratch`: how the product connects to read metadata, how Run SQL connects, and statements that reach for the
canaries. Rows, defaults, checks, enumerations, view and index literals, generated columns, partition bounds, and
statistics with most common values are planted; a text that is no number provokes an engine's error with the value in
it.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from plugin.errors import Misconfigured

Canary = Callable[[str], str]
"""Makes a canary for a place, and remembers it."""


@dataclass(frozen=True, slots=True)
class Scratch:
    """One planted source. `query` is Run SQL's own credential."""

    type: str
    settings: dict[str, str]
    secrets: dict[str, str]
    query: dict[str, str]
    statements: tuple[str, ...]


@contextmanager
def scratch_file(type_: str, path: Path, canary: Canary) -> Iterator[Scratch]:
    """A SQLite or DuckDB file, planted."""
    note = canary("COMMON")
    script = [
        f"create table visits (id integer primary key, note text default '{canary('DEFAULT')}', mail text, "
        f"status text check (status in ('open', '{canary('CHECK')}')))",
        f"create view flagged as select id, note, '{(view := canary('VIEW'))}' as mark from visits "
        f"where note <> '{view}'",
        *(
            f"insert into visits values ({n}, '{canary(f'ROW{n}')}', '{canary(f'MAIL{n}')}@example.org', 'open')"
            for n in range(1, 4)
        ),
        *(f"insert into visits values ({n}, '{note}', null, 'open')" for n in range(10, 60)),
        "analyze",
    ]
    if type_ == "sqlite":
        script.insert(-1, f"create index partly on visits (id) where note <> '{canary('INDEX')}'")
        with closing(sqlite3.connect(path)) as database:
            for statement in script:
                database.execute(statement)
            database.commit()
    else:
        import duckdb

        with closing(duckdb.connect(str(path))) as connection:
            for statement in script:
                connection.execute(statement)
    url = {"url": f"{type_}:///{path}"}
    yield Scratch(type_, url, {}, url, _statements(""))


@contextmanager
def scratch_server(url: str, canary: Canary) -> Iterator[Scratch]:
    """A database on a server, planted, with a role that reads metadata alone; both are gone when the block ends.

    Misconfigured where the URL is neither PostgreSQL's nor MySQL's, or where they cannot be made.
    """
    backend = urlsplit(url).scheme.partition("+")[0]
    if backend in ("postgresql", "postgres"):
        with _postgres(url, canary) as made:
            yield made
    elif backend in ("mysql", "mariadb"):
        with _mysql(url, canary) as made:
            yield made
    else:
        raise Misconfigured("--server takes the URL of a PostgreSQL, MySQL or MariaDB server")


@contextmanager
def _postgres(url: str, canary: Canary) -> Iterator[Scratch]:
    try:
        import psycopg
    except ImportError as error:
        raise Misconfigured("this needs the PostgreSQL driver: pip install 'docent[postgres]'") from error
    name, role, password = _names()
    note = canary("COMMON")
    script = [
        "create schema clinic",
        f"create type clinic.state as enum ('open', '{canary('ENUM')}')",
        f"create table clinic.visits (id int primary key, note text default '{canary('DEFAULT')}', mail text, "
        f"status text check (status in ('open', '{canary('CHECK')}')), "
        f"mark text generated always as (note || '{canary('GENERATED')}') stored)",
        "create table clinic.parts (place text) partition by list (place)",
        f"create table clinic.part_one partition of clinic.parts for values in ('{canary('BOUND')}')",
        f"create view clinic.flagged as select id, note, '{(view := canary('VIEW'))}' as mark from clinic.visits "
        f"where note <> '{view}'",
        f"create index partly on clinic.visits (id) where note <> '{canary('INDEX')}'",
        *(
            f"insert into clinic.visits values ({n}, '{canary(f'ROW{n}')}', '{canary(f'MAIL{n}')}@example.org', 'open')"
            for n in range(1, 4)
        ),
        f"insert into clinic.visits select n, '{note}', null, 'open' from generate_series(10, 400) n",
        "create statistics clinic.often (mcv) on note, status from clinic.visits",
        "analyze",
        f"grant usage on schema clinic to {role}",
    ]
    plain = _url(url, "postgresql")
    try:
        with psycopg.connect(plain, autocommit=True) as boss:
            _run(boss, f"create role {role} login password '{password}'", f"create database {name}")
    except psycopg.Error as error:
        raise Misconfigured("the scratch database could not be made on that server") from error
    try:
        inside = _url(url, "postgresql", database=name)
        with psycopg.connect(inside, autocommit=True) as connection:
            _run(connection, *script)
        reader = _url(url, "postgresql", database=name, role=role)
        yield Scratch(
            "postgres", {"url": reader}, {"password": password}, {"url": inside}, _statements("clinic.")
        )
    finally:
        with psycopg.connect(plain, autocommit=True) as boss:
            _run(boss, f"drop database if exists {name} with (force)", f"drop role if exists {role}")


@contextmanager
def _mysql(url: str, canary: Canary) -> Iterator[Scratch]:
    try:
        import pymysql
    except ImportError as error:
        raise Misconfigured("this needs the MySQL driver: pip install 'docent[mysql]'") from error
    server = urlsplit(url)
    name, role, password = _names()
    note = canary("COMMON")
    script = [
        f"create table {name}.visits (id int primary key, note varchar(200) default '{canary('DEFAULT')}', "
        f"mail varchar(200), status varchar(200) check (status in ('open', '{canary('CHECK')}')), "
        f"state enum('open', '{canary('ENUM')}'), "
        f"mark varchar(400) generated always as (concat(note, '{canary('GENERATED')}')) stored)",
        f"create view {name}.flagged as select id, note, '{(view := canary('VIEW'))}' as mark from {name}.visits "
        f"where note <> '{view}'",
        *(
            f"insert into {name}.visits (id, note, mail, status) values "
            f"({n}, '{canary(f'ROW{n}')}', '{canary(f'MAIL{n}')}@example.org', 'open')"
            for n in range(1, 4)
        ),
        *(
            f"insert into {name}.visits (id, note, status) values ({n}, '{note}', 'open')"
            for n in range(10, 60)
        ),
        f"analyze table {name}.visits",
        f"create user {role}@'%' identified by '{password}'",
        f"grant show view on {name}.* to {role}@'%'",
        f"grant references on {name}.* to {role}@'%'",
    ]
    try:
        connection = pymysql.connect(
            host=server.hostname or "127.0.0.1", port=server.port or 3306, user=unquote(server.username or ""),
            password=unquote(server.password or ""),
            autocommit=True,
        )  # fmt: skip
    except pymysql.err.MySQLError as error:
        raise Misconfigured("that server cannot be reached with this URL") from error
    with closing(connection), connection.cursor() as cursor:
        try:
            _run(cursor, f"create database {name}", *script)
            inside = _url(url, "mysql", database=name)
            reader = _url(url, "mysql", database=name, role=role)
            yield Scratch(
                "mysql", {"url": reader}, {"password": password}, {"url": inside}, _statements(f"{name}.")
            )
        finally:
            with suppress(pymysql.err.MySQLError):
                _run(cursor, f"drop user if exists {role}@'%'")
            _run(cursor, f"drop database if exists {name}")


def _url(url: str, scheme: str, *, database: str | None = None, role: str | None = None) -> str:
    """The same server, with another database, and with another role that has no password in it."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or "127.0.0.1"
    place = f"{host}:{parts.port}" if parts.port else host
    user = role or parts.username or ""
    password = f":{quote(unquote(parts.password), safe='')}" if parts.password and not role else ""
    login = f"{user}{password}@" if user else ""
    path = f"/{database}" if database else parts.path
    return f"{scheme}://{login}{place}{path}" + (f"?{parts.query}" if parts.query else "")


def _names() -> tuple[str, str, str]:
    """A database, a role and a password of this hunt's own."""
    tail = secrets.token_hex(5)
    return f"docent_canaries_{tail}", f"docent_reader_{tail}", f"p{secrets.token_hex(12)}"


def _run(connection: Any, *statements: str) -> None:
    for statement in statements:
        connection.execute(statement)


def _statements(schema: str) -> tuple[str, ...]:
    """The first returns rows with canaries; the third makes the engine quote one in its error."""
    return (
        f"select id, note, mail from {schema}visits",
        f"select id from {schema}visits where note = 'nothing like it'",
        f"select cast(note as integer) as number from {schema}visits",
        f"select no_such_column from {schema}visits",
        f"select mark, count(*) as n from {schema}flagged group by mark",
        f"select note, count(*) as n from {schema}visits group by note order by n desc",
    )
