"""Frequent queries and the joins seen in them, as the merge of a sync writes them."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from operator import itemgetter
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from plugin.store._models.catalog import FrequentQueryRow, ObservedJoinRow, QueryTableRow
from plugin.store._rows import chunks

if TYPE_CHECKING:
    from plugin.store._merge import Merge


Joined = tuple[int, int, tuple[tuple[str, str], ...]]
"""Two tables and the pairs of columns that join them."""
Told = tuple[str, int, int, dict[str, float] | None, tuple[int, ...], tuple[Joined, ...]]
"""A statement as it is kept: text, runs, people, costs, the tables that who may see it must see, and its joins."""


def write_queries(merge: Merge) -> set[int]:
    """Frequent queries and the joins in them: the source tells them whole each time, and nothing new is not written.

    Returns the tables that the statements were about and are about now, where any differs: their popularity does, too.
    """
    told, last_runs = _told(merge)
    by_text = itemgetter(0, 1, 2, 4, 5)
    kept = _kept(merge)
    if sorted(kept, key=by_text) == sorted(told, key=by_text):
        return set()
    mine = select(FrequentQueryRow.id).where(FrequentQueryRow.integration_id == merge.source.id)
    merge.session.execute(delete(QueryTableRow).where(QueryTableRow.query_id.in_(mine)))
    merge.session.execute(delete(FrequentQueryRow).where(FrequentQueryRow.integration_id == merge.source.id))
    merge.session.execute(delete(ObservedJoinRow).where(ObservedJoinRow.integration_id == merge.source.id))
    new: list[dict[str, object]] = []
    for (sql, runs, users, costs, tables, joins), last_run in zip(told, last_runs, strict=True):
        query_id = merge.session.execute(
            insert(FrequentQueryRow)
            .values(
                workspace_id=merge.workspace_id,
                integration_id=merge.source.id,
                sql=sql,
                runs=runs,
                users=users,
                last_run=last_run,
                costs=costs,
            )
            .returning(FrequentQueryRow.id)
        ).scalar_one()
        merge.session.execute(
            insert(QueryTableRow),
            [
                {"query_id": query_id, "resource_id": table_id, "workspace_id": merge.workspace_id}
                for table_id in tables
            ],
        )
        new.extend(
            {
                "workspace_id": merge.workspace_id,
                "integration_id": merge.source.id,
                "query_id": query_id,
                "left_id": left_id,
                "right_id": right_id,
                "pairs": [list(pair) for pair in pairs],
                "runs": runs,
            }
            for left_id, right_id, pairs in joins
        )
    for part in chunks(new):
        merge.session.execute(insert(ObservedJoinRow), part)
    return {table for *_statement, tables, _joins in (*kept, *told) for table in tables}


def _told(merge: Merge) -> tuple[list[Told], list[datetime | None]]:
    """What the source tells and may be kept, with when each ran last."""
    told: list[Told] = []
    last_runs: list[datetime | None] = []
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
        costs = dict(query.costs) or None
        told.append((query.sql, query.runs, query.users, costs, tuple(tables), tuple(sorted(joins))))
        last_runs.append(query.last_run)
    return told, last_runs


def _kept(merge: Merge) -> list[Told]:
    """What stands from the sync before. Who may see a statement is compared too: its text may be read anew."""
    columns = (FrequentQueryRow.sql, FrequentQueryRow.runs, FrequentQueryRow.users, FrequentQueryRow.costs)
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
    return [
        (sql, runs, users, costs, tuple(sorted(tables[query_id])), tuple(sorted(joins[query_id])))
        for query_id, sql, runs, users, costs in merge.session.execute(
            select(FrequentQueryRow.id, *columns).where(mine)
        )
    ]
