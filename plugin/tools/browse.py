"""The tool `browse`: lists by property rather than by words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

from plugin.catalog.freshness import source_freshness, source_is_stale
from plugin.egress.parts import Fragment
from plugin.store.shapes import Resource
from plugin.tools import ToolAnswer, health, tool
from plugin.tools.find import resource_named
from plugin.tools.fragments import cited, counts_fragment, fragment, spread
from plugin.tools.personal import WORDS, looks_personal
from plugin.tools.search import Kind

if TYPE_CHECKING:
    from plugin.store import ViewerDoor

What = Literal[
    "all",
    "popular",
    "undocumented",
    "unowned",
    "personal",
    "recent",
    "verified",
    "integrations",
    "largest",
    "stale",
    "unused",
    "failing",
    "untested",
    "idle",
]
_SORTS = {
    "unused": "rows",
    "idle": "oldest",
    "recent": "changed",
    "largest": "rows",
    "all": "name",
    "verified": "name",
    "stale": "name",
}


@tool(read_only=True)
def browse(
    mine: ViewerDoor,
    what: Annotated[
        What,
        "popular: most used first; undocumented: without a description; unowned: without an owner; personal: columns "
        "that look like personal data; recent: changed last; largest: most rows, as estimated; "
        "integrations: the connected sources; stale: gone at their source, synced long ago, or from before a sync that "
        "failed; unused: nothing is known to query, read or refer to it, largest first; failing: dbt models and "
        "sources whose tests or last run failed or warned; untested: those without a test; idle: "
        "unchanged for `days` days or more, as its source says, longest first",
    ] = "all",
    kinds: Annotated[list[Kind], "only these kinds; tables and views unless told"] | None = None,
    under: Annotated[str, "only below this database, schema or table"] | None = None,
    integration: Annotated[str, "only of this integration, by its name"] | None = None,
    owner: Annotated[str, "only what this person or group owns"] | None = None,
    tag: Annotated[str, "only with this tag"] | None = None,
    days: Annotated[int, "for idle: how long nothing changed"] = 30,
    limit: Annotated[int, "how many, at most 50"] = 20,
) -> ToolAnswer:
    """List resources by property: most popular, unused, without description or owner, personal, changed lately, stale.

    For finding by words use `search`; for how many there are use `count`.
    """
    limit = max(1, min(limit, 50))
    wanted = spread(kinds or (("column",) if what == "personal" else ("table", "view")))
    within = resource_named(mine, under).id if under else None
    if what == "integrations":
        return _integrations(mine)
    partly = ""
    if what in ("failing", "untested"):
        only = tuple(kinds or ())
        items, total = health.faring(
            mine, what, kinds=only, under=within, integration=integration, owner=owner, tag=tag, limit=limit
        )
        partly = (
            f"Only the first {health.PAGE * health.PAGES:,} by name were looked at." if total is None else ""
        )
    else:
        items, total = _list(mine, what, wanted, within, integration, owner, tag, limit, days)
    if not items:
        return ToolAnswer(summary="Found nothing", note=partly or "There is nothing like that.", value=())
    note = f"There are {total} in all." if total is not None and total > len(items) else partly
    unlogged = _without_log(mine, items) if what == "unused" else ()
    if unlogged:
        note = f"{note} Which queries run is not known of {', '.join(unlogged)}.".strip()
    return ToolAnswer(
        fragments=(
            *(
                fragment(each, full=what in ("largest", "unused", "idle"), faring=what == "failing")
                for each in items
            ),
            *(Fragment(None, "unlogged", {"name": name}) for name in unlogged),
        ),
        summary=f"Listed {len(items)} resource{'s' if len(items) != 1 else ''}",
        note=note,
        value=items,
        found=cited(items),
    )


def _integrations(mine: ViewerDoor) -> ToolAnswer:
    """How much each has, then those of which nothing may hold any longer."""
    listed, now = mine.catalog.integrations(), datetime.now(UTC)
    counted = {f"{each.name} ({each.type})": sum(each.counts.values()) for each in listed}
    stale = tuple(
        Fragment(None, "integration", {"name": each.name, "freshness": source_freshness(*told, now)})
        for each in listed
        if source_is_stale(*(told := (each.last_sync_at, each.state == "failed")), now)
    )
    return ToolAnswer((counts_fragment(counted), *stale), f"Listed {len(listed)} integrations", value=listed)


def _without_log(mine: ViewerDoor, items: tuple[Resource, ...]) -> tuple[str, ...]:
    """The integrations of these of which no statement is known: there only lineage and keys tell of use."""
    logged = mine.catalog.logged()
    return tuple(sorted({each.integration for each in items if each.integration_id not in logged}))


def _list(
    mine: ViewerDoor,
    what: str,
    kinds: tuple[str, ...],
    within: int | None,
    integration: str | None,
    owner: str | None,
    tag: str | None,
    limit: int,
    days: int,
) -> tuple[tuple[Resource, ...], int | None]:
    if what == "personal":
        return _personal(mine, within, integration, limit), None
    sort = _SORTS.get(what, "popularity")
    page = mine.catalog.browse(
        kinds=kinds,
        under=within,
        integration=integration,
        owner=owner,
        tag=tag,
        verified=True if what == "verified" else None,
        documented=False if what == "undocumented" else None,
        owned=False if what == "unowned" else None,
        stale=what == "stale",
        unused=what == "unused",
        unchanged_since=datetime.now(UTC) - timedelta(days=max(1, min(days, 3650)))
        if what == "idle"
        else None,
        sort=sort,
        limit=limit,
        with_total=True,
    )
    items = page.items
    if what == "recent":
        items = tuple(each for each in items if each.changed_at is not None)
    if what == "largest":
        return tuple(each for each in items if each.row_estimate), None
    return items[:limit], page.total


def _personal(
    mine: ViewerDoor, within: int | None, integration: str | None, limit: int
) -> tuple[Resource, ...]:
    """Columns that a person or the classifier marked, then those whose names say so."""
    marked = mine.catalog.browse(
        kinds=("column",), under=within, integration=integration, sensitivity="any", limit=limit
    ).items
    found = {each.id: each for each in marked}
    if within is not None:
        first = mine.catalog.browse(kinds=("column",), under=within, limit=1000).items
        found.update((each.id, each) for each in first if looks_personal(each))
    elif (
        not found and integration is None
    ):  # a sync classifies by name too; without one, look for the most telling words
        for word in WORDS[:8]:
            if len(found) >= limit:
                break
            hits = mine.catalog.search(word, kinds=("column",), limit=25).hits
            found.update((hit.resource.id, hit.resource) for hit in hits if looks_personal(hit.resource))
    ranked = sorted(found.values(), key=lambda each: (each.sensitivity is None, each.qualified_name))
    return tuple(ranked[:limit])
