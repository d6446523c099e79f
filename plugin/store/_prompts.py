"""Opening rows of history into what leaves the store, and deleting those past their time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, delete, func, select, tuple_

from plugin.store._context import Context
from plugin.store._models.history import ChatRow, PromptRow
from plugin.store.shapes import Chat, Prompt

if TYPE_CHECKING:
    pass


def prompt_shape(
    context: Context,
    row: PromptRow,
    *,
    title: str | None = None,
    pinned: bool = False,
    body: Mapping[str, Any] | None = None,
) -> Prompt:
    """Open a prompt's row. The caller has made sure that its reader may. `body`: what was just sealed in it."""
    if body is None:
        body = (
            context.vault.open_json("prompts", "sealed", row.sealed, row=row.uid)
            if row.sealed is not None
            else {}
        )
    return Prompt(
        id=row.id,
        chat_id=row.chat_id,
        at=row.at,
        text=context.vault.open_text("prompts", "text", row.text, row=row.uid),
        answer=body.get("answer") or "",
        status=row.status,
        title=title,
        pinned=pinned,
        saved=True,
        feedback=row.feedback,
        persona=row.persona,
        provider=row.provider,
        model=row.model,
        error=body.get("error"),
        parent_id=row.parent_id,
        citations=tuple(body.get("citations") or ()),
        sql=tuple(body.get("sql") or ()),
        steps=tuple(body.get("steps") or ()),
        sent=tuple(body.get("sent") or ()),
        usage=row.usage or {},
        page_resource_id=row.page_resource_id,
    )


def chat_shapes(context: Context, rows: Sequence[ChatRow]) -> tuple[Chat, ...]:
    """Open chats' rows: their titles, or their first questions. The caller has made sure that the reader may."""
    ids = [row.id for row in rows]
    counted = context.session.execute(
        select(PromptRow.chat_id, func.count(), func.min(PromptRow.at))
        .where(PromptRow.chat_id.in_(ids))
        .group_by(PromptRow.chat_id)
    ).all()
    counts = {chat_id: number for chat_id, number, _first in counted}
    firsts = context.session.scalars(
        select(PromptRow).where(
            tuple_(PromptRow.chat_id, PromptRow.at).in_([(chat, first) for chat, _number, first in counted])
        )
    )
    questions = {
        row.chat_id: context.vault.open_text("prompts", "text", row.text, row=row.uid) for row in firsts
    }
    return tuple(
        Chat(
            id=row.id,
            title=(
                context.vault.open_text("chats", "title", row.title, row=row.uid)
                if row.title
                else first_line(questions.get(row.id, ""))
            ),
            pinned=row.pinned,
            at=row.at,
            prompts=counts.get(row.id, 0),
        )
        for row in rows
    )


def expire(context: Context, which: ColumnElement[bool], oldest: datetime) -> int:
    """Delete prompts of `which` older than `oldest`, and chats that nothing is left of; returns how many prompts."""
    chats = context.session.scalars(
        select(PromptRow.chat_id).where(which, PromptRow.at < oldest).distinct()
    ).all()
    if not chats:
        return 0
    gone = context.session.execute(delete(PromptRow).where(which, PromptRow.at < oldest))
    kept = select(PromptRow.chat_id).where(PromptRow.chat_id.in_(chats))
    context.session.execute(delete(ChatRow).where(ChatRow.id.in_(chats), ChatRow.id.not_in(kept)))
    return int(gone.rowcount)  # type: ignore[attr-defined]


def first_line(text: str) -> str:
    """A chat's title while its author gave none."""
    line = " ".join(text.split())
    return line if len(line) <= 80 else line[:79].rstrip() + "…"
