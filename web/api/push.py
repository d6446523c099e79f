"""Push back, for admins: plans with every statement, running one, undoing one. Off until it has a credential."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Response
from pydantic import Field

from plugin.catalog.sync import push as pushing
from web.api.models import Answer, Body, Ok, plain
from web.api.spec import answers, body, reply, spec
from web.door import scope
from web.services import admin, only_admins, services, viewer

bp = Blueprint("api_push", __name__)
bp.before_request(only_admins())


class PushItemOut(Answer):
    """One step: what the source has, what a person wrote, statements, their undoing, and what became of it."""

    resource_id: int
    qualified_name: str
    what: str
    state: str
    reason: str
    before: str | None = None
    after: str | None = None
    statements: list[str]
    undo: list[str]
    done: str


class PushOut(Answer):
    """A plan. `state`: planned, running, applied, undoing, undone."""

    id: int
    integration_id: int
    state: str
    planned_by: str
    created: datetime
    applied: datetime | None = None
    undone: datetime | None = None
    items: list[PushItemOut]


class PushList(Answer):
    """The latest plans, newest first."""

    items: list[PushOut]


class PushCredentialBody(Body):
    """Settings and secrets of the push role; an empty object turns push back off."""

    values: dict[str, str] = Field(max_length=40)


class ApplyBody(Body):
    """Which steps, by their place in the plan; all that are ready where it is left out."""

    only: list[int] | None = Field(None, max_length=2_000)


def _out(push: Any) -> dict[str, Any]:
    told: dict[str, Any] = plain(push)
    told["items"] = [{name: item[name] for name in PushItemOut.model_fields} for item in told["items"]]
    return told


@bp.put("/integrations/<int:integration_id>/push-credential")
@scope("admin")
@spec.validate(json=PushCredentialBody, resp=answers(Ok), tags=["Push back"])
def credential(integration_id: int) -> Response:
    """Turn push back on with a credential of its own, or off."""
    values: PushCredentialBody = body()
    pushing.set_push_credential(services().store, viewer(), integration_id, values.values or None)
    return reply(Ok, {})


@bp.get("/integrations/<int:integration_id>/pushes")
@scope("admin")
@spec.validate(resp=answers(PushList), tags=["Push back"])
def index(integration_id: int) -> Response:
    """The latest plans of an integration."""
    with admin() as door:
        door.integrations.get(integration_id)
        found = door.pushes.list(integration_id)
    return reply(PushList, {"items": [_out(each) for each in found]})


@bp.post("/integrations/<int:integration_id>/pushes")
@scope("admin")
@spec.validate(resp=answers(PushOut, status=201), tags=["Push back"])
def plan(integration_id: int) -> Response:
    """Plan: read the source and show every statement. Nothing is written there."""
    return reply(PushOut, _out(pushing.plan_push(services().store, viewer(), integration_id)), 201)


@bp.get("/pushes/<int:push_id>")
@scope("admin")
@spec.validate(resp=answers(PushOut), tags=["Push back"])
def show(push_id: int) -> Response:
    """One plan."""
    with admin() as door:
        return reply(PushOut, _out(door.pushes.plan(push_id)))


@bp.post("/pushes/<int:push_id>/apply")
@scope("admin")
@spec.validate(json=ApplyBody, resp=answers(PushOut), tags=["Push back"])
def apply(push_id: int) -> Response:
    """Run a plan's statements, each only if the source is still as the plan saw it."""
    values: ApplyBody = body()
    return reply(PushOut, _out(pushing.apply_push(services().store, viewer(), push_id, values.only)))


@bp.post("/pushes/<int:push_id>/undo")
@scope("admin")
@spec.validate(resp=answers(PushOut), tags=["Push back"])
def undo(push_id: int) -> Response:
    """Undo a plan that ran: what it changed goes back, unless somebody changed it since."""
    return reply(PushOut, _out(pushing.undo_push(services().store, viewer(), push_id)))
