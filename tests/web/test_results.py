"""Rows on a page of their own: numbers, paging, what is masked, what is gone; and what a person reads when a run fails."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from plugin.access.viewer import Viewer
from plugin.catalog.sync import sync
from plugin.config import Config
from plugin.store import Store
from tests.conftest import PASSWORD
from tests.web.conftest import Person
from web import create_app

DOCENT = str(Path(sys.executable).parent / "docent")


@pytest.fixture
def till(store: Store, admin: Viewer, tmp_path: Path) -> int:
    """A synced SQLite integration with every gate open."""
    path = tmp_path / "till.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "create table sales (id integer primary key, note text, total real, stamp blob, pin text)"
        )
        connection.executemany(
            "insert into sales values (?, ?, ?, ?, ?)",
            [
                (n, f"note {n}", n * 1.5 if n % 2 else None, bytes([n % 256, 255]), "1234")
                for n in range(1, 451)
            ],
        )
        connection.commit()
    with store.as_admin(admin) as door:
        made = door.integrations.add("till", "sqlite", {"path": str(path)}, query={"path": str(path)})
        door.settings.set("ai.enabled", True)
        door.settings.set("ai.run_sql", True)
    assert sync(store, admin, made.id).status == "done"
    return made.id


@pytest.fixture
def app(store: Store, config: Config) -> Flask:
    made = create_app(config, store)
    made.config.update(TESTING=True, RATELIMIT_ENABLED=False)
    return made


@pytest.fixture
def ada(app: Flask, admin: Viewer) -> Person:
    person = Person(app)
    person.sign_in(admin.email, PASSWORD)
    return person


def ran(person: Person, till: int, sql: str) -> Any:
    answer = person.api("POST", "/sql/run", {"sql": sql, "integration_id": till})
    assert answer.status_code == 200, answer.text
    return answer.json


def test_numbers_stand_right_and_pages_go_both_ways(ada: Person, till: int) -> None:
    made = ran(ada, till, "SELECT note, id, total FROM sales ORDER BY id")
    assert [each["numeric"] for each in made["columns"]] == [False, True, True]
    first = ada.get(f"/results/{made['result_id']}").text
    assert (
        '<th scope="col" title="INTEGER" class="num">id</th>' in first and '<td class="num">1.5</td>' in first
    )
    assert '<td dir="auto">note 1</td>' in first and "data-chart-of=" in first
    assert "Rows 1 to 200 of 450" in first and 'rel="next"' in first and 'rel="prev"' not in first
    last = ada.get(f"/results/{made['result_id']}?offset=400").text
    assert "Rows 401 to 450 of 450" in last and 'rel="prev"' in last and 'rel="next"' not in last
    beyond = ada.get(f"/results/{made['result_id']}?offset=9000")
    assert beyond.status_code == 200 and "fewer rows than this address asks for" in beyond.text
    words = ran(ada, till, "SELECT note FROM sales")
    assert "data-chart-of=" not in ada.get(f"/results/{words['result_id']}").text, "there is nothing to draw"
    none = ran(ada, till, "SELECT id, note FROM sales WHERE id < 0")
    page = ada.get(f"/results/{none['result_id']}").text
    assert "no row matched" in page and "id, note" in page


def test_rows_that_are_gone_and_rows_that_never_were_are_one_page(ada: Person, app: Flask, till: int) -> None:
    made = ran(ada, till, "SELECT id FROM sales")
    never = ada.get("/results/no-such-result")
    app.extensions["docent"].results._seconds = -1.0  # its time is over
    gone = ada.get(f"/results/{made['result_id']}")
    # The forms' tokens are signed with the second they were made in, and the two pages may fall in two seconds.
    same = re.sub(r'name="csrf_token" value="[^"]+"', "", gone.text)
    assert gone.status_code == never.status_code == 404
    assert same == re.sub(r'name="csrf_token" value="[^"]+"', "", never.text)
    assert (
        "These rows are not here" in gone.text
        and "Run it again" in gone.text
        and 'href="/queries"' in gone.text
    )
    for kind in ("csv", "parquet"):
        assert ada.get(f"/results/{made['result_id']}.{kind}").status_code == 404


def test_what_is_masked_is_said_before_and_after(ada: Person, store: Store, admin: Viewer, till: int) -> None:
    with store.as_viewer(admin) as mine:
        table = mine.catalog.by_name("main.sales", integration=till)
        pin = next(each for each in mine.catalog.columns(table.id) if each.name == "pin")
        mine.edits.set_property(pin.id, "sensitivity", "secret")
    with store.as_admin(admin) as door:
        door.settings.set("ai.sql_sensitive", "mask")
    body = {"sql": "SELECT id, pin FROM sales", "integration_id": till}
    assert ada.api("POST", "/sql/check", body).json["masked"] == ["main.sales.pin"]
    made = ran(ada, till, body["sql"])
    assert made["masked"] == ["main.sales.pin"] and "1234" not in json.dumps(made["rows"])
    assert (
        'marked sensitive: <span class="mono">main.sales.pin' in ada.get(f"/results/{made['result_id']}").text
    )
    assert ran(ada, till, "SELECT id FROM sales")["masked"] == []


def test_a_name_that_nobody_has_comes_with_the_nearest_that_one_may_see(ada: Person, till: int) -> None:
    told = ada.api("POST", "/sql/check", {"sql": "SELECT id, pim FROM sales", "integration_id": till}).json
    assert (told["decision"], told["gate"]) == ("reject", "visible")
    assert told["unknown"] == [{"name": "pim", "nearest": "pin"}]
    told = ada.api("POST", "/sql/check", {"sql": "SELECT id FROM saless", "integration_id": till}).json
    assert told["unknown"] == [{"name": "saless", "nearest": "main.sales"}]
    told = ada.api("POST", "/sql/check", {"sql": "SELECT id FROM sales", "integration_id": till}).json
    assert (told["decision"], told["unknown"]) == ("accept", [])


def test_an_error_says_whose_it_is(ada: Person, till: int, tmp_path: Path) -> None:
    """The statement's (422), the source's (502); and neither is a server error of ours."""
    broken = {"sql": "SELECT json_extract(note, '$.a') FROM sales", "integration_id": till}
    statement = ada.api("POST", "/sql/run", broken)
    assert statement.status_code == 422 and statement.json["full"] == "malformed JSON"
    (tmp_path / "till.db").rename(tmp_path / "elsewhere.db")
    source = ada.api("POST", "/sql/run", {**broken, "sql": "SELECT id FROM sales"})
    assert source.status_code == 502, source.json


def test_a_saved_query_that_does_not_run_keeps_what_was_typed(ada: Person, till: int) -> None:
    body = {
        "integration_id": till, "name": "Parts", "sql": "SELECT json_extract(:text, '$.a') AS a, :day AS day",
        "parameters": [{"name": "text", "type": "text"}, {"name": "day", "type": "date"}],
    }  # fmt: skip
    saved = ada.api("POST", "/sql/queries", body)
    assert saved.status_code == 200, saved.json
    path = f"/queries/{saved.json['id']}/run"
    wrong = ada.post(path, {"v-text": "kept as typed", "v-day": "soon"})
    assert wrong.status_code == 422 and 'value="kept as typed"' in wrong.text and "day" in wrong.text
    engine = ada.post(path, {"v-text": "kept as typed", "v-day": "2026-01-01"})
    assert (
        engine.status_code == 422
        and "malformed JSON" in engine.text
        and 'value="kept as typed"' in engine.text
    )
    assert "malformed JSON" not in ada.get("/queries").text, "shown once, kept nowhere"
    told = ada.post(path, {"v-text": "{}", "v-day": "2026-01-01", "only": "estimate"})
    assert told.status_code == 200 and "It would run" in told.text
    refused = ada.post("/queries", {"name": "Never", "sql": "DELETE FROM sales", "integration": str(till)})
    assert refused.status_code == 403 and "DELETE FROM sales" in refused.text, "what was typed stays"


def test_the_terminal_prints_bytes_and_moments_as_the_page_does(config: Config, till: int) -> None:
    done = subprocess.run(
        [DOCENT, "sql", "run", "--integration", "till", "--json"],
        input="SELECT id, stamp, 9e999 AS far FROM sales WHERE id = 7",
        env={"DOCENT_HOME": str(config.home), "DOCENT_DATABASE_URL": config.database_url, "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert told["rows"] == [[7, "0x07ff", "Infinity"]]
