"""How the SQL Server connector reaches its server: python-tds over a socket whose TLS is the standard library's.

TDS 7 puts the TLS handshake into its PRELOGIN packets ([MS-TDS] 2.2.6.5, 3.2.5.1), so a plain TLS socket will not do.
Considered: mssql-python (Microsoft's; its ODBC part is closed and wants libltdl from the system), pymssql (LGPL; its
wheel carries OpenSSL 1.1.1 of 2021 and checks no certificate without a file of FreeTDS), pyodbc (a driver from the
system). python-tds is MIT and pure Python, but its own TLS needs pyOpenSSL and its check of the host's name fails with
the current one; so it speaks plainly here, inside a channel that `ssl` has verified, name and chain, before it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from connectors.errors import (
    MissingDriver,
    PermissionMissing,
    SignInRefused,
    SourceError,
    SourceInterrupted,
    UnreachableSource,
)
from connectors.servers import Server

SECONDS = 300.0
"""How long the server may take between two packets of an answer."""
PRELOGIN, LOGIN7 = 0x12, 0x10
_NOT_OPEN, _LOGIN = 4060, (18456, 18486, 18487, 18488, 18452, 40615, 18470)
# Invalid object, missing right (object, database, server), invalid column: that part of the catalog is not to be had.
ABSENT = (208, 207, 229, 230, 262, 297, 300, 371, 916, 15562, 104385, 40515)


class Denied(SourceError):
    """A catalog view is not there or not open to the role; whoever asked goes on without it."""


def connect(server: Server) -> Any:
    """A connection of python-tds, signed in. Raises MissingDriver, UnreachableSource, SignInRefused.

    Azure sends a client that is inside Azure on to the node that has the database: one such step is followed.
    """
    try:
        return _connect(server)
    except _Elsewhere as elsewhere:
        try:
            return _connect(dataclasses.replace(server, host=elsewhere.host, port=elsewhere.port))
        except _Elsewhere:
            raise UnreachableSource(f"SQL Server at {server.place} sends us on and on") from None


def _connect(server: Server) -> Any:
    try:
        import pytds
    except ModuleNotFoundError:
        raise MissingDriver(
            "the sqlserver connector needs a package: pip install 'docent[sqlserver]'"
        ) from None
    try:
        plain = socket.create_connection((server.host, server.port), server.connect_timeout)
    except (OSError, UnicodeError):
        raise UnreachableSource(
            f"no answer from SQL Server at {server.place}; check host, port and network"
        ) from None
    try:
        line: Any = plain if server.ssl_mode == "disable" else _Channel(plain, server)
        return pytds.connect(
            dsn=server.host,
            port=server.port,
            database=server.database or None,
            user=server.user,
            password=server.password or "",
            timeout=SECONDS,
            login_timeout=float(server.connect_timeout),
            disable_connect_retry=True,
            appname="docent",
            autocommit=True,
            readonly=True,
            sock=line,
        )
    except BaseException as error:
        plain.close()
        # python-tds raises a bare Exception where it cannot go on, so everything but ours counts as no connection.
        if isinstance(error, (SourceError, _Elsewhere)) or not isinstance(error, Exception):
            raise
        raise _connect_error(server, error) from None


def _connect_error(server: Server, error: BaseException) -> SourceError:
    numbers = {getattr(error, "msg_no", 0), getattr(error, "number", 0)}
    if _NOT_OPEN in numbers:
        return UnreachableSource(
            f"SQL Server at {server.place} has no database {server.database!r}, or the sign-in may not open it"
        )
    if numbers & set(_LOGIN):
        if (
            server.database and f'"{server.database}"'.lower() in str(error).lower()
        ):  # told with 4060, before 18456
            return _connect_error(server, _NoDatabase())
        return SignInRefused(f"SQL Server at {server.place} refused the sign-in of {server.user!r}")
    if isinstance(error, ssl.SSLError):
        return UnreachableSource(
            f"no TLS connection with SQL Server at {server.place} as ssl_mode {server.ssl_mode!r} asks for; check "
            "'ssl_ca' and the name in the certificate"
        )
    if "encryption" in str(error).lower() or "tls" in str(error).lower():
        return UnreachableSource(f"SQL Server at {server.place} wants TLS; set ssl_mode to verify-full")
    return UnreachableSource(f"no answer from SQL Server at {server.place}; check host, port and network")


@contextmanager
def during_read(server: Server) -> Iterator[None]:
    """Turn what goes wrong while reading into a SourceError. The server's text quotes SQL: not passed on."""
    import pytds

    try:
        yield
    except pytds.OperationalError as error:
        number = int(getattr(error, "msg_no", 0) or getattr(error, "number", 0))
        if number in (1205, 1222, 3960):
            raise SourceInterrupted("SQL Server's catalog is locked by somebody else; try again") from None
        raise _read_error(server, number) from None
    except pytds.DatabaseError as error:
        number = int(getattr(error, "msg_no", 0) or getattr(error, "number", 0))
        raise _read_error(server, number) from None
    except (pytds.Error, OSError, EOFError, RuntimeError):
        raise SourceInterrupted(
            f"the connection to SQL Server at {server.place} dropped; try again"
        ) from None


