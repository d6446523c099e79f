"""The application is closed: by default, by exact name, for every method, and against addresses read two ways."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from tests.web.conftest import Person
from web.door import PUBLIC


def sample(rule: str) -> str:
    """An address that the rule matches."""
    rule = re.sub(r"<any\(([a-z]+)[^>]*>", r"\1", rule)
    rule = re.sub(r"<int:[a-z_]+>", "1", rule)
    return re.sub(r"<[a-z_:]+>", "x", rule)


def test_public_names_are_real_endpoints(app: Flask) -> None:
    assert set(app.view_functions) >= PUBLIC


def test_every_address_is_closed_to_strangers(app: Flask, stranger: Person) -> None:
    for rule in app.url_map.iter_rules():
        if rule.endpoint in PUBLIC:
            continue
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            answer = stranger.client.open(sample(rule.rule), method=method)
            api = rule.rule.startswith("/api/") or rule.rule == "/mcp"
            assert answer.status_code == (401 if api else 303), f"{method} {rule.rule}"
            if not api:
                assert answer.headers["Location"].startswith("/sign-in")
            else:
                assert answer.content_type == "application/problem+json"


def test_an_unknown_address_tells_a_stranger_nothing(stranger: Person) -> None:
    assert stranger.get("/r/999999").status_code == stranger.get("/no-such-page").status_code == 303


@pytest.mark.parametrize(
    "path",
    [
        "/static/..;/audit", "/audit;a=b", "/sign-in;/../audit", "//audit", "/sign-in//audit", "/sign-in/%2f/audit",
        "/%2e%2e/audit", "/static/%2e%2e/audit", "/healthz/../audit", "/api//v1/audit", "/sign-in%2f..%2faudit",
        "/sign-in\\audit", "/sign-in%5caudit",
    ],
)  # fmt: skip
def test_ambiguous_addresses_are_refused(stranger: Person, path: str) -> None:
    assert stranger.client.open(path, environ_overrides={"RAW_URI": path}).status_code == 404


@pytest.mark.parametrize(
    "path", ["/AUDIT", "/Sign-In/", "/audit/", "/HEALTHZ", "/api/v1/prompts/", "/API/v1/audit"]
)
def test_case_and_trailing_slash_open_nothing(stranger: Person, path: str) -> None:
    assert stranger.get(path).status_code in (303, 401)


def test_headers_are_on_every_answer(stranger: Person) -> None:
    for path in ("/sign-in", "/healthz", "/static/css/1-tokens.css", "/nothing", "/api/v1/audit"):
        headers = stranger.get(path).headers
        assert headers["Content-Security-Policy"] == (
            "default-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        )
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"


def test_pages_are_not_cached(stranger: Person) -> None:
    assert stranger.get("/sign-in").headers["Cache-Control"] == "no-store"


def test_the_cookie_is_secure_behind_https(app: Flask) -> None:
    plain = app.test_client().get("/sign-in").headers["Set-Cookie"]
    sealed = app.test_client().get("/sign-in", base_url="https://docent.example").headers["Set-Cookie"]
    assert "HttpOnly" in plain and "SameSite=Lax" in plain and "Secure" not in plain
    assert "Secure" in sealed


def test_no_page_has_inline_script_or_style(person) -> None:  # type: ignore[no-untyped-def]
    admin = person("admin")
    for path in (
        "/",
        "/catalog",
        "/assistant",
        "/settings/ai",
        "/me",
        "/members",
        "/integrations",
        "/trust",
        "/audit",
    ):
        html = admin.get(path).get_data(as_text=True)
        assert " style=" not in html, path
        assert "<script>" not in html and " onclick=" not in html, path
