"""`docent eval retrieval`: how well the product's own search finds the tables that questions need.

Enters: a catalog and questions with their right answers, in the format of the evaluation data. Leaves: metrics per
setting. The catalog is imported into a workspace of its own in a folder that is deleted afterwards, and each question
is asked through the same search as everybody's. What the answers are known by (`family`, `content`, `groups`) is not
imported: it is only looked at to score, and to narrow setting B to the tables of the question's database.
"""

from __future__ import annotations

import gzip
import json
import math
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plugin.access.viewer import Surface, Viewer
from plugin.catalog.sync.imports import import_path
from plugin.config import read_config
from plugin.errors import BadInput
from plugin.json_text import read_json
from plugin.store import Store, open_store
from plugin.store.shapes import Resource

CUTS = (5, 10, 20)
LONGEST_LIST = 300
SETTINGS = ("A", "A+", "B")
NO_SCHEMA = "main"
"""What a table without a schema is imported under, as SQLite calls it."""
EMAIL = "evaluation@localhost"
PASSWORD = "not a secret: this workspace is gone in a minute"
TABLE_KINDS = ("table", "view", "materialized_view", "foreign_table", "partitioned_table", "external_table")

Place = tuple[str, str, str, str]
"""Integration, database, schema and table."""


@dataclass(frozen=True, slots=True)
class Table:
    """What scoring knows of a table."""

    id: str
    place: Place
    family: str
    content: str
    groups: tuple[str, ...]
    tokens: float


def retrieval(
    catalog: str, questions: str, settings: Sequence[str] = SETTINGS, run_file: str | None = None
) -> dict[str, dict[str, float | int | None]]:
    """Measure. Returns setting -> metric -> value, with `ms_p50` and `ms_p95` of one search.

    BadInput where a file is not in the format.
    """
    unknown = set(settings) - set(SETTINGS)
    if unknown:
        raise BadInput(f"setting {sorted(unknown)[0]!r} is not one of {', '.join(SETTINGS)}", field="setting")
    if run_file is not None:
        _write(run_file, "")  # before minutes of work, not after them
    asked = list(_lines(questions))
    if not asked:
        raise BadInput(f"{Path(questions).name} has no question", field="questions")
    for number, each in enumerate(asked, start=1):
        _check_question(number, each, settings)
    with tempfile.TemporaryDirectory(prefix="docent-eval-") as folder:
        store = open_store(read_config({"DOCENT_HOME": str(Path(folder) / "home")}))
        try:
            return _measure(store, Path(folder), catalog, asked, settings, run_file)
        finally:
            store.close()


def _measure(
    store: Store,
    folder: Path,
    catalog: str,
    asked: Sequence[Mapping[str, Any]],
    settings: Sequence[str],
    run_file: str | None,
) -> dict[str, dict[str, float | int | None]]:
    viewer = _workspace(store)
    tables = _import(store, viewer, folder, catalog)
    ids = _resource_ids(store, viewer, tables)
    by_resource = {resource: table for table, resource in ids.items()}
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for table in tables.values():
        for group in table.groups:
            if table.id in ids:
                groups[(table.place[0], group)].append(ids[table.id])
    found: dict[str, dict[str, float | int | None]] = {}
    lines: list[dict[str, Any]] = []
    for setting in settings:
        rows, times = [], []
        for question in asked:
            only = groups[(question["engine"], question["db_group"])] if setting == "B" else None
            began = time.perf_counter()
            ranked = _ask(store, viewer, question["question"], only, setting == "A+")
            times.append(1000 * (time.perf_counter() - began))
            names = [by_resource[resource] for resource in ranked if resource in by_resource]
            lines.append({"id": question["id"], "setting": setting, "ranked": names})
            plus = setting == "A+"
            keys = [tables[name].content if plus else tables[name].family for name in names]
            gold = question["gold_content" if plus else "gold_families"]
            rows.append(score(keys, [tables[name].tokens for name in names], gold))
        found[setting] = _summary(rows, times)
    if run_file is not None:
        _write(run_file, "".join(json.dumps(line) + "\n" for line in lines))
    return found


def _write(run_file: str, text: str) -> None:
    try:
        Path(run_file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"cannot write {run_file}: {error.strerror}", field="run") from error


def _ask(store: Store, viewer: Viewer, text: str, only: Sequence[int] | None, fold: bool) -> list[int]:
    with store.as_viewer(viewer) as mine:
        found = mine.catalog.search(text, kinds=TABLE_KINDS, limit=LONGEST_LIST, only=only, fold_copies=fold)
    return [hit.resource.id for hit in found.hits]


def _workspace(store: Store) -> Viewer:
    with store.sign_in() as door:
        made = door.create_workspace("Evaluation", EMAIL, PASSWORD, admin_name="Evaluation")
    with store.sign_in() as door:
        return door.viewer_for_email(made.slug, EMAIL, Surface.CLI)


