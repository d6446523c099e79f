"""Lists that change while they are read: what slipped over a page's end is never taken for gone.

Rows are deleted between two pages, and where the vendor's lists have no order also made anywhere. Every row that was there
from the first page to the last is told once, or the run ends with an error that says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.errors import SourceInterrupted
from connectors.records import Asset
from tests.connectors import test_bi, test_pipelines
from tests.connectors.test_bi import Live
from tests.connectors.vendor_server import Asked, Vendor, serve

SIZE, PAGE = 13, 4
Rows = list[dict[str, Any]]
Changes = list[tuple[int, bool, int]]


class Moving:
    """A list that things happen to: after how many of its pages a row goes (or comes), and where."""

    def __init__(self, changes: Changes, *, grows: bool, key: str) -> None:
        self.rows: Rows = [{key: f"r{n:02}", "name": f"Row {n}"} for n in range(SIZE)]
        self.changes, self.grows, self.key, self.pages = changes, grows, key, 0
        self.there = {row[key] for row in self.rows}

    def page(self, start: int) -> Rows:
        """The rows of one page."""
        for after, goes, at in self.changes:
            if after == self.pages and goes and self.rows:
                self.there.discard(self.rows.pop(at % len(self.rows))[self.key])
            elif after == self.pages and not goes and self.grows:
                self.rows.insert(at % (len(self.rows) + 1), {self.key: f"new{after}-{at}", "name": "New"})
        self.pages += 1
        return self.rows[start : start + PAGE]


def tableau(changes: Changes) -> tuple[Moving, Vendor]:
    moving, vendor = Moving(changes, grows=False, key="id"), test_bi.tableau(Live("x-tableau-auth"), 0)

    def projects(asked: Asked) -> Any:
        number = int(asked.query["pageNumber"])
        rows = moving.page((number - 1) * PAGE)
        told = {"pageNumber": str(number), "pageSize": str(PAGE), "totalAvailable": str(len(moving.rows))}
        return {"pagination": told, "projects": {"project": rows}}

    vendor.routes["GET /api/3.24/sites/site-1/projects"] = projects
    return moving, vendor


def looker(changes: Changes) -> tuple[Moving, Vendor]:
    """Its searches are sorted by id, and new ids are larger."""
    moving, vendor = Moving(changes, grows=False, key="id"), test_bi.looker(Live("authorization"))

    def looks(asked: Asked) -> Any:
        assert asked.query["limit"] == str(PAGE) and asked.query["sorts"] == "id"
        return moving.page(int(asked.query["offset"]))

    vendor.routes["GET /api/4.0/looks/search"] = looks
    return moving, vendor


def airbyte(changes: Changes) -> tuple[Moving, Vendor]:
    """Its lists have no order: what is new stands anywhere."""
    moving = Moving(changes, grows=True, key="connectionId")
    vendor = test_pipelines.airbyte_vendor({"left": 0, "made": 0})
    vendor.allows = lambda asked: True

    def connections(asked: Asked) -> Any:
        rows = moving.page(int(asked.query["offset"]))
        return {"data": rows, "next": "https://elsewhere.invalid/" if rows else ""}

    vendor.routes["GET /v1/connections"] = connections
    return moving, vendor


CASES: dict[str, tuple[Callable[[Changes], tuple[Moving, Vendor]], Callable[..., Any], str]] = {
    "tableau": (tableau, test_bi.of_tableau, "project/"),
    "looker": (looker, test_bi.of_looker, "look/"),
    "airbyte": (airbyte, test_pipelines.of_airbyte, ""),
}


@pytest.mark.parametrize("name", sorted(CASES))
@settings(max_examples=15, deadline=None)
@example(changes=[(1, True, 0), (1, True, 0)])
@given(changes=st.lists(st.tuples(st.integers(1, 4), st.booleans(), st.integers(0, SIZE)), max_size=3))
def test_a_row_that_slipped_over_a_pages_end_is_never_taken_for_gone(name: str, changes: Changes) -> None:
    make, opened, prefix = CASES[name]
    moving, vendor = make(changes)
    with serve(vendor), pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"connectors.{name}.PAGE", PAGE)
        try:
            told = [each.key for each in opened(vendor).extract() if isinstance(each, Asset)]
        except SourceInterrupted as error:
            assert "changed while they were read; try again" in str(error) and changes
            return
    assert {f"{prefix}{key}" for key in moving.there} <= set(told) and len(told) == len(set(told))


@pytest.mark.parametrize("name", ["looker", "airbyte"])
def test_a_list_that_changed_once_is_read_again_and_one_that_never_rests_is_said(name: str) -> None:
    make, opened, prefix = CASES[name]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"connectors.{name}.PAGE", PAGE)
        moving, vendor = make([(1, True, 0)])
        with serve(vendor):
            told = {each.key for each in opened(vendor).extract() if isinstance(each, Asset)}
        assert {f"{prefix}{key}" for key in moving.there} <= told
        _, vendor = make([(after, True, 0) for after in range(1, 9)])
        with serve(vendor), pytest.raises(SourceInterrupted, match="changed while they were read"):
            list(opened(vendor).extract())
