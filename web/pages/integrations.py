"""Integrations: what is connected, adding one in steps, its syncs, its options, its teams and who may run SQL on it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from plugin.catalog import sync as sources
from plugin.catalog.sync import imports
from plugin.catalog.sync.artifacts import LARGEST, take_artifacts
from plugin.errors import BadInput, DocentError
from plugin.store.shapes import Sync
from web.connecting import (
    IMPORT_MODES,
    RUN_MODES,
    SCHEDULES,
    SELECTION,
    SWITCHES,
    Tried,
    connect,
    connector_of,
    queue_sync,
    read_form,
    read_options,
    see_whole,
    try_connection,
    uploaded_files,
)
from web.door import takes
from web.services import admin, mine, only_admins, services, viewer
from web.words import plural

bp = Blueprint("integrations", __name__, url_prefix="/integrations")
bp.before_request(only_admins(but=frozenset({"integrations.show"})))
FORMS: dict[str, Any] = {
    "schedules": SCHEDULES,
    "import_modes": IMPORT_MODES,
    "run_modes": RUN_MODES,
    "switches": SWITCHES,
    "selection": SELECTION,
}
STAGES = (
    ("Connect", ("queued", "connecting")),
    ("Read", ()),
    ("Link", ("linking",)),
    ("Write", ("writing",)),
)
"""A sync as people see it; every other stage of the record is the connector's own word while it reads."""


def stages_of(sync: Sync) -> list[tuple[str, str, str]]:
    """The stages of a sync as (title, state, what is known): state is done, working, waiting or failed."""
    here = next((at for at, (_title, names) in enumerate(STAGES) if sync.stage in names), 1)
    if sync.status == "done":
        here = len(STAGES)
    elif sync.status == "queued":
        here = 0
    now = "working" if sync.status in ("queued", "running") else "failed"
    read = plural(sync.seen, "resource") if sync.seen else ""
    if here == 1 and sync.total:
        read = f"{sync.done:,} of {sync.total:,}" + (f" {sync.stage}" if sync.stage != "reading" else "")
    told = ("waits for a worker" if sync.status == "queued" else "", read, "", "")
    return [
        (title, "done" if at < here else now if at == here else "waiting", told[at])
        for at, (title, _names) in enumerate(STAGES)
    ]


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
    return render_template(
        "integrations/show.html", items=items, running=running, may=True, stages_of=stages_of
    )


@bp.get("/new")
def add() -> str:
    """Choose a connector, then fill in the form made from its settings."""
    type_ = request.args.get("type", "")
    if not type_:
        return render_template("integrations/choose.html", connectors=sources.connectors())
    return _form(connector_of(type_))


def _form(
    connector: dict[str, Any],
    filled: dict[str, Any] | None = None,
    wrong: str = "",
    tried: Tried | None = None,
) -> str:
    with admin() as door:
        teams = door.people.teams()
    return render_template(
        "integrations/add.html", connector=connector, teams=teams, filled=filled or {}, wrong=wrong, tried=tried,
        chosen=set(request.form.getlist("team")), options=request.form, **FORMS,
    )  # fmt: skip


def _filled(settings: dict[str, str]) -> dict[str, Any]:
    """What a form is filled with again: all but the secrets."""
    return {**settings, "name": request.form.get("name", ""), "schedule": request.form.get("schedule", "")}


@bp.post("/new/check")
def try_it() -> str:
    """Try the connection of a form and list its schemas; nothing is stored. A fragment for the page's script."""
    connector = connector_of(request.form.get("type", ""))
    settings, secrets = read_form(connector, request.form)
    tried = try_connection(connector["name"], settings, secrets)
    if request.headers.get("Docent-Page") == "1":
        return render_template("integrations/_tried.html", tried=tried, connector=connector)
    return _form(connector, _filled(settings), tried=tried)


@bp.post("/new")
def create() -> Response | tuple[str, int]:
    """Add the integration with its teams, and start its first sync."""
    connector = connector_of(request.form.get("type", ""))
    settings, secrets = read_form(connector, request.form)
    try:
        if request.form.get("scope") == "chosen" and not settings.get("schemas"):
            raise BadInput("Choose at least one schema, or all of them.", field="schema")
        made = connect(
            request.form.get("name", "").strip(), connector["name"], settings, secrets,
            schedule=request.form.get("schedule") or None, options=read_options(request.form),
            teams=[int(each) for each in request.form.getlist("team") if each.isdecimal()],
        )  # fmt: skip
    except DocentError as error:
        return _form(connector, _filled(settings), str(error)), 422
    if connector["name"] == sources.CUSTOM:
        return _back(made.id, "Added. Now upload a file of metadata.", "metadata")
    queue_sync(made.id)
    return _back(made.id, "Added. Its first sync is queued.", "sync")


