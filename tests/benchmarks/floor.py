"""The least that a program in Python does to make a database searchable in SQLite: the floor under a sync.

    python -m tests.benchmarks.floor URL FILE

The bare catalog queries of PostgreSQL or MariaDB fetched whole by psycopg or PyMySQL, one row a table and a column by
executemany, two indexes, and a bare FTS5 of each table's words. No masking, no keys, no lineage, no rights, no ids that
last, no comparison with what was there. Imports nothing of ours and one driver, so that its start is the interpreter's
and that driver's alone.
"""

from __future__ import annotations

import sqlite3
import sys
from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

BARE = (
    "SELECT n.nspname, c.relname, c.relkind, c.reltuples, obj_description(c.oid, 'pg_class') FROM pg_class c"
    " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND {own}",
    "SELECT a.attrelid, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,"
    " pg_get_expr(d.adbin, d.adrelid), col_description(a.attrelid, a.attnum) FROM pg_attribute a"
    " JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
    " LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
    " WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v', 'm', 'p', 'f') AND {own}",
    "SELECT conrelid, contype, conname, conkey, confrelid, confkey FROM pg_constraint",
    "SELECT indexrelid, indrelid, indisunique, indkey::int2[] FROM pg_index",
)
"""Tables, columns, constraints and indexes, as a program would ask that wants nothing else."""
OWN = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
MARIADB_BARE = (
    "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, TABLE_ROWS, DATA_LENGTH, TABLE_COMMENT FROM information_schema.TABLES"
    " WHERE TABLE_SCHEMA = %s",
    "SELECT TABLE_NAME, COLUMN_NAME, ORDINAL_POSITION, COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT, COLUMN_COMMENT"
    " FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s",
    "SELECT TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME"
    " FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = %s",
    "SELECT TABLE_NAME, INDEX_NAME, NON_UNIQUE, COLUMN_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = %s",
)
"""The same of one MariaDB database."""
TABLES = """
CREATE TABLE resources (id INTEGER PRIMARY KEY, parent_id INTEGER, kind TEXT, name TEXT, qualified_name TEXT,
    native_type TEXT, position INTEGER, nullable INTEGER, default_sql TEXT, description TEXT);
CREATE INDEX children ON resources (parent_id, position);
CREATE INDEX names ON resources (name) WHERE kind <> 'column';
CREATE VIRTUAL TABLE words USING fts5 (body, detail=none);
"""


def main() -> None:
    """Read everything, write it, commit."""
    url, path = sys.argv[1:]
    tables, columns = of_mariadb(url) if url.startswith("mysql:") else of_postgres(url)
    by_table: dict[Any, list[tuple[Any, ...]]] = defaultdict(list)
    for table, *column in columns:
        by_table[table].append(tuple(column))
    with sqlite3.connect(path, isolation_level=None) as catalog:
        catalog.execute("PRAGMA journal_mode = wal")
        catalog.execute("PRAGMA synchronous = normal")
        catalog.executescript(TABLES)
        catalog.execute("BEGIN")
        catalog.executemany("INSERT INTO resources VALUES (?,?,?,?,?,?,?,?,?,?)", rows(tables, by_table))
        catalog.executemany("INSERT INTO words (rowid, body) VALUES (?, ?)", documents(tables, by_table))
        catalog.execute("COMMIT")
    catalog.close()


def of_postgres(url: str) -> tuple[list[Any], list[Any]]:
    """Tables and columns, each of which begins with what tells its table from the others."""
    import psycopg

    with psycopg.connect(url) as source:
        statements = [BARE[0].replace("SELECT ", "SELECT c.oid, ", 1), *BARE[1:]]
        tables, columns, _constraints, _indexes = (
            source.execute(each.format(own=OWN)).fetchall()
            for each in statements  # type: ignore[arg-type]
        )
    return tables, columns


def of_mariadb(url: str) -> tuple[list[Any], list[Any]]:
    """The same of the one database that the URL names."""
    import pymysql

    server = urlsplit(url)
    found: list[Any] = []
    # Without TLS, whose default context reads every certificate of the system.
    with pymysql.connect(host=server.hostname, user=server.username, ssl_disabled=True) as source:
        cursor = source.cursor()
        for statement in MARIADB_BARE:
            cursor.execute(statement, (server.path[1:],))
            found.append(cursor.fetchall())
    tables, columns, _keys, _indexes = found
    return (
        [(name, schema, name, kind, count, comment) for schema, name, kind, count, _bytes, comment in tables],
        [
            (table, position, name, type_, nullable == "NO", default, comment)
            for table, name, position, type_, nullable, default, comment in columns
        ],
    )


def rows(tables: list[Any], by_table: dict[Any, list[tuple[Any, ...]]]) -> Iterator[tuple[Any, ...]]:
    """A row a table, then one a column."""
    number = len(tables)
    for id_, (oid, schema, name, kind, _rows, comment) in enumerate(tables, start=1):
        qualified = f"{schema}.{name}"
        yield id_, None, kind, name, qualified, None, None, None, None, comment
        for position, column, type_, required, default, described in by_table[oid]:
            number += 1
            yield (
                number, id_, "column", column, f"{qualified}.{column}", type_, position, not required, default,
                described,
            )  # fmt: skip


def documents(tables: list[Any], by_table: dict[Any, list[tuple[Any, ...]]]) -> Iterator[tuple[int, str]]:
    """The words of a table: its name, its comment, the names and comments of its columns."""
    for id_, (oid, schema, name, _kind, _rows, comment) in enumerate(tables, start=1):
        texts = [schema, name, comment or ""]
        for _position, column, _type, _required, _default, described in by_table[oid]:
            texts += (column, described or "")
        yield id_, " ".join(texts).replace("_", " ")


if __name__ == "__main__":
    main()
