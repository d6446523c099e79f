"""Every route for every role, by walking the address map: a new route fails until this file says who may open it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask

from plugin.store import Store
from tests.web.conftest import ROLES, Person
from web.door import PUBLIC

ADMINS_ONLY = {
    "integrations.add", "integrations.try_it", "integrations.create", "integrations.options", "integrations.pause", "integrations.one", "integrations.progress", "integrations.check",
    "integrations.sync", "integrations.cancel", "integrations.settings", "integrations.query_credential",
    "integrations.teams", "integrations.permissions", "integrations.delete", "integrations.artifacts", "integrations.metadata",
    "people.show", "people.invite", "people.withdraw", "people.role", "people.state", "people.remove", "people.teams",
    "people.add_team", "people.team", "people.team_members", "people.team_grants", "people.team_private", "people.team_name",
    "people.remove_team", "people.groups", "people.add_group", "people.group_members", "people.remove_group",
    "trust.accept_host", "trust.attestation", "trust.record", "trust.see_as",
    "settings.show", "settings.change", "settings.personas", "settings.filters", "settings.patterns", "settings.key", "settings.preview",
    "records.audit", "records.ledger", "records.audit_export", "records.head", "records.ledger_export", "records.usage",
    "oversight.show", "oversight.open_reading", "oversight.end_reading",
    "api_integrations.create", "api_integrations.show", "api_integrations.change", "api_integrations.delete",
    "api_integrations.sync", "api_integrations.syncs", "api_integrations.connectors", "api_integrations.try_it",
    "api_integrations.check", "api_integrations.permissions", "api_integrations.give", "api_integrations.take",
    "api_integrations.cancel", "api_integrations.artifacts",
    "push.show", "push.credential", "push.plan", "push.apply", "push.undo", "api_push.credential", "api_push.index",
    "api_push.plan", "api_push.show", "api_push.apply", "api_push.undo",
    "api_settings.show", "api_settings.change", "api_settings.models",
    "api_records.ledger", "api_records.audit", "api_records.usage", "api_metadata.push",
}  # fmt: skip
EVERYBODY = {
    "home.show", "home.settings", "home.acknowledge", "search.show", "catalog.show", "catalog.level", "catalog.properties", "catalog.changes", "glossary.show",
    "integrations.show", "trust.show", "trust.flow", "trust.register", "trust.object_to_host", "api_register.register",
    "assistant.show", "assistant.saved_panel", "assistant.ask", "assistant.chat", "assistant.rename_form",
    "assistant.rename", "assistant.pin", "assistant.delete",
    "me.show", "me.name", "me.theme", "me.password", "me.team", "me.create_token", "me.revoke_token", "me.end_session",
    "auth.sign_out", "auth.switch",
    "resource.show", "resource.part", "results.show", "results.download", "results.download_parquet",
    "api_prompts.create", "api_prompts.index", "api_prompts.show", "api_prompts.delete", "api_prompts.feedback",
    "api_prompts.stop", "api_prompts.save", "api_prompts.chats", "api_prompts.change_chat", "api_prompts.delete_chat",
    "api_catalog.search", "api_catalog.suggest", "api_catalog.roots", "api_catalog.resource",
    "api_catalog.children", "api_catalog.lineage", "api_catalog.impact", "api_catalog.usage", "lineage.edges", "lineage.impact",
    "queries.show", "queries.draft", "queries.save", "queries.run", "queries.approve", "queries.delete",
    "api_queries.index", "api_queries.save", "api_queries.approve", "api_queries.run", "api_queries.delete",
    "api_queries.estimate", "decisions.show", "decisions.one", "api_decisions.index", "api_decisions.show", "queries.back",
    "api_sql.check", "api_sql.run", "api_sql.cancel", "api_sql.result", "api_sql.bound", "api_integrations.index",
    "api_settings.redaction_try", "api_metadata.export", "api_metadata.apply",
    "api_describe.openapi", "api_describe.docs", "mcp.speak",
    "history.templates", "history.save_template", "history.delete_template", "history.use_template", "history.shared",
    "history.read_shared", "history.sharing", "history.share", "history.export", "history.everything",
    "history.export_mine", "history.forget", "history.erase",
}  # fmt: skip
BY_RIGHT = {
    "glossary.add", "catalog.bring", "catalog.take", "resource.edit", "resource.tags", "resource.owners", "resource.decide", "resource.delete",
    "api_catalog.edit", "api_catalog.draw_edge", "api_catalog.erase_edge", "lineage.draw_edge", "lineage.erase_edge",
}  # fmt: skip
"""Open to those who may edit the thing; the store decides for each."""


NEEDS_MORE = ("api_settings.models", "api_push.show")
"""Pages of admins that need a provider's key, or a plan to show."""


