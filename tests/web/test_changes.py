"""The page that says what syncs found changed: for whom, since when, of what."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from plugin.catalog.sync import add_integration, sync
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
