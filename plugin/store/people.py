"""The admin's side of people: members, invitations, teams, groups, grants. Every change is audited."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update

from plugin.access.viewer import Role
from plugin.errors import BadInput, Conflict, NotFound, Refused
from plugin.store._context import Context
from plugin.store._engine import see_account
from plugin.store._models.base import now
from plugin.store._models.catalog import ResourceRow
from plugin.store._models.integrations import IntegrationRow
from plugin.store._models.people import (
    AccountRow,
    GroupMemberRow,
    GroupRow,
    InvitationRow,
    MemberRow,
    SessionRow,
    TeamGroupRow,
    TeamMemberRow,
    TeamRow,
    TokenRow,
)
from plugin.store._people import clean_email, clean_name, hash_password, hash_secret, new_secret
from plugin.store.personal import erase_history, export_history
from plugin.store.shapes import Erased, Grant, Group, Invitation, Member, Team

INVITATION_DAYS = 7


class People:
    """Who is in the workspace and what they may see."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._session = context.session
        self._workspace_id = context.workspace_id

    # --- members ------------------------------------------------------------------------------------------------

    def members(self, text: str | None = None) -> tuple[Member, ...]:
        """Every member by name, disabled ones included; `text` narrows by name or address."""
        query = (
            select(MemberRow, AccountRow.email, AccountRow.name)
            .join(AccountRow, AccountRow.id == MemberRow.account_id)
            .where(MemberRow.workspace_id == self._workspace_id)
            .order_by(func.lower(AccountRow.name), AccountRow.email)
        )
        if text and text.strip():
            wanted = f"%{text.strip().lower()}%"
            query = query.where(func.lower(AccountRow.name).like(wanted) | AccountRow.email.like(wanted))
        teams = self._names(TeamMemberRow, TeamRow, TeamMemberRow.team_id)
        groups = self._names(GroupMemberRow, GroupRow, GroupMemberRow.group_id)
        return tuple(
            Member(
                id=row.id,
                email=email,
                name=name or email.split("@")[0],
                role=Role(row.role),
                state=row.state,
                teams=tuple(teams.get(row.id, ())),
                groups=tuple(groups.get(row.id, ())),
                last_seen=row.last_seen,
            )
            for row, email, name in self._session.execute(query)
        )

    def member(self, member_id: int) -> Member:
        """One member. NotFound where there is none."""
        for member in self.members():
            if member.id == member_id:
                return member
        raise NotFound("no such member")

    def add_member(self, email: str, role: Role | str, name: str = "", password: str | None = None) -> Member:
        """Add a member at once. An account that exists keeps its name and password.

        BadInput for a bad address, role or password, or a new account without a password; Conflict for a member.
        """
        address, wanted = clean_email(email), _role(role)
        self._context.begin_write()
        account = self._session.scalar(select(AccountRow).where(AccountRow.email == address))
        if account is None:
            if password is None:
                raise BadInput("a new account needs a password; or invite them instead", field="password")
            account = AccountRow(
                email=address, name=clean_name(name, "a person", limit=200) if name.strip() else ""
            )
            account.password_hash = hash_password(password)
            self._session.add(account)
            self._session.flush()
        known = select(MemberRow.id).where(
            MemberRow.workspace_id == self._workspace_id, MemberRow.account_id == account.id
        )
        if self._session.scalar(known) is not None:
            raise Conflict(f"{address} is a member already", field="email")
        row = MemberRow(workspace_id=self._workspace_id, account_id=account.id, role=wanted.value)
        self._session.add(row)
        self._session.flush()
        self._audit("people.member_add", f"member:{row.id}", role=wanted.value)
        return self.member(row.id)

    def set_role(self, member_id: int, role: Role | str) -> Member:
        """Change a member's role. Refused where the workspace would be left without an active admin."""
        wanted = _role(role)
        self._context.begin_write()
        row = self._member_row(member_id)
        if wanted is not Role.ADMIN:
            self._keep_an_admin(row)
        before, row.role = row.role, wanted.value
        self._session.flush()
        self._audit("people.role", f"member:{row.id}", before=before, after=wanted.value)
        return self.member(member_id)

    def disable(self, member_id: int) -> None:
        """Shut a member out from their next request on. Refused for the last active admin."""
        self._context.begin_write()
        row = self._member_row(member_id)
        self._keep_an_admin(row)
        row.state = "disabled"
        self._session.flush()
        self._audit("people.disable", f"member:{row.id}")

    def enable(self, member_id: int) -> None:
        """Let a disabled member in again."""
        row = self._member_row(member_id)
        row.state = "active"
        self._session.flush()
        self._audit("people.enable", f"member:{row.id}")

    def remove(self, member_id: int) -> None:
        """Remove a member with all that is theirs here: history, tokens, memberships. Refused for the last admin."""
        self._context.begin_write()
        row = self._member_row(member_id)
        self._keep_an_admin(row)
        account_id = row.account_id
        self._session.execute(delete(TokenRow).where(TokenRow.member_id == row.id))
        self._session.execute(
            delete(SessionRow).where(
                SessionRow.account_id == account_id, SessionRow.workspace_id == self._workspace_id
            )
        )
        self._session.delete(row)
        self._session.flush()
        self._context.scrub_after()
        self._audit("people.remove", f"member:{member_id}")

    def export_member(self, member_id: int) -> dict[str, Any]:
        """All that is a disabled member's, for handing it over. Refused while they are active: it is theirs to ask."""
        row = self._member_row(member_id)
        if row.state == "active":
            raise Refused(
                "only they can export what is theirs; disable the member first", rule="personal.active"
            )
        self._audit("people.export", f"member:{row.id}")
        return export_history(self._context, row.id)

    def erase_member(self, member_id: int) -> Erased:
        """Delete all that a disabled member's history holds, for good. Refused while they are active."""
        row = self._member_row(member_id)
        if row.state == "active":
            raise Refused(
                "only they can erase what is theirs; disable the member first", rule="personal.active"
            )
        return erase_history(self._context, row.id)

    def set_password(self, member_id: int, password: str) -> None:
        """Give a member a new password and end their sessions.

        Refused where their account is in other workspaces too: it is not this admin's alone.
        """
        row = self._member_row(member_id)
        see_account(self._session, row.account_id)
        others = self._session.scalar(
            select(func.count()).select_from(MemberRow).where(MemberRow.account_id == row.account_id)
        )
        if (others or 0) > 1:
            raise Refused(
                "this account is in other workspaces too; only they can change its password", rule="account"
            )
        self._session.execute(
            update(AccountRow)
            .where(AccountRow.id == row.account_id)
            .values(password_hash=hash_password(password))
        )
        self._session.execute(delete(SessionRow).where(SessionRow.account_id == row.account_id))
        self._audit("people.password", f"member:{row.id}")

    # --- invitations --------------------------------------------------------------------------------------------

    def invite(
        self, email: str, role: Role | str, teams: Sequence[str | int] = (), *, days: int = INVITATION_DAYS
    ) -> tuple[Invitation, str]:
        """Invite somebody by link; returns the invitation and the link's secret, which is shown this once.

        `teams` are names or ids. An earlier invitation of the same address is void. Conflict for a member.
        """
        address, wanted = clean_email(email), _role(role)
        if not 1 <= days <= 90:
            raise BadInput("an invitation is good for 1 to 90 days", field="days")
        self._context.begin_write()
        for member in self.members():
            if member.email == address:
                raise Conflict(f"{address} is a member already", field="email")
        team_ids = [self._team_id(team) for team in teams]
        self._session.execute(
            delete(InvitationRow).where(
                InvitationRow.workspace_id == self._workspace_id, InvitationRow.email == address
            )
        )
        secret = new_secret()
        row = InvitationRow(
            workspace_id=self._workspace_id,
            email=address,
            role=wanted.value,
            team_ids=team_ids,
            secret_hash=hash_secret(secret),
            invited_by=self._context.member.id,
            expires=now() + timedelta(days=days),
        )
        self._session.add(row)
        self._session.flush()
        self._audit("people.invite", f"invitation:{row.id}", role=wanted.value)
        return self._invitation(row), secret

    def invitations(self) -> tuple[Invitation, ...]:
        """Invitations that wait."""
        rows = self._session.scalars(
            select(InvitationRow)
            .where(InvitationRow.workspace_id == self._workspace_id, InvitationRow.expires > now())
            .order_by(InvitationRow.id)
        )
        return tuple(self._invitation(row) for row in rows)

    def withdraw_invitation(self, invitation_id: int) -> None:
        """Void an invitation. NotFound where there is none."""
        gone = self._session.execute(
            delete(InvitationRow).where(
                InvitationRow.id == invitation_id, InvitationRow.workspace_id == self._workspace_id
            )
        )
        if not _rows(gone):
            raise NotFound("no such invitation")
        self._audit("people.invite_withdraw", f"invitation:{invitation_id}")

    # --- teams --------------------------------------------------------------------------------------------------

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
        row = TeamRow(workspace_id=self._workspace_id, name=wanted, private=private)
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

    # --- groups -------------------------------------------------------------------------------------------------

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

    # --- grants -------------------------------------------------------------------------------------------------

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

    # --- inside -------------------------------------------------------------------------------------------------

    def _audit(self, action: str, target: str, **detail: Any) -> None:
        kept = {key: value for key, value in detail.items() if value is not None}
        self._context.audit(action, "done", target=target, detail=kept)

    def _member_row(self, member_id: int) -> MemberRow:
        row = self._session.scalar(
            select(MemberRow).where(MemberRow.id == member_id, MemberRow.workspace_id == self._workspace_id)
        )
        if row is None:
            raise NotFound("no such member")
        return row

    def _team_row(self, team_id: int) -> TeamRow:
        row = self._session.scalar(
            select(TeamRow).where(TeamRow.id == team_id, TeamRow.workspace_id == self._workspace_id)
        )
        if row is None:
            raise NotFound("no such team")
        return row

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

    def _group_row(self, group_id: int) -> GroupRow:
        row = self._session.scalar(
            select(GroupRow).where(GroupRow.id == group_id, GroupRow.workspace_id == self._workspace_id)
        )
        if row is None:
            raise NotFound("no such group")
        return row

    def _keep_an_admin(self, row: MemberRow) -> None:
        others = self._session.scalar(
            select(func.count())
            .select_from(MemberRow)
            .where(
                MemberRow.workspace_id == self._workspace_id,
                MemberRow.role == Role.ADMIN.value,
                MemberRow.state == "active",
                MemberRow.id != row.id,
            )
        )
        if row.role == Role.ADMIN.value and row.state == "active" and not others:
            raise Refused(
                "a workspace needs an active admin; make somebody else one first", rule="people.last_admin"
            )

    def _free_name(self, table: type[TeamRow] | type[GroupRow], name: str, what: str, but: int = 0) -> None:
        taken = self._session.scalar(
            select(table.id).where(
                table.workspace_id == self._workspace_id,
                func.lower(table.name) == name.lower(),
                table.id != but,
            )
        )
        if taken is not None:
            raise Conflict(f"there is a {what} {name} already", field="name")

    def _forget_subject(self, subject: str, subject_id: int) -> None:
        from plugin.store._models.history import ShareRow
        from plugin.store._models.integrations import QueryPermissionRow

        for table in (QueryPermissionRow, ShareRow):
            self._session.execute(
                delete(table).where(
                    table.workspace_id == self._workspace_id,
                    table.subject == subject,
                    table.subject_id == subject_id,
                )
            )

    def _names(self, link: Any, named: Any, named_id: Any) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        rows = self._session.execute(
            select(link.member_id, named.name)
            .join(named, named.id == named_id)
            .where(link.workspace_id == self._workspace_id)
            .order_by(named.name)
        )
        for member_id, name in rows:
            found.setdefault(member_id, []).append(name)
        return found

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

    def _invitation(self, row: InvitationRow) -> Invitation:
        names: Iterable[str] = self._session.scalars(
            select(TeamRow.name).where(
                TeamRow.workspace_id == self._workspace_id, TeamRow.id.in_(row.team_ids or [0])
            )
        )
        expires: datetime = row.expires
        return Invitation(row.id, row.email, Role(row.role), tuple(sorted(names)), expires)


def _role(role: Role | str) -> Role:
    try:
        return Role(str(role).lower())
    except ValueError:
        raise BadInput(f"a role is one of {', '.join(each.value for each in Role)}", field="role") from None


def _rows(result: Any) -> int:
    return int(result.rowcount)
