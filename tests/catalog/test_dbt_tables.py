"""A dbt project and the warehouse that it builds: what the project says is read at the tables too."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest

from plugin.access.viewer import Viewer
from plugin.catalog.sync import add_integration, sync
from plugin.errors import NotFound
from plugin.providers.builtin.understand import understand
from plugin.store import Store
from plugin.tools.fragments import fragment

PROJECT = Path(__file__).parents[1] / "connectors" / "dbt_project"


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    """The DuckDB file that the project's artifacts were made with, without its rows."""
    path = tmp_path / "retail.duckdb"
    with duckdb.connect(str(path)) as db:
        db.execute("CREATE TABLE raw_orders (order_id INTEGER, amount DECIMAL(10, 2))")
        db.execute("CREATE VIEW stg_orders AS SELECT order_id, amount FROM raw_orders")
        db.execute("CREATE TABLE revenue (day DATE, revenue DECIMAL(10, 2))")
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PROJECT, tmp_path / "target"))


def add(
    store: Store, admin: Viewer, name: str, type_: str, settings: dict[str, str], team: str = "General"
) -> int:
    made = add_integration(store, admin, name, type_, settings=settings, secrets={}).id
    with store.as_admin(admin) as door:
        teams = {each.name: each.id for each in door.people.teams()}
        door.people.grant(teams[team], made, resource_id=None)
    return made


def both(store: Store, admin: Viewer, warehouse: Path, project: Path, *, first: str) -> tuple[int, int]:
    lake = add(store, admin, "lake", "duckdb", {"url": f"duckdb:///{warehouse}"})
    dbt = add(store, admin, "dbt", "dbt", {"path": str(project)})
    for each in (lake, dbt) if first == "lake" else (dbt, lake):
        assert sync(store, admin, each).status == "done"
    return lake, dbt


@pytest.mark.parametrize("first", ["lake", "dbt"])
def test_a_warehouse_table_has_what_dbt_says(
    any_store: Store, any_admin: Viewer, warehouse: Path, project: Path, first: str
) -> None:
    lake, dbt = both(any_store, any_admin, warehouse, project, first=first)
    with any_store.as_viewer(any_admin) as mine:
        revenue = mine.catalog.by_name("main.revenue", integration="lake")
        assert revenue.description == "Revenue per day."
        assert (
            mine.catalog.by_name("main.raw_orders", integration="lake").description
            == "Orders as the shop writes them."
        )
        model = mine.catalog.by_name("revenue", integration="dbt")
        assert {*model.tags} <= {*revenue.tags}
        assert {each.name for each in model.owners} <= {each.name for each in revenue.owners}
        told = {each.name: each.description for each in mine.catalog.columns(model.id) if each.description}
        assert told
        lent = {each.name: each.description for each in mine.catalog.columns(revenue.id)}
        assert {name: lent[name] for name in told} == told
        assert mine.catalog.search("revenue per day", kinds=("table",)).hits[0].resource.id == revenue.id
        by_text = mine.catalog.search("as the shop writes them", kinds=("table",)).hits
        assert [hit.resource.name for hit in by_text] == ["raw_orders"]
        upstream = {each.name for each in mine.catalog.lineage(revenue.id, depth=5).resources.values()}
        assert {"raw_orders", "stg_orders", "revenue"} <= upstream
    for each in (lake, dbt):
        again = sync(any_store, any_admin, each)
        assert (again.created, again.updated, again.removed) == (0, 0, 0)


def test_the_warehouses_and_a_persons_words_stand_before_dbts(
    store: Store, admin: Viewer, warehouse: Path, project: Path
) -> None:
    with duckdb.connect(str(warehouse)) as db:
        db.execute("COMMENT ON VIEW stg_orders IS 'what the warehouse says'")
    lake, dbt = both(store, admin, warehouse, project, first="lake")
    with store.as_viewer(admin) as mine:
        assert mine.catalog.by_name("main.stg_orders").description == "what the warehouse says"
        revenue = mine.catalog.by_name("main.revenue").id
        mine.edits.set_property(revenue, "description", "what a person says")
    with duckdb.connect(str(warehouse)) as db:
        db.execute("COMMENT ON TABLE raw_orders IS 'now it says so itself'")
        db.execute("ALTER TABLE revenue ADD COLUMN note TEXT")
    sync(store, admin, lake)
    sync(store, admin, dbt, full=True)
    with store.as_viewer(admin) as mine:
        assert mine.catalog.resource(revenue).description == "what a person says"
        assert mine.catalog.by_name("main.raw_orders").description == "now it says so itself"


