"""Every tool as somebody outside the team, and its twin: somebody who may see the same thing does.

A tool that is added fails here until `TRIES` says how an outsider would try it.
"""

from __future__ import annotations

from typing import Any

import pytest

from plugin.errors import SignInNeeded
from plugin.store import Store
from plugin.tools import TOOLS, Session, ToolAnswer, call, offered
from tests.assistant.shop import World

TRIES: dict[str, list[dict[str, Any]]] = {
    "search": [{"text": "salaries"}, {"text": "gross monthly salary"}, {"text": "ssn", "kinds": ["column"]}],
    "retrieve": [{"resource": "hr.salaries"}, {"resource": "shop.hr"}, {"resource": "{id}"}, {"resource": "hr.employees.ssn"}],
    "lineage": [{"resource": "hr.salaries"}, {"resource": "{id}"}],
    "glossary": [{"term": "salaries"}],
    "find_joins": [
        {"table": "hr.salaries"}, {"table": "hr.salaries", "other": "hr.employees"}, {"table": "sales.orders", "other": "hr.employees"},
    ],
    "browse": [
        {"what": "all", "under": "shop.hr"}, {"what": "personal"}, {"what": "all", "kinds": ["table"], "limit": 50},
        {"what": "unowned", "limit": 50}, {"what": "all", "kinds": ["schema"]},
    ],
    "changes": [{"days": 365}, {"days": 365, "under": "shop.hr"}, {"change": "added"}],
    "count": [{"by": "schema"}, {"by": "kind", "under": "shop.hr"}],
    "frequent_queries": [{"table": "hr.salaries"}, {"table": "shop.hr"}, {}],
    "check_sql": [{"sql": "SELECT amount FROM hr.salaries"}, {"sql": "SELECT s.amount FROM hr.employees e JOIN hr.salaries s ON TRUE"}],
    "run_sql": [{"sql": "SELECT amount FROM hr.salaries", "integration": "warehouse"}],
    "propose": [{"resource": "hr.salaries", "field": "description", "value": "Mine."}],
    "remember": [{"preference": "hr.salaries"}],
}  # fmt: skip
TELLS = {  # what somebody who may gets to see, by tool; the rest hold nothing of a resource
    "search": "hr.salaries", "retrieve": "hr.salaries", "lineage": "hr.salaries", "find_joins": "hr.employees",
    "browse": "hr.", "count": "shop.hr", "check_sql": "shop.hr.salaries", "propose": "hr.salaries",
}  # fmt: skip
SECRETS = ("salaries", "employees", "ssn", "Gross monthly", "Everybody who works", "shop.hr")


def told(answer: ToolAnswer) -> str:
    """Everything that a model or a person could read in an answer."""
    return repr(
        (
            answer.fragments,
            answer.note,
            answer.summary,
            answer.found,
            answer.value,
            answer.proposal,
            answer.sql,
        )
    )


def asked(shop: World, arguments: dict[str, Any]) -> dict[str, Any]:
    return {
        key: str(shop.id("hr.salaries")) if value == "{id}" else value for key, value in arguments.items()
    }


@pytest.mark.parametrize("name", sorted(TOOLS))
def test_every_tool_hides_what_is_not_granted(shop: World, name: str) -> None:
    for arguments in TRIES[name]:
        given = asked(shop, arguments)
        answer = told(call(name, given, shop.vic, shop.store, Session(question="always hr.salaries")))
        own_words = " ".join(str(value) for value in given.values())
        for secret in SECRETS:
            if secret not in own_words:
                assert secret not in answer, (name, arguments)


@pytest.mark.parametrize("name", sorted(TELLS))
def test_the_twin_who_may_see_it_does(shop: World, name: str) -> None:
    said = " ".join(told(call(name, asked(shop, each), shop.hal, shop.store)) for each in TRIES[name])
    assert TELLS[name] in said


@pytest.mark.parametrize(
    "name", ["retrieve", "lineage", "find_joins", "browse", "count", "frequent_queries", "propose"]
)
def test_hidden_and_absent_are_told_alike(shop: World, name: str) -> None:
    key = (
        "table"
        if name in ("find_joins", "frequent_queries")
        else "under"
        if name in ("browse", "count")
        else "resource"
    )
    more = (
        {"field": "tag", "value": "x"} if name == "propose" else {"what": "all"} if name == "browse" else {}
    )
    hidden = call(name, {key: "hr.salaries", **more}, shop.vic, shop.store)
    absent = call(name, {key: "zz.salaries", **more}, shop.vic, shop.store)
    assert told(hidden).replace("hr.", "zz.") == told(absent)
    by_id = call(name, {key: str(shop.id("hr.salaries")), **more}, shop.vic, shop.store)
    no_id = call(name, {key: "99999999", **more}, shop.vic, shop.store)
    assert told(by_id).replace(str(shop.id("hr.salaries")), "99999999") == told(no_id)


def test_run_sql_is_not_offered_where_its_gates_are_closed(shop: World) -> None:
    for who in ("ada", "vic", "gus"):
        with shop.store.as_viewer(shop.viewers[who].as_assistant()) as mine:
            assert "run_sql" not in {tool.name for tool in offered(mine)}
    answer = call("run_sql", {"sql": "SELECT 1", "integration": "warehouse"}, shop.ada, shop.store)
    assert not answer.ok and "closed" in answer.note
    with shop.store.as_admin(shop.ada) as door:
        assert any(
            entry.action == "tool.run_sql" and entry.outcome == "deny"
            for entry in door.audit.entries(limit=50).items
        )


def test_a_guest_outside_every_team_finds_nothing(shop: World) -> None:
    assert "shop." not in told(call("search", {"text": "orders"}, shop.gus, shop.store))
    assert not call("retrieve", {"resource": "sales.orders"}, shop.gus, shop.store).ok
    assert not call(
        "propose", {"resource": "sales.orders", "field": "tag", "value": "x"}, shop.gus, shop.store
    ).ok


def test_ai_filters_narrow_every_tool(shop: World) -> None:
    with shop.store.as_admin(shop.ada) as door:
        door.settings.set("ai.filters", [{"effect": "exclude", "schemas": ["marketing"]}])
    try:
        for name, arguments in (
            ("search", {"text": "campaigns"}), ("browse", {"what": "all", "limit": 50}), ("count", {"by": "schema"}),
            ("check_sql", {"sql": "SELECT id FROM sales.orders"}),
        ):  # fmt: skip
            assert "marketing" not in told(call(name, arguments, shop.ada, shop.store)), name
        assert not call("retrieve", {"resource": "marketing.campaigns"}, shop.ada, shop.store).ok
    finally:
        with shop.store.as_admin(shop.ada) as door:
            door.settings.set("ai.filters", [])


def test_a_member_who_is_gone_ends_the_conversation(store: Store, shop: World) -> None:
    with shop.store.as_admin(shop.ada) as door:
        door.people.disable(shop.ana.member_id)
    try:
        with pytest.raises(SignInNeeded):
            call("search", {"text": "orders"}, shop.ana, shop.store)
    finally:
        with shop.store.as_admin(shop.ada) as door:
            door.people.enable(shop.ana.member_id)
