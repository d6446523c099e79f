"""Both SDKs against a local server that speaks the vendors' wire formats: answers, tools, and every way to fail."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from plugin.egress.addresses import destination
from plugin.egress.transport import Leaving, Line, Timeouts
from plugin.errors import DocentError, Misconfigured, ProviderBusy, ProviderFailed, Refused
from plugin.providers import provider
from plugin.providers.wire import (
    Call,
    CallResult,
    Message,
    Request,
    Stop,
    StreamEvent,
    Text,
    TextDelta,
    ToolCall,
    ToolSpec,
    Usage,
)
from tests.asynchronous import HOUR
from tests.providers import vendors
from tests.providers.vendors import Vendor, vendor_server

VENDORS = ("openai", "openai_compatible", "anthropic")
KEY = "test-key-" + "0123456789"
TOOL = ToolSpec(
    "search", "Search the catalog.", {"type": "object", "properties": {"text": {"type": "string"}}}
)


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with vendor_server() as server:
        yield server


def base_url(name: str, vendor: Vendor) -> str:
    return vendor.url if name == "anthropic" else f"{vendor.url}/v1"


def request(**more: Any) -> Request:
    settings: dict[str, Any] = {
        "model": "gpt-test",
        "system": "You are a test.",
        "messages": (Message("user", (Text("hello"),)),),
        "tools": (TOOL,),
        **more,
    }
    return Request(**settings)


def ask(
    name: str,
    vendor: Vendor,
    what: Request | None = None,
    *,
    timeouts: Timeouts | None = None,
    key: str | None = KEY,
) -> tuple[list[StreamEvent], list[Leaving], BaseException | None]:
    """Every event, every body before it left, and the error that ended it."""
    left: list[Leaving] = []
    events: list[StreamEvent] = []
    target = destination(base_url(name, vendor), ())
    try:
        with Line(target, opening=left.append, timeouts=timeouts) as line:
            one = provider(name, api_key=key, base_url=base_url(name, vendor), http=line.client)
            for event in one.stream(what or request()):
                events.append(event)
    except Exception as error:  # noqa: BLE001 - the test looks at it
        return events, left, error
    return events, left, None


@pytest.mark.parametrize("name", VENDORS)
def test_text_arrives_in_pieces_with_usage_and_end(name: str, vendor: Vendor) -> None:
    vendor.next(vendors.text("Hel", "lo ", "wörld"))
    events, left, error = ask(name, vendor)
    assert error is None
    assert [event.text for event in events if isinstance(event, TextDelta)] == ["Hel", "lo ", "wörld"]
    assert Usage(11, 7, 3) in events
    assert events[-1] == Stop("end")
    assert [one.body for one in left] == [got.body for got in vendor.got]


@pytest.mark.parametrize("name", VENDORS)
def test_tool_calls_come_whole(name: str, vendor: Vendor) -> None:
    vendor.next(
        vendors.calls(("c1", "search", {"text": "orders"}), ("c2", "search", {}), say=["Let me look."])
    )
    events, _left, error = ask(name, vendor)
    assert error is None
    assert [event for event in events if isinstance(event, ToolCall)] == [
        ToolCall("c1", "search", {"text": "orders"}),
        ToolCall("c2", "search", {}),
    ]
    assert events[-1] == Stop("tool_calls")


@pytest.mark.parametrize("name", VENDORS)
def test_a_whole_talk_with_tools_is_sent_in_the_vendors_format(name: str, vendor: Vendor) -> None:
    talk = (
        Message("user", (Text("who owns it?"),)),
        Message("assistant", (Text("Looking."), Call("c1", "search", {"text": "it"}))),
        Message("user", (CallResult("c1", "nothing found", failed=True), Text("and now?"))),
    )
    events, _left, error = ask(
        name, vendor, request(messages=talk, system_tail="\n\nBe short.", temperature=0.5)
    )
    assert error is None and events
    body = vendor.got[0].json
    assert body["stream"] is True and body["model"] == "gpt-test" and body.get("temperature", 0.5) == 0.5
    if name == "openai":
        assert body["store"] is False
        assert body["instructions"] == "You are a test.\n\nBe short."
        assert [item["type"] for item in body["input"]] == [
            "message", "message", "function_call", "function_call_output", "message",
        ]  # fmt: skip
        assert body["tools"][0]["name"] == "search"
    elif name == "anthropic":
        assert [block["text"] for block in body["system"]] == ["You are a test.", "\n\nBe short."]
        assert body["system"][0]["cache_control"] == {"type": "ephemeral"}
        assert "cache_control" not in body["system"][1]
        result = body["messages"][2]["content"][0]
        assert (result["type"], result["is_error"], result["tool_use_id"]) == ("tool_result", True, "c1")
        assert body["tools"][0]["input_schema"]["type"] == "object"
    else:
        assert [message["role"] for message in body["messages"]] == [
            "system",
            "user",
            "assistant",
            "tool",
            "user",
        ]
        assert body["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("name", VENDORS)
def test_only_what_a_provider_needs_is_in_the_headers(
    name: str, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An SDK adds the operating system, versions and what its own environment variables say: telemetry."""
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-secret")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "x-extra: 1")
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "x-extra: 1")
    ask(name, vendor)
    names = set(vendor.got[0].headers)
    assert names <= {
        "host", "accept", "accept-encoding", "connection", "content-type", "content-length", "user-agent",
        "authorization", "x-api-key", "anthropic-version",
    }  # fmt: skip
    assert vendor.got[0].headers["user-agent"] == "docent"


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize(
    ("status", "body", "headers", "kind", "words"),
    [
        (401, {"error": {"code": "invalid_api_key", "message": "bad", "type": "x"}}, {}, Misconfigured, "does not accept the API key"),
        (403, {"error": {"type": "permission_error", "message": "no"}}, {}, Misconfigured, "does not let this API key"),
        (404, {"error": {"code": "model_not_found", "message": "no", "type": "x"}}, {}, Misconfigured, "does not offer the model 'gpt-test'"),
        (402, {"error": {"type": "billing_error", "message": "pay"}}, {}, ProviderFailed, "out of credit"),
        (429, {"error": {"code": "insufficient_quota", "message": "quota", "type": "insufficient_quota"}}, {}, ProviderFailed, "out of credit"),
        (400, {"type": "error", "error": {"type": "invalid_request_error", "message": "Your credit balance is too low"}}, {}, ProviderFailed, "out of credit"),
        (429, {"error": {"type": "rate_limit_error", "message": "slow down"}}, {"retry_after": "17"}, ProviderBusy, "Try again in 17 seconds"),
        (529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, {}, ProviderBusy, "is overloaded"),
        (503, {"error": {"message": "later"}}, {"retry_after": "3"}, ProviderBusy, "is overloaded"),
        (500, {"error": {"message": "oops"}}, {}, ProviderFailed, "an error of its own (500)"),
        (413, {"error": {"type": "request_too_large", "message": "x"}}, {}, ProviderFailed, "too long for"),
        (400, {"error": {"code": "context_length_exceeded", "message": "x", "type": "y"}}, {}, ProviderFailed, "too long for"),
        (400, {"error": {"code": "strange_code", "message": "you sent: my secret question", "type": "y"}}, {}, ProviderFailed, "refused the request (400, strange_code)"),
    ],
)  # fmt: skip
def test_every_refusal_is_one_clear_sentence_and_is_not_repeated(
    name: str, vendor: Vendor, status: int, body: Any, headers: dict[str, str], kind: type, words: str
) -> None:
    vendor.next(vendors.error(status, body, **headers))
    events, left, error = ask(name, vendor)
    assert events == []
    assert type(error) is kind and words in str(error), error
    assert "secret question" not in str(error), "a vendor's own words may repeat what was sent"
    assert len(vendor.got) == len(left) == 1, "nothing is sent twice"
    if isinstance(error, ProviderBusy) and headers:
        assert error.retry_after == int(headers["retry_after"])


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize(
    "speak", [vendors.cut_off("Half "), vendors.ended_early("Half ")], ids=["reset", "ended"]
)
def test_cut_off_in_the_middle_keeps_what_came(name: str, vendor: Vendor, speak: Any) -> None:
    vendor.next(speak)
    events, _left, error = ask(name, vendor)
    assert [event.text for event in events if isinstance(event, TextDelta)] == ["Half "]
    assert type(error) is ProviderFailed and "in the middle of the answer" in str(error), error
    assert len(vendor.got) == 1


