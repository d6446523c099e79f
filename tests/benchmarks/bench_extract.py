"""How long reading PostgreSQL's metadata takes, against the bare bulk catalog queries fetched by psycopg in the same run.

    .venv/bin/python -m tests.benchmarks.bench_extract [--tables 10000] [--url postgresql://postgres@127.0.0.1/]

Makes a database of its own with 20 columns a table, prints one line of JSON, and drops it. The bare queries read
what the connector reads of tables, columns, constraints and indexes, into tuples and nothing else.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
import uuid

import psycopg

from connectors import connect
from connectors.records import Table

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
OWN = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"


def main() -> None:
    """Build, measure three times each in turn, print, drop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=10_000)
    parser.add_argument("--url", default="postgresql://postgres@127.0.0.1/")
    options = parser.parse_args()
    name = f"docent_bench_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(options.url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        url = options.url.rsplit("/", 1)[0] + "/" + name
        try:
            build(url, options.tables)
            ours = [extract(url)]
            peak = (
                resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            )  # before the bare queries add theirs
            bare = [fetch(url)]
            for _ in range(2):
                ours.append(extract(url))
                bare.append(fetch(url))
            found = {
                "tables": options.tables,
                "bare_seconds": round(min(bare), 2),
                "extract_seconds": round(min(ours), 2),
                "ratio": round(min(ours) / min(bare), 2),
                "peak_mb": round(peak),
            }
            print(json.dumps(found))
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def build(url: str, tables: int) -> None:
    """Tables of 20 columns over 20 schemas, with comments and defaults."""
    kinds = ("text", "numeric(10,2)", "timestamptz", "int DEFAULT 0")
    columns = ", ".join(f"column_{number:02} {kinds[number % 4]}" for number in range(19))
    with psycopg.connect(url, autocommit=True) as connection:
        for number in range(20):
            connection.execute(f"CREATE SCHEMA s{number:02}")
        for start in range(0, tables, 100):
            batch = []
            for number in range(start, min(start + 100, tables)):
                table = f"s{number % 20:02}.table_{number:05}"
                batch.append(
                    f"CREATE TABLE {table} (id int PRIMARY KEY, {columns});"
                    f"COMMENT ON TABLE {table} IS 'Table number {number}';"
                    f"COMMENT ON COLUMN {table}.column_03 IS 'A comment';"
                )
            connection.execute("".join(batch))
        connection.execute("VACUUM ANALYZE pg_catalog.pg_attribute")


def fetch(url: str) -> float:
    """Seconds for the bare queries."""
    begun = time.perf_counter()
    with psycopg.connect(url) as connection:
        for statement in BARE:
            connection.execute(statement.format(own=OWN)).fetchall()
    return time.perf_counter() - begun


def extract(url: str) -> float:
    """Seconds for the connector, every record made and dropped."""
    begun = time.perf_counter()
    tables = sum(isinstance(record, Table) for record in connect("postgres", {"url": url}, {}).extract())
    assert tables > 0
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
