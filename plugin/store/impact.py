"""What breaks if this is dropped: everything downstream that the viewer may see, how sure that is, and whom to tell.

Of a column, what its values flow into breaks for certain. What reads its table without giving the column on may name it
in a filter or a join, which lineage does not record: it may break, and so may everything that reads it.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass

from plugin.errors import NotFound
from plugin.store import lineage
from plugin.store._around_rows import beside
from plugin.store._context import Context
from plugin.store._rows import ABSENT, load, one
from plugin.store.shapes import Edge, Owner, Resource

DEEPEST = 25


@dataclass(frozen=True, slots=True)
class Broken:
    """One resource that depends on what is dropped. `hops` is 1 for a direct reader."""

    resource: Resource
    hops: int
    certain: bool
    through: str
    """Qualified name of what it reads on the shortest way."""
    source: str
    """How that is known: view, dbt, query_log, vendor, manual, ..."""
    confidence: float
    columns: tuple[str, ...] = ()
    """Its columns that the dropped column flows into."""


@dataclass(frozen=True, slots=True)
class Impact:
    """All that depends on `start`, the certain and the near first. `cut`: there is more than was asked for."""

    start: Resource
    broken: tuple[Broken, ...]
    """All of it, or the first of it where no more was to be listed."""
    tell: tuple[tuple[Owner, int], ...]
    """Owners of any of it with how much of it is theirs, the most concerned first."""
    unowned: int
    """How many have nobody to tell."""
    cut: bool
    count: int
    """How much depends on `start`, listed or not."""


def impact(context: Context, resource_id: int, *, limit: int = 1000, listed: int | None = None) -> Impact:
    """What depends on a visible table, column or other resource, up to `limit` of it. NotFound.

    `listed`: how much of it to tell one by one; the owners to tell are of all of it.
    """
    row = one(context, resource_id)
    of_column = row.kind == "column"
    table_id: int = row.parent_id if of_column else resource_id
    flows: dict[int, set[str]] = defaultdict(set)
    cut_flows = False
    if of_column:
        streams, cut_flows = lineage.flows_from(context, resource_id, depth=DEEPEST, limit=limit)
        for edge in streams:
            if edge.downstream_column and edge.downstream_id != table_id:
                flows[edge.downstream_id].add(edge.downstream_column)
    edges, cut = lineage.downstream_of(context, table_id, depth=DEEPEST, limit=limit)
    reached = [
        (
            not (edge.downstream_id in flows if of_column else edge.confidence >= 1),
            hops,
            edge.downstream,
            edge,
        )
        for hops, edge in _reached(table_id, edges)
    ]
    reached.sort(key=lambda each: each[:3])
    told = reached[:listed]
    resources = load(context, [resource_id, *(edge.downstream_id for *_order, edge in told)])
    if resource_id not in resources:
        raise NotFound(ABSENT)
    # On PostgreSQL each statement sees what is committed by then: a sync or a grant may have taken some away.
    told = [each for each in told if each[-1].downstream_id in resources]
    broken = tuple(
        Broken(
            resource=resources[edge.downstream_id],
            hops=hops,
            certain=not unsure,
            through=edge.upstream,
            source=edge.source,
            confidence=edge.confidence,
            columns=tuple(sorted(flows.get(edge.downstream_id, ()))),
        )
        for unsure, hops, _name, edge in told
    )
    if len(told) == len(reached):
        owners = [each.resource.owners for each in broken]
    else:
        found = beside(context, [edge.downstream_id for *_order, edge in reached])[2]
        owners = [found.get(edge.downstream_id, ()) for *_order, edge in reached]
    tell, unowned = _to_tell(owners)
    return Impact(resources[resource_id], broken, tell, unowned, cut or cut_flows, len(reached))


def _reached(start: int, edges: Iterable[Edge]) -> list[tuple[int, Edge]]:
    """Everything behind the start once, by the shortest way, the surest edge first: hops, and the edge to it."""
    reads: dict[int, list[Edge]] = defaultdict(list)
    for edge in edges:
        reads[edge.upstream_id].append(edge)
    seen = {start}
    waiting = deque([(start, 0)])
    found = []
    while waiting:
        at, hops = waiting.popleft()
        for edge in sorted(reads[at], key=lambda each: (-each.confidence, each.downstream)):
            if edge.downstream_id not in seen:
                seen.add(edge.downstream_id)
                found.append((hops + 1, edge))
                waiting.append((edge.downstream_id, hops + 1))
    return found


def _to_tell(owners: Iterable[tuple[Owner, ...]]) -> tuple[tuple[tuple[Owner, int], ...], int]:
    """Each owner with how much is theirs, the most concerned first; and how many things have none."""
    counted: dict[Owner, int] = defaultdict(int)
    unowned = 0
    for of_one in owners:
        unowned += not of_one
        for owner in of_one:
            counted[owner] += 1
    return tuple(sorted(counted.items(), key=lambda each: (-each[1], each[0].name))), unowned
