"""What connects the merged rows: keys and their targets, lineage, loose ends, observed joins, popularity."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from plugin.store._merge_loose import all_named, named, tie
from plugin.store._merge_queries import write_queries
from plugin.store._merge_witnesses import Ends, by_edge, forget_witnesses, number_of, write_witnesses
from plugin.store._models.catalog import (
    EdgeRow,
    KeyRow,
    LooseEndRow,
    ResourceRow,
)
from plugin.store._popularity import RANKED, Signals, signals, signals_of, write
from plugin.store._rows import chunks
from plugin.store.listing import IS_COLUMN
from plugin.store.staging import SEPARATOR, StagedEdge, table_key

__all__ = ["Signals", "link"]

if TYPE_CHECKING:
    from plugin.store._merge import Merge


_SEVERAL = (
    "{count} names of tables, {example} for one, are in more than one integration, so no lineage leads to them. Say "
    "which one is read: docent integration option {name} reads_from NAME"
)


def link(merge: Merge) -> None:
    """Bring everything between resources up to date."""
    _write_keys(merge)
    _tie_keys(merge)
    _write_edges(merge)
    queried = write_queries(merge) if merge.stage.queries is not None else set()
    tie(merge)
    _rank(merge, queried)


def _write_keys(merge: Merge) -> None:
    changed = [] if merge.first else [table_id for table_id, _database, _keys in merge.keys]
    for part in chunks(changed):
        merge.session.execute(delete(KeyRow).where(KeyRow.table_id.in_(part)))
    merge.bulk.insert(
        "resource_keys",
        ("table_id", "kind", "name", "columns", "ref_key", "ref_id", "ref_columns"),
        _key_rows(merge),
        {"workspace_id": merge.workspace_id, "integration_id": merge.source.id},
    )
    merge.keys = []


def _key_rows(merge: Merge) -> Iterator[tuple[Any, ...]]:
    for table_id, database, keys in merge.keys:
        for kind, name, columns, ref_schema, ref_table, ref_columns in keys:
            ref_key = ref_id = None
            if kind == "foreign" and ref_table:
                ref_key = table_key(database, ref_schema or "", ref_table)
                target = merge.places.get(ref_key)
                ref_id = target.id if target else None
            yield table_id, kind, name, _json(tuple(columns)), ref_key, ref_id, _json(tuple(ref_columns))


@lru_cache(maxsize=1024)
def _json(names: tuple[str, ...]) -> str:
    return json.dumps(names, ensure_ascii=False)


def _tie_keys(merge: Merge) -> None:
    """Foreign keys whose target came with this sync though their own table did not change."""
    if merge.first:
        return
    for part in chunks(sorted(merge.added)):
        tied = [
            {"id": key_id, "ref_id": merge.places[ref_key or ""].id}
            for key_id, ref_key in merge.session.execute(
                select(KeyRow.id, KeyRow.ref_key).where(
                    KeyRow.integration_id == merge.source.id,
                    KeyRow.ref_id.is_(None),
                    KeyRow.ref_key.in_(part),
                )
            )
        ]
        if tied:
            merge.session.execute(update(KeyRow), tied)


Wanted = tuple[int, int, int | None, int | None, str, str, int | None]
"""(upstream, downstream, upstream column, downstream column, kind, source, what a statement names that told it)"""


Loose = tuple[int, str, str, str, str | None, str | None]
"""(resource, name of the other end, direction, source, column of that end, column of the resource)"""


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
        for edge, (edge_id, _confidence) in there.items()
        if edge not in wanted and ((edge[1], edge[5]) in scope or edge[5] in sources)
    ]
    for part in chunks(gone):
        merge.session.execute(delete(EdgeRow).where(EdgeRow.id.in_(part)))
    surer = [
        {"id": there[edge][0], "confidence": confidence}
        for edge, confidence in wanted.items()
        if edge in there and there[edge][1] != confidence
    ]
    if surer:
        merge.session.execute(update(EdgeRow), surer)
    merge.edges_changed = bool(gone) or any(edge not in there for edge in wanted)
    forget_witnesses(merge, {edge[6] for edge in there if edge[6] is not None and edge not in wanted})
    merge.bulk.insert(
        "edges",
        (
            "upstream_id", "downstream_id", "upstream_column_id", "downstream_column_id", "kind", "source", "query_id",
            "confidence",
        ),
        ((*edge, confidence) for edge, confidence in wanted.items() if edge not in there),
        {"workspace_id": merge.workspace_id, "integration_id": merge.source.id},
    )  # fmt: skip
    _write_loose_ends(merge, scope, sources, loose)


def _wanted(merge: Merge, edges: list[StagedEdge]) -> tuple[dict[Wanted, float], dict[Loose, None]]:
    """The edges as rows, and what no row can be made of yet."""
    outside, several = named(merge, {_far(edge).lower() for edge in edges if edge.loose})
    if several:
        merge.done.errors.append(
            _SEVERAL.format(count=len(several), example=several[0], name=merge.source.name)
        )
    columns = _column_ids(merge, edges, outside)
    wanted: dict[Wanted, float] = {}
    loose: dict[Loose, None] = {}
    logged: list[tuple[Ends, frozenset[int], float]] = []
    far = all_named(merge, {name for edge in edges for name in edge.elsewhere})
    for edge in edges:
        if edge.loose:
            up = edge.loose == "up"
            here = merge.places.get(edge.downstream if up else edge.upstream)
            if here is None:
                continue
            name = _far(edge).lower()
            other = outside.get(name)
            ends = (other or 0, here.id) if up else (here.id, other or 0)
            at = (
                columns[ends[0]].get(edge.upstream_column or ""),
                columns[ends[1]].get(edge.downstream_column or ""),
            )
            of_columns = edge.upstream_column is not None
            if other is None or other == here.id or (of_columns and None in at):
                pair = edge.upstream_column, edge.downstream_column
                loose[(here.id, name, edge.loose, edge.source, *(pair if up else pair[::-1]))] = None
            else:
                kind = "column" if of_columns else "table"
                _surest(wanted, (*ends, *at, kind, edge.source, None), 0.8)
            continue
        upper, lower = merge.places.get(edge.upstream), merge.places.get(edge.downstream)
        if upper is None and lower is not None and edge.upstream.startswith("t:"):
            # The definition was read while the table was still known, and this very sync takes it away.
            name = ".".join(part for part in edge.upstream[2:].split(SEPARATOR) if part).lower()
            loose[(lower.id, name, "up", edge.source, None, None)] = None
        if upper is None or lower is None or (upper.id == lower.id and edge.upstream_column is None):
            continue
        tables = frozenset(merge.places[key].id for key in edge.named if key in merge.places)
        if tables and edge.elsewhere:
            tables = tables.union(*(far.get(name, ()) for name in edge.elsewhere))
        if edge.upstream_column is None:
            of_tables = (upper.id, lower.id, None, None, "table", edge.source)
            if tables:
                logged.append((of_tables, tables, edge.confidence))
            else:
                _surest(wanted, (*of_tables, None), edge.confidence)
            continue
        up_column = columns[upper.id].get(edge.upstream_column)
        down_column = columns[lower.id].get(edge.downstream_column or "")
        if up_column is not None and down_column is not None:
            of_both = (upper.id, lower.id, up_column, down_column, "column", edge.source)
            if tables:
                logged.append((of_both, tables, edge.confidence))
            else:
                _surest(wanted, (*of_both, None), edge.confidence)
    sets: dict[int, frozenset[int]] = {}
    for ends_of_logged, witnesses in by_edge(logged).items():
        for witness, confidence in witnesses.items():
            number = number_of(witness)
            sets[number] = witness
            wanted[*ends_of_logged, number] = confidence
    write_witnesses(merge, sets)
    return wanted, loose


def _surest(wanted: dict[Wanted, float], edge: Wanted, confidence: float) -> None:
    """Several statements may say the same: the one that was understood best counts."""
    wanted[edge] = max(confidence, wanted.get(edge, 0.0))


def _far(edge: StagedEdge) -> str:
    return edge.upstream if edge.loose == "up" else edge.downstream


def _there(merge: Merge, lowers: set[int], sources: set[str]) -> dict[Wanted, tuple[int, float]]:
    """The edges that this integration has among those that may change, with ids and confidence."""
    if merge.first:
        return {}
    found: dict[Wanted, tuple[int, float]] = {}
    select_ = select(
        EdgeRow.upstream_id,
        EdgeRow.downstream_id,
        EdgeRow.upstream_column_id,
        EdgeRow.downstream_column_id,
        EdgeRow.kind,
        EdgeRow.source,
        EdgeRow.query_id,
        EdgeRow.id,
        EdgeRow.confidence,
    ).where(EdgeRow.integration_id == merge.source.id)
    selects = [select_.where(EdgeRow.downstream_id.in_(part)) for part in chunks(sorted(lowers))]
    if sources:
        selects.append(select_.where(EdgeRow.source.in_(sources)))
    for each in selects:
        for *edge, edge_id, confidence in merge.session.execute(each):
            found[tuple(edge)] = (edge_id, confidence)
    return found


def _write_loose_ends(
    merge: Merge, scope: set[tuple[int, str]], sources: set[str], loose: dict[Loose, None]
) -> None:
    ids = {id_ for id_, _source in scope} | {id_ for id_, *_rest in loose}
    there: dict[Loose, int] = {}
    for part in chunks(sorted(ids)):
        for row in merge.session.scalars(select(LooseEndRow).where(LooseEndRow.resource_id.in_(part))):
            there[
                (
                    row.resource_id, row.name_folded, row.direction, row.source, row.name_column,
                    row.resource_column,
                )
            ] = row.id  # fmt: skip
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
            "name_column": name_column,
            "resource_column": resource_column,
        }
        for resource_id, name, direction, source, name_column, resource_column in loose
        if (resource_id, name, direction, source, name_column, resource_column) not in there
    ]
    for new_part in chunks(new):
        merge.session.execute(insert(LooseEndRow), new_part)


def _column_ids(
    merge: Merge, edges: list[StagedEdge], outside: Mapping[str, int]
) -> Mapping[int, Mapping[str, int]]:
    """The ids of columns by table and name; empty where nobody asks for those of a table."""
    of_columns = [edge for edge in edges if edge.upstream_column is not None]
    tables = {
        merge.places[key].id
        for edge in of_columns
        for key in (edge.upstream, edge.downstream)
        if key in merge.places
    }
    tables |= {outside[name] for edge in of_columns if edge.loose and (name := _far(edge).lower()) in outside}
    merge._flush()
    found = defaultdict[int, dict[str, int]](dict, merge.column_ids)
    tables -= merge.column_ids.keys()
    for part in chunks(sorted(tables)):
        rows = merge.session.execute(
            select(ResourceRow.parent_id, ResourceRow.name, ResourceRow.id).where(
                IS_COLUMN, ResourceRow.parent_id.in_(part)
            )
        )
        for table_id, name, id_ in rows:
            found[table_id or 0][name] = id_
    return found


def _rank(merge: Merge, queried: set[int]) -> None:
    """Popularity of the integration's tables from how they are used; `queried`: whose statements are others now."""
    if merge.rank is None:
        return
    if not (merge.changed or merge.gone or merge.stage.query_edges or merge.edges_changed):
        if queried:
            ours = signals_of(merge.session, merge.workspace_id, queried)
            merge.changed.update(write(merge.session, dict(merge.rank(ours))))
        return
    used = signals(merge.session, merge.workspace_id, merge.source.id)
    # What nothing uses has been written with no popularity but for what the source told: it need not be ranked.
    ours = {
        place.id: used.get(place.id, Signals())
        for place in merge.places.values()
        if place.kind in RANKED and (not merge.first or place.id in used or place.id in merge.popular)
    }
    scores = dict(merge.rank(ours))
    merge.changed.update(write(merge.session, scores))
