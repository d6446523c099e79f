"""Tokens of schema that the assistant sends for a question, against the tables that the question needs.

    python tests/benchmarks/bench_context.py FOLDER      # with catalog.jsonl.gz and questions-dev.jsonl

Each question is asked over the tables of its database (setting B of the data). What is measured is the text that the
gateway renders from the entries that the assistant would send, in their order, as characters / 4: under the
assistant's own budget and cut, and again without either, until every gold table is among them. Printed are the tokens
at the median, the 80th and the 90th percentile, how many questions are never covered, and what is sent in all. Every
question is built twice: a second text that differs by one byte stops the run, for then no prompt cache would hit.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from plugin.assistant.conversation import LONGEST_SEARCH, MOST_SCHEMA_TOKENS
from plugin.catalog import evaluate
from plugin.catalog.context import FAR_BEHIND, ContextEntry, build_context
from plugin.config import read_config
from plugin.egress.parts import Context, Conversation
from plugin.egress.render import render
from plugin.providers.wire import Text
from plugin.store import open_store
from plugin.tools.fragments import entry_fragment

NO_BUDGET = 1_000_000


def rendered(entry: ContextEntry) -> str:
    """One entry as it leaves, without the marks around the block."""
    parts = (Context((entry_fragment(entry),)),)
    request = render(
        Conversation(parts),
        parts,
        (),
        model="none",
        max_tokens=1,
        patterns=(),
        regions=(),
        redacting=False,
    ).request
    (piece,) = request.messages[0].parts
    assert isinstance(piece, Text)
    return "\n".join(piece.text.split("\n")[1:-1])


class Coverage:
    """Tokens until covered, and tokens in all, of each question."""

    def __init__(self) -> None:
        self.until: list[float] = []
        self.sent: list[float] = []

    def add(self, tokens: Sequence[float], families: Sequence[str], gold: Sequence[str]) -> None:
        """One question: what each entry costs, which family it is of, and which are needed."""
        missing, spent, covered = set(gold), 0.0, math.inf
        for cost, family in zip(tokens, families, strict=True):
            spent += cost
            missing.discard(family)
            if not missing and covered == math.inf:
                covered = spent
        self.until.append(covered)
        self.sent.append(spent)

    def line(self) -> str:
        """The figures in one line."""
        at = sorted(self.until)
        shares = "  ".join(
            f"p{share} {at[min(len(at) - 1, len(at) * share // 100)]:.0f}" for share in (50, 80, 90)
        )
        never = sum(each == math.inf for each in at)
        return f"until covered: {shares}  never: {never} of {len(at)}  sent: {statistics.median(self.sent):.0f} (median)"


def measure(catalog: str, questions: str) -> dict[str, Coverage]:
    """Import, build the context of each question, render it."""
    found = {"as sent": Coverage(), "no budget": Coverage()}
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(read_config({"DOCENT_HOME": folder}))
        viewer = evaluate._workspace(store)
        tables = evaluate._import(store, viewer, Path(folder), catalog)
        back = {
            resource: tables[table]
            for table, resource in evaluate._resource_ids(store, viewer, tables).items()
        }
        groups: dict[tuple[str, str], list[int]] = defaultdict(list)
        for resource, table in back.items():
            for group in table.groups:
                groups[(table.place[0], group)].append(resource)
        for question in evaluate._lines(questions):
            only = groups[(question["engine"], question["db_group"])]
            text = question["question"][:LONGEST_SEARCH]
            for name, budget, cut_off in (
                ("as sent", MOST_SCHEMA_TOKENS, FAR_BEHIND),
                ("no budget", NO_BUDGET, 0.0),
            ):
                with store.as_viewer(viewer.as_assistant()) as mine:
                    entries = build_context(mine.catalog, text, budget, only=only, cut_off=cut_off)
                    again = entries
                    if name == "as sent":
                        again = build_context(mine.catalog, text, budget, only=only, cut_off=cut_off)
                texts = [rendered(entry) for entry in entries]
                if texts != [rendered(entry) for entry in again]:
                    raise SystemExit(f"{question['id']}: the same question gave another text")
                families = [back[entry.resource.id].family for entry in entries]
                found[name].add([len(each) / 4 for each in texts], families, question["gold_families"])
        store.close()
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    began = time.perf_counter()
    found = measure(str(args.folder / "catalog.jsonl.gz"), str(args.folder / "questions-dev.jsonl"))
    for name, coverage in found.items():
        print(f"{name:<10} {coverage.line()}")
    print(f"{time.perf_counter() - began:.0f} s in all")


if __name__ == "__main__":
    main()
