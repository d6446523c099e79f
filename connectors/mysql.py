"""MySQL 5.7 and later and MariaDB 10.2 and later: reads `information_schema`, a constant number of statements.

Both engines show in `information_schema` what a user has *any* privilege on, so the least grant with which it
is complete is REFERENCES, which reads nothing. One thing is missing then, on purpose of the engine: the text of
a view needs SELECT on the view. The grant script has a procedure that reads those texts with its owner's rights
(`docent_metadata.view_definitions`); where it does not exist, views come without a definition unless the user
may read them. Never read: CARDINALITY of indexes, column_stats, histograms, QUERY_SAMPLE_TEXT.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, ClassVar

import pymysql
from pymysql.cursors import SSCursor

from connectors.errors import PermissionMissing, SourceInterrupted
from connectors.mysql_digests import as_sql
from connectors.mysql_errors import MySQLConnection, abandon, during_connect, during_read, open_connection
from connectors.mysql_rows import by_table, puts_together, table, title
from connectors.mysql_run import MySQLRuns
from connectors.records import Progress, Query, Record, Schema, Table, Unread
from connectors.selection import Selection
from connectors.servers import Server, ServerSettings, server_of

# ------------------------------------------------------------------ the statements, in the order they are sent

# The columns of a table are put together on the server, in MariaDB no longer than `group_concat_max_len`.
SETUP = "SET SESSION time_zone = '+00:00', SESSION lock_wait_timeout = 15, SESSION group_concat_max_len = 16777216"
VERSION = "SELECT VERSION()"

_OWN = "('information_schema', 'performance_schema', 'mysql', 'sys', 'docent_metadata')"
# A database has a comment in MariaDB since 10.5, which alone reads what stands in /*M!100500 */.
SCHEMAS = f"""
SELECT SCHEMA_NAME, COALESCE(/*M!100500 SCHEMA_COMMENT, */ NULL), VERSION() FROM information_schema.SCHEMATA
WHERE SCHEMA_NAME NOT IN {_OWN} AND {{schemas}} ORDER BY SCHEMA_NAME
"""
_WANTED = f"TABLE_SCHEMA NOT IN {_OWN} AND {{tables}}"
# A sequence of MariaDB is listed as a table; it is none.
NAMES = f"""
SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES
WHERE {_WANTED} AND TABLE_TYPE NOT IN ('SEQUENCE', 'TEMPORARY', 'SYSTEM VIEW')
"""
TABLES = f"""
SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, ENGINE, TABLE_COMMENT, TABLE_ROWS, DATA_LENGTH + INDEX_LENGTH,
       CREATE_TIME
FROM information_schema.TABLES
WHERE {_WANTED} AND TABLE_TYPE NOT IN ('SEQUENCE', 'TEMPORARY', 'SYSTEM VIEW')
"""
VIEWS = f"SELECT TABLE_SCHEMA, TABLE_NAME, VIEW_DEFINITION FROM information_schema.VIEWS WHERE {_WANTED}"
VIEWS_BY_PROCEDURE = "CALL docent_metadata.view_definitions()"
KEYS = f"""
SELECT TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_TABLE_SCHEMA, REFERENCED_TABLE_NAME,
       REFERENCED_COLUMN_NAME, ORDINAL_POSITION
