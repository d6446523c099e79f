"""What admins do with forms, end to end: connect a source, give teams and permissions, set the policy."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from plugin.catalog.sync import connectors as listing
from tests.web.conftest import Person
from tests.web.test_prompts import settle, warehouse
from tests.web.test_roles import id_of


def test_an_integration_is_added_checked_and_given_to_a_team(
    person: Callable[[str], Person], tmp_path: Path
) -> None:
    source = tmp_path / "shop.db"
    with closing(sqlite3.connect(source)) as database:
        database.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT)")
    admin = person("admin")
    assert "SQLite" in admin.get("/integrations/new").get_data(as_text=True)
    assert 'name="url"' in admin.get("/integrations/new?type=sqlite").get_data(as_text=True)
    made = admin.post("/integrations/new", {"type": "sqlite", "name": "Shop", "url": f"sqlite:///{source}"})
    assert made.status_code == 303
    place = made.headers["Location"].split("#")[0]
    page = admin.get(place).get_data(as_text=True)
    assert "Grant script" in page and "Queued" in page, "its first sync waits for a worker"
    team = re.search(r'name="team" value="(\d+)"[^>]*>Sales', page).group(1)
    assert admin.post(f"{place}/teams", {"team": [team]}).status_code == 303
    assert re.search(rf'name="team" value="{team}" checked', admin.get(place).get_data(as_text=True))
    member = re.search(r'value="(member:\d+)">Jonas', page).group(1)
    assert admin.post(f"{place}/permissions", {"subject": member}).status_code == 303
    assert "Take away from Jonas Berg" in admin.get(place).get_data(as_text=True)
    admin.post(f"{place}/permissions", {"subject": member, "remove": "1"})
    assert "Take away from Jonas Berg" not in admin.get(place).get_data(as_text=True)
    assert admin.post(f"{place}/delete").status_code == 303
    assert admin.get(place).status_code == 404


def test_a_password_in_a_url_is_a_secret(person: Callable[[str], Person]) -> None:
    admin, canary = person("admin"), "canary-password-7"
    url = f"postgresql://reader:{canary}@127.0.0.1:1/none"
    made = admin.post("/integrations/new", {"type": "postgres", "name": "Elsewhere", "url": url})
    place = made.headers["Location"].split("#")[0]
    for path in (place, "/integrations", "/audit", "/api/v1/integrations"):
        assert canary not in admin.get(path).get_data(as_text=True), path


def test_a_rule_keeps_the_assistant_off_a_schema_and_says_so(
    person: Callable[[str], Person], demo_store: object
) -> None:
    admin, salaries = person("admin"), id_of(demo_store, "hr.salaries")  # type: ignore[arg-type]
    assert "The assistant may use this." in admin.get(f"/r/{salaries}").get_data(as_text=True)
    admin.post("/settings/ai/filters", {"effect": "exclude", "condition": "schemas", "value": "hr"})
    page = admin.get(f"/r/{salaries}").get_data(as_text=True)
    assert "The assistant may not use this." in page and "hr" in page
    admin.post("/settings/ai/filters", {"remove": "0"})
    assert "The assistant may use this." in admin.get(f"/r/{salaries}").get_data(as_text=True)


def test_a_pattern_that_matches_everything_is_refused_where_it_was_typed(
    person: Callable[[str], Person],
) -> None:
    admin = person("admin")
    refused = admin.post(
        "/settings/ai/patterns",
        {"name": "anything", "pattern": ".*"},
        headers={"Referer": "http://localhost/settings/ai"},
    )
    assert refused.status_code == 303
    assert "matches" in admin.get("/settings/ai").get_data(as_text=True)
    assert admin.post("/settings/ai/patterns", {"name": "loyalty", "pattern": r"HG-\d{4}"}).status_code == 303
    shown = admin.api("POST", "/redaction/try", {"text": "card HG-2041"}).json
    assert "HG-2041" not in shown["text"]


def test_a_team_and_its_grants(person: Callable[[str], Person]) -> None:
    admin, viewer = person("admin"), person("viewer")
    made = admin.post("/members/teams", {"name": "Auditors", "private": "1"})
    team = made.headers["Location"]
    page = admin.get(team).get_data(as_text=True)
    jonas = re.search(r'value="(member:\d+)">Jonas', page).group(1)
    admin.post(f"{team}/grants", {"integration_id": str(warehouse(admin)), "name": "hr"})
    assert viewer.get("/catalog?text=salaries").get_data(as_text=True).count("hr.salaries") == 0
    admin.post(f"{team}/members", {"subject": jonas})
    assert "hr.salaries" in viewer.get("/catalog?text=salaries").get_data(as_text=True)
    admin.post(f"{team}/members", {"subject": jonas, "remove": "1"})
    assert "hr.salaries" not in viewer.get("/catalog?text=salaries").get_data(as_text=True)


def test_a_team_is_renamed_and_keeps_what_it_may_see(person: Callable[[str], Person]) -> None:
    admin = person("admin")
    team = admin.post("/members/teams", {"name": "Auditors"}).headers["Location"]
    admin.post(f"{team}/grants", {"integration_id": str(warehouse(admin)), "name": "hr"})
    assert admin.post(f"{team}/name", {"name": "Inner audit"}).status_code == 303
    page = admin.get(team).get_data(as_text=True)
    assert "<h1>Inner audit</h1>" in page and "Take back warehouse.hr" in page
    other = admin.post("/members/teams", {"name": "Auditors"}).headers["Location"]
    assert admin.post(f"{other}/name", {"name": "inner AUDIT"}).status_code == 409
    assert admin.post(f"{other}/name", {"name": " "}).status_code == 422


def test_the_preview_shows_the_text_and_sends_nothing(person: Callable[[str], Person]) -> None:
    admin = person("admin")
    settle(admin, ai__instructions="Our year starts in February.")
    shown = admin.post("/settings/ai/preview", {"question": "Which table holds refunds? ingrid@example.com"})
    page = shown.get_data(as_text=True)
    assert shown.status_code == 200 and "Nothing was sent" in page
    assert admin.get("/api/v1/ledger").json["items"] == []


def test_a_term_is_added_and_found(person: Callable[[str], Person]) -> None:
    admin = person("admin")
    made = admin.post(
        "/glossary", {"name": "Zebra rate", "definition": "Zebras per order.", "synonyms": "ZR, stripes"}
    )
    assert made.status_code == 303
    assert "Zebra rate" in person("viewer").get("/glossary").get_data(as_text=True)
    assert "stripes" in admin.get("/glossary?text=zebra").get_data(as_text=True)


def test_a_warehouse_says_that_its_run_sql_was_never_tried_for_real_and_takes_its_whole_credential(
    person: Callable[[str], Person],
) -> None:
    admin = person("admin")
    key = '{"client_email": "reader@shop.iam", "private_key": "x", "token_uri": "https://oauth2.googleapis.com/token"}'
    made = admin.post(
        "/integrations/new", {"type": "bigquery", "name": "Lake", "project": "shop", "key": key}
    )
    assert made.status_code == 303, made.get_data(as_text=True)
    place = made.headers["Location"].split("#")[0]
    page = admin.get(place).get_data(as_text=True)
    assert "never against a real one" in page and "roles/bigquery.jobUser" in page
    for name in ("q_project", "q_key", "q_region", "q_max_bytes_billed"):
        assert f'name="{name}"' in page
    assert 'name="q_schemas"' not in page
    query = {"q_project": "shop", "q_key": key.replace("reader@", "query@"), "q_max_bytes_billed": "1000"}
    assert admin.post(f"{place}/query-credential", query).status_code == 303
    assert "Set. The sync cannot use it." in admin.get(place).get_data(as_text=True)
    told = {each["name"]: each for each in listing()}
    assert told["bigquery"]["run_verified"] == told["snowflake"]["run_verified"] == "documented"
    assert told["clickhouse"]["run_verified"] == told["redshift"]["run_verified"] == "emulator"
    assert told["postgres"]["run_verified"] == "real" and told["oracle"]["run_verified"] is None


def test_a_guessed_classification_says_how_sure_it_is_and_is_decided_beside_it(
    person: Callable[[str], Person],
) -> None:
    admin, viewer = person("admin"), person("viewer")
    hits = admin.get("/api/v1/search?q=customers").json["hits"]
    table = next(
        each["resource"] for each in hits if each["resource"]["qualified_name"].endswith("sales.customers")
    )
    path = f"/r/{table['id']}/columns"
    page = admin.get(path).text
    assert "95 %" in page and 'aria-label="Wrong: email is not personal"' in page
    assert "95 %" in viewer.get(path).text and "Wrong: email" not in viewer.get(path).text
    form = page[: page.index('aria-label="Wrong: email is not personal"')].rsplit('action="', 1)[1]
    done = admin.post(form.split('"', 1)[0], {"field": "sensitivity", "value": "personal", "of": "column"})
    assert done.status_code == 303 and path in done.location
    before, page = page, admin.get(path).text
    assert "Wrong: email is not" not in page and "Right: email" not in page
    assert 0 < page.count("95 %") < before.count("95 %"), "of other columns it is still a guess"
    assert page.count("Decided by a person") == 1