@pytest.mark.parametrize("name", VENDORS)
def test_an_error_inside_the_stream(name: str, vendor: Vendor) -> None:
    vendor.next(vendors.error_event("Half ", code="overloaded_error"))
    events, _left, error = ask(name, vendor)
    assert isinstance(events[0], TextDelta)
    assert type(error) is ProviderBusy and "overloaded" in str(error), error


@pytest.mark.parametrize("name", VENDORS)
def test_slow_before_and_in_the_middle(name: str, vendor: Vendor) -> None:
    for read in (0.6, 5, 50):  # longer where the machine was so slow that not even half was there by then
        asked = len(vendor.got)
        vendor.next(vendors.stalls(HOUR, "Half "))
        events, _left, error = ask(name, vendor, timeouts=Timeouts(connect=50, read=read, total=HOUR))
        if events:
            break
    assert type(error) is ProviderFailed and "stopped sending" in str(error), error
    assert len(vendor.got) == asked + 1
    asked += 1
    vendor.next(vendors.stalls(HOUR))
    _events, _left, error = ask(name, vendor, timeouts=Timeouts(connect=50, read=0.6, total=HOUR))
    assert (
        type(error) is ProviderFailed and "did not answer in time" in str(error) or "broke" in str(error)
    ), error
    assert len(vendor.got) == asked + 1, "nothing is sent again"


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize(
    "speak",
    [
        vendors.nonsense(),
        vendors.nonsense(b'{"hello": "world"}', "application/json"),
        vendors.nonsense(b"", "text/event-stream"),
        vendors.bad_json(),
        vendors.nonsense(b'data: {"hello": 1}\n\ndata: [1, 2]\n\n', "text/event-stream"),
    ],
    ids=["html", "json", "empty", "bad json", "strange events"],
)
def test_nonsense_is_said_to_be_nonsense(name: str, vendor: Vendor, speak: Any) -> None:
    vendor.next(speak)
    events, _left, error = ask(name, vendor)
    assert not [event for event in events if isinstance(event, TextDelta)]
    assert isinstance(error, ProviderFailed) and "not its API" in str(error), error


