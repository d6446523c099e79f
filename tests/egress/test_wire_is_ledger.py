"""What a proxy sees on the wire is what the ledger says, request for request, whatever goes wrong on the way."""

from __future__ import annotations

from plugin.access.viewer import Viewer
from plugin.store import Store
from tests.egress.wire import requests_in, run


def test_every_request_on_the_wire_has_its_entry(store: Store, admin: Viewer) -> None:
    found = run(store, admin, 90, seed=7)
    assert found.unentered == [], "bytes left that no entry tells of"
    assert found.requests > 40 and found.equal == found.requests
    # Nothing was sent twice: an entry without a request is one whose connection the script broke before it was through.
    assert found.unseen <= found.broken_before
    assert set(found.statuses) <= {"done", "failed", "cut_off"}, "every entry is completed"
    assert min(found.statuses.values()) > 0


def test_the_proxy_reads_a_wire_rightly() -> None:
    one = b"POST /v1/x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
    two = b"GET /v1/models HTTP/1.1\r\nHost: h\r\n\r\n"
    found, rest = requests_in(one + two + one[:-2])
    assert found == [("POST /v1/x HTTP/1.1", b"hello"), ("GET /v1/models HTTP/1.1", b"")] and rest == one[:-2]
