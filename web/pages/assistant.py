"""The assistant as a page: the chat in the middle, saved prompts on the right."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from plugin.assistant import Question
from plugin.assistant import ask as ask_assistant
from plugin.errors import DocentError, NotFound
from web.connections import left
from web.limits import QUESTIONS, by_member, limiter
from web.messages import of_done, of_prompt
from web.places import shown
from web.rows import session_key
from web.services import mine, services, viewer
from web.words import day_word, short_name

bp = Blueprint("assistant", __name__, url_prefix="/assistant")


LAST = 40
"""How many messages of a chat its page shows."""


@dataclass(frozen=True)
class Starter:
    """A question made from this very catalog."""

    text: str
    why: str
    icon: str


def starters(door: Any) -> list[Starter]:
    """Up to four questions for an empty chat, from what this person may see."""
    found: list[Starter] = []
    popular = list(door.catalog.popular(("table", "view"), 3))
    if popular:
        name = short_name(popular[0])
        found.append(Starter(f"What is {name} and what is in it?", f"{name} is used most", "table-2"))
    terms = list(door.catalog.terms().items)
    if terms:
        found.append(Starter(f"What does “{terms[0].name}” mean here?", "from the glossary", "book-open"))
    if len(popular) > 1:
        name = short_name(popular[1])
        found.append(Starter(f"What depends on {name}?", "follows lineage", "workflow"))
    bare = list(door.catalog.undocumented(1))
    if bare:
        found.append(Starter("Which tables have no description?", f"{short_name(bare[0])} for one", "pencil"))
    return found[:4]


def by_day(chats: list[Any]) -> list[tuple[str, list[Any]]]:
    """Chats under their headings: pinned first, then by day."""
    today = datetime.now(UTC).date()
    groups: dict[str, list[Any]] = {}
    for chat in chats:
        groups.setdefault(
            "Pinned" if chat.pinned else day_word(chat.at.astimezone(UTC).date(), today), []
        ).append(chat)
    return sorted(groups.items(), key=lambda pair: pair[0] != "Pinned")


def saved(door: Any) -> dict[str, Any]:
    """What the panel of saved prompts shows."""
    find = request.args.get("find", "").strip()[:200]
    found = door.history.chats(text=find or None, cursor=request.args.get("cursor"))
    return {"find": find, "days": by_day(list(found.items)), "next_cursor": found.next_cursor}


@bp.get("")
def show() -> str:
    """An empty chat, with questions to start from."""
    about_id = request.args.get("about", "")
    with mine() as door:
        about = door.catalog.resource(int(about_id)) if about_id.isdecimal() else None
        values = saved(door)
        return render_template(
            "assistant/show.html", chat=None, messages=(), starters=starters(door), about=about,
            integration_count=len(door.catalog.integrations()), draft=request.args.get("q", "")[:8000], **values,
        )  # fmt: skip


@bp.get("/<int:chat_id>")
def chat(chat_id: int) -> str:
    """A chat of one's own, to read and to resume."""
    with mine() as door:
        prompts = door.history.chat(chat_id)
        values = saved(door)
        here = door.history.chat_info(chat_id)
        readers = _readers(door, chat_id)
    messages = [of_prompt(prompt) for prompt in prompts[-LAST:]]
    return render_template(
        "assistant/show.html",
        chat=here,
        readers=readers,
        messages=messages,
        starters=(),
        about=None,
        integration_count=0,
        draft="",
        **values,
    )


def _readers(door: Any, chat_id: int) -> list[str]:
    """With whom the chat is shared; a chat that is not stored is shared with nobody."""
    try:
        return [each.name for each in door.history.shares.of(chat_id)]
    except NotFound:
        return []


@bp.get("/saved")
def saved_panel() -> str:
    """The panel alone, for search as one types."""
    with mine() as door:
        return render_template("assistant/_saved.html", chat=None, **saved(door))


@bp.post("/ask")
@limiter.limit(QUESTIONS, key_func=by_member)
def ask() -> str | Response:
    """Ask without JavaScript: the whole answer at once."""
    text = request.form.get("prompt", "").strip()
    page_resource = request.form.get("page_resource_id", "")
    question = Question(
        text=text, page_resource_id=int(page_resource) if page_resource.isdecimal() else None,
        persona=request.form.get("persona") or None,
    )  # fmt: skip
    bundle = services()
    done: dict[str, Any] = {}
    failed: dict[str, Any] | None = None
    events = iter(
        ask_assistant(
            bundle.store, bundle.gateway, viewer(), question, results=bundle.results,
            session=session_key(), gone=left(),
        )
    )  # fmt: skip
    first = next(events, None)
    shown(bundle.places)
    rest = bundle.places.after_first(events, computed=first is not None and first.computed)
    for event in chain([first] if first else [], rest):
        if event.name == "done":
            done = event.data
        elif event.name == "error":
            failed = event.data
    if done.get("chat_id"):
        try:
            with mine() as door:
                door.history.chat(done["chat_id"])
            return redirect(url_for("assistant.chat", chat_id=done["chat_id"]), 303)
        except DocentError:
            pass  # history is off: the answer lives on this page only
    with mine() as door:
        values = saved(door)
    message = of_done(text, done, failed)
    return render_template(
        "assistant/show.html",
        chat=None,
        messages=(message,),
        starters=(),
        about=None,
        integration_count=0,
        draft="",
        **values,
    )


@bp.get("/<int:chat_id>/rename")
def rename_form(chat_id: int) -> str:
    """The form to rename a chat."""
    with mine() as door:
        return render_template(
            "assistant/rename.html", chat_id=chat_id, title=door.history.chat_info(chat_id).title
        )


@bp.post("/<int:chat_id>/rename")
def rename(chat_id: int) -> Response:
    """Rename a chat."""
    with mine() as door:
        door.history.rename(chat_id, request.form.get("title", "").strip())
    return redirect(url_for("assistant.chat", chat_id=chat_id), 303)


@bp.post("/<int:chat_id>/pin")
def pin(chat_id: int) -> Response:
    """Pin or unpin a chat."""
    with mine() as door:
        door.history.pin(chat_id, bool(request.form.get("pinned")))
    return redirect(url_for("assistant.chat", chat_id=chat_id), 303)


@bp.post("/<int:chat_id>/delete")
def delete(chat_id: int) -> Response:
    """Delete a chat with its prompts."""
    with mine() as door:
        door.history.delete_chat(chat_id)
    flash("The chat is deleted.", "green")
    return redirect(url_for("assistant.show"), 303)