@bp.get("/<int:integration_id>")
def one(integration_id: int) -> str:
    """One integration: its sync, its settings, its teams, its query permissions."""
    with admin() as door:
        item = door.integrations.get(integration_id)
        teams = door.people.teams()
        granted = door.people.grants_in(integration_id)
        values: dict[str, Any] = {
            "item": item,
            "syncs": door.integrations.syncs(integration_id, 12),
            "permissions": _permissions(door, integration_id),
            "members": door.people.members(),
            "teams": teams,
            "groups": door.people.groups(),
            "granted": {team.id: granted.get(team.id, []) for team in teams},
        }
    return render_template(
        "integrations/one.html", connector=connector_of(item.type), stages_of=stages_of, **FORMS, **values
    )


def _permissions(door: Any, integration_id: int) -> list[dict[str, Any]]:
    """Who may run SQL, and why: the right as it was given, and the people whom it reaches."""
    members = {each.id: each for each in door.people.members()}
    found = []
    for each in door.integrations.query_permissions(integration_id):
        if each.subject == "role":
            people = [one.name or one.email for one in members.values() if one.role.value == each.name]
            who, why = "Admins", "By their role, in every integration"
        elif each.subject == "member":
            one = members.get(each.subject_id)
            people, who, why = [], (one.name or one.email) if one else each.name, "Given to this member"
            if one is not None and one.role.value == "guest":
                why = "Given, but guests never run SQL"
        else:
            people = _people_of(door, each.subject, each.subject_id)
            who, why = each.name, f"Given to the {each.subject}"
        found.append(
            {"subject": each.subject, "subject_id": each.subject_id, "who": who, "why": why, "people": people}
        )
    return found


def _people_of(door: Any, subject: str, subject_id: int) -> list[str]:
    if subject == "team":
        return [each.name or each.email for each in door.people.team_members(subject_id)]
    return [name for each in door.people.groups() if each.id == subject_id for name in each.members]


@bp.get("/<int:integration_id>/progress")
def progress(integration_id: int) -> str:
    """The running sync alone, for the page to look again every second."""
    with admin() as door:
        syncs = door.integrations.syncs(integration_id, 1)
        item = door.integrations.get(integration_id)
    return render_template(
        "integrations/_progress.html", sync=syncs[0] if syncs else None, item=item, stages_of=stages_of
    )


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
    only = (request.form.get("schema") or "").strip() or None
    queue_sync(integration_id, full=bool(request.form.get("full")), only_schema=only)
    return _back(integration_id, "The sync is queued.", "sync")


@bp.post("/<int:integration_id>/artifacts")
@takes(LARGEST)
def artifacts(integration_id: int) -> Response:
    """Sync dbt Core from the files of the form."""
    done = take_artifacts(services().store, viewer(), integration_id, uploaded_files())
    if done.status != "done":
        flash(done.errors[0] if done.errors else "The upload was not taken over.", "red")
        return redirect(url_for("integrations.one", integration_id=integration_id, _anchor="sync"), 303)
    return _back(integration_id, f"Taken over: {done.created:,} new, {done.updated:,} changed.", "sync")


@bp.post("/<int:integration_id>/metadata")
@takes(imports.LARGEST)
def metadata(integration_id: int) -> str:
    """Import an uploaded file of custom metadata, and tell what became of it."""
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise BadInput("Choose a file first.", field="file")
    how = {name: request.form.get(name) == "1" for name in ("strict", "complete", "force")}
    done = imports.import_upload(
        services().store, viewer(), integration_id, sent.filename, sent.read(), **how
    )
    with admin() as door:
        item = door.integrations.get(integration_id)
    whole = how["strict"] or how["complete"]
    return render_template(
        "integrations/imported.html",
        item=item,
        done=done,
        filename=sent.filename,
        nothing=whole and done.errors,
    )


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
    if item.type != sources.CUSTOM:
        sources.check_form(item.type, given, {**dict.fromkeys(item.secret_names, "kept"), **secrets})
    with admin() as door:
        door.integrations.update(
            integration_id,
            name=request.form.get("name", item.name).strip() or item.name,
            settings=given,
            secrets=secrets or None,
        )
        door.integrations.set_schedule(integration_id, request.form.get("schedule") or None)
    return _back(integration_id)


@bp.post("/<int:integration_id>/options")
def options(integration_id: int) -> Response:
    """Change import mode, run mode and what a sync does with what vanished."""
    with admin() as door:
        door.integrations.update(integration_id, options=read_options(request.form))
    return _back(integration_id, "Saved. It holds from the next sync and the next run on.", "options")


@bp.post("/<int:integration_id>/pause")
def pause(integration_id: int) -> Response:
    """Stop its schedule, or let it go on."""
    wanted = bool(request.form.get("paused"))
    with admin() as door:
        door.integrations.update(integration_id, paused=wanted)
    return _back(integration_id, "Paused. Its schedule rests." if wanted else "Its schedule goes on.")


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
            sources.check_query(item.type, {**given, **secrets})
            door.integrations.set_query_credential(integration_id, {**given, **secrets})
            said = "Saved, sealed."
    return _back(integration_id, said, "query")


@bp.post("/<int:integration_id>/teams")
def teams(integration_id: int) -> Response:
    """Say which teams see the whole integration."""
    wanted = {int(each) for each in request.form.getlist("team") if each.isdecimal()}
    with admin() as door:
        see_whole(door, integration_id, wanted)
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
