"""Real databases of each engine for the contract suite: made fresh, filled with the same little shop, dropped.

`DOCENT_REQUIRE_SERVICES=1` turns a missing server from a skip into a failure.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import psycopg
import pymysql
import pytest
from pymysql.constants import CLIENT

import connectors.duckdb
import connectors.duckdb_run
import connectors.sqlite
import connectors.sqlite_run
from connectors import connect, connector_class
from connectors.abilities import Connector
from tests.connectors.wire import Wire

CANARY = "canary-7f3a9c"
POSTGRES = {"host": "127.0.0.1", "port": 5432, "user": "postgres"}
_MARIADB = urlsplit(os.environ.get("DOCENT_TEST_MARIADB", "mysql://root@127.0.0.1:3306/"))
MARIADB = {"host": _MARIADB.hostname, "port": _MARIADB.port or 3306, "user": _MARIADB.username}
"""MariaDB, or a MySQL where the variable leads to one."""


def absent(why: str) -> None:
    """Skip, or fail where the services are promised."""
    if os.environ.get("DOCENT_REQUIRE_SERVICES") == "1":
        pytest.fail(why)
    pytest.skip(why)


class Rig:
    """One fresh database of one engine. `quote` makes an identifier, `schema` is where plain tables go."""

    type: str
    schema: str
    database: str | None
    quote_mark = '"'
    longest = 300
    folds_case = False
    roles = False  # whether the engine has roles to grant to
    slow = ""  # a statement that takes very long without producing a row
    endless = ""  # a statement that produces rows for very long

    def execute(self, *statements: str) -> None:
        raise NotImplementedError

    def settings(self) -> tuple[dict[str, str], dict[str, str]]:
        """(settings, secrets) with an administrator's credential, through the wire where there is one."""
        raise NotImplementedError

    def connector(self, **extra: str) -> Connector:
        settings, secrets = self.settings()
        return connect(self.type, {**settings, **extra}, secrets)

    def quote(self, name: str) -> str:
        return self.quote_mark + name.replace(self.quote_mark, self.quote_mark * 2) + self.quote_mark

    def statements(self) -> list[str]:
        """What the connector sent so far."""
        raise NotImplementedError

    def shop(self) -> None:
        """Two tables with keys, an index, comments, a default and a view; rows with canaries in them."""
        raise NotImplementedError

    def running(self) -> int:
        """How many statements of the connector the engine is executing now."""
        return 0

    def cut(self) -> None:
        """Drop the connector's connections."""

    def open_connections(self) -> int:
        return 0

    def received(self) -> bytes:
        """What came over the wire from the server so far."""
        return b""

    def role(self, script: str, **names: str) -> tuple[dict[str, str], dict[str, str]]:
        """Run a grant script with its placeholders filled; the credential of the role it made."""
        raise NotImplementedError


_SHOP = (
    "INSERT INTO {s}customers (id, email) VALUES (1, '{canary}'), (2, '{canary}-b')",
    "INSERT INTO {s}orders (id, customer_id, note) VALUES (1, 1, '{canary}'), (2, 2, '{canary}')",
)


class PostgresRig(Rig):
    type = "postgres"
    schema = "public"
    longest = 63
    roles = True
    slow = "SELECT count(*) FROM generate_series(1, 1000000000000) g"
    endless = "SELECT generate_series(1, 1000000000) AS g"

    def __init__(self, options: str = "") -> None:
        self.options = options
        self.database = f"docent_rig_{uuid.uuid4().hex[:10]}"
        self._roles: list[str] = []
        self._wire = Wire(5432, "postgres")

    @contextlib.contextmanager
    def made(self) -> Iterator[PostgresRig]:
        try:
            self._server = psycopg.connect(**POSTGRES, dbname="postgres", autocommit=True)  # type: ignore[arg-type]
        except psycopg.OperationalError:
            absent("no PostgreSQL at 127.0.0.1:5432")
        self._server.execute(f"CREATE DATABASE {self.database} {self.options}")
        try:
            with self._wire:
                yield self
        finally:
            self._server.execute(f"DROP DATABASE {self.database} WITH (FORCE)")
            for role in self._roles:
                self._server.execute(f"DROP ROLE IF EXISTS {role}")
            self._server.close()

    def execute(self, *statements: str) -> None:
        with psycopg.connect(**POSTGRES, dbname=self.database, autocommit=True) as connection:  # type: ignore[arg-type]
            for statement in statements:
                connection.execute(statement)

    def settings(self) -> tuple[dict[str, str], dict[str, str]]:
        url = f"postgresql+psycopg://postgres@127.0.0.1:{self._wire.port}/{self.database}?sslmode=disable"
        return {"url": url}, {}

    def shop(self) -> None:
        self.execute(
            "CREATE TABLE customers (id int PRIMARY KEY, email text NOT NULL UNIQUE)",
            "CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customers (id),"
            " note text DEFAULT 'none')",
            "CREATE INDEX by_note ON orders (note, customer_id)",
            "CREATE VIEW open_orders AS SELECT id, note FROM orders WHERE note = 'open'",
            "COMMENT ON TABLE orders IS 'What was bought'",
            "COMMENT ON COLUMN orders.note IS 'Free text'",
            *(text.format(s="", canary=CANARY) for text in _SHOP),
            "ANALYZE",
        )

    def statements(self) -> list[str]:
        return self._wire.statements()

    def running(self) -> int:
        rows = self._server.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND state = 'active'", [self.database]
        ).fetchone()
        assert rows is not None
        return int(rows[0])

    def terminate(self) -> None:
        self._server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND application_name = 'docent'",
            [self.database],
        )

    def cut(self) -> None:
        self._wire.cut()

    def open_connections(self) -> int:
        return self._wire.open_connections()

    def received(self) -> bytes:
        return bytes(self._wire.received)

    def role(self, script: str, **names: str) -> tuple[dict[str, str], dict[str, str]]:
        role = f"rig_{uuid.uuid4().hex[:10]}"
        self._roles.append(role)
        script = "\n".join(line for line in script.splitlines() if not line.startswith("--"))
        filled = _filled(script, role=role, password="only-for-this-test", database=self.database, **names)
        self.execute(filled)
        url = f"postgresql://{role}@127.0.0.1:{self._wire.port}/{self.database}?sslmode=disable"
        return {"url": url}, {"password": "only-for-this-test"}


