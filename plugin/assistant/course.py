"""What an answer has come to so far, and the tool calls on its way: two step events each, one part for the model."""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from plugin.access.viewer import Viewer
from plugin.assistant.conversation import Opening, Question
from plugin.assistant.events import Event, Proposed, Shape, Step
from plugin.assistant.prompts import LAST_ROUND, REPEATED
from plugin.assistant.titles import title_of
from plugin.assistant.writer import Writer
from plugin.egress.parts import ResultShape, ToolResult
from plugin.providers.wire import ToolCall
from plugin.tools import Session, call

if TYPE_CHECKING:
    from plugin.store import Store


@dataclass(slots=True)
class Course:
    """What an answer has come to so far."""

    writer: Writer
    steps: list[dict[str, Any]] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    tokens: dict[str, int] = field(default_factory=lambda: {"input": 0, "output": 0, "cached": 0})
    provider: str = ""
    model: str | None = None
    calls: int = 0
    seconds: float = 180.0
    """How long the answer may take."""
    status: str = "running"
    message: str | None = None
    made: set[str] = field(default_factory=set)
    """The calls that were made: the same one is neither made nor shown again."""
    started: float = field(default_factory=time.monotonic)
    names: dict[str, str] = field(default_factory=dict)
    """Qualified names of what was found so far, by id: a step shows names, not numbers."""

    @property
    def usage(self) -> dict[str, Any]:
        """Tokens and time, as the page and the history have them."""
        return {
            **self.tokens,
            "ms": round((time.monotonic() - self.started) * 1000),
            "tool_calls": self.calls,
        }


def call_tool(
    store: Store, viewer: Viewer, session: Session, course: Course, wanted: ToolCall, room: bool
) -> Generator[Event, None, ToolResult]:
    """One tool call with its two step events; returns the part for the model."""
    arguments = dict(wanted.arguments) if isinstance(wanted.arguments, Mapping) else {}
    key = json.dumps([wanted.name, arguments], sort_keys=True, default=str)
    if not room:
        return ToolResult(wanted.id, wanted.name[:60], said=LAST_ROUND, failed=True)
    n = len(course.steps) + 1
    title = title_of(
        wanted.name, {key: course.names.get(str(value), value) for key, value in arguments.items()}
    )
    began = time.monotonic()
    course.calls += 1
    if key in course.made:
        return ToolResult(wanted.id, wanted.name[:60], said=REPEATED)
    course.made.add(key)
    yield Step(n, wanted.name[:60], title, "working", _short(arguments))
    answer = call(wanted.name, arguments, viewer, store, session)
    course.names.update((str(each.id), each.qualified_name) for each in answer.found)
    done = Step(
        n,
        wanted.name[:60],
        title,
        "done" if answer.ok else "failed",
        _short(arguments),
        answer.summary[:300],
        answer.ok,
        round((time.monotonic() - began) * 1000),
        tuple(
            {"id": each.id, "kind": each.kind, "qualified_name": each.qualified_name}
            for each in answer.found[:12]
        ),
    )
    course.steps.append(done.data)
    course.writer.book.met(each.id for each in answer.found if each.kind.endswith(("table", "view")))
    yield replace(done, words=answer.words)  # what is kept of a step has none: they end with the session
    integration = str(arguments.get("integration") or "")
    if answer.ok and arguments.get("sql") and integration and not integration.isdecimal():
        course.writer.meant(str(arguments["sql"]), integration)
    if answer.proposal is not None:
        yield Proposed(**answer.proposal)
    shape = None
    if answer.shape is not None:
        number = course.writer.ran(str(arguments.get("sql", "")))
        columns = tuple(dict(each) for each in answer.shape["columns"])
        yield Shape(number, columns, answer.shape.get("result_id"), answer.shape.get("integration_id"))
        shape = ResultShape(tuple((each["name"], each["type"]) for each in columns))
    return ToolResult(
        wanted.id, wanted.name[:60], answer.fragments, shape, answer.note or answer.summary, not answer.ok
    )


def searched(course: Course, question: Question, opening: Opening, began: float) -> Step:
    step = Step(
        len(course.steps) + 1,
        "context",
        "Searched the catalog",
        "done",
        {"text": question.text[:200]},
        f"{opening.searched} resources, {len(opening.found)} read for context",
        True,
        round((time.monotonic() - began) * 1000),
        tuple(
            {"id": each.id, "kind": each.kind, "qualified_name": each.qualified_name}
            for each in opening.found[:12]
        ),
    )
    course.steps.append(step.data)
    course.names.update((str(each.id), each.qualified_name) for each in opening.found)
    course.writer.book.met(each.id for each in opening.found if each.kind.endswith(("table", "view")))
    return step


def _short(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as the steps show them: nothing longer than a person would read."""
    return {
        str(key)[:60]: (value[:400] if isinstance(value, str) else value)
        for key, value in list(arguments.items())[:12]
    }
