"""What the assistant finds depends on what the AI filters leave it, and on nothing else that people see.

Two workspaces have the same filters and leave the assistant the same. In one that is all there is; in the other people
see much besides, with the same words, which the filters hide: by schema, by tag, by what nobody verified. The limits of
the index are low here, so that the lists of words are cut as those of a large catalog are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from plugin.access.ai_rules import parse_rules
from plugin.access.viewer import Viewer
from plugin.store import Store, search, search_evidence, search_rank
from plugin.store._models.catalog import ResourceRow
from plugin.store._visible import visible
from plugin.store.search_rows import TABLE_KINDS
from plugin.store.search_scope import full_text
from tests.search.conftest import Fill, table
from tests.search.test_hidden import FIRST, eve_of, lines

TEXTS = (
    "order region",
    "amber order customer region",
    "which customers of the north have placed an order and what was the amount of it in that region",
)
FILTERS: dict[str, list[dict[str, Any]]] = {
    "schemas and tags": [
        {"effect": "exclude", "schemas": ["hr", "audit"]},
        {"effect": "exclude", "tags": ["pii"]},
    ],
    "verified": [
        {"effect": "include", "verified": True},
        {"effect": "include", "kinds": ["schema", "database"]},
    ],
}
WAYS: tuple[dict[str, Any], ...] = (
    {"limit": 5, "facets": True},
    {"kinds": ("column",), "schema": "sales"},
    {"tags": ("core",), "limit": 3},
    {"kinds": tuple(sorted(TABLE_KINDS)), "limit": 8, "beside": 4, "fold_copies": True},
)


@pytest.fixture
def lower_limits(low_limits: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few documents are weighed, too."""
    for room in (search, search_evidence, search_rank):
        monkeypatch.setattr(room, "WEIGHED", 10)


def shards(schema: str, months: range, **more: Any) -> list[dict[str, Any]]:
    """Tables of one family."""
    columns = "order_id, region, placed_at, amount"
    return [table("shop", schema, f"order_log_2024{month:02d}", columns, "Kept.", **more) for month in months]


VISIBLE = [
    *shards("sales", range(2, 5)),
    *lines("sales", "Kept."),
    *lines("stock", "Held.", FIRST[:3]),
    table("shop", "stock", "order_region", "order_id, customer_id, amount", "Kept.", tags=["core"]),
]
HIDDEN = [
    table("shop", "sales", f"order_{one}_customer", "order_id, region", "An order of a region.", tags=["pii", "core"])
    for one in "ashen bronze coral dusky early fallow grey hazel".split()
]  # fmt: skip


def told(store: Store, viewer: Viewer, *, fold: bool = True) -> dict[str, Any]:
    """Everything that searches tell a viewer, and what is suggested while they type."""
    found: dict[str, Any] = {}
    for text in TEXTS:
        for more in WAYS:
            with store.as_viewer(viewer) as mine:
                page = mine.catalog.search(text, **(more if fold else {**more, "fold_copies": False}))
            found[f"{text} {more}"] = (
                [(hit.resource.qualified_name, hit.score, hit.why) for hit in page.hits],
                page.total,
                page.facets,
                page.did_you_mean,
                [each.qualified_name for each in page.beside],
            )
    for text in ("ord", "amb", "customer"):
        with store.as_viewer(viewer) as mine:
            found[f"suggest {text}"] = [each.qualified_name for each in mine.catalog.suggest(text)]
    return found


def verify(store: Store, admin: Viewer, schemas: tuple[str, ...]) -> None:
    """Let an admin verify what the assistant is to see."""
    names = {f"shop.{each['schema']}.{each['title']}" for each in VISIBLE if each["schema"] in schemas}
    with store.as_viewer(admin) as mine:
        for each in mine.catalog.browse(kinds=("table",), limit=1000).items:
            if each.qualified_name in names:
                mine.edits.set_property(each.id, "verified", True)


@pytest.mark.parametrize("filters", FILTERS)
def test_nothing_that_ai_filters_hide_decides_what_the_assistant_finds(
    filters: str, any_store: Store, new_workspace: Any, fill: Fill, lower_limits: None
) -> None:
    sides = []
    for name, rich in (("Quiet", False), ("Busy", True)):
        admin = new_workspace(any_store, name, f"ada@{name.lower()}.example")
        if rich:
            fill(any_store, admin, "warehouse", [*lines("hr", "Hidden."), *HIDDEN[:4]])
        fill(any_store, admin, "warehouse", VISIBLE)
        if rich:
            more = [*lines("audit", "Hidden."), *HIDDEN[4:]]
            more += [*shards("sales", range(1, 2), tags=["pii"]), *shards("sales", range(5, 7), tags=["pii"])]
            fill(any_store, admin, "warehouse", more)
        with any_store.as_admin(admin) as door:
            door.settings.set("ai.filters", FILTERS[filters])
        if filters == "verified":
            verify(any_store, admin, ("sales", "stock"))
        sides.append((admin, eve_of(any_store, admin)))
    for alone, among in zip(*sides, strict=True):
        one, other = told(any_store, alone.as_assistant()), told(any_store, among.as_assistant())
        assert [text for text, found in one.items() if other[text] != found] == []


