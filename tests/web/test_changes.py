"""The page that says what syncs found changed: for whom, since when, of what."""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

from click.testing import CliRunner
from sqlalchemy import text

from plugin.catalog.sync import add_integration, sync
from plugin.cli import cli
from plugin.store import Store
from tests.web.conftest import ADMIN, Person


def test_what_changed_is_told_to_who_sees_the_place(
    demo_store: Store, person: Callable[[str], Person], tmp_path: Path
) -> None:
    path = tmp_path / "shop.sqlite3"
    with demo_store.sign_in() as door:
        admin_viewer = door.viewer_for_email(None, ADMIN)

    def run(*statements: str) -> None:
        with closing(sqlite3.connect(path)) as db, db:
            for statement in statements:
                db.execute(statement)
        assert sync(demo_store, admin_viewer, made).status == "done"

    settings = {"url": f"sqlite:///{path}"}
    made = add_integration(demo_store, admin_viewer, "shop", "sqlite", settings=settings, secrets={}).id
    run("CREATE TABLE kept (a INTEGER)", "CREATE TABLE dropped (a INTEGER)")
    run("ALTER TABLE kept ADD COLUMN new_one TEXT", "DROP TABLE dropped")
    admin, guest = person("admin"), person("guest")
    page = admin.get("/catalog/changes").get_data(as_text=True)
    assert "kept.new_one" in page and "dropped" in page
    assert "kept.new_one" not in admin.get("/catalog/changes?change=removed").get_data(as_text=True)
    assert "kept.new_one" not in admin.get("/catalog/changes?since=2999-01-01").get_data(as_text=True)
    with demo_store.as_viewer(admin_viewer) as mine:
        kept = mine.catalog.by_name("kept", integration="shop").id
    here = admin.get(f"/catalog/changes?under={kept}").get_data(as_text=True)
    assert "kept.new_one" in here and ">dropped<" not in here
    assert f"/catalog/changes?under={kept}" in admin.get(f"/r/{kept}/activity").get_data(as_text=True)
    assert "/catalog/changes" in admin.get("/").get_data(as_text=True)
    hidden = guest.get("/catalog/changes").get_data(as_text=True)
    assert "new_one" not in hidden and ">dropped<" not in hidden
    assert guest.get(f"/catalog/changes?under={kept}").status_code == 404
    assert admin.get("/catalog/changes?since=monday").status_code == 422
    assert admin.get("/catalog/changes?since=0001-01-01T00:00%2B14:00").status_code == 422
    assert admin.get("/catalog/changes?integration=999999").status_code == 404
    assert admin.get("/catalog/changes?under=hr").status_code == 404, "not all of them"
    assert guest.get(f"/catalog/changes?integration={made}").status_code == 404
    # A source of its own; other sources' newer changes take nothing of a page away.
    assert "kept.new_one" in admin.get(f"/catalog/changes?integration={made}").get_data(as_text=True)
    with demo_store.as_viewer(admin_viewer) as mine:
        other = next(each.id for each in mine.catalog.integrations() if each.id != made)
        place = next(each.id for each in mine.catalog.browse(integration=other, limit=1).items)
    assert "kept.new_one" not in admin.get(f"/catalog/changes?integration={other}").get_data(as_text=True)
    with demo_store._context(admin_viewer.workspace_id) as context:
        more = (
            "INSERT INTO drift (workspace_id, integration_id, zone_id, at, change, kind, qualified_name)"
            " SELECT workspace_id, :other, zone_id, :at, 'redescribed', 'column', 'w.other' FROM drift"
            " WHERE qualified_name LIKE '%dropped'"
        )
        late = (datetime.now(UTC) + timedelta(seconds=5)).strftime("%Y-%m-%d %H:%M:%S.%f")
        context.session.execute(text(more), [{"other": other, "at": late}] * 2100)
    everywhere = admin.get("/catalog/changes").get_data(as_text=True)
    assert "kept.new_one" not in everywhere and "The newest 300 of 2,102" in everywhere
    for narrowed in (f"under={kept}", f"integration={made}", "change=added"):
        assert "kept.new_one" in admin.get(f"/catalog/changes?{narrowed}").get_data(as_text=True), narrowed
    assert admin.get(f"/catalog/changes?under={place}").status_code == 200
    # What the page does not show is printed by the very command that it names, whatever a source calls its things.
    with demo_store._context(admin_viewer.workspace_id) as context:
        more = (
            "INSERT INTO drift (workspace_id, integration_id, zone_id, at, change, kind, qualified_name)"
            " SELECT workspace_id, integration_id, zone_id, at, 'removed', 'column', qualified_name || '.x'"
            " FROM drift WHERE qualified_name LIKE '%new_one'"
        )
        context.session.execute(text(more), [{}] * 400)
        rename = "UPDATE resources SET qualified_name = :name WHERE id = :id"
        context.session.execute(text(rename), {"name": "main.kept; echo $(x) '", "id": kept})
        moved = "UPDATE drift SET qualified_name = replace(qualified_name, 'main.kept', :name)"
        context.session.execute(text(moved), {"name": "main.kept; echo $(x) '"})
    page = admin.get(f"/catalog/changes?under={kept}&change=removed").get_data(as_text=True)
    command = shlex.split(unescape(page.split("<code>docent drift ")[1].split("</code>")[0]))
    assert command[2:] == [
        "--change", "removed", "--integration", "shop", "--under", "main.kept; echo $(x) '", "--limit", "400",
    ]  # fmt: skip
    printed = CliRunner().invoke(
        cli, ["drift", *command, "--json"], env={"DOCENT_HOME": str(demo_store.config.home)}
    )
    assert len(printed.stdout.splitlines()) == 400 and "These are" not in printed.stderr
