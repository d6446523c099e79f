"""What every page shows around its own content: the rail, who is signed in, where text goes, the theme."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask, g, request, url_for
from flask_login import current_user

from plugin.access.viewer import Role
from plugin.egress.whereabouts import whereabouts
from plugin.errors import DocentError
from web.egress_words import EgressWords, egress_words
from web.pages import PAGES
from web.services import mine, services

THEMES = ("light", "dark")
NOTHING = EgressWords("plain", "Nothing leaves", (), False)


@dataclass(frozen=True)
class RailPage:
    """One line of the rail."""

    title: str
    icon: str
    href: str
    blueprint: str


@dataclass(frozen=True)
class Context:
    """The resource that a page is about; the chat sidebar speaks of it."""

    id: int
    name: str
    qualified_name: str


def _sheets(app: Flask) -> tuple[str, ...]:
    folder = Path(app.static_folder or "") / "css"
    return tuple(f"/static/css/{sheet.name}" for sheet in sorted(folder.glob("*.css")))


def navigation(role: Role) -> list[RailPage]:
    """The lines of the rail for a role."""
    return [
        RailPage(page.title, page.icon, url_for(f"{name}.{page.start}"), name)
        for name, page in PAGES.items()
        if page.title and (role is Role.ADMIN or not page.for_admins)
    ]


def frame() -> dict[str, Any]:
    """The values around a page for whoever is signed in, read once a request."""
    if "frame" not in g:
        g.frame = _frame()
    return g.frame  # type: ignore[no-any-return]


def _frame() -> dict[str, Any]:
    theme = request.cookies.get("docent_theme")
    side = request.cookies.get("docent_side")
    values: dict[str, Any] = {
        "theme": theme if theme in THEMES else None,
        "side_state": side if side in ("open", "closed") else "closed",
        "context": None,
    }
    if not (current_user and current_user.is_authenticated):
        return values
    who = current_user.viewer
    values.update(viewer=who, navigation=navigation(who.role), workspaces=(), workspace_name=who.workspace_slug,
                  egress=NOTHING, may_ask=False, ai=None, personas=())  # fmt: skip
    try:
        with mine() as door:
            ai = door.policy.ai()
            workspaces = tuple(door.me.workspaces())
            hosts = door.hosts.all()
            personas = door.policy.personas()
    except DocentError:
        return values
    where = whereabouts(services().store, services().config, who.workspace_id, ai)
    here = next((each.name for each in workspaces if each.id == who.workspace_id), who.workspace_slug)
    values.update(
        workspaces=workspaces, workspace_name=here, egress=egress_words(ai, where, hosts), where=where, ai=ai,
        personas=personas,
        may_ask=bool(ai.enabled) and (who.role is not Role.GUEST or ai.guests_may_ask),
    )  # fmt: skip
    return values


def register(app: Flask) -> None:
    """Give every template the frame."""
    sheets = _sheets(app)

    @app.context_processor
    def around() -> dict[str, Any]:
        return {"sheets": sheets, **frame()}
