"""The tool `search`: find things in the catalog by words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from plugin.tools import ToolAnswer, tool
from plugin.tools.fragments import cited, fragment, spread

if TYPE_CHECKING:
    from plugin.store import ViewerDoor

Kind = Literal[
    "database", "schema", "table", "view", "column", "dashboard", "dashboard_group", "chart", "model", "metric", "job",
    "term", "document", "query", "dataset",
]  # fmt: skip


@tool(read_only=True, mcp=("search_data_assets", "search"))
def search(
    mine: ViewerDoor,
    text: Annotated[str, "what to look for, in a few words"],
    kinds: Annotated[list[Kind], "only these kinds"] | None = None,
    schema: Annotated[str, "only in this schema"] | None = None,
    tags: Annotated[list[str], "only with one of these tags"] | None = None,
    verified: Annotated[bool, "only what a person marked as verified"] | None = None,
    limit: Annotated[int, "how many, at most 25"] = 10,
) -> ToolAnswer:
    """Find tables, views, columns, dashboards, terms and documents by words from their names or descriptions.

    Use this before naming any table in an answer. Words are stemmed and identifiers are split, so plain words work
    best. The first result is the best one. Read a result with `retrieve` before writing SQL about it.
    """
    found = mine.catalog.search(
        text,
        kinds=spread(kinds or ()),
        schema=schema,
        tags=tuple(tags or ()),
        verified=verified,
        limit=max(1, min(limit, 25)),
    )
    resources = [hit.resource for hit in found.hits]
    count = len(resources)
    if not count:
        hint = f' Did you mean "{found.did_you_mean}"?' if found.did_you_mean else ""
        return ToolAnswer(summary="Found nothing", note=f"Nothing matches.{hint}", value=found)
    return ToolAnswer(
        fragments=tuple(fragment(each) for each in resources),
        summary=f"Found {count} resource{'s' if count != 1 else ''}",
        value=found,
        found=cited(resources),
    )
