"""A line in the log and a number for Prometheus per request; neither holds what somebody typed, read or was answered.

The line names the route, not the address. `plugin.logs` formats it.
"""

from __future__ import annotations

import logging
import time

from flask import Flask, g, request
from flask_login import current_user
from prometheus_client import CollectorRegistry, Counter, Histogram
from werkzeug.wrappers import Response

log = logging.getLogger("docent.web")
QUIET = frozenset({"static", "health.healthz", "health.metrics"})
LOOKING = "docent.looking"
"""In the environment of a request that the Trust page makes of the application itself; no header can set it."""
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


def register(app: Flask) -> None:
    """Count and log each request."""
    registry = CollectorRegistry()
    seen = Counter("docent_requests", "Requests", ("route", "method", "status"), registry=registry)
    took = Histogram(
        "docent_request_seconds", "Time until an answer began", ("route",), registry=registry, buckets=BUCKETS
    )
    app.extensions["docent_metrics"] = registry

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        seconds = time.perf_counter() - g.get("began", time.perf_counter())
        route = request.endpoint or "none"
        seen.labels(route, request.method, str(response.status_code)).inc()
        took.labels(route).observe(seconds)
        if route not in QUIET and not request.environ.get(LOOKING):
            extra: dict[str, object] = {
                "method": request.method,
                "route": route,
                "status": response.status_code,
                "milliseconds": round(seconds * 1000, 1),
            }
            if current_user and current_user.is_authenticated:
                extra.update(
                    member_id=current_user.viewer.member_id, workspace_id=current_user.viewer.workspace_id
                )
            log.info("request", extra=extra)
        return response
