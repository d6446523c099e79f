"""How long the guard takes, how small a large result stays, how fast names are checked. Run as a script.

python -m tests.benchmarks.bench_guard [ROWS]   (5000000 for the large result of the promises; less by default)
"""

from __future__ import annotations

import gc
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from plugin.run_sql import NameIndex, check_names
from plugin.run_sql.batch import Checker
from plugin.run_sql.download import as_csv, as_parquet
from plugin.run_sql.guard import warm
from plugin.run_sql.results import Column, Owner, Results
from tests.run_sql.test_corpus import WORLD as CORPUS_WORLD

CORPUS = Path(__file__).parents[1] / "run_sql" / "corpus"
WORLD = {
    "sales.orders": [
        "id",
        "customer_id",
        "order_date",
        "status",
        "total",
        "currency",
        "note",
        "meta",
        "tags",
    ],
    "sales.customers": ["id", "name", "email", "country", "region", "created_at"],
}
PART = (
    "SELECT o.status, o.order_date, SUM(o.total) AS s{n}, ROW_NUMBER() OVER (PARTITION BY o.customer_id ORDER BY o.order_date)"
    " AS r{n} FROM sales.orders o JOIN sales.customers c ON c.id = o.customer_id WHERE o.status = 'paid' AND c.country IN ('DE', 'US')"
    " GROUP BY o.status, o.order_date, o.customer_id"
)


def times(action: Callable[[], object], rounds: int) -> list[float]:
    """Milliseconds of each round."""
    found = []
    for _ in range(rounds):
        start = time.thread_time()  # of this thread's CPU: others' work on the machine is not the guard's
        action()
        found.append((time.thread_time() - start) * 1000)
    return sorted(found)


def guard() -> None:
    """Ten kilobytes per engine, and every statement of the corpus."""
    checker = Checker(columns=WORLD, default_schema="public")
    corpus_checker = Checker(columns=CORPUS_WORLD, default_schema="public")
    warm()
    gc.collect()
    gc.freeze()  # as `docent serve` does once it has started
    gc.set_threshold(50_000, 20, 20)  # as every command of docent
    parts = []
    while sum(map(len, parts)) + 11 * len(parts) < 10_000:
        parts.append(PART.format(n=len(parts)))
    large = " UNION ALL ".join(parts)
    for path in sorted(CORPUS.glob("*.jsonl")):
        cases = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        small = []
        right = {"accept": 0, "reject": 0}
        given = {"accept": 0, "reject": 0}
        for case in cases:
            start = time.thread_time()
            decision = corpus_checker.check(case["sql"], case["dialect"]).decision
            small.append((time.thread_time() - start) * 1000)
            given[case["expect"]] += 1
            right[case["expect"]] += decision == case["expect"]
        big = times(lambda name=path.stem: checker.check(large, name), 100)  # type: ignore[misc]
        assert checker.check(large, path.stem).accepted
        print(
            f"guard {path.stem:<11} accepted {right['accept'] / given['accept']:.1%} of good, "
            f"refused {right['reject'] / given['reject']:.1%} of bad   corpus median {statistics.median(small):6.2f} ms   "
            f"10 kB median {statistics.median(big):6.2f} ms  p99 {big[98]:6.2f} ms"
        )


def typical() -> None:
    """A statement of a few hundred characters, as an assistant writes them."""
    checker = Checker(columns=WORLD, default_schema="public")
    found = times(lambda: checker.check(PART.format(n=1), "postgres"), 300)
    print(f"guard, {len(PART)} characters: median {statistics.median(found):.2f} ms, p99 {found[296]:.2f} ms")


def names() -> None:
    """A catalog of 100,000 columns."""
    index = NameIndex.of({f"db.s{n % 50}.table_{n}": [f"c_{n}_{c}" for c in range(20)] for n in range(5000)})
    sql = "SELECT a.c_77_3, a.c_77_x, b.c_51_1 FROM s27.table_77 a JOIN s1.tabel_51 b ON a.c_77_1 = b.c_51_2"
    found = times(lambda: check_names(sql, "postgres", index), 50)
    print(f"check_names, 100,000 columns, one invented table: median {statistics.median(found):.2f} ms")


def large_result(rows: int) -> None:
    """A result is written, paged and downloaded; memory over the start of it."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    results = Results()
    owner = Owner(1, 1, "bench")
    result = results.start(owner, [Column("n", "int"), Column("text", "text"), Column("share", "float")])
    for first in range(0, rows, 1000):
        results.add(result, [(n, f"some text of row {n}", n / 7) for n in range(first, first + 1000)])
    results.finish(result)
    for offset in range(0, rows, rows // 50):
        result.page(offset, 100)
    written = sum(len(piece) for piece in as_csv(result))
    packed = sum(len(piece) for piece in as_parquet(result))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(
        f"result of {rows:,} rows: {written / 1e6:.0f} MB of CSV, {packed / 1e6:.0f} MB of Parquet, "
        f"peak memory {grown:.0f} MB over the start"
    )
    results.close()


if __name__ == "__main__":
    large_result(int(sys.argv[1]) if len(sys.argv) > 1 else 500_000)
    names()
    typical()
    guard()
