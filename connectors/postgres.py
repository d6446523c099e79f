"""PostgreSQL 12 and later, and what speaks its catalog: reads `pg_catalog` only, in a constant number of
statements, in one REPEATABLE READ READ ONLY snapshot.

`information_schema` hides what a role has no privilege on, so it is not used: the role needs CONNECT and
nothing else. Never read: `pg_stats`, `pg_statistic` and anything else that holds values of rows.

The server folds columns, keys and indexes into arrays, one row a table, and the rows are streamed as they
come: few round trips, little to parse, and memory for one chunk of tables at a time.
"""

from __future__ import annotations

import json
import marshal
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import repeat
from typing import Any, ClassVar, cast

import psycopg
from psycopg import sql as compose
from psycopg.rows import TupleRow

from connectors.abilities import IsSame
from connectors.errors import SourceError, SourceInterrupted
from connectors.postgres_ascii import as_stored, mended_rows, tells_no_encoding
from connectors.postgres_errors import during_connect, during_read
from connectors.postgres_run import PostgresRuns
from connectors.postgres_sql import (
    AGAIN,
    BEGIN,
    DATABASE,
    GRANT_SCRIPT,
    HAS_STATEMENTS,
    PARTS,
    QUERY_GRANT_SCRIPT,
    SCHEMAS,
    STATEMENTS,
    TABLES,
)
from connectors.records import (
    Column,
    Database,
    Index,
    Key,
    Progress,
    Query,
    Record,
    Same,
    Schema,
    Table,
    TableKind,
    Unread,
)
from connectors.selection import Selection
from connectors.servers import Server, ServerSettings, server_of

_KINDS: dict[str, TableKind] = {
    "r": "table",
    "p": "partitioned_table",
    "v": "view",
    "m": "materialized_view",
    "f": "foreign_table",
}
_KEYS = {"p": "primary", "u": "unique", "f": "foreign"}
_CHUNK = 200  # tables in memory at a time
_SCHEMES = ("postgresql", "postgres")
_FORM = b"3"
"""Counted up when `_table`, or lineage from a definition, makes something else of the same row: then every table counts
as changed once.
"""
_TYPED = re.compile(
    r"\b(date|(?:timestamp|time)(?:tz|(?:\s*\(\d\))?\s+with(?:out)?\s+time\s+zone)?|inet|uuid|jsonb?|box|point)"
    r"\s+(\$\d+)",
    re.IGNORECASE,
)
"""What pg_stat_statements makes of DATE '2024-05-01': no SQL, and no parser reads the joins and columns around it."""
_NO_MARSHAL_REFS = 2  # the version of marshal that writes equal values as equal bytes


