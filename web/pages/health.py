"""Is the process alive, can it work, and its numbers. For machines; nothing here is about anybody."""

from __future__ import annotations

from flask import Blueprint, current_app
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from werkzeug.wrappers import Response

from plugin.errors import DocentError
from web.services import services

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def healthz() -> dict[str, str]:
    """Alive."""
    return {"status": "ok"}


@bp.get("/readyz")
def readyz() -> tuple[dict[str, str], int]:
    """Able to answer: the store opens."""
    try:
        with services().store.sign_in():
            return {"status": "ready"}, 200
    except (DocentError, OSError):
        return {"status": "not ready"}, 503


@bp.get("/metrics")
def metrics() -> Response:
    """Prometheus text: counts and times of requests, no content and no names."""
    return Response(
        generate_latest(current_app.extensions["docent_metrics"]), content_type=CONTENT_TYPE_LATEST
    )
