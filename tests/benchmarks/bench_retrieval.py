"""Retrieval over an evaluation catalog, in one run.

    python tests/benchmarks/bench_retrieval.py FOLDER      # with catalog.jsonl.gz and questions-dev.jsonl

Prints the metrics per setting. What the assistant sends of it is measured by bench_context.py.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from plugin.catalog import evaluate


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    catalog, questions = str(args.folder / "catalog.jsonl.gz"), str(args.folder / "questions-dev.jsonl")
    began = time.perf_counter()
    for setting, metrics in evaluate.retrieval(catalog, questions).items():
        print(
            setting,
            "  ".join(f"{name}={value:.4g}" for name, value in metrics.items() if value is not None),
        )
    print(f"{time.perf_counter() - began:.0f} s in all")


if __name__ == "__main__":
    main()
