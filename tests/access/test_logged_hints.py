"""What a statement that names something hidden leaves behind: no use of a table, no SQL withheld, no edge that is not
drawn, no order of what is told, and no edge where the hidden table is named by a name that fits several.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from connectors.records import Database, Query, Schema, Table, Unread
from plugin.access.viewer import Viewer
from plugin.catalog.naming import Names
from plugin.catalog.sync import add_integration
from plugin.catalog.sync.queries import stage_queries
from plugin.store import Store
from plugin.store.staging import Known, Stage, table_key
from plugin.tools.browse import browse
from tests.access.test_logged_lineage import (
    BOTH,
    COLUMNS,
    INTO,
    OVER_HIDDEN,
    SALARIES,
    SHOP,
    ends,
    told,
)
from tests.catalog.test_usage import guest_of, read

SEEN = Table(
    "shop", "sales", "seen", "view", columns=COLUMNS, definition="SELECT o.id, o.total FROM sales.orders o"
)
OF_OTHER = Query("SELECT id FROM sales.other", 3)


@pytest.fixture
def tool(any_store: Store, any_admin: Viewer, tmp_path: Path) -> int:
    place = {"url": f"sqlite:///{tmp_path}/nothing.sqlite3"}
    return add_integration(any_store, any_admin, "tool", "sqlite", settings=place, secrets={}).id


def test_what_only_a_hidden_statement_reads_is_unused(any_store: Store, any_admin: Viewer, tool: int) -> None:
    records = [each for each in SHOP if getattr(each, "kind", "") != "view"]
    read(any_store, any_admin, tool, OF_OTHER, records=records)
    guest = guest_of(any_store, any_admin, tool, "shop.sales")

    def unused(who: Viewer) -> set[str]:
        with any_store.as_viewer(who) as mine:
            return {each.name for each in browse(mine, "unused").value}

    alone = unused(guest)
    assert alone == {"orders", "daily"}
    read(any_store, any_admin, tool, OF_OTHER, OVER_HIDDEN, records=records)
    assert unused(guest) == alone
    assert unused(any_admin) == set()


def test_a_column_drawn_by_hand_is_in_the_picture_of_tables_whatever_a_hidden_statement_told(
    any_store: Store, any_admin: Viewer, tool: int
) -> None:
    read(any_store, any_admin, tool, OVER_HIDDEN, records=SHOP)
    guest = guest_of(any_store, any_admin, tool, "shop.sales")
    with any_store.as_viewer(any_admin) as mine:
        upper, lower = (mine.catalog.by_name(f"sales.{name}.id").id for name in ("orders", "daily"))
        mine.edits.add_edge(upper, lower)
    with any_store.as_viewer(guest) as mine:
        below = mine.catalog.lineage(mine.catalog.by_name("sales.orders").id, upstream=False).edges
        assert ("shop.sales.daily", "manual") in [(each.downstream, each.source) for each in below]


def test_a_view_keeps_its_sql_when_a_hidden_table_goes_that_a_statement_wrote_into_it(
    any_store: Store, any_admin: Viewer, tool: int
) -> None:
    into_view = Query("INSERT INTO sales.seen SELECT s.id, s.total FROM hr.salaries s", 4)
    read(any_store, any_admin, tool, into_view, records=(*SHOP, SEEN))
    guest = guest_of(any_store, any_admin, tool, "shop.sales")
    for log in ((into_view,), (Unread("the query log"),)):
        read(any_store, any_admin, tool, *log, records=[each for each in (*SHOP, SEEN) if each != SALARIES])
        with any_store.as_viewer(guest) as mine:
            assert mine.catalog.by_name("sales.seen").definition == SEEN.definition
    # It comes back while no log is read: who sees both is told at the next log, and nobody twice.
    read(any_store, any_admin, tool, Unread("the query log"), records=(*SHOP, SEEN))
    read(any_store, any_admin, tool, into_view, records=(*SHOP, SEEN))
    assert ends(told(any_store, any_admin, "sales.seen")) >= {("salaries", "seen", None)}


def test_lineage_is_told_in_the_same_order_whatever_a_hidden_statement_told_first(
    any_store: Store, any_admin: Viewer, tool: int
) -> None:
    seen_log = (
        Query("INSERT INTO sales.daily (total) SELECT o.total FROM sales.orders o", 6),
        Query("INSERT INTO sales.daily (id) SELECT o.id FROM sales.orders o", 5),
    )
    answers = []
    for log in ((*seen_log,), (OVER_HIDDEN, *seen_log)):
        read(any_store, any_admin, tool, records=SHOP)  # what was told before is gone, so that each is new
        read(any_store, any_admin, tool, *log, records=SHOP)
        if not answers:
            guest = guest_of(any_store, any_admin, tool, "shop.sales")
        with any_store.as_viewer(guest) as mine:
            found = mine.catalog.lineage(mine.catalog.by_name("sales.orders").id, depth=2, columns=True)
            answers.append(found.edges)
    assert answers[0] == answers[1]


def test_popularity_counts_no_edge_that_nobody_is_told(
    any_store: Store, any_admin: Viewer, tool: int
) -> None:
    """One of before revision 0007, until a log is read again."""
    records = [each for each in SHOP if getattr(each, "kind", "") != "view"]
    by_service = Query(INTO, 50, ("etl",))  # its runs count for nothing
    read(any_store, any_admin, tool, by_service, OF_OTHER, records=records)
    with any_store._engine.begin() as connection:
        connection.execute(text("UPDATE edges SET query_id = NULL"))
    more = Table("shop", "sales", "more", columns=COLUMNS)
    read(any_store, any_admin, tool, Unread("the query log"), records=[*records, more])
    with any_store.as_viewer(any_admin) as mine:
        assert mine.catalog.by_name("sales.orders").popularity == 0


def test_lineage_that_a_service_told_stays_while_its_log_may_not_be_read(
    any_store: Store, any_admin: Viewer, tool: int
) -> None:
    read(any_store, any_admin, tool, Query(INTO, 50, ("etl",)), records=SHOP)
    read(any_store, any_admin, tool, Unread("the query log"), records=SHOP)
    assert ends(told(any_store, any_admin)) == BOTH
    read(any_store, any_admin, tool, records=SHOP)  # a log that is empty
    assert told(any_store, any_admin) == set()


AGAIN = Table("shop", "fin", "salaries", columns=COLUMNS)
UNCLEAR = Query(f"{INTO} JOIN salaries s ON s.id = o.id", 50)
"""A name that two hidden tables have."""


@pytest.mark.parametrize("over", [UNCLEAR])
def test_a_hidden_table_is_named_by_what_is_not_clear_too(
    any_store: Store, any_admin: Viewer, tool: int, over: Query
) -> None:
    read(any_store, any_admin, tool, over, records=(*SHOP, AGAIN))
    guest = guest_of(any_store, any_admin, tool, "shop.sales")
    assert told(any_store, guest) == set()


def test_a_hidden_table_of_another_integration_is_named_as_well(
    any_store: Store, any_admin: Viewer, tool: int, tmp_path: Path
) -> None:
    place = {"url": f"sqlite:///{tmp_path}/other.sqlite3"}
    people = add_integration(any_store, any_admin, "people", "sqlite", settings=place, secrets={}).id
    staff = (Database("staff"), Schema("staff", "pay"), Table("staff", "pay", "wages", columns=COLUMNS))
    read(any_store, any_admin, people, records=staff)
    log = (
        Query(f"{INTO} JOIN staff.pay.wages w ON w.id = o.id", 9),
        Query(f"{INTO} JOIN wages w ON w.id = o.id", 9, default_schema="pay"),
    )
    read(any_store, any_admin, tool, *log, records=SHOP)
    guest = guest_of(any_store, any_admin, tool, "shop.sales")
    assert told(any_store, guest) == set()
    assert ends(told(any_store, any_admin)) >= BOTH
    read(any_store, any_admin, tool, *log, records=SHOP)
    assert told(any_store, guest) == set()
    # What is left of the names when that integration goes is no reason to tell it.
    with any_store.as_admin(any_admin) as door:
        door.integrations.remove(people)
    assert told(any_store, guest) == set() == told(any_store, any_admin)


def test_where_no_text_can_be_kept_its_words_still_count() -> None:
    """Who knows where the string of it ends? The statement is read as far as it goes, and for who sees all of it."""
    sql = f"{INTO} WHERE o.name = 'it\\'s' AND o.id IN (SELECT id FROM hr.salaries) AND f('"
    keys = [
        table_key("shop", *place) for place in (("sales", "orders"), ("sales", "daily"), ("hr", "salaries"))
    ]
    with Stage(Known({}, b"secret")) as stage:
        stage_queries(stage, [Query(sql, 2)], None, Names(keys), lambda keys: {})
        assert stage.query_edges and all(set(edge.named) == set(keys) for edge in stage.query_edges)


def test_several_statements_that_tell_one_edge_take_the_place_of_one(
    any_store: Store, any_admin: Viewer, tool: int
) -> None:
    others = [Table("shop", "sales", f"other{at}", columns=COLUMNS) for at in range(30)]
    written = [Table("shop", "sales", f"daily{at}", columns=COLUMNS) for at in range(4)]
    log = [
        Query(f"INSERT INTO sales.{lower.name} SELECT o.* FROM sales.orders o, sales.{other.name} x", 1)
        for lower in written
        for other in others
    ]
    read(any_store, any_admin, tool, *log, records=(*SHOP, *others, *written))
    with any_store.as_viewer(any_admin) as mine:
        orders = mine.catalog.by_name("sales.orders")
        found = mine.catalog.lineage(orders.id, upstream=False, limit=8)
        assert {each.downstream.rsplit(".", 1)[-1] for each in found.edges} == {
            "over",
            *(each.name for each in written),
        }
        assert not found.cut
        of_column = mine.catalog.lineage(mine.catalog.columns(orders.id)[0].id, upstream=False, limit=8)
        assert not of_column.cut and len(of_column.edges) == 5
        assert not mine.catalog.impact(orders.id, limit=8).cut
