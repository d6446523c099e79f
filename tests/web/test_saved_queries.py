"""An approved query through the API and the command line: estimated, run with a value of each type, nothing else run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from plugin.access.viewer import Viewer
from plugin.catalog.sync import sync
from plugin.config import Config
from plugin.store import Store
from tests.conftest import PASSWORD
from tests.web.conftest import Person
from web import create_app

DOCENT = str(Path(sys.executable).parent / "docent")
SQL = (
    "SELECT id, day FROM main.sales WHERE day >= :since AND amount > :least AND paid = :paid "
    "AND id <> :id AND note <> :note AND made < :before ORDER BY id"
)
TYPES = {
    "since": "date",
    "least": "number",
    "paid": "boolean",
    "id": "integer",
    "note": "text",
    "before": "timestamp",
}
VALUES = {"since": "2024-02-01", "least": "1.5", "paid": "true", "id": "9", "note": "it's; --", "before": "2025-01-01 10:00"}  # fmt: skip


@pytest.fixture
def till(store: Store, admin: Viewer, tmp_path: Path) -> int:
    """A synced DuckDB integration with every gate open."""
    import duckdb

    path = tmp_path / "till.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "create table sales (id int, day date, amount decimal(9,2), paid boolean, note varchar, made timestamp)"
        )
        connection.execute(
            "insert into sales select i, date '2024-01-01' + cast(i * 31 as int), i, true, 'n', '2024-06-01' from range(6) t(i)"
        )
    with store.as_admin(admin) as door:
        made = door.integrations.add("till", "duckdb", {"path": str(path)}, query={"path": str(path)})
        door.settings.set("ai.enabled", True)
        door.settings.set("ai.run_sql", True)
    assert sync(store, admin, made.id).status == "done"
    return made.id


def test_each_type_through_the_api_and_the_command_line(
    store: Store, admin: Viewer, config: Config, till: int
) -> None:
    app = create_app(config, store)
    app.config.update(TESTING=True, RATELIMIT_ENABLED=False)
    ada = Person(app)
    ada.sign_in(admin.email, PASSWORD)
    body = {
        "integration_id": till, "name": "Late", "sql": SQL,
        "parameters": [{"name": name, "type": type_} for name, type_ in TYPES.items()],
    }  # fmt: skip
    saved = ada.api("POST", "/sql/queries", body)
    assert saved.status_code == 200, saved.json
    path = f"/sql/queries/{saved.json['id']}"
    told = ada.api("POST", f"{path}/estimate", {"values": VALUES})
    assert told.json["decision"] == "accept" and told.json["estimated_rows"] is not None
    assert told.json["tables"] == ["till.main.sales"]
    lists = {
        "integration_id": till, "name": "Some",
        "sql": "SELECT id FROM main.sales WHERE id IN (:ids) AND (:day IS NULL OR day >= :day) ORDER BY 1",
        "parameters": [{"name": "ids", "type": "integer[]"}, {"name": "day", "type": "date?"}],
    }  # fmt: skip
    some = f"/sql/queries/{ada.api('POST', '/sql/queries', lists).json['id']}/run"
    for values, rows in (
        ({"ids": ["4", "1"]}, [[1], [4]]),
        ({"ids": "1,4", "day": None}, [[1], [4]]),
        ({"ids": ["1", "4"], "day": "2024-03-01"}, [[4]]),
    ):
        assert ada.api("POST", some, {"values": values}).json["rows"] == rows
    none = ada.api("POST", some, {"values": {"ids": []}})
    assert none.status_code == 422 and "at least one value for ids" in none.json["detail"]
    ran = ada.api("POST", f"{path}/run", {"values": VALUES})
    assert [row[0] for row in ran.json["rows"]] == [2, 3, 4, 5]
    for name, wrong in (
        ("since", "soon"),
        ("paid", "perhaps"),
        ("least", "NaN"),
        ("id", "1.5"),
        ("before", "x"),
    ):
        for what in ("run", "estimate"):
            refused = ada.api("POST", f"{path}/{what}", {"values": {**VALUES, name: wrong}})
            assert refused.status_code == 422 and name in refused.json["detail"], (name, what)

    def cli(*arguments: str) -> Any:
        given = [part for name, value in VALUES.items() for part in ("--value", f"{name}={value}")]
        done = subprocess.run(
            [DOCENT, "sql", "query", *arguments, str(saved.json["id"]), *given, "--json"],
            env={
                "DOCENT_HOME": str(config.home), "DOCENT_DATABASE_URL": config.database_url, "PATH": "/usr/bin:/bin",
            },
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    assert cli("estimate")["allowed"] is True
    assert [row[0] for row in cli("run")["rows"]] == [2, 3, 4, 5]
    with store.as_admin(admin) as door:
        door.settings.set("ai.run_sql", False)
    assert cli("estimate")["gate"] == "toggle"
    assert ada.api("POST", f"{path}/estimate", {"values": VALUES}).json["gate"] == "toggle"
