"""Tables of governance: the audit log, the egress ledger, decision receipts. None holds a text that anyone typed.

Audit log and ledger are chains: each line has its number, the hash of the line before and its own. `chain_heads` has
the last number and hash with a mark only the holder of the workspace's key can make, so a cut tail is noticed too.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Float, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from plugin.store._models.base import Base, Moment, now
from plugin.store._models.people import KEEP_IDS


class ChainHeadRow(Base):
    """The end of one chain ("audit" or "ledger") of a workspace."""

    __tablename__ = "chain_heads"

    workspace_id: Mapped[int] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    chain: Mapped[str] = mapped_column(String(10), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, default=0)
    hash: Mapped[str] = mapped_column(String(64), default="0" * 64)
    mark: Mapped[str] = mapped_column(String(120), default="")


class AuditRow(Base):
    """One line of the audit log. `at` is text, as it was hashed."""

    __tablename__ = "audit_log"
    __table_args__ = (
        UniqueConstraint("workspace_id", "seq"),
        Index("ix_audit_log_actor", "workspace_id", "member_id", "seq"),
        KEEP_IDS,
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    seq: Mapped[int] = mapped_column(Integer)
    at: Mapped[str] = mapped_column(String(40))
    member_id: Mapped[int | None] = mapped_column(Integer)
    actor: Mapped[str] = mapped_column(String(320))
    surface: Mapped[str] = mapped_column(String(10))
    action: Mapped[str] = mapped_column(String(80))
    outcome: Mapped[str] = mapped_column(String(10))
    rule: Mapped[str | None] = mapped_column(String(80))
    target: Mapped[str | None] = mapped_column(String(400))
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class LedgerRow(Base):
    """One request to a provider. What is known before it leaves is hashed into the chain; its end is hashed apart."""

    __tablename__ = "ledger"
    __table_args__ = (
        UniqueConstraint("workspace_id", "seq"),
        Index("ix_ledger_member", "workspace_id", "member_id", "at"),
        Index("ix_ledger_at", "workspace_id", "at"),
        KEEP_IDS,
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    seq: Mapped[int] = mapped_column(Integer)
    at: Mapped[str] = mapped_column(String(40))
    member_id: Mapped[int | None] = mapped_column(Integer)
    member: Mapped[str] = mapped_column(String(320))
    surface: Mapped[str] = mapped_column(String(10))
    chat_id: Mapped[int | None] = mapped_column(BigInteger)
    prompt_id: Mapped[int | None] = mapped_column(BigInteger)
    provider: Mapped[str] = mapped_column(String(40))
    host: Mapped[str] = mapped_column(String(255))
    region: Mapped[str] = mapped_column(String(40))
    model: Mapped[str] = mapped_column(String(120))
    purpose: Mapped[str] = mapped_column(String(20))
    body_bytes: Mapped[int] = mapped_column(BigInteger)
    body_sha256: Mapped[str] = mapped_column(String(64))
    manifest: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(10), default="sending")
    ended: Mapped[str | None] = mapped_column(String(40))
    input_tokens: Mapped[int | None] = mapped_column(Integer)
    cached_tokens: Mapped[int | None] = mapped_column(Integer)
    output_tokens: Mapped[int | None] = mapped_column(Integer)
    cost_usd: Mapped[float | None] = mapped_column(Float)
    milliseconds: Mapped[int | None] = mapped_column(Integer)
    completion_hash: Mapped[str | None] = mapped_column(String(64))
    """SHA-256 over the entry's hash and its end, so an end cannot be moved to another entry or altered."""


class ReceiptRow(Base):
    """The decision on one attempt to run SQL."""

    __tablename__ = "receipts"
    __table_args__ = (Index("ix_receipts_member", "workspace_id", "member_id", "id"), KEEP_IDS)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    member_id: Mapped[int | None] = mapped_column(ForeignKey("members.id", ondelete="SET NULL"), index=True)
    member: Mapped[str] = mapped_column(String(320))
    at: Mapped[datetime] = mapped_column(Moment, default=now)
    integration_id: Mapped[int] = mapped_column(Integer)
    sql_sha256: Mapped[str] = mapped_column(String(64))
    statement: Mapped[str] = mapped_column(String(20000))
    tables: Mapped[list[str]] = mapped_column(JSON, default=list)
    columns: Mapped[list[str]] = mapped_column(JSON, default=list)
    gates: Mapped[list[Any]] = mapped_column(JSON, default=list)
    limits: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    verdict: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str | None] = mapped_column(String(2000))


class NoticeRow(Base):
    """Something a member or the admins must be told in the app: a rule's name and facts, no content."""

    __tablename__ = "notices"
    __table_args__ = (Index("ix_notices_for", "workspace_id", "member_id", "id"), KEEP_IDS)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    member_id: Mapped[int | None] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"), index=True)
    """None: for all admins."""
    kind: Mapped[str] = mapped_column(String(60))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    at: Mapped[datetime] = mapped_column(Moment, default=now)
    seen: Mapped[bool] = mapped_column(Boolean, default=False)
