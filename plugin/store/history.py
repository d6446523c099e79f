"""A member's own prompts: what was asked, answered and sent. Sealed at rest; only their author reads them.

The workspace's mode decides what is stored: `always` everything, `explicit` what its author saves, `off` nothing;
what is not stored lives in memory (plugin/store/_unsaved.py). Limits in number and age hold at each write and by clock.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update

from plugin.errors import BadInput, Conflict, NotFound
from plugin.store._context import Context
from plugin.store._models.base import now
from plugin.store._models.history import ChatRow, PromptRow
from plugin.store._unsaved import FIRST_ID, new_id
from plugin.store.policy import stored_values, value_of
from plugin.store.shapes import Chat, ChatPage, Erased, Prompt, PromptPage

if TYPE_CHECKING:
    from plugin.store.kept import Memories, Templates
    from plugin.store.sharing import Shares

STATUSES = ("running", "done", "stopped", "failed", "refused")
FEEDBACK = ("up", "down")
TEXT_MOST = 50_000
TITLE_MOST = 120
PAGE_MOST = 100
SEARCH_MOST = 5_000
"""How many of one's latest prompts a search opens."""
BODY = ("answer", "steps", "citations", "sql", "sent", "error")


class History:
    """The asking member's history."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._session = context.session
        self._member_id = context.member.id
        self._mine = (context.workspace_id, context.member.id)

    @cached_property
    def templates(self) -> Templates:
        """My prompt templates."""
        from plugin.store.kept import Templates

        return Templates(self._context)

    @cached_property
    def memory(self) -> Memories:
        """What I asked the assistant to remember."""
        from plugin.store.kept import Memories

        return Memories(self._context)

    @cached_property
    def shares(self) -> Shares:
        """Chats I share, and chats shared with me."""
        from plugin.store.sharing import Shares

        return Shares(self._context)

    @cached_property
    def mode(self) -> str:
        """off, explicit or always."""
        return str(self._setting("ai.history"))

    # --- asking -------------------------------------------------------------------------------------------------

    def start(
        self,
        chat_id: int | None,
        text: str,
        *,
        parent: int | None = None,
        page_resource_id: int | None = None,
        persona: str | None = None,
    ) -> Prompt:
        """Begin a prompt, in a new chat or one of mine. NotFound for another's chat; BadInput for an empty text."""
        if not text.strip() or len(text) > TEXT_MOST:
            raise BadInput(f"a question has 1 to {TEXT_MOST:,} characters", field="prompt")
        chat_id = None if chat_id is None else self._context.unsaved.became(chat_id)
        parent = None if parent is None else self._context.unsaved.became(parent)
        if parent is not None:
            before = self.prompt(parent)
            if chat_id is not None and before.chat_id != chat_id:
                raise BadInput("the prompt that this one follows is in another chat", field="parent")
            chat_id = before.chat_id
        stored_chat = chat_id is None or chat_id < FIRST_ID
        if stored_chat and chat_id is not None:
            self._chat_row(chat_id)
        elif chat_id is not None and not self._context.unsaved.chat(*self._mine, chat_id):
            raise NotFound("no such chat")
        prompt = Prompt(
            id=new_id(),
            chat_id=chat_id if chat_id is not None else new_id(),
            at=now(),
            text=text,
            answer="",
            status="running",
            saved=False,
            persona=persona,
            parent_id=parent,
            page_resource_id=page_resource_id,
        )
        if self.mode == "always":
            return self._store(prompt)
        self._context.unsaved.add(*self._mine, prompt)
        return prompt

    def finish(
        self,
        prompt_id: int,
        *,
        answer: str,
        status: str,
        steps: Sequence[Mapping[str, Any]] = (),
        citations: Sequence[Mapping[str, Any]] = (),
        sql: Sequence[Mapping[str, Any]] = (),
        sent: Sequence[Mapping[str, Any]] = (),
        usage: Mapping[str, Any] | None = None,
        provider: str | None = None,
        model: str | None = None,
        error: str | None = None,
    ) -> Prompt:
        """Complete a prompt of mine. `answer` has placeholders where results of Run SQL stood; no rows come in here."""
        if status not in STATUSES:
            raise ValueError(f"a prompt ends as one of {STATUSES}, not {status!r}")
        body = {
            "answer": answer,
            "steps": tuple(steps),
            "citations": tuple(citations),
            "sql": tuple(sql),
            "sent": tuple(sent),
            "error": error,
        }
        plain = {"status": status, "usage": dict(usage or {}), "provider": provider, "model": model}
        prompt_id = self._context.unsaved.became(prompt_id)
        if prompt_id >= FIRST_ID:
            self.prompt(prompt_id)
            self._context.unsaved.change(prompt_id, **body, **plain)
            return self.prompt(prompt_id)
        self._context.begin_write()
        row = self._row(prompt_id)
        row.status, row.usage = status, dict(usage or {})
        row.provider, row.model = provider, model
        row.sealed = self._context.vault.seal_json("prompts", "sealed", body, row=row.uid)
        self._session.execute(update(ChatRow).where(ChatRow.id == row.chat_id).values(at=now()))
        self._session.flush()
        return self._shape(row)

    def save(self, prompt_id: int) -> Prompt:
        """Store a prompt that was not (mode `explicit`); returns it with its lasting id.

        NotFound where it is not held any more, Conflict where the workspace keeps no history.
        """
        now_id = self._context.unsaved.became(prompt_id)
        if now_id < FIRST_ID:
            return self.prompt(now_id)
        held = self.prompt(now_id)
        if self.mode == "off":
            raise Conflict("this workspace keeps no history; nothing can be saved")
        if held.status == "running":
            raise Conflict("wait until the answer is complete, then save it")
        chat_id = self._context.unsaved.became(held.chat_id)
        parent = None if held.parent_id is None else self._context.unsaved.became(held.parent_id)
        kept = Prompt(
            **{name: getattr(held, name) for name in Prompt.__slots__}
            | {"chat_id": chat_id, "parent_id": parent if parent is not None and parent < FIRST_ID else None}
        )
        stored = self._store(kept)
        if stored.chat_id != held.chat_id:
            self._context.unsaved.became(held.chat_id, stored.chat_id)
            for other in self._context.unsaved.chat(*self._mine, held.chat_id):
                self._context.unsaved.change(other.id, chat_id=stored.chat_id)
        self._context.unsaved.became(prompt_id, stored.id)
        self._context.unsaved.drop(prompt_id)
        return stored

    def feedback(self, prompt_id: int, value: str | None) -> None:
        """Say whether an answer helped: "up", "down", or None to take it back."""
        if value is not None and value not in FEEDBACK:
            raise BadInput("feedback is up or down", field="value")
        prompt_id = self._context.unsaved.became(prompt_id)
        if prompt_id >= FIRST_ID:
            self.prompt(prompt_id)
            self._context.unsaved.change(prompt_id, feedback=value)
            return
        self._row(prompt_id).feedback = value
        self._session.flush()

    # --- reading ------------------------------------------------------------------------------------------------

    def prompts(
        self, text: str | None = None, cursor: str | None = None, pinned: bool | None = None, limit: int = 30
    ) -> PromptPage:
        """My saved prompts, newest first; `text` searches questions, answers and titles, `pinned` by their chat."""
        query = self._own_prompts().order_by(PromptRow.id.desc())
        if pinned is not None:
            query = query.join(ChatRow, ChatRow.id == PromptRow.chat_id).where(ChatRow.pinned == pinned)
        if cursor:
            query = query.where(PromptRow.id < _number(cursor))
        most = max(1, min(limit, PAGE_MOST))
        found: list[Prompt] = []
        wanted = _folded(text)
        for row in self._session.scalars(query.limit(SEARCH_MOST if wanted else most + 1)):
            prompt = self._shape(row)
            if _matches(wanted, prompt.text, prompt.answer, prompt.title):
                found.append(prompt)
                if len(found) > most:
                    break
        more = str(found[most - 1].id) if len(found) > most else None
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
        more = _cursor(rows[most - 1]) if len(rows) > most else None
        return ChatPage(self._chat_shapes(rows[:most]), more)

    def chat(self, chat_id: int) -> tuple[Prompt, ...]:
        """The prompts of one chat of mine, oldest first, unsaved ones included. NotFound."""
        chat_id = self._context.unsaved.became(chat_id)
        held = self._context.unsaved.chat(*self._mine, chat_id)
        stored: list[Prompt] = []
        if chat_id < FIRST_ID:
            self._chat_row(chat_id)
            rows = self._session.scalars(
                self._own_prompts().where(PromptRow.chat_id == chat_id).order_by(PromptRow.id)
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

    # --- changing -----------------------------------------------------------------------------------------------

    def rename(self, chat_id: int, title: str) -> None:
        """Give a chat of mine a title; an empty one puts its first question back."""
        tidy = " ".join(title.split())
        if len(tidy) > TITLE_MOST:
            raise BadInput(f"a title has at most {TITLE_MOST} characters", field="title")
        row = self._chat_row(self._context.unsaved.became(chat_id))
        row.title = self._context.vault.seal_text("chats", "title", tidy, row=row.uid) if tidy else None
        self._session.flush()

    def pin(self, chat_id: int, pinned: bool = True) -> None:
        """Keep a chat of mine on top, or not."""
        self._chat_row(self._context.unsaved.became(chat_id)).pinned = pinned
        self._session.flush()

    def delete_prompt(self, prompt_id: int) -> Erased:
        """Delete a prompt of mine for good, and its chat with its last prompt. NotFound."""
        prompt_id = self._context.unsaved.became(prompt_id)
        if prompt_id >= FIRST_ID:
            self.prompt(prompt_id)
            self._context.unsaved.drop(prompt_id)
            return Erased(now(), {"prompts": 1})
        self._context.begin_write()
        row = self._row(prompt_id)
        chat_id = row.chat_id
        self._session.delete(row)
        self._session.flush()
        left = self._session.scalar(select(func.count()).where(PromptRow.chat_id == chat_id))
        if not left:
            self._session.execute(delete(ChatRow).where(ChatRow.id == chat_id))
        self._context.scrub_after()
        return Erased(now(), {"prompts": 1, "chats": 0 if left else 1})

    def delete_chat(self, chat_id: int) -> Erased:
        """Delete a chat of mine with its prompts and shares for good. NotFound."""
        chat_id = self._context.unsaved.became(chat_id)
        held = self._context.unsaved.chat(*self._mine, chat_id)
        for prompt in held:
            self._context.unsaved.drop(prompt.id)
        if chat_id >= FIRST_ID:
            if not held:
                raise NotFound("no such chat")
            return Erased(now(), {"prompts": len(held), "chats": 1})
        self._context.begin_write()
        row = self._chat_row(chat_id)
        gone = self._session.execute(delete(PromptRow).where(PromptRow.chat_id == row.id))
        self._session.delete(row)
        self._session.flush()
        self._context.scrub_after()
        return Erased(now(), {"prompts": int(gone.rowcount), "chats": 1})  # type: ignore[attr-defined]

    def export(self) -> dict[str, Any]:
        """Everything of mine that the history holds, as one JSON-able value."""
        from plugin.store.personal import export_history

        return export_history(self._context, self._member_id)

    def erase(self) -> Erased:
        """Delete all of that for good."""
        from plugin.store.personal import erase_history

        return erase_history(self._context, self._member_id)

    # --- inside -------------------------------------------------------------------------------------------------

    def _setting(self, key: str) -> Any:
        return value_of(stored_values(self._session, self._context.workspace_id), key)

    def _own_prompts(self) -> Any:
        return select(PromptRow).where(
            PromptRow.workspace_id == self._context.workspace_id, PromptRow.member_id == self._member_id
        )

    def _row(self, prompt_id: int) -> PromptRow:
        row: PromptRow | None = self._session.scalar(self._own_prompts().where(PromptRow.id == prompt_id))
        if row is None:
            raise NotFound("no such prompt")
        return row

    def _chat_row(self, chat_id: int) -> ChatRow:
        row = self._session.scalar(
            select(ChatRow).where(
                ChatRow.id == chat_id,
                ChatRow.workspace_id == self._context.workspace_id,
                ChatRow.member_id == self._member_id,
            )
        )
        if row is None:
            raise NotFound("no such chat")
        return row

    def _store(self, prompt: Prompt) -> Prompt:
        self._context.begin_write()
        if prompt.chat_id >= FIRST_ID:
            chat = ChatRow(
                workspace_id=self._context.workspace_id,
                member_id=self._member_id,
                uid=secrets.token_hex(16),
                at=prompt.at,
            )
            self._session.add(chat)
            self._session.flush()
        else:
            chat = self._chat_row(prompt.chat_id)
            chat.at = max(chat.at, prompt.at)
        uid = secrets.token_hex(16)
        row = PromptRow(
            workspace_id=self._context.workspace_id,
            member_id=self._member_id,
            chat_id=chat.id,
            parent_id=prompt.parent_id,
            uid=uid,
            at=prompt.at,
            text=self._context.vault.seal_text("prompts", "text", prompt.text, row=uid),
            status=prompt.status,
            feedback=prompt.feedback,
            persona=prompt.persona,
            provider=prompt.provider,
            model=prompt.model,
            page_resource_id=prompt.page_resource_id,
            usage=dict(prompt.usage),
        )
        if prompt.status != "running":
            body = {name: getattr(prompt, name) for name in BODY}
            row.sealed = self._context.vault.seal_json("prompts", "sealed", body, row=uid)
        self._session.add(row)
        self._session.flush()
        self._hold_limits(chat.id)
        return self._shape(row)

    def _hold_limits(self, chat_id: int) -> None:
        values = stored_values(self._session, self._context.workspace_id)
        oldest = now() - timedelta(days=value_of(values, "history.days"))
        mine = and_(
            PromptRow.workspace_id == self._context.workspace_id, PromptRow.member_id == self._member_id
        )
        gone = expire(self._context, mine, oldest)
        over = (
            select(PromptRow.id)
            .where(PromptRow.chat_id == chat_id)
            .order_by(PromptRow.id.desc())
            .offset(value_of(values, "history.max_prompts"))
        )
        ids = self._session.scalars(over).all()
        if ids:
            self._session.execute(delete(PromptRow).where(PromptRow.id.in_(ids)))
        if gone or ids:
            self._context.scrub_after()

    def _chats_with(self, wanted: list[str]) -> list[int]:
        query = self._own_prompts().order_by(PromptRow.id.desc()).limit(SEARCH_MOST)
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

    def _shape(self, row: PromptRow, *, titled: bool = True) -> Prompt:
        chat = self._session.get(ChatRow, row.chat_id) if titled else None
        title = self._open_title(chat) if chat is not None and chat.title else None
        return prompt_shape(self._context, row, title=title, pinned=bool(chat and chat.pinned))


def prompt_shape(
    context: Context, row: PromptRow, *, title: str | None = None, pinned: bool = False
) -> Prompt:
    """Open a prompt's row. The caller has made sure that its reader may."""
    body: dict[str, Any] = (
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
        select(PromptRow.chat_id, func.count(), func.min(PromptRow.id))
        .where(PromptRow.chat_id.in_(ids))
        .group_by(PromptRow.chat_id)
    ).all()
    counts = {chat_id: number for chat_id, number, _first in counted}
    firsts = context.session.scalars(
        select(PromptRow).where(PromptRow.id.in_([first for *_rest, first in counted]))
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


def _folded(text: str | None) -> list[str]:
    return (text or "").casefold().split()


def _matches(wanted: list[str], *texts: str | None) -> bool:
    whole = "\n".join(text for text in texts if text).casefold()
    return all(word in whole for word in wanted)


def _number(cursor: str) -> int:
    if not cursor.isdecimal():
        raise BadInput("that is not a cursor of this list", field="cursor")
    return int(cursor)


def _cursor(row: ChatRow) -> str:
    return f"{int(row.pinned)}.{row.at.isoformat()}.{row.id}"


def _after(cursor: str) -> ColumnElement[bool]:
    try:
        pinned, rest = cursor.split(".", 1)
        moment, number = rest.rsplit(".", 1)
        at, last = datetime.fromisoformat(moment), int(number)
    except ValueError:
        raise BadInput("that is not a cursor of this list", field="cursor") from None
    later = or_(ChatRow.at < at, and_(ChatRow.at == at, ChatRow.id < last))
    if pinned == "1":
        return or_(and_(ChatRow.pinned, later), ~ChatRow.pinned)
    return and_(~ChatRow.pinned, later)
