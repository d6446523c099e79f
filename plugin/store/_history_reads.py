"""Reading and searching one's own history. What is sealed is opened to be searched; there is no index of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, bindparam, or_, select

from plugin.errors import BadInput, NotFound
from plugin.store import _cursor
from plugin.store._context import Context
from plugin.store._models.history import ChatRow, PromptRow
from plugin.store._unsaved import FIRST_ID
from plugin.store.policy import stored_values, value_of
from plugin.store.shapes import Chat, ChatPage, Prompt, PromptPage

if TYPE_CHECKING:
    pass
from plugin.store._prompts import chat_shapes, first_line, prompt_shape

PAGE_MOST = 200
SEARCH_MOST = 5_000
"""How many of one's latest prompts a search opens."""
# Built once: every question runs them, and putting a statement together costs more than running it.
_mine: dict[str, Any] = {
    "workspace_id": bindparam("workspace"),
    "member_id": bindparam("member"),
    "id": bindparam("id"),
}
PROMPT = select(PromptRow).filter_by(**_mine)
CHAT = select(ChatRow).filter_by(**_mine)
"""One prompt or chat, if it is the asking member's."""


class HistoryReads:
    """What the asking member may read of their history."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._session = context.session
        self._member_id = context.member.id
        self._mine = (context.workspace_id, context.member.id)

    @cached_property
    def mode(self) -> str:
        """off, explicit or always."""
        return str(self._setting("ai.history"))

    def prompts(
        self, text: str | None = None, cursor: str | None = None, pinned: bool | None = None, limit: int = 30
    ) -> PromptPage:
        """My saved prompts, newest first; `text` searches questions, answers and titles, `pinned` by their chat."""
        query = self._own_prompts().order_by(PromptRow.at.desc(), PromptRow.id.desc())
        if pinned is not None:
            query = query.join(ChatRow, ChatRow.id == PromptRow.chat_id).where(ChatRow.pinned == pinned)
        if cursor:
            at, last = _place(*_cursor.unpack(cursor, (str, int)))
            query = query.where(or_(PromptRow.at < at, and_(PromptRow.at == at, PromptRow.id < last)))
        most = max(1, min(limit, PAGE_MOST))
        found: list[Prompt] = []
        wanted = _folded(text)
        for row in self._session.scalars(query.limit(SEARCH_MOST if wanted else most + 1)):
            prompt = self._shape(row)
            if _matches(wanted, prompt.text, prompt.answer, prompt.title):
                found.append(prompt)
                if len(found) > most:
                    break
        last_shown = found[most - 1] if len(found) > most else None
        more = _cursor.pack(last_shown.at.isoformat(), last_shown.id) if last_shown else None
        return PromptPage(tuple(found[:most]), more)

    def prompt(self, prompt_id: int) -> Prompt:
        """One prompt of mine, saved or still held. NotFound."""
        prompt_id = self._context.unsaved.became(prompt_id)
        if prompt_id >= FIRST_ID:
            held = self._context.unsaved.get(*self._mine, prompt_id)
            if held is None:
                raise NotFound("no such prompt")
            return held
        return self._shape(self._row(prompt_id))

    def chats(
        self, text: str | None = None, cursor: str | None = None, pinned: bool | None = None, limit: int = 30
    ) -> ChatPage:
        """My saved chats, pinned ones first, then by when something last happened; `text` searches inside them."""
        query = select(ChatRow).where(
            ChatRow.workspace_id == self._context.workspace_id, ChatRow.member_id == self._member_id
        )
        if pinned is not None:
            query = query.where(ChatRow.pinned == pinned)
        wanted = _folded(text)
        if wanted:
            query = query.where(ChatRow.id.in_(self._chats_with(wanted)))
        if cursor:
            query = query.where(_after(cursor))
        most = max(1, min(limit, PAGE_MOST))
        query = query.order_by(ChatRow.pinned.desc(), ChatRow.at.desc(), ChatRow.id.desc()).limit(most + 1)
        rows = self._session.scalars(query).all()
        more = _chat_cursor(rows[most - 1]) if len(rows) > most else None
        return ChatPage(self._chat_shapes(rows[:most]), more)

    def chat(self, chat_id: int) -> tuple[Prompt, ...]:
        """The prompts of one chat of mine, oldest first, unsaved ones included. NotFound."""
        chat_id = self._context.unsaved.became(chat_id)
        held = self._context.unsaved.chat(*self._mine, chat_id)
        stored: list[Prompt] = []
        if chat_id < FIRST_ID:
            self._chat_row(chat_id)
            rows = self._session.scalars(
                self._own_prompts().where(PromptRow.chat_id == chat_id).order_by(PromptRow.at, PromptRow.id)
            )
            stored = [self._shape(row) for row in rows]
        elif not held:
            raise NotFound("no such chat")
        return tuple(sorted([*stored, *held], key=lambda prompt: prompt.at))

    def chat_info(self, chat_id: int) -> Chat:
        """One chat of mine. NotFound."""
        chat_id = self._context.unsaved.became(chat_id)
        if chat_id < FIRST_ID:
            return self._chat_shapes([self._chat_row(chat_id)])[0]
        prompts = self.chat(chat_id)
        return Chat(chat_id, first_line(prompts[0].text), False, prompts[-1].at, len(prompts))

    def _setting(self, key: str) -> Any:
        return value_of(stored_values(self._session, self._context.workspace_id), key)

    def _own_prompts(self) -> Any:
        return select(PromptRow).where(
            PromptRow.workspace_id == self._context.workspace_id, PromptRow.member_id == self._member_id
        )

    def _own(self, number: int) -> dict[str, int]:
        return {"id": number, "workspace": self._context.workspace_id, "member": self._member_id}

    def _row(self, prompt_id: int) -> PromptRow:
        row: PromptRow | None = self._session.scalar(PROMPT, self._own(prompt_id))
        if row is None:
            raise NotFound("no such prompt")
        return row

    def _chat_row(self, chat_id: int) -> ChatRow:
        row: ChatRow | None = self._session.scalar(CHAT, self._own(chat_id))
        if row is None:
            raise NotFound("no such chat")
        return row

    def _chats_with(self, wanted: list[str]) -> list[int]:
        query = self._own_prompts().order_by(PromptRow.at.desc()).limit(SEARCH_MOST)
        found: set[int] = set()
        for row in self._session.scalars(query):
            if row.chat_id not in found:
                prompt = self._shape(row, titled=False)
                if _matches(wanted, prompt.text, prompt.answer):
                    found.add(row.chat_id)
        titled = select(ChatRow).where(
            ChatRow.workspace_id == self._context.workspace_id,
            ChatRow.member_id == self._member_id,
            ChatRow.title.is_not(None),
        )
        for chat in self._session.scalars(titled):
            if chat.title and _matches(wanted, self._open_title(chat)):
                found.add(chat.id)
        return sorted(found)

    def _chat_shapes(self, rows: Sequence[ChatRow]) -> tuple[Chat, ...]:
        return chat_shapes(self._context, rows)

    def _open_title(self, row: ChatRow) -> str:
        return self._context.vault.open_text("chats", "title", row.title or b"", row=row.uid)

    def _shape(self, row: PromptRow, *, titled: bool = True, body: Mapping[str, Any] | None = None) -> Prompt:
        chat = self._session.get(ChatRow, row.chat_id) if titled else None
        title = self._open_title(chat) if chat is not None and chat.title else None
        return prompt_shape(self._context, row, title=title, pinned=bool(chat and chat.pinned), body=body)


def _folded(text: str | None) -> list[str]:
    return (text or "").casefold().split()


def _matches(wanted: list[str], *texts: str | None) -> bool:
    whole = "\n".join(text for text in texts if text).casefold()
    return all(word in whole for word in wanted)


def _chat_cursor(row: ChatRow) -> str:
    return _cursor.pack(int(row.pinned), row.at.isoformat(), row.id)


def _place(moment: str, last: int) -> tuple[datetime, int]:
    """The moment and the id that a cursor of a list names. BadInput."""
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or last < 0:
        raise BadInput("this cursor is not one of this list", field="cursor")
    return at, last


def _after(cursor: str) -> ColumnElement[bool]:
    pinned, moment, number = _cursor.unpack(cursor, (int, str, int))
    at, last = _place(moment, number)
    later = or_(ChatRow.at < at, and_(ChatRow.at == at, ChatRow.id < last))
    if pinned:
        return or_(and_(ChatRow.pinned, later), ~ChatRow.pinned)
    return and_(~ChatRow.pinned, later)
