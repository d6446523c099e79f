"""The one door out (law 4): typed parts in, a stream with stand-ins restored out; nothing else may reach a provider.

In order, for each request: the workspace's policy (on, provider, model), limits and budget, fields, redaction, the
host, its region and its hold, the ledger's row (committed), and only then the bytes. What comes back is turned into
events with stand-ins restored, and the row is completed whatever happened. Nothing is sent twice and nothing falls back
to another provider or model. `builtin` passes the same interface in this process: nothing leaves, so no row is written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from plugin.access.viewer import Viewer
from plugin.config import Config
from plugin.egress.budget import fit
from plugin.egress.clean import CleanTexts
from plugin.egress.endpoints import IN_PROCESS
from plugin.egress.ledger_entry import LedgerEntry
from plugin.egress.parts import Conversation
from plugin.egress.policy import Route, patterns_of, route_for
from plugin.egress.render import Rendered, SentPart, render
from plugin.egress.stand_ins import Restorer
from plugin.egress.transport import Leaving, Line, Stopped, Timeouts, TooLong, catching
from plugin.errors import DocentError, ProviderFailed, Refused
from plugin.providers import provider as make_provider
from plugin.providers.wire import (
    Message,
    Provider,
    Request,
    Stop,
    Text,
    TextDelta,
    ToolCall,
    ToolSpec,
    Usage,
)

if TYPE_CHECKING:
    from plugin.governance.ai_settings import AiSettings
    from plugin.store import Store

LONGEST_ANSWER = 4096

__all__ = ["Event", "Gateway", "Sent", "SentPart"]


@dataclass(frozen=True, slots=True)
class Sent:
    """What one request sent; comes before the answer. `ledger_seq` is None where nothing left the process."""

    ledger_seq: int | None
    provider: str
    host: str
    region: str
    model: str
    parts: tuple[SentPart, ...] = field(repr=False)
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
                    "message": part.message,
                    "role": part.role,
                }
                for part in self.parts
            ],
        }


Event = Sent | TextDelta | ToolCall | Usage | Stop


class Gateway:
    """Everything that goes to a provider passes here, and only here."""

    def __init__(self, store: Store, config: Config, *, timeouts: Timeouts | None = None) -> None:
        self._store = store
        self._config = config
        self._timeouts = timeouts or Timeouts()
        self._clean = CleanTexts()

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

        `provider` overrides the workspace's choice and is for admins (audited by the caller). Yields Sent first;
        closing the iterator ends it. Raises Refused, LimitReached, Misconfigured, ProviderFailed, ProviderBusy.
        """
        begins = not any(type(part).__name__ == "ToolResult" for part in conversation.parts[-1:])
        route, settings = self._route(viewer, provider=provider, begins=begins)
        rendered, cut = self._rendered(viewer, conversation, tools, route, settings, max_tokens)
        if route.in_process:
            yield from self._inside(route, rendered, cut)
            return
        entry = LedgerEntry(self._store, viewer, route, purpose, rendered.manifest, chat_id, prompt_id)
        yield from self._outside(route, rendered, cut, entry, conversation, cancelled)

    def models(self, viewer: Viewer, provider: str | None = None) -> list[str]:
        """The live list of models of the workspace's provider, entered in the ledger. For admins."""
        route, _settings = self._route(viewer, provider=provider, begins=False, models=True)
        if route.in_process:
            return list(make_provider(route.provider).models())
        return list(self._listed(viewer, route, "models"))

    def test_key(self, viewer: Viewer, provider: str, key: str, base_url: str | None = None) -> str:
        """Try a key before it is saved: one sentence on success. Raises as `answer`. For admins."""
        route, _settings = self._route(
            viewer, provider=provider, begins=False, models=True, key=key.strip(), base_url=base_url
        )
        if route.in_process:
            return "The built-in assistant needs no key."
        found = self._listed(viewer, route, "key_test")
        return f"{route.title} accepts the key; it offers {len(found)} model{'' if len(found) == 1 else 's'}."

    def preview(self, viewer: Viewer, conversation: Conversation, tools: Sequence[ToolSpec] = ()) -> Sent:
        """Exactly what `answer` would send, redacted; nothing is sent and nothing is recorded."""
        route, settings = self._route(viewer, begins=False, dry=True)
        rendered, cut = self._rendered(viewer, conversation, tools, route, settings, None)
        return _sent(route, rendered, cut)

    # --- before ---

    def _route(self, viewer: Viewer, **wanted: Any) -> tuple[Route, AiSettings]:
        return route_for(self._store, self._config, viewer, **wanted)

    def _rendered(
        self,
        viewer: Viewer,
        conversation: Conversation,
        tools: Sequence[ToolSpec],
        route: Route,
        settings: AiSettings,
        max_tokens: int | None,
    ) -> tuple[Rendered, tuple[str, ...]]:
        parts, cut = fit(conversation.parts, settings.limits.context_tokens)
        patterns, regions = patterns_of(settings), tuple(settings.redaction_regions)
        rendered = render(
            conversation,
            parts,
            tools,
            model=route.model,
            max_tokens=max_tokens or LONGEST_ANSWER,
            patterns=patterns,
            regions=regions,
            cut=cut,
            redacting=not route.in_process,
            clean=self._clean.of(viewer.workspace_id, patterns, regions),
        )
        return rendered, cut

    # --- nothing leaves ---

    def _inside(self, route: Route, rendered: Rendered, cut: tuple[str, ...]) -> Iterator[Event]:
        yield Sent(None, route.provider, IN_PROCESS, IN_PROCESS, route.model, (), {}, cut)
        yield from make_provider(route.provider).stream(rendered.request)

    # --- something leaves ---

    def _outside(
        self,
        route: Route,
        rendered: Rendered,
        cut: tuple[str, ...],
        entry: LedgerEntry,
        conversation: Conversation,
        cancelled: Callable[[], bool],
    ) -> Iterator[Event]:
        restorer = Restorer(conversation.stand_ins)
        told = begun = False
        try:
            with self._connected(route, entry, cancelled) as (vendor, line):
                try:
                    for event in vendor.stream(rendered.request):
                        if not told:
                            told = True
                            yield _sent(route, rendered, cut, entry)
                        if cancelled():
                            entry.close("cut_off")
                            return
                        begun = begun or isinstance(event, (TextDelta, ToolCall))
                        yield from self._restored(event, restorer, conversation, entry)
                        if isinstance(event, Stop):
                            break
                except (DocentError, OSError) as error:
                    if not told and entry.seq is not None:
                        told = True
                        yield _sent(route, rendered, cut, entry)
                    held = restorer.rest()
                    if held:
                        yield TextDelta(held)
                    raise _told(line, error, begun, route) from error
        except Stopped:
            entry.close("cut_off")
            return
        except DocentError as error:
            entry.close("cut_off" if begun else "failed")
            if isinstance(error, ProviderFailed):
                error.partial = begun
            raise
        finally:
            entry.close("cut_off" if begun or told else "failed")

    def _restored(
        self, event: Any, restorer: Restorer, conversation: Conversation, entry: LedgerEntry
    ) -> Iterator[Event]:
        if isinstance(event, TextDelta):
            text = restorer.feed(event.text)
            if text:
                yield TextDelta(text)
            return
        held = restorer.rest()
        if held:
            yield TextDelta(held)
        if isinstance(event, ToolCall):
            yield ToolCall(event.id, event.name, conversation.stand_ins.restore_all(event.arguments))
        elif isinstance(event, Usage):
            entry.usage = event
            yield event
        elif isinstance(event, Stop):
            entry.close("done")
            yield event

    def _listed(self, viewer: Viewer, route: Route, purpose: str) -> tuple[str, ...]:
        entry = LedgerEntry(self._store, viewer, route, purpose, {}, None, None)
        try:
            with self._connected(route, entry, lambda: False) as (vendor, line):
                try:
                    found = vendor.models()
                except (DocentError, OSError) as error:
                    raise _told(line, error, False, route) from error
            entry.close("done")
        finally:
            entry.close("failed")
        return found

    def _connected(self, route: Route, entry: LedgerEntry, cancelled: Callable[[], bool]) -> _Connection:
        return _Connection(route, entry, cancelled, self._timeouts)


