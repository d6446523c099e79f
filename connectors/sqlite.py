"""SQLite files: reads the schema table and the schema pragmas, in one read transaction, in a constant number
of statements.

SQLite has no roles, so the connection itself is the role: while it extracts, an authorizer refuses to read
any table but the engine's own. Row estimates come from `sqlite_stat1` (counts only, after ANALYZE); the
samples of `sqlite_stat4` are data and are never read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import groupby
from operator import itemgetter
from typing import Any, ClassVar

from connectors.errors import PermissionMissing, SourceInterrupted, UnreachableSource
from connectors.files import FileSettings, file_of, must_exist
from connectors.records import Column, Index, Key, Progress, Record, Schema, Table, TableKind
from connectors.selection import Selection
from connectors.sqlite_run import SQLiteRuns
from connectors.sqlite_walls import open_read_only, wall_out

# ------------------------------------------------------------------ the statements, in the order they are sent

# Shadow tables are the insides of virtual ones.
_WANTED = """
    l.schema = 'main' AND l.type IN ('table', 'view', 'virtual')
    AND l.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND {tables}
"""
COUNT_TABLES = f"SELECT count(*) FROM pragma_table_list l WHERE {_WANTED}"
TABLES = f"""
SELECT l.name, l.type, l.strict, m.sql FROM pragma_table_list l JOIN sqlite_schema m ON m.name = l.name
WHERE m.type IN ('table', 'view') AND {_WANTED} ORDER BY l.name
"""
COLUMNS = f"""
SELECT l.name, c.name, c.type, c."notnull", c.dflt_value, c.pk, c.hidden
FROM pragma_table_list l JOIN pragma_table_xinfo(l.name) c
WHERE l.ncol > 0 AND c.hidden <> 1 AND {_WANTED} ORDER BY l.name, c.cid
"""
FOREIGN_KEYS = f"""
SELECT l.name, f.id, f."table", f."from", f."to"
FROM pragma_table_list l JOIN pragma_foreign_key_list(l.name) f
WHERE l.type = 'table' AND {_WANTED} ORDER BY l.name, f.id, f.seq
"""
INDEXES = f"""
SELECT l.name, i.name, i."unique", i.origin, x.cid, x.name
FROM pragma_table_list l JOIN pragma_index_list(l.name) i JOIN pragma_index_xinfo(i.name) x
WHERE l.type = 'table' AND x.key = 1 AND {_WANTED} ORDER BY l.name, i.name, x.seqno
"""
HAS_STATISTICS = "SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_stat1'"
# The first number is how many rows the table (or the index) has; the rest are averages and are not kept.
ROWS = "SELECT tbl, max(CAST(stat AS INTEGER)) FROM sqlite_stat1 GROUP BY tbl"
SIZES = "SELECT name, sum(pgsize) FROM dbstat WHERE aggregate = TRUE GROUP BY name"

GRANT_SCRIPT = """\
-- SQLite has no roles. Docent opens the file read-only and refuses, by an authorizer, to read any table but
-- SQLite's own while it extracts. Give the account that runs Docent read permission on the file:
--   chmod o+r <file>
"""
QUERY_GRANT_SCRIPT = """\
-- SQLite has no roles. Queries run on a read-only connection whose authorizer allows SELECT and a list of
-- functions only; which tables are visible is decided by Docent's teams. Read permission on the file is enough:
--   chmod o+r <file>
"""

# Reading pages for sizes is work in proportion to the file: above this, sizes are left unknown.
_SIZES_UP_TO = 512 * 1024 * 1024
_KINDS: dict[str, TableKind] = {"table": "table", "view": "view", "virtual": "external_table"}


class SQLite(SQLiteRuns):
    """Metadata of one SQLite file; runs guarded SQL on it."""

    name: ClassVar[str] = "sqlite"
    title: ClassVar[str] = "SQLite"
    dialect: ClassVar[str | None] = "sqlite"
    extracts: ClassVar[tuple[str, ...]] = ("schema", "table", "view", "column")
    extra: ClassVar[str | None] = None
    verified: ClassVar[str] = "real"
    settings: ClassVar[type[FileSettings]] = FileSettings
    grant_script: ClassVar[str] = GRANT_SCRIPT
    query_grant_script: ClassVar[str] = QUERY_GRANT_SCRIPT

    def __init__(self, settings: FileSettings) -> None:
        self._path = file_of(settings, ("sqlite",))
        self._selection = Selection.of(settings.schemas, settings.exclude)

    def check(self) -> str:
        """One sentence with the version, the file and how many tables would be read."""
        with self._reading() as connection:
            count = self._select(connection, COUNT_TABLES).fetchone()[0]
            return (
                f"SQLite {sqlite3.sqlite_version}, file {self._path.name}, {count} tables and views visible"
            )

    def extract(self) -> Iterator[Record]:
        """The schema "main", then every table; closing the iterator closes the file."""
        with self._reading() as connection:
            condition, patterns = self._selection.schema_condition("'main'", mark="?")
            if not connection.execute(f"SELECT {condition}", patterns).fetchone()[0]:
                return
            yield Schema(None, "main")
            total = self._select(connection, COUNT_TABLES).fetchone()[0]
            yield Progress("tables", 0, total)
            rows, sizes = self._figures(connection)
            keys = _grouped(self._select(connection, FOREIGN_KEYS))
            indexes = _grouped(self._select(connection, INDEXES))
            primary: dict[str, tuple[str, ...]] = {}
            if any(row[4] is None for rows_of in keys.values() for row in rows_of):
                primary = _primary_keys(self._select(connection, COLUMNS))
            columns = groupby(self._select(connection, COLUMNS), key=itemgetter(0))
            ahead = next(columns, None)
            for done, (name, kind, strict, text) in enumerate(self._select(connection, TABLES), 1):
                found: list[tuple[Any, ...]] = []
                if ahead is not None and ahead[0] == name:
                    found = list(ahead[1])
                    ahead = next(columns, None)
                yield Table(
                    database=None,
                    schema="main",
                    name=name,
                    kind=_KINDS[kind],
                    columns=tuple(map(_column, range(1, len(found) + 1), found)),
                    keys=tuple(_keys(name, found, keys.get(name, []), indexes.get(name, []), primary)),
                    indexes=tuple(_indexes(indexes.get(name, []))),
                    definition=text if kind == "view" else None,
                    row_estimate=rows.get(name),
                    size_bytes=sizes.get(name) if kind == "table" else None,
                    properties={"strict": "yes"} if strict else {},
                )
                if done % 500 == 0 or done == total:
                    yield Progress("tables", done, total)

    def _select(self, connection: sqlite3.Connection, text: str) -> sqlite3.Cursor:
        condition, patterns = self._selection.table_condition("'main'", "'main.' || l.name", mark="?")
        return connection.execute(text.format(tables=condition), patterns)

    def _figures(self, connection: sqlite3.Connection) -> tuple[dict[str, int], dict[str, int]]:
        """Row estimates and sizes by table, as far as this file and this build of SQLite have them."""
        rows = {}
        if connection.execute(HAS_STATISTICS).fetchone()[0]:
            rows = dict(connection.execute(ROWS).fetchall())
        sizes = {}
        if self._path.stat().st_size <= _SIZES_UP_TO:
            try:
                sizes = dict(connection.execute(SIZES).fetchall())
            except sqlite3.OperationalError:  # a build without dbstat
                sizes = {}
        return rows, sizes

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """A read-only connection in one transaction that can read the engine's own tables only."""
        must_exist(self._path, "SQLite")
        try:
            with closing(open_read_only(self._path)) as connection:
                connection.execute("BEGIN")
                wall_out(connection)
                yield connection
        except sqlite3.OperationalError as error:
            text = str(error).lower()
            if "unable to open" in text or "readonly" in text:
                raise PermissionMissing(
                    f"the file {self._path.name!r} cannot be opened; the account needs read permission on it"
                ) from None
            if "locked" in text or "busy" in text:
                raise SourceInterrupted(f"the file {self._path.name!r} is locked; try again") from None
            if "unsupported file format" in text:
                raise UnreachableSource(
                    f"the file {self._path.name!r} is of a newer format than SQLite {sqlite3.sqlite_version} reads"
                ) from None
            raise SourceInterrupted(
                f"the schema of {self._path.name!r} could not be read; try again"
            ) from None
        except sqlite3.DatabaseError:
            raise UnreachableSource(
                f"{str(self._path)!r} is not a SQLite database, is damaged, or of a newer format"
            ) from None


