"""Tables of workspaces and people: accounts, members, teams, groups, invitations, sessions, tokens.

An account is a person who signs in; a member is that person in one workspace, with a role. Accounts and sessions are
the only rows that no workspace owns. Membership of the General team is not stored: everyone but a guest is in it.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, Boolean, ForeignKey, Index, Integer, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin.store._models.base import Base, Moment, now

KEEP_IDS = {"sqlite_autoincrement": True}
"""An id that was deleted is never given out again, so an old link cannot point at another person's thing."""


class WorkspaceRow(Base):
    """One world."""

    __tablename__ = "workspaces"
    __table_args__ = (KEEP_IDS,)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    created: Mapped[datetime] = mapped_column(Moment, default=now)


class WorkspaceKeyRow(Base):
    """A workspace's key, wrapped by a master key. Destroying these rows destroys all that they sealed.

    `purpose` is "seal" for a data key, which can be rotated, or "mark" for the one that signs the chains' heads.
    """

    __tablename__ = "workspace_keys"

    key_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)
    master_id: Mapped[str] = mapped_column(String(32))
    purpose: Mapped[str] = mapped_column(String(8), default="seal")
    current: Mapped[bool] = mapped_column(Boolean, default=True)
    created: Mapped[datetime] = mapped_column(Moment, default=now)
    retired: Mapped[datetime | None] = mapped_column(Moment)
    """Since when it seals nothing new. It goes once nothing is left that it sealed."""


class AccountRow(Base):
    """A person who can sign in. `email` is lower-case; `password_hash` is None until an invitation is accepted."""

    __tablename__ = "accounts"
    __table_args__ = (KEEP_IDS,)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    email: Mapped[str] = mapped_column(String(320), unique=True)
    name: Mapped[str] = mapped_column(String(200), default="")
    password_hash: Mapped[str | None] = mapped_column(String(400))
    created: Mapped[datetime] = mapped_column(Moment, default=now)


class MemberRow(Base):
    """An account in a workspace."""

    __tablename__ = "members"
    __table_args__ = (UniqueConstraint("workspace_id", "account_id"), KEEP_IDS)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10), default="active")
    created: Mapped[datetime] = mapped_column(Moment, default=now)
    last_seen: Mapped[datetime | None] = mapped_column(Moment)


class TeamRow(Base):
    """A team; exactly one per workspace has `is_general`."""

    __tablename__ = "teams"
    __table_args__ = (UniqueConstraint("workspace_id", "name"), KEEP_IDS)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(120))
    private: Mapped[bool] = mapped_column(Boolean, default=False)
    is_general: Mapped[bool] = mapped_column(Boolean, default=False)


class TeamMemberRow(Base):
    """A member in a team; `lowered` makes them a viewer there whatever their role."""

    __tablename__ = "team_members"

    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[int] = mapped_column(
        ForeignKey("members.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    lowered: Mapped[bool] = mapped_column(Boolean, default=False)


class GroupRow(Base):
    """A set of people."""

    __tablename__ = "member_groups"
    __table_args__ = (UniqueConstraint("workspace_id", "name"), KEEP_IDS)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(120))


class GroupMemberRow(Base):
    """A member in a group."""

    __tablename__ = "group_members"

    group_id: Mapped[int] = mapped_column(
        ForeignKey("member_groups.id", ondelete="CASCADE"), primary_key=True
    )
    member_id: Mapped[int] = mapped_column(
        ForeignKey("members.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)


class TeamGroupRow(Base):
    """A group in a team: all its members are."""

    __tablename__ = "team_groups"

    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True)
    group_id: Mapped[int] = mapped_column(
        ForeignKey("member_groups.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    lowered: Mapped[bool] = mapped_column(Boolean, default=False)


class InvitationRow(Base):
    """An invitation by link. Only the hash of the link's secret is here."""

    __tablename__ = "invitations"
    __table_args__ = (KEEP_IDS,)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    email: Mapped[str] = mapped_column(String(320))
    role: Mapped[str] = mapped_column(String(10))
    team_ids: Mapped[list[int]] = mapped_column(JSON, default=list)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    invited_by: Mapped[int | None] = mapped_column(ForeignKey("members.id", ondelete="SET NULL"))
    created: Mapped[datetime] = mapped_column(Moment, default=now)
    expires: Mapped[datetime] = mapped_column(Moment)


class SessionRow(Base):
    """A signed-in browser. Only the hash of its cookie is here; ending it ends it on the server."""

    __tablename__ = "sessions"
    __table_args__ = (KEEP_IDS,)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    workspace_id: Mapped[int | None] = mapped_column(
        ForeignKey("workspaces.id", ondelete="SET NULL"), index=True
    )
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created: Mapped[datetime] = mapped_column(Moment, default=now)
    last_used: Mapped[datetime] = mapped_column(Moment, default=now)
    expires: Mapped[datetime] = mapped_column(Moment)
    agent: Mapped[str] = mapped_column(String(200), default="")


class TokenRow(Base):
    """An API token of a member, hashed."""

    __tablename__ = "api_tokens"
    __table_args__ = (KEEP_IDS,)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[str]] = mapped_column(JSON, default=list)
    created: Mapped[datetime] = mapped_column(Moment, default=now)
    expires: Mapped[datetime | None] = mapped_column(Moment)
    last_used: Mapped[datetime | None] = mapped_column(Moment)


Index(
    "uq_teams_general",
    TeamRow.workspace_id,
    unique=True,
    sqlite_where=text("is_general"),
)
