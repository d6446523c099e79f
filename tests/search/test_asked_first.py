"""What a search asks of the index first decides how much is read, and nothing of what is found."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from sqlalchemy import event

from plugin.access.viewer import Viewer
from plugin.store import Store, search, search_together
from plugin.store.search_rank import expected
from plugin.store.search_scope import Expected
from tests.search.conftest import Fill
from tests.search.test_hidden import FIRST, eve_of, grant, lines

WORDS = ("order", "region", "amber", "nobody")
TEXTS = [f"{one} {other}" for one, other in product(WORDS, WORDS) if one != other]
TEXTS += [
    "order region north",
    "amber order region",
    "customer placed amount",
    "order customer region kept",
    "ember",
]
NARROWED: tuple[dict[str, Any], ...] = (
    {},
    {"limit": 3},
    {"offset": 5, "facets": True},
    {"verified": False},
    {"kinds": ("column",)},
    {"kinds": ("schema",), "beside": 3},
)
on_postgres = pytest.mark.parametrize("any_store", ["postgresql"], indirect=True)


def found(store: Store, who: Viewer) -> list[Any]:
    told: list[Any] = []
    with store.as_viewer(who) as mine:
        for at, text in enumerate(TEXTS):
            page = mine.catalog.search(text, **NARROWED[at % len(NARROWED)])
            hits = [(hit.resource.qualified_name, hit.score, hit.why) for hit in page.hits]
            beside = [each.qualified_name for each in page.beside]
            told.append((text, hits, beside, page.total, page.facets, page.did_you_mean))
    return told


@on_postgres
@pytest.mark.parametrize("limited", [False, True])
def test_what_is_asked_first_changes_nothing_that_is_found(
    any_store: Store,
    any_admin: Viewer,
    fill: Fill,
    limited: bool,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    fill(
        any_store,
        any_admin,
        "warehouse",
        [*lines("sales", "Kept."), *lines("stock", "Held.", FIRST[:2]), *lines("hr", "Hidden.")],
    )
    eve = eve_of(any_store, any_admin)
    with any_store.as_admin(any_admin) as door:
        others = door.people.add_team("Others", private=True)
    for each in (lines("sales", "")[at] for at in (0, 4, 7, 16)):
        grant(any_store, any_admin, others.id, f"shop.sales.{each['title']}")
    if limited:
        request.getfixturevalue("low_limits")
    first = [found(any_store, who) for who in (eve, any_admin)]
    monkeypatch.setattr(
        search, "asked_first", lambda question, every: Expected(expected(question)), raising=False
    )
    assert [found(any_store, who) for who in (eve, any_admin)] == first


@on_postgres
def test_lists_of_common_words_are_not_read_where_enough_has_every_word(
    any_store: Store, any_admin: Viewer, fill: Fill
) -> None:
    words = "amber birch cedar delta ember fjord grove heath inlet".split()
    fill(
        any_store,
        any_admin,
        "warehouse",
        [*lines("sales", "Kept.", words), *lines("stock", "Held.", FIRST[:1])],
    )
    eve = eve_of(any_store, any_admin)
    listed: list[int] = []

    def counted(raw: Any, _record: Any, _given: Any) -> None:
        plain = raw.cursor_factory

        class Counting(plain):  # type: ignore[misc]
            def fetchall(self) -> Any:
                rows = super().fetchall()
                listed.extend(len(each) for row in rows for each in row if isinstance(each, list))
                return rows

        raw.cursor_factory = Counting

    event.listen(any_store._engine, "checkout", counted)
    for who in (eve, any_admin):
        listed.clear()
        with any_store.as_viewer(who) as mine:
            common = {word: mine.catalog.search(word).total for word in ("order", "customer", "inner")}
            listed.clear()
            page = mine.catalog.search("order customer inner")
        assert min(common["order"], common["customer"]) > 36 > page.total >= search_together.ENOUGH, common
        assert max(listed) <= page.total, "no list is longer than what has every word"
