"""The built-in model's reading of odd questions: long ones without a point, and one that looks like two."""

from __future__ import annotations

import pytest

from plugin.providers.builtin.two_parts import parts
from plugin.providers.builtin.understand import understand

FILLERS = (
    "will would could might may can do does is are gets get be all else then stop stops our other should must shall "
    "need needs has have ought i we to first"
).split()


@pytest.mark.timeout(30)
@pytest.mark.parametrize("begins", ["what", "which dashboards", "who", "does anything"])
def test_filler_words_said_over_and_over_are_read_to_their_end(begins: str) -> None:
    """A word that a pattern can take in two ways doubles its work each time: "what get get get" took minutes."""
    for word in FILLERS:
        question = f"{begins} {f'{word} ' * 40}please"
        assert understand(question).name
        assert not parts(question)


@pytest.mark.parametrize(
    "question",
    [
        "list the tables in sales, which are stale",
        "which columns of orders and which of customers are personal",
    ],
)
def test_a_clause_about_what_was_named_is_no_second_question(question: str) -> None:
    """As a question of its own it would be about the whole catalog."""
    assert not parts(question, frozenset({"orders", "customers", "sales"}))


def test_two_lists_are_still_two_questions() -> None:
    assert len(parts("which tables have no owner and which have no description")) == 2
