"""How soon an answer shows a sign of life, and how long the built-in assistant takes, over a large catalog.

    python tests/benchmarks/bench_first_event.py [--resources 100000] [--questions 60]

Prints p50 and p95 in milliseconds: from the request to the first event (figure: under 100 ms at 100,000 resources), to
the end of the context's search, and to the end of the whole answer by `builtin`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from plugin.access.viewer import Viewer
from plugin.assistant import Question, ask
from plugin.config import read_config
from plugin.egress.gateway import Gateway
from plugin.store import Store, open_store
from tests.benchmarks.search_workspace import fill, made_models, people

QUESTIONS = (
    "where can I find data about customer payments?", "who owns the most popular tables?", "which tables have invoice_id",
    "how many tables are there?", "describe customer orders", "what depends on product budget", "undocumented tables",
    "which columns look personal?", "how do customers and orders join?", "total amount by month of payments",
)  # fmt: skip


def once(store: Store, gateway: Gateway, viewer: Viewer, text: str) -> tuple[float, float, float]:
    """Seconds to the first event, to the end of the search for context, to the end."""
    began = time.perf_counter()
    first = searched = 0.0
    for event in ask(store, gateway, viewer, Question(text)):
        now = time.perf_counter() - began
        first = first or now
        if not searched and event.name == "step" and event.data["tool"] == "context":
            searched = now
        assert event.name != "error", event.data
    return first, searched, time.perf_counter() - began


def main() -> None:
    """Fill a workspace, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--resources", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=60)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        config = read_config({"DOCENT_HOME": home})
        store = open_store(config)
        fill(store, made_models(), given.resources, 19)
        admin, member = people(store)
        assert member is not None
        gateway = Gateway(store, config)
        with store.as_admin(admin) as door:
            door.settings.set("ai.guests_may_ask", True)
            door.settings.set("ai.limits.requests_per_minute", 1000)
        for name, viewer in (("admin, sees all", admin), ("member, sees 6 %", member)):
            times = [
                once(store, gateway, viewer, QUESTIONS[number % len(QUESTIONS)])
                for number in range(given.questions)
            ]
            for place, what in enumerate(("first event", "context searched", "whole answer")):
                sample = sorted(1000 * each[place] for each in times)
                p95 = sample[int(len(sample) * 0.95)]
                print(
                    f"{given.resources:,} resources, {name}: {what}: p50 {statistics.median(sample):.1f} ms, p95 {p95:.1f} ms"
                )
        store.close()


if __name__ == "__main__":
    main()
