"""Signing in and out, sessions, CSRF, invitations, tokens."""

from __future__ import annotations

import re

from flask import Flask

from tests.web.conftest import ADMIN, VIEWER, Person


def test_sign_in_and_out(stranger: Person) -> None:
    assert stranger.sign_in(ADMIN).headers["Location"] == "/"
    assert stranger.get("/").status_code == 200
    stranger.post("/sign-out")
    assert stranger.get("/").status_code == 303


def test_a_wrong_password_and_an_unknown_address_read_the_same(app: Flask) -> None:
    wrong = Person(app).sign_in(ADMIN, "not the password")
    unknown = Person(app).sign_in("nobody@harbor.example", "not the password")
    assert wrong.status_code == unknown.status_code == 401
    clean = [re.sub(r'value="[^"]*"', "", each.get_data(as_text=True)) for each in (wrong, unknown)]
    assert clean[0] == clean[1]


def test_the_session_is_fresh_after_sign_in(app: Flask) -> None:
    who = Person(app)
    who.get("/sign-in")
    before = who.client.get_cookie("docent").value
    who.sign_in(ADMIN)
    assert who.client.get_cookie("docent").value != before


def test_a_session_that_ended_at_the_server_is_dead_in_every_browser(app: Flask) -> None:
    here, copy = Person(app), Person(app)
    here.sign_in(ADMIN)
    copy.client.set_cookie("docent", here.client.get_cookie("docent").value)
    assert copy.get("/").status_code == 200
    here.post("/sign-out")
    assert copy.get("/").status_code == 303


def test_next_never_leads_away(app: Flask) -> None:
    for target in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
        who = Person(app)
        who._learn(who.get("/sign-in"))
        answer = who.post("/sign-in", {"email": ADMIN, "password": "harbor-demo", "next": target})
        assert answer.headers["Location"] == "/", target


def test_forms_need_their_token(person, stranger: Person) -> None:  # type: ignore[no-untyped-def]
    assert (
        stranger.client.post("/sign-in", data={"email": ADMIN, "password": "harbor-demo"}).status_code == 400
    )
    admin = person("admin")
    assert admin.client.post("/members/groups", data={"name": "X"}).status_code == 400
    assert admin.client.post("/api/v1/redaction/try", json={"text": "x"}).status_code == 400
    assert admin.api("POST", "/redaction/try", {"text": "x"}).status_code == 200


def test_a_disabled_member_is_out_at_the_next_request(person) -> None:  # type: ignore[no-untyped-def]
    admin, viewer = person("admin"), person("viewer")
    page = admin.get("/members").get_data(as_text=True)
    member_id = re.search(
        r"/members/(\d+)/role(?:(?!/role).)*?Role of " + re.escape(VIEWER), page, re.S
    ).group(1)
    assert admin.post(f"/members/{member_id}/state").status_code == 303
    assert viewer.get("/").status_code == 303


def test_an_invitation_is_shown_once_and_makes_a_member(app: Flask, person) -> None:  # type: ignore[no-untyped-def]
    admin = person("admin")
    made = admin.post("/members/invite", {"email": "new@harbor.example", "role": "viewer", "team": ["Sales"]})
    link = re.search(r"http://localhost(/invitations/[\w-]+)", made.get_data(as_text=True)).group(1)
    assert link not in admin.get("/members").get_data(as_text=True)
    who = Person(app)
    who._learn(who.get(link))
    joined = who.post(link, {"name": "New Person", "password": "a long enough password"})
    assert joined.status_code == 303 and who.get("/").status_code == 200
    again = Person(app)
    assert "not valid any more" in again.get(link).get_data(as_text=True)


def test_tokens_carry_scopes(app: Flask, person) -> None:  # type: ignore[no-untyped-def]
    admin = person("admin")
    made = admin.post("/me/tokens", {"name": "script", "scope": ["read"], "days": "7"}).get_data(as_text=True)
    secret = re.search(r'class="secret-once">([^ <]+)', made).group(1)
    bare = app.test_client()
    headers = {"Authorization": f"Bearer {secret}"}
    assert bare.get("/api/v1/search?q=orders", headers=headers).status_code == 200
    refused = bare.post("/api/v1/prompts", json={"prompt": "hello"}, headers=headers)
    assert refused.status_code == 403 and refused.json["rule"] == "token.scope.ask"
    assert bare.get("/api/v1/audit", headers=headers).status_code == 403
    assert bare.get("/", headers=headers).status_code == 303, "a token opens no page"
    assert bare.get("/api/v1/search", headers={"Authorization": "Bearer nonsense"}).status_code == 401
    assert secret not in admin.get("/me").get_data(as_text=True)


def test_a_bad_bearer_never_falls_back_to_the_cookie(person) -> None:  # type: ignore[no-untyped-def]
    admin = person("admin")
    assert admin.get("/api/v1/search", headers={"Authorization": "Bearer nonsense"}).status_code == 401


def test_sign_ins_are_rate_limited(app: Flask) -> None:
    app.config["RATELIMIT_ENABLED"] = True
    from web.limits import limiter

    limiter.enabled = True
    try:
        statuses = [Person(app).sign_in("slow@harbor.example", "x").status_code for _ in range(10)]
    finally:
        limiter.enabled = False
    assert statuses[0] == 401 and statuses[-1] == 429