FROM information_schema.KEY_COLUMN_USAGE WHERE {_WANTED}
"""
INDEXES = f"""
SELECT TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, NON_UNIQUE, INDEX_TYPE, COLUMN_NAME, SEQ_IN_INDEX
FROM information_schema.STATISTICS WHERE {_WANTED}
"""
# Grouped and ordered by bytes, as Python tells names apart and sorts them: to the collation of these columns `Sale`,
# `sale` and `salé` are one.
_BY_TABLE = "CAST(TABLE_SCHEMA AS BINARY), CAST(TABLE_NAME AS BINARY)"
# PARTITION_DESCRIPTION holds the bounds, which are values: not asked for.
PARTITIONS = f"""
SELECT MAX(TABLE_SCHEMA), MAX(TABLE_NAME), COUNT(*), MAX(PARTITION_METHOD), MAX(PARTITION_EXPRESSION)
FROM information_schema.PARTITIONS WHERE PARTITION_NAME IS NOT NULL AND {_WANTED} GROUP BY {_BY_TABLE}
"""
ANALYZED = "SELECT database_name, table_name, last_update FROM mysql.innodb_table_stats"
_COLUMN = """COLUMN_NAME, ORDINAL_POSITION, COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT, EXTRA, COLUMN_COMMENT,
       GENERATION_EXPRESSION"""
# Last, because it is the long one: streamed.
COLUMNS = f"""
SELECT TABLE_SCHEMA, TABLE_NAME, {_COLUMN}
FROM information_schema.COLUMNS WHERE {_WANTED} ORDER BY {_BY_TABLE}, ORDINAL_POSITION
"""
# The same as one row a table: PyMySQL takes a field apart in Python, and a table of 20 columns has 200 of them. The
# columns are counted, since the server closes the brackets of what it cuts short, which may be between two columns.
COLUMNS_TOGETHER = f"""
SELECT MAX(TABLE_SCHEMA), MAX(TABLE_NAME), COUNT(*), JSON_ARRAYAGG(JSON_ARRAY({_COLUMN}))
FROM information_schema.COLUMNS WHERE {_WANTED} GROUP BY {_BY_TABLE} ORDER BY {_BY_TABLE}
"""

# The digest has ? for every literal. QUERY_SAMPLE_TEXT has the literals: not asked for. Sessions without a default
# database, as many tools open them, have none here either and name it in the statement.
# What writes a table from others runs once a night and would be lost behind what runs a million times: it has a list
# of its own (no window function: MySQL 5.7 has none).
_DIGESTS = f"""
SELECT DIGEST_TEXT, COUNT_STAR, UNIX_TIMESTAMP(LAST_SEEN), SCHEMA_NAME
FROM performance_schema.events_statements_summary_by_digest
WHERE (SCHEMA_NAME IS NULL OR SCHEMA_NAME NOT IN {_OWN})
  AND LOCATE('information_schema', DIGEST_TEXT) = 0 AND LOCATE('performance_schema', DIGEST_TEXT) = 0
  AND DIGEST_TEXT REGEXP
"""
_FROM_OTHERS = "^(INSERT|REPLACE|CREATE( OR REPLACE)? TABLE) .* SELECT "
DIGESTS = f"""
({_DIGESTS} '^[( ]*(SELECT|WITH|INSERT|UPDATE|DELETE|REPLACE) ' AND DIGEST_TEXT NOT REGEXP '{_FROM_OTHERS}'
ORDER BY COUNT_STAR DESC LIMIT 5000)
UNION ALL
({_DIGESTS} '{_FROM_OTHERS}' ORDER BY COUNT_STAR DESC LIMIT 5000)
ORDER BY COUNT_STAR DESC
"""

GRANT_SCRIPT = """\
-- Reads metadata, and no row of any table: REFERENCES makes a table visible and reads nothing.
CREATE USER '<role>'@'%' IDENTIFIED BY '<password>';
GRANT REFERENCES ON <database>.* TO '<role>'@'%';
-- The texts of views, read with the rights of whoever runs this script (needs SELECT and SHOW VIEW on the views).
CREATE DATABASE IF NOT EXISTS docent_metadata;
DROP PROCEDURE IF EXISTS docent_metadata.view_definitions;
CREATE PROCEDURE docent_metadata.view_definitions() READS SQL DATA SQL SECURITY DEFINER
  SELECT TABLE_SCHEMA, TABLE_NAME, VIEW_DEFINITION FROM information_schema.VIEWS
  WHERE TABLE_SCHEMA NOT IN ('information_schema', 'performance_schema', 'mysql', 'sys');