def test_what_dbt_no_longer_says_goes(store: Store, admin: Viewer, warehouse: Path, project: Path) -> None:
    _lake, dbt = both(store, admin, warehouse, project, first="lake")
    with duckdb.connect(str(warehouse)) as db:
        db.execute("ALTER TABLE revenue ADD COLUMN note TEXT")
    assert sync(store, admin, _lake).updated >= 0
    with store.as_viewer(admin) as mine:
        assert mine.catalog.by_name("main.revenue").description == "Revenue per day."
    manifest = json.loads((project / "manifest.json").read_text())
    manifest["nodes"]["model.retail.stg_orders"]["description"] = ""
    del manifest["nodes"]["model.retail.revenue"]
    (project / "manifest.json").write_text(json.dumps(manifest))
    assert sync(store, admin, dbt).status == "done"
    with store.as_viewer(admin) as mine:
        assert mine.catalog.by_name("main.stg_orders").description is None
        revenue = mine.catalog.by_name("main.revenue")
        assert (revenue.description, revenue.tags, revenue.owners) == (None, (), ())
        assert all(each.description is None for each in mine.catalog.columns(revenue.id))


def test_a_table_is_told_nothing_that_its_team_may_not_read(
    store: Store, admin: Viewer, warehouse: Path, project: Path
) -> None:
    with store.as_admin(admin) as door:
        door.people.add_team("Modellers")
    lake = add(store, admin, "lake", "duckdb", {"url": f"duckdb:///{warehouse}"})
    dbt = add(store, admin, "dbt", "dbt", {"path": str(project)}, team="Modellers")
    sync(store, admin, lake)
    sync(store, admin, dbt)
    with store.as_viewer(admin) as mine:
        assert mine.catalog.by_name("main.revenue").description is None


def test_never_import_lends_nothing(store: Store, admin: Viewer, warehouse: Path, project: Path) -> None:
    lake = add(store, admin, "lake", "duckdb", {"url": f"duckdb:///{warehouse}"})
    with store.as_admin(admin) as door:
        door.integrations.update(lake, options={"import_mode": "never"})
    dbt = add(store, admin, "dbt", "dbt", {"path": str(project)})
    sync(store, admin, lake)
    sync(store, admin, dbt)
    with store.as_viewer(admin) as mine:
        assert mine.catalog.by_name("main.revenue").description is None
        with pytest.raises(NotFound):
            mine.catalog.by_name("main.nothing")


def test_the_assistant_is_told_of_tests_and_of_the_last_run_and_of_no_column_they_look_at(
    store: Store, admin: Viewer, warehouse: Path, project: Path
) -> None:
    results = json.loads((project / "run_results.json").read_text())
    results["args"]["which"] = "build"
    for each in results["results"]:
        if each["unique_id"].startswith("test."):
            each["status"] = "fail"
    (project / "run_results.json").write_text(json.dumps(results))
    sync(store, admin, add(store, admin, "dbt", "dbt", {"path": str(project)}))
    with store.as_viewer(admin) as mine:
        orders = mine.catalog.by_name("stg_orders", kind="model")
    fields = fragment(orders, full=True).fields
    assert orders.properties["failing"] == "not_null on order_id, unique on order_id"
    assert fields["tests"] == "2 tests (not null, unique), 2 failing"
    assert str(fields["last_run"]).startswith("success (20")
    assert "tests" not in fragment(orders).fields


@pytest.mark.parametrize(
    "question",
    [
        "Is stg_orders tested?",
        "does stg_orders have tests",
        "which tests are on stg_orders",
        "tests for stg_orders",
    ],
)
def test_a_question_for_tests_is_one(question: str) -> None:
    intent = understand(question)
    assert (intent.name, intent.slot("s")) == ("tested", "stg_orders")
