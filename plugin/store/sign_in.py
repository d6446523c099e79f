"""The only read made as nobody: passwords, sessions, tokens and invitations become a `Viewer`.

A session is on the server: the cookie holds a secret of which only the hash is stored. It ends after `IDLE` without
use and after `ABSOLUTE` in any case, is made afresh at each sign-in and switch, and ends at a password change.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, delete, select, text, update
from sqlalchemy.orm import Session

from plugin.access.viewer import Role, Surface, Viewer
from plugin.errors import BadInput, Conflict, NotFound, SignInNeeded
from plugin.store import shapes
from plugin.store._engine import SIGN_IN, begin_write
from plugin.store._models.base import now
from plugin.store._models.people import (
    AccountRow,
    InvitationRow,
    MemberRow,
    SessionRow,
    TeamMemberRow,
    TeamRow,
    TokenRow,
    WorkspaceKeyRow,
    WorkspaceRow,
)
from plugin.store._people import (
    TOKEN_PREFIX,
    clean_email,
    clean_name,
    hash_again,
    hash_password,
    hash_secret,
    is_outdated,
    new_secret,
    password_matches,
)
from plugin.store._who import BY_MEMBER, BY_SESSION, BY_TOKEN
from plugin.vault import Vault

IDLE = timedelta(hours=12)
ABSOLUTE = timedelta(days=14)
TOUCH = timedelta(minutes=2)
"""How stale "last used" may be: a request does not write each time it reads."""
NOT_VALID = "this sign-in is no longer valid; sign in again"


@dataclass(frozen=True, slots=True)
class Account:
    """A person who signed in, before a workspace is chosen."""

    id: int
    email: str
    name: str


class SignIn:
    """Turns a credential into a `Viewer`. Raises SignInNeeded for whatever is wrong with it."""

    def __init__(self, session: Session, vault: Callable[[], Vault]) -> None:
        self._session = session
        self._vault = vault

    # --- passwords and sessions ---------------------------------------------------------------------------------

    def password(self, email: str, password: str) -> Account:
        """The account with that address and password. SignInNeeded otherwise, after the same time either way."""
        row = self._session.scalar(select(AccountRow).where(AccountRow.email == email.strip().lower()[:320]))
        if not password_matches(row.password_hash if row else None, password) or row is None:
            raise SignInNeeded("that e-mail address and password do not go together", rule="sign_in.password")
        if row.password_hash and is_outdated(row.password_hash):
            row.password_hash = hash_again(password)
        return _account(row)

    def create_session(
        self, account: Account | int, workspace_id: int | None = None, *, agent: str = ""
    ) -> str:
        """Begin a session and return its secret for the cookie; without a workspace it starts in their first one.

        SignInNeeded where the account is an active member of no such workspace.
        """
        account_id = account if isinstance(account, int) else account.id
        moment = now()
        member = self._first_membership(account_id, workspace_id)
        secret = new_secret()
        self._session.add(
            SessionRow(
                account_id=account_id,
                workspace_id=member.workspace_id,
                token_hash=hash_secret(secret),
                created=moment,
                last_used=moment,
                expires=moment + ABSOLUTE,
                agent=agent[:200],
            )
        )
        self._session.execute(update(MemberRow).where(MemberRow.id == member.id).values(last_seen=moment))
        self._session.flush()
        return secret

    def viewer_for_session(self, secret: str, surface: Surface = Surface.PAGE) -> Viewer:
        """Who a cookie's secret stands for. SignInNeeded where it ended or the member is gone or disabled."""
        row = self._session.connection().execute(BY_SESSION, {"hash": hash_secret(secret)}).one_or_none()
        moment = now()
        if row is None or row.expires <= moment or row.last_used + IDLE <= moment:
            raise SignInNeeded(NOT_VALID, rule="sign_in.session")
        if moment - row.last_used > TOUCH:
            self._session.execute(update(SessionRow).where(SessionRow.id == row.id).values(last_used=moment))
            seen = update(MemberRow).where(MemberRow.id == row.member_id).values(last_seen=moment)
            self._session.execute(seen)
        return _viewer(row, surface)

    def rotate_session(self, secret: str) -> str:
        """The same session under a new secret; the old one is void at once."""
        row = self._live_session(secret)
        fresh = new_secret()
        self._session.execute(
            update(SessionRow)
            .where(SessionRow.id == row.id)
            .values(token_hash=hash_secret(fresh), last_used=now())
        )
        return fresh

    def switch_workspace(self, secret: str, workspace_id: int) -> str:
        """Go to another workspace of the same account, under a new secret. NotFound where they are no member there."""
        row = self._live_session(secret)
        try:
            self._first_membership(row.account_id, workspace_id)
        except SignInNeeded:
            raise NotFound("no such workspace") from None
        self._session.execute(
            update(SessionRow).where(SessionRow.id == row.id).values(workspace_id=workspace_id)
        )
        return self.rotate_session(secret)

    def end_session(self, secret: str) -> None:
        """End a session; nothing happens where there is none."""
        self._session.execute(delete(SessionRow).where(SessionRow.token_hash == hash_secret(secret)))

    def end_sessions(self, account: Account | int) -> int:
        """End every session of an account; returns how many."""
        account_id = account if isinstance(account, int) else account.id
        return _count(self._session.execute(delete(SessionRow).where(SessionRow.account_id == account_id)))

    # --- tokens and the command line ----------------------------------------------------------------------------

    def viewer_for_token(self, secret: str, surface: Surface = Surface.API) -> Viewer:
        """Who an API token stands for, with no more scopes than it was made with. SignInNeeded otherwise."""
        row = None
        if secret.startswith(TOKEN_PREFIX):
            row = self._session.connection().execute(BY_TOKEN, {"hash": hash_secret(secret)}).one_or_none()
        moment = now()
        if row is None or (row.expires is not None and row.expires <= moment):
            raise SignInNeeded("that token is not valid", rule="sign_in.token")
        if row.last_used is None or moment - row.last_used > TOUCH:
            self._session.execute(update(TokenRow).where(TokenRow.id == row.id).values(last_used=moment))
        return _viewer(row, surface, frozenset(row.scopes))

    def viewer_for_email(
        self, workspace_slug: str | None, email: str | None, surface: Surface = Surface.CLI
    ) -> Viewer:
        """The member that the operator's command line names; without an address the first admin.

        NotFound where there is no such workspace or member, BadInput where several workspaces leave it open.
        """
        query = select(WorkspaceRow.id, WorkspaceRow.slug).order_by(WorkspaceRow.id)
        if workspace_slug:
            query = query.where(WorkspaceRow.slug == workspace_slug.strip().lower())
        found = self._session.execute(query.limit(2)).all()
        if not found:
            named = (
                f"workspace {workspace_slug!r}"
                if workspace_slug
                else 'workspace yet; make one with "docent init"'
            )
            raise NotFound(f"there is no {named}")
        if len(found) > 1:
            raise BadInput("there are several workspaces; name one with --workspace SLUG", field="workspace")
        members = (
            select(MemberRow.id)
            .join(AccountRow, AccountRow.id == MemberRow.account_id)
            .where(MemberRow.workspace_id == found[0].id, MemberRow.state == "active")
            .order_by(MemberRow.id)
            .limit(1)
        )
        if email:
            members = members.where(AccountRow.email == email.strip().lower())
        else:
            members = members.where(MemberRow.role == Role.ADMIN.value)
        member_id = self._session.scalar(members)
        if member_id is None:
            raise NotFound(f"there is no active {f'member {email}' if email else 'admin'} in {found[0].slug}")
        return _viewer(self._session.connection().execute(BY_MEMBER, {"member": member_id}).one(), surface)

    # --- workspaces and invitations -----------------------------------------------------------------------------

    def workspaces(self, account: Account | int | None = None) -> tuple[shapes.Workspace, ...]:
        """All workspaces, for the operator; or those that an account is an active member of."""
        query = select(WorkspaceRow).order_by(WorkspaceRow.name, WorkspaceRow.id)
        if account is not None:
            account_id = account if isinstance(account, int) else account.id
            query = query.join(MemberRow, MemberRow.workspace_id == WorkspaceRow.id).where(
                MemberRow.account_id == account_id, MemberRow.state == "active"
            )
        return tuple(shapes.Workspace(row.id, row.slug, row.name) for row in self._session.scalars(query))

    def create_workspace(
        self,
        name: str,
        admin_email: str,
        password: str | None = None,
        *,
        admin_name: str = "",
        slug: str | None = None,
    ) -> shapes.Workspace:
        """Make a workspace with its key, its General team and its first admin.

        An account that exists keeps its password. BadInput for a bad name, address or password, or a new account
        without one; Conflict where the slug is taken.
        """
        from plugin.store._models.governance import ChainHeadRow
        from plugin.store.search_index import note_words

        title = clean_name(name, "a workspace", limit=200)
        email = clean_email(admin_email)
        begin_write(self._session)
        short = slugify(slug or title)
        if self._session.scalar(select(WorkspaceRow.id).where(WorkspaceRow.slug == short)) is not None:
            raise Conflict(f"there is a workspace {short} already", field="workspace")
        account_id = self._account_for(email, password, admin_name)
        row = WorkspaceRow(slug=short, name=title)
        self._session.add(row)
        self._session.flush()
        self._as_workspace(row.id)
        vault = self._vault()
        for purpose in ("seal", "mark"):
            key = vault.new_key(row.id)
            self._session.add(
                WorkspaceKeyRow(
                    workspace_id=row.id,
                    key_id=key.key_id,
                    wrapped=key.wrapped,
                    master_id=key.master_id,
                    purpose=purpose,
                )
            )
        self._session.add(TeamRow(workspace_id=row.id, name="General", is_general=True))
        self._session.add(MemberRow(workspace_id=row.id, account_id=account_id, role=Role.ADMIN.value))
        for chain in ("audit", "ledger"):
            self._session.add(ChainHeadRow(workspace_id=row.id, chain=chain))
        note_words(self._session, row.id)
        self._as_workspace(SIGN_IN)
        return shapes.Workspace(row.id, row.slug, row.name)

    def invitation(self, secret: str) -> tuple[str, shapes.Workspace]:
        """The invited address and the workspace behind a link. SignInNeeded where the link is not good any more."""
        row = self._live_invitation(secret)
        workspace = self._session.get_one(WorkspaceRow, row.workspace_id)
        return row.email, shapes.Workspace(workspace.id, workspace.slug, workspace.name)

    def accept_invitation(self, secret: str, name: str, password: str) -> Account:
        """Become a member. Somebody who has an account already proves it with its password.

        SignInNeeded where the link or the password is not good, BadInput where a new password is too weak.
        """
        begin_write(self._session)
        invited = self._live_invitation(secret)
        row = self._session.scalar(select(AccountRow).where(AccountRow.email == invited.email))
        if row is not None and row.password_hash is not None:
            if not password_matches(row.password_hash, password):
                raise SignInNeeded(
                    "there is an account with this address; give its own password", rule="sign_in.password"
                )
            account_id = row.id
        else:
            account_id = self._account_for(invited.email, password, name)
        self._as_workspace(invited.workspace_id)
        member = self._session.scalar(
            select(MemberRow).where(
                MemberRow.workspace_id == invited.workspace_id, MemberRow.account_id == account_id
            )
        )
        if member is None:
            member = MemberRow(workspace_id=invited.workspace_id, account_id=account_id, role=invited.role)
            self._session.add(member)
            self._session.flush()
            from plugin.store.monitoring_told import tell_newcomer

            tell_newcomer(self._session, invited.workspace_id, member.id)
            teams = self._session.scalars(
                select(TeamRow.id).where(
                    TeamRow.workspace_id == invited.workspace_id,
                    TeamRow.id.in_(invited.team_ids),
                    ~TeamRow.is_general,
                )
            )
            for team_id in teams:
                self._session.add(
                    TeamMemberRow(team_id=team_id, member_id=member.id, workspace_id=invited.workspace_id)
                )
        self._session.delete(invited)
        self._session.flush()
        self._as_workspace(SIGN_IN)
        return _account(self._session.get_one(AccountRow, account_id))

    # --- inside -------------------------------------------------------------------------------------------------

    def _live_session(self, secret: str) -> SessionRow:
        row = self._session.scalar(select(SessionRow).where(SessionRow.token_hash == hash_secret(secret)))
        moment = now()
        if row is None or row.expires <= moment or row.last_used + IDLE <= moment:
            raise SignInNeeded(NOT_VALID, rule="sign_in.session")
        return row

    def _live_invitation(self, secret: str) -> InvitationRow:
        row = self._session.scalar(
            select(InvitationRow).where(InvitationRow.secret_hash == hash_secret(secret))
        )
        if row is None or row.expires <= now():
            raise SignInNeeded("this invitation is not valid any more", rule="sign_in.invitation")
        return row

    def _first_membership(self, account_id: int, workspace_id: int | None) -> MemberRow:
        query = select(MemberRow).where(MemberRow.account_id == account_id, MemberRow.state == "active")
        if workspace_id is not None:
            query = query.where(MemberRow.workspace_id == workspace_id)
        row = self._session.scalar(query.order_by(MemberRow.id).limit(1))
        if row is None:
            raise SignInNeeded(NOT_VALID, rule="sign_in.session")
        return row

    def _account_for(self, email: str, password: str | None, name: str) -> int:
        """The account of that address, made or given a password where it has none. Writes nothing before it raises."""
        row = self._session.scalar(select(AccountRow).where(AccountRow.email == email))
        hashed = row.password_hash if row is not None else None
        if hashed is None:
            if not password:
                raise BadInput("a new account needs a password", field="password")
            hashed = hash_password(password)
        title = clean_name(name, "a person", limit=200) if name.strip() else ""
        if row is None:
            row = AccountRow(email=email, name="")
            self._session.add(row)
        row.name, row.password_hash = row.name or title, hashed
        self._session.flush()
        return row.id

    def _as_workspace(self, workspace: int | str) -> None:
        """On PostgreSQL, let this transaction write the rows of one workspace (see the row-level policies)."""
        if self._session.get_bind().dialect.name == "postgresql":
            self._session.execute(
                text("SELECT set_config('docent.workspace', :w, true)"), {"w": str(workspace)}
            )


def slugify(name: str) -> str:
    """A workspace's short name for URLs and the command line. BadInput where nothing is left of it."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-")
    if not slug:
        raise BadInput("the workspace's name needs a letter or a digit", field="workspace")
    return slug


def _viewer(row: Row[Any], surface: Surface, scopes: frozenset[str] | None = None) -> Viewer:
    """Whom a row of `plugin/store/_who.py` stands for. SignInNeeded where they are no active member."""
    if row.state != "active":
        raise SignInNeeded(NOT_VALID, rule="sign_in.member")
    viewer = Viewer(
        workspace_id=row.workspace_id,
        member_id=row.member_id,
        role=Role(row.role),
        email=row.email,
        name=row.name or row.email.split("@")[0],
        workspace_slug=row.slug,
        surface=surface,
    )
    return viewer if scopes is None else replace(viewer, scopes=scopes, method="token")


def _account(row: AccountRow) -> Account:
    return Account(row.id, row.email, row.name or row.email.split("@")[0])


def _count(result: Any) -> int:
    return int(result.rowcount)
