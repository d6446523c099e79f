"""A real Airflow for the tests: installed from the package index into an environment of its own, with two DAGs."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.environments import installed
from tests.own_servers import answers, ended, free_port

PACKAGES = ("apache-airflow==3.3.2",)
PASSWORD = "airflow-pass-1"
DAGS = '''
import datetime
from airflow.sdk import DAG, Asset, task

ORDERS = Asset("postgres://warehouse:5432/analytics/sales/orders")
START = datetime.datetime(2026, 1, 1)

with DAG("harbor_orders", schedule="0 2 * * *", start_date=START, catchup=False, tags=["harbor", "größe"],
         description="Loads every order", default_args={"owner": "priya"}):
    @task
    def extract():
        return "CANARY-XCOM"

    @task(outlets=[ORDERS])
    def load(rows):
        """Writes them."""

    load(extract())

with DAG("odd.name-1", schedule=[ORDERS], start_date=START):
    @task
    def only():
        pass

    only()
'''


def install(folder: Path) -> Path:
    """The environment's bin folder, made where it is not there yet. Raises CalledProcessError."""
    return installed(folder, "airflow", *PACKAGES)


@contextmanager
def running(bin_folder: Path, home: Path) -> Iterator[str]:
    """Its address while the block lasts, with a viewer, two DAGs, and one finished run of the first."""
    passwords = home / "passwords.json"
    passwords.write_text(json.dumps({"docent": PASSWORD}))
    (home / "dags").mkdir()
    (home / "dags" / "harbor.py").write_text(DAGS, encoding="utf-8")
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "docent:viewer",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__API_AUTH__JWT_SECRET": "k" * 64,
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
    }
    env.pop("PYTHONPATH", None)
    airflow = str(bin_folder / "airflow")
    for words in (["db", "migrate"], ["dags", "reserialize"], ["dags", "test", "harbor_orders"]):
        subprocess.run([airflow, *words], env=env, check=True, timeout=240, capture_output=True)
    port = free_port()
    log = (home / "server.log").open("wb")
    server = subprocess.Popen(
        [airflow, "api-server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"],
        env=env,
        stdout=log,
        stderr=log,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        asked = f"{url}/api/v2/version"
        answers(server, lambda: httpx.get(asked, timeout=30).status_code == 200, home / "server.log")
        yield url
    finally:
        ended(server)
        log.close()
