"""Asking over HTTP: the stream, its limits, its ends, and the rows of Run SQL that only their asker's session reaches."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from flask import Flask

from tests.asynchronous import ends
from tests.web.conftest import Person

SQL_QUESTION = "SQL to count sales.orders by status"
STREAM = {"Accept": "text/event-stream"}


def events(text: str) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for block in text.strip().split("\n\n"):
        name, _, data = block.partition("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def settle(admin: Person, **values: Any) -> None:
    wanted = {name.replace("__", "."): value for name, value in values.items()}
    assert admin.api("PATCH", "/settings/ai", {"values": wanted}).status_code == 200


def warehouse(admin: Person) -> int:
    items = admin.get("/api/v1/integrations").json["items"]
    return next(each["id"] for each in items if each["name"] == "warehouse")


def test_an_answer_streams_and_ends_with_done(person: Callable[[str], Person]) -> None:
    admin = person("admin")
    answer = admin.api("POST", "/prompts", {"prompt": "What is sales.orders?", "stream": True})
    assert answer.status_code == 200 and answer.mimetype == "text/event-stream"
    seen = events(answer.get_data(as_text=True))
    names = [name for name, _ in seen]
    assert names[0] == "step" and names[-1] == "done" and "text" in names and "citation" in names
    done = seen[-1][1]
    assert "page" not in done, "only Docent's own pages ask for the rendered message"
    kept = admin.get(f"/api/v1/prompts/{done['prompt_id']}").json
    assert kept["prompt"] == "What is sales.orders?" and kept["answer"] == done["answer"]


def test_an_answer_leaves_piece_by_piece(person: Callable[[str], Person]) -> None:
    """A stream that is read whole before it leaves shows nothing while a model thinks, and cannot be stopped."""
    admin = person("admin")
    answer = admin.api(
        "POST", "/prompts", {"prompt": "What is sales.orders?", "stream": True}, buffered=False
    )
    pieces = iter(answer.response)
    name, data = events(next(pieces).decode())[0]
    assert name == "step"
    assert admin.get(f"/api/v1/prompts/{data['prompt_id']}").json["status"] == "running"
    rest = b"".join(pieces).decode()
    assert events(rest)[-1][0] == "done"
    assert admin.get(f"/api/v1/prompts/{data['prompt_id']}").json["status"] == "done"


def test_our_pages_get_the_message_rendered_and_safe(person: Callable[[str], Person]) -> None:
    admin = person("admin")
    headers = {**STREAM, "Docent-Page": "1"}
    answer = admin.api(
        "POST", "/prompts", {"prompt": "<img src=x onerror=alert(1)> sales.orders"}, headers=headers
    )
    page = events(answer.get_data(as_text=True))[-1][1]["page"]
    assert "<img" not in page and "&lt;img" in page and "What was sent" in page


def test_places_for_streams_run_out_at_once_and_come_back(
    app: Flask, person: Callable[[str], Person]
) -> None:
    admin, bundle = person("admin"), app.extensions["docent"]

    def all_places() -> int:
        held = 0
        while not bundle.places.full:
            bundle.places.take()
            held += 1
        return held

    held = all_places()
    for body in ({"prompt": "x", "stream": True}, {"prompt": "x"}):
        refused = admin.api("POST", "/prompts", body)
        assert refused.status_code == 429 and refused.headers["Retry-After"] == "5"
        assert refused.content_type == "application/problem+json" and "ask again" in refused.json["detail"]
    assert admin.get("/catalog").status_code == 200, "pages stay open beside a full house"
    for _ in range(held):
        bundle.places.give_back()
    for _ in range(3):
        answer = admin.api("POST", "/prompts", {"prompt": "How many tables are there?", "stream": True})
        answer.get_data()
        answer.close()
    abandoned = admin.api(
        "POST", "/prompts", {"prompt": "How many tables are there?", "stream": True}, buffered=False
    )
    abandoned.close()
    assert all_places() == held, "every place was given back"
    for _ in range(held):
        bundle.places.give_back()

    def turn() -> None:
        with bundle.places.turn():
            pass

    turns = [threading.Thread(target=turn, daemon=True) for _ in range(20)]
    for each in turns:
        each.start()
    assert all(ends(each) for each in turns), "every turn was given back"


def test_a_question_that_may_not_be_asked_has_a_status(person: Callable[[str], Person]) -> None:
    guest = person("guest")
    for headers in ({}, STREAM):
        refused = guest.api("POST", "/prompts", {"prompt": "What is sales.orders?"}, headers=headers)
        assert refused.status_code == 403 and refused.content_type == "application/problem+json"
    admin = person("admin")
    settle(admin, ai__enabled=False)
    off = admin.api("POST", "/prompts", {"prompt": "What is sales.orders?"}, headers=STREAM)
    assert off.status_code in (403, 409) and "off" in off.json["detail"]


def test_with_history_off_nothing_is_listed(person: Callable[[str], Person]) -> None:
    admin = person("admin")
    settle(admin, ai__history="off")
    admin.api("POST", "/prompts", {"prompt": "What is sales.orders? zebracanary"})
    assert "zebracanary" not in admin.get("/assistant").get_data(as_text=True)
    assert admin.get("/api/v1/prompts").json["items"] == []


def test_feedback_rename_pin_and_delete(person: Callable[[str], Person]) -> None:
    admin = person("admin")
    made = admin.api("POST", "/prompts", {"prompt": "What is sales.orders?"}).json
    assert admin.api("POST", f"/prompts/{made['id']}/feedback", {"value": "up"}).status_code == 200
    assert admin.get(f"/api/v1/prompts/{made['id']}").json["feedback"] == "up"
    assert (
        admin.api("PATCH", f"/chats/{made['chat_id']}", {"title": "Orders", "pinned": True}).status_code
        == 200
    )
    chat = admin.get("/api/v1/chats").json["items"][0]
    assert (chat["title"], chat["pinned"]) == ("Orders", True)
    assert admin.api("DELETE", f"/chats/{made['chat_id']}").status_code == 200
    assert admin.get(f"/api/v1/prompts/{made['id']}").status_code == 404


def test_run_sql_names_the_closed_gate(person: Callable[[str], Person]) -> None:
    admin, viewer = person("admin"), person("viewer")
    body = {"sql": "SELECT status FROM sales.orders", "integration_id": warehouse(admin)}
    settle(admin, ai__run_sql=False)
    refused = admin.api("POST", "/sql/run", body)
    assert (refused.status_code, refused.json["rule"]) == (403, "run_sql.toggle")
    assert "Maren Kolb" in refused.json["who"]
    settle(admin, ai__run_sql=True)
    refused = viewer.api("POST", "/sql/run", body)
    assert (refused.status_code, refused.json["rule"]) == (403, "run_sql.permission")
    checked = viewer.api("POST", "/sql/check", body).json
    assert (checked["decision"], checked["gate"]) == ("reject", "permission")


def test_rows_are_for_the_askers_session_alone(app: Flask, person: Callable[[str], Person]) -> None:
    admin = person("admin")
    settle(admin, ai__run_sql=True)
    body = {
        "sql": "SELECT status, COUNT(*) AS n FROM sales.orders GROUP BY status",
        "integration_id": warehouse(admin),
    }
    result = admin.api("POST", "/sql/run", body).json
    assert result["row_count"] == len(result["rows"]) > 1
    path = f"/results/{result['result_id']}"
    assert admin.get(path).status_code == admin.get(path + ".csv").status_code == 200
    assert admin.get(path + ".csv").get_data(as_text=True).splitlines()[0] == "status,n"
    for other in (person("admin"), person("editor")):
        assert other.get(path).status_code == other.get(path + ".csv").status_code == 404
        assert other.get("/api/v1" + path).status_code == 404
    admin.post("/sign-out")
    admin.sign_in("maren@harbor.example")
    assert admin.get(path).status_code == 404, "signing out ends them"


def test_hidden_tables_are_refused_like_absent_ones(person: Callable[[str], Person]) -> None:
    admin, editor = person("admin"), person("editor")
    settle(admin, ai__run_sql=True)
    integration = warehouse(admin)
    said = []
    for table in ("hr.salaries", "hr.nothing_of_that_name"):
        refused = editor.api(
            "POST", "/sql/run", {"sql": f"SELECT * FROM {table}", "integration_id": integration}
        )
        assert refused.status_code == 403
        said.append(refused.get_data(as_text=True).replace(table, "T").replace(table.split(".")[1], "T"))
    assert said[0] == said[1]


def test_placeholders_are_filled_for_their_owner(person: Callable[[str], Person]) -> None:
    admin = person("admin")
    settle(admin, ai__run_sql=True)
    body = {"sql": "SELECT COUNT(*) AS n FROM sales.orders", "integration_id": warehouse(admin)}
    result = admin.api("POST", "/sql/run", body).json
    binds = {"name": "r1", "binds": ["r1.first.n", "r1.table", "r1.first.nothing"]}
    items = admin.api("POST", f"/results/{result['result_id']}/values", binds).json["items"]
    assert [each["kind"] for each in items] == ["value", "table", "unknown"]
    assert items[0]["text"].replace(",", "") == str(result["rows"][0][0])
    assert person("editor").api("POST", f"/results/{result['result_id']}/values", binds).status_code == 404


def test_explicit_history_keeps_what_its_author_saves(person: Callable[[str], Person]) -> None:
    admin = person("admin")
    settle(admin, ai__history="explicit")
    headers = {**STREAM, "Docent-Page": "1"}
    answer = admin.api("POST", "/prompts", {"prompt": "What is sales.orders?"}, headers=headers)
    done = events(answer.get_data(as_text=True))[-1][1]
    assert "data-save" in done["page"]
    assert admin.get("/api/v1/prompts").json["items"] == []
    assert admin.api("POST", f"/prompts/{done['prompt_id']}/save").status_code == 200
    assert [each["prompt"] for each in admin.get("/api/v1/prompts").json["items"]] == [
        "What is sales.orders?"
    ]
