"""The typed parts that a conversation is made of: the only thing the gateway accepts (law 4).

A caller cannot hand the gateway a finished prompt. It says what each piece is (our own instructions, words that a
person typed, a fragment of metadata with named fields, the shape of a result) and the gateway redacts, checks the
fields against the allow-list, renders and sends. What a part may hold is what may leave.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from plugin.egress.stand_ins import StandIns

FieldValue = str | int | float | bool | None | tuple[str, ...] | tuple[Mapping[str, Any], ...]
"""A field of a fragment. A tuple of mappings is a small table, for example a table's columns; its keys are
allow-listed as `columns.name`, `columns.type` and so on."""


@dataclass(frozen=True, slots=True)
class Instructions:
    """Our own fixed words. `template` names the published template; `text` holds nothing of a workspace."""

    template: str
    text: str


@dataclass(frozen=True, slots=True)
class Guidance:
    """Words that people wrote to steer answers. `source`: admin, persona, memory or page. Redacted."""

    source: str
    text: str


@dataclass(frozen=True, slots=True)
class UserText:
    """What the person typed. Redacted before it leaves."""

    text: str


@dataclass(frozen=True, slots=True)
class AssistantText:
    """What the model said earlier in this conversation, with stand-ins already restored."""

    text: str


@dataclass(frozen=True, slots=True)
class AssistantToolCall:
    """A call that the model made earlier, with stand-ins already restored in its arguments."""

    id: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fragment:
    """Metadata of one resource. `fields` maps field name to value; every name must be in `allowed_fields.ALLOWED`.

    `resource_id` is None for what is no resource of its own, for example a count or a join path.
    `owners` holds names or e-mail addresses; they leave as pseudonyms.
    """

    resource_id: int | None
    kind: str
    fields: Mapping[str, FieldValue]


@dataclass(frozen=True, slots=True)
class Context:
    """Fragments that were looked up for the question before the model was asked."""

    fragments: tuple[Fragment, ...]


@dataclass(frozen=True, slots=True)
class ResultShape:
    """The shape of a Run SQL result: column names and types, never a row and never how many (law 5)."""

    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool gave back. `said` is the tool's own short sentence ("3 tables match"), `failed` if it refused."""

    call_id: str
    name: str
    fragments: tuple[Fragment, ...] = ()
    shape: ResultShape | None = None
    said: str = ""
    failed: bool = False


Part = Instructions | Guidance | UserText | AssistantText | AssistantToolCall | Context | ToolResult


@dataclass(slots=True)
class Conversation:
    """The parts in the order in which they happened.

    `stand_ins` may be kept by the caller over the requests of one chat so that `<email-1>` stays the same person; a
    new one is made where it is not given. `people` maps the workspace's known people to pseudonyms: lower-cased name
    or e-mail address -> a key that is the same for all spellings of one person (the member's id, for example).
    """

    parts: tuple[Part, ...]
    stand_ins: StandIns = field(default_factory=StandIns)
    people: Mapping[str, str] = field(default_factory=dict)
