"""What search finds, in which order, and what it never finds; the same on both databases."""

from __future__ import annotations

from typing import Any

from plugin.access.viewer import Role, Surface, Viewer
from plugin.store import Store
from plugin.store.shapes import Found
from tests.search.conftest import SHOP, Fill, table


def find(store: Store, viewer: Viewer, text: str, **more: Any) -> Found:
    with store.as_viewer(viewer) as mine:
        return mine.catalog.search(text, **more)


def names(found: Found) -> list[str]:
    return [hit.resource.name for hit in found.hits]


def test_identifiers_are_split_and_stemmed(shop: Store, any_admin: Viewer) -> None:
    assert names(find(shop, any_admin, "customer order"))[0] == "custOrders"
    assert names(find(shop, any_admin, "refund"))[0] == "refunds"
    assert names(find(shop, any_admin, "payroll runs"))[0] == "PAYROLLRUNS"
    assert "order_lines" in names(find(shop, any_admin, "orderlines"))


def test_short_forms_are_written_out(shop: Store, any_admin: Viewer) -> None:
    assert "order_lines" in names(find(shop, any_admin, "quantity"))
    assert "custOrders" in names(find(shop, any_admin, "amount"))


def test_the_start_of_a_word_is_enough(shop: Store, any_admin: Viewer) -> None:
    assert "custOrders" in names(find(shop, any_admin, "cust"))
    assert "employees" in names(find(shop, any_admin, "emplo"))


def test_descriptions_tags_and_owners_are_found(shop: Store, any_admin: Viewer) -> None:
    assert names(find(shop, any_admin, "money given back"))[0] == "refunds"
    assert "customers" in names(find(shop, any_admin, "crm"))
    assert "refunds" in names(find(shop, any_admin, "grace"))


def test_columns_are_found(shop: Store, any_admin: Viewer) -> None:
    found = find(shop, any_admin, "loyalty points", kinds=("column",))
    assert names(found)[0] == "loyalty_points"
    assert all(hit.resource.kind == "column" for hit in found.hits)
    assert names(find(shop, any_admin, "what was paid after tax", kinds=("column",)))[0] == "total_amt"
    assert {"customers", "loyalty_points"} <= set(names(find(shop, any_admin, "loyalty_points")))


def test_a_slip_of_the_finger(shop: Store, any_admin: Viewer) -> None:
    found = find(shop, any_admin, "custmers")
    assert found.did_you_mean == "customers"
    assert "customers" in names(found)
    assert find(shop, any_admin, "zzzzqqqq").hits == ()
    assert find(shop, any_admin, "refnds").did_you_mean == "refunds"
    assert find(shop, any_admin, "refins").did_you_mean is None, "two slips in a short word make another word"


def test_shards_are_one_result_and_the_month_chooses(shop: Store, any_admin: Viewer) -> None:
    hits = [
        name
        for name in names(find(shop, any_admin, "hits per page and referrer"))
        if name.startswith("hits_")
    ]
    assert hits == ["hits_202406"]
    hits = [name for name in names(find(shop, any_admin, "hits in 202403")) if name.startswith("hits_")]
    assert hits[0] == "hits_202403"


def test_a_date_in_words_finds_the_shard_of_that_day(shop: Store, any_admin: Viewer, fill: Fill) -> None:
    days = [table("web", "raw", f"_202403{day:02d}", "payload") for day in range(1, 5)]
    other = [table("web", "raw", f"reference_{letter}", "code, page") for letter in ("aa", "bb", "cc")]
    fill(shop, any_admin, "days", [*days, *other])
    for said in ("March 3, 2024", "3 March 2024", "2024-03-03", "the 3rd of March 2024"):
        found = names(
            find(shop, any_admin, f"pages with an unknown code that people saw on {said} somewhere")
        )
        assert "_20240303" in found, said
    assert "_20240303" not in names(
        find(shop, any_admin, "pages with an unknown code that people saw somewhere")
    )


def test_filters_narrow(shop: Store, any_admin: Viewer) -> None:
    assert names(find(shop, any_admin, "order", schema="hr")) == []
    assert set(names(find(shop, any_admin, "order", schema="sales", kinds=("table",)))) <= {
        "custOrders", "order_lines", "refunds", "customers",
    }  # fmt: skip
    assert names(find(shop, any_admin, "customer", tags=("crm",))) == ["customers"]
    assert names(find(shop, any_admin, "order", owners=("Grace",))) == ["refunds"]
    assert find(shop, any_admin, "order", integrations=("nothing",)).hits == ()
    assert find(shop, any_admin, "order", integrations=("warehouse",)).hits
    with shop.as_viewer(any_admin) as mine:
        sales = mine.catalog.by_name("shop.sales")
    assert "order_lines" in names(find(shop, any_admin, "order", under=sales.id))
    assert "visitors" not in names(find(shop, any_admin, "visitor", under=sales.id))


def test_pages_and_facets(shop: Store, any_admin: Viewer) -> None:
    everything = find(shop, any_admin, "order", facets=True)
    assert everything.total == len(everything.hits)
    assert everything.facets["kind"]["table"] >= 3
    assert everything.facets["schema"] == {"sales": everything.facets["kind"]["table"]}
    pages = [names(find(shop, any_admin, "order", limit=1, offset=at))[0] for at in range(3)]
    assert pages == names(everything)[:3]


def test_a_question_is_answered_by_its_schema(shop: Store, any_admin: Viewer) -> None:
    question = (
        "For every customer, what is the total amount of the orders placed, without those with a refund?"
    )
    first = names(find(shop, any_admin, question, kinds=("table",)))[:4]
    assert set(first) == {"custOrders", "customers", "refunds", "order_lines"}


