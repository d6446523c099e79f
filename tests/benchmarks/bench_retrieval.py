"""Retrieval and the context that is sent for it, over an evaluation catalog, in one run.

    python tests/benchmarks/bench_retrieval.py FOLDER      # with catalog.jsonl.gz and questions-dev.jsonl
    python tests/benchmarks/bench_retrieval.py FOLDER --context

Prints the metrics per setting, or with --context the tokens that the assistant sends until every gold table of a
question is among them (setting B), at the median, the 80th and the 90th percentile.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from plugin.catalog import context, evaluate
from plugin.config import read_config
from plugin.store import open_store


def tokens_to_cover(catalog: str, questions: str) -> list[float]:
    """For each question the tokens sent until its tables are covered; infinite where they never are."""
    asked = list(evaluate._lines(questions))
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(read_config({"DOCENT_HOME": folder}))
        viewer = evaluate._workspace(store)
        tables = evaluate._import(store, viewer, Path(folder), catalog)
        ids = evaluate._resource_ids(store, viewer, tables)
        back = {resource: tables[table] for table, resource in ids.items()}
        groups: dict[tuple[str, str], list[int]] = defaultdict(list)
        for resource, table in back.items():
            for group in table.groups:
                groups[(table.place[0], group)].append(resource)
        covers = []
        for question in asked:
            only = groups[(question["engine"], question["db_group"])]
            with store.as_viewer(viewer) as mine:
                entries = context.build_context(
                    mine.catalog, question["question"], 1_000_000, only=only, cut_off=0.0
                )
            missing, sent, cover = set(question["gold_families"]), 0.0, math.inf
            for entry in entries:
                sent += entry.tokens
                missing.discard(back[entry.resource.id].family)
                if not missing:
                    cover = sent
                    break
            covers.append(cover)
        store.close()
    return sorted(covers)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--context", action="store_true")
    args = parser.parse_args()
    catalog, questions = str(args.folder / "catalog.jsonl.gz"), str(args.folder / "questions-dev.jsonl")
    began = time.perf_counter()
    if args.context:
        covers = tokens_to_cover(catalog, questions)
        at = {share: covers[min(len(covers) - 1, int(len(covers) * share))] for share in (0.5, 0.8, 0.9)}
        print(
            "tokens until covered:",
            "  ".join(f"p{share * 100:.0f} {value:.0f}" for share, value in at.items()),
        )
        print(f"never covered: {sum(cover == math.inf for cover in covers)} of {len(covers)}")
    else:
        for setting, metrics in evaluate.retrieval(catalog, questions).items():
            print(
                setting,
                "  ".join(f"{name}={value:.4g}" for name, value in metrics.items() if value is not None),
            )
    print(f"{time.perf_counter() - began:.0f} s in all")


if __name__ == "__main__":
    main()
