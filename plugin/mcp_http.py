"""MCP over streamable HTTP at `/mcp`, with the same bearer tokens as the API.

`http_app` is the ASGI application for a server that speaks ASGI. `HttpBridge` answers single requests from a WSGI
application: the ASGI app runs on one loop in a thread of its own. Each request stands alone (no session on the
server), so any number of processes may answer, and its token is looked up again each time.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, MutableMapping
from concurrent.futures import Future
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from plugin.access.viewer import Surface, Viewer
from plugin.errors import SignInNeeded
from plugin.mcp import ASKED_WITH, make_server
from plugin.store.live import live_mark

if TYPE_CHECKING:
    from plugin.run_sql.results import Results
    from plugin.store import Store

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]
LONGEST_BODY = 1_000_000
SECONDS = 60.0
_current: ContextVar[dict[str, str]] = ContextVar("mcp_headers")
_address: ContextVar[str] = ContextVar("mcp_address", default="")
"""Whose request is answered, for what the SDK asks without a request at hand."""


def viewer_for(store: Store, authorization: str | None, address: str = "") -> Viewer:
    """The member whose token this is. SignInNeeded, worded alike, for a missing, wrong, expired or revoked one."""
    kind, _, token = (authorization or "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise SignInNeeded("a bearer token is needed", rule="sign_in")
    with store.sign_in() as door:
        return replace(door.viewer_for_token(token.strip(), Surface.MCP), address=address)


def http_app(
    store: Store, *, path: str = "/mcp", hosts: Iterable[str] = (), results: Results | None = None
) -> App:
    """The ASGI application. `hosts` are the names it is reached by; others are refused (DNS rebinding).

    Without `hosts` the caller in front must check the Host header itself.
    """
    from mcp.server.transport_security import TransportSecuritySettings

    def resolve(context: Any) -> Viewer:
        request = getattr(getattr(context, "request_context", None), "request", None)
        headers = getattr(request, "headers", None) or _current.get({})
        client = getattr(request, "client", None)
        address = getattr(client, "host", None) or _address.get()
        authorization = headers.get("authorization")
        found = viewer_for(store, authorization, address)
        ASKED_WITH.set(live_mark(str(authorization).partition(" ")[2].strip(), bearer=True))
        return found

    names = list(hosts)
    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=bool(names),
        allowed_hosts=names,
        allowed_origins=[f"{scheme}://{name}" for name in names for scheme in ("http", "https")],
    )
    inner = make_server(store, resolve, results).streamable_http_app(
        streamable_http_path=path,
        json_response=True,
        stateless_http=True,
        max_request_body_size=LONGEST_BODY,
        transport_security=security,
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            given = {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
            }
            try:
                await asyncio.to_thread(viewer_for, store, given.get("authorization"))
            except SignInNeeded:
                await _unauthorized(send)
                return
            mark, place = _current.set(given), _address.set((scope.get("client") or ("",))[0])
            try:
                await inner(scope, receive, send)
            finally:
                _current.reset(mark)
                _address.reset(place)
            return
        await inner(scope, receive, send)

    return app


async def _unauthorized(send: Send) -> None:
    body = b'{"type":"about:blank","title":"Sign in","status":401,"detail":"A valid bearer token is needed."}'
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"www-authenticate", b"Bearer"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": 401, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class HttpBridge:
    """Answers one HTTP request at a time from synchronous code: `respond(method, headers, body)`.

    Made once a process; the loop starts with the first request and ends with `close`.
    """

    def __init__(self, store: Store, *, path: str = "/mcp", results: Results | None = None) -> None:
        self._app = http_app(store, path=path, results=results)
        self._path = path
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    def respond(
        self, method: str, headers: Mapping[str, str], body: bytes, *, address: str = ""
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Status, headers and body of the answer. `address` is the client's, for conditional access."""
        loop = self._running()
        future: Future[tuple[int, list[tuple[str, str]], bytes]] = asyncio.run_coroutine_threadsafe(
            self._one(method, headers, body, address), loop
        )
        return future.result(SECONDS)

    def close(self) -> None:
        """Stop the loop and wait for its thread."""
        if self._loop is not None and self._stop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(5)

    async def _one(
        self, method: str, headers: Mapping[str, str], body: bytes, address: str
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method.upper(),
            "scheme": "http",
            "path": self._path,
            "raw_path": self._path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [
                (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
            ],
            "client": (address, 0) if address else None,
            "server": None,
        }
        given = iter([{"type": "http.request", "body": body, "more_body": False}])
        closed = asyncio.Event()
        status = 500
        kept: list[tuple[str, str]] = []
        out = bytearray()

        async def receive() -> MutableMapping[str, Any]:
            message = next(given, None)
            if message is None:
                await closed.wait()
                return {"type": "http.disconnect"}
            return message

        async def send(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                kept.extend(
                    (name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"]
                )
            elif message["type"] == "http.response.body":
                out.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    closed.set()

        await self._app(scope, receive, send)
        return status, kept, bytes(out)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                ready = threading.Event()
                self._thread = threading.Thread(target=self._run, args=(ready,), name="mcp", daemon=True)
                self._thread.start()
                if not ready.wait(20) or self._loop is None:
                    raise RuntimeError("the MCP loop did not start")
            return self._loop

    def _run(self, ready: threading.Event) -> None:
        asyncio.run(self._live(ready))

    async def _live(self, ready: threading.Event) -> None:
        self._stop = asyncio.Event()
        incoming: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        started = asyncio.Event()
        await incoming.put({"type": "lifespan.startup"})

        async def send(message: MutableMapping[str, Any]) -> None:
            if message["type"].startswith("lifespan.startup"):
                started.set()

        life = asyncio.create_task(
            self._app({"type": "lifespan", "asgi": {"version": "3.0"}}, incoming.get, send)
        )
        await started.wait()
        self._loop = asyncio.get_running_loop()
        ready.set()
        await self._stop.wait()
        await incoming.put({"type": "lifespan.shutdown"})
        await life
