"""One look for all answers of a process: each asker is seen for themselves, and what it costs does not grow with them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event

from plugin.access.viewer import Viewer
from plugin.assistant import Question, ask
from plugin.assistant.may_ask import may_ask
from plugin.egress.gateway import Gateway
from plugin.providers.scripted import Script
from plugin.store import Store
from plugin.store.live import live_mark
from plugin.store.watch import Answer
from tests.assistant.conftest import Answered
from tests.assistant.shop import World
from tests.conftest import PASSWORD


@contextmanager
def statements(store: Store) -> Iterator[list[str]]:
    """What the database is given while the block lasts."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        found.append(statement)

    event.listen(store._engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(store._engine, "before_cursor_execute", note)


def begun(store: Store, viewer: Viewer) -> int:
    """A prompt of theirs that is being answered."""
    with store.as_viewer(viewer) as mine:
        return mine.history.start(None, "how many orders?").id


def test_each_asker_is_seen_for_themselves(shop: World) -> None:
    with shop.store.as_admin(shop.ada) as door:
        door.settings.set(
            "ai.personas", [{"name": "Finance", "instructions": "", "teams": ["Nobody's team"]}]
        )
    with shop.store.sign_in() as nobody:
        ended, kept = (
            nobody.create_session(nobody.password("ana@harbor.example", PASSWORD)) for _twice in range(2)
        )
    with shop.store.as_viewer(shop.ana) as mine:
        token, secret = mine.me.create_token("mine", ["read", "ask"], 1)
        other = mine.me.create_token("other", ["read", "ask"], 1)[1]
        mine.me.revoke_token(token.id)
    with shop.store.sign_in() as nobody:
        nobody.end_session(ended)
    pressed = begun(shop.store, shop.hal)
    with shop.store.as_viewer(shop.hal) as mine:
        mine.history.stop(pressed)
    with shop.store.as_admin(shop.ada) as door:
        door.people.disable(shop.vic.member_id)
    answers = [
        Answer(shop.ada, 1),
        Answer(shop.vic, 2),
        Answer(shop.ana, 3, live_mark(ended, bearer=False)),
        Answer(shop.ana, 4, live_mark(kept, bearer=False)),
        Answer(shop.ana, 5, live_mark(secret, bearer=True)),
        Answer(shop.ana, 6, live_mark(other, bearer=True)),
        Answer(shop.ana, 7, live_mark(other, bearer=False)),
        Answer(shop.gus, 8),
        Answer(replace(shop.ana, scopes=frozenset({"read"})), 9),
        Answer(replace(shop.hal, persona="Finance", for_ai=True), 10),
        Answer(replace(shop.ada, member_id=10**6), 11),
        Answer(replace(shop.ada, workspace_id=10**6), 12),
        Answer(shop.ana, pressed),
        Answer(shop.hal, pressed),
    ]
    seen = shop.store.look(answers, may_ask)
    assert [getattr(each.lost, "rule", "") or each.lost and type(each.lost).__name__ for each in seen] == [
        None, "sign_in", "sign_in.session", None, "sign_in.session", None, "sign_in.session",
        "ai.guests_may_ask", "token.scope", "BadInput", "sign_in", "sign_in", None, None,
    ]  # fmt: skip
    assert [each.stop for each in seen] == [False] * 13 + [True]


def test_a_condition_keeps_one_out_and_is_written_down_once(shop: World) -> None:
    with shop.store.as_admin(shop.ada) as door:
        door.settings.set("access.rules", ["role=viewer network=10.0.0.0/8"])
    there, elsewhere = (replace(shop.vic, address=address) for address in ("10.1.2.3", "192.0.2.1"))
    seen = shop.store.look([Answer(there, 1), Answer(elsewhere, 2), Answer(shop.ada, 3)], may_ask)
    assert [getattr(each.lost, "rule", None) for each in seen] == [None, "access.condition", None]
    with shop.store.as_admin(shop.ada) as door:
        denied = door.audit.entries(rule="access.condition").items
    assert [line.outcome for line in denied] == ["deny"]


def test_more_answers_need_no_more_statements(shop: World) -> None:
    people = [shop.ada, shop.ana, shop.vic, shop.hal]
    counts = []
    for many in (1, 40):
        answers = [Answer(each, number) for number, each in enumerate(people * many)]
        with statements(shop.store) as run:
            shop.store.look(answers, may_ask)
        counts.append(len(run))
    assert counts[0] == counts[1] <= 6


def test_whoever_looks_looks_for_the_others(
    shop: World, scripted: Script, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.say("a ", "b ", "c ", "d ")
    scripted.say("a ", "b ", "c ", "d ")
    monkeypatch.setattr("plugin.assistant.watching.RECHECK_SECONDS", 1e9)
    theirs, others = (ask(shop.store, gateway, each, Question("long")) for each in (shop.vic, shop.ana))
    answered, beside = Answered(), Answered()
    for stream, kept in ((theirs, answered), (others, beside)):
        for one in stream:
            kept.events.append(one)
            if one.name == "text":
                break
    with shop.store.as_admin(shop.ada) as door:
        door.people.disable(shop.vic.member_id)
    monkeypatch.setattr("plugin.assistant.watching.RECHECK_SECONDS", 0.0)
    beside.events.append(next(others))
    monkeypatch.setattr("plugin.assistant.watching.RECHECK_SECONDS", 1e9)
    answered.events.extend(theirs)
    beside.events.extend(others)
    assert answered.of("error")[0]["rule"] == "sign_in"
    assert "".join(each["text"] for each in answered.of("text")).split() == ["a"]
    assert beside.text.split() == ["a", "b", "c", "d"]
