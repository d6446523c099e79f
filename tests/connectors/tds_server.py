"""A local server that speaks TDS 7.4 as [MS-TDS] documents it, well enough for Microsoft's own driver and FreeTDS.

PRELOGIN (2.2.6.5), TLS where it is asked for, LOGIN7 (2.2.6.4), SQL batches (2.2.6.7), sp_executesql and sp_prepexec by RPC
(2.2.6.6), attention (2.2.1.7); it answers with LOGINACK, ENVCHANGE, COLMETADATA, ROW, RETURNSTATUS, RETURNVALUE, ERROR
and DONE tokens (2.2.7), cut into packets of the negotiated size. What a statement answers is the test's.

Source: https://learn.microsoft.com/openspecs/windows_protocols/ms-tds
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

PRELOGIN, LOGIN7, BATCH, RPC, ATTENTION, TRANSACTION = 0x12, 0x10, 0x01, 0x03, 0x06, 0x0E
COLLATION = bytes.fromhex("0904d00034")  # SQL_Latin1_General_CP1_CI_AS
PACKET = 4096
VERSION = 0x04000074  # TDS 7.4, as a client reads it in LOGINACK
SP_EXECUTESQL, SP_PREPEXEC, SP_UNPREPARE = 10, 13, 15
# SET statements and transactions that drivers send by themselves need no answer of the test's.
_SETUP = ("SET ", "USE ", "IF @@TRANCOUNT", "COMMIT", "ROLLBACK", "BEGIN TRAN")


class Refused(Exception):
    """The statement fails with this error number."""

    def __init__(self, number: int, text: str, severity: int = 16) -> None:
        super().__init__(text)
        self.number, self.text, self.severity = number, text, severity


Rows = tuple[list[str], list[tuple[Any, ...]]]


@dataclass
class Tds:
    """The server's script: what it answers, whom it lets in, and what it was asked."""

    answer: Callable[[str, list[Any]], Rows]
    user: str = "docent"
    password: str = "pa;ss}w{o'rd"
    database: str = "shop"
    tls: ssl.SSLContext | None = None
    """With it, the server asks for TLS, inside PRELOGIN packets as TDS 7 has it."""
    route: tuple[str, int] | None = None
    """Where the answer to the sign-in sends the client, as a gateway of Azure does."""
    drop_after: int | None = None
    """Bytes of answers after which the connection breaks, once the sign-in is done."""
    statements: list[str] = field(default_factory=list)
    applications: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """What went wrong in the server itself: a test asserts that there is nothing."""
    sent: int = 0
    port: int = 0
    open: int = 0


@contextmanager
def serve(script: Tds) -> Iterator[Tds]:
    """Run it on a free port of loopback while the block lasts."""
    listener = socket.create_server(("127.0.0.1", 0))
    script.port = listener.getsockname()[1]

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=_converse, args=(script, connection), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield script
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _converse(script: Tds, connection: socket.socket) -> None:
    script.open += 1
    try:
        with connection, contextlib.suppress(OSError, EOFError):
            while True:
                kind, body = _message(connection)
                if kind == PRELOGIN:
                    _send(connection, _prelogin(1 if script.tls else 2))
                    if script.tls:
                        connection = _Tls(connection, script.tls)  # type: ignore[assignment]
                elif kind == LOGIN7:
                    reply, welcome = _login(script, body)
                    _send(connection, reply)
                    if not welcome:
                        return
                elif kind == ATTENTION:
                    _send(connection, _done(0x20))
                elif kind in (BATCH, RPC):
                    _send(connection, _answer(script, kind, body), script)
                elif kind == TRANSACTION:
                    _send(connection, _done(0))
                else:
                    return
    finally:
        script.open -= 1


