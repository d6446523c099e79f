"""Lineage that a query log told, as people who do not see every table of the statement are told it: not at all.

What a view reads is the view's own and stands in the warehouse; a statement of a log is for whoever sees every table
that it names, and so is an edge that is known from it alone. No edge leads over a hidden table either.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.records import Column, Database, Query, Record, Schema, Table
from plugin.access.viewer import Viewer
from plugin.catalog.sync import add_integration
from plugin.store import Store
from plugin.tools.lineage import lineage
from tests.catalog.test_usage import guest_of, read

COLUMNS = (Column("id", 1, "INTEGER"), Column("total", 2, "INTEGER"))
ORDERS, DAILY, OTHER = (
    Table("shop", "sales", each, columns=COLUMNS) for each in ("orders", "daily", "other")
)
SALARIES = Table("shop", "hr", "salaries", columns=COLUMNS)
VIEW = Table(
    "shop",
    "sales",
    "over",
    "view",
    columns=COLUMNS,
    definition="SELECT o.id, o.total FROM sales.orders o JOIN hr.salaries s ON s.id = o.id",
)
SHOP: tuple[Record, ...] = (
    Database("shop"), Schema("shop", "sales"), Schema("shop", "hr"), ORDERS, DAILY, OTHER, SALARIES, VIEW,
)  # fmt: skip
INTO = "INSERT INTO sales.daily (id, total) SELECT o.id, o.total FROM sales.orders o"
OVER_HIDDEN = Query(f"{INTO} JOIN hr.salaries s ON s.id = o.id", 50)
ONLY_ASKS = Query(f"{INTO} WHERE o.id IN (SELECT id FROM hr.salaries)", 5)
PLAIN = Query(f"{INTO} WHERE o.id > 3", 2)
WITH_OTHER = Query(f"{INTO} JOIN sales.other x ON x.id = o.id", 7)
BY_STAR = Query("INSERT INTO sales.daily SELECT u.* FROM sales.orders o, unknown_one u", 4)

Told = set[tuple[str, str, str | None, float]]


@pytest.fixture
def tool(any_store: Store, any_admin: Viewer, tmp_path: Path) -> int:
    place = {"url": f"sqlite:///{tmp_path}/nothing.sqlite3"}
    return add_integration(any_store, any_admin, "tool", "sqlite", settings=place, secrets={}).id


def told(store: Store, who: Viewer, name: str = "sales.orders") -> Told:
    """What of the log's lineage this reader is told at a table: edges, and it is the same whichever way they ask."""
    with store.as_viewer(who) as mine:
        start = mine.catalog.by_name(name).id
        found = mine.catalog.lineage(start, depth=5, columns=True).edges
        edges = [each for each in found if each.source == "query_log"]
        assert len({(each.upstream, each.downstream, each.upstream_column) for each in edges}) == len(edges)
        below = {each.downstream_id for each in found if each.upstream_id == start}
        assert mine.catalog.degrees([start])[start][1] == len(below)
        assert {each.resource.id for each in mine.catalog.impact(start).broken if each.hops == 1} == below
        assert [*lineage(mine, name, columns=True).value.edges] == [*found]
        columns = mine.catalog.columns(start)
        of_column = mine.catalog.lineage(columns[0].id, depth=1).edges
        assert {each for each in of_column if each.source == "query_log"} == {
            each
            for each in edges
            if (each.upstream_id, each.upstream_column) == (start, columns[0].name)
            or (each.downstream_id, each.downstream_column) == (start, columns[0].name)
        }
        return {(each.upstream, each.downstream, each.upstream_column, each.confidence) for each in edges}


def ends(found: Told) -> set[tuple[str, str, str | None]]:
    return {
        (upper.rsplit(".", 1)[-1], lower.rsplit(".", 1)[-1], column) for upper, lower, column, _sure in found
    }


