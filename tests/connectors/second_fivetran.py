"""A second server of Fivetran, as in second_servers.py, from the OpenAPI definition in github.com/fivetran/fivetran-mcp."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from tests.connectors.second_expected import Expected, edges
from tests.connectors.second_servers import SECRET, Second
from tests.connectors.vendor_server import Answer, Asked, Vendor


def items(rows: list[Any], page: int = 3) -> Callable[[Asked], Any]:
    """`items` and `next_cursor`, which is null on the last page; a cursor is opaque."""

    def route(asked: Asked) -> Any:
        if not 1 <= int(asked.query.get("limit", "100")) <= 1000:
            return Answer(400, {"code": "InvalidInput", "message": "CANARY"})
        kept = [row for row in rows if all(row.get(key) == asked.query[key] for key in ("schema", "group_id") if key in asked.query)]  # fmt: skip
        first = int(base64.urlsafe_b64decode(asked.query["cursor"])) if "cursor" in asked.query else 0
        last = first + min(page, int(asked.query.get("limit", "100")))
        cursor = base64.urlsafe_b64encode(str(last).encode()).decode() if last < len(kept) else None
        return {"code": "Success", "data": {"items": kept[first:last], "next_cursor": cursor}}

    return route


def fivetran() -> Second:
    """Four destinations, one never set up; broken, new, paused, manual and rescheduled connections; a user who left; pages of three."""
    groups = [{"id": key, "name": name, "created_at": "2024-01-01T00:00:00Z"} for key, name in
              (("decent_dropsy", "Production – EU"), ("herring_idealness", "Ocean"), ("no_destination", "Neu"), ("bricks_group", "Lakehouse"))]  # fmt: skip
    destinations: list[dict[str, Any]] = [
        {"id": "decent_dropsy", "service": "redshift", "region": "AWS_EU_CENTRAL_1", "group_id": "decent_dropsy", "time_zone_offset": "-5",
         "setup_status": "CONNECTED", "daylight_saving_time_enabled": None, "networking_method": "Directly"},
        {"id": "older_id", "service": "managed_big_query", "region": "GCP_EUROPE_WEST3", "group_id": "herring_idealness", "time_zone_offset": "0", "setup_status": "CONNECTED"},
        {"id": "bricks_group", "service": "databricks", "region": "AWS_EU_WEST_1", "group_id": "bricks_group", "time_zone_offset": "+12", "setup_status": "BROKEN"},
    ]  # fmt: skip
    configs = {
        "decent_dropsy": {"host": "CANARY", "port": 5439, "database": "Warehouse", "user": "CANARY", "password": "******"},
        "older_id": {"project_id": "harbor-prod", "data_set_location": "EU", "bucket": "CANARY"},
        "bricks_group": {"catalog": "main", "server_host_name": "CANARY", "personal_access_token": "CANARY", "http_path": "CANARY"},
    }  # fmt: skip
    left = {"id": "nozzle_eat", "email": "gone@harbor.example", "verified": True, "invited": False, "picture": None, "phone": "CANARY", "role": None, "active": False,
            "given_name": "Ole", "family_name": None, "logged_in_at": None, "created_at": "2024-01-01T00:00:00Z"}  # fmt: skip
    users = [
        left,
        {
            **left,
            "id": "cold_oven",
            "email": "priya@harbor.example",
            "active": True,
            "picture": "CANARY",
            "role": "Account Reviewer",
        },
    ]

    def state(setup: str, sync: str, update: str = "on_schedule") -> dict[str, Any]:
        task = {"code": "reconnect", "message": "CANARY", "details": "CANARY"}
        return {"tasks": [task] if setup == "broken" else [], "warnings": [], "setup_state": setup, "schema_status": "ready", "sync_state": sync,
                "update_state": update, "is_historical_sync": False, "rescheduled_for": "2026-11-21T09:00:00Z" if sync == "rescheduled" else None}  # fmt: skip

    def made(key: str, schema: str, service: str, group: str, **given: Any) -> dict[str, Any]:
        return {"id": key, "service": service, "schema": schema, "paused": False, "status": state("connected", "scheduled"), "group_id": group,
                "service_version": 0, "connected_by": "cold_oven", "created_at": "2024-12-01T15:43:29.013729Z", "succeeded_at": "2026-11-20T02:00:00.5Z",
                "failed_at": None, "pause_after_trial": False, "sync_frequency": 60, "data_delay_threshold": 0, "data_delay_sensitivity": "NORMAL",
                "schedule_type": "auto", "networking_method": "SshTunnel", "source_sync_details": {"x": "CANARY"},
                "config": {"host": "CANARY", "secrets_list": [{"key": "CANARY", "value": "CANARY"}]}, "setup_tests": None, **given}  # fmt: skip

    connections = [
        made("iron_lion", "pg_prod", "postgres_rds", "decent_dropsy", status=state("connected", "syncing"), sync_frequency=1440, daily_sync_time="03:00"),
        made("sand_castle", "crm", "salesforce", "decent_dropsy", connected_by="nozzle_eat", failed_at="2026-11-20T08:00:00Z", status=state("broken", "scheduled", "delayed")),
        made("new_moon", "jira", "jira", "herring_idealness", status=state("incomplete", "paused"), paused=True, succeeded_at=None, connected_by="a_system_key"),
        made("tall_tree", "sheets.Budget 2026 – Übersicht", "google_sheets", "herring_idealness", schedule_type="manual", sync_frequency=1440),
        made("odd_duck", "kafka", "confluent_cloud", "bricks_group", sync_frequency=15, service_version=None, daily_sync_time=None,
             status=state("connected", "rescheduled"), failed_at="2026-11-19T00:00:00Z"),
        made("last_one", "unset", "shopify", "no_destination", succeeded_at=None, sync_frequency=480),
    ]  # fmt: skip

    def table(name: str, enabled: bool = True, why: str | None = None) -> dict[str, Any]:
        column = {
            "name_in_destination": "id",
            "enabled": True,
            "hashed": True,
            "enabled_patch_settings": {"allowed": False, "reason_code": "SYSTEM_COLUMN"},
        }
        return {"sync_mode": None, "name_in_destination": name, "enabled": enabled, "columns": {"Id": column},
                "enabled_patch_settings": {"allowed": why is None, "reason": "CANARY" if why == "OTHER" else None, "reason_code": why},
                "supports_columns_config": True, "supports_history_mode": False}  # fmt: skip

    def schema(name: str, tables: dict[str, Any], enabled: bool = True) -> dict[str, Any]:
        return {"name_in_destination": name, "enabled": enabled, "tables": tables}

    schemas: dict[str, dict[str, Any]] = {
        "iron_lion": {
            "public": schema("pg_prod_public", {"Orders": table("orders"), "Straße": table("strasse"), "audit": table("audit", False, "OTHER"), "migrations": table("migrations", True, "SYSTEM_TABLE")}),
            "sales.eu": schema("pg_prod_sales_eu", {"Orders": table("orders")}),
            "internal": schema("pg_prod_internal", {"people": table("people")}, enabled=False),
        },
        "last_one": {"empty": {"name_in_destination": "unset_empty", "enabled": True, "tables": None}},
        "sand_castle": {"salesforce": schema("crm", {"Account": table("account"), "Old": table("old", True, "DELETED")})},
        "odd_duck": {"kafka": schema("kafka", {})},
        "tall_tree": {"sheets": schema("sheets", {"Budget 2026 – Übersicht": table("budget_2026_uebersicht")})},
    }  # fmt: skip
    schedule = {"cron": None, "interval": 0, "schedule_type": "CRON", "days_of_week": [], "time_of_day": None, "connection_ids": None, "transformation_ids": None, "smart_syncing": False}  # fmt: skip
    flow = {"id": "lively_leaf", "status": "PARTIALLY_SUCCEEDED", "type": "DBT_CORE", "paused": False, "created_at": "2024-01-02T00:00:00.743708Z", "created_by_id": "cold_oven",
            "last_started_at": "2026-11-20T05:00:00Z", "last_ended_at": None, "output_model_names": None, "schedule": {**schedule, "cron": ["0 5 * * *", "0 17 * * *"]},
            "transformation_config": {"project_id": "p1", "name": "Täglich", "steps": [{"name": "CANARY", "command": "dbt run --vars '{x: CANARY}'"}]}}  # fmt: skip
    flows = [
        flow,
        {**flow, "id": "quick_quill", "type": "QUICKSTART", "status": "NEW", "paused": True, "created_by_id": "a_system_key", "last_started_at": None,
         "schedule": {**schedule, "schedule_type": "INTEGRATED", "connection_ids": ["sand_castle"]},
         "transformation_config": {"package_name": "salesforce", "connection_ids": ["sand_castle"], "excluded_models": ["x"], "upgrade_available": True, "configurable_variables": {"a": "CANARY"}},
         "output_model_names": ["salesforce__manager_performance"]},
        {**flow, "id": "slow_snail", "status": "BLOCKED", "schedule": {**schedule, "schedule_type": "INTERVAL", "interval": 90, "smart_syncing": True, "connection_ids": ["iron_lion", "not_mine"], "transformation_ids": ["lively_leaf"]}},
    ]  # fmt: skip

    def config(key: str) -> Callable[[Asked], Any]:
        row = next(each for each in destinations if each["id"] == key)
        tests = [{"title": "Login", "status": "PASSED", "message": "CANARY"}]
        return lambda asked: {
            "code": "Success",
            "data": {**row, "config": configs[key], "setup_tests": tests},
        }

    def tables(key: str) -> Callable[[Asked], Any]:
        if key not in schemas:
            return lambda asked: Answer(
                404,
                {
                    "code": "NotFound_SchemaConfig",
                    "message": f"Connection with id '{key}' doesn't have schema config",
                },
            )
        return lambda asked: {
            "code": "Success",
            "data": {
                "enable_new_by_default": None,
                "schema_change_handling": "ALLOW_COLUMNS",
                "schemas": schemas[key],
            },
        }

    def allowed(asked: Asked) -> bool:
        return (
            asked.headers.get("authorization")
            == "Basic " + base64.b64encode(f"d9c4511349dd4b86:{SECRET}".encode()).decode()
        )

    vendor = Vendor(
        {
            "GET /v1/groups": items(groups),
            "GET /v1/destinations": items(destinations),
            "GET /v1/users": items(users),
            "GET /v1/connections": items(connections),
            "GET /v1/transformations": items(flows),
            **{f"GET /v1/destinations/{key}": config(key) for key in configs},
            **{f"GET /v1/connections/{row['id']}/schemas": tables(row["id"]) for row in connections},
        },
        allows=allowed,
    )
    return Second(vendor, {"secret": SECRET}, {"key": "d9c4511349dd4b86"})


EXPECTED = Expected(
    fivetran,
    {
        "connection/iron_lion": {"name": "pg_prod", "kind": "job", "owners": ("priya@harbor.example",), "properties.type": "postgres_rds",
                                 "properties.group": "Production – EU", "properties.destination": "redshift", "properties.schedule": "every day at 03:00 UTC-5",
                                 "properties.last_status": "succeeded", "properties.created": "2024-12-01T15:43:29.013729+00:00"},
        "connection/sand_castle": {"owners": ("gone@harbor.example",), "properties.status": "broken", "properties.last_status": "failed",
                                   "properties.last_end": "2026-11-20T08:00:00+00:00", "properties.last_success": "2026-11-20T02:00:00.500000+00:00"},
        "connection/new_moon": {"owners": (), "properties.paused": "yes", "properties.status": "incomplete", "properties.last_end": None},
        "connection/tall_tree": {"name": "sheets.Budget 2026 – Übersicht", "properties.schedule": "manual"},
        "connection/odd_duck": {"properties.schedule": "every 15 minutes", "properties.last_status": "succeeded"},
        "connection/last_one": {"properties.destination": None, "properties.group": "Neu", "properties.schedule": "every 480 minutes"},
        "transformation/lively_leaf": {"name": "Täglich", "properties.schedule": "0 5 * * *; 0 17 * * *", "properties.last_status": "PARTIALLY_SUCCEEDED"},
        "transformation/quick_quill": {"name": "salesforce", "properties.paused": "yes", "properties.models": "salesforce__manager_performance"},
        "transformation/slow_snail": {"properties.schedule": "every 90 minutes"},
    },
    edges("""
        connection/iron_lion > Warehouse.pg_prod_public.orders
        connection/iron_lion > Warehouse.pg_prod_public.strasse
        connection/iron_lion > Warehouse.pg_prod_public.migrations
        connection/iron_lion > Warehouse.pg_prod_sales_eu.orders
        connection/sand_castle > Warehouse.crm.account
        connection/sand_castle > Warehouse.crm.old
        connection/tall_tree > harbor-prod.sheets.budget_2026_uebersicht
        connection/sand_castle > transformation/quick_quill
        connection/iron_lion > transformation/slow_snail
        transformation/lively_leaf > transformation/slow_snail
    """),
    ("people", "not_mine"),
    30,
)  # fmt: skip
