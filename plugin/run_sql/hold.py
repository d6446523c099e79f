"""Rows are held only as long as the right to them: asked again at each read, and each second while a statement runs.

What a read needs is what the run needed: the member is one, AI and Run SQL are on, query permission (or an approved
query), every table and column visible, the rule on sensitive columns. Whoever lost one of these loses the rows at the
next request, and what still runs for them is cancelled at the source. Nobody has to tell: each web process asks the
store, so a right that is taken away through another process counts as well.
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugin.access.viewer import Viewer
from plugin.errors import NotFound, SignInNeeded
from plugin.run_sql.execute import Handle, dialect_of
from plugin.run_sql.explain import missing_of
from plugin.run_sql.gates import integration_of, policy_gates
from plugin.run_sql.results import Owner, Result, Results
from plugin.run_sql.spill import ABSENT

if TYPE_CHECKING:
    from plugin.store import Store

RECHECK_SECONDS = 1.0
LISTEN_SECONDS = 0.1
SWEEP_SECONDS = 10.0
_swept = [0.0]
_tending = threading.Lock()
_tended: weakref.WeakSet[Results] = weakref.WeakSet()
log = logging.getLogger("docent.run_sql")


def held(store: Store, viewer: Viewer, results: Results, owner: Owner, result_id: str) -> Result:
    """The owner's result, if they may still have its rows. NotFound otherwise, and then the rows are gone."""
    result = results.get(owner, result_id)
    tend(store, results)
    if not still_allowed(store, viewer, result.facts):
        results.drop_where(owner, result.facts.get("integration"))
        raise NotFound(ABSENT)
    return result


def still_allowed(store: Store, viewer: Viewer, facts: Mapping[str, Any]) -> bool:
    """Do today's gates still let `viewer` have what `facts` (of a run) describe? False for a member who is gone."""
    integration_id = facts.get("integration")
    if not isinstance(integration_id, int):
        return True  # a result that no integration gave: tests and benchmarks make such
    try:
        with store.as_viewer(viewer) as door:
            integration = integration_of(door, integration_id)
            query = None if facts.get("query") is None else door.queries.get(int(facts["query"]))
            settings = door.policy.ai()
            gates = policy_gates(door, settings, integration, dialect_of(integration.type), query)
            if not gates[-1].open:
                return False
            missing, sensitive = missing_of(
                door, integration_id, facts.get("tables", ()), facts.get("columns", ())
            )
            if missing:
                return False
            rule = settings.sql_sensitive
            return not sensitive or rule == "allow" or (rule == "mask" and bool(facts.get("masked")))
    except (NotFound, SignInNeeded):
        return False


def tend(store: Store, results: Results) -> None:
    """See to it that rows go in time though nobody asks for them any more.

    A process by itself looks now, if it did not lately. Where several processes share the results each keeps a clock.
    """
    if not results.shared:
        sweep(store, results)
        return
    with _tending:
        if results in _tended or results.closed.is_set():
            return
        _tended.add(results)
    thread = threading.Thread(
        target=_clock,
        args=(store, weakref.ref(results), results.closed),
        name="docent-rows-clock",
        daemon=True,
    )
    thread.start()


def _clock(store: Store, reference: weakref.ref[Results], closed: threading.Event) -> None:
    while not closed.wait(SWEEP_SECONDS):
        results = reference()
        if results is None:
            return
        try:
            results.sweep()
            end_forbidden(store, results)
        except Exception as error:  # noqa: BLE001 - whatever ails the database, the clock must go on
            log.error("results were not looked through: %s", type(error).__name__)
        del results


def sweep(store: Store, results: Results) -> None:
    """Now and then, drop what is held for members who may not have it any more, though they never ask for it."""
    now = time.monotonic()
    if now - _swept[0] >= SWEEP_SECONDS:
        _swept[0] = now
        end_forbidden(store, results)


ASKED_OF = ("viewer", "integration", "query", "tables", "columns", "masked")
"""The facts of a run that decide whether its rows may be kept."""


def end_forbidden(store: Store, results: Results) -> int:
    """End the results whose session is over or whose owner may not have them any more; how many."""
    every = results.every()
    alive = store.sessions_living({kept.mark for kept in every if kept.mark})
    asked: dict[str, bool] = {}
    count = 0
    for kept in every:
        viewer = kept.facts.get("viewer")
        if not isinstance(viewer, Viewer):
            continue
        allowed = not kept.mark or kept.mark in alive
        if allowed:
            key = repr([kept.facts.get(name) for name in ASKED_OF])
            if key not in asked:
                asked[key] = still_allowed(store, viewer, kept.facts)
            allowed = asked[key]
        if not allowed:
            results.end(kept)
            count += 1
    return count


def _may_go_on(store: Store, viewer: Viewer, facts: Mapping[str, Any], mark: str) -> bool:
    """Asked each second. Where our database does not answer the next look decides, so that the watch goes on."""
    try:
        return (not mark or store.session_lives(mark)) and still_allowed(store, viewer, facts)
    except Exception as error:  # noqa: BLE001 - whatever ails the database, the watch must go on
        log.warning("whether a run may go on could not be asked: %s", type(error).__name__)
        return True


@contextmanager
def watched(
    store: Store,
    viewer: Viewer,
    facts: Mapping[str, Any],
    handle: Handle,
    asked: Path | None = None,
    mark: str = "",
) -> Iterator[None]:
    """While the block runs: cancel through `handle` as soon as the right to run is taken away, the session or token
    of `mark` is over, or `asked` appears, by which another process of this machine asks to stop it."""
    ended = threading.Event()

    def watch() -> None:
        checked = time.monotonic()
        while not ended.wait(LISTEN_SECONDS):
            if asked is not None and asked.exists() and not handle.cancelled:
                handle.cancel()
            if time.monotonic() - checked >= RECHECK_SECONDS:
                checked = time.monotonic()
                if handle.cancelled or not _may_go_on(store, viewer, facts, mark):
                    handle.cancel()  # again where the source did not hear it the first time

    thread = threading.Thread(target=watch, name="docent-run-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
