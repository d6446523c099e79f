"""Lineage from SQL: how fast beside DataHub's `sqlglot_lineage`, and how right against the `ref()` edges of dbt projects.

    python -m tests.benchmarks.bench_lineage --sqlglot CHECKOUT [--datahub PYTHON] [--dbt MANIFEST]...
    python -m tests.benchmarks.bench_lineage --queries FOLDER --catalog FILE.jsonl.gz [--datahub PYTHON]

`--sqlglot` is a checkout of github.com/tobymao/sqlglot: its tests hold the 99 queries of TPC-DS and their schema.
`--queries` is a folder of .sql files named as Spider 2.0-lite names its gold queries (bq..., sf..., local...), with
the catalog as `docent eval` takes it. `--datahub` is the interpreter of an environment where acryl-datahub[sql-parser]
is installed: it is asked in the same run, query by query, with the same schema in its memory and nothing remembered
from one query to the next. `--dbt` is a manifest.json with compiled SQL, as `dbt compile` writes it. Edges are counted
between relations: a source and the seed that fills it are one. Recall is of every edge that dbt states for a model
whose SQL has a FROM; those that no SQL names (a macro asked the database while it compiled) are counted beside it.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import parser

from connectors.dbt_project import DIALECTS
from plugin.catalog.lineage import lineage_of
from plugin.catalog.naming import Names
from plugin.store.staging import table_key

ROUNDS = 3
ENGINES = (("bq", "bigquery"), ("ga", "bigquery"), ("sf", "snowflake"), ("local", "sqlite"))
Query = tuple[str, str, str]
"""(id, dialect, SQL)"""

DATAHUB = """
import json, logging, sys, time
logging.disable(logging.CRITICAL)
from datahub.sql_parsing import sqlglot_lineage as engine
from datahub.sql_parsing.schema_resolver import SchemaResolver
from datahub.sql_parsing.sqlglot_utils import _parse_statement
import sqlglot

asked = json.load(sys.stdin)
resolvers = {}
for dialect, schema in asked["schemas"].items():
    resolver = resolvers[dialect] = SchemaResolver(platform=dialect, env="PROD")
    for name, columns in schema.items():
        urn = f"urn:li:dataset:(urn:li:dataPlatform:{dialect},{name},PROD)"
        resolver.add_raw_schema_info(urn, {column: "string" for column in columns})
ask = getattr(engine, "_sqlglot_lineage_nocache", engine.sqlglot_lineage)
rounds, raised, tables, columns = [], 0, 0, 0
for number in range(asked["rounds"]):
    spent, raised, tables, columns = 0.0, 0, 0, 0
    for _id, dialect, sql in asked["queries"]:
        _parse_statement.cache_clear()
        start = time.process_time()
        try:
            found = ask(sql, schema_resolver=resolvers[dialect], default_db=asked["database"], default_schema=asked["schema"])
        except Exception:
            found = None
        spent += time.process_time() - start
        if found is None or found.debug_info.table_error is not None:
            raised += 1
            continue
        tables += bool(found.in_tables)
        columns += bool(found.column_lineage) and found.debug_info.error is None
    rounds.append(spent)
