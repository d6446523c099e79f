"""Lists of the catalog: the tree, browsing with filters, counts. Each starts from `_visible` and pages by cursor.

One file because a count beside a list must be made of the very conditions that the list is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    and_,
    exists,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import aliased

from plugin.catalog.freshness import OLD
from plugin.errors import BadInput
from plugin.store import _cursor, shapes
from plugin.store._context import Context
from plugin.store._models.base import Moment, now
from plugin.store._models.catalog import OwnerRow, ResourceRow, TagRow, ZoneCountRow, ZoneRow
from plugin.store._models.integrations import IntegrationRow
from plugin.store._rows import integration_names, listing, one, to_resources
from plugin.store._visible import sees_everything, visible, visible_zones
from plugin.store.zones import CONTAINERS, zones_below

# Written out, not bound: the database uses a partial index only where it can read the condition.
IS_COLUMN: ColumnElement[bool] = ResourceRow.kind == literal_column("'column'")
NOT_COLUMN: ColumnElement[bool] = ResourceRow.kind != literal_column("'column'")
PARENTS = (*CONTAINERS, "dashboard")
"""Places: what is asked of one of these is asked of the tables below it."""
SORTS = ("name", "popularity", "changed", "oldest", "rows")
COUNTS = ("kind", "integration", "schema", "tag", "owner")
MOST = 1000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def children(
    context: Context,
    parent_id: int | None,
    *,
    integration: int | None = None,
    cursor: str | None = None,
    limit: int = 100,
    kinds: Sequence[str] = (),
    text: str | None = None,
    start: str | None = None,
) -> shapes.Page:
    """What is directly under a resource; without one, the roots: what is visible while nothing above it is."""
    limit = max(1, min(limit, MOST))
    conditions = [visible(context)]
    if parent_id is None:
        conditions += [NOT_COLUMN, _is_root(context)]
        if integration is not None:
            conditions.append(ResourceRow.integration_id == integration)
        columns = False
    else:
        parent = one(context, parent_id)
        columns = parent.columns_count is not None
        child = aliased(ResourceRow)
        # By id: SQLite would look at each resource of the workspace in the order of names, which is an index too.
        below = select(child.id).where(
            child.parent_id == parent_id,
            child.kind == literal_column("'column'") if columns else child.kind != literal_column("'column'"),
        )
        conditions += [ResourceRow.id.in_(below), IS_COLUMN if columns else NOT_COLUMN]
    if kinds:
        conditions.append(ResourceRow.kind.in_(kinds))
    if text:
        conditions.append(ResourceRow.name_folded.contains(text.lower(), autoescape=True))
    if start and not columns:
        conditions.append(ResourceRow.name_folded >= start.lower())
    key = func.coalesce(ResourceRow.position, 0) if columns else ResourceRow.name_folded
    if cursor is not None:
        values = _cursor.unpack(cursor, (int if columns else str, int))
        conditions.append(_cursor.after(key, ResourceRow.id, values))
    rows = context.session.execute(listing(*conditions).order_by(key, ResourceRow.id).limit(limit + 1)).all()
    next_cursor = None
    if len(rows) > limit:
        last = rows[limit - 1]
        next_cursor = _cursor.pack((last.position or 0) if columns else last.name_folded, last.id)
    return shapes.Page(tuple(to_resources(context, rows[:limit])), next_cursor)


def _is_root(context: Context) -> ColumnElement[bool]:
    above = aliased(ResourceRow)
    if context.for_ai and context.ai_rules:
        seen_above = exists().where(above.id == ResourceRow.parent_id, visible(context, above))
        return not_(seen_above.correlate_except(above))
    top = aliased(ResourceRow)
    # By id, as the children.
    roots = select(top.id).where(top.parent_id.is_(None), top.kind != literal_column("'column'"))
    if sees_everything(context):
        return ResourceRow.id.in_(roots)
    # Only what carries a zone of its own can be visible under a parent that is not.
    zone, over = aliased(ZoneRow), aliased(ZoneRow)
    orphans = (
        select(zone.resource_id)
        .join(over, over.id == zone.parent_id)
        .where(
            zone.workspace_id == context.workspace_id,
            zone.resource_id.is_not(None),
            zone.id.in_(visible_zones(context)),
            over.id.not_in(visible_zones(context)),
        )
    )
    alone = aliased(ResourceRow)
    apart = select(alone.id).where(alone.id.in_(context.session.scalars(orphans).all()))
    return ResourceRow.id.in_(union_all(roots, apart))


def browse(
    context: Context,
    *,
    kinds: Sequence[str] = (),
    integration: int | str | None = None,
    under: int | None = None,
    tag: str | None = None,
    owner: str | int | None = None,
    verified: bool | None = None,
    published: bool | None = None,
    documented: bool | None = None,
    owned: bool | None = None,
    sensitivity: str | None = None,
    stale: bool = False,
    unused: bool = False,
    unchanged_since: datetime | None = None,
    text: str | None = None,
    sort: str = "name",
    cursor: str | None = None,
    limit: int = 100,
    with_total: bool = False,
) -> shapes.Page:
    """Resources by filters, in order, by cursor. BadInput for an unknown sort or a foreign cursor."""
    if sort not in SORTS:
        raise BadInput(f"sort is one of {', '.join(SORTS)}", field="sort")
    limit = max(1, min(limit, MOST))
    conditions = [visible(context)]
    columns_only = tuple(kinds) == ("column",)
    if columns_only:
        conditions.append(IS_COLUMN)
    elif kinds:
        conditions.append(ResourceRow.kind.in_(kinds))
        if "column" not in kinds:
            conditions.append(NOT_COLUMN)
    else:
        conditions.append(NOT_COLUMN)
    if integration is not None:
        conditions.append(_of_integration(context, integration))
    if under is not None:
        conditions.append(below(context, under, columns=columns_only))
    if tag is not None:
        tagged = select(TagRow.resource_id).where(
            TagRow.workspace_id == context.workspace_id, TagRow.tag == tag
        )
        conditions.append(ResourceRow.id.in_(tagged))
    if owner is not None:
        conditions.append(ResourceRow.id.in_(_owned_by(context, owner)))
    if owned is not None:
        has_owner = exists().where(OwnerRow.resource_id == ResourceRow.id)
        conditions.append(has_owner if owned else not_(has_owner))
    if verified is not None:
        conditions.append(ResourceRow.verified.is_(verified))
    if published is not None:
        conditions.append(ResourceRow.published.is_(published))
    if sensitivity is not None:
        any_ = ResourceRow.sensitivity.is_not(None)
        conditions.append(any_ if sensitivity == "any" else ResourceRow.sensitivity == sensitivity)
    if stale:
        conditions.append(_is_stale(context))
    if unused:
        from plugin.store.query_log import queried  # it reads lists itself

        # A statement that only some see counts in no popularity; for who sees it, its tables are used all the same.
        conditions += [ResourceRow.popularity == 0, ResourceRow.id.not_in(queried(context))]
    if unchanged_since is not None:
        conditions.append(ResourceRow.changed_at < unchanged_since)
    if documented is not None:
        empty = or_(ResourceRow.description.is_(None), ResourceRow.description == "")
        conditions.append(not_(empty) if documented else empty)
    if text:
        conditions.append(ResourceRow.name_folded.contains(text.lower(), autoescape=True))
    total = None
    if with_total:
        total = context.session.scalar(select(func.count()).select_from(ResourceRow).where(*conditions))
    key, descending, kind = _sort_key(sort)
    if cursor is not None:
        values = _cursor.unpack(cursor, (kind, int))
        if kind is str and sort != "name":
            values = (_moment(values[0]), values[1])
        conditions.append(_cursor.after(key, ResourceRow.id, values, descending=descending))
    if sort == "popularity" and len(kinds) > 1 and "column" not in kinds:
        conditions = [ResourceRow.id.in_(_most_popular(conditions, kinds, limit + 1))]
    ordered = listing(*conditions).add_columns(key.label("sort_key"))
    order = key.desc() if descending else key
    rows = context.session.execute(ordered.order_by(order, ResourceRow.id).limit(limit + 1)).all()
    next_cursor = None
    if len(rows) > limit:
        last = rows[limit - 1]
        at = last.sort_key.isoformat() if isinstance(last.sort_key, datetime) else last.sort_key
        next_cursor = _cursor.pack(at, last.id)
    return shapes.Page(tuple(to_resources(context, rows[:limit])), next_cursor, total)


def _most_popular(conditions: list[ColumnElement[bool]], kinds: Sequence[str], most: int) -> Any:
    """The ids of the first of each kind: an index has them in order kind by kind, all together would be sorted."""
    first = select(ResourceRow.id).order_by(ResourceRow.popularity.desc(), ResourceRow.id).limit(most)
    each = [first.where(*conditions, ResourceRow.kind == kind).subquery() for kind in dict.fromkeys(kinds)]
    return union_all(*(select(part.c.id) for part in each))


def _sort_key(sort: str) -> tuple[Any, bool, type]:
    if sort == "popularity":
        return ResourceRow.popularity, True, float
    if sort in ("changed", "oldest"):
        return func.coalesce(ResourceRow.changed_at, literal(EPOCH, Moment)), sort == "changed", str
    if sort == "rows":
        return func.coalesce(ResourceRow.row_estimate, -1), True, int
    return ResourceRow.name_folded, False, str


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput("this cursor is not one of this list", field="cursor") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _of_integration(context: Context, integration: int | str) -> ColumnElement[bool]:
    if isinstance(integration, int):
        return ResourceRow.integration_id == integration
    named = select(IntegrationRow.id).where(
        IntegrationRow.workspace_id == context.workspace_id,
        func.lower(IntegrationRow.name) == integration.lower(),
    )
    return ResourceRow.integration_id.in_(context.session.scalars(named).all())


def _is_stale(context: Context) -> ColumnElement[bool]:
    """As `plugin.catalog.freshness.is_stale`: gone at the source, or of a source whose last good sync is long ago."""
    late = select(IntegrationRow.id).where(
        IntegrationRow.workspace_id == context.workspace_id,
        or_(IntegrationRow.last_sync_at < now() - OLD, IntegrationRow.last_error.is_not(None)),
    )
    old = ResourceRow.integration_id.in_(context.session.scalars(late).all())
    return or_(old, ResourceRow.stale_since.is_not(None))


def _owned_by(context: Context, owner: str | int) -> Any:
    owned = select(OwnerRow.resource_id).where(OwnerRow.workspace_id == context.workspace_id)
    if isinstance(owner, int):
        return owned.where(OwnerRow.member_id == owner)
    folded = owner.lower()
    return owned.where(or_(func.lower(OwnerRow.name) == folded, func.lower(OwnerRow.email) == folded))


def below(context: Context, container_id: int, *, columns: bool) -> ColumnElement[bool]:
    """What lies below a visible container at any depth: its columns, or all else. NotFound where it is not visible.

    One or the other: each has an index of parents of its own, and a condition on both has none.
    """
    one(context, container_id)
    containers, level = [container_id], [container_id]
    inner, asset = aliased(ResourceRow), aliased(ResourceRow)
    # By what hangs there, not by kind: measures hang under a data set that hangs under a model, tasks under a job.
    holds = exists().where(inner.parent_id == ResourceRow.id, inner.kind != literal_column("'column'"))
    while level:
        level = list(
            context.session.scalars(
                select(ResourceRow.id).where(ResourceRow.parent_id.in_(level), NOT_COLUMN, holds)
            )
        )
        containers += level
    # By id, as the children.
    assets = select(asset.id).where(asset.parent_id.in_(containers), asset.kind != literal_column("'column'"))
    if not columns:
        return ResourceRow.id.in_(assets)
    return and_(IS_COLUMN, ResourceRow.parent_id.in_(union_all(assets, select(literal(container_id)))))


def counts(context: Context, *, by: str = "kind", under: int | None = None) -> dict[str, int]:
    """How many visible resources there are by kind, integration, schema, tag or owner (columns in `kind` only)."""
    if by not in COUNTS:
        raise BadInput(f"counts go by {', '.join(COUNTS)}", field="by")
    if by == "kind":
        return _by_kind(context, under)
    conditions = [visible(context), NOT_COLUMN]
    if under is not None:
        conditions.append(below(context, under, columns=False))
    if by == "integration":
        query_by_id = (
            select(ResourceRow.integration_id, func.count())
            .where(*conditions)
            .group_by(ResourceRow.integration_id)
        )
        names = integration_names(context)
        rows_by_id = context.session.execute(query_by_id).all()
        return {names[id_]: count for id_, count in rows_by_id if id_ in names}
    if by == "schema":
        return _by_schema(context, conditions)
    label = TagRow.tag if by == "tag" else OwnerRow.name
    joined = TagRow if by == "tag" else OwnerRow
    query_label = (
        select(label, func.count(ResourceRow.id.distinct()))
        .join(joined, joined.resource_id == ResourceRow.id)
        .where(*conditions)
        .group_by(label)
    )
    return _sorted(context.session.execute(query_label).all())


def _by_kind(context: Context, under: int | None) -> dict[str, int]:
    """Columns too. From what is counted of each zone, unless a filter or a place that is no zone asks for more."""
    place = None if under is None else one(context, under)
    if not (context.for_ai and context.ai_rules) and (place is None or place.kind in CONTAINERS):
        totals = select(ZoneCountRow.kind, func.sum(ZoneCountRow.resources)).where(
            ZoneCountRow.workspace_id == context.workspace_id
        )
        if not sees_everything(context):
            totals = totals.where(ZoneCountRow.zone_id.in_(visible_zones(context)))
        if place is not None:
            totals = totals.where(ZoneCountRow.zone_id.in_(zones_below(context, place.id)))
        found = dict(context.session.execute(totals.group_by(ZoneCountRow.kind)).tuples().all())
        if place is not None and place.kind in found:
            found[place.kind] -= 1  # itself
        return {kind: int(total) for kind, total in sorted(found.items()) if total}
    counted = select(ResourceRow.kind, func.count()).group_by(ResourceRow.kind)
    rows: list[Row[tuple[str, int]]] = []
    for columns in (False, True):
        conditions = [visible(context), IS_COLUMN if columns else NOT_COLUMN]
        if under is not None:
            conditions.append(below(context, under, columns=columns))
        rows += context.session.execute(counted.where(*conditions)).all()
    return _sorted(rows)


def _sorted(rows: Sequence[Row[tuple[str, int]]]) -> dict[str, int]:
    return dict(sorted((name, count) for name, count in rows))


def _by_schema(context: Context, conditions: list[ColumnElement[bool]]) -> dict[str, int]:
    """Keyed by the schema's qualified name, of schemas that are visible themselves."""
    schema = aliased(ResourceRow)
    rows = context.session.execute(
        select(schema.qualified_name, func.count())
        .select_from(ResourceRow)
        .join(schema, schema.id == ResourceRow.parent_id)
        .where(*conditions, schema.kind == "schema", visible(context, schema))
        .group_by(schema.qualified_name)
    )
    found: dict[str, int] = defaultdict(int)
    for name, count in rows:
        found[name] += count
    return dict(sorted(found.items()))


