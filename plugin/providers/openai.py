"""OpenAI through its own SDK: the Responses API with `store=false`, and Chat Completions for every compatible server.

The SDK is told never to retry; the gateway's client is the only way out, so it also never follows a redirect. Events
are read defensively: a server that only resembles the API ends in one clear sentence, not in a traceback.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from plugin.errors import DocentError, Misconfigured
from plugin.providers import faults
from plugin.providers.wire import (
    Call,
    CallResult,
    Request,
    Stop,
    StreamEvent,
    Text,
    TextDelta,
    ToolCall,
    Usage,
)

OPENAI_URL = "https://api.openai.com/v1"
_NOT_CHAT = (
    "embedding",
    "whisper",
    "tts",
    "dall-e",
    "image",
    "audio",
    "realtime",
    "moderation",
    "transcribe",
    "sora",
    "babbage",
    "davinci",
    "search-api",
)


class _Base:
    """What both of OpenAI's interfaces share."""

    title: ClassVar[str] = "OpenAI"

    def __init__(
        self, *, api_key: str | None = None, base_url: str | None = None, http: Any = None, **_settings: Any
    ) -> None:
        self._key = api_key
        self._base_url = base_url or OPENAI_URL
        self._http = http

    def models(self) -> tuple[str, ...]:
        """The live list, without those that cannot hold a conversation."""
        import openai

        try:
            client = self._client()
            # An answer that is no JSON breaks inside the SDK, before it is ours to read.
            with faults.reading(self.title):
                page = client.models.list()
                found = [str(model.id) for model in page.data if getattr(model, "id", None)]
        except openai.OpenAIError as error:
            raise self._fault(error, "", begun=False) from error
        except ValueError as error:
            raise faults.nonsense(self.title) from error
        return tuple(sorted(name for name in found if not any(word in name for word in _NOT_CHAT)))

    def _client(self) -> Any:
        import openai

        if not self._key:
            raise Misconfigured(f"No API key is set for {self.title}. An admin can enter one in AI settings.")
        return openai.OpenAI(
            api_key=self._key, base_url=self._base_url, max_retries=0, http_client=self._http
        )

    def _sent(self, path: str, body: Mapping[str, Any]) -> Any:
        """The SDK's stream of an answer, each event as the JSON that came.

        By the SDK's door for what it has no types for: to build a typed model of each word takes it more processor time
        than all that we do with the word, and a hundred answers at once are a thousand words a second.
        """
        import openai

        return self._client().post(
            path, body=dict(body), cast_to=object, stream=True, stream_cls=openai.Stream[object]
        )

    def _fault(self, error: BaseException, model: str, *, begun: bool) -> DocentError:
        import httpx2
        import openai

        if isinstance(error, openai.APIStatusError):
            return faults.from_status(
                self.title, model, error.status_code, error.body, error.response.headers
            )
        if isinstance(error, openai.APITimeoutError):
            return faults.slow(self.title, begun=begun)
        if isinstance(error, openai.APIConnectionError):
            if begun:
                return faults.cut_off(self.title, begun=True)
            cause = error.__cause__
            if isinstance(cause, (httpx2.ConnectError, httpx2.ConnectTimeout)):
                return faults.unreachable(self.title)
            return faults.cut_off(self.title, begun=False)
        if isinstance(error, openai.APIResponseValidationError):
            return faults.nonsense(self.title)
        if isinstance(error, openai.APIError):
            return faults.from_event(self.title, model, error.body if error.body is not None else {})
        return faults.nonsense(self.title)

    def _guarded(self, request: Request, events: Iterator[StreamEvent]) -> Iterator[StreamEvent]:
        """Turn whatever goes wrong into an error of ours."""
        import httpx2
        import openai

        begun = False
        try:
            for event in events:
                begun = begun or isinstance(event, (TextDelta, ToolCall))
                yield event
        except DocentError:
            raise
        except openai.OpenAIError as error:
            raise self._fault(error, request.model, begun=begun) from error
        except httpx2.TimeoutException as error:
            raise faults.slow(self.title, begun=begun) from error
        except httpx2.HTTPError as error:
            raise faults.cut_off(self.title, begun=begun) from error


