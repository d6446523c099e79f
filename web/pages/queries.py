"""Saved queries: run what was approved for one's teams, save one's own, approve what waits."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from plugin.errors import BadInput, LimitReached, Refused, StatementFailed
from plugin.store.shapes import ApprovedQuery
from web.rows import run_saved
from web.services import mine, services, viewer

bp = Blueprint("queries", __name__, url_prefix="/queries")


def _page(
    draft: dict[str, str],
    typed: Mapping[int, Mapping[str, str]] | None = None,
    said: Mapping[int, tuple[str, str, str]] | None = None,
) -> str:
    """The page; `typed` are values of a query's parameters that somebody typed, in place of its defaults.

    `said` is what there is to say of one query: a tone, a sentence, and the engine's own words, which are shown once.
    """
    with mine() as door:
        found = door.queries.all()
        teams = {each.id: door.queries.teams_to_approve(each.id) for each in found}
        integrations = door.me.query_integrations()
    return render_template(
        "queries/show.html",
        queries=found,
        teams=teams,
        integrations=integrations,
        draft=draft,
        typed=typed or {},
        said=said or {},
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
def save() -> Response | tuple[str, int]:
    """Save a statement that passes every gate for me, or change one of mine. Refused, what was typed stays."""
    from plugin.run_sql.approved import read_parameters
    from plugin.run_sql.approved import save as keep

    form = request.form
    known = form.get("query_id", "")
    integration = form.get("integration", "")
    try:
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
    except (BadInput, Refused) as error:
        flash(_sentence(error), "red" if isinstance(error, BadInput) else "amber")
        names = ("name", "sql", "description", "integration", "parameters")
        return _page({"id": known, **{each: form.get(each, "")[:60_000] for each in names}}), error.status
    flash("The query is saved. Others may run it once it is approved.", "green")
    return redirect(url_for("queries.show"), 303)


@bp.get("/<int:query_id>/run")
def back(query_id: int) -> Response:
    """The address of a run that was opened or reloaded: nothing runs by that; back to the query."""
    flash("Nothing was run: a query runs when you press Run.", "plain")
    return redirect(url_for("queries.show", _anchor=f"q-{query_id}"), 303)


@bp.post("/<int:query_id>/run")
def run(query_id: int) -> Response | str | tuple[str, int]:
    """Run one and show its result; or say what the source expects of it, or why it did not run.

    The values stay in their fields whatever comes of it.
    """
    values = {name[2:]: text for name, text in request.form.items() if name.startswith("v-")}
    try:
        if request.form.get("only") == "estimate":
            tone, text = _expected(query_id, values)
            return _page({}, {query_id: values}, {query_id: (tone, text, "")})
        outcome = run_saved(query_id, values)
    except (BadInput, Refused, LimitReached, StatementFailed) as error:
        tone = "amber" if isinstance(error, Refused | LimitReached) else "red"
        said = (tone, _sentence(error), getattr(error, "full", ""))
        return _page({}, {query_id: values}, {query_id: said}), error.status
    return redirect(url_for("results.show", result_id=outcome.result_id), 303)


def _sentence(error: Exception) -> str:
    """An error as a sentence, with who can change it."""
    text, who = str(error).rstrip("."), getattr(error, "who", "")
    opened = f" {who[:1].upper()}{who[1:]} can open it." if who and not who.startswith("nobody") else ""
    return f"{text[:1].upper()}{text[1:]}.{opened}"


def _expected(query_id: int, values: dict[str, str]) -> tuple[str, str]:
    """A tone, and one sentence on what a run with these values would come to."""
    from plugin.run_sql.approved import preview_approved

    found = preview_approved(services().store, viewer(), query_id, values)
    closed = found.decision.closed
    if closed is not None:
        return "amber", f"It would not run: {closed.reason}."
    if found.unsaid:
        return "amber", f"The gates are open, and the source did not say what it expects: {found.unsaid}."
    if not found.expected:
        return "plain", "It would run. This source gives no estimate."
    return "plain", f"It would run. The source {found.expected}."


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
