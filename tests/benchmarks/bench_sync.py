"""Extraction and sync of a large PostgreSQL database into SQLite, as ratios in one run.

    python tests/benchmarks/bench_sync.py [--tables 10000] [--columns 20] [--keep]

Makes a database with views over tables, keys, comments and defaults, then measures: the connector's extraction alone,
a first sync into an empty SQLite catalog, and a sync of the unchanged source, each best of `--runs`. Beside them stand
ratios of the medians of this process's CPU, which a busy machine moves less; the server's CPU is not in them.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TypeVar

import psycopg

from connectors import connect
from connectors.abilities import Connector
from plugin.access.viewer import Surface
from plugin.catalog.sync import add_integration, sync
from plugin.config import read_config
from plugin.store import migrate, open_store
from plugin.store.shapes import Sync

T = TypeVar("T")
POSTGRES = os.environ.get("DOCENT_TEST_POSTGRES", "postgresql://postgres@127.0.0.1/")
WORDS = "order customer invoice payment shipment product region account event session campaign ticket".split()
TYPES = ("integer", "text", "numeric(12,2)", "timestamp with time zone", "boolean", "character varying(80)")


@contextmanager
def warehouse(tables: int, columns: int, keep: bool = False) -> Iterator[str]:
    """A database with that many tables (one in ten a view); yields its URL."""
    name = f"docent_bench_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(POSTGRES, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
    try:
        with psycopg.connect(POSTGRES, dbname=name) as db:
            for start in range(0, tables, 500):
                db.execute(";\n".join(statements(start, min(tables, start + 500), columns)))
                db.commit()
            db.autocommit = True
            db.execute("ANALYZE")
        yield f"postgresql://postgres@127.0.0.1/{name}"
    finally:
        if not keep:
            with psycopg.connect(POSTGRES, autocommit=True) as server:
                server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def statements(start: int, end: int, columns: int) -> Iterator[str]:
    schema = f"area{start // 500}"
    yield f"CREATE SCHEMA {schema}"
    for number in range(start, end):
        word = WORDS[number % len(WORDS)]
        table = f"{schema}.{word}_{number}"
        if number % 10 == 9:
            base = f"{schema}.{WORDS[(number - 1) % len(WORDS)]}_{number - 1}"
            other = f"{schema}.{WORDS[(number - 2) % len(WORDS)]}_{number - 2}"
            picked = ", ".join(f"a.{column(i)}" for i in range(1, columns))
            joined = f"{base} a JOIN {other} b ON b.id = a.parent_id WHERE a.{column(2)} <> 7"
            yield f"CREATE VIEW {table} AS SELECT b.id, {picked} FROM {joined}"
            continue
        defined = ", ".join(
            f"{column(i)} {TYPES[i % len(TYPES)]}"
            + (" DEFAULT 'new'" if TYPES[i % len(TYPES)] == "text" and i % 4 == 1 else "")
            for i in range(2, columns)
        )
        yield f"CREATE TABLE {table} (id integer PRIMARY KEY, parent_id integer, {defined})"
        yield f"COMMENT ON TABLE {table} IS 'One {word} of area {start // 500}'"
        yield f"COMMENT ON COLUMN {table}.{column(3)} IS 'Free text that somebody typed about the {word}'"


def column(i: int) -> str:
    return (
        ("id", "parent_id")[i]
        if i < 2
        else f"{WORDS[i % len(WORDS)]}_{('code', 'name', 'amount', 'at', 'flag')[i % 5]}_{i}"
    )


def timed(work: Callable[..., T], *arguments: object) -> tuple[float, float, T]:
    """Seconds of the clock and of this process's CPU, and the result; on a busy machine CPU is what to compare."""
    started, cpu = time.perf_counter(), time.process_time()
    found = work(*arguments)
    return time.perf_counter() - started, time.process_time() - cpu, found


def records(connector: Connector) -> int:
    """How many records an extraction makes, each made and dropped."""
    return sum(1 for _ in connector.extract())


def wall(runs: Iterable[tuple[float, float, object]]) -> float:
    """The best by the clock."""
    return min(each[0] for each in runs)


def cpu(runs: Iterable[tuple[float, float, object]]) -> float:
    """The best by CPU."""
    return min(each[1] for each in runs)


def usual_cpu(runs: Iterable[tuple[float, float, object]]) -> float:
    """The median by CPU."""
    return median(each[1] for each in runs)


def main() -> None:
    """Print the figures as one JSON document."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tables", type=int, default=10_000)
    parser.add_argument("--columns", type=int, default=20)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    with warehouse(options.tables, options.columns, options.keep) as url:
        connector = connect("postgres", {"url": url}, {})
        extracted = [timed(records, connector) for _ in range(options.runs)]
        home = Path(tempfile.mkdtemp())
        first: list[tuple[float, float, Sync]] = []
        again: list[tuple[float, float, Sync]] = []
        for run in range(options.runs):
            config = read_config({"DOCENT_HOME": str(home / str(run))})
            migrate(config)
            store = open_store(config)
            with store.sign_in() as door:
                slug = door.create_workspace("Bench", "bench@example.com", "correct horse battery").slug
            with store.sign_in() as door:
                admin = door.viewer_for_email(slug, "bench@example.com", Surface.CLI)
            integration = add_integration(
                store, admin, "warehouse", "postgres", settings={"url": url}, secrets={}
            ).id
            first.append(timed(sync, store, admin, integration))
            assert first[-1][2].status == "done", first
            for _ in range(2):
                # In turn with the extraction, so that a neighbour's load falls on both.
                extracted.append(timed(records, connector))
                again.append(timed(sync, store, admin, integration))
                same = again[-1][2]
                assert same.created == same.updated == same.removed == 0, same
            store.close()
        shutil.rmtree(home)
        extraction = wall(extracted)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    json.dump(
        {
            "tables": options.tables,
            "columns": options.tables * options.columns,
            "extract_seconds": round(extraction, 2),
            "extract_cpu_seconds": round(cpu(extracted), 2),
            "first_sync_seconds": round(wall(first), 2),
            "first_sync_cpu_seconds": round(cpu(first), 2),
            "unchanged_sync_seconds": round(wall(again), 2),
            "unchanged_sync_cpu_seconds": round(cpu(again), 2),
            "first_sync_to_extract": round(wall(first) / extraction, 2),
            "unchanged_to_extract": round(wall(again) / extraction, 2),
            "median_extract_cpu_seconds": round(usual_cpu(extracted), 2),
            "first_sync_to_extract_cpu": round(usual_cpu(first) / usual_cpu(extracted), 2),
            "unchanged_to_extract_cpu": round(usual_cpu(again) / usual_cpu(extracted), 2),
            "peak_mb": round(peak),
        },
        sys.stdout,
        indent=2,
    )
    print()


if __name__ == "__main__":
    main()
