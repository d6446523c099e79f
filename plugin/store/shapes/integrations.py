"""Integrations, their syncs, and who may run SQL on them. See the package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Integration:
    """A connected source. Secrets are never here; `secret_names` says which are set."""

    id: int
    name: str
    type: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    secret_names: tuple[str, ...] = ()
    has_query_credential: bool = False
    schedule: str | None = None
    """A cron expression, UTC."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """keep_stale: bool, import_mode: never|smart|always, shrink_stop: bool, keep_literals: bool,
    run_mode: confirm|run."""
    state: str = "new"
    """new, ok, syncing, failed, paused."""
    last_sync_at: datetime | None = None
    last_error: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    """kind -> how many resources."""


@dataclass(frozen=True, slots=True)
class Sync:
    """One run of a sync."""

    id: int
    integration_id: int
    integration: str
    status: str
    """queued, running, done, failed, cancelled, stopped (shrink guard)."""
    stage: str
    started: datetime | None
    finished: datetime | None
    done: int = 0
    total: int | None = None
    seen: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    errors: tuple[str, ...] = ()
    full: bool = False
    only_schema: str | None = None
    """The one schema that was read; None where all were."""


@dataclass(frozen=True, slots=True)
class QueryPermission:
    """Who may run SQL on an integration, and by what: role, member, team or group."""

    integration_id: int
    subject: str
    """"role", "member", "team" or "group"."""
    subject_id: int | None
    name: str
