"""People in a browser, end to end: invited by a link, a password changed, a second workspace, groups, tokens with scopes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.web.conftest import ADMIN, PASSWORD

expect = pytest.importorskip("playwright.sync_api").expect
NEWCOMER = "noor@harbor.example"


@pytest.fixture
def browse(chromium: Any, served: str) -> Iterator[Callable[..., Any]]:
    """A page of its own browser, signed in where an address is given."""
    contexts: list[Any] = []

    def open_page(email: str | None = ADMIN, password: str = PASSWORD) -> Any:
        context = chromium.new_context(base_url=served, viewport={"width": 1280, "height": 900})
        contexts.append(context)
        page = context.new_page()
        if email:
            sign_in(page, email, password)
            page.wait_for_url("**/")
        return page

    yield open_page
    for context in contexts:
        context.close()


def sign_in(page: Any, email: str, password: str) -> None:
    page.goto("/sign-in")
    page.fill("#f-email", email)
    page.fill("#f-password", password)
    page.keyboard.press("Enter")


def test_somebody_is_invited_joins_changes_the_password_and_is_shut_out(browse: Callable[..., Any]) -> None:
    admin, guest = browse(), browse(None)
    admin.goto("/members")
    admin.fill("#f-email", NEWCOMER)
    admin.select_option("#f-role", "viewer")
    admin.get_by_label("Finance").check()
    admin.get_by_role("button", name="Make a link").click()
    link = admin.locator(".secret-once").inner_text().strip().split()[0]
    admin.goto("/members")
    assert link not in admin.content(), "a link is shown once"
    expect(admin.locator("text=Invitations that wait")).to_be_visible()

    guest.goto(link)
    expect(guest.locator("h1")).to_contain_text("Join Harbor Goods")
    expect(guest.locator("form")).to_contain_text("at least 8 characters")
    guest.fill("#f-name", "Noor Haddad")
    guest.fill("#f-password", "short")
    guest.get_by_role("button", name="Join").click()
    expect(guest.locator("[role=alert]")).to_contain_text("at least 8")
    guest.fill("#f-password", "a long first password")
    guest.get_by_role("button", name="Join").click()
    expect(guest.locator(".flash")).to_contain_text("Welcome")
    guest.goto("/me")
    expect(guest.locator("#teams li", has_text="Finance")).to_contain_text("Leave")
    late = browse(None)
    late.goto(link)
    expect(late.locator("main, body").first).to_contain_text("not valid any more")

    elsewhere = browse(NEWCOMER, "a long first password")
    guest.goto("/me")
    for name, value in (
        ("old", "a long first password"),
        ("new", "another long password"),
        ("again", "another long password"),
    ):
        guest.fill(f"#f-{name}", value)
    guest.get_by_role("button", name="Change the password").click()
    expect(guest.locator(".flash")).to_contain_text("changed")
    elsewhere.goto("/catalog")
    assert "/sign-in" in elsewhere.url, "the other session has ended"
    sign_in(elsewhere, NEWCOMER, "a long first password")
    expect(elsewhere.locator("[role=alert]")).to_contain_text("do not go together")

    admin.goto("/members?text=noor")
    admin.get_by_role("button", name=f"Disable {NEWCOMER}").click()
    guest.goto("/catalog")
    assert "/sign-in" in guest.url, "a right that is taken away is gone at the next request"


def test_one_account_switches_between_its_workspaces(browse: Callable[..., Any]) -> None:
    page = browse()
    page.locator("summary.workspace").click()
    page.keyboard.press("ArrowDown")
    page.get_by_role("button", name="Second House").press("Enter")
    page.wait_for_url("**/")
    expect(page.locator("h1")).to_have_text("Second House")
    expect(page.locator("main")).not_to_contain_text("orders")
    page.goto("/search?q=orders")
    expect(page.locator("main")).to_contain_text("Nothing matches")
    page.locator("summary.workspace").click()
    page.get_by_role("button", name="Harbor Goods").press("Enter")
    expect(page.locator("h1")).to_have_text("Harbor Goods")


def test_a_group_is_made_filled_and_put_in_a_team(browse: Callable[..., Any]) -> None:
    page = browse()
    page.goto("/members/groups")
    page.fill("#f-name", "Night shift")
    page.keyboard.press("Enter")
    card = page.locator("section.card", has_text="Night shift")
    card.locator("select").select_option(label="Jonas Berg")
    card.get_by_role("button", name="Add").click()
    expect(page.locator("section.card", has_text="Night shift")).to_contain_text("jonas@harbor.example")
    page.goto("/members/teams")
    page.locator("main a", has_text="Sales").click()
    page.locator("select[name=subject]").select_option(label="Night shift")
    page.locator("form", has=page.locator("select[name=subject]")).get_by_role("button", name="Add").click()
    expect(page.locator("main li", has_text="Night shift")).to_be_visible()
    page.goto("/members/groups")
    page.get_by_role("button", name="Remove Night shift").click()
    page.locator("#confirm [data-go]").click()
    expect(page.locator(".flash")).to_contain_text("Removed")


def test_a_token_is_shown_once_and_can_do_no_more_than_its_scopes(
    browse: Callable[..., Any], served: str
) -> None:
    page = browse()
    page.goto("/me#tokens")
    form = page.locator("#tokens form", has=page.locator("#f-days"))
    form.locator("[name=name]").fill("Nightly")
    form.locator("[name=scope][value=ask]").uncheck()
    form.get_by_role("button").click()
    secret = page.locator(".secret-once").inner_text().strip().split()[0]
    page.goto("/me")
    assert secret not in page.content()

    def call(method: str, path: str, **more: Any) -> int:
        headers = {"Authorization": f"Bearer {secret}"}
        return int(
            page.request.fetch(f"{served}/api/v1{path}", method=method, headers=headers, **more).status
        )

    assert call("GET", "/search?q=orders") == 200
    assert call("POST", "/prompts", data={"prompt": "What is sales.orders?"}) == 403
    assert call("GET", "/settings/ai") == 403
    page.get_by_role("button", name="End the token Nightly").click()
    page.locator("#confirm [data-go]").click()
    expect(page.locator(".flash")).to_contain_text("ended")
    assert call("GET", "/search?q=orders") == 401
