"""MCP over streamable HTTP as a program uses it: the official SDK's client against the running server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from plugin.access.viewer import Surface
from plugin.store import Store
from tests.asynchronous import finished
from tests.own_servers import waitress_over
from tests.web.conftest import VIEWER, Person


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """The application behind waitress, as `docent serve` has it."""
    with waitress_over(app) as place:
        yield f"{place}/mcp"
    bridge = app.extensions.get("docent_mcp")
    if bridge is not None:
        bridge.close()


def token_of(store: Store, email: str, *scopes: str) -> str:
    with store.sign_in() as door:
        viewer = door.viewer_for_email(None, email)
    with store.as_viewer(viewer) as mine:
        return mine.me.create_token("mcp", scopes, 1)[1]


def test_the_official_client_lists_and_calls_tools(address: str, demo_store: Store) -> None:
    secret = token_of(demo_store, VIEWER, "read")

    async def run() -> Any:
        import httpx2
        from mcp import ClientSession
        from mcp.client.streamable_http import streamable_http_client

        async with (
            httpx2.AsyncClient(headers={"Authorization": f"Bearer {secret}"}, timeout=30) as client,
            streamable_http_client(address, http_client=client) as (read, write, *_),
            ClientSession(read, write) as session,
        ):
            hello = await session.initialize()
            listed = await session.list_tools()
            found = await session.call_tool("search", {"text": "orders"})
            hidden = await session.call_tool("retrieve_entity", {"resource": "hr.salaries"})
            return hello, listed, found, hidden

    hello, listed, found, hidden = finished(run)
    assert hello.server_info.name == "docent"
    assert {"search", "retrieve_entity", "entity_lineage"} <= {tool.name for tool in listed.tools}
    assert not found.is_error and "sales.orders" in found.content[0].text
    assert hidden.is_error


def test_only_a_bearer_token_opens_it(
    demo_store: Store, stranger: Person, person: Callable[[str], Person]
) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    accept = {"Accept": "application/json, text/event-stream"}
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eA=="}):
        answer = stranger.client.post("/mcp", json=message, headers={**accept, **headers})
        assert answer.status_code == 401, headers
        assert answer.headers["Content-Type"].startswith("application/problem+json")
    admin = person("admin")
    assert admin.client.post("/mcp", json=message, headers=accept).status_code in (400, 401, 403)
    assert (
        admin.client.post("/mcp", json=message, headers={**accept, "X-CSRFToken": admin.token}).status_code
        == 401
    )  # a browser's session does not count
    narrow = token_of(demo_store, VIEWER, "ask")
    answer = stranger.client.post(
        "/mcp", json=message, headers={**accept, "Authorization": f"Bearer {narrow}"}
    )
    assert answer.status_code == 403


def test_a_refusing_access_rule_is_one_sentence_and_no_traceback(
    app: Flask, demo_store: Store, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    secret = token_of(demo_store, VIEWER, "read")
    with demo_store.sign_in() as door:
        admin = door.viewer_for_email(None, None)
    with demo_store.as_admin(replace(admin, surface=Surface.CLI)) as mine:
        mine.settings.set("access.rules", ["role=viewer network=203.0.113.0/24"])
    answer = app.test_client().post(
        "/mcp",
        json={"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}},
        headers={"Authorization": f"Bearer {secret}", "Accept": "application/json, text/event-stream"},
    )
    app.extensions["docent_mcp"].close()
    error = answer.get_json()["error"]
    assert "does not let you in" in error["message"]
    assert "Traceback" not in capfd.readouterr().err and not [r for r in caplog.records if r.exc_info]
