"""Signing in and out, accepting an invitation, changing workspace."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from plugin.errors import BadInput, LimitReached, NotFound, SignInNeeded
from web.limits import SIGN_INS, SIGN_INS_OF_ACCOUNT, by_account, limiter
from web.people import SESSION, start_session
from web.rows import key_of, session_key
from web.services import services

bp = Blueprint("auth", __name__)
GONE = "This invitation is not valid any more. Ask whoever sent it for a new one."


def _agent() -> str:
    return request.user_agent.string[:200]


def _safe_next(target: str | None) -> str:
    """An address of ours, or home: never one that leads away."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or "\\" in target:
        return url_for("home.show")
    return target


@bp.get("/sign-in")
def sign_in() -> str | Response:
    """The sign-in form."""
    if current_user.is_authenticated:
        return redirect(_safe_next(request.args.get("next")), 303)
    return render_template("auth/sign_in.html", next=request.args.get("next", ""), email="", wrong="")


@bp.post("/sign-in")
@limiter.limit(SIGN_INS)
@limiter.limit(SIGN_INS_OF_ACCOUNT, key_func=by_account)
def send_sign_in() -> str | Response | tuple[str, int]:
    """Check the password and begin a fresh session."""
    email = request.form.get("email", "").strip()
    try:
        with services().store.sign_in() as door:
            account = door.password(email, request.form.get("password", ""))
            old = session.get(SESSION)
            if old:
                door.end_session(old)
                services().results.drop_session(key_of(old))
            token = door.create_session(account, agent=_agent())
    except (SignInNeeded, NotFound, BadInput):
        page = render_template(
            "auth/sign_in.html", next=request.form.get("next", ""), email=email,
            wrong="That e-mail address and password do not go together.",
        )  # fmt: skip
        return page, 401
    start_session(token)
    return redirect(_safe_next(request.form.get("next")), 303)


@bp.post("/sign-out")
def sign_out() -> Response:
    """End the session at the store, not only in the browser."""
    token = session.get(SESSION)
    if token:
        with services().store.sign_in() as door:
            door.end_session(token)
        services().results.drop_session(session_key())
    session.clear()
    return redirect(url_for("auth.sign_in"), 303)


@bp.get("/invitations/<secret>")
def invitation(secret: str) -> str:
    """The form that an invitation's link opens."""
    try:
        with services().store.sign_in() as door:
            email, workspace = door.invitation(secret)
    except SignInNeeded:
        return render_template(
            "auth/invitation.html", secret=secret, wrong=GONE, name="", email="", workspace=""
        )
    return render_template(
        "auth/invitation.html", secret=secret, wrong="", name="", email=email, workspace=workspace.name
    )


@bp.post("/invitations/<secret>")
@limiter.limit(SIGN_INS)
def accept_invitation(secret: str) -> Response | tuple[str, int]:
    """Join the workspace and begin a session."""
    name, password = request.form.get("name", "").strip(), request.form.get("password", "")
    try:
        with services().store.sign_in() as door:
            email, workspace = door.invitation(secret)
            account = door.accept_invitation(secret, name, password)
            token = door.create_session(account, workspace.id, agent=_agent())
    except (SignInNeeded, NotFound, BadInput, LimitReached) as error:
        return render_template(
            "auth/invitation.html",
            secret=secret,
            wrong=str(error).capitalize(),
            name=name,
            email="your",
            workspace="",
        ), 422
    start_session(token)
    flash("Welcome. This is what you may see.", "green")
    return redirect(url_for("home.show"), 303)


@bp.post("/workspace")
def switch() -> Response:
    """Go to another workspace of the same account."""
    token = session.get(SESSION, "")
    workspace = request.form.get("workspace_id", "")
    if not workspace.isdecimal():
        raise NotFound("no such workspace")
    with services().store.sign_in() as door:
        fresh = door.switch_workspace(token, int(workspace))
    services().results.drop_session(key_of(token))
    start_session(fresh or token)
    return redirect(url_for("home.show"), 303)
