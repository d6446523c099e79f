"""Decision receipts of Run SQL: one's own, for an admin the workspace's. Nobody reads a name that is hidden now."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for

from plugin.access.viewer import Role
from web.services import mine, services, viewer

bp = Blueprint("decisions", __name__, url_prefix="/decisions")
PAGE = 50
VERDICTS = ("allowed", "refused")


@bp.get("")
def show() -> str:
    """The receipts, newest first."""
    from plugin.run_sql.decisions import shown  # brings every engine's driver along

    asked = request.args
    verdict = asked.get("verdict", "")
    before, integration = asked.get("before", ""), asked.get("integration", "")
    all_of_them = viewer().role is Role.ADMIN
    with mine() as door:
        receipts = door.record.receipts(
            PAGE + 1,
            before=int(before) if before.isdecimal() else None,
            verdict=verdict if verdict in VERDICTS else None,
            integration_id=int(integration) if integration.isdecimal() else None,
            member=(asked.get("member", "").strip() or None) if all_of_them else None,
        )
        found = shown(door, receipts[:PAGE])
        names = {each.id: each.name for each in (*door.catalog.integrations(), *door.me.query_integrations())}
    older = None
    if len(receipts) > PAGE:
        kept = {name: value for name, value in asked.items() if name != "before" and value}
        older = url_for("decisions.show", **kept, before=found[-1].id)
    return render_template(
        "decisions/show.html", decisions=found, everybody=all_of_them, verdicts=VERDICTS, older=older,
        integrations=sorted(names.items(), key=lambda each: each[1].lower()),
        filtered=any(asked.get(name) for name in ("verdict", "integration", "member", "before")),
    )  # fmt: skip


@bp.get("/<int:decision_id>")
def one(decision_id: int) -> str:
    """One receipt, and what today's settings would say."""
    from plugin.run_sql.decisions import LIMITS
    from plugin.run_sql.explain import TITLES, explain_decision

    found = explain_decision(services().store, viewer(), decision_id)
    return render_template(
        "decisions/one.html", found=found, decision=found.shown, titles=TITLES, limit_words=LIMITS
    )
