"""Grants: which teams see which zone, and what follows for the zones below.

Enters: a team and a place (an integration, or one resource in it). Leaves: rows of `zone_teams`, the effective sets.
A grant on a container touches a few rows of zones; a grant on a single table gives that table a zone of its own and
moves that table's rows, nothing else. Keeps law 3 cheap: no grant ever rewrites the catalog.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import delete, func, insert, literal, select, update
from sqlalchemy.orm import Session

from plugin.errors import BadInput, NotFound
from plugin.store import search_index
from plugin.store._context import Context
from plugin.store._models.catalog import (
    DriftRow,
    GrantRow,
    ResourceRow,
    ZoneCountRow,
    ZoneRow,
    ZoneTeamRow,
)
from plugin.store._models.integrations import IntegrationRow
from plugin.store._models.people import TeamRow
from plugin.store._popularity import rank_again
from plugin.store._rows import COLUMN

CONTAINERS = ("database", "schema", "dashboard_group")
"""Kinds that are a zone from the moment they appear."""
GRANTS = 4_471_001
"""Names the advisory locks of PostgreSQL, one for each workspace: shared by syncs, alone for a change of grants."""


def workspace_zone(session: Session, workspace_id: int) -> int:
    """The zone of what people write here (terms, documents): held by General, so every member but guests sees it."""
    found = session.scalar(
        select(ZoneRow.id).where(
            ZoneRow.workspace_id == workspace_id,
            ZoneRow.integration_id.is_(None),
            ZoneRow.resource_id.is_(None),
        )
    )
    if found is not None:
        return found
    zone = _add_zone(session, workspace_id, None, None, None)
    general = session.scalar(
        select(TeamRow.id).where(TeamRow.workspace_id == workspace_id, TeamRow.is_general)
    )
    if general is not None:
        session.execute(insert(GrantRow).values(workspace_id=workspace_id, team_id=general, zone_id=zone))
        recompute(session, workspace_id, None)
    return zone


def integration_zone(session: Session, workspace_id: int, integration_id: int) -> int:
    """The zone of an integration, made at the first call."""
    found = session.scalar(
        select(ZoneRow.id).where(ZoneRow.integration_id == integration_id, ZoneRow.resource_id.is_(None))
    )
    return found or _add_zone(session, workspace_id, integration_id, None, None)


def hold_still(context: Context, *, change: bool) -> None:
    """Until this transaction ends: no sync merges while grants change, and none change while a sync merges.

    Each counts by what the other writes (zones that a merge makes inherit teams, popularity goes by who sees what), and
    PostgreSQL shows neither what the other has not committed. Syncs do not wait for each other. On SQLite there is one
    writer.
    """
    if context.dialect == "postgresql":
        lock = func.pg_advisory_xact_lock if change else func.pg_advisory_xact_lock_shared
        context.session.execute(select(lock(GRANTS, context.workspace_id)))


def grant(context: Context, team_id: int, integration_id: int, resource_id: int | None = None) -> None:
    """Let a team see an integration, or one resource of it with everything below.

    NotFound where the team, integration or resource is not in this workspace; BadInput for a column.
    """
    session, workspace_id = context.session, context.workspace_id
    context.begin_write()
    hold_still(context, change=True)
    _check_team(session, workspace_id, team_id)
    _check_integration(session, workspace_id, integration_id)
    moved: list[int] = []
    if resource_id is None:
        zone = integration_zone(session, workspace_id, integration_id)
    else:
        zone, moved = _zone_of_resource(session, workspace_id, integration_id, resource_id)
    already = session.scalar(select(GrantRow.id).where(GrantRow.team_id == team_id, GrantRow.zone_id == zone))
    if already is None:
        session.execute(insert(GrantRow).values(workspace_id=workspace_id, team_id=team_id, zone_id=zone))
        rank_again(session, workspace_id, recompute(session, workspace_id, integration_id), moved)


def revoke(context: Context, team_id: int, integration_id: int, resource_id: int | None = None) -> bool:
    """Take a grant back; False where there was none. What the team sees through a grant above it stays seen."""
    session, workspace_id = context.session, context.workspace_id
    context.begin_write()
    hold_still(context, change=True)
    zone = session.scalar(
        select(ZoneRow.id).where(
            ZoneRow.workspace_id == workspace_id,
            ZoneRow.integration_id == integration_id,
            ZoneRow.resource_id == resource_id if resource_id is not None else ZoneRow.resource_id.is_(None),
        )
    )
    if zone is None:
        return False
    gone = session.execute(
        delete(GrantRow)
        .where(GrantRow.workspace_id == workspace_id, GrantRow.team_id == team_id, GrantRow.zone_id == zone)
        .returning(GrantRow.id)
    ).all()
    if not gone:
        return False
    moved = _drop_if_idle(session, workspace_id, zone)
    rank_again(session, workspace_id, recompute(session, workspace_id, integration_id), moved)
    return True


def grants_of(context: Context, team_id: int) -> list[tuple[int, int | None]]:
    """What a team was granted: (integration id, resource id or None for the whole integration)."""
    rows = context.session.execute(
        select(ZoneRow.integration_id, ZoneRow.resource_id)
        .join(GrantRow, GrantRow.zone_id == ZoneRow.id)
        .where(
            GrantRow.workspace_id == context.workspace_id,
            GrantRow.team_id == team_id,
            ZoneRow.integration_id.is_not(None),
        )
        .order_by(ZoneRow.integration_id, ZoneRow.id)
    )
    return [(integration, resource) for integration, resource in rows if integration is not None]


def recompute(session: Session, workspace_id: int, integration_id: int | None) -> set[int]:
    """Bring `zone_teams` up to date for one integration's zones (None: the workspace's own zone).

    Returns the zones whose teams are others now.
    """
    of_integration = (
        ZoneRow.integration_id == integration_id
        if integration_id is not None
        else ZoneRow.integration_id.is_(None)
    )
    zones = (
        session.execute(
            select(ZoneRow.id, ZoneRow.parent_id).where(ZoneRow.workspace_id == workspace_id, of_integration)
        )
        .tuples()
        .all()
    )
    granted: dict[int, set[int]] = defaultdict(set)
    for zone, team in session.execute(
        select(GrantRow.zone_id, GrantRow.team_id).where(GrantRow.workspace_id == workspace_id)
    ):
        granted[zone].add(team)
    parents: dict[int, int | None] = dict(zones)
    wanted: set[tuple[int, int]] = set()
    for zone in parents:
        at: int | None = zone
        while at is not None:
            wanted.update((zone, team) for team in granted.get(at, ()))
            at = parents.get(at)
    mine = select(ZoneRow.id).where(ZoneRow.workspace_id == workspace_id, of_integration)
    there = {
        (zone, team)
        for zone, team in session.execute(
            select(ZoneTeamRow.zone_id, ZoneTeamRow.team_id).where(ZoneTeamRow.zone_id.in_(mine))
        )
    }
    for zone, team in there - wanted:
        session.execute(delete(ZoneTeamRow).where(ZoneTeamRow.zone_id == zone, ZoneTeamRow.team_id == team))
    new = [
        {"zone_id": zone, "team_id": team, "workspace_id": workspace_id}
        for zone, team in sorted(wanted - there)
    ]
    if new:
        session.execute(insert(ZoneTeamRow), new)
    return {zone for zone, _team in there ^ wanted}


def recount(session: Session, workspace_id: int, zone_ids: Iterable[int]) -> None:
    """Count again what the zones hold."""
    zones = sorted(set(zone_ids))
    for start in range(0, len(zones), 500):
        part = zones[start : start + 500]
        session.execute(delete(ZoneCountRow).where(ZoneCountRow.zone_id.in_(part)))
        session.execute(
            insert(ZoneCountRow).from_select(
                ["zone_id", "kind", "workspace_id", "resources"],
                select(ResourceRow.zone_id, ResourceRow.kind, literal(workspace_id), func.count())
                .where(ResourceRow.zone_id.in_(part))
                .group_by(ResourceRow.zone_id, ResourceRow.kind),
            )
        )


def descendants(session: Session, resource_id: int) -> list[int]:
    """The resource and everything below it (its columns, its charts, ...), by parent."""
    found, level = [resource_id], [resource_id]
    while level:
        below: list[int] = []
        for start in range(0, len(level), 500):
            part = level[start : start + 500]
            # Two queries, since each kind of child has an index of its own.
            for condition in (ResourceRow.kind == COLUMN, ResourceRow.kind != COLUMN):
                below += session.scalars(
                    select(ResourceRow.id).where(ResourceRow.parent_id.in_(part), condition)
                )
        found += below
        level = below
    return found


def zones_below(context: Context, container_id: int) -> set[int]:
    """The zone of a container and every zone below it, whoever sees them."""
    zones = context.session.execute(
        select(ZoneRow.id, ZoneRow.parent_id, ZoneRow.resource_id).where(
            ZoneRow.workspace_id == context.workspace_id
        )
    ).all()
    below: dict[int | None, list[int]] = defaultdict(list)
    for zone, parent, _resource in zones:
        below[parent].append(zone)
    waiting = [zone for zone, _parent, resource in zones if resource == container_id]
    found = set(waiting)
    while waiting:
        waiting = [zone for above in waiting for zone in below[above] if zone not in found]
        found.update(waiting)
    return found


def _zone_of_resource(
    session: Session, workspace_id: int, integration_id: int, resource_id: int
) -> tuple[int, list[int]]:
    """The zone of its own that a resource has or is given now, and what moved into it."""
    row = session.execute(
        select(ResourceRow.kind, ResourceRow.zone_id).where(
            ResourceRow.id == resource_id,
            ResourceRow.workspace_id == workspace_id,
            ResourceRow.integration_id == integration_id,
        )
    ).one_or_none()
    if row is None:
        raise NotFound("there is no such resource in this integration")
    if row.kind == "column":
        raise BadInput("a column is seen with its table; grant the table", field="resource")
    zone = session.scalar(select(ZoneRow.id).where(ZoneRow.resource_id == resource_id))
    if zone is not None:
        return zone, []
    zone = _add_zone(session, workspace_id, integration_id, resource_id, row.zone_id)
    return zone, _move(session, workspace_id, resource_id, row.zone_id, zone)


def _move(session: Session, workspace_id: int, resource_id: int, old: int, new: int) -> list[int]:
    """Move a resource and what is below it from one zone to another; zones deeper down stay where they are.

    Returns the ids of what moved.
    """
    moved: list[int] = []
    ids = descendants(session, resource_id)
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        moved += session.scalars(
            update(ResourceRow)
            .where(ResourceRow.id.in_(part), ResourceRow.zone_id == old)
            .values(zone_id=new)
            .returning(ResourceRow.id)
        )
        below = (ZoneRow.resource_id.in_(part), ZoneRow.parent_id == old, ZoneRow.id != new)
        session.execute(update(ZoneRow).where(*below).values(parent_id=new))
    recount(session, workspace_id, (old, new))
    search_index.index_changes(session, workspace_id, moved, [])
    return moved


def _drop_if_idle(session: Session, workspace_id: int, zone_id: int) -> list[int]:
    """A single resource whose last grant is gone goes back into the zone above it; returns the ids of what moved."""
    zone = session.get_one(ZoneRow, zone_id)
    if zone.resource_id is None or zone.parent_id is None:
        return []
    kind = session.scalar(select(ResourceRow.kind).where(ResourceRow.id == zone.resource_id))
    if (
        kind in CONTAINERS
        or session.scalar(select(GrantRow.id).where(GrantRow.zone_id == zone_id)) is not None
    ):
        return []
    moved = _move(session, workspace_id, zone.resource_id, zone_id, zone.parent_id)
    session.execute(update(ZoneRow).where(ZoneRow.parent_id == zone_id).values(parent_id=zone.parent_id))
    # Who sees the zone above saw this one too, and goes on being told what changed in it.
    told = (DriftRow.integration_id == zone.integration_id, DriftRow.zone_id == zone_id)
    session.execute(update(DriftRow).where(*told).values(zone_id=zone.parent_id))
    session.execute(delete(ZoneRow).where(ZoneRow.id == zone_id))
    session.expire_all()
    return moved


def _add_zone(
    session: Session,
    workspace_id: int,
    integration_id: int | None,
    resource_id: int | None,
    parent_id: int | None,
) -> int:
    return session.execute(
        insert(ZoneRow)
        .values(
            workspace_id=workspace_id,
            integration_id=integration_id,
            resource_id=resource_id,
            parent_id=parent_id,
        )
        .returning(ZoneRow.id)
    ).scalar_one()


def _check_team(session: Session, workspace_id: int, team_id: int) -> None:
    if (
        session.scalar(select(TeamRow.id).where(TeamRow.id == team_id, TeamRow.workspace_id == workspace_id))
        is None
    ):
        raise NotFound("there is no such team in this workspace")


def _check_integration(session: Session, workspace_id: int, integration_id: int) -> None:
    found = session.scalar(
        select(IntegrationRow.id).where(
            IntegrationRow.id == integration_id, IntegrationRow.workspace_id == workspace_id
        )
    )
    if found is None:
        raise NotFound("there is no such integration in this workspace")
