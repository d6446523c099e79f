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
from connectors.dbt_tests import NodeTests, Results
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


def test_what_is_too_large_over_http_is_not_taken_whole(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.dbt.LARGEST", 1024)
    with pytest.raises(BadSettings, match=r"manifest\.json is larger than"):
        connect("dbt", {"url": address}, {}).check()


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
        ({"test_metadata": None}, ["model.p.orders"], "model.p.orders"),
        ({"test_metadata": None}, ["model.p.orders", "model.p.customers"], None),
    ],
)
def test_a_test_counts_at_what_it_tests(
    given: dict[str, object], nodes: list[str], tested: str | None
) -> None:
    """As dbt writes it from v9 on, before, and of a source: manifests v1 to v8 had no test counted."""
    test = {"unique_id": "test.p.t", "resource_type": "test", "depends_on": {"nodes": nodes}, **given}
    counted = NodeTests(
        {"test.p.t": test}, Results({"results": [{"unique_id": "test.p.t", "status": "fail"}]})
    )
    assert {each: counted.facts(each)["tests_failing"] for each in nodes} == {
        each: int(each == tested) for each in nodes
    }


def test_a_failing_tests_message_is_not_read(tmp_path: Path) -> None:
    shutil.copytree(PROJECT, tmp_path, dirs_exist_ok=True)
    results = json.loads((tmp_path / "run_results.json").read_text())
    results["args"]["which"] = "build"
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


def manifest_with(tmp_path: Path, **parts: object) -> dict[str, Asset]:
    """The project with parts of its manifest, or another artifact, written otherwise."""
    shutil.copytree(PROJECT, tmp_path, dirs_exist_ok=True)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    for name, part in parts.items():
        manifest[name] = {**manifest.get(name, {}), **part}  # type: ignore[dict-item]
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    records = connect("dbt", {"path": str(tmp_path)}, {}).extract()
    return {record.key: record for record in records if isinstance(record, Asset)}


def ran(tmp_path: Path, which: str, **statuses: str) -> Asset:
    """The model stg_orders after a command of dbt."""
    shutil.copytree(PROJECT, tmp_path, dirs_exist_ok=True)
    results = json.loads((tmp_path / "run_results.json").read_text())
    results["args"]["which"] = which
    for each in results["results"]:
        each["status"] = statuses.get(each["unique_id"].split(".")[0], each["status"])
    (tmp_path / "run_results.json").write_text(json.dumps(results))
    records = connect("dbt", {"path": str(tmp_path)}, {}).extract()
    return next(r for r in records if isinstance(r, Asset) and r.key == "model.retail.stg_orders")


def test_what_was_only_compiled_did_not_succeed(tmp_path: Path) -> None:
    """`dbt docs generate` writes "success" for a model that cannot be built and for a test that fails."""
    orders = ran(tmp_path, "generate")
    assert "last_status" not in orders.properties and orders.changed_at is None


def test_a_model_that_was_skipped_did_not_change(tmp_path: Path) -> None:
    skipped = ran(tmp_path, "build", model="skipped")
    assert (skipped.properties["last_status"], skipped.changed_at) == ("skipped", None)
    assert ran(tmp_path, "build").changed_at is not None


@pytest.mark.parametrize(
    "name", ["dbt_utils_accepted_range_orders_t__CANARY", "dbt_utils_source_accepted_range_shop_t__CANARY"]
)
def test_the_name_of_a_packages_test_is_made_up_too(name: str) -> None:
    """Of a source dbt puts "source" behind the package (`get_synthetic_test_names` of dbt-core)."""
    test = {
        "unique_id": "test.r.range", "resource_type": "test", "attached_node": "model.retail.stg_orders", "name": name,
        "column_name": "total", "test_metadata": {"name": "accepted_range", "namespace": "dbt_utils"},
    }  # fmt: skip
    results = Results({"results": [{"unique_id": "test.r.range", "status": "fail"}]})
    assert (
        NodeTests({"test.r.range": test}, results).facts("model.retail.stg_orders")["failing"]
        == "dbt_utils.accepted_range on total"
    )


def test_failing_tests_are_named_by_kind_and_column_and_quote_nothing(tmp_path: Path) -> None:
    """dbt makes the values up into the name: accepted_values_orders_status__paid__CANARY."""
    test = {
        "resource_type": "test",
        "attached_node": "model.retail.stg_orders",
        "column_name": "status",
        "depends_on": {"nodes": ["model.retail.stg_orders"]},
        "test_metadata": {"name": "accepted_values", "kwargs": {"values": ["CANARY"]}},
    }
    made_up = {**test, "unique_id": "test.r.a", "name": "accepted_values_stg_orders_status__CANARY"}
    named = {**test, "unique_id": "test.r.b", "name": "status_is_known"}
    own = {
        **test,
        "unique_id": "test.r.c",
        "name": "no_negative",
        "attached_node": None,
        "test_metadata": None,
    }
    results = [{"unique_id": each, "status": "fail"} for each in ("test.r.a", "test.r.b", "test.r.c")]
    tests = {str(each["unique_id"]): each for each in (made_up, named, own)}
    told = NodeTests(tests, Results({"results": results})).facts("model.retail.stg_orders")
    assert (
        told["failing"]
        == "accepted_values on status, no_negative, status_is_known (accepted_values on status)"
    )
    assert told["tested_for"] == "accepted_values (2), no_negative"
    assert "CANARY" not in repr(told)


