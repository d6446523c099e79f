"""The assistant inside another application's page: only where an admin named it, and the same assistant."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from plugin.access.viewer import Surface
from plugin.config import read_config
from plugin.store import open_store
from tests.web.conftest import ADMIN, PASSWORD

expect = pytest.importorskip("playwright.sync_api").expect


@pytest.fixture
def other_application(live: str) -> Iterator[str]:
    """A page of somebody else's, with the element in it."""
    page = f"""<!doctype html><title>Orders app</title><h1>Orders</h1>
<script src="{live}/static/js/embed.js" defer></script>
<docent-assistant about="warehouse.sales.orders" style="display:block;height:600px"></docent-assistant>"""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def allow(home: Path, origins: list[str]) -> None:
    store = open_store(read_config({"DOCENT_HOME": str(home)}))
    try:
        with store.sign_in() as door:
            admin = door.viewer_for_email(None, ADMIN, Surface.CLI)
        with store.as_admin(admin) as door:
            door.settings.set("embed.origins", origins)
    finally:
        store.close()


def test_it_answers_in_the_frame_of_an_application_that_was_named(
    chromium: Any, live: str, live_home: Path, other_application: str
) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(other_application)
    frame = page.frame_locator("iframe")
    expect(frame.locator("a")).to_contain_text("Sign in in a new tab")
    page.goto(f"{live}/sign-in")
    page.fill("[name=email]", ADMIN)
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{live}/")
    page.goto(other_application)
    page.wait_for_timeout(800)
    assert frame.locator("textarea").count() == 0, "nobody named this application yet"
    allow(live_home, [other_application])
    try:
        page.goto(other_application)
        expect(frame.locator(".side-head .chip")).to_contain_text("orders")
        frame.locator("textarea").fill("who owns this table?")
        frame.locator("[data-ask]").click()
        expect(frame.locator("[data-message]").last).to_contain_text("Tomás")
        assert page.url.startswith(other_application)
    finally:
        allow(live_home, [])
        context.close()


def test_a_hidden_and_an_absent_thing_open_the_same_frame(visit: Callable[..., Any]) -> None:
    page = visit("jonas@harbor.example")
    shown = []
    for about in ("warehouse.hr.salaries", "warehouse.hr.nothing"):
        page.goto(f"/embed?about={about}")
        shown.append(page.locator("main").inner_text())
    assert shown[0] == shown[1]
