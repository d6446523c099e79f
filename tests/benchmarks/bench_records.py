"""What ledger and audit log add to one request to a provider on SQLite (figure: under 3 ms), and what a door costs.

    python tests/benchmarks/bench_records.py [--requests 500] [--others 3]

A request opens a door to enter itself in the ledger before it leaves, and one to complete the entry and write its line
of the audit log. What an empty door costs is taken off, since a request opens those anyway. Prints p50 and p95 in
milliseconds of processor time of the asking thread and of the clock on the wall; then once more while others write
entries of their own to the same workspace, each one every 50 ms, as people who ask at once do: there a request also
waits for the one writer that SQLite has.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from plugin.access.viewer import Viewer
from plugin.config import read_config
from plugin.store import Store, open_store

MANIFEST = {"parts": [{"resource_id": number, "field": "description", "bytes": 80} for number in range(40)]}


def enter(store: Store, viewer: Viewer) -> None:
    """What one request writes."""
    with store.as_viewer(viewer) as mine:
        seq = mine.record.ledger_open(
            provider="openai",
            host="api.openai.com",
            region="us",
            model="m",
            purpose="chat",
            body_bytes=4096,
            body_sha256="0" * 64,
            manifest=MANIFEST,
            chat_id=1,
            prompt_id=1,
        )
    with store.as_viewer(viewer) as mine:
        mine.record.ledger_close(seq, "done", input_tokens=900, output_tokens=120, milliseconds=800)
        mine.record.audit("ask", "allow")


def doors(store: Store, viewer: Viewer) -> None:
    """The same doors, empty."""
    for _ in range(2):
        with store.as_viewer(viewer):
            pass


def measure(times: int, act: Callable[[], None]) -> dict[str, list[float]]:
    """Milliseconds of each run, by the processor's clock and by the wall's."""
    found: dict[str, list[float]] = {"processor": [], "wall": []}
    for _ in range(times):
        wall, processor = time.perf_counter(), time.thread_time()
        act()
        found["processor"].append((time.thread_time() - processor) * 1000)
        found["wall"].append((time.perf_counter() - wall) * 1000)
    return {clock: sorted(each) for clock, each in found.items()}


@contextmanager
def others_at_work(store: Store, viewer: Viewer, count: int) -> Iterator[None]:
    """So many others write entries, each one every 50 ms, until the block ends."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.05):
            enter(store, viewer)

    threads = [threading.Thread(target=work) for _ in range(count)]
    for each in threads:
        each.start()
    try:
        yield
    finally:
        stop.set()
        for each in threads:
            each.join()


def compare(store: Store, viewer: Viewer, requests: int, words: str) -> None:
    """Measure empty doors and full ones in turn, so that both have the same machine; print the difference."""
    empty: dict[str, list[float]] = {"processor": [], "wall": []}
    full: dict[str, list[float]] = {"processor": [], "wall": []}
    for _ in range(requests // 10):
        for kept, act in ((empty, doors), (full, enter)):
            for clock, each in measure(10, lambda act=act: act(store, viewer)).items():  # type: ignore[misc]
                kept[clock] += each
    for clock in ("processor", "wall"):
        base = statistics.median(empty[clock])
        times = sorted(full[clock])
        low, high = (times[int(len(times) * part)] - base for part in (0.5, 0.95))
        print(
            f"{words}: ledger and audit add {low:.2f} ms p50, {high:.2f} ms p95 ({clock}); a door {base / 2:.2f} ms"
        )


def main() -> None:
    """Make a workspace, write, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--others", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        store = open_store(read_config({"DOCENT_HOME": home}))
        with store.sign_in() as door:
            door.create_workspace("Bench", "ada@example.com", "a long password")
            viewer = door.viewer_for_email(None, None)
        measure(20, lambda: enter(store, viewer))
        compare(store, viewer, given.requests, "alone")
        with others_at_work(store, viewer, given.others):
            compare(store, viewer, given.requests, f"with {given.others} others")
        store.close()


if __name__ == "__main__":
    main()
