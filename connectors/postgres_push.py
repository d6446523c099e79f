"""Descriptions for PostgreSQL and Redshift: `COMMENT ON`, with psycopg's own quoting of names and texts.

Neither engine has tags. `COMMENT ON` wants the owner of a relation, which is why this credential is one of its own: it
can be a member of the owning roles and still has nothing to do with the one that syncs.

Source: https://www.postgresql.org/docs/current/sql-comment.html, https://docs.aws.amazon.com/redshift/latest/dg/r_COMMENT.html
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar

import psycopg
from psycopg import errors as pg
from psycopg import sql
from psycopg.rows import TupleRow

from connectors.errors import BadSettings, PermissionMissing, SourceError, SourceInterrupted
from connectors.postgres_errors import during_connect
from connectors.postgres_sign_in import sign_in
from connectors.push import Found, Session, Target, databases_of, schemas_of, tables_of
from connectors.servers import Server, ServerSettings, server_of

SETUP = "SET lock_timeout = '5s'; SET statement_timeout = '30s'"
# Comments by relation and number of the column, 0 for the relation itself; a dropped column has no name to ask for.
COMMENTS = """
SELECT n.nspname, c.relname, a.attname, c.relkind, d.description
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN (SELECT attrelid, attnum, attname FROM pg_catalog.pg_attribute WHERE attnum > 0 AND NOT attisdropped
           UNION ALL SELECT oid, 0, NULL FROM pg_catalog.pg_class) a ON a.attrelid = c.oid
LEFT JOIN pg_catalog.pg_description d ON d.objoid = c.oid AND d.objsubid = a.attnum
     AND d.classoid = 'pg_catalog.pg_class'::regclass
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname IN ({schemas}) AND c.relname IN ({tables})
"""
OF_SCHEMAS = """
SELECT n.nspname, d.description FROM pg_catalog.pg_namespace n
LEFT JOIN pg_catalog.pg_description d ON d.objoid = n.oid AND d.objsubid = 0
     AND d.classoid = 'pg_catalog.pg_namespace'::regclass
WHERE n.nspname IN ({schemas})
"""
# A comment on a database is a shared one; of others than its own a connection may write none.
OF_DATABASE = """
SELECT d.datname, s.description FROM pg_catalog.pg_database d
LEFT JOIN pg_catalog.pg_shdescription s ON s.objoid = d.oid AND s.classoid = 'pg_catalog.pg_database'::regclass
WHERE d.datname = pg_catalog.current_database() AND d.datname IN ({databases})
"""
# Redshift has no shared comments: "to view comments, query the PG_DESCRIPTION system catalog", says AWS of all of them,
# and so it was in the PostgreSQL that it comes from.
OF_REDSHIFT_DATABASE = """
SELECT d.datname, s.description FROM pg_catalog.pg_database d
LEFT JOIN pg_catalog.pg_description s ON s.objoid = d.oid AND s.objsubid = 0
     AND s.classoid = 'pg_catalog.pg_database'::regclass
WHERE d.datname = pg_catalog.current_database() AND d.datname IN ({databases})
"""
_WORDS = {"r": "TABLE", "p": "TABLE", "v": "VIEW", "m": "MATERIALIZED VIEW", "f": "FOREIGN TABLE"}


class PostgresPush:
    """Writes comments to one PostgreSQL database."""

    tags: ClassVar[bool] = False
    schemas: ClassVar[bool] = True
    databases: ClassVar[bool] = True
    engine: ClassVar[str] = "PostgreSQL"
    schemes: ClassVar[tuple[str, ...]] = ("postgresql", "postgres")
    port: ClassVar[int] = 5432
    grant_script: ClassVar[str] = """\
-- COMMENT ON wants the owner (of the table, schema or database), and PostgreSQL has no narrower right: a role of its
-- own that is a member of the owning role. Such a role may read rows too; Docent sends COMMENT ON and reads pg_catalog
-- with it, nothing else.
CREATE ROLE <push_role> LOGIN PASSWORD '<password>' NOSUPERUSER NOCREATEDB NOCREATEROLE CONNECTION LIMIT 2;
GRANT CONNECT ON DATABASE <database> TO <push_role>;
GRANT <owning_role> TO <push_role>;
"""

    def __init__(self, settings: ServerSettings) -> None:
        self._server: Server = dataclasses.replace(
            server_of(settings, self.schemes, self.port), engine=self.engine
        )

    @contextmanager
    def open(self) -> Iterator[Session]:
        """A connection for reading comments and writing them. Raises SourceError."""
        with during_connect(self._server):
            connection = self._connect()
        try:
            yield self._session(connection)
        finally:
            connection.close()

    def _session(self, connection: psycopg.Connection[TupleRow]) -> Session:
        with _during_write(self._server):
            connection.execute(SETUP)
        return PostgresSession(connection, self._server)

    def _connect(self) -> psycopg.Connection[TupleRow]:
        given = sign_in(self._server, name="docent push")
        return psycopg.connect(client_encoding="UNICODE", cursor_factory=psycopg.ClientCursor, **given)


class RedshiftPush(PostgresPush):
    """Writes comments to one Redshift database. AWS lists database, table, view, column; a schema is PostgreSQL's."""

    engine: ClassVar[str] = "Redshift"
    schemes: ClassVar[tuple[str, ...]] = ("redshift", "postgresql", "postgres")
    port: ClassVar[int] = 5439
    grant_script: ClassVar[str] = """\
-- COMMENT ON wants the owner of the table or a superuser; Redshift has no membership in an owner. Make the user the
-- owner of the tables whose descriptions are kept in Docent, or leave push off:
CREATE USER <push_role> PASSWORD '<password>' NOCREATEDB NOCREATEUSER CONNECTION LIMIT 2;
-- ALTER TABLE <schema>.<table> OWNER TO <push_role>;
-- For the description of the database itself: ALTER DATABASE <database> OWNER TO <push_role>;
"""

    def _session(self, connection: psycopg.Connection[TupleRow]) -> Session:
        return RedshiftSession(connection, self._server)


