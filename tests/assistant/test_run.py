"""Run SQL from inside an answer: only where an admin chose so, the shape to the model, the rows to the page alone."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from plugin.access.viewer import Surface, Viewer
from plugin.assistant import Question, ask
from plugin.config import Config
from plugin.egress.gateway import Gateway
from plugin.mcp import answer as mcp_answer
from plugin.providers.scripted import script, texts_of
from plugin.run_sql.results import Owner, Results
from plugin.store import Store
from tests.assistant.conftest import Answered
from tests.conftest import PASSWORD
from tests.mcp.test_mcp import over_stdio
from tests.web.conftest import Person

CANARY = "canary-in-a-row-51c2"


@pytest.fixture
def till(store: Store, admin: Viewer, tmp_path: Path) -> int:
    """A real SQLite integration with a row that must never leave, and every gate open."""
    from plugin.catalog.sync import sync

    path = tmp_path / "till.sqlite3"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE sales (id INTEGER PRIMARY KEY, note TEXT, total NUMERIC)")
        db.execute("INSERT INTO sales VALUES (1, ?, 12.5)", (CANARY,))
    with store.as_admin(admin) as door:
        made = door.integrations.add(
            "till", "sqlite", {"path": str(path)}, {"run_mode": "run"}, query={"path": str(path)}
        )
        door.settings.set("ai.run_sql", True)
        door.settings.set("ai.provider", "scripted")
        door.settings.set("ai.model", "scripted-1")
    assert sync(store, admin, made.id).status == "done"
    return made.id


def test_the_model_gets_the_shape_and_the_page_the_rows(
    store: Store, admin: Viewer, config: Config, till: int, tmp_path: Path
) -> None:
    results = Results(tmp_path / "results")
    with script() as current:
        current.call("run_sql", {"sql": "SELECT note, total FROM sales", "integration": "till"})
        current.say("The total is {{r1.first.total}}.\n\n```sql\nSELECT note, total FROM sales\n```\n")
        question = Question("what did we sell?")
        answered = Answered(
            list(ask(store, Gateway(store, config), admin, question, results=results, session="s1"))
        )
    shape = answered.of("shape")[0]
    assert [column["name"] for column in shape["columns"]] == ["note", "total"] and shape["n"] == 1
    assert answered.of("sql")[0]["n"] == 1  # the same statement is the same result
    assert all(CANARY not in body.decode() for body in current.bodies)
    assert "note" in "\n".join(texts_of(current.requests[-1]))
    assert CANARY not in repr(answered.events) and "12.5" not in answered.text
    with store.as_viewer(admin) as mine:
        assert CANARY not in repr(mine.history.prompt(answered.done["prompt_id"]))


def test_what_a_source_said_of_a_statement_lies_where_the_rows_lie_and_nowhere_else(
    store: Store, admin: Viewer, config: Config, till: int, tmp_path: Path
) -> None:
    results = Results(tmp_path / "results")
    with script() as current:
        current.call("run_sql", {"sql": "SELECT json_extract(note, '$.a') FROM sales", "integration": "till"})
        current.say("It could not be read.")
        answered = Answered(
            list(ask(store, Gateway(store, config), admin, Question("x"), results=results, session="s"))
        )
    (refused,) = [step for step in answered.of("step") if step["state"] == "failed"]
    said = results.get(Owner(admin.workspace_id, admin.member_id, "s"), refused["words"])
    assert said.page(0, 2) == [("malformed JSON",)]
    assert "malformed" not in repr(answered.events) and "malformed" not in repr(current.bodies)
    assert "words" not in repr(answered.done["steps"])
    with store.as_viewer(admin) as mine:
        assert "malformed" not in repr(mine.history.prompt(answered.done["prompt_id"]))


def test_by_default_a_person_presses_run(
    store: Store, admin: Viewer, config: Config, till: int, tmp_path: Path
) -> None:
    with store.as_admin(admin) as door:
        door.integrations.update(till, options={"run_mode": "confirm"})
    with script() as current:
        current.call("run_sql", {"sql": "SELECT note FROM sales", "integration": "till"})
        current.say("Press Run.")
        results = Results(tmp_path / "results")
        answered = Answered(
            list(ask(store, Gateway(store, config), admin, Question("x"), results=results, session="s"))
        )
    assert "run_sql" not in {tool.name for tool in current.requests[0].tools}
    assert not answered.of("shape")


def test_over_mcp_it_is_listed_and_never_gives_rows(store: Store, admin: Viewer, till: int) -> None:
    asked = {"sql": "SELECT note FROM sales", "integration": "till"}
    text, structured, failed = mcp_answer(store, admin, "run_sql", asked)
    assert not failed and structured is not None and CANARY not in text
    assert [each["name"] for each in structured["result"]["columns"]] == ["note"]
    chat = int(
        structured["result"]["open"].removeprefix("/assistant/")
    )  # nothing here outlives a stdio process
    with store.as_viewer(admin) as mine:
        left = mine.history.chat(chat)[0]
    assert left.sql[0]["sql"].strip() == asked["sql"] and CANARY not in repr(left)


def test_over_mcp_a_person_may_have_to_press_run(store: Store, admin: Viewer, till: int) -> None:
    with store.as_admin(admin) as door:
        door.integrations.update(till, options={"run_mode": "confirm"})
    asked = {"sql": "SELECT note FROM sales", "integration": "till"}
    text, _structured, failed = mcp_answer(store, replace(admin, surface=Surface.MCP), "run_sql", asked)
    assert failed and "presses Run" in text and "/assistant/" in text


def test_a_result_over_http_opens_in_a_browser_of_the_member_only(
    store: Store, admin: Viewer, config: Config, till: int
) -> None:
    from web import create_app

    app = create_app(config, store)
    with store.as_viewer(admin) as mine:
        _token, secret = mine.me.create_token("mcp", ("read", "query"), 1)
    headers = {
        "authorization": f"Bearer {secret}",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2025-06-18",
    }
    call = {"name": "run_sql", "arguments": {"sql": "SELECT note FROM sales", "integration": "till"}}
    said = app.test_client().post(
        "/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}, headers=headers
    )
    assert said.status_code == 200 and CANARY not in said.text
    link = said.json["result"]["structuredContent"]["result"]["open"]
    assert link.startswith("/results/")
    kept = app.extensions["docent"].results
    from plugin.mcp import SESSION
    from plugin.run_sql.results import Owner

    rows = kept.get(
        Owner(admin.workspace_id, admin.member_id, SESSION), link.removeprefix("/results/")
    ).page()
    assert rows == [(CANARY,)]
    refused = app.test_client().get(f"/api/v1{link}", headers=headers)
    assert refused.status_code == 404 and CANARY not in refused.text
    app.extensions["docent_mcp"].close()
    browser = Person(app)
    assert CANARY not in browser.get(link).text
    browser.sign_in(admin.email, PASSWORD)
    assert CANARY in browser.get(link).text


def test_the_sdks_client_over_stdio_gets_the_shape_and_a_link(
    store: Store, admin: Viewer, config: Config, till: int
) -> None:
    async def talk(session: Any) -> Any:
        return await session.call_tool(
            "run_sql", {"sql": "SELECT note, total FROM sales", "integration": "till"}
        )

    said = over_stdio(config, admin.email, talk)
    assert not said.is_error, said.content
    made = said.structured_content["result"]
    assert [each["name"] for each in made["columns"]] == ["note", "total"]
    assert made["open"].startswith("/assistant/")
    assert CANARY not in repr(said) and "12.5" not in repr(said)
