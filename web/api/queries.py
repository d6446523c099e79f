"""Approved queries: save a statement with parameters, approve it for teams, run it without free SQL."""

from __future__ import annotations

import time
from typing import Any

from flask import Blueprint, Response

from plugin.store.shapes import ApprovedQuery, QueryParameter
from web.api.models import (
    ApproveBody,
    Ok,
    RunOut,
    RunSavedBody,
    SavedQueriesQuery,
    SavedQueryBody,
    SavedQueryList,
    SavedQueryOut,
    VerdictOut,
)
from web.api.spec import answers, body, query, reply, spec
from web.api.sql import told
from web.door import scope
from web.limits import ASKS, by_member, limiter
from web.rows import page_of, run_saved
from web.services import mine, services, viewer

bp = Blueprint("api_queries", __name__)


def _out(found: ApprovedQuery) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "description": found.description,
        "integration_id": found.integration_id,
        "integration": found.integration,
        "sql": found.sql,
        "parameters": [
            {"name": each.name, "type": each.type, "default": each.default} for each in found.parameters
        ],
        "tables": list(found.tables),
        "author": found.author,
        "mine": found.mine,
        "teams": [name for _, name in found.teams],
        "approved": found.approved,
        "approved_by": found.approved_by,
    }


@bp.get("/sql/queries")
@scope("read")
@spec.validate(query=SavedQueriesQuery, resp=answers(SavedQueryList), tags=["SQL"])
def index() -> Response:
    """Your saved queries, those approved for a team of yours, and drafts that you may approve."""
    asked: SavedQueriesQuery = query()
    with mine() as door:
        found = [_out(each) for each in door.queries.all(asked.integration_id)]
    return reply(SavedQueryList, {"items": found})


@bp.post("/sql/queries")
@scope("query")
@limiter.limit(ASKS, key_func=by_member)
@spec.validate(json=SavedQueryBody, resp=answers(SavedQueryOut), tags=["SQL"])
def save() -> Response:
    """Save a statement that passes every gate for you, or change one of yours. It waits for approval."""
    from plugin.run_sql.approved import save as keep  # brings every engine's driver along

    values: SavedQueryBody = body()
    found = keep(
        services().store,
        viewer(),
        values.integration_id,
        values.name,
        values.sql,
        description=values.description,
        parameters=[QueryParameter(each.name, each.type, each.default) for each in values.parameters],
        query_id=values.query_id,
    )
    return reply(SavedQueryOut, _out(found))


@bp.post("/sql/queries/<int:query_id>/approve")
@scope("query")
@spec.validate(json=ApproveBody, resp=answers(SavedQueryOut), tags=["SQL"])
def approve(query_id: int) -> Response:
    """Approve a statement as it stands for teams. For admins, and editors who may query its integration."""
    values: ApproveBody = body()
    with mine() as door:
        found = door.queries.approve(query_id, values.teams)
    return reply(SavedQueryOut, _out(found))


@bp.post("/sql/queries/<int:query_id>/run")
@scope("query")
@limiter.limit(ASKS, key_func=by_member)
@spec.validate(json=RunSavedBody, resp=answers(RunOut), tags=["SQL"])
def run(query_id: int) -> Response:
    """Run a saved query under the gates of this moment. The rows are for you alone and in no history."""
    values: RunSavedBody = body()
    began = time.perf_counter()
    outcome = run_saved(query_id, values.values, run_id=values.run_id)
    page = page_of(outcome.result_id, offset=0, limit=values.limit)
    return reply(RunOut, {**page, "milliseconds": round((time.perf_counter() - began) * 1000)})


@bp.post("/sql/queries/<int:query_id>/estimate")
@scope("query")
@limiter.limit(ASKS, key_func=by_member)
@spec.validate(json=RunSavedBody, resp=answers(VerdictOut), tags=["SQL"])
def estimate(query_id: int) -> Response:
    """Would a saved query run with these values, and what does the planner expect? Nothing is run."""
    from plugin.run_sql.approved import preview_approved

    values: RunSavedBody = body()
    return reply(VerdictOut, told(preview_approved(services().store, viewer(), query_id, values.values)))


@bp.delete("/sql/queries/<int:query_id>")
@scope("query")
@spec.validate(resp=answers(Ok), tags=["SQL"])
def delete(query_id: int) -> Response:
    """Delete a saved query of yours; an admin deletes any."""
    with mine() as door:
        door.queries.delete(query_id)
    return reply(Ok, {})
