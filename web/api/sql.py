"""The guard, the gated run, and the rows for whoever ran it."""

from __future__ import annotations

from flask import Blueprint, Response

from plugin.tools.check_sql import check_statement
from web.api.models import ResultQuery, RunOut, SqlCheckBody, SqlRunBody, VerdictOut
from web.api.spec import answers, body, query, reply, spec
from web.door import scope
from web.limits import ASKS, by_member, limiter
from web.rows import page_of, run_sql
from web.services import services, viewer

bp = Blueprint("api_sql", __name__)


@bp.post("/sql/check")
@scope("read")
@limiter.limit(ASKS, key_func=by_member)
@spec.validate(json=SqlCheckBody, resp=answers(VerdictOut), tags=["SQL"])
def check() -> Response:
    """Would the guard let this statement run against what you may see? Nothing is run."""
    values: SqlCheckBody = body()
    verdict = check_statement(services().store, viewer(), values.integration_id, values.sql)
    return reply(
        VerdictOut,
        {"decision": verdict.decision, "reasons": list(verdict.reasons), "tables": list(verdict.tables)},
    )


@bp.post("/sql/run")
@scope("query")
@limiter.limit(ASKS, key_func=by_member)
@spec.validate(json=SqlRunBody, resp=answers(RunOut), tags=["SQL"])
def run() -> Response:
    """Run a statement through every gate. The rows are for you alone and are not stored."""
    values: SqlRunBody = body()
    outcome = run_sql(values.integration_id, values.sql, confirm=values.confirm)
    return reply(RunOut, page_of(outcome.result_id, offset=0, limit=values.limit))


@bp.get("/results/<result_id>")
@scope("query")
@spec.validate(query=ResultQuery, resp=answers(RunOut), tags=["SQL"])
def result(result_id: str) -> Response:
    """More rows of your own result, while it lasts."""
    asked: ResultQuery = query()
    return reply(RunOut, page_of(result_id, offset=asked.offset, limit=asked.limit))
