"""The one door out (law 4): typed parts in, a stream with stand-ins restored out; nothing else may reach a provider."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from plugin.access.viewer import Viewer
from plugin.config import Config
from plugin.egress.parts import Conversation
from plugin.providers.wire import Stop, TextDelta, ToolCall, ToolSpec, Usage

if TYPE_CHECKING:
    from plugin.store import Store


@dataclass(frozen=True, slots=True)
class SentPart:
    """One piece of what was sent, as redacted. `source` names the part's type, `resource_id` and `field` where it is from."""

    source: str
    text: str
    resource_id: int | None = None
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """What one request sent; comes before the answer. `ledger_seq` is None where nothing left the process."""

    ledger_seq: int | None
    provider: str
    host: str
    region: str
    model: str
    parts: tuple[SentPart, ...]
    findings: Mapping[str, int] = field(default_factory=dict)
    """kind of redaction -> how often"""
    cut: tuple[str, ...] = ()
    """what the budget left out, in words"""
    bytes: int = 0
    sha256: str = ""

    def as_json(self) -> dict[str, Any]:
        """As the history stores it (sealed) and the page shows it."""
        return {
            "ledger_seq": self.ledger_seq,
            "provider": self.provider,
            "host": self.host,
            "region": self.region,
            "model": self.model,
            "findings": dict(self.findings),
            "cut": list(self.cut),
            "bytes": self.bytes,
            "sha256": self.sha256,
            "parts": [
                {
                    "source": part.source,
                    "text": part.text,
                    "resource_id": part.resource_id,
                    "field": part.field,
                }
                for part in self.parts
            ],
        }


Event = Sent | TextDelta | ToolCall | Usage | Stop


class Gateway:
    """Everything that goes to a provider passes here, and only here."""

    def __init__(self, store: Store, config: Config) -> None:
        self._store = store
        self._config = config

    def answer(
        self,
        viewer: Viewer,
        conversation: Conversation,
        tools: Sequence[ToolSpec] = (),
        *,
        purpose: str = "chat",
        chat_id: int | None = None,
        prompt_id: int | None = None,
        provider: str | None = None,
        max_tokens: int | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Iterator[Event]:
        """Redact, check, enter in the ledger, send once, and stream the answer back with stand-ins restored.

        `provider` overrides the workspace's choice and is for admins (audited by the caller). Yields Sent first.
        Raises Refused, LimitReached, Misconfigured, ProviderFailed, ProviderBusy.
        """
        raise NotImplementedError

    def models(self, viewer: Viewer, provider: str | None = None) -> list[str]:
        """The live list of models of the workspace's provider. For admins."""
        raise NotImplementedError

    def test_key(self, viewer: Viewer, provider: str, key: str, base_url: str | None = None) -> str:
        """Try a key before it is saved: one sentence on success. Raises as `answer`. For admins."""
        raise NotImplementedError

    def preview(self, viewer: Viewer, conversation: Conversation, tools: Sequence[ToolSpec] = ()) -> Sent:
        """Exactly what `answer` would send, redacted; nothing is sent and nothing is recorded."""
        raise NotImplementedError
