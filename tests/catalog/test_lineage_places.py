"""Columns of what has SQL, paired with those that its SQL gives: by their places in a view, by their names elsewhere."""

from __future__ import annotations

from connectors.records import Asset, Column, Lineage, Ref, Table
from plugin.catalog.sync.reader import Reader
from plugin.store.staging import Known, Stage, asset_key

Pairs = set[tuple[str | None, str | None]]


def columns(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, at, "text") for at, name in enumerate(names, start=1))


ORDERS = Table("d", "s", "orders", columns=columns("id", "total"))


def pairs(made: Table | Asset, known: dict[str, tuple[tuple[str, str], ...]]) -> Pairs:
    with Stage(Known({}, b"secret")) as stage:
        reader = Reader(stage, "postgres")
        reader.take(ORDERS)
        reader.take(made)
        reader.link(lambda keys: known)
        return {
            (edge.upstream_column, edge.downstream_column) for edge in stage.edges if edge.upstream_column
        }


def view(sql: str, *names: str) -> Pairs:
    return pairs(Table("d", "s", "v", "view", columns=columns(*names), definition=sql), {})


def test_a_view_calls_the_columns_of_its_query_what_it_likes() -> None:
    assert view("SELECT total, id FROM s.orders", "id", "total") == {("total", "id"), ("id", "total")}


def test_a_view_over_what_nobody_knows_has_its_columns_by_name() -> None:
    """The function gives none, one or many columns: `total` is the second or the ninth."""
    sql = "SELECT f.*, o.total FROM made_up(1) f, s.orders o"
    assert view(sql, "a", "b", "total") == {("total", "total")}


def test_of_a_data_set_nobody_says_that_its_columns_stand_in_the_order_of_its_query() -> None:
    sql = "SELECT id AS key, total AS amount FROM s.orders"
    made = Asset("dataset", "sales", "Sales", definition=sql, columns=columns("amount", "key"))
    known = {asset_key("sales"): (("amount", "text"), ("key", "text"))}
    assert pairs(made, known) == {("id", "key"), ("total", "amount")}


def test_an_incremental_model_does_not_feed_itself() -> None:
    """It asks the table that it builds how far it came; the names are of a warehouse that another integration reads."""
    sql = 'SELECT * FROM "d"."s"."raw" WHERE id > (SELECT max(id) FROM "d"."s"."Sales")'
    with Stage(Known({}, b"secret")) as stage:
        reader = Reader(stage, "postgres")
        reader.take(Asset("model", "m", "Sales", definition=sql))
        reader.take(Lineage(Ref(key="m"), Ref(database="d", schema="s", table="sales"), source="dbt"))
        reader.link(lambda keys: {})
        told = [(edge.upstream, edge.downstream) for edge in stage.edges]
        assert sorted(told) == [(asset_key("m"), "d.s.sales"), ("d.s.raw", asset_key("m"))]


def test_of_a_data_set_each_of_two_columns_alike_but_for_case_is_made_from_its_own() -> None:
    made = Asset(
        "dataset", "k", "K", definition='SELECT total AS "Id", id FROM s.orders', columns=columns("id", "Id")
    )
    known = {asset_key("k"): (("id", "text"), ("Id", "text"))}
    assert pairs(made, known) == {("total", "Id"), ("id", "id")}
