"""Saved queries: run what was approved for one's teams, save one's own, approve what waits."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from plugin.store.shapes import ApprovedQuery
from web.rows import run_saved
from web.services import mine, services, viewer

bp = Blueprint("queries", __name__, url_prefix="/queries")


def _page(draft: dict[str, str]) -> str:
    with mine() as door:
        found = door.queries.all()
        teams = {each.id: door.queries.teams_to_approve(each.id) for each in found}
        integrations = door.me.query_integrations()
    return render_template(
        "queries/show.html", queries=found, teams=teams, integrations=integrations, draft=draft
    )


@bp.get("")
def show() -> str:
    """The saved queries that exist for me, and a form for a new one or the one that `edit` names."""
    chosen = request.args.get("edit", "")
    if not chosen.isdecimal():
        return _page({})
    with mine() as door:
        return _page(_draft(door.queries.get(int(chosen))))


def _draft(found: ApprovedQuery) -> dict[str, str]:
    lines = [
        f"{each.name}:{each.type}" + ("" if each.default is None else f"={each.default}")
        for each in found.parameters
    ]
    return {
        "id": str(found.id), "name": found.name, "sql": found.sql, "description": found.description,
        "integration": str(found.integration_id), "parameters": "\n".join(lines),
    }  # fmt: skip


@bp.post("/draft")
def draft() -> str:
    """The form for a new one, filled with a statement of an answer; nothing is saved yet."""
    return _page(
        {"sql": request.form.get("sql", "")[:60_000], "integration": request.form.get("integration", "")}
    )


@bp.post("")
def save() -> Response:
    """Save a statement that passes every gate for me, or change one of mine."""
    from plugin.run_sql.approved import read_parameters
    from plugin.run_sql.approved import save as keep

    form = request.form
    known = form.get("query_id", "")
    integration = form.get("integration", "")
    keep(
        services().store,
        viewer(),
        int(integration) if integration.isdecimal() else 0,
        form.get("name", ""),
        form.get("sql", ""),
        description=form.get("description", ""),
        parameters=read_parameters(form.get("parameters", "").splitlines()),
        query_id=int(known) if known.isdecimal() else None,
    )
    flash("The query is saved. Others may run it once it is approved.", "green")
    return redirect(url_for("queries.show"), 303)


@bp.post("/<int:query_id>/run")
def run(query_id: int) -> Response:
    """Run one and show its result."""
    values = {name[2:]: text for name, text in request.form.items() if name.startswith("v-")}
    if request.form.get("only") == "estimate":
        flash(_expected(query_id, values), "blue")
        return redirect(url_for("queries.show") + f"#q-{query_id}", 303)
    outcome = run_saved(query_id, values)
    return redirect(url_for("results.show", result_id=outcome.result_id), 303)


def _expected(query_id: int, values: dict[str, str]) -> str:
    """One sentence on what a run with these values would come to."""
    from plugin.run_sql.approved import preview_approved

    found = preview_approved(services().store, viewer(), query_id, values)
    closed = found.decision.closed
    if closed is not None:
        return f"It would not run: {closed.reason}."
    if not found.expected:
        return "It would run. This source gives no estimate."
    return f"It would run. The source {found.expected}."


@bp.post("/<int:query_id>/approve")
def approve(query_id: int) -> Response:
    """Approve one as it stands for the teams that are ticked; none takes the approval back."""
    teams = [int(team) for team in request.form.getlist("team") if team.isdecimal()]
    with mine() as door:
        found = door.queries.approve(query_id, teams)
    flash("The query is approved." if found.teams else "The query is not approved any more.", "green")
    return redirect(url_for("queries.show"), 303)


@bp.post("/<int:query_id>/delete")
def delete(query_id: int) -> Response:
    """Delete one of mine; an admin deletes any."""
    with mine() as door:
        door.queries.delete(query_id)
    flash("The query is deleted.", "green")
    return redirect(url_for("queries.show"), 303)
