"""The filters of a search and its facets, over what was ranked.

Enters: ids that are visible. Leaves: those that pass the filters, and counts per facet. A filter only takes away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select

from plugin.store._context import Context
from plugin.store._models.catalog import OwnerRow, ResourceRow, TagRow, ZoneRow
from plugin.store._models.integrations import IntegrationRow
from plugin.store._visible import visible
from plugin.store.search_sql import parts

COUNTED = 5000
"""Facets are counted over so many of the best."""
LONGEST_FACET = 50


@dataclass(frozen=True, slots=True)
class Filters:
    """What a search is narrowed to; empty and None narrow nothing."""

    kinds: Sequence[str] = ()
    integrations: Sequence[int | str] = ()
    tags: Sequence[str] = ()
    owners: Sequence[str] = ()
    verified: bool | None = None
    schema: str | None = None
    under: int | None = None

    @property
    def of_rows(self) -> bool:
        """Is there a filter that only the resource's own row answers?"""
        return bool(self.tags or self.owners or self.verified is not None)


def integration_ids(context: Context, wanted: Sequence[int | str]) -> set[int]:
    """Ids of integrations given by id or name."""
    ids = {each for each in wanted if isinstance(each, int)}
    names = [each.lower() for each in wanted if isinstance(each, str)]
    if names:
        ids.update(
            context.session.scalars(
                select(IntegrationRow.id).where(
                    IntegrationRow.workspace_id == context.workspace_id,
                    func.lower(IntegrationRow.name).in_(names),
                )
            )
        )
    return ids


def schema_ids(context: Context, name: str) -> set[int]:
    """Ids of the visible containers called `name`; "database.schema" works too."""
    folded = name.lower()
    rows = context.session.execute(
        select(ResourceRow.id).where(
            visible(context),
            ResourceRow.kind.in_(("schema", "database", "dashboard_group")),
            or_(ResourceRow.name_folded == folded, ResourceRow.qualified_folded == folded),
        )
    )
    return {id_ for (id_,) in rows}


def zones_within(
    context: Context, integrations: Collection[int] | None, schemas: Collection[int] | None, under: int | None
) -> set[int] | None:
    """The zones that can hold what the filters on place leave, and the workspace's own with its glossary; None: any.

    Every integration, database, schema and dashboard group is a zone, so that a filter on one narrows the index itself.
    """
    if integrations is None and schemas is None and under is None:
        return None
    zones = context.session.execute(
        select(ZoneRow.id, ZoneRow.parent_id, ZoneRow.resource_id, ZoneRow.integration_id).where(
            ZoneRow.workspace_id == context.workspace_id
        )
    ).all()
    within = {zone for zone, _parent, _resource, _integration in zones}
    if integrations is not None:
        within &= {zone for zone, _parent, _resource, integration in zones if integration in integrations}
    for places in (schemas, None if under is None else {under}):
        roots = {zone for zone, _parent, resource, _integration in zones if resource in (places or ())}
        if places is not None and (roots or not places):
            within &= _zones_below(roots, {zone: parent for zone, parent, *_ in zones})
    return within | {zone for zone, _parent, _resource, integration in zones if integration is None}


def _zones_below(roots: set[int], parents: dict[int, int | None]) -> set[int]:
    """These zones and all below them."""
    found, fresh = set(roots), set(roots)
    while fresh:
        fresh = {zone for zone, parent in parents.items() if parent in found} - found
        found |= fresh
    return found


def passing(context: Context, filters: Filters, ids: Collection[int]) -> set[int]:
    """Those of `ids` whose own rows pass the tags, owners and verified filters."""
    conditions: list[ColumnElement[bool]] = []
    if filters.tags:
        tagged: Select[Any] = select(TagRow.resource_id).where(
            TagRow.workspace_id == context.workspace_id, TagRow.tag.in_(list(filters.tags))
        )
        conditions.append(ResourceRow.id.in_(tagged))
    if filters.owners:
        wanted = [owner.lower() for owner in filters.owners]
        owned = select(OwnerRow.resource_id).where(
            OwnerRow.workspace_id == context.workspace_id,
            or_(func.lower(OwnerRow.name).in_(wanted), func.lower(OwnerRow.email).in_(wanted)),
        )
        conditions.append(ResourceRow.id.in_(owned))
    if filters.verified is not None:
        conditions.append(ResourceRow.verified.is_(filters.verified))
    found: set[int] = set()
    for part in parts(sorted(ids)):
        found.update(
            context.session.scalars(
                select(ResourceRow.id).where(ResourceRow.id.in_(part), visible(context), *conditions)
            )
        )
    return found


def facet_counts(
    context: Context, ids: Sequence[int], integrations: dict[int | None, str]
) -> dict[str, dict[str, int]]:
    """How many of the best are of each kind, integration, schema, tag and owner, and how many are verified."""
    counts: dict[str, Counter[str]] = {
        name: Counter() for name in ("kind", "integration", "schema", "tag", "owner", "verified")
    }
    parents: Counter[int] = Counter()
    for part in parts(ids[:COUNTED]):
        rows = context.session.execute(
            select(
                ResourceRow.kind, ResourceRow.integration_id, ResourceRow.verified, ResourceRow.parent_id
            ).where(ResourceRow.id.in_(part), visible(context))
        )
        for kind, integration, verified, parent in rows:
            counts["kind"][kind] += 1
            if integration is not None:
                counts["integration"][integrations.get(integration, "")] += 1
            counts["verified"]["yes" if verified else "no"] += 1
            if parent is not None:
                parents[parent] += 1
        tags = context.session.execute(
            select(TagRow.tag, func.count()).where(TagRow.resource_id.in_(part)).group_by(TagRow.tag)
        )
        for tag, count in tags:
            counts["tag"][tag] += count
        owners = context.session.execute(
            select(OwnerRow.name, func.count()).where(OwnerRow.resource_id.in_(part)).group_by(OwnerRow.name)
        )
        for owner, count in owners:
            counts["owner"][owner] += count
    for part in parts(sorted(parents)):
        names = context.session.execute(
            select(ResourceRow.id, ResourceRow.name).where(
                ResourceRow.id.in_(part), ResourceRow.kind == "schema", visible(context)
            )
        )
        for id_, name in names:
            counts["schema"][name] += parents[id_]
    return {
        name: dict(sorted(found.items(), key=lambda item: (-item[1], item[0]))[:LONGEST_FACET])
        for name, found in counts.items()
        if found
    }
