"""A local server that speaks the vendors' real wire formats, driven by a script, recording every byte it gets.

OpenAI Responses (server-sent events with sequence numbers), Chat Completions, Anthropic Messages, lists of models, error
bodies with the vendors' own codes and headers, and the faults: slow, cut off in mid-stream, nonsense, redirects.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Speak = Callable[["Handler"], None]


@dataclass
class Got:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body read as JSON."""
        return json.loads(self.body)


@dataclass
class Vendor:
    """The server: what it will say next, and what it got."""

    url: str = ""
    answers: deque[Speak] = field(default_factory=deque)
    got: list[Got] = field(default_factory=list)
    model_names: Sequence[str] = ("gpt-test", "claude-test")

    def next(self, *answers: Speak) -> Vendor:
        """Enqueue answers."""
        self.answers.extend(answers)
        return self


class Handler(BaseHTTPRequestHandler):
    """Hands each request to the next enqueued answer."""

    protocol_version = "HTTP/1.1"
    vendor: Vendor

    def log_message(self, format: str, *args: Any) -> None:
        """The record is in `got`."""

    def do_GET(self) -> None:
        """The list of models, unless an answer is enqueued."""
        self._take("GET")
        if self.vendor.answers:
            self.vendor.answers.popleft()(self)
        elif "x-api-key" in {name.lower() for name in self.headers}:
            data = [
                {"type": "model", "id": name, "display_name": name, "created_at": "2025-01-01T00:00:00Z"}
                for name in self.vendor.model_names
            ]
            self.json(200, {"data": data, "has_more": False, "first_id": None, "last_id": None})
        else:
            data = [
                {"id": name, "object": "model", "created": 1, "owned_by": "test"}
                for name in self.vendor.model_names
            ]
            self.json(200, {"object": "list", "data": data})

    def do_POST(self) -> None:
        """The next answer, or plain text in the format that was asked for."""
        self._take("POST")
        if self.vendor.answers:
            self.vendor.answers.popleft()(self)
        else:
            text("Hello.")(self)

    def _take(self, method: str) -> None:
        size = int(self.headers.get("content-length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.vendor.got.append(Got(method, self.path, headers, self.rfile.read(size)))

    # --- writing ---

    def json(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        """A whole JSON answer."""
        self.raw(status, json.dumps(value).encode(), {"content-type": "application/json", **(headers or {})})

    def raw(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        """A whole answer of any kind."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def begin(self) -> None:
        """Start a stream."""
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True

    def event(self, data: Any, name: str | None = None) -> None:
        """One server-sent event."""
        if name:
            self.wfile.write(f"event: {name}\n".encode())
        self.wfile.write(
            b"data: " + (data if isinstance(data, bytes) else json.dumps(data).encode()) + b"\n\n"
        )
        self.wfile.flush()

    def cut(self) -> None:
        """Break the connection without a goodbye."""
        import socket
        import struct

        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    @property
    def format(self) -> str:
        """Which API was called."""
        if self.path.endswith("/messages"):
            return "messages"
        return "responses" if self.path.endswith("/responses") else "chat"


# --- answers ---------------------------------------------------------------------------------------------------


def text(*pieces: str, usage: tuple[int, int, int] = (11, 7, 3), stop: str = "end") -> Speak:
    """A streamed answer of text, in the format of whoever asked."""
    return answer(pieces, (), usage, stop)


def calls(*wanted: tuple[str, str, dict[str, Any]], say: Sequence[str] = ()) -> Speak:
    """A streamed answer that calls tools: (id, name, arguments), the arguments in several pieces."""
    return answer(say, wanted, (20, 9, 0), "tool_calls")


def answer(
    pieces: Sequence[str],
    wanted: Sequence[tuple[str, str, dict[str, Any]]],
    usage: tuple[int, int, int],
    stop: str,
    *,
    before_end: Callable[[Handler], bool] = lambda _handler: False,
) -> Speak:
    """The general form; `before_end` may break off before the end (True: say no more)."""

    def speak(handler: Handler) -> None:
        {"messages": _messages, "responses": _responses, "chat": _chat}[handler.format](
            handler, pieces, wanted, usage, stop, before_end
        )

    return speak


def cut_off(*pieces: str) -> Speak:
    """Text, then the connection breaks."""

    def gone(handler: Handler) -> bool:
        handler.cut()
        return True

    return answer(pieces, (), (1, 1, 0), "end", before_end=gone)


def ended_early(*pieces: str) -> Speak:
    """Text, then the stream just ends in good order, without the API's own end."""
    return answer(pieces, (), (1, 1, 0), "end", before_end=lambda _handler: True)


def stalls(seconds: float, *pieces: str) -> Speak:
    """Text, then nothing for a while."""

    def wait(_handler: Handler) -> bool:
        time.sleep(seconds)
        return False

    return answer(pieces, (), (1, 1, 0), "end", before_end=wait)


def error(status: int, body: Any, **headers: str) -> Speak:
    """An error answer."""
    return lambda handler: handler.json(
        status, body, {name.replace("_", "-"): value for name, value in headers.items()}
    )


def error_event(*pieces: str, code: str = "overloaded_error") -> Speak:
    """Text, then an error inside the stream, as each vendor writes it."""

    def broken(handler: Handler) -> bool:
        if handler.format == "messages":
            handler.event({"type": "error", "error": {"type": code, "message": "Overloaded"}}, "error")
        elif handler.format == "responses":
            handler.event(
                {"type": "error", "code": code, "message": "broken", "param": None, "sequence_number": 99},
                "error",
            )
        else:
            handler.event({"error": {"message": "broken", "type": "server_error", "code": code}})
        return True

    return answer(pieces, (), (1, 1, 0), "end", before_end=broken)


def nonsense(body: bytes = b"<html>hello</html>", kind: str = "text/html") -> Speak:
    """Something that is not the API."""
    return lambda handler: handler.raw(200, body, {"content-type": kind})


def bad_json() -> Speak:
    """A stream whose data is not JSON."""

    def speak(handler: Handler) -> None:
        handler.begin()
        handler.event(b'{"type": "response.output_text.delta", "delta"', "content_block_delta")

    return speak


def redirect(to: str) -> Speak:
    """A redirect to another place."""
    return lambda handler: handler.raw(307, b"", {"location": to})


def _halves(text_: str) -> list[str]:
    middle = len(text_) // 2
    return [text_[:middle], text_[middle:]]


def _responses(
    h: Handler,
    pieces: Sequence[str],
    wanted: Any,
    usage: tuple[int, int, int],
    stop: str,
    before_end: Callable[[Handler], bool],
) -> None:
    number = iter(range(1000))
    base = {
        "id": "resp_1", "object": "response", "created_at": 1700000000, "model": "gpt-test", "output": [], "parallel_tool_calls": True,
        "tool_choice": "auto", "tools": [], "status": "in_progress", "error": None, "incomplete_details": None,
        "instructions": None, "metadata": {}, "temperature": 1.0, "top_p": 1.0, "store": False,
    }  # fmt: skip

    def send(kind: str, **more: Any) -> None:
        h.event({"type": kind, "sequence_number": next(number), **more}, kind)

    h.begin()
    send("response.created", response=base)
    send("response.in_progress", response=base)
    index = 0
    if pieces:
        item = {"id": "msg_1", "type": "message", "status": "in_progress", "role": "assistant", "content": []}
        send("response.output_item.added", output_index=0, item=item)
        part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        send("response.content_part.added", item_id="msg_1", output_index=0, content_index=0, part=part)
        for piece in pieces:
            send(
                "response.output_text.delta",
                item_id="msg_1",
                output_index=0,
                content_index=0,
                delta=piece,
                logprobs=[],
            )
        index = 1
    if before_end(h):
        return
    if pieces:
        whole = "".join(pieces)
        send(
            "response.output_text.done",
            item_id="msg_1",
            output_index=0,
            content_index=0,
            text=whole,
            logprobs=[],
        )
        done = {
            **item,
            "status": "completed",
            "content": [{"type": "output_text", "text": whole, "annotations": [], "logprobs": []}],
        }
        send("response.output_item.done", output_index=0, item=done)
    for id_, name, arguments in wanted:
        call = {
            "id": f"fc_{id_}",
            "type": "function_call",
            "status": "in_progress",
            "call_id": id_,
            "name": name,
            "arguments": "",
        }
        send("response.output_item.added", output_index=index, item=call)
        written = json.dumps(arguments)
        for half in _halves(written):
            send("response.function_call_arguments.delta", item_id=call["id"], output_index=index, delta=half)
        send(
            "response.function_call_arguments.done",
            item_id=call["id"],
            output_index=index,
            arguments=written,
            name=name,
        )
        send(
            "response.output_item.done",
            output_index=index,
            item={**call, "status": "completed", "arguments": written},
        )
        index += 1
    tokens = {
        "input_tokens": usage[0], "input_tokens_details": {"cached_tokens": usage[2]}, "output_tokens": usage[1],
        "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": usage[0] + usage[1],
    }  # fmt: skip
    if stop in ("length", "refused"):
        end = {
            **base,
            "status": "incomplete",
            "incomplete_details": {"reason": "max_output_tokens" if stop == "length" else "content_filter"},
            "usage": tokens,
        }
        send("response.incomplete", response=end)
    else:
        send("response.completed", response={**base, "status": "completed", "usage": tokens})


def _chat(
    h: Handler,
    pieces: Sequence[str],
    wanted: Any,
    usage: tuple[int, int, int],
    stop: str,
    before_end: Callable[[Handler], bool],
) -> None:
    def send(choices: list[dict[str, Any]], **more: Any) -> None:
        h.event(
            {
                "id": "chatcmpl-1",
                "object": "chat.completion.chunk",
                "created": 1,
                "model": "m",
                "choices": choices,
                **more,
            }
        )

    h.begin()
    send([{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}])
    for piece in pieces:
        send([{"index": 0, "delta": {"content": piece}, "finish_reason": None}])
    if before_end(h):
        return
    for index, (id_, name, arguments) in enumerate(wanted):
        first = {"index": index, "id": id_, "type": "function", "function": {"name": name, "arguments": ""}}
        send([{"index": 0, "delta": {"tool_calls": [first]}, "finish_reason": None}])
        for half in _halves(json.dumps(arguments)):
            send(
                [
                    {
                        "index": 0,
                        "delta": {"tool_calls": [{"index": index, "function": {"arguments": half}}]},
                        "finish_reason": None,
                    }
                ]
            )
    reason = {"end": "stop", "tool_calls": "tool_calls", "length": "length", "refused": "content_filter"}[
        stop
    ]
    send([{"index": 0, "delta": {}, "finish_reason": reason}])
    send([], usage={
        "prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": usage[0] + usage[1],
        "prompt_tokens_details": {"cached_tokens": usage[2]},
    })  # fmt: skip
    h.event(b"[DONE]")


def _messages(
    h: Handler,
    pieces: Sequence[str],
    wanted: Any,
    usage: tuple[int, int, int],
    stop: str,
    before_end: Callable[[Handler], bool],
) -> None:
    def send(kind: str, **more: Any) -> None:
        h.event({"type": kind, **more}, kind)

    h.begin()
    start = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-test", "content": [], "stop_reason": None,
        "stop_sequence": None,
        "usage": {
            "input_tokens": usage[0] - usage[2], "cache_creation_input_tokens": 0, "cache_read_input_tokens": usage[2],
            "output_tokens": 1,
        },
    }  # fmt: skip
    send("message_start", message=start)
    send("ping")
    index = 0
    if pieces:
        send("content_block_start", index=0, content_block={"type": "text", "text": ""})
        for piece in pieces:
            send("content_block_delta", index=0, delta={"type": "text_delta", "text": piece})
        index = 1
    if before_end(h):
        return
    if pieces:
        send("content_block_stop", index=0)
    for id_, name, arguments in wanted:
        send(
            "content_block_start",
            index=index,
            content_block={"type": "tool_use", "id": id_, "name": name, "input": {}},
        )
        for half in ["", *_halves(json.dumps(arguments))]:
            send("content_block_delta", index=index, delta={"type": "input_json_delta", "partial_json": half})
        send("content_block_stop", index=index)
        index += 1
    reason = {"end": "end_turn", "tool_calls": "tool_use", "length": "max_tokens", "refused": "refusal"}[stop]
    send(
        "message_delta",
        delta={"stop_reason": reason, "stop_sequence": None},
        usage={"output_tokens": usage[1]},
    )
    send("message_stop")


class _Quiet(ThreadingHTTPServer):
    """A client that goes away in mid-stream is part of the tests, not an error of the server."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing."""


@contextmanager
def vendor_server() -> Iterator[Vendor]:
    """The server on a free port of this machine while the block lasts."""
    vendor = Vendor()
    bound = type("Bound", (Handler,), {"vendor": vendor})
    server = _Quiet(("127.0.0.1", 0), bound)
    server.daemon_threads = True
    vendor.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield vendor
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
