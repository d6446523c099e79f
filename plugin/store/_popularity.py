"""What counts for the popularity of a table: only what everybody who sees the table sees, too.

Enters: a workspace, and one integration of it or some tables. Leaves: signals per table. A number that everybody who
sees a table reads must not tell of views, keys and queries that some of them do not see (law 3), so a reader counts
where every team that sees the table sees the reader: the sets of teams are few, and compared here, zone by zone.

A kept score may be too low, never too high, for those who read it. What may lower it is brought up to date in the
transaction that does it: a team that comes to see the table, a team that no longer sees the reader (`rank_again`), a
reader of the same integration that goes (a sync). A reader of another integration that goes was seen by all who read
the score; it counts until the table's own integration ranks next. What may only raise a score can wait for that, too:
a team is removed, an edge is drawn. A grant looks only at tables with a neighbour on the other side of what it
changed: a table and its reader that both became visible to a team, or both did not, compare as they did before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, and_, func, literal_column, or_, select, update
from sqlalchemy.orm import Session, aliased

from plugin.catalog.popularity import score
from plugin.store._models.catalog import (
    EdgeRow,
    FrequentQueryRow,
    KeyRow,
    QueryTableRow,
    ResourceRow,
    ZoneRow,
    ZoneTeamRow,
)
from plugin.store._rows import LOGGED, chunks

RANKED = (
    "table",
    "view",
    "materialized_view",
    "foreign_table",
    "partitioned_table",
    "external_table",
    "model",
)
"""Kinds whose popularity is counted; of the rest the source may tell one."""
NEAR = 0.00005
"""Scores are kept with four places."""


@dataclass(slots=True)
class Signals:
    """How a table is used: how many things read it, how many foreign keys point at it, how often it was queried."""

    downstream: int = 0
    references: int = 0
    runs: int = 0
    users: int = 0


def signals(session: Session, workspace_id: int, integration_id: int) -> dict[int, Signals]:
    """How each table of an integration is used, as far as everybody who sees the table sees it.

    Only of what is used at all. Keys and queries are those of the integration, edges those of all.
    """
    return _counted(
        session,
        session.execute(_read_by(workspace_id).where(_table.integration_id == integration_id)).all(),
        session.execute(_referred_by(workspace_id).where(KeyRow.integration_id == integration_id)).all(),
        session.execute(
            _queried(workspace_id).where(FrequentQueryRow.integration_id == integration_id)
        ).all(),
    )


def signals_of(session: Session, workspace_id: int, tables: Collection[int]) -> dict[int, Signals]:
    """The same for these tables, whatever their integration; each of them has signals."""
    readers: list[Row[Any]] = []
    keys: list[Row[Any]] = []
    queries: dict[tuple[int, int], Row[Any]] = {}
    for part in chunks(sorted(tables)):
        readers += session.execute(_read_by(workspace_id).where(EdgeRow.upstream_id.in_(part)))
        keys += session.execute(_referred_by(workspace_id).where(KeyRow.ref_id.in_(part)))
        touching = select(QueryTableRow.query_id).where(QueryTableRow.resource_id.in_(part))
        for row in session.execute(_queried(workspace_id).where(FrequentQueryRow.id.in_(touching))):
            queries[row[0], row[1]] = row
    found = _counted(session, readers, keys, queries.values())
    return {id_: found.get(id_, Signals()) for id_ in tables}


_table, _reader = aliased(ResourceRow), aliased(ResourceRow)


def _read_by(workspace_id: int) -> Select[Any]:
    named, other = aliased(QueryTableRow), aliased(ResourceRow)
    # What only a statement told that names something elsewhere is not known to everybody who sees both ends.
    apart = (
        select(named.query_id)
        .join(other, other.id == named.resource_id)
        .where(
            named.query_id == EdgeRow.query_id,
            other.zone_id.not_in((_table.zone_id, _reader.zone_id)),
        )
        .correlate(EdgeRow, _table, _reader)
        .exists()
    )
    return (
        select(_table.id, _table.zone_id, _reader.zone_id, func.count(_reader.id.distinct()))
        .select_from(EdgeRow)
        .join(_table, _table.id == EdgeRow.upstream_id)
        .join(_reader, _reader.id == EdgeRow.downstream_id)
        .where(
            EdgeRow.workspace_id == workspace_id,
            EdgeRow.kind == "table",
            or_(EdgeRow.source != LOGGED, and_(EdgeRow.query_id.is_not(None), ~apart)),
        )
        .group_by(_table.id, _table.zone_id, _reader.zone_id)
    )


def _referred_by(workspace_id: int) -> Select[Any]:
    return (
        select(_table.id, _table.zone_id, _reader.zone_id, func.count(_reader.id.distinct()))
        .select_from(KeyRow)
        .join(_table, _table.id == KeyRow.ref_id)
        .join(_reader, _reader.id == KeyRow.table_id)
        .where(KeyRow.workspace_id == workspace_id)
        .group_by(_table.id, _table.zone_id, _reader.zone_id)
    )


def _queried(workspace_id: int) -> Select[Any]:
    return (
        select(
            QueryTableRow.query_id, _table.id, _table.zone_id, FrequentQueryRow.runs, FrequentQueryRow.users
        )
        .select_from(QueryTableRow)
        .join(FrequentQueryRow, FrequentQueryRow.id == QueryTableRow.query_id)
        .join(_table, _table.id == QueryTableRow.resource_id)
        .where(FrequentQueryRow.workspace_id == workspace_id)
    )


def _counted(
    session: Session,
    readers: Iterable[Row[Any]],
    keys: Iterable[Row[Any]],
    queries: Iterable[Row[Any]],
) -> dict[int, Signals]:
    readers, keys, queries = list(readers), list(keys), list(queries)
    zones = {zone for row in (*readers, *keys) for zone in (row[1], row[2])} | {row[2] for row in queries}
    seen_by = _Teams(session, zones)
    found: dict[int, Signals] = defaultdict(Signals)
    for id_, zone, other, count in readers:
        found[id_].downstream += count if seen_by.all_of(zone, other) else 0
    for id_, zone, other, count in keys:
        found[id_].references += count if seen_by.all_of(zone, other) else 0
    of_query: dict[int, list[tuple[int, int, int, int]]] = defaultdict(list)
    for query, id_, zone, runs, users in queries:
        of_query[query].append((id_, zone, int(runs), int(users or 0)))
    for tables in of_query.values():
        near = {zone for _id, zone, _runs, _users in tables}
        for id_, zone, runs, users in tables:
            counted = found[id_]
            if all(seen_by.all_of(zone, other) for other in near):
                counted.runs, counted.users = counted.runs + runs, max(counted.users, users)
    return found


class _Teams:
    """Which teams see which of some zones."""

    def __init__(self, session: Session, zones: Collection[int]) -> None:
        self._teams: dict[int, set[int]] = defaultdict(set)
        self._known: dict[tuple[int, int], bool] = {}
        for part in chunks(sorted(zones)):
            for zone, team in session.execute(
                select(ZoneTeamRow.zone_id, ZoneTeamRow.team_id).where(ZoneTeamRow.zone_id.in_(part))
            ):
                self._teams[zone].add(team)

    def all_of(self, zone: int, other: int) -> bool:
        """Does every team that sees a zone see the other one, too?"""
        if zone == other:
            return True
        found = self._known.get((zone, other))
        if found is None:
            found = self._known[zone, other] = self._teams.get(zone, set()) <= self._teams.get(other, set())
        return found


def rank_again(
    session: Session, workspace_id: int, zones: Collection[int], moved: Collection[int] = ()
) -> None:
    """Bring popularity up to date after a grant or a revoke of one team.

    `zones`: those whose teams are others now. `moved`: ids of what went into another zone. Only tables with a neighbour
    on the other side are counted again, and only rows that differ are written.
    """
    if not moved:
        # Either side of the line will do: the smaller one is read.
        rest = set(session.scalars(select(ZoneRow.id).where(ZoneRow.workspace_id == workspace_id))) - set(
            zones
        )
        zones = min(zones, rest, key=len)
    tables = _beside(session, workspace_id, set(zones), set(moved))
    if tables:
        counted = signals_of(session, workspace_id, tables)
        write(session, {id_: score(each) for id_, each in counted.items()})


def _beside(session: Session, workspace_id: int, zones: set[int], moved: set[int]) -> set[int]:
    """Tables of which a reader, a key or a query is inside what changed while the table is outside, or the reverse."""
    mine, other = aliased(QueryTableRow), aliased(QueryTableRow)
    pairs = (
        select(_table.id, _table.zone_id, _reader.id, _reader.zone_id)
        .select_from(EdgeRow)
        .join(_table, _table.id == EdgeRow.upstream_id)
        .join(_reader, _reader.id == EdgeRow.downstream_id)
        .where(EdgeRow.workspace_id == workspace_id, EdgeRow.kind == "table"),
        select(_table.id, _table.zone_id, _reader.id, _reader.zone_id)
        .select_from(KeyRow)
        .join(_table, _table.id == KeyRow.ref_id)
        .join(_reader, _reader.id == KeyRow.table_id)
        .where(KeyRow.workspace_id == workspace_id),
        select(_table.id, _table.zone_id, _reader.id, _reader.zone_id)
        .select_from(mine)
        .join(other, other.query_id == mine.query_id)
        .join(_table, _table.id == mine.resource_id)
        .join(_reader, _reader.id == other.resource_id)
        .where(mine.workspace_id == workspace_id),
    )
    apart = _table.zone_id != _reader.zone_id
    inside = [
        and_(side.zone_id.in_(part), kinds, apart)
        for side, kinds in (
            (_table, _table.kind.in_(RANKED)),
            (_reader, _reader.kind != literal_column("'column'")),
        )
        for part in chunks(sorted(zones))
    ]
    # What moved may be in one zone now with what was in another.
    inside += [side.id.in_(part) for side in (_table, _reader) for part in chunks(sorted(moved))]
    found: set[int] = set()
    for condition in inside:
        for each in pairs:
            for id_, zone, near, near_zone in session.execute(each.where(condition)):
                if (zone in zones or id_ in moved) != (near_zone in zones or near in moved):
                    found.add(id_)
    return found


def write(session: Session, wanted: dict[int, float]) -> Collection[int]:
    """Keep these scores; returns the ids of the tables whose score is another now."""
    changed = []
    for part in chunks(sorted(wanted)):
        rows = session.execute(
            select(ResourceRow.id, ResourceRow.popularity).where(
                ResourceRow.id.in_(part), ResourceRow.kind.in_(RANKED)
            )
        )
        changed += [
            {"id": id_, "popularity": round(wanted[id_], 4)}
            for id_, there in rows
            if abs(there - wanted[id_]) > NEAR
        ]
    if changed:
        session.execute(update(ResourceRow), changed)
    return [int(row["id"]) for row in changed]
