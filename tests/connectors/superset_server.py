"""A real Superset for the tests: installed from the package index into an environment of its own, with content."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

# Superset 6.1 imports rich and cachetools without saying so, and cannot work with flask-caching 2.4.
PACKAGES = ("apache-superset==6.1.0", "flask-caching<2.4", "rich", "cachetools", "psycopg2-binary")
PASSWORD = "admin-pass-1"
CONFIG = """
SECRET_KEY = "k" * 42
SQLALCHEMY_DATABASE_URI = "sqlite:///{home}/superset.db"
WTF_CSRF_ENABLED = False
TALISMAN_ENABLED = False
CACHE_CONFIG = DATA_CACHE_CONFIG = {{"CACHE_TYPE": "SimpleCache"}}
FILTER_STATE_CACHE_CONFIG = EXPLORE_FORM_DATA_CACHE_CONFIG = {{"CACHE_TYPE": "SimpleCache"}}
"""


def install(folder: Path) -> Path:
    """The environment's bin folder, made where it is not there yet. Raises CalledProcessError."""
    bin_folder = folder / "bin"
    if not (bin_folder / "superset").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(bin_folder / "pip"), "install", "-q", "--disable-pip-version-check", *PACKAGES]
        subprocess.run(pip, check=True, timeout=600, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return bin_folder


@contextmanager
def running(bin_folder: Path, home: Path) -> Iterator[str]:
    """Its address while the block lasts, with an admin and nothing else in it."""
    config = home / "superset_config.py"
    config.write_text(CONFIG.format(home=home))
    env = {**os.environ, "SUPERSET_CONFIG_PATH": str(config), "FLASK_APP": "superset"}
    env.pop("PYTHONPATH", None)
    superset = str(bin_folder / "superset")
    person = [
        "--username",
        "admin",
        "--firstname",
        "Ada",
        "--lastname",
        "Admin",
        "--email",
        "ada@example.org",
    ]
    for words in (["db", "upgrade"], ["fab", "create-admin", *person, "--password", PASSWORD], ["init"]):
        subprocess.run([superset, *words], env=env, check=True, timeout=180, capture_output=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = (home / "server.log").open("wb")
    server = subprocess.Popen(
        [superset, "run", "-h", "127.0.0.1", "-p", str(port), "--with-threads"],
        env=env,
        stdout=log,
        stderr=log,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(120):
            try:
                if httpx.get(f"{url}/health", timeout=2).status_code == 200:
                    break
            except httpx.HTTPError:
                time.sleep(0.5)
        yield url
    finally:
        server.terminate()
        server.wait(timeout=20)
        log.close()


def fill(url: str, database_url: str) -> None:
    """Put a database, three datasets, two charts and a dashboard in it, through its own API."""
    with httpx.Client(base_url=url, timeout=60) as client:
        body: dict[str, Any] = {"username": "admin", "password": PASSWORD, "provider": "db"}
        token = client.post("/api/v1/security/login", json=body).raise_for_status().json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"

        def make(kind: str, **fields: Any) -> int:
            answer = client.post(f"/api/v1/{kind}/", json=fields)
            assert answer.status_code == 201, answer.text
            return int(answer.json()["id"])

        database = make(
            "database", database_name="Warehouse", sqlalchemy_uri=database_url, expose_in_sqllab=True
        )
        orders = make("dataset", database=database, schema="sales", table_name="orders")
        make("dataset", database=database, schema="sales", table_name='odd "name".x')
        sql = "select id, 'CANARY-LITERAL' as mark from sales.orders"
        make("dataset", database=database, schema="sales", table_name="marked orders", sql=sql)
        client.put(f"/api/v1/dataset/{orders}", json={"description": "Every order"}).raise_for_status()
        board = make("dashboard", dashboard_title="Größe & Umsatz", published=True)
        for name in ("Orders by status", "Orders by day"):
            make(
                "chart", slice_name=name, viz_type="table", datasource_id=orders, datasource_type="table",
                params='{"adhoc_filters": [{"comparator": "CANARY-FILTER"}]}', dashboards=[board],
            )  # fmt: skip
