"""Literals in SQL: masked by default; kept for people where an admin says so, and never for the assistant."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner

from plugin.access.viewer import Viewer
from plugin.catalog.context import build_context
from plugin.catalog.sync import add_integration, sync
from plugin.cli import cli
from plugin.store import Store
from plugin.tools.fragments import entry_fragment, fragment

CANARY = "canary-2b9c-literal"


@pytest.fixture
def shop(store: Store, admin: Viewer, tmp_path: Path) -> int:
    path = tmp_path / "source.sqlite3"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE orders (id INTEGER, status TEXT)")
        db.execute(f"CREATE VIEW secret_orders AS SELECT id FROM orders WHERE status = '{CANARY}'")
    return add_integration(
        store,
        admin,
        "shop",
        "sqlite",
        settings={"url": f"sqlite:///{path}"},
        secrets={},
        options={"keep_literals": True},
    ).id


def on_disk(store: Store, home: Path) -> bytes:
    store.close()
    return b"".join(each.read_bytes() for each in home.iterdir() if each.is_file())


def test_people_read_them_and_the_assistant_does_not(
    store: Store, admin: Viewer, shop: int, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sync(store, admin, shop).status == "done"
    with store.as_viewer(admin) as mine:
        view = mine.catalog.by_name("secret_orders")
        assert CANARY not in (view.definition or "")
        assert CANARY in (mine.catalog.full_definition(view.id) or "")
    with store.as_viewer(admin.as_assistant()) as assistant:
        assert assistant.catalog.full_definition(view.id) is None
        seen = assistant.catalog.resource(view.id)
        sent = [
            fragment(seen, full=True),
            *map(entry_fragment, build_context(assistant.catalog, "secret orders")),
        ]
        assert CANARY not in repr(sent) and "secret_orders" in repr(sent)
        assert CANARY not in repr(assistant.catalog.search("secret orders"))
        assert not assistant.catalog.search(CANARY).hits
    monkeypatch.setenv("DOCENT_HOME", str(home))
    shown = CliRunner().invoke(cli, ["show", "secret_orders", "--json"])
    assert CANARY in json.loads(shown.stdout)["definition"]
    asked = CliRunner().invoke(cli, ["ask", "show me the definition of secret_orders", "--json"])
    assert CANARY not in asked.stdout
    assert CANARY.encode() not in on_disk(store, home), "kept sealed"


def test_they_go_at_once_when_they_are_no_longer_to_be_kept(store: Store, admin: Viewer, shop: int) -> None:
    sync(store, admin, shop)
    with store.as_viewer(admin) as mine:
        view = mine.catalog.by_name("secret_orders").id
    with store.as_admin(admin) as door:
        door.integrations.update(shop, options={"keep_literals": False})
    for _ in range(2):
        with store.as_viewer(admin) as mine:
            assert mine.catalog.full_definition(view) is None
        sync(store, admin, shop)


def test_they_are_not_kept_unless_an_admin_says_so(
    store: Store, admin: Viewer, shop: int, home: Path
) -> None:
    with store.as_admin(admin) as door:
        door.integrations.update(shop, options={"keep_literals": False})
    sync(store, admin, shop)
    with store.as_viewer(admin) as mine:
        assert mine.catalog.full_definition(mine.catalog.by_name("secret_orders").id) is None
    assert CANARY.encode() not in on_disk(store, home)
