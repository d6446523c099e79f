"""Removing resources with everything that hangs on them, for a sync and for edits."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from plugin.store._context import Context
from plugin.store._models.catalog import (
    ActivityRow,
    EdgeRow,
    FrequentQueryRow,
    FullTextRow,
    GrantRow,
    KeyRow,
    LooseEndRow,
    ObservedJoinRow,
    OwnerRow,
    ProposalRow,
    QueryTableRow,
    ResourceRow,
    TagRow,
    ZoneCountRow,
    ZoneRow,
    ZoneTeamRow,
)
from plugin.store._rows import chunks

HANGING = (
    (EdgeRow, EdgeRow.downstream_id),
    (EdgeRow, EdgeRow.upstream_id),
    (KeyRow, KeyRow.table_id),
    (TagRow, TagRow.resource_id),
    (OwnerRow, OwnerRow.resource_id),
    (LooseEndRow, LooseEndRow.resource_id),
    (ObservedJoinRow, ObservedJoinRow.left_id),
    (ObservedJoinRow, ObservedJoinRow.right_id),
    (ActivityRow, ActivityRow.resource_id),
    (ProposalRow, ProposalRow.resource_id),
    (FullTextRow, FullTextRow.resource_id),
)
"""What goes with a resource."""


def remove_resources(context: Context, ids: Iterable[int]) -> None:
    """Delete rows with everything that hangs on them: keys, lineage, tags, owners, proposals, their own zones.

    For a sync and for edits; the caller counts again and tells the search index.
    """
    session = context.session
    for part in chunks(ids, 400):
        _forget_queries(session, part)
        for row, column in HANGING:
            session.execute(delete(row).where(column.in_(part)))
        session.execute(update(KeyRow).where(KeyRow.ref_id.in_(part)).values(ref_id=None))
        own = session.scalars(select(ZoneRow.id).where(ZoneRow.resource_id.in_(part))).all()
        for zone_part in chunks(own, 400):
            session.execute(delete(GrantRow).where(GrantRow.zone_id.in_(zone_part)))
            session.execute(delete(ZoneTeamRow).where(ZoneTeamRow.zone_id.in_(zone_part)))
            session.execute(delete(ZoneCountRow).where(ZoneCountRow.zone_id.in_(zone_part)))
            session.execute(delete(ZoneRow).where(ZoneRow.id.in_(zone_part)))
        session.execute(delete(ResourceRow).where(ResourceRow.id.in_(part)))


def _forget_queries(session: Session, tables: Collection[int]) -> None:
    """Delete the frequent statements over these tables, which go, and the lineage that only they told.

    Kept for the tables that stay, a statement would be shown to who sees those, and its text names what went, which
    they may never have seen.
    """
    named = select(QueryTableRow.query_id).where(QueryTableRow.resource_id.in_(tables)).distinct()
    for part in chunks(session.scalars(named).all(), 400):
        session.execute(delete(QueryTableRow).where(QueryTableRow.query_id.in_(part)))
        session.execute(delete(ObservedJoinRow).where(ObservedJoinRow.query_id.in_(part)))
        session.execute(delete(EdgeRow).where(EdgeRow.query_id.in_(part)))
        session.execute(delete(FrequentQueryRow).where(FrequentQueryRow.id.in_(part)))


def run_deletes(session: Session, statements: Iterable[Any]) -> dict[str, int]:
    """Run deletes in their order; returns how many rows went of each table, for a receipt."""
    gone: dict[str, int] = {}
    for statement in statements:
        count = int(session.execute(statement).rowcount)  # type: ignore[attr-defined]
        if count:
            gone[statement.table.name] = gone.get(statement.table.name, 0) + count
    return gone
