"""When the clock last did what is due by time. Of the installation, not of a workspace; it holds no content."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from plugin.store._models.base import Base, Moment


class BeatRow(Base):
    """One task of the clock: when it last ended well, and the fault since, as the name of an error."""

    __tablename__ = "clock_beats"

    task: Mapped[str] = mapped_column(String(20), primary_key=True)
    at: Mapped[datetime | None] = mapped_column(Moment)
    fault: Mapped[str] = mapped_column(String(80), default="")
    fault_at: Mapped[datetime | None] = mapped_column(Moment)
