"""The record of syncs: queued, running with its stage and counts, ended. Written apart from what a sync writes.

A sync's own transaction shows nothing before its merge, so its progress is kept in short transactions of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from plugin.errors import BadInput, Conflict, NotFound, UnderWay
from plugin.store._context import Context
from plugin.store._models.base import now
from plugin.store._models.integrations import IntegrationRow, SyncRow
from plugin.store.shapes import Sync

ENDED = ("done", "failed", "cancelled", "stopped")
SILENT = timedelta(minutes=10)
"""A running sync that reported nothing for so long has died with its process."""
COUNTS = ("done", "total", "seen", "created", "updated", "unchanged", "removed")
ERRORS_KEPT = 50


class SyncRecord:
    """The record of one workspace's syncs, for whoever runs them."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._session = context.session

    def queue(self, integration_id: int, *, full: bool = False, only_schema: str | None = None) -> Sync:
        """Enter a sync as queued, of everything or of one schema.

        NotFound for an unknown integration, UnderWay (a Conflict) where one is running already.
        """
        self._context.begin_write()
        integration = self._integration(integration_id)
        # PostgreSQL has many writers: one at a time looks whether a sync of it is under way, and enters its own.
        own = select(IntegrationRow.id).where(IntegrationRow.id == integration_id)
        self._session.execute(own.with_for_update(key_share=True))
        under_way = self._session.scalar(
            select(SyncRow)
            .where(SyncRow.integration_id == integration_id, SyncRow.status.not_in(ENDED))
            .limit(1)
        )
        if under_way is not None:
            if not _is_dead(under_way):
                raise UnderWay(f"a sync of {integration.name} is under way already", field="integration")
            self._end(under_way, "failed", ["the process that ran this sync ended before it did"])
        row = SyncRow(workspace_id=self._context.workspace_id, integration_id=integration_id, full=full)
        row.only_schema = only_schema
        self._session.add(row)
        self._session.flush()
        return self.sync(row.id)

    def start(self, sync_id: int) -> Sync:
        """It runs now. Conflict where it was cancelled or ended before."""
        self._context.begin_write()
        row = self._row(sync_id)
        if row.status in ENDED or row.cancel_requested:
            if row.status not in ENDED:
                self._end(row, "cancelled", [])
            raise Conflict("this sync was cancelled or has ended", field="sync")
        row.status, row.stage, row.started, row.beat = "running", "connecting", now(), now()
        self._integration(row.integration_id).state = "syncing"
        self._session.flush()
        return self.sync(sync_id)

    def progress(self, sync_id: int, stage: str | None = None, **counts: int | None) -> bool:
        """Report where it is (`done`, `total`, `seen`, ...); returns True where somebody asked to cancel it."""
        values: dict[str, Any] = {key: value for key, value in counts.items() if key in COUNTS}
        values["beat"] = now()
        if stage is not None:
            values["stage"] = stage[:60]
        self._session.execute(
            update(SyncRow)
            .where(SyncRow.id == sync_id, SyncRow.workspace_id == self._context.workspace_id)
            .values(values)
        )
        return self.cancelled(sync_id)

    def cancelled(self, sync_id: int) -> bool:
        """Did somebody ask to cancel it?"""
        return bool(
            self._session.scalar(
                select(SyncRow.cancel_requested).where(
                    SyncRow.id == sync_id, SyncRow.workspace_id == self._context.workspace_id
                )
            )
        )

    def finish(
        self,
        sync_id: int,
        status: str,
        *,
        counts: Mapping[str, int | None] | None = None,
        errors: Sequence[str] = (),
        stage: str | None = None,
    ) -> Sync:
        """It ended: done, failed, cancelled or stopped (by the shrink guard). The integration's state follows."""
        if status not in ENDED:
            raise ValueError(f"a sync cannot end as {status!r}")
        self._context.begin_write()
        row = self._row(sync_id)
        for key, value in (counts or {}).items():
            if key in COUNTS:
                setattr(row, key, value)
        self._end(row, status, errors, stage)
        return self.sync(sync_id)

    def cancel(self, sync_id: int) -> Sync:
        """Ask a sync to stop: at once where it is queued, else at its next report."""
        self._context.begin_write()
        row = self._row(sync_id)
        if row.status == "queued" or (row.status == "running" and _is_dead(row)):
            self._end(row, "cancelled", [])
        elif row.status == "running":
            row.cancel_requested = True
            self._session.flush()
        return self.sync(sync_id)

    def sync(self, sync_id: int) -> Sync:
        """One sync. NotFound."""
        return self._shape(self._row(sync_id))

    def syncs(self, integration_id: int | None = None, limit: int = 20) -> tuple[Sync, ...]:
        """The latest syncs, of one integration or of all."""
        query = select(SyncRow).where(SyncRow.workspace_id == self._context.workspace_id)
        if integration_id is not None:
            query = query.where(SyncRow.integration_id == integration_id)
        rows = self._session.scalars(query.order_by(SyncRow.id.desc()).limit(max(1, min(limit, 500))))
        return tuple(self._shape(row) for row in rows)

    def last_done(self, integration_id: int) -> Sync | None:
        """The latest sync that changed the catalog to what its source had; None before there was one."""
        row = self._session.scalar(
            select(SyncRow)
            .where(
                SyncRow.workspace_id == self._context.workspace_id,
                SyncRow.integration_id == integration_id,
                SyncRow.status == "done",
            )
            .order_by(SyncRow.id.desc())
            .limit(1)
        )
        return None if row is None else self._shape(row)

    def _end(self, row: SyncRow, status: str, errors: Sequence[str], stage: str | None = None) -> None:
        integration = self._integration(row.integration_id)
        row.status, row.finished = status, now()
        row.stage = (stage or ("done" if status == "done" else row.stage))[:60]
        row.errors = [error[:1000] for error in errors[:ERRORS_KEPT]]
        if status == "done":
            integration.state, integration.last_error = "ok", None
            # One schema's sync says nothing of how fresh the others are.
            if row.only_schema is None:
                integration.last_sync_at = row.finished
        elif status == "cancelled":
            integration.state = "ok" if integration.last_sync_at else "new"
        else:
            integration.state, integration.last_error = "failed", row.errors[0] if row.errors else status
        if integration.paused:
            integration.state = "paused"
        self._session.flush()

    def _row(self, sync_id: int) -> SyncRow:
        row = self._session.scalar(
            select(SyncRow)
            .where(SyncRow.id == sync_id, SyncRow.workspace_id == self._context.workspace_id)
            .execution_options(populate_existing=True)
        )
        if row is None:
            raise NotFound("no such sync")
        return row

    def _integration(self, integration_id: int) -> IntegrationRow:
        row = self._session.scalar(
            select(IntegrationRow).where(
                IntegrationRow.id == integration_id, IntegrationRow.workspace_id == self._context.workspace_id
            )
        )
        if row is None:
            raise NotFound("no such integration")
        return row

    def _shape(self, row: SyncRow) -> Sync:
        return Sync(
            id=row.id,
            integration_id=row.integration_id,
            integration=self._integration(row.integration_id).name,
            status=row.status,
            stage=row.stage,
            started=row.started,
            finished=row.finished,
            done=row.done,
            total=row.total,
            seen=row.seen,
            created=row.created,
            updated=row.updated,
            unchanged=row.unchanged,
            removed=row.removed,
            errors=tuple(row.errors or ()),
            full=row.full,
            only_schema=row.only_schema,
        )


def clean_schedule(schedule: str | None) -> str | None:
    """A cron expression of five fields, tidied; None for none. BadInput where it is not one."""
    if schedule is None or not schedule.strip():
        return None
    from croniter import croniter  # only where there is a schedule

    tidy = " ".join(schedule.split())
    if len(tidy) > 120 or len(tidy.split(" ")) != 5 or not croniter.is_valid(tidy):
        raise BadInput(
            'a schedule is a cron expression of five fields in UTC, such as "0 3 * * *" for 03:00 each day',
            field="schedule",
        )
    return tidy


def next_time(schedule: str, after: datetime) -> datetime:
    """When a schedule is due next."""
    from croniter import croniter

    found: datetime = croniter(schedule, after).get_next(datetime)
    return found


def _is_dead(row: SyncRow) -> bool:
    if row.status == "queued":
        return now() - row.queued > timedelta(days=1)
    return row.beat is None or now() - row.beat > SILENT
