"""From a source to a committed, searchable catalog, the start of the process included, against the bare bulk queries.

    python -m tests.benchmarks.bench_catalog [--tables 2000 10000] [--mariadb 2000] [--datahub VENV]

For each size a PostgreSQL database is made, then in turn: the bare catalog queries fetched by psycopg, `docent sync`
as a process of its own into a fresh SQLite catalog, and the least that a program in Python does for the same
(`tests/benchmarks/floor.py`), a process of its own too, and one that imports SQLAlchemy and the driver and ends. The
statements that a sync sends are counted. With `--datahub`, the path of an environment that has
`acryl-datahub[postgres]`, its file-sink ingest is measured over the first size in the same run. With `--mariadb N`
the same against MariaDB's bulk queries. Wall time and peak memory are those of the process; beside the best of each
stand the medians, by the clock and by CPU. Programs run with the bytecode of their modules kept, as any installed
program does, whatever the environment of the benchmark says.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
import pymysql

from connectors import connect
from connectors.abilities import HasQueries
from tests.benchmarks.bench_extract import fetch
from tests.benchmarks.bench_sync import column, warehouse
from tests.benchmarks.floor import MARIADB_BARE

DRIVERS = {"postgres": "psycopg", "mysql": "pymysql"}
STARTER = """
import os, sys, time
started = time.perf_counter()
quiet = [(os.POSIX_SPAWN_OPEN, to, "/dev/null", os.O_WRONLY, 0) for to in (1, 2)]
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet)
_pid, status, used = os.wait4(pid, 0)
print(time.perf_counter() - started, used.ru_maxrss, used.ru_utime + used.ru_stime)
sys.exit(status != 0)
"""
"""Starts a program by its path and prints its seconds, its peak in KiB and its seconds of CPU."""
RECIPE = """
source:
  type: postgres
  config: {{host_port: "127.0.0.1:5432", database: {database}, username: postgres, profiling: {{enabled: false}}}}
