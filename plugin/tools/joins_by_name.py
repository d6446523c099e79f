"""Ways to join that no key and no query tells: a column that has the name of another table's key.

Most warehouses declare no foreign keys, and not every source has a query log. What `orders.customer_id` points at is
then told by names alone: a table called `customers` (or `dim_customer`) of the same source that has such a column, or
an `id`. It is a guess and is always said to be one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.catalog.words import name_core, points_at
from plugin.store.shapes import Join, Resource

if TYPE_CHECKING:
    from plugin.store import ViewerDoor

BY_NAME = "names"
MOST_COLUMNS = 12
"""Columns of one table that are looked up: each is a search."""
MOST_HOMES = 3
_TABLES = ("table", "view", "materialized_view", "foreign_table", "external_table", "partitioned_table")


def joins_by_name(mine: ViewerDoor, table: Resource) -> tuple[Join, ...]:
    """The tables at whose key a column of this table seems to point, the likeliest of each column first."""
    found: list[Join] = []
    pointing = [(each, points_at(each.name)) for each in mine.catalog.columns(table.id)]
    for column, words in [(each, words) for each, words in pointing if words][:MOST_COLUMNS]:
        if _is_home(table.name, words):
            continue
        for home, key in _homes(mine, table, column.name, words):
            found.append(
                Join(
                    left_id=table.id,
                    left=table.qualified_name,
                    right_id=home.id,
                    right=home.qualified_name,
                    on=((column.name, key),),
                    source=BY_NAME,
                )
            )
    return tuple(found)


def _homes(
    mine: ViewerDoor, table: Resource, column: str, words: tuple[str, ...]
) -> list[tuple[Resource, str]]:
    """Tables that are called as the column says, each with the column that would be its key."""
    hits = mine.catalog.search(
        " ".join(words), kinds=_TABLES, integrations=(table.integration_id,), limit=25
    ).hits
    called = [
        hit.resource for hit in hits if hit.resource.id != table.id and _is_home(hit.resource.name, words)
    ]
    columns = mine.catalog.columns_of(each.id for each in called)
    homes: list[tuple[tuple[bool, bool, bool, float, str], Resource, str]] = []
    for each in called:
        own = {name_core(one.name): one for one in columns.get(each.id, ())}
        key = own.get(name_core(column)) or own.get(name_core("id"))
        if key is None:
            continue
        rank = (
            name_core(each.name) != words,
            not key.is_pk,
            each.path != table.path,
            -each.popularity,
            each.qualified_name,
        )
        homes.append((rank, each, key.name))
    return [(each, key) for _rank, each, key in sorted(homes, key=lambda home: home[0])[:MOST_HOMES]]


def _is_home(name: str, words: tuple[str, ...]) -> bool:
    """Is a table called so? "dim_customer" is the home of what `customer_id` points at."""
    core = name_core(name)
    return bool(core) and core[-len(words) :] == words
