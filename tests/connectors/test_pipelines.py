"""dbt Cloud, Airbyte and Dagster against local servers that speak their documented wires."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from connectors import connect
from connectors.abilities import Connector
from connectors.records import Asset, Lineage, Record
from tests.connectors.vendor_server import Asked, Vendor, serve

PROJECT = Path(__file__).parent / "dbt_project"
TOKEN = "t" * 40


def bearer(asked: Asked) -> bool:
    return "token" in asked.path or asked.headers.get("authorization") == f"Bearer {TOKEN}"


def assets_of(records: list[Record]) -> dict[str, Asset]:
    return {record.key: record for record in records if isinstance(record, Asset)}


def dbt_cloud_vendor() -> Vendor:
    base = "/api/v2/accounts/7"
    jobs = [
        {"id": n, "name": f"Job {n}", "project_id": 1, "schedule": {"cron": "0 2 * * *"}, "triggers": {"schedule": 1},
         "updated_at": "2026-05-01T10:00:00+00:00"}
        for n in range(1, 231)
    ]  # fmt: skip
    runs = [
        {
            "id": 90,
            "job_definition_id": 1,
            "project_id": 1,
            "is_success": True,
            "status_humanized": "Success",
        },
        {
            "id": 89,
            "job_definition_id": 2,
            "project_id": 1,
            "is_success": True,
            "status_humanized": "Success",
        },
        {"id": 88, "job_definition_id": 3, "project_id": 1, "is_success": False, "status_humanized": "Error"},
    ]

    def listed(rows: list[Any]) -> Any:
        def page(asked: Asked) -> Any:
            start = int(asked.query.get("offset", 0))
            data = rows[start : start + int(asked.query["limit"])]
            return {"data": data, "extra": {"pagination": {"count": len(data), "total_count": len(rows)}}}

        return page

    routes: dict[str, Any] = {
        f"GET {base}/": lambda asked: {"data": {"name": "Harbor Goods"}},
        f"GET {base}/jobs/": listed(jobs),
        f"GET {base}/runs/": listed(runs),
    }
    for name in ("manifest", "catalog", "run_results"):
        routes[f"GET {base}/runs/89/artifacts/{name}.json"] = lambda asked, name=name: json.loads(
            (PROJECT / f"{name}.json").read_text()
        )
    return Vendor(routes, allows=bearer)


def test_dbt_cloud_reads_jobs_and_the_newest_manifest() -> None:
    with serve(dbt_cloud_vendor()) as running:
        connector = connect("dbt_cloud", {"url": running.url, "account": "7"}, {"token": TOKEN})
        assert "Harbor Goods" in connector.check()
        running.asked.clear()
        records = list(connector.extract())
        assert len(running.asked) == 4 + 1 + 2 + 2
    assets = assets_of(records)
    assert assets["job/3"].properties["last_status"] == "Error" and "model.retail.revenue" in assets
    edges = {(e.upstream.key, e.downstream.key) for e in records if isinstance(e, Lineage)}
    assert {("job/2", "model.retail.revenue"), ("model.retail.stg_orders", "model.retail.revenue")} <= edges


def airbyte_vendor(live: dict[str, int], uses: int = 2) -> Vendor:
    def token(asked: Asked) -> Any:
        """JSON with "grant-type", as the API documents it; a form with "grant_type", as Airbyte's own client sends it."""
        json_ = asked.headers["content-type"] == "application/json"
        told, grant = (asked.json, "grant-type") if json_ else (asked.form, "grant_type")
        assert told == {"client_id": "id", "client_secret": "s" * 20, grant: "client_credentials"}
        live.update(left=uses, made=live["made"] + 1)
        return {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 180}

    def allows(asked: Asked) -> bool:
        if asked.path.endswith("/token"):
            return True
        live["left"] -= 1
        return bearer(asked) and live["left"] >= 0

    made = {"workspaceId": "w1", "createdAt": 1_760_000_000}
    connection = {"connectionId": "c1", "name": "Shop → warehouse", "sourceId": "s1", "destinationId": "d1",
                  "status": "active", "schedule": {"scheduleType": "cron", "cronExpression": "0 0 * * *"},
                  "prefix": "raw_", **made, "tags": [],
                  "configurations": {"streams": [{"name": "orders"}, {"name": "customers"}]}}  # fmt: skip
    source = {
        "sourceId": "s1",
        "name": "Shop",
        "sourceType": "mysql",
        "definitionId": "m",
        "configuration": {},
        **made,
    }
    destination = {"destinationId": "d1", "name": "Warehouse", "destinationType": "postgres", "definitionId": "p", **made,
                   "configuration": {"database": "analytics", "schema": "landing", "password": "CANARY-2"}}  # fmt: skip
    routes = {
        "POST /v1/applications/token": token,
        "GET /v1/sources": lambda asked: {"data": [source]},
        "GET /v1/destinations": lambda asked: {"data": [destination]},
        "GET /v1/jobs": lambda asked: {
            "data": [
                {"jobId": 1, "jobType": "sync", "connectionId": "c1", "status": "succeeded", "startTime": "x"}
            ]
        },
        "GET /v1/connections": lambda asked: {"data": [connection], "next": ""},
    }
    return Vendor(routes, allows=allows)