@pytest.mark.parametrize("name", VENDORS)
def test_an_answer_with_nothing_in_it(name: str, vendor: Vendor) -> None:
    vendor.next(vendors.text())
    _events, _left, error = ask(name, vendor)
    assert isinstance(error, ProviderFailed) and "with nothing" in str(error), error


@pytest.mark.parametrize("name", VENDORS)
def test_a_redirect_is_not_followed(name: str, vendor: Vendor) -> None:
    with vendor_server() as elsewhere:
        vendor.next(vendors.redirect(f"{elsewhere.url}/v1/steal"))
        _events, _left, error = ask(name, vendor)
        assert isinstance(error, ProviderFailed) and "redirect" in str(error), error
        assert elsewhere.got == [] and len(vendor.got) == 1


@pytest.mark.parametrize("name", VENDORS)
def test_arguments_that_are_no_json_object(name: str, vendor: Vendor) -> None:
    vendor.next(vendors.calls(("c1", "search", [1, 2])))  # type: ignore[arg-type]
    events, _left, error = ask(name, vendor)
    assert not [event for event in events if isinstance(event, ToolCall)]
    assert isinstance(error, ProviderFailed), error


@pytest.mark.parametrize("name", VENDORS)
def test_a_long_answer_is_marked(name: str, vendor: Vendor) -> None:
    vendor.next(vendors.text("abc", stop="length"))
    events, _left, error = ask(name, vendor)
    assert error is None and events[-1] == Stop("length")


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize("pieces", [(), ("I would ",)], ids=["at once", "in the middle"])
def test_a_refusal_is_no_fault_of_the_line(name: str, vendor: Vendor, pieces: tuple[str, ...]) -> None:
    vendor.next(vendors.text(*pieces, stop="refused"))
    events, _left, error = ask(name, vendor)
    assert error is None and events[-1] == Stop("refused")
    assert [event.text for event in events if isinstance(event, TextDelta)] == list(pieces)
    assert len(vendor.got) == 1


@pytest.mark.parametrize("name", VENDORS)
def test_a_huge_answer_is_read_as_it_comes(name: str, vendor: Vendor) -> None:
    pieces = ["x" * 50_000 for _number in range(60)]
    vendor.next(vendors.text(*pieces))
    events, _left, error = ask(name, vendor)
    assert error is None and sum(len(e.text) for e in events if isinstance(e, TextDelta)) == 3_000_000
    assert len(vendor.got) == 1


