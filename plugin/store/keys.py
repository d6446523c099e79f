"""The keys at rest: loading the master keys and trying them on what they must open."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, select, text

from plugin.config import Config
from plugin.store._engine import SIGN_IN, make_engine
from plugin.store._models.people import WorkspaceKeyRow
from plugin.vault import Vault, WrappedKey, open_vault


def load_vault(connection: Connection, config: Config) -> Vault:
    """Load the master keys and try each on one data key it wrapped. Misconfigured where one is missing or wrong."""
    rows = []
    if inspect(connection).has_table(WorkspaceKeyRow.__tablename__):
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT set_config('docent.workspace', :w, true)"), {"w": SIGN_IN})
        columns = (
            WorkspaceKeyRow.workspace_id,
            WorkspaceKeyRow.key_id,
            WorkspaceKeyRow.wrapped,
            WorkspaceKeyRow.master_id,
        )
        rows = list(connection.execute(select(*columns).order_by(WorkspaceKeyRow.created)))
    vault = open_vault(config.master_key, config.home, fresh=not rows)
    tried: set[str] = set()
    for workspace_id, key_id, wrapped, master_id in rows:
        if master_id not in tried:
            vault.unwrap(workspace_id, WrappedKey(key_id, wrapped, master_id))
            tried.add(master_id)
    return vault


def check_key(config: Config) -> None:
    """Is the master key the right one for this database? Changes nothing in it. Misconfigured where it is not."""
    engine = make_engine(config.database_url)
    try:
        with engine.connect() as connection:
            load_vault(connection, config)
    finally:
        engine.dispose()