def sample(rule: str, resource_id: int) -> str:
    rule = re.sub(r"<any\(([a-z]+)[^>]*>", r"\1", rule)
    rule = rule.replace("<int:resource_id>", str(resource_id))
    rule = re.sub(r"<int:[a-z_]+>", "1", rule)
    return re.sub(r"<[a-z_:]+>", "x", rule)


def id_of(store: Store, name: str) -> int:
    with store.sign_in() as door:
        viewer = door.viewer_for_email(None, None)
    with store.as_viewer(viewer) as mine:
        return mine.catalog.by_name(name).id


def test_every_route_is_listed(app: Flask) -> None:
    assert set(app.view_functions) == PUBLIC | ADMINS_ONLY | EVERYBODY | BY_RIGHT


@pytest.mark.parametrize("role", ["editor", "viewer", "guest"])
def test_admin_routes_are_closed_to(app: Flask, person: Callable[[str], Person], role: str) -> None:
    who = person(role)
    for rule in app.url_map.iter_rules():
        if rule.endpoint not in ADMINS_ONLY:
            continue
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            path = sample(rule.rule, 1)
            if rule.rule.startswith("/api/"):
                body = (
                    {"name": "x", "type": "sqlite"} if method == "POST" else {"values": {"ai.enabled": False}}
                )
                answer = who.api(method, path.removeprefix("/api/v1"), body if method != "GET" else None)
                for fitting in (
                    {},
                    {"items": []},
                ):  # where the body does not fit this route, one of these will
                    if answer.status_code == 422:
                        answer = who.api(method, path.removeprefix("/api/v1"), fitting)
            elif method == "POST":
                answer = who.post(path, {"type": "sqlite", "name": "x", "value": "1", "question": "x"})
            else:
                answer = who.get(path)
            assert answer.status_code == 403, f"{role} {method} {path}: {answer.status_code}"


def test_admin_pages_open_for_an_admin(app: Flask, person: Callable[[str], Person]) -> None:
    admin = person("admin")
    for rule in app.url_map.iter_rules():
        if rule.endpoint in ADMINS_ONLY and "GET" in rule.methods and rule.endpoint not in NEEDS_MORE:
            answer = admin.get(sample(rule.rule, 1))
            assert answer.status_code == 200, f"{rule.rule}: {answer.status_code}"


@pytest.mark.parametrize("role", sorted(ROLES))
def test_pages_for_everybody_open_for(
    app: Flask, demo_store: Store, person: Callable[[str], Person], role: str
) -> None:
    who, seen = person(role), id_of(demo_store, "sales.orders")
    for rule in app.url_map.iter_rules():
        if rule.endpoint in EVERYBODY and "GET" in rule.methods:
            answer = who.get(sample(rule.rule, seen))
            assert answer.status_code in (200, 303, 404), f"{role} {rule.rule}: {answer.status_code}"
            if "<" not in rule.rule or "resource_id" in rule.rule:
                assert answer.status_code in (200, 303), f"{role} {rule.rule}: {answer.status_code}"


