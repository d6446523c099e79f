"""Finding a column by what it means: its description is taken away, and asked with.

    python tests/benchmarks/bench_columns.py FOLDER [--most 150]      # FOLDER holds one dbt project in each folder

Reads the YAML of models, sources, seeds and snapshots with their docs blocks. Of each project up to `--most` described
columns are drawn (always the same ones), and their descriptions hidden wherever they stand word for word, so that no
copy answers for them. The project is imported into a workspace of its own, and each hidden description is asked for
with the product's own search for columns. Prints in how many cases the very column is among the first 10, and in how
many a column of that name is (in `orders.customer_id` and `refunds.customer_id` the same words may stand).
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from plugin.catalog import evaluate
from plugin.catalog.sync.imports import import_path
from plugin.config import read_config
from plugin.store import open_store

FIRST = 10
LONGEST = 400
FEWEST_WORDS = 3
"""A description of fewer words asks for nothing in particular."""
DOCS = re.compile(r"\{%-?\s*docs\s+(\w+)\s*-?%\}(.*?)\{%-?\s*enddocs\s*-?%\}", re.DOTALL)
DOC = re.compile(r"\{\{\s*doc\(([^)]*)\)\s*\}\}")

Tables = dict[tuple[str, str], dict[str, str]]
"""(schema, table) -> column -> description."""


@dataclass
class Outcome:
    """What came of one project."""

    tables: int = 0
    columns: int = 0
    asked: int = 0
    found: int = 0
    named: int = 0
    seconds: float = 0.0


def documented(project: Path) -> Tables:
    """The tables of a dbt project with the descriptions of their columns."""
    blocks: dict[str, str] = {}
    for path in sorted(project.rglob("*.md")):
        for name, body in DOCS.findall(path.read_text(encoding="utf-8", errors="replace")):
            blocks.setdefault(name, body.strip())
    tables: Tables = defaultdict(dict)
    for path in sorted([*project.rglob("*.yml"), *project.rglob("*.yaml")]):
        try:
            read = yaml.safe_load(path.read_text(encoding="utf-8", errors="replace"))
        except (yaml.YAMLError, ValueError):
            continue
        if isinstance(read, dict):
            for schema, table in _tables(read):
                into = tables[(schema, str(table["name"]))]
                for column in table.get("columns") or ():
                    if isinstance(column, dict) and column.get("name"):
                        text = DOC.sub(
                            lambda match: blocks.get(_last(match[1]), ""),
                            str(column.get("description") or ""),
                        )
                        into[str(column["name"])] = " ".join(text.split())
    return {place: columns for place, columns in tables.items() if columns}


def _tables(read: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind in ("models", "seeds", "snapshots"):
        for each in _dicts(read.get(kind)):
            yield kind, each
    for source in _dicts(read.get("sources")):
        for each in _dicts(source.get("tables")):
            yield str(source["name"]), each


def _dicts(found: Any) -> list[dict[str, Any]]:
    return (
        [each for each in found if isinstance(each, dict) and each.get("name")]
        if isinstance(found, list)
        else []
    )


def _last(arguments: str) -> str:
    return arguments.split(",")[-1].strip().strip("'\"")


def measure(project: Path, most: int, shown: bool = False) -> Outcome:
    """Hide (or not, where `shown`), import, ask."""
    tables = documented(project)
    every = [
        (*place, column, text)
        for place, columns in sorted(tables.items())
        for column, text in sorted(columns.items())
        if len(text.split()) >= FEWEST_WORDS
    ]
    outcome = Outcome(len(tables), sum(map(len, tables.values())))
    drawn = random.Random(0).sample(every, min(most, len(every)))
    hidden = set() if shown else {text for *_place, text in drawn}
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(read_config({"DOCENT_HOME": folder}))
        try:
            viewer = evaluate._workspace(store)
            lines = Path(folder) / "project.jsonl"
            with lines.open("w", encoding="utf-8") as file:
                for (schema, table), columns in tables.items():
                    columns_shown = [
                        {"name": name, **({"description": text} if text and text not in hidden else {})}
                        for name, text in columns.items()
                    ]
                    line = {
                        "entity_type": "table",
                        "databuilder_id": f"{schema}.{table}",
                        "title": table,
                        "database": "dbt",
                        "schema": schema,
                        "columns": columns_shown,
                    }
                    file.write(json.dumps(line) + "\n")
            import_path(store, viewer, str(lines), integration="dbt")
            for schema, table, column, text in drawn:
                with store.as_viewer(viewer) as mine:
                    hits = mine.catalog.search(text[:LONGEST], kinds=("column",), limit=FIRST).hits
                outcome.asked += 1
                names = [(hit.resource.path[-2:], hit.resource.name) for hit in hits]
                outcome.found += ((schema, table), column) in names
                outcome.named += any(name == column for _place, name in names)
        finally:
            store.close()
    outcome.seconds = time.perf_counter() - began
    return outcome


def main() -> None:
    """Measure each project and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--most", type=int, default=150)
    parser.add_argument("--shown", action="store_true", help="leave the descriptions where they are")
    args = parser.parse_args()
    print(
        f"{'project':<34} {'tables':>6} {'columns':>8} {'asked':>6} {'found':>6} {'by name':>8} {'seconds':>8}"
    )
    outcomes = []
    for project in sorted(path for path in args.folder.iterdir() if path.is_dir()):
        each = measure(project, args.most, args.shown)
        if not each.asked:
            continue
        outcomes.append(each)
        _print(project.name, each)
    if outcomes:
        every = Outcome(
            *(sum(getattr(each, name) for each in outcomes) for name in Outcome.__dataclass_fields__)
        )
        _print("all", every)
        mean = sum(each.found / each.asked for each in outcomes) / len(outcomes)
        print(f"mean over {len(outcomes)} projects: {mean:.2f}")


def _print(name: str, each: Outcome) -> None:
    print(
        f"{name[:34]:<34} {each.tables:>6} {each.columns:>8} {each.asked:>6} {each.found / each.asked:>6.2f}"
        f" {each.named / each.asked:>8.2f} {each.seconds:>8.1f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
