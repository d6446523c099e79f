"""Airflow 2 and 3 against a local server that speaks their documented wire."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors import connect
from connectors.records import Asset, Lineage
from tests.connectors.vendor_server import Asked, Vendor, serve

DAGS = [
    {"dag_id": f"load {n:03d}", "owners": ["priya", "airflow"], "tags": [{"name": "nightly"}], "is_paused": n == 1,
     "timetable_description": "At 02:00", "description": "Loads", "last_parsed_time": "2026-05-01T10:00:00+00:00"}
    for n in range(250)
]  # fmt: skip


def paged(asked: Asked, field: str, rows: list[Any]) -> dict[str, Any]:
    start, limit = int(asked.query.get("offset", 0)), int(asked.query["limit"])
    return {field: rows[start : start + limit], "total_entries": len(rows)}


def routes(base: str, datasets: str) -> dict[str, Any]:
    asset = {"id": 1, "uri": "postgres://db/analytics/sales/orders", "updated_at": None,
             "producing_tasks": [{"dag_id": "load 000", "task_id": "write"}],
             "consuming_dags": [{"dag_id": "load 001"}]}  # fmt: skip
    tasks = {"tasks": [{"task_id": "read", "operator_name": "PythonOperator", "downstream_task_ids": ["write"]},
                       {"task_id": "write", "downstream_task_ids": []}]}  # fmt: skip
    return {
        f"GET {base}/version": lambda asked: {"version": "x.y"},
        f"GET {base}/dags": lambda asked: paged(asked, "dags", DAGS),
        f"GET {base}/dags/*": lambda asked: tasks,
        f"GET {base}/dags/~/dagRuns": lambda asked: paged(
            asked,
            "dag_runs",
            [{"dag_id": "load 000", "state": "success", "start_date": "2026-05-01T02:00:00+00:00"}],
        ),
        f"GET {base}/{datasets}": lambda asked: paged(asked, datasets, [asset]),
        "POST /auth/token": lambda asked: {"access_token": "t" * 20},
    }


@pytest.fixture(params=["v1", "v2"])
def airflow(request: pytest.FixtureRequest) -> Iterator[tuple[str, Vendor]]:
    api = request.param
    wanted = "Basic dTpwcHBwcHBwcA==" if api == "v1" else f"Bearer {'t' * 20}"
    allows = lambda asked: asked.path == "/auth/token" or asked.headers.get("authorization") == wanted  # noqa: E731
    with serve(
        Vendor(routes(f"/api/{api}", "datasets" if api == "v1" else "assets"), allows=allows)
    ) as running:
        yield api, running


def test_dags_tasks_runs_and_datasets(airflow: tuple[str, Vendor]) -> None:
    api, vendor = airflow
    connector = connect("airflow", {"url": vendor.url, "username": "u", "api": api}, {"password": "p" * 8})
    assert connector.check() == "Airflow x.y, 250 DAGs"
    vendor.asked.clear()
    records = list(connector.extract())
    assets = {record.key: record for record in records if isinstance(record, Asset)}
    first = assets["load 000"]
    assert (
        first.owners == ("priya",)
        and first.properties["last_status"] == "success"
        and first.tags == ("nightly",)
    )
    assert assets["load 001"].properties["paused"] == "yes"
    assert assets["load 000/write"].parent == "load 000"
    edges = {
        (e.upstream.key, e.downstream.key or e.downstream.table) for e in records if isinstance(e, Lineage)
    }
    assert {("load 000/read", "load 000/write"), ("load 000/write", "dataset/1"), ("dataset/1", "load 001"),
            ("dataset/1", "orders")} <= edges  # fmt: skip
    assert len([asked for asked in vendor.asked if "tasks" not in asked.path]) <= 6
