"""Bringing the database to the current schema, and refusing to work on another."""

from __future__ import annotations

from sqlalchemy import Engine, inspect

from plugin.config import Config
from plugin.errors import Misconfigured
from plugin.store._engine import make_engine
from plugin.store._models import Base


def upgrade(config: Config) -> str:
    """Upgrade to the newest revision. Safe to run twice."""
    engine = make_engine(config.database_url)
    try:
        Base.metadata.create_all(engine)
    finally:
        engine.dispose()
    return "the database is current"


def require_current(engine: Engine) -> None:
    """Misconfigured unless the database is at the newest revision."""
    if not inspect(engine).has_table("workspaces"):
        raise Misconfigured('the database is not current; run "docent migrate"')
