"""The tool `lineage`: what feeds a resource and what depends on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from plugin.tools import ToolAnswer, tool
from plugin.tools.find import resource_named
from plugin.tools.fragments import cited, edges_fragment, fragment

if TYPE_CHECKING:
    from plugin.store import ViewerDoor

MOST_EDGES = 120
MOST_DESCRIBED = 30


@tool(read_only=True, mcp=("entity_lineage",))
def lineage(
    mine: ViewerDoor,
    resource: Annotated[str, "qualified name or id of a table, view, column, dashboard or model"],
    direction: Annotated[
        Literal["upstream", "downstream", "both"], "upstream: what feeds it; downstream: what depends on it"
    ] = "both",
    depth: Annotated[int, "how many hops, 1 to 10"] = 3,
    columns: Annotated[bool, "column by column"] = False,
) -> ToolAnswer:
    """Follow lineage from one resource: where its data comes from (upstream) and what would break (downstream).

    Each edge says from which source it is known: a view's definition, dbt, the query log, a person. Before somebody
    drops or changes a thing, ask downstream with a large depth and name the owners that come with what depends on it;
    for a column ask for its table, too: a filter or a join can name a column without giving it on.
    """
    start = resource_named(mine, resource)
    found = mine.catalog.lineage(
        start.id,
        upstream=direction != "downstream",
        downstream=direction != "upstream",
        depth=max(1, min(depth, 10)),
        columns=columns or start.kind == "column",
        limit=MOST_EDGES * 2,
    )
    count = len(found.edges)
    others = [each for key, each in found.resources.items() if key != start.id]
    note = "There is more than is shown." if found.cut or count > MOST_EDGES else ""
    owners = sorted({owner.name for each in others for owner in each.owners})
    if direction == "downstream" and others:
        unowned = sum(not each.owners for each in others)
        note = f"{note} {len(others)} depend on it; {len(owners)} owners to tell, {unowned} without an owner.".strip()
    if not count:
        note = "No lineage is known for it."
    return ToolAnswer(
        fragments=(
            fragment(start),
            edges_fragment(start, found.edges[:MOST_EDGES]),
            *(fragment(each) for each in others[:MOST_DESCRIBED]),
        ),
        summary=f"Followed lineage of {start.qualified_name}: {len(others)} resource{'s' if len(others) != 1 else ''}",
        note=note,
        value=found,
        found=cited([start, *others]),
    )
