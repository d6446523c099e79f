"""Every page, in both themes and on a phone: nothing that axe calls serious, no sideways scroll, no foreign request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

PATHS = (
    "/", "/embed", "/search?q=customer+order", "/search?q=zzzqqq", "/catalog", "/catalog/changes", "/catalog/import", "/glossary", "/assistant", "/integrations",
    "/integrations/new", "/integrations/new?type=postgres", "/integrations/1", "/integrations/1/push", "/members", "/members/teams", "/members/teams/1", "/members/groups",
    "/settings/ai", "/audit", "/ledger", "/usage", "/trust", "/trust/data-flow", "/trust/register", "/trust/see-as", "/oversight", "/queries", "/decisions", "/me", "/api/v1/docs", "/no-such-page",
    "/history/templates", "/queries", "/history/shared", "/history/mine",
)  # fmt: skip
PARTS = {
    "static", "health.healthz", "health.readyz", "health.metrics", "home.settings", "catalog.level", "catalog.properties", "lineage.edges",
    "lineage.impact", "assistant.saved_panel", "integrations.progress", "trust.record", "records.audit_export",
    "records.ledger_export", "records.head", "history.export", "history.export_mine", "results.download",
    "results.download_parquet", "queries.back",
}  # fmt: skip
"""Addresses that are no page: fragments, files, redirects, health."""
ELSEWHERE = {"auth.sign_in", "auth.invitation", "assistant.chat", "assistant.rename_form", "history.read_shared",
             "history.sharing", "results.show", "decisions.one"}  # fmt: skip
"""Pages that need something to exist first; the tests of these things look at them."""
TABS = ("overview", "columns", "lineage", "sql", "usage", "activity")


def addresses(page: Any) -> list[str]:
    page.goto("/search?q=revenue_daily")
    view = page.locator(".hit-name a").first.get_attribute("href")
    return [*PATHS, *(f"{view}/{tab}" for tab in TABS)]


def test_every_page_is_looked_at(app: Flask) -> None:
    """A new page fails here until axe and the narrow screens see it too."""
    seen = {app.url_map.bind("").match(path.split("?")[0])[0] for path in PATHS if path != "/no-such-page"}
    pages = {
        each.endpoint
        for each in app.url_map.iter_rules()
        if "GET" in each.methods and "api" not in each.endpoint
    }
    assert pages - PARTS - ELSEWHERE - {"resource.show", "resource.part"} == seen - {"api_describe.docs"}


@pytest.mark.timeout(900)
def test_axe_finds_nothing_serious_in_either_theme(visit: Callable[..., Any]) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = visit()
    found: list[str] = []
    grounds: set[str] = set()
    for path in addresses(page):
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        page.goto(path)
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
            for violation in axe.run(page).response["violations"]:
                if violation["impact"] in ("serious", "critical"):
                    found.append(f"{path} {theme}: {violation['id']} {violation['nodes'][0]['target']}")
    assert not found, "\n".join(found)
    assert len(grounds) == 2, f"a theme was not shown: {grounds}"


def test_axe_finds_nothing_serious_on_the_sign_in_page(visit: Callable[..., Any]) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = visit(None)
    page.goto("/sign-in")
    assert not [
        each for each in axe.run(page).response["violations"] if each["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("width", [390, 320, 1024])
def test_no_page_scrolls_sideways(visit: Callable[..., Any], width: int) -> None:
    page = visit(width=width, height=800)
    wide = []
    for path in addresses(page):
        page.goto(path)
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        main = page.evaluate("(m => m ? m.scrollWidth - m.clientWidth : 0)(document.querySelector('.main'))")
        if over > 0 or main > 0:
            wide.append(f"{path}: {over}, {main}")
    assert not wide, "\n".join(wide)


def test_on_a_phone_the_sidebar_is_a_sheet(visit: Callable[..., Any]) -> None:
    page = visit(width=390, height=800)
    page.goto("/catalog")
    page.locator("[data-toggle=side]").first.click()
    box = page.locator("#side").bounding_box()
    assert (box["x"], box["width"]) == (0, 390)
    page.get_by_role("button", name="Close the assistant").click()
    assert not page.locator("#side").is_visible()


def test_the_palette_finds_goes_and_asks(visit: Callable[..., Any]) -> None:
    page = visit()
    page.keyboard.press("Control+k")
    page.fill("#palette input", "orders")
    page.wait_for_selector("#palette [role=option] .mono")
    page.keyboard.press("Enter")
    page.wait_for_selector(".res-name h1")
    page.wait_for_load_state()  # the keys are heard once the scripts are there
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "find"


def test_a_description_is_edited_in_place(visit: Callable[..., Any]) -> None:
    page = visit()
    page.goto("/search?q=revenue_daily")
    page.locator(".hit-name a").first.click()
    row = page.locator(".cols tbody tr").first
    row.locator("summary").click()
    row.locator("textarea").fill("The day, in UTC.")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("text=The day, in UTC.")
    page.reload()
    assert "The day, in UTC." in page.locator(".cols tbody tr").first.inner_text()


def test_the_theme_holds(visit: Callable[..., Any]) -> None:
    page = visit()
    page.get_by_role("button", name="Dark").click()
    page.goto("/catalog")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_the_redaction_box_shows_what_would_go(visit: Callable[..., Any]) -> None:
    page = visit()
    page.goto("/settings/ai#redaction")
    page.fill("#try-in", "Ask ingrid@example.com about it")
    page.wait_for_selector("[data-try-out] mark")
    assert "ingrid@example.com" not in page.locator("[data-try-out]").inner_text()


def test_the_sidebar_opens_and_closes_by_keys_and_gives_focus_back(visit: Callable[..., Any]) -> None:
    page = visit()
    page.goto("/catalog")
    page.keyboard.press("/")
    page.keyboard.press("Control+j")
    assert page.evaluate("document.activeElement.id") == "ask-side"
    page.keyboard.press("Control+j")
    assert not page.locator("#side").is_visible()
    assert page.evaluate("document.activeElement.id") == "find"


def test_arrows_walk_the_hits_and_enter_opens_one(visit: Callable[..., Any]) -> None:
    page = visit()
    page.goto("/search?q=customer+order")
    second = page.locator(".hit-name a").nth(1).get_attribute("href")
    page.keyboard.press("/")
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp"):
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.getAttribute('href')") == second
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{second}*")


def test_the_palette_asks_by_keys_and_escape_gives_focus_back(visit: Callable[..., Any]) -> None:
    page = visit()
    page.goto("/glossary")
    page.keyboard.press("/")
    page.keyboard.press("Control+k")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "find"
    page.keyboard.press("Control+k")
    page.keyboard.type("who owns sales.orders")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#side [data-message] .ask >> text=who owns sales.orders")


def test_on_a_phone_the_open_tab_is_in_sight(visit: Callable[..., Any]) -> None:
    page = visit(width=390, height=800)
    page.goto("/oversight")
    tab = page.locator(".tabs [aria-current]").bounding_box()
    assert tab["x"] >= 0 and tab["x"] + tab["width"] <= 390


def test_very_long_names_are_cut_and_said_in_full(visit: Callable[..., Any]) -> None:
    name = "the_net_revenue_of_every_channel_" * 6
    page = visit(width=390, height=800)
    page.goto("/glossary?add=1")
    page.fill("#f-name", name[:190])
    page.fill("#f-definition", "A long one.")
    page.get_by_role("button", name="Add the term").click()
    page.wait_for_selector(".res-name h1")
    address = page.url
    for path in (address, "/glossary", "/catalog", "/search?q=the_net_revenue_of_every_channel", "/"):
        page.goto(path)
        main = page.locator(".main")
        assert main.evaluate("node => node.scrollWidth - node.clientWidth") <= 0, path
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
    page.goto(address)
    heading = page.locator(".res-name h1")
    assert name[:190] in (heading.text_content() or "") + (heading.get_attribute("title") or "")
