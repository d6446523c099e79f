"""Sharing of chats: explicit, revocable, and never past what its reader may see (law 3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sqlalchemy import and_, delete, or_, select

from plugin.errors import BadInput, NotFound
from plugin.store._context import Context
from plugin.store._ids import fresh_id
from plugin.store._models.history import ChatRow, PromptRow, ShareRow
from plugin.store._models.people import AccountRow, MemberRow, TeamRow
from plugin.store._prompts import chat_shapes, prompt_shape
from plugin.store.shapes import Chat, Prompt, Share

WITHHELD = "This answer uses things that you may not see, so it is not shown."


class Shares:
    """Chats I share, and chats shared with me."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._session = context.session
        self._member = context.member

    def member(self, email: str) -> int:
        """The id of an active member of this workspace by e-mail, to share with. NotFound."""
        found = self._session.scalar(
            select(MemberRow.id)
            .join(AccountRow, AccountRow.id == MemberRow.account_id)
            .where(
                MemberRow.workspace_id == self._context.workspace_id,
                MemberRow.state == "active",
                AccountRow.email == email.strip().lower(),
            )
        )
        if found is None:
            raise NotFound("no such member")
        return found

    def share(self, chat_id: int, subject: str, subject_id: int) -> Share:
        """Let a member or one of my teams read a chat of mine. NotFound for what I cannot see; done twice is once."""
        self._context.begin_write()
        self._own(chat_id)
        name = self._subject(subject, subject_id)
        if not name:
            raise NotFound(f"no such {subject}")
        known = self._find(chat_id, subject, subject_id)
        if known is None:
            known = ShareRow(
                id=fresh_id(self._session, ShareRow.id),
                workspace_id=self._context.workspace_id,
                chat_id=chat_id,
                subject=subject,
                subject_id=subject_id,
            )
            self._session.add(known)
            self._session.flush()
            self._context.audit(
                "history.share",
                "done",
                target=f"chat:{chat_id}",
                detail={"subject": subject, "id": subject_id},
            )
        return Share(known.id, chat_id, subject, subject_id, name, known.at)

    def unshare(self, chat_id: int, subject: str, subject_id: int) -> None:
        """Take it back; it is gone at their next request."""
        self._own(chat_id)
        gone = self._session.execute(
            delete(ShareRow).where(
                ShareRow.chat_id == chat_id, ShareRow.subject == subject, ShareRow.subject_id == subject_id
            )
        )
        if gone.rowcount:  # type: ignore[attr-defined]
            self._context.audit(
                "history.unshare",
                "done",
                target=f"chat:{chat_id}",
                detail={"subject": subject, "id": subject_id},
            )

    def of(self, chat_id: int) -> tuple[Share, ...]:
        """Whom I share a chat of mine with."""
        self._own(chat_id)
        rows = self._session.scalars(
            select(ShareRow).where(ShareRow.chat_id == chat_id).order_by(ShareRow.at, ShareRow.id)
        )
        return tuple(
            Share(
                row.id,
                chat_id,
                row.subject,
                row.subject_id,
                self._subject(row.subject, row.subject_id),
                row.at,
            )
            for row in rows
        )

    def with_me(self) -> tuple[Chat, ...]:
        """Chats of others that I may read, latest first."""
        rows = self._session.scalars(
            select(ChatRow)
            .where(self._readable(), ChatRow.member_id != self._member.id)
            .order_by(ChatRow.at.desc())
            .limit(200)
        ).all()
        return chat_shapes(self._context, rows)

    def read(self, chat_id: int) -> tuple[Prompt, ...]:
        """A chat that was shared with me. What rests on resources that I may not see is withheld. NotFound."""
        row = self._session.scalar(select(ChatRow).where(ChatRow.id == chat_id, self._readable()))
        if row is None:
            raise NotFound("no such chat")
        prompts = [
            prompt_shape(self._context, each)
            for each in self._session.scalars(
                select(PromptRow)
                .where(PromptRow.chat_id == chat_id, PromptRow.workspace_id == self._context.workspace_id)
                .order_by(PromptRow.at, PromptRow.id)
            )
        ]
        seen = self._visible(_cited(prompts))
        return tuple(self._shown(prompt, seen) for prompt in prompts)

    def _shown(self, prompt: Prompt, seen: set[int]) -> Prompt:
        """For another reader: never what was sent, and the answer only where all that it cites may be seen."""
        bare = replace(prompt, steps=(), sent=(), usage={}, feedback=None, page_resource_id=None)
        if set(_cited([prompt])) <= seen:
            return bare
        return replace(bare, answer=WITHHELD, citations=(), sql=(), error=None)

    def _visible(self, ids: Iterable[int]) -> set[int]:
        wanted = sorted(set(ids))
        if not wanted:
            return set()
        from plugin.store.catalog import ViewerCatalog

        return set(ViewerCatalog(self._context).resources(wanted))

    def _readable(self) -> Any:
        teams = sorted(self._member.team_ids)
        shared = select(ShareRow.chat_id).where(
            ShareRow.workspace_id == self._context.workspace_id,
            or_(
                and_(ShareRow.subject == "member", ShareRow.subject_id == self._member.id),
                and_(ShareRow.subject == "team", ShareRow.subject_id.in_(teams)),
            ),
        )
        return and_(ChatRow.workspace_id == self._context.workspace_id, ChatRow.id.in_(shared))

    def _own(self, chat_id: int) -> None:
        found = self._session.scalar(
            select(ChatRow.id).where(
                ChatRow.id == chat_id,
                ChatRow.workspace_id == self._context.workspace_id,
                ChatRow.member_id == self._member.id,
            )
        )
        if found is None:
            raise NotFound("no such chat")

    def _find(self, chat_id: int, subject: str, subject_id: int) -> ShareRow | None:
        return self._session.scalar(
            select(ShareRow).where(
                ShareRow.chat_id == chat_id, ShareRow.subject == subject, ShareRow.subject_id == subject_id
            )
        )

    def _subject(self, subject: str, subject_id: int) -> str:
        if subject == "member":
            query = (
                select(AccountRow.email)
                .join(MemberRow, MemberRow.account_id == AccountRow.id)
                .where(MemberRow.id == subject_id, MemberRow.workspace_id == self._context.workspace_id)
            )
        elif subject == "team":
            query = select(TeamRow.name).where(
                TeamRow.id == subject_id,
                TeamRow.workspace_id == self._context.workspace_id,
                or_(~TeamRow.private, TeamRow.id.in_(sorted(self._member.team_ids))),
            )
        else:
            raise BadInput("a chat is shared with a member or a team", field="subject")
        return self._session.scalar(query) or ""


def _cited(prompts: Iterable[Prompt]) -> list[int]:
    cited: list[int] = []
    for prompt in prompts:
        cited += [each["id"] for each in prompt.citations if isinstance(each.get("id"), int)]
        for statement in prompt.sql:
            cited += [each["id"] for each in statement.get("tables") or () if isinstance(each.get("id"), int)]
    return cited