def of_airbyte(running: Vendor) -> Connector:
    return connect("airbyte", {"url": running.url, "client_id": "id"}, {"client_secret": "s" * 20})


def test_airbyte_renews_its_short_token_in_mid_run() -> None:
    live = {"left": 0, "made": 0}
    with serve(airbyte_vendor(live)) as running:
        records = list(of_airbyte(running).extract())
    assert live["made"] >= 2
    job = assets_of(records)["c1"]
    assert job.properties["to"] == "Warehouse" and job.properties["last_status"] == "succeeded"
    assert {(e.downstream.schema, e.downstream.table) for e in records if isinstance(e, Lineage)} == {
        ("landing", "raw_orders"),
        ("landing", "raw_customers"),
    }
    assert "CANARY-2" not in repr(records)


def dagster_vendor(size: int) -> Vendor:
    nodes = [
        {"assetKey": {"path": ["sales", f"t{n}"]}, "description": "A table", "groupName": "sales", "kinds": ["duckdb"],
         "jobNames": ["nightly", "__ASSET_JOB"], "owners": [{"email": "priya@harbor.example"}],
         "tags": [{"key": "tier", "value": "1"}],
         "dependencyKeys": [{"path": ["sales", f"t{n - 1}"]}] if n else [{"path": ["gone"]}]}
        for n in range(size)
    ]  # fmt: skip
    jobs = {"nodes": [{"name": "r", "location": {"name": "prod"},
                       "jobs": [{"name": "nightly"}, {"name": "__ASSET_JOB"}],
                       "schedules": [{"pipelineName": "nightly", "cronSchedule": "0 2 * * *"}]}]}  # fmt: skip

    def graphql(asked: Asked) -> Any:
        query = asked.json["query"]
        if "assetNodes" in query:
            return {"data": {"assetNodes": nodes}}
        if "repositoriesOrError" in query:
            return {"data": {"repositoriesOrError": jobs}}
        if "runsOrError" in query:
            runs = [{"jobName": "nightly", "status": "SUCCESS", "endTime": 1_700_000_000.0}]
            return {"data": {"runsOrError": {"results": runs}}}
        return {"data": {"version": "1.12"}}

    return Vendor({"POST /graphql": graphql})


def test_dagster_takes_three_queries_whatever_the_size() -> None:
    with serve(dagster_vendor(2000)) as running:
        connector = connect("dagster", {"url": running.url}, {})
        assert connector.check() == "Dagster 1.12"
        running.asked.clear()
        records = list(connector.extract())
        assert len(running.asked) == 3
    assets = assets_of(records)
    assert assets["job/nightly"].properties["schedule"] == "0 2 * * *" and "job/__ASSET_JOB" not in assets
    assert assets["asset/sales/t5"].owners == ("priya@harbor.example",)
    assert sum(isinstance(record, Lineage) for record in records) == 1999