class PostgresSession:
    """One connection; see `connectors.push.Session`."""

    of_database: ClassVar[str] = OF_DATABASE

    def __init__(self, connection: psycopg.Connection[TupleRow], server: Server) -> None:
        self._connection = connection
        self._server = server

    def read(self, targets: Sequence[Target], *, tags: bool = False) -> dict[Target, Found]:
        """Comments of relations and columns, and kinds of relations, in one statement; one more for what is above."""
        found: dict[Target, Found] = {}
        if not targets:
            return found
        database, wanted = targets[0].database, set(targets)
        for name, text in self._rows(self.of_database, databases=databases_of(targets)):
            found[Target(name, "")] = Found(text)
        for schema, text in self._rows(OF_SCHEMAS, schemas=schemas_of(targets)):
            found[Target(database, schema)] = Found(text)
        named = {"schemas": sorted({each.schema for each in targets}), "tables": tables_of(targets)}
        for schema, table, column, kind, text in self._rows(COMMENTS, **named):
            target = Target(database, schema, table, column)
            if target in wanted:
                found[target] = Found(text, facts={"kind": kind})
        return found

    def _rows(self, statement: str, **names: list[str]) -> list[TupleRow]:
        """The rows of a statement about these names; none where there is nothing to ask about."""
        if not all(names.values()):
            return []
        parts = {key: sql.SQL(", ").join(map(sql.Literal, each)) for key, each in names.items()}
        with _during_write(self._server):
            return self._connection.execute(sql.SQL(statement).format(**parts)).fetchall()

    def describe(self, target: Target, found: Found, text: str | None) -> str:
        """COMMENT ON, with NULL to take it away."""
        parts = (target.schema or target.database, target.table, target.column)
        name = [part for part in parts if part is not None]
        word = "COLUMN" if target.table is not None else "SCHEMA" if target.schema else "DATABASE"
        if target.table is not None and target.column is None:
            word = self._word(found.facts["kind"])
        value: sql.Composable = sql.SQL("NULL") if text is None else self._literal(text)
        made = sql.SQL("COMMENT ON {} {} IS {}").format(sql.SQL(word), sql.Identifier(*name), value)
        return made.as_string(self._connection)

    def _word(self, kind: str) -> str:
        return _WORDS[kind]

    def _literal(self, text: str) -> sql.Composable:
        return sql.Literal(text)

    def tag(self, target: Target, found: Found, add: Iterable[str], remove: Iterable[str]) -> tuple[str, ...]:
        """Neither engine has tags."""
        raise BadSettings(f"{self._server.engine} has no tags")

    def run(self, statement: str) -> None:
        """Run one COMMENT ON; nothing in it is a placeholder."""
        with _during_write(self._server):
            self._connection.execute(statement.encode())


class RedshiftSession(PostgresSession):
    """As PostgreSQL's, with what Redshift does not know."""

    of_database: ClassVar[str] = OF_REDSHIFT_DATABASE

    def _word(self, kind: str) -> str:
        return "VIEW" if kind in "vm" else "TABLE"

    def _literal(self, text: str) -> sql.Composable:
        # libpq writes E'...' for a backslash; Redshift comes from a PostgreSQL that has no such literal.
        if "\\" in text:
            raise BadSettings("the text has a backslash, which Redshift may read as an escape")
        return sql.Literal(text)


@contextmanager
def _during_write(server: Server) -> Iterator[None]:
    """Turn what goes wrong into a SourceError; the driver's own text quotes the statement and is not passed on."""
    try:
        yield
    except pg.InsufficientPrivilege:
        raise PermissionMissing(
            f"the role {server.user!r} is not the owner; GRANT what the push grant script names"
        ) from None
    except pg.ReadOnlySqlTransaction:
        raise PermissionMissing(
            f"the role {server.user!r} is read-only, as the one that syncs is; make one with the push grant script"
        ) from None
    except (pg.LockNotAvailable, pg.QueryCanceled):
        raise SourceInterrupted("the table is locked by somebody else (5 s); try again") from None
    except psycopg.Error as error:
        code = error.sqlstate or ""
        if not code or code.startswith(("08", "57P")):
            raise SourceInterrupted(
                f"the connection to {server.engine} at {server.place} dropped; try again"
            ) from None
        raise SourceError(f"{server.engine} at {server.place} refused the statement (code {code})") from None
