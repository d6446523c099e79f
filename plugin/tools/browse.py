"""The tool `browse`: lists by property rather than by words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from plugin.errors import NotFound
from plugin.store.shapes import Resource
from plugin.tools import ToolAnswer, tool
from plugin.tools.find import resource_named
from plugin.tools.fragments import cited, fragment
from plugin.tools.search import Kind

if TYPE_CHECKING:
    from plugin.store import ViewerDoor

What = Literal["all", "popular", "undocumented", "unowned", "personal", "recent", "verified", "integrations"]


@tool(read_only=True)
def browse(
    mine: ViewerDoor,
    what: Annotated[
        What,
        "popular: most used first; undocumented: without a description; unowned: without an owner; personal: columns "
        "that look like personal data; recent: changed last; integrations: the connected sources",
    ] = "all",
    kinds: Annotated[list[Kind], "only these kinds; tables and views unless told"] | None = None,
    under: Annotated[str, "only below this database, schema or table"] | None = None,
    owner: Annotated[str, "only what this person or group owns"] | None = None,
    tag: Annotated[str, "only with this tag"] | None = None,
    limit: Annotated[int, "how many, at most 50"] = 20,
) -> ToolAnswer:
    """List resources by property: the most popular, without description or owner, personal, recently changed.

    For finding by words use `search`; for how many there are use `count`.
    """
    limit = max(1, min(limit, 50))
    wanted = tuple(kinds or ()) or (("column",) if what == "personal" else ("table", "view"))
    within = resource_named(mine, under).id if under else None
    if what == "integrations":
        listed = mine.catalog.integrations()
        names = ", ".join(each.name for each in listed)
        return ToolAnswer(summary=f"Listed {len(listed)} integrations", note=f"Integrations: {names}.", value=listed)
    items, total = _list(mine, what, wanted, within, owner, tag, limit)
    if not items:
        return ToolAnswer(summary="Found nothing", note="There is nothing like that.", value=())
    note = f"There are {total} in all." if total is not None and total > len(items) else ""
    return ToolAnswer(
        fragments=tuple(fragment(each) for each in items),
        summary=f"Listed {len(items)} resource{'s' if len(items) != 1 else ''}",
        note=note,
        value=items,
        found=cited(items),
    )


def _list(
    mine: ViewerDoor,
    what: str,
    kinds: tuple[str, ...],
    within: int | None,
    owner: str | None,
    tag: str | None,
    limit: int,
) -> tuple[tuple[Resource, ...], int | None]:
    catalog = mine.catalog
    narrowed = within is not None or owner or tag
    if what == "popular" and not narrowed:
        return catalog.popular(kinds=kinds, limit=limit), None
    if what == "undocumented" and not narrowed and kinds == ("table", "view"):
        return catalog.undocumented(limit), None
    if what == "unowned" and not narrowed and kinds == ("table", "view"):
        return catalog.unowned(limit), None
    sort = {"popular": "popularity", "recent": "changed"}.get(what, "name")
    page = catalog.browse(
        kinds=kinds,
        under=within,
        owner=owner,
        tag=tag,
        verified=True if what == "verified" else None,
        documented=False if what == "undocumented" else None,
        sort=sort,
        limit=limit if what not in ("personal", "unowned") else 100,
    )
    items = page.items
    if what == "unowned":
        items = tuple(each for each in items if not each.owners)
    if what == "personal":
        return _personal(mine, items, within, limit), None
    return items[:limit], page.total


def _personal(
    mine: ViewerDoor, first: tuple[Resource, ...], within: int | None, limit: int
) -> tuple[Resource, ...]:
    """Columns that a person or the classifier marked, then those whose names say so."""
    from plugin.tools.personal import WORDS, looks_personal

    found = {each.id: each for each in first if each.sensitivity or looks_personal(each)}
    for word in WORDS:
        if len(found) >= limit * 2:
            break
        try:
            hits = mine.catalog.search(word, kinds=("column",), under=within, limit=25).hits
        except NotFound:
            break
        found.update((hit.resource.id, hit.resource) for hit in hits if looks_personal(hit.resource))
    ranked = sorted(found.values(), key=lambda each: (each.sensitivity is None, each.qualified_name))
    return tuple(ranked[:limit])
