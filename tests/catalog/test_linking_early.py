"""Definitions that are linked while the source is still being read say what they would say at the end."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from dataclasses import astuple
from typing import Any

import pytest

from connectors.records import Column, Table
from plugin.catalog import linking
from plugin.catalog.sync.reader import EARLY, Reader
from plugin.store.staging import Known, Stage

MANY = 2 * EARLY + 20


def table(schema: str, name: str, *columns: str, sql: str | None = None) -> Table:
    made = tuple(Column(each, at, "text") for at, each in enumerate(columns, start=1))
    return Table("d", schema, name, "view" if sql else "table", columns=made, definition=sql)


def linked(records: Iterable[Table], *, early: bool) -> tuple[list[Any], list[Any], list[str], int]:
    """Edges, what was linked, what was understood, and how many definitions waited for the end."""
    with Stage(Known({}, b"secret")) as stage:
        reader = Reader(stage, "postgres")
        reader._link_early = early
        for record in records:
            reader.take(record)
        waited = len(reader.definitions) + len(reader._late)
        reader.link(lambda keys: {})
        edges = sorted((astuple(edge) for edge in stage.edges), key=repr)
        return edges, sorted(stage.relinked), sorted(stage.complete), waited


def views(
    schema: str, number: int = MANY, sql: str = "SELECT b.x, b.y AS z FROM base.t_{n} b"
) -> list[Table]:
    return [table(schema, f"v_{n}", "x", "z", sql=sql.format(n=n)) for n in range(number)]


BASES = [table("base", f"t_{n}", "x", "y") for n in range(MANY)]


def test_most_is_linked_before_the_end_and_nothing_differs() -> None:
    late = linked([*BASES, *views("made")], early=False)
    early = linked([*BASES, *views("made")], early=True)
    assert late[3] == MANY and early[3] < MANY / 2 + EARLY
    assert early[:3] == late[:3]
    assert len(early[0]) == 3 * MANY and len(early[2]) == MANY


def test_what_names_a_table_that_comes_later_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    late = linked([*views("made"), *BASES], early=False)
    asked: list[int] = []
    look = linking.link_early
    monkeypatch.setattr(linking, "link_early", lambda *given: asked.append(1) or look(*given))
    early = linked([*views("made"), *BASES], early=True)
    assert early == late and len(early[0]) == 3 * MANY
    assert asked == [1], "where the first came too early the others are left for the end"


def test_a_name_that_a_later_table_makes_another_is_read_again() -> None:
    """`orders` stands for the only table of that name, until a second one comes."""
    records = [
        table("one", "orders", "x", "y"),
        *views("made", sql="SELECT o.x, o.y AS z FROM orders o WHERE o.x <> '{n}'"),
    ]
    before = linked(records, early=True)
    assert before == (*linked(records, early=False)[:3], before[3]) and before[3] < MANY
    records.append(table("two", "orders", "x", "y"))
    after = linked(records, early=True)
    assert after[:3] == linked(records, early=False)[:3]
    assert after[0] != before[0]


def test_a_day_that_joins_a_wildcard_later_is_read_too() -> None:
    days = [table("logs", f"events_{day}", "x", "y") for day in (1, 2)]
    made = views("made", sql="SELECT e.x, e.y AS z FROM `logs.events_*` e WHERE e.x <> '{n}'")
    records = [*days, *made, table("logs", "events_3", "x", "y")]
    found = []
    for early in (True, False):
        with Stage(Known({}, b"secret")) as stage:
            reader = Reader(stage, "bigquery")
            reader._link_early = early
            for record in records:
                reader.take(record)
            reader.link(lambda keys: {})
            found.append(sorted((astuple(edge) for edge in stage.edges), key=repr))
    assert found[0] == found[1]
    assert sum("events_3" in repr(edge) for edge in found[0]) == MANY


def test_a_source_that_was_synced_before_is_linked_at_the_end() -> None:
    with Stage(Known({"t:d\x1fbase\x1ft_0": b"print"}, b"secret")) as stage:
        assert not Reader(stage, "postgres")._link_early
    with Stage(Known({"t:d\x1fbase\x1ft_0": b"print"}, b"secret"), full=True) as stage:
        assert Reader(stage, "postgres")._link_early


@pytest.mark.parametrize("served", [True, False], ids=["in a server", "on the command line"])
def test_what_a_server_has_set_aside_stays_so(served: bool) -> None:
    """The trees of each batch are freed by a look for cycles; what was set aside before is not given back for it."""
    if served:
        gc.freeze()
    try:
        aside = gc.get_freeze_count()
        linked([table("base", f"t_{n}", "x", "y") for n in range(MANY)] + views("mart"), early=True)
        assert gc.get_freeze_count() >= aside * 0.9 if served else gc.get_freeze_count() == 0
    finally:
        gc.unfreeze()
