"""Build the sample: two databases, a workspace, its people, a sync through the real connectors, and edits."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from importlib.resources import files
from pathlib import Path

from plugin.access.viewer import Role, Surface, Viewer
from plugin.config import Config
from plugin.demo.people import (
    DOCUMENTS,
    GLOSSARY,
    GRANTS,
    OWNERS,
    PASSWORD,
    PEOPLE,
    SLUG,
    TAGS,
    TEAMS,
    VERIFIED,
    WORKSPACE,
)
from plugin.store import Store

WAREHOUSE, SUPPORT = "warehouse", "support"


def build(store: Store, config: Config, say: Callable[[str], None]) -> str:
    """Make what is not there yet and sync both databases; return the workspace's slug.

    `say` hears one line a stage. What people changed in an earlier run stays as they left it.
    """
    warehouse, support = _databases(config.home / "demo")
    with store.sign_in() as door:
        fresh = all(workspace.slug != SLUG for workspace in door.workspaces())
        if fresh:
            say("Making the workspace and its people.")
            door.create_workspace(WORKSPACE, PEOPLE[0].email, PASSWORD, admin_name=PEOPLE[0].name)
    with store.sign_in() as door:
        viewer = door.viewer_for_email(SLUG, PEOPLE[0].email, Surface.CLI)
    if fresh:
        _people(store, viewer)
    _connect(store, viewer, WAREHOUSE, "duckdb", warehouse)
    _connect(store, viewer, SUPPORT, "sqlite", support)
    _sync(store, viewer, say)
    if fresh:
        say("Adding grants, glossary, owners and tags.")
        _grants(store, viewer)
        _knowledge(store, viewer)
    return SLUG


def _databases(folder: Path) -> tuple[Path, Path]:
    """The two sample databases, made once; a half-made one is made again."""
    import duckdb

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    warehouse, support = folder / "warehouse.duckdb", folder / "support.sqlite3"
    source = files("plugin.demo")
    if not warehouse.exists():
        half = folder / "warehouse.part"
        half.unlink(missing_ok=True)
        with closing(duckdb.connect(str(half))) as database:
            database.execute((source / "warehouse.sql").read_text("utf-8"))
        half.rename(warehouse)
    if not support.exists():
        half = folder / "support.part"
        half.unlink(missing_ok=True)
        with closing(sqlite3.connect(half)) as database:
            database.executescript((source / "support.sql").read_text("utf-8"))
        half.rename(support)
    return warehouse, support


def _people(store: Store, viewer: Viewer) -> None:
    """Members of each role, three teams beside General."""
    with store.as_admin(viewer) as admin:
        for name, private in TEAMS:
            admin.people.add_team(name, private=private)
        teams = {team.name: team.id for team in admin.people.teams()}
        for person in PEOPLE[1:]:
            member = admin.people.add_member(
                person.email, Role(person.role), name=person.name, password=PASSWORD
            )
            for team in person.teams:
                admin.people.add_to_team(teams[team], member_id=member.id)
        group = admin.people.add_group("Data stewards")
        for member in admin.people.members():
            if member.email.startswith(("tomas", "priya")):
                admin.people.add_to_group(group.id, member.id)
        admin.settings.set("ai.run_sql", True)


def _connect(store: Store, viewer: Viewer, name: str, type_: str, path: Path) -> None:
    """Add one integration with its query credential, where it is not there yet."""
    from plugin.catalog.sync import add_integration

    with store.as_admin(viewer) as admin:
        if any(each.name == name for each in admin.integrations.list()):
            return
    url = {"url": f"{type_}:///{path}"}
    added = add_integration(store, viewer, name, type_, settings=url, secrets={}, query=url, schedule=None)
    with store.as_admin(viewer) as admin:
        for member in admin.people.members():
            if member.email.startswith("priya"):
                admin.integrations.grant_query(added.id, "member", member.id)


def _sync(store: Store, viewer: Viewer, say: Callable[[str], None]) -> None:
    """Sync both databases through their connectors."""
    from plugin.catalog.sync import sync

    with store.as_admin(viewer) as admin:
        integrations = [each for each in admin.integrations.list() if each.name in (WAREHOUSE, SUPPORT)]
    for each in integrations:
        done = sync(store, viewer, each.id)
        say(f"Synced {each.name}: {done.created} new, {done.updated} changed, {done.unchanged} as before.")


def _grants(store: Store, viewer: Viewer) -> None:
    """Who may see what."""
    for team, integration, schema in GRANTS:
        resource_id = None
        if schema:
            with store.as_viewer(viewer) as mine:
                resource_id = mine.catalog.by_name(schema, kind="schema", integration=integration).id
        with store.as_admin(viewer) as admin:
            teams = {each.name: each.id for each in admin.people.teams()}
            admin.people.grant(
                teams[team], admin.integrations.by_name(integration).id, resource_id=resource_id
            )


def _knowledge(store: Store, viewer: Viewer) -> None:
    """What people would have written: terms, documents, owners, tags, verified marks."""
    with store.as_admin(viewer) as admin:
        members = {member.email: member.id for member in admin.people.members()}
    with store.as_viewer(viewer) as mine:
        for name, definition, synonyms in GLOSSARY:
            mine.edits.create_term(name, definition, synonyms)
        for title, body in DOCUMENTS:
            mine.edits.create_document(title, body)
        for name, email in OWNERS:
            mine.edits.add_owner(mine.catalog.by_name(name).id, member_id=members[email])
        for name, tag in TAGS:
            mine.edits.add_tag(mine.catalog.by_name(name).id, tag)
        for name in VERIFIED:
            mine.edits.set_property(mine.catalog.by_name(name).id, "verified", True)
