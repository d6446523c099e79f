"""A large result through a server that people use: run, paged, downloaded, and what that costs in memory.

python -m tests.benchmarks.bench_result [ROWS] [WORKERS]   (5,000,000 rows and 1 process unless told)

`docent serve` runs as a process of its own and is spoken to over HTTP with a browser's session. Memory is the peak that
the system counted for each web process (VmHWM, set back once the pages are warm), over what it held then.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from pathlib import Path

from tests.web.served import Client, Served, home_with_numbers, served

TEXT = (
    "SELECT a.n * 1000000 + b.n * 1000 + c.n AS n, 'some text of row ' || c.note AS text, b.n / 7.0 AS share "
    "FROM thousand a, thousand b, thousand c WHERE a.n < 1000 LIMIT {rows}"
)


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
        integration = home_with_numbers(Path(folder) / "docent", rows=10_000_000)
        with served(Path(folder) / "docent", Path(folder) / "tmp", workers=workers) as server:
            measure(server, integration, rows)


if __name__ == "__main__":
    main()
