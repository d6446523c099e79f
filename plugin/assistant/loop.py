"""The loop: question, context, gateway, tools, and again, until there is an answer or a limit ends it.

Law 8: the model (taken as hostile) holds no power. Each tool call opens the asker's own door again; steps, tokens
and time are limited; the asker can stop at any moment; what was streamed stays whatever happens. No transaction is
open while a model thinks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from plugin.access.viewer import Viewer
from plugin.assistant.conversation import Question, check_text, open_conversation
from plugin.assistant.course import Course, call_tool, searched
from plugin.assistant.events import Citation, Done, Error, Event, Step, StepHere
from plugin.assistant.may_ask import may_ask, may_choose
from plugin.assistant.prompts import EMPTY, LAST_ROUND
from plugin.assistant.running import LEFT, Running, running
from plugin.assistant.watching import still_allowed, stopped
from plugin.assistant.writer import Writer, known_of
from plugin.egress.parts import AssistantText, AssistantToolCall, Conversation, Part, ToolResult
from plugin.errors import DocentError, NotFound, ProviderFailed, Refused, SignInNeeded
from plugin.providers.wire import Stop, TextDelta, ToolCall, ToolSpec, Usage
from plugin.tools import Session, tool_specs

if TYPE_CHECKING:
    from plugin.egress.gateway import Gateway
    from plugin.run_sql.results import Results
    from plugin.store import Store

_TOO_LONG = "The answer was ended after {:.0f} seconds, the limit that an admin set."
CALLS_A_ROUND = 8
MOST_LINKED = 20


def ask(
    store: Store,
    gateway: Gateway,
    viewer: Viewer,
    question: Question,
    *,
    results: Results | None = None,
    session: str = "",
    gone: Callable[[], bool] = lambda: False,
) -> Iterator[Event]:
    """Answer a question as a stream of events: `step` first, `done` last; `error` before it where something failed.

    Where the question cannot even begin (the assistant is off, no right, nothing typed) there is one `error` and no
    `done`. Never raises a DocentError. Closing the iterator stops the answer and keeps what came. `results` and
    `session` say where rows go that the assistant may run by itself; without them it cannot run anything. `gone` says
    whether nobody reads the answer any more, which stops it; it is asked while a model is silent, too.
    """
    try:
        question = check_text(question)
        viewer = replace(viewer, persona=(question.persona or "").strip())
        with store.as_viewer(viewer) as mine:
            ai = mine.policy.ai()
            may_ask(mine.viewer, ai, mine.policy.admins)
            may_choose(mine.viewer, question.provider)
            mine.policy.persona()  # refuses one that this member may not choose
            provider, limits = question.provider or ai.provider, ai.limits
            if question.provider:
                mine.record.audit("ask.provider", "allow", target=question.provider)
            chat_id = question.chat_id
            if chat_id is None and question.parent_id is not None:
                chat_id = mine.history.prompt(question.parent_id).chat_id
            turns = mine.history.chat(chat_id) if chat_id is not None else ()
            prompt = mine.history.start(
                chat_id,
                question.text,
                parent=question.parent_id,
                page_resource_id=question.page_resource_id,
                persona=question.persona,
            )
    except DocentError as error:
        yield _error(error)
        return
    mark, keyed, _ = session.partition(".")
    course = Course(Writer(store, viewer), provider=provider, seconds=limits.seconds)
    place = Session(prompt.chat_id, prompt.id, question.text, results, session)
    with running(store, viewer, prompt.id, gone, signed=mark if keyed else "") as entry:
        entry.keep = lambda: _finish(store, viewer, prompt.id, course, cut=entry.why)
        try:
            first = StepHere if provider == "builtin" else Step
            yield first(
                0,
                "start",
                "Reading the question",
                "done",
                prompt_id=prompt.id,
                chat_id=prompt.chat_id,
                limit=limits.steps,
            )
            yield from _answer(store, gateway, viewer, question, place, course, entry, turns)
        except GeneratorExit:
            course.status, course.message = "stopped", LEFT
            raise
        except DocentError as error:
            course.status = "refused" if isinstance(error, Refused) else "failed"
            course.message = str(error)
            yield from _rest(course)
            yield _error(error, prompt.id, prompt.chat_id)
        finally:
            if course.status == "running":
                course.status = "failed"
            _finish(store, viewer, prompt.id, course)
        yield _done(prompt.id, prompt.chat_id, course)


def _answer(
    store: Store,
    gateway: Gateway,
    viewer: Viewer,
    question: Question,
    session: Session,
    course: Course,
    entry: Running,
    turns: Any,
) -> Iterator[Event]:
    """Rounds of model and tools. Sets the course's status; raises DocentError where something failed."""
    began = time.monotonic()
    with store.as_viewer(viewer.as_assistant()) as mine:
        opening = open_conversation(mine, question, turns)
        specs = tool_specs(mine)
        limits = mine.policy.ai().limits
    yield searched(course, question, opening, began)
    conversation = Conversation(opening.parts, people=opening.people)
    most_steps = max(1, limits.steps)
    last = False
    while True:
        calls: list[ToolCall] = []
        said: list[str] = []
        offered: list[ToolSpec] = [] if last else specs
        yield from _round(
            store, gateway, viewer, question, conversation, offered, session, course, entry, calls, said
        )
        if course.status != "running":
            return
        if not calls:
            yield from course.writer.finish()
            if not course.writer.answer.strip():
                raise ProviderFailed(course.message or EMPTY)
            yield from _link(store, viewer, course)
            course.status = "done"
            return
        if last:
            yield from _ended(
                course, f"The answer was ended after {most_steps} steps, the limit that an admin set."
            )
            return
        parts: list[Part] = [AssistantText("".join(said))] if "".join(said).strip() else []
        parts += [AssistantToolCall(each.id, each.name, each.arguments) for each in calls]
        for each in calls:
            if stopped(entry):
                yield from _ended(course, entry.why, status="stopped")
                return
            room = course.calls < most_steps and calls.index(each) < CALLS_A_ROUND
            parts.append((yield from call_tool(store, viewer, session, course, each, room)))
        last = course.calls >= most_steps
        if last and isinstance(parts[-1], ToolResult):
            parts[-1] = replace(parts[-1], said=f"{parts[-1].said} {LAST_ROUND}".strip())
        conversation = Conversation(
            (*conversation.parts, *parts), stand_ins=conversation.stand_ins, people=conversation.people
        )
        used = course.tokens["input"] + course.tokens["output"]
        if limits.tokens_per_question and used >= limits.tokens_per_question:
            yield from _ended(
                course,
                f"The answer was ended after {used:,} tokens; {limits.tokens_per_question:,} a question are allowed.",
            )
            return
        if time.monotonic() - course.started > course.seconds:
            yield from _ended(course, _TOO_LONG.format(course.seconds))
            return


