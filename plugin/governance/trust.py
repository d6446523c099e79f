"""The Trust report: each promise with its present state, found out now from the running system (law 9).

In: a viewer, the store and the configuration. Out: one `Line` a promise. A check runs the very code that keeps the
promise on a probe, or reads the settings, the chains and the database. Nothing here is a stored claim; what depends on
the operator says how to check it. A member gets every state, with evidence that tells nothing of what they may not see.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from plugin.access.viewer import Viewer
from plugin.config import Config
from plugin.governance.checks import CHECKS
from plugin.governance.checks.facts import BROKEN, STATES, Facts, Finding
from plugin.governance.promises import PROMISES
from plugin.governance.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugin.governance.pages import Pages
    from plugin.store import Store

__all__ = ["STATES", "Latest", "Line", "report"]


@dataclass(frozen=True, slots=True)
class Line:
    """One promise as it stands. `state` is one of STATES; `how` says how the state was established."""

    id: str
    section: str
    promise: str
    source: str
    state: str
    evidence: str
    how: str
    checked_at: datetime


def report(store: Store, viewer: Viewer, config: Config, pages: Pages | None = None) -> tuple[Line, ...]:
    """Check every promise now. Admins read the evidence, members what they may know of it.

    `pages`: how the web answered just now, where it is at hand.
    """
    facts, is_admin = _facts(store, viewer, config, pages)
    lines = []
    for promise in PROMISES:
        found = _checked(promise.id, facts)
        evidence = found.evidence if is_admin or found.shown is None else found.shown
        lines.append(
            Line(
                promise.id,
                promise.section,
                promise.text,
                promise.source,
                found.state,
                evidence,
                found.how,
                datetime.now(UTC),
            )
        )
    return tuple(lines)


class Latest:
    """The latest report of each member in this process, so that pages do not verify whole chains at each look."""

    SECONDS = 60.0
    AGAIN_AFTER = 5.0
    MOST = 500

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[tuple[int, int], tuple[float, tuple[Line, ...]]] = {}

    def of(
        self,
        store: Store,
        viewer: Viewer,
        config: Config,
        *,
        now: bool = False,
        look: Callable[[], Pages] | None = None,
    ) -> tuple[Line, ...]:
        """A report that is at most a minute old; with `now` a new one, at most every five seconds."""
        key = (viewer.workspace_id, viewer.member_id)
        with self._lock:
            made, lines = self._made.get(key, (0.0, ()))
        age = time.monotonic() - made
        if lines and age < (self.AGAIN_AFTER if now else self.SECONDS):
            return lines
        lines = report(store, viewer, config, look() if look else None)
        with self._lock:
            if len(self._made) >= self.MOST:
                self._made.clear()
            self._made[key] = (time.monotonic(), lines)
        return lines


def _checked(promise: str, facts: Facts) -> Finding:
    """Run one check. One that cannot run has not shown that its promise holds."""
    try:
        return CHECKS[promise](facts)
    except Exception as error:  # noqa: BLE001  a control that is broken may break its probe in any way
        return Finding(BROKEN, f"its check could not run: {type(error).__name__}", "a probe failed just now")


def _facts(store: Store, viewer: Viewer, config: Config, pages: Pages | None) -> tuple[Facts, bool]:
    """Read what the checks need."""
    from plugin.tools import offered

    with store.as_viewer(viewer) as mine:
        as_person = sum(mine.catalog.counts().values())
        hosts = mine.hosts.all()
        ai, database = mine.policy.ai(), mine.evidence.found()
        settings = {key: mine.policy.setting(key) for key in SETTINGS}
        is_admin = mine.viewer.is_admin
        clock, made_at = mine.evidence.beats(), mine.evidence.made_at()
        admins = len(mine.policy.admins())
        same = mine.evidence.same_login() if is_admin else ()
    with store.as_viewer(viewer.as_assistant()) as assistant:
        through = sum(assistant.catalog.counts().values())
        tools = frozenset(each.name for each in offered(assistant))
    integrations, permissions, keys = None, None, {}
    if is_admin:
        with store.as_admin(viewer) as admin:
            integrations = admin.integrations.list()
            keys = admin.settings.provider_keys()
            permissions = sum(
                given.subject != "role"
                for each in integrations
                for given in admin.integrations.query_permissions(each.id)
            )
    facts = Facts(
        ai, settings, database, hosts, tools, (as_person, through), config, integrations, permissions,
        clock, made_at, pages, admins, keys, same,
    )  # fmt: skip
    return facts, is_admin
