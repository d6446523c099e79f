"""What PostgreSQL's planner keeps of values, after a deletion: its statistics hold a column's most frequent values.

Enters: the engine, once the rows are gone. Leaves: statistics of what is left. ANALYZE takes them anew, but leaves
those of a table without a row as they were (`do_analyze_rel` of src/backend/commands/analyze.c writes none where it
sampled none). There they go as they do when a column's type is set: `ALTER COLUMN ... TYPE` drops what was known of
it (`ATExecAlterColumnType` calls RemoveStatistics), and to the same type it rewrites nothing.

Only an owner of the tables may do it; for anybody else, or while somebody holds a table for long, the server's own
ANALYZE comes later and docs/deploy.md names the command.
"""

from __future__ import annotations

import logging

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

log = logging.getLogger(__name__)
WAIT = "3s"
"""How long it waits for a table that others use."""
OURS = text(
    "SELECT c.oid, c.oid::regclass::text AS name FROM pg_class c WHERE c.relkind = 'r'"
    " AND c.relnamespace IN (SELECT relnamespace FROM pg_class WHERE oid = 'workspaces'::regclass)"
    " AND pg_has_role(c.relowner, 'USAGE') ORDER BY c.oid"
)
COLUMNS = text(
    "SELECT quote_ident(a.attname) AS name, format_type(a.atttypid, a.atttypmod) AS type,"
    " CASE WHEN a.attcollation <> t.typcollation THEN"
    " (SELECT quote_ident(n.nspname) || '.' || quote_ident(l.collname) FROM pg_collation l"
    "  JOIN pg_namespace n ON n.oid = l.collnamespace WHERE l.oid = a.attcollation) END AS collation"
    " FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid"
    " WHERE a.attrelid = :table AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND t.typlen = -1"
)
"""Columns of a length that varies: the others hold numbers and times."""
EMPTY = text("SELECT reltuples = 0 AND relpages <= 30000 FROM pg_class WHERE oid = :table")
"""So many pages ANALYZE reads whole, so its count of rows is exact. To count them here would ask row-level security."""


def forget_statistics(engine: Engine) -> None:
    """Let the statistics hold nothing that no row holds. On SQLite there are none."""
    if engine.dialect.name != "postgresql":
        return
    with engine.connect() as connection:
        tables = connection.execute(OURS).all()
        connection.rollback()
        for table in tables:
            try:
                _forget(connection, table.oid, table.name)
                connection.commit()
            except DBAPIError as error:
                connection.rollback()
                log.warning(
                    "statistics of a table were not renewed",
                    extra={"table": table.name, "fault": type(error.orig).__name__},
                )


def _forget(connection: Connection, oid: int, table: str) -> None:
    connection.execute(text(f"SET LOCAL lock_timeout = '{WAIT}'"))
    connection.exec_driver_sql(f"ANALYZE {table}")
    if not connection.execute(EMPTY, {"table": oid}).scalar_one():
        return
    for column in connection.execute(COLUMNS, {"table": oid}).all():
        collation = f" COLLATE {column.collation}" if column.collation else ""
        connection.exec_driver_sql(
            f"ALTER TABLE {table} ALTER COLUMN {column.name} TYPE {column.type}{collation}"
        )
