"""A recording TCP proxy between Docent and a stand-in provider, scripted faults on both, and the ledger beside the bytes.

    python -m tests.egress.wire [--requests 3000] [--seed 1]

Three of the vendors' interfaces (Responses, Chat Completions, Messages) are asked through the product's own gateway and
SDKs, by several threads at once. The proxy sees what a wire sees: it reads no HTTP while it copies; what it copied is
taken apart afterwards. Then every request on the wire must be in the ledger with the SHA-256 of its body, and every
entry of the ledger must be a request on the wire, but for those whose connection the script broke before the bytes.
"""

from __future__ import annotations

import argparse
import random
import socket
import struct
import sys
import tempfile
import threading
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest.mock import patch

from plugin.access.viewer import Surface, Viewer
from plugin.config import read_config
from plugin.egress import Gateway
from plugin.egress.parts import Conversation, Instructions, UserText
from plugin.egress.transport import Timeouts
from plugin.errors import DocentError
from plugin.providers.wire import ToolSpec
from plugin.store import Store, open_store
from tests.providers import vendors
from tests.providers.vendors import Vendor, vendor_server

NAMES = ("openai", "openai_compatible", "anthropic")
TOOL = ToolSpec("search", "Search.", {"type": "object", "properties": {"text": {"type": "string"}}})
ANSWERS: dict[str, Any] = {
    "text": lambda _url: vendors.text("Orders are in ", "sales.orders."),
    "tool call": lambda _url: vendors.calls(("1", "search", {"text": "orders"})),
    "cut off": lambda _url: vendors.cut_off("half of"),
    "cut off at once": lambda _url: lambda handler: handler.cut(),
    "ended early": lambda _url: vendors.ended_early("half of"),
    "error in the stream": lambda _url: vendors.error_event("half of"),
    "429": lambda _url: vendors.error(429, {"error": {"message": "slow down"}}, retry_after="1"),
    "500": lambda _url: vendors.error(500, {"error": {"message": "broken"}}),
    "529": lambda _url: vendors.error(529, {"error": {"type": "overloaded_error", "message": "busy"}}),
    "401": lambda _url: vendors.error(401, {"error": {"message": "who are you"}}),
    "redirect": lambda url: vendors.redirect(f"{url}/elsewhere"),
    "redirect away": lambda _url: vendors.redirect("https://example.org/steal"),
    "nonsense": lambda _url: vendors.nonsense(),
    "bad JSON": lambda _url: vendors.bad_json(),
    "timeout": lambda _url: vendors.stalls(1.2, "half of"),
}
LINES = (
    "whole",
    "whole",
    "whole",
    "whole",
    "whole",
    "reset at once",
    "reset in the request",
    "reset in the answer",
)
"""What the proxy does to a connection."""


@dataclass
class Connection:
    """What one connection carried to the provider, and what was done to it."""

    fault: str
    sent: bytearray = field(default_factory=bytearray)


@dataclass
class Proxy:
    """The proxy: where it listens, what it will do to the next connections, and what it saw."""

    port: int = 0
    faults: deque[str] = field(default_factory=deque)
    seen: list[Connection] = field(default_factory=list)


