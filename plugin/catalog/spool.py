"""Rows under keys, in memory and past a bound in a file without a name, which goes with the process.

Enters: things, in any order of their keys, and how each is made into plain values and back. Leaves: the things of a key
in the order they came. In memory are the keys, and of each the place where its last rows are: a million columns of a
file cost what their tables cost.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any, Generic, TypeVar

Row = Sequence[Any]
MOST_IN_MEMORY = 48 * 1024 * 1024
"""Bytes of rows in memory, as far as those who put them there can tell."""
NOWHERE = -1
LENGTH = 8


T = TypeVar("T")


class Spool(Generic[T]):
    """The rows of a file that is being read. Let go of it, and its file is gone."""

    def __init__(self, pack: Callable[[T], Row], unpack: Callable[[Row], T]) -> None:
        """`pack` makes a row what JSON can hold; `unpack` makes it of that again, where tuples have become lists."""
        self._pack = pack
        self._unpack = unpack
        self._kept: dict[str, list[T]] = {}
        self._last: dict[str, int] = {}
        self._weight = 0
        self._file: IO[bytes] | None = None
        self._end = 0

    def __contains__(self, key: str) -> bool:
        return key in self._last

    def __iter__(self) -> Iterator[str]:
        """The keys, in the order in which each came first."""
        return iter(self._last)

    def __len__(self) -> int:
        return len(self._last)

    def add(self, key: str, row: T, weight: int) -> None:
        """One more row of `key`, of about as many bytes as `weight`."""
        rows = self._kept.get(key)
        if rows is None:
            rows = self._kept[key] = []
            self._last.setdefault(key, NOWHERE)
        rows.append(row)
        self._weight += weight
        if self._weight > MOST_IN_MEMORY:
            self._spill()

    def rows(self, key: str) -> list[T]:
        """The rows of `key`, in the order they came; none of one that is not there."""
        found = [self._kept[key]] if key in self._kept else []
        place = self._last.get(key, NOWHERE)
        while place != NOWHERE and self._file is not None:
            self._file.seek(place)
            length = int.from_bytes(self._file.read(LENGTH), "big")
            place, rows = json.loads(self._file.read(length))
            found.append(list(map(self._unpack, rows)))
        return [row for rows in reversed(found) for row in rows]

    def drop(self, key: str) -> None:
        """Let go of the rows of `key`."""
        self._kept.pop(key, None)
        self._last.pop(key, None)

    def _spill(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile()
        self._file.seek(self._end)
        for key, rows in self._kept.items():
            packed = (self._last[key], list(map(self._pack, rows)))
            blob = json.dumps(packed, separators=(",", ":")).encode("ascii")
            self._file.write(len(blob).to_bytes(LENGTH, "big"))
            self._file.write(blob)
            self._last[key] = self._end
            self._end += LENGTH + len(blob)
        self._kept = {}
        self._weight = 0
