"""The API: a valid document, strict bodies, problem documents, paging."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from openapi_spec_validator import validate

from plugin.store import Store
from tests.web.conftest import EDITOR, Person
from web.door import PUBLIC


def test_the_document_is_valid_openapi(person: Callable[[str], Person]) -> None:
    document = person("viewer").get("/api/v1/openapi.json").json
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_the_document_describes_every_api_route(app: Flask, person: Callable[[str], Person]) -> None:
    paths = person("viewer").get("/api/v1/openapi.json").json["paths"]
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/v1/") and rule.endpoint not in (
            "api_describe.openapi",
            "api_describe.docs",
        ):
            shape = rule.rule.replace("<int:", "{").replace("<", "{").replace(">", "}")
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                assert method.lower() in paths[shape], f"{method} {shape}"


def test_every_api_view_names_its_scope(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/v1/") or rule.rule == "/mcp":
            assert getattr(app.view_functions[rule.endpoint], "scope", None) in (
                "read",
                "ask",
                "query",
                "admin",
            )
        elif rule.endpoint not in PUBLIC:
            assert not hasattr(app.view_functions[rule.endpoint], "scope"), "tokens open no page"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": 7}, "prompt"),
        ({"prompt": "x", "surprise": 1}, "surprise"),
        ({"prompt": "x", "mentions": ["1"]}, "mentions.0"),
        ({"prompt": "x" * 8001}, "prompt"),
        (["prompt"], "body"),
    ],
)
def test_bodies_are_strict(person: Callable[[str], Person], body: object, field: str) -> None:
    answer = person("viewer").api("POST", "/prompts", body)
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert field == "body" or answer.json["field"] == field


def test_a_form_body_is_no_json(person: Callable[[str], Person]) -> None:
    viewer = person("viewer")
    answer = viewer.client.post("/api/v1/redaction/try", data={"text": "x", "csrf_token": viewer.token})
    assert answer.status_code == 422


def test_unknown_api_addresses_are_problem_documents(person: Callable[[str], Person]) -> None:
    answer = person("viewer").get("/api/v1/nothing")
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
    wrong = person("viewer").api("PUT", "/prompts", {})
    assert (wrong.status_code, wrong.content_type) == (405, "application/problem+json")


def test_lists_page_by_cursor(person: Callable[[str], Person]) -> None:
    admin = person("admin")
    root = admin.get("/api/v1/resources?limit=1").json
    assert len(root["items"]) == 1
    seen: list[int] = []
    cursor = ""
    for _ in range(30):
        page = admin.get(f"/api/v1/audit?limit=3{cursor}").json
        seen += [each["seq"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == sorted(set(seen), reverse=True)
    assert admin.get("/api/v1/audit?limit=3&cursor=nonsense!").status_code == 422


def test_settings_change_all_or_none(person: Callable[[str], Person]) -> None:
    admin = person("admin")
    bad = admin.api("PATCH", "/settings/ai", {"values": {"ai.run_sql": True, "ai.history": "sometimes"}})
    assert bad.status_code == 422 and "always" in bad.json["detail"]
    good = admin.api("PATCH", "/settings/ai", {"values": {"ai.history": "explicit"}})
    assert good.status_code == 200
    assert {each["key"]: each["value"] for each in good.json["items"]}["ai.history"] == "explicit"


def test_redaction_try_says_what_would_leave(person: Callable[[str], Person]) -> None:
    found = person("viewer").api("POST", "/redaction/try", {"text": "Ask ingrid@example.com"}).json
    assert "ingrid@example.com" not in found["text"] and found["findings"]


def test_secrets_never_come_back(person: Callable[[str], Person]) -> None:
    admin = person("admin")
    canary = "sk-test-" + "canary" * 5
    admin.post("/settings/ai/key", {"provider": "openai_compatible", "key": canary, "untested": "1"})
    for path in ("/settings/ai", "/audit", "/api/v1/settings/ai", "/api/v1/audit", "/api/v1/integrations"):
        assert canary not in admin.get(path).get_data(as_text=True), path


@pytest.mark.parametrize(
    ("sent", "kind", "status"),
    [
        (b"[" * 100_000, "application/json", 400), (b'{"value": ', "application/json", 400),
        (b"\xff\xfe", "application/json", 400), (b'{"value": NaN}', "application/json", 400),
        (b'{"limit": 1e999}', "application/json", 400), (b"[]", "application/json", 422),
        (b"null", "application/json", 422), (b"", "application/json", 422), (b'{"value": "up"}', "text/plain", 415),
    ],
)  # fmt: skip
def test_what_is_no_json_object_is_no_empty_one(
    app: Flask, person: Callable[[str], Person], sent: bytes, kind: str, status: int
) -> None:
    """A view whose every field is optional would act on an empty body: take feedback back, for one."""
    admin = person("admin")
    prompt = admin.api("POST", "/prompts", {"prompt": "who owns sales.orders?"}).json
    assert prompt["at"]
    path = f"/api/v1/prompts/{prompt['id']}"
    admin.api("POST", f"/prompts/{prompt['id']}/feedback", {"value": "up"})
    answer = admin.client.post(
        f"{path}/feedback", data=sent, content_type=kind, headers={"X-CSRFToken": admin.token}
    )
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert answer.json["status"] == status
    assert admin.get(path).json["feedback"] == "up"


def test_a_whole_number_may_have_a_point_and_some_bodies_may_be_left_out(
    person: Callable[[str], Person],
) -> None:
    """As JSON Schema and the document have it."""
    admin = person("admin")
    warehouse = next(
        each["id"] for each in admin.get("/api/v1/integrations").json["items"] if each["name"] == "warehouse"
    )
    assert admin.api("PATCH", "/chats/2147483648", {"title": None}).status_code == 404
    run = {"integration_id": warehouse, "sql": "select 1 as one", "limit": 2.0}
    assert admin.api("POST", "/sql/run", run).status_code == 200
    assert admin.api("POST", "/sql/run", run | {"limit": 2.5}).status_code == 422
    paths = admin.get("/api/v1/openapi.json").json["paths"]
    assert paths["/api/v1/integrations/{integration_id}/sync"]["post"]["requestBody"]["required"] is False
    assert paths["/api/v1/prompts/{prompt_id}/feedback"]["post"]["requestBody"]["required"] is True
    assert {"413", "502", "503"} <= set(paths["/api/v1/sql/run"]["post"]["responses"])


def bearer(store: Store, email: str, *scopes: str) -> dict[str, str]:
    """The headers of a program with a token of these scopes."""
    with store.sign_in() as door:
        viewer = door.viewer_for_email(None, email)
    with store.as_viewer(viewer) as mine:
        return {"Authorization": f"Bearer {mine.me.create_token('program', scopes, 1)[1]}"}


def test_a_token_that_may_only_read_changes_nothing(app: Flask, demo_store: Store) -> None:
    client = app.test_client()
    reads, asks = (bearer(demo_store, EDITOR, *scopes) for scopes in (("read",), ("read", "ask")))
    found = client.get("/api/v1/search?q=orders&kind=table", headers=reads).json["hits"]
    here, other = found[0]["resource"], found[1]["resource"]
    address = f"/api/v1/resources/{here['id']}"
    for method, path, body in (
        ("PATCH", address, {"description": "From a program that should only read."}),
        ("POST", f"{address}/lineage", {"other_id": other["id"]}),
        ("DELETE", f"{address}/lineage?other_id={other['id']}", None),
    ):
        answer = client.open(path, method=method, json=body, headers=reads)
        assert (answer.status_code, answer.json["rule"]) == (403, "token.scope.ask"), path
    assert client.get(address, headers=reads).json["description"] == here["description"]
    assert client.patch(address, json={"description": "Meant."}, headers=asks).status_code == 200


def test_the_document_names_the_scope_and_ids_as_large_as_ours(
    app: Flask, person: Callable[[str], Person]
) -> None:
    admin = person("admin")
    paths = admin.get("/api/v1/openapi.json").json["paths"]
    prompt = paths["/api/v1/prompts/{prompt_id}"]
    made = admin.api("POST", "/prompts", {"prompt": "who owns sales.orders?"}).json["id"]
    sizes = {
        each["schema"]["format"]
        for operations in paths.values()
        for operation in operations.values()
        for each in operation.get("parameters", ())
        if each["in"] == "path" and each["schema"]["type"] == "integer"
    }
    assert sizes == {"int64"} and made < 2**53
    assert prompt["get"]["security"] == [{"token": ["read"]}, {"session": []}]
    assert prompt["delete"]["security"][0] == {"token": ["ask"]}


def test_prompts_and_chats_page_by_the_size_that_was_asked_for(person: Callable[[str], Person]) -> None:
    admin = person("admin")
    for name in ("sales.orders", "sales.customers", "sales.stores"):
        made = admin.api("POST", "/prompts", {"prompt": f"who owns {name}?"}).json
    assert admin.api("PATCH", f"/chats/{made['chat_id']}", {"pinned": True}).status_code == 200
    for path in ("/api/v1/prompts", "/api/v1/chats"):
        seen, cursor = [], ""
        for _ in range(3):
            page = admin.get(f"{path}?limit=1{cursor}").json
            seen += [each["id"] for each in page["items"]]
            cursor = f"&cursor={page['next_cursor']}"
        assert len(seen) == len(set(seen)) == 3 and page["next_cursor"] is None, path
        assert len(admin.get(f"{path}?pinned=true").json["items"]) == 1, path
        assert len(admin.get(f"{path}?pinned=false").json["items"]) == 2, path


def test_a_filter_that_a_list_does_not_have_is_refused(person: Callable[[str], Person]) -> None:
    admin = person("admin")
    for path, field in (
        ("/ledger?action=settings", "action"),
        ("/search?q=orders&kind=tabel", "kind.0"),
        ("/audit?actions=settings", "actions"),
        ("/audit?since=5", "since"),
        ("/ledger?since=0.5", "since"),
        ("/prompts?cursor=2026-11-21T08:00:00.5", "cursor"),
    ):
        answer = admin.get(f"/api/v1{path}")
        assert (answer.status_code, answer.json.get("field")) == (422, field), path
    assert "table" in admin.get("/api/v1/search?q=orders&kind=tabel").json["detail"]
    assert admin.get("/api/v1/audit?since=5").json["detail"].startswith("since: write a date")
    assert admin.get("/api/v1/audit?action=people&since=2020-01-31").json["items"]


def test_the_document_says_what_may_not_be_null(person: Callable[[str], Person]) -> None:
    admin = person("admin")
    schemas = admin.get("/api/v1/openapi.json").json["components"]["schemas"]
    found = admin.get("/api/v1/search?q=orders&kind=table").json["hits"][0]["resource"]
    for name in ("verified", "published"):
        assert schemas["EditBody"]["properties"][name] == {"title": name.capitalize(), "type": "boolean"}
        for wrong in (None, "yes", 1):
            refused = admin.api("PATCH", f"/resources/{found['id']}", {name: wrong})
            assert (refused.status_code, refused.json["field"]) == (422, name)
        assert admin.api("PATCH", f"/resources/{found['id']}", {name: True}).json["resource"][name] is True
    assert name not in schemas["EditBody"].get("required", ())


def test_a_changed_integration_is_read_as_a_new_one(person: Callable[[str], Person]) -> None:
    """A password that went among the settings would be kept in the clear and given back."""
    admin = person("admin")
    made = admin.api(
        "POST", "/integrations",
        {"name": "pg", "type": "postgres", "settings": {"host": "127.0.0.1"}, "secrets": {"password": "first"}},
    ).json  # fmt: skip
    path = f"/integrations/{made['id']}"
    for body, status, field in (
        ({"settings": {"url": "postgresql://u:canary-9@127.0.0.1/d"}}, 422, "settings"),
        ({"settings": {"password": "canary-9"}}, 422, "settings"),
        ({"settings": {"hots": "127.0.0.1"}}, 422, "settings"),
        ({"secrets": {"passwrod": "canary-9"}}, 422, "settings"),
        ({"secrets": {"host": "canary-9"}}, 422, "settings"),
        ({"query": {"nope": "canary-9"}}, 422, "settings"),
        ({"teams": [10**12]}, 404, None),
    ):
        answer = admin.api("PATCH", path, {"name": "renamed", **body})
        assert (answer.status_code, answer.json.get("field")) == (status, field), body
        assert "canary-9" not in answer.get_data(as_text=True)
    assert admin.api("GET", path).json == made
    query = {"url": "postgresql://u:canary-9@127.0.0.1/d"}
    good = admin.api(
        "PATCH", path, {"settings": {"host": "::1"}, "secrets": {"password": "second"}, "query": query}
    )
    assert (good.status_code, good.json["settings"], good.json["has_query_credential"]) == (
        200,
        {"host": "::1"},
        True,
    )
    assert "canary-9" not in good.get_data(as_text=True)
    assert admin.api("PATCH", path, {"settings": {"port": "5433"}}).json["secret_names"] == ["password"]


def test_the_longest_title_is_the_one_of_the_document(person: Callable[[str], Person]) -> None:
    admin = person("admin")
    schemas = admin.get("/api/v1/openapi.json").json["components"]["schemas"]
    longest = next(
        each for each in schemas["ChatBody"]["properties"]["title"]["anyOf"] if "maxLength" in each
    )
    chat = admin.api("POST", "/prompts", {"prompt": "who owns sales.orders?"}).json["chat_id"]
    for more, status in ((0, 200), (1, 422)):
        title = "t" * (longest["maxLength"] + more)
        assert admin.api("PATCH", f"/chats/{chat}", {"title": title}).status_code == status
