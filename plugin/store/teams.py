"""The admin's side of teams and groups: who is in them and what teams may see. Every change is audited."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, func, select

from plugin.access.viewer import Role
from plugin.errors import BadInput, NotFound, Refused
from plugin.store._ids import fresh_id
from plugin.store._models.catalog import GrantRow, ResourceRow, ZoneRow
from plugin.store._models.integrations import IntegrationRow
from plugin.store._models.people import (
    AccountRow,
    GroupMemberRow,
    GroupRow,
    MemberRow,
    TeamGroupRow,
    TeamMemberRow,
    TeamRow,
)
from plugin.store._people import clean_name
from plugin.store._roster import Roster
from plugin.store.shapes import Grant, Group, Member, Team


class Teams(Roster):
    """Teams, groups and grants."""

    def teams(self) -> tuple[Team, ...]:
        """Every team, General first. `members` counts people, groups included; in General all but guests are."""
        joined = self._context.member.team_ids
        everyone = self._session.scalar(
            select(func.count())
            .select_from(MemberRow)
            .where(MemberRow.workspace_id == self._workspace_id, MemberRow.role != Role.GUEST.value)
        )
        counts = self._team_sizes()
        rows = self._session.scalars(
            select(TeamRow)
            .where(TeamRow.workspace_id == self._workspace_id)
            .order_by(TeamRow.is_general.desc(), func.lower(TeamRow.name))
        )
        return tuple(
            Team(
                id=row.id,
                name=row.name,
                private=row.private,
                is_general=row.is_general,
                joined=row.id in joined,
                members=(everyone or 0) if row.is_general else len(counts.get(row.id, ())),
            )
            for row in rows
        )

    def add_team(self, name: str, private: bool = False) -> Team:
        """Make a team. Conflict where the name is taken."""
        wanted = clean_name(name, "a team")
        self._context.begin_write()
        self._free_name(TeamRow, wanted, "team")
        row = TeamRow(
            id=fresh_id(self._session, TeamRow.id),
            workspace_id=self._workspace_id,
            name=wanted,
            private=private,
        )
        self._session.add(row)
        self._session.flush()
        self._audit("people.team_add", f"team:{row.id}", private=private)
        return Team(row.id, wanted, private)

    def rename_team(self, team_id: int, name: str) -> None:
        """Rename a team. Conflict where the name is taken."""
        wanted = clean_name(name, "a team")
        self._context.begin_write()
        row = self._team_row(team_id)
        if row.name != wanted:
            self._free_name(TeamRow, wanted, "team", but=row.id)
            row.name = wanted
            self._session.flush()
            self._audit("people.team_rename", f"team:{row.id}")

    def set_private(self, team_id: int, private: bool) -> None:
        """Hide a team from all but its members and admins, or show it. Refused for General."""
        row = self._changeable_team(team_id)
        row.private = private
        self._session.flush()
        self._audit("people.team_private", f"team:{row.id}", private=private)

    def remove_team(self, team_id: int) -> None:
        """Remove a team and its grants. Refused for General."""
        self._context.begin_write()
        row = self._changeable_team(team_id)
        self._session.delete(row)
        self._session.flush()
        self._forget_subject("team", team_id)
        self._audit("people.team_remove", f"team:{team_id}")

    def team_members(self, team_id: int) -> tuple[tuple[Member, bool], ...]:
        """Those put in a team by themselves, each with whether they are lowered there."""
        self._team_row(team_id)
        rows = self._session.execute(
            select(TeamMemberRow.member_id, TeamMemberRow.lowered).where(TeamMemberRow.team_id == team_id)
        )
        lowered = {member_id: low for member_id, low in rows}  # noqa: C416
        return tuple((member, lowered[member.id]) for member in self.members() if member.id in lowered)

    def team_groups(self, team_id: int) -> tuple[tuple[Group, bool], ...]:
        """The groups in a team, each with whether it is lowered there."""
        self._team_row(team_id)
        rows = self._session.execute(
            select(TeamGroupRow.group_id, TeamGroupRow.lowered).where(TeamGroupRow.team_id == team_id)
        )
        lowered = {group_id: low for group_id, low in rows}  # noqa: C416
        return tuple((group, lowered[group.id]) for group in self.groups() if group.id in lowered)

    def add_to_team(
        self, team_id: int, member_id: int | None = None, group_id: int | None = None, lowered: bool = False
    ) -> None:
        """Put a member or a group in a team; `lowered` makes them viewers there. Done again, it changes `lowered`."""
        self._context.begin_write()
        self._changeable_team(team_id)
        row: TeamMemberRow | TeamGroupRow | None
        if (member_id is None) == (group_id is None):
            raise BadInput("give a member or a group")
        if member_id is not None:
            self._member_row(member_id)
            row = self._session.get(TeamMemberRow, (team_id, member_id))
            row = row or TeamMemberRow(team_id=team_id, member_id=member_id, workspace_id=self._workspace_id)
        else:
            assert group_id is not None
            self._group_row(group_id)
            row = self._session.get(TeamGroupRow, (team_id, group_id))
            row = row or TeamGroupRow(team_id=team_id, group_id=group_id, workspace_id=self._workspace_id)
        row.lowered = lowered
        self._session.add(row)
        self._session.flush()
        self._audit("people.team_join", f"team:{team_id}", member=member_id, group=group_id, lowered=lowered)

    def remove_from_team(
        self, team_id: int, member_id: int | None = None, group_id: int | None = None
    ) -> None:
        """Take a member or a group out of a team."""
        self._changeable_team(team_id)
        if (member_id is None) == (group_id is None):
            raise BadInput("give a member or a group")
        statement = (
            delete(TeamMemberRow).where(
                TeamMemberRow.team_id == team_id, TeamMemberRow.member_id == member_id
            )
            if member_id is not None
            else delete(TeamGroupRow).where(
                TeamGroupRow.team_id == team_id, TeamGroupRow.group_id == group_id
            )
        )
        if _rows(self._session.execute(statement)):
            self._audit("people.team_leave", f"team:{team_id}", member=member_id, group=group_id)

    # --- groups ---------------------------------------------------------------------------------------------------

    def groups(self) -> tuple[Group, ...]:
        """Every group with the addresses of its members."""
        people = self._session.execute(
            select(GroupMemberRow.group_id, AccountRow.email)
            .join(MemberRow, MemberRow.id == GroupMemberRow.member_id)
            .join(AccountRow, AccountRow.id == MemberRow.account_id)
            .where(GroupMemberRow.workspace_id == self._workspace_id)
            .order_by(AccountRow.email)
        )
        emails: dict[int, list[str]] = {}
        for group_id, email in people:
            emails.setdefault(group_id, []).append(email)
        rows = self._session.scalars(
            select(GroupRow)
            .where(GroupRow.workspace_id == self._workspace_id)
            .order_by(func.lower(GroupRow.name))
        )
        return tuple(Group(row.id, row.name, tuple(emails.get(row.id, ()))) for row in rows)

    def add_group(self, name: str) -> Group:
        """Make a group. Conflict where the name is taken."""
        wanted = clean_name(name, "a group")
        self._context.begin_write()
        self._free_name(GroupRow, wanted, "group")
        row = GroupRow(workspace_id=self._workspace_id, name=wanted)
        self._session.add(row)
        self._session.flush()
        self._audit("people.group_add", f"group:{row.id}")
        return Group(row.id, wanted)

    def remove_group(self, group_id: int) -> None:
        """Remove a group; its members stay."""
        row = self._group_row(group_id)
        self._session.delete(row)
        self._session.flush()
        self._forget_subject("group", group_id)
        self._audit("people.group_remove", f"group:{group_id}")

    def add_to_group(self, group_id: int, member_id: int) -> None:
        """Put a member in a group."""
        self._context.begin_write()
        self._group_row(group_id)
        self._member_row(member_id)
        if self._session.get(GroupMemberRow, (group_id, member_id)) is None:
            self._session.add(
                GroupMemberRow(group_id=group_id, member_id=member_id, workspace_id=self._workspace_id)
            )
            self._session.flush()
            self._audit("people.group_join", f"group:{group_id}", member=member_id)

    def remove_from_group(self, group_id: int, member_id: int) -> None:
        """Take a member out of a group."""
        self._group_row(group_id)
        statement = delete(GroupMemberRow).where(
            GroupMemberRow.group_id == group_id, GroupMemberRow.member_id == member_id
        )
        if _rows(self._session.execute(statement)):
            self._audit("people.group_leave", f"group:{group_id}", member=member_id)

    # --- grants ---------------------------------------------------------------------------------------------------

    def grants(self, team_id: int) -> tuple[Grant, ...]:
        """What a team was given, inherited things not listed."""
        from plugin.store import zones

        self._team_row(team_id)
        given = zones.grants_of(self._context, team_id)
        integrations = self._context.session.execute(
            select(IntegrationRow.id, IntegrationRow.name).where(
                IntegrationRow.workspace_id == self._workspace_id
            )
        )
        names = {integration_id: name for integration_id, name in integrations}  # noqa: C416
        resources = self._session.execute(
            select(ResourceRow.id, ResourceRow.qualified_name).where(
                ResourceRow.workspace_id == self._workspace_id,
                ResourceRow.id.in_([resource for _integration, resource in given if resource is not None]),
            )
        )
        qualified = {resource_id: name for resource_id, name in resources}  # noqa: C416
        return tuple(
            Grant(integration, names.get(integration, ""), resource, qualified.get(resource or 0))
            for integration, resource in given
        )

    def grants_in(self, integration_id: int) -> dict[int, list[Grant]]:
        """What each team was given of one integration, by team id: one read, however many teams there are."""
        rows = self._session.execute(
            select(
                GrantRow.team_id,
                IntegrationRow.name,
                ZoneRow.resource_id,
                ResourceRow.qualified_name,
            )
            .join(ZoneRow, ZoneRow.id == GrantRow.zone_id)
            .join(IntegrationRow, IntegrationRow.id == ZoneRow.integration_id)
            .outerjoin(
                ResourceRow,
                (ResourceRow.id == ZoneRow.resource_id) & (ResourceRow.workspace_id == self._workspace_id),
            )
            .where(
                GrantRow.workspace_id == self._workspace_id,
                ZoneRow.integration_id == integration_id,
                IntegrationRow.workspace_id == self._workspace_id,
            )
            .order_by(ZoneRow.id)
        )
        found: dict[int, list[Grant]] = {}
        for team_id, name, resource_id, qualified in rows:
            found.setdefault(team_id, []).append(Grant(integration_id, name, resource_id, qualified))
        return found

    def grant(self, team_id: int, integration_id: int, resource_id: int | None = None) -> None:
        """Let a team see an integration, or one resource of it with everything below."""
        from plugin.store import zones

        zones.grant(self._context, team_id, integration_id, resource_id)
        self._audit("people.grant", f"team:{team_id}", integration=integration_id, resource=resource_id)

    def revoke(self, team_id: int, integration_id: int, resource_id: int | None = None) -> None:
        """Take a grant back. What the team sees through a grant above it stays seen."""
        from plugin.store import zones

        if zones.revoke(self._context, team_id, integration_id, resource_id):
            self._audit("people.revoke", f"team:{team_id}", integration=integration_id, resource=resource_id)

    # --- inside ---------------------------------------------------------------------------------------------------

    def _changeable_team(self, team_id: int) -> TeamRow:
        row = self._team_row(team_id)
        if row.is_general:
            raise Refused("General is everybody but guests; it cannot be changed", rule="team.general")
        return row

    def _team_id(self, team: str | int) -> int:
        for row in self.teams():
            if team == row.id or (isinstance(team, str) and team.casefold() == row.name.casefold()):
                return row.id
        raise NotFound(f"no team {team!r}")

    def _team_sizes(self) -> dict[int, set[int]]:
        sizes: dict[int, set[int]] = {}
        direct = self._session.execute(
            select(TeamMemberRow.team_id, TeamMemberRow.member_id).where(
                TeamMemberRow.workspace_id == self._workspace_id
            )
        )
        grouped = self._session.execute(
            select(TeamGroupRow.team_id, GroupMemberRow.member_id)
            .join(GroupMemberRow, GroupMemberRow.group_id == TeamGroupRow.group_id)
            .where(TeamGroupRow.workspace_id == self._workspace_id)
        )
        for team_id, member_id in [*direct, *grouped]:
            sizes.setdefault(team_id, set()).add(member_id)
        return sizes


def _rows(result: Any) -> int:
    return int(result.rowcount)
