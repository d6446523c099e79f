"""A tool's schema comes from its signature, and arguments are held to it."""

from __future__ import annotations

import pytest

from plugin.errors import BadInput, NotFound
from plugin.tools import TOOLS, find_tool, tool
from plugin.tools.arguments import check_arguments, schema_of, visible


@pytest.mark.parametrize("name", sorted(TOOLS))
def test_every_tool_has_a_closed_schema_and_words_for_the_model(name: str) -> None:
    found = find_tool(name)
    assert found.schema["additionalProperties"] is False
    assert len(found.description) > 40
    assert all("description" in each for each in found.schema["properties"].values())
    assert set(found.schema["required"]) <= set(found.schema["properties"])


def test_a_tool_is_destructive_unless_it_says_read_only() -> None:
    assert {name for name in TOOLS if not find_tool(name).read_only} == {"propose", "remember", "run_sql"}


def test_a_tool_that_is_not_listed_is_not_found() -> None:
    with pytest.raises(NotFound):
        find_tool("get_table")


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({}, "text"),
        ({"text": 3}, "text"),
        ({"text": "a", "limit": "10"}, "limit"),
        ({"text": "a", "limit": True}, "limit"),
        ({"text": "a", "verified": "yes"}, "verified"),
        ({"text": "a", "kinds": "table"}, "kinds"),
        ({"text": "a", "kinds": ["salary"]}, "kinds"),
        ({"text": "a", "workspace_id": 2}, "workspace_id"),
        ({"text": "a", "kinds": ["table"] * 51}, "kinds"),
    ],
)
def test_what_does_not_fit_is_named(arguments: dict[str, object], field: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_arguments(find_tool("search").schema, arguments)
    assert caught.value.field == field


def test_null_means_left_out() -> None:
    assert check_arguments(find_tool("search").schema, {"text": "a", "limit": None}) == {"text": "a"}


def test_what_cannot_be_seen_is_taken_out_of_arguments() -> None:
    assert visible("sa\u200bles\u202e.\U000e0041orders\x00\n") == "sales.orders\n"


def test_a_function_without_the_viewers_door_is_refused() -> None:
    def naked(text: str) -> None:
        """Words."""

    with pytest.raises(TypeError, match="first parameter"):
        tool(read_only=True)(naked)  # type: ignore[type-var]


def test_a_type_without_a_schema_is_refused() -> None:
    def odd(mine: object, when: bytes) -> None:
        """Words."""

    with pytest.raises(TypeError):
        schema_of(odd)
