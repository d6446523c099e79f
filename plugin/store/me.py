"""A member's own things: profile, teams, password, tokens, sessions, and what they may run SQL on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import bindparam, delete, func, or_, select, update

from plugin.access.viewer import Role
from plugin.errors import BadInput, Conflict, NotFound, Refused
from plugin.store._context import Context
from plugin.store._engine import see_account
from plugin.store._ids import fresh_id
from plugin.store._models.base import now
from plugin.store._models.integrations import IntegrationRow, QueryPermissionRow
from plugin.store._models.people import (
    AccountRow,
    GroupRow,
    MemberRow,
    SessionRow,
    TeamMemberRow,
    TeamRow,
    TokenRow,
    WorkspaceRow,
)
from plugin.store._people import (
    TOKEN_PREFIX,
    clean_name,
    hash_password,
    hash_secret,
    new_secret,
    password_matches,
)
from plugin.store.break_glass import readings_of_me
from plugin.store.integrations import integration_shape
from plugin.store.notices import Notices
from plugin.store.shapes import Integration, Member, Reading, SessionInfo, Team, Token, Workspace

SCOPES = ("read", "ask", "query", "admin")
TOKEN_DAYS = 366
_workspaces, _members = WorkspaceRow.__table__, MemberRow.__table__
MINE = (
    select(_workspaces.c.id, _workspaces.c.slug, _workspaces.c.name)
    .join(_members, _members.c.workspace_id == _workspaces.c.id)
    .where(_members.c.account_id == bindparam("account"), _members.c.state == "active")
    .order_by(func.lower(_workspaces.c.name))
)
"""The workspaces of an account; every page asks, and to put this together takes longer than to run it."""


class Me:
    """What belongs to the asking member."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._session = context.session
        self._workspace_id = context.workspace_id
        self._member = context.member

    # --- profile and teams --------------------------------------------------------------------------------------

    def profile(self) -> Member:
        """Who I am here."""
        row = self._session.get_one(MemberRow, self._member.id)
        names = {team.id: team.name for team in self.teams()}
        groups = self._session.scalars(
            select(GroupRow.name).where(GroupRow.id.in_(self._member.group_ids)).order_by(GroupRow.name)
        )
        return Member(
            id=self._member.id,
            email=self._member.email,
            name=self._member.name,
            role=self._member.role,
            state=row.state,
            teams=tuple(sorted(names[team] for team in self._member.team_ids if team in names)),
            groups=tuple(groups),
            last_seen=row.last_seen,
        )

    def rename(self, name: str) -> None:
        """Change my display name."""
        self._session.execute(
            update(AccountRow)
            .where(AccountRow.id == self._member.account_id)
            .values(name=clean_name(name, "a person", limit=200))
        )

    def teams(self) -> tuple[Team, ...]:
        """Teams I am in and, unless I am a guest, public ones that I could join. Admins see all."""
        seen: Any = TeamRow.id.in_(self._member.team_ids)
        if self._member.role is not Role.GUEST:
            seen = or_(seen, ~TeamRow.private)
        if self._member.role is Role.ADMIN:
            seen = TeamRow.id.is_not(None)
        rows = self._session.scalars(
            select(TeamRow)
            .where(TeamRow.workspace_id == self._workspace_id, seen)
            .order_by(TeamRow.is_general.desc(), func.lower(TeamRow.name))
        )
        return tuple(
            Team(row.id, row.name, row.private, row.is_general, joined=row.id in self._member.team_ids)
            for row in rows
        )

    def join(self, team_id: int) -> None:
        """Join a public team. NotFound where it is private or not there; Refused for guests."""
        if self._member.role is Role.GUEST:
            raise Refused("guests are put into teams by an admin", rule="team.guest", who="an admin")
        self._context.begin_write()
        row = self._session.scalar(
            select(TeamRow).where(
                TeamRow.id == team_id,
                TeamRow.workspace_id == self._workspace_id,
                or_(~TeamRow.private, TeamRow.id.in_(self._member.team_ids)),
            )
        )
        if row is None:
            raise NotFound("no such team")
        if row.id not in self._member.team_ids:
            self._session.add(
                TeamMemberRow(team_id=team_id, member_id=self._member.id, workspace_id=self._workspace_id)
            )
            self._session.flush()
            self._context.audit("me.team_join", "done", target=f"team:{team_id}")

    def leave(self, team_id: int) -> None:
        """Leave a team that I was put in or joined myself; a group's membership stays. NotFound otherwise.

        Refused where I am lowered there: leaving and joining again would undo it.
        """
        row = self._session.get(TeamMemberRow, (team_id, self._member.id))
        if row is None:
            raise NotFound("no such team")
        if row.lowered:
            raise Refused(
                "an admin lowered you in this team; only an admin can take you out", rule="team.lowered"
            )
        self._session.delete(row)
        self._session.flush()
        self._context.audit("me.team_leave", "done", target=f"team:{team_id}")

    def workspaces(self) -> tuple[Workspace, ...]:
        """Every workspace that my account is an active member of."""
        see_account(self._session, self._member.account_id)
        rows = self._session.connection().execute(MINE, {"account": self._member.account_id})
        return tuple(Workspace(*row) for row in rows)

    # --- password, sessions, tokens -----------------------------------------------------------------------------

    def change_password(self, old: str, new: str, *, keep: str | None = None) -> None:
        """Change my password and end my sessions, but for the one whose secret is `keep`.

        Refused where the old one is wrong, BadInput where the new one is too weak.
        """
        row = self._session.get_one(AccountRow, self._member.account_id)
        if not password_matches(row.password_hash, old):
            raise Refused("that is not your present password", rule="sign_in.password")
        if old == new:
            raise BadInput("the new password is the old one", field="password")
        row.password_hash = hash_password(new)
        self._session.flush()
        self.end_sessions(keep=keep)
        self._context.audit("me.password", "done", target=f"member:{self._member.id}")

    def sessions(self) -> tuple[SessionInfo, ...]:
        """My signed-in browsers, latest first."""
        rows = self._session.scalars(
            select(SessionRow)
            .where(SessionRow.account_id == self._member.account_id, SessionRow.expires > now())
            .order_by(SessionRow.last_used.desc())
        )
        return tuple(SessionInfo(row.id, row.agent, row.created, row.last_used, row.expires) for row in rows)

    def end_session(self, session_id: int) -> None:
        """End one of my sessions. NotFound where it is not mine."""
        gone = self._session.execute(
            delete(SessionRow).where(
                SessionRow.id == session_id, SessionRow.account_id == self._member.account_id
            )
        )
        if not _rows(gone):
            raise NotFound("no such session")

    def end_sessions(self, *, keep: str | None = None) -> int:
        """End all my sessions, but for the one whose secret is `keep`; returns how many."""
        statement = delete(SessionRow).where(SessionRow.account_id == self._member.account_id)
        if keep is not None:
            statement = statement.where(SessionRow.token_hash != hash_secret(keep))
        return _rows(self._session.execute(statement))

    def tokens(self) -> tuple[Token, ...]:
        """My API tokens, without their secrets."""
        rows = self._session.scalars(
            select(TokenRow)
            .where(TokenRow.member_id == self._member.id)
            .order_by(TokenRow.created.desc(), TokenRow.id)
        )
        return tuple(_token(row) for row in rows)

    def create_token(
        self, name: str, scopes: Sequence[str] = ("read", "ask"), days: int | None = 30
    ) -> tuple[Token, str]:
        """Make a token; returns it and its secret, which is shown this once.

        BadInput for unknown scopes or days. Refused for a scope that the acting credential or the role does not have.
        """
        wanted = tuple(scope for scope in SCOPES if scope in scopes)
        unknown = sorted(set(scopes) - set(SCOPES))
        if unknown or not wanted:
            raise BadInput(f"a token has one or more of the scopes {', '.join(SCOPES)}", field="scopes")
        for scope in wanted:
            if not self._context.has_scope(scope) or (scope == "admin" and not self._context.is_admin):
                raise Refused(
                    f"you cannot make a token with the scope {scope}", rule="token.scope", who="an admin"
                )
        lasts = TOKEN_DAYS if days is None else days
        if not 1 <= lasts <= TOKEN_DAYS:
            raise BadInput(f"a token lasts 1 to {TOKEN_DAYS} days", field="days")
        if len(self.tokens()) >= 100:
            raise Conflict("you have 100 tokens; revoke some first", field="name")
        secret = new_secret(TOKEN_PREFIX)
        row = TokenRow(
            id=fresh_id(self._session, TokenRow.id),
            workspace_id=self._workspace_id,
            member_id=self._member.id,
            name=clean_name(name, "a token"),
            token_hash=hash_secret(secret),
            scopes=list(wanted),
            expires=now() + timedelta(days=lasts),
        )
        self._session.add(row)
        self._session.flush()
        self._context.audit(
            "me.token_create",
            "done",
            target=f"token:{row.id}",
            detail={"scopes": list(wanted), "days": lasts},
        )
        return _token(row), secret

    def revoke_token(self, token_id: int) -> None:
        """End one of my tokens at once. NotFound where it is not mine."""
        gone = self._session.execute(
            delete(TokenRow).where(TokenRow.id == token_id, TokenRow.member_id == self._member.id)
        )
        if not _rows(gone):
            raise NotFound("no such token")
        self._context.audit("me.token_revoke", "done", target=f"token:{token_id}")

    # --- what I am told -----------------------------------------------------------------------------------------

    @cached_property
    def notices(self) -> Notices:
        """What I am told in the app."""
        return Notices(self._context)

    def readings(self) -> tuple[Reading, ...]:
        """Which admins read my chats, why and until when."""
        return readings_of_me(self._context)

    # --- query permission ---------------------------------------------------------------------------------------

    def can_query(self, integration_id: int) -> bool:
        """May I run SQL on that integration, as far as query permission goes? Never as a guest."""
        return integration_id in self._query_ids()

    def query_integrations(self) -> tuple[Integration, ...]:
        """The integrations on which I have query permission, stripped of their settings."""
        rows = self._session.scalars(
            select(IntegrationRow)
            .where(
                IntegrationRow.workspace_id == self._workspace_id, IntegrationRow.id.in_(self._query_ids())
            )
            .order_by(func.lower(IntegrationRow.name))
        )
        return tuple(integration_shape(row, {}, stripped=True) for row in rows)

    def _query_ids(self) -> set[int]:
        if self._member.role is Role.GUEST or not self._context.has_scope("query"):
            return set()
        if self._member.role is Role.ADMIN:
            return set(
                self._session.scalars(
                    select(IntegrationRow.id).where(IntegrationRow.workspace_id == self._workspace_id)
                )
            )
        rows = self._session.execute(
            select(
                QueryPermissionRow.integration_id, QueryPermissionRow.subject, QueryPermissionRow.subject_id
            ).where(QueryPermissionRow.workspace_id == self._workspace_id)
        )
        subjects = {("member", self._member.id)}
        subjects |= {("team", team) for team in self._member.team_ids}
        subjects |= {("group", group) for group in self._member.group_ids}
        return {integration for integration, subject, subject_id in rows if (subject, subject_id) in subjects}


def _token(row: TokenRow) -> Token:
    return Token(row.id, row.name, tuple(row.scopes), row.created, row.expires, row.last_used)


def _rows(result: Any) -> int:
    return int(result.rowcount)
