"""Runs one guarded SELECT on a DuckDB file behind the engine's own walls; see `connectors.abilities.CanRun`."""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connectors.abilities import Cancel, Estimate, ResultColumn, RunLimits, RunResult
from connectors.asking import Asking
from connectors.errors import (
    PermissionMissing,
    QueryFailed,
    QueryStopped,
    SourceError,
    SourceInterrupted,
    UnreachableSource,
)
from connectors.files import must_exist
from connectors.rows import Meter

if TYPE_CHECKING:
    import duckdb

# One way to open a file, for everything in this process: DuckDB shares the instance and refuses a second
# configuration. No file, network, extension or Python variable is within reach of a statement.
CONFIGURATION: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_unsigned_extensions": "false",
    "python_enable_replacements": "false",
    "memory_limit": "512MB",
    "max_temp_directory_size": "1GB",
    "threads": "2",
    "pivot_limit": "1000",
    "lock_configuration": "true",
}

_QUERY = re.compile(r"\s*(?:(?:SELECT|WITH|FROM|PIVOT|PIVOT_WIDER)\b|\()", re.IGNORECASE)


def open_read_only(path: Path) -> duckdb.DuckDBPyConnection:
    """A connection that cannot write, reach out or change its settings. Raises duckdb.Error."""
    import duckdb

    return duckdb.connect(str(path), read_only=True, config=CONFIGURATION)


def connect_error(path: Path, error: Exception) -> SourceError:
    """Why a file could not be opened, in one sentence."""
    text = str(error).lower()
    if "loading external extensions" in text:
        return UnreachableSource(f"{str(path)!r} is not a DuckDB database but of another engine")
    if "permission" in text:
        return PermissionMissing(
            f"the file {path.name!r} cannot be opened; the account needs read permission"
        )
    if "set lock" in text or "conflicting lock" in text or "different configuration" in text:
        return SourceInterrupted(
            f"the file {path.name!r} is open for writing in another program; try again later"
        )
    if "version number" in text:
        return UnreachableSource(
            f"the file {path.name!r} is of a version of DuckDB that the installed one does not read; upgrade the "
            "package duckdb, or write the file with an older version"
        )
    if "corrupt" in text or "could not read enough" in text:
        return UnreachableSource(f"the DuckDB file {str(path)!r} is damaged or was not copied to its end")
    return UnreachableSource(
        f"{str(path)!r} is not a DuckDB database, or one of a version that is not supported"
    )


