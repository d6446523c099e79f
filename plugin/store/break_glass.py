"""Breaking the glass: an admin reads another's chats, with a reason, for a limited time, audited, told to the author.

Nobody reads another's chats otherwise. The author is told at once, by whom and until when, and reads the reason.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

from sqlalchemy import select

from plugin.errors import BadInput, NotFound, Refused
from plugin.store._context import Context
from plugin.store._models.base import now
from plugin.store._models.history import BreakGlassRow, ChatRow, PromptRow
from plugin.store._models.people import AccountRow, MemberRow
from plugin.store._prompts import chat_shapes, prompt_shape
from plugin.store.notices import notify
from plugin.store.shapes import Chat, Prompt, Reading

HOURS_MOST = 24
REASON_LEAST, REASON_MOST = 10, 2000


class BreakGlass:
    """For admins: open a reading, then read within its time."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._session = context.session

    def open(self, author_id: int, reason: str, *, hours: int = 1) -> Reading:
        """Begin to read a member's chats. BadInput without a real reason or for too long; the author is told now."""
        tidy = " ".join(reason.split())
        if not REASON_LEAST <= len(tidy) <= REASON_MOST:
            raise BadInput(
                f"give a reason of {REASON_LEAST} to {REASON_MOST:,} characters; the author reads it",
                field="reason",
            )
        if not 1 <= hours <= HOURS_MOST:
            raise BadInput(f"a reading lasts 1 to {HOURS_MOST} hours", field="hours")
        known = select(MemberRow.id).where(
            MemberRow.id == author_id, MemberRow.workspace_id == self._context.workspace_id
        )
        if self._session.scalar(known) is None:
            raise NotFound("no such member")
        admin = self._context.member
        if author_id == admin.id:
            raise Refused("these are your own chats; read them in your history", rule="break_glass.own")
        uid = secrets.token_hex(16)
        row = BreakGlassRow(
            workspace_id=self._context.workspace_id,
            admin_id=admin.id,
            author_id=author_id,
            uid=uid,
            reason=self._context.vault.seal_text("break_glass", "reason", tidy, row=uid),
            until=now() + timedelta(hours=hours),
        )
        self._session.add(row)
        self._session.flush()
        notify(
            self._context,
            "break_glass",
            {"reading": row.id, "admin": admin.email, "until": row.until.isoformat()},
            member_id=author_id,
        )
        self._context.audit(
            "break_glass.open",
            "done",
            target=f"member:{author_id}",
            detail={"hours": hours, "reading": row.id},
        )
        return self._shape(row)

    def end(self, reading_id: int) -> None:
        """End a reading of mine before its time; its author sees the shorter time. NotFound."""
        row = self._mine(reading_id)
        if row.until > now():
            row.until = now()
            self._session.flush()
            self._context.audit(
                "break_glass.end", "done", target=f"member:{row.author_id}", detail={"reading": row.id}
            )

    def readings(self) -> tuple[Reading, ...]:
        """Every reading of the workspace, newest first."""
        return _readings(self._context)

    def chats(self, reading_id: int) -> tuple[Chat, ...]:
        """The author's chats. Refused once the time is over."""
        row = self._live(reading_id)
        rows = self._session.scalars(
            select(ChatRow)
            .where(ChatRow.workspace_id == self._context.workspace_id, ChatRow.member_id == row.author_id)
            .order_by(ChatRow.at.desc())
            .limit(500)
        ).all()
        self._context.audit(
            "break_glass.list", "allow", target=f"member:{row.author_id}", detail={"reading": row.id}
        )
        return chat_shapes(self._context, rows)

    def chat(self, reading_id: int, chat_id: int) -> tuple[Prompt, ...]:
        """One chat of the author, audited. Refused once the time is over, NotFound for another's chat."""
        row = self._live(reading_id)
        rows = self._session.scalars(
            select(PromptRow)
            .where(
                PromptRow.workspace_id == self._context.workspace_id,
                PromptRow.member_id == row.author_id,
                PromptRow.chat_id == chat_id,
            )
            .order_by(PromptRow.at, PromptRow.id)
        ).all()
        if not rows:
            raise NotFound("no such chat")
        self._context.audit("break_glass.read", "allow", target=f"chat:{chat_id}", detail={"reading": row.id})
        return tuple(prompt_shape(self._context, each) for each in rows)

    def _mine(self, reading_id: int) -> BreakGlassRow:
        row = self._session.scalar(
            select(BreakGlassRow).where(
                BreakGlassRow.id == reading_id,
                BreakGlassRow.workspace_id == self._context.workspace_id,
                BreakGlassRow.admin_id == self._context.member.id,
            )
        )
        if row is None:
            raise NotFound("no such reading")
        return row

    def _live(self, reading_id: int) -> BreakGlassRow:
        row = self._mine(reading_id)
        if row.until <= now():
            self._context.audit(
                "break_glass.read", "deny", rule="break_glass.time", target=f"member:{row.author_id}"
            )
            raise Refused(
                "the time of this reading is over; open another with a reason", rule="break_glass.time"
            )
        return row

    def _shape(self, row: BreakGlassRow) -> Reading:
        return next(reading for reading in _readings(self._context) if reading.id == row.id)


def readings_of_me(context: Context) -> tuple[Reading, ...]:
    """Who read, or may read, the asking member's chats, and why."""
    return _readings(context, author_id=context.member.id)


def _readings(context: Context, *, author_id: int | None = None) -> tuple[Reading, ...]:
    query = select(BreakGlassRow).where(BreakGlassRow.workspace_id == context.workspace_id)
    if author_id is not None:
        query = query.where(BreakGlassRow.author_id == author_id)
    rows = context.session.scalars(query.order_by(BreakGlassRow.id.desc()).limit(200)).all()
    ids = {row.admin_id for row in rows} | {row.author_id for row in rows}
    people = context.session.execute(
        select(MemberRow.id, AccountRow.email)
        .join(AccountRow, AccountRow.id == MemberRow.account_id)
        .where(MemberRow.id.in_(ids), MemberRow.workspace_id == context.workspace_id)
    )
    emails = {person.id: person.email for person in people}
    return tuple(
        Reading(
            id=row.id,
            admin=emails.get(row.admin_id, ""),
            author=emails.get(row.author_id, ""),
            reason=context.vault.open_text("break_glass", "reason", row.reason, row=row.uid),
            at=row.at,
            until=row.until,
        )
        for row in rows
    )