class OpenAI(_Base):
    """OpenAI's own service, over the Responses API. Nothing is stored there: `store=false`."""

    name: ClassVar[str] = "openai"
    in_process: ClassVar[bool] = False

    def stream(self, request: Request) -> Iterator[StreamEvent]:
        """Send once; yield the answer."""
        return self._guarded(request, self._events(request))

    def _events(self, request: Request) -> Iterator[StreamEvent]:
        body: dict[str, Any] = {
            "model": request.model,
            "instructions": request.system + request.system_tail,
            "input": list(_responses_input(request)),
            "max_output_tokens": request.max_tokens,
            "store": False,
            "stream": True,
        }
        if request.tools:
            body["tools"] = [
                {
                    "type": "function",
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": dict(tool.schema),
                    "strict": False,
                }
                for tool in request.tools
            ]
        if request.temperature is not None:
            body["temperature"] = request.temperature
        anything = called = False
        with self._sent("/responses", body) as stream, faults.reading(self.title):
            for event in map(_Seen, stream):
                kind = getattr(event, "type", None)
                if kind in ("response.output_text.delta", "response.refusal.delta"):
                    anything = True
                    yield TextDelta(str(event.delta))
                elif (
                    kind == "response.output_item.done" and getattr(event.item, "type", "") == "function_call"
                ):
                    anything = called = True
                    yield ToolCall(
                        str(event.item.call_id),
                        str(event.item.name),
                        arguments_of(event.item.arguments, self.title),
                    )
                elif kind in ("response.completed", "response.incomplete"):
                    yield from _responses_end(event.response, called)
                    if not anything and kind == "response.completed":
                        raise faults.empty(self.title)
                    return
                elif kind in ("response.failed", "error"):
                    body_of = getattr(getattr(event, "response", None), "error", None) or event
                    raise faults.from_event(self.title, request.model, _plain(body_of))
        raise faults.cut_off(self.title, begun=anything) if anything else faults.nonsense(self.title)


class OpenAICompatible(_Base):
    """Any server that speaks Chat Completions, such as one in your own network."""

    name: ClassVar[str] = "openai_compatible"
    in_process: ClassVar[bool] = False
    title: ClassVar[str] = "The model server"

    def _client(self) -> Any:
        import openai

        return openai.OpenAI(
            api_key=self._key or "none", base_url=self._base_url, max_retries=0, http_client=self._http
        )

    def stream(self, request: Request) -> Iterator[StreamEvent]:
        """Send once; yield the answer."""
        return self._guarded(request, self._events(request))

    def _events(self, request: Request) -> Iterator[StreamEvent]:
        body: dict[str, Any] = {
            "model": request.model,
            "messages": list(_chat_messages(request)),
            "max_tokens": request.max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if request.tools:
            body["tools"] = [
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": tool.description,
                        "parameters": dict(tool.schema),
                    },
                }
                for tool in request.tools
            ]
        if request.temperature is not None:
            body["temperature"] = request.temperature
        calls: dict[int, dict[str, str]] = {}
        reason: str | None = None
        usage: Usage | None = None
        anything = False
        with self._sent("/chat/completions", body) as stream, faults.reading(self.title):
            for chunk in map(_Seen, stream):
                if getattr(chunk, "usage", None):
                    cached = (
                        getattr(getattr(chunk.usage, "prompt_tokens_details", None), "cached_tokens", 0) or 0
                    )
                    usage = Usage(
                        int(chunk.usage.prompt_tokens or 0),
                        int(chunk.usage.completion_tokens or 0),
                        int(cached),
                    )
                for choice in getattr(chunk, "choices", None) or ():
                    delta = choice.delta
                    words = getattr(delta, "content", None) or getattr(delta, "refusal", None)
                    if words:
                        anything = True
                        yield TextDelta(str(words))
                    for position, part in enumerate(getattr(delta, "tool_calls", None) or ()):
                        anything = True
                        _collect(calls, part, position)
                    reason = choice.finish_reason or reason
        if reason is None:
            raise faults.cut_off(self.title, begun=anything) if anything else faults.nonsense(self.title)
        for index in sorted(calls):
            call = calls[index]
            yield ToolCall(
                call["id"] or f"call_{index + 1}", call["name"], arguments_of(call["arguments"], self.title)
            )
        if not anything and reason != "content_filter":
            raise faults.empty(self.title)
        if usage:
            yield usage
        yield Stop(
            {
                "tool_calls": "tool_calls",
                "function_call": "tool_calls",
                "length": "length",
                "content_filter": "refused",
            }.get(reason, "tool_calls" if calls else "end")
        )


