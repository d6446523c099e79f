"""The tool `frequent_queries`: statements that people run on a table, literals masked, counted for the workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from plugin.catalog.costs import cost_words
from plugin.egress.parts import Fragment
from plugin.tools import ToolAnswer, tool
from plugin.tools.find import resource_named
from plugin.tools.fragments import LONG, cited, shorten

if TYPE_CHECKING:
    from plugin.store import ViewerDoor


@tool(read_only=True)
def frequent_queries(
    mine: ViewerDoor,
    table: Annotated[str, "qualified name or id of a table or view"],
    limit: Annotated[int, "how many, at most 10"] = 5,
) -> ToolAnswer:
    """Show the queries that are run most often on a table, to see how its columns are really used.

    Literals in them are masked. Not every source tells its queries; then there are none. `cost` is what the runs of
    the 30 days before the last sync came to in all, where the source tells.
    """
    start = resource_named(mine, table)
    queries = mine.catalog.frequent_queries(start.id, limit=max(1, min(limit, 10)))
    if not queries:
        return ToolAnswer(summary="No queries are known", note="No queries on it are known.", value=())
    rows = tuple(
        {"sql": shorten(each.sql, LONG), "runs": each.runs}
        | ({"cost": words} if (words := cost_words(each.costs)) else {})
        for each in queries
    )
    return ToolAnswer(
        fragments=(Fragment(start.id, "queries", {"queries": rows}),),
        summary=f"Read {len(queries)} frequent quer{'ies' if len(queries) != 1 else 'y'} on {start.qualified_name}",
        value=queries,
        found=cited([start]),
    )
