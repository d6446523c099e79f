"""MCP over streamable HTTP at `/mcp`: the same tools for programs, each request with a member's bearer token.

The protocol speaks ASGI; plugin/mcp_http.py answers it on a loop of its own, so that it stands beside the pages on any
WSGI server. No cookie counts here and no session is kept; the token is looked up again by each request. There is no
stream to open: GET is refused with 405, as the protocol foresees.
"""

from __future__ import annotations

from flask import Blueprint, Response, current_app, request
from flask_login import current_user

from plugin.errors import SignInNeeded
from plugin.mcp_http import HttpBridge
from web.door import scope
from web.services import services, viewer

bp = Blueprint("mcp", __name__, url_prefix="/mcp")
NOT_OURS = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


def _bridge() -> HttpBridge:
    """The one bridge of this application; its loop starts with the first request."""
    bundle = services()
    bridge: HttpBridge = current_app.extensions.setdefault(
        "docent_mcp", HttpBridge(bundle.store, results=bundle.results)
    )
    return bridge  # made without a thread: one that lost the race costs nothing


@bp.post("")
@scope("read")
def speak() -> Response:
    """One message of the protocol. 401 without a valid token, whatever else is sent."""
    if not current_user.bearer:
        raise SignInNeeded("Send a bearer token; a browser's session does not count here.", rule="sign_in")
    headers = {name: value for name, value in request.headers.items() if name.lower() != "cookie"}
    status, answered, body = _bridge().respond("POST", headers, request.get_data(), address=viewer().address)
    kept = [(name, value) for name, value in answered if name.lower() not in NOT_OURS]
    return Response(body, status=status, headers=kept)
