"""Ids that do not count up. One that does tells whoever makes two things how many others were made in between, by
people and in workspaces that they know nothing of (laws 2 and 3).
"""

from __future__ import annotations

import secrets
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

LOWEST, MOST = 1_000_000, 2**31 - 1_000_001
"""They fit into 32 bits, as the columns do."""
WIDE = 2**39
"""For what there are millions of: row-level security hides other workspaces' rows, so a clash with one of them is not
seen here and must be too rare to meet. Below `plugin.store._unsaved.FIRST_ID`."""


def fresh_id(session: Session, column: Any, most: int = MOST) -> int:
    """A random id that no row has. `column` is the primary key; the caller has begun to write."""
    while True:
        made = LOWEST + secrets.randbelow(most)
        if session.connection().scalar(_taken(column), {"id": made}) is None:
            return made


@cache
def _taken(column: Any) -> Select[Any]:
    """Built once: whoever asks a question waits for it."""
    return select(column).where(column == bindparam("id"))
