"""Runs one guarded SELECT on a SQLite file behind walls of our own; see `connectors.abilities.CanRun`."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from connectors.abilities import Cancel, Estimate, ResultColumn, RunLimits, RunResult
from connectors.errors import QueryFailed, QueryStopped, SourceError
from connectors.files import must_exist
from connectors.rows import Meter
from connectors.sqlite_walls import open_read_only, wall_in

# How many steps of SQLite's machine between two looks at the clock: well under a millisecond.
_STEPS = 5_000
_TYPES = {int: "INTEGER", float: "REAL", str: "TEXT", bytes: "BLOB"}


class SQLiteRuns:
    """The part of the SQLite connector that runs SQL."""

    _path: Path

    def run(
        self,
        sql: str,
        limits: RunLimits,
        running: Callable[[Cancel], None],
        parameters: Sequence[Any] = (),
    ) -> RunResult:
        """Start `sql` and stream its rows. Raises QueryFailed, QueryStopped or another SourceError."""
        must_exist(self._path, "SQLite")
        stop = _Stop(time.monotonic() + limits.seconds)
        with _as_query_errors(stop, limits):
            connection = open_read_only(self._path)
        try:
            with _as_query_errors(stop, limits):
                connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
                wall_in(connection)
                connection.set_progress_handler(stop.reached, _STEPS)
                running(stop)
                cursor = connection.execute(sql, tuple(parameters))
                first = cursor.fetchone()
        except BaseException:
            connection.close()
            raise
        columns = tuple(
            ResultColumn(column[0], _TYPES.get(type(first[number]), "") if first else "")
            for number, column in enumerate(cursor.description or ())
        )
        result = RunResult(columns, iter(()), _close=connection.close)
        result.batches = _batches(first, cursor, limits, result, stop)
        return result

    def estimate(self, sql: str, parameters: Sequence[Any] = ()) -> Estimate | None:
        """None: SQLite's planner tells no number of rows."""
        return None


class _Stop:
    """A flag and a clock that SQLite looks at while it works."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True

    def reached(self) -> int:
        """For the progress handler: anything but 0 interrupts the statement."""
        return int(self.cancelled or time.monotonic() > self.deadline)


@contextlib.contextmanager
def _as_query_errors(stop: _Stop, limits: RunLimits) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise _query_error(error, stop, limits) from None


def _query_error(error: Exception, stop: _Stop, limits: RunLimits) -> SourceError:
    if stop.cancelled:
        return QueryStopped("the query was cancelled")
    code = getattr(error, "sqlite_errorname", "") or type(error).__name__
    if code == "SQLITE_INTERRUPT" or stop.reached():
        return QueryStopped(f"the query was stopped after {limits.seconds:g} s")
    return QueryFailed(f"SQLite refused the query ({code})", full=str(error), code=code)


def _batches(
    first: tuple[Any, ...] | None, rows: Iterator[Any], limits: RunLimits, result: RunResult, stop: _Stop
) -> Iterator[list[tuple[Any, ...]]]:
    try:
        with _as_query_errors(stop, limits):
            # Not `yield from`: a consumer that goes must close the connection before the rows.
            for batch in Meter(limits, result).batches(first, _until(rows, stop), deadline=stop.deadline):  # noqa: UP028
                yield batch
    finally:
        result.close()


def _until(rows: Iterator[Any], stop: _Stop) -> Iterator[Any]:
    """The rows, ended by a cancel that came between two of them."""
    for row in rows:
        if stop.cancelled:
            raise QueryStopped("the query was cancelled")
        yield row