GRANT EXECUTE ON PROCEDURE docent_metadata.view_definitions TO '<role>'@'%';
-- Optional: when tables were last analysed (InnoDB's own table of statistics: counts and times, no values).
GRANT SELECT ON mysql.innodb_table_stats TO '<role>'@'%';
-- Optional, for popularity and frequent queries (literals are already replaced by ?).
-- GRANT SELECT ON performance_schema.events_statements_summary_by_digest TO '<role>'@'%';
-- They do not tell accounts: leave each service's out here, and again after a restart (or in an init file).
-- INSERT INTO performance_schema.setup_actors (HOST, USER, ROLE, ENABLED, HISTORY)
--   VALUES ('%', 'etl', '%', 'NO', 'NO');
"""

QUERY_GRANT_SCRIPT = """\
-- Runs the SELECTs that people send. Grant exactly the tables that may be queried, nothing else.
CREATE USER '<role>'@'%' IDENTIFIED BY '<password>' WITH MAX_USER_CONNECTIONS 10;
GRANT SELECT ON <schema>.<table> TO '<role>'@'%';
"""

# ------------------------------------------------------------------------------------------------- the connector

_Rows = list[tuple[Any, ...]]
_Columns = tuple[tuple[str, str], _Rows | None]
"""A table's schema and name with its columns, None where they could not be told."""


class MySQL(MySQLRuns):
    """Metadata of the databases of one MySQL or MariaDB server; runs guarded SQL when made from a query credential."""

    name: ClassVar[str] = "mysql"
    title: ClassVar[str] = "MySQL and MariaDB"
    dialect: ClassVar[str | None] = "mysql"
    extracts: ClassVar[tuple[str, ...]] = ("schema", "table", "view", "column", "query")
    extra: ClassVar[str | None] = None
    verified: ClassVar[str] = "real"
    settings: ClassVar[type[ServerSettings]] = ServerSettings
    grant_script: ClassVar[str] = GRANT_SCRIPT
    query_grant_script: ClassVar[str] = QUERY_GRANT_SCRIPT

    def __init__(self, settings: ServerSettings) -> None:
        self._server: Server = server_of(settings, ("mysql", "mariadb"), 3306)
        include = settings.schemas or ((self._server.database,) if self._server.database else ())
        self._restricted = bool(settings.schemas or settings.exclude)
        self._selection = Selection.of(include, settings.exclude)

    def check(self) -> str:
        """One sentence with the version and how many databases would be read."""
        with self._reading() as connection:
            version = _fetch(connection, VERSION)[0][0]
            schemas = self._schemas(connection)
            names = ", ".join(name for name, *_ in schemas[:3]) + (", ..." if len(schemas) > 3 else "")
            return f"{title(version)}, {len(schemas)} databases visible{': ' + names if names else ''}"

    def extract(self) -> Iterator[Record]:
        """The databases (schemas, here), then every table; closing the iterator closes the connection."""
        with self._reading() as connection:
            mariadb, together = False, False
            for name, comment, version in self._schemas(connection):
                mariadb, together = "mariadb" in version.lower(), puts_together(version)
                yield Schema(None, name, comment or None)
            tables = sorted(self._select(connection, TABLES), key=itemgetter(0, 1))
            yield Progress("tables", 0, len(tables))
            definitions = self._definitions(connection)
            keys = by_table(self._select(connection, KEYS))
            indexes = by_table(self._select(connection, INDEXES))
            partitions = {(row[0], row[1]): row[2:] for row in self._select(connection, PARTITIONS)}
            analyzed = self._analyzed(connection)

            def made(row: tuple[Any, ...], columns: _Rows) -> Table:
                name = (row[0], row[1])
                return table(
                    row,
                    columns,
                    keys.get(name, []),
                    indexes.get(name, []),
                    partitions.get(name),
                    definitions.get(name),
                    analyzed.get(name),
                    mariadb,
                )

            done, too_long = 0, _Rows()
            read = self._columns_together if together else self._columns
            for row, columns in _with_columns(tables, read(connection)):
                if columns is None:
                    too_long.append(row)
                    continue
                yield made(row, columns)
                done += 1
                if done % 500 == 0 and done < len(tables):
                    yield Progress("tables", done, len(tables))
            if too_long:
                for row, columns in _with_columns(too_long, self._columns(connection)):
                    yield made(row, columns or [])
            yield Progress("tables", len(tables), len(tables))
            # information_schema has no snapshot: say so rather than commit half of a change.
            if {tuple(row) for row in self._select(connection, NAMES)} != {
                (row[0], row[1]) for row in tables
            }:
                raise SourceInterrupted("tables came or went while the catalog was read; try again")

    def queries(self) -> Iterator[Query | Unread]:
        """Statement digests of performance_schema, most frequent first; none where it is off, `Unread` where it is not
        granted.
        """
        with self._reading(setup=False) as connection:
            try:
                rows = _fetch(connection, DIGESTS)
            except pymysql.err.OperationalError as error:
                if error.args[0] in (1142, 1044, 1227):
                    yield Unread("the statement digests of performance_schema")
                    return
                raise
            for text, runs, last, schema in rows:
                yield Query(sql=as_sql(text), runs=runs, last_run=_at(last), default_schema=schema)

    @contextmanager
    def _reading(self, *, setup: bool = True) -> Iterator[MySQLConnection]:
        with during_connect(self._server):
            connection = open_connection(self._server)
        try:
            with during_read(self._server):
                if setup:
                    connection.cursor().execute(SETUP)
                yield connection
        finally:
            abandon(connection)

    def _schemas(self, connection: MySQLConnection) -> _Rows:
        condition, patterns = self._selection.schema_condition("SCHEMA_NAME", mark="%s", collate=_EXACT)
        statement = SCHEMAS.format(schemas=condition)
        found = _fetch(connection, statement, patterns)
        named = self._server.database
        if named and not found and not self._restricted:
            raise PermissionMissing(
                f"there is no database {named!r}, or {self._server.user!r} has no right in it"
            )
        return found

    def _filled(self, text: str) -> tuple[str, list[str]]:
        condition, patterns = self._selection.table_condition(
            "TABLE_SCHEMA", "CONCAT(TABLE_SCHEMA, '.', TABLE_NAME)", mark="%s", collate=_EXACT
        )
        return text.format(tables=condition), patterns

    def _columns(self, connection: MySQLConnection) -> Iterator[_Columns]:
        """The columns of each table that has any, as the server sends them."""
        statement, patterns = self._filled(COLUMNS)
        with connection.cursor(SSCursor) as cursor:
            cursor.execute(statement, patterns)
            for name, rows in groupby(cursor, key=itemgetter(0, 1)):
                yield name, [row[2:] for row in rows]

    def _columns_together(self, connection: MySQLConnection) -> Iterator[_Columns]:
        """The same from a server that puts those of a table together, None where that became too long for it."""
        statement, patterns = self._filled(COLUMNS_TOGETHER)
        with connection.cursor(SSCursor) as cursor:
            cursor.execute(statement, patterns)
            for schema, name, count, columns in cursor:
                try:
                    found = json.loads(columns or "")
                except ValueError:
                    found = []
                whole = len(found) == count
                yield (schema, name), sorted(found, key=itemgetter(1)) if whole else None

    def _select(self, connection: MySQLConnection, text: str) -> _Rows:
        statement, patterns = self._filled(text)
        return _fetch(connection, statement, patterns)

    def _definitions(self, connection: MySQLConnection) -> dict[tuple[str, str], str]:
        """The texts of views: those that the user itself may see, the rest by the grant script's procedure."""
        rows = self._select(connection, VIEWS)
        if not all(row[2] for row in rows):
            try:
                rows += _fetch(connection, VIEWS_BY_PROCEDURE)
            except pymysql.err.Error as error:
                if error.args[0] not in (1044, 1049, 1305, 1370):
                    raise
        return {(row[0], row[1]): row[2] for row in rows if row[2]}

    def _analyzed(self, connection: MySQLConnection) -> dict[tuple[str, str], datetime]:
        try:
            rows = _fetch(connection, ANALYZED)
        except pymysql.err.OperationalError as error:
            if error.args[0] in (1142, 1143, 1044):
                return {}
            raise
        found: dict[tuple[str, str], datetime] = {}
        for schema, name, at in sorted(rows, key=itemgetter(2)):
            found[schema, name.partition("#P#")[0]] = at.replace(tzinfo=UTC)
        return found


_EXACT = " COLLATE utf8mb4_bin"


def _with_columns(
    tables: _Rows, columns: Iterator[_Columns]
) -> Iterator[tuple[tuple[Any, ...], _Rows | None]]:
    """Each table with its columns, both in the order of names; what came or went in between is passed over."""
    ahead = next(columns, None)
    for row in tables:
        name = (row[0], row[1])
        while ahead is not None and ahead[0] < name:
            ahead = next(columns, None)
        if ahead is not None and ahead[0] == name:
            yield row, ahead[1]
        else:
            yield row, []
    # A result that is not read to its end stands in the way of the next statement.
    for _rest in columns:
        pass


def _at(seconds: Any) -> datetime | None:
    """A time from seconds since 1970, which no session's time zone changes; MySQL's zero date is none."""
    return datetime.fromtimestamp(float(seconds), UTC) if seconds else None


def _fetch(connection: MySQLConnection, statement: str, arguments: list[str] | None = None) -> _Rows:
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments or None)
        return list(cursor.fetchall())
