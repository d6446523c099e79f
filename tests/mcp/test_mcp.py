"""MCP as a client sees it: the official SDK's client over stdio against the real command, and over HTTP."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from plugin.access.viewer import Surface, Viewer
from plugin.config import Config
from plugin.mcp import allowed, answer, mcp_tools
from plugin.mcp_http import HttpBridge
from plugin.store import Store
from tests.assistant.shop import World, build
from tests.asynchronous import finished

CONTRACT = {
    "search_data_assets", "search", "retrieve_entity", "entity_lineage", "glossary", "find_joins", "check_sql",
    "run_sql", "propose",
}  # fmt: skip


@pytest.fixture
def shop(store: Store, admin: Viewer) -> World:
    return build(store, admin)


def over_stdio(config: Config, email: str, talk: Callable[[Any], Awaitable[Any]]) -> Any:
    """Start `docent mcp --as` and let `talk` use the session."""
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    async def run() -> Any:
        command = StdioServerParameters(
            command=str(Path(sys.executable).parent / "docent"),
            args=["mcp", "--as", email],
            env={**os.environ, "DOCENT_HOME": str(config.home)},
        )
        async with stdio_client(command) as (read, write), ClientSession(read, write) as session:
            await session.initialize()
            return await talk(session)

    return finished(run)


def test_the_names_are_those_of_the_contract() -> None:
    assert set(mcp_tools()) == CONTRACT


def test_a_client_over_stdio_lists_and_calls_tools(shop: World, config: Config) -> None:
    async def talk(session: Any) -> Any:
        listed = await session.list_tools()
        found = await session.call_tool("search_data_assets", {"text": "orders"})
        read = await session.call_tool("retrieve_entity", {"resource": "sales.orders"})
        joins = await session.call_tool("find_joins", {"table": "sales.orders", "other": "sales.customers"})
        hidden = await session.call_tool("retrieve_entity", {"resource": "hr.salaries"})
        absent = await session.call_tool("retrieve_entity", {"resource": "xx.salaries"})
        wrong = await session.call_tool("search", {"words": "orders"})
        return listed, found, read, joins, hidden, absent, wrong

    listed, found, read, joins, hidden, absent, wrong = over_stdio(config, "vic@harbor.example", talk)
    names = {tool.name for tool in listed.tools}
    assert names == CONTRACT - {"run_sql"}  # the gates are closed
    assert all(tool.annotations.read_only_hint for tool in listed.tools if tool.name != "propose")
    assert not found.is_error
    assert any(
        each["qualified_name"] == "shop.sales.orders" for each in found.structured_content["resources"]
    )
    columns = read.structured_content["resources"][0]["columns"]
    assert [column["name"] for column in columns][:2] == ["id", "customer_id"]
    assert "customer_id = id" in json.dumps(joins.structured_content)
    assert hidden.is_error and absent.is_error
    assert hidden.content[0].text == absent.content[0].text.replace("xx.", "hr.")
    assert wrong.is_error and "words" in wrong.content[0].text


def test_somebody_who_may_sees_it(shop: World, config: Config) -> None:
    async def talk(session: Any) -> Any:
        return await session.call_tool("retrieve_entity", {"resource": "hr.salaries"})

    assert not over_stdio(config, "hal@harbor.example", talk).is_error


def test_the_member_is_read_again_at_each_call(shop: World) -> None:
    text, _structured, failed = answer(shop.store, shop.hal, "retrieve_entity", {"resource": "hr.salaries"})
    assert not failed
    with shop.store.as_admin(shop.ada) as door:
        team = next(team for team in door.people.teams() if team.name == "People")
        door.people.remove_from_team(team.id, shop.hal.member_id)
    text, _structured, failed = answer(shop.store, shop.hal, "retrieve_entity", {"resource": "hr.salaries"})
    assert failed and "amount" not in text


def test_nothing_is_offered_where_the_assistant_is_off(shop: World, config: Config) -> None:
    with shop.store.as_admin(shop.ada) as door:
        door.settings.set("ai.enabled", False)

    async def talk(session: Any) -> Any:
        return await session.list_tools(), await session.call_tool("search", {"text": "orders"})

    listed, called = over_stdio(config, "vic@harbor.example", talk)
    assert listed.tools == []
    assert called.is_error and "off" in called.content[0].text


def request(method: str, params: dict[str, Any] | None = None, number: int = 1) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params or {}}).encode()


HEADERS = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}


def test_over_http_a_bearer_token_says_who_asks(shop: World) -> None:
    with shop.store.as_viewer(shop.vic) as mine:
        _token, secret = mine.me.create_token("mcp", ("read",), 1)
    bridge = HttpBridge(shop.store)
    try:
        status, headers, _body = bridge.respond("POST", HEADERS, request("initialize", HELLO))
        assert status == 401 and dict(headers)["www-authenticate"].startswith("Bearer")
        status, _headers, _body = bridge.respond(
            "POST", {**HEADERS, "authorization": "Bearer wrong"}, request("initialize", HELLO)
        )
        assert status == 401
        signed = {**HEADERS, "authorization": f"Bearer {secret}", "mcp-protocol-version": "2025-06-18"}
        status, _headers, body = bridge.respond("POST", signed, request("initialize", HELLO))
        assert status == 200 and json.loads(body)["result"]["serverInfo"]["name"] == "docent"
        status, _headers, body = bridge.respond("POST", signed, request("tools/list", number=2))
        assert {tool["name"] for tool in json.loads(body)["result"]["tools"]} == CONTRACT - {"run_sql"}
        call = {"name": "search", "arguments": {"text": "salaries"}}
        status, _headers, body = bridge.respond("POST", signed, request("tools/call", call, 3))
        assert status == 200 and "hr.salaries" not in body.decode()
        with shop.store.as_viewer(shop.vic) as mine:
            mine.me.revoke_token(mine.me.tokens()[0].id)
        status, _headers, _body = bridge.respond("POST", signed, request("tools/call", call, 4))
        assert status == 401
    finally:
        bridge.close()


def test_secrets_in_metadata_do_not_reach_a_client(store: Store, admin: Viewer) -> None:
    from connectors.records import Record
    from tests.assistant.shop import table

    key = "AKIA" + "Z7QX" * 4

    def more() -> list[Record]:
        return [table("sales", "leaky", "id bigint pk", description=f"Loaded with key {key} by a job.")]

    world = build(store, admin, more=more)
    text, structured, failed = answer(store, world.vic, "retrieve_entity", {"resource": "sales.leaky"})
    assert not failed
    assert key not in text and key not in json.dumps(structured)


def test_a_token_that_may_only_read_leaves_no_proposal(shop: World) -> None:
    change = {"resource": "sales.orders", "field": "description", "value": "From a token that reads."}
    for scopes, may in (({"read"}, False), ({"read", "ask"}, True)):
        viewer = replace(shop.ada, scopes=frozenset(scopes))
        text, _structured, failed = answer(shop.store, viewer, "propose", change)
        assert failed is not may and ("scope" in text) is not may
    with shop.store.as_viewer(shop.ada) as mine:
        assert len(mine.edits.proposals()) == 1


def test_run_sql_is_absent_where_no_integration_has_a_credential_for_it(shop: World) -> None:
    """An admin may run SQL on every integration, and still nothing runs without one."""
    with shop.store.as_admin(shop.ada) as door:
        door.settings.set("ai.run_sql", True)
        warehouse = door.integrations.by_name("warehouse").id
    viewer = replace(shop.ada.as_assistant(), surface=Surface.MCP)
    for query, there in ((None, False), ({"path": "/nowhere.db"}, True)):
        with shop.store.as_admin(shop.ada) as door:
            door.integrations.set_query_credential(warehouse, query)
        with shop.store.as_viewer(viewer) as mine:
            assert ("run_sql" in {each.name for each in allowed(mine)}) is there