class RedshiftRig(PostgresRig):
    """PostgreSQL in Redshift's place: the transaction, the time-out and the ways to end a statement are real here."""

    type = "redshift"


class MariaDBRig(Rig):
    type = "mysql"
    quote_mark = "`"
    longest = 64
    roles = True
    database = None
    slow = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
        " SELECT count(*) FROM n a, n b, n c, n d"
    )
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900)"
        " SELECT a.i, b.i, c.i FROM n a, n b, n c"
    )

    def __init__(self) -> None:
        self.schema = f"docent_rig_{uuid.uuid4().hex[:10]}"
        self._roles: list[str] = []
        self._wire = Wire(_MARIADB.port or 3306, "mysql")

    @contextlib.contextmanager
    def made(self) -> Iterator[MariaDBRig]:
        try:
            self._server = pymysql.connect(**MARIADB, autocommit=True)  # type: ignore[arg-type]
        except pymysql.err.OperationalError:
            absent("no MariaDB at 127.0.0.1:3306")
        self._run(f"CREATE DATABASE {self.schema} CHARACTER SET utf8mb4")
        try:
            with self._wire:
                yield self
        finally:
            self._run(f"DROP DATABASE {self.schema}")
            for role in self._roles:
                self._run(f"DROP USER IF EXISTS '{role}'@'%'")
            self._server.close()

    def _run(self, statement: str) -> list[tuple[Any, ...]]:
        with self._server.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def execute(self, *statements: str) -> None:
        connection = pymysql.connect(**MARIADB, database=self.schema, charset="utf8mb4", autocommit=True)  # type: ignore[arg-type]
        with contextlib.closing(connection), connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def settings(self) -> tuple[dict[str, str], dict[str, str]]:
        return {"url": f"mysql+pymysql://root@127.0.0.1:{self._wire.port}/{self.schema}?sslmode=disable"}, {}

    def shop(self) -> None:
        self.execute(
            "CREATE TABLE customers (id int PRIMARY KEY, email varchar(90) NOT NULL UNIQUE)",
            "CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL,"
            " note varchar(90) DEFAULT 'none' COMMENT 'Free text', KEY by_note (note, customer_id),"
            " FOREIGN KEY (customer_id) REFERENCES customers (id)) COMMENT 'What was bought'",
            "CREATE VIEW open_orders AS SELECT id, note FROM orders WHERE note = 'open'",
            *(text.format(s="", canary=CANARY) for text in _SHOP),
            "ANALYZE TABLE customers, orders",
        )

    def statements(self) -> list[str]:
        return self._wire.statements()

    def running(self) -> int:
        rows = self._run(
            "SELECT count(*) FROM information_schema.processlist"
            f" WHERE command = 'Query' AND (db = '{self.schema}') AND id <> connection_id()"
        )
        return int(rows[0][0])

    def cut(self) -> None:
        self._wire.cut()

    def open_connections(self) -> int:
        return self._wire.open_connections()

    def received(self) -> bytes:
        return bytes(self._wire.received)

    def role(self, script: str, **names: str) -> tuple[dict[str, str], dict[str, str]]:
        role = f"rig_{uuid.uuid4().hex[:10]}"
        self._roles.append(role)
        filled = _filled(script, role=role, password="only-for-this-test", database=self.schema, **names)
        connection = pymysql.connect(
            **MARIADB,  # type: ignore[arg-type]
            autocommit=True,
            client_flag=CLIENT.MULTI_STATEMENTS,
        )
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute(filled)
            while cursor.nextset():
                pass
        url = f"mysql://{role}@127.0.0.1:{self._wire.port}/{self.schema}?sslmode=disable"
        return {"url": url}, {"password": "only-for-this-test"}