print(json.dumps({"seconds": min(rounds), "raised": raised, "tables": tables, "columns": columns, "sqlglot": sqlglot.__version__}))
"""


def tpc_ds(checkout: Path) -> tuple[list[Query], dict[str, dict[str, list[str]]]]:
    """The 99 queries and the schema, from the tests of a checkout of sqlglot."""
    fixtures = checkout / "tests" / "fixtures" / "optimizer" / "tpc-ds"
    schema: dict[str, list[str]] = {}
    for file in sorted(fixtures.glob("*.csv.gz")):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            schema[file.name.removesuffix(".csv.gz")] = re.split(r"[|,]", lines.readline().strip())
    parts = re.split(r"-{10,}\n-- TPC-DS (\d+)\n-{10,}\n", (fixtures / "tpc-ds.sql").read_text())
    queries = [
        (number, "snowflake", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).split(";")[0])
        for number, text in zip(parts[1::2], parts[2::2], strict=True)
    ]
    return queries, {"snowflake": schema}


def spider(folder: Path, catalog: Path) -> tuple[list[Query], dict[str, dict[str, list[str]]]]:
    """The queries of a folder, and the tables of the catalog by engine."""
    schemas: dict[str, dict[str, list[str]]] = {engine: {} for _prefix, engine in ENGINES}
    with gzip.open(catalog, "rt", encoding="utf-8") as lines:
        for line in lines:
            table = json.loads(line)
            engine = schemas.setdefault(table["integration"], {})
            name = ".".join(part for part in (table["database"], table["schema"], table["table"]) if part)
            engine[name.lower()] = [column["name"] for column in table["columns"]]
    queries = []
    for file in sorted(folder.rglob("*.sql")):
        dialect = next((engine for prefix, engine in ENGINES if file.stem.startswith(prefix)), None)
        if dialect is not None:
            queries.append((file.stem, dialect, file.read_text(encoding="utf-8")))
    return queries, schemas


class Columns:
    """Columns by a name with as many parts as the query writes."""

    def __init__(self, schema: Mapping[str, Sequence[str]]) -> None:
        self._names = Names()
        self._columns: dict[str, Sequence[str]] = {}
        for name, columns in schema.items():
            *above, last = name.split(".")
            database, below = (above[0], ".".join(above[1:])) if len(above) > 1 else (None, ".".join(above))
            key = table_key(database, below, last)
            self._names.add(key, database, below, last)
            self._columns[key] = columns

    def __call__(self, parts: tuple[str, ...]) -> Sequence[str] | None:
        return self._columns.get(self._names.find(parts) or "")


def speed(
    queries: list[Query], schemas: dict[str, dict[str, list[str]]], title: str, datahub: str | None
) -> None:
    """Queries a second of both, in the same run."""
    lookups = {dialect: Columns(schema) for dialect, schema in schemas.items()}
    for _id, dialect, sql in queries[:3]:  # the dialects are loaded when they are first used
        lineage_of(sql, dialect, lookups[dialect])
    rounds, partial, tables, columns = [], 0, 0, 0
    for _round in range(ROUNDS):
        start = time.process_time()
        found = [lineage_of(sql, dialect, lookups[dialect]) for _id, dialect, sql in queries]
        rounds.append(time.process_time() - start)
    partial = sum(each.partial for each in found)
    tables = sum(bool(each.tables) for each in found)
    columns = sum(any(origins for _name, origins in each.columns) for each in found)
    ours = len(queries) / min(rounds)
    compiled = "pure Python" if (parser.__file__ or "").endswith(".py") else "compiled"
    print(
        f"{title}: {len(queries)} queries, sqlglot {sqlglot.__version__} ({compiled})\n"
        f"  docent            {ours:8.0f} queries/s   raised 0, no tables {len(queries) - tables}, "
        f"with columns {columns}, marked partial {partial}"
    )
    if datahub is None:
        return
    asked = {
        "queries": queries,
        "schemas": schemas,
        "rounds": ROUNDS,
        "database": None,
        "schema": None,
    }
    answer = subprocess.run(
        [datahub, "-c", DATAHUB], input=json.dumps(asked), capture_output=True, text=True, check=False
    )
    if answer.returncode:
        sys.exit(f"{datahub} did not answer:\n{answer.stderr[-800:]}")
    theirs: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    peer = len(queries) / theirs["seconds"]
    print(
        f"  sqlglot_lineage   {peer:8.0f} queries/s   failed {theirs['raised']}, "
        f"no tables {len(queries) - theirs['tables']}, with columns {theirs['columns']} "
        f"(sqlglot {theirs['sqlglot']})\n  docent is {ours / peer:.1f} times as fast"
    )


def dbt(manifests: list[Path], verbose: bool) -> None:
    """Edges found in compiled SQL against the edges that dbt states, over all projects together; each model once."""
    total: Counter[str] = Counter()
    seen: set[tuple[str, str]] = set()
    for path in manifests:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        counted, seconds = _project(manifest, seen, verbose)
        total += counted
        print(
            f"  {manifest['metadata'].get('project_name') or path.stem:<28} {counted['models']:5} models  "
            f"{counted['found']:6} edges found, {counted['missing']} missing ({counted['unnamed']} in no SQL), "
            f"{counted['extra']} not stated by dbt   {counted['models'] / seconds if seconds else 0:6.0f} models/s"
        )
    found, stated = total["found"], max(1, total["found"] + total["missing"])
    named = max(1, stated - total["unnamed"])
    print(
        f"dbt, {len(manifests)} manifests, {total['models']} models: {stated} edges stated, precision "
        f"{found / max(1, found + total['extra']):.4f}, recall {found / stated:.4f}, {found / named:.4f} of those "
        f"that the SQL names"
    )


def _project(
    manifest: dict[str, Any], seen: set[tuple[str, str]], verbose: bool
) -> tuple[Counter[str], float]:
    nodes = {**manifest["nodes"], **manifest["sources"]}
    adapter = manifest["metadata"].get("adapter_type")
    names, relation_of = Names(), {}
    for unique_id, node in nodes.items():
        if node["resource_type"] in ("model", "seed", "snapshot", "source"):
            table = node.get("identifier") or node.get("alias") or node["name"]
            relation = relation_of[unique_id] = (node.get("database"), node.get("schema"), table)
            names.add(_folded(relation), *relation)
    counted: Counter[str] = Counter()
    seconds = 0.0
    for unique_id, node in manifest["nodes"].items():
        sql = node.get("compiled_code") or node.get("compiled_sql")
        if node["resource_type"] != "model" or node.get("language", "sql") != "sql" or not sql:
            continue
        bare = re.sub(r"--[^\n]*|/\*.*?\*/", " ", sql, flags=re.DOTALL)
        if (unique_id, sql) in seen or not re.search(r"\bfrom\b", bare, re.IGNORECASE):
            continue
        seen.add((unique_id, sql))
        own = _folded(relation_of[unique_id])
        stated_nodes = _stated(manifest, unique_id)
        stated = {_folded(relation_of[key]) for key in stated_nodes} - {own}
        start = time.process_time()
        read = lineage_of(sql, DIALECTS.get(adapter, adapter))
        seconds += time.process_time() - start
        database, schema, _table = relation_of[unique_id]
        mine = {names.find(parts, database=database, schema=schema) for parts in read.tables} - {None, own}
        # What a macro asks the database for while it compiles is a dependency of dbt's that no SQL shows.
        shown = {_folded(relation_of[key]) for key in stated_nodes if _is_named(sql, nodes[key])}
        missing = stated - mine
        counted.update(
            models=1,
            found=len(mine & stated),
            missing=len(missing),
            unnamed=len(missing - shown),
            extra=len(mine - stated),
        )
        if verbose and (missing or mine - stated):
            print(f"    {unique_id}: missing {sorted(missing)}, not stated {sorted(map(str, mine - stated))}")
    return counted, seconds


def _folded(relation: tuple[str | None, str | None, str]) -> str:
    return ".".join(part for part in relation if part).lower()


def _stated(manifest: dict[str, Any], unique_id: str) -> set[str]:
    """What a model depends on, an ephemeral model standing for what it reads: it is compiled into its readers."""
    stated: set[str] = set()
    waiting = list(manifest["nodes"][unique_id]["depends_on"]["nodes"])
    while waiting:
        key = waiting.pop()
        node = manifest["nodes"].get(key)
        if node is not None and node.get("config", {}).get("materialized") == "ephemeral":
            waiting += node["depends_on"]["nodes"]
        elif node is not None or key in manifest["sources"]:
            stated.add(key)
    return stated - {unique_id}


def _is_named(sql: str, node: dict[str, Any]) -> bool:
    table = node.get("identifier") or node.get("alias") or node["name"]
    bare = re.sub(r"--[^\n]*|/\*.*?\*/", " ", sql, flags=re.DOTALL)
    schema = re.escape(node.get("schema") or "")
    return bool(re.search(rf"(?i)\b{schema}\b\W{{1,3}}{re.escape(table)}(?!\w)", bare))


def main() -> None:
    """Print every figure asked for."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--sqlglot", type=Path, help="a checkout of sqlglot, for TPC-DS")
    asked.add_argument("--queries", type=Path, help="a folder of .sql files")
    asked.add_argument("--catalog", type=Path, help="their catalog, .jsonl.gz")
    asked.add_argument("--datahub", help="the interpreter of DataHub's environment")
    asked.add_argument(
        "--dbt", type=Path, action="append", default=[], help="a manifest.json; may be given again"
    )
    asked.add_argument("--verbose", action="store_true", help="name each edge that differs")
    given = asked.parse_args()
    if given.sqlglot:
        speed(*tpc_ds(given.sqlglot), "TPC-DS", given.datahub)
    if given.queries and given.catalog:
        speed(*spider(given.queries, given.catalog), "Spider 2.0-lite", given.datahub)
    if given.dbt:
        dbt(given.dbt, given.verbose)
    if not (given.sqlglot or given.queries or given.dbt):
        asked.error("give --sqlglot, --queries with --catalog, or --dbt")


if __name__ == "__main__":
    main()
