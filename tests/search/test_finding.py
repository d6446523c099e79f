"""Phrases, names written in full, large result sets, filters over them, and that nothing hidden moves any of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugin.access.viewer import Viewer
from plugin.store import Store, search_on_postgres, search_on_sqlite
from plugin.store.catalog import TABLES
from plugin.store.search_evidence import WEIGHED
from tests.search.conftest import Fill, table
from tests.search.test_search import find, names, outsider

WORDS = "order customer refund reason page visitor salary month region total".split()


# --- phrases and names -------------------------------------------------------------------------------------------


def test_words_in_quotes_stand_side_by_side(shop: Store, any_admin: Viewer) -> None:
    assert names(find(shop, any_admin, '"money given back"')) == ["refunds"]
    assert find(shop, any_admin, '"given money back"').hits == ()
    assert "refunds" in names(find(shop, any_admin, "given money back"))
    assert names(find(shop, any_admin, '"order line"', kinds=("table",))) == ["order_lines"]


def test_a_phrase_is_found_in_a_columns_description(shop: Store, any_admin: Viewer) -> None:
    assert names(find(shop, any_admin, '"paid after tax"', kinds=("table",))) == ["custOrders"]
    assert names(find(shop, any_admin, '"paid after tax"', kinds=("column",))) == ["total_amt"]
    assert find(shop, any_admin, '"tax after paid"', kinds=("column",)).hits == ()


def test_a_long_phrase_and_words_beside_it(shop: Store, any_admin: Viewer) -> None:
    assert names(find(shop, any_admin, '"where the visitor came from" country', kinds=("table",))) == [
        "visitors"
    ]
    assert find(shop, any_admin, '"where the country came from" visitor').hits == ()


def test_a_phrase_in_something_hidden_is_not_found(shop: Store, any_admin: Viewer) -> None:
    eve = outsider(shop, any_admin)
    assert names(find(shop, any_admin, '"who works here"')) == ["employees"]
    assert find(shop, eve, '"who works here"').hits == ()


def test_a_name_written_in_full_comes_first(shop: Store, any_admin: Viewer) -> None:
    for text in ("shop.sales.refunds", "sales.refunds", "SHOP.Sales.REFUNDS", "`sales.refunds`"):
        assert names(find(shop, any_admin, text))[0] == "refunds", text
    assert names(find(shop, any_admin, "order_lines"))[0] == "order_lines"
    assert names(find(shop, any_admin, "web.events.hits_202402"))[0] == "hits_202402"
    assert "refunds" not in names(find(shop, any_admin, "sales.refunds", schema="hr"))
    assert "refunds" not in names(find(shop, any_admin, "shop.sales.refunds", kinds=("column",)))


def test_a_hidden_name_written_in_full_is_nothing(shop: Store, any_admin: Viewer) -> None:
    eve = outsider(shop, any_admin)
    for text in ("shop.hr.employees", "hr.employees", "hr.PAYROLLRUNS", "web.events.hits_202402"):
        found = find(shop, eve, text)
        assert not {"employees", "PAYROLLRUNS", "hits_202402"} & set(names(found)), text
    assert names(find(shop, any_admin, "hr.employees"))[0] == "employees"


def test_a_hit_says_which_words_it_has_as_they_were_typed(shop: Store, any_admin: Viewer) -> None:
    said = {hit.resource.name: dict(hit.why) for hit in find(shop, any_admin, "employees visitors").hits}
    assert said["employees"]["name"] == "employees" and said["visitors"]["name"] == "visitors"


# --- more hits than are weighed ----------------------------------------------------------------------------------


@pytest.fixture
def crowd(any_store: Store, any_admin: Viewer, fill: Fill) -> Store:
    """Hundreds of tables that share their words, and a few that have more of them."""
    lines = [
        table(
            "big",
            f"area_{at % 4}",
            f"{WORDS[at % 5]}_{WORDS[5 + at % 3]}_{letters(at)}",
            "month, region, total",
        )
        for at in range(3 * WEIGHED)
    ]
    lines += [
        table("big", "area_1", "salary_bonus_month", "region", "Paid once."),
        table("big", "area_2", "zebra_region", "total, month", tags=["rare"]),
        table("big", "area_3", "region_report", "quagga, total"),
    ]
    fill(any_store, any_admin, "warehouse", lines)
    return any_store


def letters(at: int) -> str:
    """A number as letters, so that the tables are no shards of one."""
    return "".join(chr(ord("a") + int(digit)) * 2 for digit in str(at))


def test_the_best_of_many_are_found(crowd: Store, any_admin: Viewer) -> None:
    assert names(find(crowd, any_admin, "salary bonus region"))[0] == "salary_bonus_month"
    assert names(find(crowd, any_admin, "zebra total"))[0] == "zebra_region"
    assert names(find(crowd, any_admin, "quagga salary total"))[0] == "region_report"
    assert names(find(crowd, any_admin, "zebra quagga month"))[0] in ("zebra_region", "region_report")


def test_a_filter_finds_what_stands_behind_hundreds(crowd: Store, any_admin: Viewer) -> None:
    assert names(find(crowd, any_admin, "month region giraffe", tags=("rare",))) == ["zebra_region"]
    assert names(find(crowd, any_admin, "month total", tags=("rare",))) == ["zebra_region"]
    found = find(crowd, any_admin, "region giraffe", schema="area_3", limit=1000, kinds=("table",))
    assert {hit.resource.path[-1] for hit in found.hits} == {"area_3"}
    assert "region_report" in names(found)
    assert names(find(crowd, any_admin, "total month", kinds=("schema",))) == []


def test_what_a_filter_leaves_is_counted_without_being_read(crowd: Store, any_admin: Viewer) -> None:
    for text in ("order total", "order giraffe total", "month region"):
        for filters in ({"kinds": ("table",)}, {"verified": False, "kinds": ("table",)}, {"verified": False}):
            whole = find(crowd, any_admin, text, limit=1000, **filters)
            page = find(crowd, any_admin, text, limit=20, **filters)
            assert whole.total == page.total == len(whole.hits) > 60, (text, filters)
            assert names(page) == names(whole)[:20], (text, filters)


def test_a_label_is_found_by_a_column_that_stands_apart_and_by_a_shard(
    crowd: Store, any_admin: Viewer, fill: Fill
) -> None:
    lines = [
        table("big", "area_0", f"readings_{year}", "region, total", owners=["Ada"] if year == 2021 else [])
        for year in (2019, 2020, 2021)
    ]
    wide = table("big", "area_0", "wide", "region, okapi", tags=["seldom"])
    wide["columns"][1]["tags"] = ["personal"]
    fill(crowd, any_admin, "more", [*lines, wide])
    assert "wide" in names(find(crowd, any_admin, "okapi", tags=("seldom",)))
    assert "wide" in names(find(crowd, any_admin, "region okapi month total", tags=("seldom",)))
    assert names(find(crowd, any_admin, "region total", owners=("Ada",))) == ["readings_2021"]


def test_pages_follow_each_other_whatever_is_weighed(crowd: Store, any_admin: Viewer) -> None:
    for text in ("order total", "order giraffe total"):
        whole = names(find(crowd, any_admin, text, limit=WEIGHED))
        pages = [names(find(crowd, any_admin, text, limit=20, offset=at)) for at in range(0, WEIGHED, 20)]
        assert [name for page in pages for name in page] == whole, text
        assert len(set(whole)) == len(whole)


def test_facets_count_more_than_a_page(crowd: Store, any_admin: Viewer) -> None:
    found = find(crowd, any_admin, "month giraffe", facets=True)
    assert found.facets["kind"]["table"] >= 3 * WEIGHED
    assert found.total >= 3 * WEIGHED
    assert set(found.facets["schema"]) == {"area_0", "area_1", "area_2", "area_3"}


def test_many_zones_are_asked_otherwise_and_answer_the_same(
    crowd: Store, any_admin: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    eve = member_of(crowd, any_admin, ("area_1", "area_3"))
    texts = ("order total", "salary bonus", "region_report quagga", "ord", "month giraffe", "zebra")

    def seen() -> list[Any]:
        return [
            sorted((hit.resource.name, hit.score) for hit in find(crowd, eve, text, limit=1000).hits)
            for text in texts
        ]

    few = seen()
    monkeypatch.setattr(search_on_sqlite, "MOST_RUNS", 0)
    monkeypatch.setattr(search_on_postgres, "MOST_LEXEMES", 0)
    assert seen() == few
    assert few[1] and few[2] and not few[5]


def member_of(store: Store, admin: Viewer, schemas: Sequence[str]) -> Viewer:
    """An outsider who is given more schemas of `big`."""
    from plugin.access.viewer import Role, Surface

    with store.as_admin(admin) as door:
        team = door.people.add_team("Few", private=True)
        member = door.people.add_member(
            "few@example.com", Role.GUEST, "Few", password="a long enough password"
        )
        door.people.add_to_team(team.id, member.id)
        integration = door.integrations.by_name("warehouse")
        with store.as_viewer(admin) as mine:
            places = [mine.catalog.by_name(f"big.{schema}").id for schema in schemas]
        for place in places:
            door.people.grant(team.id, integration.id, place)
    with store.sign_in() as door:
        return door.viewer_for_email(None, "few@example.com", Surface.PAGE)


# --- what is hidden moves nothing ----------------------------------------------------------------------------------

TEXTS = (
    "order", "customer refund reason", "refund total giraffe", '"money given back"', "sales.refunds", "page visitor",
    "which customers have orders with a refund and what was the reason by region and month",
)  # fmt: skip
HIDDEN = st.lists(
    st.tuples(
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=3), st.lists(st.sampled_from(WORDS), max_size=4)
    ),
    min_size=1,
    max_size=12,
)


def results(store: Store, viewer: Viewer) -> list[Any]:
    """Everything that a reader can tell apart: hits in their order, scores, totals, facets, spelling."""
    found = [find(store, viewer, text, facets=True) for text in TEXTS]
    found.append(find(store, viewer, "refund", kinds=("column",), facets=True))
    return [
        (
            [(hit.resource.id, hit.score, hit.why) for hit in each.hits],
            each.total,
            each.facets,
            each.did_you_mean,
        )
        for each in found
    ]


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(hidden=st.data())
def test_no_hidden_table_moves_a_result(
    shop: Store, any_admin: Viewer, fill: Fill, hidden: st.DataObject
) -> None:
    """Each example adds tables that the reader does not see; what the reader finds stays as it was."""
    eve = getattr(shop, "_eve", None)
    if eve is None:
        eve = outsider(shop, any_admin)
        shop._eve = eve  # type: ignore[attr-defined]
        shop._before = results(shop, eve)  # type: ignore[attr-defined]
    fill(shop, any_admin, "warehouse", tables_of(hidden.draw(HIDDEN), "hr"))
    assert results(shop, eve) == shop._before  # type: ignore[attr-defined]


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(hidden=st.data())
def test_no_table_that_the_ai_filters_hide_moves_a_result(
    shop: Store, any_admin: Viewer, fill: Fill, hidden: st.DataObject
) -> None:
    """The same for the assistant of an admin, who sees every zone: only the filters hide here."""
    if not hasattr(shop, "_before"):
        with shop.as_admin(any_admin) as door:
            door.settings.set("ai.filters", [{"effect": "exclude", "tags": ["secret"]}])
        fill(shop, any_admin, "warehouse", tables_of([(["order"], ["refund"])], "sales", tags=["secret"]))
        shop._before = results(shop, any_admin.as_assistant())  # type: ignore[attr-defined]
    fill(shop, any_admin, "warehouse", tables_of(hidden.draw(HIDDEN), "sales", tags=["secret"]))
    assert results(shop, any_admin.as_assistant()) == shop._before  # type: ignore[attr-defined]


def tables_of(
    made: Sequence[tuple[Sequence[str], Sequence[str]]], schema: str, **more: Any
) -> list[dict[str, Any]]:
    """Lines for tables called like these words, with columns called like those."""
    return [
        table(
            "shop", schema, "_".join([*name, letters(at), "hidden"]), ", ".join(dict.fromkeys([*columns, "id"])),
            "Money given back by order.", **more,
        )
        for at, (name, columns) in enumerate(made)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["sales", "sales orders", "which customers of sales placed orders and what was paid after tax"]
)
def test_what_else_the_words_find_comes_beside_the_tables(shop: Store, any_admin: Viewer, text: str) -> None:
    with shop.as_viewer(any_admin) as mine:
        both = mine.catalog.search(text, kinds=TABLES, limit=5, beside=8)
        tables, anything = (
            mine.catalog.search(text, kinds=TABLES, limit=5),
            mine.catalog.search(text, limit=8),
        )
    assert both.hits == tables.hits and both.total == tables.total
    others = [hit.resource.id for hit in anything.hits if hit.resource.kind not in (*TABLES, "column")]
    assert [each.id for each in both.beside] == others
    assert others or len(text) > 20


def test_facets_count_every_hit_once(shop: Store, any_admin: Viewer) -> None:
    with shop.as_viewer(any_admin) as mine:
        found = mine.catalog.search("customers email loyalty buyers", facets=True)
        refunds = mine.catalog.search("refunds", kinds=("table",), facets=True)
    assert sum(found.facets["kind"].values()) == found.total
    assert found.facets["tag"] == {"crm": 1}
    assert refunds.facets == {
        "kind": {"table": 1},
        "integration": {refunds.hits[0].resource.integration: 1},
        "schema": {"sales": 1},
        "owner": {"Grace": 1},
        "verified": {"no": 1},
    }
