"""How long a statement that runs goes on after somebody cancels it (figure: within a second), for each engine.

python -m tests.benchmarks.bench_cancel [TIMES]   (5 unless told)

PostgreSQL, MariaDB, SQLite and DuckDB are real, with the databases of the run tests. Seconds from `cancel()` until the
run has come back with QueryStopped; the engine's own list of activity is empty at most one look later.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from connectors.abilities import Cancel, RunLimits
from connectors.errors import QueryStopped
from tests.asynchronous import HOUR, until, when
from tests.connectors.databases import RUNS, Rig


def measure(rig: Rig) -> float:
    """Seconds of one cancel."""
    before, pressed = len(rig.statements()), [0.0]

    def press(stop: Cancel) -> None:
        time.sleep(0.3)  # it is at work, and not only sent
        pressed[0] = time.perf_counter()
        stop.cancel()

    def running(stop: Cancel) -> None:
        when(lambda: any(rig.slow in each for each in rig.statements()[before:]), lambda: press(stop))

    connector: Any = rig.connector()
    with contextlib.suppress(QueryStopped):
        connector.run(rig.slow, RunLimits(seconds=HOUR), running)
    took = time.perf_counter() - pressed[0]
    until(lambda: rig.running() == 0)
    return took


def main() -> None:
    """Each engine in turn."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    for type in sorted(RUNS):
        with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
            with RUNS[type](Path(folder), patch).made() as rig:
                rig.shop()
                took = sorted(measure(rig) for _ in range(times))
        print(f"{type:<10} cancel: median {1000 * took[times // 2]:6.0f} ms, most {1000 * took[-1]:6.0f} ms")


if __name__ == "__main__":
    main()
