"""Labels that a source gives: whatever changed at once is merged as if it had changed thing by thing, in bulk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from sqlalchemy.engine import Engine

from connectors.records import Asset, Column, Record, Schema, Table
from connectors.sqlite import SQLite
from plugin.access.viewer import Viewer
from plugin.catalog.sync import add_integration, run_queued_sync
from plugin.store import Store
from plugin.store.shapes import Sync

Labels = tuple[frozenset[str], frozenset[str]]
"""Tags and owners."""
SOME = st.tuples(
    st.frozensets(st.sampled_from(("gold", "pii", "Gold", "t" * 220)), max_size=3),
    st.frozensets(st.sampled_from(("ada@example.com", "grace", "Grace")), max_size=2),
)
STATE = st.lists(SOME, min_size=3, max_size=3)


class Told(SQLite):
    """A connector whose source has these records now."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records

    def extract(self) -> Iterator[Record]:
        yield from self._records


def read(store: Store, admin: Viewer, integration: int, records: Sequence[Record], **how: Any) -> Sync:
    with store.ingest(admin.workspace_id, integration) as ingest:
        queued = ingest.syncs.queue(integration)
    return run_queued_sync(store, admin.workspace_id, integration, queued.id, connector=Told(records), **how)


def place(store: Store, admin: Viewer, tmp_path: Path, name: str) -> int:
    url = {"url": f"sqlite:///{tmp_path}/nothing.sqlite3"}
    return add_integration(store, admin, name, "sqlite", settings=url, secrets={}).id


def source(state: Sequence[Labels]) -> list[Record]:
    """A table, whose column is labelled as well, and a dashboard for each."""
    found: list[Record] = [Schema(None, "main")]
    for n, (tags, owners) in enumerate(state):
        columns = (Column("id", 1, "int"), Column("note", 2, "text", tags=tuple(sorted(tags))))
        found.append(Table(None, "main", f"t{n}", columns=columns, tags=tuple(sorted(tags))))
        found.append(
            Asset("dashboard", f"b{n}", f"Board {n}", tags=tuple(sorted(tags)), owners=tuple(sorted(owners)))
        )
    return found


def labels(store: Store, admin: Viewer, integration: int) -> dict[str, tuple[list[str], list[str]]]:
    """Tags and owners of the first things of each kind, by qualified name."""
    with store.as_viewer(admin) as mine:
        tables = mine.catalog.browse(integration=integration, kinds=("table",), limit=10).items
        boards = mine.catalog.browse(integration=integration, kinds=("dashboard",), limit=10).items
        columns = [column for table in tables for column in mine.catalog.columns(table.id)]
        things = [*tables, *boards, *columns]
    return {
        each.qualified_name: (sorted(each.tags), sorted(owner.name for owner in each.owners))
        for each in things
    }


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=STATE, after=STATE, mode=st.sampled_from(("smart", "always", "never")))
def test_all_at_once_is_as_one_by_one(
    store: Store, admin: Viewer, tmp_path: Path, before: list[Labels], after: list[Labels], mode: str
) -> None:
    ends = []
    for steps in ([before, after], [before, after[:1] + before[1:], after], [after]):
        integration = place(store, admin, tmp_path, f"s{next(NUMBERS)}")
        with store.as_admin(admin) as door:
            door.integrations.update(integration, options={"import_mode": mode})
        for each in steps:
            assert read(store, admin, integration, source(each)).status == "done"
        ends.append(labels(store, admin, integration))
    assert ends[0] == ends[1] == ends[2]


NUMBERS = iter(range(1_000_000))


def test_what_a_person_put_stays_whatever_else_changes(
    any_store: Store, any_admin: Viewer, tmp_path: Path
) -> None:
    integration = place(any_store, any_admin, tmp_path, "labelled")
    gold: Labels = (frozenset({"gold"}), frozenset({"grace"}))
    none: Labels = (frozenset(), frozenset())
    more: Labels = (frozenset({"gold", "pii"}), frozenset({"grace"}))
    read(any_store, any_admin, integration, source([gold, gold, gold]))
    with any_store.as_viewer(any_admin) as mine:
        tables = {each.name: each.id for each in mine.catalog.browse(kinds=("table",)).items}
        mine.edits.add_tag(tables["t0"], "mine")
        mine.edits.remove_tag(tables["t2"], "gold")
    read(any_store, any_admin, integration, source([none, none, more]))
    found = labels(any_store, any_admin, integration)
    assert {name: tags for name, (tags, _owners) in found.items() if tags} == {
        "main.t0": ["mine"],
        "main.t2.note": ["gold", "pii"],
        "Board 2": ["gold", "pii"],
    }
    assert found["Board 0"] == ([], []) and found["Board 2"][1] == ["grace"]


def test_tags_that_are_alike_as_far_as_they_are_kept_are_one(
    any_store: Store, any_admin: Viewer, tmp_path: Path
) -> None:
    integration = place(any_store, any_admin, tmp_path, "long")
    alike: Labels = (frozenset({"t" * 200 + "a", "t" * 200 + "b"}), frozenset())
    none: Labels = (frozenset(), frozenset())
    for state in ([alike, none], [none, alike]):
        assert read(any_store, any_admin, integration, source(state)).status == "done"
    found = labels(any_store, any_admin, integration)
    assert {name for name, (tags, _owners) in found.items() if tags == ["t" * 200]} == {
        "main.t1", "main.t1.note", "Board 1"
    }  # fmt: skip


def test_the_labels_of_many_are_not_many_statements(
    any_store: Store, any_admin: Viewer, tmp_path: Path
) -> None:
    def statements(how_many: int) -> int:
        integration = place(any_store, any_admin, tmp_path, f"many {how_many}")
        was: Labels = (frozenset({"old", "both"}), frozenset({"grace"}))
        now: Labels = (frozenset({"new", "both"}), frozenset({"ada@example.com"}))
        read(any_store, any_admin, integration, source([was] * how_many))
        counted: list[str] = []

        def count(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            counted.append(statement)

        event.listen(Engine, "before_cursor_execute", count)
        try:
            read(any_store, any_admin, integration, source([now] * how_many))
        finally:
            event.remove(Engine, "before_cursor_execute", count)
        found = labels(any_store, any_admin, integration)
        assert ["both", "new"] == found["Board 0"][0] == found["main.t0"][0] == found["main.t0.note"][0]
        assert found["Board 0"][1] == ["ada@example.com"]
        return len(counted)

    # Two batches of 250 tables and as many dashboards, and their labels written in pieces.
    assert statements(250) - statements(10) <= 40
