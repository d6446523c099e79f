"""Runs one guarded SELECT on MySQL or MariaDB behind the engine's own walls; see `connectors.abilities.CanRun`.

A read-only transaction, a time limit, no second statement in one text, no local file; rows come unbuffered
under row and byte caps, and a cancel kills the session on the server from a second connection.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pymysql
from pymysql.constants import FIELD_TYPE
from pymysql.cursors import SSCursor

from connectors.abilities import Cancel, Estimate, ResultColumn, RunLimits, RunResult
from connectors.asking import Asking
from connectors.errors import QueryFailed, QueryStopped, SourceError, SourceInterrupted
from connectors.mysql_errors import MySQLConnection, abandon, during_connect, open_connection
from connectors.rows import Meter
from connectors.servers import Server

# MariaDB counts seconds and has a name of its own for it; MySQL counts milliseconds. One of them is unknown
# to each server (code 1193), and the client's own clock stands behind both.
TIME_LIMITS = (
    "SET SESSION max_statement_time = {seconds}",
    "SET SESSION max_execution_time = {milliseconds}",
)
SETUP = "SET SESSION lock_wait_timeout = 5, SESSION innodb_lock_wait_timeout = 5, SESSION sql_select_limit = {rows}"
# The session too, not the transaction alone: DDL would commit that one and run.
READ_ONLY = ("SET SESSION TRANSACTION READ ONLY", "START TRANSACTION READ ONLY")
EXPLAIN = "EXPLAIN "

# The protocol's names, where people know the types by others.
_KNOWN_AS = {
    "TINY": "tinyint",
    "SHORT": "smallint",
    "INT24": "mediumint",
    "LONG": "int",
    "LONGLONG": "bigint",
    "NEWDECIMAL": "decimal",
    "VAR_STRING": "varchar",
    "STRING": "char",
    "TINY_BLOB": "tinytext",
    "MEDIUM_BLOB": "mediumtext",
    "LONG_BLOB": "longtext",
    "BLOB": "text",
}
_TYPES = {
    number: _KNOWN_AS.get(name, name.lower())
    for name, number in vars(FIELD_TYPE).items()
    if name.isupper() and name not in ("CHAR", "INTERVAL")
}
_STOPPED = {1053, 1317, 1969, 3024}
_NO_SUCH_SESSION = 1094


class MySQLRuns:
    """The part of the MySQL connector that runs SQL."""

    _server: Server

    def run(
        self,
        sql: str,
        limits: RunLimits,
        running: Callable[[Cancel], None],
        parameters: Sequence[Any] = (),
    ) -> RunResult:
        """Start `sql` and stream its rows. Raises QueryFailed, QueryStopped or another SourceError."""
        connection = self._open(limits)
        stop = _Stop(connection, self._server)
        watchdog = threading.Timer(limits.seconds + 0.3, stop.expire)
        watchdog.daemon = True
        deadline = time.monotonic() + limits.seconds

        def close() -> None:
            watchdog.cancel()
            stop.close()

        try:
            with _as_query_errors(stop, limits):
                _prepare(connection, limits)
                running(stop)
                watchdog.start()
                cursor = connection.cursor(SSCursor)
                if stop.cancelled:
                    raise QueryStopped("the query was cancelled")
                cursor.execute(sql, tuple(parameters) or None)
                columns = tuple(
                    ResultColumn(column[0], _TYPES.get(column[1], "")) for column in cursor.description or ()
                )
                first = cursor.fetchone()
        except BaseException:
            close()
            raise
        result = RunResult(columns, iter(()), _close=close)
        result.batches = _batches(first, cursor, limits, result, stop, deadline)
        return result

    def estimate(self, sql: str, parameters: Sequence[Any] = ()) -> Estimate | None:
        """Rows that the planner expects to look at, by EXPLAIN: the product over the outermost join."""
        limits = RunLimits(seconds=10)
        connection = self._open(limits)
        stop = _Stop(connection, self._server)
        try:
            with _as_query_errors(stop, limits):
                _prepare(connection, limits)
                cursor = connection.cursor()
                cursor.execute(EXPLAIN + sql, tuple(parameters) or None)
                names = [column[0].lower() for column in cursor.description or ()]
                plan: list[dict[str, Any]] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
                stop.finished = True
        finally:
            stop.close()
        product = 1
        for step in plan:
            if step.get("id") == 1 and step.get("rows") is not None:
                product *= int(step["rows"])
        return Estimate(rows=product)

    def _open(self, limits: RunLimits) -> MySQLConnection:
        with during_connect(self._server):
            connection = open_connection(self._server, read_timeout=limits.seconds + 5)
            if self._server.database:
                connection.select_db(self._server.database)
            return connection


def _prepare(connection: MySQLConnection, limits: RunLimits) -> None:
    cursor = connection.cursor()
    for statement in TIME_LIMITS:
        with contextlib.suppress(pymysql.err.InternalError, pymysql.err.OperationalError):
            cursor.execute(
                statement.format(seconds=limits.seconds, milliseconds=max(1, int(limits.seconds * 1000)))
            )
    cursor.execute(SETUP.format(rows=limits.rows + 1))
    for statement in READ_ONLY:
        cursor.execute(statement)


class _Stop:
    """Ends the session on the server, from any thread; knows why a statement ended. `close` ends the connection.

    KILL, and not KILL QUERY: a server forgets the latter where it comes before the statement does, and whoever has
    closed the connection meanwhile leaves a statement that nobody stops. The session is ours alone, for one statement.
    """

    def __init__(self, connection: MySQLConnection, server: Server) -> None:
        self._connection = connection
        self._server = server
        self._id = int(connection.thread_id())  # type: ignore[no-untyped-call]
        self._lock = threading.Lock()
        self._closed = False
        self._killed = False
        self._asking = Asking(self._send)
        self.finished = False
        self.cancelled = False
        self.expired = False

    def cancel(self) -> None:
        self.cancelled = True
        self._asking.begin()

    def expire(self) -> None:
        """The server's own time-out should have come first; this is for a server that has none."""
        self.expired = True
        self._asking.begin()

    def _send(self) -> None:
        with self._lock:
            self._kill()

    def _kill(self) -> None:
        if self._killed or self.finished:
            return
        try:
            killer = open_connection(self._server, read_timeout=2)
            try:
                killer.cursor().execute(f"KILL {self._id}")
            finally:
                killer.close()
        except (pymysql.err.Error, OSError) as error:
            if error.args[:1] != (_NO_SUCH_SESSION,):
                return  # it is asked again
        self._killed = True
        self._asking.over()

    def close(self) -> None:
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._kill()
            abandon(self._connection)
        if self._killed or self.finished:
            self._asking.over()
        else:
            self._asking.begin()  # a server that has lost its client runs the statement to its end


