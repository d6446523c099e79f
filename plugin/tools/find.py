"""Turn what a model wrote as a name or an id into one resource that the viewer may see."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from plugin.errors import BadInput, NotFound
from plugin.store.shapes import Resource

if TYPE_CHECKING:
    from plugin.store import ViewerDoor


_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def resource_named(mine: ViewerDoor, name: str, *, kind: str | None = None) -> Resource:
    """The resource of this qualified name (a suffix is enough) or numeric id.

    Raises NotFound, worded the same for what is hidden and for what does not exist, with the nearest visible names.
    """
    wanted = name.strip().strip("`\"'[]").strip()
    if not wanted:
        raise BadInput("A name is needed.", field="resource")
    try:
        if wanted.isdecimal():
            return mine.catalog.resource(int(wanted))
        return mine.catalog.by_name(wanted, kind=kind)
    except NotFound as error:
        near = ", ".join(each.qualified_name for each in nearest(mine, wanted, limit=3))
        hint = f" The nearest names are: {near}." if near else ""
        raise NotFound(f"The catalog has nothing called {wanted[:120]!r}.{hint}") from error


def nearest(
    mine: ViewerDoor, name: str, *, limit: int = 3, kinds: tuple[str, ...] = ()
) -> tuple[Resource, ...]:
    """Visible resources whose names come closest, best first; empty where nothing comes close."""
    from rapidfuzz import fuzz

    last = name.rsplit(".", 1)[-1]
    candidates: dict[int, Resource] = {each.id: each for each in mine.catalog.suggest(last, limit=12)}
    for text in dict.fromkeys((_words(last), _words(name))):
        found = mine.catalog.search(text, kinds=kinds, limit=12)
        candidates.update((hit.resource.id, hit.resource) for hit in found.hits)
    scored = []
    for each in candidates.values():
        if kinds and each.kind not in kinds:
            continue
        score = max(
            fuzz.ratio(last.lower(), each.name.lower()),
            fuzz.ratio(name.lower(), each.qualified_name.lower()),
            same_words(name, each.qualified_name) - 1,
        )
        if score >= 60:
            scored.append((-score, -each.popularity, each.qualified_name, each))
    return tuple(each for *_, each in sorted(scored, key=lambda row: row[:3])[:limit])


def same_words(name: str, qualified: str) -> float:
    """How near two names are whatever the order of their words, 0 to 100, each part against its own.

    `finance.monthly_revenue` is `warehouse.finance.revenue_monthly` in other words; `sales.revenue_monthly` is less so.
    """
    from rapidfuzz import fuzz

    wanted = [_words(part) for part in name.split(".")]
    parts = [_words(part) for part in qualified.split(".")][-len(wanted) :]
    if len(parts) < len(wanted):
        return 0.0
    scores = [fuzz.token_sort_ratio(one, other) for one, other in zip(wanted, parts, strict=True)]
    return (3 * scores[-1] + sum(scores[:-1])) / (2 + len(scores))


def _words(name: str) -> str:
    spaced = _HUMP.sub(" ", name)
    return " ".join("".join(each if each.isalnum() else " " for each in spaced).lower().split())
