"""What looks personal or secret: by name, type and description, with a confidence, and a person's word above it."""

from __future__ import annotations

import importlib
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.access.viewer import Viewer
from plugin.catalog.classify import LEAST, classify, is_of_people
from plugin.catalog.sensitive_words import SENSITIVE
from plugin.catalog.sync import add_integration, sync
from plugin.store import Store

reading = importlib.import_module("plugin.catalog.classify")
SURE = sorted(
    {
        phrase.lstrip("~"): words.kind
        for words in reversed(SENSITIVE)
        for phrase in words.words.split(", ")
        if words.confidence >= 0.9 and not phrase.startswith("+")
    }.items()
)
LISTED = Path(__file__).with_name("column_names.txt")
TYPES = {"i": "bigint", "d": "date", "ts": "timestamp with time zone", "b": "boolean", "n": "numeric(18,2)"}
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
def test_a_telling_name_is_found_however_it_is_spelled(sure: tuple[str, str], style: str) -> None:
    phrase, kind = sure
    found, confidence = classify(spelled(phrase, style), "text")
    assert found == kind
    assert confidence is not None and confidence >= 0.85


def test_names_as_warehouses_have_them_are_told_as_a_reader_tells_them() -> None:
    """A thousand names in a dozen languages, of health, pay, payments, telephony and services, by hand: personal,
    secret, one of both (a card's number), or neither. The first 680 were written before the words were; none is left out."""
    right = dict.fromkeys(("personal", "secret"), 0)
    told, meant = dict(right), dict(right)
    for line in LISTED.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        letter, _, rest = line.partition(" ")
        name, _, type_ = rest.partition(":")
        found = classify(name, TYPES.get(type_, "varchar(255)"))[0]
        if letter == "X":
            assert found is not None, name
            continue
        wanted = {"P": "personal", "S": "secret", "N": None}[letter]
        if found is not None:
            told[found] += 1
        if wanted is not None:
            meant[wanted] += 1
            right[wanted] += found == wanted
    assert min(meant.values()) > 100
    for kind in right:
        assert right[kind] / told[kind] >= 0.98, f"{kind}: too many are told"
        assert right[kind] / meant[kind] >= 0.93, f"{kind}: too few are told"


@pytest.mark.parametrize(
    ("name", "type_", "told"),
    [
        ("email_verification_token", "text", "secret"),  # what it ends with
        ("password_reset_email", "text", "personal"),
        ("patient_weight", "numeric", "personal"),
        ("product_weight", "numeric", None),
        ("mobile_app_version", "text", None),
        ("token_symbol", "text", None),
        ("slack_token", "text", "secret"),
        ("store_phone", "text", None),  # nobody's
        ("company_email", "text", "personal"),  # often somebody's all the same
        ("address.city", "text", "personal"),
        ("diagnosis.reference.identifier.assigner.identifier.system", "text", None),
        ("last_seen", "inet", "personal"),
        ("gateway", "inet", None),
        ("Straße", "text", "personal"),
        ("geb_datum", "date", "personal"),
        ("電話番号", "text", "personal"),
    ],
)
def test_what_stands_beside_a_word_counts(name: str, type_: str, told: str | None) -> None:
    assert classify(name, type_)[0] == told


def test_a_name_without_end_is_classified_by_its_last_words() -> None:
    """At a cost that does not grow with the square of its words: some sources take names of any length."""
    assert classify("email_" * 60_000 + "total", "text")[0] is None
    assert classify("order_" * 60_000 + "email", "text")[0] == "personal"
    assert classify("email_" * 60_000 + "email", "text")[0] == "personal"
    assert classify("password_" + "x_y_z_" * 60_000, "text")[0] is None


def test_in_a_table_of_people_a_bare_name_is_a_persons() -> None:
    assert [classify(name, "text", of_people=True)[0] for name in ("name", "photo", "product_name")] == [
        "personal", "personal", None
    ]  # fmt: skip
    assert classify("name", "text")[0] is None
    assert all(map(is_of_people, ("customers", "dim_employee", "People", "stg_patients_v2", "Kunden")))
    assert not any(map(is_of_people, ("customer_orders", "dim", "products", "stores", "")))