def test_the_index_follows_edits(shop: Store, any_admin: Viewer) -> None:
    assert find(shop, any_admin, "remuneration").hits == ()
    with shop.as_viewer(any_admin) as mine:
        table_ = mine.catalog.by_name("shop.hr.PAYROLLRUNS")
        mine.edits.set_property(table_.id, "description", "Remuneration by month")
    assert names(find(shop, any_admin, "remuneration")) == ["PAYROLLRUNS"]


def test_the_index_follows_syncs(shop: Store, any_admin: Viewer, fill: Fill) -> None:
    fill(
        shop,
        any_admin,
        "warehouse",
        [table("shop", "sales", "refunds", "refund_id, voucher_code", "Vouchers.")],
    )
    assert names(find(shop, any_admin, "voucher", kinds=("table",))) == ["refunds"]
    assert "refunds" not in names(find(shop, any_admin, "money given back"))


def test_nothing_is_no_error(shop: Store, any_admin: Viewer) -> None:
    for text in (
        "",
        "   ",
        "??",
        "the",
        '"',
        "'; DROP TABLE x; --",
        "a" * 5000,
        "\x00",
        "名前",
        "NEAR(a b)",
        "n_order",
    ):
        find(shop, any_admin, text)


# --- who sees what -----------------------------------------------------------------------------------------------


def outsider(store: Store, admin: Viewer, schema: str = "sales") -> Viewer:
    """A guest of a team that was granted one schema."""
    with store.as_admin(admin) as door:
        team = door.people.add_team("Sales", private=True)
        member = door.people.add_member(
            "eve@example.com", Role.GUEST, "Eve", password="a long enough password"
        )
        door.people.add_to_team(team.id, member.id)
        integration = door.integrations.by_name("warehouse")
        with store.as_viewer(admin) as mine:
            place = mine.catalog.by_name(f"shop.{schema}")
        door.people.grant(team.id, integration.id, place.id)
    with store.sign_in() as door:
        return door.viewer_for_email(None, "eve@example.com", Surface.PAGE)


def test_another_teams_things_are_not_found(shop: Store, any_admin: Viewer) -> None:
    eve = outsider(shop, any_admin)
    assert "customers" in names(find(shop, eve, "customers"))
    for text in ("employees", "salary", "payroll", "who works here", "hits referrer", "confidential"):
        found = find(shop, eve, text, facets=True)
        assert not set(names(found)) & {"employees", "salary", "PAYROLLRUNS", "hits_202406"}, text
    assert find(shop, eve, "salary", kinds=("column",)).hits == ()
    assert find(shop, eve, "employes").did_you_mean is None
    assert names(find(shop, any_admin, "employees"))[0] == "employees"


def test_hidden_things_do_not_move_a_score(shop: Store, any_admin: Viewer, fill: Fill) -> None:
    eve = outsider(shop, any_admin)
    texts = (
        "order",
        "customer refund reason",
        "which customers have orders with a refund and what was the reason",
    )

    def seen() -> list[Any]:
        return [[(hit.resource.id, hit.score) for hit in find(shop, eve, text).hits] for text in texts]

    before = seen()
    more = [
        table(
            "shop",
            "hr",
            f"refund_reason_{letter * 3}",
            "refund_id, reason, customer, order",
            "Refund of an order.",
        )
        for letter in "abcdefghij"
    ]
    fill(shop, any_admin, "warehouse", more)
    assert seen() == before


def test_a_grant_is_felt_at_once(shop: Store, any_admin: Viewer) -> None:
    eve = outsider(shop, any_admin)
    assert find(shop, eve, "salary").hits == ()
    with shop.as_viewer(any_admin) as mine:
        employees = mine.catalog.by_name("shop.hr.employees")
    with shop.as_admin(any_admin) as door:
        team = next(each for each in door.people.teams() if each.name == "Sales")
        integration = door.integrations.by_name("warehouse")
        door.people.grant(team.id, integration.id, employees.id)
    assert "employees" in names(find(shop, eve, "salary"))
    with shop.as_admin(any_admin) as door:
        door.people.revoke(team.id, integration.id, employees.id)
    assert find(shop, eve, "salary").hits == ()


def test_ai_filters_hold_for_the_assistant(shop: Store, any_admin: Viewer) -> None:
    with shop.as_admin(any_admin) as door:
        door.settings.set("ai.filters", [{"effect": "exclude", "tags": ["confidential"]}])
    assistant = any_admin.as_assistant()
    assert "employees" in names(find(shop, any_admin, "who works here salary"))
    assert "employees" not in names(find(shop, assistant, "who works here salary"))
    with shop.as_admin(any_admin) as door:
        door.settings.set("ai.filters", [{"effect": "exclude", "kinds": ["column"]}])
    assert find(shop, assistant, "loyalty points").hits == ()
    assert "customers" in names(find(shop, assistant, "customers"))


def test_a_filter_on_integrations_holds_while_facets_are_counted(shop: Store, any_admin: Viewer) -> None:
    """Counting joins the integrations; the filter asks them by name in the same statement."""
    assistant = any_admin.as_assistant()
    for filters, seen in ((["warehouse"], False), (["elsewhere"], True)):
        with shop.as_admin(any_admin) as door:
            door.settings.set("ai.filters", [{"effect": "exclude", "integrations": filters}])
        with shop.as_viewer(assistant) as mine:
            found = mine.catalog.search("customers", limit=5, facets=True)
        assert bool(found.hits) is bool(found.facets.get("integration")) is seen


def test_a_removed_integration_is_forgotten(shop: Store, any_admin: Viewer) -> None:
    with shop.as_admin(any_admin) as door:
        door.integrations.remove(door.integrations.by_name("warehouse").id)
    assert find(shop, any_admin, "customers").hits == ()
    assert len(SHOP) == 13
