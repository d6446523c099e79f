"""Runs revisions on the connection that `plugin.store.schema` hands over, or on the configured database."""

from __future__ import annotations

from typing import Any

from alembic import context
from alembic.autogenerate.api import AutogenContext

from plugin.store._models import Base
from plugin.store._models.base import Moment


def ours(name: str | None, kind: str, _parents: Any) -> bool:
    """The full-text index has tables of its own per database: plugin/store/search_ddl.py makes them."""
    return not (kind == "table" and name is not None and name.startswith("search_"))


def render(kind: str, value: Any, _context: AutogenContext) -> Any:
    """A moment is a plain timestamp in a revision, so that a later change of our type changes no revision."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(value, Moment) else False


def run(connection: Any) -> None:
    """Run what was asked for on a connection."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_name=ours,
        render_item=render,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
elif context.is_offline_mode():
    raise SystemExit("migrations need a database; offline SQL is not supported")
else:
    from plugin.config import read_config
    from plugin.store._engine import make_engine

    engine = make_engine(read_config().database_url)
    with engine.begin() as own:
        run(own)
    engine.dispose()
