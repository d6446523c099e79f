"""Home: search first, then what is popular, what one looked at, what waits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from plugin.access.viewer import Role
from plugin.errors import DocentError
from web.services import admin, mine, viewer

bp = Blueprint("home", __name__)
SEEN = "seen"
"""Ids of the resources looked at last, in the signed cookie of this browser; names are read anew each time."""


def remember(resource_id: int) -> None:
    """Note that this person looked at a resource."""
    seen = [each for each in session.get(SEEN, []) if each != resource_id]
    session[SEEN] = [resource_id, *seen][:8]


@bp.get("/")
def show() -> str:
    """The first page."""
    with mine() as door:
        found = door.catalog.resources(session.get(SEEN, []))
        values: dict[str, Any] = {
            "popular": door.catalog.popular(("table", "view"), 8),
            "seen": [found[each] for each in session.get(SEEN, []) if each in found],
            "proposals": door.edits.proposals()[:6] if door.viewer.role is not Role.GUEST else (),
            "bare": _bare(door),
            "integrations": door.catalog.integrations(),
            "notices": [
                (each.id, notice_words(each.kind, each.facts), each.at, PLACES.get(each.kind))
                for each in door.me.notices.all(unseen=True)[:6]
            ],
        }
    values["health"] = _health() if viewer().is_admin else ()
    return render_template("home/show.html", **values)


PLACES = {
    "break_glass": ("history.everything", "Read the reason"),
    "monitoring": ("trust.show", "How it stands"),
    "provider_host.hold": ("trust.register", "Open the register"),
    "provider_host.objection": ("trust.register", "Open the register"),
    "unusual_use": ("records.audit", "Open the audit log"),
}
"""Where somebody who is told something goes on, by the notice's kind."""


def notice_words(kind: str, facts: Mapping[str, Any]) -> str:
    """A notice in a sentence."""
    if kind == "unusual_use":
        return f"Unusual use by {facts.get('member')}: {facts.get('words')}."
    if kind == "provider_host.hold":
        day = str(facts.get("usable_from", ""))[:10]
        return f"{facts.get('host')} is a new provider host, on hold until {day}. You may object in the register."
    if kind == "provider_host.objection":
        return f"{facts.get('by')} objects to the provider host {facts.get('host')}."
    if kind == "sensitive_text":
        what = f"{facts.get('field')} of resource {facts.get('resource')}"
        return f"A saved {what} looks like it holds {facts.get('kinds')}."
    if kind == "sensitive_import":
        first = (facts.get("resources") or [""])[0]
        return (
            f"A sync or import brought {facts.get('count')} texts that look like they hold {facts.get('kinds')}; the "
            f"first is of resource {first}."
        )
    if kind == "break_glass":
        until = str(facts.get("until", ""))[:16].replace("T", " ")
        return f"{facts.get('admin')} may read your chats until {until} UTC and says why."
    if kind == "monitoring":
        return str(facts.get("words", ""))
    return kind.replace("_", " ").replace(".", ": ").capitalize()


@bp.post("/notices/<int:notice_id>")
def acknowledge(notice_id: int) -> Response:
    """I have read a notice."""
    with mine() as door:
        door.me.notices.acknowledge(notice_id)
    return redirect(url_for("home.show"), 303)


def _bare(door: Any) -> Any:
    """What this person owns and nobody has described."""
    return door.catalog.browse(
        kinds=("table", "view"), owner=door.viewer.member_id, documented=False, limit=6
    ).items


def _health() -> Any:
    try:
        with admin() as door:
            return door.integrations.list()
    except DocentError:
        return ()


@bp.get("/settings")
def settings() -> Response:
    """The settings that this person has: the workspace's for admins, their own for everybody else."""
    target = "settings.show" if viewer().is_admin else "me.show"
    return redirect(url_for(target, **request.args), 303)