class _Seen:
    """A JSON object by attributes: what is not there, or no object, is None."""

    __slots__ = ("of",)

    def __init__(self, of: object) -> None:
        self.of = of

    def __getattr__(self, name: str) -> Any:
        value = self.of.get(name) if isinstance(self.of, dict) else None
        if isinstance(value, dict):
            return _Seen(value)
        return [_Seen(each) for each in value] if isinstance(value, list) else value

    def __repr__(self) -> str:
        return repr(self.of)


def arguments_of(text: object, title: str) -> Mapping[str, Any]:
    """A call's arguments, which must be a JSON object. Raises ProviderFailed."""
    if isinstance(text, _Seen):
        text = text.of
    if isinstance(text, Mapping):
        return dict(text)
    try:
        value = json.loads(str(text or "{}"))
    except ValueError as error:
        raise faults.nonsense(title) from error
    if not isinstance(value, dict):
        raise faults.nonsense(title)
    return value


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return value
    return {key: getattr(value, key, None) for key in ("code", "type", "message")}


def _responses_end(response: Any, called: bool) -> Iterator[StreamEvent]:
    usage = getattr(response, "usage", None)
    if usage is not None:
        cached = getattr(getattr(usage, "input_tokens_details", None), "cached_tokens", 0) or 0
        yield Usage(int(usage.input_tokens or 0), int(usage.output_tokens or 0), int(cached))
    why = getattr(getattr(response, "incomplete_details", None), "reason", None)
    if why == "max_output_tokens":
        yield Stop("length")
    elif why == "content_filter":
        yield Stop("refused")
    else:
        yield Stop("tool_calls" if called else "end")


def _responses_input(request: Request) -> Iterator[dict[str, Any]]:
    for message in request.messages:
        for part in message.parts:
            if isinstance(part, Text):
                kind = "output_text" if message.role == "assistant" else "input_text"
                yield {
                    "type": "message",
                    "role": message.role,
                    "content": [{"type": kind, "text": part.text}],
                }
            elif isinstance(part, Call):
                yield {
                    "type": "function_call",
                    "call_id": part.id,
                    "name": part.name,
                    "arguments": json.dumps(dict(part.arguments), ensure_ascii=False),
                }
            elif isinstance(part, CallResult):
                yield {"type": "function_call_output", "call_id": part.call_id, "output": part.text}


def _chat_messages(request: Request) -> Iterator[dict[str, Any]]:
    yield {"role": "system", "content": request.system + request.system_tail}
    for message in request.messages:
        text = "\n\n".join(part.text for part in message.parts if isinstance(part, Text))
        calls = [part for part in message.parts if isinstance(part, Call)]
        for part in message.parts:
            if isinstance(part, CallResult):
                yield {"role": "tool", "tool_call_id": part.call_id, "content": part.text}
        if message.role == "assistant" and (text or calls):
            entry: dict[str, Any] = {"role": "assistant", "content": text or None}
            if calls:
                entry["tool_calls"] = [
                    {
                        "id": call.id,
                        "type": "function",
                        "function": {
                            "name": call.name,
                            "arguments": json.dumps(dict(call.arguments), ensure_ascii=False),
                        },
                    }
                    for call in calls
                ]
            yield entry
        elif text:
            yield {"role": "user", "content": text}


def _collect(calls: dict[int, dict[str, str]], part: Any, position: int) -> None:
    """Put a streamed piece of a tool call to the pieces before it."""
    index = part.index if isinstance(getattr(part, "index", None), int) else position
    call = calls.setdefault(index, {"id": "", "name": "", "arguments": ""})
    call["id"] = call["id"] or str(getattr(part, "id", None) or "")
    function = getattr(part, "function", None)
    if function is not None:
        call["name"] += str(getattr(function, "name", None) or "")
        call["arguments"] += str(getattr(function, "arguments", None) or "")
