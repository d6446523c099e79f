"""How often an answer that is being written is read: each read wakes a thread."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from plugin.egress.addresses import destination
from plugin.egress.transport import AT_ONCE, PACE, Line, _watched


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
    line.client.close()
