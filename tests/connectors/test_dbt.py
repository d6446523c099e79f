"""The dbt connector over artifacts that dbt-core 1.11 itself wrote (macros left out for size)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from connectors import connect
from connectors.dbt_tests import NodeTests
from connectors.errors import BadSettings, SourceInterrupted, UnreachableSource
from connectors.records import Asset, Lineage

PROJECT = Path(__file__).parent / "dbt_project"


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(PROJECT)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def assets() -> dict[str, Asset]:
    records = connect("dbt", {"path": str(PROJECT)}, {}).extract()
    return {record.key: record for record in records if isinstance(record, Asset)}


def test_models_carry_columns_tests_owner_and_state() -> None:
    revenue, orders = assets()["model.retail.revenue"], assets()["model.retail.stg_orders"]
    assert revenue.owners == ("priya@harbor.example",)
    assert [(column.name, column.native_type) for column in revenue.columns] == [
        ("day", "DATE"),
        ("revenue", "DOUBLE"),
    ]
    assert revenue.properties["contract"] == "enforced" and revenue.dialect == "duckdb"
    assert orders.description == "One row per order, cleaned." and orders.properties["tests"] == "2"
    assert orders.columns[0].description == "Primary key."


def test_exposures_metrics_sources_and_documents_are_there() -> None:
    found = assets()
    assert {asset.kind for asset in found.values()} == {"model", "dataset", "metric", "dashboard", "document"}
    assert found["exposure.retail.board_report"].url == "https://bi.harbor.example/board"


def test_edges_are_those_of_ref_and_source() -> None:
    edges = [r for r in connect("dbt", {"path": str(PROJECT)}, {}).extract() if isinstance(r, Lineage)]
    by_key = {
        (edge.upstream.key, edge.downstream.key)
        for edge in edges
        if edge.upstream.key and edge.downstream.key
    }
    assert by_key == {
        ("source.retail.shop.raw_orders", "model.retail.stg_orders"),
        ("model.retail.stg_orders", "model.retail.revenue"),
        ("model.retail.revenue", "exposure.retail.board_report"),
        ("model.retail.stg_orders", "metric.retail.total_revenue"),
    }
    built = {(edge.upstream.key, edge.downstream.table) for edge in edges if edge.downstream.table}
    assert ("model.retail.revenue", "revenue") in built


def test_the_same_over_http(address: str) -> None:
    connector = connect("dbt", {"url": address}, {})
    assert "3 models" in connector.check()
    over_http = {record.key for record in connector.extract() if isinstance(record, Asset)}
    assert over_http == set(assets())


def test_what_is_missing_or_half_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnreachableSource, match="run dbt first"):
        connect("dbt", {"path": str(tmp_path)}, {}).check()
    shutil.copytree(PROJECT, tmp_path, dirs_exist_ok=True)
    whole = (tmp_path / "manifest.json").read_text()
    (tmp_path / "manifest.json").write_text(whole[: len(whole) // 2])
    with pytest.raises(SourceInterrupted, match="try again"):
        list(connect("dbt", {"path": str(tmp_path)}, {}).extract())
    (tmp_path / "manifest.json").write_text(json.dumps({"nodes": {}}))
    with pytest.raises(BadSettings, match="not an artifact"):
        connect("dbt", {"path": str(tmp_path)}, {}).check()
    with pytest.raises(BadSettings, match="one of the two"):
        connect("dbt", {}, {})


@pytest.mark.parametrize(
    ("given", "nodes", "tested"),
    [
        ({"attached_node": "model.p.orders"}, ["model.p.customers", "model.p.orders"], "model.p.orders"),
        (
            {"test_metadata": {"kwargs": {"model": "{{ get_where_subquery(ref('orders')) }}"}}},
            ["model.p.customers", "model.p.orders"],
            "model.p.orders",
        ),
        (
            {"test_metadata": {"kwargs": {"model": "{{ get_where_subquery(ref('p', 'orders')) }}"}}},
            ["model.q.my_orders", "model.p.orders"],
            "model.p.orders",
        ),
        (
            {"attached_node": None, "test_metadata": {"kwargs": {"model": "{{ source('shop', 'orders') }}"}}},
            ["source.p.web.orders", "source.p.shop.orders"],
            "source.p.shop.orders",
        ),
        ({"test_metadata": {"kwargs": {"model": "{{ ref('gone') }}"}}}, ["model.p.orders"], None),
        ({"test_metadata": None}, ["model.p.orders"], None),
    ],
)
def test_a_test_counts_at_what_it_tests(
    given: dict[str, object], nodes: list[str], tested: str | None
) -> None:
    """As dbt writes it from v9 on, before, and of a source: manifests v1 to v8 had no test counted."""
    test = {"unique_id": "test.p.t", "resource_type": "test", "depends_on": {"nodes": nodes}, **given}
    counted = NodeTests([test], {"test.p.t": {"status": "fail"}})
    assert {each: counted.facts(each)["tests_failing"] for each in nodes} == {
        each: int(each == tested) for each in nodes
    }


def test_a_failing_tests_message_is_not_read(tmp_path: Path) -> None:
    shutil.copytree(PROJECT, tmp_path, dirs_exist_ok=True)
    results = json.loads((tmp_path / "run_results.json").read_text())
    for each in results["results"]:
        each["message"] = "got CANARY-VALUE-1"
        if each["unique_id"].startswith("test."):
            each["status"] = "fail"
    (tmp_path / "run_results.json").write_text(json.dumps(results))
    records = list(connect("dbt", {"path": str(tmp_path)}, {}).extract())
    assert "CANARY-VALUE-1" not in repr(records)
    (orders,) = [r for r in records if isinstance(r, Asset) and r.key == "model.retail.stg_orders"]
    assert orders.properties["tests_failing"] == "2"


def test_freshness_is_told_and_the_newest_row_is_not(tmp_path: Path) -> None:
    shutil.copytree(PROJECT, tmp_path, dirs_exist_ok=True)
    told = {
        "unique_id": "source.retail.shop.raw_orders",
        "status": "warn",
        "max_loaded_at": "1999-09-09T09:09:09Z",
    }
    (tmp_path / "sources.json").write_text(json.dumps({"metadata": {}, "results": [told]}))
    records = list(connect("dbt", {"path": str(tmp_path)}, {}).extract())
    (orders,) = [r for r in records if isinstance(r, Asset) and r.key == told["unique_id"]]
    assert orders.properties["freshness"] == "warn"
    assert "1999" not in repr(records)


def test_manifests_before_v7_call_compiled_sql_otherwise(tmp_path: Path) -> None:
    manifest = json.loads((PROJECT / "manifest.json").read_text())
    node = manifest["nodes"]["model.retail.stg_orders"]
    node["compiled_sql"], node["raw_sql"] = node.pop("compiled_code"), node.pop("raw_code")
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    records = connect("dbt", {"path": str(tmp_path)}, {}).extract()
    (orders,) = [r for r in records if isinstance(r, Asset) and r.key == "model.retail.stg_orders"]
    assert orders.definition == node["compiled_sql"]
