"""Random worlds, one after the other, against the model; thousands more by `python -m tests.access.journeys`."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from plugin.access.viewer import Viewer
from plugin.store import Store
from tests.access.journeys import Journey, Model, travel


def test_random_worlds_one_after_the_other(any_store: Store, new_workspace: Callable[..., Viewer]) -> None:
    admins = (new_workspace(any_store, f"World {number}", "ada@example.com") for number in range(9))
    assert travel(any_store, admins, 60, seed=random.randrange(1_000_000)) > 500


def test_a_wrong_world_is_noticed(
    any_store: Store, new_workspace: Callable[..., Viewer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison itself can fail: a model that forgets groups, or the AI filters, soon disagrees."""
    journey = Journey(any_store, new_workspace(any_store), random.Random(4))
    guest = next(each for each in journey.model.people if each.role.value == "guest")
    journey.check(guest, for_ai=False, reads=3)
    monkeypatch.setattr(Model, "sees", lambda self, one, place, for_ai=False: True)
    with pytest.raises(AssertionError):
        journey.check(guest, for_ai=False, reads=3)
