"""A statement that the assistant ran by itself: seen, kept and there to be run again, quoted in the answer or not."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from plugin.access.viewer import Viewer
from plugin.catalog.sync import sync
from plugin.config import Config
from plugin.providers.scripted import Script, script
from plugin.store import Store
from tests.conftest import PASSWORD
from tests.web.conftest import Person
from web import create_app

SQL = "SELECT shop, SUM(total) AS total FROM sales GROUP BY shop"


@pytest.fixture
def model(store: Store, admin: Viewer, tmp_path: Path) -> Iterator[Script]:
    """A scripted model, and two integrations with a table of the same name; on `till` it may run by itself."""
    for name in ("other", "till"):
        path = tmp_path / f"{name}.db"
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("create table sales (shop text, total real)")
            connection.execute("insert into sales values ('Oslo', 12.5), ('Bern', 7)")
            connection.commit()
        given = {"path": str(path)}
        with store.as_admin(admin) as door:
            made = door.integrations.add(name, "sqlite", given, {"run_mode": "run"}, query=given)
        assert sync(store, admin, made.id).status == "done"
    with store.as_admin(admin) as door:
        for key, value in {
            "ai.enabled": True, "ai.run_sql": True, "ai.history": "always", "ai.provider": "scripted",
            "ai.model": "scripted-1",
        }.items():  # fmt: skip
            door.settings.set(key, value)
    with script() as current:
        yield current


def test_what_ran_stands_in_the_answer_and_in_history(
    store: Store, admin: Viewer, config: Config, model: Script
) -> None:
    model.call("run_sql", {"sql": SQL, "integration": "till"})
    model.say("Together {{r1.sum.total|money EUR}}; also {{r2.rows}}.")
    app = create_app(config, store)
    app.config.update(TESTING=True, RATELIMIT_ENABLED=False)
    ada = Person(app)
    ada.sign_in(admin.email, PASSWORD)
    asked = ada.api("POST", "/prompts", {"prompt": "What do the shops take?"})
    assert asked.status_code == 201, asked.text
    (kept,) = asked.json["sql"]
    assert (kept["n"], kept["integration"], kept["sql"]) == (1, "till", SQL)
    page = ada.get(f"/assistant/{asked.json['chat_id']}").text
    assert "data-sql-block" in page and "Run SQL is open for you" in page, "it can be run again"
    assert 'data-bind="r1.sum.total|money EUR"' in page, "its value waits for that"
    assert ">{{r2.rows}}</span>" in page and "there is no statement r2 in this answer" in page
    assert "19.50" not in page and "12.5" not in page
