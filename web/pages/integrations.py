"""Integrations: what is connected, adding one, its syncs, its teams and who may run SQL on it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from plugin.catalog import sync as sources
from plugin.errors import BadInput, Misconfigured, NotFound, SourceFailed
from web.services import admin, mine, only_admins, services, viewer

bp = Blueprint("integrations", __name__, url_prefix="/integrations")
bp.before_request(only_admins(but=frozenset({"integrations.show"})))
STAGES = ("check", "schemas", "tables", "columns", "lineage", "done")
SCHEDULES = (
    ("", "Only by hand"),
    ("0 * * * *", "Every hour"),
    ("0 */6 * * *", "Every 6 hours"),
    ("0 3 * * *", "Every day at 03:00 UTC"),
)


def connector_of(type_: str) -> dict[str, Any]:
    """A connector's description from the listing. NotFound."""
    for each in sources.connectors():
        if each["name"] == type_:
            return each  # type: ignore[no-any-return]
    raise NotFound("no such connector")


def read_form(
    connector: dict[str, Any], form: Any, prefix: str = ""
) -> tuple[dict[str, str], dict[str, str]]:
    """The form made from a connector's settings as (settings, secrets); what is empty is left out."""
    settings: dict[str, str] = {}
    secrets: dict[str, str] = {}
    for each in connector["settings"]:
        value = form.get(f"{prefix}{each['name']}", "").strip()
        if value:
            (secrets if each["secret"] else settings)[each["name"]] = value
    url = settings.get("url", "")
    if url and sources.has_password(url):
        secrets["url"] = settings.pop("url")
    return settings, secrets


@bp.get("")
def show() -> str:
    """Every integration with its state. People who are no admins see those with something for them."""
    if not viewer().is_admin:
        with mine() as door:
            return render_template(
                "integrations/show.html", items=door.catalog.integrations(), running={}, may=False
            )
    with admin() as door:
        items = door.integrations.list()
        running = {
            each.integration_id: each
            for each in door.integrations.syncs(limit=50)
            if each.status in ("queued", "running")
        }
    return render_template("integrations/show.html", items=items, running=running, may=True)


@bp.get("/new")
def add() -> str:
    """Choose a connector, then fill in the form made from its settings."""
    type_ = request.args.get("type", "")
    if not type_:
        return render_template("integrations/choose.html", connectors=sources.connectors())
    return render_template(
        "integrations/add.html", connector=connector_of(type_), schedules=SCHEDULES, filled={}, wrong=""
    )


@bp.post("/new")
def create() -> Response | tuple[str, int]:
    """Add the integration, try its connection, and go on to schemas and teams."""
    connector = connector_of(request.form.get("type", ""))
    settings, secrets = read_form(connector, request.form)
    try:
        made = sources.add_integration(
            services().store, viewer(), request.form.get("name", "").strip(), connector["name"],
            settings=settings, secrets=secrets, query=None, schedule=request.form.get("schedule") or None,
        )  # fmt: skip
    except BadInput as error:
        page = render_template(
            "integrations/add.html", connector=connector, schedules=SCHEDULES, wrong=str(error),
            filled={**settings, "name": request.form.get("name", "")},
        )  # fmt: skip
        return page, 422
    try:
        flash(sources.check(services().store, viewer(), made.id), "green")
    except (BadInput, Misconfigured, SourceFailed) as error:
        flash(f"Saved, but the connection does not work yet: {error}", "red")
    return redirect(url_for("integrations.one", integration_id=made.id, step="teams"), 303)


@bp.get("/<int:integration_id>")
def one(integration_id: int) -> str:
    """One integration: its sync, its settings, its teams, its query permissions."""
    with admin() as door:
        item = door.integrations.get(integration_id)
        values: dict[str, Any] = {
            "item": item,
            "syncs": door.integrations.syncs(integration_id, 12),
            "permissions": door.integrations.query_permissions(integration_id),
            "members": door.people.members(),
            "teams": door.people.teams(),
            "groups": door.people.groups(),
            "granted": {
                team.id: [
                    each for each in door.people.grants(team.id) if each.integration_id == integration_id
                ]
                for team in door.people.teams()
            },
        }
    connector = connector_of(item.type)
    return render_template(
        "integrations/one.html",
        connector=connector,
        schedules=SCHEDULES,
        step=request.args.get("step", ""),
        **values,
    )


