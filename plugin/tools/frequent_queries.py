"""The tool `frequent_queries`: statements that people run, literals masked, counted for the workspace and never for a
person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from plugin.catalog.costs import cost_words
from plugin.egress.parts import Fragment
from plugin.store.shapes import FrequentQuery
from plugin.tools import ToolAnswer, tool
from plugin.tools.find import resource_named
from plugin.tools.fragments import LONG, cited, shorten, use_rows

if TYPE_CHECKING:
    from plugin.store import ViewerDoor

NO_LOG = "Its source has told no query log that you can see, so how it is queried is not known."
NO_STATEMENT = "Its source tells its query log, and no kept statement that you can see is over it."


@tool(read_only=True)
def frequent_queries(
    mine: ViewerDoor,
    table: Annotated[
        str, "qualified name or id of a table, view, schema or database; leave it out for the whole catalog"
    ]
    | None = None,
    limit: Annotated[int, "how many, at most 10"] = 5,
) -> ToolAnswer:
    """Show the queries that are run most often, on a table or anywhere, to see how columns are really used.

    Literals in them are masked. Not every source tells its queries; then there are none. `people` is how many ran one,
    where the source tells; who did is never kept, so nobody can be named. `use` sums up all kept statements over a
    table. `cost` is what the runs of the 30 days before the last sync came to in all, where the source tells.
    """
    limit = max(1, min(limit, 10))
    if table is None:
        queries = mine.catalog.frequent_queries(None, limit=limit)
        if not queries:
            return ToolAnswer(summary="No queries are known", note="No queries are known.", value=())
        return ToolAnswer(
            fragments=(Fragment(None, "queries", {"queries": _rows(queries)}),),
            summary=f"Read the {_number(queries)} that run most often",
            value=queries,
        )
    start = resource_named(mine, table)
    queries = mine.catalog.frequent_queries(start.id, limit=limit)
    if not queries:
        note = NO_STATEMENT if start.integration_id in mine.catalog.logged() else NO_LOG
        return ToolAnswer(
            summary="No queries are known", note=f"No queries on it are known. {note}", value=()
        )
    use = mine.catalog.use(start.id)
    return ToolAnswer(
        fragments=(Fragment(start.id, "queries", {"queries": _rows(queries), "use": use_rows(use)}),),
        summary=f"Read {_number(queries, 'frequent ')} on {start.qualified_name}",
        value=queries,
        found=cited([start]),
    )


def _rows(queries: Sequence[FrequentQuery]) -> tuple[dict[str, Any], ...]:
    return tuple(
        {"sql": shorten(each.sql, LONG), "runs": each.runs}
        | ({"people": each.people} if each.people else {})
        | ({"cost": words} if (words := cost_words(each.costs)) else {})
        for each in queries
    )


def _number(queries: Sequence[FrequentQuery], word: str = "") -> str:
    return f"{len(queries)} {word}quer{'ies' if len(queries) != 1 else 'y'}"
