"""A query log that is read again: what differs is written, what was lost with a right is said, a last run moves on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from connectors.records import Asset, Column, Query, Record, Schema, Table, Unread
from connectors.sqlite import SQLite
from plugin.access.viewer import Viewer
from plugin.catalog.sync import add_integration, run_queued_sync
from plugin.store import Store
from plugin.store.shapes import Sync

START = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ("a", "b", "c")
SOURCE: tuple[Record, ...] = (
    Schema(None, "s"),
    *(Table(None, "s", name, columns=(Column("id", 1, "int"),)) for name in NAMES),
)
STATEMENTS = (
    "SELECT id FROM s.a",
    "SELECT a.id FROM s.a JOIN s.b ON a.id = b.id",
    "SELECT a.id FROM s.a JOIN s.c ON a.id = c.id JOIN s.b ON b.id = c.id",
    "INSERT INTO s.c SELECT id FROM s.b",
)
LOGS = st.lists(
    st.dictionaries(
        st.sampled_from(STATEMENTS), st.tuples(st.integers(1, 3), st.integers(0, 2)), max_size=len(STATEMENTS)
    ),
    min_size=2,
    max_size=3,
)


class Logged(SQLite):
    """A connector whose source has three tables, and a log of these statements now."""

    def __init__(self, log: Sequence[Query | Unread], records: Sequence[Record] = SOURCE) -> None:
        self._log, self._records = log, records

    def extract(self) -> Iterator[Record]:
        yield from self._records

    def queries(self) -> Iterator[Query | Unread]:
        yield from self._log


def place(store: Store, admin: Viewer, name: str = "logged") -> int:
    url = {"url": "sqlite:////nowhere/nothing.sqlite3"}
    return add_integration(store, admin, name, "sqlite", settings=url, secrets={}).id


def read(
    store: Store, admin: Viewer, integration: int, log: Sequence[Query | Unread], *,
    full: bool = False, records: Sequence[Record] = SOURCE,
) -> Sync:  # fmt: skip
    with store.ingest(admin.workspace_id, integration) as ingest:
        queued = ingest.syncs.queue(integration, full=full)
    connector = Logged(log, records)
    return run_queued_sync(store, admin.workspace_id, integration, queued.id, full=full, connector=connector)


def known(store: Store, admin: Viewer, integration: int) -> list[Any]:
    """What a reader is told of statements, joins and popularity, table by table."""
    found: list[Any] = []
    with store.as_viewer(admin) as mine:
        for name in NAMES:
            table = mine.catalog.by_name(f"s.{name}", integration=integration)
            joins = [(join.source, join.on, join.left, join.right) for join in _joins(mine, table.id)]
            found.append(
                (
                    table.popularity,
                    mine.catalog.frequent_queries(table.id),
                    mine.catalog.use(table.id),
                    joins,
                )
            )
    return found


def _joins(mine: Any, table_id: int) -> list[Any]:
    return sorted(mine.catalog.joins(table_id), key=repr)


NUMBERS = iter(range(1_000_000))


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(logs=LOGS)
def test_a_log_read_again_and_again_is_known_as_one_read_once(
    store: Store, admin: Viewer, logs: list[dict[str, tuple[int, int]]]
) -> None:
    def told(log: dict[str, tuple[int, int]]) -> list[Query]:
        return [Query(sql, runs, last_run=START + timedelta(days=day)) for sql, (runs, day) in log.items()]

    often = place(store, admin, f"often {next(NUMBERS)}")
    for log in logs:
        assert read(store, admin, often, told(log)).status == "done"
    once = place(store, admin, f"once {next(NUMBERS)}")
    read(store, admin, once, told(logs[-1]))
    assert known(store, admin, often) == known(store, admin, once)


def test_the_last_run_moves_on_and_nothing_else_is_written(any_store: Store, any_admin: Viewer) -> None:
    integration = place(any_store, any_admin)
    log = [Query(sql, 9 - n, last_run=START) for n, sql in enumerate(STATEMENTS)]
    read(any_store, any_admin, integration, log)
    written: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE", "COPY")):
            written.append(statement)

    def counted(log: Sequence[Query]) -> list[str]:
        written.clear()
        event.listen(any_store._engine, "before_cursor_execute", note)
        try:
            assert read(any_store, any_admin, integration, log).updated == 0
        finally:
            event.remove(any_store._engine, "before_cursor_execute", note)
        ours = ("frequent_", "observed_joins", "resources", "edges", "zones", "drift")
        # A join of before revision 0006 is looked for, and none is there.
        return [
            each for each in written if any(f" {name}" in each for name in ours) and "IS NULL" not in each
        ]

    assert counted(log) == []
    later = START + timedelta(days=3)
    (only,) = counted([Query(log[0].sql, log[0].runs, last_run=later), *log[1:]])
    assert only.startswith("UPDATE frequent_queries")
    with any_store.as_viewer(any_admin) as mine:
        assert mine.catalog.use(mine.catalog.by_name("s.a").id).last_run == later


REFUSED = Unread("statements of others")


def test_statements_that_a_lost_right_hides_stay_and_the_sync_says_so(
    any_store: Store, any_admin: Viewer
) -> None:
    integration = place(any_store, any_admin)
    log = [Query(sql, 9, last_run=START) for sql in STATEMENTS]
    read(any_store, any_admin, integration, log)
    before = known(any_store, any_admin, integration)
    for left in (log[:1], []):
        lost = read(any_store, any_admin, integration, [*left, REFUSED])
        assert lost.status == "done" and lost.errors[0] == "no right to read statements of others: left out"
        assert "4 statements" in lost.errors[1] and "--full" in lost.errors[1]
        assert known(any_store, any_admin, integration) == before
    agreed = read(any_store, any_admin, integration, [*log[:1], REFUSED], full=True)
    assert agreed.errors == ("no right to read statements of others: left out",)
    with any_store.as_viewer(any_admin) as mine:
        assert [each.sql for each in mine.catalog.frequent_queries(None)] == [log[0].sql]
    # Who never could read more is told what there is, as it changes.
    own = [Query(STATEMENTS[0], 12), Query(STATEMENTS[1], 3)]
    assert read(any_store, any_admin, integration, [*own, REFUSED]).errors == agreed.errors
    with any_store.as_viewer(any_admin) as mine:
        assert [each.runs for each in mine.catalog.frequent_queries(None)] == [12, 3]


def test_a_view_that_is_to_be_read_anew_would_go_as_well(any_store: Store, any_admin: Viewer) -> None:
    """One whose table came back has no fingerprint until the next sync; a lost right hides it all the same."""
    view = Table(None, "s", "v", "view", columns=(Column("id", 1, "int"),), definition="SELECT id FROM s.c")
    page = Asset("document", "page", "Page")
    integration = place(any_store, any_admin)
    no_table = tuple(each for each in SOURCE if getattr(each, "name", "") != "c")
    read(any_store, any_admin, integration, [], records=(*no_table, view, page))
    read(any_store, any_admin, integration, [], records=(*SOURCE, view, page))
    lost = read(any_store, any_admin, integration, [], records=(*SOURCE, page, Unread("views")))
    assert (lost.status, lost.removed) == ("stopped", 0) and "(1 thing)" in lost.errors[0]
