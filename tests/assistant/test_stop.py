"""Stop reaches an answer that another process writes, and nobody else's."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from plugin.access.viewer import Viewer
from plugin.assistant import Question, ask, stop
from plugin.assistant.running import ENDING, end_all, keep_rest
from plugin.config import Config
from plugin.egress.gateway import Gateway
from plugin.errors import NotFound
from plugin.providers.scripted import Script
from plugin.providers.wire import Request, TextDelta
from plugin.store import open_store
from plugin.tools import ToolAnswer
from tests.assistant.conftest import Answered
from tests.assistant.shop import World
from tests.asynchronous import HANGS, ends

STOPPER = """
import sys
from plugin.access.viewer import Surface
from plugin.assistant import stop
from plugin.config import read_config
from plugin.errors import NotFound
from plugin.store import open_store

store = open_store(read_config({"DOCENT_HOME": sys.argv[1]}))
with store.sign_in() as door:
    viewer = door.viewer_for_email(None, sys.argv[2], Surface.PAGE)
try:
    stop(store, viewer, int(sys.argv[3]))
    print("asked")
except NotFound as error:
    print("absent:", error)
store.close()
"""


WORDS = 30_000
"""What an answer that nobody stops would say: five minutes of it."""


def slowly(request: Request) -> Iterator[TextDelta]:
    for number in range(WORDS):
        yield TextDelta(f"word{number} ")
        time.sleep(0.01)


def stopper(config: Config, email: str, prompt_id: int) -> str:
    """Ask for a stop in a process of its own."""
    command = [sys.executable, "-c", STOPPER, str(config.home), email, str(prompt_id)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=240).stdout.strip()


@pytest.mark.parametrize("mode", ["always", "off"])
def test_another_process_stops_it(
    shop: World, scripted: Script, gateway: Gateway, config: Config, mode: str
) -> None:
    with shop.store.as_admin(shop.ada) as door:
        door.settings.set("ai.history", mode)
    scripted.turns.append(slowly)  # type: ignore[arg-type]
    said: list[str] = []
    threads: list[threading.Thread] = []
    answered = Answered()
    for event in ask(shop.store, gateway, shop.vic, Question("slow")):
        answered.events.append(event)
        if event.name == "text" and not threads:
            prompt_id = answered.events[0].data["prompt_id"]

            def press(prompt: int = prompt_id) -> None:
                said.append(stopper(config, shop.ana.email, prompt))
                said.append(stopper(config, shop.vic.email, prompt))

            threads.append(threading.Thread(target=press))
            threads[0].start()
    assert ends(threads[0], 240)
    assert said == ["absent: No such answer is running.", "asked"]
    assert answered.done["status"] == "stopped" and answered.text.startswith("word0")
    assert answered.done["message"] == "You stopped this answer."
    assert stopper(config, shop.vic.email, answered.done["prompt_id"]).startswith("absent")


def test_two_stores_over_one_database(
    shop: World, scripted: Script, gateway: Gateway, config: Config
) -> None:
    other = open_store(config)
    scripted.turns.append(slowly)  # type: ignore[arg-type]
    stream = ask(shop.store, gateway, shop.vic, Question("slow"))
    first = next(stream)
    prompt_id = first.data["prompt_id"]
    elsewhere: Viewer = shop.ana
    with pytest.raises(NotFound), other.as_viewer(elsewhere) as mine:
        mine.history.stop(prompt_id)
    with other.as_viewer(shop.vic) as mine:
        mine.history.stop(prompt_id)
        assert mine.history.stop_asked(prompt_id)
    answered = Answered(list(stream))
    assert answered.done["status"] == "stopped" and f"word{WORDS - 1} " not in answered.text
    with pytest.raises(NotFound):
        stop(other, shop.vic, prompt_id)
    other.close()


def test_a_tool_call_that_outlasts_its_process_leaves_a_said_end(
    shop: World, scripted: Script, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugin.assistant.running._ending", threading.Event())
    inside, goes_on = threading.Event(), threading.Event()

    def deaf(*_given: object) -> ToolAnswer:
        inside.set()
        goes_on.wait(HANGS)
        return ToolAnswer(summary="nobody reads this")

    monkeypatch.setattr("plugin.assistant.course.call", deaf)
    scripted.call("search", {"text": "orders"})
    answered = Answered()
    stream = ask(shop.store, gateway, shop.vic, Question("slow"))
    answered.events.append(next(stream))
    reading = threading.Thread(target=lambda: answered.events.extend(stream), daemon=True)
    reading.start()
    assert inside.wait(HANGS)
    end_all()
    keep_rest(lambda: None, grace=0.0)
    prompt_id = answered.events[0].data["prompt_id"]
    with shop.store.as_viewer(shop.vic) as mine:
        kept = mine.history.prompt(prompt_id)
        assert (kept.status, kept.error) == ("stopped", ENDING)
        assert not mine.history.stop_asked(prompt_id)
    goes_on.set()
    assert ends(reading)
    assert (answered.done["status"], answered.done["message"]) == ("stopped", ENDING)
    keep_rest(lambda: None, grace=0.0)
    with shop.store.as_viewer(shop.vic) as mine:
        assert mine.history.prompt(prompt_id).error == ENDING
