"""Anthropic through its own SDK: the Messages API, streamed, with the stable beginning of a request marked for caching.

The SDK is told never to retry and never to trace; the gateway's client is the only way out. A temperature is not sent:
the Messages API of this SDK has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from plugin.errors import DocentError, Misconfigured
from plugin.providers import faults
from plugin.providers.wire import (
    Request,
    Stop,
    StreamEvent,
    TextDelta,
    ToolCall,
    Usage,
)

ANTHROPIC_URL = "https://api.anthropic.com"
_CACHE = {"type": "ephemeral"}
_STOPS = {
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refused",
}


class Anthropic:
    """Anthropic's own service, or a server that speaks its Messages API."""

    name: ClassVar[str] = "anthropic"
    in_process: ClassVar[bool] = False
    title: ClassVar[str] = "Anthropic"

    def __init__(
        self, *, api_key: str | None = None, base_url: str | None = None, http: Any = None, **_settings: Any
    ) -> None:
        self._key = api_key
        self._base_url = base_url or ANTHROPIC_URL
        self._http = http

    def models(self) -> tuple[str, ...]:
        """The live list, newest first as Anthropic gives it."""
        import anthropic

        try:
            client = self._client()
            # An answer that is no JSON breaks inside the SDK, before it is ours to read.
            with faults.reading(self.title):
                page = client.models.list(limit=100)
                return tuple(str(model.id) for model in page.data if getattr(model, "id", None))
        except anthropic.AnthropicError as error:
            raise self._fault(error, "", begun=False) from error
        except ValueError as error:
            raise faults.nonsense(self.title) from error

    def stream(self, request: Request) -> Iterator[StreamEvent]:
        """Send once; yield the answer."""
        import anthropic
        import httpx2

        begun = False
        try:
            for event in self._events(request):
                begun = begun or isinstance(event, (TextDelta, ToolCall))
                yield event
        except DocentError:
            raise
        except anthropic.AnthropicError as error:
            raise self._fault(error, request.model, begun=begun) from error
        except httpx2.TimeoutException as error:
            raise faults.slow(self.title, begun=begun) from error
        except httpx2.HTTPError as error:
            raise faults.cut_off(self.title, begun=begun) from error

    def _events(self, request: Request) -> Iterator[StreamEvent]:
        from plugin.providers.anthropic_format import messages_of, tools_of

        system: list[dict[str, Any]] = [{"type": "text", "text": request.system, "cache_control": _CACHE}]
        if request.system_tail:
            system.append({"type": "text", "text": request.system_tail})
        body: dict[str, Any] = {
            "model": request.model,
            "system": system,
            "messages": messages_of(request),
            "max_tokens": request.max_tokens,
            "stream": True,
        }
        if request.tools:
            body["tools"] = tools_of(request)
        reading = _Reading(self.title, request.model)
        with self._client().messages.create(**body) as stream, faults.reading(self.title):
            for event in stream:
                yield from reading.read(event)
                if reading.over:
                    break
        yield from reading.end()

    def _client(self) -> Any:
        import anthropic

        if not self._key:
            raise Misconfigured(f"No API key is set for {self.title}. An admin can enter one in AI settings.")
        return anthropic.Anthropic(
            api_key=self._key,
            base_url=self._base_url,
            max_retries=0,
            http_client=self._http,
            open_telemetry=False,
        )

    def _fault(self, error: BaseException, model: str, *, begun: bool) -> DocentError:
        import anthropic
        import httpx2

        if isinstance(error, anthropic.APIStatusError):
            if begun or error.response.status_code == 200:
                return faults.from_event(self.title, model, error.body)
            return faults.from_status(
                self.title, model, error.status_code, error.body, error.response.headers
            )
        if isinstance(error, anthropic.APITimeoutError):
            return faults.slow(self.title, begun=begun)
        if isinstance(error, anthropic.APIConnectionError):
            cause = error.__cause__
            if not begun and isinstance(cause, (httpx2.ConnectError, httpx2.ConnectTimeout)):
                return faults.unreachable(self.title)
            return faults.cut_off(self.title, begun=begun)
        return faults.nonsense(self.title)


class _Reading:
    """Anthropic's stream events, one after the other, as ours."""

    def __init__(self, title: str, model: str) -> None:
        self._title, self._model = title, model
        self._call: dict[str, str] | None = None
        self._input = self._output = self._cached = 0
        self._reason: str | None = None
        self._anything = False
        self.over = False

    def read(self, event: Any) -> Iterator[StreamEvent]:
        """What one event says."""
        kind = getattr(event, "type", None)
        if kind == "message_start":
            self._count(event.message.usage)
        elif kind == "content_block_start" and event.content_block.type == "tool_use":
            self._call = {
                "id": str(event.content_block.id),
                "name": str(event.content_block.name),
                "arguments": "",
            }
        elif kind == "content_block_delta":
            delta = event.delta
            if delta.type == "text_delta":
                self._anything = True
                yield TextDelta(str(delta.text))
            elif delta.type == "input_json_delta" and self._call is not None:
                self._call["arguments"] += str(delta.partial_json)
        elif kind == "content_block_stop" and self._call is not None:
            from plugin.providers.anthropic_format import arguments_of

            call, self._call, self._anything = self._call, None, True
            yield ToolCall(call["id"], call["name"], arguments_of(call["arguments"], self._title))
        elif kind == "message_delta":
            self._reason = getattr(event.delta, "stop_reason", None) or self._reason
            self._count(event.usage)
        elif kind == "message_stop":
            self.over = True
        elif kind == "error":
            raise faults.from_event(self._title, self._model, getattr(event, "error", None))

    def end(self) -> Iterator[StreamEvent]:
        """Usage and the end. Raises ProviderFailed where the answer was not complete."""
        if not self.over:
            raise (
                faults.cut_off(self._title, begun=True)
                if self._anything or self._input
                else faults.nonsense(self._title)
            )
        if not self._anything and self._reason != "refusal":
            raise faults.empty(self._title)
        yield Usage(self._input, self._output, self._cached)
        yield Stop(_STOPS.get(self._reason or "", "end"))

    def _count(self, usage: Any) -> None:
        read = getattr(usage, "cache_read_input_tokens", None) or 0
        written = getattr(usage, "cache_creation_input_tokens", None) or 0
        plain = getattr(usage, "input_tokens", None)
        if plain is not None:
            self._input = int(plain) + int(read) + int(written)
            self._cached = int(read)
        self._output = int(getattr(usage, "output_tokens", None) or self._output)
