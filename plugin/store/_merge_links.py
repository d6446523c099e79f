"""What connects the merged rows: keys and their targets, lineage, loose ends, observed joins, popularity."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select, update

from plugin.store._merge_queries import write_queries
from plugin.store._models.catalog import (
    EdgeRow,
    FrequentQueryRow,
    KeyRow,
    LooseEndRow,
    QueryTableRow,
    ResourceRow,
)
from plugin.store._rows import chunks
from plugin.store.listing import IS_COLUMN, NOT_COLUMN
from plugin.store.staging import StagedEdge, table_key

if TYPE_CHECKING:
    from plugin.store._merge import Merge

MOST_LOOSE_ENDS = 20_000
RANKED = (
    "table",
    "view",
    "materialized_view",
    "foreign_table",
    "partitioned_table",
    "external_table",
    "model",
)


@dataclass(slots=True)
class Signals:
    """How a table is used: how many things read it, how many foreign keys point at it, how often it was queried."""

    downstream: int = 0
    references: int = 0
    runs: int = 0
    users: int = 0


def link(merge: Merge) -> None:
    """Bring everything between resources up to date."""
    _write_keys(merge)
    _tie_keys(merge)
    _write_edges(merge)
    if merge.stage.queries is not None:
        write_queries(merge)
    _tie_loose_ends(merge)
    _rank(merge)


def _write_keys(merge: Merge) -> None:
    changed = [] if merge.first else [table_id for table_id, _database, _keys in merge.keys]
    for part in chunks(changed):
        merge.session.execute(delete(KeyRow).where(KeyRow.table_id.in_(part)))
    rows = []
    for table_id, database, keys in merge.keys:
        for kind, name, columns, ref_schema, ref_table, ref_columns in keys:
            ref_key = ref_id = None
            if kind == "foreign" and ref_table:
                ref_key = table_key(database, ref_schema or "", ref_table)
                target = merge.places.get(ref_key)
                ref_id = target.id if target else None
            rows.append(
                (
                    merge.workspace_id, merge.source.id, table_id, kind, name, _json(columns), ref_key, ref_id,
                    _json(ref_columns),
                )
            )  # fmt: skip
    merge.bulk.insert(
        "resource_keys",
        (
            "workspace_id",
            "integration_id",
            "table_id",
            "kind",
            "name",
            "columns",
            "ref_key",
            "ref_id",
            "ref_columns",
        ),
        rows,
    )


def _json(names: Any) -> str:
    import json

    return json.dumps(list(names), ensure_ascii=False)


def _tie_keys(merge: Merge) -> None:
    """Foreign keys whose target came with this sync though their own table did not change."""
    if merge.first:
        return
    for part in chunks(sorted(merge.added)):
        for key_id, ref_key in merge.session.execute(
            select(KeyRow.id, KeyRow.ref_key).where(
                KeyRow.integration_id == merge.source.id, KeyRow.ref_id.is_(None), KeyRow.ref_key.in_(part)
            )
        ).all():
            merge.session.execute(
                update(KeyRow).where(KeyRow.id == key_id).values(ref_id=merge.places[ref_key or ""].id)
            )


Wanted = tuple[int, int, int | None, int | None, str, str]
"""(upstream, downstream, upstream column, downstream column, kind, source)"""


def _write_edges(merge: Merge) -> None:
    """Write lineage where it differs from what is there: what a definition no longer reads goes, the rest stays."""
    stage = merge.stage
    edges = [*stage.edges, *stage.query_edges] if stage.queries is not None else stage.edges
    scope = {(merge.places[key].id, source) for key, source in stage.relinked if key in merge.places}
    sources = set(stage.stated_sources) | ({"query_log"} if stage.queries is not None else set())
    if not edges and not scope and not sources:
        return
    wanted, loose = _wanted(merge, edges)
    there = _there(
        merge, {lower for _upper, lower, *_rest in wanted} | {id_ for id_, _source in scope}, sources
    )
    gone = [
        edge_id
        for edge, edge_id in there.items()
        if edge not in wanted and ((edge[1], edge[5]) in scope or edge[5] in sources)
    ]
    for part in chunks(gone):
        merge.session.execute(delete(EdgeRow).where(EdgeRow.id.in_(part)))
    new = [(edge, confidence) for edge, confidence in wanted.items() if edge not in there]
    merge.bulk.insert(
        "edges",
        (
            "workspace_id", "integration_id", "upstream_id", "downstream_id", "upstream_column_id",
            "downstream_column_id", "kind", "source", "confidence",
        ),
        [(merge.workspace_id, merge.source.id, *edge, confidence) for edge, confidence in new],
    )  # fmt: skip
    merge.edges_changed = bool(new or gone)
    _write_loose_ends(merge, scope, sources, loose)


def _wanted(
    merge: Merge, edges: list[StagedEdge]
) -> tuple[dict[Wanted, float], dict[tuple[int, str, str, str], None]]:
    """The edges as rows, and what no row can be made of yet: (resource, name, direction, source)."""
    columns = _column_ids(merge, edges)
    outside = _outside(merge, {_far(edge).lower() for edge in edges if edge.loose})
    wanted: dict[Wanted, float] = {}
    loose: dict[tuple[int, str, str, str], None] = {}
    for edge in edges:
        if edge.loose:
            here = merge.places.get(edge.downstream if edge.loose == "up" else edge.upstream)
            if here is None:
                continue
            name = _far(edge).lower()
            other = outside.get(name)
            if other is None or other == here.id:
                loose[(here.id, name, edge.loose, edge.source)] = None
            else:
                ends = (other, here.id) if edge.loose == "up" else (here.id, other)
                wanted.setdefault((*ends, None, None, "table", edge.source), 0.8)
            continue
        upper, lower = merge.places.get(edge.upstream), merge.places.get(edge.downstream)
        if upper is None or lower is None or (upper.id == lower.id and edge.upstream_column is None):
            continue
        if edge.upstream_column is None:
            wanted.setdefault((upper.id, lower.id, None, None, "table", edge.source), edge.confidence)
            continue
        up_column = columns.get((upper.id, edge.upstream_column))
        down_column = columns.get((lower.id, edge.downstream_column or ""))
        if up_column is not None and down_column is not None:
            wanted.setdefault(
                (upper.id, lower.id, up_column, down_column, "column", edge.source), edge.confidence
            )
    return wanted, loose


def _far(edge: StagedEdge) -> str:
    return edge.upstream if edge.loose == "up" else edge.downstream


def _there(merge: Merge, lowers: set[int], sources: set[str]) -> dict[Wanted, int]:
    """The edges that this integration has among those that may change, with their ids."""
    if merge.first:
        return {}
    found: dict[Wanted, int] = {}
    select_ = select(
        EdgeRow.upstream_id,
        EdgeRow.downstream_id,
        EdgeRow.upstream_column_id,
        EdgeRow.downstream_column_id,
        EdgeRow.kind,
        EdgeRow.source,
        EdgeRow.id,
    ).where(EdgeRow.integration_id == merge.source.id)
    selects = [select_.where(EdgeRow.downstream_id.in_(part)) for part in chunks(sorted(lowers))]
    if sources:
        selects.append(select_.where(EdgeRow.source.in_(sources)))
    for each in selects:
        for *edge, edge_id in merge.session.execute(each):
            found[tuple(edge)] = edge_id
    return found


def _write_loose_ends(
    merge: Merge, scope: set[tuple[int, str]], sources: set[str], loose: dict[tuple[int, str, str, str], None]
) -> None:
    ids = {id_ for id_, _source in scope} | {id_ for id_, *_rest in loose}
    there: dict[tuple[int, str, str, str], int] = {}
    for part in chunks(sorted(ids)):
        for row in merge.session.scalars(select(LooseEndRow).where(LooseEndRow.resource_id.in_(part))):
            there[(row.resource_id, row.name_folded, row.direction, row.source)] = row.id
    gone = [
        id_
        for end, id_ in there.items()
        if end not in loose and ((end[0], end[3]) in scope or end[3] in sources)
    ]
    for gone_part in chunks(gone):
        merge.session.execute(delete(LooseEndRow).where(LooseEndRow.id.in_(gone_part)))
    new = [
        {
            "workspace_id": merge.workspace_id,
            "integration_id": merge.source.id,
            "resource_id": resource_id,
            "name_folded": name,
            "direction": direction,
            "source": source,
        }
        for resource_id, name, direction, source in loose
        if (resource_id, name, direction, source) not in there
    ]
    for new_part in chunks(new):
        merge.session.execute(insert(LooseEndRow), new_part)


def _column_ids(merge: Merge, edges: list[StagedEdge]) -> dict[tuple[int, str], int]:
    tables = {
        merge.places[key].id
        for edge in edges
        if edge.upstream_column is not None
        for key in (edge.upstream, edge.downstream)
        if key in merge.places
    }
    merge._flush()
    found = dict(merge.column_ids)
    tables -= {table_id for table_id, _name in found}
    for part in chunks(sorted(tables)):
        rows = merge.session.execute(
            select(ResourceRow.parent_id, ResourceRow.name, ResourceRow.id).where(
                IS_COLUMN, ResourceRow.parent_id.in_(part)
            )
        )
        found.update(((table_id or 0, name), id_) for table_id, name, id_ in rows)
    return found


def _outside(merge: Merge, wanted: set[str]) -> dict[str, int]:
    """Folded qualified names -> the one table, view or model of the workspace that each of them fits."""
    by_last: dict[str, list[str]] = defaultdict(list)
    for name in wanted:
        by_last[name.rsplit(".", 1)[-1]].append(name)
    fits: dict[str, list[int]] = defaultdict(list)
    for part in chunks(sorted(by_last)):
        candidates = merge.session.execute(
            select(ResourceRow.id, ResourceRow.name_folded, ResourceRow.qualified_folded).where(
                ResourceRow.workspace_id == merge.workspace_id,
                NOT_COLUMN,
                ResourceRow.name_folded.in_(part),
                ResourceRow.kind.in_(RANKED),
            )
        )
        for id_, last, qualified in candidates:
            for name in by_last[last]:
                if qualified == name or (qualified or "").endswith("." + name):
                    fits[name].append(id_)
    return {name: ids[0] for name, ids in fits.items() if len(ids) == 1}


def _tie_loose_ends(merge: Merge) -> None:
    """Names that other definitions of the workspace use and that came with this sync."""
    if not merge.added:
        return
    rows = merge.session.scalars(
        select(LooseEndRow).where(LooseEndRow.workspace_id == merge.workspace_id).limit(MOST_LOOSE_ENDS)
    ).all()
    outside = _outside(merge, {row.name_folded for row in rows})
    for row in rows:
        other = outside.get(row.name_folded)
        if other is None or other == row.resource_id:
            continue
        merge.session.execute(
            insert(EdgeRow).values(
                workspace_id=merge.workspace_id,
                integration_id=None if row.source == "manual" else row.integration_id,
                upstream_id=other if row.direction == "up" else row.resource_id,
                downstream_id=row.resource_id if row.direction == "up" else other,
                kind="table",
                source=row.source,
                confidence=1.0 if row.source == "manual" else 0.8,
            )
        )
        merge.session.execute(delete(LooseEndRow).where(LooseEndRow.id == row.id))


def _rank(merge: Merge) -> None:
    """Popularity of the integration's tables from how they are used."""
    if merge.rank is None or not (
        merge.changed or merge.gone or merge.stage.query_edges or merge.edges_changed
    ):
        return
    signals: dict[int, Signals] = {
        place.id: Signals() for place in merge.places.values() if place.kind in RANKED
    }
    in_scope = merge.source.id
    for table_id, count in merge.session.execute(
        select(EdgeRow.upstream_id, func.count(EdgeRow.downstream_id.distinct()))
        .where(EdgeRow.workspace_id == merge.workspace_id, EdgeRow.kind == "table")
        .group_by(EdgeRow.upstream_id)
    ):
        if table_id in signals:
            signals[table_id].downstream = count
    for table_id, count in merge.session.execute(
        select(KeyRow.ref_id, func.count(KeyRow.table_id.distinct()))
        .where(KeyRow.integration_id == in_scope, KeyRow.ref_id.is_not(None))
        .group_by(KeyRow.ref_id)
    ):
        if table_id in signals:
            signals[table_id].references = count
    for table_id, runs, users in merge.session.execute(
        select(QueryTableRow.resource_id, func.sum(FrequentQueryRow.runs), func.max(FrequentQueryRow.users))
        .join(FrequentQueryRow, FrequentQueryRow.id == QueryTableRow.query_id)
        .where(FrequentQueryRow.integration_id == in_scope)
        .group_by(QueryTableRow.resource_id)
    ):
        if table_id in signals:
            signals[table_id].runs, signals[table_id].users = int(runs), int(users or 0)
    wanted = merge.rank(signals)
    now_at: dict[int, float] = {}
    for part in chunks(sorted(wanted)):
        now_at.update(
            merge.session.execute(
                select(ResourceRow.id, ResourceRow.popularity).where(ResourceRow.id.in_(part))
            )
            .tuples()
            .all()
        )
    new = [
        {"id": id_, "popularity": round(value, 4)}
        for id_, value in wanted.items()
        if id_ in now_at and abs(now_at[id_] - value) > 0.005
    ]
    if new:
        merge.session.execute(update(ResourceRow), new)
        merge.changed.update(row["id"] for row in new)  # type: ignore[misc]
