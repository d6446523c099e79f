"""A large result through a server that people use: run, paged, downloaded, and what that costs in memory.

python -m tests.benchmarks.bench_result [ROWS] [WORKERS]   (5,000,000 rows and 1 process unless told)

`docent serve` runs as a process of its own and is spoken to over HTTP with a browser's session. Memory is the peak that
the system counted for each web process (VmHWM, set back once the pages are warm), over what it held then.

First, how long a cancel takes to come back on PostgreSQL, MariaDB, DuckDB and SQLite, and how many statements of it the
server's own activity view shows then (the file engines have none: there it is whether the thread that ran it has ended).
"""

from __future__ import annotations

import hashlib
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from connectors import connect
from connectors.abilities import RunLimits
from connectors.errors import SourceError
from tests.asynchronous import until
from tests.web.served import Client, Served, home_with_numbers, served

TEXT = (
    "SELECT a.n * 1000000 + b.n * 1000 + c.n AS n, 'some text of row ' || c.note AS text, b.n / 7.0 AS share "
    "FROM thousand a, thousand b, thousand c WHERE a.n < 1000 LIMIT {rows}"
)


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
POSTGRES = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
MARIADB = "mysql+pymysql://root@127.0.0.1:3306/mysql"


def cancels(folder: Path) -> None:
    """Start a statement without an end on each engine, stop it, print. One that is not at hand is named."""
    import duckdb

    sqlite3.connect(folder / "a.db").close()
    duckdb.connect(str(folder / "a.duckdb")).close()
    for name, url, sql, activity in (
        ("sqlite", f"sqlite:///{folder / 'a.db'}", ENDLESS, None),
        ("duckdb", f"duckdb:///{folder / 'a.duckdb'}", ENDLESS, None),
        (
            "postgres", POSTGRES, "SELECT pg_sleep(3601)",
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%%sleep(3601)%%'"
            " AND pid <> pg_backend_pid()",
        ),
        (
            "mysql", MARIADB, "SELECT SLEEP(3601)",
            "SELECT count(*) FROM information_schema.processlist WHERE info LIKE '%%SLEEP(3601)%%'"
            " AND id <> connection_id()",
        ),
    ):  # fmt: skip
        try:
            view = None if activity is None else create_engine(url).connect()
        except OperationalError:
            print(f"cancel, {name:<10} not at hand")
            continue
        left = partial(_shown, view, activity)
        print(f"cancel, {name:<10} " + _cancelled(name, url, sql, left if view is not None else None))
        if view is not None:
            view.close()


def _shown(view: Any, activity: Any) -> int:
    found = int(view.exec_driver_sql(activity).scalar())
    view.rollback()
    return found


def _cancelled(name: str, url: str, sql: str, left: Callable[[], int] | None) -> str:
    """Run it in a thread, cancel it once the server shows it; what came of that."""
    runner: Any = connect(name, {"url": url}, {})
    held: list[Any] = []
    ended: list[str] = []

    def go() -> None:
        try:
            with runner.run(sql, RunLimits(seconds=3600), held.append) as result:
                list(result.batches)
        except SourceError as error:
            ended.append(type(error).__name__)

    thread = threading.Thread(target=go, daemon=True)
    thread.start()
    until(lambda: held)
    if left is None:
        time.sleep(0.5)  # it has begun to work by then, or is stopped before: both are a cancel
    else:
        until(left)
    start = time.perf_counter()
    held[0].cancel()
    back = time.perf_counter() - start
    while left is not None and left() and time.perf_counter() - start < 30:
        pass
    gone = time.perf_counter() - start
    thread.join(30)
    seen = (
        "no activity view"
        if left is None
        else f"{left()} shown by the server, the last gone after {gone:.2f} s"
    )
    return f"back after {back:.2f} s, ended as {ended or 'running'} after {time.perf_counter() - start:.2f} s; {seen}"


def memory(pid: int, what: str) -> int:
    """Kilobytes: VmRSS now, VmHWM at the most."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what))


def begin(server: Served) -> dict[int, int]:
    """Set the peaks back; what each process holds now."""
    for pid in server.answering:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    return {pid: memory(pid, "VmRSS") for pid in server.answering}


def measure(server: Served, integration: int, rows: int) -> None:
    """Run it, read it in every way, print."""
    ada = Client(server.port).sign_in()
    for path in ("/", "/queries", "/catalog"):
        ada.get(path)
    warm = {"integration_id": integration, "sql": "SELECT n FROM thousand LIMIT 10", "confirm": True}
    for _ in server.answering:
        small = ada.api("POST", "/sql/run", warm)[1]["result_id"]
        ada.get(f"/results/{small}.parquet")
        ada.get(f"/results/{small}.csv")
    base = begin(server)

    def peak() -> str:
        found = {pid: (memory(pid, "VmHWM") - held) / 1024 for pid, held in base.items()}
        return ", ".join(f"{each:.0f} MB" for each in found.values())

    def took(said: str, start: float) -> None:
        print(f"{said:<60} {time.perf_counter() - start:8.2f} s   peak over base so far {peak()}")

    start = time.perf_counter()
    body = {"integration_id": integration, "sql": TEXT.format(rows=rows), "confirm": True}
    status, told = ada.api("POST", "/sql/run", body)
    assert status == 200 and told["row_count"] == rows, (status, told.get("row_count"), told.get("detail"))
    took(f"run, {rows:,} rows", start)
    result = told["result_id"]
    print(f"  on the disk, sealed: {sum(each.stat().st_size for each in server.files) / 1e6:.0f} MB")
    for name, offset in (("first", 0), ("middle", rows // 2), ("last", rows - 100)):
        start = time.perf_counter()
        page = ada.api("GET", f"/results/{result}?offset={offset}&limit=100")[1]["rows"]
        assert len(page) == 100 and page[0][0] == offset, page[:1]
        took(f"page, {name}", start)
    for kind in ("csv", "parquet"):
        start, size, lines, digest = time.perf_counter(), 0, 0, hashlib.sha256()
        for piece in ada.pieces(f"/results/{result}.{kind}"):
            size, lines = size + len(piece), lines + piece.count(b"\n")
            digest.update(piece)
        assert kind != "csv" or lines == rows + 1, lines
        took(f"{kind}, {size / 1e6:.0f} MB", start)
    start = time.perf_counter()
    status, bound = ada.api("POST", f"/results/{result}/values", {"name": "r1", "binds": ["r1.sum.n"]})
    assert bound["items"][0]["text"] == str(rows * (rows - 1) // 2), bound
    took("a sum over all rows", start)
    ada.post("/sign-out")
    assert server.files == []


def main() -> None:
    """Build a home, serve it, measure."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000
    workers = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with tempfile.TemporaryDirectory() as folder:
        cancels(Path(folder))
        integration = home_with_numbers(Path(folder) / "docent", rows=10_000_000)
        with served(Path(folder) / "docent", Path(folder) / "tmp", workers=workers) as server:
            measure(server, integration, rows)


if __name__ == "__main__":
    main()
