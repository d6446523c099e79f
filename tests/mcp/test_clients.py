"""The official SDK's client over both transports, against twins: every tool, tokens that do not hold, hidden and absent."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError

from plugin.access.viewer import Surface
from plugin.mcp import mcp_tools
from tests.access.twin_faces import plain
from tests.access.twins import READER, Side, Twins, make
from tests.asynchronous import finished
from tests.own_servers import waitress_over

Talk = Callable[[Any], Awaitable[Any]]


@pytest.fixture(scope="module")
def twins(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    made = make(21, sqlite_template, tmp_path_factory.mktemp("twins"))
    yield made
    made.close()


@contextmanager
def address(side: Side) -> Iterator[str]:
    """The pages and `/mcp` of one side behind waitress, as `docent serve` has them."""
    from web import create_app

    app = create_app(side.config, side.store)
    try:
        with waitress_over(app) as place:
            yield f"{place}/mcp"
    finally:
        bridge = app.extensions.get("docent_mcp")
        if bridge is not None:
            bridge.close()


def token(side: Side) -> tuple[int, str]:
    """A token of the reader's: its id and its secret."""
    with side.store.sign_in() as door:
        viewer = door.viewer_for_email(None, READER, Surface.PAGE)
    with side.store.as_viewer(viewer) as mine:
        made, secret = mine.me.create_token("mcp", ("read", "ask"), 1)
    return made.id, secret


async def over_http(url: str, secret: str, talk: Talk) -> Any:
    import httpx2
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {secret}"}, timeout=60) as client,
        streamable_http_client(url, http_client=client) as (read, write, *_),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        return await talk(session)


async def over_stdio(side: Side, talk: Talk) -> Any:
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    command = StdioServerParameters(
        command=str(Path(sys.executable).parent / "docent"),
        args=["mcp", "--as", READER],
        env={**os.environ, "DOCENT_HOME": str(side.config.home)},
    )
    async with stdio_client(command) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        return await talk(session)


def calls(shown: str, name: str) -> list[tuple[str, dict[str, Any]]]:
    """Every tool of the contract, for one name."""
    return [
        ("search_data_assets", {"text": name.rpartition(".")[2]}), ("search", {"text": name}),
        ("retrieve_entity", {"resource": name}), ("entity_lineage", {"resource": name}), ("glossary", {"term": name}),
        ("find_joins", {"table": shown, "other": name}), ("check_sql", {"sql": f"SELECT * FROM {name}"}),
        ("run_sql", {"sql": f"SELECT * FROM {name}"}),
        ("propose", {"resource": name, "field": "tag", "value": "t"}),
    ]  # fmt: skip


def everything(shown: str, names: list[str]) -> Talk:
    """List the tools and call each for each name; what a client's model would read, as text."""

    async def talk(session: Any) -> list[str]:
        said = [(await session.list_tools()).model_dump_json()]
        for name in names:
            for tool, arguments in calls(shown, name):
                answer = await session.call_tool(tool, arguments)
                said.append(
                    json.dumps(
                        [tool, name, answer.is_error, answer.structured_content, answer.content[0].text]
                    )
                )
        return [plain(each) for each in said]

    return talk


def test_every_tool_is_alike_for_twins_over_both_transports(twins: Twins) -> None:
    shown = next(name.partition(".")[2] for name, _id in twins.shown if name.count(".") == 2)
    talk = everything(shown, twins.plan.absent_names[:2] + ["vault.nowhere"])
    heard = []
    for side in (twins.rich, twins.poor):
        with address(side) as url:
            heard.append(finished(lambda url=url, side=side: over_http(url, token(side)[1], talk), 120))
        heard.append(finished(lambda side=side: over_stdio(side, talk), 120))
    assert {name for name, _arguments in calls("", "")} == set(mcp_tools())
    for other in heard[1:]:
        for one, another in zip(heard[0], other, strict=True):
            assert one == another


def test_what_is_visible_is_read_over_both(twins: Twins) -> None:
    shown = next(name.partition(".")[2] for name, _id in twins.shown if name.count(".") == 2)

    async def talk(session: Any) -> Any:
        return await session.call_tool("retrieve_entity", {"resource": shown})

    with address(twins.rich) as url:
        over = [finished(lambda: over_http(url, token(twins.rich)[1], talk), 120)]
    over.append(finished(lambda: over_stdio(twins.rich, talk), 120))
    for answer in over:
        assert not answer.is_error
        assert answer.structured_content["resources"][0]["qualified_name"] == shown


def test_a_wrong_and_a_revoked_token_open_nothing(twins: Twins) -> None:
    id_, secret = token(twins.rich)

    async def nothing(_session: Any) -> None:
        raise AssertionError("a session was opened")

    async def until_revoked(session: Any) -> Any:
        before = await session.call_tool("search", {"text": "order"})
        with twins.rich.store.as_viewer(twins.rich.reader) as mine:
            mine.me.revoke_token(id_)
        with pytest.raises(MCPError):
            await session.call_tool("search", {"text": "order"})
        return before.is_error

    with address(twins.rich) as url:
        for wrong in ("wrong", secret[:-1], ""):
            with pytest.raises(Exception, match=r"(?s).*") as refused:
                finished(lambda wrong=wrong: over_http(url, wrong, nothing), 60)
            assert "a session was opened" not in repr(refused.value)
        assert finished(lambda: over_http(url, secret, until_revoked), 60) is False
        with pytest.raises(Exception, match=r"(?s).*"):
            finished(lambda: over_http(url, secret, nothing), 60)
