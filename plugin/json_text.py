"""JSON that others gave us, read so that nothing which is no JSON gets in.

Python's own reader lets `NaN` and `Infinity` in, which no other reader understands when they come out again, and ends
in a RecursionError where brackets are nested very deep.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn


def read_json(text: str, *, to_keep: bool = False) -> Any:
    """The value of a JSON text. Raises ValueError where it is none, by the letter of RFC 8259, or nested too deep.

    With `to_keep` also where a text in it has half a pair of UTF-16 (`"\\ud800"`), which no database can hold.
    """
    try:
        value = json.loads(text, parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if to_keep and "\\u" in text:
        json.dumps(value, ensure_ascii=False).encode()  # UnicodeEncodeError is a ValueError
    return value


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