def _round(
    store: Store,
    gateway: Gateway,
    viewer: Viewer,
    question: Question,
    conversation: Conversation,
    specs: list[ToolSpec],
    session: Session,
    course: Course,
    entry: Running,
    calls: list[ToolCall],
    said: list[str],
) -> Iterator[Event]:
    """One request: text goes to the page as it comes, calls and usage into the course."""

    def cancelled() -> bool:
        return stopped(entry)

    if course.writer.answer and not course.writer.answer.endswith("\n"):
        yield from course.writer.feed("\n\n")
    stream = gateway.answer(
        viewer.as_assistant(),
        conversation,
        specs,
        chat_id=session.chat_id,
        prompt_id=session.prompt_id,
        provider=question.provider,
        cancelled=cancelled,
    )
    with closing(stream):  # type: ignore[type-var]
        for event in stream:
            if isinstance(event, TextDelta):
                said.append(event.text)
                yield from course.writer.feed(event.text)
            elif isinstance(event, ToolCall):
                calls.append(event)
            elif isinstance(event, Usage):
                course.tokens["input"] += event.input
                course.tokens["output"] += event.output
                course.tokens["cached"] += event.cached
            elif isinstance(event, Stop):
                if event.reason == "length":
                    course.message = "The answer was cut at the longest length an answer may have."
                elif event.reason == "refused":
                    course.message = "The model declined to answer this."
            else:
                course.sent.append(event.as_json())
                course.provider, course.model = event.provider, event.model
            if cancelled():
                yield from _ended(course, entry.why, status="stopped")
                return
            if course.writer.too_long:
                yield from _ended(course, "The answer was ended because it became too long.")
                return
            if time.monotonic() - course.started > course.seconds:
                yield from _ended(course, _TOO_LONG.format(course.seconds))
                return
            still_allowed(entry)
    if cancelled():
        yield from _ended(course, entry.why, status="stopped")


