"""Stand-ins for personal data: `<email-1>` goes out, the address comes back on the way in.

One `StandIns` belongs to one chat of one person and lives in memory, for as long as the chat is being answered. It
is rebuilt from the chat's own text, in order, so the same value gets the same stand-in again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

SHAPE = re.compile(r"<([a-z]+(?:-[a-z]+)*)-(\d{1,6})>")
"""How a stand-in looks."""

_LONGEST = 40


class StandIns:
    """A map from stand-in to original and back; grows while text is redacted."""

    def __init__(self) -> None:
        self._by_key: dict[tuple[str, str], str] = {}
        self._original: dict[str, str] = {}
        self._last: dict[str, int] = {}
        self._taken: set[str] = set()

    def reserve(self, text: str) -> None:
        """Never hand out a stand-in that somebody's own text already contains literally."""
        if "<" in text:
            for found in SHAPE.finditer(text):
                if found.group(0) not in self._original:
                    self._taken.add(found.group(0))

    def of(self, kind: str, original: str, key: str | None = None) -> str:
        """The stand-in for this value; `key` says which values are the same (default: without case and marks)."""
        same = (kind, key if key is not None else re.sub(r"[\s.\-()/]", "", original).casefold())
        known = self._by_key.get(same)
        if known is not None:
            return known
        number = self._last.get(kind, 0) + 1
        while f"<{kind}-{number}>" in self._taken:
            number += 1
        made = f"<{kind}-{number}>"
        self._last[kind] = number
        self._by_key[same] = made
        self._original[made] = original
        return made

    def restore(self, text: str) -> str:
        """The text with every known stand-in turned back. Unknown ones stay as they are."""
        if not self._original or "<" not in text:
            return text
        return SHAPE.sub(lambda found: self._original.get(found.group(0), found.group(0)), text)

    def restore_all(self, value: Any) -> Any:
        """The same for every string inside a JSON-like value."""
        if isinstance(value, str):
            return self.restore(value)
        if isinstance(value, Mapping):
            return {key: self.restore_all(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.restore_all(item) for item in value]
        return value

    def __len__(self) -> int:
        return len(self._original)

    def __contains__(self, stand_in: object) -> bool:
        return stand_in in self._original

    def items(self) -> Iterator[tuple[str, str]]:
        """Pairs of (stand-in, original), oldest first."""
        return iter(tuple(self._original.items()))


class Restorer:
    """Turns stand-ins back in a stream, also where one is split over several pieces.

    `feed` returns what can be shown already; `rest` returns what was held back at the end.
    """

    def __init__(self, stand_ins: StandIns) -> None:
        self._stand_ins = stand_ins
        self._held = ""

    def feed(self, piece: str) -> str:
        """Take the next piece; give back all that cannot be the beginning of a stand-in any more."""
        text = self._held + piece
        cut = text.rfind("<")
        if cut < 0 or not _may_begin(text[cut:]):
            self._held = ""
            return self._stand_ins.restore(text)
        self._held = text[cut:]
        return self._stand_ins.restore(text[:cut])

    def rest(self) -> str:
        """What is still held; the stream is over."""
        held, self._held = self._held, ""
        return self._stand_ins.restore(held)


_BEGINNING = re.compile(r"<(?:[a-z]+(?:-[a-z]+)*(?:-(?:\d{1,6})?)?)?\Z")


def _may_begin(tail: str) -> bool:
    return len(tail) <= _LONGEST and _BEGINNING.match(tail) is not None
