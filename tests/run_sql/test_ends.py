"""Rows end with the session: through the web, as a person signs out and in again, and when their time is over."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from plugin.access.viewer import Viewer
from plugin.catalog.sync import sync
from plugin.config import Config
from plugin.store import Store
from tests.conftest import PASSWORD
from tests.web.conftest import Person
from web import create_app

CANARY = "canary-of-a-session"


@pytest.fixture
def till(store: Store, admin: Viewer, tmp_path: Path) -> int:
    """A synced SQLite integration with every gate open."""
    path = tmp_path / "till.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table sales (id integer primary key, note text)")
        connection.execute("insert into sales values (1, ?)", (CANARY,))
        connection.commit()
    with store.as_admin(admin) as door:
        made = door.integrations.add("till", "sqlite", {"path": str(path)}, query={"path": str(path)})
        door.settings.set("ai.enabled", True)
        door.settings.set("ai.run_sql", True)
    assert sync(store, admin, made.id).status == "done"
    return made.id


def test_a_result_ends_with_the_session_and_with_its_time(
    store: Store, admin: Viewer, config: Config, till: int
) -> None:
    app = create_app(config, store)
    person = Person(app)
    person.sign_in(admin.email, PASSWORD)
    asked = {"sql": "SELECT note FROM sales", "integration_id": till}
    broken = {"sql": "SELECT json_extract(note, '$.a') FROM sales", "integration_id": till}

    def made() -> str:
        answer = person.api("POST", "/sql/run", asked)
        assert answer.status_code == 200 and answer.json["rows"] == [[CANARY]], answer.text
        return str(answer.json["result_id"])

    first = made()
    assert CANARY in person.get(f"/results/{first}").text
    assert CANARY in person.get(f"/results/{first}.csv").text
    elsewhere = Person(app)
    elsewhere.sign_in(admin.email, PASSWORD)
    assert elsewhere.get(f"/results/{first}").status_code == 404, "another session of the same person"
    refused = person.api("POST", "/sql/run", broken)
    assert refused.status_code == 422, "the source is well, the statement is not"
    assert "malformed JSON" in refused.json["full"]
    assert "malformed" not in refused.json["detail"]
    person.post("/sign-out", {})
    person.sign_in(admin.email, PASSWORD)
    for path in (f"/results/{first}", f"/results/{first}.csv", f"/results/{first}.parquet"):
        assert person.get(path).status_code == 404, path
    second = made()
    kept = app.extensions["docent"].results
    kept._seconds = -1.0  # its time is over
    assert person.get(f"/results/{second}").status_code == 404
