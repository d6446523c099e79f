"""Oversight: an admin reads another's chats with a reason and a time limit, or what monitoring of content holds.

Both are rare and leave a trace: the author of the chats is told at once and sees the reason; each reading is in the
audit log. The store decides what may be read; this page only shows it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from web.messages import of_prompt
from web.services import admin, only_admins, viewer

bp = Blueprint("oversight", __name__, url_prefix="/oversight")
bp.before_request(only_admins())


@bp.get("")
def show() -> str:
    """Readings and monitoring; with `reading` the author's chats, with `chat` too one of them."""
    reading, chat = request.args.get("reading", 0, int), request.args.get("chat", 0, int)
    values: dict[str, Any] = {"chats": (), "messages": (), "reading": None, "chat": chat}
    with admin() as door:
        ai = door.settings.ai()
        readings = door.break_glass.readings()
        values["open_now"] = {
            each.id for each in readings if each.admin == viewer().email and each.until > datetime.now(UTC)
        }
        if reading:
            values["chats"] = door.break_glass.chats(reading)
            values["reading"] = next(each for each in readings if each.id == reading)
            if chat:
                prompts = door.break_glass.chat(reading, chat)
                values["messages"] = [replace(of_prompt(each), id=None, saved=True) for each in prompts]
        members = [
            each for each in door.people.members() if each.state == "active" and each.id != viewer().member_id
        ]
        monitored = None
        if ai.monitoring and not reading:
            monitored = door.monitoring.count()
            if "member" in request.args:
                values["watched"] = door.monitoring.read(
                    member=request.args["member"] or None, cursor=request.args.get("cursor")
                )
    return render_template(
        "governance/oversight.html", ai=ai, readings=readings, members=members, monitored=monitored, **values
    )


@bp.post("/readings")
def open_reading() -> Response:
    """Begin to read a member's chats; they are told now."""
    member = request.form.get("member", "")
    with admin() as door:
        made = door.break_glass.open(
            int(member) if member.isdecimal() else 0,
            request.form.get("reason", ""),
            hours=request.form.get("hours", 1, int) or 0,
        )
    flash(f"{made.author} was told, with your reason. You may read until then.", "amber")
    return redirect(url_for("oversight.show", reading=made.id), 303)


@bp.post("/readings/<int:reading_id>/end")
def end_reading(reading_id: int) -> Response:
    """End a reading before its time."""
    with admin() as door:
        door.break_glass.end(reading_id)
    flash("The reading has ended.", "green")
    return redirect(url_for("oversight.show"), 303)
