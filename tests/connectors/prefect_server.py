"""A real Prefect for the tests: installed from the package index into an environment of its own, with flows that ran."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.environments import installed
from tests.own_servers import answers, ended, free_port

PACKAGES = (
    "prefect==3.8.8",
    "fastapi==0.149.0",
)  # a later fastapi does not know an option that Prefect 3.8 gives it
WORD = "reader:pass:word"
FLOWS = """
import asyncio
from datetime import timedelta

from prefect import flow, get_client
from prefect.assets import Asset, AssetProperties, materialize
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule
from prefect.flow_engine import run_flow

RAW = Asset(key="postgres://shop/raw/orders")
MART = Asset(key="postgres://shop/mart/revenue")
FILE = Asset(key="s3://lake/export/orders.parquet", properties=AssetProperties(
    name="Umsatz", description="Größe & Umsatz", owners=["priya@harbor.example"], url="https://bi.harbor.example/7"))

@materialize(MART, asset_deps=[RAW])
def build():
    MART.add_metadata({"rows": "CANARY-METADATA"})

@materialize(FILE, asset_deps=[MART])
def export():
    pass

@flow(name="nächtlich")
def nightly(day: str = "CANARY-DEFAULT", full: bool = False):
    build()
    export()

@flow(name="broken")
def broken(secret: str):
    raise ValueError("CANARY-TRACE")

def on(schedule, active=True):
    return DeploymentScheduleCreate(schedule=schedule, active=active, parameters={"day": "CANARY-SCHEDULE"})

async def made():
    async with get_client() as client:
        first, second = await client.create_flow(nightly), await client.create_flow(broken)
        await client.create_flow_from_name("never run")
        schedules = [on(CronSchedule(cron="0 2 * * *", timezone="Europe/Berlin")),
                     on(IntervalSchedule(interval=timedelta(hours=1)), False), on(RRuleSchedule(rrule="FREQ=DAILY"))]
        known = {"type": "object", "properties": {"day": {"type": "string", "default": "CANARY-DEFAULT"},
                                                  "full": {"anyOf": [{"type": "boolean"}, {"type": "null"}]}}}
        nightly_id = await client.create_deployment(
            first, "prod", description="Every night", schedules=schedules, tags=["sales"], entrypoint="flows.py:nightly",
            parameters={"day": "CANARY-PARAMETER"}, parameter_openapi_schema=known)
        await client.create_deployment(first, "by hand", paused=True)
        broken_id = await client.create_deployment(second, "prod")
        return (await client.create_flow_run_from_deployment(nightly_id, parameters={"day": "CANARY-RUN"}),
                await client.create_flow_run_from_deployment(broken_id, parameters={"secret": "CANARY-RUN"}))

good, bad = asyncio.run(made())
run_flow(nightly, flow_run=good, parameters={"day": "CANARY-RUN"})
run_flow(broken, flow_run=bad, parameters={"secret": "CANARY-RUN"}, return_type="state")
"""


def install(folder: Path) -> Path:
    """The environment's bin folder, made where it is not there yet. Raises CalledProcessError."""
    return installed(folder, "prefect", *PACKAGES)


@contextmanager
def running(bin_folder: Path, home: Path, *, length: int = 200) -> Iterator[str]:
    """Its API's address while the block lasts, with the flows made and run. `length` is how long it lets a list be."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/api"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")}
    common = {**kept, "PREFECT_HOME": str(home / "home"), "DO_NOT_TRACK": "1", "PREFECT_UI_ENABLED": "false"}
    common.pop("PYTHONPATH", None)
    served = {
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_API_AUTH_STRING": WORD,
        "PREFECT_SERVER_API_DEFAULT_LIMIT": str(length),
    }
    log = (home / "server.log").open("wb")
    server = subprocess.Popen(
        [str(bin_folder / "prefect"), "server", "start", "--host", "127.0.0.1", "--port", str(port)],
        env={**common, **served},
        cwd=home,
        stdout=log,
        stderr=log,
    )
    try:
        user, password = WORD.split(":", 1)
        asked = f"{url}/health"
        answers(
            server,
            lambda: httpx.get(asked, auth=(user, password), timeout=30).status_code == 200,
            home / "server.log",
        )
        (home / "flows.py").write_text(FLOWS, encoding="utf-8")
        client = {**common, "PREFECT_API_URL": url, "PREFECT_API_AUTH_STRING": WORD}
        words = [str(bin_folder / "python"), "flows.py"]
        subprocess.run(words, env=client, cwd=home, check=True, timeout=240, capture_output=True)
        yield url
    finally:
        ended(server)
        log.close()
