"""A real Superset for the tests: installed from the package index into an environment of its own, with content."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.environments import installed
from tests.own_servers import answers, ended, free_port

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
FEATURE_FLAGS = {{"TAGGING_SYSTEM": True, "ENABLE_TEMPLATE_PROCESSING": True}}
"""


def install(folder: Path) -> Path:
    """The environment's bin folder, made where it is not there yet. Raises CalledProcessError."""
    return installed(folder, "superset", *PACKAGES)


def prepare(bin_folder: Path, home: Path) -> None:
    """Superset's own database with an admin and nothing else in it; the slow part of a start. Raises CalledProcessError."""
    env = _environment(home)
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
        subprocess.run([superset, *words], env=env, check=True, timeout=300, capture_output=True)


def _environment(home: Path) -> dict[str, str]:
    config = home / "superset_config.py"
    config.write_text(CONFIG.format(home=home))
    env = {**os.environ, "SUPERSET_CONFIG_PATH": str(config), "FLASK_APP": "superset"}
    env.pop("PYTHONPATH", None)
    return env


@contextmanager
def running(bin_folder: Path, prepared: Path, home: Path) -> Iterator[str]:
    """Its address while the block lasts, with a copy of what `prepare` made."""
    env = _environment(home)
    shutil.copy(prepared / "superset.db", home)
    superset = str(bin_folder / "superset")
    port = free_port()
    log = (home / "server.log").open("wb")
    server = subprocess.Popen(
        [superset, "run", "-h", "127.0.0.1", "-p", str(port), "--with-threads"],
        env=env,
        stdout=log,
        stderr=log,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        asked = f"{url}/health"
        answers(server, lambda: httpx.get(asked, timeout=30).status_code == 200, home / "server.log")
        yield url
    finally:
        ended(server)
        log.close()


def signed_in(url: str) -> httpx.Client:
    """A client of the admin's. Close it."""
    body: dict[str, Any] = {"username": "admin", "password": PASSWORD, "provider": "db"}
    answer = httpx.post(f"{url}/api/v1/security/login", json=body, timeout=60).raise_for_status()
    return httpx.Client(
        base_url=url, timeout=60, headers={"Authorization": f"Bearer {answer.json()['access_token']}"}
    )


def maker(client: httpx.Client) -> Callable[..., int]:
    """make(kind, **fields) -> the id of the new thing."""

    def make(kind: str, **fields: Any) -> int:
        answer = client.post(f"/api/v1/{kind}/", json=fields)
        assert answer.status_code == 201, (kind, answer.text)
        return int(answer.json()["id"])

    return make


def fill(url: str, database_url: str) -> None:
    """Put a database, three datasets, two charts and a dashboard in it, through its own API."""
    with signed_in(url) as client:
        make = maker(client)
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
