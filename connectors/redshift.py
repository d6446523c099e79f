"""Amazon Redshift: schemas, tables, views, columns, keys, sizes, Spectrum's external tables, and the query history.

Reads `pg_catalog` (Redshift's is that of PostgreSQL 8, so: no arrays, no JSON, no windows), the SVV views and
SYS_QUERY_HISTORY, in a constant number of statements, each by itself because what runs on the leader node cannot be
joined with what runs on the compute nodes. Never read: pg_stats, STL and SVL views, which hold values of rows.

Source: https://docs.aws.amazon.com/redshift/latest/dg/cm_chap_system-tables.html
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import psycopg
from psycopg import sql as compose
from psycopg.rows import DictRow, dict_row

from connectors.postgres_errors import during_connect, during_read
from connectors.postgres_sign_in import sign_in
from connectors.records import Database, Progress, Query, Record, Schema, Unread
from connectors.redshift_run import QUERY_GRANTS, RedshiftRuns
from connectors.selection import Selection
from connectors.servers import Server, ServerSettings, server_of
from connectors.warehouse import Place, Row, costs_of, moment, tables_of

BEGIN = "BEGIN READ ONLY"
DATABASE = """
SELECT d.datname AS name, u.usename AS owner, pg_catalog.version() AS version, t.description AS description
FROM pg_catalog.pg_database d LEFT JOIN pg_catalog.pg_user u ON u.usesysid = d.datdba
LEFT JOIN pg_catalog.pg_description t ON t.objoid = d.oid AND t.objsubid = 0
     AND t.classoid = 'pg_catalog.pg_database'::regclass
WHERE d.datname = pg_catalog.current_database()
"""
_OURS = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
SCHEMAS = f"""
SELECT n.nspname AS name, t.description AS description, u.usename AS owner
FROM pg_catalog.pg_namespace n LEFT JOIN pg_catalog.pg_user u ON u.usesysid = n.nspowner
LEFT JOIN pg_catalog.pg_description t ON t.objoid = n.oid AND t.objsubid = 0
     AND t.classoid = 'pg_catalog.pg_namespace'::regclass
WHERE {_OURS} AND {{schemas}} ORDER BY 1
"""
# Redshift keeps the rows of a materialised view in a table of its own, mv_tbl__<name>__<n>.
_WANTED = f"""c.relkind IN ('r', 'v') AND c.relname !~ '^mv_tbl__' AND {_OURS} AND {{tables}}"""
TABLES = f"""
SELECT n.nspname AS "schema", c.relname AS "name", CASE c.relkind WHEN 'v' THEN 'view' ELSE 'table' END AS kind,
       t.description AS description, u.usename AS owner,
       CASE c.relkind WHEN 'v' THEN pg_catalog.pg_get_viewdef(c.oid) END AS definition
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_user u ON u.usesysid = c.relowner
LEFT JOIN pg_catalog.pg_description t ON t.objoid = c.oid AND t.objsubid = 0
     AND t.classoid = 'pg_catalog.pg_class'::regclass
WHERE {_WANTED} ORDER BY 1, 2
"""
COLUMNS = f"""
SELECT n.nspname AS "schema", c.relname AS "table", a.attname AS "name", a.attnum AS "position",
       pg_catalog.format_type(a.atttypid, a.atttypmod) AS "type", NOT a.attnotnull AS nullable,
       pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS "default", t.description AS description
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_catalog.pg_description t ON t.objoid = a.attrelid AND t.objsubid = a.attnum
     AND t.classoid = 'pg_catalog.pg_class'::regclass
WHERE a.attnum > 0 AND NOT a.attisdropped AND {_WANTED}
"""
KEYS = f"""
SELECT n.nspname AS "schema", c.relname AS "table", k.contype AS kind, k.conname AS "key", k.conkey AS numbers,
       rn.nspname AS ref_schema, r.relname AS ref_table, k.confkey AS ref_numbers
FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_class r ON r.oid = k.confrelid
LEFT JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
WHERE k.contype IN ('p', 'u', 'f') AND {_OURS}
"""
# Of every table: a key may point at one that the settings leave out.
KEY_COLUMNS = f"""
SELECT n.nspname AS "schema", c.relname AS "table", a.attnum AS number, a.attname AS name
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE a.attnum > 0 AND NOT a.attisdropped AND {_OURS}
  AND (c.oid IN (SELECT k.conrelid FROM pg_catalog.pg_constraint k WHERE k.contype IN ('p', 'u', 'f'))
       OR c.oid IN (SELECT k.confrelid FROM pg_catalog.pg_constraint k WHERE k.contype = 'f'))
"""
# When tables, empty ones too, and views were made.
CREATED = f"""
SELECT n.nspname AS "schema", c.relname AS "table", c.relcreationtime AS created
FROM pg_catalog.pg_class_info c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relcreationtime IS NOT NULL AND {_WANTED}
"""
# What follows is left out where the role may not read it. `size` counts blocks of one megabyte.
SIZES = """
SELECT "schema", "table", size, tbl_rows, diststyle, sortkey1, create_time AS created FROM pg_catalog.svv_table_info
WHERE "database" = %s
"""
# These views tell of the cluster's other databases too, where the user may see them.
MATERIALIZED = "SELECT schema_name, name FROM pg_catalog.svv_mv_info WHERE database_name = %s"
LATE_BINDING = """
SELECT b.view_schema AS "schema", b.view_name AS "table", b.col_name AS name, b.col_num AS "position",
       b.col_type AS "type"
FROM pg_catalog.pg_get_late_binding_view_cols()
     AS b(view_schema name, view_name name, col_name name, col_type varchar, col_num int)
"""
EXTERNAL_TABLES = """
SELECT e.schemaname AS "schema", e.tablename AS "name", 'external table' AS kind
FROM pg_catalog.svv_external_tables e WHERE {external} AND e.redshift_database_name = %s ORDER BY 1, 2
"""
EXTERNAL_COLUMNS = """
SELECT e.schemaname AS "schema", e.tablename AS "table", e.columnname AS "name", e.columnnum AS "position",
       e.external_type AS "type", e.part_key AS part
FROM pg_catalog.svv_external_columns e WHERE {external} AND e.redshift_database_name = %s
"""
QUERIES = """
SELECT q.query_text AS sql, q.user_id AS usesysid, pg_catalog.count(*) AS runs, pg_catalog.max(q.start_time) AS last,
       pg_catalog.sum(q.execution_time) AS took
FROM pg_catalog.sys_query_history q
WHERE q.start_time > CURRENT_DATE - 30 AND q.status = 'success'
  AND q.database_name = %s AND q.query_type IN ('SELECT', 'INSERT', 'CTAS')
GROUP BY q.query_text, q.user_id ORDER BY 3 DESC LIMIT 5000
"""
USERS = "SELECT u.usesysid, u.usename FROM pg_catalog.pg_user u"

_KINDS = {"p": "primary", "u": "unique", "f": "foreign"}
_SCHEMES = ("redshift", "postgresql", "postgres")


class Redshift(RedshiftRuns):
    """Metadata of one Redshift database, on a cluster or a serverless workgroup."""

    name: ClassVar[str] = "redshift"
    title: ClassVar[str] = "Amazon Redshift"
    dialect: ClassVar[str | None] = "redshift"
    extracts: ClassVar[tuple[str, ...]] = ("database", "schema", "table", "view", "column", "query")
    extra: ClassVar[str | None] = None
    verified: ClassVar[str] = "emulator"
    settings: ClassVar[type[ServerSettings]] = ServerSettings
    grant_script: ClassVar[str] = """\
