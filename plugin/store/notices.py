"""What a member, or the admins together, must be told in the app: a kind and facts, never content."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import or_, select, update

from plugin.errors import NotFound
from plugin.store._context import Context
from plugin.store._models.governance import NoticeRow
from plugin.store.shapes import Notice

SHOWN = 100


def notify(context: Context, kind: str, facts: Mapping[str, Any], *, member_id: int | None = None) -> None:
    """Tell a member, or all admins where none is named."""
    context.session.add(
        NoticeRow(workspace_id=context.workspace_id, member_id=member_id, kind=kind, facts=dict(facts))
    )
    context.session.flush()


class Notices:
    """What I am told."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def all(self, *, unseen: bool = False) -> tuple[Notice, ...]:
        """Newest first; with `unseen`, only those I have not acknowledged."""
        query = select(NoticeRow).where(self._mine()).order_by(NoticeRow.id.desc()).limit(SHOWN)
        if unseen:
            query = query.where(~NoticeRow.seen)
        rows = self._context.session.scalars(query)
        return tuple(Notice(row.id, row.kind, row.facts, row.at, row.seen) for row in rows)

    def acknowledge(self, notice_id: int) -> None:
        """I have read it. NotFound where it is not for me."""
        done = self._context.session.execute(
            update(NoticeRow).where(self._mine(), NoticeRow.id == notice_id).values(seen=True)
        )
        if not done.rowcount:  # type: ignore[attr-defined]
            raise NotFound("no such notice")

    def _mine(self) -> Any:
        to_me: Any = NoticeRow.member_id == self._context.member.id
        if self._context.is_admin:
            to_me = or_(to_me, NoticeRow.member_id.is_(None))
        return (NoticeRow.workspace_id == self._context.workspace_id) & to_me
