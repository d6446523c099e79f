"""The one function that runs SQL for a person. Every gate is checked here, at execution; nothing else has a cursor.

    decide (gates, guard) -> receipt and audit -> a place in the queue of runs -> execute -> rows to the asker

An attempt leaves a decision receipt and an audit line, whichever way it went. What comes back to a model is the
shape: names and types of columns, not even how many rows.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugin.access.viewer import Surface, Viewer
from plugin.catalog.mask import mask_literals
from plugin.errors import Conflict, LimitReached, NotFound
from plugin.run_sql.execute import (
    Handle,
    NotReached,
    QueryError,
    Stopped,
    default_schema_of,
    dialect_of,
    estimate,
    execute,
    keep_words,
    limits_of,
    open_connector,
)
from plugin.run_sql.gates import Decision, decide, hash_of, integration_of
from plugin.run_sql.hold import tend, watched
from plugin.run_sql.named_errors import with_names
from plugin.run_sql.results import Column, Owner, Result, Results
from plugin.run_sql.shape import known_shape, native_types
from plugin.run_sql.shelf import mark_of
from plugin.run_sql.slots import ask_to_stop, folder_of, places, run_name, under_way
from plugin.store.shapes import Receipt

if TYPE_CHECKING:
    from plugin.store import Store


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """A finished run. `result` is for the asker's page only; `shape` is all that a model may get: see `shape.py`."""

    run_id: str
    result_id: str
    shape: tuple[Column, ...]
    receipt: Receipt
    result: Result = field(repr=False)
    sql: str = ""
    """The text that ran, as the guard rendered it."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What would happen: gates, touched tables and columns, the planner's estimate. Nothing has run."""

    decision: Decision
    rendered: str
    rows: int | None = None
    cost: float | None = None
    bytes: int | None = None
    """What would be read, where the source tells it (and bills by it)."""
    unsaid: str = ""
    """Why the source, which was asked, said nothing; class and position only."""

    @property
    def expected(self) -> str:
        """What the source expects, as a clause: "about 12 rows, at a cost of 40, reading 1.2 GB"."""
        rows = "" if self.rows is None else f"expects about {self.rows:,} row{'s' if self.rows != 1 else ''}"
        cost = "" if self.cost is None else f"expects a cost of {self.cost:,.0f}"
        read = "" if self.bytes is None else f"would read {size_words(self.bytes)}"
        return ", ".join(part for part in (rows, cost, read) if part)


