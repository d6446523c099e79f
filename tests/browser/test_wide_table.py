"""The columns of a wide table in a real browser: in parts, by keyboard, on a phone, with the mark of one column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from web import column_page

pytest.importorskip("playwright.sync_api")


@pytest.fixture
def columns(visit: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Opens the columns of a table that has ten of them, in parts of three: the server runs in this process."""
    monkeypatch.setattr(column_page, "PART", 3)

    def opened(**of_browser: Any) -> Any:
        page = visit(**of_browser)
        page.goto("/search?q=orders")
        first = page.locator(".hit-name a", has_text="orders").first.get_attribute("href")
        page.goto(f"{first}/columns")
        return page

    return opened


def marks(page: Any) -> list[str]:
    return [
        str(each) for each in page.locator(".cols tbody tr").evaluate_all("rows => rows.map(row => row.id)")
    ]


def test_parts_by_keyboard_and_the_mark_of_a_column_opens_its_part(columns: Callable[..., Any]) -> None:
    page = columns()
    first = marks(page)
    assert len(first) == 3
    page.locator("a[rel=next]").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**offset=3*")
    second = marks(page)
    assert len(second) == 3 and not set(first) & set(second)
    page.evaluate(f"location.hash = '{first[1]}'")
    page.wait_for_url(f"**column={first[1][1:]}*")
    page.wait_for_load_state()
    assert marks(page) == first
    page.evaluate("location.hash = 'c999999999'")
    page.wait_for_url("**column=999999999*")
    page.wait_for_load_state()
    assert marks(page) == first, "a column of another table: asked for once, not for ever"
    field = page.locator("[data-parts] input[type=search]")
    field.fill("status")
    field.press("Enter")
    page.wait_for_url("**text=status*")
    assert all("status" in name for name in page.locator(".cols tbody th").all_inner_texts())


def test_parts_in_both_themes_and_on_a_phone(columns: Callable[..., Any]) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = columns(width=390, height=800)
    page.locator("a[rel=next]").click()
    page.wait_for_url("**offset=3*")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        assert not [
            (each["id"], each["nodes"][0]["target"])
            for each in axe.run(page).response["violations"]
            if each["impact"] in ("serious", "critical")
        ]
