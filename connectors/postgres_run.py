"""Runs one guarded SELECT on PostgreSQL behind the engine's own walls; see `connectors.abilities.CanRun`.

Law 6's last wall: a read-only transaction, time, lock and memory limits, one statement by the extended
protocol, rows streamed one by one under row and byte caps, and a cancel that reaches the server.
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, cast

import psycopg
from psycopg import errors as pg
from psycopg.abc import PQGen
from psycopg.rows import TupleRow
from psycopg.types.string import TextLoader

from connectors.abilities import Cancel, Estimate, ResultColumn, RunLimits, RunResult
from connectors.asking import Asking
from connectors.errors import QueryFailed, QueryStopped, SourceError, SourceInterrupted
from connectors.postgres_errors import during_connect
from connectors.postgres_sign_in import sign_in
from connectors.rows import Meter
from connectors.servers import Server

RV = TypeVar("RV")

# What Python has no value for (infinity, year 20000, a json document's own spelling) stays the engine's text.
_AS_TEXT = ("date", "time", "timetz", "timestamp", "timestamptz", "interval", "json", "jsonb")

# Only a superuser may lower this one by itself; for others the grant script sets it on the role.
TEMP_LIMIT = "SET temp_file_limit = '1GB'"

BEGIN = """
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL statement_timeout = {milliseconds};
SET LOCAL lock_timeout = '5s';
SET LOCAL idle_in_transaction_session_timeout = '60s';
SET LOCAL work_mem = '64MB';
SET LOCAL max_parallel_workers_per_gather = 0;
"""


class PostgresRuns:
    """The part of the PostgreSQL connector that runs SQL."""

    _server: Server

    def run(
        self,
        sql: str,
        limits: RunLimits,
        running: Callable[[Cancel], None],
        parameters: Sequence[Any] = (),
    ) -> RunResult:
        """Start `sql` and stream its rows. Raises QueryFailed, QueryStopped or another SourceError."""
        with during_connect(self._server):
            connection = self._open_to_run()
        stop = self._stop(connection)
        watchdog = threading.Timer(limits.seconds + 0.3, stop.expire)
        watchdog.daemon = True

        def close() -> None:
            watchdog.cancel()
            stop.close()

        try:
            with _as_query_errors(stop, limits):
                self._prepare(connection, limits)
                running(stop)
                watchdog.start()
                connection.allowance = limits.bytes + 1_000_000
                connection.deadline = time.monotonic() + limits.seconds + 0.6
                if stop.cancelled:
                    raise QueryStopped("the query was cancelled")
                cursor = psycopg.RawCursor(connection)  # knows $1 only: a % in the text is a %
                rows = cursor.stream(sql, tuple(parameters) or None, size=1)
                first = next(rows, None)
                columns = tuple(
                    ResultColumn(column.name, column.type_display) for column in cursor.description or ()
                ) or self._described(connection, sql, parameters)
        except BaseException:
            close()
            raise
        result = RunResult(columns, iter(()), _close=close)
        result.batches = _batches(first, rows, limits, result, stop)
        return result

    def estimate(self, sql: str, parameters: Sequence[Any] = ()) -> Estimate | None:
        """Rows and cost that the planner expects, by EXPLAIN (which runs nothing)."""
        limits = RunLimits(seconds=10)
        with during_connect(self._server):
            connection = self._open_to_run()
        stop = self._stop(connection)
        try:
            with _as_query_errors(stop, limits):
                self._prepare(connection, limits)
                return self._planned(psycopg.RawCursor(connection), sql, parameters)
        finally:
            stop.close()

    def _planned(
        self, cursor: psycopg.RawCursor[TupleRow], sql: str, parameters: Sequence[Any]
    ) -> Estimate | None:
        plan: Any = next(cursor.stream("EXPLAIN (FORMAT JSON) " + sql, tuple(parameters) or None))
        top = json.loads(plan[0])[0]["Plan"]
        return Estimate(rows=int(top["Plan Rows"]), cost=float(top["Total Cost"]))

    def _prepare(self, connection: psycopg.Connection[TupleRow], limits: RunLimits) -> None:
        for name in _AS_TEXT:
            connection.adapters.register_loader(name, TextLoader)
        with contextlib.suppress(pg.InsufficientPrivilege):
            connection.execute(TEMP_LIMIT)
        milliseconds = max(1, int(limits.seconds * 1000))
        connection.execute(BEGIN.format(milliseconds=milliseconds))

    def _described(
        self, connection: psycopg.Connection[TupleRow], sql: str, parameters: Sequence[Any]
    ) -> tuple[ResultColumn, ...]:
        """The columns of a statement that gave no row, which its stream does not tell: declared, not run again."""
        with psycopg.RawServerCursor(connection, "docent_shape") as cursor:
            cursor.execute(sql, tuple(parameters) or None)
            return tuple(
                ResultColumn(column.name, column.type_display) for column in cursor.description or ()
            )

    def _stop(self, connection: psycopg.Connection[TupleRow]) -> Stop:
        return Stop(connection, self._server)

    def _open_to_run(self) -> Metered:
        return self._connect()

    def _connect(self) -> Metered:
        given = sign_in(self._server, name="docent")
        return Metered.connect(client_encoding="utf8", keepalives_idle=30, tcp_user_timeout=60_000, **given)


class Metered(psycopg.Connection[TupleRow]):
    """A connection that gives up on a row while it arrives: one that is larger than `allowance`, or comes after
    `deadline` from a server that is too busy sending to notice its own time-out.
    """

    allowance: int | None = None
    deadline: float = float("inf")

    def wait(self, gen: PQGen[RV], *arguments: Any, **options: Any) -> RV:
        return super().wait(gen if self.allowance is None else self._counted(gen), *arguments, **options)

    def _counted(self, gen: PQGen[RV]) -> PQGen[RV]:
        arrived = 0
        try:
            state = next(gen)
            while True:
                ready = yield state
                arrived += _waiting_bytes(self.pgconn.socket)
                if self.allowance is not None and arrived > self.allowance:
                    raise _TooLarge
                if time.monotonic() > self.deadline:
                    raise _TooLate
                state = gen.send(ready)
        except StopIteration as end:
            return cast(RV, end.value)


class _TooLarge(Exception):
    """One row is larger than all rows together may be."""


class _TooLate(Exception):
    """The time is over and the server goes on."""


def _waiting_bytes(socket: int) -> int:
    """How much has arrived and was not read yet; 0 where the system does not tell."""
    try:
        from fcntl import ioctl
        from termios import FIONREAD
    except ImportError:
        return 0
    return int.from_bytes(ioctl(socket, FIONREAD, b"\0\0\0\0"), sys.byteorder)


class Stop:
    """Cancels on the server, from any thread; knows why a statement ended. `close` ends the connection."""

    def __init__(self, connection: psycopg.Connection[TupleRow], server: Server) -> None:
        self._connection = connection
        self.server = server
        self._lock = threading.Lock()
        self._closed = False
        self._asking = Asking(self._send)
        self.cancelled = False
        self.expired = False

    def cancel(self) -> None:
        self.cancelled = True
        self._asking.begin()

    def expire(self) -> None:
        """The server's own time-out should have come first; this is for a server that does not answer."""
        self.expired = True
        self._asking.begin()

    def _send(self) -> None:
        with self._lock, contextlib.suppress(psycopg.Error):
            if not self._closed:
                self._connection.cancel_safe(timeout=2)

    def close(self) -> None:
        self._asking.over()
        with self._lock:
            if self._closed:
                return
            self._closed = True
            with contextlib.suppress(psycopg.Error):
                if self._connection.pgconn.transaction_status == psycopg.pq.TransactionStatus.ACTIVE:
                    self._connection.cancel_safe(timeout=2)
            self._connection.close()