@bp.get("/<int:integration_id>/progress")
def progress(integration_id: int) -> str:
    """The running sync alone, for the page to look again every second."""
    with admin() as door:
        syncs = door.integrations.syncs(integration_id, 1)
    return render_template("integrations/_progress.html", sync=syncs[0] if syncs else None)


def _back(integration_id: int, said: str = "Saved.", anchor: str | None = None) -> Response:
    flash(said, "green")
    return redirect(url_for("integrations.one", integration_id=integration_id, _anchor=anchor), 303)


@bp.post("/<int:integration_id>/check")
def check(integration_id: int) -> Response:
    """Try the connection with the stored credential."""
    return _back(integration_id, sources.check(services().store, viewer(), integration_id))


@bp.post("/<int:integration_id>/sync")
def sync(integration_id: int) -> Response:
    """Queue a sync."""
    full = bool(request.form.get("full"))
    with admin() as door:
        queued = door.integrations.start_sync(integration_id, full=full)
    services().jobs.enqueue_sync(viewer().workspace_id, integration_id, queued.id, full=full)
    return _back(integration_id, "The sync is queued.", "sync")


@bp.post("/<int:integration_id>/cancel")
def cancel(integration_id: int) -> Response:
    """Stop the running sync."""
    sync_id = request.form.get("sync_id", "")
    if not sync_id.isdecimal():
        raise BadInput("Which sync?")
    with admin() as door:
        door.integrations.cancel_sync(int(sync_id))
    return _back(integration_id, "Asked to stop. The catalog stays as it was.")


@bp.post("/<int:integration_id>/settings")
def settings(integration_id: int) -> Response:
    """Change name, settings, secrets and schedule. A secret that is left empty stays."""
    with admin() as door:
        item = door.integrations.get(integration_id)
    given, secrets = read_form(connector_of(item.type), request.form)
    with admin() as door:
        door.integrations.update(
            integration_id,
            name=request.form.get("name", item.name).strip() or item.name,
            settings=given,
            secrets=secrets or None,
        )
        door.integrations.set_schedule(integration_id, request.form.get("schedule") or None)
    return _back(integration_id)


@bp.post("/<int:integration_id>/query-credential")
def query_credential(integration_id: int) -> Response:
    """Set or remove the credential that only Run SQL uses."""
    with admin() as door:
        item = door.integrations.get(integration_id)
        if request.form.get("remove"):
            door.integrations.set_query_credential(integration_id, None)
            said = "Removed. Run SQL is impossible here now."
        else:
            given, secrets = read_form(connector_of(item.type), request.form, "q_")
            if not given and not secrets:
                raise BadInput("Fill in the credential that may read tables.")
            door.integrations.set_query_credential(integration_id, {**given, **secrets})
            said = "Saved, sealed."
    return _back(integration_id, said, "query")


@bp.post("/<int:integration_id>/teams")
def teams(integration_id: int) -> Response:
    """Say which teams see the whole integration."""
    wanted = {int(each) for each in request.form.getlist("team") if each.isdecimal()}
    with admin() as door:
        for team in door.people.teams():
            has = any(
                each.integration_id == integration_id and each.resource_id is None
                for each in door.people.grants(team.id)
            )
            if team.id in wanted and not has:
                door.people.grant(team.id, integration_id)
            elif team.id not in wanted and has:
                door.people.revoke(team.id, integration_id)
    return _back(integration_id, "Saved. It holds from the next request on.", "teams")


@bp.post("/<int:integration_id>/permissions")
def permissions(integration_id: int) -> Response:
    """Give or take away query permission."""
    subject, _, subject_id = request.form.get("subject", "").partition(":")
    if not subject_id.isdecimal():
        raise BadInput("Choose a member, a team or a group.")
    with admin() as door:
        if request.form.get("remove"):
            door.integrations.revoke_query(integration_id, subject, int(subject_id))
        else:
            door.integrations.grant_query(integration_id, subject, int(subject_id))
    return _back(integration_id, "Saved. It holds from the next run on.", "query")


@bp.post("/<int:integration_id>/delete")
def delete(integration_id: int) -> Response:
    """Remove the integration, its credentials and all that the catalog has from it."""
    with admin() as door:
        door.integrations.remove(integration_id)
    flash("Removed, with everything the catalog had from it.", "green")
    return redirect(url_for("integrations.show"), 303)
