"""List questions with a negation: what was excluded is never in the answer."""

from __future__ import annotations

import pytest

from plugin.assistant import Question, ask
from plugin.egress.gateway import Gateway
from plugin.providers.builtin.understand import understand
from tests.assistant.conftest import Answered
from tests.assistant.shop import World
from tests.assistant.test_builtin import world as world

ASKED: list[tuple[str, list[str], list[str]]] = [
    ("list tables not tagged core", ["sales.refunds"], ["sales.orders`", "sales.customers`"]),
    ("untagged tables in sales", ["sales.refunds"], ["sales.orders`"]),
    ("which tables does ana not own", [], ["sales.orders`", "best match"]),
    ("tables Ana does not own", ["sales.refunds"], ["sales.orders`", "sales.customers`"]),
    ("which dashboards do not use orders", [], ["Revenue overview", "best match"]),
    ("which dashboards don't use refunds", ["Revenue overview"], []),
    ("which views are not verified", ["No view"], ["monthly_revenue"]),
    ("which tables are not verified", ["sales.orders"], ["monthly_revenue"]),
    ("tables without primary key", ["cannot tell"], ["sales.orders`", "best match"]),
    ("all tables except orders", ["cannot tell"], ["sales.orders`"]),
    (
        "what tables haven't been used lately",
        ["Nothing is known to query", "suppliers", "but not lately"],
        [],
    ),
    ("does orders have a column called colour", ["is called `colour`"], ["column called"]),
    ("smallest tables", ["The smallest tables", "sales.customers"], []),
    ("last sync of warehouse", ["Of the integration `warehouse`"], []),
]


@pytest.mark.parametrize(("question", "said", "unsaid"), ASKED, ids=[each[0] for each in ASKED])
def test_what_was_excluded_is_not_answered(
    world: tuple[World, Gateway], question: str, said: list[str], unsaid: list[str]
) -> None:
    shop, gateway = world
    text = Answered(list(ask(shop.store, gateway, shop.vic, Question(question)))).text
    for each in said:
        assert each.lower() in text.lower(), text
    for each in unsaid:
        assert each.lower() not in text.lower(), text
    assert "hr." not in text


@pytest.mark.timeout(30)
@pytest.mark.parametrize("word", ["get ", "not ", "without "])
def test_words_said_two_thousand_times_are_read_to_their_end(word: str) -> None:
    assert understand(word * 2000).name
    assert understand("list tables " + word * 50).name
