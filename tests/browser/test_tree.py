"""The catalog's tree in a real browser: by keyboard, in parts, by a typed name, without a script, after coming back."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from web.pages import catalog

expect = pytest.importorskip("playwright.sync_api").expect


@pytest.fixture
def tree(visit: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Opens the catalog with levels of three at first and four more each time: the server runs in this process."""
    monkeypatch.setattr(catalog, "LEVEL", 3)
    monkeypatch.setattr(catalog, "FURTHER", 4)

    def opened(**of_browser: Any) -> Any:
        page = visit(**of_browser)
        page.goto("/catalog")
        return page

    return opened


def press(page: Any, *keys: str) -> Any:
    """Presses keys; the item that has the focus."""
    for key in keys:
        page.keyboard.press(key)
    return page.locator(".tree :focus")


def long_level(page: Any) -> tuple[Any, Any]:
    """Opens the tree by keys down to the first level that has more than its first part: its owner and its list."""
    page.locator(".tree [tabindex='0']").focus()
    for _ in range(20):
        item = page.locator(".tree :focus")
        if item.get_attribute("aria-expanded") == "false":
            item = press(page, "ArrowRight")
            expect(item).not_to_have_attribute("aria-busy", "true")
            group = page.locator(f"[id='{item.get_attribute('aria-owns')}']")
            expect(group.locator("> li > [role=treeitem]").first).to_be_attached()
            if group.locator("> li > [data-more]").count():
                owner = page.locator(f".tree a[data-level='{item.get_attribute('data-level')}']")
                return owner, group
        press(page, "ArrowDown")
    raise AssertionError("no level of the sample company is longer than three")


def test_by_keyboard_in_parts_and_by_a_typed_name(tree: Callable[..., Any]) -> None:
    page = tree()
    assert page.locator(".tree [role=tree] [tabindex='0']").count() == 1, "one stop of the Tab key"
    owner, group = long_level(page)
    names = group.locator("> li > [data-id] [data-name]").all_text_contents()
    total = int(owner.get_attribute("data-count"))
    level = int(owner.get_attribute("aria-level"))
    first = press(page, "ArrowRight", "ArrowDown")
    expect(first.locator("[data-name]")).to_have_text(names[0])
    assert [first.get_attribute(f"aria-{each}") for each in ("level", "posinset", "setsize")] == [str(level + 1), "1", str(total)]  # fmt: skip
    more = group.locator("> li > [data-more]")
    expect(more).to_have_text(f"Show more of {total - 3}")
    more.focus()
    fourth = press(page, "Enter")
    expect(fourth).to_have_attribute("aria-posinset", "4")
    every = group.locator("> li > [data-id] [data-name]").all_text_contents()
    assert every[:3] == names and 3 < len(every) <= 7
    press(page, "ArrowLeft")
    expect(owner).to_be_focused()
    press(page, "ArrowLeft")
    expect(owner).to_have_attribute("aria-expanded", "false")
    expect(group).to_be_hidden()
    press(page, "End")
    last = page.locator(".tree > ul > li > [role=treeitem]").last
    expect(last).to_be_focused()
    expect(press(page, "Home")).to_have_attribute("aria-level", "1")


def test_a_name_that_is_not_loaded_is_found_by_typing_it(tree: Callable[..., Any]) -> None:
    page = tree()
    _owner, group = long_level(page)
    names = group.locator("> li > [data-id] [data-name]").all_text_contents()
    further = page.request.get(group.locator("> li > [data-more]").get_attribute("data-more")).text()
    wanted = re.findall(r"data-name>([^<]+)<", further)[-1]
    press(page, "ArrowRight", "ArrowDown")
    assert wanted not in names
    page.keyboard.type(wanted)
    expect(page.locator(".tree :focus [data-name]")).to_have_text(wanted)
    page.wait_for_timeout(750)  # what is typed after a pause is another name
    page.keyboard.type("~")
    expect(page.locator("#said")).to_have_text("Nothing here begins with ~.")
    expect(page.locator(".tree :focus [data-name]")).to_have_text(wanted)
    group.locator("> li > [data-first]").click()
    expect(group.locator("> li > [data-id] [data-name]")).to_have_text(names)


def test_what_was_open_is_open_on_coming_back_and_a_place_is_shown(tree: Callable[..., Any]) -> None:
    page = tree()
    owner, _group = long_level(page)
    place = owner.get_attribute("data-id")
    page.goto("/glossary")
    page.go_back()
    expect(page.locator(f".tree a[data-id='{place}'][aria-expanded=true]")).to_be_visible()
    page.evaluate("sessionStorage.clear()")
    page.goto(f"/catalog?under={place}")
    expect(page.locator(".tree [aria-current=page]")).to_have_attribute("data-id", place)


def test_a_level_that_breaks_says_so_and_is_asked_for_again(tree: Callable[..., Any]) -> None:
    page = tree()
    page.route("**/catalog/level**", lambda route: route.abort())
    page.locator(".tree [tabindex='0']").focus()
    press(page, "ArrowRight")
    again = page.locator(".tree [data-again]")
    expect(again).to_contain_text("Try again")
    page.unroute("**/catalog/level**")
    again.focus()
    press(page, "Enter")
    expect(page.locator(".tree [role=group] [data-id]").first).to_be_visible()
    assert page.locator(".tree :focus").count() == 1


def test_axe_finds_nothing_serious_in_an_open_tree(tree: Callable[..., Any]) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = tree(width=390, height=800)
    long_level(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert not [
        (each["id"], each["nodes"][0]["target"])
        for each in axe.run(page, context=".tree").response["violations"]
        if each["impact"] in ("serious", "critical")
    ]


def test_without_a_script_a_place_of_the_tree_is_a_list(visit: Callable[..., Any]) -> None:
    page = visit(javascript=False)
    page.goto("/catalog")
    page.locator(".tree a").first.click()
    page.wait_for_url("**integration=**")
    assert page.locator(".tree [aria-current=page]").count() == 1
    assert page.locator("main table tbody tr").count() > 1