def _import(store: Store, viewer: Viewer, folder: Path, catalog: str) -> dict[str, Table]:
    """Import the catalog, one integration for each of its engines; what only scoring may know stays behind."""
    tables: dict[str, Table] = {}
    files: dict[str, Any] = {}
    try:
        for number, line in enumerate(_lines(catalog), start=1):
            try:
                place = (line["integration"], line["database"], line["schema"] or NO_SCHEMA, line["table"])
                columns = {column["name"]: column for column in line["columns"]}
                tables[line["id"]] = Table(
                    id=line["id"],
                    place=place,
                    family=line["family"],
                    content=line["content"],
                    groups=tuple(line["groups"]),
                    tokens=schema_tokens(line),
                )
            except (KeyError, TypeError) as error:
                raise BadInput(f"line {number} of the catalog has no {error}", field="catalog") from error
            file = files.get(place[0])
            if file is None:
                file = files[place[0]] = (folder / f"{len(files)}.jsonl").open("w", encoding="utf-8")
            shown = {
                "entity_type": "table",
                "databuilder_id": line["id"],
                "title": place[3],
                "database": place[1],
                "schema": place[2],
                "description": line.get("description"),
                "columns": [
                    {name: column[name] for name in ("name", "type", "description") if column.get(name)}
                    for column in columns.values()
                ],
            }
            file.write(json.dumps(shown) + "\n")
    finally:
        for file in files.values():
            file.close()
    for integration, file in files.items():
        import_path(store, viewer, file.name, integration=integration)
    return tables


def _resource_ids(store: Store, viewer: Viewer, tables: Mapping[str, Table]) -> dict[str, int]:
    """Table id of the file -> id in the catalog, by integration, database, schema and name."""
    places = {table.place: table.id for table in tables.values()}
    found: dict[str, int] = {}
    cursor: str | None = None
    while True:
        with store.as_viewer(viewer) as mine:
            page = mine.catalog.browse(kinds=TABLE_KINDS, cursor=cursor, limit=1000)
        for resource in page.items:
            table = places.get(_place(resource))
            if table is not None:
                found[table] = resource.id
        cursor = page.next_cursor
        if cursor is None:
            return found


def _place(resource: Resource) -> Place:
    database, schema = (*resource.path, "", "")[:2]
    return (resource.integration, database, schema, resource.name)


def _check_question(number: int, question: Any, settings: Sequence[str]) -> None:
    """Raises BadInput naming the question (counted without blank lines) and what it lacks for these settings."""
    if not isinstance(question, dict):
        raise BadInput(f"question {number} is not a JSON object", field="questions")
    texts = ["question", *(("engine", "db_group") if "B" in settings else ())]
    lists = {"gold_content" if setting == "A+" else "gold_families" for setting in settings}
    for name in ("id", *texts, *sorted(lists)):
        value = question.get(name)
        fits = isinstance(value, list) if name in lists else name == "id" or isinstance(value, str)
        if value is None or not fits:
            raise BadInput(f"question {number} has no usable {name!r}", field="questions")


def _lines(path: str) -> Iterator[dict[str, Any]]:
    opener: Any = gzip.open if path.endswith(".gz") else open
    try:
        with opener(path, "rt", encoding="utf-8") as file:
            for number, text in enumerate(file, start=1):
                if not text.strip():
                    continue
                try:
                    yield read_json(text)
                except ValueError as error:
                    raise BadInput(f"line {number} of {Path(path).name} is not JSON") from error
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read {Path(path).name}: {error}") from error


def schema_tokens(table: Mapping[str, Any]) -> float:
    """Tokens of a table's schema text (names, types, table description), as characters / 4."""
    text = len(table["table"]) + len(table.get("description") or "")
    return (text + sum(len(each["name"]) + len(each.get("type") or "") + 2 for each in table["columns"])) / 4


def score(keys: Sequence[str], tokens: Sequence[float], right: Sequence[str]) -> dict[str, float]:
    """The metrics of one ranked list. A key that comes again takes a slot and finds nothing."""
    wanted = set(right)
    ranks: dict[str, int] = {}
    sent, cover = 0.0, math.inf
    for position, key in enumerate(keys, start=1):
        sent += tokens[position - 1]
        if key in wanted and key not in ranks:
            ranks[key] = position
            if len(ranks) == len(wanted):
                cover = sent
                break
    complete = len(ranks) == len(wanted)
    gain = sum(1 / math.log2(rank + 1) for rank in ranks.values() if rank <= 10)
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(10, len(wanted)) + 1))
    row = {f"R@{cut}": sum(rank <= cut for rank in ranks.values()) / len(wanted) for cut in CUTS}
    row |= {f"full@{cut}": float(complete and max(ranks.values()) <= cut) for cut in (10, 20)}
    row |= {"MRR": 1 / min(ranks.values()) if ranks else 0.0, "nDCG@10": gain / ideal, "cover": cover}
    return row


def _summary(rows: Sequence[dict[str, float]], times: Sequence[float]) -> dict[str, float | int | None]:
    covers = sorted(row["cover"] for row in rows)
    found: dict[str, float | int | None] = {"n": len(rows)}
    found |= {
        name: round(statistics.fmean(row[name] for row in rows), 4) for name in rows[0] if name != "cover"
    }
    at = sorted(times)
    found |= {
        "tok50": covers[len(covers) // 2],
        "tok80": covers[int(len(covers) * 0.8)],
        "ms_p50": round(at[len(at) // 2], 1),
        "ms_p95": round(at[int(len(at) * 0.95)], 1),
    }
    # JSON knows no infinity: None where more than half (a fifth) is never covered.
    return {name: (None if value == math.inf else value) for name, value in found.items()}
