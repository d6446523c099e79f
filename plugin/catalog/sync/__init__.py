"""The sync: a connector's records, masked and linked, merged into the catalog. Keeps laws 1 and 7.

Enters: an integration and its credential, opened here and nowhere else for metadata. Leaves: a `Sync` with counts.
Records stream into a stage outside the database; one transaction at the end makes them the catalog. Whatever goes
wrong before it (a wrong password, a dropped connection, a cancel, a crash) leaves the catalog as it was.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING

from connectors import connect, has_password
from connectors.abilities import Connector, HasQueries
from connectors.errors import SourceError
from connectors.records import Progress, Query, Same, Table, Unread
from plugin.access.viewer import Viewer
from plugin.catalog.popularity import popularity
from plugin.catalog.sync.ahead import Ahead, ahead
from plugin.catalog.sync.comparing import Comparison, records_of
from plugin.catalog.sync.one_schema import is_of, narrowed
from plugin.catalog.sync.reader import Reader
from plugin.catalog.sync.sources import (
    CUSTOM,
    add_integration,
    check,
    check_form,
    check_query,
    check_settings,
    extract,
    schemas_of,
    secret_settings,
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
_STAYS = (
    "{count} statement{s} of the query log that could be read before stay as they were, with their lineage: grant the "
    "right again, or sync with --full to let them go"
)
LOOKS = (50_000, 20, 20)
"""Objects made between two looks for cycles, while a sync runs."""


class Cancelled(DocentError):
    """Somebody stopped the sync."""


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
        with _fewer_looks():
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


@contextmanager
def _fewer_looks() -> Iterator[None]:
    """Look for cycles seldom meanwhile, as the command line does anyhow: a sync makes hundreds of thousands of tuples
    and hardly a cycle, and Python's own default looks every 700.
    """
    before = gc.get_threshold()
    if 0 < before[0] < LOOKS[0]:
        gc.set_threshold(*LOOKS)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _take_queries(
    stage: Stage,
    connector: HasQueries,
    reader: Reader,
    columns_of: ColumnsOf,
    service_accounts: Sequence[str],
    kept: Callable[[], Set[str]],
) -> None:
    """Stage the query log, or keep that of the last time where the role may not read it. The parser is loaded only
    where there is one. `kept`: the statements of the last time.

    A role that lost its right may still be told its own statements: where most of those of the last time are not among
    them, they stay, and the sync says so, until somebody says that it is right with a full one.
    """
    refused: list[str] = []
    queries = _told(connector, refused)
    first = next(queries, None)
    if first is None:
        stage.queries = []
    else:
        from plugin.catalog.sync.queries import stage_queries

        log = chain((first,), queries)
        stage_queries(stage, log, reader.dialect, reader.names, columns_of, service_accounts)
    stage.problems += refused
    if not refused or stage.full:
        return
    before = kept()
    # Of services no statement is kept, only the lineage that they told.
    if first is None or 2 * len(before - {each.sql for each in stage.queries or ()}) > len(before):
        stage.queries = None
        stage.query_edges.clear()
        if before:
            stage.problems.append(_STAYS.format(count=len(before), s="s" if len(before) > 1 else ""))


def _told(connector: HasQueries, refused: list[str]) -> Iterator[Query]:
    """The statements; what could not be read is said in `refused`."""
    for each in connector.queries():
        if isinstance(each, Unread):
            refused.append(str(each))
        else:
            yield each


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
            source = ingest.source()
            if self.connector is None:  # what somebody uploads, they wait for
                ingest.renew_search()
        if source.type == CUSTOM:
            return Merged()
        if self.connector is not None:
            return self.read(self.connector, source)
        with self.store.secrets(self.workspace_id) as vault:
            secrets = vault.integration_secrets(self.integration_id)
        settings = text_settings(source.settings)
        if self.only_schema is not None:
            settings = narrowed(source.type, settings, self.only_schema)
        connector = connect(source.type, settings, secrets)
        return self.read(connector, source)

    def read(self, connector: Connector, source: Source) -> Merged:
        # The source is asked first: it looks for what it has while the catalog does the same.
        comparison = Comparison()
        records = ahead(records_of(connector, comparison))
        try:
            with self.store.ingest(self.workspace_id, self.integration_id) as ingest:
                known = ingest.known()
            if self.full:
                comparison.end()
            else:
                comparison.tell(known)
            return self.take(connector, records, source, known)
        finally:
            records.close()
            comparison.end()

    def take(self, connector: Connector, records: Ahead, source: Source, known: Known) -> Merged:
        with Stage(known, full=self.full) as stage:
            reader = Reader(stage, connector.dialect, keep_literals=source.keep_literals)
            at, tables, unread = Progress("reading", 0), 0, list[Unread]()
            for record in chain.from_iterable(records.parts()):
                if self.only_schema is not None and not is_of(record, self.only_schema):
                    continue
                if isinstance(record, Same | Table):
                    reader.take(record)
                    tables += 1
                elif isinstance(record, Progress):
                    at = record
                elif isinstance(record, Unread):
                    unread.append(record)
                else:
                    reader.take(record)
                if self.is_due():
                    # What a connector told last holds until it tells more; tables are counted in between.
                    done = max(at.done, tables) if at.stage == "tables" else at.done or len(stage.seen)
                    self.report(at.stage, done, at.total, len(stage.seen))
            if self.only_schema is not None and not any(
                schema_of(key) == self.only_schema
                for keys in (stage.seen, known.fingerprints)
                for key in keys
            ):
                raise NotFound(f"the source has no schema {self.only_schema!r}, or its role does not see it")
            if stopped := self._lost_right(unread, stage, known, reader):
                return stopped
            stage.problems += [str(each) for each in unread]
            # Where nothing changed there is nothing to link or write, and nothing to wait for.
            changed = stage.staged or len(stage.seen) < len(known.fingerprints)
            if changed or self.is_due():
                self.report("linking", 0, None, len(stage.seen))
            with self.store.ingest(self.workspace_id, self.integration_id) as ingest:
                reader.link(ingest.columns_of)
                # What a source tells of everything at once says nothing while one schema is looked at.
                if self.only_schema is not None:
                    stage.stated_sources.clear()
                else:
                    stage.stated_sources |= ingest.stated_sources()
                if self.only_schema is None and isinstance(connector, HasQueries):
                    _take_queries(
                        stage,
                        connector,
                        reader,
                        ingest.columns_of,
                        source.service_accounts,
                        ingest.statements,
                    )
            if changed or self.is_due():
                self.report("writing", 0, None, len(stage.seen))
            # What it remembers is a twentieth of what a large source takes; rows need the room now.
            del reader
            with self.store.ingest(self.workspace_id, self.integration_id) as ingest:
                return ingest.merge(stage, rank=popularity, force=self.full, only_schema=self.only_schema)

    def _lost_right(
        self, unread: Sequence[Unread], stage: Stage, known: Known, reader: Reader
    ) -> Merged | None:
        """A sync that changes nothing, where the role lost a right since the last and something would go with it."""
        if not unread or self.full:
            return None
        with self.store.ingest(self.workspace_id, self.integration_id) as ingest:
            said = ingest.syncs.last_done(self.integration_id)
            lost = [
                each.what
                for each in unread
                if each.things and said is not None and str(each) not in said.errors
            ]
            if not lost:
                return None
            would_go = ingest.would_lose(stage, reader.stated() if self.only_schema is None else None)
        # A view that is to be read anew has no fingerprint and would go all the same; a schema without one was made for
        # the tables in it, and goes with the last of them.
        gone = sum(
            1
            for key, mark in known.fingerprints.items()
            if key not in stage.seen
            and key not in known.stale
            and (mark or not key.startswith(("d:", "s:")))
            and self.only_schema in (None, schema_of(key))
        )
        if not gone and not would_go:
            return None
        going = {"thing": gone, **would_go} if gone else would_go
        counted = [f"{count} {what}{'s' if count > 1 else ''}" for what, count in going.items()]
        return Merged(
            "stopped",
            errors=[
                f"the role has no right any more to read {', '.join(lost)}, and what was read before would go "
                f"({', '.join(counted)}); nothing was changed. Grant it again, or sync with --full if that is right"
            ],
        )

    def is_due(self) -> bool:
        """Is it time to report again?"""
        return time.monotonic() - self.reported >= REPORT_EVERY

    def report(self, stage: str, done: int, total: int | None, seen: int) -> None:
        """Tell whoever watches; Cancelled where somebody asked to stop."""
        self.reported = time.monotonic()
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
    "check_query",
    "check_settings",
    "connectors",
    "extract",
    "has_password",
    "run_queued_sync",
    "schemas_of",
    "secret_settings",
    "sync",
]
