"""The shop for every test here, the gateway before it, and a way to ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from plugin.access.viewer import Viewer
from plugin.assistant import Question, ask
from plugin.config import Config
from plugin.egress.gateway import Gateway
from plugin.providers.scripted import Script, script
from plugin.store import Store
from tests.assistant.shop import World, build


@pytest.fixture
def shop(store: Store, admin: Viewer) -> World:
    """The shop, synced."""
    return build(store, admin)


@pytest.fixture
def gateway(store: Store, config: Config) -> Gateway:
    """The one door out."""
    return Gateway(store, config)


@dataclass
class Answered:
    """What came of a question."""

    events: list[Any] = field(default_factory=list)

    def of(self, name: str) -> list[dict[str, Any]]:
        """The data of all events of this name."""
        return [event.data for event in self.events if event.name == name]

    @property
    def done(self) -> dict[str, Any]:
        """The data of the last event."""
        return self.of("done")[-1]

    @property
    def text(self) -> str:
        """The answer as Markdown."""
        return str(self.done["answer"])

    @property
    def cited(self) -> list[str]:
        """Qualified names of the citations."""
        return [each["qualified_name"] for each in self.done.get("citations", ())]

    @property
    def tools(self) -> list[str]:
        """The tools that were called, in order."""
        return [step["tool"] for step in self.of("step") if step["state"] == "working"]


Asks = Callable[..., Answered]


@pytest.fixture
def asks(store: Store, gateway: Gateway) -> Asks:
    """`asks(viewer, "who owns orders?")` gives everything that came."""

    def run(viewer: Viewer, text: str, **more: Any) -> Answered:
        return Answered(list(ask(store, gateway, viewer, Question(text, **more))))

    return run


@pytest.fixture
def scripted(shop: World) -> Iterator[Script]:
    """The workspace asks the scripted provider; this is its script."""
    with shop.store.as_admin(shop.ada) as door:
        door.settings.set("ai.provider", "scripted")
        door.settings.set("ai.model", "scripted-1")
    with script() as current:
        yield current
