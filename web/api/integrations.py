"""Integrations and their syncs, for admins."""

from __future__ import annotations

from flask import Blueprint, Response

from plugin.catalog import sync as sources
from web.api.models import (
    IntegrationBody,
    IntegrationList,
    IntegrationOut,
    IntegrationPatch,
    Ok,
    SyncBody,
    SyncList,
    SyncOut,
    plain,
)
from web.api.spec import answers, body, reply, spec
from web.door import scope
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
    """Add an integration."""
    values: IntegrationBody = body()
    made = sources.add_integration(
        services().store, viewer(), values.name, values.type, settings=values.settings, secrets=values.secrets,
        query=None, schedule=values.schedule,
    )  # fmt: skip
    return reply(IntegrationOut, plain(made), 201)


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
    """Change an integration. Secrets that are not named stay."""
    values: IntegrationPatch = body()
    with admin() as door:
        door.integrations.update(
            integration_id,
            name=values.name,
            settings=values.settings,
            secrets=dict(values.secrets) if values.secrets else None,
        )
        if "schedule" in values.model_fields_set:
            door.integrations.set_schedule(integration_id, values.schedule)
        return reply(IntegrationOut, plain(door.integrations.get(integration_id)))


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
        queued = door.integrations.start_sync(integration_id, full=values.full)
    services().jobs.enqueue_sync(viewer().workspace_id, integration_id, queued.id, full=values.full)
    return reply(SyncOut, plain(queued), 202)


@bp.get("/integrations/<int:integration_id>/syncs")
@scope("admin")
@spec.validate(resp=answers(SyncList), tags=["Integrations"])
def syncs(integration_id: int) -> Response:
    """The latest syncs, newest first, with how far a running one is."""
    with admin() as door:
        door.integrations.get(integration_id)
        return reply(SyncList, {"items": plain(list(door.integrations.syncs(integration_id, 20)))})
