"""Projects that read one another, over artifacts that dbt 1.11 wrote: `core`, and `marts` which reads it by dbt-loom.

dbt-loom puts models of another project into a manifest through the door that dbt made for dbt Mesh.
"""

from __future__ import annotations

import json
from pathlib import Path

import duckdb

from connectors import connect
from connectors.records import Asset, Lineage, Untold
from plugin.access.viewer import Viewer
from plugin.catalog.sync import add_integration, sync
from plugin.store import Store

MESH = Path(__file__).parent / "dbt_mesh"


def read(project: Path) -> tuple[dict[str, Asset], list[Lineage]]:
    records = list(connect("dbt", {"path": str(project)}, {}).extract())
    return (
        {each.key: each for each in records if isinstance(each, Asset)},
        [each for each in records if isinstance(each, Lineage)],
    )


def test_a_model_of_another_project_is_read_and_not_made_here() -> None:
    """dbt tells it as a view without a file; the manifest has its five siblings too, which nothing here reads."""
    found, edges = read(MESH / "marts")
    assert {name: each.kind for name, each in found.items()} == {
        "model.marts.revenue": "model",
        "model.core.orders": "dataset",
        "exposure.marts.cfo": "dashboard",
    }
    orders = found["model.core.orders"]
    assert orders.name == "core.orders" and "materialized" not in orders.properties
    assert orders.properties["relation"] == "warehouse.analytics.orders"
    ends = {
        (each.upstream.key or each.upstream.table, each.downstream.key or each.downstream.table)
        for each in edges
    }
    assert ends == {
        ("orders", "model.core.orders"),
        ("model.core.orders", "model.marts.revenue"),
        ("model.core.orders", "exposure.marts.cfo"),
        ("model.marts.revenue", "exposure.marts.cfo"),
        ("model.marts.revenue", "revenue"),
    }
    assert connect("dbt", {"path": str(MESH / "marts")}, {}).check().endswith("1 models")


def test_lineage_goes_through_the_warehouse_from_one_project_to_the_other(
    store: Store, admin: Viewer, tmp_path: Path
) -> None:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as db:
        db.execute("CREATE SCHEMA analytics; CREATE TABLE analytics.orders (id INTEGER, amount INTEGER)")
    made = [
        add_integration(store, admin, each, "dbt", settings={"path": str(MESH / each)}, secrets={})
        for each in ("marts", "core")
    ]
    url = f"duckdb:///{tmp_path / 'warehouse.duckdb'}"
    made.append(add_integration(store, admin, "wh", "duckdb", settings={"url": url}, secrets={}))
    for each in made:
        assert sync(store, admin, each.id).status == "done"
    with store.as_viewer(admin) as mine:
        (model,) = mine.catalog.exactly("orders", kind="model")
        reached = mine.catalog.lineage(model.id, upstream=False, depth=5).resources.values()
        names = {(each.integration, each.name) for each in reached}
        assert {("wh", "orders"), ("marts", "core.orders"), ("marts", "revenue"), ("marts", "cfo")} <= names


def test_a_model_in_python_is_told_without_its_code() -> None:
    """Read as SQL its texts stayed, and `from datetime import date` read a table."""
    nodes = json.loads((MESH / "core" / "manifest.json").read_text())["nodes"]
    assert "my secret" in nodes["model.core.py_scores"]["raw_code"]
    found, _edges = read(MESH / "core")
    scores = found["model.core.py_scores"]
    assert (scores.definition, scores.properties["language"]) == (None, "Python")
    assert "4711" not in repr([found, _edges]).replace("amount <> 4711", "")


def test_what_sql_told_goes_when_a_model_has_none_any_more(
    store: Store, admin: Viewer, tmp_path: Path
) -> None:
    """A model that became Python, or was read as SQL before: its lineage stayed, whatever was synced."""
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as db:
        db.execute("CREATE TABLE datetime (id INTEGER)")
    url = f"duckdb:///{tmp_path / 'warehouse.duckdb'}"
    wh = add_integration(store, admin, "wh", "duckdb", settings={"url": url}, secrets={})
    made = add_integration(store, admin, "core", "dbt", settings={"path": str(tmp_path)}, secrets={})
    manifest = json.loads((MESH / "core" / "manifest.json").read_text())
    scores = manifest["nodes"]["model.core.py_scores"]
    python = dict(scores)
    scores |= {
        "language": "sql",
        "original_file_path": "models/py_scores.sql",
        "compiled_code": "select id from datetime",
    }

    def feeds() -> set[str]:
        (tmp_path / "manifest.json").write_text(json.dumps(manifest))
        for each in (wh, made):
            assert sync(store, admin, each.id).status == "done"
        with store.as_viewer(admin) as mine:
            (model,) = mine.catalog.exactly("py_scores", kind="model")
            return {each.upstream for each in mine.catalog.lineage(model.id, downstream=False).edges}

    assert feeds() == {"warehouse.main.datetime", "orders"}
    manifest["nodes"]["model.core.py_scores"] = python
    assert feeds() == {"orders"}


def test_constraints_are_told_by_their_kinds_and_a_contract_by_its_columns() -> None:
    orders = read(MESH / "core")[0]["model.core.orders"]
    assert orders.properties["constraints"] == "check, not_null on id"
    assert [each.nullable for each in orders.columns] == [False, True]


def test_meta_is_told_as_far_as_it_is_words(tmp_path: Path) -> None:
    manifest = json.loads((MESH / "core" / "manifest.json").read_text())
    meta = {"owner": "x@y.example", "domain": "sales", "tier": 1, "nested": {"a": "b"}, "long": "l" * 999}
    manifest["nodes"]["model.core.customers"]["config"]["meta"] = meta
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    told = read(tmp_path)[0]["model.core.customers"].properties["meta"]
    assert told == f"domain: sales; tier: 1; long: {'l' * 200}"


def test_a_sync_says_when_the_results_are_of_a_command_that_ran_nothing(
    store: Store, admin: Viewer, tmp_path: Path
) -> None:
    """Only the check did: a schedule that ends in `docs generate` lost every test in silence."""
    for name in ("manifest.json", "run_results.json"):
        told = json.loads((MESH / "core" / name).read_text())
        told.get("args", {})["which"] = "generate"
        (tmp_path / name).write_text(json.dumps(told))
    records = list(connect("dbt", {"path": str(tmp_path)}, {}).extract())
    assert [str(each)[:36] for each in records if isinstance(each, Untold)] == [
        "run_results.json is of dbt generate,"
    ]
    made = add_integration(store, admin, "docs", "dbt", settings={"path": str(tmp_path)}, secrets={})
    for _ in range(2):
        done = sync(store, admin, made.id)
        assert (done.status, [each[:16] for each in done.errors]) == ("done", ["run_results.json"])
