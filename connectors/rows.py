"""Counts the rows and bytes of a result while it streams, and ends it at the caps."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

from connectors.abilities import RunLimits, RunResult
from connectors.errors import QueryStopped

_BATCH = 200


def size_of(row: tuple[Any, ...]) -> int:
    """About how many bytes a row takes as text: exact for text and bytes, near enough for the rest."""
    total = 0
    for value in row:
        if isinstance(value, str):
            total += len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))
        elif isinstance(value, (bytes, bytearray, memoryview)):
            total += len(value)
        elif isinstance(value, (list, tuple, dict)):
            total += len(repr(value))
        else:
            total += 8
    return total


class Meter:
    """Groups rows into batches until the caps of `limits`, keeping the counts of `result`.

    At a cap the connection is closed before the rows' iterator is: a driver would read what is still under way.
    """

    def __init__(self, limits: RunLimits, result: RunResult) -> None:
        self._limits = limits
        self._result = result

    def batches(
        self, first: tuple[Any, ...] | None, rows: Iterable[tuple[Any, ...]], *, deadline: float
    ) -> Iterator[list[tuple[Any, ...]]]:
        """Batches of rows. Raises QueryStopped when the clock passes `deadline` between rows."""
        batch: list[tuple[Any, ...]] = []
        result, limits = self._result, self._limits
        for row in _chain(first, rows):
            if result.rows >= limits.rows:
                result.truncated = "rows"
                result.close()
                break
            size = size_of(row)
            if result.bytes + size > limits.bytes:
                result.truncated = "bytes"
                result.close()
                break
            result.rows += 1
            result.bytes += size
            batch.append(tuple(row))
            if len(batch) >= _BATCH:
                yield batch
                batch = []
            if time.monotonic() > deadline:
                result.close()
                raise QueryStopped(f"the query was stopped after {limits.seconds:g} s")
        if batch:
            yield batch


def _chain(first: tuple[Any, ...] | None, rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    if first is not None:
        yield first
        yield from rows
