"""The shop for the tests of tools."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from plugin.access.viewer import Surface
from plugin.config import read_config
from plugin.store import open_store
from tests.assistant.shop import World, build


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The shop, synced once for a module that only reads."""
    with shop_in(tmp_path_factory.mktemp("home")) as world:
        yield world


@contextmanager
def shop_in(home: Path, **more: Any) -> Iterator[World]:
    """A shop of its own; `more` as `build` takes it."""
    store = open_store(read_config({"DOCENT_HOME": str(home)}))
    with store.sign_in() as door:
        made = door.create_workspace(
            "Acme", "ada@example.com", "correct horse battery", admin_name="Ada Admin"
        )
    with store.sign_in() as door:
        admin = door.viewer_for_email(made.slug, "ada@example.com", Surface.PAGE)
    yield build(store, admin, **more)
    store.close()
