"""Frequent queries and the joins seen in them, as the merge of a sync writes them: what differs, and nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select, update

from plugin.store._models.catalog import FrequentQueryRow, ObservedJoinRow, QueryTableRow
from plugin.store._rows import chunks

if TYPE_CHECKING:
    from plugin.store._merge import Merge


Joined = tuple[int, int, tuple[tuple[str, str], ...]]
"""Two tables and the pairs of columns that join them."""
Name = tuple[str, tuple[int, ...]]
"""What tells a statement from the others: its text, and the tables that who may see it must see."""


@dataclass(frozen=True, slots=True)
class Told:
    """A statement as it is kept, beside its name."""

    runs: int
    users: int
    costs: dict[str, float] | None
    last_run: datetime | None
    joins: tuple[Joined, ...]

    @property
    def use(self) -> tuple[Any, ...]:
        """What popularity and joins are made of: another time of the last run alone changes neither."""
        return self.runs, self.users, self.costs, self.joins

    @property
    def values(self) -> dict[str, Any]:
        """The columns of its row besides its text."""
        return {"runs": self.runs, "users": self.users, "costs": self.costs, "last_run": self.last_run}


def write_queries(merge: Merge) -> set[int]:
    """Frequent queries and the joins in them: the source tells them whole each time, and what is as it was is not
    written.

    Returns the tables that statements whose use differs were about or are about now: their popularity does, too.
    """
    told = _told(merge)
    kept, twice = _kept(merge)
    gone = [*twice, *(row_id for name, (row_id, _was) in kept.items() if name not in told)]
    others: dict[int, Told] = {}
    touched = {table for name in kept.keys() ^ told.keys() for table in name[1]}
    for name, (row_id, was) in kept.items():
        now = told.get(name)
        if now is not None and now != was:
            others[row_id] = now
            if now.use != was.use:
                touched.update(name[1])
    new = [(name, each) for name, each in told.items() if name not in kept]
    joined_anew = [
        row_id
        for name, (row_id, was) in kept.items()
        if row_id in others and (others[row_id].joins, others[row_id].runs) != (was.joins, was.runs)
    ]
    _forget(merge, gone, joined_anew)
    if others:
        written = [{"id": row_id, **now.values} for row_id, now in others.items()]
        merge.session.execute(update(FrequentQueryRow), written)
    made = _insert(merge, new)
    _write_joins(
        merge,
        [(row_id, others[row_id]) for row_id in joined_anew] + [(row_id, each) for row_id, _, each in made],
    )
    return touched


def _forget(merge: Merge, gone: Sequence[int], joined_anew: Sequence[int]) -> None:
    """Take away statements, and the joins of these and of those whose joins are written anew."""
    for part in chunks(gone):
        merge.session.execute(delete(QueryTableRow).where(QueryTableRow.query_id.in_(part)))
        merge.session.execute(delete(FrequentQueryRow).where(FrequentQueryRow.id.in_(part)))
    for part in chunks([*gone, *joined_anew]):
        merge.session.execute(delete(ObservedJoinRow).where(ObservedJoinRow.query_id.in_(part)))
    # Those of before revision 0006 are told to nobody, and the statements that they were seen in tell them anew.
    merge.session.execute(
        delete(ObservedJoinRow).where(
            ObservedJoinRow.integration_id == merge.source.id, ObservedJoinRow.query_id.is_(None)
        )
    )


def _insert(merge: Merge, new: Sequence[tuple[Name, Told]]) -> list[tuple[int, Name, Told]]:
    """Write statements that are new: their ids with them."""
    if not new:
        return []
    same = {"workspace_id": merge.workspace_id}
    ids = merge.bulk.new_ids("frequent_queries", len(new))
    made = [(row_id, name, each) for row_id, (name, each) in zip(ids, new, strict=True)]
    moment, json = merge.bulk.moment, merge.bulk.json
    merge.bulk.insert(
        "frequent_queries",
        ("id", "sql", "runs", "users", "last_run", "costs"),
        [
            (row_id, sql, each.runs, each.users, moment(each.last_run), json(each.costs))
            for row_id, (sql, _tables), each in made
        ],
        {**same, "integration_id": merge.source.id},
    )
    merge.bulk.insert(
        "frequent_query_tables",
        ("query_id", "resource_id"),
        [(row_id, table) for row_id, (_sql, tables), _each in made for table in tables],
        same,
    )
    return made


def _write_joins(merge: Merge, statements: Iterable[tuple[int, Told]]) -> None:
    merge.bulk.insert(
        "observed_joins",
        ("query_id", "left_id", "right_id", "pairs", "runs"),
        [
            (row_id, left, right, merge.bulk.json([list(pair) for pair in pairs]) or "[]", each.runs)
            for row_id, each in statements
            for left, right, pairs in each.joins
        ],
        {"workspace_id": merge.workspace_id, "integration_id": merge.source.id},
    )


def _told(merge: Merge) -> dict[Name, Told]:
    """What the source tells and may be kept."""
    told: dict[Name, Told] = {}
    for query in merge.stage.queries or ():
        tables = sorted({merge.places[key].id for key in query.tables if key in merge.places})
        # Only a statement whose every table is in the catalog is kept: who may see it is then known.
        if not tables or any(key not in merge.places for key in query.tables):
            continue
        joins = {
            (merge.places[left].id, merge.places[right].id, pairs)
            for left, right, pairs in query.joins
            if left in merge.places and right in merge.places
        }
        told[query.sql, tuple(tables)] = Told(
            query.runs, query.users, dict(query.costs) or None, query.last_run, tuple(sorted(joins))
        )
    return told


def _kept(merge: Merge) -> tuple[dict[Name, tuple[int, Told]], list[int]]:
    """What stands from the sync before, by name with its id, and the ids of what stands there twice.

    Who may see a statement is part of its name: its text may be read anew.
    """
    mine = FrequentQueryRow.integration_id == merge.source.id
    tables = defaultdict(list)
    for query_id, table_id in merge.session.execute(
        select(QueryTableRow.query_id, QueryTableRow.resource_id)
        .join(FrequentQueryRow, FrequentQueryRow.id == QueryTableRow.query_id)
        .where(mine)
    ):
        tables[query_id].append(table_id)
    joins: dict[int | None, list[Joined]] = defaultdict(list)
    for query_id, left, right, pairs in merge.session.execute(
        select(
            ObservedJoinRow.query_id, ObservedJoinRow.left_id, ObservedJoinRow.right_id, ObservedJoinRow.pairs
        ).where(ObservedJoinRow.integration_id == merge.source.id)
    ):
        joins[query_id].append((left, right, tuple((one, other) for one, other in pairs)))
    kept: dict[Name, tuple[int, Told]] = {}
    twice: list[int] = []
    for query_id, sql, runs, users, costs, last_run in merge.session.execute(
        select(
            FrequentQueryRow.id,
            FrequentQueryRow.sql,
            FrequentQueryRow.runs,
            FrequentQueryRow.users,
            FrequentQueryRow.costs,
            FrequentQueryRow.last_run,
        )
        .where(mine)
        .order_by(FrequentQueryRow.id)
    ):
        name = sql, tuple(sorted(tables[query_id]))
        if name in kept:
            twice.append(query_id)
        else:
            was = Told(runs, users, costs or None, last_run, tuple(sorted(joins[query_id])))
            kept[name] = query_id, was
    return kept, twice
