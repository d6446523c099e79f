"""How long redaction takes, and how well it does on texts made up with a fresh seed.

    python -m tests.benchmarks.bench_redaction [--seed N]

Prints one JSON object: milliseconds for a prompt of 1,000 characters (median, p95) of three kinds, and the shares of
secrets and personal data hidden, of words kept and of harmless texts untouched.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterator

from plugin.egress.redact import redact
from tests.egress.corpus import Case, cases
from tests.egress.test_redact import Score

ROUNDS = 200
QUESTION = (
    "Which tables in sales hold customer orders with order_date, status and total per region, and who owns fct_orders? "
    "I want the revenue by month from sales.orders joined with sales.customers over customer_id. "
)


def prompts(seed: int) -> Iterator[tuple[str, str]]:
    """A question without anything to find, one with a finding or two, and one that is full of them."""
    made = [case.text for case in cases(seed, rounds=1) if len(case.text) < 200]
    dense = " ".join(made[::7])
    yield "plain", (QUESTION * 6)[:1000]
    yield "typical", (f"Why is jane.doe@example.com twice? Call +49 30 901820. {QUESTION * 6}")[:1000]
    yield "dense", dense[:1000]


def milliseconds(text: str) -> list[float]:
    """Each round's time."""
    redact(text)
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        redact(text)
        times.append((time.perf_counter() - began) * 1000)
    return sorted(times)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=int(time.time()))
    seed = parser.parse_args().seed
    out: dict[str, object] = {"seed": seed}
    for name, text in prompts(seed):
        times = milliseconds(text)
        out[name] = {
            "ms_median": round(statistics.median(times), 3),
            "ms_p95": round(times[int(ROUNDS * 0.95)], 3),
        }
    score = Score()
    made: list[Case] = list(cases(seed))
    for case in made:
        score.add(case)
    out["texts"] = len(made)
    out["shares"] = {name: round(score.share(name), 4) for name in score.counts}
    print(json.dumps(out, indent=2))


if __name__ == "__main__":
    main()