@pytest.mark.parametrize("role", ["editor", "viewer", "guest"])
def test_a_hidden_resource_is_an_absent_one(
    demo_store: Store, person: Callable[[str], Person], role: str
) -> None:
    who, hidden = person(role), id_of(demo_store, "hr.salaries")
    absent = 987_654_321
    for path in ("/r/{}", "/r/{}/columns", "/r/{}/columns?text=a&column=1", "/r/{}/lineage", "/catalog?under={}", "/catalog/level?parent={}",
                 "/assistant?about={}", "/api/v1/resources/{}", "/api/v1/resources/{}/lineage",
                 "/api/v1/resources/{}/children", "/api/v1/search?under={}"):  # fmt: skip
        first, second = who.get(path.format(hidden)), who.get(path.format(absent))
        assert first.status_code == second.status_code == 404, path
        clean = [
            re.sub(r'(value|content)="[^"]{60,}"', "", each.get_data(as_text=True))
            for each in (first, second)
        ]
        assert clean[0] == clean[1], path
    for path, body in (("/r/{}/edit", {"field": "description", "value": "x"}), ("/r/{}/tags", {"tag": "x"}),
                       ("/r/{}/owners", {"owner": "x"}), ("/r/{}/delete", {})):  # fmt: skip
        first, second = who.post(path.format(hidden), body), who.post(path.format(absent), body)
        assert first.status_code == second.status_code == 404, path
    for method in ("PATCH",):
        first = who.api(method, f"/resources/{hidden}", {"description": "x"})
        second = who.api(method, f"/resources/{absent}", {"description": "x"})
        assert (first.status_code, first.json) == (second.status_code, second.json)
        assert first.status_code == 404


def test_what_an_outsider_searches_names_nothing_hidden(person: Callable[[str], Person]) -> None:
    insider, outsider = person("admin"), person("viewer")
    for path in (
        "/search?q=salaries",
        "/api/v1/search?q=salaries&facets=true",
        "/api/v1/suggest?q=salar",
        "/catalog?text=salaries",
    ):
        assert "hr.salaries" in insider.get(path).get_data(as_text=True).replace("</span>", "").replace(
            "<span>", ""
        ) or ("salaries" in insider.get(path).get_data(as_text=True))
        shown = outsider.get(path).get_data(as_text=True).replace("<hr>", "")
        assert "hr" not in re.findall(r"\b(hr)\b", shown), path


def test_an_editor_saves_and_a_viewer_proposes(demo_store: Store, person: Callable[[str], Person]) -> None:
    orders = id_of(demo_store, "sales.orders")
    viewer = person("viewer")
    answer = viewer.api("PATCH", f"/resources/{orders}", {"description": "Proposed words."})
    assert answer.status_code == 200 and answer.json["proposed"] is True
    admin = person("admin")
    page = admin.get(f"/r/{orders}/activity").get_data(as_text=True)
    assert "Proposed words." in page
    proposal = re.search(r"/r/proposals/(\d+)", page).group(1)
    assert viewer.post(f"/r/proposals/{proposal}", {"accept": "1"}).status_code == 403
    assert admin.post(f"/r/proposals/{proposal}", {"accept": "1"}).status_code == 303
    assert admin.api("GET", f"/resources/{orders}").json["description"] == "Proposed words."


def test_one_persons_chats_are_nobody_elses(person: Callable[[str], Person]) -> None:
    admin, editor = person("admin"), person("editor")
    made = admin.api("POST", "/prompts", {"prompt": "What is sales.orders?"})
    assert made.status_code == 201, made.get_data(as_text=True)
    for path in (f"/assistant/{made.json['chat_id']}", f"/api/v1/prompts/{made.json['id']}"):
        assert admin.get(path).status_code == 200
        assert editor.get(path).status_code == 404
    assert editor.api("DELETE", f"/prompts/{made.json['id']}").status_code == 404
    assert editor.api("POST", f"/prompts/{made.json['id']}/stop", {}).status_code == 404
