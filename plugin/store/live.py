"""Does a session or a token live, asked by a mark with which nobody can sign in: for what ends with it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.store._models.base import now
from plugin.store._models.people import SessionRow, TokenRow
from plugin.store._people import hash_secret
from plugin.store.sign_in import IDLE


def live_mark(secret: str, *, bearer: bool) -> str:
    """What the store knows a session's or a token's secret by."""
    return f"{'token' if bearer else 'session'}-{hash_secret(secret)}"


def lives(session: Session, mark: str) -> bool:
    """Does the session or token live whose `live_mark` this is?"""
    kind, _, hashed = mark.partition("-")
    moment = now()
    if kind == "token":
        token = session.scalar(select(TokenRow).where(TokenRow.token_hash == hashed))
        return token is not None and (token.expires is None or token.expires > moment)
    row = session.scalar(select(SessionRow).where(SessionRow.token_hash == hashed))
    return row is not None and row.expires > moment and row.last_used + IDLE > moment
