"""Lineage from SQL: how fast beside DataHub's `sqlglot_lineage`, and how right against the `ref()` edges of dbt projects.

    python -m tests.benchmarks.bench_lineage --sqlglot CHECKOUT [--datahub PYTHON] [--dbt MANIFEST]...
    python -m tests.benchmarks.bench_lineage --queries FOLDER --catalog FILE.jsonl.gz [--datahub PYTHON]

`--sqlglot` is a checkout of github.com/tobymao/sqlglot: its tests hold the 99 queries of TPC-DS and their schema.
`--queries` is a folder of .sql files named as Spider 2.0-lite names its gold queries (bq..., sf..., local...), with
the catalog as `docent eval` takes it. `--datahub` is the interpreter of an environment where acryl-datahub[sql-parser]
is installed: it is asked in the same run, query by query, with the same schema in its memory and nothing remembered
from one query to the next. `--dbt` is a manifest.json with compiled SQL, as `dbt compile` writes it.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import parser

from connectors.dbt import DIALECTS
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
        start = time.perf_counter()
        try:
            found = ask(sql, schema_resolver=resolvers[dialect], default_db=asked["database"], default_schema=asked["schema"])
        except Exception:
            found = None
        spent += time.perf_counter() - start
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
        start = time.perf_counter()
        found = [lineage_of(sql, dialect, lookups[dialect]) for _id, dialect, sql in queries]
        rounds.append(time.perf_counter() - start)
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
    """Edges found in compiled SQL against the edges that dbt states, over all projects together."""
    right = wrong = missing = 0
    for path in manifests:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        found, gone, extra, seconds, models = _project(manifest, verbose)
        right, missing, wrong = right + found, missing + gone, wrong + extra
        print(
            f"  {manifest['metadata'].get('project_name', path.stem):<28} {models:5} models  {found:6} edges found, "
            f"{gone} missing, {extra} not stated by dbt   {models / seconds if seconds else 0:6.0f} models/s"
        )
    print(
        f"dbt, {len(manifests)} projects: {right + missing} edges, precision {right / max(1, right + wrong):.4f}, "
        f"recall {right / max(1, right + missing):.4f}"
    )


def _project(manifest: dict[str, Any], verbose: bool) -> tuple[int, int, int, float, int]:
    nodes = {**manifest["nodes"], **manifest["sources"]}
    adapter = manifest["metadata"].get("adapter_type")
    names, relation_of = Names(), {}
    for unique_id, node in nodes.items():
        if node["resource_type"] in ("model", "seed", "snapshot", "source"):
            table = node.get("identifier") or node.get("alias") or node["name"]
            names.add(unique_id, node.get("database"), node.get("schema"), table)
            relation_of[unique_id] = (node.get("database"), node.get("schema"))
    found = missing = extra = models = 0
    seconds = 0.0
    for unique_id, node in manifest["nodes"].items():
        sql = node.get("compiled_code")
        if node["resource_type"] != "model" or node.get("language") != "sql" or not sql:
            continue
        if not re.search(
            r"\bfrom\b", re.sub(r"--[^\n]*|/\*.*?\*/", " ", sql, flags=re.DOTALL), re.IGNORECASE
        ):
            continue
        stated = _stated(manifest, unique_id)
        start = time.perf_counter()
        read = lineage_of(sql, DIALECTS.get(adapter, adapter))
        seconds += time.perf_counter() - start
        models += 1
        database, schema = relation_of[unique_id]
        read_keys = {names.find(parts, database=database, schema=schema) for parts in read.tables}
        mine = {key for key in read_keys if key is not None and key != unique_id}
        # What a macro asks the database for while it compiles is a dependency of dbt's that no SQL shows.
        shown = {key for key in stated if _is_named(sql, nodes[key])}
        found, missing, extra = (
            found + len(mine & stated),
            missing + len(shown - mine),
            extra + len(mine - stated),
        )
        if verbose and (shown != mine & stated or mine - stated):
            print(f"    {unique_id}: missing {sorted(shown - mine)}, not stated {sorted(mine - stated)}")
    return found, missing, extra, seconds, models


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