@contextlib.contextmanager
def _as_query_errors(stop: _Stop, limits: RunLimits) -> Iterator[None]:
    try:
        yield
    except (pymysql.err.Error, OSError) as error:
        code = error.args[0] if error.args else None
        if isinstance(error, pymysql.err.Error) and isinstance(code, int) and code // 1000 not in (0, 2):
            stop.finished = True  # the server said so itself; the client's own codes are from 2000
        raise _query_error(error, stop, limits) from None


def _query_error(error: Exception, stop: _Stop, limits: RunLimits) -> SourceError:
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    if stop.cancelled:
        return QueryStopped("the query was cancelled")
    if stop.expired or code in _STOPPED:
        return QueryStopped(f"the query was stopped after {limits.seconds:g} s")
    if code == 1205:
        return QueryStopped("a table is locked by somebody else; try again when they are done")
    if code in (0, 1927, 2006, 2013, 2014, 2055) or isinstance(error, OSError):
        return SourceInterrupted("the connection dropped while the query ran; try again")
    kind = type(error).__name__
    full = str(error.args[1]) if len(error.args) > 1 else str(error)
    return QueryFailed(f"the server refused the query: {kind} (code {code})", full=full, code=str(code))


def _batches(
    first: tuple[Any, ...] | None,
    cursor: SSCursor,
    limits: RunLimits,
    result: RunResult,
    stop: _Stop,
    deadline: float,
) -> Iterator[list[tuple[Any, ...]]]:
    try:
        with _as_query_errors(stop, limits):
            # Not `yield from`: a consumer that goes must close the connection before the rows.
            for batch in Meter(limits, result).batches(first, _rows(cursor, stop), deadline=deadline):  # noqa: UP028
                yield batch
    finally:
        result.close()


def _rows(cursor: SSCursor, stop: _Stop) -> Iterator[tuple[Any, ...]]:
    while (row := cursor.fetchone()) is not None:
        if stop.cancelled:
            raise QueryStopped("the query was cancelled")
        yield tuple(row)
    stop.finished = True
