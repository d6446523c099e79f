"""Shards of a table whose first changes: each is still found by its own columns."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from plugin.access.viewer import Viewer
from plugin.catalog.sync import add_integration, sync
from plugin.store import Store

ANOTHER = ("CREATE TABLE log_2001 (harbor TEXT, berth TEXT, mast TEXT)",)
NO_MORE = ("CREATE TABLE other (id INTEGER)",)


@pytest.mark.parametrize("instead", [ANOTHER, NO_MORE], ids=["has other columns", "is gone"])
def test_the_rest_of_a_family_is_found_when_its_first_is_another_table(
    any_store: Store, any_admin: Viewer, tmp_path: Path, instead: tuple[str, ...]
) -> None:
    path = tmp_path / "shop.sqlite3"
    shards = tuple(f"CREATE TABLE log_{year} (lighthouse TEXT, beam TEXT)" for year in (2001, 2002, 2003))

    def change(*statements: str) -> None:
        with sqlite3.connect(path) as db:
            for statement in statements:
                db.execute(statement)
        db.close()

    def found(word: str) -> set[str]:
        with any_store.as_viewer(any_admin) as mine:
            return {
                each.resource.name for each in mine.catalog.search(word).hits if each.resource.kind == "table"
            }

    change(*shards)
    place = {"url": f"sqlite:///{path}"}
    shop = add_integration(any_store, any_admin, "shop", "sqlite", settings=place, secrets={}).id
    sync(any_store, any_admin, shop)
    assert len(found("lighthouse")) == 1, "a family is one hit"
    change("DROP TABLE log_2001", *instead)
    assert sync(any_store, any_admin, shop).status == "done"
    assert found("lighthouse") and "log_2001" not in found("lighthouse")
    assert found("berth") == ({"log_2001"} if instead == ANOTHER else set())


def test_the_rest_of_a_family_is_found_when_the_heir_of_its_first_is_not_like_them(
    any_store: Store, any_admin: Viewer, tmp_path: Path
) -> None:
    path = tmp_path / "shop.sqlite3"
    firsts = "lighthouse TEXT, berth TEXT, mast TEXT, anchor TEXT, rudder TEXT"
    heirs = "galley TEXT, berth TEXT, mast TEXT, anchor TEXT, rudder TEXT"
    others = "galley TEXT, compass TEXT, mast TEXT, anchor TEXT, rudder TEXT"
    with sqlite3.connect(path) as db:
        for year, columns in ((2001, firsts), (2002, others), (2003, heirs), (2004, firsts)):
            db.execute(f"CREATE TABLE log_{year} ({columns})")
    db.close()
    place = {"url": f"sqlite:///{path}"}
    shop = add_integration(any_store, any_admin, "shop", "sqlite", settings=place, secrets={}).id
    sync(any_store, any_admin, shop)
    with sqlite3.connect(path) as db:
        db.execute("DROP TABLE log_2001")
    db.close()
    assert sync(any_store, any_admin, shop).status == "done"
    with any_store.as_viewer(any_admin) as mine:
        found = {each.resource.name for each in mine.catalog.search("lighthouse").hits}
    assert "log_2004" in found
