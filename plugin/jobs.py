"""Background work: a small port over a durable queue, so that the rest of Docent knows none.

Syncs run as DBOS workflows. The queue lives at `Config.jobs_url`: a SQLite file beside the database by default, or
PostgreSQL where several workers share it. A job whose worker was killed is run again by the next worker that starts
with the same executor id; a sync is safe to run again because nothing of it is committed before its one merge.
A job carries ids only: no text, no secret. Considered: Huey and Celery (lose jobs on SQLite when killed), Procrastinate
(PostgreSQL only).
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from plugin.config import Config
from plugin.errors import DocentError

QUEUE = "docent-syncs"
SYNC = "docent.sync"
CLOCK_SECONDS = 20.0
POLLING = 1.0
"""Seconds between two looks for a sync that waits. Each is a transaction of six statements in the process that serves
the pages, whether or not anything waits: at 0.3 s they were a fifth of what held the interpreter beside 120 answers."""
log = logging.getLogger("docent.jobs")


def _url(config: Config) -> str:
    return config.jobs_url


class Jobs:
    """The web's and the command line's side: put work on the queue. Opens no worker and runs nothing itself."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._client: Any = None
        self._lock = threading.Lock()

    def enqueue_sync(
        self, workspace_id: int, integration_id: int, sync_id: int, *, full: bool = False, key: str = ""
    ) -> None:
        """Queue one sync. `key` makes it idempotent: the same key is queued once, however many ask."""
        self._connected().enqueue(
            {
                "queue_name": QUEUE,
                "workflow_name": SYNC,
                "workflow_id": key or f"sync-{sync_id}-{uuid.uuid4().hex[:8]}",
            },
            workspace_id,
            integration_id,
            sync_id,
            full,
        )

    def close(self) -> None:
        """Let go of the queue's connections."""
        with self._lock:
            if self._client is not None:
                self._client.destroy()
                self._client = None

    def _connected(self) -> Any:
        from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer

        with self._lock:
            if self._client is None:
                DBOS.migrate(_url(self._config))  # a worker does it too, but may never have run yet
                self._client = DBOSClient(
                    system_database_url=_url(self._config), serializer=DBOSPortableJSONSerializer()
                )
            return self._client


@contextmanager
def worker(config: Config, *, name: str = "worker") -> Iterator[threading.Event]:
    """Run background jobs until the block ends; yields the event that also stops the clock.

    `name` must be stable for a worker that comes back after a crash: it is the executor id under which its
    unfinished jobs are resumed. One worker a process.
    """
    from dbos import DBOS, DBOSPortableJSONSerializer

    from plugin.catalog.sync import run_queued_sync
    from plugin.store import open_store

    store = open_store(config)
    stop = threading.Event()
    DBOS(
        config={
            "name": "docent",
            "system_database_url": _url(config),
            "application_version": version("docent"),
            "executor_id": name,
            "log_level": "ERROR",
            "serializer": DBOSPortableJSONSerializer(),
        }
    )

    @DBOS.workflow(name=SYNC)
    def sync(workspace_id: int, integration_id: int, sync_id: int, full: bool = False) -> str:
        """One sync; its failure is written in its history, so the workflow itself always ends."""
        try:
            done = run_queued_sync(store, workspace_id, integration_id, sync_id, full=full)
            return str(done.status)
        except DocentError as error:
            log.warning("sync failed", extra={"sync_id": sync_id, "reason": type(error).__name__})
            return "failed"

    DBOS.launch()
    DBOS.register_queue(QUEUE, worker_concurrency=2, polling_interval_sec=POLLING)
    jobs = Jobs(config)
    clock = threading.Thread(target=_clock, args=(store, jobs, stop), name="docent-clock", daemon=True)
    clock.start()
    try:
        yield stop
    finally:
        stop.set()
        clock.join(timeout=5)
        jobs.close()
        DBOS.destroy(workflow_completion_timeout_sec=0)
        store.close()


def _clock(store: Any, jobs: Jobs, stop: threading.Event) -> None:
    """Go round until stopped. Several workers may run a clock: the queue drops a second job with the same key."""
    while not stop.is_set():
        go_round(store, jobs, datetime.now(UTC))
        stop.wait(CLOCK_SECONDS)


def go_round(store: Any, jobs: Jobs, moment: datetime) -> None:
    """Start what is due, end what has a limit in time, look for unusual use, renew a search index of an older release;
    note of each that it was done.

    One task that fails keeps no other from its turn, and its fault is noted: the Trust page says which has not run.
    """

    def start_syncs(clock: Any) -> None:
        for due in clock.due_syncs(moment):
            jobs.enqueue_sync(
                due.workspace_id,
                due.integration_id,
                due.sync_id,
                key=f"scheduled-{due.integration_id}-{due.at:%Y%m%dT%H%M}",
            )

    work: dict[str, Callable[[Any], Any]] = {
        "syncs": start_syncs,
        "expiry": lambda clock: clock.expire(moment),
        "watch": lambda clock: tell_unusual(clock, moment),
        # Last, since it may take minutes: once after an upgrade, in the one process that comes first.
        "search": lambda clock: clock.renew_search(),
    }
    for task, do in work.items():
        try:
            with store.clock() as clock:
                fault = ""
                try:
                    do(clock)
                except Exception as error:  # noqa: BLE001  whatever it is, the clock goes on and the fault is told
                    fault = type(error).__name__
                    log.warning("clock", extra={"task": task, "reason": fault})
                clock.beat(task, moment, fault)
        except Exception as error:  # noqa: BLE001  the database is away: the next round may find it again
            log.warning("clock", extra={"task": task, "reason": type(error).__name__})


def tell_unusual(clock: Any, moment: datetime) -> None:
    """Look for unusual use; what admins are told in the app also goes to the workspace's webhook."""
    for told in clock.unusual(moment):
        if told.hook is None:
            continue
        from plugin.egress.webhook import post

        seen = told.sighting
        values = {
            "workspace": told.workspace, "rule": seen.rule, "member": seen.member, "seen": seen.seen,
            "limit": seen.limit, "at": moment.isoformat(),
        }  # fmt: skip

        def enter(host: str, told: Any = told) -> None:
            clock.note_webhook(told.workspace_id, told.sighting.rule, host, "allow")

        try:
            post(told.hook, values, opening=enter)
        except DocentError as error:
            clock.note_webhook(told.workspace_id, seen.rule, type(error).__name__, "failed")
            log.warning("webhook", extra={"reason": type(error).__name__})
