"""Cursors of long lists: the sort key and id of the last row shown, so that page 10,000 costs what page 1 does."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, or_

from plugin.errors import BadInput


def pack(*values: Any) -> str:
    """A cursor for the row with these sort values (the last one its id)."""
    return base64.urlsafe_b64encode(json.dumps(values, separators=(",", ":")).encode()).decode().rstrip("=")


def unpack(cursor: str, kinds: Sequence[type]) -> tuple[Any, ...]:
    """The values of a cursor. BadInput where it was not made by `pack` for this list."""
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError) as error:
        raise BadInput("this cursor is not one of this list", field="cursor") from error
    if not isinstance(values, list) or len(values) != len(kinds):
        raise BadInput("this cursor is not one of this list", field="cursor")
    for value, kind in zip(values, kinds, strict=True):
        fits = isinstance(value, (int, float) if kind is float else kind) and not isinstance(value, bool)
        if not fits or (kind is int and abs(value) > 2**62):
            raise BadInput("this cursor is not one of this list", field="cursor")
    return tuple(values)


def after(key: Any, id_: Any, values: tuple[Any, ...], *, descending: bool = False) -> ColumnElement[bool]:
    """The rows behind the cursor, for a list ordered by `key` (as given) and then by id upwards."""
    value, last_id = values
    beyond: ColumnElement[bool] = key < value if descending else key > value
    at_or_beyond: ColumnElement[bool] = key <= value if descending else key >= value
    # The first part lets the index seek; the second is exact.
    return and_(at_or_beyond, or_(beyond, id_ > last_id))