def _link(store: Store, viewer: Viewer, course: Course) -> Iterator[Citation]:
    """Cite what the answer names or selects from and did not cite itself."""
    course.writer.look_up()
    wanted = [table["id"] for made in course.writer.sql for table in made.tables]
    wanted += [
        known["id"]
        for known in course.writer.book.names.values()
        if not known.get("unknown") and known.get("kind") not in ("column", "database")
    ]
    for resource_id in list(dict.fromkeys(wanted))[:MOST_LINKED]:
        cited, new = course.writer.cite(str(resource_id))
        if cited is not None and new:
            yield cited


def _ended(course: Course, message: str, *, status: str = "done") -> Iterator[Event]:
    """End early in good order: what came stays, one sentence says why."""
    yield from course.writer.finish()
    course.status = status
    course.message = message


def _rest(course: Course) -> Iterator[Event]:
    """What was held back when something failed. Whoever lost their right to look names up gets nothing more."""
    try:
        yield from course.writer.finish()
    except DocentError:
        return


def _finish(store: Store, viewer: Viewer, prompt_id: int, course: Course, *, cut: str | None = None) -> None:
    """Write the prompt down, as far as the workspace keeps history. If the member is gone by now, nothing is kept.

    `cut` says why it is written down while it still runs.
    """
    status, said = ("stopped", cut) if cut else (course.status, course.message)
    try:
        with store.as_viewer(viewer) as mine:
            mine.history.finish(
                prompt_id,
                answer=course.writer.answer,
                status=status,
                steps=tuple(course.steps),
                citations=tuple(known_of(each) for each in course.writer.citations),
                sql=tuple(each.data for each in course.writer.sql),
                sent=tuple(course.sent),
                usage=course.usage,
                provider=course.provider,
                model=course.model,
                error=None if status == "done" else said,
            )
    except (SignInNeeded, NotFound):
        return  # the member or the prompt was deleted while it was answered


def _done(prompt_id: int, chat_id: int, course: Course) -> Done:
    try:
        html = course.writer.html()
    except DocentError:
        html = ""  # the asker has just lost their right to look anything up
    return Done(
        prompt_id=prompt_id,
        chat_id=chat_id,
        status=course.status,
        answer=course.writer.answer,
        html=html,
        citations=tuple(known_of(each) for each in course.writer.citations),
        sql=tuple(each.data for each in course.writer.sql),
        unknown=course.writer.book.unknown,
        steps=tuple(course.steps),
        sent=tuple(_without_text(each) for each in course.sent),
        usage=course.usage,
        provider=course.provider,
        model=course.model,
        message=course.message,
    )


def _without_text(sent: Mapping[str, Any]) -> dict[str, Any]:
    """What was sent in numbers; the page reads the text from the prompt's own history."""
    return {key: value for key, value in sent.items() if key != "parts"} | {
        "parts": len(sent.get("parts", ()))
    }


def _error(error: DocentError, prompt_id: int | None = None, chat_id: int | None = None) -> Error:
    retry = isinstance(error, ProviderFailed) or getattr(error, "retry_after", None) is not None
    return Error(
        message=str(error),
        retry=retry,
        rule=getattr(error, "rule", None),
        who=getattr(error, "who", None) or None,
        retry_after=getattr(error, "retry_after", None),
        status=error.status,
        prompt_id=prompt_id,
        chat_id=chat_id,
    )
