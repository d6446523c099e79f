"""Does a session or a token live, asked by a mark with which nobody can sign in: for what ends with it."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from plugin.store._models.base import now
from plugin.store._models.people import SessionRow, TokenRow
from plugin.store._people import hash_secret
from plugin.store.sign_in import IDLE


def live_mark(secret: str, *, bearer: bool) -> str:
    """What the store knows a session's or a token's secret by."""
    return f"{'token' if bearer else 'session'}-{hash_secret(secret)}"


_tokens, _sessions = TokenRow.__table__, SessionRow.__table__
TOKENS = select(_tokens.c.token_hash).where(
    _tokens.c.token_hash.in_(bindparam("hashes", expanding=True)),
    or_(_tokens.c.expires.is_(None), _tokens.c.expires > bindparam("moment", type_=_tokens.c.expires.type)),
)
SESSIONS = select(_sessions.c.token_hash).where(
    _sessions.c.token_hash.in_(bindparam("hashes", expanding=True)),
    _sessions.c.expires > bindparam("moment", type_=_sessions.c.expires.type),
    _sessions.c.last_used > bindparam("used", type_=_sessions.c.last_used.type),
)


def living(session: Session, marks: Collection[str]) -> set[str]:
    """Those of the marks whose session or token lives."""
    moment, connection = now(), session.connection()
    when = {"moment": moment, "used": moment - IDLE}
    found: set[str] = set()
    for kind, statement in (("token", TOKENS), ("session", SESSIONS)):
        hashes = [mark.removeprefix(f"{kind}-") for mark in marks if mark.startswith(f"{kind}-")]
        if hashes:
            known = connection.execute(statement, {**when, "hashes": hashes}).scalars()
            found.update(f"{kind}-{each}" for each in known)
    return found
