"""What happens by time, without content: syncs that are due, and the end of what has a limit in time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Engine, delete, or_, select, update
from sqlalchemy.orm import Session

from plugin.egress.webhook import Hook
from plugin.errors import DocentError
from plugin.store._context import Context
from plugin.store._engine import SIGN_IN, scrub
from plugin.store._models.history import BreakGlassRow, PromptRow, RunningAnswerRow
from plugin.store._models.integrations import IntegrationRow
from plugin.store._models.people import InvitationRow, SessionRow, TokenRow, WorkspaceRow
from plugin.store._prompts import expire
from plugin.store.beats import Beat, beat, beats
from plugin.store.keys import retire
from plugin.store.monitoring import expire as expire_monitored
from plugin.store.policy import stored_values, value_of
from plugin.store.search_index import renew
from plugin.store.sign_in import IDLE
from plugin.store.syncs import SyncRecord, next_time
from plugin.store.unusual import Sighting, hook_of, watch

log = logging.getLogger("docent.clock")
DEAD_PROMPT = timedelta(hours=1)
"""A prompt that runs for so long has lost its process."""


@dataclass(frozen=True, slots=True)
class DueSync:
    """A scheduled sync, entered as queued. `at` is the time it was due, the same for every clock that sees it."""

    workspace_id: int
    integration_id: int
    sync_id: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Unusual:
    """A sighting that admins were told of. `hook` is None where it goes nowhere else."""

    workspace_id: int
    workspace: str
    hook: Hook | None
    sighting: Sighting


class Clock:
    """Opens a transaction per workspace itself."""

    def __init__(
        self,
        context: Callable[..., AbstractContextManager[Context]],
        transaction: Callable[..., AbstractContextManager[Session]],
        engine: Engine,
    ) -> None:
        self._context = context
        self._transaction = transaction
        self._engine = engine

    def due_syncs(self, moment: datetime) -> tuple[DueSync, ...]:
        """Take what is due: each is entered as queued and its next time set, so another clock does not take it too."""
        return tuple(due for workspace_id in self._workspaces() for due in self._due(workspace_id, moment))

    def expire(self, moment: datetime) -> dict[str, int]:
        """End what is past its time: sessions, tokens, invitations, old prompts, prompts whose process died."""
        counts = {
            "sessions": 0,
            "invitations": 0,
            "tokens": 0,
            "prompts": 0,
            "stopped": 0,
            "keys": 0,
            "monitored": 0,
        }
        with self._transaction(SIGN_IN) as session:
            ended = or_(SessionRow.expires <= moment, SessionRow.last_used <= moment - IDLE)
            if session.scalar(select(SessionRow.id).where(ended).limit(1)) is not None:
                gone = session.execute(delete(SessionRow).where(ended))
                counts["sessions"] = int(gone.rowcount)  # type: ignore[attr-defined]
        for workspace_id in self._workspaces():
            self._expire(workspace_id, moment, counts)
            counts["keys"] += retire(partial(self._context, workspace_id), moment)
            with self._context(workspace_id) as context:
                counts["monitored"] += expire_monitored(context, moment)
        if counts["prompts"]:
            scrub(self._engine)
        return counts

    def unusual(self, moment: datetime) -> tuple[Unusual, ...]:
        """Look for unusual use in every workspace and tell its admins; returns what was told, with its webhook."""
        told: list[Unusual] = []
        for workspace_id in self._workspaces():
            with self._context(workspace_id) as context:
                new = watch(context, moment)
                hook = hook_of(context) if new else None
                slug = context.session.scalar(
                    select(WorkspaceRow.slug).where(WorkspaceRow.id == workspace_id)
                )
                told += [Unusual(workspace_id, slug or "", hook, each) for each in new]
        return tuple(told)

    def renew_search(self) -> int:
        """Build the search index anew wherever a release before this one wrote it; returns in how many workspaces.

        One that fails keeps no other from its turn; each is in the log, and the first error is raised after the last.
        """
        done = 0
        failed: Exception | None = None
        for workspace_id in self._workspaces():
            try:
                with self._context(workspace_id) as context:
                    done += renew(context) is not None
            except Exception as error:  # noqa: BLE001  whatever it is, it is raised below
                reason = type(error).__name__
                log.warning(
                    "the search index was not renewed", extra={"workspace_id": workspace_id, "reason": reason}
                )
                failed = failed or error
        if failed is not None:
            raise failed
        return done

    def note_webhook(self, workspace_id: int, rule: str, host: str, outcome: str) -> None:
        """Enter in the audit log that a notice is about to go to the webhook ("allow"), or why not ("failed")."""
        with self._context(workspace_id) as context:
            context.audit("watch.webhook", outcome, rule=rule, target=host)

    def beat(self, task: str, moment: datetime, fault: str = "") -> None:
        """Note that a task of the clock ended, well or with a fault (the name of an error)."""
        with self._transaction(SIGN_IN) as session:
            beat(session, task, moment, fault)

    def beats(self) -> dict[str, Beat]:
        """When each task last ended well."""
        with self._transaction(SIGN_IN) as session:
            return beats(session)

    def _workspaces(self) -> list[int]:
        with self._transaction(SIGN_IN) as session:
            return list(session.scalars(select(WorkspaceRow.id).order_by(WorkspaceRow.id)))

    def _due(self, workspace_id: int, moment: datetime) -> list[DueSync]:
        found: list[DueSync] = []
        with self._context(workspace_id) as context:
            due = select(IntegrationRow).where(
                IntegrationRow.workspace_id == workspace_id,
                IntegrationRow.next_sync_at <= moment,
                IntegrationRow.schedule.is_not(None),
                ~IntegrationRow.paused,
            )
            if context.session.scalar(due.limit(1)) is None:
                return []
            context.begin_write()
            rows = context.session.scalars(
                due.with_for_update().execution_options(populate_existing=True)
            ).all()
            for row in rows:
                at, row.next_sync_at = row.next_sync_at, next_time(row.schedule or "", moment)
                context.session.flush()
                try:
                    queued = SyncRecord(context).queue(row.id)
                except DocentError:
                    continue  # one is under way already; the next time will do
                found.append(DueSync(workspace_id, row.id, queued.id, at or moment))
        return found

    def _expire(self, workspace_id: int, moment: datetime, counts: dict[str, int]) -> None:
        with self._context(workspace_id) as context:
            session = context.session
            days = value_of(stored_values(session, workspace_id), "history.days")
            oldest = moment - timedelta(days=days)
            mine = PromptRow.workspace_id == workspace_id
            stuck = (
                update(PromptRow)
                .where(mine, PromptRow.status == "running", PromptRow.at < moment - DEAD_PROMPT)
                .values(status="stopped")
            )
            if session.scalar(select(PromptRow.id).where(mine, PromptRow.at < oldest).limit(1)) is not None:
                context.begin_write()
                counts["prompts"] += expire(context, mine, oldest)
            is_stuck = select(PromptRow.id).where(
                mine, PromptRow.status == "running", PromptRow.at < moment - DEAD_PROMPT
            )
            if session.scalar(is_stuck.limit(1)) is not None:
                counts["stopped"] += int(session.execute(stuck).rowcount)  # type: ignore[attr-defined]
            dead = (RunningAnswerRow.workspace_id == workspace_id) & (
                RunningAnswerRow.at < moment - DEAD_PROMPT
            )
            if session.scalar(select(RunningAnswerRow.prompt_id).where(dead).limit(1)) is not None:
                session.execute(delete(RunningAnswerRow).where(dead))
            for name, table in (("invitations", InvitationRow), ("tokens", TokenRow)):
                old = (table.workspace_id == workspace_id) & (table.expires <= moment)
                if session.scalar(select(table.id).where(old).limit(1)) is not None:
                    counts[name] += int(session.execute(delete(table).where(old)).rowcount)  # type: ignore[attr-defined]
            past = (BreakGlassRow.workspace_id == workspace_id) & (
                BreakGlassRow.until <= moment - timedelta(days=90)
            )
            if session.scalar(select(BreakGlassRow.id).where(past).limit(1)) is not None:
                session.execute(delete(BreakGlassRow).where(past))
