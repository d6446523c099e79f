"""Home: search first, then what is popular, what one looked at, what waits."""

from __future__ import annotations

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
        }
    values["health"] = _health() if viewer().is_admin else ()
    return render_template("home/show.html", **values)


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
