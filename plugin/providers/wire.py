"""The canonical request and the stream that comes back, the same for every vendor.

Enters: nothing but text that the gateway has already redacted. Leaves: frozen values. A vendor's file translates a
`Request` into its own format and its own stream into these events; nothing outside `plugin/providers` knows a
vendor's format.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

# --- what goes in ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Text:
    """Words of the person, of the assistant, or a data block of metadata."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call that the model made earlier in this conversation."""

    id: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CallResult:
    """What the tool of that call gave back, as text for the model."""

    call_id: str
    text: str
    failed: bool = False


Part = Text | Call | CallResult


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. Calls are in assistant turns, their results in the user turn that follows."""

    role: Literal["user", "assistant"]
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool offered to the model; `schema` is a JSON Schema object for its arguments."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One request for an answer.

    `system` is in two pieces: `system` never changes in a conversation, so a provider can cache it; `system_tail`
    (page, persona) may. `origin` is the typed conversation, for providers that run in this process only; no vendor's
    file reads it.
    """

    model: str
    system: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    max_tokens: int = 4096
    temperature: float | None = None
    system_tail: str = ""
    origin: Any = field(default=None, repr=False, compare=False)


# --- what comes out --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A complete call of a tool, taken from the provider's structured field and never from text."""

    id: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counts them. `input` includes `cached`, those read from the provider's cache."""

    input: int
    output: int
    cached: int = 0


@dataclass(frozen=True, slots=True)
class Stop:
    """The end of the stream. `reason`: end, tool_calls, length, refused."""

    reason: str


StreamEvent = TextDelta | ToolCall | Usage | Stop


class Provider(Protocol):
    """What every provider can do. A provider is made for one request and closed after it."""

    name: ClassVar[str]
    in_process: ClassVar[bool]
    """True where nothing leaves the process, so that there is no host and no ledger row."""

    def stream(self, request: Request) -> Iterator[StreamEvent]:
        """Send once and yield the answer as it comes. The last event is a Stop.

        Raises ProviderFailed, ProviderBusy or Misconfigured with one sentence for the person who asked. Nothing is
        ever sent twice: a repeat is a new request that somebody asks for.
        """
        ...

    def models(self) -> tuple[str, ...]:
        """The provider's own live list of models that can answer, best known order kept. Errors as in `stream`."""
        ...
