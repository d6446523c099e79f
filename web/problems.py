"""What a person or a program reads when something did not work.

The API answers RFC 9457 problem documents, pages a page in plain words. A hidden thing and an absent one give the
same answer. This is the web's one edge: the only `except Exception` is the handler registered here.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from flask import Flask, flash, jsonify, redirect, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from plugin.errors import (
    BadInput,
    DocentError,
    LimitReached,
    Misconfigured,
    NotFound,
    ProviderFailed,
    Refused,
    SourceFailed,
    StatementFailed,
    UnderWay,
)
from web.door import is_api

log = logging.getLogger("docent.web")

NOT_HERE = "There is nothing at this address."
BROKEN = "Something went wrong on our side. Nothing was changed; try again."


def problem(status: int, detail: str, **more: Any) -> Response:
    """A problem document (RFC 9457)."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    body.update({name: value for name, value in more.items() if value not in (None, "")})
    response = jsonify(body)
    response.status_code = status
    response.content_type = "application/problem+json"
    if more.get("retry_after"):
        response.headers["Retry-After"] = str(more["retry_after"])
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="docent"'
    return response


def facts(error: DocentError) -> dict[str, Any]:
    """The machine-readable facts that go with an error of ours."""
    found: dict[str, Any] = {}
    if isinstance(error, Refused):
        found.update(rule=error.rule, who=error.who)
    if isinstance(error, BadInput):
        found["field"] = error.field
    if isinstance(error, LimitReached | ProviderFailed | UnderWay):
        found["retry_after"] = error.retry_after
    if isinstance(error, SourceFailed):
        # The engine's own text is for the person who ran it, and written down nowhere.
        found.update(full=getattr(error, "full", ""), position=getattr(error, "position", None))
    return found


def page(status: int, title: str, detail: str, **more: Any) -> Response:
    """The error page for people."""
    response = Response(
        render_template("error.html", status=status, title=title, detail=detail, more=more),
        status=status,
        mimetype="text/html",
    )
    if more.get("retry_after"):
        response.headers["Retry-After"] = str(more["retry_after"])
    return response


_TITLES = {
    401: "Sign in first",
    403: "This is not open to you",
    409: "This cannot be done as things are",
    413: "That is too large",
    422: "That cannot be used",
    429: "A limit is reached",
    502: "Another system did not answer",
    503: "Busy at the moment",
}


def _ours(error: DocentError) -> Response:
    text = NOT_HERE if isinstance(error, NotFound) else str(error)
    if is_api():
        return problem(error.status, text, **facts(error))
    if isinstance(error, NotFound):
        return page(404, NOT_HERE, "")
    came_from = request.referrer or ""
    if request.method == "POST" and isinstance(
        error, BadInput | Misconfigured | LimitReached | SourceFailed | ProviderFailed
    ):
        # A form that was refused goes back to where it was filled in, with the sentence on top.
        in_full = getattr(error, "full", "")  # may quote values, which no session may hold: shown once
        if came_from.startswith(request.host_url) and error.status != 429 and not in_full:
            flash(text, "red")
            return redirect(came_from, 303)
    found = facts(error)
    text = " ".join(part for part in (text, found.pop("full", "")) if part)
    title = "The query did not run" if isinstance(error, StatementFailed) else _TITLES.get(error.status)
    return page(error.status, title or "That did not work", text, **found)


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    if error.response is not None and status < 400:
        return error.response  # type: ignore[return-value]
    if status in (404, 405) and not is_api():
        return page(404 if status == 404 else 405, NOT_HERE, "")
    if isinstance(error, CSRFError):
        text = "This form is out of date. Load the page again and repeat what you did."
        return problem(400, text, rule="csrf") if is_api() else page(400, "This form is out of date", text)
    if status == 429:
        text = "Too many tries in a short time. Wait a minute and try again."
        return (
            problem(429, text, retry_after=60) if is_api() else page(429, _TITLES[429], text, retry_after=60)
        )
    words = {
        400: "The request cannot be read.",
        404: NOT_HERE,
        405: "This address does not take that method.",
        413: "That is more than one request may carry.",
        415: "Send JSON (application/json).",
    }
    text = words.get(status, "The request was refused.")
    response = (
        problem(status, text) if is_api() else page(status, _TITLES.get(status, "That did not work"), text)
    )
    for name, value in error.get_headers() if status == 405 else ():
        if name.lower() == "allow":
            response.headers[name] = value
    return response


def _unexpected(error: Exception) -> Response:
    log.error("unexpected", exc_info=error, extra={"endpoint": request.endpoint})
    return problem(500, BROKEN) if is_api() else page(500, "Something went wrong", BROKEN)


def register(app: Flask) -> None:
    """Answer every error in the reader's language."""
    app.register_error_handler(DocentError, _ours)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)
