"""A real Chromium against a running server over the sample company. Skipped with a reason where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from plugin.config import read_config
from plugin.store import open_store
from tests.asynchronous import HANGS
from tests.own_servers import answers, ended, free_port, waitress_over
from tests.web.conftest import ADMIN, PASSWORD, app, demo_config, demo_home, demo_store  # noqa: F401 - fixtures

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))),
    None,
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder drives a browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def live_home(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    """Where the running server's copy of the sample company is."""
    home = tmp_path_factory.mktemp("live") / "docent"
    shutil.copytree(demo_home, home)
    return home


@pytest.fixture(scope="session")
def live(live_home: Path) -> Iterator[str]:
    """The address of a running server over a copy of the sample company."""
    from web import create_app

    config = read_config({"DOCENT_HOME": str(live_home)})
    store = open_store(config)
    made = create_app(config, store)
    made.config.update(RATELIMIT_ENABLED=False)
    from web.limits import limiter

    limiter.enabled = False
    with waitress_over(made, threads=12) as place:
        yield place
    store.close()


@pytest.fixture(scope="session")
def served(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:  # noqa: F811
    """The address of `docent serve`, a process of its own with a worker inside, over a copy of the sample company.

    Its admin has a second workspace, Second House.
    """
    home = tmp_path_factory.mktemp("served") / "docent"
    shutil.copytree(demo_home, home)
    port = free_port()
    env = {**os.environ, "DOCENT_HOME": str(home)}
    docent = [sys.executable, "-c", "from plugin.cli import main; main()"]
    second = [*docent, "init", "--workspace", "Second House", "--admin", ADMIN, "--password-stdin"]
    subprocess.run(second, env=env, check=True, input=PASSWORD.encode(), capture_output=True)
    log = home.parent / "served.log"
    with log.open("wb") as said:
        process = subprocess.Popen([*docent, "serve", "--port", str(port)], env=env, stdout=said, stderr=said)
    try:
        address = f"http://127.0.0.1:{port}"
        answers(process, lambda: urlopen(f"{address}/healthz", timeout=60).close() is None, log)
        yield address
    finally:
        ended(process)


PATIENCE = 1000 * HANGS
"""Milliseconds that a page may take for anything: what a test expects comes, and a machine that stalls fails nothing."""


class Patient:
    """A browser whose pages wait as long as this."""

    def __init__(self, browser: Any) -> None:
        self._browser = browser

    def new_context(self, **options: Any) -> Any:
        """As the browser's own."""
        context = self._browser.new_context(**options)
        context.set_default_timeout(PATIENCE)
        return context


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One headless browser for all tests."""
    api = pytest.importorskip("playwright.sync_api")
    api.expect.set_options(timeout=PATIENCE)
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
        )
        yield Patient(browser)
        browser.close()


@pytest.fixture
def visit(chromium: Any, live: str) -> Iterator[Callable[..., Any]]:
    """Opens a page as somebody who is signed in; a request to a foreign host or a script error fails the test."""
    contexts: list[Any] = []
    faults: list[str] = []

    def open_page(
        email: str | None = ADMIN,
        *,
        width: int = 1440,
        height: int = 900,
        theme: str = "light",
        javascript: bool = True,
    ) -> Any:
        context = chromium.new_context(
            base_url=live,
            viewport={"width": width, "height": height},
            color_scheme=theme,
            java_script_enabled=javascript,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: _foreign(request.url, live, faults))
        page.on("pageerror", lambda error: faults.append(f"script error: {error}"))
        page.on(
            "console",
            lambda message: (
                faults.append(message.text) if "Content Security Policy" in message.text else None
            ),
        )
        if email is not None:
            page.goto("/sign-in")
            page.fill("#f-email", email)
            page.fill("#f-password", PASSWORD)
            page.click("main button[type=submit]")
            page.wait_for_url("**/")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not faults, faults


def _foreign(url: str, live: str, faults: list[str]) -> None:
    if not url.startswith((live, "data:", "blob:", "about:")):
        faults.append(f"foreign request: {url}")
