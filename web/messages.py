"""One question with its answer, made ready for a template: from the assistant's last event or from history.

The answer's HTML comes from `plugin.assistant.render`, which is the sanitiser; nothing here adds text of a model to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import render_template

from plugin.assistant import read_again, render_again
from plugin.store.shapes import Prompt
from web.binding import filled
from web.locks import Lock, lock_of
from web.services import services, viewer
from web.words import plural

_SQL = re.compile(r'<pre class="sql-text".*?</pre>', re.DOTALL)

_DID = {
    "search": "searched the catalog",
    "retrieve": "read {}",
    "lineage": "followed lineage",
    "glossary": "looked in the glossary",
    "find_joins": "looked for joins",
    "browse": "listed by property",
    "count": "counted",
    "changes": "looked up what changed",
    "frequent_queries": "read frequent queries",
    "check_sql": "checked the SQL",
    "run_sql": "ran SQL",
    "propose": "proposed a change",
    "remember": "remembered a preference",
}


@dataclass(frozen=True)
class SqlBlock:
    """A statement with its lock."""

    entry: Mapping[str, Any]
    lock: Lock


@dataclass(frozen=True)
class Message:
    """What the template of a message shows."""

    id: int | None
    chat_id: int | None
    question: str
    status: str
    parts: tuple[tuple[str, Any], ...]
    """("html", safe text) and ("sql", SqlBlock), in the order of the answer."""
    steps: tuple[Mapping[str, Any], ...] = ()
    citations: tuple[Mapping[str, Any], ...] = ()
    unknown: tuple[Mapping[str, Any], ...] = ()
    sent: tuple[Mapping[str, Any], ...] = ()
    usage: Mapping[str, Any] = field(default_factory=dict)
    provider: str | None = None
    model: str | None = None
    error: str | None = None
    feedback: str | None = None
    answer: str = ""
    saved: bool = True
    """False where history keeps only what its author saves, and this is not saved yet."""

    @property
    def summary(self) -> str:
        """The steps in one line: "Searched the catalog, read 2 tables"."""
        done = [
            step for step in self.steps if step.get("tool") not in (None, "", "context") and step.get("n")
        ]
        if not done:
            return "Answered without a step" if self.answer else "No step was taken"
        counted: dict[str, int] = {}
        for step in done:
            counted[str(step["tool"])] = counted.get(str(step["tool"]), 0) + 1
        said = []
        for tool, count in counted.items():
            words = _DID.get(tool, tool.replace("_", " "))
            said.append(words.format(plural(count, "resource")) if "{}" in words else words)
        text = ", ".join(said)
        return text[:1].upper() + text[1:]

    @property
    def milliseconds(self) -> int | None:
        """How long the steps took together, where they say."""
        times = [step["ms"] for step in self.steps if step.get("ms") is not None]
        return sum(times) if times else None


def parts_of(
    html: str, sql: Iterable[Mapping[str, Any]], shapes: Mapping[str, str] | None = None
) -> tuple[tuple[str, Any], ...]:
    """Split an answer where its statements stand, so that each gets its block with a lock."""
    waiting = list(sql)
    numbers = frozenset(f"r{each.get('n')}" for each in waiting)
    parts: list[tuple[str, Any]] = []
    at = 0
    for match in _SQL.finditer(html):
        if not waiting:
            break
        if html[at : match.start()].strip():
            parts.append(("html", filled(html[at : match.start()], shapes or {}, numbers)))
        entry = dict(waiting.pop(0))
        entry.setdefault("html", match.group())
        parts.append(("sql", SqlBlock(entry, lock_of(entry))))
        at = match.end()
    if html[at:].strip():
        parts.append(("html", filled(html[at:], shapes or {}, numbers)))
    parts.extend(("sql", SqlBlock(entry, lock_of(entry))) for entry in waiting)
    return tuple(parts)


def of_done(
    question: str,
    done: Mapping[str, Any],
    error: Mapping[str, Any] | None = None,
    shapes: Mapping[str, str] | None = None,
) -> Message:
    """The message that a finished stream leaves."""
    return Message(
        id=done.get("prompt_id"), chat_id=done.get("chat_id"), question=question,
        status=done.get("status", "done"), parts=parts_of(done.get("html") or "", done.get("sql") or (), shapes),
        steps=tuple(done.get("steps") or ()), citations=tuple(done.get("citations") or ()),
        unknown=tuple(done.get("unknown") or ()), sent=tuple(done.get("sent") or ()),
        usage=done.get("usage") or {}, provider=done.get("provider"), model=done.get("model"),
        error=(error or {}).get("message") or done.get("message"), answer=done.get("answer") or "",
        saved=bool(done.get("saved", True)),
    )  # fmt: skip


def of_prompt(prompt: Prompt) -> Message:
    """The message that history kept, with what its reader may see today."""
    store, reader = services().store, viewer()
    prompt = read_again(store, reader, prompt)
    return Message(
        id=prompt.id, chat_id=prompt.chat_id, question=prompt.text, status=prompt.status,
        parts=parts_of(render_again(store, reader, prompt), prompt.sql), steps=tuple(prompt.steps),
        citations=tuple(prompt.citations), sent=tuple(prompt.sent), usage=prompt.usage, provider=prompt.provider,
        model=prompt.model, error=prompt.error, feedback=prompt.feedback, answer=prompt.answer, saved=prompt.saved,
    )  # fmt: skip


def message_html(message: Message) -> str:
    """The message as the chat's element inserts it."""
    return render_template("assistant/_message.html", message=message)
