"""Second servers of dbt Cloud and Airbyte, as in second_servers.py.

dbt Cloud: openapi-v2.yaml of github.com/dbt-labs/dbt-cloud-openapi-spec. Airbyte: the models of github.com/airbytehq/airbyte-api-python-sdk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.connectors.second_servers import SECRET, Second
from tests.connectors.vendor_server import Answer, Asked, Vendor

# --- dbt Cloud --------------------------------------------------------------------------------------------------------


def manifest(project: str, schema: str, model: str) -> dict[str, Any]:
    """The artifact of a run, of dbt 1.10: what the specification of manifest v12 makes obligatory, and little else."""
    node = {
        "resource_type": "model", "unique_id": f"model.{project}.{model}", "name": model, "database": "ANALYTICS", "schema": schema, "alias": model,
        "fqn": [project, model], "description": "Ein Modell – täglich", "tags": ["daily"], "meta": {"owner": "priya@harbor.example"}, "package_name": project,
        "config": {"materialized": "incremental", "enabled": True, "tags": ["daily"], "meta": {"owner": "priya@harbor.example"}}, "refs": [], "sources": [],
        "columns": {"id": {"name": "id", "description": "Nummer", "data_type": None, "meta": {}, "tags": [], "constraints": []}},
        "depends_on": {"nodes": [f"source.{project}.raw.orders"], "macros": []}, "raw_code": "select 1", "compiled_code": "select id from RAW.ORDERS",
        "compiled": True, "path": "m.sql", "original_file_path": "models/m.sql", "language": "sql", "access": "protected", "group": None, "checksum": {},
    }  # fmt: skip
    source = {"resource_type": "source", "unique_id": f"source.{project}.raw.orders", "name": "orders", "identifier": "ORDERS", "source_name": "raw",
              "database": "ANALYTICS", "schema": "RAW", "description": "", "columns": {}, "tags": [], "meta": {}, "config": {"enabled": True},
              "fqn": [project, "raw", "orders"], "package_name": project, "source_description": "", "relation_name": None, "loader": ""}  # fmt: skip
    metadata = {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json", "dbt_version": "1.10.2", "adapter_type": "snowflake",
                "project_name": project, "generated_at": "2026-11-20T03:00:00Z", "env": {"DBT_CLOUD_RUN_ID": "CANARY"}, "invocation_id": "x"}  # fmt: skip
    return {"metadata": metadata, "nodes": {node["unique_id"]: node}, "sources": {source["unique_id"]: source}, "macros": {}, "docs": {}, "exposures": {},
            "metrics": {}, "groups": {}, "selectors": {}, "disabled": {}, "parent_map": {}, "child_map": {}, "semantic_models": {}, "saved_queries": {},
            "unit_tests": {}, "group_map": None}  # fmt: skip


def dbt_cloud() -> Second:
    """Two projects; a continuous integration job ran last, in a schema of its pull request; one project never ran; a page has three rows."""
    schedule = {
        "cron": "0 3 * * *",
        "date": {"type": "every_day", "days": None, "cron": None},
        "time": {"type": "every_hour", "interval": 1, "hours": None},
    }
    common = {"account_id": 7, "state": 1, "dbt_version": None, "deferring_environment_id": None, "description": None, "execution": {"timeout_seconds": 0},
              "settings": {"threads": 4, "target_name": "prod"}, "schedule": schedule, "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-11-01T00:00:00Z",
              "lifecycle_webhooks_url": None, "job_completion_trigger_condition": None, "environment": None, "project": None}  # fmt: skip
    on, off = (
        {"schedule": True, "github_webhook": False, "git_provider_webhook": None},
        {"schedule": False, "github_webhook": True},
    )
    jobs = [
        {**common, "id": 1, "project_id": 10, "environment_id": 100, "name": "Täglich", "job_type": "scheduled", "triggers": on, "generate_docs": True,
         "execute_steps": ["dbt build --vars '{\"x\": \"CANARY\"}'"], "description": "Every night"},
        {**common, "id": 2, "project_id": 10, "environment_id": 101, "name": "CI", "job_type": "ci", "triggers": off, "schedule": None, "execute_steps": ["dbt build -s state:modified+"]},
        {**common, "id": 3, "project_id": 10, "environment_id": 100, "name": "Deleted", "job_type": "other", "triggers": off, "state": 2, "execute_steps": []},
        {**common, "id": 4, "project_id": 20, "environment_id": 200, "name": "Never", "job_type": "other", "triggers": off, "execute_steps": []},
    ]  # fmt: skip
    run = {"account_id": 7, "status_message": "CANARY", "git_sha": None, "artifacts_saved": True, "artifact_s3_path": None, "job": None, "environment": None,
           "run_steps": [], "trigger": None, "dbt_version": "versionless", "is_complete": True, "created_at": "2026-11-20T03:00:00Z", "updated_at": "2026-11-20T03:09:00Z",
           "href": "https://x/CANARY", "duration": "00:09:00"}  # fmt: skip

    def ran(key: int, job: int, status: int, said: str, finished: str | None) -> dict[str, Any]:
        env = {1: 100, 2: 101, 3: 100}[job]
        return {**run, "id": key, "job_definition_id": job, "job_id": job, "project_id": 10, "environment_id": env, "status": status, "status_humanized": said,
                "started_at": "2026-11-20 03:00:05.000000+00:00" if finished else None, "finished_at": finished, "is_success": status == 10, "is_error": status == 20}  # fmt: skip

    runs = [
        ran(900, 1, 10, "Success", "2026-11-18 03:09:00.000000+00:00"), ran(901, 1, 10, "Success", "2026-11-19 03:09:00.000000+00:00"),
        ran(902, 1, 20, "Error", "2026-11-20 03:09:00.000000+00:00"), ran(903, 2, 10, "Success", "2026-11-20 12:00:00.000000+00:00"),
        ran(904, 2, 30, "Cancelled", "2026-11-20 13:00:00.000000+00:00"), ran(905, 1, 3, "Running", None), ran(899, 3, 10, "Success", "2026-11-01 03:09:00+00:00"),
    ]  # fmt: skip
    projects = [{"id": 10, "name": "Lager", "description": None, "account_id": 7, "state": 1, "connection": None, "type": 0},
                {"id": 20, "name": "Neu", "description": "", "account_id": 7, "state": 1, "repository": None}]  # fmt: skip
    environments = [{"id": 100, "name": "Production", "project_id": 10, "type": "deployment", "deployment_type": "production", "state": 1},
                    {"id": 101, "name": "CI", "project_id": 10, "type": "deployment", "deployment_type": None, "state": 1},
                    {"id": 200, "name": "Dev", "project_id": 20, "type": "development", "deployment_type": None, "state": 1}]  # fmt: skip

    def listed(things: list[Any]) -> Callable[[Asked], Any]:
        def page(asked: Asked) -> Any:
            found = list(things)
            for name in ("job_definition_id", "project_id", "status", "environment_id"):
                if name in asked.query and found and name in found[0]:
                    found = [each for each in found if str(each[name]) == asked.query[name]]
            if "status__in" in asked.query:
                wanted = asked.query["status__in"].strip("[]").split(",")
                found = [each for each in found if str(each["status"]) in wanted]
            if things is jobs and asked.query.get("state") not in ("all", "deleted", "2"):
                found = [each for each in found if each["state"] == 1]
            order = asked.query.get("order_by", "id")
            found.sort(key=lambda each: str(each.get(order.strip("-")) or ""), reverse=order.startswith("-"))
            start, limit = int(asked.query.get("offset", 0)), min(int(asked.query.get("limit", 100)), 100)
            if limit > 3:
                limit = 3 if len(found) > 3 else limit
            rows = found[start : start + limit]
            told = {
                "filters": {"limit": limit, "offset": start},
                "order_by": order,
                "pagination": {"count": len(rows), "total_count": len(found)},
            }
            return {
                "data": rows,
                "extra": told,
                "status": {
                    "code": 200,
                    "is_success": True,
                    "user_message": "Success!",
                    "developer_message": None,
                },
            }

        return page

    def artifact(asked: Asked) -> Any:
        key, name = asked.path.split("/")[6], asked.path.split("/artifacts/")[1]
        made = {
            "901": manifest("lager", "MART", "revenue"),
            "903": manifest("lager", "dbt_cloud_pr_1_77", "revenue"),
            "900": manifest("lager", "OLD", "old"),
        }
        if name == "manifest.json" and key in made:
            return made[key]
        return Answer(
            404,
            {
                "status": {
                    "code": 404,
                    "is_success": False,
                    "user_message": "The requested resource was not found.",
                },
                "data": None,
            },
        )

    api = "/api/v2/accounts/7"
    routes: dict[str, Callable[[Asked], Any]] = {}
    for name, things in (
        ("jobs", jobs),
        ("runs", runs),
        ("projects", projects),
        ("environments", environments),
    ):
        routes[f"GET {api}/{name}/"] = listed(things)
        routes[f"GET /api/v3/accounts/7/{name}/"] = listed(things)
    routes[f"GET {api}/runs/*"] = artifact
    routes[f"GET {api}/"] = lambda asked: {
        "data": {"id": 7, "name": "Harbor", "plan": "enterprise", "state": 1},
        "status": {"code": 200},
    }

    def allows(asked: Asked) -> bool:
        return asked.headers.get("authorization") in (f"Token {SECRET}", f"Bearer {SECRET}")

    return Second(Vendor(routes, allows=allows), {"token": SECRET}, {"account": "7"})


# --- Airbyte ----------------------------------------------------------------------------------------------------------


def airbyte() -> Second:
    """Pages of one row with addresses that cannot be reached, epochs and missing times, states of 2026, streams with names of their own."""
    source = {"sourceId": "s1", "name": "Shop – Postgres", "sourceType": "postgres", "definitionId": "x", "workspaceId": "w1", "createdAt": 1_760_000_000,
              "configuration": {"password": "CANARY", "host": "CANARY", "schemas": ["public"]}}  # fmt: skip
    sink = {"destinationId": "d1", "name": "Lager", "destinationType": "snowflake", "definitionId": "y", "workspaceId": "w1", "createdAt": 1_760_000_000,
            "configuration": {"database": "RAW", "schema": "LANDING", "credentials": {"password": "CANARY"}}}  # fmt: skip
    bare = {
        "destinationId": "d2",
        "name": "Bucket",
        "destinationType": "s3",
        "workspaceId": "w1",
        "createdAt": 1,
        "configuration": {},
    }

    def stream(name: str, **more: Any) -> dict[str, Any]:
        return {"name": name, "syncMode": "incremental_deduped_history", "cursorField": ["updated_at"], "primaryKey": [["id"]], "selectedFields": None,
                "mappers": [{"type": "encryption", "mapperConfiguration": {
                    "algorithm": "RSA", "publicKey": "CANARY", "targetField": "mail", "fieldNameSuffix": "_x"}}], **more}  # fmt: skip

    def connection(key: str, name: str, **more: Any) -> dict[str, Any]:
        return {"connectionId": key, "name": name, "sourceId": "s1", "destinationId": "d1", "workspaceId": "w1", "status": "active", "createdAt": 1_760_000_000,
                "schedule": {"scheduleType": "manual"}, "configurations": {"streams": []}, "tags": [], **more}  # fmt: skip

    connections = [
        connection("c1", "Shop → Lager", schedule={"scheduleType": "cron", "cronExpression": "0 0 3 * * ? UTC"}, namespaceDefinition="custom_format",
                   namespaceFormat="${SOURCE_NAMESPACE}_eu", prefix="ab_", tags=[{"tagId": "t", "workspaceId": "w1", "name": "gold", "color": "F00"}],
                   configurations={"streams": [stream("orders", namespace="public"), stream("Größe", namespace="public")]}),
        connection("c2", "Into the destination's own", namespaceDefinition="destination", schedule={"scheduleType": "basic", "basicTiming": "Every 24 HOURS"},
                   configurations={"streams": [stream("customers", namespace="public")]}, status="locked", statusReason="CANARY"),
        connection("c3", "Source", namespaceDefinition="source", prefix=None, configurations={"streams": [stream("items", namespace="sales")]}, status="inactive"),
        connection("c4", "To a bucket", destinationId="d2", configurations={"streams": None}),
        connection("c5", "Gone", status="deprecated", destinationId="missing"),
    ]  # fmt: skip
    jobs = [
        {"jobId": 5, "status": "running", "jobType": "sync", "startTime": "2026-11-20T04:00:00Z", "connectionId": "c1"},
        {"jobId": 4, "status": "incomplete", "jobType": "sync", "startTime": "2026-11-20T03:00:00Z", "connectionId": "c1", "lastUpdatedAt": "2026-11-20T03:10:00Z", "duration": "PT10M",
         "bytesSynced": 1, "rowsSynced": 5},
        {"jobId": 3, "status": "succeeded", "jobType": "reset", "startTime": "2026-11-19T03:00:00Z", "connectionId": "c2", "lastUpdatedAt": None},
    ]  # fmt: skip

    def page(things: list[Any]) -> Callable[[Asked], Any]:
        def cut(asked: Asked) -> Any:
            start = int(asked.query.get("offset", 0))
            found = (
                [
                    each
                    for each in things
                    if asked.query.get("connectionId") in (None, each.get("connectionId"))
                ]
                if things is jobs
                else things
            )
            if things is connections and asked.query.get("includeDeleted") != "true":
                found = [each for each in found if each["status"] != "deprecated"]
            more = (
                f"https://api.internal.invalid/v1/x?offset={start + 1}&limit=1"
                if start + 1 < len(found)
                else ""
            )
            return {"previous": "", "next": more, "data": found[start : start + 1]}

        return cut

    def sign_in(asked: Asked) -> Any:
        told = asked.json if "json" in asked.headers["content-type"] else asked.form
        if told.get("client_secret") != SECRET:
            return Answer(401, {"message": "no"})
        return {"access_token": "t1", "token_type": "Bearer", "expires_in": 180}

    routes: dict[str, Callable[[Asked], Any]] = {
        "POST /v1/applications/token": sign_in,
        "GET /v1/workspaces": page(
            [{"workspaceId": "w1", "name": "Harbor", "dataResidency": "eu", "notifications": {}}]
        ),
        "GET /v1/sources": page([source]),
        "GET /v1/destinations": page([sink, bare]),
        "GET /v1/connections": page(connections),
        "GET /v1/jobs": page(jobs),
        "GET /v1/health": lambda asked: "Successful operation",
    }

    def allows(asked: Asked) -> bool:
        return asked.path.endswith("/token") or asked.headers.get("authorization") == "Bearer t1"

    return Second(Vendor(routes, allows=allows), {"client_secret": SECRET}, {"client_id": "docent"})
