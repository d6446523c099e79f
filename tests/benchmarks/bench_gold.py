"""How often `check_sql` is wrong about real queries: the gold queries of Spider 2.0-lite against its catalog.

    python -m tests.benchmarks.bench_gold FOLDER_OF_SQL CATALOG.jsonl.gz [SEED]

The folder is `spider2-lite/evaluation_suite/gold/sql` of github.com/xlang-ai/Spider2 (MIT), the catalog its metadata as one
JSON object a table. Prints the queries in which a name that exists is called unknown, and how many are found out in which
one identifier was changed by two letters. An alias where it is given is no name of the catalog and is left alone.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import sys
from collections import defaultdict
from pathlib import Path

from plugin.run_sql.names import NameIndex, NamesChecked, check_names

GIVEN_BEHIND = re.compile(r"(?i)\bas\s*[`\"]?$")


def engine_of(stem: str) -> str:
    """The dataset's own way of saying the engine: local009, sf_bq123, bq123, ga012."""
    return "sqlite" if stem.startswith("local") else "snowflake" if stem.startswith("sf") else "bigquery"


def indexes(catalog: Path) -> dict[str, NameIndex]:
    """Every table of each engine."""
    tables: dict[str, list[tuple[list[str], list[str]]]] = defaultdict(list)
    with gzip.open(catalog, "rt", encoding="utf-8") as lines:
        for line in lines:
            table = json.loads(line)
            parts = [part for part in (table["database"], table["schema"], table["table"]) if part]
            tables[table["integration"]].append((parts, [column["name"] for column in table["columns"]]))
    return {engine: NameIndex(each) for engine, each in tables.items()}


def changed(sql: str, checked: NamesChecked, chance: random.Random) -> str | None:
    """The statement with one name of a table or column changed, outside comments and strings; None where none is."""
    written = sorted({name.written.split(".")[-1].strip('`"') for name in checked.names})
    chance.shuffle(written)
    for name in written:
        if len(name) < 4 or not re.fullmatch(r"\w+", name):
            continue
        places = [
            found
            for found in re.finditer(rf"(?<![\w']){re.escape(name)}(?![\w'])", sql)
            if not GIVEN_BEHIND.search(sql[: found.start()])
            and "--" not in sql[: found.start()].rsplit("\n", 1)[-1]
            and sql[: found.start()].count("'") % 2 == 0
        ]
        if places:
            place, at = chance.choice(places), chance.randrange(len(name))
            return (
                f"{sql[: place.start()]}{name[:at]}{chance.choice('qxzjvk')}{name[at:]}q{sql[place.end() :]}"
            )
    return None


def main(folder: Path, catalog: Path, seed: int) -> None:
    """Print the figures."""
    by_engine, chance = indexes(catalog), random.Random(seed)
    read = unread = found = tried = 0
    wrong: dict[str, list[str]] = {"table": [], "column": []}
    for file in sorted(folder.glob("*.sql")):
        engine, sql = engine_of(file.stem), file.read_text(encoding="utf-8").strip().rstrip(";")
        checked = check_names(sql, engine, by_engine[engine])
        if not checked.parsed:
            unread += 1
            continue
        read += 1
        for kind, stems in wrong.items():
            if any(name.kind == kind for name in checked.unknown):
                stems.append(file.stem)
        other = changed(sql, checked, chance)
        if other is not None and not checked.unknown:
            tried += 1
            found += bool(check_names(other, engine, by_engine[engine]).unknown)
    print(f"queries: {read} read, {unread} not one statement")
    for kind, stems in wrong.items():
        print(
            f"a {kind} that exists called unknown in {len(stems)} ({len(stems) / read:.1%}): {', '.join(stems)}"
        )
    print(f"one name changed: {found} of {tried} found out ({found / tried:.1%})")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 5)
