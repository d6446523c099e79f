"""What a member keeps beside prompts: templates with variables, and preferences for the assistant. Sealed at rest."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, delete, select

from plugin.errors import BadInput, Conflict, NotFound
from plugin.store._context import Context
from plugin.store._ids import fresh_id
from plugin.store._models.base import now
from plugin.store._models.history import MemoryRow, TemplateRow
from plugin.store.monitoring import forget_template
from plugin.store.shapes import Erased, Memory, Template
from plugin.store.template_text import template_shape

TEMPLATES_MOST, MEMORIES_MOST = 200, 100
TEXT_MOST, MEMORY_MOST = 20_000, 500

_memories = MemoryRow.__table__
MEMORIES = (
    select(_memories.c.id, _memories.c.uid, _memories.c.sealed, _memories.c.at)
    .where(_memories.c.workspace_id == bindparam("workspace"), _memories.c.member_id == bindparam("member"))
    .order_by(_memories.c.at, _memories.c.id)
)
"""Built once: each question is asked with what its asker wants remembered."""


class Templates:
    """My prompt templates: kept until I change or delete them."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def all(self) -> tuple[Template, ...]:
        """By name."""
        rows = self._context.session.scalars(self._own())
        return tuple(sorted((self._shape(row) for row in rows), key=lambda each: each.name.casefold()))

    def get(self, template_id: int) -> Template:
        """One of mine. NotFound."""
        return self._shape(self._row(template_id))

    def save(
        self,
        name: str,
        text: str,
        *,
        model: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        template_id: int | None = None,
    ) -> Template:
        """Keep a template, or change one of mine. Its variables are the {{names}} in its text."""
        tidy = " ".join(name.split())
        if not tidy or len(tidy) > 120:
            raise BadInput("a template's name has 1 to 120 characters", field="name")
        if not text.strip() or len(text) > TEXT_MOST:
            raise BadInput(f"a template's text has 1 to {TEXT_MOST:,} characters", field="text")
        self._context.begin_write()
        if template_id is None:
            if len(self._context.session.scalars(self._own()).all()) >= TEMPLATES_MOST:
                raise Conflict(f"you have {TEMPLATES_MOST} templates; delete some first", field="name")
            row = TemplateRow(
                id=fresh_id(self._context.session, TemplateRow.id),
                workspace_id=self._context.workspace_id,
                member_id=self._context.member.id,
                uid=secrets.token_hex(16),
            )
        else:
            row = self._row(template_id)
        body = {"name": tidy, "text": text, "model": model, "parameters": dict(parameters or {})}
        row.sealed = self._context.vault.seal_json("templates", "sealed", body, row=row.uid)
        row.updated = now()
        self._context.session.add(row)
        self._context.session.flush()
        return self._shape(row)

    def delete(self, template_id: int) -> Erased:
        """Delete one of mine for good, and what monitoring held of its use. NotFound."""
        self._context.begin_write()
        self._context.session.delete(self._row(template_id))
        self._context.session.flush()
        self._context.scrub_after()
        return Erased(now(), {"templates": 1, "monitored": forget_template(self._context, template_id)})

    def _own(self) -> Any:
        return select(TemplateRow).where(
            TemplateRow.workspace_id == self._context.workspace_id,
            TemplateRow.member_id == self._context.member.id,
        )

    def _row(self, template_id: int) -> TemplateRow:
        row: TemplateRow | None = self._context.session.scalar(
            self._own().where(TemplateRow.id == template_id)
        )
        if row is None:
            raise NotFound("no such template")
        return row

    def _shape(self, row: TemplateRow) -> Template:
        return template_shape(self._context, row)


class Memories:
    """Preferences that I asked the assistant to remember."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def all(self) -> tuple[Memory, ...]:
        """Oldest first."""
        whose = {"workspace": self._context.workspace_id, "member": self._context.member.id}
        rows = self._context.session.connection().execute(MEMORIES, whose)
        return tuple(memory_shape(self._context, row) for row in rows)

    def remember(self, text: str) -> Memory:
        """Keep one. BadInput where it is empty or long, Conflict where there are too many."""
        tidy = " ".join(text.split())
        if not tidy or len(tidy) > MEMORY_MOST:
            raise BadInput(f"a preference has 1 to {MEMORY_MOST} characters", field="text")
        self._context.begin_write()
        known = self.all()
        for memory in known:
            if memory.text == tidy:
                return memory
        if len(known) >= MEMORIES_MOST:
            raise Conflict(
                f"the assistant remembers {MEMORIES_MOST} things already; forget some first", field="text"
            )
        uid = secrets.token_hex(16)
        row = MemoryRow(
            id=fresh_id(self._context.session, MemoryRow.id),
            workspace_id=self._context.workspace_id,
            member_id=self._context.member.id,
            uid=uid,
            sealed=self._context.vault.seal_text("memories", "sealed", tidy, row=uid),
            at=now(),
        )
        self._context.session.add(row)
        self._context.session.flush()
        return memory_shape(self._context, row)

    def forget(self, memory_id: int) -> Erased:
        """Delete one of mine for good. NotFound."""
        gone = self._context.session.execute(
            delete(MemoryRow).where(
                MemoryRow.id == memory_id,
                MemoryRow.workspace_id == self._context.workspace_id,
                MemoryRow.member_id == self._context.member.id,
            )
        )
        if not gone.rowcount:  # type: ignore[attr-defined]
            raise NotFound("no such preference")
        self._context.scrub_after()
        return Erased(now(), {"preferences": 1})


def memory_shape(context: Context, row: Any) -> Memory:
    """Open a preference's row for its author."""
    return Memory(row.id, context.vault.open_text("memories", "sealed", row.sealed, row=row.uid), row.at)
