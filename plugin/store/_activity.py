"""What people changed, as one reader may know of it.

A change that joins two resources (an edge that somebody drew) carries the other one's id behind a colon, and is told to
whoever sees both: of a visible table alone it would say that something hidden is joined to it (law 3).
"""

from __future__ import annotations

from sqlalchemy import BigInteger, ColumnElement, case, cast, func, not_, or_, select
from sqlalchemy.orm import aliased

from plugin.store._context import Context
from plugin.store._models.catalog import ActivityRow, ResourceRow
from plugin.store._rows import load
from plugin.store._visible import visible
from plugin.store.shapes import Activity, Resource

JOINS = "lineage:"
"""What the field of such a change begins with."""


def of_resource(context: Context, resource_id: int, limit: int) -> tuple[Activity, ...]:
    """The changes of a resource that is visible, newest first."""
    rows = context.session.scalars(
        select(ActivityRow)
        .where(
            ActivityRow.workspace_id == context.workspace_id,
            ActivityRow.resource_id == resource_id,
            _told(context),
        )
        .order_by(ActivityRow.id.desc())
        .limit(limit)
    )
    return tuple(_shape(row) for row in rows)


def recent(context: Context, limit: int) -> tuple[tuple[Resource, Activity], ...]:
    """What people changed last among what is visible, newest first."""
    rows = context.session.scalars(
        select(ActivityRow)
        .join(ResourceRow, ResourceRow.id == ActivityRow.resource_id)
        .where(ActivityRow.workspace_id == context.workspace_id, visible(context), _told(context))
        .order_by(ActivityRow.at.desc(), ActivityRow.id.desc())
        .limit(limit)
    )
    changes = [(row.resource_id, _shape(row)) for row in rows]
    shown = load(context, {resource_id for resource_id, _change in changes})
    return tuple((shown[id_], change) for id_, change in changes if id_ in shown)


def _told(context: Context) -> ColumnElement[bool]:
    other = aliased(ResourceRow)
    joins = ActivityRow.field.startswith(JOINS)
    end = case((joins, cast(func.substr(ActivityRow.field, len(JOINS) + 1), BigInteger)))
    seen = select(other.id).where(other.id == end, visible(context, other)).correlate(ActivityRow).exists()
    return or_(not_(joins), seen)


def _shape(row: ActivityRow) -> Activity:
    return Activity(row.at, row.who, row.field.partition(":")[0], row.before, row.after)