class Postgres(PostgresRuns):
    """Metadata of one PostgreSQL database; runs guarded SQL when made from a query credential."""

    name: ClassVar[str] = "postgres"
    title: ClassVar[str] = "PostgreSQL"
    dialect: ClassVar[str | None] = "postgres"
    extracts: ClassVar[tuple[str, ...]] = ("database", "schema", "table", "view", "column", "query")
    extra: ClassVar[str | None] = None
    verified: ClassVar[str] = "real"
    settings: ClassVar[type[ServerSettings]] = ServerSettings
    grant_script: ClassVar[str] = GRANT_SCRIPT
    query_grant_script: ClassVar[str] = QUERY_GRANT_SCRIPT

    def __init__(self, settings: ServerSettings) -> None:
        self._server: Server = server_of(settings, _SCHEMES, 5432)
        self._patterns = (settings.schemas, settings.exclude)
        self._selection = Selection.of(*self._patterns)

    def check(self) -> str:
        """One sentence with the version, the database and how many schemas would be read."""
        with self._reading() as connection:
            database, _, _, version, *_set = _one(connection, DATABASE)
            statement, patterns = self._with_schemas(SCHEMAS)
            schemas = connection.execute(statement, patterns).fetchall()
            number = f"{version // 10000}.{version % 10000}"
            return f"PostgreSQL {number}, database {database}, {len(schemas)} schemas visible"

    def extract(self) -> Iterator[Record]:
        """The database, its schemas, then every table; closing the iterator closes the connection."""
        return self.extract_unless(None)

    def extract_unless(self, is_same: IsSame | None) -> Iterator[Record]:
        """The same, with `Same` for each table that `is_same` knows by the bytes of its row."""
        with self._reading() as connection:
            database, description, owner, version, *_set = _one(connection, DATABASE)
            if version < 120000:
                raise SourceError(f"PostgreSQL {version // 10000} is too old; Docent reads 12 and later")
            yield Database(database, description, owner)
            statement, patterns = self._with_schemas(SCHEMAS)
            for name, comment, schema_owner in connection.execute(statement, patterns).fetchall():
                yield Schema(database, name, comment, schema_owner)
            statement, patterns = self._with_tables(PARTS)
            parts = connection.execute(statement, patterns).fetchall()
            total = sum(number for _oids, number in parts)
            yield Progress("tables", 0, total)
            done = 0
            gone: list[TupleRow] = []
            for oids, _number in parts:
                with connection.cursor() as cursor:
                    for found in cursor.stream(TABLES, (oids,), size=_CHUNK):
                        if _was_dropped(found):
                            gone.append(found)
                        else:
                            yield _record(database, found, is_same)
                        done += 1
                        if done % 500 == 0 or done == total:
                            yield Progress("tables", done, total)
            for found in _made_anew(connection, gone):
                yield _record(database, found, is_same)

    def queries(self) -> Iterator[Query | Unread]:
        """Statements of pg_stat_statements, most frequent first; none where the extension is not there.

        `Unread` where the role may not look, or is told its own alone.
        """
        with self._reading() as connection:
            place = connection.execute(HAS_STATEMENTS).fetchone()
            if place is None:
                return
            _schema, database, sees_all, *_set = place
            statement = compose.SQL(STATEMENTS).format(extension_schema=compose.Identifier(place[0]))
            try:
                rows = connection.execute(statement).fetchall()
            except psycopg.errors.ObjectNotInPrerequisiteState:
                return  # installed, but not loaded by the server
            except psycopg.errors.InsufficientPrivilege:
                yield Unread("pg_stat_statements")
                return
            if not sees_all:
                yield Unread("statements of other roles in pg_stat_statements (pg_read_all_stats)")
            for text, runs, users, runs_of in rows:
                if text != "<insufficient privilege>":
                    sql = _TYPED.sub(r"\1 '\2'", text)
                    yield Query(
                        sql=sql, runs=runs, users=tuple(users), runs_of=tuple(runs_of), database=database
                    )

    @contextmanager
    def _reading(self) -> Iterator[psycopg.Connection[TupleRow]]:
        """A connection inside the read-only snapshot; errors leave as SourceError."""
        with during_connect(self._server):
            connection = self._connect()
        try:
            with during_read(self._server):
                if tells_no_encoding(connection):
                    connection.row_factory = mended_rows
                    self._selection = Selection.of(*map(as_stored, self._patterns))
                connection.execute(BEGIN)
                yield connection
        finally:
            connection.close()

    def _with_schemas(self, text: str) -> tuple[compose.Composed, list[str]]:
        condition, patterns = self._selection.schema_condition("n.nspname", mark="%s")
        return _fill(text, schemas=condition), patterns

    def _with_tables(self, text: str) -> tuple[compose.Composed, list[str]]:
        condition, patterns = self._selection.table_condition(
            "n.nspname", "pg_catalog.concat(n.nspname, '.', c.relname)", mark="%s"
        )
        return _fill(text, tables=condition), patterns


def _fill(text: str, **conditions: str) -> compose.Composed:
    """Put conditions of our own making (placeholders, never values) into a statement."""
    parts = {name: compose.SQL(part) for name, part in conditions.items()}
    return compose.SQL(text).format(**parts)


def _one(
    connection: psycopg.Connection[TupleRow], statement: str, given: list[Any] | None = None
) -> TupleRow:
    row = connection.execute(statement, given).fetchone()
    if row is None:
        raise SourceError("the server did not tell which database it is")
    return row