sink: {{type: file, config: {{filename: {target}}}}}
"""


def main() -> None:
    """Print one JSON document a size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, nargs="*", default=[2_000, 10_000])
    parser.add_argument("--mariadb", type=int, default=0)
    parser.add_argument("--datahub", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    walls: list[float] = []
    for number, tables in enumerate(options.tables):
        with warehouse(tables, 20) as url:
            found = measured("postgres", url, options.runs, lambda url=url: fetch(url))
            found = {"source": "postgres", "tables": tables, **found, "statements": statements(url)}
            walls.append(found["seconds"])
            if options.datahub and number == 0:
                found |= datahub(options.datahub, url, found)
            if number:
                found["times_the_first_size"] = round(walls[-1] / walls[0], 2)
            print(json.dumps(found), flush=True)
    if options.mariadb:
        with mariadb(options.mariadb) as (url, bare):
            found = measured("mysql", url, options.runs, bare)
            print(json.dumps({"source": "mysql", "tables": options.mariadb, **found}), flush=True)


def measured(type_: str, url: str, runs: int, bare: Any) -> dict[str, Any]:
    """The bare queries, a sync, the floor and the imports alone in turn; the best of each, and medians."""
    fetched, synced, floors, imports = [], [], [], []
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(runs):
        fetched.append(bare())
        with tempfile.TemporaryDirectory() as home:
            env = {**kept, "DOCENT_HOME": home}
            command = [str(Path(sys.executable).parent / "docent")]
            made = {"env": env, "check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            password = b"correct horse battery"
            start = [*command, "init", "--workspace", "B", "--admin", "b@example.com", "--password-stdin"]
            subprocess.run(start, input=password, **made)
            add = [*command, "integration", "add", "w", "--type", type_, "--set", f"url={url}"]
            subprocess.run(add, **made)
            synced.append(timed([*command, "sync", "w"], env))
            floor = [sys.executable, "-m", "tests.benchmarks.floor", url, str(Path(home) / "floor.sqlite3")]
            floors.append(timed(floor, env))
            imports.append(timed([sys.executable, "-c", f"import sqlalchemy, {DRIVERS[type_]}"], env))
    seconds, peak, _cpu = min(synced)
    found = {
        "bare_seconds": round(min(fetched), 2),
        "seconds": round(seconds, 2),
        "ratio": round(seconds / min(fetched), 2),
        "cpu_seconds": round(min(cpu for *_rest, cpu in synced), 2),
        "peak_mb": round(peak),
        "median_bare_seconds": round(median(fetched), 2),
        **medians("", synced),
        "median_ratio": round(median(wall for wall, *_rest in synced) / median(fetched), 2),
    }
    return found | {
        "floor_seconds": round(min(floors)[0], 2),
        **medians("floor_", floors),
        "floor_peak_mb": round(max(peak for _wall, peak, _cpu in floors)),
        "floor_to_bare": round(min(floors)[0] / min(fetched), 2),
        "times_the_floor": round(seconds / min(floors)[0], 2),
        "times_the_floors_cpu": round(
            median(cpu for *_rest, cpu in synced) / median(cpu for *_rest, cpu in floors), 2
        ),
        **medians("imports_", imports),
        "imports_peak_mb": round(max(peak for _wall, peak, _cpu in imports)),
    }


def medians(name: str, runs: Sequence[tuple[float, float, float]]) -> dict[str, float]:
    """The medians of wall time and of CPU."""
    return {
        f"median_{name}seconds": round(median(wall for wall, *_rest in runs), 2),
        f"median_{name}cpu_seconds": round(median(cpu for *_rest, cpu in runs), 2),
    }


def timed(command: list[str], env: dict[str, str]) -> tuple[float, float, float]:
    """Seconds of the clock, peak memory in MB and seconds of CPU of a process. On a busy machine compare the CPU.

    A small process starts it: Linux counts what the starter holds as the peak of what it starts, and a benchmark that
    has fetched 10,000 tables holds more than a sync of them.
    """
    starter = [sys.executable, "-I", "-S", "-c", STARTER, *command]
    told = subprocess.run(starter, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    seconds, peak, cpu = map(float, told.stdout.split())
    return seconds, peak / 1024, cpu


def statements(url: str) -> int:
    """How many statements a sync sends to the source."""
    sent = 0
    execute, stream = psycopg.Cursor.execute, psycopg.Cursor.stream

    def counted_execute(self: Any, *given: Any, **named: Any) -> Any:
        nonlocal sent
        sent += 1
        return execute(self, *given, **named)

    def counted_stream(self: Any, *given: Any, **named: Any) -> Any:
        nonlocal sent
        sent += 1
        return stream(self, *given, **named)

    psycopg.Cursor.execute, psycopg.Cursor.stream = counted_execute, counted_stream  # type: ignore[method-assign]
    try:
        connector = connect("postgres", {"url": url}, {})
        for _ in connector.extract():
            pass
        if isinstance(connector, HasQueries):
            list(connector.queries())
    finally:
        psycopg.Cursor.execute, psycopg.Cursor.stream = execute, stream  # type: ignore[method-assign]
    return sent


def datahub(venv: Path, url: str, ours: dict[str, Any]) -> dict[str, Any]:
    """DataHub's ingest of the same database into a file."""
    with tempfile.TemporaryDirectory() as home:
        recipe = Path(home) / "recipe.yml"
        recipe.write_text(RECIPE.format(database=url.rsplit("/", 1)[1], target=Path(home) / "out.json"))
        env = {**os.environ, "DATAHUB_TELEMETRY_ENABLED": "false"}
        seconds, peak, _cpu = timed([str(venv / "bin" / "datahub"), "ingest", "run", "-c", str(recipe)], env)
    return {
        "datahub_seconds": round(seconds, 1),
        "datahub_peak_mb": round(peak),
        "times_faster": round(seconds / ours["seconds"], 1),
        "times_less_memory": round(peak / ours["peak_mb"], 1),
    }


@contextmanager
def mariadb(tables: int) -> Iterator[tuple[str, Any]]:
    """A MariaDB database with that many tables; yields its URL and a function that times the bare queries."""
    name = f"docent_bench_{uuid.uuid4().hex[:8]}"
    server = pymysql.connect(host="127.0.0.1", user="root", autocommit=True)

    def bare() -> float:
        started = time.perf_counter()
        with pymysql.connect(host="127.0.0.1", user="root") as fetching, fetching.cursor() as cursor:
            for statement in MARIADB_BARE:
                cursor.execute(statement, (name,))
                cursor.fetchall()
        return time.perf_counter() - started

    with server.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        try:
            columns = ", ".join(f"{column(i)} varchar(80) COMMENT 'what it is'" for i in range(2, 20))
            for number in range(tables):
                cursor.execute(
                    f"CREATE TABLE {name}.t_{number} (id int PRIMARY KEY, parent_id int, {columns})"
                )
            yield f"mysql://root@127.0.0.1/{name}", bare
        finally:
            cursor.execute(f"DROP DATABASE {name}")
    server.close()


if __name__ == "__main__":
    main()
