"""Decision receipts of Run SQL, and their replay against today's settings."""

from __future__ import annotations

from flask import Blueprint, Response

from plugin.access.viewer import Role
from plugin.errors import BadInput
from web.api.models import DecisionExplained, DecisionPage, DecisionsQuery
from web.api.spec import answers, query, reply, spec
from web.door import scope
from web.services import mine, services, viewer

bp = Blueprint("api_decisions", __name__)


@bp.get("/sql/decisions")
@scope("read")
@spec.validate(query=DecisionsQuery, resp=answers(DecisionPage), tags=["SQL"])
def index() -> Response:
    """Your decision receipts, newest first; an admin's are the workspace's. Names that you do not see are left out."""
    from plugin.run_sql.decisions import shown  # brings every engine's driver along

    asked: DecisionsQuery = query()
    if asked.cursor and not asked.cursor.isdecimal():
        raise BadInput("that is not a cursor of this list", field="cursor")
    with mine() as door:
        receipts = door.record.receipts(
            asked.limit + 1,
            before=int(asked.cursor) if asked.cursor else None,
            verdict=asked.verdict,
            integration_id=asked.integration_id,
            member=asked.member if viewer().role is Role.ADMIN else None,
        )
        found = [each.as_dict() for each in shown(door, receipts[: asked.limit])]
    more = len(receipts) > asked.limit
    return reply(DecisionPage, {"items": found, "next_cursor": str(found[-1]["id"]) if more else None})


@bp.get("/sql/decisions/<int:decision_id>")
@scope("read")
@spec.validate(resp=answers(DecisionExplained), tags=["SQL"])
def show(decision_id: int) -> Response:
    """One receipt against today's settings: what would be decided now, and what changed."""
    from plugin.run_sql.explain import explain_decision

    return reply(DecisionExplained, explain_decision(services().store, viewer(), decision_id).as_dict())
