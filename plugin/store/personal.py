"""All that is one person's: exported as one JSON-able value, or deleted for good with a receipt."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import delete, select

from plugin.store._context import Context
from plugin.store._engine import see_account
from plugin.store._models.base import now
from plugin.store._models.history import ChatRow, MemoryRow, PromptRow, ShareRow, TemplateRow
from plugin.store._models.people import AccountRow, MemberRow, SessionRow
from plugin.store._personal_rows import records_of
from plugin.store._prompts import chat_shapes, prompt_shape
from plugin.store.kept import memory_shape
from plugin.store.monitoring import forget_member, of_member
from plugin.store.shapes import Erased
from plugin.store.template_text import template_shape


def export_history(context: Context, member_id: int) -> dict[str, Any]:
    """All that is a member's: chats with prompts, templates, preferences, and every record that names them.

    For themselves, or for an admin when they left.
    """
    chats = context.session.scalars(_of(ChatRow, context, member_id).order_by(ChatRow.at, ChatRow.id)).all()
    prompts: dict[int, list[dict[str, Any]]] = {}
    for row in context.session.scalars(
        _of(PromptRow, context, member_id).order_by(PromptRow.at, PromptRow.id)
    ):
        prompts.setdefault(row.chat_id, []).append(asdict(prompt_shape(context, row)))
    return {
        "chats": [
            asdict(chat) | {"prompts": prompts.get(chat.id, [])} for chat in chat_shapes(context, chats)
        ],
        "templates": [
            asdict(template_shape(context, row))
            for row in context.session.scalars(_of(TemplateRow, context, member_id))
        ],
        "preferences": [
            asdict(memory_shape(context, row))
            for row in context.session.scalars(_of(MemoryRow, context, member_id))
        ],
        **({"monitored": watched} if (watched := of_member(context, member_id)) else {}),
        "records": records_of(context, member_id),
    }


def erase_history(context: Context, member_id: int) -> Erased:
    """Delete all of that for good; the receipt counts it. The audit log holds that it was done."""
    context.begin_write()
    chats = select(ChatRow.id).where(
        ChatRow.workspace_id == context.workspace_id, ChatRow.member_id == member_id
    )
    counts: dict[str, int] = {}
    shared = context.session.execute(delete(ShareRow).where(ShareRow.chat_id.in_(chats)))
    counts["shares"] = int(shared.rowcount)  # type: ignore[attr-defined]
    for name, table in (
        ("prompts", PromptRow),
        ("chats", ChatRow),
        ("templates", TemplateRow),
        ("preferences", MemoryRow),
    ):
        gone = context.session.execute(
            delete(table).where(table.workspace_id == context.workspace_id, table.member_id == member_id)
        )
        counts[name] = int(gone.rowcount)  # type: ignore[attr-defined]
    monitored = forget_member(context, member_id)
    if monitored:
        counts["monitored"] = monitored
    counts["prompts"] += context.unsaved.drop_all(context.workspace_id, member_id)
    context.scrub_after()
    context.audit("history.erase", "done", target=f"member:{member_id}", detail=counts)
    return Erased(now(), counts)


def forget_account(context: Context, account_id: int) -> int:
    """Delete an account that is in no workspace any more, with its sessions; returns how many went (0 or 1)."""
    see_account(context.session, account_id)
    left = select(MemberRow.id).where(MemberRow.account_id == account_id).limit(1)
    if context.session.scalar(left) is not None:
        return 0
    context.session.execute(delete(SessionRow).where(SessionRow.account_id == account_id))
    return int(context.session.execute(delete(AccountRow).where(AccountRow.id == account_id)).rowcount)  # type: ignore[attr-defined]


def _of(table: Any, context: Context, member_id: int) -> Any:
    return select(table).where(table.workspace_id == context.workspace_id, table.member_id == member_id)
