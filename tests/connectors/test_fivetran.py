"""Fivetran, against a server that answers as its OpenAPI definition says: pages by cursor, wrapped in `data`."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors import connect
from connectors.abilities import Connector
from connectors.errors import PermissionMissing, SignInRefused, SourceError, SourceInterrupted
from connectors.records import Asset, Lineage, Progress, Record, Ref, Unread
from tests.connectors import second_fivetran
from tests.connectors.vendor_server import Answer, Asked, Vendor, serve

KEY, SECRET = "key", "s" * 24
CANARY = "CANARY"


def bearer(asked: Asked) -> bool:
    return (
        asked.headers.get("authorization") == "Basic " + base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
    )


def ok(data: Any) -> Any:
    return {"code": "Success", "message": "Operation performed.", "data": data}


def missing(asked: Asked) -> Answer:
    return Answer(
        404,
        {
            "code": "NotFound_SchemaConfig",
            "message": f"Connection with id '{asked.path}' doesn't have schema config",
        },
    )


def listed(rows: list[Any], most: int = 2) -> Callable[[Asked], Any]:
    """A list by cursor, of `most` rows a page whatever is asked for; filters of the list of connections."""

    def page(asked: Asked) -> Any:
        assert 1 <= int(asked.query.get("limit") or 100) <= 1000
        held = [
            row
            for row in rows
            if all(asked.query.get(name) in (None, row.get(name)) for name in ("group_id", "schema"))
        ]
        start = json.loads(base64.b64decode(asked.query["cursor"]))["skip"] if "cursor" in asked.query else 0
        data = {"items": held[start : start + most]}
        if start + most < len(held):
            data["next_cursor"] = base64.b64encode(json.dumps({"skip": start + most}).encode()).decode()
        return ok(data)

    return page


def connection(key: str, schema: str, **given: Any) -> dict[str, Any]:
    return {
        "id": key, "group_id": "g1", "service": "postgres", "service_version": 1, "schema": schema, "connected_by": "u1",
        "created_at": "2026-01-02T03:04:05.678901Z", "succeeded_at": "2026-11-20T03:00:00Z", "failed_at": None,
        "paused": False, "pause_after_trial": False, "sync_frequency": 360, "schedule_type": "auto", "daily_sync_time": None,
        "status": {"setup_state": "connected", "sync_state": "scheduled", "update_state": "on_schedule", "is_historical_sync": False,
                   "tasks": [{"code": "resync", "message": CANARY, "details": CANARY}], "warnings": [{"code": "w", "message": CANARY}]},
        "config": {"host": CANARY, "password": CANARY}, "source_sync_details": {"last_synced": CANARY},
        "setup_tests": [{"title": "Login", "status": "FAILED", "message": CANARY}], "connect_card": {"token": CANARY, "uri": CANARY},
        **given,
    }  # fmt: skip


def table(name: str, *, enabled: bool = True) -> dict[str, Any]:
    column = {
        "name_in_destination": "id",
        "enabled": True,
        "hashed": False,
        "enabled_patch_settings": {"allowed": True},
    }
    return {"name_in_destination": name, "enabled": enabled, "sync_mode": "SOFT_DELETE", "columns": {"Orders id": column},
            "supports_columns_config": True, "enabled_patch_settings": {"allowed": False, "reason_code": "OTHER", "reason": CANARY}}  # fmt: skip


CONNECTIONS = [
    connection("c1", "shop"),
    connection("c2", "größe \"x\"", service="salesforce", group_id="g2", paused=True, sync_frequency=1440, daily_sync_time="14:00",
               failed_at="2026-11-21T03:00:00Z", connected_by="gone", status={"setup_state": "broken", "sync_state": "paused"}),
    connection("c3", "gsheets.Prices", service="google_sheets", group_id="g3", succeeded_at=None, schedule_type="manual", connected_by="u2"),
    connection("c/4 ?", "raw", group_id="g3", sync_frequency=5, failed_at="2026-11-19T03:00:00Z"),
]  # fmt: skip
SCHEMAS = {
    "c1": {
        "Shop": {"name_in_destination": "shop_public", "enabled": True,
                 "tables": {"Orders": table("orders"), "Shop.Secret": table("secret", enabled=False), "Größe": table("groesse")}},
        "Shop off": {"name_in_destination": "shop_off", "enabled": False, "tables": {"Orders": table("orders")}},
    },
    "c2": {"Shop": {"name_in_destination": "größe", "enabled": True, "tables": {"Orders": table("Ord\"ers; DROP")}}},
    "c%2F4%20%3F": {"Shop": {"name_in_destination": "raw", "enabled": True, "tables": {"Orders": table("orders", enabled=False)}}},
}  # fmt: skip
GROUPS = [{"id": "g1", "name": "Warehouse", "created_at": "2026-01-01T00:00:00Z"}, {"id": "g2", "name": "Größe"}, {"id": "g3", "name": "Lake"}]  # fmt: skip
DESTINATIONS = {
    "g1": ("snowflake", {"database": "ANALYTICS", "password": CANARY, "host": CANARY}),
    "g2": ("big_query", {"project_id": "acme-data", "secret_key": CANARY}),
    "g3": ("mysql_warehouse", {"database": "ignored", "host": CANARY}),
}
USERS = [
    {"id": "u1", "email": "priya@harbor.example", "given_name": "Priya", "phone": CANARY, "picture": CANARY, "active": True},
    {"id": "u2", "email": None, "given_name": "Jo", "family_name": "Öz"},
]  # fmt: skip
FLOWS = [
    {"id": "t1", "type": "QUICKSTART", "status": "SUCCEEDED", "paused": False, "created_at": "2026-01-01T00:00:00Z", "created_by_id": "u1",
     "last_started_at": "2026-11-20T04:00:00Z", "last_ended_at": "2026-11-20T04:05:00Z", "output_model_names": ["orders", "items"],
     "schedule": {"schedule_type": "INTEGRATED", "connection_ids": ["c1"], "transformation_ids": []},
     "transformation_config": {"package_name": "shopify", "connection_ids": ["c1", "hidden"], "configurable_variables": {"x": CANARY}}},
    {"id": "t2", "type": "DBT_CORE", "status": "FAILED", "paused": True, "created_at": "2026-01-01T00:00:00Z", "created_by_id": "system",
     "schedule": {"schedule_type": "TIME_OF_DAY", "time_of_day": "11:00", "days_of_week": ["MONDAY", "FRIDAY"], "transformation_ids": ["t1"]},
     "transformation_config": {"name": "Nightly", "project_id": "p", "steps": [{"name": "run", "command": f"dbt run --vars {CANARY}"}]}},
]  # fmt: skip


def vendor() -> Vendor:
    def destination(key: str) -> dict[str, Any]:
        return {"id": key, "group_id": key, "service": DESTINATIONS[key][0], "region": "GCP_US_EAST4", "time_zone_offset": "+3", "setup_status": "CONNECTED"}  # fmt: skip

    def whole(key: str) -> Callable[[Asked], Any]:
        return lambda asked: ok({**destination(key), "config": DESTINATIONS[key][1]})

    def schemas(key: str) -> Callable[[Asked], Any]:
        return lambda asked: ok({"schema_change_handling": "ALLOW_ALL", "schemas": SCHEMAS[key]})

    return Vendor(
        {
            "GET /v1/groups": listed(GROUPS),
            "GET /v1/destinations": listed([destination(key) for key in DESTINATIONS]),
            "GET /v1/users": listed(USERS),
            "GET /v1/transformations": listed(FLOWS),
            "GET /v1/connections": listed(CONNECTIONS),
            **{f"GET /v1/destinations/{key}": whole(key) for key in DESTINATIONS},
            **{f"GET /v1/connections/{key}/schemas": schemas(key) for key in SCHEMAS},
            "GET /v1/connections/c3/schemas": missing,
        },
        allows=bearer,
    )


def opened(vendor: Vendor) -> Connector:
    return connect("fivetran", {"url": vendor.url, "key": KEY}, {"secret": SECRET})


# What is asked of every connector: test_mutilated.py, test_endpoints.py, test_second_servers.py
OWN_SHAPES = {"fivetran": (vendor, opened, "")}
OWN_ENDPOINTS = {
    "fivetran": {
        r"GET .*/connections": ("connections", "ends"),
        r"GET .*/connections/.*/schemas": ("one request a connection", "told"),
        r"GET .*/groups": ("groups", "told"),
        r"GET .*/destinations": ("destinations", "told"),
        r"GET .*/destinations/.*": ("a destination", "told"),
        r"GET .*/users": ("users", "told"),
        r"GET .*/transformations": ("transformations", "told"),
    },
}
OWN_SECOND = {"fivetran": second_fivetran.EXPECTED}


def read(vendor: Vendor) -> list[Record]:
    with serve(vendor):
        return [each for each in opened(vendor).extract() if not isinstance(each, Progress)]


def forbid(vendor: Vendor, *routes: str) -> Vendor:
    for route in routes:
        assert route in vendor.routes
        vendor.routes[route] = lambda asked: Answer(403, {"code": "Forbidden", "message": CANARY})
    return vendor


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waited: list[float] = []
    monkeypatch.setattr("connectors.http.time.sleep", waited.append)
    return waited


def test_everything_is_read() -> None:
    server = vendor()
    records = read(server)
    assets = {each.key: each for each in records if isinstance(each, Asset)}
    connections = [
        "connection/c1",
        "connection/c2",
        "connection/c/4 ?",
        "connection/c3",
    ]  # the last never ran
    assert list(assets) == [*connections, "transformation/t1", "transformation/t2"]
    assert assets["connection/c1"] == Asset(
        "job",
        "connection/c1",
        "shop",
        owners=("priya@harbor.example",),
        url="https://fivetran.com/dashboard/connections/c1/status",
        changed_at=datetime(2026, 11, 20, 3, tzinfo=UTC),
        properties={
            "type": "postgres", "group": "Warehouse", "destination": "snowflake", "schedule": "every 360 minutes", "status": "connected",
            "last_end": "2026-11-20T03:00:00+00:00", "last_status": "succeeded", "created": "2026-01-02T03:04:05.678901+00:00",
        },
    )  # fmt: skip
    second = assets["connection/c2"]
    assert second.name == 'größe "x"' and second.owners == ()
    assert second.properties["paused"] == "yes" and second.properties["status"] == "broken"
    assert second.properties["schedule"] == "every day at 14:00 UTC+3"
    assert second.properties["last_status"] == "failed"
    assert second.properties["last_end"] == "2026-11-21T03:00:00+00:00"
    assert second.properties["last_success"] == "2026-11-20T03:00:00+00:00"
    assert assets["connection/c3"].owners == ("Jo Öz",)
    assert assets["connection/c3"].properties["schedule"] == "manual"
    assert "last_end" not in assets["connection/c3"].properties
    assert assets["connection/c/4 ?"].properties["schedule"] == "every 5 minutes"
    assert assets["connection/c/4 ?"].properties["last_status"] == "succeeded"
    assert assets["transformation/t1"].name == "shopify"
    assert assets["transformation/t1"].properties == {
        "type": "QUICKSTART", "schedule": "after its connections", "last_status": "SUCCEEDED", "last_run": "2026-11-20T04:00:00+00:00",
        "last_end": "2026-11-20T04:05:00+00:00", "models": "orders, items", "created": "2026-01-01T00:00:00+00:00",
    }  # fmt: skip
    assert assets["transformation/t2"].properties["schedule"] == "Monday, Friday at 11:00"
    assert [each for each in records if isinstance(each, Lineage)] == [
        Lineage(above, below, "fivetran")
        for above, below in [
            (Ref(key="connection/c1"), Ref(database="ANALYTICS", schema="shop_public", table="orders")),
            (Ref(key="connection/c1"), Ref(database="ANALYTICS", schema="shop_public", table="groesse")),
            (Ref(key="connection/c2"), Ref(database="acme-data", schema="größe", table='Ord"ers; DROP')),
            (Ref(key="connection/c3"), Ref(schema="gsheets", table="Prices")),
            (Ref(key="connection/c1"), Ref(key="transformation/t1")),
            (Ref(key="transformation/t1"), Ref(key="transformation/t2")),
        ]
    ]
    assert not [each for each in records if isinstance(each, Unread)]
    assert CANARY not in repr(records)
    assert {asked.method for asked in server.asked} == {"GET"}
    assert {asked.headers["accept"] for asked in server.asked} == {"application/json;version=2"}


def test_check_counts_what_one_page_tells() -> None:
    with serve(vendor()) as server:
        assert opened(server).check() == "Fivetran answers: 2 or more connections"


def test_an_account_without_anything() -> None:
    server = vendor()
    for name in ("groups", "destinations", "users", "transformations", "connections"):
        server.routes[f"GET /v1/{name}"] = listed([])
    assert read(server) == []


def test_a_connection_whose_schemas_are_empty() -> None:
    server = vendor()
    server.routes["GET /v1/connections/c1/schemas"] = lambda asked: ok({"schemas": {}})
    records = read(server)
    assert "connection/c1" in {each.key for each in records if isinstance(each, Asset)}
    assert "orders" not in {each.downstream.table for each in records if isinstance(each, Lineage)}


def test_rest_is_taken_as_told(waits: list[float]) -> None:
    server = vendor()
    server.faults = [Answer(429, {}, {"Retry-After": "7"})]
    assert len(read(server)) > 5
    assert waits == [7.0]


def test_a_key_that_is_revoked_in_mid_run_ends_it() -> None:
    server = vendor()
    server.allows = lambda asked: bearer(asked) and len(server.asked) < 20
    with pytest.raises(SignInRefused) as refused:
        read(server)
    assert SECRET not in str(refused.value)


def test_a_dropped_connection_ends_the_run() -> None:
    server = vendor()
    server.routes["GET /v1/connections/c2/schemas"] = lambda asked: Answer(drop=True)
    with pytest.raises(SourceInterrupted):
        read(server)


@pytest.mark.parametrize(
    ("route", "what"),
    [
        ("GET /v1/groups", "groups"),
        ("GET /v1/users", "users"),
        ("GET /v1/destinations", "destinations"),
        ("GET /v1/destinations/g1", "databases of destinations"),
        ("GET /v1/transformations", "transformations"),
        ("GET /v1/connections/c1/schemas", "tables"),
    ],
)
def test_a_right_that_is_missing_costs_its_part_alone(route: str, what: str) -> None:
    records = read(forbid(vendor(), route))
    told = [each.what for each in records if isinstance(each, Unread)]
    assert len(told) == 1 and what in told[0]
    assert {"connection/c1", "connection/c2"} <= {each.key for each in records if isinstance(each, Asset)}


def test_without_connections_there_is_nothing() -> None:
    server = forbid(vendor(), "GET /v1/connections")
    with pytest.raises(PermissionMissing, match="CONNECTOR"):
        read(server)
    with serve(server), pytest.raises(PermissionMissing, match="CONNECTOR"):
        opened(server).check()


def test_a_connection_that_went_away_is_left_out_with_its_edges() -> None:
    server = vendor()
    rows = list(CONNECTIONS)

    def gone(asked: Asked) -> Answer:
        rows[:] = [each for each in rows if each["id"] != "c1"]
        return missing(asked)

    server.routes["GET /v1/connections"] = listed(rows)
    server.routes["GET /v1/connections/c1/schemas"] = gone
    records = read(server)
    keys = {each.key for each in records if isinstance(each, Asset)}
    assert "connection/c1" not in keys and {"connection/c2", "connection/c3"} <= keys
    assert "connection/c1" not in {each.upstream.key for each in records if isinstance(each, Lineage)}


def test_what_slips_over_the_end_of_a_page_is_found() -> None:
    server = vendor()
    rows = list(CONNECTIONS)

    def page(asked: Asked) -> Any:
        if "cursor" in asked.query and len(rows) == len(CONNECTIONS):
            del rows[0]  # what stood first on the second page is now the last of the first, which was read
        return listed(rows)(asked)

    server.routes["GET /v1/connections"] = page
    keys = {each.key for each in read(server) if isinstance(each, Asset)}
    assert {f"connection/{each['id']}" for each in rows} <= keys


def test_an_account_without_transformations_in_its_api() -> None:
    server = vendor()
    del server.routes["GET /v1/transformations"]
    records = read(server)
    assert not [each for each in records if isinstance(each, Unread)]
    assert "connection/c1" in {each.key for each in records if isinstance(each, Asset)}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"schedule_type": "manual"}, "manual"),
        ({"schedule": {"schedule_type": "cron", "cron": "0 3 * * *"}}, "0 3 * * *"),
        (
            {
                "schedule": {
                    "schedule_type": "time_of_day",
                    "time_of_day": "11:00",
                    "days_of_week": ["MONDAY", "FRIDAY"],
                }
            },
            "Monday, Friday at 11:00 UTC+3",
        ),
        ({"schedule": {"schedule_type": "interval", "interval": 15}}, "every 15 minutes"),
        ({"schedule": {"schedule_type": "manual"}}, "manual"),
        ({"sync_frequency": "1440", "daily_sync_time": "14:00"}, "every day at 14:00 UTC+3"),
        ({"sync_frequency": None}, None),
    ],
)
def test_every_form_of_a_schedule(given: dict[str, Any], words: str | None) -> None:
    server = vendor()
    server.routes["GET /v1/connections"] = listed([connection("c1", "shop", **given)])
    job = next(each for each in read(server) if isinstance(each, Asset))
    assert job.properties.get("schedule") == words


def test_whoever_stops_reading_closes_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []
    monkeypatch.setattr("connectors.http.Api.close", lambda self: closed.append(True))
    server = vendor()
    with serve(server):
        running = opened(server).extract()
        while not isinstance(next(running), Asset):
            pass
        asked = len(server.asked)
        running.close()  # type: ignore[attr-defined]
    assert closed == [True] and len(server.asked) == asked


def test_a_secret_is_in_no_text() -> None:
    made = opened(Vendor({}, url="https://api.fivetran.com"))
    assert SECRET not in repr(made._at)  # type: ignore[attr-defined]
    with pytest.raises(SourceError) as lost:
        connect("fivetran", {"key": KEY, "secret": SECRET}, {})
    assert SECRET not in str(lost.value)