def _was_dropped(row: TupleRow) -> bool:
    """Is this a view of the snapshot that is no longer there? Then the server has no definition to tell."""
    return row[2] in ("v", "m") and row[13] is None


def _made_anew(connection: psycopg.Connection[TupleRow], gone: list[TupleRow]) -> Iterator[TupleRow]:
    """Rows of those dropped views that are there again, in a new snapshot: dbt drops each view to make it anew."""
    for _attempt in range(3):
        if not gone:
            return
        connection.execute("ROLLBACK")
        connection.execute(BEGIN)
        _one(connection, DATABASE)
        (oids,) = _one(connection, AGAIN, [[row[0] for row in gone], [row[1] for row in gone]])
        found = connection.execute(TABLES, (oids,)).fetchall() if oids else []
        yield from (row for row in found if not _was_dropped(row))
        gone = [row for row in found if _was_dropped(row)]
    if gone:
        raise SourceInterrupted("views came and went while the catalog was read; try again")


def _record(database: str, row: TupleRow, is_same: IsSame | None) -> Table | Same:
    """One row of TABLES as a record, unless whoever compares knows it."""
    if is_same is None:
        return _table(database, row)
    raw = _FORM + marshal.dumps(row, _NO_MARSHAL_REFS)
    if is_same(database, row[0], row[1], raw):
        return Same(database, row[0], row[1], len(row[5] or ()))
    return _table(database, row, raw)


def _table(database: str, row: TupleRow, raw: bytes | None = None) -> Table:
    """One row of TABLES as a record."""
    (schema, name, kind, owner, description, names, numbers, types, required, defaults, comments, keys, indexes,
     definition, tuples, size, analyzed, partitions, partition_key, server) = row  # fmt: skip
    columns: tuple[Column, ...] = ()
    by_number: dict[int, str] = {}
    if names is not None:
        positions = range(1, len(names) + 1)
        parts = zip(names, positions, types, required, defaults or _NONE, comments or _NONE, strict=False)
        columns = tuple(map(_COLUMNS.__getitem__, parts))
        if keys or indexes:
            by_number = dict(zip(numbers or positions, names, strict=True))
    properties = {}
    if partition_key:
        properties["partition_key"] = partition_key
    if server:
        properties["foreign_server"] = server
    return Table(
        database=database,
        schema=schema,
        name=name,
        kind=_KINDS[kind],
        description=description,
        owner=owner,
        columns=columns,
        keys=tuple(_key(key, by_number) for key in json.loads(keys)) if keys else (),
        indexes=tuple(_index(index, by_number) for index in json.loads(indexes)) if indexes else (),
        definition=definition and definition.strip(),
        row_estimate=None if tuples is None else int(tuples),
        size_bytes=None if size is None else int(size),
        analyzed_at=datetime.fromisoformat(analyzed).astimezone(UTC) if analyzed else None,
        partitions=partitions,
        properties=properties,
        raw=raw,
    )


class _Columns(dict[tuple[Any, ...], Column]):
    """Columns by what they are made of: a warehouse repeats `id`, `created_at` and their like by the thousand."""

    def __missing__(self, parts: tuple[Any, ...]) -> Column:
        if len(self) > 20_000:
            self.clear()
        name, position, native, required, default, comment = parts
        made = self[parts] = Column(name, position, native, required == "f", default, comment)
        return made


_COLUMNS = _Columns()
_NONE = repeat(None)


def _key(key: list[Any], by_number: dict[int, str]) -> Key:
    kind, name, numbers, ref_schema, ref_table, ref_columns = key
    return Key(
        kind=cast(Any, _KEYS[kind]),
        name=name,
        columns=tuple(by_number[number] for number in numbers),
        ref_schema=ref_schema,
        ref_table=ref_table,
        ref_columns=tuple(ref_columns or ()),
    )


def _index(index: list[Any], by_number: dict[int, str]) -> Index:
    name, unique, method, numbers, key_columns = index
    return Index(
        name=name,
        columns=tuple(by_number.get(number, "(expression)") for number in numbers[:key_columns]),
        unique=unique,
        method=method,
    )
