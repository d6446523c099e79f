"""Push back: what people wrote in Docent, shown as statements for its source, then run, undone. Keeps laws 1 and 7.

Enters: an admin and an integration whose push credential they set (without one nothing is ever sent). Leaves: a `Push`
with every statement and what became of it. Only what a person edited is planned; what changed at the source since the
last sync is shown as a conflict and left alone. Before each run the source is read again: a statement that would no
longer be the one that was shown does not run. Each plan, run and undoing is audited.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from connectors import connector_class, fields_of, has_password
from connectors.errors import BadSettings, SourceError
from connectors.push import (
    PUSHERS,
    Pusher,
    Session,
    Step,
    Target,
    Wanted,
    plan,
    plan_undo,
    pusher,
    pusher_class,
)
from plugin.access.viewer import Viewer
from plugin.errors import BadInput, Misconfigured, SourceFailed
from plugin.store.pushes import Edited, Push, PushItem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.store import Store

_Wrong = type[BadInput] | type[Misconfigured]
OFF = "push back is off for this integration: an admin gives it a credential of its own first"
MOST = 2_000
"""Steps of one plan; the next plan has the rest."""


def facts(type: str) -> dict[str, Any]:
    """Whether a type of integration can be pushed to, whether it has tags, and the grant script of the push role."""
    if type not in PUSHERS:
        return {"can_push": False, "tags": False, "schemas": False, "databases": False, "grant_script": ""}
    made = pusher_class(type)
    can = {"tags": made.tags, "schemas": made.schemas, "databases": made.databases}
    return {"can_push": True, **can, "grant_script": made.grant_script}


def set_push_credential(
    store: Store, viewer: Viewer, integration_id: int, values: Mapping[str, str] | None
) -> None:
    """Turn push back on with a credential of its own, or off with None. BadInput names a bad setting. Admins only."""
    with store.as_admin(viewer) as admin:
        type = admin.integrations.get(integration_id).type
        if values is not None:
            _made(type, values, BadInput)
        admin.pushes.set_credential(integration_id, values)


def plan_push(store: Store, viewer: Viewer, integration_id: int) -> Push:
    """Read what the source says now and keep the statements that would bring what people wrote. Writes nothing there.

    Misconfigured where push back is off, SourceFailed with the connector's own sentence, Refused(rule="admin").
    """
    with store.as_admin(viewer) as admin:
        type = admin.integrations.get(integration_id).type
        edited = admin.pushes.edited(integration_id)
    with _session(store, viewer, integration_id, type) as session:
        can = facts(type)
        wanted = [(each, want) for each in edited for want in _wanted(each, can)][:MOST]
        steps = plan(session, [want for _, want in wanted])
    items = [_item(each, step) for (each, _), step in zip(wanted, steps, strict=True)]
    with store.as_admin(viewer) as admin:
        return admin.pushes.save(integration_id, items)


def apply_push(store: Store, viewer: Viewer, push_id: int, only: Sequence[int] | None = None) -> Push:
    """Run the statements of a plan that are still the ones that were shown; `only` names steps by their place.

    Conflict where the plan has run already, BadInput for a place that is none. As `plan_push` otherwise.
    """

    def run(session: Session, items: list[PushItem]) -> list[PushItem]:
        chosen = [
            place for place, item in enumerate(items)
            if item.state == "ready" and (only is None or place in only)
        ]  # fmt: skip
        fresh = plan(session, [_want(items[place]) for place in chosen])
        for place, step in zip(chosen, fresh, strict=True):
            if step.state != "ready" or step.statements != items[place].statements:
                why = step.reason or "the table changed at the source since the plan; plan again"
                items[place] = replace(items[place], done="failed", reason=why)
            else:
                items[place] = _run(session, items[place], step.statements, "applied")
        return items

    with store.as_admin(viewer) as admin:
        items = admin.pushes.plan(push_id).items
    if only is not None and not all(0 <= place < len(items) for place in only):
        raise BadInput("the plan has no such step", field="only")
    return _carry_out(store, viewer, push_id, run, was="planned", now="running", end="applied")


def undo_push(store: Store, viewer: Viewer, push_id: int) -> Push:
    """Run the second list: every step that was applied goes back, unless somebody changed it since. As `apply_push`."""

    def run(session: Session, items: list[PushItem]) -> list[PushItem]:
        chosen = [place for place, item in enumerate(items) if item.done == "applied"]
        done = [
            Step(_want(items[place]), "ready", "", items[place].before, items[place].statements, items[place].undo,
                 items[place].tags)
            for place in chosen
        ]  # fmt: skip
        for place, step in zip(chosen, plan_undo(session, done), strict=True):
            if step.state == "same":
                items[place] = replace(items[place], done="undone")
            elif step.state != "ready":
                items[place] = replace(items[place], reason=step.reason)
            else:
                items[place] = _run(session, items[place], step.statements, "undone")
        return items

    return _carry_out(store, viewer, push_id, run, was="applied", now="undoing", end="undone")


def _carry_out(
    store: Store,
    viewer: Viewer,
    push_id: int,
    run: Callable[[Session, list[PushItem]], list[PushItem]],
    *,
    was: str,
    now: str,
    end: str,
) -> Push:
    with store.as_admin(viewer) as admin:
        push = admin.pushes.begin(push_id, was=was, now_=now)
        type = admin.integrations.get(push.integration_id).type
    items, state = list(push.items), was
    try:
        with _session(store, viewer, push.integration_id, type) as session:
            run(session, items)
        state = end
    finally:
        # Also where the connection was lost half-way: what ran is written down, and only that counts as done.
        if state == was and any(item.done != old.done for item, old in zip(items, push.items, strict=True)):
            state = end
        with store.as_admin(viewer) as admin:
            finished = admin.pushes.finish(push_id, state, items)
    return finished


def _run(session: Session, item: PushItem, statements: Sequence[str], done: str) -> PushItem:
    try:
        for statement in statements:
            session.run(statement)
    except SourceError as error:
        return replace(item, done="failed" if done == "applied" else item.done, reason=str(error))
    return replace(item, done=done, reason="")


@contextmanager
def _session(store: Store, viewer: Viewer, integration_id: int, type: str) -> Iterator[Session]:
    with store.secrets(viewer) as vault:
        values = vault.push_secrets(integration_id)
    if values is None:
        raise Misconfigured(OFF)
    try:
        with _made(type, values, Misconfigured).open() as session:
            yield session
    except SourceError as error:
        raise SourceFailed(str(error)) from error


def _made(type: str, values: Mapping[str, str], wrong: _Wrong) -> Pusher:
    """The pusher from one mapping of settings and secrets. Raises `wrong` naming what cannot be used."""
    try:
        fields = {field.name: field for field in fields_of(connector_class(type))}
        secret = {
            name: text
            for name, text in values.items()
            if (name in fields and fields[name].secret) or (name == "url" and has_password(text))
        }
        return pusher(type, {name: text for name, text in values.items() if name not in secret}, secret)
    except BadSettings as error:
        raise wrong(str(error)) from error


def _wanted(edited: Edited, can: Mapping[str, Any]) -> Iterator[Wanted]:
    if edited.table is None and not can["schemas" if edited.schema else "databases"]:
        return
    target = Target(edited.database, edited.schema, edited.table, edited.column)
    if edited.described:
        yield Wanted(target, text=edited.description, expected=edited.source_description)
    if edited.tags and can["tags"] and edited.table is not None:
        yield Wanted(target, "tags", tags=edited.tags)


def _want(item: PushItem) -> Wanted:
    if item.what == "tags":
        return Wanted(Target(*item.place), "tags", tags=item.tags)
    return Wanted(Target(*item.place), text=item.after, expected=item.before)


def _item(edited: Edited, step: Step) -> PushItem:
    wanted = step.wanted
    target = wanted.target
    return PushItem(
        resource_id=edited.resource_id,
        qualified_name=edited.qualified_name,
        what=wanted.what,
        state=step.state,
        reason=step.reason,
        before=step.now,
        after=", ".join(wanted.tags) if wanted.what == "tags" else wanted.text,
        expected=wanted.expected,
        place=(target.database, target.schema, target.table, target.column),
        tags=step.tags,
        statements=step.statements,
        undo=step.undo,
    )
