"""Tables of history: chats and prompts, templates, sharing, memory. Every text column is sealed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from plugin.store._models.base import Base, Moment, now
from plugin.store._models.people import KEEP_IDS

Id = BigInteger().with_variant(Integer, "sqlite")
"""Drawn by lot (plugin/store/_ids.py): SQLite gives AUTOINCREMENT only to a column that is called INTEGER."""


class ChatRow(Base):
    """A conversation of one member."""

    __tablename__ = "chats"
    __table_args__ = (Index("ix_chats_author", "member_id", "at"), KEEP_IDS)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"))
    uid: Mapped[str] = mapped_column(String(32), unique=True)
    title: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The title its author gave, sealed; None while the first question serves."""
    pinned: Mapped[bool] = mapped_column(Boolean, default=False)
    at: Mapped[datetime] = mapped_column(Moment, default=now)
    """When something last happened in it."""


class PromptRow(Base):
    """One question and its answer. `sealed` is the JSON of all that was typed, generated or sent."""

    __tablename__ = "prompts"
    __table_args__ = (Index("ix_prompts_author", "member_id", "at"), KEEP_IDS)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"))
    chat_id: Mapped[int] = mapped_column(Id, ForeignKey("chats.id", ondelete="CASCADE"), index=True)
    parent_id: Mapped[int | None] = mapped_column(
        Id, ForeignKey("prompts.id", ondelete="SET NULL"), index=True
    )
    uid: Mapped[str] = mapped_column(String(32), unique=True)
    at: Mapped[datetime] = mapped_column(Moment, default=now, index=True)
    text: Mapped[bytes] = mapped_column(LargeBinary)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    status: Mapped[str] = mapped_column(String(12), default="running")
    feedback: Mapped[str | None] = mapped_column(String(10))
    persona: Mapped[str | None] = mapped_column(String(80))
    provider: Mapped[str | None] = mapped_column(String(40))
    model: Mapped[str | None] = mapped_column(String(120))
    page_resource_id: Mapped[int | None] = mapped_column(Integer)
    usage: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class RunningAnswerRow(Base):
    """An answer that some process is writing now, so that another one can stop it. Holds nothing that was said."""

    __tablename__ = "running_answers"

    prompt_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(Moment, default=now)
    stop: Mapped[bool] = mapped_column(Boolean, default=False)


class TemplateRow(Base):
    """A prompt that is kept until it is changed or deleted."""

    __tablename__ = "templates"
    __table_args__ = (Index("ix_templates_author", "member_id"), KEEP_IDS)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"))
    uid: Mapped[str] = mapped_column(String(32), unique=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    updated: Mapped[datetime] = mapped_column(Moment, default=now)


class ShareRow(Base):
    """An author lets a member or a team read one chat."""

    __tablename__ = "shares"
    __table_args__ = (UniqueConstraint("chat_id", "subject", "subject_id"), KEEP_IDS)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    chat_id: Mapped[int] = mapped_column(Id, ForeignKey("chats.id", ondelete="CASCADE"))
    subject: Mapped[str] = mapped_column(String(10))
    subject_id: Mapped[int] = mapped_column(Integer)
    at: Mapped[datetime] = mapped_column(Moment, default=now)


class BreakGlassRow(Base):
    """An admin reads another's chats: why, until when; its author is told."""

    __tablename__ = "break_glass"
    __table_args__ = (KEEP_IDS,)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    admin_id: Mapped[int] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"), index=True)
    uid: Mapped[str] = mapped_column(String(32), unique=True)
    reason: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(Moment, default=now)
    until: Mapped[datetime] = mapped_column(Moment)
    seen: Mapped[bool] = mapped_column(Boolean, default=False)
    """Has the author acknowledged the notice?"""


class MemoryRow(Base):
    """A preference that a member asked the assistant to remember."""

    __tablename__ = "memories"
    __table_args__ = (Index("ix_memories_author", "member_id"), KEEP_IDS)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"))
    uid: Mapped[str] = mapped_column(String(32), unique=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(Moment, default=now)