def _exactly(connection: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        some = connection.recv(size - len(parts))
        if not some:
            raise EOFError
        parts += some
    return bytes(parts)


def _message(connection: socket.socket) -> tuple[int, bytes]:
    """One message, its packets put together (2.2.3)."""
    body = bytearray()
    while True:
        kind, status, size = struct.unpack(">BBH", _exactly(connection, 8)[:4])
        body += _exactly(connection, size - 8)
        if status & 1:
            return kind, bytes(body)


def _send(connection: socket.socket, body: bytes, script: Tds | None = None) -> None:
    room = PACKET - 8
    for place in range(0, max(len(body), 1), room):
        part = body[place : place + room]
        last = place + room >= len(body)
        if script is not None:
            script.sent += len(part)
            if script.drop_after is not None and script.sent > script.drop_after:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                raise EOFError
        connection.sendall(
            struct.pack(">BBHHBB", 4, int(last), len(part) + 8, 1, place // room % 256, 0) + part
        )


class _Tls:
    """The connection once both sides speak TLS; the handshake travels in PRELOGIN packets (3.3.5.2)."""

    def __init__(self, plain: socket.socket, context: ssl.SSLContext) -> None:
        self._plain = plain
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._hand()
                self._in.write(_message(plain)[1])
                continue
            self._hand()
            return

    def _hand(self) -> None:
        if body := self._out.read():
            self._plain.sendall(struct.pack(">BBHHBB", PRELOGIN, 1, len(body) + 8, 0, 0, 0) + body)

    def recv(self, size: int) -> bytes:
        while True:
            try:
                return self._tls.read(size)
            except ssl.SSLWantReadError:
                some = self._plain.recv(65536)
                if not some:
                    return b""
                self._in.write(some)

    def sendall(self, data: bytes) -> None:
        self._tls.write(data)
        self._plain.sendall(self._out.read())

    def setsockopt(self, *options: Any) -> None:
        self._plain.setsockopt(*options)


def _prelogin(encryption: int) -> bytes:
    """VERSION, ENCRYPTION (on, or not supported), MARS (off)."""
    options = [
        (0, bytes([16, 0, 0x10, 0x1B, 0, 0])),
        (1, bytes([encryption])),
        (2, b"\0"),
        (3, b""),
        (4, b"\0"),
    ]
    head, data, place = b"", b"", 5 * len(options) + 1
    for token, value in options:
        head += struct.pack(">BHH", token, place + len(data), len(value))
        data += value
    return head + b"\xff" + data


def _login(script: Tds, body: bytes) -> tuple[bytes, bool]:
    def text(at: int) -> bytes:
        place, size = struct.unpack_from("<HH", body, at)
        return body[place : place + 2 * size]

    mangled = text(44)
    plain = bytes(((each ^ 0xA5) >> 4 | ((each ^ 0xA5) << 4) & 0xF0) for each in mangled)
    user, password = text(40).decode("utf-16le"), plain.decode("utf-16le")
    database = text(68).decode("utf-16le")
    script.applications.append(text(48).decode("utf-16le"))
    if (user, password) != (script.user, script.password):
        return _error(18456, f"Login failed for user '{user}'.", 14) + _done(2), False
    if database and database.lower() != script.database.lower():
        shut = _error(
            4060, f'Cannot open database "{database}" requested by the login. The login failed.', 11
        )
        return shut + _error(18456, f"Login failed for user '{user}'.", 14) + _done(2), False
    name = "Microsoft SQL Server".encode("utf-16le")
    product = bytes([16, 0, 0x10, 0x1B])
    ack = b"\x01" + struct.pack(">I", 0x74000004) + bytes([len(name) // 2]) + name + product
    changes = _env(1, script.database, "master") + _env(4, str(PACKET), str(PACKET))
    collation = struct.pack("<BHBB", 0xE3, 8, 7, 5) + COLLATION + b"\0"
    if script.route:
        host, port = script.route
        place = struct.pack("<BHH", 0, port, len(host)) + host.encode("utf-16le")
        changes += struct.pack("<BHBH", 0xE3, len(place) + 5, 20, len(place)) + place + b"\0\0"
    return changes + collation + struct.pack("<BH", 0xAD, len(ack)) + ack + _done(0), True


def _env(kind: int, new: str, old: str) -> bytes:
    body = bytes([kind]) + _short(new) + _short(old)
    return struct.pack("<BH", 0xE3, len(body)) + body


def _short(text: str) -> bytes:
    return bytes([len(text)]) + text.encode("utf-16le")


def _error(number: int, text: str, severity: int) -> bytes:
    said = text.encode("utf-16le")
    body = struct.pack("<iBBH", number, 1, severity, len(said) // 2) + said + _short("SRV") + _short("")
    body += struct.pack("<I", 1)
    return struct.pack("<BH", 0xAA, len(body)) + body


def _done(status: int, rows: int = 0, token: int = 0xFD) -> bytes:
    return struct.pack("<BHHQ", token, status, 0xC1, rows)


def _answer(script: Tds, kind: int, body: bytes) -> bytes:
    reader = _Reader(body)
    reader.take(reader.number("<I") - 4)  # ALL_HEADERS
    end, before = 0xFD, b""
    if kind == BATCH:
        sql, values = reader.rest().decode("utf-16le"), []
    else:
        size = reader.number("<H")
        name = reader.number("<H") if size == 0xFFFF else reader.take(2 * size).decode("utf-16le").lower()
        reader.take(2)
        given = [reader.parameter() for _ in iter(reader.more, False)]
        end = 0xFE
        after = struct.pack("<Bi", 0x79, 0)
        if name in (SP_PREPEXEC, "sp_prepexec"):
            sql, values = given[2], given[3:]
            before = struct.pack("<BHBBIHBBBi", 0xAC, 0, 0, 1, 0, 0, 0x26, 4, 4, 1)
        elif name in (SP_EXECUTESQL, "sp_executesql"):
            sql, values = given[0], given[2:]
        else:
            return after + _done(0, token=end)
    if sql.strip().upper().startswith(_SETUP):
        return _done(0, token=end)
    script.statements.append(sql)
    try:
        names, rows = script.answer(sql, values)
    except Refused as refused:
        return _error(refused.number, refused.text, refused.severity) + _done(2, token=end)
    except Exception as error:  # noqa: BLE001 - whatever it is, the test must see it
        script.faults.append(f"{error!r} in {sql}")
        return _error(50000, "the test's own server failed", 20) + _done(2, token=end)
    result = _result(names, rows)
    if kind == BATCH:
        return result + _done(0x10, len(rows))
    return result + _done(0x11, len(rows), 0xFF) + after + before + _done(0, token=end)


class _Reader:
    """Reads the parameters of a remote procedure call (2.2.6.6): strings and numbers, as our connector sends them."""

    def __init__(self, body: bytes) -> None:
        self._body, self._at = body, 0

    def take(self, size: int) -> bytes:
        part = self._body[self._at : self._at + size]
        assert len(part) == size, "a message that is cut short"
        self._at += size
        return part

    def number(self, form: str) -> int:
        return int(struct.unpack(form, self.take(struct.calcsize(form)))[0])

    def rest(self) -> bytes:
        return self.take(len(self._body) - self._at)

    def more(self) -> bool:
        return self._at < len(self._body)

    def parameter(self) -> Any:
        self.take(2 * self.number("<B"))
        self.take(1)
        kind = self.number("<B")
        if kind in (0xE7, 0xA7, 0xEF, 0xAF):  # NVARCHAR, VARCHAR, NCHAR, CHAR
            longest = self.number("<H")
            self.take(5)
            encoding = "utf-16le" if kind in (0xE7, 0xEF) else "latin-1"
            if longest == 0xFFFF:
                whole = self.number("<Q")
                if whole == 0xFFFFFFFFFFFFFFFF:
                    return None
                parts = b""
                while size := self.number("<I"):
                    parts += self.take(size)
                return parts.decode(encoding)
            size = self.number("<H")
            return None if size == 0xFFFF else self.take(size).decode(encoding)
        if kind == 0x63:  # NTEXT, as FreeTDS and ODBC send statements
            self.take(4 + 5)
            size = self.number("<I")
            return None if size == 0xFFFFFFFF else self.take(size).decode("utf-16le")
        if kind == 0x26:  # INTN
            self.take(1)
            size = self.number("<B")
            return int.from_bytes(self.take(size), "little", signed=True) if size else None
        raise AssertionError(f"a parameter of the type {kind:#x}")


def _result(names: list[str], rows: list[tuple[Any, ...]]) -> bytes:
    """COLMETADATA (2.2.7.4) and one ROW (2.2.7.19) a row. The kind of a column is that of its first value."""
    kinds = []
    head = struct.pack("<BH", 0x81, len(names))
    for place, name in enumerate(names):
        values = [row[place] for row in rows if row[place] is not None]
        kind = _kind(values)
        kinds.append(kind)
        form = {
            "bit": b"\x68\x01", "int": b"\x26\x08", "float": b"\x6d\x08", "time": b"\x2a\x07",
            "text": b"\xe7" + struct.pack("<H", 8000) + COLLATION,
            "long": b"\xe7\xff\xff" + COLLATION,
        }[kind]  # fmt: skip
        head += struct.pack("<IH", 0, 1) + form + _short(name)
    body = bytearray(head)
    for row in rows:
        body += b"\xd1"
        for kind, value in zip(kinds, row, strict=True):
            body += _value(kind, value)
    return bytes(body)


def _kind(values: list[Any]) -> str:
    first = values[0] if values else ""
    if isinstance(first, bool):
        return "bit"
    if isinstance(first, int):
        return "int"
    if isinstance(first, float):
        return "float"
    if isinstance(first, datetime):
        return "time"
    return "long" if any(len(str(value)) > 3900 for value in values) else "text"


def _value(kind: str, value: Any) -> bytes:
    if kind == "long":
        if value is None:
            return b"\xff" * 8
        data = str(value).encode("utf-16le")
        return struct.pack("<QI", len(data), len(data)) + data + (struct.pack("<I", 0) if data else b"")
    if kind == "text":
        if value is None:
            return b"\xff\xff"
        data = str(value).encode("utf-16le")
        return struct.pack("<H", len(data)) + data
    if value is None:
        return b"\0"
    if kind == "bit":
        return bytes([1, int(value)])
    if kind == "int":
        return struct.pack("<Bq", 8, value)
    if kind == "float":
        return struct.pack("<Bd", 8, value)
    since = value.hour * 3600 + value.minute * 60 + value.second
    ticks = (since * 10_000_000) + value.microsecond * 10
    return b"\x08" + ticks.to_bytes(5, "little") + (value.toordinal() - 1).to_bytes(3, "little")
