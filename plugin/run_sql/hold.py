"""Rows are held only as long as the right to them: asked again at each read, and each second while a statement runs.

What a read needs is what the run needed: the member is one, AI and Run SQL are on, query permission (or an approved
query), every table and column visible, the rule on sensitive columns. Whoever lost one of these loses the rows at the
next request, and what still runs for them is cancelled at the source. Nobody has to tell: each web process asks the
store, so a right that is taken away through another process counts as well.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugin.access.viewer import Viewer
from plugin.errors import NotFound, SignInNeeded
from plugin.run_sql.execute import Handle, dialect_of
from plugin.run_sql.explain import missing_of
from plugin.run_sql.gates import integration_of, policy_gates
from plugin.run_sql.results import ABSENT, Owner, Result, Results

if TYPE_CHECKING:
    from plugin.store import Store

RECHECK_SECONDS = 1.0
LISTEN_SECONDS = 0.1
SWEEP_SECONDS = 10.0
_swept = [0.0]


def held(store: Store, viewer: Viewer, results: Results, owner: Owner, result_id: str) -> Result:
    """The owner's result, if they may still have its rows. NotFound otherwise, and then the rows are gone."""
    result = results.get(owner, result_id)
    sweep(store, results)
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


def sweep(store: Store, results: Results) -> None:
    """Now and then, drop what is held for members who may not have it any more, though they never ask for it."""
    now = time.monotonic()
    if now - _swept[0] < SWEEP_SECONDS:
        return
    _swept[0] = now
    for result in results.every():
        viewer = result.facts.get("viewer")
        if isinstance(viewer, Viewer) and not still_allowed(store, viewer, result.facts):
            try:
                with store.as_viewer(viewer):
                    results.drop_where(result.owner, result.facts.get("integration"))
            except SignInNeeded:
                results.drop_member(result.owner.workspace_id, result.owner.member_id)


@contextmanager
def watched(
    store: Store, viewer: Viewer, facts: Mapping[str, Any], handle: Handle, asked: Path | None = None
) -> Iterator[None]:
    """While the block runs: cancel through `handle` as soon as the right to run is taken away, or `asked` appears, by
    which another process of this machine asks to stop it."""
    ended = threading.Event()

    def watch() -> None:
        checked = time.monotonic()
        while not ended.wait(LISTEN_SECONDS):
            if asked is not None and asked.exists() and not handle.cancelled:
                handle.cancel()
            if time.monotonic() - checked >= RECHECK_SECONDS:
                checked = time.monotonic()
                if handle.cancelled or not still_allowed(store, viewer, facts):
                    handle.cancel()  # again where the source did not hear it the first time

    thread = threading.Thread(target=watch, name="docent-run-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
