"""The tool `count`: how many of what the viewer sees; never how many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from plugin.tools import ToolAnswer, tool
from plugin.tools.find import resource_named
from plugin.tools.fragments import cited, counts_fragment

if TYPE_CHECKING:
    from plugin.store import ViewerDoor


@tool(read_only=True)
def count(
    mine: ViewerDoor,
    by: Annotated[Literal["kind", "integration", "schema", "tag", "owner"], "what to count by"] = "kind",
    under: Annotated[str, "only below this database, schema or table"] | None = None,
    integration: Annotated[str, "only of this integration, by its name; counts by kind"] | None = None,
) -> ToolAnswer:
    """Count the resources of the catalog that you can see: by kind, by integration, by schema, by tag or by owner."""
    within = resource_named(mine, under) if under else None
    if integration is not None:
        by, counts = "kind", _of(mine, integration)
    else:
        counts = mine.catalog.counts(by=by, under=within.id if within else None)
    return ToolAnswer(
        summary=f"Counted {sum(counts.values())} resources"
        + (f" in {within.qualified_name}" if within else ""),
        fragments=(counts_fragment(counts),),
        note=f"Counted by {by}." if counts else "There is nothing to count.",
        value=dict(counts),
        found=cited([within] if within else []),
    )


def _of(mine: ViewerDoor, integration: str) -> dict[str, int]:
    named = [each for each in mine.catalog.integrations() if each.name.lower() == integration.strip().lower()]
    return dict(named[0].counts) if named else {}
