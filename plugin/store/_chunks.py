"""Long lists in pieces, for statements that name each of their values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def chunks(values: Iterable[T], size: int = 900) -> Iterator[list[T]]:
    """Lists of at most `size`, so that no statement has more parameters than a database takes."""
    part: list[T] = []
    for value in values:
        part.append(value)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part
