"""The typed conversation as the planner reads it: the question, what was spoken of before, and what tools gave back.

Enters: a `Conversation` of `plugin/egress/parts.py`, exactly what a model would get. Leaves: a `Talk`.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from plugin.egress.parts import AssistantText, Context, Conversation, Fragment, Guidance, ToolResult, UserText

CITED = re.compile(r"\[\[([^\]\n]{1,300})\]\]")
PAGE = re.compile(r"\[\[(\d+)\]\]")


@dataclass(frozen=True, slots=True)
class Want:
    """A tool that the planner wants called."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Given:
    """What came back: the fragments, one sentence, and whether it worked."""

    fragments: tuple[Fragment, ...] = ()
    said: str = ""
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier question, and the ids or names that its answer cited, the most important first."""

    question: str
    answer: str
    cited: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Talk:
    """Everything an answer may rest on."""

    question: str
    earlier: tuple[Turn, ...] = ()
    page: str | None = None
    context: tuple[Fragment, ...] = ()
    given: tuple[Given, ...] = ()
    tools: frozenset[str] = field(default_factory=frozenset)

    @property
    def focus(self) -> str | None:
        """What "it" means: the first thing the last answer cited, else the page that is open."""
        for turn in reversed(self.earlier):
            if turn.cited:
                return turn.cited[0]
        return self.page


Plan = Generator[Want, Given, str]
"""Yields the tools it wants, is sent what they gave, and returns the answer as Markdown with [[citations]]."""


class Thing:
    """A fragment of one resource with its fields at hand; what is missing is empty."""

    __slots__ = ("_fields", "id", "kind")

    def __init__(self, fragment: Fragment) -> None:
        self.id = fragment.resource_id or 0
        self.kind = fragment.kind
        self._fields = fragment.fields

    def text(self, name: str) -> str:
        """One field as text."""
        value = self._fields.get(name)
        return "" if value is None or isinstance(value, tuple | bool) else str(value)

    def flag(self, name: str) -> bool:
        """One field as yes or no."""
        return bool(self._fields.get(name))

    def texts(self, name: str) -> tuple[str, ...]:
        """A field that is a list of words."""
        value = self._fields.get(name)
        return tuple(str(each) for each in value) if isinstance(value, tuple) else ()

    def rows(self, name: str) -> tuple[Mapping[str, Any], ...]:
        """A field that is a small table."""
        value = self._fields.get(name)
        if not isinstance(value, tuple):
            return ()
        return tuple(each for each in value if isinstance(each, Mapping))

    @property
    def name(self) -> str:
        """Its own name."""
        return self.text("name") or self.qualified.rsplit(".", 1)[-1]

    @property
    def qualified(self) -> str:
        """Its qualified name."""
        return self.text("qualified_name")

    @property
    def columns(self) -> tuple[Mapping[str, Any], ...]:
        """The columns, where it was read in full."""
        return self.rows("columns")

    @property
    def keys(self) -> tuple[Mapping[str, Any], ...]:
        """The keys, where it was read in full."""
        return self.rows("keys")

    @property
    def is_table(self) -> bool:
        """Can a statement select from it?"""
        return self.kind.endswith(("table", "view")) or self.kind == "dataset"


def things(fragments: Iterable[Fragment]) -> list[Thing]:
    """The fragments that are resources of their own."""
    return [
        Thing(each) for each in fragments if each.resource_id is not None and "qualified_name" in each.fields
    ]


def rows_of(fragments: Iterable[Fragment], name: str) -> list[Mapping[str, Any]]:
    """All rows of a small table that some fragment carries (edges, joins, counts)."""
    return [row for each in fragments for row in Thing(each).rows(name)]


def read_talk(conversation: Conversation, tools: Iterable[str]) -> Talk:
    """Read the parts in their order. The last thing that the person typed is the question."""
    parts = conversation.parts
    last = max((index for index, part in enumerate(parts) if isinstance(part, UserText)), default=-1)
    question = parts[last].text if last >= 0 and isinstance(parts[last], UserText) else ""  # type: ignore[union-attr]
    page: str | None = None
    context: list[Fragment] = []
    given: list[Given] = []
    for index, part in enumerate(parts):
        if isinstance(part, Guidance) and part.source == "page":
            found = PAGE.search(part.text)
            page = found.group(1) if found else None
        elif isinstance(part, Context):
            context += part.fragments
        elif isinstance(part, ToolResult) and index > last:
            given.append(Given(part.fragments, part.said, part.failed))
    return Talk(question, _turns(parts[:last]), page, tuple(context), tuple(given), frozenset(tools))


def _turns(parts: Sequence[object]) -> tuple[Turn, ...]:
    turns: list[Turn] = []
    asked = ""
    for part in parts:
        if isinstance(part, UserText):
            asked = part.text
        elif isinstance(part, AssistantText):
            turns.append(Turn(asked, part.text, tuple(dict.fromkeys(CITED.findall(part.text)))))
    return tuple(turns)
