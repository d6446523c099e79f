"""The audit log: every allow and deny with its rule, every change with before and after; no text, no secret.

An allow or a change is written in the transaction of what it is about, so neither is there without the other. A deny
is written when the door has ended, in a transaction of its own, since the refusal rolls the door's back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from plugin.errors import BadInput
from plugin.store import _chain
from plugin.store._context import Context
from plugin.store._models.governance import AuditRow
from plugin.store.shapes import AuditEntry, AuditPage

OUTCOMES = ("allow", "deny", "done", "failed")
PAGE_MOST = 500
HASHED = ("seq", "at", "member_id", "actor", "surface", "action", "outcome", "rule", "target", "detail")


def append(
    context: Context,
    action: str,
    outcome: str,
    *,
    rule: str | None = None,
    target: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write one line: in this transaction, or for a deny in one of its own when this ends."""
    if outcome not in OUTCOMES:
        raise ValueError(f"an audit outcome is one of {OUTCOMES}, not {outcome!r}")
    facts = context.facts
    line = {
        "at": _chain.moment_text(datetime.now(UTC)),
        "member_id": facts.id if facts else None,
        "actor": facts.email if facts else "system",
        "surface": context.surface.value,
        "action": action[:80],
        "outcome": outcome,
        "rule": rule[:80] if rule else None,
        "target": target[:400] if target else None,
        "detail": _chain.plain(detail or {}),
    }
    if outcome == "deny":
        context.denials.append(line)
    else:
        append_line(context, line)


def append_line(context: Context, line: Mapping[str, Any]) -> None:
    """Put a line at the chain's end."""
    _chain.extend(context, "audit", AuditRow, line)


class AuditLog:
    """The audit log of one workspace, for its admins."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def entries(
        self,
        *,
        actor: str | None = None,
        action: str | None = None,
        outcome: str | None = None,
        rule: str | None = None,
        target: str | None = None,
        surface: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> AuditPage:
        """Entries, newest first. `action` also matches as a prefix ("people" finds "people.role")."""
        query = select(AuditRow).where(AuditRow.workspace_id == self._context.workspace_id)
        if action:
            query = query.where(
                (AuditRow.action == action) | AuditRow.action.startswith(f"{action}.", autoescape=True)
            )
        if actor:
            query = query.where(AuditRow.actor == actor.strip().lower())
        for column, wanted in (
            (AuditRow.outcome, outcome),
            (AuditRow.rule, rule),
            (AuditRow.target, target),
            (AuditRow.surface, surface),
        ):
            if wanted:
                query = query.where(column == wanted)
        if since is not None:
            query = query.where(AuditRow.at >= _chain.moment_text(since))
        if until is not None:
            query = query.where(AuditRow.at < _chain.moment_text(until))
        if cursor:
            if not cursor.isdecimal():
                raise BadInput("that is not a cursor of this list", field="cursor")
            query = query.where(AuditRow.seq < int(cursor))
        most = max(1, min(limit, PAGE_MOST))
        rows = self._context.session.scalars(query.order_by(AuditRow.seq.desc()).limit(most + 1)).all()
        more = str(rows[most - 1].seq) if len(rows) > most else None
        return AuditPage(tuple(_shape(row) for row in rows[:most]), more)

    def actions(self) -> tuple[str, ...]:
        """Every kind of action in the log, for the filter."""
        rows = self._context.session.scalars(
            select(AuditRow.action)
            .where(AuditRow.workspace_id == self._context.workspace_id)
            .distinct()
            .order_by(AuditRow.action)
        )
        return tuple(rows)

    def export(self, since: datetime | None = None) -> Iterator[dict[str, Any]]:
        """Entries oldest first, as JSON objects with their hashes. Read them before the door closes."""
        query = select(AuditRow).where(AuditRow.workspace_id == self._context.workspace_id)
        if since is not None:
            query = query.where(AuditRow.at >= _chain.moment_text(since))
        for row in self._context.session.scalars(
            query.order_by(AuditRow.seq).execution_options(yield_per=500)
        ):
            yield {**_fields(row), "previous_hash": row.previous_hash, "hash": row.hash}

    def verify(self) -> tuple[bool, str]:
        """Is the chain whole? The sentence names what was altered, removed, inserted or reordered."""
        query = (
            select(AuditRow.__table__)
            .where(AuditRow.workspace_id == self._context.workspace_id)
            .order_by(AuditRow.seq, AuditRow.id)
            .execution_options(yield_per=500)
        )
        rows = self._context.session.execute(query)
        entries = ((row.seq, row.previous_hash, row.hash, _fields(row)) for row in rows)
        return _chain.verify(self._context, "audit", entries, "audit log", [])

    def head(self) -> dict[str, Any]:
        """The signed head, to keep elsewhere and check later with `check_head`."""
        return _chain.export_head(self._context, "audit")

    def check_head(self, head: Mapping[str, Any]) -> tuple[bool, str]:
        """Does the chain still hold the entry that an exported head signed?"""
        return _chain.check_head(self._context, "audit", AuditRow, "audit log", head)


def _fields(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in HASHED}


def _shape(row: AuditRow) -> AuditEntry:
    return AuditEntry(
        seq=row.seq,
        at=datetime.fromisoformat(row.at),
        actor=row.actor,
        surface=row.surface,
        action=row.action,
        outcome=row.outcome,
        rule=row.rule,
        target=row.target,
        detail=row.detail,
        previous_hash=row.previous_hash,
        hash=row.hash,
    )
