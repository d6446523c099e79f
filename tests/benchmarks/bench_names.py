"""How often `check_names` raises a false alarm, and how often it sees one identifier that was changed. Run as a script.

python -m tests.benchmarks.bench_names CATALOG.jsonl.gz [--misses]

The statements beside this file are our own, in the style of questions over public warehouses; the catalog is given
(one JSON object a table: integration, database, schema, table, columns). Every identifier of a statement that names a
table or a column of the catalog, or a column of a CTE by qualification, is changed once, each way of changing in turn.
"""

from __future__ import annotations

import gzip
import json
import re
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from plugin.run_sql import NameIndex, check_names

STATEMENTS = Path(__file__).with_name("names.sql")
_WORD = re.compile(r"'[^']*'|[A-Za-z_][A-Za-z_0-9]*")
_KEYWORDS = frozenset(
    """select from where group by order having as on and or not in is null join left cross count sum avg min max
    date year month day name key value position match row extract timestamp end case when then rank first type index
    language content time input minute dayofweek""".split()
)


def load(path: str) -> tuple[dict[str, NameIndex], dict[str, frozenset[str]]]:
    """An index for each integration, and the words that are names there."""
    tables: dict[str, list[tuple[list[str], list[str]]]] = defaultdict(list)
    words: dict[str, set[str]] = defaultdict(set)
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            table = json.loads(line)
            columns = [column["name"] for column in table["columns"]]
            parts = [part for part in (table["database"], table["schema"], table["table"]) if part]
            tables[table["integration"]].append((parts, columns))
            words[table["integration"]].add(table["table"].lower())
            words[table["integration"]].update(
                piece.lower() for column in columns for piece in column.split(".")
            )
    return (
        {name: NameIndex(each) for name, each in tables.items()},
        {name: frozenset(each) for name, each in words.items()},
    )


def statements() -> Iterator[tuple[str, str]]:
    """Dialect and SQL."""
    dialect = ""
    for line in STATEMENTS.read_text(encoding="utf-8").splitlines():
        if line.startswith("-- "):
            dialect = line[3:].strip()
        elif line.strip():
            yield dialect, line.rstrip(";")


def changed(sql: str, words: frozenset[str]) -> Iterator[tuple[str, str]]:
    """The statement with one name changed, and what was made of which."""
    for number, found in enumerate(_WORD.finditer(sql)):
        word = found[0]
        defined = re.search(r"\bAS\s+$", sql[: found.start()], re.IGNORECASE)
        called = sql[found.end() :].lstrip().startswith("(")
        inside_json = sql[: found.start()].endswith(':"')
        if word[0] == "'" or inside_json or defined or called or word.lower() not in words or len(word) < 3:
            continue
        if word.lower() in _KEYWORDS and sql[found.start() - 1] not in '."':
            continue
        if re.search(rf"\bAS\s+{re.escape(word)}\b", sql, re.IGNORECASE):
            continue  # the statement itself made this name
        middle = len(word) // 2
        other = (
            word + "_x",
            word[:middle] + word[middle + 1 :] + "q",
            word[:middle] + "zz" + word[middle:],
            "my_" + word,
        )[number % 4]
        if other.lower() not in words:
            yield sql[: found.start()] + other + sql[found.end() :], f"{word} -> {other}"


def main(path: str, show: bool) -> None:
    """Print the figures per dialect and over all."""
    indexes, words = load(path)
    total = seen = alarms = count = 0
    times = []
    for dialect in indexes:
        mine = mine_seen = 0
        for each, sql in statements():
            if each != dialect:
                continue
            start = time.perf_counter()
            checked = check_names(sql, dialect, indexes[dialect])
            times.append((time.perf_counter() - start) * 1000)
            count += 1
            if checked.unknown or not checked.parsed:
                alarms += 1
                print("false alarm:", [name.written for name in checked.unknown], checked.problem, sql[:90])
                continue
            for other, what in changed(sql, words[dialect]):
                mine += 1
                verdict = check_names(other, dialect, indexes[dialect])
                if verdict.unknown or not verdict.parsed:
                    mine_seen += 1
                elif show:
                    print("missed:", what, "|", other[:160])
        total, seen = total + mine, seen + mine_seen
        print(f"{dialect:<10} {mine_seen} of {mine} changed names flagged ({mine_seen / max(mine, 1):.1%})")
    print(
        f"all        {seen} of {total} ({seen / total:.1%}); {alarms} of {count} statements with a false alarm; "
        f"median {statistics.median(times):.1f} ms"
    )


if __name__ == "__main__":
    main(sys.argv[1], "--misses" in sys.argv)
