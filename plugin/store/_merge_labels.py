"""The source's tags and owners of changed things against those that are kept: for many things at once.

Enters: a merge and what the source says now of each changed thing and column. Leaves: labels that the source no longer
gives are gone, those that are new wait in the merge to be written; those that a person put stay. The number of
statements does not depend on how many things changed within a batch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Select, delete, select, tuple_

from plugin.store._models.catalog import OwnerRow, ResourceRow, TagRow
from plugin.store._rows import chunks
from plugin.store.listing import IS_COLUMN

if TYPE_CHECKING:
    from plugin.store._merge import Merge

LONGEST_TAG = 200
"""Letters of a tag that are kept."""


class Labelled(NamedTuple):
    """What the source says of one thing. `owners` is None for a column, of which no source tells any."""

    id: int
    tags: Sequence[str]
    owners: Sequence[str] | None
    edited: str | None
    """Names of the fields that a person set, as the row has them."""


def write_labels(merge: Merge, assets: Sequence[int], things: Sequence[Labelled]) -> None:
    """Bring the labels of these things up to date; `assets` are the ids of those that are no columns."""
    if merge.source.import_mode == "never":
        return
    theirs = merge.source.import_mode == "smart"
    tagged = [each for each in things if not (theirs and _is_theirs("tags", each))]
    owned = [
        each for each in things if each.owners is not None and not (theirs and _is_theirs("owners", each))
    ]
    _write_tags(merge, tagged, _tags(merge, assets))
    _write_owners(merge, owned, assets)


def _is_theirs(field: str, thing: Labelled) -> bool:
    """Did a person set it?"""
    return thing.edited is not None and field in thing.edited.split(",")


def _tags(merge: Merge, assets: Sequence[int]) -> dict[int, dict[str, str]]:
    """Tag and origin of these and of their columns."""
    found: dict[int, dict[str, str]] = defaultdict(dict)
    tags = select(TagRow.resource_id, TagRow.tag, TagRow.origin)
    for part in chunks(assets):
        columns = select(ResourceRow.id).where(IS_COLUMN, ResourceRow.parent_id.in_(part))
        of_both: tuple[Select[Any], ...] = (
            tags.where(TagRow.resource_id.in_(part)),
            tags.where(TagRow.resource_id.in_(columns)),
        )
        for query in of_both:
            for id_, tag, origin in merge.session.execute(query):
                found[id_][tag] = origin
    return found


def _write_tags(merge: Merge, things: Sequence[Labelled], there: dict[int, dict[str, str]]) -> None:
    gone: list[tuple[int, str]] = []
    none: dict[str, str] = {}
    for each in things:
        kept = there.get(each.id, none)
        if not kept and not each.tags:
            continue
        wanted = dict.fromkeys(tag[:LONGEST_TAG] for tag in each.tags)
        gone += [(each.id, tag) for tag, origin in kept.items() if origin == "source" and tag not in wanted]
        merge.tags += [(each.id, tag) for tag in wanted if tag not in kept]
    for part in chunks(gone, 400):
        merge.session.execute(delete(TagRow).where(tuple_(TagRow.resource_id, TagRow.tag).in_(part)))


def _write_owners(merge: Merge, things: Sequence[Labelled], assets: Sequence[int]) -> None:
    there: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    known: dict[int, set[str]] = defaultdict(set)
    for part in chunks(assets):
        for row_id, id_, name, origin in merge.session.execute(
            select(OwnerRow.id, OwnerRow.resource_id, OwnerRow.name, OwnerRow.origin).where(
                OwnerRow.resource_id.in_(part)
            )
        ):
            known[id_].add(name)
            if origin == "source":
                there[id_][name].append(row_id)
    gone: list[int] = []
    for each in things:
        wanted = dict.fromkeys(each.owners or ())
        for name, rows in there.get(each.id, {}).items():
            if name not in wanted:
                gone += rows
        merge.owners += [(each.id, name) for name in wanted if name not in known.get(each.id, ())]
    for gone_part in chunks(gone):
        merge.session.execute(delete(OwnerRow).where(OwnerRow.id.in_(gone_part)))
