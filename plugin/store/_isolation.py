"""How the tables of workspaces are kept apart, asked of the database now (promises P1, P2, P26).

Enters: a door's transaction. Leaves: an `Isolation`, which names tables and links and never a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    CompoundSelect,
    Select,
    Table,
    bindparam,
    exists,
    literal_column,
    or_,
    select,
    text,
    union_all,
)

from plugin.store._context import Context
from plugin.store._models import Base
from plugin.store._models.people import WorkspaceRow

GLOBAL_TABLES = frozenset(
    {"accounts", "sessions", "workspaces", "workspace_keys", "alembic_version", "clock_beats"}
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
    unlocked: tuple[str, ...] = ()
    """Tables of workspaces on which PostgreSQL does not force row-level security."""
    crossing: tuple[str, ...] = ()
    """Links by which a row of this workspace points into another, or the other way round."""
    links: int = 0
    """How many kinds of link were looked at."""
    strangers: tuple[str, ...] = ()
    """Tables in which this transaction sees rows of a workspace that is not there any more."""


def isolation(context: Context) -> Isolation:
    """Which tables are keyed by workspace, which PostgreSQL locks by row, whether a row is where it must not be."""
    tables = _tables()
    unkeyed = tuple(table.name for table in tables if "workspace_id" not in table.columns)
    looked, links = _crossing()
    crossing = tuple(context.session.scalars(looked, {"workspace": context.workspace_id}))
    strangers = tuple(context.session.scalars(_strangers()))
    if context.dialect != "postgresql":
        return Isolation(len(tables), unkeyed, None, False, (), crossing, links, strangers)
    names = {table.name for table in tables}
    locked = set(
        context.session.scalars(
            text(
                "select relname from pg_class c where relrowsecurity and relforcerowsecurity"
                " and relnamespace = current_schema()::regnamespace and not exists (select from pg_policy p"
                " where p.polrelid = c.oid and p.polpermissive"
                " and coalesce(pg_get_expr(p.polqual, p.polrelid), '') not like '%docent_workspace()%')"
            )
        )
    )
    bypasses = context.session.scalar(
        text("select rolsuper or rolbypassrls from pg_roles where rolname = current_user")
    )
    return Isolation(
        len(tables), unkeyed, tuple(sorted(names & locked)), bool(bypasses), tuple(sorted(names - locked)),
        crossing, links, strangers,
    )  # fmt: skip


@cache
def _tables() -> list[Table]:
    """The tables that hold content of workspaces."""
    return [table for table in Base.metadata.sorted_tables if table.name not in GLOBAL_TABLES]


@cache
def _strangers() -> CompoundSelect[Any]:
    """Names of tables that show rows of a workspace that is not there: one question for all of them."""
    there = select(WorkspaceRow.id)
    return union_all(
        *(
            select(literal_column(f"'{table.name}'")).where(
                exists(select(table.c.workspace_id).where(table.c.workspace_id.not_in(there)))
            )
            for table in _tables()
            if "workspace_id" in table.columns
        )
    )


@cache
def _crossing() -> tuple[CompoundSelect[Any], int]:
    """Every foreign key between two tables of workspaces: does one of ours lead out, or one of others in?"""
    ours: Any = bindparam("workspace")
    asked: list[Select[Any]] = []
    for table in _tables():
        for key in table.foreign_keys:
            other = key.column.table
            if "workspace_id" not in table.columns or "workspace_id" not in other.columns or other is table:
                continue
            crosses = (
                select(table.c.workspace_id)
                .join(other, key.column == key.parent)
                .where(
                    table.c.workspace_id != other.c.workspace_id,
                    or_(table.c.workspace_id == ours, other.c.workspace_id == ours),
                )
            )
            asked.append(select(literal_column(f"'{table.name}.{key.parent.name}'")).where(exists(crosses)))
    return union_all(*asked), len(asked)
