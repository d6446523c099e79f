"""Ask, and the history of what was asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, request, stream_with_context

from plugin.assistant import Question, ask, read_again
from plugin.assistant.running import stop as stop_answer
from plugin.errors import DocentError
from plugin.store.shapes import Prompt
from web.api.models import (
    AskBody,
    ChatBody,
    ChatPage,
    FeedbackBody,
    Ok,
    PromptOut,
    PromptPage,
    PromptQuery,
    plain,
)
from web.api.spec import answers, body, query, reply, spec
from web.connections import left
from web.door import scope
from web.limits import QUESTIONS, by_member, limiter
from web.messages import message_html, of_done
from web.places import InPlace, Places, shown
from web.problems import BROKEN, problem
from web.rows import session_key
from web.services import mine, services, viewer

bp = Blueprint("api_prompts", __name__)


def out(prompt: Prompt) -> dict[str, Any]:
    """A prompt as the API gives it: with what its reader may see today."""
    prompt = read_again(services().store, viewer(), prompt)
    values: dict[str, Any] = plain(prompt)
    values.update(prompt=prompt.text, parent=prompt.parent_id)
    return values


def kept_of(done: dict[str, Any]) -> dict[str, Any]:
    """What the author's own history adds to the end of an answer: the text of what was sent, and is it saved."""
    try:
        with mine() as door:
            prompt = door.history.prompt(done["prompt_id"])
            return {"sent": prompt.sent, "saved": prompt.saved or door.policy.ai().history != "explicit"}
    except (DocentError, KeyError):
        return {"sent": ()}


