"""Adding an integration: nothing is stored before the last step, and what fails in it leaves nothing behind."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.web.conftest import Person


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A DuckDB file with three schemas."""
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as database:
        for schema in ("sales", "stock", "scratch"):
            database.execute(f"CREATE SCHEMA {schema}")
            database.execute(f"CREATE TABLE {schema}.things (id INTEGER, name TEXT)")
    return path


def names(admin: Person) -> list[str]:
    return [each["name"] for each in admin.get("/api/v1/integrations").json["items"]]


def form(path: Path, **more: Any) -> dict[str, Any]:
    return {"type": "duckdb", "name": "Shop", "url": f"duckdb:///{path}", **more}


def test_a_connection_is_tried_and_its_schemas_are_listed_before_anything_is_stored(
    person: Callable[[str], Person], shop: Path
) -> None:
    admin, before = person("admin"), names(person("admin"))
    page = admin.post("/integrations/new/check", form(shop), headers={"Docent-Page": "1"}).get_data(
        as_text=True
    )
    assert re.findall(r'name="schema" value="([^"]+)"', page) == ["sales", "scratch", "stock"]
    assert "DuckDB" in page and "<html" not in page
    wrong = admin.post(
        "/integrations/new/check", form(shop.with_name("none.duckdb")), headers={"Docent-Page": "1"}
    )
    assert 'data-tried="no"' in wrong.get_data(as_text=True) and "Nothing was stored" in wrong.get_data(
        as_text=True
    )
    whole = admin.post("/integrations/new/check", form(shop)).get_data(as_text=True)
    assert 'data-tried="yes"' in whole and f'value="duckdb:///{shop}"' in whole, (
        "without a script the form stays filled"
    )
    assert names(admin) == before


def test_a_secret_never_comes_back_to_the_form(person: Callable[[str], Person]) -> None:
    admin, canary = person("admin"), "canary-password-9"
    given = {
        "type": "postgres",
        "name": "Far",
        "host": "127.0.0.1",
        "port": "1",
        "user": "u",
        "database": "d",
        "password": canary,
    }
    for path in ("/integrations/new/check", "/integrations/new"):
        page = admin.post(path, {**given, "name": ""} if path.endswith("new") else given)
        assert canary not in page.get_data(as_text=True), path
    assert "Far" not in names(admin)


def test_the_last_step_stores_schemas_options_and_teams_together(
    person: Callable[[str], Person], shop: Path
) -> None:
    admin = person("admin")
    page = admin.get("/integrations/new?type=duckdb").get_data(as_text=True)
    team = re.search(r'name="team" value="(\d+)"[^>]*>Sales', page).group(1)
    chosen = form(
        shop, scope="chosen", schema=["sales", "stock"], team=[team], schedule="0 * * * *",
        import_mode="never", run_mode="run", shrink_stop="1",
    )  # fmt: skip
    assert admin.post("/integrations/new", {**chosen, "schema": []}).status_code == 422
    assert admin.post("/integrations/new", {**chosen, "team": ["987654"]}).status_code == 422
    assert "Shop" not in names(admin), "a step that fails leaves nothing half-made"
    place = admin.post("/integrations/new", chosen).headers["Location"].split("#")[0]
    kept = admin.get(f"/api/v1{place}").json
    assert kept["settings"]["schemas"] == "sales, stock" and kept["schedule"] == "0 * * * *"
    chosen_options = {
        "import_mode": "never", "run_mode": "run", "shrink_stop": True, "keep_stale": False, "keep_literals": False,
    }  # fmt: skip
    assert chosen_options.items() <= kept["options"].items()
    assert re.search(rf'name="team" value="{team}" checked', admin.get(place).get_data(as_text=True))
    admin.post(f"{place}/options", {"import_mode": "always", "keep_stale": "1"})
    assert admin.get(f"/api/v1{place}").json["options"]["import_mode"] == "always"
    assert admin.get(f"/api/v1{place}").json["options"]["shrink_stop"] is False
    admin.post(f"{place}/pause", {"paused": "1"})
    assert admin.get(f"/api/v1{place}").json["state"] == "paused"
    admin.post(f"{place}/pause")
    assert admin.get(f"/api/v1{place}").json["state"] != "paused"


