"""The client that connectors to HTTP APIs share: waits, renewals, addresses and answers of every kind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from connectors.errors import (
    PermissionMissing,
    SignInRefused,
    SourceError,
    SourceInterrupted,
    UnreachableSource,
)
from connectors.http import Api
from tests.connectors.vendor_server import Answer, Asked, Vendor, serve


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the client would have waited."""
    found: list[float] = []
    monkeypatch.setattr("connectors.http.time.sleep", found.append)
    return found


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with serve(
        Vendor({"GET /base/list": lambda asked: {"rows": [1, None]}, "POST /base/ask": lambda asked: {}})
    ) as running:
        yield running


def api(vendor: Vendor, **headers: str) -> Api:
    return Api(f"{vendor.url}/base/", lambda: headers, title="the source")


def test_advice_is_followed_in_seconds_and_as_a_date(vendor: Vendor, waits: list[float]) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    naive = format_datetime((datetime.now(UTC) + timedelta(seconds=40)).replace(tzinfo=None))
    advice = ["7", "2.5", later, naive, "nonsense"]
    vendor.faults[:] = [Answer(429, {}, {"Retry-After": each}) for each in advice]
    with api(vendor) as client:
        assert client.get("/list") == {"rows": [1, None]}
    assert waits[:2] == [7.0, 2.5] and all(35 < each <= 40 for each in waits[2:4]) and waits[4] == 16.0


def test_a_server_that_asks_for_more_than_we_have_is_left_alone(vendor: Vendor, waits: list[float]) -> None:
    vendor.faults[:] = [Answer(429, {}, {"Retry-After": "3600"})]
    with api(vendor) as client, pytest.raises(SourceInterrupted, match="3600 seconds"):
        client.get("/list")
    assert waits == [] and len(vendor.asked) == 1


@pytest.mark.parametrize(
    ("status", "body", "times"),
    [(429, {}, 6), (503, {}, 6), (502, {}, 6), (500, {}, 3), (400, {}, 1), (422, {}, 1),
     (403, {"error": {"reason": "rateLimitExceeded"}}, 6), (403, {"error": "no"}, 1)],
)  # fmt: skip
def test_patience_ends(vendor: Vendor, waits: list[float], status: int, body: Any, times: int) -> None:
    vendor.faults[:] = [Answer(status, body)] * 20
    with api(vendor) as client, pytest.raises(SourceError):
        client.get("/list")
    assert len(vendor.asked) == times


@pytest.mark.parametrize(
    "over", [Answer(401, {}), Answer(419, {}), Answer(403, {"error": {"code": "TokenExpired"}})]
)
def test_a_token_that_ran_out_is_renewed_once_a_request(vendor: Vendor, over: Answer) -> None:
    made = []

    def sign_in() -> dict[str, str]:
        made.append(1)
        return {"Authorization": f"Bearer {len(made)}"}

    with Api(f"{vendor.url}/base", sign_in, title="the source") as client:
        for _ in range(2):
            vendor.faults[:] = [over]
            client.get("/list")
        assert len(made) == 3 and vendor.asked[-1].headers["authorization"] == "Bearer 3"
        vendor.faults[:] = [over, over]
        with pytest.raises((SignInRefused, PermissionMissing)):
            client.get("/list")


def test_a_sign_in_waits_too_and_a_refusal_is_one(vendor: Vendor, waits: list[float]) -> None:
    vendor.faults[:] = [Answer(429, {}, {"Retry-After": "3"})]
    with api(vendor) as client:
        assert client.form("/ask", {"a": "b"}) == {} and waits == [3.0]
        for status in (400, 401, 403):
            vendor.faults[:] = [Answer(status, {"error": "invalid_client"})]
            with pytest.raises(SignInRefused):
                client.form("/ask", {})


def test_a_redirect_is_followed_on_the_same_server_only(vendor: Vendor) -> None:
    vendor.routes["GET /base/list/"] = lambda asked: {"here": asked.query}
    vendor.routes["GET /base/list"] = lambda asked: Answer(308, {}, {"Location": "/base/list/"})
    with api(vendor, Authorization="secret") as client:
        assert client.get("/list", {"page": "2"}) == {"here": {"page": "2"}}
        for place in ("http://127.0.0.1:1/base/list", "//evil.example/", "https://evil.example/list"):
            vendor.faults[:] = [Answer(307, {}, {"Location": place})]
            with pytest.raises(UnreachableSource, match="redirects"):
                client.get("/list")


def test_null_is_as_good_as_absent_and_what_is_needed_is_named(vendor: Vendor) -> None:
    body = {"rows": [{"a": None, "b": 1}, None], "cells": [["x", None]], "none": None, "new": {"x": None}}
    vendor.routes["GET /base/list"] = lambda asked: body
    with api(vendor) as client:
        found = client.get("/list")
        assert found == {"rows": [{"b": 1}], "cells": [["x", None]], "new": {}}
        with pytest.raises(SourceInterrupted, match="'id'"):
            found["rows"][0]["id"]


def test_an_answer_of_another_form_is_told_as_that(vendor: Vendor) -> None:
    for body in ([], "text", 7, {"rows": 7}):
        vendor.routes["GET /base/list"] = lambda asked, body=body: body
        with pytest.raises(SourceInterrupted, match="form"), api(vendor) as client:
            [each["id"] for each in client.get("/list")["rows"]]


def test_the_same_page_again_ends_the_run(vendor: Vendor) -> None:
    def page(asked: Asked) -> Any:
        return {"next": "x"}

    vendor.routes["GET /base/list"] = page
    with api(vendor) as client, pytest.raises(SourceInterrupted, match="same page"):
        list(client.pages("/list", lambda told: {"cursor": told["next"]}, {}))


def test_no_content_is_nothing_and_a_page_of_html_is_said() -> None:
    routes = {
        "GET /none": lambda asked: Answer(204, b""),
        "GET /page": lambda asked: Answer(200, b"<html>CANARY</html>", {"Content-Type": "text/html"}),
    }
    with serve(Vendor(routes)) as running, Api(running.url, dict, title="It") as api:
        assert not api.get("/none") and list(api.get("/none")) == [] and api.get("/none").get("data") is None
        with pytest.raises(SourceInterrupted, match="not JSON") as error:
            api.get("/page")
    assert "CANARY" not in str(error.value)
