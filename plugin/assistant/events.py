"""What an answer is made of while it happens: the server-sent events of the contract, as frozen values.

Each event has the contract's `name` and JSON-able `data`; the web, the command line and MCP print the same ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Event:
    """Base: `name` is the contract's, `data` what goes over the wire."""

    name: ClassVar[str] = ""
    computed: ClassVar[bool] = False
    """Of an answer's first event: is all that follows made in this process, so that it never waits for a model?"""

    @property
    def data(self) -> dict[str, Any]:
        """The event's fields as JSON-able values; what is None is left out."""
        return {each.name: value for each in fields(self) if (value := getattr(self, each.name)) is not None}


@dataclass(frozen=True, slots=True)
class Step(Event):
    """One thing the assistant does. Sent twice for a tool: `working`, then `done` or `failed`, with the same `n`.

    Step 0 is the first sign of life and carries the ids that Stop, history and a follow-up need. `words` names the
    asker's result that holds what a source said when it refused a statement.
    """

    name: ClassVar[str] = "step"
    n: int
    tool: str
    title: str
    state: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    summary: str = ""
    ok: bool = True
    ms: int | None = None
    found: tuple[Mapping[str, Any], ...] = ()
    prompt_id: int | None = None
    chat_id: int | None = None
    limit: int | None = None
    words: str | None = None


@dataclass(frozen=True, slots=True)
class StepHere(Step):
    """Step 0 of an answer that the built-in assistant writes; over the wire it is like any other."""

    computed: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Text(Event):
    """The next piece of the answer as Markdown. `html` is every block that this piece completed, safe to insert."""

    name: ClassVar[str] = "text"
    text: str
    html: str | None = None


@dataclass(frozen=True, slots=True)
class Citation(Event):
    """A resource that the answer rests on; `[n]` in the text refers to it. The asker could see it a moment ago."""

    name: ClassVar[str] = "citation"
    n: int
    id: int
    kind: str
    qualified_name: str
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Sql(Event):
    """A statement that was parsed and resolved before anybody sees it. `n` is its number: its result is `r<n>`."""

    name: ClassVar[str] = "sql"
    n: int
    sql: str
    dialect: str | None = None
    integration_id: int | None = None
    integration: str | None = None
    tables: tuple[Mapping[str, Any], ...] = ()
    unknown: tuple[Mapping[str, Any], ...] = ()
    problems: tuple[str, ...] = ()
    ok: bool = True
    html: str | None = None


@dataclass(frozen=True, slots=True)
class Proposed(Event):
    """A change that waits for a person to accept it."""

    name: ClassVar[str] = "proposal"
    id: int
    resource_id: int
    qualified_name: str
    field: str
    value: str
    state: str = "open"


@dataclass(frozen=True, slots=True)
class Shape(Event):
    """A statement was run: the columns of its result and where the asker's page gets the rows. Never a row."""

    name: ClassVar[str] = "shape"
    n: int
    columns: tuple[Mapping[str, str], ...]
    result_id: str | None = None
    integration_id: int | None = None


@dataclass(frozen=True, slots=True)
class Done(Event):
    """The end of an answer. `html` is the whole answer; `unknown` names that the catalog does not have."""

    name: ClassVar[str] = "done"
    prompt_id: int
    chat_id: int
    status: str
    answer: str
    html: str
    citations: tuple[Mapping[str, Any], ...] = ()
    sql: tuple[Mapping[str, Any], ...] = ()
    unknown: tuple[Mapping[str, Any], ...] = ()
    steps: tuple[Mapping[str, Any], ...] = ()
    sent: tuple[Mapping[str, Any], ...] = ()
    usage: Mapping[str, Any] = field(default_factory=dict)
    provider: str = ""
    model: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Error(Event):
    """What went wrong in one sentence. What was streamed before stays; `retry` says whether asking again may help."""

    name: ClassVar[str] = "error"
    message: str
    retry: bool = False
    rule: str | None = None
    who: str | None = None
    retry_after: int | None = None
    status: int = 500
    prompt_id: int | None = None
    chat_id: int | None = None