def test_a_description_of_how_many_is_not_the_thing() -> None:
    for type_, description in (
        ("bigint", "Number of failed password attempts"),
        ("text", "Whether the e-mail address was confirmed"),
        ("timestamptz", "When the password was changed"),
        ("text", "The full name of the file"),
        ("text", "City of the visitor, derived from the IP address"),
    ):
        assert classify("x1", type_, description) == (None, None), description
    assert classify("x1", "date", "Date of birth of the insured")[0] == "personal"


@given(names, st.none() | names)
def test_a_flag_holds_nothing_of_a_person(name: str, description: str | None) -> None:
    assert classify(name, "boolean", description) == (None, None)


@given(st.sampled_from(SURE), st.sampled_from(["count", "is_verified", "updated_at", "domain"]))
def test_a_column_about_a_thing_is_less_sure_than_the_thing(sure: tuple[str, str], about: str) -> None:
    phrase = sure[0]
    alone = classify(spelled(phrase, "snake"), "text")[1] or 0
    assert (classify(f"{spelled(phrase, 'snake')}_{about}", "text")[1] or 0) < alone


@given(names)
def test_a_description_tells_what_a_name_does_not(name: str) -> None:
    assert classify(name, "text", "The e-mail address of the buyer")[0] in ("personal", "secret")
    assert classify(name, "text", "Stores the API key")[0] in ("personal", "secret")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("старинный", None), ("длинный_код", None), ("инновация", None), ("секретарь", None), ("секретариат", None),
        ("инн", "personal"), ("ИНН_клиента", "personal"), ("ИННКлиента", "personal"), ("клиентИНН", "personal"),
        ("НомерТелефона", "personal"), ("адреса_доставки", "personal"), ("паспорт2", "personal"),
        ("пароля_хэш", "secret"), ("секрет", "secret"), ("пароли", "secret"), ("фио", "personal"), ("ФИО_сотрудника", "personal"), ("секретный_ключ", "secret"),
        ("паспортные_данные", "personal"), ("ПаспортныеДанные", "personal"), ("телефонный_номер", "personal"),
        ("уровень_секретности", None),
        ("顧客住所", "personal"), ("新しいパスワード", "secret"), ("고객전화번호", "personal"), ("مخزن_كلمة_المرور", "secret"),
    ],
)  # fmt: skip
def test_words_of_a_language_that_parts_them_are_whole_words(name: str, kind: str | None) -> None:
    assert classify(name, "text")[0] == kind


def test_a_release_that_reads_names_otherwise_classifies_again_what_nobody_decided(
    any_store: Store, any_admin: Viewer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "shop.sqlite3"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE people (id INTEGER, email TEXT, phone TEXT, note TEXT, odd TEXT)")
    place = {"url": f"sqlite:///{path}"}
    made = add_integration(any_store, any_admin, "shop", "sqlite", settings=place, secrets={})
    sync(any_store, any_admin, made.id)
    with any_store.as_viewer(any_admin) as mine:
        table = mine.catalog.by_name("people").id
        columns = {each.name: each.id for each in mine.catalog.columns(table)}
        mine.edits.set_property(columns["phone"], "sensitivity", "personal")
        mine.edits.set_property(columns["odd"], "sensitivity", None)
    assert sync(any_store, any_admin, made.id).updated == 0
    phrases = dict(reading._PHRASES)
    phrases["note"] = phrases["odd"] = phrases.pop("email")
    del phrases["phone"]
    monkeypatch.setattr(reading, "_PHRASES", phrases)
    monkeypatch.setattr(reading, "READ_AS", reading.READ_AS + 1)
    reading._by_name.cache_clear()
    try:
        assert sync(any_store, any_admin, made.id).updated == 2
    finally:
        reading._by_name.cache_clear()
    with any_store.as_viewer(any_admin) as mine:
        found = {each.name: each.sensitivity for each in mine.catalog.columns(table)}
    assert found == {"id": None, "email": None, "phone": "personal", "note": "personal", "odd": None}


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
