"""How names and questions are read as words: laws, and the examples that they are there for."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st
from snowballstemmer.english_stemmer import EnglishStemmer

from plugin.catalog.compounds import KNOWN, parts_of
from plugin.catalog.synonyms import near_words
from plugin.catalog.words import identifier_words, name_core, points_at, read_question, stem


def test_names_without_a_break_are_taken_apart() -> None:
    assert parts_of("invoicelines") == ("invoice", "lines")
    assert parts_of("forummessagevotes") == ("forum", "message", "votes")
    assert parts_of("salesorderdetailid") == ("sales", "order", "detail", "id")
    assert parts_of("taxamt") == ("tax", "amt")
    assert set(identifier_words("INVOICELINES")) >= {stem("invoice"), stem("line"), stem("invoicelines")}
    assert stem("amount") in identifier_words("taxamt")


def test_a_name_of_small_words_is_known_by_what_they_make_together() -> None:
    assert identifier_words("no_show") == identifier_words("NoShow") == (stem("noshow"),)
    assert stem("usedby") in {term.word for term in read_question("used by").terms if term.joined}
    assert identifier_words("opt_out") == (stem("opt"),) and identifier_words("from") == ()


def test_one_word_stays_one_word() -> None:
    for word in (
        "relationship", "exceptions", "transitions", "properties", "therapist", "management", "percentage",
        "specialist", "resources", "hospital", "mandate", "orders", "id", "orderx", "xorder", "",
    ):  # fmt: skip
        assert parts_of(word) == (), word


@given(st.lists(st.sampled_from(sorted(word for word in KNOWN if len(word) >= 4)), min_size=1, max_size=4))
def test_parts_make_up_the_word(words: list[str]) -> None:
    whole = "".join(words)
    found = parts_of(whole)
    assert found == () or "".join(found) == whole
    assert 2 <= len(found) <= len(words) or whole in KNOWN or len(words) == 1


@given(st.text(max_size=80))
def test_anything_can_be_a_name(name: str) -> None:
    assert len(set(identifier_words(name))) == len(identifier_words(name))
    assert "".join(parts_of(name)) in (name, "")


def test_a_key_without_a_break_points_at_its_table() -> None:
    assert points_at("customerid") == points_at("customer_id") == (stem("customer"),)
    assert points_at("SalesOrderID") == points_at("salesorderid") == points_at("sales_order_id")
    assert name_core("forummessages") == name_core("ForumMessages")


def test_the_beginning_of_a_long_question_says_what_it_is_about() -> None:
    start = "Which customers returned their orders in the shop without a refund? "
    later = "Consider only rows with a known voucher, written in two places after the comma, and sort them by it. "
    weights = {
        term.word: term.weight for term in read_question(start + later + later + "Print pallets").terms
    }
    assert weights[stem("customers")] == weights[stem("refund")] == 1.0
    assert weights[stem("pallets")] < weights[stem("customers")]
    short = {term.word: term.weight for term in read_question("pallets of customers").terms}
    assert short[stem("pallets")] == short[stem("customers")] == 1.0


ENDINGS = (
    "",
    "s",
    "es",
    "ed",
    "ing",
    "ly",
    "ies",
    "ational",
    "iveness",
    "fulness",
    "ization",
    "ement",
    "ously",
)


def test_stems_are_those_of_the_algorithm_whichever_library_makes_them() -> None:
    written = EnglishStemmer()
    for word in sorted(KNOWN):
        for ending in ENDINGS:
            assert stem(word + ending) == written.stemWord(word + ending), word + ending


def test_threads_do_not_get_each_others_stems() -> None:
    words = [word + ending for word in sorted(KNOWN)[:40] for ending in ENDINGS]
    written = EnglishStemmer()
    right = {word: written.stemWord(word) for word in words}
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(10):
            stem.cache_clear()
            with ThreadPoolExecutor(4) as pool:
                turns = [
                    pool.submit(lambda at=at: list(map(stem, words[at:] + words[:at])))
                    for at in (0, 90, 180, 270)
                ]
                for turn in turns:
                    turn.result()
            assert {word: stem(word) for word in words} == right
    finally:
        sys.setswitchinterval(before)


def test_initials_ask_for_what_they_stand_for_and_are_asked_for_by_all_of_it() -> None:
    def near(text: str) -> dict[str, list[str]]:
        return near_words([term.word for term in read_question(text).content])

    assert stem("birth") in near("patients by dob") and "dob" in near("date of birth")
    assert {stem("recurring"), stem("revenue")} <= near("MRR by plan").keys()
    assert "mrr" in near("monthly recurring revenue of a plan")
    assert "mrr" not in near("recurring revenue")
    assert near("patients by dob")[stem("birth")] == ["dob"]


def test_two_small_words_may_be_one_name() -> None:
    def asked(text: str) -> set[str]:
        return {term.word for term in read_question(text).terms if term.joined}

    assert stem("noshows") in asked("how many no shows last week") and stem("optout") in asked("opt out rate")
    assert not asked("tables with no id") and not asked("rows that are in")
