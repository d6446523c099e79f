"""How often an answer that is being written is read: each read wakes a thread."""

from __future__ import annotations

from contextlib import ExitStack
from types import SimpleNamespace

import httpx2
import pytest

from plugin.egress.addresses import destination
from plugin.egress.transport import AT_ONCE, PACE, READS, Line, _watched

UNUSED = "http://127.0.0.1:1/v1"


def test_an_answer_that_is_written_fast_is_read_at_once_and_then_in_gulps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, slept = [100.0], list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr(
        "plugin.egress.transport.time", SimpleNamespace(monotonic=lambda: clock[0], sleep=sleep)
    )
    line = Line(destination("http://127.0.0.1:1/v1", ()), opening=lambda leaving: None)
    read = _watched(SimpleNamespace(read=lambda most, timeout: b"word "), line).read
    for _ in range(AT_ONCE):
        read(1)
    assert slept == [], "the head of an answer and its first words wait for nothing"
    read(1)
    clock[0] += PACE / 5
    read(1)
    clock[0] += 1
    read(1)
    assert slept == pytest.approx([PACE, PACE * 4 / 5])
    slept.clear()
    others = [Line(destination(UNUSED, ("127.0.0.1",)), opening=lambda leaving: None) for _ in range(80)]
    with ExitStack() as ends:
        for each in others:
            ends.enter_context(each)
            with pytest.raises(httpx2.ConnectError):
                each.client.post(UNUSED)
        read(1)
    read(1)
    assert slept == pytest.approx([len(others) / READS, PACE]), (
        "while many are written, each is read more seldom"
    )
    line.client.close()