@pytest.mark.parametrize("name", VENDORS)
def test_what_can_be_cached_is_the_same_for_every_question(name: str, vendor: Vendor) -> None:
    vendor.next(vendors.text("a"), vendors.text("b"), vendors.text("c"))
    turns = (
        Message("user", (Text("hello"),)),
        Message("assistant", (Text("hi"),)),
        Message("user", (Text("more"),)),
    )
    for what in (request(), request(messages=(Message("user", (Text("other"),)),)), request(messages=turns)):
        assert ask(name, vendor, what)[2] is None
    bodies = [json.loads(got.body) for got in vendor.got]
    stable = [json.dumps([body.get("instructions"), body.get("system"), body["tools"]]) for body in bodies]
    assert len(set(stable)) == 1
    asked = [json.dumps(body.get("messages") or body.get("input")) for body in bodies]
    if name == "anthropic":
        assert bodies[0]["system"][0]["cache_control"] == {"type": "ephemeral"}
    else:
        assert bodies[0].get("store") in (False, None) and "temperature" not in bodies[0]
        assert asked[2].startswith(asked[0][:-1]), "a later turn begins with the earlier ones"


@pytest.mark.parametrize("name", VENDORS)
def test_models_are_the_live_list(name: str, vendor: Vendor) -> None:
    vendor.model_names = ("model-b", "model-a", "text-embedding-3-large")
    left: list[Leaving] = []
    with Line(destination(base_url(name, vendor), ()), opening=left.append) as line:
        found = provider(name, api_key=KEY, base_url=base_url(name, vendor), http=line.client).models()
    assert {"model-a", "model-b"} <= set(found)
    assert len(left) == len(vendor.got) == 1 and left[0].method == "GET" and left[0].body == b""


@pytest.mark.parametrize("name", ("openai", "anthropic"))
def test_without_a_key_nothing_is_sent(name: str, vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        monkeypatch.setenv(variable, "from-the-environment")
    _events, left, error = ask(name, vendor, key=None)
    assert isinstance(error, Misconfigured) and "No API key" in str(error)
    assert left == [] and vendor.got == []


def test_nobody_listens(vendor: Vendor) -> None:
    target = destination("http://127.0.0.1:9/v1", ())
    with (
        Line(target, opening=lambda _leaving: None) as line,
        pytest.raises(ProviderFailed, match="cannot be reached"),
    ):
        list(
            provider("openai_compatible", base_url="http://127.0.0.1:9/v1", http=line.client).stream(
                request()
            )
        )


@pytest.mark.parametrize("name", VENDORS)
def test_no_row_no_call(name: str, vendor: Vendor) -> None:
    """What `opening` raises keeps the request from leaving, and is what the caller learns."""

    def refuse(_leaving: Leaving) -> None:
        raise Refused("the ledger cannot be written", rule="egress.ledger")

    with Line(destination(base_url(name, vendor), ()), opening=refuse) as line:
        with pytest.raises(DocentError):
            list(
                provider(name, api_key=KEY, base_url=base_url(name, vendor), http=line.client).stream(
                    request()
                )
            )
        assert isinstance(line.refusal, Refused)
        assert not line.sent
    assert vendor.got == []


@pytest.mark.parametrize("name", VENDORS)
def test_a_line_carries_one_request(name: str, vendor: Vendor) -> None:
    with Line(destination(base_url(name, vendor), ()), opening=lambda _leaving: None) as line:
        one = provider(name, api_key=KEY, base_url=base_url(name, vendor), http=line.client)
        list(one.stream(request()))
        with pytest.raises(DocentError):
            list(one.stream(request()))
    assert len(vendor.got) == 1


@pytest.mark.parametrize("name", VENDORS)
def test_stop_is_felt_while_waiting(name: str, vendor: Vendor) -> None:
    vendor.next(vendors.stalls(HOUR, "Half "))
    asked = threading.Event()
    with (
        Line(
            destination(base_url(name, vendor), ()),
            opening=lambda _leaving: None,
            cancelled=asked.is_set,
        ) as line,
        pytest.raises(DocentError),
    ):
        speaks = provider(name, api_key=KEY, base_url=base_url(name, vendor), http=line.client)
        for event in speaks.stream(request()):
            assert isinstance(event, TextDelta)
            asked.set()  # it has said half, and says nothing more for an hour
    assert asked.is_set()


@pytest.mark.parametrize("name", VENDORS)
def test_nothing_of_a_request_is_logged_at_any_level(
    name: str, vendor: Vendor, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_LOG", "debug")
    monkeypatch.setenv("ANTHROPIC_LOG", "debug")
    with caplog.at_level(logging.DEBUG):
        ask(name, vendor, request(messages=(Message("user", (Text("canary-in-the-question"),)),)))
        vendor.next(vendors.error(500, {"error": {"message": "canary-from-the-vendor"}}))
        ask(name, vendor)
    assert "canary" not in caplog.text and KEY not in caplog.text
    assert hashlib.sha256(vendor.got[0].body).hexdigest() not in caplog.text
