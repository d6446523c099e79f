"""Finding columns by what they mean, one kind of evidence at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from plugin.access.viewer import Viewer
from plugin.catalog.column_names import ways
from plugin.catalog.words import stem
from plugin.store import Store
from tests.search.conftest import Fill, table

Ask = Callable[..., list[str]]


@pytest.fixture
def ask(store: Store, admin: Viewer, fill: Fill) -> Ask:
    """The columns found for a question over some lines, as table.column, best first."""

    def run(lines: list[dict[str, Any]], question: str) -> list[str]:
        fill(store, admin, "w", lines)
        with store.as_viewer(admin) as mine:
            found = mine.catalog.search(question, kinds=("column",))
        return [f"{hit.resource.path[-1]}.{hit.resource.name}" for hit in found.hits]

    return run


def test_small_words_tell_columns_of_one_stem_apart(ask: Ask) -> None:
    lines = [table("d", "s", "parcels", "shipped_by, shipped_to, shipped_at, is_shipped, shipped_count")]
    assert ask(lines, "the date and time when the parcel was shipped")[0] == "parcels.shipped_at"
    assert ask(lines, "whether the parcel has been shipped or still waits")[0] == "parcels.is_shipped"
    assert ask(lines, "how many were shipped of each parcel")[0] == "parcels.shipped_count"


def test_a_column_is_known_by_its_namesakes(ask: Ask) -> None:
    lines = [
        table("d", "s", "slips", "zk_ref: What is printed on the slip of the till, other"),
        table("d", "s", "tills", "zk_ref, printed_by, slip_kind"),
    ]
    found = ask(lines, "what is printed on the slip of the till")
    assert found[0] == "slips.zk_ref"
    assert "tills.zk_ref" in found


def test_a_hidden_namesake_tells_nothing(store: Store, admin: Viewer, ask: Ask) -> None:
    lines = [
        table("d", "s", "slips", "zk_ref: What is printed on the slip, other", tags=["secret"]),
        table("d", "s", "tills", "zk_ref, slip_kind"),
    ]
    question = "what is printed on the slip here and there"
    assert "tills.zk_ref" in ask(lines, question)
    with store.as_admin(admin) as door:
        door.settings.set("ai.filters", [{"effect": "exclude", "tags": ["secret"]}])
    with store.as_viewer(admin.as_assistant()) as mine:
        found = mine.catalog.search(question, kinds=("column",))
    assert {hit.resource.name for hit in found.hits} == {"slip_kind"}


def test_the_tables_name_stands_for_what_the_columns_leaves_out(ask: Ask) -> None:
    lines = [
        table("d", "s", "berths", "title, depth"),
        table("d", "s", "cranes", "title, depth"),
    ]
    assert ask(lines, "the title that is given to a crane by its owner")[0] == "cranes.title"


def test_a_name_that_is_covered_whole_comes_first(ask: Ask) -> None:
    lines = [table("d", "s", "berths", "depth_low_water_mark_old, depth")]
    assert ask(lines, "the depth of the berth in metres below the quay")[0] == "berths.depth"


def test_ways_of_a_name() -> None:
    assert ways("custAmt") == (
        ("cust", frozenset({stem("cust"), stem("customer")})),
        ("amt", frozenset({stem("amt"), stem("amount")})),
    )
    assert [word for word, _stems in ways("invoicelineid")] == ["invoice", "line", "id"]
