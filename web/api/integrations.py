"""Integrations and their syncs, for admins."""

from __future__ import annotations

from flask import Blueprint, Response

from plugin.catalog import sync as sources
from plugin.catalog.sync.artifacts import LARGEST, take_artifacts
from plugin.errors import NotFound
from plugin.store.shapes import Integration
from web.api.models import (
    ConnectionBody,
    ConnectionOut,
    ConnectorList,
    IntegrationBody,
    IntegrationList,
    IntegrationOut,
    IntegrationPatch,
    Ok,
    PermissionBody,
    PermissionList,
    SyncBody,
    SyncList,
    SyncOut,
    plain,
)
from web.api.spec import answers, body, reply, spec
from web.connecting import connect, see_whole, uploaded_files
from web.door import scope, takes
from web.services import admin, mine, only_admins, services, viewer

bp = Blueprint("api_integrations", __name__)
bp.before_request(only_admins(but=frozenset({"api_integrations.index"})))


@bp.get("/integrations")
@scope("read")
@spec.validate(resp=answers(IntegrationList), tags=["Integrations"])
def index() -> Response:
    """Integrations: for admins all with their settings (no secrets), for others those with something for them."""
    if viewer().is_admin:
        with admin() as door:
            found = door.integrations.list()
    else:
        with mine() as door:
            found = door.catalog.integrations()
    return reply(IntegrationList, {"items": plain(list(found))})


@bp.post("/integrations")
@scope("admin")
@spec.validate(json=IntegrationBody, resp=answers(IntegrationOut, status=201), tags=["Integrations"])
def create() -> Response:
    """Add an integration with the teams that see all of it, or leave nothing behind. Nothing is connected to yet."""
    values: IntegrationBody = body()
    made = connect(
        values.name, values.type, values.settings, values.secrets, query=values.query, schedule=values.schedule,
        options=values.options, teams=values.teams,
    )  # fmt: skip
    return reply(IntegrationOut, plain(made), 201)


@bp.get("/connectors")
@scope("admin")
@spec.validate(resp=answers(ConnectorList), tags=["Integrations"])
def connectors() -> Response:
    """Every connector with the fields of its form and its grant scripts."""
    return reply(ConnectorList, {"items": sources.connectors()})


@bp.post("/integrations/check")
@scope("admin")
@spec.validate(json=ConnectionBody, resp=answers(ConnectionOut), tags=["Integrations"])
def try_it() -> Response:
    """Try a connection and list its schemas, before anything is stored."""
    values: ConnectionBody = body()
    said = sources.check_settings(values.type, values.settings, values.secrets)
    found = sources.schemas_of(values.type, values.settings, values.secrets)
    return reply(ConnectionOut, {"said": said, "schemas": None if found is None else plain(list(found))})


@bp.post("/integrations/<int:integration_id>/check")
@scope("admin")
@spec.validate(resp=answers(ConnectionOut), tags=["Integrations"])
def check(integration_id: int) -> Response:
    """Try the stored connection."""
    return reply(ConnectionOut, {"said": sources.check(services().store, viewer(), integration_id)})


@bp.get("/integrations/<int:integration_id>/query-permissions")
@scope("admin")
@spec.validate(resp=answers(PermissionList), tags=["Integrations"])
def permissions(integration_id: int) -> Response:
    """Who may run SQL on it: admins by their role, then those it was given to."""
    with admin() as door:
        found = door.integrations.query_permissions(integration_id)
        return reply(PermissionList, {"items": plain(list(found))})


@bp.post("/integrations/<int:integration_id>/query-permissions")
@scope("admin")
@spec.validate(json=PermissionBody, resp=answers(Ok), tags=["Integrations"])
def give(integration_id: int) -> Response:
    """Give query permission to a member, a team or a group."""
    values: PermissionBody = body()
    with admin() as door:
        door.integrations.grant_query(integration_id, values.subject, values.subject_id)
    return reply(Ok, {})


@bp.delete("/integrations/<int:integration_id>/query-permissions/<subject>/<int:subject_id>")
@scope("admin")
@spec.validate(resp=answers(Ok), tags=["Integrations"])
def take(integration_id: int, subject: str, subject_id: int) -> Response:
    """Take query permission back. It holds from the next run on."""
    with admin() as door:
        door.integrations.get(integration_id)
        door.integrations.revoke_query(integration_id, subject, subject_id)
    return reply(Ok, {})