BOTH = {("orders", "daily", None), ("orders", "daily", "id"), ("orders", "daily", "total")}


@pytest.mark.parametrize("over", [OVER_HIDDEN, ONLY_ASKS])
def test_an_edge_is_told_to_who_sees_all_that_its_statement_names(
    any_store: Store, any_admin: Viewer, tool: int, over: Query
) -> None:
    read(any_store, any_admin, tool, over, records=SHOP)
    guest = guest_of(any_store, any_admin, tool, "shop.sales")
    assert ends(told(any_store, any_admin)) >= BOTH
    assert told(any_store, guest) == set()
    read(any_store, any_admin, tool, over, PLAIN, records=SHOP)
    assert ends(told(any_store, guest)) == BOTH
    read(any_store, any_admin, tool, over, WITH_OTHER, records=SHOP)
    assert ends(told(any_store, guest)) == BOTH
    read(any_store, any_admin, tool, over, records=SHOP)
    assert told(any_store, guest) == set()


def test_a_view_that_reads_something_hidden_keeps_what_else_it_reads(
    any_store: Store, any_admin: Viewer, tool: int
) -> None:
    read(any_store, any_admin, tool, records=SHOP)
    guest = guest_of(any_store, any_admin, tool, "shop.sales")
    with any_store.as_viewer(guest) as mine:
        edges = mine.catalog.lineage(mine.catalog.by_name("sales.over").id).edges
        assert [(each.upstream.rsplit(".", 1)[-1], each.source) for each in edges] == [("orders", "view")]


def test_two_hops_over_something_hidden_are_no_edge(any_store: Store, any_admin: Viewer, tool: int) -> None:
    hops = (
        Query("INSERT INTO hr.salaries SELECT * FROM sales.orders", 3),
        Query("INSERT INTO sales.daily SELECT * FROM hr.salaries", 3),
    )
    read(any_store, any_admin, tool, *hops, records=SHOP)
    guest = guest_of(any_store, any_admin, tool, "shop.sales")
    assert {each[:2] for each in ends(told(any_store, any_admin))} == {
        ("orders", "salaries"),
        ("salaries", "daily"),
    }
    assert told(any_store, guest) == set() == told(any_store, guest, "sales.daily")


def test_how_sure_an_edge_is_and_how_often_a_table_is_read_tell_of_no_hidden_statement(
    any_store: Store, any_admin: Viewer, tool: int
) -> None:
    read(any_store, any_admin, tool, BY_STAR, records=SHOP)
    guest = guest_of(any_store, any_admin, tool, "shop.sales")

    def popularity() -> float:
        with any_store.as_viewer(guest) as mine:
            return mine.catalog.by_name("sales.orders").popularity

    alone, liked = told(any_store, guest), popularity()
    assert {each[3] for each in alone} == {0.6}
    read(any_store, any_admin, tool, BY_STAR, OVER_HIDDEN, records=SHOP)
    assert (told(any_store, guest), popularity()) == (alone, liked)
    assert {each[3] for each in told(any_store, any_admin) if each[2] is None} == {0.9}


def test_a_grant_tells_what_a_statement_told(any_store: Store, any_admin: Viewer, tool: int) -> None:
    read(any_store, any_admin, tool, OVER_HIDDEN, records=SHOP)
    guest = guest_of(any_store, any_admin, tool, "shop.sales")
    assert told(any_store, guest) == set()
    with any_store.as_viewer(any_admin) as mine:
        hidden = mine.catalog.by_name("shop.hr").id
    with any_store.as_admin(any_admin) as door:
        door.people.grant(door.people.teams()[-1].id, tool, hidden)
    assert ends(told(any_store, guest)) >= BOTH
    # The table goes: what was known only from a statement over it goes with it, until a log tells it anew.
    read(any_store, any_admin, tool, PLAIN, records=[each for each in SHOP if each is not SALARIES])
    assert ends(told(any_store, guest)) == BOTH
