"""The filters of a search and its facets, over what was ranked.

Enters: ids that are visible. Leaves: those that pass the filters, and counts per facet. A filter only takes away.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    func,
    literal_column,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import aliased

from plugin.store._around_rows import kept, rows_of
from plugin.store._context import Context
from plugin.store._driven import array
from plugin.store._models.catalog import OwnerRow, ResourceRow, TagRow, ZoneRow
from plugin.store._models.integrations import IntegrationRow
from plugin.store._visible import visible
from plugin.store.listing import NOT_COLUMN

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
            NOT_COLUMN,
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


def passing(
    context: Context, filters: Filters, ids: Collection[int], kinds: Collection[str] = ()
) -> set[int]:
    """Those of `ids` whose own rows pass the tags, owners and verified filters, and are of these kinds."""
    conditions = _labels(context, filters)
    if kinds:
        conditions.append(ResourceRow.kind.in_(kinds))
    if filters.verified is not None:
        conditions.append(ResourceRow.verified.is_(filters.verified))
    statement = select(ResourceRow.id).where(among(context, ids), visible(context), *conditions)
    return {id_ for (id_,) in context.session.connection().execute(statement).all()}


def labelled(context: Context, filters: Filters, most: int) -> set[int] | None:
    """Everything with the tags or owners of the filter that this reader sees; None where it is more than `most`."""
    conditions = _labels(context, filters)
    if not conditions:
        return None
    statement = select(ResourceRow.id).where(visible(context), *conditions).limit(most + 1)
    found = {id_ for (id_,) in context.session.connection().execute(statement).all()}
    return found if len(found) <= most else None


def _labels(context: Context, filters: Filters) -> list[ColumnElement[bool]]:
    """Tags and owners as conditions on a resource."""
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
    return conditions


def among(context: Context, ids: Collection[int], of: Any = ResourceRow.id) -> ColumnElement[bool]:
    """That a resource is one of these, as one value however many they are: a parameter each takes longer to bind than
    the row to read.
    """
    if context.dialect == "sqlite":
        every = func.json_each(json.dumps(sorted(ids))).table_valued("value")
        return cast("ColumnElement[bool]", of.in_(select(every.c.value)))
    # Written as text, which the server reads in less time than the driver needs for a list.
    every_one = sql_cast(bindparam(None, array(sorted(ids)), Text), ARRAY(BigInteger))
    return cast("ColumnElement[bool]", of == any_(every_one))


def facet_counts(context: Context, ids: Sequence[int]) -> dict[str, dict[str, int]]:
    """How many of the best are of each kind, integration, schema, tag and owner, and how many are verified."""
    counts: dict[str, Counter[str]] = {
        name: Counter() for name in ("kind", "integration", "schema", "tag", "owner", "verified")
    }
    best = sorted(ids[:COUNTED])
    context.session.flush()
    rows: Iterable[Sequence[Any]]
    if context.dialect == "sqlite":
        rows = context.session.connection().execute(kept(context, _counted), {"ids": json.dumps(best)})
    else:
        rows = rows_of(context, _counted, best)
    for what, name, integration_id, integration, verified, schema, count in rows:
        counts[what][name] += count
        if what == "kind":
            if integration_id is not None:
                counts["integration"][integration or ""] += count
            counts["verified"]["yes" if verified else "no"] += count
            if schema is not None:
                counts["schema"][schema] += count
    return {
        name: dict(sorted(found.items(), key=lambda item: (-item[1], item[0]))[:LONGEST_FACET])
        for name, found in counts.items()
        if found
    }


def _counted(context: Context) -> Any:
    """Resources grouped by what they are and where, and their tags and owners: counted there, in one statement."""
    given: Any = any_(bindparam("ids", type_=ARRAY(BigInteger)))
    if context.dialect == "sqlite":
        every = func.json_each(bindparam("ids")).table_valued("value")
        among_these = ResourceRow.id.in_(select(every.c.value))
    else:
        among_these = ResourceRow.id == given
    hit = (
        select(
            ResourceRow.id,
            ResourceRow.kind,
            ResourceRow.integration_id,
            ResourceRow.verified,
            ResourceRow.parent_id,
        )
        .where(among_these, visible(context))
        .cte("hit")
    )
    where = (hit.c.kind, hit.c.integration_id, hit.c.verified, hit.c.parent_id)
    alike = select(*where, func.count().label("count")).group_by(*where).subquery("alike")
    schema = aliased(ResourceRow)
    return union_all(
        select(
            literal_column("'kind'"),
            alike.c.kind,
            alike.c.integration_id,
            IntegrationRow.name,
            alike.c.verified,
            schema.name,
            alike.c.count,
        )
        .outerjoin(
            IntegrationRow,
            (IntegrationRow.id == alike.c.integration_id)
            & (IntegrationRow.workspace_id == context.workspace_id),
        )
        .outerjoin(
            schema,
            and_(schema.id == alike.c.parent_id, schema.kind == "schema", visible(context, schema)),
        ),
        *(
            select(literal_column(f"'{what}'"), name, null(), null(), null(), null(), func.count())
            .select_from(hit)
            .join(row, row.resource_id == hit.c.id)
            .group_by(name)
            for what, row, name in (("tag", TagRow, TagRow.tag), ("owner", OwnerRow, OwnerRow.name))
        ),
    )
