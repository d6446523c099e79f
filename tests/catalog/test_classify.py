"""What looks personal or secret: by name, type and description, with a confidence, and a person's word above it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.access.viewer import Viewer
from plugin.catalog.classify import LEAST, PERSONAL, SECRET, classify
from plugin.catalog.sync import add_integration, sync
from plugin.store import Store

SURE = sorted(word for table in (SECRET, PERSONAL) for word, weight in table.items() if weight >= 0.9)
names = st.text(st.characters(codec="utf-8"), max_size=60)
types = st.sampled_from(
    ["text", "varchar(80)", "int", "bigint", "numeric(10,2)", "boolean", "date", "timestamptz", "", "json"]
)


def spelled(phrase: str, style: str) -> str:
    words = phrase.split()
    if style == "camel":
        return words[0] + "".join(word.capitalize() for word in words[1:])
    return {"snake": "_", "kebab": "-", "upper": "_"}[style].join(
        word.upper() if style == "upper" else word for word in words
    )


@given(names, types, st.none() | names)
def test_it_never_fails_and_its_confidence_is_one(name: str, type_: str, description: str | None) -> None:
    kind, confidence = classify(name, type_, description)
    assert (kind is None) == (confidence is None)
    if kind is not None:
        assert kind in ("personal", "secret")
        assert confidence is not None and LEAST <= confidence <= 1
    assert classify(name, type_, description) == (kind, confidence)


@given(st.sampled_from(SURE), st.sampled_from(["snake", "camel", "kebab", "upper"]))
def test_a_telling_name_is_found_however_it_is_spelled(phrase: str, style: str) -> None:
    kind, confidence = classify(spelled(phrase, style), "text")
    assert kind == ("secret" if SECRET.get(phrase, 0) >= PERSONAL.get(phrase, 0) else "personal")
    assert confidence is not None and confidence >= 0.85


@given(names, st.none() | names)
def test_a_flag_holds_nothing_of_a_person(name: str, description: str | None) -> None:
    assert classify(name, "boolean", description) == (None, None)


@given(st.sampled_from(SURE), st.sampled_from(["count", "is_verified", "updated_at", "domain"]))
def test_a_column_about_a_thing_is_less_sure_than_the_thing(phrase: str, about: str) -> None:
    alone = classify(spelled(phrase, "snake"), "text")[1] or 0
    assert (classify(f"{spelled(phrase, 'snake')}_{about}", "text")[1] or 0) < alone


@given(names)
def test_a_description_tells_what_a_name_does_not(name: str) -> None:
    assert classify(name, "text", "The e-mail address of the buyer")[0] in ("personal", "secret")
    assert classify(name, "text", "Stores the API key")[0] in ("personal", "secret")


@pytest.mark.parametrize("decided", [None, "secret", "personal"])
def test_a_persons_decision_survives_every_sync(
    store: Store, admin: Viewer, tmp_path: Path, decided: str | None
) -> None:
    path = tmp_path / "shop.sqlite3"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE people (id INTEGER, email TEXT, note TEXT)")
    made = add_integration(store, admin, "shop", "sqlite", settings={"url": f"sqlite:///{path}"}, secrets={})
    sync(store, admin, made.id)
    with store.as_viewer(admin) as mine:
        email, note = mine.catalog.by_name("people.email"), mine.catalog.by_name("people.note")
        assert (email.sensitivity, note.sensitivity) == ("personal", None)
        mine.edits.set_property(email.id, "sensitivity", decided)
        mine.edits.set_property(note.id, "sensitivity", "personal")
    for full in (False, True):
        with sqlite3.connect(path) as db:
            db.execute(f"ALTER TABLE people ADD COLUMN more_{full:d} TEXT")
        assert sync(store, admin, made.id, full=full).status == "done"
        with store.as_viewer(admin) as mine:
            assert mine.catalog.resource(email.id).sensitivity == decided
            assert mine.catalog.resource(note.id).sensitivity == "personal"


def test_how_sure_a_guess_is_can_be_read_and_a_decision_is_no_guess(
    store: Store, admin: Viewer, tmp_path: Path
) -> None:
    """Confirming what was guessed is a decision, too: it stays when the guess would change."""
    path = tmp_path / "shop.sqlite3"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE people (id INTEGER, email TEXT, mail TEXT)")
    made = add_integration(store, admin, "shop", "sqlite", settings={"url": f"sqlite:///{path}"}, secrets={})
    sync(store, admin, made.id)
    with store.as_viewer(admin) as mine:
        found = {each.name: each for each in mine.catalog.columns(mine.catalog.by_name("people").id)}
        assert {name: each.sensitivity_confidence for name, each in found.items()} == {
            "id": None, "email": 0.95, "mail": 0.6
        }  # fmt: skip
        mine.edits.set_property(found["mail"].id, "sensitivity", "personal")
        now = mine.catalog.resource(found["mail"].id)
        assert (now.sensitivity, now.sensitivity_confidence) == ("personal", None)
    sync(store, admin, made.id, full=True)
    with store.as_viewer(admin) as mine:
        now = mine.catalog.resource(found["mail"].id)
        assert (now.sensitivity, now.sensitivity_confidence) == ("personal", None)
