"""What syncs found changed at the sources, as far as one viewer saw the place it was in. Keeps law 3.

Enters: since when, and what to narrow it to. Leaves: the differences, newest first, or how many there are of each kind.
A difference is told to whoever sees the zone of the thing, which it keeps, since what was removed is no longer there to
ask. The assistant, where AI filters are set, is told only of what is still there and let through, and of no keys: a
filter may hide a column of them. SQL may name what is hidden, so only who sees everything is told how it was and is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypedDict, Unpack

from sqlalchemy import ColumnElement, Row, delete, exists, func, literal, or_, select
from sqlalchemy.orm import aliased

from plugin.store import shapes
from plugin.store._chunks import chunks
from plugin.store._context import Context
from plugin.store._models.catalog import DriftRow, ResourceRow
from plugin.store._models.integrations import IntegrationRow
from plugin.store._rows import integration_names, one
from plugin.store._visible import sees_everything, visible, visible_zones

KEPT = timedelta(days=400)
"""Older differences go when a sync finds new ones; whoever asks may look back a year."""


class Narrowed(TypedDict, total=False):
    """Which differences are meant; without any, all."""

    change: str | None
    """One of CHANGES."""
    kinds: Sequence[str]
    """Of things, as `table` and `column`."""
    integration: str | None
    """A name."""
    under: int | None
    """A resource and what is in it."""
    named: str | None
    """What has these parts in its qualified name: `sales`, `sales.orders`. It may be gone."""


def drift(
    context: Context, since: datetime, *, limit: int, **narrowed: Unpack[Narrowed]
) -> tuple[shapes.Drift, ...]:
    """The newest differences. NotFound where `under` is not visible."""
    rows = context.session.scalars(
        select(DriftRow)
        .where(*_conditions(context, since, **narrowed))
        .order_by(DriftRow.at.desc(), DriftRow.id)
        .limit(limit)
    ).all()
    names = integration_names(context)
    there = _there(context, rows)
    with_sql = sees_everything(context) and not context.for_ai
    return tuple(
        shapes.Drift(
            at=row.at,
            change=row.change,
            kind=row.kind,
            qualified_name=row.qualified_name,
            integration=names.get(row.integration_id, ""),
            resource_id=row.resource_id if _is_of(row, there) else None,
            before=row.before if with_sql or row.change != "redefined" else None,
            after=row.after if with_sql or row.change != "redefined" else None,
        )
        for row in rows
    )


def counts(context: Context, since: datetime, **narrowed: Unpack[Narrowed]) -> dict[str, int]:
    """How many differences there are of each kind, in the order of CHANGES; all of them, not only those of a page."""
    found = context.session.execute(
        select(DriftRow.change, func.count())
        .where(*_conditions(context, since, **narrowed))
        .group_by(DriftRow.change)
    )
    counted = {change: int(number) for change, number in found}
    return {change: counted.get(change, 0) for change in shapes.CHANGES}


def forget_old(context: Context, at: datetime) -> None:
    """Delete what was found longer than KEPT before `at`, in the workspace."""
    mine = DriftRow.workspace_id == context.workspace_id
    context.session.execute(delete(DriftRow).where(mine, DriftRow.at < at - KEPT))


def _conditions(context: Context, since: datetime, **narrowed: Unpack[Narrowed]) -> list[ColumnElement[bool]]:
    conditions = [DriftRow.workspace_id == context.workspace_id, DriftRow.at >= since]
    if not sees_everything(context):
        conditions.append(DriftRow.zone_id.in_(visible_zones(context)))
    if context.for_ai and context.ai_rules:
        thing = aliased(ResourceRow)
        # By name too: the row of a column that came has the table's id, where an older release wrote it.
        is_it = thing.qualified_name == DriftRow.qualified_name
        there = exists().where(thing.id == DriftRow.resource_id, is_it, visible(context, thing))
        conditions += [there.correlate_except(thing), DriftRow.change != "rekeyed"]
    if narrowed.get("change"):
        conditions.append(DriftRow.change == narrowed["change"])
    if narrowed.get("kinds"):
        conditions.append(DriftRow.kind.in_(narrowed["kinds"]))
    integration = narrowed.get("integration")
    if integration is not None:
        same = func.lower(IntegrationRow.name) == integration.strip().lower()
        of_it = select(IntegrationRow.id).where(IntegrationRow.workspace_id == context.workspace_id, same)
        conditions.append(DriftRow.integration_id.in_(of_it))
    under = narrowed.get("under")
    if under is not None:
        conditions += _within(one(context, under))
    named = narrowed.get("named")
    if named:
        conditions.append(_called(named.strip(". ")))
    return conditions


def _within(place: Row[Any]) -> list[ColumnElement[bool]]:
    name, start = place.qualified_name, f"{place.qualified_name}."
    begins = func.substr(DriftRow.qualified_name, 1, len(start)) == start
    return [
        DriftRow.integration_id == place.integration_id,
        or_(DriftRow.qualified_name == name, begins),
    ]


def _called(parts: str) -> ColumnElement[bool]:
    name, wanted = literal(".") + DriftRow.qualified_name + ".", f".{parts}."
    as_written = name.contains(wanted, autoescape=True)
    return or_(as_written, func.lower(name).contains(wanted.lower(), autoescape=True))


def _there(context: Context, rows: Sequence[DriftRow]) -> dict[int, str]:
    """Of the things that these rows tell of, those that are there and visible: their names by id."""
    found: dict[int, str] = {}
    for part in chunks({row.resource_id for row in rows if row.resource_id is not None}):
        query = select(ResourceRow.id, ResourceRow.qualified_name).where(
            visible(context), ResourceRow.id.in_(part)
        )
        found.update(context.session.execute(query).tuples().all())
    return found


def _is_of(row: DriftRow, there: dict[int, str]) -> bool:
    """Is what the row's id names there, under that name? A column may lead to its table."""
    name = there.get(row.resource_id or 0)
    return name is not None and (
        row.qualified_name == name or (row.kind == "column" and row.qualified_name.startswith(f"{name}."))
    )
