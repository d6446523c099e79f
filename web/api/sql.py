"""The guard, the gated run, and the rows for whoever ran it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response

from web.api.models import BindBody, BoundList, Ok, ResultQuery, RunOut, SqlCheckBody, SqlRunBody, VerdictOut
from web.api.spec import answers, body, query, reply, spec
from web.binding import values as values_of
from web.door import scope
from web.limits import ASKS, by_member, limiter
from web.rows import page_of, run_sql
from web.services import services, viewer

if TYPE_CHECKING:
    from plugin.run_sql.run import Preview

bp = Blueprint("api_sql", __name__)


@bp.post("/sql/check")
@scope("read")
@limiter.limit(ASKS, key_func=by_member)
@spec.validate(json=SqlCheckBody, resp=answers(VerdictOut), tags=["SQL"])
def check() -> Response:
    """Would the gates and the guard let this statement run for you? Nothing is run."""
    from plugin.run_sql.run import preview  # brings every engine's driver along

    values: SqlCheckBody = body()
    found = preview(services().store, viewer(), values.integration_id, values.sql, cost=values.estimate)
    unknown = _unknown(values.sql, found) if found.decision.closed is not None else []
    return reply(VerdictOut, {**told(found), "unknown": unknown})


def _unknown(sql: str, found: Preview) -> list[dict[str, Any]]:
    """The names in a refused statement that are nobody's, each with the nearest that its writer may see."""
    closed, integration = found.decision.closed, found.decision.integration
    if closed is None or closed.gate != "visible":
        return []
    from plugin.tools.check_sql import check_statement

    with services().store.as_viewer(viewer()) as mine:
        checked = check_statement(mine, sql, integration=integration.name)
    return [{"name": each["name"], "nearest": each["nearest"]} for each in checked.unknown]


def told(found: Preview) -> dict[str, Any]:
    """A preview as the API gives it."""
    decision = found.decision
    closed, verdict = decision.closed, decision.verdict
    reasons = list(verdict.reasons) if verdict is not None else []
    if closed is not None and not reasons:
        reasons = [closed.reason]
    return {
        "decision": "accept" if decision.allowed else "reject",
        "reasons": reasons,
        "tables": list(verdict.tables) if verdict is not None else [],
        "masked": list(decision.sensitive) if decision.masked else [],
        "gate": closed.gate if closed is not None else None,
        "who": closed.who if closed is not None else None,
        "estimated_rows": found.rows,
        "estimated_cost": found.cost,
        "estimated_bytes": found.bytes,
        "estimate_failed": found.unsaid or None,
    }


@bp.post("/sql/run")
@scope("query")
@limiter.limit(ASKS, key_func=by_member)
@spec.validate(json=SqlRunBody, resp=answers(RunOut), tags=["SQL"])
def run() -> Response:
    """Run a statement through every gate. The rows are for you alone and in no history."""
    values: SqlRunBody = body()
    began = time.perf_counter()
    outcome = run_sql(values.integration_id, values.sql, confirm=values.confirm, run_id=values.run_id)
    page = page_of(outcome.result_id, offset=0, limit=values.limit)
    return reply(RunOut, {**page, "milliseconds": round((time.perf_counter() - began) * 1000)})


@bp.post("/sql/runs/<run_id>/cancel")
@scope("query")
@spec.validate(resp=answers(Ok), tags=["SQL"])
def cancel(run_id: str) -> Response:
    """Stop one of your own runs, at its source."""
    from plugin.run_sql.run import cancel as stop

    stop(viewer(), run_id, services().store)
    return reply(Ok, {})


@bp.get("/results/<result_id>")
@scope("query")
@spec.validate(query=ResultQuery, resp=answers(RunOut), tags=["SQL"])
def result(result_id: str) -> Response:
    """More rows of your own result, while it lasts."""
    asked: ResultQuery = query()
    return reply(RunOut, page_of(result_id, offset=asked.offset, limit=asked.limit))


@bp.post("/results/<result_id>/values")
@scope("query")
@spec.validate(json=BindBody, resp=answers(BoundList), tags=["SQL"])
def bound(result_id: str) -> Response:
    """Values of your own result for the placeholders of an answer. They go to your page and nowhere else."""
    values: BindBody = body()
    return reply(BoundList, {"items": values_of(result_id, values.name, values.binds)})
