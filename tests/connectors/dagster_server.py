"""A real Dagster for the tests: installed from the package index into an environment of its own, with definitions."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.environments import installed
from tests.own_servers import answers, ended, free_port

PACKAGES = ("dagster==1.13.27", "dagster-webserver==1.13.27")
DEFINITIONS = """
import dagster as dg

@dg.asset(key_prefix=["raw"], description="Every order", owners=["priya@harbor.example", "team:data-eng"],
          tags={"tier": "1", "pii": ""}, kinds={"duckdb"}, group_name="sales", metadata={"note": "CANARY-METADATA"})
def orders():
    return 1

@dg.asset(key_prefix=["mart"], deps=[orders], description="Größe & Umsatz")
def revenue():
    return dg.MaterializeResult(metadata={"rows": "CANARY-ROW"})

@dg.asset(deps=[dg.AssetKey(["outside", "files"])], partitions_def=dg.DailyPartitionsDefinition("2026-01-01"))
def daily():
    return 3

@dg.op
def one():
    return 1

@dg.job(description="No assets", config={"ops": {}}, tags={"team": "CANARY-TAG"})
def plain():
    one()

nightly = dg.define_asset_job(
    "nightly", selection=dg.AssetSelection.assets(revenue).upstream(), description="Every night"
)
schedules = [
    dg.ScheduleDefinition(job=nightly, cron_schedule="0 2 * * *"),
    dg.ScheduleDefinition(name="again", job=nightly, cron_schedule="0 14 * * *"),
]
defs = dg.Definitions(assets=[orders, revenue, daily], jobs=[nightly, plain], schedules=schedules)
"""
BROKEN = 'raise RuntimeError("CANARY-TRACE")\n'


def install(folder: Path) -> Path:
    """The environment's bin folder, made where it is not there yet. Raises CalledProcessError."""
    return installed(folder, "dagster-webserver", *PACKAGES)


@contextmanager
def running(bin_folder: Path, home: Path, files: dict[str, str], job: str = "") -> Iterator[str]:
    """Its address while the block lasts, with a code location a file, and one finished run of `job` of the first."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    for name, text in files.items():
        (home / name).write_text(text, encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DAGSTER")}
    env = {**kept, "DAGSTER_HOME": str(home)}
    env.pop("PYTHONPATH", None)
    places = [word for name in files for word in ("-f", name)]
    if job:
        words = [str(bin_folder / "dagster"), "job", "execute", *places[:2], "-j", job]
        subprocess.run(words, env=env, cwd=home, check=True, timeout=240, capture_output=True)
    port = free_port()
    log = (home / "server.log").open("wb")
    server = subprocess.Popen(
        [str(bin_folder / "dagster-webserver"), *places, "-h", "127.0.0.1", "-p", str(port)],
        env=env,
        cwd=home,
        stdout=log,
        stderr=log,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        asked = f"{url}/server_info"
        answers(server, lambda: httpx.get(asked, timeout=30).status_code == 200, home / "server.log")
        yield url
    finally:
        ended(server)
        log.close()
