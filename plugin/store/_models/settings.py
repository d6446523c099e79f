"""Tables of a workspace's settings and of its secrets."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from plugin.store._models.base import Base, Moment, now


class SettingRow(Base):
    """One setting that is not at its default."""

    __tablename__ = "settings"

    workspace_id: Mapped[int] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    value: Mapped[Any] = mapped_column(JSON)
    changed_by: Mapped[str] = mapped_column(String(320), default="")
    changed_at: Mapped[datetime] = mapped_column(Moment, default=now)


class ProviderKeyRow(Base):
    """A workspace's own key for a provider, sealed."""

    __tablename__ = "provider_keys"

    workspace_id: Mapped[int] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    provider: Mapped[str] = mapped_column(String(40), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    changed_at: Mapped[datetime] = mapped_column(Moment, default=now)


class HostRow(Base):
    """A provider host in the register: declared, on hold or accepted, with who accepted it and why."""

    __tablename__ = "provider_hosts"

    workspace_id: Mapped[int] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    host: Mapped[str] = mapped_column(String(255), primary_key=True)
    provider: Mapped[str] = mapped_column(String(40))
    region: Mapped[str] = mapped_column(String(40), default="")
    declared_at: Mapped[datetime] = mapped_column(Moment, default=now)
    usable_from: Mapped[datetime] = mapped_column(Moment)
    accepted_by: Mapped[str | None] = mapped_column(String(320))
    accepted_reason: Mapped[str | None] = mapped_column(String(2000))
    objections: Mapped[list[Any]] = mapped_column(JSON, default=list)
    attestations: Mapped[list[Any]] = mapped_column(JSON, default=list)
