"""The tool `changes`: what syncs found to be different at the sources."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

from plugin.egress.parts import FieldValue, Fragment
from plugin.store.shapes import Drift
from plugin.tools import Cited, ToolAnswer, tool

if TYPE_CHECKING:
    from plugin.store import ViewerDoor

MOST_READ = 500


@tool(read_only=True)
def changes(
    mine: ViewerDoor,
    days: Annotated[int, "how many days back, 1 to 365"] = 7,
    change: Annotated[
        Literal["added", "removed", "retyped", "required", "optional", "rekeyed", "redescribed", "redefined"],
        "only changes of this kind",
    ]
    | None = None,
    under: Annotated[str, "only what begins with this qualified name: a database, schema or table"]
    | None = None,
    limit: Annotated[int, "how many, at most 50"] = 30,
) -> ToolAnswer:
    """List what changed at the sources, newest first: added, removed, retyped, redescribed or redefined;
    columns that became required (NOT NULL) or optional; rekeyed tables, whose primary, unique or foreign keys differ.

    It knows what syncs saw from one time to the next. Use it for "what changed", "what is new", "what was dropped".
    """
    days = max(1, min(days, 365))
    found = mine.catalog.drift(datetime.now(UTC) - timedelta(days=days), limit=MOST_READ)
    kept = [each for each in found if (change is None or each.change == change) and _is_under(each, under)]
    shown = kept[: max(1, min(limit, 50))]
    if not shown:
        return ToolAnswer(
            summary="Found no changes", note=f"No sync found such a change in the last {days} days.", value=()
        )
    more = f" There are {len(kept)} in all." if len(kept) > len(shown) else ""
    return ToolAnswer(
        fragments=tuple(_fragment(each) for each in shown),
        summary=f"Found {len(kept)} change{'s' if len(kept) != 1 else ''}",
        note=f"Changes of the last {days} days.{more}",
        value=tuple(shown),
        found=tuple(
            Cited(each.resource_id, each.kind, each.qualified_name)
            for each in shown
            if each.resource_id is not None
        ),
    )


def _is_under(drift: Drift, under: str | None) -> bool:
    wanted = (under or "").strip().lower()
    return not wanted or f".{wanted}." in f".{drift.qualified_name.lower()}."


def _fragment(drift: Drift) -> Fragment:
    """One change; of what it was before and after only a type is told, texts are read on the resource itself."""
    fields: dict[str, FieldValue] = {
        "qualified_name": drift.qualified_name,
        "integration": drift.integration,
        "change": drift.change,
        "changed_at": f"{drift.at:%Y-%m-%d %H:%M}",
    }
    if drift.change == "retyped":
        fields |= {"before": drift.before or "", "after": drift.after or ""}
    return Fragment(resource_id=drift.resource_id, kind=drift.kind, fields=fields)
