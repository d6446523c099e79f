"""The tool `retrieve`: read one resource in full."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from plugin.store.shapes import Index, Key, Resource
from plugin.tools import ToolAnswer, tool
from plugin.tools.find import resource_named
from plugin.tools.fragments import QUERYABLE, cited, fragment
from plugin.tools.health import told_of

if TYPE_CHECKING:
    from plugin.store import ViewerDoor

MOST_COLUMNS = 200
MOST_CHILDREN = 60


@dataclass(frozen=True, slots=True)
class Entity:
    """One resource with what hangs on it: columns and keys of a table, the first children of anything else."""

    resource: Resource
    columns: tuple[Resource, ...] = ()
    keys: tuple[Key, ...] = ()
    indexes: tuple[Index, ...] = ()
    children: tuple[Resource, ...] = ()
    costs: Mapping[str, float] = field(default_factory=dict)
    """What the frequent statements over it cost, by unit, where the source tells."""


@tool(read_only=True, mcp=("retrieve_entity",))
def retrieve(
    mine: ViewerDoor,
    resource: Annotated[str, "qualified name (a unique ending such as sales.orders is enough) or id"],
) -> ToolAnswer:
    """Read one resource: description, owners, tags, freshness; for a table also its columns, types and keys.

    Use it before describing a table or writing SQL about it. The dbt model of a table comes with it where that one's
    tests or last run failed: say so. For a schema or database it lists what is inside.
    """
    found = resource_named(mine, resource)
    if found.kind in QUERYABLE:
        columns = mine.catalog.columns(found.id)
        keys = mine.catalog.keys(found.id)
        costs = mine.catalog.query_costs(found.id)
        use = mine.catalog.use(found.id)
        read = fragment(found, full=True, columns=columns[:MOST_COLUMNS], keys=keys, costs=costs, use=use)
        entity = Entity(found, columns, keys, mine.catalog.indexes(found.id), costs=costs)
        cut = len(columns) - MOST_COLUMNS
        note = f"{cut} more columns are not shown." if cut > 0 else ""
        summary = f"Read {found.qualified_name}, {len(columns)} column{'s' if len(columns) != 1 else ''}"
        unwell = told_of(mine, found)
        read_too = (fragment(unwell, faring=True),) if unwell is not None else ()
        near = [found, *([unwell] if unwell is not None else [])]
        return ToolAnswer((read, *read_too), summary, note=note, value=entity, found=cited(near))
    children: tuple[Resource, ...] = ()
    if found.children and found.kind != "column":
        children = mine.catalog.children(found.id, limit=MOST_CHILDREN).items
    return ToolAnswer(
        fragments=(fragment(found, full=True), *(fragment(each) for each in children)),
        summary=f"Read {found.qualified_name}",
        value=Entity(found, children=children),
        found=cited([found]),
    )
