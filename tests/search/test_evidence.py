"""Each kind of evidence that ranking weighs, on a catalog where it alone decides: without it, the test fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connectors.records import Asset, Record
from plugin.access.viewer import Viewer
from plugin.store import Store
from tests.assistant.shop import build
from tests.search.conftest import Fill, table

Ask = Callable[..., list[str]]
FILLER = [
    table("d", "s", f"thing_{word}", f"{word}_a, {word}_b, {word}_c", f"About {word} only.")
    for word in ("maple", "cedar", "birch", "aspen", "alder", "hazel", "rowan", "beech")
]


@pytest.fixture
def ask(store: Store, admin: Viewer, fill: Fill) -> Ask:
    """Names of tables found for a question over some lines (and eight tables about something else), best first."""

    def run(lines: list[dict[str, Any]], question: str, *, filler: bool = True, **more: Any) -> list[str]:
        fill(store, admin, "w", [*lines, *(FILLER if filler else [])])
        with store.as_viewer(admin) as mine:
            found = mine.catalog.search(question, **{"kinds": ("table",), **more})
        return [hit.resource.name for hit in found.hits]

    return run


LONG = (
    "which of all the {0} had something that could be said of it when asked about pebbles or gravel or sand"
)


def test_a_name_says_more_than_a_column_and_a_column_more_than_its_description(ask: Ask) -> None:
    lines = [
        table("d", "s", "aaa", "x, y: the tariff of it", ""),
        table("d", "s", "bbb", "x, tariff", ""),
        table("d", "s", "tariff", "x, y", ""),
    ]
    assert ask(lines, LONG.format("tariff"))[:3] == ["tariff", "bbb", "aaa"]


def test_a_description_is_evidence(ask: Ask) -> None:
    lines = [table("d", "s", "aaa", "x: its tolls", "Bridges."), table("d", "s", "bbb", "x", "Tolls.")]
    assert ask(lines, LONG.format("tolls"))[0] == "bbb"


def test_a_schema_of_one_small_table_does_not_outdo_what_says_more(ask: Ask) -> None:
    wide = ", ".join(f"col{word}" for word in "maple cedar birch aspen alder hazel rowan beech".split())
    lines = [
        table("d", "tiny", "aaa", "x, tariff"),
        table("d", "s", "bbb", "x, tariff", "Tariff."),
        *(table("d", "s", f"zz{letter}", wide) for letter in "pqrst"),
    ]
    assert ask(lines, LONG.format("tariff"), filler=False)[0] == "bbb"


def test_the_size_of_its_schema_does_not_hide_a_table_that_has_every_word(ask: Ask) -> None:
    words = "harbour", "pilot", "tonnage", "berth", "cargo", "lantern", "anchor", "rudder"
    wide = ", ".join(f"{letter}{number}" for letter in "klmnpqrstv" for number in "23")
    lines = [
        table("d", "public", "aaa", ", ".join(words)),
        *(table("d", "public", f"zz{letter}{more}", wide) for letter in "abcdefgh" for more in "qrstuvwx"),
        table("d", "tiny", "none", "x"),
        *(table("d", "tiny", f"{words[at]}_{words[at + 1]}", "x") for at in (0, 2, 4, 6)),
        *(table("d", f"other{letter}", f"xx{letter}", "gross") for letter in "abcdefghijklmnopqrstuvwxyz"),
    ]
    question = f"for each {' and '.join(words)}, of which one is there more than of the others in gross"
    found = ask(lines, question, filler=False, limit=100)
    assert found.index("aaa") < found.index("none")


def test_a_name_that_is_spoken_in_full_wins(ask: Ask) -> None:
    lines = [
        table("d", "s", "tariff_history_archive_copy", "x, tariff, tariff_kind, tariff_day, tariff_place"),
        table("d", "s", "tariff", "x"),
    ]
    assert ask(lines, LONG.format("tariff"))[0] == "tariff"


def test_a_rare_word_counts_more_than_a_common_one(ask: Ask) -> None:
    lines = [table("d", f"s{at}", f"visit_{at}", "visit, day") for at in range(8)]
    lines.append(table("d", "t", "other", "turnstile"))
    assert ask(lines, "what was said of each visit and every turnstile in there, please")[0] == "other"


def test_the_schema_that_covers_the_question_lifts_its_tables(ask: Ask) -> None:
    lines = [
        table("d", "misc", "landings", "berth, day"),
        table("d", "ports", "entries", "berth, day"),
        table("d", "ports", "ships", "ship, flag"),
        table("d", "ports", "crews", "crew, rank"),
    ]
    found = ask(
        lines, "for the ships and their crews, which berth did they take when they came to the harbour"
    )
    assert found.index("entries") < found.index("landings")


def test_a_name_of_the_schema_is_evidence(ask: Ask) -> None:
    lines = [table("d", "alpha", "aaa", "day, duration"), table("d", "bicycles", "bbb", "day, duration")]
    assert ask(lines, LONG.format("duration by bicycle"))[0] == "bbb"


def test_a_key_points_at_the_table_that_a_join_needs(ask: Ask) -> None:
    others = [table("d", "s", f"zz{word}", "nothing") for word in ("one", "two", "three", "four", "five")]
    lines = [
        table("d", "s", "parcels", "parcel, carriage_id, weight", "What was sent."),
        *others,
        table("d", "s", "carriages", "plate, seats"),
    ]
    found = ask(
        lines, "how heavy were the parcels that were sent last week and the week before", filler=False
    )
    assert found[:2] == ["parcels", "carriages"]


def test_short_forms_and_unbroken_names_are_read(ask: Ask) -> None:
    lines = [table("d", "s", "custaddr", "x"), table("d", "s", "cust_addr", "x")]
    assert "cust_addr" in ask(lines, "customer address")
    lines = [table("d", "s", "deliverymethods", "x"), table("d", "s", "aaa", "x")]
    assert ask(lines, LONG.format("methods of delivery"))[0] == "deliverymethods"


def test_a_question_in_other_words_finds_the_table(ask: Ask) -> None:
    lines = [table("d", "s", "movie", "x, y"), table("d", "s", "aaa", "x, y")]
    assert ask(lines, LONG.format("films"))[0] == "movie"
    assert ask(lines, "films") == ["movie"]
    lines.append(table("d", "s", "film", "x, y"))
    assert ask(lines, LONG.format("films"))[:2] == ["film", "movie"]


def test_the_glossary_knows_what_people_call_a_thing(store: Store, admin: Viewer, ask: Ask) -> None:
    lines = [table("d", "s", "gmv_daily", "x"), table("d", "s", "aaa", "x")]
    assert ask(lines, LONG.format("takings"))[:1] != ["gmv_daily"]
    with store.as_viewer(admin) as mine:
        mine.edits.create_term(
            "GMV", "What was sold, before returns.", ["takings", "gross merchandise value"]
        )
    assert ask(lines, LONG.format("takings"))[0] == "gmv_daily"
    assert "gmv_daily" in ask(lines, "takings")


def test_a_term_that_is_not_named_in_full_adds_nothing(store: Store, admin: Viewer, ask: Ask) -> None:
    lines = [table("d", "s", "gmv_daily", "x"), table("d", "s", "aaa", "x")]
    with store.as_viewer(admin) as mine:
        mine.edits.create_term("GMV", "What was sold.", ["gross merchandise value"])
    assert ask(lines, LONG.format("gross"))[:1] != ["gmv_daily"]


def test_what_is_verified_comes_first_among_equals(store: Store, admin: Viewer, ask: Ask) -> None:
    lines = [table("d", "s", "ledger_one", "x"), table("d", "s", "ledger_two", "x")]
    for question in ("ledger", LONG.format("ledgers")):
        for name in ("ledger_one", "ledger_two"):
            ask(lines, question)
            with store.as_viewer(admin) as mine:
                for other in ("ledger_one", "ledger_two"):
                    id_ = mine.catalog.by_name(f"d.s.{other}").id
                    mine.edits.set_property(id_, "verified", other == name)
            assert ask(lines, question)[0] == name


def test_verified_does_not_outdo_a_word(store: Store, admin: Viewer, ask: Ask) -> None:
    lines = [table("d", "s", "ledger_one", "x"), table("d", "s", "ledger_tolls", "x")]
    ask(lines, "ledger")
    with store.as_viewer(admin) as mine:
        mine.edits.set_property(mine.catalog.by_name("d.s.ledger_one").id, "verified", True)
    assert ask(lines, LONG.format("ledger of tolls"))[0] == "ledger_tolls"


@pytest.mark.parametrize("popular", ["Harbour berths", "Harbour cranes"])
@pytest.mark.parametrize("question", ["harbour", LONG.format("harbour")])
def test_what_people_use_comes_first_among_equals(
    store: Store, admin: Viewer, popular: str, question: str
) -> None:
    def more() -> list[Record]:
        return [
            Asset("dashboard", name, name, popularity=0.9 if name == popular else 0.1)
            for name in ("Harbour berths", "Harbour cranes")
        ]

    world = build(store, admin, more=more)
    with store.as_viewer(world.ada) as mine:
        found = mine.catalog.search(question, kinds=("dashboard",))
    assert found.hits[0].resource.name == popular
