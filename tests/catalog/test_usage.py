"""How tables are used, as people who see not everything are told: statements, runs, people, and what nothing uses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from connectors.records import Column, Database, Key, Query, Record, Schema, Table, Unread
from connectors.sqlite import SQLite
from plugin.access.viewer import Viewer
from plugin.catalog.sync import add_integration, run_queued_sync
from plugin.cli import cli
from plugin.store import Store
from plugin.tools.browse import browse
from plugin.tools.frequent_queries import NO_LOG, NO_STATEMENT, frequent_queries

SHOP: tuple[Record, ...] = (
    Database("shop"),
    Schema("shop", "sales"),
    Schema("shop", "hr"),
    Table("shop", "sales", "orders", columns=(Column("id", 1, "INTEGER"), Column("card", 2, "TEXT"))),
    Table("shop", "sales", "attic", columns=(Column("id", 1, "INTEGER"),), row_estimate=9),
    Table("shop", "hr", "salaries", columns=(Column("id", 1, "INTEGER"),)),
)
RAN = datetime(2026, 11, 2, tzinfo=UTC)
LOG = (
    Query("SELECT id FROM sales.orders WHERE id = 1", 9, ("ana", "ben"), RAN),
    Query("SELECT card FROM sales.orders", 2, ("ana",)),
    Query("SELECT o.id FROM sales.orders o JOIN hr.salaries s ON s.id = o.id", 50, ("ana", "ben", "cleo")),
)


class Tool(SQLite):
    """A source with these records, and with this log."""

    def __init__(self, records: Sequence[Record], log: Sequence[Query | Unread]) -> None:
        self._records, self._log = records, log

    def extract(self) -> Iterator[Record]:
        yield from self._records

    def queries(self) -> Iterator[Query | Unread]:
        yield from self._log


@pytest.fixture
def tool(any_store: Store, any_admin: Viewer, tmp_path: Path) -> int:
    place = {"url": f"sqlite:///{tmp_path}/nothing.sqlite3"}
    return add_integration(any_store, any_admin, "tool", "sqlite", settings=place, secrets={}).id


def read(
    store: Store, admin: Viewer, tool: int, *log: Query | Unread, records: Sequence[Record] = SHOP
) -> None:
    with store.ingest(admin.workspace_id, tool) as ingest:
        queued = ingest.syncs.queue(tool, full=False)
    done = run_queued_sync(store, admin.workspace_id, tool, queued.id, connector=Tool(records, log))
    assert done.status == "done"


def guest_of(store: Store, admin: Viewer, tool: int, schema: str) -> Viewer:
    """Somebody who sees this schema of it and nothing else."""
    with store.as_viewer(admin) as mine:
        place = mine.catalog.by_name(schema).id
    with store.as_admin(admin) as door:
        team = door.people.add_team("Sales", private=True).id
        sam = door.people.add_member("sam@harbor.example", "guest", password="correct-horse-9-battery")
        door.people.add_to_team(team, sam.id)
        door.people.grant(team, tool, place)
    return Viewer(admin.workspace_id, sam.id, sam.role, sam.email, sam.name)


def test_use_is_summed_over_what_the_viewer_sees(any_store: Store, any_admin: Viewer, tool: int) -> None:
    read(any_store, any_admin, tool, *LOG)
    guest = guest_of(any_store, any_admin, tool, "shop.sales")
    with any_store.as_viewer(any_admin) as mine:
        orders = mine.catalog.by_name("sales.orders")
        assert tuple(mine.catalog.use(orders.id)) == (3, 61, 3, RAN)
        assert [each.runs for each in mine.catalog.frequent_queries(None)] == [50, 9, 2]
        assert [each.runs for each in mine.catalog.frequent_queries(mine.catalog.by_name("shop.hr").id)] == [
            50
        ]
        assert [each.people for each in mine.catalog.frequent_queries(orders.id)] == [3, 2, 1]
    with any_store.as_viewer(guest) as mine:
        assert tuple(mine.catalog.use(orders.id)) == (2, 11, 2, RAN)
        for within in (None, orders.parent_id, orders.id):
            assert [each.runs for each in mine.catalog.frequent_queries(within)] == [9, 2]
        told = repr(frequent_queries(mine)) + repr(frequent_queries(mine, "sales.orders"))
        assert "salaries" not in told and "50" not in told and "ana" not in told
        assert "{'statements': 2, 'runs': 11, 'people': 2}" in told


def test_a_statement_goes_with_a_table_that_it_names(any_store: Store, any_admin: Viewer, tool: int) -> None:
    """Also where the log is not read that time: else who sees the other table would read the name of what went."""
    read(any_store, any_admin, tool, *LOG)
    guest = guest_of(any_store, any_admin, tool, "shop.sales")
    read(any_store, any_admin, tool, Unread("the query log"), records=SHOP[:-1])
    for who in (guest, any_admin):
        with any_store.as_viewer(who) as mine:
            assert [each.sql for each in mine.catalog.frequent_queries(None)] == [
                "SELECT id FROM sales.orders WHERE id = ?",
                "SELECT card FROM sales.orders",
            ]


def test_a_statement_with_a_column_that_the_filters_hide_is_not_for_the_assistant(
    any_store: Store, any_admin: Viewer, tool: int
) -> None:
    read(any_store, any_admin, tool, *LOG)
    with any_store.as_viewer(any_admin) as mine:
        card = mine.catalog.by_name("sales.orders.card")
        mine.edits.add_tag(card.id, "closed")
    with any_store.as_admin(any_admin) as door:
        door.settings.set("ai.filters", [{"effect": "exclude", "tags": ["closed"]}])
    with any_store.as_viewer(any_admin.as_assistant()) as mine:
        assert "card" not in repr(frequent_queries(mine, "sales.orders")) + repr(frequent_queries(mine))
        assert len(mine.catalog.frequent_queries(None)) == 2
    with any_store.as_viewer(any_admin) as mine:
        assert len(mine.catalog.frequent_queries(None)) == 3


PEOPLE: tuple[Record, ...] = (
    Database("shop"),
    Schema("shop", "sales"),
    Schema("shop", "hr"),
    *(
        Table(
            "shop",
            "sales",
            name,
            columns=tuple(Column(each, at, "INTEGER") for at, each in enumerate(names, 1)),
        )
        for name, names in {
            "orders": ("id", "who", "2fa", "rank"),
            "people": ("id", "rank", "secret"),
        }.items()
    ),
    Table("shop", "hr", "salaries", columns=(Column("id", 1, "INTEGER"),)),
)
ON_WHO = "SELECT o.id FROM sales.orders o JOIN sales.people p ON p.id = o.who"
ON_RANK = "SELECT o.id FROM sales.orders o JOIN sales.people p ON p.rank = o.rank"
WITH_HIDDEN = f"{ON_RANK} JOIN hr.salaries s ON s.id = o.id"


def test_a_join_is_told_to_who_sees_the_statement_that_it_is_in(
    any_store: Store, any_admin: Viewer, tool: int
) -> None:
    """Neither that there is one nor which comes first is told by a statement over a hidden table."""
    read(any_store, any_admin, tool, Query(ON_WHO, 5), Query(WITH_HIDDEN, 50), records=PEOPLE)
    guest = guest_of(any_store, any_admin, tool, "shop.sales")

    def on(who: Viewer) -> list[list[set[str]]]:
        with any_store.as_viewer(who) as mine:
            orders, people = mine.catalog.by_name("sales.orders"), mine.catalog.by_name("sales.people")
            return [[{*each.on[0]} for each in mine.catalog.joins(orders.id, people.id)]]

    assert on(any_admin) == [[{"rank"}, {"who", "id"}]]
    assert on(guest) == [[{"who", "id"}]]
    read(
        any_store,
        any_admin,
        tool,
        Query(ON_WHO, 5),
        Query(ON_RANK, 2),
        Query(WITH_HIDDEN, 50),
        records=PEOPLE,
    )
    assert on(guest) == [[{"who", "id"}, {"rank"}]] and on(any_admin) == [[{"rank"}, {"who", "id"}]]
    read(any_store, any_admin, tool, Query(ON_WHO, 5), Query(WITH_HIDDEN, 50), records=PEOPLE)
    read(any_store, any_admin, tool, Unread("the query log"), records=PEOPLE[:-1])
    assert on(any_admin) == [[{"who", "id"}]]


def test_what_is_withheld_from_the_assistant_counts_nowhere(
    any_store: Store, any_admin: Viewer, tool: int
) -> None:
    twice = 'SELECT o."2fa" FROM sales.orders o JOIN sales.people p ON p.id = o.who'
    log = [
        Query(ON_RANK, 3, ("ana",), costs={"credits": 1.0}),
        Query(f"{ON_WHO} WHERE p.secret = 4", 40, ("ana", "ben"), RAN, costs={"credits": 8.0}),
        Query(twice, 30, ("ana", "ben", "cleo"), costs={"credits": 9.0}),
    ]
    read(any_store, any_admin, tool, *log, records=PEOPLE)
    with any_store.as_viewer(any_admin) as mine:
        orders = mine.catalog.by_name("sales.orders")
        assert (
            tuple(mine.catalog.use(orders.id))[:3] == (3, 73, 3) and len(mine.catalog.joins(orders.id)) == 2
        )
        for name in ("sales.orders.2fa", "sales.people.secret"):
            mine.edits.add_tag(mine.catalog.by_name(name).id, "closed")
    with any_store.as_admin(any_admin) as door:
        door.settings.set("ai.filters", [{"effect": "exclude", "tags": ["closed"]}])
    with any_store.as_viewer(any_admin.as_assistant()) as mine:
        assert tuple(mine.catalog.use(orders.id)) == (1, 3, 1, None)
        assert mine.catalog.query_costs(orders.id) == {"credits": 1.0}
        assert [{*each.on[0]} for each in mine.catalog.joins(orders.id)] == [{"rank"}]
        assert mine.catalog.logged() == {tool}


def test_what_nothing_uses_is_told_apart_from_what_no_log_tells(
    any_store: Store, any_admin: Viewer, tool: int
) -> None:
    read(any_store, any_admin, tool)
    with any_store.as_viewer(any_admin) as mine:
        found = browse(mine, "unused")
        assert {each.name for each in found.value} == {"orders", "attic", "salaries"}
        assert found.note == "Which queries run is not known of tool."
        assert NO_LOG in frequent_queries(mine, "sales.attic").note
    read(any_store, any_admin, tool, *LOG)
    with any_store.as_viewer(any_admin) as mine:
        found = browse(mine, "unused")
        assert [each.name for each in found.value] == ["attic"] and not found.note
        assert NO_STATEMENT in frequent_queries(mine, "sales.attic").note
    guest = guest_of(any_store, any_admin, tool, "shop.sales")
    read(any_store, any_admin, tool, LOG[2])
    for who, expected in ((any_admin, {"attic"}), (guest, {"attic", "orders"})):
        with any_store.as_viewer(who) as mine:
            assert {each.name for each in browse(mine, "unused").value} == expected, (
                "what is hidden is no use"
            )


def test_a_table_that_only_some_see_the_readers_of_is_used_for_them(
    any_store: Store, any_admin: Viewer, tool: int
) -> None:
    reports: tuple[Record, ...] = (
        Table(
            "shop", "hr", "old", "view", columns=(Column("id", 1, "INTEGER"),),
            definition="SELECT id FROM sales.attic",
        ),
        Table(
            "shop", "hr", "paid", columns=(Column("id", 1, "INTEGER"),),
            keys=(Key("foreign", "paid_order", ("id",), "sales", "orders", ("id",)),),
        ),
    )  # fmt: skip
    read(any_store, any_admin, tool, records=(*SHOP, *reports))
    guest = guest_of(any_store, any_admin, tool, "shop.sales")
    for who, expected in ((any_admin, {"salaries", "old", "paid"}), (guest, {"attic", "orders"})):
        with any_store.as_viewer(who) as mine:
            assert {each.name for each in browse(mine, "unused").value} == expected
            assert mine.catalog.by_name("sales.attic").popularity == 0


def test_the_command_line_tells_how_a_table_is_used(
    store: Store, admin: Viewer, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = {"url": f"sqlite:///{tmp_path}/nothing.sqlite3"}
    tool = add_integration(store, admin, "tool", "sqlite", settings=place, secrets={}).id
    read(store, admin, tool, *LOG)
    monkeypatch.setenv("DOCENT_HOME", str(home))
    said = CliRunner().invoke(cli, ["show", "sales.orders"], catch_exceptions=False).stdout
    assert (
        "Popularity " in said and "Queried 61 times by 3 statements of the query log, from at least 3" in said
    )
    assert "9 times by 2 people: SELECT id FROM sales.orders WHERE id = ?" in said and "ana" not in said
    unused = CliRunner().invoke(cli, ["show", "sales.attic"], catch_exceptions=False).stdout
    assert "Queried" not in unused and "Popularity" not in unused
