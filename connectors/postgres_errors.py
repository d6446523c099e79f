"""How PostgreSQL's errors become ours. The driver's own text is never passed on: it quotes values and SQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors as pg

from connectors.errors import (
    PermissionMissing,
    SignInRefused,
    SourceError,
    SourceInterrupted,
    UnreachableSource,
)
from connectors.servers import Server

# libpq tells what went wrong while connecting in words only. The server's words may be in its own language,
# so what is not one of libpq's own complaints and came after "FATAL" counts as a refusal.
_NO_ANSWER = (
    "connection refused",
    "could not translate host name",
    "timeout expired",
    "timed out",
    "no route to host",
    "network is unreachable",
    "no such file or directory",
    "could not receive data",
    "server closed the connection",
    "is the server running",
    "name or service not known",
    "starting up",
    "shutting down",
    "too many",
)
_TLS = ("ssl", "certificate", "gssapi")


@contextmanager
def during_connect(server: Server) -> Iterator[None]:
    """Turn what goes wrong while connecting into UnreachableSource or SignInRefused."""
    try:
        yield
    except psycopg.Error as error:
        raise _connect_error(server, str(error).lower()) from None


def _connect_error(server: Server, text: str) -> SourceError:
    database = server.database or server.user
    if "database" in text and "does not exist" in text:
        return UnreachableSource(f"{server.engine} at {server.place} has no database {database!r}")
    if any(words in text for words in _NO_ANSWER):
        if "too many" in text:
            return UnreachableSource(
                f"{server.engine} at {server.place} has no connection free; try again later"
            )
        return UnreachableSource(
            f"no answer from {server.engine} at {server.place}; check host, port and network"
        )
    if "pg_hba" in text and "no encryption" in text:
        return UnreachableSource(
            f"{server.engine} at {server.place} takes {server.user!r} over TLS only, if at all; "
            f"ssl_mode is {server.ssl_mode!r}"
        )
    if "password" in text or "pg_hba" in text or "role" in text or "authentication" in text:
        return SignInRefused(f"{server.engine} at {server.place} refused the sign-in of {server.user!r}")
    if any(words in text for words in _TLS):
        return UnreachableSource(
            f"no TLS connection with {server.engine} at {server.place} as ssl_mode {server.ssl_mode!r} asks for"
        )
    return SignInRefused(f"{server.engine} at {server.place} refused the sign-in of {server.user!r}")


@contextmanager
def during_read(server: Server) -> Iterator[None]:
    """Turn what goes wrong while reading the catalog into a SourceError of the right class."""
    try:
        yield
    except psycopg.Error as error:
        raise _read_error(server, error) from None
    except UnicodeDecodeError:
        raise SourceError(
            f"{server.engine} at {server.place} sent a name that is not valid UTF-8; the database's encoding is "
            "SQL_ASCII"
        ) from None


def _read_error(server: Server, error: psycopg.Error) -> SourceError:
    code = error.sqlstate or ""
    if isinstance(error, pg.InsufficientPrivilege):
        return PermissionMissing(
            f"the role {server.user!r} may not read pg_catalog; GRANT what the connector's grant script names"
        )
    if isinstance(error, pg.LockNotAvailable):
        return SourceInterrupted("a table is locked by somebody else (15 s); try again when they are done")
    if isinstance(error, pg.QueryCanceled):
        return SourceInterrupted("the server cancelled the reading of its catalog; try again")
    if not code or code.startswith(("08", "57P")):
        return SourceInterrupted(f"the connection to {server.engine} at {server.place} dropped; try again")
    if code.startswith(("XX", "42", "40")):
        return SourceInterrupted(
            f"the schema changed while it was read, or the catalog cannot be read (code {code}); try again"
        )
    return SourceError(f"{server.engine} at {server.place} could not answer (code {code})")
