"""`builtin`: answers from the catalog with no model and no network. The default, so a fresh install sends nothing.

Enters: the same typed conversation and the same tools that a model would get. Leaves: the same stream. It plans by
rules, asks for tools, reads what they gave and writes the answer; the same conversation always gives the same answer.
What it cannot do it says, and how an admin turns a model on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

from plugin.egress.parts import Conversation
from plugin.providers.wire import Request, Stop, StreamEvent, TextDelta, ToolCall, Usage

MOST_CALLS = 24


class Builtin:
    """The provider that is no model. It reads `Request.origin`, the conversation before redaction: nothing leaves."""

    name: ClassVar[str] = "builtin"
    in_process: ClassVar[bool] = True

    def __init__(self, **_settings: Any) -> None:
        """Takes and ignores what vendors need."""

    def stream(self, request: Request) -> Iterator[StreamEvent]:
        """Answer, or ask for the next tool. The plan runs again from the start over what the tools gave so far."""
        from plugin.providers.builtin.plan import plan
        from plugin.providers.builtin.talk import Given, read_talk

        conversation = request.origin if isinstance(request.origin, Conversation) else Conversation(())
        talk = read_talk(conversation, (tool.name for tool in request.tools))
        steps = plan(talk)
        waiting = iter(talk.given)
        try:
            want = next(steps)
            known: dict[str, Given] = {}
            for number in range(MOST_CALLS):
                asked = json.dumps([want.name, dict(want.arguments)], sort_keys=True)
                while asked in known:  # what was looked up once is not looked up again
                    want = steps.send(known[asked])
                    asked = json.dumps([want.name, dict(want.arguments)], sort_keys=True)
                given = next(waiting, None)
                if given is None:
                    yield ToolCall(f"builtin_{number + 1}", want.name, dict(want.arguments))
                    yield Usage(0, 0)
                    yield Stop("tool_calls")
                    return
                known[asked] = given
                want = steps.send(given)
        except StopIteration as finished:
            for piece in _pieces(str(finished.value)):
                yield TextDelta(piece)
            yield Usage(0, 0)
            yield Stop("end")
            return
        yield TextDelta("That question led me in circles. Please ask it in other words.")
        yield Stop("end")

    def models(self) -> tuple[str, ...]:
        """There is no model."""
        return ()


def _pieces(text: str) -> Iterator[str]:
    """The answer line by line, as a stream would bring it."""
    yield from text.splitlines(keepends=True)
