"""A source is connected, synced, stopped, broken, shrunk and scheduled in a browser, against `docent serve` and its worker."""

from __future__ import annotations

import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from tests.asynchronous import until
from tests.web.conftest import ADMIN, PASSWORD

expect = pytest.importorskip("playwright.sync_api").expect
TABLES = 2_000


@pytest.fixture
def page(chromium: Any, served: str) -> Iterator[Any]:
    """A page of the admin."""
    context = chromium.new_context(base_url=served, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto("/sign-in")
    page.fill("#f-email", ADMIN)
    page.fill("#f-password", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/")
    yield page
    context.close()


def source(path: Path, tables: int) -> Path:
    """A SQLite file with so many tables, large enough for a person to watch its sync."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as database, database:
        for number in range(tables):
            columns = ", ".join(f"customer_field_{place} TEXT" for place in range(6))
            database.execute(f"CREATE TABLE floor_part_{number} (id INTEGER PRIMARY KEY, {columns})")
    return path


class SlowLine:
    """A line to a server that can be made slow: what the server sends goes on in small pieces, with a wait after each."""

    def __init__(self, host: str, port: int) -> None:
        self.target, self.wait = (host, port), 0.02
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self.listening.accept()
                far = socket.create_connection(self.target)
                threading.Thread(target=self.carry, args=(near, far, False), daemon=True).start()
                threading.Thread(target=self.carry, args=(far, near, True), daemon=True).start()

    def carry(self, source: socket.socket, target: socket.socket, slowly: bool) -> None:
        with suppress(OSError):
            while piece := source.recv(4096):
                target.sendall(piece)
                if slowly:
                    time.sleep(self.wait)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def connect(page: Any, name: str, kind: str, url: str) -> None:
    """Through the steps by keyboard: Enter goes on."""
    page.goto(f"/integrations/new?type={kind}")
    page.fill("#f-name", name)
    page.fill("#s-url", url)
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-tried=yes]")
    for step in ("#w-2", "#w-3", "#w-4"):
        page.keyboard.press("Enter") if step == "#w-2" else page.locator(
            "[data-panel]:visible .btn-primary"
        ).press("Enter")
        expect(page.locator(step)).to_be_visible()
    page.get_by_role("button", name="Add and sync").press("Enter")
    page.wait_for_url("**/integrations/*")


def status(page: Any, wanted: str, timeout: float = 120) -> Any:
    """The card of syncs, once it says this."""
    card = page.locator("#sync [data-sync-status]")
    expect(card).to_have_attribute("data-sync-status", wanted, timeout=timeout * 1000)
    return page.locator("#sync")


def test_a_sync_is_watched_and_stopped(page: Any, postgres_url: str) -> None:
    there = make_url(postgres_url)
    with psycopg.connect(
        there.set(drivername="postgresql").render_as_string(False), autocommit=True
    ) as server:
        columns = ", ".join(f"customer_field_{place} text" for place in range(8))
        for start in range(0, TABLES, 50):
            server.execute(
                ";".join(
                    f"CREATE TABLE shop_part_{each} (id int, {columns})" for each in range(start, start + 50)
                )
            )
    line = SlowLine(there.host or "127.0.0.1", there.port or 5432)
    url = there.set(drivername="postgresql", host="127.0.0.1", port=line.port).render_as_string(False)
    connect(page, "Far shop", "postgres", url)
    expect(page.locator("#sync .stages .stage")).to_have_count(4)
    reading = page.locator("#sync .stage[data-state=working]", has_text="Read")
    expect(reading).to_contain_text("of 2,000")
    expect(page.locator("#sync .meter")).to_have_count(1)
    page.get_by_role("button", name="Stop this sync").click()
    card = status(page, "cancelled")
    expect(card).to_contain_text("The catalog is as it was")
    page.goto("/catalog?text=shop_part_17")
    assert page.locator("main a", has_text="shop_part_17").count() == 0, "nothing of a stopped sync is seen"
    page.go_back()
    line.wait = 0
    page.get_by_role("button", name="Sync now").click()
    expect(status(page, "done", 240)).to_contain_text("new")


def test_a_sync_that_fails_or_finds_far_less_says_what_is_safe_and_what_to_do(
    page: Any, tmp_path: Path
) -> None:
    path = source(tmp_path / "shop.db", 400)
    connect(page, "Shop floor", "sqlite", f"sqlite:///{path}")
    status(page, "done", 120)

    path.write_bytes(b"this is no database" * 500)
    page.get_by_role("button", name="Sync now").click()
    card = status(page, "failed")
    expect(card).to_contain_text("The catalog is as it was")
    expect(card).to_contain_text("Change the connection")
    page.goto("/catalog?text=floor_part_17")
    assert page.locator("main a", has_text="floor_part_17").count() > 0, "people see the last complete sync"

    source(path, 4)
    page.go_back()
    page.get_by_role("button", name="Sync now").click()
    card = status(page, "stopped")
    expect(card).to_contain_text("Nothing was removed")
    page.get_by_role("button", name="Accept the smaller source and sync").click()
    assert page.evaluate("document.activeElement.value") == "keep", "the safe answer has the focus"
    page.locator("#confirm [data-go]").click()
    expect(status(page, "done", 240)).to_contain_text("removed")
    page.goto("/catalog?text=floor_part_17")
    assert page.locator("main a", has_text="floor_part_17").count() == 0


def test_nothing_is_stored_when_a_step_fails(page: Any, tmp_path: Path) -> None:
    page.goto("/integrations/new?type=sqlite")
    page.fill("#f-name", "Nowhere")
    page.fill("#s-url", f"sqlite:///{tmp_path}/none.db")
    page.get_by_role("button", name="Check the connection").click()
    notice = page.locator("[data-tried=no]")
    expect(notice).to_contain_text("Nothing was stored")
    expect(page.get_by_role("button", name="Next: schemas")).to_be_hidden()
    page.goto("/integrations")
    assert page.locator("text=Nowhere").count() == 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_schedule_fires(page: Any, tmp_path: Path) -> None:
    connect(page, "Clockwork", "sqlite", f"sqlite:///{source(tmp_path / 'clock.db', 5)}")
    status(page, "done")
    number = page.url.rsplit("/", 1)[1].split("#")[0]
    page.evaluate(
        """async (number) => {
          const api = await import("/static/js/api.js");
          await api.send("PATCH", `/api/v1/integrations/${number}`, { schedule: "* * * * *" });
        }""",
        number,
    )
    page.reload()
    expect(page.locator("#sync .card-head")).to_contain_text("* * * * * (UTC)")

    def runs() -> int:
        return len(page.request.get(f"/api/v1/integrations/{number}/syncs").json()["items"])

    until(lambda: time.sleep(1) or runs() >= 2, 240)  # the clock starts a sync by itself
