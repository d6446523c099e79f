"""The wire itself: an HTTP client for one request, which writes the ledger before the first byte leaves (laws 4 and 7).

The vendor's SDK is given this client. Whatever the SDK does, a request goes only to the one host that was checked, at
the addresses that were checked, with the headers that a provider needs and no others (an SDK adds the machine's
operating system and versions: telemetry), never a second time, never after a redirect, and not before `opening` was
told the exact bytes and has returned.
"""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from plugin.egress.addresses import Destination, resolve
from plugin.errors import DocentError, Refused

if TYPE_CHECKING:
    import httpcore2
    import httpx2

HEADERS = frozenset(
    (
        "host", "accept", "accept-encoding", "content-type", "content-length", "connection", "transfer-encoding",
        "authorization", "x-api-key", "anthropic-version", "user-agent",
    )
)  # fmt: skip
"""What goes with a request; everything else that an SDK adds is taken off."""

AGENT = "docent"
_POLL = 0.25
PACE = 0.05
"""Seconds between two reads of an answer that is being written: what comes in between is read at once. Each read wakes
a thread, and a hundred answers of fifty words a second would wake five thousand."""
READS = 500
"""Reads a second of all answers together: beyond 25 of them each waits longer, and pages find the interpreter free."""
LONGEST_PACE = 0.25
AT_ONCE = 3
"""Reads before that: the head of the answer and its first words wait for nothing."""
_under_way: set[int] = set()
"""The lines of this process over which an answer comes at this moment."""
_QUIET = ("openai", "anthropic", "httpx2", "httpcore2", "httpx", "httpcore")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to connect, to wait for the next piece of an answer, and for a whole answer."""

    connect: float = 15.0
    read: float = 120.0
    total: float = 600.0


@dataclass(frozen=True, slots=True)
class Leaving:
    """A request at the moment before it leaves."""

    method: str
    host: str
    path: str
    body: bytes = field(repr=False)


class Stopped(DocentError):
    """The person pressed stop while the answer was on its way."""


class TooLong(DocentError):
    """The whole answer took longer than it may."""


class Line:
    """One request to one destination. Use as a context manager; `client` is what the SDK gets."""

    def __init__(
        self,
        target: Destination,
        *,
        opening: Callable[[Leaving], None],
        cancelled: Callable[[], bool] = lambda: False,
        timeouts: Timeouts | None = None,
        headers: frozenset[str] = HEADERS,
    ) -> None:
        self._target = target
        self._headers = headers
        self._opening = opening
        self._cancelled = cancelled
        self._timeouts = timeouts or Timeouts()
        self._deadline = 0.0
        self._sent = 0
        self.refusal: DocentError | None = None
        """The error of ours that ended the request inside the SDK, which would otherwise be wrapped."""
        self.client = self._client()

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_error: object) -> None:
        _under_way.discard(id(self))
        self.client.close()

    @property
    def sent(self) -> bool:
        """Did a request leave?"""
        return self._sent > 0

    # --- inside the SDK ---

    def _client(self) -> httpx2.Client:
        import httpx2

        for name in _QUIET:  # their debug lines hold addresses, headers and bodies
            logging.getLogger(name).setLevel(logging.CRITICAL)
        limits = self._timeouts
        return httpx2.Client(
            transport=self._transport(),
            timeout=httpx2.Timeout(limits.read, connect=limits.connect),
            follow_redirects=False,
            trust_env=False,
        )

    def _transport(self) -> httpx2.BaseTransport:
        import httpcore2
        import httpx2

        line = self

        class Recorded(httpx2.HTTPTransport):
            """Tells the line what leaves, then sends it to a checked address."""

            def handle_request(self, request: httpx2.Request) -> httpx2.Response:
                try:
                    addresses = line._before(request)
                except DocentError as error:
                    line.refusal = error
                    raise
                backend.addresses = addresses
                return super().handle_request(request)

        class Pinned(httpcore2.NetworkBackend):
            """Connects to an address that was checked, whatever the name says by now."""

            addresses: tuple[str, ...] = ()

            def __init__(self) -> None:
                self._plain = httpcore2.SyncBackend()

            def connect_tcp(
                self, host: str, port: int, *args: Any, **options: Any
            ) -> httpcore2.NetworkStream:
                last: Exception | None = None
                for address in self.addresses:
                    try:
                        return _watched(self._plain.connect_tcp(address, port, *args, **options), line)
                    except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                        last = error
                raise last or httpcore2.ConnectError("no address")

        backend = Pinned()
        context = _tls()
        transport = Recorded(verify=context, trust_env=False)
        transport._pool = httpcore2.ConnectionPool(
            ssl_context=context,
            max_connections=1,
            retries=0,
            http1=True,
            http2=False,
            network_backend=backend,
        )
        return transport

    def _before(self, request: httpx2.Request) -> tuple[str, ...]:
        """Check, take off what need not leave, tell the ledger. Returns the addresses that may be used."""
        target = self._target
        url = request.url
        if (url.scheme, url.host.lower().rstrip("."), url.port or {"https": 443}.get(url.scheme, 80)) != (
            target.scheme,
            target.host,
            target.port,
        ):
            raise Refused(
                f"Nothing may be sent to {url.host}: it is not the declared host.", rule="egress.host"
            )
        if self._sent:
            raise Refused("A request is never sent twice.", rule="egress.once")
        if self._cancelled():
            raise Stopped("Stopped before anything was sent.")
        addresses = resolve(target)
        for name in [name for name in request.headers if name.lower() not in self._headers]:
            del request.headers[name]
        request.headers["user-agent"] = AGENT
        body = request.read()
        self._opening(Leaving(request.method, target.host, url.raw_path.decode("ascii", "replace"), body))
        self._sent += 1
        _under_way.add(id(self))
        self._deadline = time.monotonic() + self._timeouts.total
        return addresses

    def check(self) -> None:
        """Between two reads: has somebody pressed stop, is the time over?"""
        if self._cancelled():
            self.refusal = Stopped("Stopped.")
            raise self.refusal
        if self._deadline and time.monotonic() > self._deadline:
            self.refusal = TooLong("The answer took too long.")
            raise self.refusal


def catching(caught: list[bytes]) -> httpx2.Client:
    """A client that opens no connection: the bodies of its requests end in `caught`, each answered with a 503."""
    import httpx2

    class Caught(httpx2.BaseTransport):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            caught.append(request.read())
            return httpx2.Response(503, json={"error": {"message": "a probe"}}, request=request)

    return httpx2.Client(transport=Caught(), trust_env=False)


def _watched_class() -> Any:
    import httpcore2

    class Watched(httpcore2.NetworkStream):
        """A stream that wakes up while it waits, so that stop and the deadline are felt at once."""

        def __init__(self, plain: httpcore2.NetworkStream, line: Line) -> None:
            self._plain, self._line = plain, line
            self._reads, self._last = 0, 0.0

        def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
            wait = self._last + _pace() - time.monotonic()
            if self._reads >= AT_ONCE and wait > 0:
                time.sleep(wait)
            data = self._next(max_bytes, timeout)
            self._reads, self._last = self._reads + 1, time.monotonic()
            return data

        def _next(self, max_bytes: int, timeout: float | None) -> bytes:
            end = time.monotonic() + (timeout if timeout is not None else 3600.0)
            while True:
                self._line.check()
                try:
                    return self._plain.read(max_bytes, timeout=_POLL)
                except httpcore2.ReadTimeout:
                    if time.monotonic() >= end:
                        raise

        def write(self, buffer: bytes, timeout: float | None = None) -> None:
            self._plain.write(buffer, timeout)

        def close(self) -> None:
            self._plain.close()

        def start_tls(
            self,
            ssl_context: ssl.SSLContext,
            server_hostname: str | None = None,
            timeout: float | None = None,
        ) -> httpcore2.NetworkStream:
            return Watched(self._plain.start_tls(ssl_context, server_hostname, timeout), self._line)

        def get_extra_info(self, info: str) -> Any:
            return self._plain.get_extra_info(info)

    return Watched


def _pace() -> float:
    return min(LONGEST_PACE, max(PACE, len(_under_way) / READS))


def _watched(plain: Any, line: Line) -> httpcore2.NetworkStream:
    made: httpcore2.NetworkStream = _watched_class()(plain, line)
    return made


@cache
def _tls() -> ssl.SSLContext:
    """TLS 1.2 or newer, certificates verified against the machine's own list (or certifi's where it has none).

    Made once a process: reading the list costs 30 ms of one core, at each question that is. The list is a file of the
    machine, so a change of it needs a restart, as with any server.
    """
    context = ssl.create_default_context()
    # SSLKEYLOGFILE would have the keys of every connection to a provider written to a file.
    context.keylog_filename = None  # type: ignore[assignment]  # typeshed has no None, which ends it
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not context.get_ca_certs() and not _has_ca_folder():
        import certifi

        context.load_verify_locations(certifi.where())
    return context


def _has_ca_folder() -> bool:
    from pathlib import Path

    paths = ssl.get_default_verify_paths()
    places: Iterable[str | None] = (paths.cafile, paths.capath)
    return any(
        place and Path(place).exists() and (Path(place).is_file() or any(Path(place).iterdir()))
        for place in places
    )
