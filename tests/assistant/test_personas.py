"""Personas: they narrow what the assistant uses and never widen it, and one kept for a team is unknown to others."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.access.ai_rules import AiRule, decide
from plugin.access.personas import narrowed, parse_personas
from plugin.errors import BadInput
from plugin.providers.scripted import Script, texts_of
from tests.assistant.conftest import Asks
from tests.assistant.shop import World

WORDS = ("a", "b")
some = st.lists(st.sampled_from(WORDS), max_size=2, unique=True).map(tuple)
RULES = st.lists(
    st.builds(
        AiRule,
        effect=st.sampled_from(("include", "exclude")),
        kinds=some,
        schemas=some,
        tags=some,
        verified=st.sampled_from((None, True, False)),
    ),
    max_size=3,
)
FACTS = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(WORDS),
        "integration": st.just("shop"),
        "schemas": some,
        "tags": some,
        "sensitivity": st.none(),
        "verified": st.booleans(),
        "published": st.just(True),
    }
)


@given(rules=RULES, own=RULES, facts=FACTS)
def test_what_a_persona_leaves_in_both_lists_leave_in(
    rules: list[AiRule], own: list[AiRule], facts: dict[str, Any]
) -> None:
    both = decide(rules, **facts)[0] and decide(own, **facts)[0]
    assert decide(narrowed(rules, own), **facts)[0] == both


PERSONAS = [
    {
        "name": "Marketer",
        "instructions": "Speak of campaigns and call me <email>.",
        "filters": [{"effect": "include", "schemas": ["marketing", "sales"]}],
    },
    {"name": "Paymaster", "instructions": "Speak of pay.", "teams": ["People"]},
]


def told(script: Script) -> str:
    return "\n".join(texts_of(script.requests[-1])) + script.requests[-1].system_tail


def test_its_words_and_its_filters_hold(shop: World, scripted: Script, asks: Asks) -> None:
    with shop.store.as_admin(shop.ada) as door:
        door.settings.set("ai.personas", PERSONAS)
        door.settings.set("ai.filters", [{"effect": "exclude", "schemas": ["sales"]}])
    scripted.call("search", {"text": "products campaigns orders"})
    for _ in range(2):
        scripted.say("ok")
    asks(shop.vic, "which campaigns, products and orders are there?", persona="marketer")
    assert "Speak of campaigns" in told(scripted) and "marketing.campaigns" in told(scripted)
    assert "catalog.products" not in told(scripted)  # the persona leaves it out
    assert "sales.orders" not in told(scripted)  # the workspace leaves it out
    asks(shop.vic, "which campaigns, products and orders are there?")
    assert "catalog.products" in told(scripted) and "Speak of campaigns" not in told(scripted)


def test_one_for_a_team_is_unknown_to_others(shop: World, scripted: Script, asks: Asks) -> None:
    with shop.store.as_admin(shop.ada) as door:
        door.settings.set("ai.personas", PERSONAS)
        if "People" not in {team.name for team in door.people.teams()}:
            team = door.people.add_team("People", private=True)
            door.people.add_to_team(team.id, member_id=shop.hal.member_id)
    hidden = asks(shop.vic, "pay?", persona="Paymaster").of("error")[0]["message"]
    absent = asks(shop.vic, "pay?", persona="Nobody").of("error")[0]["message"]
    assert hidden.replace("Paymaster", "Nobody") == absent and not scripted.requests
    with shop.store.as_viewer(shop.vic) as mine:
        assert [each.name for each in mine.policy.personas()] == ["Marketer"]
    scripted.say("ok")
    asks(shop.hal, "pay?", persona="Paymaster")
    assert "Speak of pay." in told(scripted)


@pytest.mark.parametrize(
    "value",
    [
        [{"name": ""}],
        [{"name": "a"}, {"name": "A"}],
        [{"name": "a", "filters": [{"effect": "widen"}]}],
        [{"name": "a", "teams": "General"}],
        [{"name": "a", "sees": "all"}],
        ["a"],
    ],
)
def test_a_bad_one_is_refused_by_number(value: Any) -> None:
    with pytest.raises(BadInput) as refused:
        parse_personas(value)
    assert refused.value.field == "ai.personas"
