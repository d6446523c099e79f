"""The client's address: what a trusted proxy vouches for, and nothing that a client made up; pages, API and MCP alike."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from plugin.access.viewer import Surface
from plugin.config import Config, read_config
from plugin.errors import Misconfigured
from plugin.store import Store
from tests.own_servers import answers, ended, free_port
from tests.web.conftest import VIEWER, Person
from web import create_app
from web.proxies import Proxies

PROXY, OTHER_PROXY, CLIENT = "10.9.0.1", "10.9.0.2", "203.0.113.7"


def seen(
    peer: str, trusted: tuple[str, ...] = ("10.9.0.0/24",), **headers: str
) -> tuple[str, str, list[str]]:
    """What the application behind the middleware sees: address, scheme, headers about them that are left."""
    import ipaddress

    got: dict[str, Any] = {}

    def inner(environ: dict[str, Any], _start: Any) -> list[bytes]:
        got.update(environ)
        return []

    environ = {"REMOTE_ADDR": peer, "wsgi.url_scheme": "http"}
    environ |= {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    Proxies(inner, tuple(ipaddress.ip_network(each) for each in trusted))(environ, None)
    left = [name for name in got if name.startswith("HTTP_X_F") or name == "HTTP_FORWARDED"]
    return got["REMOTE_ADDR"], got["wsgi.url_scheme"], left


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        (CLIENT, "10.1.1.1", CLIENT),  # nobody in front: a header is only a claim
        (PROXY, CLIENT, CLIENT),
        (PROXY, f"10.1.1.1, {CLIENT}", CLIENT),  # the client's own claim stands left of what the proxy wrote
        (PROXY, f"127.0.0.1, 10.1.1.1, {CLIENT}, {OTHER_PROXY}", CLIENT),
        (PROXY, f"10.1.1.1, nonsense, {OTHER_PROXY}", ""),
        (PROXY, f"{CLIENT}:5511", CLIENT),
        (PROXY, "[2001:db8::1]:443", "2001:db8::1"),
        (PROXY, f"::ffff:{CLIENT}", CLIENT),
        (PROXY, "", PROXY),
    ],
)
def test_only_a_trusted_proxys_word_counts(peer: str, forwarded: str, expected: str) -> None:
    assert seen(peer, x_forwarded_for=forwarded, forwarded="for=10.1.1.1")[::2] == (expected, [])


def test_the_scheme_too() -> None:
    assert seen(PROXY, x_forwarded_proto="https")[1] == "https"
    assert seen(CLIENT, x_forwarded_proto="https")[1] == "http"
    assert seen(PROXY, x_forwarded_proto="javascript")[1] == "http"


def test_a_bad_network_stops_the_start(tmp_path: Any) -> None:
    environ = {"DOCENT_HOME": str(tmp_path), "DOCENT_TRUSTED_PROXIES": "10.0.0.5, 192.168.0.0/16"}
    assert read_config(environ).trusted_proxies == ("10.0.0.5/32", "192.168.0.0/16")
    with pytest.raises(Misconfigured, match="DOCENT_TRUSTED_PROXIES"):
        read_config(environ | {"DOCENT_TRUSTED_PROXIES": "everybody"})


@pytest.mark.parametrize("trusted", [True, False])
def test_a_rule_by_network_holds_on_pages_the_api_and_mcp(
    demo_config: Config, demo_store: Store, trusted: bool
) -> None:
    config = replace(demo_config, trusted_proxies=("10.9.0.0/24",) if trusted else ())
    app = create_app(config, demo_store)
    app.config.update(TESTING=True, RATELIMIT_ENABLED=False)
    with demo_store.sign_in() as door:
        admin = door.viewer_for_email(None, None)
        viewer = door.viewer_for_email(None, VIEWER, Surface.PAGE)
    with demo_store.as_viewer(viewer) as mine:
        _, token = mine.me.create_token("t", ("read",))
    who = Person(app)
    assert who.sign_in(VIEWER).status_code == 303
    with demo_store.as_admin(replace(admin, surface=Surface.CLI)) as door:
        door.settings.set("access.rules", ["role=viewer network=203.0.113.0/24"])
    listing = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}

    def tried(peer: str, forwarded: str) -> list[bool]:
        base = {"REMOTE_ADDR": peer}
        headers = {"X-Forwarded-For": forwarded, "X-Real-IP": CLIENT, "Forwarded": f"for={CLIENT}"}
        bearer = headers | {"Authorization": f"Bearer {token}"}
        client = app.test_client()
        mcp = client.post(
            "/mcp", json=listing, environ_base=base,
            headers=bearer | {"Accept": "application/json, text/event-stream"},
        )  # fmt: skip
        return [
            who.get("/catalog", environ_base=base, headers=headers).status_code == 200,
            client.get("/api/v1/search?q=orders", environ_base=base, headers=bearer).status_code == 200,
            "search" in mcp.get_data(as_text=True),
        ]

    assert tried(CLIENT, "") == [True] * 3
    assert tried("198.51.100.9", CLIENT) == [False] * 3, "a client that makes the header up"
    assert tried(PROXY, f"{CLIENT}, 198.51.100.9") == [False] * 3
    assert tried(PROXY, f"198.51.100.9, {CLIENT}") == [trusted] * 3


@pytest.mark.parametrize("workers", [1, 2])
def test_the_served_process_believes_its_proxy_only(
    demo_config: Config, demo_store: Store, workers: int
) -> None:
    """Through waitress and gunicorn: a trusted peer's header arrives, and reaches the Secure mark of the cookie."""
    if workers > 1:
        pytest.importorskip("gunicorn", reason="gunicorn is not installed")
    demo_store.close()
    port = free_port()
    for proxies, secure in (("127.0.0.1", True), ("192.0.2.1", False)):
        environ = {
            "DOCENT_HOME": str(demo_config.home),
            "DOCENT_TRUSTED_PROXIES": proxies,
            "PATH": "/usr/bin",
        }
        process = subprocess.Popen(
            [str(Path(sys.executable).parent / "docent"), "serve", "--port", str(port), "--no-worker",
             "--workers", str(workers)],
            env=environ, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}/sign-in", headers={"X-Forwarded-Proto": "https"}
            )
            cookies: list[str] = []

            def asked(request: urllib.request.Request = request, cookies: list[str] = cookies) -> bool:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    cookies.append(answer.headers["Set-Cookie"])
                return True

            answers(process, asked)
            (cookie,) = cookies
            assert ("Secure" in cookie) is secure, json.dumps([proxies, cookie])
        finally:
            ended(process)
