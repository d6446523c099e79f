"""Ids that do not count up. One that does tells whoever makes two things how many others were made in between, by
people and in workspaces that they know nothing of (laws 2 and 3).
"""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

LOWEST, MOST = 1_000_000, 2**31 - 1_000_001
"""They fit into 32 bits, as the columns do."""


def fresh_id(session: Session, column: Any) -> int:
    """A random id that no row has. `column` is the primary key; the caller has begun to write."""
    while True:
        made = LOWEST + secrets.randbelow(MOST)
        if session.scalar(select(column).where(column == made)) is None:
            return made
