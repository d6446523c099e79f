"""Prefect: the real server, installed from the package index; and what only Prefect Cloud does, by its documentation."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors import connect
from connectors.abilities import Connector
from connectors.errors import BadSettings, SignInRefused, SourceInterrupted
from connectors.records import Asset, Lineage, Progress, Ref, Unread
from tests.connectors.prefect_server import WORD, install, running
from tests.connectors.vendor_server import Answer, Asked, Vendor, serve

KEY = "pnu_" + "k" * 36


@pytest.fixture(scope="module")
def bin_folder() -> Iterator[Path]:
    kept = os.environ.get("DOCENT_TEST_PREFECT")
    if not kept:
        pytest.skip("installs Prefect for minutes: set DOCENT_TEST_PREFECT to a folder that may keep it")
    try:
        yield install(Path(kept))
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        if os.environ.get("DOCENT_REQUIRE_SERVICES") == "1":
            raise
        pytest.skip("prefect could not be installed from the package index")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_real_server_is_read_whole_without_a_value(bin_folder: Path, tmp_path: Path) -> None:
    with running(bin_folder, tmp_path, length=2) as url:  # every list has pages
        prefect = connect("prefect", {"url": url}, {"auth_string": WORD})
        assert prefect.check() == "Prefect answers: 3 flows"
        for _ in range(20):  # events reach the server's lists a moment after the flow has ended
            records = [record for record in prefect.extract() if not isinstance(record, Progress)]
            if sum(isinstance(record, Lineage) for record in records) == 5:
                break
            time.sleep(0.5)
        with pytest.raises(SignInRefused):
            connect("prefect", {"url": url}, {"auth_string": "reader:wrong"}).check()
    assert "CANARY" not in repr(records)
    assets = [record for record in records if isinstance(record, Asset)]
    jobs = {(each.properties["type"], each.name, each.parent): each for each in assets if each.kind == "job"}
    flows = {name: each.key for (kind, name, _), each in jobs.items() if kind == "flow"}
    assert set(flows) == {"nächtlich", "broken", "never run"} and len(jobs) == 6
    prod = jobs["deployment", "prod", flows["nächtlich"]]
    assert prod.description == "Every night" and prod.tags == ("sales",) and prod.changed_at is not None
    assert set(prod.properties["schedule"].split("; ")) == {
        "0 2 * * * (Europe/Berlin)",
        "DTSTART:20200101T000000 FREQ=DAILY",
    }
    assert prod.properties["parameters"] == "day: string, full: boolean or null"
    assert prod.properties["last_status"] == "COMPLETED" and prod.properties["last_run"]
    failed = jobs["deployment", "prod", flows["broken"]]
    assert failed.properties["last_status"] == "FAILED" and failed.description is None
    assert "last_status" not in jobs["deployment", "by hand", flows["nächtlich"]].properties
    assert jobs["deployment", "by hand", flows["nächtlich"]].properties["paused"] == "yes"
    made = {each.properties["key"]: each for each in assets if each.kind == "dataset"}
    assert set(made) == {
        "postgres://shop/mart/revenue",
        "s3://lake/export/orders.parquet",
    }  # raw is a table only
    file, mart = made["s3://lake/export/orders.parquet"], made["postgres://shop/mart/revenue"]
    assert (file.name, file.description, file.owners) == (
        "Umsatz",
        "Größe & Umsatz",
        ("priya@harbor.example",),
    )
    assert {(edge.upstream, edge.downstream) for edge in records if isinstance(edge, Lineage)} == {
        (Ref(database="shop", schema="raw", table="orders"), Ref(key=mart.key)),
        (Ref(key=prod.key), Ref(key=mart.key)),
        (Ref(key=mart.key), Ref(database="shop", schema="mart", table="revenue")),
        (Ref(key=mart.key), Ref(key=file.key)),
        (Ref(key=prod.key), Ref(key=file.key)),
    }


# --- Prefect Cloud, and what a server does on a bad day ---------------------------------------------------------------

SPACE = "/api/accounts/a1/workspaces/w1"


def cloud(size: int = 5, length: int = 2) -> Vendor:
    """A workspace with a flow, `size` deployments (the first runs all the time, the last never did) and two events."""
    flow = {
        "id": "f0",
        "created": None,
        "updated": None,
        "name": "Größe",
        "tags": ["sales"],
        "labels": {"a": 1},
    }
    deployments = [
        {
            "id": f"d{n}", "name": "prod", "flow_id": "f0" if n else "hidden", "paused": False, "tags": [],
            "schedules": [{"active": True, "schedule": {"interval": 5400.0, "timezone": "UTC"}, "parameters": {"p": "CANARY"}},
                          {"active": True, "schedule": None}],
            "parameters": {"p": "CANARY"}, "parameter_openapi_schema": {"properties": {"Shop": True}},
            "created_by": {"id": None, "type": "USER", "display_value": "priya"} if n == 1 else None,
            "work_pool_name": "k8s", "job_variables": {"env": {"X": "CANARY"}},
        }
        for n in range(size)
    ]  # fmt: skip
    runs = [
        {"id": f"r{n}-{m}", "deployment_id": f"d{n}", "state_type": "CRASHED", "state_name": "Crashed",
         "start_time": "2026-11-20T10:00:00Z", "end_time": None, "parameters": {"p": "CANARY"}, "context": {"c": "CANARY"},
         "state": {"message": "CANARY"}}
        for n in range(size - 1) for m in range(9 if n == 0 else 1)
    ]  # fmt: skip
    made = {"event": "prefect.asset.materialization.succeeded", "payload": {"rows": "CANARY"}}
    end = {"prefect.resource.role": "asset"}
    flow_made = [
        {"prefect.resource.role": "flow", "prefect.resource.id": "prefect.flow.f0"},
        {"prefect.resource.role": "deployment", "prefect.resource.id": "prefect.deployment.gone"},
    ]
    events = [
        {**made, "occurred": "2026-11-20T10:00:00Z", "resource": {"prefect.resource.id": "x://y"},
         "related": [{**end, "prefect.resource.id": "snowflake://DB/S/T"}, {**end, "prefect.resource.id": "x://y"}, *flow_made]},
        {**made, "occurred": "2026-11-19T10:00:00Z",
         "resource": {"prefect.resource.id": "x://y", "prefect.asset.owners": "no list", "prefect.resource.name": "Y"},
         "related": []},
    ]  # fmt: skip

    def listed(things: list[Any]) -> Any:
        return lambda asked: things[asked.json["offset"] :][:length]

    def ran(asked: Asked) -> Any:
        wanted = asked.json["deployments"]["id"]["any_"]
        return [run for run in runs if run["deployment_id"] in wanted][:length]

    def page(asked: Asked) -> Any:
        mark = f"https://internal.invalid{SPACE}/events/filter/next?page-token=t%3D%3D"
        return {"events": events[:1], "total": 2, "next_page": mark}

    routes = {
        f"POST {SPACE}/flows/filter": listed([flow]),
        f"POST {SPACE}/flows/count": lambda asked: 1,
        f"POST {SPACE}/deployments/filter": listed(deployments),
        f"POST {SPACE}/deployments/count": lambda asked: size,
        f"POST {SPACE}/flow_runs/filter": ran,
        f"POST {SPACE}/events/filter": page,
        f"GET {SPACE}/events/filter/next": lambda asked: {
            "events": events[1:] if asked.query["page-token"] == "t==" else [],
            "total": 2,
            "next_page": None,
        },
    }
    return Vendor(routes, allows=lambda asked: asked.headers.get("authorization") == f"Bearer {KEY}")


def opened(vendor: Vendor, key: str = KEY) -> Connector:
    return connect("prefect", {"url": vendor.url + SPACE}, {"token": key})


# What is asked of every connector: test_mutilated.py, test_endpoints.py
OWN_SHAPES = {"prefect": (cloud, opened, "name flow_id events next_page")}
OWN_ENDPOINTS = {
    "prefect": {
        r"POST .*/flows/(count|filter)": ("flows", "ends"),
        r"POST .*/deployments/(count|filter)": ("deployments", "ends"),
        r"POST .*/flow_runs/filter": ("flow_runs", "ends"),
        r"(POST|GET) .*/events/filter.*": ("events", "told"),
    },
}


def read(vendor: Vendor, key: str = KEY) -> list[Any]:
    return list(opened(vendor, key).extract())


def test_a_workspace_of_cloud() -> None:
    with serve(cloud()) as vendor:
        records = read(vendor)
        assert sum(asked.path.endswith("/flow_runs/filter") for asked in vendor.asked) == 4
    assert "CANARY" not in repr(records)
    found = {record.key: record for record in records if isinstance(record, Asset)}
    assert list(found) == ["flow/f0", *(f"deployment/d{n}" for n in range(5)), "asset/x://y"]
    assert found["deployment/d0"].parent is None and found["deployment/d1"].parent == "flow/f0"
    assert found["deployment/d1"].owners == ("priya",)
    facts = found["deployment/d3"].properties
    assert (
        facts["schedule"] == "every 1:30:00"
        and facts["parameters"] == "Shop: any"
        and facts["work_pool"] == "k8s"
    )
    assert facts["last_status"] == "CRASHED" and "last_status" not in found["deployment/d4"].properties
    assert (found["asset/x://y"].name, found["asset/x://y"].owners) == ("Y", ())
    assert [(edge.upstream, edge.downstream) for edge in records if isinstance(edge, Lineage)] == [
        (Ref(database="DB", schema="S", table="T"), Ref(key="asset/x://y")),
        (Ref(key="flow/f0"), Ref(key="asset/x://y")),
    ]


@pytest.mark.parametrize("size", [0, 1, 60])
def test_the_requests_for_runs_do_not_grow_with_the_runs(size: int) -> None:
    with serve(cloud(size, length=200)) as vendor:
        found = [
            record
            for record in read(vendor)
            if isinstance(record, Asset) and record.key.startswith("deployment/")
        ]
        assert len(found) == size
        assert sum(asked.path.endswith("/flow_runs/filter") for asked in vendor.asked) <= 1 + 2 * (size > 50)


def test_pages_of_people_are_on_another_host_in_cloud() -> None:
    made: Any = connect("prefect", {"url": f"https://api.prefect.cloud{SPACE}"}, {"token": KEY})
    assert made._page("flows/flow", "f0") == "https://app.prefect.cloud/account/a1/workspace/w1/flows/flow/f0"


def test_a_bad_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.http.time.sleep", lambda seconds: None)
    with serve(cloud()) as vendor:
        whole = read(vendor)
        vendor.faults = [Answer(500), Answer(429, headers={"Retry-After": "1"}), Answer(503)]
        assert read(vendor) == whole
        with pytest.raises(SignInRefused) as refused:
            read(vendor, "pnu_" + "w" * 36)
        assert "www" not in str(refused.value)
        run = opened(vendor).extract()
        next(run), next(run)
        vendor.faults = [Answer(drop=True)]
        with pytest.raises(SourceInterrupted):
            list(run)


def test_one_that_was_lost_between_two_pages_is_not_gone() -> None:
    vendor = cloud()
    vendor.routes[f"POST {SPACE}/deployments/count"] = lambda asked: 6
    with serve(vendor), pytest.raises(SourceInterrupted, match="try again"):
        read(vendor)


@pytest.mark.parametrize(("status", "said"), [(403, True), (404, False)])
def test_without_events_all_else_is_read(status: int, said: bool) -> None:
    vendor = cloud()
    vendor.routes[f"POST {SPACE}/events/filter"] = lambda asked: Answer(status, {})
    with serve(vendor):
        records = read(vendor)
    assert sum(isinstance(record, Asset) for record in records) == 6
    assert (Unread("the events of assets") in records) is said


def test_one_credential_only() -> None:
    with pytest.raises(BadSettings, match="auth_string"):
        connect("prefect", {"url": "https://p.example/api"}, {"token": KEY, "auth_string": WORD})