def _grouped(rows: sqlite3.Cursor) -> dict[str, list[tuple[Any, ...]]]:
    return {name: list(group) for name, group in groupby(rows, key=itemgetter(0))}


def _primary_keys(rows: sqlite3.Cursor) -> dict[str, tuple[str, ...]]:
    """Primary key columns by table, in the order of the key."""
    found = {}
    for name, group in groupby(rows, key=itemgetter(0)):
        parts = sorted((row[5], row[1]) for row in group if row[5])
        found[name] = tuple(column for _, column in parts)
    return found


def _column(position: int, row: tuple[Any, ...]) -> Column:
    _, name, native, required, default, key_part, hidden = row
    if hidden in (2, 3):
        default = "GENERATED ALWAYS" + (" VIRTUAL" if hidden == 2 else " STORED")
    whole_key = bool(key_part) and native.upper() == "INTEGER"
    return Column(name, position, native, not required and not whole_key, default)


def _keys(
    table: str,
    columns: list[tuple[Any, ...]],
    foreign: list[tuple[Any, ...]],
    indexes: list[tuple[Any, ...]],
    primary: dict[str, tuple[str, ...]],
) -> Iterator[Key]:
    """Keys of one table. SQLite keeps no names of constraints, so ours are made of what they are about."""
    parts = sorted((row[5], row[1]) for row in columns if row[5])
    if parts:
        yield Key("primary", f"pk_{table}", tuple(name for _, name in parts))
    for _, group in groupby(indexes, key=itemgetter(1)):
        rows = list(group)
        if rows[0][3] == "u":
            names = tuple(row[5] or "(expression)" for row in rows)
            yield Key("unique", f"uq_{table}_{'_'.join(names)}", names)
    for _, group in groupby(foreign, key=itemgetter(1)):
        rows = list(group)
        names = tuple(row[3] for row in rows)
        target = rows[0][2]
        referred = tuple(row[4] for row in rows if row[4] is not None) or primary.get(target, ())
        yield Key("foreign", f"fk_{table}_{'_'.join(names)}", names, "main", target, referred)


def _indexes(rows: list[tuple[Any, ...]]) -> Iterator[Index]:
    for name, group in groupby(rows, key=itemgetter(1)):
        parts = list(group)
        columns = tuple("(expression)" if row[4] == -2 else row[5] or "rowid" for row in parts)
        yield Index(name, columns, unique=bool(parts[0][2]), method="btree")
