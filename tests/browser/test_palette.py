"""The palette in a real browser: what is typed last is what is answered, found, not found or broken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

expect = pytest.importorskip("playwright.sync_api").expect
SUGGEST = "**/api/v1/suggest?**"


@pytest.fixture
def palette(visit: Callable[..., Any]) -> Callable[..., Any]:
    """The home page with the palette open."""

    def opened() -> Any:
        page = visit()
        page.keyboard.press("Control+k")
        expect(page.get_by_role("combobox", name="Find, go to or ask")).to_be_focused()
        return page

    return opened


def test_nothing_found_and_broken_say_so(palette: Callable[..., Any]) -> None:
    page = palette()
    page.keyboard.type("zzzqqq")
    expect(page.locator(".palette-said")).to_contain_text("Nothing that you may see")
    page.route(SUGGEST, lambda route: route.abort())
    page.keyboard.type("x")
    expect(page.locator(".palette-said")).to_contain_text("Docent does not answer")
    page.unroute(SUGGEST)
    page.keyboard.press("Backspace")
    expect(page.locator(".palette-said")).to_contain_text("Nothing that you may see")


def test_enter_before_the_answer_searches_for_what_was_typed(palette: Callable[..., Any]) -> None:
    """It opened what was listed for the text of before: with an empty one the first place of the rail."""
    page = palette()
    page.route(SUGGEST, lambda route: None)
    page.keyboard.type("orders")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=orders")
    page.unroute_all(behavior="ignoreErrors")


def test_a_late_answer_for_less_is_called_off(palette: Callable[..., Any]) -> None:
    page = palette()
    off: list[str] = []
    page.on("requestfailed", lambda request: off.append(request.url))
    with page.expect_request(SUGGEST):
        page.route(SUGGEST, lambda route: None if "q=zzz&" in route.request.url else route.continue_())
        page.keyboard.type("zzz")
    page.locator(".palette input").fill("orders")
    expect(page.locator(".palette [role=option] .mono").first).to_contain_text("orders")
    assert any("q=zzz&" in url for url in off), "the question for less is not answered any more"
    page.unroute_all(behavior="ignoreErrors")
