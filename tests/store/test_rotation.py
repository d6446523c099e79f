"""Keys rotate while people work: nothing is lost, nothing fails, and the old keys open nothing afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from plugin.access.viewer import Viewer
from plugin.config import Config, read_config
from plugin.errors import Misconfigured
from plugin.store import Store, open_store
from plugin.vault import new_master_key
from tests.store.test_history import add

PEOPLE = 4


@contextmanager
def at_work(stores: list[Store], people: list[Viewer]) -> Iterator[Callable[[], dict[int, str]]]:
    """Everybody writes prompts and reads all of theirs, until the block ends. Yields a look at what was written."""
    stop, faults = threading.Event(), []
    written: dict[int, str] = {}
    lock = threading.Lock()

    def work(number: int) -> None:
        store, viewer, mine_so_far = stores[number % len(stores)], people[number], dict[int, str]()
        try:
            while not stop.is_set():
                said = f"prompt {len(mine_so_far)} of {viewer.email}"
                with store.as_viewer(viewer) as mine:
                    prompt = mine.history.start(None, said)
                with store.as_viewer(viewer) as mine:
                    mine.history.finish(prompt.id, answer=f"answer to {said}", status="done")
                    mine.history.memory.remember(f"note {len(mine_so_far) % 50}")
                mine_so_far[prompt.id] = said
                with lock:
                    written[prompt.id] = said
                with store.as_viewer(viewer) as mine:
                    for id_, text_ in list(mine_so_far.items())[-10:]:
                        assert mine.history.prompt(id_).text == text_
                with store.secrets(viewer) as secrets:
                    assert secrets.provider_key("openai") == "k" * 20
        except BaseException as error:  # noqa: BLE001 - whatever went wrong is shown by the main thread
            faults.append(repr(error))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(people))]
    for thread in threads:
        thread.start()
    try:
        yield lambda: dict(written)
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert faults == []
    assert len(written) >= len(people)


def people_of(store: Store, admin: Viewer) -> list[Viewer]:
    with store.as_admin(admin) as door:
        door.settings.set_provider_key("openai", "k" * 20)
    return [add(store, admin, f"p{number}@example.com", "editor") for number in range(PEOPLE)]


def all_there(store: Store, people: list[Viewer], written: dict[int, str]) -> None:
    found: dict[int, str] = {}
    for viewer in people:
        with store.as_viewer(viewer) as mine:
            for chat in mine.history.export()["chats"]:
                found |= {each["id"]: each["text"] for each in chat["prompts"]}
    assert found == written


def test_a_workspace_key_rotates_while_everybody_works(any_store: Store, any_admin: Viewer) -> None:
    people = people_of(any_store, any_admin)
    with at_work([any_store], people) as written:
        for _ in range(3):
            assert "sealed" in any_store.rotate_workspace_key(any_admin)
            with any_store.clock() as clock:
                clock.expire(datetime.now(UTC) + timedelta(minutes=11))
    all_there(any_store, people, written())
    with any_store.clock() as clock:
        clock.expire(datetime.now(UTC) + timedelta(minutes=11))
    with any_store._engine.connect() as connection:
        keys = (
            connection.execute(text("SELECT key_id FROM workspace_keys WHERE purpose = 'seal'"))
            .scalars()
            .all()
        )
    assert len(keys) == 1, "the old keys are gone"
    all_there(any_store, people, written())
    with any_store.as_admin(any_admin) as door:
        assert door.audit.verify()[0] and door.ledger.verify()[0]


def test_the_master_key_rotates_while_two_processes_work(config: Config, new_workspace: Any) -> None:
    one, two = open_store(config), open_store(config)
    admin = new_workspace(one)
    people = people_of(one, admin)
    before = (config.home / "master.key").read_text()
    with at_work([one, two], people) as written:
        for _ in range(3):
            one.rotate_master_key()
    assert (config.home / "master.key").read_text() != before
    three = open_store(config)
    for store in (one, two, three):
        all_there(store, people, written())
        store.close()
    (config.home / "master.key").write_text(before)
    with pytest.raises(Misconfigured) as caught:
        open_store(config)
    assert "\n" not in str(caught.value) and before.strip() not in str(caught.value)


def test_the_environments_master_key_rotates_while_people_work(home: Any, new_workspace: Any) -> None:
    old, new = new_master_key(), new_master_key()
    config = read_config({"DOCENT_HOME": str(home), "DOCENT_MASTER_KEY": f"{new},{old}"})
    first = open_store(replace(config, master_key=old))
    admin = new_workspace(first)
    people = people_of(first, admin)
    first.close()
    store = open_store(config)
    with at_work([store], people) as written:
        assert "can now be taken out" in store.rotate_master_key()
    store.close()
    last = open_store(replace(config, master_key=new))
    all_there(last, people, written())
    last.close()
    with pytest.raises(Misconfigured):
        open_store(replace(config, master_key=old))
