"""What a tool with tests (dbt) says of how its models and sources fare: which fail, which nobody tests.

Enters: the viewer's catalog. Leaves: resources, read page by page through the same lists as everything else, so that an
AI filter and a team hold here too. Keeps law 3: a table is told of the model that makes it only to who sees that model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.store.shapes import Resource

if TYPE_CHECKING:
    from plugin.store import ViewerDoor

KINDS = ("model", "dataset")
"""What dbt has tests on: what it builds, and the sources that it reads."""
BAD_RUN = ("error", "runtime error", "fail", "skipped")
NOT_FRESH = ("warn", "error", "runtime error")
PAGE = 1000
PAGES = 20
NEAR = 200


def is_unwell(resource: Resource) -> bool:
    """Did a test of it fail or warn, did it fail or get skipped when it was last run, or is the source not fresh?"""
    told = resource.properties
    return bool(
        told.get("tests_failing")
        or told.get("tests_warning")
        or told.get("last_status") in BAD_RUN
        or (resource.kind == "dataset" and told.get("freshness") in NOT_FRESH)
    )


def is_untested(resource: Resource) -> bool:
    """Is it a model, a snapshot or a source of dbt's without a test?"""
    told = resource.properties
    tested_here = told.get("resource_type") in ("model", "snapshot") or (
        resource.kind == "dataset" and bool(told.get("source")) and bool(told.get("relation"))
    )
    return tested_here and not told.get("tests")


def faring(
    mine: ViewerDoor,
    what: str,
    *,
    kinds: tuple[str, ...],
    under: int | None,
    integration: str | None,
    owner: str | None,
    tag: str | None,
    limit: int,
) -> tuple[tuple[Resource, ...], int | None]:
    """Those that are `failing` or `untested`, failures first, and how many there are; None where not all were read."""
    is_meant = is_unwell if what == "failing" else is_untested
    wanted = tuple(kind for kind in kinds if kind in KINDS) or KINDS
    found: list[Resource] = []
    cursor: str | None = None
    for _ in range(PAGES):
        page = mine.catalog.browse(
            kinds=wanted,
            under=under,
            integration=integration,
            owner=owner,
            tag=tag,
            cursor=cursor,
            limit=PAGE,
        )
        found += [each for each in page.items if is_meant(each)]
        cursor = page.next_cursor
        if cursor is None:
            break
    if what == "failing":
        found.sort(key=_how_bad)
    return tuple(found[:limit]), len(found) if cursor is None else None


def told_of(mine: ViewerDoor, table: Resource) -> Resource | None:
    """The model that makes a table, or the source that it is, where that one does not fare well.

    A source itself is beside the models that read it, and how those fare is not how it does.
    """
    if table.kind in KINDS:
        return None
    near = mine.catalog.lineage(table.id, depth=1, limit=NEAR, source="dbt")
    ends = [edge.upstream_id if edge.downstream_id == table.id else edge.downstream_id for edge in near.edges]
    beside = [near.resources[end] for end in dict.fromkeys(ends) if end in near.resources]
    return next((each for each in beside if each.kind in KINDS and is_unwell(each)), None)


def _how_bad(resource: Resource) -> int:
    told = resource.properties
    if told.get("last_status") in ("error", "runtime error", "fail"):
        return 0
    return 1 if told.get("tests_failing") else 2 if told.get("last_status") == "skipped" else 3