class DuckDBRuns:
    """The part of the DuckDB connector that runs SQL."""

    _path: Path

    def run(
        self,
        sql: str,
        limits: RunLimits,
        running: Callable[[Cancel], None],
        parameters: Sequence[Any] = (),
    ) -> RunResult:
        """Start `sql` and stream its rows. Raises QueryFailed, QueryStopped or another SourceError."""
        connection = self._open()
        stop = _Stop(connection)
        watchdog = threading.Timer(limits.seconds, stop.expire)
        watchdog.daemon = True
        deadline = time.monotonic() + limits.seconds

        def close() -> None:
            watchdog.cancel()
            stop.close()

        try:
            with _as_query_errors(stop, limits):
                _only_a_select(connection, sql)
                running(stop)
                watchdog.start()
                if stop.cancelled:
                    raise QueryStopped("the query was cancelled")
                connection.execute(sql, list(parameters) or None)
                columns = tuple(
                    ResultColumn(column[0], str(column[1])) for column in connection.description or ()
                )
                first = connection.fetchone()
        except BaseException:
            close()
            raise
        result = RunResult(columns, iter(()), _close=close)
        result.batches = _batches(first, connection, limits, result, stop, deadline)
        return result

    def estimate(self, sql: str, parameters: Sequence[Any] = ()) -> Estimate | None:
        """Rows that the planner expects, by EXPLAIN (which runs nothing)."""
        connection = self._open()
        stop = _Stop(connection)
        try:
            with _as_query_errors(stop, RunLimits(seconds=10)):
                if _only_a_select(connection, sql):
                    return None  # asking for its plan would read the rows
                plan = connection.execute(
                    "EXPLAIN (FORMAT JSON) " + sql, list(parameters) or None
                ).fetchall()[0][1]
        finally:
            stop.close()
        rows = _rows_of(json.loads(plan)[0])
        return None if rows is None else Estimate(rows=rows)

    def _open(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        must_exist(self._path, "DuckDB")
        try:
            return open_read_only(self._path)
        except duckdb.Error as error:
            raise connect_error(self._path, error) from None


def _rows_of(step: dict[str, Any]) -> int | None:
    """What a step of a plan expects to give. Projections and limits claim 0 where they do not know, so what lies below
    them is asked."""
    below, told = step.get("children") or (), step.get("extra_info", {})
    if step.get("name") in _NAMELY:
        return _NAMELY[step["name"]]
    if below and step.get("name") in ("PROJECTION", "LIMIT", "STREAMING_LIMIT"):
        rows, limit = _rows_of(below[0]), str(told.get("Limit", ""))
        return min(rows, int(limit)) if rows is not None and limit.isdigit() else rows
    expected = str(told.get("Estimated Cardinality", ""))
    return int(expected) if expected.isdigit() else None


_NAMELY = {"DUMMY_SCAN": 1, "EMPTY_RESULT": 0}
"""Steps that say nothing of rows, and how many they give."""


def _only_a_select(connection: duckdb.DuckDBPyConnection, sql: str) -> bool:
    """The driver would run several statements in one text, so they are counted first, by its own parser. True for a
    query that DuckDB itself makes two of: a pivot without a list reads its columns first, into a temporary type.
    """
    import duckdb

    statements = connection.extract_statements(sql)
    kinds = [statement.type for statement in statements]
    in_two = kinds == [duckdb.StatementType.MULTI] and bool(_QUERY.match(sql))
    if kinds != [duckdb.StatementType.SELECT] and not in_two:
        raise QueryFailed("DuckDB may run one SELECT at a time", code="not_a_select")
    return in_two


class _Stop:
    """Interrupts the engine, from any thread; knows why a statement ended. `close` ends the connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._closed = False
        self._asking = Asking(self._interrupt)
        self.cancelled = False
        self.expired = False

    def cancel(self) -> None:
        self.cancelled = True
        self._asking.begin()

    def expire(self) -> None:
        self.expired = True
        self._asking.begin()

    def _interrupt(self) -> None:
        with self._lock:
            if not self._closed:
                self._connection.interrupt()

    def close(self) -> None:
        self._asking.over()
        with self._lock:
            if not self._closed:
                self._closed = True
                self._connection.close()


@contextlib.contextmanager
def _as_query_errors(stop: _Stop, limits: RunLimits) -> Iterator[None]:
    import duckdb

    try:
        yield
    except (duckdb.Error, RuntimeError) as error:
        raise _query_error(error, stop, limits) from None


def _query_error(error: Exception, stop: _Stop, limits: RunLimits) -> SourceError:
    if stop.cancelled:
        return QueryStopped("the query was cancelled")
    if stop.expired:
        return QueryStopped(f"the query was stopped after {limits.seconds:g} s")
    kind = type(error).__name__
    if kind == "OutOfMemoryException":
        return QueryStopped("the query was stopped at its memory limit")
    return QueryFailed(f"DuckDB refused the query: {kind}", full=str(error), code=kind)


def _batches(
    first: tuple[Any, ...] | None,
    connection: duckdb.DuckDBPyConnection,
    limits: RunLimits,
    result: RunResult,
    stop: _Stop,
    deadline: float,
) -> Iterator[list[tuple[Any, ...]]]:
    try:
        with _as_query_errors(stop, limits):
            rows = _rows(connection, stop, limits)
            # Not `yield from`: a consumer that goes must close the connection before the rows.
            for batch in Meter(limits, result).batches(first, rows, deadline=deadline):  # noqa: UP028
                yield batch
    finally:
        result.close()


def _rows(connection: duckdb.DuckDBPyConnection, stop: _Stop, limits: RunLimits) -> Iterator[tuple[Any, ...]]:
    while (row := connection.fetchone()) is not None:
        if stop.cancelled:
            raise QueryStopped("the query was cancelled")
        yield row
