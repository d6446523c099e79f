"""What breaks if this is dropped: everything downstream that the viewer may see, how sure that is, and whom to tell.

Of a column, what its values flow into breaks for certain. What reads its table without giving the column on may name it
in a filter or a join, which lineage does not record: it may break, and so may everything that reads it.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from plugin.store import lineage
from plugin.store._context import Context
from plugin.store._rows import load, one
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
    tell: tuple[tuple[Owner, int], ...]
    """Owners of any of it with how much of it is theirs, the most concerned first."""
    unowned: int
    """How many have nobody to tell."""
    cut: bool


def impact(context: Context, resource_id: int, *, limit: int = 1000) -> Impact:
    """What depends on a visible table, column or other resource. NotFound."""
    row = one(context, resource_id)
    table_id: int = row.parent_id if row.kind == "column" else resource_id
    flows: dict[int, set[str]] = defaultdict(set)
    if row.kind == "column":
        found = lineage.lineage(context, resource_id, upstream=False, depth=DEEPEST, limit=limit)
        for edge in found.edges:
            if edge.downstream_column and edge.downstream_id != table_id:
                flows[edge.downstream_id].add(edge.downstream_column)
    whole = lineage.lineage(context, table_id, upstream=False, depth=DEEPEST, limit=limit)
    # A walk from a table has loaded where it began.
    start = whole.resources.get(resource_id) or load(context, [resource_id])[resource_id]
    broken = []
    for resource, hops, edge in _reached(table_id, whole.edges, whole.resources):
        columns = tuple(sorted(flows.get(resource.id, ())))
        certain = bool(columns) if row.kind == "column" else edge.confidence >= 1
        broken.append(Broken(resource, hops, certain, edge.upstream, edge.source, edge.confidence, columns))
    broken.sort(key=lambda each: (not each.certain, each.hops, each.resource.qualified_name))
    tell, unowned = _owners(each.resource for each in broken)
    return Impact(start, tuple(broken), tell, unowned, whole.cut)


def _reached(
    start: int, edges: Iterable[Edge], resources: Mapping[int, Resource]
) -> list[tuple[Resource, int, Edge]]:
    """Everything behind the start once, by the shortest way, the surest edge first."""
    reads: dict[int, list[Edge]] = defaultdict(list)
    for edge in edges:
        if edge.kind == "table":
            reads[edge.upstream_id].append(edge)
    seen = {start}
    waiting = deque([(start, 0)])
    found = []
    while waiting:
        at, hops = waiting.popleft()
        for edge in sorted(reads[at], key=lambda each: (-each.confidence, each.downstream)):
            if edge.downstream_id not in seen and edge.downstream_id in resources:
                seen.add(edge.downstream_id)
                found.append((resources[edge.downstream_id], hops + 1, edge))
                waiting.append((edge.downstream_id, hops + 1))
    return found


def _owners(resources: Iterable[Resource]) -> tuple[tuple[tuple[Owner, int], ...], int]:
    counted: dict[Owner, int] = defaultdict(int)
    unowned = 0
    for resource in resources:
        unowned += not resource.owners
        for owner in resource.owners:
            counted[owner] += 1
    return tuple(sorted(counted.items(), key=lambda each: (-each[1], each[0].name))), unowned