@contextlib.contextmanager
def _as_query_errors(stop: Stop, limits: RunLimits) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise _query_error(error, stop, limits) from None
    except _TooLarge:
        stop.close()
        raise QueryStopped(f"the query was stopped: one row is larger than {limits.bytes} bytes") from None
    except _TooLate:
        stop.close()
        raise QueryStopped(f"the query was stopped after {limits.seconds:g} s") from None
    except UnicodeDecodeError:
        raise QueryFailed("the result holds text that is not valid UTF-8") from None


def _query_error(error: psycopg.Error, stop: Stop, limits: RunLimits) -> SourceError:
    if stop.cancelled:
        return QueryStopped("the query was cancelled")
    if isinstance(error, pg.QueryCanceled) or stop.expired:
        return QueryStopped(f"the query was stopped after {limits.seconds:g} s")
    code = error.sqlstate or ""
    if not code or code.startswith("57P"):
        return SourceInterrupted("the connection dropped while the query ran; try again")
    if isinstance(error, pg.LockNotAvailable):
        return QueryStopped("a table is locked by somebody else; try again when they are done")
    if code in ("53400", "53200", "53100"):
        return QueryStopped("the query was stopped at the server's limit for memory or temporary files")
    position = error.diag.statement_position
    kind = type(error).__name__
    where = f" at character {position}" if position else ""
    text = "\n".join(part for part in (error.diag.message_primary, error.diag.message_detail) if part)
    return QueryFailed(
        f"{stop.server.engine} refused the query: {kind} (code {code}){where}",
        full=text or str(error),
        position=int(position) if position else None,
        code=code,
    )


def _batches(
    first: TupleRow | None, rows: Iterator[TupleRow], limits: RunLimits, result: RunResult, stop: Stop
) -> Iterator[list[tuple[Any, ...]]]:
    meter = Meter(limits, result)
    try:
        with _as_query_errors(stop, limits):
            # Not `yield from`: a consumer that goes must close the connection before the rows.
            for batch in meter.batches(first, rows, deadline=time.monotonic() + limits.seconds):  # noqa: UP028
                yield batch
    finally:
        result.close()