def test_settings_that_the_connector_cannot_read_are_refused_on_the_page_too(
    person: Callable[[str], Person], shop: Path
) -> None:
    admin = person("admin")
    place = admin.post("/integrations/new", form(shop)).headers["Location"].split("#")[0]
    admin.post(f"{place}/settings", {"name": "Shop", "url": "mysql://root@127.0.0.1/x"})
    checked = admin.api("POST", f"{place}/check")
    assert checked.status_code in (422, 502) and checked.content_type == "application/problem+json"


def test_the_api_does_all_of_it(person: Callable[[str], Person], tmp_path: Path) -> None:
    admin, source = person("admin"), tmp_path / "api.db"
    with closing(sqlite3.connect(source)) as database:
        database.execute("CREATE TABLE things (id INTEGER PRIMARY KEY)")
    assert any(
        each["name"] == "sqlite" and each["settings"]
        for each in admin.get("/api/v1/connectors").json["items"]
    )
    connection = {"type": "sqlite", "settings": {"url": f"sqlite:///{source}"}}
    tried = admin.api("POST", "/integrations/check", connection)
    assert tried.status_code == 200 and tried.json["schemas"] == [{"name": "main", "description": ""}]
    missing = admin.api(
        "POST", "/integrations/check", {"type": "sqlite", "settings": {"url": "sqlite:////no/such.db"}}
    )
    assert missing.status_code == 502 and "no/such.db" in missing.json["detail"]
    refused = admin.api("POST", "/integrations", {**connection, "name": "Api", "teams": [987654]})
    assert refused.status_code == 404 and "Api" not in names(admin)
    made = admin.api("POST", "/integrations", {**connection, "name": "Api", "options": {"keep_stale": True}})
    assert made.status_code == 201 and made.json["options"]["keep_stale"] is True
    place = f"/integrations/{made.json['id']}"
    assert admin.api("POST", f"{place}/check").status_code == 200
    assert (
        admin.api("PATCH", place, {"paused": True, "options": {"keep_stale": False}}).json["state"]
        == "paused"
    )
    given = {"subject": "team", "subject_id": 1}
    assert admin.api("POST", f"{place}/query-permissions", given).status_code == 200
    listed = admin.get(f"/api/v1{place}/query-permissions").json["items"]
    assert [each["subject"] for each in listed] == ["role", "team"]
    assert admin.api("DELETE", f"{place}/query-permissions/team/1").status_code == 200
    assert len(admin.get(f"/api/v1{place}/query-permissions").json["items"]) == 1
    queued = admin.api("POST", f"{place}/sync", {})
    assert queued.status_code == 202
    stopped = admin.api("POST", f"{place}/syncs/{queued.json['id']}/cancel")
    assert stopped.json["status"] == "cancelled"
    assert admin.api("POST", f"/integrations/1/syncs/{queued.json['id']}/cancel").status_code == 404
    assert admin.api("DELETE", place).status_code == 200 and "Api" not in names(admin)


def test_what_is_imported_by_hand_keeps_no_setting_and_no_password(person: Callable[[str], Person]) -> None:
    admin = person("admin")
    for more in (
        {"settings": {"password": "hunter2-hunter2"}},
        {"secrets": {"password": "hunter2-hunter2"}},
        {"query": {"url": "postgresql://u:hunter2-hunter2@h/d"}},
    ):
        refused = admin.api("POST", "/integrations", {"name": "Hand", "type": "custom", **more})
        assert refused.status_code == 422 and "hunter2" not in refused.get_data(as_text=True), more
        assert "Hand" not in names(admin)
    made = admin.api("POST", "/integrations", {"name": "Hand", "type": "custom"})
    assert made.status_code == 201
    for more in ({"settings": {"password": "x"}}, {"secrets": {"password": "x"}}, {"query": {"url": "x"}}):
        assert admin.api("PATCH", f"/integrations/{made.json['id']}", more).status_code == 422, more
    assert admin.api("PATCH", f"/integrations/{made.json['id']}", {"name": "By hand"}).status_code == 200
