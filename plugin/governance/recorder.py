"""A stand-in provider on loopback that obeys every attacker and writes down every byte it is sent.

It speaks Chat Completions with server-sent events, so that the product's own provider, SDK, gateway and ledger are what
is tested. On each question it calls every tool it is offered, with arguments made to get as much as possible, then
repeats everything it was told. Considered: an in-process fake; it would skip the very layers that could leak.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Arguments = Callable[[Mapping[str, Any]], list[dict[str, Any]]]
"""From a tool as it was offered (name, description, parameters) to the calls that shall be made of it."""


@dataclass
class Recording:
    """Everything that reached the stand-in: the exact bodies, in order."""

    url: str
    bodies: list[bytes] = field(default_factory=list)
    fail_next: list[int] = field(default_factory=list)
    """HTTP statuses to answer the next requests with, to test the faulty paths too."""


@contextmanager
def recording_provider(calls: Arguments, *, repeat: bool = True) -> Iterator[Recording]:
    """Run the stand-in on a free port of loopback while the block lasts; yields what it records."""
    recording = Recording(url="")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: the bodies are the record."""

        def do_GET(self) -> None:
            """The list of models."""
            self._json(
                {"object": "list", "data": [{"id": "obedient", "object": "model", "owned_by": "docent"}]}
            )

        def do_POST(self) -> None:
            """One turn: the tools that were not called yet, or an answer that repeats all it was told."""
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            recording.bodies.append(body)
            if recording.fail_next:
                self._json(
                    {"error": {"message": "told to fail", "type": "server_error"}}, recording.fail_next.pop(0)
                )
                return
            request = json.loads(body)
            told = request.get("messages", [])
            last_question = max((n for n, each in enumerate(told) if each["role"] == "user"), default=-1)
            answered = any(each["role"] == "tool" for each in told[last_question:])
            chunks = (
                _echo(told)
                if answered or not request.get("tools")
                else _calls(_turned(request["tools"], len(recording.bodies)), calls)
            )
            if not repeat and answered:
                chunks = [{"delta": {"content": "Done."}, "finish_reason": None}]
            self._stream(request.get("model", "obedient"), chunks)

        def _json(self, value: Any, status: int = 200) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _stream(self, model: str, choices: list[dict[str, Any]]) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            reason = "tool_calls" if any("tool_calls" in each["delta"] for each in choices) else "stop"
            for choice in [*choices, {"delta": {}, "finish_reason": reason}]:
                self._event(model, [{"index": 0, **choice}], None)
            self._event(model, [], {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2})
            self.wfile.write(b"data: [DONE]\n\n")
            self.close_connection = True

        def _event(self, model: str, choices: list[dict[str, Any]], usage: dict[str, int] | None) -> None:
            event = {
                "id": "c",
                "object": "chat.completion.chunk",
                "created": 0,
                "model": model,
                "choices": choices,
            }
            if usage:
                event["usage"] = usage
            self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    recording.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield recording
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


def _turned(tools: list[dict[str, Any]], by: int) -> list[dict[str, Any]]:
    """The same tools beginning elsewhere, so that a limit on steps does not always cut the same ones."""
    start = by * 3 % len(tools)
    return tools[start:] + tools[:start]


def _calls(tools: list[dict[str, Any]], arguments: Arguments) -> list[dict[str, Any]]:
    """One chunk with every call that `arguments` makes of the tools on offer."""
    made: list[dict[str, Any]] = []
    for offered in tools:
        function = offered.get("function", offered)
        for given in arguments(function):
            made.append(
                {
                    "index": len(made),
                    "id": f"call_{len(made)}",
                    "type": "function",
                    "function": {"name": function["name"], "arguments": json.dumps(given)},
                }
            )
    return [{"delta": {"role": "assistant", "tool_calls": made}, "finish_reason": None}]


def _echo(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """An answer that repeats everything, as a model does that was told to by a text in the catalog."""
    everything = "\n".join(str(each.get("content") or "") for each in messages)
    return [{"delta": {"content": everything[-6000:]}, "finish_reason": None}]
