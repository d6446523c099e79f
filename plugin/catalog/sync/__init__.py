"""The sync: a connector's records, masked and linked, merged into the catalog. Keeps laws 1 and 7.

Enters: an integration and its credential, opened here and nowhere else for metadata. Leaves: a `Sync` with counts.
Records stream into a stage outside the database; one transaction at the end makes them the catalog. Whatever goes
wrong before it (a wrong password, a dropped connection, a cancel, a crash) leaves the catalog as it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from connectors import connect, has_password
from connectors.abilities import Connector, HasQueries
from connectors.errors import SourceError
from connectors.records import Progress, Table
from plugin.access.viewer import Viewer
from plugin.catalog.popularity import popularity
from plugin.catalog.sync.ahead import ahead
from plugin.catalog.sync.one_schema import narrowed
from plugin.catalog.sync.reader import Reader
from plugin.catalog.sync.sources import (
    CUSTOM,
    add_integration,
    check,
    check_form,
    check_settings,
    extract,
    schemas_of,
    text_settings,
)
from plugin.catalog.sync.sources import listing as connectors
from plugin.errors import DocentError, NotFound
from plugin.store.ingest import Merged
from plugin.store.staging import Known, Stage, schema_of

if TYPE_CHECKING:
    from plugin.catalog.linking import ColumnsOf
    from plugin.store import Store
    from plugin.store.ingest import Source
    from plugin.store.shapes import Sync

Report = Callable[[str, int, int | None], None]
REPORT_EVERY = 0.5
"""Seconds between two reports of progress; each is a short transaction."""


class Cancelled(DocentError):
    """Somebody stopped the sync."""


class SyncStopped(DocentError):
    """The shrink guard stopped the sync."""


def sync(
    store: Store,
    workspace: Viewer | int,
    integration_id: int,
    *,
    full: bool = False,
    only_schema: str | None = None,
    progress: Report | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Sync:
    """Sync one integration, or one schema of it, now, in this thread. Conflict where a sync of it is under way.

    Does not raise for what goes wrong with the source: the Sync that comes back says so.
    """
    workspace_id = workspace.workspace_id if isinstance(workspace, Viewer) else workspace
    with store.ingest(workspace_id, integration_id) as ingest:
        queued = ingest.syncs.queue(integration_id, full=full, only_schema=only_schema)
    return run_queued_sync(
        store, workspace_id, integration_id, queued.id, full=full, progress=progress, cancelled=cancelled
    )


def run_queued_sync(
    store: Store,
    workspace_id: int,
    integration_id: int,
    sync_id: int,
    *,
    full: bool = False,
    progress: Report | None = None,
    cancelled: Callable[[], bool] | None = None,
    connector: Connector | None = None,
) -> Sync:
    """Run a sync that is queued already, through `connector` where what it reads is not stored: an upload.

    Conflict where it was cancelled or has ended.
    """
    with store.ingest(workspace_id, integration_id) as ingest:
        only_schema = ingest.syncs.start(sync_id).only_schema
    run = _Run(
        store, workspace_id, integration_id, sync_id, full, only_schema, progress, cancelled, connector
    )
    status, errors, merged = "failed", [], None
    try:
        merged = run.run()
        status, errors = merged.status, merged.errors
    except Cancelled:
        status = "cancelled"
    except (SourceError, DocentError) as error:
        errors = [str(error)]
    except BaseException:
        run.finish("failed", ["the sync ended because of a fault in Docent; the catalog is as it was"], None)
        raise
    return run.finish(status, errors, merged)


def _take_queries(
    stage: Stage,
    connector: HasQueries,
    reader: Reader,
    columns_of: ColumnsOf,
    service_accounts: Sequence[str],
) -> None:
    """Stage the query log. The parser is loaded only where there is one."""
    queries = iter(connector.queries())
    first = next(queries, None)
    if first is None:
        stage.queries = []
        return
    from plugin.catalog.sync.queries import stage_queries

    log = chain((first,), queries)
    stage_queries(stage, log, reader.dialect, reader.names, columns_of, service_accounts)


class _Run:
    """One run of a sync: where it is, and who watches."""

    def __init__(
        self,
        store: Store,
        workspace_id: int,
        integration_id: int,
        sync_id: int,
        full: bool,
        only_schema: str | None,
        progress: Report | None,
        cancelled: Callable[[], bool] | None,
        connector: Connector | None,
    ) -> None:
        self.store = store
        self.workspace_id = workspace_id
        self.integration_id = integration_id
        self.sync_id = sync_id
        self.full = full
        self.only_schema = only_schema
        self.watch = progress
        self.stop = cancelled
        self.connector = connector
        self.reported = 0.0

    def run(self) -> Merged:
        with self.store.ingest(self.workspace_id, self.integration_id) as ingest:
            source, known = ingest.source(), ingest.known()
        if source.type == CUSTOM:
            return Merged()
        if self.connector is not None:
            return self.take(self.connector, source, known)
        with self.store.secrets(self.workspace_id) as vault:
            secrets = vault.integration_secrets(self.integration_id)
        settings = text_settings(source.settings)
        if self.only_schema is not None:
            settings = narrowed(source.type, settings, self.only_schema)
        connector = connect(source.type, settings, secrets)
        return self.take(connector, source, known)

    def take(self, connector: Connector, source: Source, known: Known) -> Merged:
        with Stage(known, full=self.full) as stage:
            reader = Reader(stage, connector.dialect, keep_literals=source.keep_literals)
            records = ahead(connector.extract())
            try:
                at, tables = Progress("reading", 0), 0
                for record in records:
                    if isinstance(record, Progress):
                        at = record
                    else:
                        reader.take(record)
                        tables += isinstance(record, Table)
                    # What a connector told last holds until it tells more; tables are counted in between.
                    done = max(at.done, tables) if at.stage == "tables" else at.done or len(stage.seen)
                    self.report(at.stage, done, at.total, len(stage.seen))
            finally:
                records.close()
            if self.only_schema is not None and not any(
                schema_of(key) == self.only_schema
                for keys in (stage.seen, known.fingerprints)
                for key in keys
            ):
                raise NotFound(f"the source has no schema {self.only_schema!r}, or its role does not see it")
            self.report("linking", 0, None, len(stage.seen), force=True)
            with self.store.ingest(self.workspace_id, self.integration_id) as ingest:
                reader.link(ingest.columns_of)
                # What a source tells of everything at once says nothing while one schema is looked at.
                if self.only_schema is not None:
                    stage.stated_sources.clear()
                elif isinstance(connector, HasQueries):
                    _take_queries(stage, connector, reader, ingest.columns_of, source.service_accounts)
            self.report("writing", 0, None, len(stage.seen), force=True)
            with self.store.ingest(self.workspace_id, self.integration_id) as ingest:
                return ingest.merge(stage, rank=popularity, force=self.full, only_schema=self.only_schema)

    def report(self, stage: str, done: int, total: int | None, seen: int, *, force: bool = False) -> None:
        at = time.monotonic()
        if not force and at - self.reported < REPORT_EVERY:
            return
        self.reported = at
        if self.watch is not None:
            self.watch(stage, done, total)
        with self.store.ingest(self.workspace_id, self.integration_id) as ingest:
            asked = ingest.syncs.progress(self.sync_id, stage, done=done, total=total, seen=seen)
        if asked or (self.stop is not None and self.stop()):
            raise Cancelled("the sync was cancelled")

    def finish(self, status: str, errors: list[str], merged: Merged | None) -> Sync:
        counts = (
            {name: getattr(merged, name) for name in ("seen", "created", "updated", "unchanged", "removed")}
            if merged
            else {}
        )
        with self.store.ingest(self.workspace_id, self.integration_id) as ingest:
            return ingest.syncs.finish(self.sync_id, status, counts=counts, errors=errors)


__all__ = [
    "add_integration",
    "check",
    "check_form",
    "check_settings",
    "connectors",
    "extract",
    "has_password",
    "run_queued_sync",
    "schemas_of",
    "sync",
]
