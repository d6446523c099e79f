"""Long lists in pieces, for statements that name each of their values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def chunks(values: Iterable[T], size: int = 900) -> Iterator[list[T]]:
    """Lists of at most `size`, so that no statement has more parameters than a database takes."""
    left = iter(values)
    while part := list(islice(left, size)):
        yield part
