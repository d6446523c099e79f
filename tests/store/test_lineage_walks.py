"""Walks over lineage: what is cut is told, what is listed is part of what is counted, few statements a page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from connectors.records import Asset, Column, Lineage, Ref, Schema, Table
from plugin.access.viewer import Viewer
from plugin.catalog.sync.reader import Reader
from plugin.errors import NotFound
from plugin.store import Store, impact
from plugin.store.staging import Stage

SOURCES = 60
STEPS = 20
LEAVES = 30
Loaded = Callable[[str], int]


def ref(name: str, column: str | None = None) -> Ref:
    return Ref(schema="s", table=name, column=column)


def records() -> Iterator[Schema | Table | Asset | Lineage]:
    yield Schema(None, "s")
    for name in ("start", "near", "far", *(f"step{at:02}" for at in range(STEPS))):
        yield Table(None, "s", name, columns=(Column("id", 1, "int"),))
    for at in range(LEAVES):
        yield Asset("model", f"leaf{at:02}", f"leaf{at:02}", owners=("Ann",) if at % 3 else ())
    for number in range(SOURCES):
        yield Lineage(ref("start"), ref("near"), f"source{number:02}")
        yield Lineage(ref("start", "id"), ref("near", "id"), f"source{number:02}")
    yield Lineage(ref("start"), ref("far"), "view")
    yield Lineage(ref("start", "id"), ref("far", "id"), "view")
    for at in range(STEPS - 1):
        yield Lineage(ref(f"step{at:02}"), ref(f"step{at + 1:02}"), "view")
        yield Lineage(ref(f"step{at:02}", "id"), ref(f"step{at + 1:02}", "id"), "view")
    for at in range(LEAVES):
        yield Lineage(ref("step00"), Ref(key=f"leaf{at:02}"), "view")


@pytest.fixture
def loaded(any_store: Store, any_admin: Viewer) -> Loaded:
    """A warehouse; the id of a table by its name."""
    with any_store.as_admin(any_admin) as door:
        integration = door.integrations.add("lake", "sqlite", {"path": "none"}, {})
    with any_store.ingest(any_admin.workspace_id, integration.id) as ingest:
        known = ingest.known()
    with Stage(known) as stage:
        reader = Reader(stage, "sqlite")
        for record in records():
            reader.take(record)
        with any_store.ingest(any_admin.workspace_id, integration.id) as ingest:
            reader.link(ingest.columns_of)
            ingest.merge(stage, rank=None)

    def id_of(name: str) -> int:
        with any_store.as_viewer(any_admin) as mine:
            return mine.catalog.by_name(f"s.{name}").id

    return id_of


@contextmanager
def counted(store: Store) -> Iterator[list[str]]:
    """The statements that the store sends meanwhile."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, sql: str, *_more: Any) -> None:
        sent.append(sql)

    event.listen(store._engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(store._engine, "before_cursor_execute", note)


def test_what_stands_behind_many_edges_to_one_neighbour_is_told_as_cut(
    any_store: Store, any_admin: Viewer, loaded: Loaded
) -> None:
    start = loaded("start")
    with any_store.as_viewer(any_admin) as mine:
        few = mine.catalog.lineage(start, limit=2)
        whole = mine.catalog.lineage(start, limit=10)
    assert {each.name for each in few.resources.values()} == {"start", "near"} and few.cut
    assert {each.name for each in whole.resources.values()} == {"start", "near", "far"} and not whole.cut
    assert len(whole.edges) == SOURCES + 1


def test_what_stands_behind_many_edges_to_one_column_is_told_as_cut(
    any_store: Store, any_admin: Viewer, loaded: Loaded
) -> None:
    with any_store.as_viewer(any_admin) as mine:
        (column,) = mine.catalog.columns(loaded("start"))
        few = mine.catalog.lineage(column.id, limit=10)
        whole = mine.catalog.lineage(column.id, limit=100)
    assert {each.downstream for each in few.edges} == {"s.near"} and few.cut
    assert {each.downstream for each in whole.edges} == {"s.near", "s.far"} and not whole.cut


def test_flows_of_a_column_that_are_cut_are_told_with_what_breaks(
    any_store: Store, any_admin: Viewer, loaded: Loaded
) -> None:
    """Else what its values flow into would stand as what only may break, and nothing would say so."""
    with any_store.as_viewer(any_admin) as mine:
        column = mine.catalog.by_name("s.start.id").id
        few, whole = (mine.catalog.impact(column, limit=most) for most in (10, 1000))
    assert few.cut and not whole.cut
    assert {each.resource.name for each in whole.broken if each.certain} == {"near", "far"}


def test_what_is_listed_is_the_first_of_what_is_counted(
    any_store: Store, any_admin: Viewer, loaded: Loaded
) -> None:
    start = loaded("step00")
    with any_store.as_viewer(any_admin) as mine:
        whole = mine.catalog.impact(start)
        few = mine.catalog.impact(start, listed=4)
        none = mine.catalog.impact(start, listed=0)
    assert len(whole.broken) == whole.count == STEPS - 1 + LEAVES
    assert few.broken == whole.broken[:4] and none.broken == ()
    for each in (few, none):
        assert (each.count, each.tell, each.unowned, each.cut) == (
            whole.count, whole.tell, whole.unowned, whole.cut,
        )  # fmt: skip
    assert [(owner.name, number) for owner, number in whole.tell] == [("Ann", 20)]
    assert [each.certain for each in whole.broken] == sorted(
        (each.certain for each in whole.broken), reverse=True
    )


def test_what_a_page_lists_and_counts_takes_few_statements(
    any_store: Store, any_admin: Viewer, loaded: Loaded
) -> None:
    """Of 49 tables behind a start, twelve are read whole; how many edges each has is one statement for all."""
    start = loaded("step00")
    with any_store.as_viewer(any_admin) as mine:
        found = mine.catalog.lineage(start, depth=2)
        with counted(any_store) as sent:
            degrees = mine.catalog.degrees(found.resources)
        assert len(sent) == 1
        assert degrees[start] == (0, 1 + LEAVES)
        with counted(any_store) as sent:
            mine.catalog.impact(start, listed=12)
    # A hop each; the twelve with what belongs to them; and of the rest the owners.
    assert len(sent) <= STEPS + 3


def test_what_goes_while_it_is_read_is_not_told(
    any_store: Store, any_admin: Viewer, loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL sees what is committed at each statement: a sync may take a table away behind the walk that met it."""
    start, far = loaded("start"), loaded("far")
    real = impact.load
    going = {far}
    monkeypatch.setattr(
        impact, "load", lambda *given: {id_: each for id_, each in real(*given).items() if id_ not in going}
    )
    with any_store.as_viewer(any_admin) as mine:
        assert [each.resource.name for each in mine.catalog.impact(start).broken] == ["near"]
        going.add(start)
        with pytest.raises(NotFound):
            mine.catalog.impact(start)