@pytest.mark.parametrize(
    "filters", ({"tags": ["pii"]}, {"kinds": ["column"], "schemas": ["sales"]}), ids=("tags", "kinds")
)
def test_columns_that_ai_filters_hide_decide_nothing_either(
    filters: dict[str, Any], any_store: Store, new_workspace: Any, fill: Fill, lower_limits: None
) -> None:
    sides = []
    for name, rich in (("Quiet", False), ("Busy", True)):
        admin = new_workspace(any_store, name, f"ada@{name.lower()}.example")
        fill(
            any_store, admin, "warehouse", [_with_hidden(each, rich, "kinds" in filters) for each in VISIBLE]
        )
        with any_store.as_admin(admin) as door:
            door.settings.set("ai.filters", [{"effect": "exclude", **filters}])
        sides.append(admin)
    # Not folded, as only the evaluation asks for it: tables are copies by all their columns.
    one, other = (told(any_store, admin.as_assistant(), fold=False) for admin in sides)
    assert [text for text, found in one.items() if other[text] != found] == []


@pytest.mark.parametrize(
    "filters", ({"tags": ["pii"]}, {"tags": ["pii"], "kinds": ["column"]}), ids=("tags", "kinds")
)
def test_places_are_as_large_as_what_the_filters_leave_in_them(
    filters: dict[str, Any], any_store: Store, new_workspace: Any, fill: Fill
) -> None:
    wide = table("shop", "sales", "order_width", ", ".join(f"part_{at}" for at in range(62)), "Kept.")
    gone = _with_hidden(HIDDEN[1], True, False)
    rules = [{"effect": "exclude", **filters}]
    if "kinds" in filters:
        rules.append({"effect": "exclude", "kinds": ["table"], "tags": ["pii"]})
    sizes = []
    for name, rich in (("Quiet", False), ("Busy", True)):
        admin = new_workspace(any_store, name, f"ada@{name.lower()}.example")
        lines = [_with_hidden(each, rich, False) for each in (wide, *VISIBLE)]
        fill(any_store, admin, "warehouse", [*lines, gone] if rich else lines)
        with any_store.as_admin(admin) as door:
            door.settings.set("ai.filters", rules)
        with any_store.as_viewer(admin.as_assistant()) as mine:
            places = {each.id: each.name for each in mine.catalog.browse(kinds=("schema",)).items}
            inside = full_text(mine.catalog._context).inside(sorted(places))
        sizes.append({places[id_]: size for id_, size in inside.items()})
    assert sizes[0] == sizes[1]


def _with_hidden(line: dict[str, Any], rich: bool, every: bool) -> dict[str, Any]:
    """The line with columns that the filters hide: of every other table, or all there are of one schema."""
    if every:
        kept = line["columns"] if rich or line["schema"] != "sales" else []
        return {**line, "columns": kept}
    hidden = [
        {
            "name": f"{word}_of_customer",
            "type": "text",
            "description": "The region of an order.",
            "tags": ["pii"],
        }
        for word in ("region", "amount", "north")
    ]
    more = hidden if rich and len(line["title"]) % 2 else []
    return {**line, "columns": [*line["columns"], *more]}


def test_the_assistant_is_told_how_much_the_filters_leave(
    any_store: Store, any_admin: Viewer, fill: Fill, lower_limits: None
) -> None:
    fill(any_store, any_admin, "warehouse", [*lines("stock", "Held.", FIRST[:3]), *lines("hr", "Hidden.")])
    with any_store.as_admin(any_admin) as door:
        door.settings.set("ai.filters", [{"effect": "exclude", "schemas": ["hr"]}])
    with any_store.as_viewer(any_admin.as_assistant()) as mine:
        # More than are weighed: there are 18, of which lists of two words have some.
        assert 10 < mine.catalog.search("customer region", limit=2).total <= 18


def test_a_filter_on_schemas_looks_them_up_once_for_a_statement(store: Store, admin: Viewer) -> None:
    rules = parse_rules([{"effect": "exclude", "schemas": ["hr"]}])
    with store.as_viewer(admin) as mine:
        context = mine.catalog._context
        wanted = select(ResourceRow.id).where(
            ResourceRow.id == 1, visible(replace(context, for_ai=True, ai_rules=rules))
        )
        written = wanted.compile(context.engine, compile_kwargs={"literal_binds": True})
        steps = context.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {written}").all()
    plan = [step[-1] for step in steps]
    assert [step for step in plan if step.startswith(("SCAN", "CORRELATED LIST"))] == []