-- Reads metadata, and no row of any table: pg_catalog is open to every user.
CREATE USER <role> PASSWORD '<password>' NOCREATEDB NOCREATEUSER CONNECTION LIMIT 5;
-- Optional, for sizes, row counts and sort keys:
-- GRANT SELECT ON svv_table_info TO <role>;
-- Optional, for popularity and frequent queries (the role sees the statements of others):
-- ALTER USER <role> SYSLOG ACCESS UNRESTRICTED;
-- Optional, for Spectrum's external tables, once for each external schema:
-- GRANT USAGE ON SCHEMA <external_schema> TO <role>;
"""
    query_grant_script: ClassVar[str] = QUERY_GRANTS

    def __init__(self, settings: ServerSettings) -> None:
        self._server: Server = dataclasses.replace(server_of(settings, _SCHEMES, 5439), engine="Redshift")
        self._selection = Selection.of(settings.schemas, settings.exclude)

    def check(self) -> str:
        """One sentence with the database and how many schemas would be read. Raises SourceError."""
        with self._reading() as connection:
            (found,) = _rows(connection, DATABASE)
            schemas = self._schemas(connection)
        version = str(found["version"]).rpartition("Redshift ")[2].split()[0]
        return f"Redshift {version}, database {found['name']}, {len(schemas)} schemas visible"

    def extract(self) -> Iterator[Record]:
        """The database, its schemas, then tables and views, Spectrum's among them. Raises SourceError."""
        chosen = self._selection
        tables = chosen.table_condition("n.nspname", "n.nspname || '.' || c.relname", mark="%s")
        external = chosen.table_condition("e.schemaname", "e.schemaname || '.' || e.tablename", mark="%s")
        refused: list[str] = []
        with self._reading() as connection:
            (found,) = _rows(connection, DATABASE)
            base = found["name"]
            yield Database(base, found["description"], found["owner"])
            for row in self._schemas(connection):
                yield Schema(base, row["name"], row["description"], row["owner"])
            yield Progress("tables", 0)
            sizes = {
                (row["schema"], row["table"]): row
                for row in _optional(connection, SIZES, "sizes", refused, literal=(base,))
            }
            made = {
                (row["schema"], row["table"]): row["created"]
                for row in _optional(connection, CREATED, "when tables were made", refused, tables=tables)
            }
            stored = {
                (row["schema_name"], row["name"])
                for row in _optional(
                    connection, MATERIALIZED, "which views are materialised", refused, literal=(base,)
                )
            }
            rows = [
                {
                    "created": made.get((row["schema"], row["name"])),
                    **_sized(row, sizes.get((row["schema"], row["name"])), stored),
                }
                for row in _rows(connection, TABLES, tables=tables)
            ]
            columns: list[Row] = list(_rows(connection, COLUMNS, tables=tables))
            described = {(row["schema"], row["table"]) for row in columns}
            columns += [
                row
                for row in _optional(connection, LATE_BINDING, "columns of late-binding views", refused)
                if (row["schema"], row["table"]) not in described
            ]
            named = {
                (row["schema"], row["table"], row["number"]): row["name"]
                for row in _rows(connection, KEY_COLUMNS)
            }
            keys = [part for row in _rows(connection, KEYS) for part in _key(row, named)]
            lake = ("external tables", refused)
            rows += _optional(connection, EXTERNAL_TABLES, *lake, external=external, literal=(base,))
            outside = _optional(connection, EXTERNAL_COLUMNS, *lake, external=external, literal=(base,))
        properties = _properties(sizes, outside)
        for number, table in enumerate(
            tables_of(rows, [*columns, *outside], keys=keys, properties=properties), start=1
        ):
            yield dataclasses.replace(table, database=base)
            if number % 500 == 0:
                yield Progress("tables", number, len(rows))
        for what in dict.fromkeys(refused):
            yield Unread(what, what == "external tables")

    def queries(self) -> Iterator[Query | Unread]:
        """Statements of 30 days, as far as Redshift keeps them, with the time that they took; most frequent first."""
        refused: list[str] = []
        with self._reading() as connection:
            (found,) = _rows(connection, DATABASE)
            names = {row["usesysid"]: row["usename"] for row in _rows(connection, USERS)}
            rows = _optional(connection, QUERIES, "the query history", refused, literal=(found["name"],))
        folded: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            folded[row["sql"].strip()].append(row)
        for text, parts in folded.items():
            users = sorted({names[row["usesysid"]] for row in parts if row["usesysid"] in names})
            last = max((row["last"] for row in parts if row["last"]), default=None)
            runs = sum(int(row["runs"]) for row in parts)
            costs = costs_of(seconds=(sum(int(row["took"] or 0) for row in parts), 1_000_000))
            yield Query(text, runs, tuple(users), moment(last), found["name"], costs=costs)
        for what in refused:
            yield Unread(what)

    def _schemas(self, connection: psycopg.Connection[DictRow]) -> list[DictRow]:
        condition = self._selection.schema_condition("n.nspname", mark="%s")
        return _rows(connection, SCHEMAS, schemas=condition)

    @contextmanager
    def _reading(self) -> Iterator[psycopg.Connection[DictRow]]:
        """A connection in a read-only transaction; errors leave as SourceError."""
        with during_connect(self._server):
            connection = self._connect_to_read()
        try:
            with during_read(self._server):
                connection.execute(BEGIN)
                yield connection
        finally:
            connection.close()

    def _connect_to_read(self) -> psycopg.Connection[DictRow]:
        return psycopg.connect(
            client_encoding="UNICODE",  # how Redshift, like PostgreSQL 8, calls UTF-8
            # Parameters are written in on our side: the leader node types none of its catalog's for us.
            cursor_factory=psycopg.ClientCursor[DictRow],
            row_factory=dict_row,
            **sign_in(self._server, name="docent"),
        )


