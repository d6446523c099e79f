"""What people asked and were told, and what is kept of it. See the package."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question with its answer, opened for its author.

    `answer` is what the person saw: Markdown, with placeholders of run results left unbound. `steps`, `citations`,
    `sql` and `sent` are JSON-like values as the assistant's events carry them.
    """

    id: int
    chat_id: int
    at: datetime
    text: str
    answer: str
    status: str
    """running, done, stopped, failed, refused."""
    title: str | None = None
    pinned: bool = False
    saved: bool = True
    feedback: str | None = None
    persona: str | None = None
    provider: str | None = None
    model: str | None = None
    error: str | None = None
    parent_id: int | None = None
    citations: tuple[Mapping[str, Any], ...] = ()
    sql: tuple[Mapping[str, Any], ...] = ()
    steps: tuple[Mapping[str, Any], ...] = ()
    sent: tuple[Mapping[str, Any], ...] = ()
    """What was sent, one entry per request: the redacted parts with resource ids, and the ledger sequence."""
    usage: Mapping[str, Any] = field(default_factory=dict)
    page_resource_id: int | None = None


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation in the history panel."""

    id: int
    title: str
    pinned: bool
    at: datetime
    prompts: int


@dataclass(frozen=True, slots=True)
class PromptPage:
    """A page of prompts by cursor, newest first."""

    items: tuple[Prompt, ...]
    next_cursor: str | None = None

    def __iter__(self) -> Iterator[Prompt]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True, slots=True)
class ChatPage:
    """A page of chats by cursor, pinned ones first, then newest."""

    items: tuple[Chat, ...]
    next_cursor: str | None = None

    def __iter__(self) -> Iterator[Chat]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True, slots=True)
class Share:
    """Who an author lets read a chat: a member or a team."""

    id: int
    chat_id: int
    subject: str
    subject_id: int
    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """An admin broke the glass: who reads whose chats, why, until when."""

    id: int
    admin: str
    author: str
    reason: str
    at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Monitored:
    """One question and its answer in the monitoring store, for admins."""

    id: int
    at: datetime
    member: str
    surface: str
    provider: str
    model: str
    text: str = field(repr=False)
    answer: str = field(repr=False)
    error: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class MonitoredPage:
    """Some of them, newest first."""

    items: tuple[Monitored, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that a member or the admins are told in the app: a kind and facts, never content."""

    id: int
    kind: str
    facts: Mapping[str, Any]
    at: datetime
    seen: bool


@dataclass(frozen=True, slots=True)
class Memory:
    """A preference that a member asked the assistant to remember."""

    id: int
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Template:
    """A prompt that is kept: text with {{variables}}, model and parameters."""

    id: int
    name: str
    text: str
    variables: tuple[str, ...]
    model: str | None
    parameters: Mapping[str, Any]
    updated: datetime