def test_versions_of_a_model_are_told_apart(tmp_path: Path) -> None:
    node = json.loads((PROJECT / "manifest.json").read_text())["nodes"]["model.retail.revenue"]
    versions = {
        f"model.retail.revenue.v{number}": {
            **node,
            "unique_id": f"model.retail.revenue.v{number}",
            "version": number,
            "latest_version": 2,
            "deprecation_date": "2099-01-01T00:00:00+00:00" if number == 1 else None,
        }
        for number in (1, 2)
    }
    found = manifest_with(tmp_path, nodes=versions)
    first, second = (found[key] for key in versions)
    assert (first.name, second.name) == ("revenue_v1", "revenue_v2")
    assert (first.properties["version"], first.properties["deprecated_from"]) == (
        "1 (latest is 2)",
        "2099-01-01",
    )
    assert second.properties["version"] == "2 (latest)"


METRIC = {"resource_type": "metric", "depends_on": {"nodes": []}, "description": ""}


@pytest.mark.parametrize(
    ("kind", "given", "formula"),
    [
        ("simple", {"measure": {"name": "total"}}, "sum(amount)"),
        ("ratio", {"numerator": {"name": "a"}, "denominator": {"name": "b", "filter": None}}, "a / b"),
        (
            "derived",
            {
                "expr": "a - last -- was CANARY\n + 4711",
                "metrics": [
                    {"name": "a", "alias": "last", "offset_window": {"count": 1, "granularity": "month"}}
                ],
            },
            "a - last + ?, where last is a, P1M earlier",
        ),
        (
            "cumulative",
            {
                "measure": {"name": "lost"},
                "cumulative_type_params": {"window": {"count": 7, "granularity": "day"}},
            },
            "sum(case when status = ? then amount end), cumulative over P7D",
        ),
        ("simple", {"metric_aggregation_params": {"agg": "count", "expr": "id"}}, "count(id)"),
        ("simple", {}, None),
    ],
)
def test_a_metric_says_how_it_is_computed_and_no_value(
    tmp_path: Path, kind: str, given: dict[str, object], formula: str | None
) -> None:
    measures = [
        {"name": "total", "agg": "sum", "expr": "amount"},
        {"name": "lost", "agg": "sum", "expr": "case when status = 'CANARY' then amount end"},
    ]
    semantic = {"unique_id": "s", "name": "s", "measures": measures, "depends_on": {"nodes": []}}
    metric = {**METRIC, "unique_id": "metric.r.m", "name": "m", "type": kind, "type_params": given}
    kept = {**metric, "unique_id": "metric.r.k", "filter": {"where_filters": [{"where_sql_template": WHERE}]}}
    found = manifest_with(
        tmp_path, semantic_models={"s": semantic}, metrics={"metric.r.m": metric, "metric.r.k": kept}
    )
    assert found["metric.r.m"].definition == formula
    where = ", where order__status = ? and order__at__day > ?"
    assert found["metric.r.k"].definition == (formula and formula + where)


WHERE = "{{ Dimension('order__status') }} = 'CANARY' and {{ TimeDimension('order__at', 'day') }} > '1999'"


def test_a_saved_query_and_tags_that_stand_in_a_config(tmp_path: Path) -> None:
    query = {
        "unique_id": "saved_query.r.board",
        "name": "board",
        "resource_type": "saved_query",
        "depends_on": {"nodes": ["metric.retail.total_revenue"]},
        "query_params": {"metrics": ["total_revenue"], "group_by": ["TimeDimension('order__at', 'day')"]},
        "exports": [{"name": "e", "config": {"schema_name": "marts", "alias": "board_export"}}],
        "config": {"tags": "kpi"},
    }
    board = manifest_with(tmp_path, saved_queries={query["unique_id"]: query})["saved_query.r.board"]
    assert (board.kind, board.properties["asks"], board.tags) == (
        "query",
        "total_revenue by order__at__day",
        ("kpi",),
    )
    edges = [r for r in connect("dbt", {"path": str(tmp_path)}, {}).extract() if isinstance(r, Lineage)]
    ends = {(edge.upstream.key, edge.downstream.key or edge.downstream.table) for edge in edges}
    assert {("metric.retail.total_revenue", board.key), (board.key, "board_export")} <= ends


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1.docent.invalid/t", "http://localhost@docent.invalid/t", "http://[bad"]
)
def test_an_address_that_only_begins_like_this_machine_is_not_read_without_tls(url: str) -> None:
    with pytest.raises(BadSettings):
        connect("dbt", {"url": url}, {}).check()