def _rows(
    connection: psycopg.Connection[DictRow],
    text: str,
    *,
    literal: tuple[str, ...] = (),
    **conditions: tuple[str, list[str]],
) -> list[DictRow]:
    """The rows of one statement; the conditions are of our own making, with placeholders for their patterns."""
    filled = compose.SQL(text).format(**{name: compose.SQL(part[0]) for name, part in conditions.items()})
    patterns = [pattern for part in conditions.values() for pattern in part[1]]
    return connection.execute(filled, [*patterns, *literal] or None).fetchall()


def _optional(
    connection: psycopg.Connection[DictRow], text: str, what: str, refused: list[str], **options: Any
) -> list[DictRow]:
    """The same, but nothing where this Redshift has no such view, or the role may not read it; `refused` says that."""
    try:
        return _rows(connection, text, **options)
    except (
        psycopg.errors.InsufficientPrivilege,
        psycopg.errors.UndefinedTable,
        psycopg.errors.UndefinedFunction,
        psycopg.errors.UndefinedColumn,
        psycopg.errors.FeatureNotSupported,
    ) as error:
        if not isinstance(error, (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedFunction)):
            refused.append(what)
        connection.execute("ROLLBACK")  # Redshift has no savepoints
        connection.execute(BEGIN)
        return []


def _sized(row: Row, told: Row | None, stored: set[tuple[str, str]]) -> DictRow:
    """A table with its rows and bytes; a view that keeps its rows is a materialised one."""
    kind = "materialized view" if (row["schema"], row["name"]) in stored else row["kind"]
    size = told["size"] if told else None
    return {
        **row,
        "kind": kind,
        "definition": (row["definition"] or "").strip() or None,
        "rows": told["tbl_rows"] if told else None,
        **({"created": told["created"]} if told and told["created"] else {}),
        "bytes": None if size is None else int(size) * 1024 * 1024,
    }


def _key(row: Row, named: dict[tuple[str, str, int], str]) -> Iterator[Row]:
    """One row a column of a key, as `tables_of` wants them."""
    referred = row["ref_numbers"] or ()
    for position, number in enumerate(row["numbers"]):
        yield {
            "schema": row["schema"],
            "table": row["table"],
            "kind": _KINDS[row["kind"]],
            "key": row["key"],
            "column": named[row["schema"], row["table"], number],
            "position": position,
            "ref_schema": row["ref_schema"],
            "ref_table": row["ref_table"],
            "ref_column": named[row["ref_schema"], row["ref_table"], referred[position]]
            if referred
            else None,
        }


def _properties(sizes: dict[tuple[str, str], DictRow], outside: list[DictRow]) -> dict[Place, dict[str, str]]:
    """How a table is spread over the nodes and sorted; by what an external one is partitioned."""
    found: dict[Place, dict[str, str]] = defaultdict(dict)
    for (schema, table), row in sizes.items():
        for name in ("diststyle", "sortkey1"):
            if row[name]:
                found["", schema, table][name] = str(row[name])
    for row in sorted(outside, key=lambda row: row["part"] or 0):
        if row["part"]:
            place = found["", row["schema"], row["table"]]
            place["partition_key"] = ", ".join(filter(None, (place.get("partition_key"), row["name"])))
    return found
