"""The page of a search says what is true of its hits: how many they are, and which of them it shows."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.web.conftest import Person


def test_a_number_that_is_a_limit_is_not_told_as_a_total(
    person: Callable[[str], Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = person("viewer")
    page = viewer.get("/search?q=orders").text
    total = re.search(r"(\d+) results for", page)
    assert total and "or more" not in page
    monkeypatch.setattr("web.pages.search.COUNTED", int(total.group(1)))
    page = viewer.get("/search?q=orders").text
    assert f"{total.group(1)} or more results for" in page and f"of {total.group(1)} or more ·" in page


def test_pages_begin_at_the_first_hit_and_end(
    person: Callable[[str], Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = person("viewer")
    assert ">1 to " in viewer.get("/search?q=orders&offset=-20").text
    monkeypatch.setattr("web.pages.search.PAGE", 2)
    monkeypatch.setattr("web.pages.search.FURTHEST", 2)
    first = viewer.get("/search?q=orders").text
    assert "offset=2" in first and "3 to 4 of" in viewer.get("/search?q=orders&offset=2").text
    assert 'rel="next"' not in viewer.get("/search?q=orders&offset=2").text, "it would lead to itself"
