"""Who is in a workspace, and the rows that the admin's doors on people look up."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, func, select

from plugin.access.viewer import Role
from plugin.errors import Conflict, NotFound
from plugin.store._context import Context
from plugin.store._models.people import (
    AccountRow,
    GroupMemberRow,
    GroupRow,
    MemberRow,
    TeamMemberRow,
    TeamRow,
)
from plugin.store.shapes import Member


class Roster:
    """Members with their teams and groups, and what teams, groups and members have in common."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._session = context.session
        self._workspace_id = context.workspace_id

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

    def _group_row(self, group_id: int) -> GroupRow:
        row = self._session.scalar(
            select(GroupRow).where(GroupRow.id == group_id, GroupRow.workspace_id == self._workspace_id)
        )
        if row is None:
            raise NotFound("no such group")
        return row

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
