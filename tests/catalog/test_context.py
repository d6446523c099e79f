"""The schema text that goes with a question: short, in order, within its budget, and of nothing hidden."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plugin.access.viewer import Viewer
from plugin.catalog.context import ContextEntry, build_context, short_type
from plugin.catalog.sync.imports import import_path
from plugin.store import Store
from tests.assistant.shop import World

WIDE = [f"filler_{letter}{other}" for letter in "abcdefgh" for other in "abcde"]


def table(name: str, columns: list[str], **more: Any) -> dict[str, Any]:
    """A line of custom metadata; a column may have a type after a colon."""
    shown = [dict(zip(("name", "type"), each.split(":"), strict=False)) for each in columns]
    return {
        "entity_type": "table", "databuilder_id": f"d.s.{name}", "title": name, "database": "d", "schema": "s",
        "columns": shown, **more,
    }  # fmt: skip


@pytest.fixture
def lake(store: Store, admin: Viewer, tmp_path: Path) -> Store:
    """A store with a wide table, shards, and tables with secrets."""
    lines = [
        table("parcels", ["parcel_id:bigint", "weight_kg:numeric(10,2)", *WIDE, "sent_at:timestamp with time zone"]),
        *(table(f"scans_2024{month:02d}", ["scan_id", "parcel_id", "weight_kg"]) for month in range(1, 13)),
        table("parcel_secrets", ["parcel_id", "recipient_note", "weight_kg"], tags=["secret"]),
    ]  # fmt: skip
    path = tmp_path / "lake.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert import_path(store, admin, str(path), integration="lake").errors == ()
    return store


QUESTION = "what is the weight of each parcel that was sent in may, by scan and by week of the year"


def entries(store: Store, viewer: Viewer, question: str = QUESTION, **more: Any) -> dict[str, ContextEntry]:
    with store.as_viewer(viewer.as_assistant()) as mine:
        return {each.resource.name: each for each in build_context(mine.catalog, question, **more)}


def test_columns_that_the_question_does_not_need_are_counted_and_not_told(lake: Store, admin: Viewer) -> None:
    found = entries(lake, admin)["parcels"]
    assert {"parcel_id", "weight_kg", "sent_at"} <= set(found.columns_kept)
    assert found.cut == 3 + len(WIDE) - len(found.columns_kept) > 20
    assert f"+{found.cut} more" in found.text
    assert "parcel_id int" in found.text and "weight_kg num" in found.text and "sent_at time" in found.text


def test_a_family_is_told_once(lake: Store, admin: Viewer) -> None:
    shards = [each for name, each in entries(lake, admin).items() if name.startswith("scans_")]
    assert len(shards) == 1
    assert "12 tables alike" in shards[0].text


def test_the_same_question_gives_the_same_text(lake: Store, admin: Viewer) -> None:
    assert [each.text for each in entries(lake, admin).values()] == [
        each.text for each in entries(lake, admin).values()
    ]


def test_the_budget_holds_and_the_best_table_is_always_there(lake: Store, admin: Viewer) -> None:
    every = entries(lake, admin)
    most = sum(each.tokens for each in every.values())
    for budget in (1, 20, 60, 100, int(most)):
        found = list(entries(lake, admin, budget_tokens=budget).values())
        assert found[0].text == next(iter(every.values())).text
        assert len(found) == 1 or sum(each.tokens for each in found) <= budget


def test_what_is_mentioned_comes_first(lake: Store, admin: Viewer) -> None:
    with lake.as_viewer(admin) as mine:
        secret = mine.catalog.by_name("d.s.parcel_secrets").id
    assert next(iter(entries(lake, admin, mentions=[secret]))) == "parcel_secrets"


def test_what_the_assistant_may_not_see_is_neither_told_nor_counted(lake: Store, admin: Viewer) -> None:
    assert "parcel_secrets" in entries(lake, admin)
    with lake.as_viewer(admin) as mine:
        secret = mine.catalog.by_name("d.s.parcel_secrets").id
        for column in mine.catalog.columns(mine.catalog.by_name("d.s.parcels").id):
            if column.name.startswith("filler_a"):
                mine.edits.add_tag(column.id, "secret")
    with lake.as_admin(admin) as door:
        door.settings.set("ai.filters", [{"effect": "exclude", "tags": ["secret"]}])
    found = entries(lake, admin, mentions=[secret])
    assert "parcel_secrets" not in found
    wide = found["parcels"]
    assert wide.cut + len(wide.columns_kept) == 3 + len(WIDE) - 5
    assert "filler_a" not in wide.text


def test_keys_and_joins_among_the_tables_stay(world: World) -> None:
    found = entries(world.store, world.ada, "orders of customers with a refund, by country and month")
    assert "→customers" in found["orders"].text
    assert "→orders" in found["refunds"].text
    assert " pk" in found["customers"].text


def test_short_types() -> None:
    for native, short in {
        "VARCHAR(20)": "text", "NUMBER(38,0)": "int", "numeric(12,2)": "num", "timestamptz": "time",
        "STRUCT<a INT64>": "json", "geography(point)": "geography", None: "",
    }.items():  # fmt: skip
        assert short_type(native) == short
