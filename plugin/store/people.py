"""The admin's side of people: members, invitations, teams, groups, grants. Every change is audited."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update

from plugin.access.viewer import Role
from plugin.errors import BadInput, Conflict, NotFound, Refused
from plugin.store._engine import see_account
from plugin.store._models.base import now
from plugin.store._models.catalog import OwnerRow, ProposalRow
from plugin.store._models.history import ShareRow
from plugin.store._models.integrations import QueryPermissionRow
from plugin.store._models.people import (
    AccountRow,
    InvitationRow,
    MemberRow,
    SessionRow,
    TeamRow,
    TokenRow,
)
from plugin.store._people import clean_email, clean_name, hash_password, hash_secret, new_secret
from plugin.store.monitoring_told import tell_newcomer
from plugin.store.personal import erase_history, export_history, forget_account
from plugin.store.shapes import Erased, Invitation, Member
from plugin.store.teams import Teams

INVITATION_DAYS = 7


class People(Teams):
    """Who is in the workspace and what they may see."""

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
        tell_newcomer(self._session, self._workspace_id, row.id)
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

    def remove(self, member_id: int) -> Erased:
        """Remove a member with all that is theirs here: history, tokens, memberships. Refused for the last admin.

        Their account stays where another workspace has it too, and goes otherwise. Returns what was deleted.
        """
        self._context.begin_write()
        row = self._member_row(member_id)
        self._keep_an_admin(row)
        account_id = row.account_id
        gone = dict(erase_history(self._context, row.id).what)
        tokens = self._session.execute(delete(TokenRow).where(TokenRow.member_id == row.id))
        gone["tokens"] = _rows(tokens)
        self._session.execute(
            delete(SessionRow).where(
                SessionRow.account_id == account_id, SessionRow.workspace_id == self._workspace_id
            )
        )
        for table in (ProposalRow, OwnerRow):
            # What they proposed and own stays in the catalog under the name it has there, no longer tied to a member.
            self._session.execute(
                update(table)
                .where(table.workspace_id == self._workspace_id, table.member_id == row.id)
                .values(member_id=None)
            )
        for given in (ShareRow, QueryPermissionRow):
            self._session.execute(
                delete(given).where(
                    given.workspace_id == self._workspace_id,
                    given.subject == "member",
                    given.subject_id == row.id,
                )
            )
        self._session.delete(row)
        self._session.flush()
        gone["members"], gone["accounts"] = 1, forget_account(self._context, account_id)
        self._context.forget_after()
        self._audit("people.remove", f"member:{member_id}", deleted=gone)
        return Erased(now(), gone)

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

    # --- invitations ----------------------------------------------------------------------------------------------

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

    # --- inside ---------------------------------------------------------------------------------------------------

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
