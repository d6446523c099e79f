"""Hostile text on real pages: whatever stands in an answer, a description or a term, the browser asks no foreign host."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from plugin.access.viewer import Surface
from plugin.config import read_config
from plugin.errors import DocentError
from plugin.store import Store, open_store
from tests.attacks.corpus import GIVEN, OWN
from tests.own_servers import waitress_over
from tests.web.conftest import ADMIN, PASSWORD

TEXTS = [each["text"] for each in (*GIVEN, *OWN)]
A_CHAT = 38


@pytest.fixture(scope="module")
def hostile(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Store]]:
    """A server over a copy of the sample company in which every attack is an answer, a description and a term."""
    from web import create_app

    home = tmp_path_factory.mktemp("hostile") / "docent"
    shutil.copytree(demo_home, home)
    config = read_config({"DOCENT_HOME": str(home)})
    store = open_store(config)
    made = create_app(config, store)
    made.config.update(RATELIMIT_ENABLED=False)
    with waitress_over(made, threads=8) as place:
        yield place, store
    store.close()


def plant(store: Store) -> tuple[list[str], int]:
    """Write every text wherever it is shown; returns the addresses to open and how many places took a text."""
    with store.sign_in() as door:
        admin = door.viewer_for_email(None, ADMIN, Surface.PAGE)
    pages: list[str] = ["/glossary", "/search?q=hostile", "/assistant"]
    planted = 0
    chat: int | None = None
    for number, text in enumerate(TEXTS):
        if number % A_CHAT == 0:
            chat = None
        with store.as_viewer(admin) as mine:
            prompt = mine.history.start(chat, f"hostile {number}: {text}"[:2000])
            mine.history.finish(
                prompt.id, answer=f"{text}\n\n- {text}\n\n| {text} |\n|---|\n| x |\n", status="done"
            )
        planted += 1
        if chat is None:
            chat = prompt.chat_id
            pages.append(f"/assistant/{chat}")
    with store.as_viewer(admin) as mine:
        tables = mine.catalog.browse(kinds=("table", "view"), limit=14).items
    waiting = iter(enumerate(TEXTS))
    for table in tables:
        pages.append(f"/r/{table.id}")
        with store.as_viewer(admin) as mine:
            columns = mine.catalog.columns(table.id)
        for target in (table, *columns):
            number, text = next(waiting, (0, TEXTS[0]))
            try:
                with store.as_viewer(admin) as mine:
                    mine.edits.set_property(target.id, "description", f"hostile {number} {text}")
                planted += 1
            except DocentError:
                continue  # a text that the catalog does not take is on no page
    for number, text in enumerate(TEXTS):
        with store.as_viewer(admin) as mine:
            mine.edits.create_term(f"hostile term {number}", text)
        planted += 1
    return pages, planted


def test_no_page_asks_a_foreign_host_whatever_the_text_says(
    chromium: Any, hostile: tuple[str, Store]
) -> None:
    address, store = hostile
    pages, planted = plant(store)
    assert planted > 2.4 * len(TEXTS)
    asked: list[str] = []
    dialogs: list[str] = []
    context = chromium.new_context(base_url=address, viewport={"width": 1280, "height": 900})
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.goto("/sign-in")
    page.fill("#f-email", ADMIN)
    page.fill("#f-password", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(lambda url: "/sign-in" not in url)
    shown = 0
    for path in pages:
        page.goto(path)
        page.wait_for_load_state("networkidle")
        shown += page.content().count("hostile")
        links = page.eval_on_selector_all(
            "main a[href], .answer a[href]", "found => found.map(each => each.href)"
        )
        assert all(link.startswith(address) for link in links), (path, links)
        assert (
            page.eval_on_selector_all(
                ".answer img, .answer iframe, .answer form[action^=http]", "f => f.length"
            )
            == 0
        )
    foreign = [
        url
        for url in asked
        if urlsplit(url).scheme in ("http", "https", "ws", "wss") and not url.startswith(address)
    ]
    assert not foreign and not dialogs
    assert shown > len(TEXTS), "the texts were not on the pages, so nothing was tested"
    context.close()
