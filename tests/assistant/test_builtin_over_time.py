"""What changed and what is stale, asked as people type it, with the reader's rights; over a shop that was synced again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from plugin.access.viewer import Surface, Viewer
from plugin.assistant import Question, ask
from plugin.catalog.sync import sync
from plugin.config import read_config
from plugin.egress.gateway import Gateway
from plugin.providers.builtin.understand import understand
from plugin.store import Store, open_store
from tests.assistant import shop as shops
from tests.assistant.conftest import Answered
from tests.assistant.shop import World, build, records, table

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
ASKED = [
    ("which tables are stale?", "stale", {"kind": "tables"}),
    ("what is out of date?", "stale", {}),
    ("is anything stale", "stale", {"kind": "anything"}),
    ("show me stale tables in sales", "stale", {"kind": "tables", "in": "sales"}),
    ("which syncs failed?", "stale", {"kind": "integration"}),
    ("which tables have not been synced lately", "stale", {"kind": "tables", "time": "lately"}),
    ("is sales.orders stale?", "freshness", {"s": "sales.orders"}),
    ("what changed in warehouse?", "changes", {"in": "warehouse"}),
    ("what changed in the warehouse since Monday?", "changes", {"in": "warehouse", "time": "since Monday"}),
    ("what changed since Monday in sales", "changes", {"in": "sales", "time": "since Monday"}),
    ("what changed in the sales schema of the warehouse", "changes", {"in": "sales schema"}),
    ("what was removed last week?", "changes", {"change": "removed", "time": "last week"}),
    ("were any tables dropped", "changes", {"kind": "tables", "change": "removed"}),
    ("which columns were added to sales.orders", "changes", {"kind": "columns", "change": "added", "in": "sales.orders"}),
    ("which columns changed type this month", "changes", {"kind": "columns", "change": "retyped", "time": "this month"}),
    ("which columns became not null", "changes", {"kind": "columns", "change": "required"}),
    ("which descriptions changed last week", "changes", {"change": "redescribed", "time": "last week"}),
    ("has sales.orders changed?", "changes", {"in": "sales.orders"}),
    ("what happened to sales.refunds", "changes", {"in": "sales.refunds"}),
    ("schema changes since Monday", "changes", {"time": "since Monday"}),
    ("show me the drift of the last 3 days", "changes", {"time": "of the last 3 days"}),
    ("what changed recently", "recent", {}),
    ("what changed?", "recent", {}),
    ("which orders changed since Monday", "about", None),
    ("delete all orders", "change", None),
    ("what is new", "chat", None),
]  # fmt: skip


@pytest.mark.parametrize(("question", "name", "slots"), ASKED, ids=[each[0] for each in ASKED])
def test_a_time_and_a_place_stand_anywhere_in_the_question(
    question: str, name: str, slots: dict[str, str] | None
) -> None:
    found = understand(question)
    assert found.name == name
    assert slots is None or dict(found.slots) == slots


@pytest.mark.parametrize("words", ["the last ", "which the "])
def test_no_patterns_are_held_against_a_very_long_question(
    words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []

    def without_time(question: str) -> tuple[str, str]:
        looked.append(len(question))
        return "", question

    monkeypatch.setattr("plugin.providers.builtin.over_time._without_time", without_time)
    understand(words * 100 + "descriptions changed")
    assert looked == []
    understand("which descriptions changed")
    assert looked == [26]


def changed() -> list[Any]:
    """The shop a day later: a table less in sales and in hr, one more in each, a column with another type."""
    kept = [each for each in records() if getattr(each, "name", "") not in ("refunds", "salaries", "orders")]
    orders = next(each for each in records() if getattr(each, "name", "") == "orders")
    columns = tuple(
        each._replace(native_type="bigint") if each.name == "note" else each for each in orders.columns
    )
    return [
        *kept,
        replace(orders, columns=columns),
        table("sales", "returns", "id bigint pk"),
        table("hr", "bonuses", "id bigint pk"),
    ]


def again(store: Store, admin: Viewer, integration: int, made: Any) -> None:
    shops.SOURCE = made
    try:
        assert sync(store, admin, integration, full=True).status == "done"
    finally:
        shops.SOURCE = records


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Gateway]]:
    config = read_config({"DOCENT_HOME": str(tmp_path_factory.mktemp("home"))})
    store = open_store(config)
    with store.sign_in() as door:
        made = door.create_workspace("Acme", "ada@example.com", "correct horse battery", admin_name="Ada")
    with store.sign_in() as door:
        admin = door.viewer_for_email(made.slug, "ada@example.com", Surface.PAGE)
    shop = build(store, admin)
    again(store, admin, shop.integration_id, changed)
    yield shop, Gateway(store, config)
    store.close()


def said(world: tuple[World, Gateway], viewer: Viewer, question: str) -> str:
    shop, gateway = world
    answered = Answered(list(ask(shop.store, gateway, viewer, Question(question))))
    assert answered.done["status"] == "done"
    return answered.text


CHANGES = [
    ("what changed in warehouse since Monday?", ["shop.sales.returns", "shop.sales.refunds", "note", "in the integration"], []),
    ("what changed in sales?", ["shop.sales.returns", "was removed"], []),
    ("what changed in catalog.products", ["No sync found a change"], ["returns"]),
    ("what was removed last week?", ["shop.sales.refunds", "was removed"], ["returns"]),
    ("which columns changed type", ["shop.sales.orders.note", "`text` became `bigint`"], ["refunds"]),
    ("which tables were added since yesterday", ["shop.sales.returns"], ["refunds", "note"]),
    ("what happened to sales.refunds", ["shop.sales.refunds", "was removed"], ["returns"]),
    ("what was renamed last week", ["one thing removed and another added", "returns", "refunds"], ["note"]),
    ("what changed in nowhere since Monday", ["I found nothing called"], ["returns"]),
    ("which views were redefined", ["No sync found anything that has another definition"], []),
]  # fmt: skip


@pytest.mark.parametrize(("question", "told", "untold"), CHANGES, ids=[each[0] for each in CHANGES])
def test_changes_are_told_by_place_time_and_kind(
    world: tuple[World, Gateway], question: str, told: list[str], untold: list[str]
) -> None:
    text = said(world, world[0].vic, question)
    assert all(each in text for each in told), text
    assert not any(each in text for each in untold), text
    assert "hr." not in text


@pytest.mark.parametrize(
    "question",
    ["what changed in hr since yesterday", "what happened to hr.salaries", "what was removed in shop.hr?"],
)
def test_only_who_saw_the_place_is_told(world: tuple[World, Gateway], question: str) -> None:
    assert "hr.salaries" in said(world, world[0].hal, question)
    nothing = said(world, world[0].vic, question)
    elsewhere = said(world, world[0].vic, question.replace("hr", "qq").replace("salaries", "sqqqqqqs"))
    assert nothing.replace("hr", "qq").replace("salaries", "sqqqqqqs") == elsewhere
    assert "No sync" not in nothing


def test_many_newer_changes_hide_no_older_one(world: tuple[World, Gateway]) -> None:
    shop, _gateway = world
    with shop.store._context(shop.ada.workspace_id) as context:
        insert = (
            "INSERT INTO drift (workspace_id, integration_id, zone_id, at, change, kind, qualified_name)"
            " SELECT workspace_id, integration_id, zone_id, :at, 'redescribed', 'column', 'shop.sales.orders.c'"
            " FROM drift WHERE qualified_name = 'shop.sales.refunds'"
        )
        late = (datetime.now(UTC) + timedelta(seconds=5)).strftime("%Y-%m-%d %H:%M:%S.%f")
        context.session.execute(text(insert), [{"at": late}] * 600)
    try:
        assert "shop.sales.refunds" in said(world, shop.vic, "what was removed last week?")
        told = said(world, shop.vic, "what changed since yesterday")
        assert "the newest 40 changes" in told and "in all: 1 added, 1 removed, 1 retyped, 600" in told
    finally:
        with shop.store._context(shop.ada.workspace_id) as context:
            context.session.execute(text("DELETE FROM drift WHERE change = 'redescribed'"))


def test_since_monday_begins_with_monday(world: tuple[World, Gateway]) -> None:
    """And not as many times 24 hours ago as there are days since then."""
    shop, _gateway = world
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    monday = today - timedelta(days=today.weekday())
    insert = (
        "INSERT INTO drift (workspace_id, integration_id, zone_id, at, change, kind, qualified_name)"
        " SELECT workspace_id, integration_id, zone_id, :at, 'removed', 'table', :name"
        " FROM drift WHERE qualified_name = 'shop.sales.refunds'"
    )
    with shop.store._context(shop.ada.workspace_id) as context:
        for minutes, name in ((-1, "shop.sales.sunday"), (0, "shop.sales.monday")):
            at = (monday + timedelta(minutes=minutes)).strftime("%Y-%m-%d %H:%M:%S.%f")
            context.session.execute(text(insert), {"at": at, "name": name})
    try:
        told = said(world, shop.vic, "what changed since Monday?")
        assert "sales.monday" in told and "sales.sunday" not in told
        assert f"since Monday, {monday:%Y-%m-%d} (UTC)" in told
        none = said(world, shop.vic, "what changed in catalog.products since Monday")
        assert (
            f"No sync found a change in `shop.catalog.products` at the sources since Monday, {monday:%Y-%m-%d}"
            in none
        )
    finally:
        with shop.store._context(shop.ada.workspace_id) as context:
            gone = "DELETE FROM drift WHERE qualified_name IN ('shop.sales.sunday', 'shop.sales.monday')"
            context.session.execute(text(gone))


def late(world: tuple[World, Gateway], days: float, error: str | None = None) -> None:
    shop, _gateway = world
    at = (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%d %H:%M:%S.%f")
    with shop.store._context(shop.ada.workspace_id) as context:
        context.session.execute(
            text("UPDATE integrations SET last_sync_at = :at, last_error = :error, state = :state"),
            {"at": at, "error": error, "state": "failed" if error else "ok"},
        )


def test_stale_tables_and_sources_are_listed_with_the_readers_rights(world: tuple[World, Gateway]) -> None:
    shop, _gateway = world
    late(world, 0)
    assert "No table that you can see is stale" in said(world, shop.vic, "which tables are stale?")
    assert "No source of what you can see is stale" in said(world, shop.vic, "which syncs failed?")
    late(world, 3.1)
    text = said(world, shop.vic, "which tables are stale?")
    assert "sales.orders" in text and "as of the sync of 3 days ago" in text and "hr." not in text
    assert text.count("may be out of date") == 0, "it is told once"
    assert "hr.employees" in said(world, shop.hal, "which tables are stale?")
    assert "catalog.products" not in said(world, shop.vic, "stale tables in sales")
    late(world, 0.2, "the door was shut")
    text = said(world, shop.vic, "which sources failed to sync")
    assert "`warehouse`: as of the sync of 4 hours ago; the last sync failed" in text
    assert "shut" not in text
    with shop.store.as_admin(shop.ada) as door:
        door.settings.set("ai.guests_may_ask", True)
    assert "warehouse" not in said(world, shop.gus, "which sources failed to sync")
    late(world, 0)


# --- what the report tells to whom --------------------------------------------------------------------------------


def test_sql_that_names_what_is_hidden_is_not_told_as_a_change(store: Store, admin: Viewer) -> None:
    def view(definition: str) -> Any:
        more = table("mart", "costs", "amount numeric(12,2)", kind="view", definition=definition)
        return lambda: [*records(), more]

    shop = build(store, admin, more=lambda: view("SELECT amount FROM hr.salaries")()[-1:])
    again(store, admin, shop.integration_id, view("SELECT sum(amount) AS amount FROM hr.salaries"))
    told = {}
    for name in ("ada", "vic"):
        with store.as_viewer(shop.viewers[name]) as mine:
            found = mine.catalog.drift(LONG_AGO, change="redefined")
        assert [each.qualified_name for each in found] == ["shop.mart.costs"]
        told[name] = repr(found)
    assert "hr.salaries" in told["ada"] and "hr.salaries" not in told["vic"]


def test_a_schema_that_went_is_told_to_who_sees_the_place_above(any_store: Store, any_admin: Viewer) -> None:
    """Its zone went with it, and so would what was told of it, for all but admins."""

    def without_hr() -> list[Any]:
        return [
            each for each in records() if "hr" not in (getattr(each, "name", ""), getattr(each, "schema", ""))
        ]

    def wider() -> list[Any]:
        return [*records(), table("hr", "bonuses", "id bigint pk")]

    shop = build(any_store, any_admin)
    with any_store.as_admin(any_admin) as door:
        people = next(each.id for each in door.people.teams() if each.name == "People")
        door.people.grant(people, shop.integration_id)
    again(any_store, any_admin, shop.integration_id, wider)
    again(any_store, any_admin, shop.integration_id, without_hr)
    gone = {"shop.hr", "shop.hr.employees", "shop.hr.salaries", "shop.hr.bonuses"}
    for name, seen in (("ada", gone), ("hal", gone), ("vic", set())):
        with any_store.as_viewer(shop.viewers[name]) as mine:
            told = mine.catalog.drift(LONG_AGO)
        assert {each.qualified_name for each in told if each.change == "removed"} == seen, name
        assert (
            "shop.hr.bonuses" in {each.qualified_name for each in told if each.change == "added"}
        ) == bool(seen)


def test_what_was_told_of_a_table_with_a_grant_is_told_when_the_grant_is_gone(
    store: Store, admin: Viewer
) -> None:
    shop = build(store, admin)

    def told() -> set[str]:
        with store.as_viewer(shop.viewers["vic"]) as mine:
            return {each.qualified_name for each in mine.catalog.drift(LONG_AGO, change="retyped")}

    with store.as_admin(admin) as door:
        people = next(each.id for each in door.people.teams() if each.name == "People")
        door.people.grant(people, shop.integration_id, shop.id("sales.orders"))
    again(store, admin, shop.integration_id, changed)
    assert told() == {"shop.sales.orders.note"}
    with store.as_admin(admin) as door:
        door.people.revoke(people, shop.integration_id, shop.id("sales.orders"))
    assert told() == {"shop.sales.orders.note"}


def test_a_column_that_the_ai_filters_hide_is_no_change_for_the_assistant(
    store: Store, admin: Viewer
) -> None:
    def wider() -> list[Any]:
        kept = [each for each in records() if getattr(each, "name", "") != "suppliers"]
        return [*kept, table("catalog", "suppliers", "id bigint pk; company text; phone text; email text; city text")]  # fmt: skip

    shop = build(store, admin)
    again(store, admin, shop.integration_id, wider)
    with store.as_admin(admin) as door:
        door.settings.set("ai.filters", [{"effect": "exclude", "sensitivity": ["personal"]}])
    with store.as_viewer(shop.vic) as mine:
        assert {each.qualified_name.rpartition(".")[2] for each in mine.catalog.drift(LONG_AGO)} == {
            "email",
            "city",
        }
    with store.as_viewer(shop.vic.as_assistant()) as mine:
        found = mine.catalog.drift(LONG_AGO)
        assert [each.qualified_name for each in found] == ["shop.catalog.suppliers.city"]
        assert sum(mine.catalog.count_drift(LONG_AGO).values()) == 1