def _read_error(server: Server, number: int) -> SourceError:
    if number in ABSENT:
        return Denied(f"a part of the catalog is not open to {server.user!r} (error {number})")
    if not number:
        return SourceInterrupted(f"the connection to SQL Server at {server.place} dropped; try again")
    return SourceError(f"SQL Server at {server.place} could not answer (error {number})")


def missing(server: Server) -> PermissionMissing:
    """What to say where a part that everything hangs on is not open."""
    return PermissionMissing(
        f"the role {server.user!r} may not read the catalog of {server.database!r}; run the connector's grant script"
    )


class _NoDatabase(Exception):
    msg_no = _NOT_OPEN


class _Elsewhere(Exception):
    """The server names another one in its answer to the sign-in (ENVCHANGE of type 20, 2.2.7.9)."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__()
        self.host, self.port = host, port


class _Channel:
    """The socket that python-tds gets: it makes the TLS connection first, then passes on what is said through it.

    python-tds's own PRELOGIN is answered here, saying that encryption is not supported: that channel exists already.
    """

    def __init__(self, plain: socket.socket, server: Server) -> None:
        self._plain = plain
        context = ssl.create_default_context(cafile=server.ssl_ca or None)
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # TDS 7 knows no later one
        context.check_hostname = server.ssl_mode == "verify-full"
        if server.ssl_cert:
            context.load_cert_chain(server.ssl_cert, server.ssl_key or None)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server.host)
        self._ready = b""
        self._greeted = self._signing_in = False
        self._agree(server)
        self._handshake()

    def _agree(self, server: Server) -> None:
        self._packet(_prelogin(encryption=1))
        answer = self._whole()
        said = _option(answer, 1)
        if said not in (1, 3):
            raise UnreachableSource(
                f"SQL Server at {server.place} offers no TLS; set ssl_mode to 'disable' if the network may see it"
            )

    def _handshake(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._packet(self._outgoing.read())
                self._incoming.write(self._whole())
                continue
            if self._outgoing.pending:
                self._packet(self._outgoing.read())
            return

    def _packet(self, body: bytes) -> None:
        if body:
            self._plain.sendall(struct.pack(">BBHHBB", PRELOGIN, 1, len(body) + 8, 0, 0, 0) + body)

    def _whole(self) -> bytes:
        body, last = b"", 0
        while not last & 1:
            _, last, size = struct.unpack(">BBH", self._exactly(8, self._plain.recv)[:4])
            body += self._exactly(size - 8, self._plain.recv)
        return body

    def _exactly(self, size: int, source: Callable[[int], bytes]) -> bytes:
        parts = b""
        while len(parts) < size:
            some = source(size - len(parts))
            if not some:
                raise EOFError("the server closed the connection")
            parts += some
        return parts

    def sendall(self, data: bytes | bytearray | memoryview, flags: int = 0) -> None:
        """Send through the channel; the first message is python-tds's PRELOGIN, which is answered here."""
        if not self._greeted:
            self._greeted = True
            body = _prelogin(encryption=2)
            self._ready = struct.pack(">BBHHBB", 4, 1, len(body) + 8, 0, 0, 0) + body
            return
        self._signing_in = data[0] == LOGIN7
        self._tls.write(bytes(data))
        self._plain.sendall(self._outgoing.read())

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Some bytes of what the server says; none where it closed the connection."""
        if self._signing_in:
            self._signing_in = False
            self._ready = self._answer_to_sign_in()
        if self._ready:
            part, self._ready = self._ready[:size], self._ready[size:]
            return part
        return self._decrypted(size)

    def _decrypted(self, size: int) -> bytes:
        while True:
            try:
                return self._tls.read(size)
            except ssl.SSLWantReadError:
                some = self._plain.recv(65536)
                if not some:
                    return b""
                self._incoming.write(some)
            except ssl.SSLZeroReturnError:
                return b""

    def _answer_to_sign_in(self) -> bytes:
        """The packets of the answer, read whole. Raises _Elsewhere where it names another server."""
        packets, body, last = b"", b"", 0
        while not last & 1:
            head = self._exactly(8, self._decrypted)
            _, last, size = struct.unpack(">BBH", head[:4])
            part = self._exactly(size - 8, self._decrypted)
            packets, body = packets + head + part, body + part
        at = 0
        while at + 3 <= len(body) and body[at] in (
            0xE3,
            0xAA,
            0xAB,
            0xAD,
        ):  # ENVCHANGE, ERROR, INFO, LOGINACK
            size = struct.unpack_from("<H", body, at + 1)[0]
            if body[at] == 0xE3 and body[at + 3] == 20:
                port, letters = struct.unpack_from("<HH", body, at + 7)
                raise _Elsewhere(body[at + 11 : at + 11 + 2 * letters].decode("utf-16le"), port)
            at += 3 + size
        return packets

    def recv_into(self, buffer: bytearray | memoryview, size: int = 0, flags: int = 0) -> int:
        """The same into `buffer`; how many bytes."""
        part = self.recv(size or len(buffer))
        buffer[: len(part)] = part
        return len(part)

    def settimeout(self, seconds: float | None) -> None:
        """As a socket's."""
        self._plain.settimeout(seconds)

    def gettimeout(self) -> float | None:
        """As a socket's."""
        return self._plain.gettimeout()

    def setsockopt(self, *options: Any) -> None:
        """As a socket's."""
        self._plain.setsockopt(*options)

    def shutdown(self, how: int) -> None:
        """As a socket's."""
        with contextlib.suppress(OSError):
            self._plain.shutdown(how)

    def close(self) -> None:
        """As a socket's."""
        self._plain.close()


def _prelogin(encryption: int) -> bytes:
    """VERSION, ENCRYPTION, INSTOPT, THREADID and MARS (off), each with its place ([MS-TDS] 2.2.6.5)."""
    options = ((0, bytes(6)), (1, bytes([encryption])), (2, b"\0"), (3, bytes(4)), (4, b"\0"))
    head, data = b"", b""
    for token, value in options:
        head += struct.pack(">BHH", token, 5 * len(options) + 1 + len(data), len(value))
        data += value
    return head + b"\xff" + data


def _option(answer: bytes, wanted: int) -> int | None:
    """The first byte of an option of a PRELOGIN answer."""
    at = 0
    while at + 5 <= len(answer) and answer[at] != 0xFF:
        token, place, size = struct.unpack_from(">BHH", answer, at)
        if token == wanted and size and place < len(answer):
            return int(answer[place])
        at += 5
    return None