@contextmanager
def proxy_to(port: int) -> Iterator[Proxy]:
    """Copy bytes to a port of this machine while the block lasts, and keep those that go there."""
    proxy = Proxy()
    listener = socket.create_server(("127.0.0.1", 0), backlog=200)
    proxy.port = listener.getsockname()[1]

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                connection = Connection(proxy.faults.popleft() if proxy.faults else "whole")
                proxy.seen.append(connection)
                threading.Thread(target=_carry, args=(client, port, connection), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def _reset(one: socket.socket) -> None:
    with suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.close()


def _carry(client: socket.socket, port: int, connection: Connection) -> None:
    if connection.fault == "reset at once":
        _reset(client)
        return
    with closing(socket.create_connection(("127.0.0.1", port))) as server:

        def back() -> None:
            got = 0
            with suppress(OSError):
                while piece := server.recv(65536):
                    got += len(piece)
                    if connection.fault == "reset in the answer" and got > 150:
                        _reset(client)
                        return
                    client.sendall(piece)
                client.shutdown(socket.SHUT_WR)

        threading.Thread(target=back, daemon=True).start()
        with suppress(OSError):
            while piece := client.recv(65536):
                connection.sent += piece
                if connection.fault == "reset in the request":
                    _reset(client)
                    return
                server.sendall(piece)


def requests_in(sent: bytes) -> tuple[list[tuple[str, bytes]], bytes]:
    """Requests (first line and body) that stand whole in a connection's bytes, and what is left over."""
    found = []
    while (end := sent.find(b"\r\n\r\n")) >= 0:
        head, rest = sent[:end].decode("latin-1"), sent[end + 4 :]
        size = next(
            (
                int(line.split(":")[1])
                for line in head.split("\r\n")
                if line.lower().startswith("content-length:")
            ),
            0,
        )
        assert "transfer-encoding" not in head.lower(), "a body without a length: read it by its chunks"
        if len(rest) < size:
            break
        found.append((head.split("\r\n")[0], rest[:size]))
        sent = rest[size:]
    return found, sent


@dataclass
class Compared:
    """The wire beside the ledger."""

    requests: int
    entries: int
    equal: int
    unentered: list[str]
    """Requests on the wire whose hash no entry has."""
    unseen: int
    """Entries without a request on the wire."""
    broken_before: int
    """Connections that the script broke before a whole request was through."""
    statuses: Counter[str]
    whole: str


def run(store: Store, admin: Viewer, count: int, seed: int, threads: int = 4) -> Compared:
    """Make `count` requests with faults drawn from `seed`, and compare."""
    gateway = Gateway(store, store.config, timeouts=Timeouts(connect=2, read=0.6, total=8))
    dice = random.Random(seed)
    with store.as_admin(admin) as door:
        door.settings.apply(
            {
                "ai.limits.requests_per_minute": 1000, "ai.limits.tokens_per_day_member": 0,
                "ai.limits.tokens_per_day_workspace": 0, "ai.model": "gpt-test",
            }
        )  # fmt: skip
        for name in NAMES:
            door.settings.set_provider_key(name, "k" * 20)
    seen: list[Connection] = []
    # OpenAI's own interface is spoken at OpenAI's own host only; here this machine stands for it.
    with patch("plugin.egress.policy._vendor_hosts", lambda _name: {"127.0.0.1"}), vendor_server() as vendor:
        port = int(vendor.url.rsplit(":", 1)[1])
        with proxy_to(port) as proxy:
            for name in NAMES:
                path = "" if name == "anthropic" else "/v1"
                with store.as_admin(admin) as door:
                    door.settings.apply(
                        {"ai.provider": name, "ai.base_url": f"http://127.0.0.1:{proxy.port}{path}"}
                    )
                _ask(gateway, admin, vendor, proxy, count // len(NAMES), dice, threads)
            seen = proxy.seen
    return _compare(store, admin, seen)


def _ask(
    gateway: Gateway,
    admin: Viewer,
    vendor: Vendor,
    proxy: Proxy,
    count: int,
    dice: random.Random,
    threads: int,
) -> None:
    kinds = dice.choices([*ANSWERS, "list", "key", "close", "stop"], k=count)
    # A wait for a timeout costs a second each: few are enough.
    slow = [number for number, kind in enumerate(kinds) if kind == "timeout"][max(2, count // 50) :]
    for number in slow:
        kinds[number] = "text"
    for kind in kinds:
        proxy.faults.append(dice.choice(LINES))
        if kind in ANSWERS:
            vendor.next(ANSWERS[kind](vendor.url))
    todo = deque(enumerate(kinds))

    def work() -> None:
        while todo:
            try:
                number, kind = todo.popleft()
            except IndexError:
                return
            asked = Conversation(
                (Instructions("t", "You are a test."), UserText(f"Which table holds orders {number} äö?"))
            )
            with suppress(DocentError):
                if kind == "list":
                    gateway.models(admin)
                elif kind == "key":
                    gateway.test_key(admin, _provider(gateway, admin), "k" * 20, _url(gateway, admin))
                elif kind == "close":
                    events = gateway.answer(admin, asked, [TOOL])
                    next(events, None)
                    events.close()  # type: ignore[attr-defined]
                elif kind == "stop":
                    list(gateway.answer(admin, asked, [TOOL], cancelled=lambda: True))
                else:
                    list(gateway.answer(admin, asked, [TOOL]))

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    vendor.answers.clear()
    proxy.faults.clear()


def _provider(gateway: Gateway, admin: Viewer) -> str:
    with gateway._store.as_viewer(admin) as mine:
        return str(mine.policy.ai().provider)


def _url(gateway: Gateway, admin: Viewer) -> str | None:
    with gateway._store.as_viewer(admin) as mine:
        return mine.policy.ai().base_url


def _compare(store: Store, admin: Viewer, seen: list[Connection]) -> Compared:
    with store.as_admin(admin) as door:
        entries = list(door.ledger.export())
        ok, whole = door.ledger.verify()
    assert ok, whole
    on_wire: Counter[tuple[str, int]] = Counter()
    broken = 0
    for connection in seen:
        requests, rest = requests_in(bytes(connection.sent))
        broken += not requests or bool(rest)
        for _line, body in requests:
            on_wire[(sha256(body).hexdigest(), len(body))] += 1
    entered = Counter((each["body_sha256"], each["body_bytes"]) for each in entries)
    unentered = on_wire - entered
    return Compared(
        requests=on_wire.total(), entries=len(entries), equal=(on_wire & entered).total(),
        unentered=[digest for digest, _size in unentered.elements()], unseen=(entered - on_wire).total(),
        broken_before=broken, statuses=Counter(each["status"] for each in entries), whole=whole,
    )  # fmt: skip


def main() -> None:
    """Run and print."""
    reader = argparse.ArgumentParser()
    reader.add_argument("--requests", type=int, default=3000)
    reader.add_argument("--seed", type=int, default=1)
    wanted = reader.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(read_config({"DOCENT_HOME": str(Path(folder))}))
        with store.sign_in() as door:
            made = door.create_workspace("Wire", "ada@example.com", "a long password 1")
            admin = door.viewer_for_email(made.slug, "ada@example.com", Surface.PAGE)
        found = run(store, admin, wanted.requests, wanted.seed)
        store.close()
    share = 100 * found.equal / max(1, found.requests)
    print(f"{found.requests} requests on the wire, {found.equal} with the ledger's hash: {share:.2f} %")
    print(
        f"{found.entries} entries ({dict(found.statuses)}); {found.unseen} of them never got through whole,"
    )
    print(f"  of {found.broken_before} connections that the script broke before a whole request")
    print(found.whole)
    sys.exit(bool(found.unentered))


if __name__ == "__main__":
    main()
