"""Tables of integrations: what is connected, its sealed credentials, its syncs, who may run SQL on it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, Index, Integer, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from plugin.store._models.base import Base, Moment, now
from plugin.store._models.people import KEEP_IDS


class IntegrationRow(Base):
    """A connected source. The two `sealed_*` columns hold the metadata credential and the query credential."""

    __tablename__ = "integrations"
    __table_args__ = (UniqueConstraint("workspace_id", "name"), KEEP_IDS)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(120))
    type: Mapped[str] = mapped_column(String(60))
    settings: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    options: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    secret_names: Mapped[list[str]] = mapped_column(JSON, default=list)
    sealed_secrets: Mapped[bytes | None] = mapped_column(LargeBinary)
    sealed_query: Mapped[bytes | None] = mapped_column(LargeBinary)
    schedule: Mapped[str | None] = mapped_column(String(120))
    next_sync_at: Mapped[datetime | None] = mapped_column(Moment, index=True)
    paused: Mapped[bool] = mapped_column(Boolean, default=False)
    state: Mapped[str] = mapped_column(String(20), default="new")
    last_sync_at: Mapped[datetime | None] = mapped_column(Moment)
    last_error: Mapped[str | None] = mapped_column(Text)
    created: Mapped[datetime] = mapped_column(Moment, default=now)


class SyncRow(Base):
    """One run of a sync."""

    __tablename__ = "syncs"
    __table_args__ = (Index("ix_syncs_integration", "integration_id", "id"), KEEP_IDS)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    integration_id: Mapped[int] = mapped_column(ForeignKey("integrations.id", ondelete="CASCADE"))
    status: Mapped[str] = mapped_column(String(20), default="queued")
    stage: Mapped[str] = mapped_column(String(60), default="queued")
    full: Mapped[bool] = mapped_column(Boolean, default=False)
    only_schema: Mapped[str | None] = mapped_column(Text)
    """The one schema that was read; None where all were."""
    cancel_requested: Mapped[bool] = mapped_column(Boolean, default=False)
    queued: Mapped[datetime] = mapped_column(Moment, default=now)
    started: Mapped[datetime | None] = mapped_column(Moment)
    beat: Mapped[datetime | None] = mapped_column(Moment)
    """When the running sync last reported; one that stopped reporting has died."""
    finished: Mapped[datetime | None] = mapped_column(Moment)
    done: Mapped[int] = mapped_column(Integer, default=0)
    total: Mapped[int | None] = mapped_column(Integer)
    seen: Mapped[int] = mapped_column(Integer, default=0)
    created: Mapped[int] = mapped_column(Integer, default=0)
    updated: Mapped[int] = mapped_column(Integer, default=0)
    unchanged: Mapped[int] = mapped_column(Integer, default=0)
    removed: Mapped[int] = mapped_column(Integer, default=0)
    errors: Mapped[list[str]] = mapped_column(JSON, default=list)


class QueryPermissionRow(Base):
    """A member, team or group may run SQL on an integration."""

    __tablename__ = "query_permissions"
    __table_args__ = (UniqueConstraint("integration_id", "subject", "subject_id"), KEEP_IDS)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    integration_id: Mapped[int] = mapped_column(ForeignKey("integrations.id", ondelete="CASCADE"))
    subject: Mapped[str] = mapped_column(String(10))
    subject_id: Mapped[int] = mapped_column(Integer)


class ApprovedQueryRow(Base):
    """A statement that somebody saved for others to run. `sealed` is the JSON of its name, text and parameters."""

    __tablename__ = "approved_queries"
    __table_args__ = (KEEP_IDS,)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    integration_id: Mapped[int] = mapped_column(ForeignKey("integrations.id", ondelete="CASCADE"), index=True)
    member_id: Mapped[int | None] = mapped_column(ForeignKey("members.id", ondelete="SET NULL"), index=True)
    uid: Mapped[str] = mapped_column(String(32), unique=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    team_ids: Mapped[list[int]] = mapped_column(JSON, default=list)
    """Whom it is approved for; empty while nobody approved the text as it stands."""
    approved_by: Mapped[str | None] = mapped_column(String(320))
    approved_at: Mapped[datetime | None] = mapped_column(Moment)
    updated: Mapped[datetime] = mapped_column(Moment, default=now)