def integrations(context: Context) -> tuple[shapes.Integration, ...]:
    """Integrations with something visible in them, and how much of each kind; settings left out."""
    totals: dict[int, dict[str, int]] = defaultdict(dict)
    if context.for_ai and context.ai_rules:
        query = (
            select(ResourceRow.integration_id, ResourceRow.kind, func.count())
            .where(visible(context), ResourceRow.integration_id.is_not(None))
            .group_by(ResourceRow.integration_id, ResourceRow.kind)
        )
    else:
        query = (
            select(ZoneRow.integration_id, ZoneCountRow.kind, func.sum(ZoneCountRow.resources))
            .join(ZoneRow, ZoneRow.id == ZoneCountRow.zone_id)
            .where(ZoneCountRow.workspace_id == context.workspace_id, ZoneRow.integration_id.is_not(None))
            .group_by(ZoneRow.integration_id, ZoneCountRow.kind)
        )
        if not sees_everything(context):
            query = query.where(ZoneCountRow.zone_id.in_(visible_zones(context)))
    for id_, kind, count in context.session.execute(query):
        if count:
            totals[id_][kind] = int(count)
    rows = context.session.scalars(
        select(IntegrationRow)
        .where(IntegrationRow.workspace_id == context.workspace_id, IntegrationRow.id.in_(list(totals)))
        .order_by(IntegrationRow.name)
    )
    return tuple(
        shapes.Integration(
            id=row.id,
            name=row.name,
            type=row.type,
            has_query_credential=row.sealed_query is not None,
            options={"run_mode": row.options.get("run_mode", "confirm")},
            state=row.state,
            last_sync_at=row.last_sync_at,
            counts=dict(sorted(totals[row.id].items())),
        )
        for row in rows
    )
