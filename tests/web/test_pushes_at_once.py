"""Many pipelines push into one integration at once, over HTTP, into PostgreSQL: each is let in or told when to come."""

from __future__ import annotations

import http.client
import json
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import pytest

from plugin.config import read_config
from plugin.store import open_store
from tests.conftest import PostgresDatabase, postgres_url_of
from tests.web.served import EMAIL, PASSWORD, served

MANY = 20


@pytest.fixture
def door(
    postgres_template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[int, int, str]]:
    """A server over PostgreSQL: its port, an integration of custom metadata, a token."""
    name = f"docent_test_{uuid.uuid4().hex[:12]}"
    with PostgresDatabase(name, postgres_template):
        monkeypatch.setenv("DOCENT_DATABASE_URL", postgres_url_of(name))
        yield from _served(tmp_path, postgres_url_of(name))


def _served(tmp_path: Path, url: str) -> Iterator[tuple[int, int, str]]:
    store = open_store(read_config({"DOCENT_HOME": str(tmp_path / "docent"), "DOCENT_DATABASE_URL": url}))
    try:
        with store.sign_in() as sign_in:
            slug = sign_in.create_workspace("Pushed", EMAIL, PASSWORD).slug
        with store.sign_in() as sign_in:
            admin = sign_in.viewer_for_email(slug, EMAIL)
        with store.as_admin(admin) as mine:
            made = mine.integrations.add("pushed", "custom").id
        with store.as_viewer(admin) as mine:
            _, token = mine.me.create_token("pipeline", ["read", "admin"], 1)
    finally:
        store.close()
    with served(tmp_path / "docent", tmp_path / "tmp", workers=1) as server:
        yield server.port, made, token


def test_each_of_many_is_let_in_or_told_when_to_come(door: tuple[int, int, str]) -> None:
    port, made, token = door
    together = Barrier(MANY)

    def push(number: int) -> tuple[int, str | None]:
        tables = [
            {
                "entity_type": "table",
                "databuilder_id": f"t{number}.{each}",
                "title": f"t{number}_{each}",
                "schema": "s",
            }
            for each in range(50)
        ]
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            together.wait(30)
            path = f"/api/v1/integrations/{made}/metadata"
            connection.request("POST", path, json.dumps({"items": tables}), headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.headers.get("Retry-After")

    with ThreadPoolExecutor(MANY) as pool:
        told = list(pool.map(push, range(MANY)))
    counted = Counter(status for status, _ in told)
    assert counted[200] >= 1 and set(counted) <= {200, 409}, counted
    assert all(after for status, after in told if status == 409)