def size_words(count: int) -> str:
    """Bytes as people read them, in powers of a thousand, as warehouses bill."""
    size, unit = float(count), "bytes"
    for larger in ("kB", "MB", "GB", "TB", "PB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"


_FULL_MINE = "you have as many queries running as the limit allows; wait for one or cancel it"
_FULL_THERE = "as many queries are running on this integration as its limit allows; try again shortly"


class _Runs:
    """The runs under way in this process: a place for each, and a handle to stop it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._handles: dict[str, tuple[int, int, int, Handle]] = {}

    @contextmanager
    def place(
        self, viewer: Viewer, integration_id: int, run_id: str, most: int, most_there: int, folder: Path
    ) -> Iterator[Handle]:
        """A place among the member's own runs and among all on the integration, in every process that shares `folder`.
        LimitReached where one is full."""
        handle = Handle()
        mine = (viewer.workspace_id, viewer.member_id, integration_id)
        with self._lock:
            if run_id in self._handles:
                raise LimitReached("this run is under way already")
            held = sum(1 for entry in self._handles.values() if entry[:2] == mine[:2])
            if most > 0 and held >= most:
                raise LimitReached(
                    f"you have {held} {'query' if held == 1 else 'queries'} running; wait for one or cancel it",
                    retry_after=5,
                )
            there = sum(1 for entry in self._handles.values() if entry[2] == integration_id)
            if most_there > 0 and there >= most_there:
                raise LimitReached(_FULL_THERE, retry_after=5)
            self._handles[run_id] = (*mine, handle)
        shared = {
            f"member-{viewer.workspace_id}-{viewer.member_id}": (most, _FULL_MINE),
            f"integration-{viewer.workspace_id}-{integration_id}": (most_there, _FULL_THERE),
        }
        try:
            with places(folder, shared):
                yield handle
        finally:
            with self._lock:
                self._handles.pop(run_id, None)

    def cancel(self, viewer: Viewer, run_id: str) -> None:
        with self._lock:
            entry = self._handles.get(run_id)
        if entry is None or entry[:2] != (viewer.workspace_id, viewer.member_id):
            raise NotFound("no such run is under way")
        entry[3].cancel()

    def cancel_all(self) -> None:
        with self._lock:
            chosen = [entry[3] for entry in self._handles.values()]
        for handle in chosen:
            handle.cancel()

    def of(self, viewer: Viewer) -> tuple[str, ...]:
        with self._lock:
            mine = (viewer.workspace_id, viewer.member_id)
            return tuple(run_id for run_id, entry in self._handles.items() if entry[:2] == mine)


_RUNS = _Runs()


def run(
    store: Store,
    viewer: Viewer,
    integration_id: int,
    sql: str,
    *,
    results: Results,
    session: str = "",
    surface: Surface | None = None,
    confirm: bool = True,
    run_id: str | None = None,
    rows: int | None = None,
    progress: Callable[[int], None] | None = None,
    query_id: int | None = None,
    values: Mapping[str, object] | None = None,
    mark: str = "",
) -> RunOutcome:
    """Run one statement for `viewer`, rows to their `session` in `results`.

    It is cancelled at its source when that session ends, or the token that `mark` (see `plugin.store.live`) names.
    `confirm` is True where a person pressed Run (or typed the command), False where the assistant runs by itself,
    which the integration must allow. `run_id` is the caller's, to cancel by. `rows` may lower the row limit.
    `query_id` is the saved statement that `sql` is, `values` are those of its parameters, typed (`run_approved` does
    this for people). Raises Refused naming the first closed gate, NotFound, Conflict, LimitReached, QueryError or
    Stopped, Misconfigured.
    """
    if surface is not None:
        viewer = replace(viewer, surface=surface)
    run_id = run_id or secrets.token_urlsafe(12)
    decision, receipt = _attempt(store, viewer, integration_id, sql, confirm, rows, query_id, values)
    if not decision.allowed or decision.verdict is None:
        raise decision.refusal()
    limits = limits_of(
        min(rows, decision.limits["rows"]) if rows else decision.limits["rows"],
        decision.limits["bytes"],
        decision.limits["seconds"],
    )
    text = decision.verdict.rendered
    facts: dict[str, object] = {
        "receipt": receipt.id,
        "integration": integration_id,
        "tables": receipt.tables,
        "columns": receipt.columns,
        "masked": decision.masked,
        "masked_columns": tuple(decision.sensitive) if decision.masked else (),
        "query": query_id,
        "viewer": viewer,
    }
    tend(store, results)
    folder = folder_of(store.config.database_url)
    owner = Owner(viewer.workspace_id, viewer.member_id, session)
    outcome, code = "failed", ""
    try:
        with _RUNS.place(
            viewer,
            integration_id,
            run_id,
            decision.limits["concurrent"],
            decision.limits["concurrent_integration"],
            folder,
        ) as handle:
            connector = open_connector(store, viewer, integration_id, decision.integration.type)
            with (
                under_way(folder, run_name(viewer.workspace_id, viewer.member_id, run_id)) as asked,
                watched(store, viewer, facts, handle, asked, mark or mark_of(session)),
            ):
                result = execute(
                    connector,
                    text,
                    limits,
                    handle,
                    results,
                    owner,
                    facts,
                    hide_errors=decision.masked,
                    progress=progress,
                    parameters=tuple((values or {})[name] for name in decision.verdict.bound),
                )
        outcome = "done"
    except Stopped:
        code = "stopped"
        raise
    except QueryError as error:
        code = error.code
        named = with_names(error, decision.verdict, text)
        if not confirm:
            keep_words(named, results, owner, facts)
        raise named from None
    except LimitReached:
        outcome, code = "deny", "concurrent"
        raise
    finally:
        with store.as_viewer(viewer) as door:
            detail = {"receipt": receipt.id, "integration": decision.integration.name, "code": code}
            door.record.audit(
                "run_sql.finish", outcome, target=f"integration:{integration_id}", detail=detail
            )
    touched = decision.verdict.tables
    shape = known_shape(
        result.columns,
        text,
        str(decision.dialect),
        lambda: native_types(store, viewer, integration_id, touched),
    )
    return RunOutcome(run_id, result.id, shape, receipt, result, text)


def _attempt(
    store: Store,
    viewer: Viewer,
    integration_id: int,
    sql: str,
    confirm: bool,
    rows: int | None,
    query_id: int | None,
    values: Mapping[str, object] | None,
) -> tuple[Decision, Receipt]:
    """Check the gates and write down what they said, in one transaction that ends before anything runs."""
    decision = checked(store, viewer, integration_id, sql, confirm, rows, query_id, tuple(values or ()))
    saved = {} if query_id is None else {"query": query_id}
    with store.as_viewer(viewer) as door:
        closed = decision.closed
        verdict = decision.verdict
        receipt = door.record.receipt(
            integration_id=integration_id,
            sql_sha256=hash_of(sql),
            statement=mask_literals(sql, decision.dialect),
            tables=verdict.tables if verdict is not None else (),
            columns=verdict.columns if verdict is not None else (),
            gates=[gate.as_dict() for gate in decision.gates],
            limits={
                **decision.limits,
                "sensitive": list(decision.sensitive),
                "kind": _kind(decision),
                **saved,
            },
            verdict="allowed" if decision.allowed else "refused",
            reason=None if closed is None else closed.reason,
        )
        door.record.audit(
            "run_sql",
            "allow" if decision.allowed else "deny",
            rule=None if closed is None else f"run_sql.{closed.gate}",
            target=f"integration:{integration_id}",
            detail={"receipt": receipt.id, "integration": decision.integration.name, **saved},
        )
    return decision, receipt


def _kind(decision: Decision) -> str:
    return decision.verdict.statement if decision.verdict is not None else ""


def checked(
    store: Store,
    viewer: Viewer,
    integration_id: int,
    sql: str,
    confirm: bool,
    rows: int | None = None,
    query_id: int | None = None,
    parameters: tuple[str, ...] = (),
) -> Decision:
    """What the gates of this moment say; nothing is run or written down. NotFound, Conflict where the query changed."""
    with store.as_viewer(viewer) as door:
        type_ = integration_of(door, integration_id).type
    schema = default_schema_of(store, viewer, integration_id, type_)
    with store.as_viewer(viewer) as door:
        query = None if query_id is None else door.queries.get(query_id)
        if query is not None and (query.sql != sql or query.integration_id != integration_id):
            raise Conflict("the saved query has changed meanwhile; read it again")
        return decide(
            door,
            integration_id,
            sql,
            dialect=dialect_of(type_),
            default_schema=schema,
            confirmed=confirm,
            row_limit=rows,
            query=query,
            parameters=parameters,
        )


def preview(
    store: Store,
    viewer: Viewer,
    integration_id: int,
    sql: str,
    *,
    cost: bool = True,
    query_id: int | None = None,
    values: Mapping[str, object] | None = None,
) -> Preview:
    """What `run` would decide, and what the planner expects, without running. NotFound.

    `query_id` and `values` as in `run`; values go to the planner as they go to the engine, beside the text.
    """
    decision = checked(store, viewer, integration_id, sql, True, None, query_id, tuple(values or ()))
    if not decision.allowed or decision.verdict is None:
        return Preview(decision, "")
    text = decision.verdict.rendered
    found = None
    if cost:
        connector = open_connector(store, viewer, integration_id, decision.integration.type)
        try:
            bound = tuple((values or {})[name] for name in decision.verdict.bound)
            found = estimate(connector, text, bound, viewer)
        except NotReached as error:
            return Preview(decision, text, unsaid=error.full or str(error))
        except QueryError as error:
            return Preview(decision, text, unsaid=str(error))
    if found is None:
        return Preview(decision, text)
    return Preview(decision, text, found.rows, found.cost, found.bytes)


def cancel(viewer: Viewer, run_id: str, store: Store | None = None) -> None:
    """Stop one of the viewer's own runs, on the server; with `store` also one of another process of this machine.

    NotFound where it is not under way (or not theirs).
    """
    try:
        _RUNS.cancel(viewer, run_id)
    except NotFound:
        name = run_name(viewer.workspace_id, viewer.member_id, run_id)
        if store is None or not ask_to_stop(folder_of(store.config.database_url), name):
            raise


def cancel_all() -> None:
    """Stop every run of this process, which is about to end."""
    _RUNS.cancel_all()


def running(viewer: Viewer) -> tuple[str, ...]:
    """The ids of the viewer's runs under way."""
    return _RUNS.of(viewer)


def shape_for_model(columns: tuple[Column, ...]) -> list[dict[str, Any]]:
    """All that a model gets to know: names and types of columns."""
    return [{"name": column.name, "type": column.type} for column in columns]
