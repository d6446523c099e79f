"""The main job in a browser: ask, watch the answer come, open its sources, find it again."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.web.conftest import EDITOR

expect = pytest.importorskip("playwright.sync_api").expect


def ask(page: Any, box: str, text: str) -> Any:
    page.fill(box, text)
    page.press(box, "Enter")
    page.wait_for_selector("docent-chat [data-message] .msg-foot")
    return page.locator("docent-chat [data-message]").last


def test_a_question_is_answered_with_sources_and_kept(visit: Callable[..., Any]) -> None:
    page = visit()
    page.goto("/assistant")
    message = ask(page, "#ask", "What is sales.orders?")
    assert "order" in message.locator(".answer").inner_text().lower()
    assert page.url.rsplit("/", 1)[1].isdigit(), "the chat has an address of its own"
    source = message.locator(".sources a").first
    assert re.fullmatch(r"/r/\d+", source.get_attribute("href"))
    page.wait_for_selector(".saved-item")
    source.click()
    page.wait_for_selector(".res-name h1")
    page.go_back()
    page.reload()
    assert "sales.orders" in page.locator("[data-message] .ask").inner_text()


def test_what_was_sent_says_that_nothing_left(visit: Callable[..., Any]) -> None:
    page = visit()
    page.goto("/assistant")
    message = ask(page, "#ask", "Who owns sales.orders?")
    message.get_by_role("button", name="What was sent").click()
    drawer = page.locator("dialog[data-sent][open]")
    assert "Nothing left this process" in drawer.inner_text()
    page.keyboard.press("Escape")
    assert not drawer.is_visible()


def test_the_sidebar_knows_its_page_and_opens_by_keyboard(visit: Callable[..., Any]) -> None:
    page = visit()
    page.goto("/search?q=orders")
    page.locator(".hit-name a", has_text="orders").first.click()
    page.wait_for_selector(".res-name")
    page.keyboard.press("Control+j")
    page.wait_for_selector("#side", state="visible")
    assert page.evaluate("document.activeElement.id") == "ask-side"
    assert page.locator("docent-chat").get_attribute("data-resource")
    ask(page, "#ask-side", "What is this?")
    page.goto("/catalog")
    assert page.locator("#side").is_visible(), "it stays open from page to page"
    page.keyboard.press("Control+j")
    page.goto("/glossary")
    assert not page.locator("#side").is_visible()


def test_nothing_typed_is_kept_in_the_browser(visit: Callable[..., Any]) -> None:
    page = visit()
    page.goto("/assistant")
    ask(page, "#ask", "What is sales.orders? zebracanary")
    kept = page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])")
    assert "zebracanary" not in kept


def test_run_sql_names_the_closed_gate(visit: Callable[..., Any]) -> None:
    admin = visit()
    admin.goto("/settings/ai#run-sql")
    if admin.locator("#ai-run_sql").is_checked():
        with admin.expect_navigation():
            admin.locator("#ai-run_sql").click()
    page = visit(EDITOR)
    page.goto("/assistant")
    message = ask(page, "#ask", "Show me the SQL to count sales.orders by status")
    lock = message.locator(".lock").first
    assert "Run SQL" in lock.inner_text()
    assert "Maren Kolb" in lock.inner_text(), "it says who can open it"
    assert lock.locator("[data-run]").is_disabled()


def test_history_is_found_renamed_and_deleted(visit: Callable[..., Any]) -> None:
    page = visit(EDITOR)
    page.goto("/assistant")
    ask(page, "#ask", "Which tables have no description?")
    page.wait_for_selector(".saved-item[data-state=here]")
    page.fill("[data-saved-search] input", "no description")
    expect(page.locator(".saved-item")).to_have_count(1)
    page.locator(".saved-item summary").first.click()
    page.locator(".saved-item [data-rename]").first.click()
    page.fill(".saved-item > input", "Bare tables")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Bare tables")
    page.locator(".saved-item summary").first.click()
    page.locator(".saved-item .btn-danger").first.click()
    assert page.evaluate("document.activeElement.value") == "keep", "the safe answer has the focus"
    page.locator("#confirm [data-go]").click()
    page.wait_for_selector("text=The chat is deleted.")


def test_the_page_answers_without_javascript(visit: Callable[..., Any]) -> None:
    page = visit(javascript=False)
    page.goto("/assistant")
    page.fill("#ask", "What is sales.orders?")
    page.click("[data-ask]")
    page.wait_for_selector("[data-message] .answer")
    assert "order" in page.locator("[data-message] .answer").inner_text().lower()


def test_suggestions_that_come_late_do_not_take_the_enter(visit: Callable[..., Any]) -> None:
    page = visit()
    held: list[Any] = []
    page.route("**/api/v1/suggest*", lambda route: held.append(route))
    page.goto("/assistant")
    page.locator("#ask").fill("What is @sales.orders")
    page.locator("#ask").fill("What is @sales.orders about?")
    with page.expect_response("**/api/v1/suggest*"):
        for route in held:
            route.continue_()
    page.wait_for_timeout(200)
    assert page.locator("#mention-list").count() == 0
    page.locator("#ask").press("Enter")
    page.wait_for_selector("main article .msg-foot")
