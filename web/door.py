"""The closed door: every address needs a signed-in person unless its exact endpoint is named in PUBLIC.

One function runs before every request. It refuses addresses that two readers could understand differently, asks who is
there, checks a token's scope, and checks the CSRF token of everything that a browser's cookie vouches for. Views decide
nothing; what a person may see or do is decided by the store.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import Flask, current_app, redirect, request, url_for
from flask_login import current_user
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.wrappers import Response

from plugin.errors import Refused, SignInNeeded

PUBLIC = frozenset(
    {
        "static",
        "auth.sign_in",
        "auth.send_sign_in",
        "auth.invitation",
        "auth.accept_invitation",
        "embed.show",  # shows a stranger where to sign in, nothing else
        "health.healthz",
        "health.readyz",
        "health.metrics",
    }
)
"""Endpoints that answer to anybody. Exact names: a prefix would open more than somebody meant."""

POLICY = (
    "default-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}

EMBED_SCRIPT = "/static/js/embed.js"
"""The one file that other applications load."""

csrf = CSRFProtect()
View = TypeVar("View", bound=Callable[..., Any])


def scope(name: str) -> Callable[[View], View]:
    """Say which scope a token needs for this API view: read (changes nothing), ask, query or admin."""

    def mark(view: View) -> View:
        view.scope = name  # type: ignore[attr-defined]
        return view

    return mark


def takes(largest: int) -> Callable[[View], View]:
    """Let admins send this many bytes to a view: an upload. Everything else has the limit of the application."""

    def mark(view: View) -> View:
        view.largest = largest  # type: ignore[attr-defined]
        return view

    return mark


def is_api() -> bool:
    """Does a program speak here (and so read problem documents)?"""
    return request.path in ("/api", "/mcp") or request.path.startswith("/api/")


def _ambiguous() -> bool:
    raw = cast(str, request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or request.path)
    path = raw.split("?", 1)[0].lower()
    return (
        any(trick in path for trick in (";", "%2f", "%5c", "%00", "%3b", "%2e", "\\"))
        or "//" in path
        or any(part in (".", "..") for part in path.split("/"))
    )


def _guard() -> Response | None:
    """Runs before every request; see the module's docstring."""
    if _ambiguous():
        raise NotFound
    if request.endpoint in PUBLIC:
        if request.method not in ("GET", "HEAD", "OPTIONS"):
            csrf.protect()
        return None
    if not current_user.is_authenticated:
        if is_api():
            raise SignInNeeded("Sign in, or send a bearer token that is valid.", rule="sign_in")
        going = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("auth.sign_in", next=going if going != "/" else None), 303)
    if request.endpoint is None:
        if isinstance(request.routing_exception, MethodNotAllowed):
            raise request.routing_exception
        raise NotFound
    largest = getattr(current_app.view_functions[request.endpoint], "largest", None)
    if largest is not None and current_user.viewer.is_admin:
        request.max_content_length = largest
    if current_user.bearer:
        _check_scope()
    elif request.method not in ("GET", "HEAD", "OPTIONS"):
        csrf.protect()
    return None


def _check_scope() -> None:
    view = current_app.view_functions[cast(str, request.endpoint)]
    needed = getattr(view, "scope", None)
    if needed is None:
        raise Refused("A token cannot be used here.", rule="token.surface")
    if needed not in current_user.viewer.scopes:
        raise Refused(
            f"This token lacks the scope “{needed}”.",
            rule=f"token.scope.{needed}",
            who="whoever made the token",
        )


def _seal(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint == "embed.show":
        del response.headers["X-Frame-Options"]  # its policy names who may frame it
    elif request.path == EMBED_SCRIPT:
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def register(app: Flask) -> None:
    """Close the application."""
    app.config.update(WTF_CSRF_CHECK_DEFAULT=False, WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_SSL_STRICT=True)
    csrf.init_app(app)
    app.before_request(_guard)
    app.after_request(_seal)