class FileRig(Rig):
    """What SQLite and DuckDB have in common."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = folder / f"rig.{self.type}"
        self._sent: list[str] = []
        self._record(monkeypatch)

    def _record(self, monkeypatch: pytest.MonkeyPatch) -> None:
        raise NotImplementedError

    @contextlib.contextmanager
    def made(self) -> Iterator[FileRig]:
        self.execute()
        yield self

    def settings(self) -> tuple[dict[str, str], dict[str, str]]:
        return {"url": f"{self.type}:///{self.path}"}, {}

    def statements(self) -> list[str]:
        return self._sent


class SQLiteRig(FileRig):
    type = "sqlite"
    schema = "main"
    database = None
    folds_case = True
    slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"

    def _record(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = connectors.sqlite.open_read_only

        def traced(path: Path) -> sqlite3.Connection:
            connection = real(path)
            connection.set_trace_callback(self._sent.append)
            return connection

        for room in (connectors.sqlite, connectors.sqlite_run):
            monkeypatch.setattr(room, "open_read_only", traced)

    def statements(self) -> list[str]:
        """Without what SQLite itself runs inside a schema function: a PRAGMA for each row, and a look at a view."""
        inside = re.compile(r'-- |PRAGMA (?!query_only|trusted_schema)|SELECT\*FROM"')
        return [statement for statement in self._sent if not inside.match(statement)]

    def execute(self, *statements: str) -> None:
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    def shop(self) -> None:
        self.execute(
            "CREATE TABLE customers (id integer PRIMARY KEY, email text NOT NULL UNIQUE)",
            "CREATE TABLE orders (id integer PRIMARY KEY, customer_id int NOT NULL REFERENCES customers (id),"
            " note text DEFAULT 'none')",
            "CREATE INDEX by_note ON orders (note, customer_id)",
            "CREATE VIEW open_orders AS SELECT id, note FROM orders WHERE note = 'open'",
            *(text.format(s="", canary=CANARY) for text in _SHOP),
            "ANALYZE",
        )


class _TracedDuckDB:
    """A DuckDB connection that keeps the statements it is given."""

    def __init__(self, real: Any, sent: list[str]) -> None:
        self._real = real
        self._sent = sent

    def execute(self, statement: str, *arguments: Any) -> Any:
        self._sent.append(statement)
        return self._real.execute(statement, *arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class DuckDBRig(FileRig):
    type = "duckdb"
    schema = "main"
    database = "rig"
    folds_case = True
    slow = "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range * b.range % 7 = 3"
    endless = "SELECT i FROM range(100000000000) t(i)"

    def _record(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = connectors.duckdb.open_read_only
        for room in (connectors.duckdb, connectors.duckdb_run):
            monkeypatch.setattr(room, "open_read_only", lambda path: _TracedDuckDB(real(path), self._sent))

    def execute(self, *statements: str) -> None:
        with contextlib.closing(duckdb.connect(str(self.path))) as connection:
            for statement in statements:
                connection.execute(statement)

    def shop(self) -> None:
        self.execute(
            "CREATE TABLE customers (id int PRIMARY KEY, email text NOT NULL UNIQUE)",
            "CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customers (id),"
            " note text DEFAULT 'none')",
            "CREATE INDEX by_note ON orders (note, customer_id)",
            "CREATE VIEW open_orders AS SELECT id, note FROM orders WHERE note = 'open'",
            "COMMENT ON TABLE orders IS 'What was bought'",
            "COMMENT ON COLUMN orders.note IS 'Free text'",
            *(text.format(s="", canary=CANARY) for text in _SHOP),
        )


RIGS: dict[str, Callable[[Path, pytest.MonkeyPatch], Any]] = {
    "postgres": lambda folder, monkeypatch: PostgresRig(),
    "mysql": lambda folder, monkeypatch: MariaDBRig(),
    "sqlite": SQLiteRig,
    "duckdb": DuckDBRig,
}
RUNS: dict[str, Callable[[Path, pytest.MonkeyPatch], Any]] = {
    **RIGS,
    "redshift": lambda folder, monkeypatch: RedshiftRig(),
}
"""What runs SQL: the engines of RIGS, and PostgreSQL in the place of what speaks its protocol."""


def grant_script(type: str) -> str:
    return connector_class(type).grant_script


def query_grant_script(type: str) -> str:
    return connector_class(type).query_grant_script


def _filled(script: str, **names: str) -> str:
    for name, value in names.items():
        script = script.replace(f"<{name}>", value)
    left = re.search(r"<\w+>", script)
    assert left is None, f"the script has a placeholder that the test does not know: {left}"
    return script
