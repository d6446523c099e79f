"""Connections to MySQL and MariaDB, and how their errors become ours (never with the driver's own text)."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pymysql

from connectors.errors import (
    BadSettings,
    PermissionMissing,
    SignInRefused,
    SourceError,
    SourceInterrupted,
    UnreachableSource,
)
from connectors.servers import Server

if TYPE_CHECKING:
    MySQLConnection = pymysql.connections.Connection[pymysql.cursors.Cursor]
else:
    MySQLConnection = pymysql.connections.Connection

_REFUSED = {1044, 1045, 1130, 1251, 1275, 1698, 1820, 1862, 3118, 4151}
_TLS_ONLY = {3159}
_DENIED = {1044, 1142, 1143, 1227, 1370}
_CHANGED = {1051, 1054, 1109, 1146, 1305, 1356, 1412, 1932}
_STOPPED = {1053, 1317, 1969, 3024}


class _Connection(MySQLConnection):
    """A connection that reads no certificates where it verifies none, as 'prefer' does: each of two a sync would spend
    a fiftieth of it on those of the system.
    """

    def _create_ssl_ctx(self, sslp: Any) -> ssl.SSLContext:
        if sslp:
            made: ssl.SSLContext = super()._create_ssl_ctx(sslp)  # type: ignore[misc]
            return made
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context


def open_connection(server: Server, *, read_timeout: float | None = None) -> MySQLConnection:
    """A connection in UTF-8 that sends one statement at a time and never a local file. Raises pymysql.Error."""
    unix = server.host if server.host.startswith("/") else None
    return _Connection(
        host="localhost" if unix else server.host,
        unix_socket=unix,
        port=server.port,
        user=server.user or None,
        password=server.password or "",
        charset="utf8mb4",
        autocommit=True,
        local_infile=False,
        connect_timeout=server.connect_timeout,
        read_timeout=read_timeout,
        program_name="docent",
        **_tls(server),
    )


def abandon(connection: Any) -> None:
    """Close at once. PyMySQL would first read an unbuffered result to its end, unless told there is none."""
    result = connection._result
    if result is not None:
        result.unbuffered_active = False
        result.connection = None
    connection._force_close()


def _tls(server: Server) -> dict[str, Any]:
    """PyMySQL's arguments: its own default is "prefer"."""
    if server.ssl_mode == "disable":
        return {"ssl_disabled": True}
    if server.ssl_mode == "prefer":
        return {}
    try:
        context = ssl.create_default_context(cafile=server.ssl_ca or None)
        context.check_hostname = server.ssl_mode == "verify-full"
        if server.ssl_mode == "require":
            context.verify_mode = ssl.CERT_NONE
        if server.ssl_cert:
            context.load_cert_chain(server.ssl_cert, server.ssl_key or None)
    except (OSError, ssl.SSLError):
        raise BadSettings("'ssl_ca', 'ssl_cert' or 'ssl_key' is not a readable PEM file") from None
    return {"ssl": context}


@contextmanager
def during_connect(server: Server) -> Iterator[None]:
    """Turn what goes wrong while connecting into UnreachableSource or SignInRefused."""
    try:
        yield
    except (pymysql.err.Error, OSError, RuntimeError) as error:
        raise _connect_error(server, error) from None


def _connect_error(server: Server, error: Exception) -> SourceError:
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    if code in _REFUSED or isinstance(error, RuntimeError):
        # MariaDB answers so too where it takes TLS connections only
        hint = "; ssl_mode is 'disable', and it may want TLS" if server.ssl_mode == "disable" else ""
        return SignInRefused(f"the server at {server.place} refused the sign-in of {server.user!r}{hint}")
    if code == 1049:
        return UnreachableSource(f"the server at {server.place} has no database {server.database!r}")
    if code == 1040 or code == 1203:
        return UnreachableSource(f"the server at {server.place} has no connection free; try again later")
    if code in _TLS_ONLY:
        return UnreachableSource(
            f"the server at {server.place} takes TLS connections only; ssl_mode is {server.ssl_mode!r}"
        )
    if code == 2026 or isinstance(error, ssl.SSLError) or "ssl" in str(error).lower():
        return UnreachableSource(
            f"no TLS connection with {server.place} as ssl_mode {server.ssl_mode!r} asks for"
        )
    return UnreachableSource(
        f"no answer from MySQL or MariaDB at {server.place}; check host, port and network"
    )


@contextmanager
def during_read(server: Server) -> Iterator[None]:
    """Turn what goes wrong while reading the catalog into a SourceError of the right class."""
    try:
        yield
    except (pymysql.err.Error, OSError) as error:
        raise _read_error(server, error) from None


def _read_error(server: Server, error: Exception) -> SourceError:
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    if code in _DENIED:
        return PermissionMissing(
            f"the user {server.user!r} lacks a right; GRANT what the connector's grant script names"
        )
    if code in _CHANGED:
        return SourceInterrupted(f"the schema changed while it was read (code {code}); try again")
    if code in _STOPPED:
        return SourceInterrupted("the server stopped the reading of its catalog; try again")
    if code == 1205:
        return SourceInterrupted("a table is locked by somebody else (15 s); try again when they are done")
    if code in (0, 1927, 2006, 2013, 2014, 2055) or isinstance(error, OSError):
        return SourceInterrupted(f"the connection to {server.place} dropped; try again")
    return SourceError(f"the server at {server.place} could not answer (code {code})")
