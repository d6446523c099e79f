"""“What was sent” is the text on the wire, to the letter, and each piece leads to the resource that it came from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugin.access.viewer import Viewer
from plugin.assistant import Question, ask
from plugin.config import Config
from plugin.egress import Gateway
from plugin.egress.parts import (
    AssistantText,
    AssistantToolCall,
    Context,
    Conversation,
    Fragment,
    Guidance,
    Instructions,
    ResultShape,
    ToolResult,
    UserText,
)
from plugin.egress.render import render
from plugin.store import Store
from tests.assistant.shop import World
from tests.egress.test_gateway import PATIENT, VENDORS, use
from tests.providers.vendors import Vendor, calls, vendor_server


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with vendor_server() as server:
        yield server


def texts_on_the_wire(body: Any) -> list[str]:
    """Every text of a request in order, in any vendor's format: the system's words first, then each block."""
    found: list[str] = []

    def walk(content: Any) -> None:
        if isinstance(content, str):
            found.append(content)
            return
        for block in content or ():
            if isinstance(block, str):
                found.append(block)
            elif "text" in block:
                found.append(block["text"])
            elif block.get("type") == "tool_use":
                found.append(json.dumps(block["input"], sort_keys=True))
            elif "content" in block:
                walk(block["content"])

    for name in ("instructions", "system"):
        walk(body.get(name))
    for message in body.get("messages") or body.get("input") or ():
        if "arguments" in message:
            found.append(json.dumps(json.loads(message["arguments"]), sort_keys=True))
        elif message.get("type") == "function_call_output":
            walk(message["output"])
        else:
            walk(message.get("content"))
            for call in message.get("tool_calls") or ():
                found.append(json.dumps(json.loads(call["function"]["arguments"]), sort_keys=True))
    return [each for each in found if each]


def rebuilt(parts: Any) -> str:
    """The whole text from the pieces that the history keeps."""
    return "".join(
        json.dumps(json.loads(each["text"]), sort_keys=True) if each["source"] == "call" else each["text"]
        for each in parts
    )


TALK = (
    Instructions("t", "You are a test."),
    Guidance("memory", "Call jane.doe@example.com when in doubt"),
    UserText("Which table holds <catalog-data> orders? \ue0003\ue001x\ue002"),
    AssistantText("Let me look."),
    AssistantToolCall("c1", "search", {"text": "orders", "who": "jane.doe@example.com"}),
    ToolResult(
        "c1", "search",
        fragments=(
            Fragment(7, "table", {
                "qualified_name": "sales.orders", "description": "line\ntwo </catalog-data> <b>", "owners": ("Jane Doe",),
                "popularity": 3, "columns": ({"name": "id", "type": "int", "pk": True, "nullable": False,
                                              "description": "who \ue000"},),
            }),
        ),
        shape=ResultShape((("n", "int"),)), said="1 table matches",
    ),
    Context((Fragment(9, "term", {"name": "Margin", "definition": "Revenue less cost"}),)),
)  # fmt: skip


@pytest.mark.parametrize("name", VENDORS)
def test_the_pieces_make_the_wires_text(
    name: str, store: Store, admin: Viewer, config: Config, vendor: Vendor
) -> None:
    use(store, admin, name, vendor)
    gateway = Gateway(store, config, timeouts=PATIENT)
    sent = next(iter(list(gateway.answer(admin, Conversation(TALK, people={"jane doe": "1"})))))
    parts = sent.as_json()["parts"]  # type: ignore[union-attr]
    wire = texts_on_the_wire(json.loads(vendor.got[0].body))
    assert rebuilt(parts) == "".join(wire)
    assert "\ue000" not in vendor.got[0].body.decode() and "jane.doe" not in rebuilt(parts)
    by_resource = {
        (each["resource_id"], each["field"]): each["text"] for each in parts if each["resource_id"]
    }
    assert by_resource[7, "columns.name"] == "id" and by_resource[9, "definition"] == "Revenue less cost"
    assert by_resource[7, "owners"].startswith("<person-")


@pytest.mark.parametrize("name", VENDORS)
def test_a_question_through_tools_is_kept_as_it_left(
    name: str, world: World, config: Config, vendor: Vendor
) -> None:
    store, ada = world.store, world.viewers["ada"]
    use(store, ada, name, vendor)
    vendor.next(
        calls(("a", "search", {"text": "orders"})), calls(("b", "retrieve", {"resource": "sales.orders"}))
    )
    gateway = Gateway(store, config, timeouts=PATIENT)
    events = list(
        ask(store, gateway, ada, Question(text="Which table holds orders? Mail jo.doe@example.org"))
    )
    number = next(each for each in events if each.name == "done").data["prompt_id"]
    with store.as_viewer(ada) as mine:
        kept = mine.history.prompt(number).sent
    assert len(kept) == len(vendor.got) == 3
    for call, got in zip(kept, vendor.got, strict=True):
        # A vendor's format may put an empty line between two blocks of one message.
        wire = "".join(texts_on_the_wire(json.loads(got.body)))
        assert "".join(rebuilt(call["parts"]).split()) == "".join(wire.split())
    with store.as_viewer(ada) as mine:
        known = mine.catalog.resources(
            [each["resource_id"] for each in kept[-1]["parts"] if each["resource_id"]]
        )
    named = [each for each in kept[-1]["parts"] if each["field"] == "qualified_name"]
    assert named and all(known[each["resource_id"]].name in each["text"] for each in named)


VALUES = st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from(
    ["\ue0000\ue001a\ue002", "\ue000", "<email-1>", "</catalog-data>", "a\r\nb", ""]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(VALUES, VALUES, st.lists(VALUES, max_size=3))
def test_whatever_stands_in_the_texts(said: str, value: str, owners: list[str]) -> None:
    fields: dict[str, Any] = {"name": value or "n", "description": said, "owners": tuple(owners)}
    talk = Conversation((Instructions("t", "x"), UserText(said), Context((Fragment(1, "table", fields),))))
    made = render(talk, talk.parts, (), model="m", max_tokens=1, patterns=(), regions=("US",))
    whole = (
        made.request.system
        + made.request.system_tail
        + "".join(
            piece.text  # type: ignore[union-attr]
            for message in made.request.messages
            for piece in message.parts
        )
    )
    assert "".join(part.text for part in made.parts) == whole
    assert not set("\ue000\ue001\ue002") & set(whole)
