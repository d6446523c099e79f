"""Which tables the statements name that told lineage of a query log. Keeps law 3.

A statement is for whoever sees every table that it names, and so is what is known from it alone: an edge between two
tables that a member sees, told by a statement which also reads one that is hidden, is not there for them. Each set of
tables has a number made of their ids, below zero where frequent statements are above, and stands beside those in
`QueryTableRow`: what is done when a table goes, or is granted, is then done for both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from plugin.store._models.catalog import EdgeRow, QueryTableRow
from plugin.store._rows import chunks

if TYPE_CHECKING:
    from plugin.store._merge import Merge

Ends = tuple[int, int, int | None, int | None, str, str]
"""(upstream, downstream, upstream column, downstream column, kind, source)"""


def number_of(tables: Collection[int]) -> int:
    """The number of a set of tables, below zero, the same each time."""
    text = ",".join(map(str, sorted(tables))).encode()
    return -1 - (int.from_bytes(blake2b(text, digest_size=8).digest(), "big") >> 2)


def needed(witnesses: Mapping[frozenset[int], float]) -> dict[frozenset[int], float]:
    """Of the sets of tables that statements name which tell one edge, each with how sure it makes the edge: those that
    tell it to somebody, or make it surer for somebody, whom no smaller set tells it as surely.
    """
    kept: dict[frozenset[int], float] = {}
    for tables, confidence in sorted(witnesses.items(), key=lambda each: (len(each[0]), -each[1])):
        if not any(other <= tables and sure >= confidence for other, sure in kept.items()):
            kept[tables] = confidence
    return kept


def write_witnesses(merge: Merge, sets: Mapping[int, frozenset[int]]) -> None:
    """Write of these sets what is not there."""
    there: set[tuple[int, int]] = set()
    columns = QueryTableRow.query_id, QueryTableRow.resource_id
    for part in chunks(sorted(sets)):
        rows = merge.session.execute(select(*columns).where(QueryTableRow.query_id.in_(part)))
        there.update((number, table) for number, table in rows)
    missing = [
        {"query_id": number, "resource_id": table, "workspace_id": merge.workspace_id}
        for number, tables in sets.items()
        for table in sorted(tables)
        if (number, table) not in there
    ]
    for missing_part in chunks(missing):
        merge.session.execute(insert(QueryTableRow), missing_part)


def forget_witnesses(merge: Merge, numbers: Iterable[int]) -> None:
    """Delete those of these sets that no edge asks for any more."""
    for part in chunks(sorted(set(numbers))):
        used = set(
            merge.session.scalars(select(EdgeRow.query_id).where(EdgeRow.query_id.in_(part)).distinct())
        )
        gone = [number for number in part if number not in used]
        if gone:
            merge.session.execute(delete(QueryTableRow).where(QueryTableRow.query_id.in_(gone)))


def by_edge(
    told: Iterable[tuple[Ends, frozenset[int], float]],
) -> dict[Ends, dict[frozenset[int], float]]:
    """Every edge with the sets that tell it, and how sure each makes it."""
    found: dict[Ends, dict[frozenset[int], float]] = defaultdict(dict)
    for edge, tables, confidence in told:
        found[edge][tables] = max(confidence, found[edge].get(tables, 0.0))
    return {edge: needed(sets) for edge, sets in found.items()}
