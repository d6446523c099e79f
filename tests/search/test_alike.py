"""Families of tables whose names differ by numbers: the same as by a look at each pair, and without it."""

from __future__ import annotations

import random

from plugin.store.search_alike import Columns, Families
from plugin.store.search_rows import alike


def by_looking(tables: list[tuple[int, Columns]]) -> list[int]:
    """The plain way, a look at each family in the order they were met."""
    families: list[tuple[int, Columns]] = []
    joined = []
    for table, columns in tables:
        first = next((first for first, theirs in families if first == table or alike(columns, theirs)), None)
        if first is None:
            families.append((table, columns))
        joined.append(table if first is None else first)
    return joined


def test_a_table_joins_the_family_that_a_look_at_each_finds() -> None:
    dice = random.Random(5)
    for words in (1, 2, 3, 5, 12, 40) * 12:
        names = [f"c{number}" for number in range(words)]
        tables = [
            (dice.randrange(50), frozenset(dice.sample(names, dice.randrange(words + 1)))) for _ in range(50)
        ]
        families = Families(alike)
        assert [families.join(*each) for each in tables] == by_looking(tables)


def test_tables_that_share_a_few_columns_are_not_compared_each_with_each() -> None:
    looks = 0

    def counted(one: Columns, other: Columns) -> bool:
        nonlocal looks
        looks += 1
        return alike(one, other)

    dice = random.Random(6)
    families = Families(counted)
    for table in range(1_000):
        own = [f"c{dice.randrange(200)}" for _ in range(15)]
        families.join(table, frozenset(["id", "created_at", *own]))
    assert looks < 2_000, looks


def test_shards_with_the_columns_of_the_one_before_are_not_looked_at_again() -> None:
    looks = 0

    def counted(one: Columns, other: Columns) -> bool:
        nonlocal looks
        looks += 1
        return alike(one, other)

    families = Families(counted)
    names = ["id", "created_at", "amount", "status", "region"]
    joined = {families.join(table, frozenset([*names, "extra"][: 6 - table % 2])) for table in range(1, 51)}
    assert joined == {1} and looks == 49, "each has one column more or less than the one before"
    assert {families.join(table, frozenset(names)) for table in range(51, 1_000)} == {1}
    assert looks <= 50
