"""Tables of push back: the credential that writes to a source, and what was planned, run and undone with it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from plugin.store._models.base import Base, Moment, now
from plugin.store._models.people import KEEP_IDS


class PushCredentialRow(Base):
    """The credential that writes to an integration's source. Without a row, nothing is ever pushed there."""

    __tablename__ = "push_credentials"

    integration_id: Mapped[int] = mapped_column(
        ForeignKey("integrations.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class PushRow(Base):
    """One plan. `items` are its steps with their statements, their undoing and what became of each."""

    __tablename__ = "pushes"
    __table_args__ = (KEEP_IDS,)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    integration_id: Mapped[int] = mapped_column(ForeignKey("integrations.id", ondelete="CASCADE"), index=True)
    state: Mapped[str] = mapped_column(String(20), default="planned")
    """planned, running, applied, undoing, undone."""
    planned_by: Mapped[str] = mapped_column(String(200))
    created: Mapped[datetime] = mapped_column(Moment, default=now)
    applied: Mapped[datetime | None] = mapped_column(Moment)
    undone: Mapped[datetime | None] = mapped_column(Moment)
    items: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
