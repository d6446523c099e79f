"""Facts about the database itself for the Trust page: how its tables are keyed and locked. Content-free, for admins."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from plugin.store._context import Context
from plugin.store._models.base import Base

GLOBAL_TABLES = frozenset(
    {"accounts", "sessions", "workspaces", "workspace_keys", "alembic_version", "installation"}
)
"""Tables that belong to no single workspace: who somebody is, before it is known where they may go."""


@dataclass(frozen=True, slots=True)
class Isolation:
    """How the tables are kept apart."""

    tables: int
    unkeyed: tuple[str, ...]
    """Tables with content of workspaces that have no workspace column: a broken promise if there is any."""
    row_security: tuple[str, ...] | None
    """Tables on which PostgreSQL forces row-level security; None on SQLite, which has none."""
    bypasses: bool
    """May the role that we connect as ignore row-level security?"""


class Evidence:
    """What the database says of itself."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def isolation(self) -> Isolation:
        """Which tables are keyed by workspace, and which PostgreSQL locks by row."""
        tables = [table for table in Base.metadata.sorted_tables if table.name not in GLOBAL_TABLES]
        unkeyed = tuple(table.name for table in tables if "workspace_id" not in table.columns)
        if self._context.dialect != "postgresql":
            return Isolation(len(tables), unkeyed, None, False)
        names = {table.name for table in tables}
        locked = self._context.session.scalars(
            text(
                "select relname from pg_class where relforcerowsecurity"
                " and relnamespace = current_schema()::regnamespace"
            )
        )
        bypasses = self._context.session.scalar(
            text("select rolsuper or rolbypassrls from pg_roles where rolname = current_user")
        )
        return Isolation(len(tables), unkeyed, tuple(sorted(names & set(locked))), bool(bypasses))