@bp.post("/integrations/<int:integration_id>/syncs/<int:sync_id>/cancel")
@scope("admin")
@spec.validate(resp=answers(SyncOut), tags=["Integrations"])
def cancel(integration_id: int, sync_id: int) -> Response:
    """Ask a sync to stop: at once where it is queued, else at its next report."""
    with admin() as door:
        if door.integrations.sync(sync_id).integration_id != integration_id:
            raise NotFound("no such sync")
        return reply(SyncOut, plain(door.integrations.cancel_sync(sync_id)))


@bp.get("/integrations/<int:integration_id>")
@scope("admin")
@spec.validate(resp=answers(IntegrationOut), tags=["Integrations"])
def show(integration_id: int) -> Response:
    """One integration."""
    with admin() as door:
        return reply(IntegrationOut, plain(door.integrations.get(integration_id)))


@bp.patch("/integrations/<int:integration_id>")
@scope("admin")
@spec.validate(json=IntegrationPatch, resp=answers(IntegrationOut), tags=["Integrations"])
def change(integration_id: int) -> Response:
    """Change an integration: `settings` replace the old ones, secrets that are not named stay.

    They are read as those of a new one are: a password among the settings is refused.
    """
    values: IntegrationPatch = body()
    with admin() as door:
        _readable(door.integrations.get(integration_id), values)
        door.integrations.update(
            integration_id,
            name=values.name,
            settings=values.settings,
            secrets=dict(values.secrets) if values.secrets else None,
            options=values.options,
            paused=values.paused,
        )
        if "query" in values.model_fields_set:
            door.integrations.set_query_credential(integration_id, values.query)
        if values.teams is not None:
            see_whole(door, integration_id, set(values.teams))
        if "schedule" in values.model_fields_set:
            door.integrations.set_schedule(integration_id, values.schedule)
        return reply(IntegrationOut, plain(door.integrations.get(integration_id)))


def _readable(item: Integration, values: IntegrationPatch) -> None:
    """BadInput where its connector could not read what it would have then."""
    if values.settings is not None or values.secrets:
        settings = item.settings if values.settings is None else values.settings
        kept = dict.fromkeys(item.secret_names, "kept")
        sources.check_form(item.type, settings, {**kept, **(values.secrets or {})})
    if values.query is not None:
        sources.check_query(item.type, values.query)


@bp.delete("/integrations/<int:integration_id>")
@scope("admin")
@spec.validate(resp=answers(Ok), tags=["Integrations"])
def delete(integration_id: int) -> Response:
    """Remove an integration with everything the catalog has from it."""
    with admin() as door:
        door.integrations.remove(integration_id)
    return reply(Ok, {})


@bp.post("/integrations/<int:integration_id>/sync")
@scope("admin")
@spec.validate(json=SyncBody, resp=answers(SyncOut, status=202), tags=["Integrations"])
def sync(integration_id: int) -> Response:
    """Queue a sync."""
    values: SyncBody = body()
    with admin() as door:
        queued = door.integrations.start_sync(
            integration_id, full=values.full, only_schema=values.only_schema
        )
    services().jobs.enqueue_sync(viewer().workspace_id, integration_id, queued.id, full=values.full)
    return reply(SyncOut, plain(queued), 202)


@bp.post("/integrations/<int:integration_id>/artifacts")
@scope("admin")
@takes(LARGEST)
@spec.validate(resp=answers(SyncOut), tags=["Integrations"])
def artifacts(integration_id: int) -> Response:
    """Sync dbt Core from uploaded files: multipart/form-data with manifest.json and, if you have them, catalog.json,
    run_results.json and sources.json; a file's own name says which it is. Answers when the sync has ended.
    """
    return reply(SyncOut, plain(take_artifacts(services().store, viewer(), integration_id, uploaded_files())))


@bp.get("/integrations/<int:integration_id>/syncs")
@scope("admin")
@spec.validate(resp=answers(SyncList), tags=["Integrations"])
def syncs(integration_id: int) -> Response:
    """The latest syncs, newest first, with how far a running one is."""
    with admin() as door:
        door.integrations.get(integration_id)
        return reply(SyncList, {"items": plain(list(door.integrations.syncs(integration_id, 20)))})
