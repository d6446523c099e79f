"""The shop for every test here."""

from __future__ import annotations

import pytest

from plugin.access.viewer import Viewer
from plugin.store import Store
from tests.assistant.shop import World, build


@pytest.fixture
def shop(store: Store, admin: Viewer) -> World:
    """The shop, synced."""
    return build(store, admin)
