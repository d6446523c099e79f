"""States that a person meets on a bad day: offline, a broken stream, a full house, nothing shared, odd texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.web.conftest import EDITOR, GUEST

expect = pytest.importorskip("playwright.sync_api").expect


def orders(page: Any) -> str:
    page.goto("/search?q=orders")
    return str(page.locator(".hit-name a", has_text="orders").first.get_attribute("href"))


def test_offline_says_so_keeps_what_was_typed_and_saves_an_edit_later(visit: Callable[..., Any]) -> None:
    page = visit()
    page.goto(f"{orders(page)}/columns")
    page.locator("[data-edit] summary").first.click()
    box = page.locator("[data-edit] textarea").first
    box.fill("Written on a train.")
    page.context.set_offline(True)
    line = page.locator(".offline")
    expect(line).to_contain_text("You are offline")
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-edit][open] .notice")).to_contain_text("Your edit waits")
    assert box.input_value() == "Written on a train."
    page.keyboard.press("Control+j")
    chip = page.locator("#side .egress summary")
    expect(chip).to_contain_text("Offline · nothing leaves")
    expect(page.locator("#ask-side")).to_be_disabled()
    page.context.set_offline(False)
    expect(line).to_have_count(0)
    expect(page.locator("[data-edit] summary").first).to_contain_text("Written on a train.")
    expect(page.locator("#ask-side")).to_be_enabled()
    expect(chip).to_contain_text("Built-in")
    page.reload()
    expect(page.locator("[data-edit] summary").first).to_contain_text("Written on a train.")


def test_a_stream_that_breaks_keeps_its_text_and_offers_retry(visit: Callable[..., Any]) -> None:
    page = visit()
    page.goto("/assistant")
    half = 'event: step\ndata: {"n": 0, "title": "Reading"}\n\nevent: text\ndata: {"text": "Refunds are in a table of"}\n\n'
    page.route("**/api/v1/prompts", lambda route: route.fulfill(content_type="text/event-stream", body=half))
    page.fill("#ask", "Where are refunds?")
    page.press("#ask", "Enter")
    notice = page.locator("[data-message] .notice")
    expect(notice).to_contain_text("broke off")
    expect(notice).to_contain_text("What came before is kept")
    expect(page.locator("[data-message] .answer")).to_contain_text("Refunds are in a table of")
    page.unroute("**/api/v1/prompts")
    notice.get_by_role("button", name="Retry").click()
    expect(page.locator("[data-message] .msg-foot")).to_have_count(1)
    expect(page.locator("[data-message] .ask")).to_contain_text("Where are refunds?")


def test_a_full_house_says_so_and_when_to_ask_again(visit: Callable[..., Any]) -> None:
    page = visit()
    page.goto("/assistant")
    problem = '{"status": 429, "title": "Too Many Requests", "retry_after": 5, "detail": "Docent is writing as many answers"}'
    page.route(
        "**/api/v1/prompts",
        lambda route: route.fulfill(status=429, content_type="application/problem+json", body=problem),
    )
    page.fill("#ask", "Where are refunds?")
    page.press("#ask", "Enter")
    notice = page.locator("[data-message] .notice")
    expect(notice).to_contain_text("as many answers")
    expect(notice).to_contain_text("Try again in 5 seconds")
    expect(notice.get_by_role("button", name="Retry")).to_be_visible()


def test_a_hidden_thing_and_an_absent_one_look_alike(visit: Callable[..., Any]) -> None:
    admin, guest = visit(), visit(GUEST)
    admin.goto("/search?q=salaries")
    hidden = admin.locator(".hit-name a", has_text="salaries").first.get_attribute("href")
    shown = []
    for path in (hidden, "/r/987654321"):
        guest.goto(path)
        shown.append(guest.locator("main").inner_text())
    assert shown[0] == shown[1] and "nothing at this address" in shown[0]


def test_right_to_left_descriptions_keep_names_left_to_right(visit: Callable[..., Any]) -> None:
    page = visit()
    page.goto(f"{orders(page)}/columns")
    page.locator("[data-edit] summary").nth(1).click()
    page.locator("[data-edit][open] textarea").fill("מספר ההזמנה כפי שהלקוח רואה")
    page.keyboard.press("Control+Enter")
    text = page.locator("[data-edit] summary [dir=auto]", has_text="מספר")
    expect(text).to_be_visible()
    assert text.evaluate("node => getComputedStyle(node).direction") == "rtl"
    assert page.locator("tbody th").nth(1).evaluate("node => getComputedStyle(node).direction") == "ltr"


def test_a_viewer_reads_which_rule_refuses_and_who_can_change_it(visit: Callable[..., Any]) -> None:
    page = visit(EDITOR)
    page.goto("/settings/ai")
    text = page.locator("main").inner_text()
    assert "admin" in text.lower() and "not open to you" in text
