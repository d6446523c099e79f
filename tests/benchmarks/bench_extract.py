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
from tests.benchmarks.floor import BARE, OWN


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
