"""The Trust report: each promise with its present state, found out now from the running system (law 9).

In: an admin's viewer, the store and the configuration. Out: one `Line` a promise. A check runs the very code that
keeps the promise on a probe, or reads the settings, the chains and the database. Nothing here is a stored claim; what
depends on the operator says how to check it, and what is not built yet says so.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from plugin.access.viewer import Viewer
from plugin.config import Config
from plugin.governance.promises import PROMISES

if TYPE_CHECKING:
    from plugin.governance.ai_settings import AiSettings
    from plugin.store import Store
    from plugin.store.evidence import Isolation
    from plugin.store.shapes import Integration

KEPT, PARTLY, OPERATOR, MISSING, BROKEN = "kept", "partly", "operator", "not yet", "broken"
STATES = (KEPT, PARTLY, OPERATOR, MISSING, BROKEN)


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


@dataclass(frozen=True, slots=True)
class Facts:
    """What every check may look at, read once."""

    ai: AiSettings
    settings: Mapping[str, Any]
    integrations: tuple[Integration, ...]
    isolation: Isolation
    ledger: tuple[bool, str]
    audit: tuple[bool, str]
    permissions: int
    config: Config


Finding = tuple[str, str, str]
"""State, evidence, how it was established."""
Check = Callable[[Facts], Finding]


def report(store: Store, viewer: Viewer, config: Config) -> tuple[Line, ...]:
    """Check every promise now. For admins: raises Refused for others."""
    facts = _facts(store, viewer, config)
    from plugin.governance.trust_checks import CHECKS

    lines = []
    for promise in PROMISES:
        state, evidence, how = CHECKS[promise.id](facts)
        lines.append(
            Line(
                promise.id,
                promise.section,
                promise.text,
                promise.source,
                state,
                evidence,
                how,
                datetime.now(UTC),
            )
        )
    return tuple(lines)


def _facts(store: Store, viewer: Viewer, config: Config) -> Facts:
    """Read what the checks need, in one transaction."""
    with store.as_admin(viewer) as admin:
        integrations = admin.integrations.list()
        given = [
            p
            for each in integrations
            for p in admin.integrations.query_permissions(each.id)
            if p.subject != "role"
        ]
        found = Facts(
            ai=admin.settings.ai(),
            settings={each.key: each.value for each in admin.settings.all()},
            integrations=integrations,
            isolation=admin.evidence.isolation(),
            ledger=admin.ledger.verify(),
            audit=admin.audit.verify(),
            permissions=len(given),
            config=config,
        )
    return found


def lowest_tls() -> str:
    """The lowest TLS version that a default client of this Python accepts."""
    return ssl.create_default_context().minimum_version.name.replace("_", ".")


def host_of(url: str | None) -> str:
    """The host of a URL, "" where there is none."""
    return urlsplit(url).hostname or "" if url else ""
