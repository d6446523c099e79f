"""Unusual use and budgets of teams: each rule sees what it should, says it once, and nothing of content."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from plugin.access.viewer import Viewer
from plugin.egress.webhook import webhook_target
from plugin.errors import BadInput, Misconfigured, Refused
from plugin.jobs import tell_unusual
from plugin.store import Store


def sent(
    store: Store, viewer: Viewer, *, size: int = 100, ids: tuple[int, ...] = (), tokens: int = 0
) -> None:
    with store.as_viewer(viewer) as mine:
        seq = mine.record.ledger_open(
            provider="openai", host="api.openai.com", region="us", model="m", purpose="chat", body_bytes=size,
            body_sha256="0" * 64, manifest={"resources": [{"id": each, "fields": ["name"]} for each in ids]},
        )  # fmt: skip
    with store.as_viewer(viewer) as mine:
        mine.record.ledger_close(seq, "done", input_tokens=tokens, output_tokens=0)


def setting(store: Store, admin: Viewer, **values: object) -> None:
    with store.as_admin(admin) as door:
        door.settings.apply({key.replace("__", "."): value for key, value in values.items()})


def test_rate_volume_and_denials_are_told_once(any_store: Store, any_admin: Viewer) -> None:
    setting(
        any_store, any_admin,
        watch__requests_per_hour=3, watch__megabytes_per_hour=6, watch__denials_per_hour=2,
    )  # fmt: skip
    with any_store.clock() as clock:
        assert clock.unusual(datetime.now(UTC)) == ()
    for _ in range(3):
        sent(any_store, any_admin, size=2_000_000)
    for _ in range(2):
        with any_store.as_viewer(any_admin) as mine:
            mine.record.audit("egress", "deny", rule="egress.region")
    with any_store.clock() as clock:
        told = clock.unusual(datetime.now(UTC))
        assert {each.sighting.rule for each in told} == {"watch.rate", "watch.volume", "watch.denials"}
        assert all("the limit is" in each.sighting.words for each in told)
        assert clock.unusual(datetime.now(UTC)) == ()
    with any_store.as_viewer(any_admin) as mine:
        assert [each.kind for each in mine.me.notices.all()] == ["unusual_use"] * 3
    with any_store.as_admin(any_admin) as door:
        assert len(door.audit.entries(action="watch.notice").items) == 3 and door.audit.verify()[0]


def test_a_sweep_across_teams_is_told(store: Store, admin: Viewer) -> None:
    from tests.assistant.shop import build

    build(store, admin)
    setting(store, admin, watch__teams_per_hour=2)
    with store.as_admin(admin) as door:
        integration = door.integrations.list()[0].id
        for name in ("Red", "Blue"):
            door.people.grant(door.people.add_team(name).id, integration)
    with store.as_viewer(admin) as mine:
        ids = tuple(each.id for each in mine.catalog.browse(kinds=("table",)).items[:3])
    sent(store, admin, ids=ids)
    with store.clock() as clock:
        assert [each.sighting.rule for each in clock.unusual(datetime.now(UTC))] == ["watch.sweep"]


@contextmanager
def receiver(status: int = 204) -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """A real receiver of webhooks: its address, and what it got (headers, body)."""
    got: list[tuple[dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """The record is in `got`."""

        def do_POST(self) -> None:
            size = int(self.headers["content-length"])
            got.append(({name.lower(): value for name, value in self.headers.items()}, self.rfile.read(size)))
            self.send_response(status)
            self.send_header("location", "/elsewhere")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/hook", got
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def test_a_receiver_gets_a_notice_and_can_check_whose_it_is(store: Store, admin: Viewer) -> None:
    with receiver() as (url, got):
        with store.as_admin(admin) as door, pytest.raises(BadInput, match="ai.internal_hosts"):
            door.settings.set("watch.webhook", url)
        with store.as_admin(admin) as door:
            door.settings.apply(
                {"watch.webhook": url, "ai.internal_hosts": ["127.0.0.1"], "watch.requests_per_hour": 1}
            )
            hook = door.settings.webhook()
        assert hook is not None
        sent(store, admin)
        with store.clock() as clock:
            tell_unusual(clock, datetime.now(UTC))
        ((headers, body),) = got
    told = json.loads(body)
    assert told["rule"] == "watch.rate" and told["member"] == admin.email and set(told) == {
        "workspace", "rule", "member", "seen", "limit", "at"
    }  # fmt: skip
    # As a receiver does it: the secret as it was given out, the three headers, nothing of ours.
    key = base64.b64decode(hook.secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    made = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{made}"
    assert abs(int(headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60
    with store.as_admin(admin) as door:
        log = json.dumps([each.detail for each in door.audit.entries().items], default=str)
        outcomes = [each.outcome for each in door.audit.entries(action="watch.webhook").items]
    assert outcomes == ["allow"] and url not in log and hook.secret not in log


def test_a_redirect_of_a_webhook_is_not_followed(store: Store, admin: Viewer) -> None:
    with receiver(status=307) as (url, got):
        with store.as_admin(admin) as door:
            door.settings.apply(
                {"watch.webhook": url, "ai.internal_hosts": ["127.0.0.1"], "watch.requests_per_hour": 1}
            )
        sent(store, admin)
        with store.clock() as clock:
            tell_unusual(clock, datetime.now(UTC))
        assert len(got) == 1
    with store.as_admin(admin) as door:
        assert [each.outcome for each in door.audit.entries(action="watch.webhook").items] == [
            "failed",
            "allow",
        ]


def test_another_address_has_another_secret(store: Store, admin: Viewer) -> None:
    found = []
    for url in ("https://one.example/hook", "https://two.example/hook", "https://one.example/hook"):
        with store.as_admin(admin) as door:
            door.settings.set("watch.webhook", url)
            hook = door.settings.webhook()
        assert hook is not None and hook.secret not in repr(hook)
        found.append(hook.secret)
    assert found[0] == found[2] != found[1]


def test_a_webhook_that_cannot_be_used_is_entered_and_harms_nothing(store: Store, admin: Viewer) -> None:
    setting(store, admin, watch__requests_per_hour=1, watch__webhook="https://127.0.0.1:1/hook")
    sent(store, admin)
    with store.clock() as clock:
        tell_unusual(clock, datetime.now(UTC))
    with store.as_admin(admin) as door:
        outcomes = [each.outcome for each in door.audit.entries(action="watch.webhook").items]
    assert outcomes[0] == "failed"
    with store.as_admin(admin) as door, pytest.raises(BadInput):
        door.settings.set("watch.webhook", "http://hooks.example.com/x")
    with pytest.raises(Misconfigured):
        webhook_target("http://hooks.example.com/x")
    with pytest.raises((Refused, Misconfigured)):
        webhook_target("https://user:pw@hooks.example.com/x")


def test_a_team_has_a_budget_of_its_own(any_store: Store, any_admin: Viewer) -> None:
    setting(any_store, any_admin, ai__limits__teams=["Finance=50"])
    with any_store.as_admin(any_admin) as door:
        team = door.people.add_team("Finance").id
        member = door.people.add_member("bo@example.com", "viewer", "Bo", "correct horse battery").id
        door.people.add_to_team(team, member_id=member)
        assert door.settings.ai().limits.tokens_per_day_teams == (("Finance", 50),)
    with any_store.sign_in() as door:
        bo = door.viewer_for_email(None, "bo@example.com")
    sent(any_store, bo, tokens=60)
    sent(any_store, any_admin, tokens=1_000)
    with any_store.as_viewer(bo) as mine:
        assert mine.record.team_tokens_today("finance") == 60
    with any_store.as_viewer(any_admin) as mine:
        assert mine.record.team_tokens_today("Finance") is None
    with any_store.as_admin(any_admin) as door, pytest.raises(BadInput, match="Finance=200000"):
        door.settings.set("ai.limits.teams", ["Finance"])
