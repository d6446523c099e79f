"""A proxy between a connector and a database server that keeps what passed, both ways, and can cut the line.

It reads PostgreSQL's messages and MySQL's packets far enough to list the statements that were sent. Connect
through it without TLS.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Self


class Wire:
    """Listens on a port of its own and passes everything on to `port` of 127.0.0.1."""

    def __init__(self, port: int, protocol: str) -> None:
        self._target = port
        self._protocol = protocol
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._sent: list[bytearray] = []
        self.received = bytearray()
        self.stalled = threading.Event()
        self.stalled.set()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Drop every connection, as a broken cable does."""
        for pair in self._pairs:
            for side in pair:
                with contextlib.suppress(OSError):
                    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    side.shutdown(socket.SHUT_RDWR)
                side.close()

    def open_connections(self) -> int:
        """How many connections the client has not closed."""
        return sum(1 for client, _ in self._pairs if client.fileno() != -1)

    def statements(self) -> list[str]:
        """Every statement that was sent so far, in order."""
        read = _postgres if self._protocol == "postgres" else _mysql
        return [statement for sent in self._sent for statement in read(bytes(sent))]

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                sent = bytearray()
                self._pairs.append((client, server))
                self._sent.append(sent)
                for source, target, kept in ((client, server, sent), (server, client, self.received)):
                    threading.Thread(target=self._pass, args=(source, target, kept), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, kept: bytearray) -> None:
        with contextlib.suppress(OSError):
            while some := source.recv(65536):
                kept.extend(some)
                self.stalled.wait()
                target.sendall(some)
        for side in (source, target):
            with contextlib.suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
            side.close()


def _postgres(sent: bytes) -> Iterator[str]:
    place = 0
    while place + 8 <= len(sent) and sent[place] == 0:  # startup, SSL and cancel requests have no type byte
        place += struct.unpack("!I", sent[place : place + 4])[0]
    while place + 5 <= len(sent):
        kind, size = sent[place : place + 1], struct.unpack("!I", sent[place + 1 : place + 5])[0]
        body = sent[place + 5 : place + 1 + size]
        if kind == b"Q":
            yield body.rstrip(b"\0").decode()
        elif kind == b"P":
            yield body.split(b"\0")[1].decode()
        place += 1 + size


def _mysql(sent: bytes) -> Iterator[str]:
    place = 0
    while place + 4 <= len(sent):
        size = int.from_bytes(sent[place : place + 3], "little")
        body = sent[place + 4 : place + 4 + size]
        if sent[place + 3] == 0 and body[:1] == b"\x03":
            yield body[1:].decode()
        place += 4 + size
