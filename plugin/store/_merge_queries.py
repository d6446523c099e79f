"""Frequent queries and the joins seen in them, as the merge of a sync writes them."""

from __future__ import annotations

from collections import defaultdict
from operator import itemgetter
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from plugin.store._models.catalog import FrequentQueryRow, ObservedJoinRow, QueryTableRow
from plugin.store._rows import chunks

if TYPE_CHECKING:
    from plugin.store._merge import Merge


def write_queries(merge: Merge) -> None:
    """Frequent queries and the joins in them: the source tells them whole each time."""
    known = merge.session.execute(
        select(FrequentQueryRow.sql, FrequentQueryRow.runs, FrequentQueryRow.users, FrequentQueryRow.costs)
        .where(FrequentQueryRow.integration_id == merge.source.id)
        .order_by(FrequentQueryRow.sql)
    ).all()
    told = sorted(
        (
            (query.sql, query.runs, query.users, dict(query.costs) or None)
            for query in merge.stage.queries or ()
        ),
        key=itemgetter(0),
    )
    if not merge.added and [tuple(row) for row in known] == told:
        return
    mine = select(FrequentQueryRow.id).where(FrequentQueryRow.integration_id == merge.source.id)
    merge.session.execute(delete(QueryTableRow).where(QueryTableRow.query_id.in_(mine)))
    merge.session.execute(delete(FrequentQueryRow).where(FrequentQueryRow.integration_id == merge.source.id))
    merge.session.execute(delete(ObservedJoinRow).where(ObservedJoinRow.integration_id == merge.source.id))
    joins: dict[tuple[int, int, tuple[tuple[str, str], ...]], int] = defaultdict(int)
    for query in merge.stage.queries or ():
        tables = sorted({merge.places[key].id for key in query.tables if key in merge.places})
        # Only a statement whose every table is in the catalog is kept: who may see it is then known.
        if not tables or any(key not in merge.places for key in query.tables):
            continue
        query_id = merge.session.execute(
            insert(FrequentQueryRow)
            .values(
                workspace_id=merge.workspace_id,
                integration_id=merge.source.id,
                sql=query.sql,
                runs=query.runs,
                users=query.users,
                last_run=query.last_run,
                costs=dict(query.costs) or None,
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
        for left, right, pairs in query.joins:
            if left in merge.places and right in merge.places:
                joins[(merge.places[left].id, merge.places[right].id, pairs)] += query.runs
    new = [
        {
            "workspace_id": merge.workspace_id,
            "integration_id": merge.source.id,
            "left_id": left_id,
            "right_id": right_id,
            "pairs": [list(pair) for pair in pairs],
            "runs": runs,
        }
        for (left_id, right_id, pairs), runs in joins.items()
    ]
    for part in chunks(new):
        merge.session.execute(insert(ObservedJoinRow), part)
