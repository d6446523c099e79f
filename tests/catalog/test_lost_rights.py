"""A role that lost a right: a sync says what it could not read, and does not take that for gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.records import Asset, Lineage, Record, Ref, Unread
from connectors.sqlite import SQLite
from plugin.access.viewer import Viewer
from plugin.catalog.sync import add_integration, run_queued_sync
from plugin.store import Store
from plugin.store.shapes import Sync

PAGES = tuple(Asset("document", f"page/{n}", f"Page {n}") for n in range(3))
BOARDS = tuple(Asset("dashboard", f"board/{n}", f"Board {n}") for n in range(2))
NO_BOARDS = Unread("dashboards")


class Tool(SQLite):
    """A connector whose source has these records now."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records

    def extract(self) -> Iterator[Record]:
        yield from self._records


@pytest.fixture
def tool(any_store: Store, any_admin: Viewer, tmp_path: Path) -> int:
    place = {"url": f"sqlite:///{tmp_path}/nothing.sqlite3"}
    return add_integration(any_store, any_admin, "tool", "sqlite", settings=place, secrets={}).id


def read(store: Store, admin: Viewer, tool: int, *records: Record, full: bool = False) -> Sync:
    with store.ingest(admin.workspace_id, tool) as ingest:
        queued = ingest.syncs.queue(tool, full=full)
    return run_queued_sync(store, admin.workspace_id, tool, queued.id, full=full, connector=Tool(records))


def names(store: Store, admin: Viewer) -> set[str]:
    with store.as_viewer(admin) as mine:
        return {each.resource.name for each in mine.catalog.search("page board", limit=20).hits}


def test_what_a_role_may_no_longer_read_is_not_taken_for_gone(
    any_store: Store, any_admin: Viewer, tool: int
) -> None:
    assert read(any_store, any_admin, tool, *PAGES, *BOARDS).errors == ()
    whole = names(any_store, any_admin)
    assert {"Board 0", "Board 1"} < whole
    lost = read(any_store, any_admin, tool, *PAGES, NO_BOARDS)
    assert (lost.status, lost.removed) == ("stopped", 0)
    assert "no right any more to read dashboards" in lost.errors[0] and "(2 things)" in lost.errors[0]
    assert names(any_store, any_admin) == whole
    again = read(any_store, any_admin, tool, *PAGES, NO_BOARDS)
    assert again.status == "stopped", "a second look is no reason to remove it"
    back = read(any_store, any_admin, tool, *PAGES, *BOARDS)
    assert (back.status, back.unchanged, back.errors) == ("done", 5, ())


def test_sizes_and_costs_that_may_not_be_read_stop_nothing(
    any_store: Store, any_admin: Viewer, tool: int
) -> None:
    read(any_store, any_admin, tool, *PAGES, *BOARDS)
    after = read(any_store, any_admin, tool, *PAGES, Unread("sizes", things=False))
    assert (after.status, after.removed) == ("done", 2) and "sizes" in after.errors[0]


def test_somebody_can_say_that_it_is_right_so(any_store: Store, any_admin: Viewer, tool: int) -> None:
    read(any_store, any_admin, tool, *PAGES, *BOARDS)
    agreed = read(any_store, any_admin, tool, *PAGES, NO_BOARDS, full=True)
    assert (agreed.status, agreed.removed, agreed.errors) == ("done", 2, (str(NO_BOARDS),))
    after = read(any_store, any_admin, tool, *PAGES[:2], NO_BOARDS)
    assert (after.status, after.removed) == ("done", 1), (
        "what was said before does not stop what is really gone"
    )


def test_what_could_never_be_read_is_said_and_stops_nothing(
    any_store: Store, any_admin: Viewer, tool: int
) -> None:
    first = read(any_store, any_admin, tool, *PAGES, NO_BOARDS)
    assert (first.status, first.created, first.errors) == (
        "done",
        3,
        ("no right to read dashboards: left out",),
    )
    second = read(any_store, any_admin, tool, *PAGES[:2], NO_BOARDS)
    assert (second.status, second.removed, second.errors) == ("done", 1, first.errors)


def test_a_part_without_a_right_and_nothing_gone_is_only_said(
    any_store: Store, any_admin: Viewer, tool: int
) -> None:
    read(any_store, any_admin, tool, *PAGES)
    more = read(any_store, any_admin, tool, *PAGES, *BOARDS[:1], Unread("tags"))
    assert (more.status, more.created, more.errors) == ("done", 1, ("no right to read tags: left out",))


OWNED = Asset("dashboard", "board/9", "Board 9", owners=("ada@example.com",), tags=("gold",))
DRAWN = Lineage(Ref("page/0"), Ref("board/9"), "tool")


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ((replace(OWNED, owners=()), DRAWN), "(1 owner)"),
        ((replace(OWNED, tags=()), DRAWN), "(1 tag)"),
        ((OWNED,), "(1 edge)"),
    ],
    ids=("owners", "tags", "edges"),
)
def test_neither_is_what_things_carry(
    any_store: Store, any_admin: Viewer, tool: int, now: tuple[Record, ...], said: str
) -> None:
    def carried() -> tuple[object, ...]:
        with any_store.as_viewer(any_admin) as mine:
            (board,) = mine.catalog.search("Board 9", kinds=("dashboard",), limit=1).hits
            whole = mine.catalog.resource(board.resource.id)
            edges = mine.catalog.lineage(board.resource.id, depth=1).edges
            return [owner.name for owner in whole.owners], whole.tags, len(edges)

    read(any_store, any_admin, tool, *PAGES, OWNED, DRAWN)
    before = carried()
    lost = read(any_store, any_admin, tool, *PAGES, *now, NO_BOARDS)
    assert lost.status == "stopped" and said in lost.errors[0]
    assert carried() == before
    same = read(any_store, any_admin, tool, *PAGES, OWNED, DRAWN, NO_BOARDS)
    assert same.status == "done", "a right that nothing hangs on stops nothing"


def test_lineage_that_a_source_states_no_more_goes(any_store: Store, any_admin: Viewer, tool: int) -> None:
    read(any_store, any_admin, tool, *PAGES, OWNED, DRAWN)
    assert read(any_store, any_admin, tool, *PAGES, OWNED).status == "done"
    with any_store.as_viewer(any_admin) as mine:
        (board,) = mine.catalog.search("Board 9", kinds=("dashboard",), limit=1).hits
        assert not mine.catalog.lineage(board.resource.id, depth=1).edges


def test_a_source_that_tells_nothing_at_all_is_asked_about(
    any_store: Store, any_admin: Viewer, tool: int
) -> None:
    read(any_store, any_admin, tool, *PAGES)
    empty = read(any_store, any_admin, tool)
    assert (empty.status, empty.removed) == ("stopped", 0) and "0 of the 3 things" in empty.errors[0]
    assert read(any_store, any_admin, tool, full=True).removed == 3
