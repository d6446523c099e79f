"""The keys at rest: tried at the start, rotated while people work, destroyed with their workspace.

A rotation of the master key wraps the data keys anew and touches nothing they sealed. A rotation of a workspace's key
seals everything anew in small transactions. The old key stays for `GRACE`, since a door that was open meanwhile may
still have sealed with it; then the clock seals what is left and deletes the key.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table, delete, func, inspect, select, text
from sqlalchemy.orm import Session

from plugin.config import Config
from plugin.errors import BadInput, Misconfigured, NotFound
from plugin.store._context import Context
from plugin.store._engine import SIGN_IN, begin_write, make_engine
from plugin.store._models.base import now
from plugin.store._models.people import AccountRow, MemberRow, WorkspaceKeyRow, WorkspaceRow
from plugin.store.shapes import Erased
from plugin.vault import (
    KEY_FILE,
    Vault,
    WorkspaceVault,
    WrappedKey,
    add_master_key,
    keep_master_keys,
    open_vault,
    sealed_prefix,
)

if TYPE_CHECKING:
    from plugin.store._sealed import SealedColumn

BATCH = 200
GRACE = timedelta(minutes=10)
MASTER_LOCK = 0x646F6B657973
"""The advisory lock of PostgreSQL under which data keys are wrapped: shared for one key, alone for a rotation."""
Open = Callable[[], AbstractContextManager[Context]]


def load_vault(connection: Connection, config: Config) -> Vault:
    """Load the master keys and try each on one data key it wrapped. Misconfigured where one is missing or wrong."""
    try:
        return _tried(connection, config)
    except Misconfigured:
        # A rotation may have ended between our look at the rows and the one at the key file; the rows are new then.
        connection.rollback()
        return _tried(connection, config)


def newest_vault(session: Session, config: Config) -> Vault:
    """The master keys as they are at this moment, for wrapping a new data key in this transaction.

    A rotation of the master key waits until the transaction ends, and begins before it or after it, never within:
    a data key wrapped by a master key that is just being dropped could never be opened again.
    """
    _hold_masters(session, alone=False)
    return open_vault(config.master_key, config.home, fresh=False)


def _hold_masters(session: Session, *, alone: bool) -> None:
    begin_write(session)
    if session.get_bind().dialect.name == "postgresql":
        name = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
        session.execute(text(f"SELECT {name}(:lock)"), {"lock": MASTER_LOCK})


def _tried(connection: Connection, config: Config) -> Vault:
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


def rotate_master(
    transaction: Callable[[int | str], AbstractContextManager[Session]], config: Config
) -> tuple[Vault, str]:
    """Wrap all keys with the newest master key; a new one is made where the keys are in the key file.

    One transaction, alone: whoever wraps a data key meanwhile waits. An older master key is dropped from the file only
    once no data key in the database is wrapped by it. Returns the new vault and one sentence. With DOCENT_MASTER_KEY
    the operator puts the new key in front first.
    """
    in_file = not config.master_key
    wrapped = 0
    with transaction(SIGN_IN) as session:
        _hold_masters(session, alone=True)
        if in_file:
            add_master_key(config.home)
        fresh = open_vault(config.master_key, config.home, fresh=False)
        rows = session.scalars(select(WorkspaceKeyRow).order_by(WorkspaceKeyRow.created)).all()
        for row in rows:
            if row.master_id != fresh.master_id:
                old = WrappedKey(row.key_id, row.wrapped, row.master_id)
                new = fresh.rewrap(row.workspace_id, old)
                row.wrapped, row.master_id = new.wrapped, new.master_id
                wrapped += 1
    if in_file:
        with transaction(SIGN_IN) as session:
            _hold_masters(session, alone=True)
            used = session.scalars(select(WorkspaceKeyRow.master_id).distinct()).all()
            keep_master_keys(config.home, used)
        return (
            fresh,
            f"Made master key {fresh.master_id} in {KEY_FILE} and wrapped {wrapped} workspace keys with it.",
        )
    if not wrapped:
        return fresh, (
            f"Every workspace key is wrapped by master key {fresh.master_id} already; to rotate, put a new key "
            "in front of DOCENT_MASTER_KEY and run this again."
        )
    return fresh, (
        f"Wrapped {wrapped} workspace keys with master key {fresh.master_id}; "
        "the older keys can now be taken out of DOCENT_MASTER_KEY."
    )


def rotate_workspace(open_context: Open, config: Config) -> str:
    """Make a new data key for a workspace and seal everything anew with it; returns one sentence."""
    with open_context() as context:
        key = newest_vault(context.session, config).new_key(context.workspace_id)
        for row in _keys(context.session, context.workspace_id):
            if row.current:
                row.current, row.retired = False, now()
        context.session.add(
            WorkspaceKeyRow(
                workspace_id=context.workspace_id,
                key_id=key.key_id,
                wrapped=key.wrapped,
                master_id=key.master_id,
                purpose="seal",
            )
        )
        context.session.flush()
        context.audit("keys.rotate", "done", detail={"key": key.key_id})
    with open_context() as context:
        old = [row.key_id for row in _keys(context.session, context.workspace_id) if not row.current]
    count = sum(_reseal(open_context, key_id) for key_id in old)
    return (
        f"Made workspace key {key.key_id} and sealed {count} values anew; "
        f"the old key goes in {int(GRACE.total_seconds() // 60)} minutes."
    )


def retire(open_context: Open, moment: datetime) -> int:
    """Delete data keys that were retired long enough ago, once nothing is left that they sealed; returns how many."""
    with open_context() as context:
        ripe = [
            row.key_id
            for row in _keys(context.session, context.workspace_id)
            if row.retired is not None and row.retired <= moment - GRACE
        ]
    for key_id in ripe:
        _reseal(open_context, key_id)
        with open_context() as context:
            context.session.execute(delete(WorkspaceKeyRow).where(WorkspaceKeyRow.key_id == key_id))
            context.scrub_after()
    return len(ripe)


def destroy_workspace(context: Context, slug: str) -> Erased:
    """Destroy a workspace's keys, then its rows; accounts that are in no other workspace go too.

    BadInput unless `slug` is the workspace's. Returns what was deleted.
    """
    session, workspace_id = context.session, context.workspace_id
    context.begin_write()
    if session.scalar(select(WorkspaceRow.slug).where(WorkspaceRow.id == workspace_id)) != slug:
        raise BadInput("repeat the workspace's short name to delete it", field="workspace")
    from plugin.store import monitoring
    from plugin.store._models import Base
    from plugin.store.search_index import forget_workspace
    from plugin.store.search_scrub import scrub_index

    counts: dict[str, int] = {}
    accounts = session.scalars(
        select(MemberRow.account_id).where(MemberRow.workspace_id == workspace_id)
    ).all()
    monitored = monitoring.purge(context)
    keys = session.execute(delete(WorkspaceKeyRow).where(WorkspaceKeyRow.workspace_id == workspace_id))
    counts["workspace_keys"] = _rows(keys)
    if monitored:
        counts["monitored"] = monitored
    forget_workspace(session, workspace_id)
    scrub_index(context, ())
    table: Table
    for table in reversed(Base.metadata.sorted_tables):
        if "workspace_id" in table.c and table.name not in ("workspace_keys", "sessions"):
            gone = _rows(session.execute(delete(table).where(table.c.workspace_id == workspace_id)))
            if gone:
                counts[table.name] = gone
    session.execute(delete(WorkspaceRow).where(WorkspaceRow.id == workspace_id))
    if context.dialect == "postgresql":
        session.execute(text("SELECT set_config('docent.workspace', :w, true)"), {"w": SIGN_IN})
    left = select(MemberRow.account_id)
    homeless = delete(AccountRow).where(AccountRow.id.in_(accounts), AccountRow.id.not_in(left))
    counts["accounts"] = _rows(session.execute(homeless))
    context.unsaved.drop_all(workspace_id)
    context.denials.clear()
    context.forget_after()
    return Erased(now(), counts)


def _keys(session: Session, workspace_id: int) -> list[WorkspaceKeyRow]:
    found = session.scalars(
        select(WorkspaceKeyRow)
        .where(WorkspaceKeyRow.workspace_id == workspace_id, WorkspaceKeyRow.purpose == "seal")
        .execution_options(populate_existing=True)
    ).all()
    if not found:
        raise NotFound("no such workspace")
    return list(found)


def _reseal(open_context: Open, key_id: str) -> int:
    """Seal anew, batch by batch, every value that a key sealed; returns how many."""
    from plugin.store import monitoring
    from plugin.store._sealed import SEALED

    count = 0
    with open_context() as context:
        count += monitoring.reseal(context, key_id)
    for sealed in SEALED:
        while True:
            with open_context() as context:
                context.begin_write()
                batch = _reseal_batch(context, context.vault, sealed, key_id)
            count += batch
            if batch < BATCH:
                break
    return count


def _reseal_batch(context: Context, vault: WorkspaceVault, sealed: SealedColumn, key_id: str) -> int:
    column = getattr(sealed.model, sealed.column)
    prefix = sealed_prefix(key_id)
    rows: Any = context.session.scalars(
        select(sealed.model)
        .where(
            sealed.model.workspace_id == context.workspace_id,
            column.is_not(None),
            func.substr(column, 1, len(prefix)) == prefix,
        )
        .limit(BATCH)
        .with_for_update()
    ).all()
    table = sealed.model.__tablename__
    for row in rows:
        place = {"row": sealed.row(row)}
        value = vault.open(table, sealed.column, getattr(row, sealed.column), **place)
        setattr(row, sealed.column, vault.seal(table, sealed.column, value, **place))
    context.session.flush()
    return len(rows)


def _rows(result: Any) -> int:
    return int(result.rowcount)
