"""The tool `changes`: what syncs found to be different at the sources."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

from plugin.egress.parts import FieldValue, Fragment
from plugin.errors import BadInput
from plugin.store.shapes import Drift
from plugin.tools import Cited, ToolAnswer, tool
from plugin.tools.fragments import spread
from plugin.tools.search import Kind

if TYPE_CHECKING:
    from plugin.store import ViewerDoor
    from plugin.store.drift import Narrowed


@tool(read_only=True)
def changes(
    mine: ViewerDoor,
    days: Annotated[int, "how many days back, 1 to 365"] = 7,
    since: Annotated[str, "instead of days: from this day on, as 2026-01-31"] | None = None,
    change: Annotated[
        Literal["added", "removed", "retyped", "required", "optional", "rekeyed", "redescribed", "redefined"],
        "only changes of this kind",
    ]
    | None = None,
    under: Annotated[str, "only what has this in its qualified name: a database, schema or table"]
    | None = None,
    integration: Annotated[str, "only of this integration, by its name"] | None = None,
    kinds: Annotated[list[Kind], "only of these kinds of things"] | None = None,
    limit: Annotated[int, "how many, at most 50"] = 30,
) -> ToolAnswer:
    """List what changed at the sources, newest first: added, removed, retyped, redescribed or redefined;
    columns that became required (NOT NULL) or optional; rekeyed tables, whose primary, unique or foreign keys differ.

    It knows what syncs saw from one time to the next. Use it for "what changed", "what is new", "what was dropped".
    """
    days = max(1, min(days, 365))
    start, span = datetime.now(UTC) - timedelta(days=days), f"of the last {days} days"
    if since:
        start = _midnight(since)
        span = f"since {start:%Y-%m-%d}, 00:00 UTC"
    meant: Narrowed = {
        "change": change, "named": under, "integration": integration, "kinds": spread(kinds or ()),
    }  # fmt: skip
    counts = mine.catalog.count_drift(start, **meant)
    total = sum(counts.values())
    shown = mine.catalog.drift(start, limit=max(1, min(limit, 50)), **meant)
    if not shown:
        return ToolAnswer(
            summary="Found no changes",
            note=f"No sync found such a change {span.replace('of the', 'in the')}.",
            value=(),
        )
    of_each = ", ".join(f"{number} {word}" for word, number in counts.items() if number)
    more = f" There are {total} in all: {of_each}." if total > len(shown) else ""
    return ToolAnswer(
        fragments=tuple(_fragment(each) for each in shown),
        summary=f"Found {total} change{'s' if total != 1 else ''}",
        note=f"Changes {span}.{more}",
        value=shown,
        found=tuple(
            Cited(each.resource_id, each.kind, each.qualified_name)
            for each in shown
            if each.resource_id is not None
        ),
    )


def _midnight(day: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(day.strip()[:10]), time.min, UTC)
    except ValueError as error:
        raise BadInput(f"since is a day as 2026-01-31, not {day[:40]!r}", field="since") from error


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
