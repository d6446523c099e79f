"""The only module that opens a query credential and hands a statement to a connector. Keeps laws 5 and 6.

Nothing but `plugin.run_sql.run` calls it, with the text that the guard rendered. Rows go from the connector into
the result store; no error text with a value in it goes anywhere but to the asker.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from connectors import connect, connector_class
from connectors.abilities import Cancel, CanRun, Estimate, RunLimits, can_query
from connectors.errors import QueryFailed, QueryStopped, SourceError, UnreachableSource
from connectors.settings import apart
from plugin.access.viewer import Role, Viewer
from plugin.errors import Misconfigured, StatementFailed
from plugin.run_sql.results import Column, Owner, Result, Results

if TYPE_CHECKING:
    from plugin.store import Store


class QueryError(StatementFailed):
    """The engine refused or stopped the statement, or was not reached (then with the status of a source that failed).

    `str(error)` names class and position only and may go to the model; `full` is the engine's own text, which may
    quote values: it goes to the asker's page, "" where a masked column was touched.
    """

    def __init__(self, safe: str, *, full: str = "", position: int | None = None, code: str = "") -> None:
        super().__init__(safe)
        self.full = full
        self.position = position
        self.code = code
        self.words: str | None = None
        """The asker's result that holds `full`, where the assistant ran it and no page waits for it."""


class NotReached(QueryError):
    """The source gave no answer, refused the credential or broke off: what was asked is not to blame.

    Where it is (a file's path, a host) is in `full` alone, and there for an admin only: who may query need not know.
    """

    status = 502


class Stopped(QueryError):
    """It was cancelled or ran over its time."""


class Cancelled(Stopped):
    """Somebody stopped it, or the right to it ended."""

    status = 409


class Handle:
    """The running statement, for whoever wants to stop it. `cancel` may come before the statement has started."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancel: Cancel | None = None
        self.cancelled = False

    def started(self, cancel: Cancel) -> None:
        """The connector calls this before it sends anything."""
        with self._lock:
            self._cancel = cancel
            wanted = self.cancelled
        if wanted:
            cancel.cancel()

    def cancel(self) -> None:
        """Stop it on the server."""
        with self._lock:
            self.cancelled = True
            cancel = self._cancel
        if cancel is not None:
            cancel.cancel()


def dialect_of(type_: str) -> str | None:
    """The SQL dialect of a type of integration, None where Docent cannot run SQL on it."""
    try:
        made = connector_class(type_)
    except SourceError:
        return None
    return made.dialect if can_query(made) else None


def default_schema_of(store: Store, viewer: Viewer, integration_id: int, type_: str) -> str | None:
    """The schema that a bare name means on engines whose schema is the connection's database (MySQL)."""
    if dialect_of(type_) != "mysql":
        return None
    with store.secrets(viewer) as door:
        given = {**door.integration_secrets(integration_id), **(door.query_secrets(integration_id) or {})}
    if given.get("database"):
        return given["database"]
    return urlsplit(given.get("url", "")).path.strip("/") or None


def open_connector(store: Store, viewer: Viewer, integration_id: int, type_: str) -> CanRun:
    """The connector made from the query credential. Raises Misconfigured where there is none or it is unusable."""
    with store.secrets(viewer) as door:
        given = door.query_secrets(integration_id)
    if given is None:
        raise Misconfigured("the integration has no credential for queries")
    try:
        made = connect(type_, *apart(connector_class(type_), given))
    except SourceError as error:
        why = f": {error}" if viewer.role is Role.ADMIN else "; an admin can mend it"
        raise Misconfigured(f"the credential for queries cannot be used{why}") from error
    if not isinstance(made, CanRun):
        raise Misconfigured("Docent does not run SQL on integrations of this type")
    return made


def execute(
    connector: CanRun,
    sql: str,
    limits: RunLimits,
    handle: Handle,
    results: Results,
    owner: Owner,
    facts: dict[str, object],
    *,
    hide_errors: bool,
    progress: Callable[[int], None] | None = None,
    parameters: Sequence[object] = (),
) -> Result:
    """Run `sql` to its end or its limits and keep the rows for `owner`. Raises QueryError or Stopped.

    `parameters` are bound by the driver, in the order of its marks in `sql`. `hide_errors` keeps the engine's own text
    back, where a masked column could show in it.
    """
    result: Result | None = None
    try:
        with connector.run(sql, limits, handle.started, parameters) as running:
            columns = [Column(column.name, column.type) for column in running.columns]
            result = results.start(owner, columns, facts)
            for batch in running.batches:
                results.add(result, batch)
                if progress is not None:
                    progress(result.rows)
            results.finish(result, truncated=running.truncated)
            if handle.cancelled:
                raise QueryStopped("the query was cancelled")
            return result
    except BaseException as error:
        if result is not None:
            results.discard(result)
        if isinstance(error, QueryStopped):
            raise (Cancelled if handle.cancelled else Stopped)(str(error)) from None
        if isinstance(error, QueryFailed):
            full = "" if hide_errors else error.full
            raise QueryError(str(error), full=full, position=error.position, code=error.code) from None
        if isinstance(error, SourceError):
            raise not_reached(error, facts.get("viewer")) from None
        raise


def keep_words(error: QueryError, results: Results, owner: Owner, facts: dict[str, object]) -> None:
    """Lay down what the source said beside the rows, under the same gates and clock: it may quote values as rows do."""
    if error.full:
        result = results.start(owner, [Column("said", "text")], facts)
        results.add(result, [(error.full,)])
        results.finish(result)
        error.words = result.id


def not_reached(error: SourceError, viewer: object) -> NotReached:
    """The error for a source that gave no answer, without its place for who is no admin."""
    if not isinstance(error, UnreachableSource):
        return NotReached(str(error))
    admin = isinstance(viewer, Viewer) and viewer.role is Role.ADMIN
    return NotReached("the source cannot be reached; an admin sees why", full=str(error) if admin else "")


def estimate(
    connector: CanRun, sql: str, parameters: Sequence[object] = (), viewer: Viewer | None = None
) -> Estimate | None:
    """What the planner expects; None where it cannot tell. Raises QueryError where it was asked and did not answer."""
    try:
        return connector.estimate(sql, parameters) if parameters else connector.estimate(sql)
    except SourceError as error:
        if isinstance(error, UnreachableSource):
            raise not_reached(error, viewer) from None
        raise QueryError(str(error)) from None


def limits_of(rows: int, size: int, seconds: float) -> RunLimits:
    """Limits in the connectors' shape."""
    return RunLimits(rows=rows, bytes=size, seconds=seconds)
