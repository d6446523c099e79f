"""Joins that only names tell: found where no key is declared, said to be a guess, never over what is hidden."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.records import Record, Schema
from plugin.access.viewer import Viewer
from plugin.store.shapes import Join
from plugin.tools import Session, call
from plugin.tools.find_joins import JoinPaths
from tests.assistant.shop import DATABASE, World, table
from tests.tools.conftest import shop_in


def _without_keys() -> list[Record]:
    """A mart as warehouses have it: no key is declared anywhere."""
    return [
        Schema(DATABASE, "lake"),
        table("lake", "dim_shipper", "shipper_id bigint; name text"),
        table("lake", "parcels", "parcel_no text; shipper_id bigint; weight numeric(5,2)"),
        table("lake", "parcel_events", "event_id bigint; ShipperId bigint; happened_at timestamptz"),
        table("lake", "bookings", "booking_ref text; salary_id bigint; employee_id bigint; id bigint"),
    ]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with shop_in(tmp_path_factory.mktemp("home"), more=_without_keys, also=("lake",)) as world:
        yield world


def _path(world: World, viewer: Viewer, table: str, other: str | None = None) -> tuple[tuple[Join, ...], str]:
    given = {"table": table} | ({"other": other} if other else {})
    answer = call("find_joins", given, viewer, world.store, Session(question="how do they join"))
    assert isinstance(answer.value, JoinPaths)
    return answer.value.path, answer.note


def test_a_column_that_is_called_as_another_tables_key_joins_it(lake: World) -> None:
    path, note = _path(lake, lake.vic, "lake.parcels", "lake.dim_shipper")
    assert [(join.on, join.source) for join in path] == [((("shipper_id", "shipper_id"),), "names")]
    assert "guess" in note


def test_two_tables_that_point_at_one_join_over_it(lake: World) -> None:
    path, note = _path(lake, lake.vic, "lake.parcels", "lake.parcel_events")
    assert [join.source for join in path] == ["names", "names"]
    assert {name for join in path for name in (join.left, join.right)} == {
        f"{DATABASE}.lake.{name}" for name in ("parcels", "dim_shipper", "parcel_events")
    }
    assert path[1].on == (("ShipperId", "shipper_id"),)
    assert "guess" in note


def test_what_keys_or_queries_tell_is_never_guessed(lake: World) -> None:
    path, note = _path(lake, lake.vic, "sales.order_items", "sales.customers")
    assert path and all(join.source != "names" for join in path)
    assert not note


def test_all_joins_of_a_table_without_keys_are_guesses(lake: World) -> None:
    path, note = _path(lake, lake.vic, "lake.parcels")
    assert [(join.right, join.source) for join in path] == [(f"{DATABASE}.lake.dim_shipper", "names")]
    assert "guess" in note


def test_a_name_leads_to_no_table_that_is_hidden(lake: World) -> None:
    """`employee_id` has the name of hr.employees' key, which only Hal and the admin see."""
    assert [join.right for join in _path(lake, lake.ada, "lake.bookings")[0]] == [f"{DATABASE}.hr.employees"]
    path, note = _path(lake, lake.vic, "lake.bookings")
    assert not path and note == "No joins of this table are known."
