"""A member's own prompts: what was asked, answered and sent. Sealed at rest; only their author reads them.

The workspace's mode decides what is stored: `always` everything, `explicit` what its author saves, `off` nothing;
what is not stored lives in memory (plugin/store/_unsaved.py). Limits in number and age hold at each write and by clock.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import Insert, and_, bindparam, delete, func, insert, select, update

from plugin.errors import BadInput, Conflict, NotFound
from plugin.store._ids import WIDE, fresh_id
from plugin.store._models.base import now
from plugin.store._models.history import ChatRow, PromptRow, RunningAnswerRow
from plugin.store._unsaved import FIRST_ID, new_id
from plugin.store.monitoring import record
from plugin.store.policy import stored_values, value_of
from plugin.store.shapes import Erased, Prompt

if TYPE_CHECKING:
    from plugin.store.kept import Memories, Templates
    from plugin.store.sharing import Shares
from plugin.store._history_reads import HistoryReads
from plugin.store._prompts import expire

STATUSES = ("running", "done", "stopped", "failed", "refused")
FEEDBACK = ("up", "down")
TEXT_MOST = 50_000
TITLE_MOST = 120
NEW_CHAT, NEW_PROMPT, RUNNING = (
    insert(row.__table__)  # type: ignore[arg-type]
    for row in (ChatRow, PromptRow, RunningAnswerRow)
)
_running = and_(
    RunningAnswerRow.prompt_id == bindparam("id"),
    RunningAnswerRow.workspace_id == bindparam("workspace"),
    RunningAnswerRow.member_id == bindparam("member"),
)
STOP, ASKED = (
    select(RunningAnswerRow.stop).where(_running),
    update(RunningAnswerRow).where(_running).values(stop=True),
)
ENDED = delete(RunningAnswerRow).where(_running)
HAPPENED = update(ChatRow).where(ChatRow.id == bindparam("chat")).values(at=bindparam("moment"))
OLD = (
    select(PromptRow.id)
    .where(
        PromptRow.workspace_id == bindparam("workspace"),
        PromptRow.member_id == bindparam("member"),
        PromptRow.at < bindparam("oldest"),
    )
    .limit(1)
)
BODY = ("answer", "steps", "citations", "sql", "sent", "error")


class History(HistoryReads):
    """The asking member's history."""

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

    # --- asking ---------------------------------------------------------------------------------------------------

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
            prompt = self._store(prompt)
        else:
            self._context.begin_write()
            self._context.unsaved.add(*self._mine, prompt)
        self._write(RUNNING, prompt_id=prompt.id)
        return prompt

    def stop(self, prompt_id: int) -> None:
        """Ask whichever process writes this answer of mine to stop. NotFound where none does, or it is another's."""
        self._context.begin_write()
        asked = self._session.connection().execute(ASKED, self._own(prompt_id))
        if not asked.rowcount:
            raise NotFound("No such answer is running.")

    def stop_asked(self, prompt_id: int) -> bool:
        """Has its author asked, in any process, that this answer stop?"""
        return bool(self._session.connection().scalar(STOP, self._own(prompt_id)))

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
        self._context.begin_write()
        self._session.connection().execute(ENDED, self._own(prompt_id))
        prompt_id = self._context.unsaved.became(prompt_id)
        if prompt_id >= FIRST_ID:
            self.prompt(prompt_id)
            self._context.unsaved.change(prompt_id, **body, **plain)
            held = self.prompt(prompt_id)
            record(self._context, held)
            return held
        row = self._row(prompt_id)
        row.status, row.usage = status, dict(usage or {})
        row.provider, row.model = provider, model
        row.sealed = self._context.vault.seal_json("prompts", "sealed", body, row=row.uid)
        self._session.flush()
        self._session.connection().execute(HAPPENED, {"chat": row.chat_id, "moment": now()})
        done = self._shape(row, body=body)
        record(self._context, done)
        return done

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

    # --- changing -------------------------------------------------------------------------------------------------

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

    # --- inside ---------------------------------------------------------------------------------------------------

    def _store(self, prompt: Prompt) -> Prompt:
        self._context.begin_write()
        chat: ChatRow | None = None
        if prompt.chat_id >= FIRST_ID:
            chat_id = fresh_id(self._session, ChatRow.id, WIDE)
            self._write(NEW_CHAT, id=chat_id, uid=secrets.token_hex(16), at=prompt.at)
        else:
            chat = self._chat_row(prompt.chat_id)
            chat.at = max(chat.at, prompt.at)
            chat_id = chat.id
        uid = secrets.token_hex(16)
        body = {name: getattr(prompt, name) for name in BODY}
        vault = self._context.vault
        stored = replace(
            prompt,
            id=fresh_id(self._session, PromptRow.id, WIDE),
            chat_id=chat_id,
            saved=True,
            title=self._open_title(chat) if chat is not None and chat.title else None,
            pinned=chat is not None and chat.pinned,
        )
        self._session.flush()
        self._write(
            NEW_PROMPT,
            id=stored.id,
            chat_id=chat_id,
            parent_id=prompt.parent_id,
            uid=uid,
            at=prompt.at,
            text=vault.seal_text("prompts", "text", prompt.text, row=uid),
            sealed=(
                None if prompt.status == "running" else vault.seal_json("prompts", "sealed", body, row=uid)
            ),
            status=prompt.status,
            feedback=prompt.feedback,
            persona=prompt.persona,
            provider=prompt.provider,
            model=prompt.model,
            page_resource_id=prompt.page_resource_id,
            usage=dict(prompt.usage),
        )
        self._hold_limits(None if chat is None else chat_id)
        return stored

    def _write(self, statement: Insert, **values: Any) -> None:
        """A row of mine, by a statement built once: whoever asks waits for it before anything is shown."""
        whose = {"workspace_id": self._context.workspace_id, "member_id": self._member_id}
        self._session.connection().execute(statement, {**whose, **values})

    def _hold_limits(self, chat_id: int | None) -> None:
        """Let go of what is over the limits of age and, in a chat that has had prompts before, of number."""
        values = stored_values(self._session, self._context.workspace_id)
        oldest = now() - timedelta(days=value_of(values, "history.days"))
        whose = {"workspace": self._context.workspace_id, "member": self._member_id}
        gone = 0
        if self._session.connection().scalar(OLD, {**whose, "oldest": oldest}) is not None:
            mine = and_(
                PromptRow.workspace_id == self._context.workspace_id, PromptRow.member_id == self._member_id
            )
            gone = expire(self._context, mine, oldest)
        if chat_id is None:
            if gone:
                self._context.scrub_after()
            return
        over = (
            select(PromptRow.id)
            .where(PromptRow.chat_id == chat_id)
            .order_by(PromptRow.at.desc(), PromptRow.id.desc())
            .offset(value_of(values, "history.max_prompts"))
        )
        ids = self._session.scalars(over).all()
        if ids:
            self._session.execute(delete(PromptRow).where(PromptRow.id.in_(ids)))
        if gone or ids:
            self._context.scrub_after()
