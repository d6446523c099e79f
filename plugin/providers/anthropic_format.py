"""A canonical request as Anthropic's Messages API wants it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from plugin.providers import faults
from plugin.providers.wire import Call, CallResult, Message, Request, Text

_CACHE = {"type": "ephemeral"}


def messages_of(request: Request) -> list[dict[str, Any]]:
    """The turns; the last block of the last turn but the newest is marked, so that a chat's beginning is cached."""
    turns = [{"role": message.role, "content": _blocks(message)} for message in request.messages]
    turns = [turn for turn in turns if turn["content"]]
    if len(turns) > 1:
        earlier: list[dict[str, Any]] = turns[-2]["content"]  # type: ignore[assignment]
        earlier[-1]["cache_control"] = _CACHE
    return turns


def tools_of(request: Request) -> list[dict[str, Any]]:
    """The tools; they stand before the system text in the cache, whose own mark covers them."""
    return [
        {"name": tool.name, "description": tool.description, "input_schema": dict(tool.schema)}
        for tool in request.tools
    ]


def arguments_of(text: str, title: str) -> Mapping[str, Any]:
    """A call's arguments, which must be a JSON object. Raises ProviderFailed."""
    try:
        value = json.loads(text or "{}")
    except ValueError as error:
        raise faults.nonsense(title) from error
    if not isinstance(value, dict):
        raise faults.nonsense(title)
    return value


def _blocks(message: Message) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    for part in message.parts:
        if isinstance(part, CallResult):
            block: dict[str, Any] = {
                "type": "tool_result",
                "tool_use_id": part.call_id,
                "content": part.text or "(nothing)",
            }
            if part.failed:
                block["is_error"] = True
            blocks.append(block)
        elif isinstance(part, Call):
            blocks.append(
                {"type": "tool_use", "id": part.id, "name": part.name, "input": dict(part.arguments)}
            )
        elif isinstance(part, Text) and part.text.strip():
            blocks.append({"type": "text", "text": part.text})
    # results must stand first in the turn that follows a call
    return (
        sorted(blocks, key=lambda block: block["type"] != "tool_result") if message.role == "user" else blocks
    )
