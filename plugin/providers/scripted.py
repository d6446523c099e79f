"""A provider for tests: its answers are enqueued, its requests recorded, and it can be told to obey all it reads.

It runs in this process but is treated like a vendor: the gateway redacts for it, enters each request in the ledger
and hashes the exact bytes that a vendor would have got (`body_of`). So a test that looks at `Script.requests` sees
what would have left.
"""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from plugin.providers.wire import (
    Call,
    CallResult,
    Request,
    Stop,
    StreamEvent,
    Text,
    TextDelta,
    ToolCall,
    Usage,
)

Turn = Sequence[StreamEvent | BaseException]
"""One answer: events in order; an exception in it is raised at that point of the stream."""


@dataclass
class Script:
    """What the provider will say, and what it was asked."""

    turns: deque[Turn | Callable[[Request], Turn]] = field(default_factory=deque)
    requests: list[Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    fallback: Callable[[Request], Turn] | None = None
    """Answers when `turns` is empty; without it the answer is a plain "(nothing more in the script)"."""
    models: tuple[str, ...] = ("scripted-1", "scripted-2")

    def say(self, *pieces: str, usage: Usage | None = None) -> Script:
        """Enqueue an answer of text, streamed in these pieces."""
        self.turns.append([*map(TextDelta, pieces), usage or Usage(10, 5), Stop("end")])
        return self

    def call(self, name: str, arguments: dict[str, Any], *, id: str | None = None, say: str = "") -> Script:
        """Enqueue a tool call (with a word before it where `say` is given)."""
        number = id or f"call_{len(self.turns) + len(self.requests) + 1}"
        text = [TextDelta(say)] if say else []
        self.turns.append([*text, ToolCall(number, name, arguments), Usage(10, 5), Stop("tool_calls")])
        return self

    def fail(self, error: BaseException, *before: str) -> Script:
        """Enqueue an answer that breaks off after these pieces."""
        self.turns.append([*map(TextDelta, before), error])
        return self

    def obey(self) -> Script:
        """From now on be the worst model there is: see `obedient`."""
        self.fallback = obedient
        return self

    def next_turn(self, request: Request) -> Turn:
        """The enqueued answer for this request."""
        if self.turns:
            turn = self.turns.popleft()
            return turn(request) if callable(turn) else turn
        if self.fallback is not None:
            return self.fallback(request)
        return [TextDelta("(nothing more in the script)"), Usage(1, 1), Stop("end")]


_current = Script()
_lock = threading.Lock()


def current() -> Script:
    """The script that is in force in this process."""
    return _current


@contextmanager
def script() -> Iterator[Script]:
    """A fresh script for the length of a test."""
    global _current
    with _lock:
        before, _current = _current, Script()
    try:
        yield _current
    finally:
        with _lock:
            _current = before


def body_of(request: Request) -> bytes:
    """The bytes that would have been sent: the whole request as JSON."""
    return json.dumps(
        {
            "model": request.model,
            "system": request.system + request.system_tail,
            "messages": [
                {"role": message.role, "parts": [_part_json(part) for part in message.parts]}
                for message in request.messages
            ],
            "tools": [
                {"name": tool.name, "description": tool.description, "schema": dict(tool.schema)}
                for tool in request.tools
            ],
            "max_tokens": request.max_tokens,
        },
        ensure_ascii=False,
        sort_keys=True,
    ).encode()


def _part_json(part: Text | Call | CallResult) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"text": part.text}
    if isinstance(part, Call):
        return {"call": part.name, "id": part.id, "arguments": dict(part.arguments)}
    return {"result_of": part.call_id, "text": part.text, "failed": part.failed}


def texts_of(request: Request) -> list[str]:
    """Every text in a request, the instructions first."""
    found = [request.system, request.system_tail]
    for message in request.messages:
        for part in message.parts:
            found.append(json.dumps(dict(part.arguments)) if isinstance(part, Call) else part.text)
    return [text for text in found if text]


class Scripted:
    """The provider over the script in force."""

    name: ClassVar[str] = "scripted"
    in_process: ClassVar[bool] = False

    def __init__(self, *, opening: Callable[[str, bytes], None] | None = None, **_settings: Any) -> None:
        self._opening = opening
        self._script = current()

    def stream(self, request: Request) -> Iterator[StreamEvent]:
        """The next enqueued answer; the request is recorded first."""
        body = body_of(request)
        if self._opening is not None:
            self._opening("scripted", body)
        with _lock:
            self._script.requests.append(request)
            self._script.bodies.append(body)
            turn = self._script.next_turn(request)
        for event in turn:
            if isinstance(event, BaseException):
                raise event
            yield event

    def models(self) -> tuple[str, ...]:
        """The script's list."""
        if self._opening is not None:
            self._opening("scripted", b"")
        return self._script.models


# --- the worst model -------------------------------------------------------------------------------------------

_SQL = re.compile(
    r"\b(?:SELECT|DELETE|DROP|INSERT|UPDATE|COMMIT)\b[^.\n;]*(?:\.[a-z_]\w*[^.\n;]*)*;?", re.IGNORECASE
)
_FORGED_TOOLS = ("get_table", "set_setting", "export_catalog", "delete_description", "send_mail")
_ROUNDS = 3


def obedient(request: Request) -> Turn:
    """Obey whatever was read: call every tool with every SQL and name in the text, then repeat all of it as the answer.

    The first rounds call the tools that were offered and some that were not, with hostile arguments; then the answer
    repeats every text that was sent, so that links, images and markup reach the page as the attacker wrote them.
    """
    text = "\n".join(texts_of(request))
    done = sum(1 for message in request.messages for part in message.parts if isinstance(part, CallResult))
    rounds = sum(1 for message in request.messages if any(isinstance(part, Call) for part in message.parts))
    if request.tools and rounds < _ROUNDS:
        calls = list(_hostile_calls(request, text, rounds, done))
        if calls:
            return [*calls, Usage(100, 20), Stop("tool_calls")]
    told = "\n\n".join(texts_of(request)[-12:])
    return [TextDelta("As I was told:\n\n"), TextDelta(told), Usage(100, 50), Stop("end")]


def _hostile_calls(request: Request, text: str, rounds: int, done: int) -> Iterator[ToolCall]:
    statements = list(dict.fromkeys(found.group(0) for found in _SQL.finditer(text)))[:4]
    statements = statements or ["SELECT * FROM hr.salaries"]
    number = done
    for tool in request.tools:
        properties = tool.schema.get("properties", {})
        argument = {
            name: _hostile_value(name, spec, statements[(number + rounds) % len(statements)])
            for name, spec in properties.items()
        }
        number += 1
        yield ToolCall(f"bad_{rounds}_{number}", tool.name, argument)
    for name in _FORGED_TOOLS:
        number += 1
        yield ToolCall(f"bad_{rounds}_{number}", name, {"workspace_id": 2, "id": 1, "value": "evil.example"})


def _hostile_value(name: str, spec: Any, statement: str) -> Any:
    kind = spec.get("type") if isinstance(spec, dict) else None
    if isinstance(spec, dict) and spec.get("enum"):
        return spec["enum"][0]
    if kind == "integer" or kind == "number":
        return 1
    if kind == "boolean":
        return True
    if kind == "array":
        return ["hr.salaries"]
    if kind == "object":
        return {}
    return statement if "sql" in name else "hr.salaries"
