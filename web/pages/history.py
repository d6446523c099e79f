"""What hangs on one's prompts: templates, sharing, export, what the assistant remembers, and erasing all of it."""

from __future__ import annotations

import json
from dataclasses import replace

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from plugin.errors import BadInput
from plugin.history.export import export_chat
from plugin.store.template_text import VARIABLE
from web.messages import of_prompt
from web.services import mine

bp = Blueprint("history", __name__, url_prefix="/history")


def _file(text: str, name: str, media_type: str) -> Response:
    answer = Response(text, mimetype=media_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _to(endpoint: str, said: str, **values: int) -> AnyResponse:
    flash(said, "green")
    return redirect(url_for(endpoint, **values), 303)


# --- templates ----------------------------------------------------------------------------------------------


@bp.get("/templates")
def templates() -> str:
    """My templates, and a form for a new one or the one that `edit` names."""
    chosen = request.args.get("edit", "")
    with mine() as door:
        kept = door.history.templates.all()
        editing = door.history.templates.get(int(chosen)) if chosen.isdecimal() else None
    return render_template("history/templates.html", templates=kept, editing=editing)


@bp.post("/templates")
def save_template() -> AnyResponse:
    """Keep a template, or change one of mine."""
    known = request.form.get("template_id", "")
    with mine() as door:
        door.history.templates.save(
            request.form.get("name", ""), request.form.get("text", ""),
            template_id=int(known) if known.isdecimal() else None,
        )  # fmt: skip
    return _to("history.templates", "The template is kept.")


@bp.post("/templates/<int:template_id>/delete")
def delete_template(template_id: int) -> AnyResponse:
    """Delete one of mine for good."""
    with mine() as door:
        door.history.templates.delete(template_id)
    return _to("history.templates", "The template is deleted.")


@bp.post("/templates/<int:template_id>/use")
def use_template(template_id: int) -> AnyResponse:
    """Fill in its variables and put the question into the composer; nothing is asked yet."""
    with mine() as door:
        template = door.history.templates.get(template_id)
    given = {name: request.form.get(f"v-{name}", "").strip() for name in template.variables}
    missing = [name for name, value in given.items() if not value]
    if missing:
        raise BadInput(f"Fill in {', '.join(missing)}.", field=f"v-{missing[0]}")
    text = VARIABLE.sub(lambda found: given[found.group(1)], template.text)
    return redirect(url_for("assistant.show", q=text[:8000]), 303)


# --- sharing ------------------------------------------------------------------------------------------------


@bp.get("/shared")
def shared() -> str:
    """Chats of others that I may read."""
    with mine() as door:
        chats = door.history.shares.with_me()
    return render_template("history/shared.html", chats=chats)


@bp.get("/shared/<int:chat_id>")
def read_shared(chat_id: int) -> str:
    """One of them. What rests on resources that I may not see is withheld by the store."""
    with mine() as door:
        prompts = door.history.shares.read(chat_id)
    messages = [replace(of_prompt(each), id=None, saved=True) for each in prompts]
    return render_template("history/read.html", messages=messages, title=prompts[0].text if prompts else "")


@bp.get("/<int:chat_id>/share")
def sharing(chat_id: int) -> str:
    """With whom I share a chat of mine."""
    with mine() as door:
        chat = door.history.chat_info(chat_id)
        return render_template(
            "history/share.html", chat=chat, shares=door.history.shares.of(chat_id),
            teams=[team for team in door.me.teams() if team.joined or team.is_general],
        )  # fmt: skip


@bp.post("/<int:chat_id>/share")
def share(chat_id: int) -> AnyResponse:
    """Share with a member, named by e-mail, or a team; or take it back."""
    subject, _, given = request.form.get("subject", "").partition(":")
    email = request.form.get("email", "").strip()
    with mine() as door:
        if email:
            subject, subject_id = "member", door.history.shares.member(email)
        elif given.isdecimal():
            subject_id = int(given)
        else:
            raise BadInput("Name a member by e-mail, or choose a team.", field="email")
        if request.form.get("remove"):
            door.history.shares.unshare(chat_id, subject, subject_id)
            return _to("history.sharing", "Taken back. It is gone at their next request.", chat_id=chat_id)
        door.history.shares.share(chat_id, subject, subject_id)
    return _to("history.sharing", "Shared.", chat_id=chat_id)


# --- taking it along, and erasing it ------------------------------------------------------------------------


@bp.get("/<int:chat_id>/export")
def export(chat_id: int) -> Response:
    """A chat of mine as a file: md, json, ipynb or py."""
    with mine() as door:
        title, prompts = door.history.chat_info(chat_id).title, door.history.chat(chat_id)
    made = export_chat(title, prompts, request.args.get("format", "md"))
    return _file(made.text, made.name, made.media_type)


@bp.get("/mine")
def everything() -> str:
    """What is kept of me: its export, what the assistant remembers, who read it, and erasing it."""
    with mine() as door:
        return render_template(
            "history/mine.html", memories=door.history.memory.all(), readings=door.me.readings(), receipt=None
        )


@bp.get("/mine.json")
def export_mine() -> Response:
    """All of it as one file."""
    with mine() as door:
        kept = door.history.export()
    return _file(
        json.dumps(kept, default=str, ensure_ascii=False, indent=2), "docent-mine.json", "application/json"
    )


@bp.post("/memory/<int:memory_id>/forget")
def forget(memory_id: int) -> AnyResponse:
    """Erase one thing that the assistant remembers."""
    with mine() as door:
        door.history.memory.forget(memory_id)
    return _to("history.everything", "Forgotten.")


@bp.post("/mine/erase")
def erase() -> str:
    """Erase all of it for good; the page that answers is the receipt."""
    if request.form.get("sure") != "erase":
        raise BadInput("Type erase to say that you mean it.", field="sure")
    with mine() as door:
        receipt = door.history.erase()
        readings = door.me.readings()
    return render_template("history/mine.html", memories=(), readings=readings, receipt=receipt)
