"""What a person sees while an answer is being written, and what each further word of it costs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from plugin.assistant import writer as module
from plugin.assistant.events import Text
from plugin.assistant.writer import Writer

WHOLE = "First words.\n\nA list:\n- one\n- two\n\n```text\na\n\nb\n```\nafter it\n\n \n\n~~~\nleft ```\n\n~~~\nThe end"


@pytest.fixture
def writer(monkeypatch: pytest.MonkeyPatch) -> Writer:
    """A writer whose names nobody looks up: no catalog is read."""
    made = Writer(None, type("Nobody", (), {"as_assistant": lambda self: self})())  # type: ignore[arg-type]
    monkeypatch.setattr(made, "_look_up", lambda block: None)
    return made


def _shown(writer: Writer, text: str, size: int) -> Iterator[Text]:
    for start in range(0, len(text), size):
        yield from (event for event in writer.feed(text[start : start + size]) if isinstance(event, Text))
    yield from (event for event in writer.finish() if isinstance(event, Text))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_block_is_shown_once_and_whole_however_the_words_come(writer: Writer, size: int) -> None:
    shown = list(_shown(writer, WHOLE, size))
    assert "".join(event.data["text"] for event in shown) == WHOLE
    blocks = "".join(event.data.get("html") or "" for event in shown)
    assert blocks.count("First words.") == blocks.count("after it") == blocks.count("The end") == 1
    assert blocks.count("<li>") == 2
    assert blocks.count("<pre ") == 2, "a fence with an empty line in it is one block"


@pytest.mark.parametrize(
    "line", ["- a_table of something\n", "| a_column | varchar |\n", "words and so on\n"]
)
def test_a_word_of_a_long_list_costs_what_a_word_of_a_short_one_does(writer: Writer, line: str) -> None:
    counted = 0

    def trace(frame: FrameType, event: str, _value: Any) -> Any:
        nonlocal counted
        if frame.f_code.co_filename != module.__file__:
            return None
        counted += event == "line"
        return trace

    text = line * 200
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        for start in range(0, len(text), 4):
            list(writer.feed(text[start : start + 4]))
    finally:
        sys.settrace(before)
    assert counted / (len(text) / 4) < 60, "lines of the writer run for each piece"
