"""Bringing the database to the current schema, and refusing to work on another.

The revisions are Alembic's, in the package `migrations`. Alembic is only imported where there is something to do.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import OperationalError

from plugin.config import Config
from plugin.errors import Misconfigured
from plugin.store._engine import make_engine

if TYPE_CHECKING:
    from alembic.config import Config as AlembicConfig

HEAD = "0008"
"""The newest revision; a test holds it against the folder."""
MIGRATION_LOCK = 0x646F63656E74
VERSION_TABLE = """
CREATE TABLE IF NOT EXISTS alembic_version (
    version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
)
"""


def upgrade(config: Config) -> str:
    """Upgrade to the newest revision; returns one sentence. Safe to run twice, and by several processes at once.

    Misconfigured where the database cannot be reached or was made by a newer Docent.
    """
    engine = make_engine(config.database_url)
    try:
        with _connect(engine) as connection:
            before = revision_of(connection)
        if before == HEAD:
            return f"The database is current (revision {HEAD}); nothing to do."
        with engine.begin() as connection:
            _lock(connection)
            before = revision_of(connection)
            if before == HEAD:
                return f"The database is current (revision {HEAD}); nothing to do."
            _refuse_unknown(before)
            run(connection, "upgrade", "head")
        return f"Brought the database from {before or 'nothing'} to revision {HEAD}."
    finally:
        engine.dispose()


def require_current(engine: Engine) -> None:
    """Misconfigured unless the database is at the newest revision."""
    with _connect(engine) as connection:
        found = revision_of(connection)
    if found != HEAD:
        _refuse_unknown(found)
        raise Misconfigured(
            f'the database is at {found or "nothing"}, not at {HEAD}; run "docent migrate" first'
        )


def revision_of(connection: Connection) -> str | None:
    """The revision that a database is at; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def alembic_config(connection: Connection | None = None) -> AlembicConfig:
    """Alembic's configuration over the installed revisions and, where given, one connection."""
    from alembic.config import Config as AlembicConfig

    import migrations

    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(next(iter(migrations.__path__)))).replace("%", "%%"))
    if connection is not None:
        config.attributes["connection"] = connection
    return config


def run(connection: Connection, direction: str, to: str) -> None:
    """Run revisions "upgrade" or "downgrade" to one of them, inside the connection's transaction."""
    from alembic import command

    {"upgrade": command.upgrade, "downgrade": command.downgrade}[direction](alembic_config(connection), to)


def _connect(engine: Engine) -> Connection:
    try:
        return engine.connect()
    except OperationalError as error:
        name = engine.url.render_as_string(hide_password=True)
        raise Misconfigured(f"cannot open the database {name}") from error


def _lock(connection: Connection) -> None:
    """One process migrates, the others wait and then find it done."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
    else:
        connection.execute(text(VERSION_TABLE))


def _refuse_unknown(found: str | None) -> None:
    if found is not None and not found.isdecimal() or int(found or 0) > int(HEAD):
        raise Misconfigured(
            f"the database is at revision {found}, which this Docent does not know; use a newer one"
        )
