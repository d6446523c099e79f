"""What breaks ties among hits that the words alone cannot tell apart: popular, verified and described things first.

Enters: ids that a search found in its reader's zones. Leaves: for each a number between 0 and 1.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from plugin.store._chunks import chunks
from plugin.store._models.catalog import ResourceRow

POPULAR, VERIFIED, DESCRIBED = 0.6, 0.3, 0.1
_rows = ResourceRow.__table__.c
FACTS = select(_rows.id, _rows.popularity, _rows.verified, _rows.description.is_not(None)).where(
    _rows.id.in_(bindparam("ids", expanding=True))
)


def standing(session: Session, ids: Iterable[int]) -> dict[int, float]:
    """How well each of these stands with people."""
    found: dict[int, float] = {}
    for part in chunks(sorted(set(ids))):
        for id_, popularity, verified, described in session.connection().execute(FACTS, {"ids": part}):
            found[id_] = (
                POPULAR * popularity + (VERIFIED if verified else 0.0) + (DESCRIBED if described else 0.0)
            )
    return found