def what_would_leave(provider: str) -> dict[str, Any]:
    """The JSON body that a provider's own code makes of a request without content; {} where it makes none.

    For the Trust page. Nothing leaves: the client that the vendor's SDK gets hands the request back.
    """
    caught: list[bytes] = []
    with catching(caught) as client:
        vendor = make_provider(provider, api_key="probe", http=client)
        try:
            list(vendor.stream(Request("probe", "", (Message("user", (Text("probe"),)),), max_tokens=1)))
        except DocentError:
            pass  # the answer is a fault by intention; what would have left is in hand
    read: dict[str, Any] = json.loads(caught[0]) if caught else {}
    return read


class _Connection:
    """A vendor with the one line it may use; for `scripted`, a stand-in that says what would have left."""

    def __init__(
        self, route: Route, entry: LedgerEntry, cancelled: Callable[[], bool], timeouts: Timeouts
    ) -> None:
        self._route = route
        self._line: Line | None = None
        if route.target is None:
            self._vendor: Provider = make_provider(
                route.provider, opening=lambda host, body: entry.open(Leaving("POST", host, "", body))
            )
        else:
            self._line = Line(route.target, opening=entry.open, cancelled=cancelled, timeouts=timeouts)
            self._vendor = make_provider(
                route.speaks, api_key=route.key, base_url=route.base_url, http=self._line.client
            )

    def __enter__(self) -> tuple[Provider, Line | None]:
        return self._vendor, self._line

    def __exit__(self, *_error: object) -> None:
        if self._line is not None:
            self._line.__exit__(*_error)


def _sent(route: Route, rendered: Rendered, cut: tuple[str, ...], entry: LedgerEntry | None = None) -> Sent:
    return Sent(
        ledger_seq=entry.seq if entry else None,
        provider=route.provider,
        host=route.host,
        region=route.region,
        model=route.model,
        parts=rendered.parts,
        findings=dict(rendered.findings),
        cut=cut,
        bytes=entry.bytes if entry else 0,
        sha256=entry.sha256 if entry else "",
    )


def _told(line: Line | None, error: BaseException, begun: bool, route: Route) -> DocentError:
    """The error for the person: our own reason where the line ended the request, else the vendor's."""
    reason = line.refusal if line is not None else None
    if isinstance(reason, TooLong):
        return ProviderFailed(
            f"{route.title} took too long over this answer, so it was ended.", partial=begun
        )
    if reason is not None:
        return reason
    if isinstance(error, DocentError):
        return error
    return Refused(f"The connection to {route.title} could not be opened.", rule="egress.connection")
