"""JSON that others gave us, read so that nothing which is no JSON gets in.

Python's own reader lets `NaN` and `Infinity` in, which no other reader understands when they come out again, and ends
in a RecursionError where brackets are nested very deep.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn


class TwiceError(ValueError):
    """A name that one object has twice: which of the two is meant nobody knows. `str()` is that name."""


def read_json(text: str, *, to_keep: bool = False, once: bool = False) -> Any:
    """The value of a JSON text. Raises ValueError where it is none, by the letter of RFC 8259, or nested too deep.

    With `to_keep` also where a text in it has half a pair of UTF-16 (`"\\ud800"`), which no database can hold; with
    `once` TwiceError where an object has a name twice, of which Python's own reader takes the last.
    """
    try:
        value = json.loads(text, parse_constant=_no_number, object_pairs_hook=_each_once if once else None)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if to_keep and "\\u" in text:
        json.dumps(value, ensure_ascii=False).encode()  # UnicodeEncodeError is a ValueError
    return value


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _value in pairs]
        raise TwiceError(next(name for name in names if names.count(name) > 1))
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
