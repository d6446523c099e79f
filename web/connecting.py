"""Adding an integration: from the form made from a connector's settings to one that is stored, granted and queued.

Nothing is stored before the last step: the connection is tried and its schemas are listed from what the form holds.
What fails in the last step takes back what it had made, so nothing half-made is left. No secret goes back to a page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import request

from plugin.catalog import sync as sources
from plugin.errors import DocentError, NotFound
from plugin.store.shapes import Integration
from web.services import admin, services, viewer

SELECTION = ("schemas", "exclude")
"""Settings that say what is read; the others say how to connect."""
SCHEDULES = (
    ("", "Only by hand"),
    ("0 * * * *", "Every hour"),
    ("0 */6 * * *", "Every 6 hours"),
    ("0 3 * * *", "Every day at 03:00 UTC"),
)
IMPORT_MODES = (
    (
        "smart",
        "Smart",
        "A description comes from the source until a person edits it here. Then the edit stays.",
    ),
    ("never", "Never", "Only people write descriptions here. The source’s own are not taken over."),
    ("always", "Always", "The source decides. An edit made here is replaced by the next sync."),
)
RUN_MODES = (
    ("confirm", "Confirm", "The assistant shows the SQL. It runs when the person presses Run."),
    (
        "run",
        "Run",
        "The assistant may run SQL by itself for people with query permission. Every gate still holds.",
    ),
)
SWITCHES = (
    (
        "shrink_stop", "Stop when the source returns far less",
        "A sync that would remove much of the catalog stops and asks.",
    ),
    ("keep_stale", "Keep what vanished at the source", "It is marked as stale instead of being removed."),
    (
        "keep_literals", "Keep literals in SQL texts",
        "People read views with their values. The assistant gets masked text all the same.",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Tried:
    """What a source answered when its settings were tried: a sentence and its schemas, or what went wrong."""

    said: str = ""
    schemas: tuple[sources.SeenSchema, ...] | None = None
    wrong: str = ""


def connector_of(type_: str) -> dict[str, Any]:
    """A connector's description from the listing. NotFound."""
    for each in sources.connectors():
        if each["name"] == type_:
            return each  # type: ignore[no-any-return]
    raise NotFound("no such connector")


def read_form(
    connector: Mapping[str, Any], form: Any, prefix: str = ""
) -> tuple[dict[str, str], dict[str, str]]:
    """The form made from a connector's settings as (settings, secrets); what is empty is left out.

    Schemas that were ticked in a list win over a pattern that was typed.
    """
    settings: dict[str, str] = {}
    secrets: dict[str, str] = {}
    for each in connector["settings"]:
        value = form.get(f"{prefix}{each['name']}", "").strip()
        if value:
            (secrets if each["secret"] else settings)[each["name"]] = value
    scope = form.get("scope", "") if not prefix else ""
    if scope == "all":
        settings.pop("schemas", None)
    elif scope == "chosen":
        settings["schemas"] = ", ".join(form.getlist("schema"))
    url = settings.get("url", "")
    if url and sources.has_password(url):
        secrets["url"] = settings.pop("url")
    return settings, secrets


def read_options(form: Any) -> dict[str, Any]:
    """Import mode, run mode, the options that hold names, and the switches of a form."""
    chosen = {name: form[name] for name in ("import_mode", "run_mode") if form.get(name)}
    chosen |= {name: form[name] for name in ("service_accounts", "reads_from") if name in form}
    return {**chosen, **{name: bool(form.get(name)) for name, _title, _text in SWITCHES}}


def try_connection(type_: str, settings: Mapping[str, str], secrets: Mapping[str, str]) -> Tried:
    """Connect with settings that are not stored, and list the schemas."""
    try:
        if type_ == sources.CUSTOM:
            return Tried("Nothing to connect to: metadata is pushed here by `docent import` or the API.")
        said = sources.check_settings(type_, settings, secrets)
        return Tried(said, sources.schemas_of(type_, settings, secrets))
    except DocentError as error:
        return Tried(wrong=str(error))


def connect(
    name: str,
    type_: str,
    settings: Mapping[str, str],
    secrets: Mapping[str, str],
    *,
    schedule: str | None = None,
    options: Mapping[str, Any] | None = None,
    teams: Iterable[int] = (),
    query: Mapping[str, str] | None = None,
) -> Integration:
    """Add it and let these teams see it, or leave nothing behind. As `add_integration`, and NotFound for a team."""
    made = sources.add_integration(
        services().store, viewer(), name, type_, settings=settings, secrets=secrets, query=query,
        schedule=schedule, options=options,
    )  # fmt: skip
    try:
        with admin() as door:
            for team in teams:
                door.people.grant(team, made.id)
    except DocentError:
        with admin() as door:
            door.integrations.remove(made.id)
        raise
    return made


def see_whole(door: Any, integration_id: int, wanted: set[int]) -> None:
    """Let these teams see the whole integration, and no other; what a team sees of it in part stays. NotFound."""
    teams = door.people.teams()
    if wanted - {team.id for team in teams}:
        raise NotFound("no such team")
    for team in teams:
        has = any(
            each.integration_id == integration_id and each.resource_id is None
            for each in door.people.grants(team.id)
        )
        if team.id in wanted and not has:
            door.people.grant(team.id, integration_id)
        elif team.id not in wanted and has:
            door.people.revoke(team.id, integration_id)


def queue_sync(integration_id: int, *, full: bool = False, only_schema: str | None = None) -> Any:
    """Enter a sync as queued and put it on the queue of jobs. Conflict where one is under way."""
    with admin() as door:
        queued = door.integrations.start_sync(integration_id, full=full, only_schema=only_schema)
    services().jobs.enqueue_sync(viewer().workspace_id, integration_id, queued.id, full=full)
    return queued


def uploaded_files() -> dict[str, bytes]:
    """The files that came with a form, by their own names."""
    sent = [each for _field, files in request.files.lists() for each in files]
    return {each.filename: each.read() for each in sent if each.filename}
