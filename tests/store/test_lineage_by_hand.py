"""Lineage that people draw, across integrations, and what breaks when something is dropped."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from plugin.access.viewer import Role, Viewer
from plugin.catalog.sync import add_integration, sync
from plugin.catalog.sync.imports import import_path
from plugin.errors import BadInput, NotFound, Refused
from plugin.store import Store


def table(
    name: str, columns: tuple[str, ...], definition: str | None = None, owner: str = ""
) -> dict[str, object]:
    return {
        "entity_type": "view" if definition else "table", "databuilder_id": name, "title": name, "schema": "s",
        "database": "d", "columns": [{"name": each, "type": "int"} for each in columns], "definition": definition,
        "owners": [owner] if owner else [],
    }  # fmt: skip


LAKE = [
    table("raw", ("a", "b")),
    table("kept", ("a",), "SELECT a FROM s.raw", "Ann"),
    table("filtered", ("n",), "SELECT count(*) AS n FROM s.raw WHERE a > 1", "Bob"),
    table("last", ("a",), "SELECT a FROM s.kept", "Ann"),
]
BOARDS = [
    {"entity_type": "dashboard_group", "databuilder_id": "g", "title": "Sales"},
    {"entity_type": "dashboard", "databuilder_id": "b", "title": "Board", "parent_databuilder_id": "g"},
]


@pytest.fixture
def two(any_store: Store, any_admin: Viewer, tmp_path: Path) -> Callable[[], None]:
    """Two integrations; call it to import both again."""

    def load() -> None:
        for name, lines in (("lake", LAKE), ("boards", BOARDS)):
            file = tmp_path / f"{name}.jsonl"
            file.write_text("\n".join(json.dumps(line) for line in lines))
            assert not import_path(any_store, any_admin, str(file), integration=name).errors

    load()
    return load


def test_an_edge_by_hand_crosses_integrations_and_survives_a_sync(
    any_store: Store, any_admin: Viewer, two: Callable[[], None]
) -> None:
    with any_store.as_viewer(any_admin) as mine:
        last, board = mine.catalog.by_name("s.last"), mine.catalog.by_name("Sales.Board", kind="dashboard")
        mine.edits.add_edge(last.id, board.id)
        mine.edits.add_edge(last.id, board.id)
    two()
    with any_store.as_viewer(any_admin) as mine:
        (edge,) = mine.catalog.lineage(board.id).edges
        assert (edge.upstream, edge.source, edge.confidence) == (last.qualified_name, "manual", 1.0)
        assert mine.catalog.activity(board.id)[0].field == "lineage"
        raw = mine.catalog.by_name("s.raw")
        found = mine.catalog.impact(raw.id)
        assert [(each.resource.name, each.hops) for each in found.broken] == [
            ("filtered", 1), ("kept", 1), ("last", 2), ("Board", 3),
        ]  # fmt: skip
        assert [(owner.name, number) for owner, number in found.tell] == [("Ann", 2), ("Bob", 1)]
        assert (found.unowned, found.cut) == (1, False)
    with any_store.as_viewer(any_admin) as mine:
        mine.edits.remove_edge(last.id, board.id)
        assert mine.catalog.lineage(board.id).edges == ()
        with pytest.raises(NotFound):
            mine.edits.remove_edge(last.id, board.id)
        with pytest.raises(NotFound):  # what a view's definition says is not a person's to erase
            mine.edits.remove_edge(raw.id, mine.catalog.by_name("s.kept").id)
    with any_store.as_admin(any_admin) as admin:
        assert [each.action for each in admin.audit.entries() if each.action == "catalog.lineage"] == [
            "catalog.lineage"
        ] * 2


def test_what_breaks_with_a_column_is_told_as_sure_or_not(
    any_store: Store, any_admin: Viewer, two: Callable[[], None]
) -> None:
    with any_store.as_viewer(any_admin) as mine:
        found = mine.catalog.impact(mine.catalog.by_name("s.raw.a").id)
        assert {each.resource.name: (each.certain, each.columns) for each in found.broken} == {
            "kept": (True, ("a",)),
            "last": (True, ("a",)),
            "filtered": (False, ()),
        }


def test_a_column_is_drawn_to_a_column(any_store: Store, any_admin: Viewer, two: Callable[[], None]) -> None:
    with any_store.as_viewer(any_admin) as mine:
        b, n = mine.catalog.by_name("s.raw.b"), mine.catalog.by_name("s.filtered.n")
        mine.edits.add_edge(b.id, n.id)
        (edge,) = mine.catalog.lineage(n.id, downstream=False).edges
        assert (edge.upstream_column, edge.downstream_column, edge.source) == ("b", "n", "manual")
        for one, other in ((b.id, n.parent_id), (b.id, b.id), (b.parent_id, b.parent_id)):
            with pytest.raises(BadInput):
                mine.edits.add_edge(one or 0, other or 0)
        with pytest.raises(BadInput):
            mine.edits.add_edge(b.parent_id or 0, mine.catalog.by_name("d.s", kind="schema").id)


def test_who_may_not_edit_draws_nothing(any_store: Store, any_admin: Viewer, two: Callable[[], None]) -> None:
    with any_store.as_viewer(any_admin) as mine:
        last, board = mine.catalog.by_name("s.last"), mine.catalog.by_name("Sales.Board", kind="dashboard")
    with any_store.as_admin(any_admin) as admin:
        admin.people.add_member("vera@example.org", Role.VIEWER, "Vera", "correct horse battery")
    with any_store.sign_in() as door:
        outsider = door.viewer_for_email(None, "vera@example.org")
    with any_store.as_viewer(outsider) as mine, pytest.raises((NotFound, Refused)):
        mine.edits.add_edge(last.id, board.id)
    with any_store.as_viewer(any_admin.as_assistant()) as mine, pytest.raises(Refused):
        mine.edits.add_edge(last.id, board.id)


@pytest.mark.parametrize("dropped", ["upstream", "downstream"])
def test_an_edge_by_hand_comes_back_with_its_table(
    any_store: Store, any_admin: Viewer, tmp_path: Path, dropped: str
) -> None:
    ids = {}
    for name in ("one", "two"):
        run(tmp_path / f"{name}.sqlite3", f"CREATE TABLE {name} (x TEXT)")
        ids[name] = add_integration(
            any_store, any_admin, name, "sqlite", settings={"url": f"sqlite:///{tmp_path / name}.sqlite3"}, secrets={}
        ).id  # fmt: skip
        assert sync(any_store, any_admin, ids[name]).status == "done"
    with any_store.as_viewer(any_admin) as mine:
        mine.edits.add_edge(mine.catalog.by_name("one").id, mine.catalog.by_name("two").id)
    gone = "one" if dropped == "upstream" else "two"
    for statement in (f"DROP TABLE {gone}", f"CREATE TABLE {gone} (x TEXT)"):
        run(tmp_path / f"{gone}.sqlite3", statement)
        assert sync(any_store, any_admin, ids[gone], full=True).status == "done"
    with any_store.as_viewer(any_admin) as mine:
        (edge,) = mine.catalog.lineage(mine.catalog.by_name("two").id).edges
        assert (edge.upstream, edge.source, edge.confidence) == (
            mine.catalog.by_name("one").qualified_name, "manual", 1.0,
        )  # fmt: skip


@pytest.mark.parametrize("what", ["table", "column"])
@pytest.mark.parametrize("dropped", ["upstream", "downstream"])
def test_an_edge_of_columns_by_hand_comes_back_with_its_table_or_column(
    any_store: Store, any_admin: Viewer, tmp_path: Path, dropped: str, what: str
) -> None:
    ids = {}
    for name in ("one", "two"):
        run(tmp_path / f"{name}.sqlite3", f"CREATE TABLE {name} (x TEXT, y TEXT)")
        ids[name] = add_integration(
            any_store, any_admin, name, "sqlite", settings={"url": f"sqlite:///{tmp_path / name}.sqlite3"}, secrets={}
        ).id  # fmt: skip
        assert sync(any_store, any_admin, ids[name]).status == "done"
    with any_store.as_viewer(any_admin) as mine:
        mine.edits.add_edge(mine.catalog.by_name("one.x").id, mine.catalog.by_name("two.y").id)
    gone, column = ("one", "x") if dropped == "upstream" else ("two", "y")
    table = (f"DROP TABLE {gone}", f"CREATE TABLE {gone} (x TEXT, y TEXT)")
    columns = (f"ALTER TABLE {gone} DROP COLUMN {column}", f"ALTER TABLE {gone} ADD COLUMN {column} TEXT")
    for number, statement in enumerate(table if what == "table" else columns):
        run(tmp_path / f"{gone}.sqlite3", statement)
        assert sync(any_store, any_admin, ids[gone], full=True).status == "done"
        if number == 0:
            with any_store.as_viewer(any_admin) as mine:
                left = mine.catalog.by_name("two" if gone == "one" else "one").id
                assert [each for each in mine.catalog.lineage(left).edges if each.upstream_column] == []
    with any_store.as_viewer(any_admin) as mine:
        edges = mine.catalog.lineage(mine.catalog.by_name("two.y").id, downstream=False).edges
        assert [(each.upstream_column, each.downstream_column, each.source) for each in edges] == [
            ("x", "y", "manual")
        ]
        whole = mine.catalog.lineage(mine.catalog.by_name("two").id).edges
        assert [each.source for each in whole if each.kind == "table"] == ["manual"]
        mine.edits.remove_edge(mine.catalog.by_name("one.x").id, mine.catalog.by_name("two.y").id)


def run(path: Path, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute(statement)
