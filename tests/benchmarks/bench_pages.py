"""How long each page takes on the sample company: p50 and p95 in milliseconds, over real HTTP.

    python tests/benchmarks/bench_pages.py [--rounds 40]

`docent serve` runs as a process of its own; the admin is signed in with a cookie and loads page after page, each in its
turn so that none is only ever seen warm. The figure: every page's p95 under 100 ms. Exits with 1 where one is not.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks.bench_streams import free_port, p, running

PAGES = (
    "/", "/search?q=customer+order", "/search?q=zzzqqq", "/catalog", "/catalog/level?integration=1", "/glossary",
    "/assistant", "/integrations", "/integrations/new", "/integrations/new?type=postgres", "/integrations/1", "/members",
    "/members/teams", "/members/teams/1", "/members/groups", "/settings/ai", "/audit", "/ledger", "/usage", "/trust",
    "/trust/data-flow", "/trust/register", "/me", "/history/templates", "/history/shared", "/history/mine",
    "/api/v1/docs", "/api/v1/search?q=orders", "/api/v1/suggest?q=ord", "/no-such-page",
)  # fmt: skip
TABS = ("overview", "columns", "lineage", "sql", "usage", "activity")
FIGURE = 100.0


def signed_in(base: str) -> httpx.Client:
    """A browser's cookie for the admin of the sample company."""
    from plugin.demo import PASSWORD

    client = httpx.Client(base_url=base, timeout=60)
    form = client.get("/sign-in").text
    found = re.search(r'name="csrf_token" value="([^"]+)"', form)
    assert found
    answer = client.post(
        "/sign-in", data={"email": "maren@harbor.example", "password": PASSWORD, "csrf_token": found.group(1)}
    )
    assert answer.status_code == 303, answer.status_code
    return client


def main() -> None:
    """Build, serve, load, print."""
    from plugin.config import read_config
    from plugin.demo import build
    from plugin.store import open_store

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=40)
    given = parser.parse_args()
    port = free_port()
    with tempfile.TemporaryDirectory() as home, contextlib.ExitStack() as held:
        config = read_config({"DOCENT_HOME": home})
        store = open_store(config)
        build(store, config, lambda line: None)
        store.close()
        serve = [sys.executable, "-c", "from plugin.cli import main; main()", "serve", "--port", str(port)]
        held.enter_context(running(serve, port, {**os.environ, "DOCENT_HOME": home}))
        client = signed_in(f"http://127.0.0.1:{port}")
        view = re.search(r'href="(/r/\d+)"', client.get("/search?q=revenue_daily").text)
        assert view
        paths = [*PAGES, *(f"{view.group(1)}/{tab}" for tab in TABS)]
        times: dict[str, list[float]] = {path: [] for path in paths}
        for turn in range(given.rounds + 2):
            for path in paths:
                began = time.perf_counter()
                answer = client.get(path)
                took = 1000 * (time.perf_counter() - began)
                assert answer.status_code in (200, 404), f"{path}: {answer.status_code}"
                if turn >= 2:
                    times[path].append(took)
    slow = []
    for path, sample in sorted(times.items(), key=lambda pair: -p(pair[1], 0.95)):
        p95 = p(sample, 0.95)
        slow += [path] if p95 >= FIGURE else []
        print(f"{path:36} p50 {statistics.median(sample):6.1f} ms  p95 {p95:6.1f} ms")
    every = [each for sample in times.values() for each in sample]
    print(
        f"{len(times)} pages: p50 {statistics.median(every):.1f} ms, p95 {p(every, 0.95):.1f} ms; over {FIGURE:.0f} ms: {slow or 'none'}"
    )
    sys.exit(bool(slow))


if __name__ == "__main__":
    main()
