"""Odd values in every address that only reads, as each role: a page, a clear 4xx, never a 500.

The addresses are found in the application itself. Journeys and twins compare what is told; this only asks that
something clear is.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from urllib.parse import urlencode

from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.web.conftest import Person

PAGE_PARAMETERS = (
    "q", "text", "kind", "kinds", "integration", "integrations", "tag", "tags", "owner", "owners", "verified", "published",
    "schema", "under", "parent", "sort", "cursor", "limit", "offset", "depth", "direction", "detail", "about", "find",
    "edit", "since", "until", "days", "member", "reading", "chat", "plan", "email", "surface", "format", "type", "by", "only",
    "column",
)  # fmt: skip
ODD = (
    "", " ", "0", "-1", "1", "99999999999999999999999", "9223372036854775808", "-9223372036854775809", "1e9", "nan", "²", "٣",
    "true", "\x00", "a\x00b", "%", "_", "'", '"', "\\", "[]", '[""]', "{}", "null", "\ud7ff", "\U0001f984", "x" * 5000, "AAAA",
    "eyJ9", "../..", "2026-13-45", "9999-12-31", "0001-01-01", "table", "name", "popularity", "both",
)  # fmt: skip
NOT_TRIED = ("health.metrics", "static")


@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(luck=st.integers(0, 2**32))
def tried(app: Flask, people: list[Person], luck: int) -> None:
    turn = random.Random(luck)
    for who in people:
        rule, parameters = turn.choice(addresses(app))
        path = rule
        while "<" in path:
            start, end = path.index("<"), path.index(">")
            inner = path[start + 1 : end]
            odd = ["1", "0", "99999999999999999999999"] if inner.startswith("int:") else ["x", "²", "%25"]
            path = path[:start] + turn.choice(odd) + path[end + 1 :]
        query = urlencode(
            [(turn.choice(parameters), turn.choice(ODD)) for _ in range(turn.choice((1, 1, 2, 4)))]
        )
        answer = who.get(f"{path}?{query}")
        assert answer.status_code < 500, f"{path}?{query[:300]}: {answer.get_data(as_text=True)[:300]}"
        if answer.status_code == 422 and path.startswith("/api/"):
            assert answer.json and answer.json.get("detail"), path


def addresses(app: Flask) -> list[tuple[str, tuple[str, ...]]]:
    """Every address that answers to GET, with parameters to try on it."""
    return [
        (rule.rule, PAGE_PARAMETERS)
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and rule.endpoint not in NOT_TRIED and "<path" not in rule.rule
    ]


def test_odd_values_are_told_clearly(app: Flask, person: Callable[[str], Person]) -> None:
    app.config.update(TESTING=False, PROPAGATE_EXCEPTIONS=False)
    tried(app, [person(role) for role in ("admin", "editor", "viewer", "guest")])


def test_each_parameter_of_a_list_and_a_search_takes_odd_values(
    app: Flask, person: Callable[[str], Person]
) -> None:
    app.config.update(TESTING=False, PROPAGATE_EXCEPTIONS=False)
    who = person("viewer")
    turn = random.Random()
    for path in ("/catalog", "/search", "/api/v1/search", "/api/v1/suggest"):
        for name in PAGE_PARAMETERS:
            value = turn.choice(ODD)
            answer = who.get(f"{path}?{urlencode({'q': 'orders', name: value})}")
            assert answer.status_code < 500, f"{path} {name}={value[:40]!r}"


def test_an_id_that_no_column_holds_is_an_absent_one(person: Callable[[str], Person]) -> None:
    who = person("viewer")
    absent, huge = (who.get(f"/api/v1/resources/{id_}") for id_ in (987_654_321, 99999999999999999999999))
    assert (absent.status_code, huge.status_code) == (404, 404)
    assert absent.json["detail"] == huge.json["detail"]
