"""A local server that speaks a vendor's documented wire: routes, a token that runs out, throttling, faults."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request as it came in. `query` has the last value of each parameter."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        """The body as a form."""
        return {key: values[-1] for key, values in parse_qs(self.body.decode()).items()}


@dataclass
class Answer:
    """A status with a JSON body; `drop` ends the connection without one."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False


Route = Callable[[Asked], Any]


@dataclass
class Vendor:
    """The server's script: what it answers, and what it was asked."""

    routes: dict[str, Route]
    """"GET /api/x" -> a function of the request; a path may end in /* for anything below."""
    allows: Callable[[Asked], bool] = lambda asked: True
    """Does it accept the credential? Else 401."""
    faults: list[Answer] = field(default_factory=list)
    """Answers to give first, one a request, before anything else."""
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    def answer(self, asked: Asked) -> Answer:
        """What to say to one request."""
        self.asked.append(asked)
        if self.faults:
            return self.faults.pop(0)
        if not self.allows(asked):
            return Answer(401, {"message": "no"})
        exact = f"{asked.method} {asked.path}"
        starred = [key for key in self.routes if key.endswith("/*") and exact.startswith(key[:-1])]
        route = self.routes.get(exact) or (self.routes[max(starred, key=len)] if starred else None)
        if route is None:
            return Answer(404, {"message": f"no route {exact}"})
        found = route(asked)
        return found if isinstance(found, Answer) else Answer(200, found)


@contextmanager
def serve(vendor: Vendor) -> Iterator[Vendor]:
    """Run it on a free port of loopback while the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test's output clean."""

        def _any(self) -> None:
            parts = urlsplit(self.path)
            asked = Asked(
                self.command,
                parts.path,
                {key: values[-1] for key, values in parse_qs(parts.query, keep_blank_values=True).items()},
                {key.lower(): value for key, value in self.headers.items()},
                self.rfile.read(int(self.headers.get("Content-Length") or 0)),
            )
            answer = vendor.answer(asked)
            if answer.drop:
                self.connection.close()
                self.close_connection = True
                return
            body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for key, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = _any

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    vendor.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield vendor
    finally:
        server.shutdown()
        server.server_close()