def sse(name: str, data: Any) -> str:
    """One server-sent event."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False, default=str)}\n\n"


def question_of(values: AskBody) -> Question:
    """The assistant's question from the request's body."""
    return Question(
        text=values.prompt, chat_id=values.chat_id, parent_id=values.parent, persona=values.persona,
        page_resource_id=values.page_resource_id, mentions=tuple(values.mentions),
    )  # fmt: skip


@bp.post("/prompts")
@scope("ask")
@limiter.limit(QUESTIONS, key_func=by_member)
@spec.validate(json=AskBody, resp=answers(PromptOut, status=201), tags=["Prompts"])
def create() -> Response:
    """Ask a question.

    With `stream: true` (or `Accept: text/event-stream`) the answer comes as server-sent events `step`, `text`,
    `citation`, `sql`, `proposal`, `shape`, `done`, `error`; otherwise as the finished prompt.
    """
    values: AskBody = body()
    bundle, question = services(), question_of(values)
    streamed = values.stream or request.accept_mimetypes.best == "text/event-stream"
    events = iter(
        ask(
            bundle.store, bundle.gateway, viewer(), question, results=bundle.results,
            session=session_key(), gone=left(),
        )
    )  # fmt: skip
    first = next(events, None)  # what is refused is refused with its status, before a stream begins
    if first is None or first.name == "error":
        return _refused(first.data if first is not None else {})
    if not streamed:
        shown(bundle.places)
        return _finished(question, bundle.places.after_first(events, computed=first.computed))
    inner = _stream(
        bundle.places, first, events, values.prompt, for_page=request.headers.get("Docent-Page") == "1"
    )
    response = Response(InPlace(bundle.places, stream_with_context(inner)), mimetype="text/event-stream")  # type: ignore[arg-type]
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _stream(places: Places, first: Any, events: Iterator[Any], text: str, *, for_page: bool) -> Iterator[str]:
    rest = places.after_first(events, computed=first.computed)
    error: dict[str, Any] | None = None
    shapes: list[dict[str, Any]] = []
    try:
        event = first
        while event is not None:
            data = event.data
            if event.name == "error":
                error = data
            elif event.name == "shape":
                shapes.append(data)
            elif event.name == "done" and for_page:
                bound = {f"r{each['n']}": each["result_id"] for each in shapes if each.get("result_id")}
                message = of_done(text, {**data, **kept_of(data)}, error, bound)
                data = {**data, "shapes": shapes, "page": message_html(message)}
            yield sse(event.name, data)
            event = next(rest, None)
    except DocentError as failure:
        yield sse("error", {"message": str(failure), "status": failure.status, "retry": True})
    finally:
        close = getattr(events, "close", None)
        if close is not None:
            close()


def _refused(failed: dict[str, Any]) -> Response:
    """The problem document of an answer that could not begin or gave nothing."""
    kept = {name: failed.get(name) for name in ("rule", "who", "retry_after")}
    return problem(int(failed.get("status", 500)), str(failed.get("message", BROKEN)), **kept)  # type: ignore[return-value]


def _finished(question: Question, events: Iterator[Any]) -> Response:
    at, done = datetime.now(UTC), dict[str, Any]()
    failed: dict[str, Any] | None = None
    for event in events:
        if event.name == "done":
            done = event.data
        elif event.name == "error":
            failed = event.data
    if failed is not None and not done.get("answer"):
        return _refused(failed)
    values = {
        "at": at, **done, "id": done.get("prompt_id", 0), "prompt": question.text, "parent": question.parent_id,
        "error": failed["message"] if failed else None,
    }  # fmt: skip
    return reply(PromptOut, values, 201)


@bp.get("/prompts")
@scope("read")
@spec.validate(query=PromptQuery, resp=answers(PromptPage), tags=["Prompts"])
def index() -> Response:
    """Your saved prompts, newest first."""
    asked: PromptQuery = query()
    with mine() as door:
        found = door.history.prompts(
            text=asked.q, cursor=asked.cursor, pinned=asked.pinned, limit=asked.limit
        )
    items = [out(prompt) for prompt in found.items]
    return reply(PromptPage, {"items": items, "next_cursor": found.next_cursor})


@bp.get("/prompts/<int:prompt_id>")
@scope("read")
@spec.validate(resp=answers(PromptOut), tags=["Prompts"])
def show(prompt_id: int) -> Response:
    """One of your saved prompts."""
    with mine() as door:
        prompt = door.history.prompt(prompt_id)
    return reply(PromptOut, out(prompt))


@bp.delete("/prompts/<int:prompt_id>")
@scope("ask")
@spec.validate(resp=answers(Ok), tags=["Prompts"])
def delete(prompt_id: int) -> Response:
    """Delete one of your prompts. It is gone for good."""
    with mine() as door:
        door.history.delete_prompt(prompt_id)
    return reply(Ok, {})


@bp.post("/prompts/<int:prompt_id>/feedback")
@scope("ask")
@spec.validate(json=FeedbackBody, resp=answers(Ok), tags=["Prompts"])
def feedback(prompt_id: int) -> Response:
    """Say whether an answer was helpful."""
    values: FeedbackBody = body()
    with mine() as door:
        door.history.feedback(prompt_id, values.value)
    return reply(Ok, {})


@bp.post("/prompts/<int:prompt_id>/stop")
@scope("ask")
@spec.validate(resp=answers(Ok), tags=["Prompts"])
def stop(prompt_id: int) -> Response:
    """Stop an answer that is being written, by whichever web process."""
    stop_answer(services().store, viewer(), prompt_id)
    return reply(Ok, {})


@bp.post("/prompts/<int:prompt_id>/save")
@scope("ask")
@spec.validate(resp=answers(Ok), tags=["Prompts"])
def save(prompt_id: int) -> Response:
    """Save a prompt where history keeps only what its author saves."""
    with mine() as door:
        door.history.save(prompt_id)
    return reply(Ok, {})


@bp.get("/chats")
@scope("read")
@spec.validate(query=PromptQuery, resp=answers(ChatPage), tags=["Prompts"])
def chats() -> Response:
    """Your chats, pinned first, then newest."""
    asked: PromptQuery = query()
    with mine() as door:
        found = door.history.chats(text=asked.q, cursor=asked.cursor, pinned=asked.pinned, limit=asked.limit)
    return reply(ChatPage, {"items": plain(list(found.items)), "next_cursor": found.next_cursor})


@bp.patch("/chats/<int:chat_id>")
@scope("ask")
@spec.validate(json=ChatBody, resp=answers(Ok), tags=["Prompts"])
def change_chat(chat_id: int) -> Response:
    """Rename or pin a chat."""
    values: ChatBody = body()
    with mine() as door:
        door.history.chat_info(chat_id)  # a change of nothing to a chat of nobody's is no change
        if values.title is not None:
            door.history.rename(chat_id, values.title)
        if values.pinned is not None:
            door.history.pin(chat_id, values.pinned)
    return reply(Ok, {})


@bp.delete("/chats/<int:chat_id>")
@scope("ask")
@spec.validate(resp=answers(Ok), tags=["Prompts"])
def delete_chat(chat_id: int) -> Response:
    """Delete a chat with its prompts. They are gone for good."""
    with mine() as door:
        door.history.delete_chat(chat_id)
    return reply(Ok, {})
