"""One's own settings: name, theme, teams, password, sessions, tokens."""

from __future__ import annotations

from flask import Blueprint, flash, make_response, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from plugin.errors import BadInput
from web.frame import THEMES
from web.pages.people import number
from web.parts import back_to, part
from web.people import SESSION
from web.services import mine

bp = Blueprint("me", __name__, url_prefix="/me")


def _page(secret: str = "", token_name: str = "") -> str:
    with mine() as door:
        values = {
            "profile": door.me.profile(),
            "teams": part("team", door.me.teams(), lambda each: each.name, at="me.show", anchor="teams"),
            "tokens": part(
                "token", door.me.tokens(), lambda each: each.name, 50, at="me.show", anchor="tokens"
            ),
            "sessions": part(
                "session", door.me.sessions(), lambda each: each.agent, 50, at="me.show", anchor="sessions"
            ),
        }
    return render_template("me/show.html", secret=secret, token_name=token_name, **values)


@bp.get("")
def show() -> str:
    """The page."""
    return _page()


def _back(said: str, anchor: str = "") -> Response:
    flash(said, "green")
    return redirect(back_to(url_for("me.show"), anchor), 303)


@bp.post("/name")
def name() -> Response:
    """Change one's display name."""
    with mine() as door:
        door.me.rename(request.form.get("name", ""))
    return _back("Saved.")


@bp.post("/theme")
def theme() -> Response:
    """Light, dark, or as the system has it."""
    wanted = request.form.get("theme", "")
    came_from = request.referrer or ""
    response = make_response(
        redirect(came_from if came_from.startswith(request.host_url) else url_for("me.show"), 303)
    )
    if wanted in THEMES:
        response.set_cookie(
            "docent_theme", wanted, max_age=31536000, samesite="Lax", secure=request.is_secure
        )
    else:
        response.delete_cookie("docent_theme")
    return response


@bp.post("/password")
def password() -> Response:
    """Change the password; every other session ends."""
    new = request.form.get("new", "")
    if new != request.form.get("again", ""):
        raise BadInput("The two new passwords differ.", field="again")
    with mine() as door:
        door.me.change_password(request.form.get("old", ""), new, keep=session.get(SESSION))
    return _back("The password is changed. Your other sessions have ended.", "password")


@bp.post("/teams/<int:team_id>")
def team(team_id: int) -> Response:
    """Join or leave a team."""
    with mine() as door:
        if request.form.get("leave"):
            door.me.leave(team_id)
        else:
            door.me.join(team_id)
    return _back("Saved.", "teams")


@bp.post("/tokens")
def create_token() -> str:
    """Make a token; its secret is on the page that answers, once."""
    days = request.form.get("days", "30")
    with mine() as door:
        token, secret = door.me.create_token(
            request.form.get("name", "").strip(),
            request.form.getlist("scope"),
            int(days) if days.isdecimal() else 30,
        )
    return _page(secret, token.name)


@bp.post("/tokens/revoke")
def revoke_token() -> Response:
    """End a token at once."""
    with mine() as door:
        door.me.revoke_token(number("token_id"))
    return _back("The token has ended.", "tokens")


@bp.post("/sessions/end")
def end_session() -> Response:
    """End one session, or all but this one."""
    with mine() as door:
        if request.form.get("all"):
            door.me.end_sessions(keep=session.get(SESSION))
        else:
            door.me.end_session(number("session_id"))
    return _back("Ended.", "sessions")
