"""A sample company behind the web application, and people who use it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from plugin.config import Config, read_config
from plugin.demo import PASSWORD, build
from plugin.store import Store, open_store
from web import create_app

ADMIN, EDITOR, VIEWER, GUEST = (
    "maren@harbor.example",
    "priya@harbor.example",
    "jonas@harbor.example",
    "lena@agency.example",
)
ROLES = {"admin": ADMIN, "editor": EDITOR, "viewer": VIEWER, "guest": GUEST}


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the sample company in it, built once."""
    home = tmp_path_factory.mktemp("demo")
    config = read_config({"DOCENT_HOME": str(home)})
    store = open_store(config)
    build(store, config, lambda line: None)
    store.close()
    return home


@pytest.fixture
def demo_config(demo_home: Path, tmp_path: Path) -> Config:
    """A fresh copy of the sample company."""
    home = tmp_path / "docent"
    shutil.copytree(demo_home, home)
    return read_config({"DOCENT_HOME": str(home)})


@pytest.fixture
def demo_store(demo_config: Config) -> Iterator[Store]:
    """The store of the sample company."""
    store = open_store(demo_config)
    yield store
    store.close()


@pytest.fixture
def app(demo_config: Config, demo_store: Store) -> Flask:
    """The application over the sample company."""
    made = create_app(demo_config, demo_store)
    made.config.update(TESTING=True, RATELIMIT_ENABLED=False)
    return made


class Person:
    """A test client that signs in and sends CSRF tokens, as a browser would."""

    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()
        self.token = ""

    def sign_in(self, email: str, password: str = PASSWORD) -> TestResponse:
        """Sign in with the form."""
        self._learn(self.client.get("/sign-in"))
        answer = self.client.post(
            "/sign-in", data={"email": email, "password": password, "csrf_token": self.token}
        )
        if answer.status_code == 303:
            self._learn(self.client.get("/me"))
        return answer

    def get(self, path: str, **more: Any) -> TestResponse:
        """GET."""
        return self.client.get(path, **more)

    def post(self, path: str, data: dict[str, Any] | None = None, **more: Any) -> TestResponse:
        """POST a form with its CSRF token."""
        return self.client.post(path, data={"csrf_token": self.token, **(data or {})}, **more)

    def api(self, method: str, path: str, body: Any = None, **more: Any) -> TestResponse:
        """Call the API as the page's scripts do: cookie and CSRF header."""
        headers = {"X-CSRFToken": self.token, **more.pop("headers", {})}
        return self.client.open(f"/api/v1{path}", method=method, json=body, headers=headers, **more)

    def _learn(self, answer: TestResponse) -> None:
        found = re.search(r'name="csrf_token" value="([^"]+)"', answer.get_data(as_text=True))
        assert found, "the page carries no CSRF token"
        self.token = found.group(1)


@pytest.fixture
def person(app: Flask) -> Callable[[str], Person]:
    """Makes somebody who is signed in: `person("admin")`."""

    def make(role: str) -> Person:
        who = Person(app)
        assert who.sign_in(ROLES[role]).status_code == 303
        return who

    return make


@pytest.fixture
def stranger(app: Flask) -> Person:
    """Somebody who is not signed in."""
    return Person(app)
