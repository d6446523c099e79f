"""What a member finds depends on what the member sees, and on nothing else that is in the index.

Two workspaces hold the same for Eve. In one it is all there is, written in one go; in the other much that is hidden lies
around it, some of hers was granted to others as well, and all was written again in another order. The limits of the
index are low here, so that the lists of words are cut as those of a large catalog are.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from plugin.access.viewer import Role, Surface, Viewer
from plugin.store import Store
from tests.search.conftest import Fill, table

FIRST = "amber birch cedar delta ember".split()
SECOND = "north south west lower upper inner".split()
TEXTS = (
    "order",
    "ord",
    "order region",
    "amber order customer region",
    "oder",
    "which customers of the north have placed an order and what was the amount of it in that region",
)


def lines(schema: str, said: str, words: list[str] = FIRST) -> list[dict[str, Any]]:
    """Tables with the same words, most of which differ by one."""
    found = []
    for at, (one, other) in enumerate(product(words, SECOND)):
        columns = "order_id, customer_id, placed_at: when it was placed, amount"
        name = f"order_{one}_{other}" if at % 3 else f"{one}_{other}"
        described = f"{said} order of the {other} region" if at % 2 else said
        found.append(table("shop", schema, name, columns + (", region" if at % 5 else ""), described))
    return found


def eve_of(store: Store, admin: Viewer) -> Viewer:
    """A guest who sees two schemas."""
    with store.as_admin(admin) as door:
        team = door.people.add_team("Sales", private=True)
        email = f"eve@{admin.workspace_slug}.example"
        member = door.people.add_member(email, Role.GUEST, "Eve", password="a long enough password")
        door.people.add_to_team(team.id, member.id)
    for schema in ("shop.sales", "shop.stock"):
        grant(store, admin, team.id, schema)
    with store.sign_in() as door:
        return door.viewer_for_email(admin.workspace_slug, email, Surface.PAGE)


def grant(store: Store, admin: Viewer, team: int, name: str) -> None:
    with store.as_viewer(admin) as mine:
        place = mine.catalog.by_name(name)
    with store.as_admin(admin) as door:
        door.people.grant(team, place.integration_id, place.id)


def found(store: Store, viewer: Viewer) -> dict[str, Any]:
    """Everything that searches tell a viewer."""
    told: dict[str, Any] = {}
    for text in TEXTS:
        for more in ({}, {"limit": 5, "facets": True}, {"kinds": ("column",)}, {"schema": "sales"}):
            with store.as_viewer(viewer) as mine:
                page = mine.catalog.search(text, **more)
            told[f"{text} {more}"] = (
                [(hit.resource.qualified_name, hit.score, hit.why) for hit in page.hits],
                page.total,
                page.facets,
                page.did_you_mean,
            )
    return told


def test_nothing_that_is_hidden_decides_what_is_found(
    any_store: Store, new_workspace: Any, fill: Fill, low_limits: None
) -> None:
    quiet = new_workspace(any_store, "Quiet", "ada@quiet.example")
    visible = [*lines("sales", "Kept."), *lines("stock", "Held.", FIRST[:3])]
    fill(any_store, quiet, "warehouse", visible)
    alone = found(any_store, eve_of(any_store, quiet))

    busy = new_workspace(any_store, "Busy", "bob@busy.example")
    fill(any_store, busy, "warehouse", lines("hr", "Hidden."))
    fill(
        any_store,
        busy,
        "warehouse",
        [*lines("sales", "To be said."), *lines("stock", "To be said.", FIRST[:3])],
    )
    fill(any_store, busy, "warehouse", lines("audit", "Hidden."))
    eve = eve_of(any_store, busy)
    with any_store.as_admin(busy) as door:
        others = door.people.add_team("Others", private=True)
    for one in (lines("sales", "")[at] for at in (0, 4, 7, 16)):
        grant(any_store, busy, others.id, f"shop.sales.{one['title']}")
    for part in (visible[30:], visible[15:30], visible[:15]):
        fill(any_store, busy, "warehouse", part)

    among = found(any_store, eve)
    differing = [text for text, told in alone.items() if among[text] != told]
    assert differing == []


def test_where_rows_lie_does_not_decide_what_an_admin_finds(
    any_store: Store, any_admin: Viewer, fill: Fill, low_limits: None
) -> None:
    kept = lines("sales", "Kept.")
    fill(any_store, any_admin, "warehouse", kept)
    before = found(any_store, any_admin)
    fill(any_store, any_admin, "warehouse", lines("sales", "To be said."))
    for part in (kept[15:], kept[:15]):
        fill(any_store, any_admin, "warehouse", part)
    assert found(any_store, any_admin) == before


def test_grants_on_what_ai_filters_hide_do_not_decide_what_an_admins_assistant_finds(
    any_store: Store, any_admin: Viewer, fill: Fill, low_limits: None
) -> None:
    fill(any_store, any_admin, "warehouse", lines("hr", "Hidden."))
    fill(any_store, any_admin, "warehouse", [*lines("sales", "Kept."), *lines("stock", "Held.", FIRST[:3])])
    with any_store.as_admin(any_admin) as door:
        door.settings.set("ai.filters", [{"effect": "exclude", "schemas": ["hr"]}])
        others = door.people.add_team("Others", private=True)
    before = found(any_store, any_admin.as_assistant())
    for at in (0, 4, 7, 16):
        grant(any_store, any_admin, others.id, f"shop.hr.{lines('hr', '')[at]['title']}")
    assert found(any_store, any_admin.as_assistant()) == before
