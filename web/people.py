"""Who makes this request: the session cookie of a person, or the bearer token of a program.

The store keeps the session; the cookie only carries its secret, signed. Flask-Login is the seam: `current_user` is a
`Person` or nobody.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from flask import Flask, Request, session
from flask.sessions import SecureCookieSessionInterface
from flask_login import LoginManager, UserMixin

from plugin.access.viewer import Surface, Viewer
from plugin.config import Config
from plugin.errors import NotFound, SignInNeeded
from web.services import services

SESSION = "sid"
"""Key in the signed cookie under which the store's session secret lies."""
SIGN_INS = 4
"""Requests whose sign-in is looked up at the same time. Beyond the connections to the database that are kept, one more
is opened for each and closed again: of a hundred threads at once 30 to 74 opened one, and a refusal took 1.9 ms of the
processor instead of 1.1."""
PATIENCE = 0.25
"""Seconds after which one is looked up all the same: somebody before it may wait for a sync that writes."""
_looking_up = threading.BoundedSemaphore(SIGN_INS)


class Person(UserMixin):  # type: ignore[misc]
    """A signed-in member. `bearer` is True where a token spoke instead of a browser's cookie."""

    def __init__(self, viewer: Viewer, *, bearer: bool) -> None:
        self.viewer = viewer
        self.bearer = bearer

    def get_id(self) -> str:
        """The member's id as text, as Flask-Login wants it."""
        return str(self.viewer.member_id)


class Cookies(SecureCookieSessionInterface):
    """The signed cookie, marked Secure whenever the request came over https."""

    def get_cookie_secure(self, app: Flask) -> bool:
        """True behind https; a laptop's plain http must still work."""
        from flask import request

        return bool(request.is_secure)


def load_person(request: Request) -> Person | None:
    """The person behind a request, or None. A header that names no good token never falls back to the cookie."""
    header = request.headers.get("Authorization")
    if header is None:
        secret = session.get(SESSION)
    else:
        scheme, _, given = header.partition(" ")
        of_programs = scheme.lower() == "bearer" and request.path.startswith(("/api/v1/", "/mcp"))
        secret = given.strip() if of_programs else None
    if not secret:
        return None  # a stranger is known without a look, waits for nobody and takes nobody's place
    try:
        with _few_at_once(), services().store.sign_in() as door:
            if header is None:
                return Person(_from(request, door.viewer_for_session(secret)), bearer=False)
            surface = Surface.MCP if request.path == "/mcp" else Surface.API
            return Person(_from(request, door.viewer_for_token(secret, surface)), bearer=True)
    except (SignInNeeded, NotFound):
        return None


@contextmanager
def _few_at_once() -> Iterator[None]:
    found_room = _looking_up.acquire(timeout=PATIENCE)
    try:
        yield
    finally:
        if found_room:
            _looking_up.release()


def _from(request: Request, viewer: Viewer) -> Viewer:
    """The viewer with the address that the request came from; behind a proxy the one it names (web/proxies.py)."""
    return replace(viewer, address=request.remote_addr or "")


def start_session(token: str, **kept: Any) -> None:
    """Begin a fresh browser session around the store's session secret; nothing of the old one stays."""
    session.clear()
    session[SESSION] = token
    session.update(kept)


def cookie_keys(config: Config) -> list[str]:
    """Keys that sign the cookie, newest first.

    Made from the master key where the operator set one (so that every process signs alike), else from a file of
    their own in DOCENT_HOME.
    """
    if config.master_key:
        parts = [part.strip() for part in config.master_key.split(",") if part.strip()]
        return [hashlib.sha256(b"docent cookie\0" + part.encode()).hexdigest() for part in parts]
    return [_key_file(config.home / "cookie.key")]


def _key_file(path: Path) -> str:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(32))
    return path.read_text().strip()


def register(app: Flask, config: Config) -> None:
    """Join sessions and Flask-Login to the application."""
    newest, *older = cookie_keys(config)
    app.secret_key = newest
    app.config.update(
        SECRET_KEY_FALLBACKS=older,
        SESSION_COOKIE_NAME="docent",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
    )
    app.session_interface = Cookies()
    login = LoginManager()
    login.session_protection = None  # the store decides whether a session lives
    login.init_app(app)
    login.request_loader(load_person)
