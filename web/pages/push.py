"""Push back: an integration's plans, each statement shown before it runs, and the way back. For admins."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from plugin.catalog.sync import push as pushing
from plugin.errors import BadInput, DocentError
from plugin.store.pushes import Push
from web.connecting import connector_of, read_form
from web.services import admin, only_admins, services, viewer

bp = Blueprint("push", __name__, url_prefix="/integrations/<int:integration_id>/push")
bp.before_request(only_admins())


@bp.get("")
def show(integration_id: int) -> str:
    """The plans of an integration: the latest with all its statements, the earlier ones by a line each."""
    with admin() as door:
        item = door.integrations.get(integration_id)
        on = door.pushes.has_credential(integration_id)
        plans = door.pushes.list(integration_id)
    wanted = request.args.get("plan", type=int)
    chosen = next((each for each in plans if each.id == wanted), plans[0] if plans else None)
    return render_template(
        "integrations/push.html", item=item, connector=connector_of(item.type), facts=pushing.facts(item.type), on=on,
        plans=plans, chosen=chosen,
    )  # fmt: skip


@bp.post("/credential")
def credential(integration_id: int) -> Response:
    """Set or remove the credential that writes."""
    with admin() as door:
        item = door.integrations.get(integration_id)
    if request.form.get("remove"):
        pushing.set_push_credential(services().store, viewer(), integration_id, None)
        return _back(integration_id, "Push back is off. Nothing can be written there now.")
    given, secrets = read_form(connector_of(item.type), request.form, "p_")
    if not given and not secrets:
        raise BadInput("Fill in the credential of the push role.")
    pushing.set_push_credential(services().store, viewer(), integration_id, {**given, **secrets})
    return _back(integration_id, "Push back is on. The credential is sealed; the sync cannot use it.")


@bp.post("/plan")
def plan(integration_id: int) -> Response:
    """Read the source and show what would run."""
    made = _tried(lambda: pushing.plan_push(services().store, viewer(), integration_id))
    if made is None:
        return redirect(url_for("push.show", integration_id=integration_id), 303)
    return _back(integration_id, "Planned. Nothing has been written to the source.", made.id)


@bp.post("/<int:push_id>/apply")
def apply(integration_id: int, push_id: int) -> Response:
    """Run the steps that are ticked."""
    _own(integration_id, push_id)
    only = [int(each) for each in request.form.getlist("step") if each.isdecimal()]
    if not only:
        raise BadInput("Tick at least one statement.")
    done = _tried(lambda: pushing.apply_push(services().store, viewer(), push_id, only))
    return _told(integration_id, push_id, done, "applied", "Written to the source")


@bp.post("/<int:push_id>/undo")
def undo(integration_id: int, push_id: int) -> Response:
    """Run the second list."""
    _own(integration_id, push_id)
    done = _tried(lambda: pushing.undo_push(services().store, viewer(), push_id))
    return _told(integration_id, push_id, done, "undone", "Put back at the source")


def _own(integration_id: int, push_id: int) -> None:
    with admin() as door:
        if door.pushes.plan(push_id).integration_id != integration_id:
            raise BadInput("That plan is another integration's.")


def _tried(run: Callable[[], Push]) -> Push | None:
    try:
        return run()
    except DocentError as error:
        flash(str(error), "red")
        return None


def _told(integration_id: int, push_id: int, done: Push | None, word: str, said: str) -> Response:
    if done is None:
        return redirect(url_for("push.show", integration_id=integration_id, plan=push_id), 303)
    count = sum(1 for each in done.items if each.done == word)
    return _back(integration_id, f"{said}: {count} of {len(done.items)}.", push_id)


def _back(integration_id: int, said: str, push_id: int | None = None) -> Response:
    flash(said, "green")
    return redirect(url_for("push.show", integration_id=integration_id, plan=push_id), 303)
