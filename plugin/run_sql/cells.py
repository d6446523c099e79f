"""Values of a result as bytes and back, without code in between: JSON with a tag for what JSON has not."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

_PLAIN = (str, int, float, bool, type(None))


def pack(rows: Sequence[Sequence[Any]]) -> bytes:
    """Rows as compressed bytes."""
    text = json.dumps([[_tag(value) for value in row] for row in rows], separators=(",", ":"), allow_nan=True)
    return zlib.compress(text.encode(), 1)


def unpack(packed: bytes) -> list[tuple[Any, ...]]:
    """What `pack` was given, tuples for rows."""
    return [
        tuple(value if type(value) is not list else _untag(value) for value in row)
        for row in json.loads(zlib.decompress(packed))
    ]


def _tag(value: Any) -> Any:
    kind = type(value)
    if kind in _PLAIN:
        return value
    if isinstance(value, Decimal):
        return ["n", str(value)]
    if isinstance(value, datetime):
        return ["T", value.isoformat()]
    if isinstance(value, date):
        return ["D", value.isoformat()]
    if isinstance(value, time):
        return ["t", value.isoformat()]
    if isinstance(value, timedelta):
        return ["i", value.total_seconds()]
    if isinstance(value, (bytes, bytearray, memoryview)):
        return ["b", bytes(value).hex()]
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, (list, tuple, dict, set, frozenset)):
        listed = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
        return ["j", json.dumps(listed, default=str, ensure_ascii=False)]
    return str(value)


def _untag(tagged: list[Any]) -> Any:
    tag, value = tagged
    if tag == "n":
        return Decimal(value)
    if tag == "T":
        return datetime.fromisoformat(value)
    if tag == "D":
        return date.fromisoformat(value)
    if tag == "t":
        return time.fromisoformat(value)
    if tag == "i":
        return timedelta(seconds=value)
    if tag == "b":
        return bytes.fromhex(value)
    return value


def shown(value: Any) -> str | None:
    """A cell as text for a page or a file; None for NULL."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, Decimal):
        return format(value, "f") if abs(value.adjusted()) < 40 else str(value)
    return str(value)


def as_json(value: Any) -> Any:
    """A cell for a JSON answer: numbers stay numbers where they fit, everything else is text."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    return shown(value)


def is_number(value: Any) -> bool:
    """Is this a number that sums and charts may use?"""
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)
