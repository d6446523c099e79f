"""The only room with the database. Keeps laws 2 and 3.

Enters: who is asking (a `Viewer`, or an integration for a sync). Leaves: frozen values of `plugin/store/shapes`.
Nobody else opens a session; each door is a context manager that is one transaction, committed at a clean exit and
rolled back on an exception.

    with store.as_viewer(viewer) as mine:    mine.catalog, mine.edits, mine.history, mine.policy, mine.record, mine.me
    with store.as_admin(viewer) as admin:    admin.settings, admin.integrations, admin.people, admin.audit, ...
    with store.ingest(workspace_id, integration_id) as sync:     writes only
    with store.sign_in() as door:            the only read made as nobody
    with store.clock() as clock:             what is due, content-free
    with store.secrets(workspace_id) as secrets:                 credentials, for the few modules that may open them
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from plugin.access.viewer import Viewer
from plugin.config import Config
from plugin.errors import NotFound
from plugin.store import schema
from plugin.store._acting import act, fresh
from plugin.store._context import Context, member_facts, require_admin
from plugin.store._doors import AdminDoor, ViewerDoor
from plugin.store._engine import SIGN_IN, make_engine, make_sessions, said_clearly
from plugin.store._models.integrations import IntegrationRow
from plugin.store._models.people import WorkspaceKeyRow
from plugin.store._unsaved import Unsaved
from plugin.store.keys import check_key, load_vault, newest_vault
from plugin.vault import WorkspaceVault, WrappedKey, open_vault

if TYPE_CHECKING:
    from plugin.store.clock import Clock
    from plugin.store.ingest import Ingest
    from plugin.store.secrets import Secrets
    from plugin.store.shapes import Erased
    from plugin.store.sign_in import SignIn
    from plugin.store.syncs import SyncRecord
    from plugin.store.watch import Answer, May, Seen

__all__ = ["AdminDoor", "Store", "ViewerDoor", "migrate", "open_store"]


_keys = WorkspaceKeyRow.__table__
KEYS = select(_keys).where(_keys.c.workspace_id == bindparam("workspace"))


class Store:
    """The database behind its doors. Made by `open_store`; safe to share among threads."""

    def __init__(self, config: Config) -> None:
        """Connect and load the master keys. Misconfigured where the database is not current or the key is wrong."""
        self.config = config
        self._engine = make_engine(config.database_url)
        try:
            schema.require_current(self._engine)
            self._sessions = make_sessions(self._engine)
            self._keys: dict[tuple[int, str], bytes] = {}
            self._keys_lock = threading.Lock()
            self._unsaved = Unsaved()
            with self._engine.connect() as connection:
                self._vault = load_vault(connection, config)
        except BaseException:
            self._engine.dispose()
            raise

    @property
    def dialect(self) -> str:
        """ "sqlite" or "postgresql"."""
        return self._engine.dialect.name

    def shared_key(self, purpose: str) -> bytes:
        """32 bytes for a purpose that every process with this master key has, and that no disk shows."""
        return self._vault.derived(purpose)

    @contextmanager
    def as_viewer(self, viewer: Viewer) -> Iterator[ViewerDoor]:
        """Open a member's door. SignInNeeded where the member is gone or disabled."""
        with self._context(viewer.workspace_id, viewer) as context:
            yield ViewerDoor(context, fresh(viewer, context))

    @contextmanager
    def as_admin(self, viewer: Viewer) -> Iterator[AdminDoor]:
        """Open an admin's door. Refused(rule="admin") where the member is not an admin now."""
        with self._context(viewer.workspace_id, viewer) as context:
            if not context.is_admin:
                context.audit("admin.open", "deny", rule="admin")
            require_admin(context)
            yield AdminDoor(context, fresh(viewer, context))

    @contextmanager
    def ingest(self, workspace_id: int, integration_id: int) -> Iterator[Ingest]:
        """Open the door of a sync. NotFound where the workspace has no such integration."""
        from plugin.store.ingest import Ingest

        with self._context(workspace_id) as context:
            known = select(IntegrationRow.id).where(
                IntegrationRow.id == integration_id, IntegrationRow.workspace_id == workspace_id
            )
            if context.session.scalar(known) is None:
                raise NotFound("no such integration")
            yield Ingest(context, integration_id)

    @contextmanager
    def sign_in(self) -> Iterator[SignIn]:
        """Open the door for somebody who is not known yet."""
        from plugin.store.sign_in import SignIn

        with self._transaction(SIGN_IN) as session:
            yield SignIn(session, lambda: newest_vault(session, self.config))

    def session_lives(self, mark: str) -> bool:
        """Does the session or token live that `plugin/store/live.py` made this mark of?"""
        return mark in self.sessions_living((mark,))

    def sessions_living(self, marks: Collection[str]) -> set[str]:
        """Those of such marks whose session or token lives, asked at once."""
        from plugin.store.live import living

        if not marks:
            return set()
        with self._transaction(SIGN_IN) as session:
            return living(session, marks)

    def look(self, answers: Sequence[Answer], may: May) -> list[Seen]:
        """What is so at this moment of each answer that is being written; see `plugin/store/watch.py`."""
        from plugin.store.watch import look

        return look(answers, may, self._transaction, self._begun, self._finish)

    @contextmanager
    def clock(self) -> Iterator[Clock]:
        """Open the door of jobs that run by time: due syncs, expiry. It opens a transaction per workspace itself."""
        from plugin.store.clock import Clock

        yield Clock(self._context, self._transaction, self._engine)

    @contextmanager
    def secrets(self, workspace: Viewer | int) -> Iterator[Secrets]:
        """Open the workspace's credentials. Only the modules that the architecture test names may call this."""
        from plugin.store.secrets import Secrets

        workspace_id = workspace.workspace_id if isinstance(workspace, Viewer) else workspace
        with self._context(workspace_id, workspace if isinstance(workspace, Viewer) else None) as context:
            yield Secrets(context)

    @contextmanager
    def syncs(self, workspace_id: int) -> Iterator[SyncRecord]:
        """Open the record of a workspace's syncs, for whoever runs one: short transactions beside the sync's own."""
        from plugin.store.syncs import SyncRecord

        with self._context(workspace_id) as context:
            yield SyncRecord(context)

    def close_ledger(self, workspace_id: int, seq: int, status: str, **counted: Any) -> None:
        """Complete a ledger entry, also where its member has lost every right in the meantime."""
        from plugin.store.ledger import close_entry

        with self._context(workspace_id) as context:
            close_entry(context, seq, status, **counted)

    def rotate_master_key(self) -> str:
        """Wrap every workspace's keys with a new master key; returns what was done. See `plugin/store/keys.py`."""
        from plugin.store import keys

        self._vault, said = keys.rotate_master(self._transaction, self.config)
        return said

    def rotate_workspace_key(self, viewer: Viewer) -> str:
        """Give a workspace a new data key and seal everything anew; returns what was done. Refused for non-admins."""
        from plugin.store import keys

        with self.as_admin(viewer):
            pass
        return keys.rotate_workspace(lambda: self._context(viewer.workspace_id, viewer), self.config)

    def delete_workspace(self, viewer: Viewer, slug: str) -> Erased:
        """Destroy a workspace: its keys first, then its rows. `slug` repeats its name. Refused for non-admins."""
        from plugin.store import keys

        with self._context(viewer.workspace_id, viewer) as context:
            require_admin(context)
            receipt = keys.destroy_workspace(context, slug)
        with self._keys_lock:
            for known in [known for known in self._keys if known[0] == viewer.workspace_id]:
                del self._keys[known]
        return receipt

    def close(self) -> None:
        """Give back every connection."""
        self._engine.dispose()

    @contextmanager
    def _context(self, workspace_id: int, viewer: Viewer | None = None) -> Iterator[Context]:
        after: list[Context] = []
        try:
            with self._transaction(workspace_id) as session:
                context = self._begun(session, workspace_id)
                after.append(context)
                if viewer is not None:
                    act(context, viewer, member_facts(session, workspace_id, viewer.member_id))
                yield context
        finally:
            for context in after:
                self._finish(context)

    def _begun(self, session: Session, workspace_id: int) -> Context:
        return Context(
            session=session,
            workspace_id=workspace_id,
            dialect=self.dialect,
            load_vault=self._load_vault,
            engine=self._engine,
            unsaved=self._unsaved,
        )

    def _finish(self, context: Context) -> None:
        """What must happen whether or not the door's own transaction held: denials, and emptying deleted pages."""
        if context.denials:
            from plugin.store.audit import append_line

            with self._transaction(context.workspace_id) as session:
                own = replace(context, session=session, denials=[], after=[], _vault=None)
                for line in context.denials:
                    append_line(own, line)
        for call in context.after:
            call()

    @contextmanager
    def _transaction(self, workspace: int | str) -> Iterator[Session]:
        session = self._sessions(info={"workspace": workspace})
        try:
            yield session
            session.commit()
        except (OverflowError, DataError) as error:
            session.rollback()
            told = said_clearly(error)
            if told is None:
                raise
            raise told from error
        except BaseException:
            session.rollback()
            raise
        finally:
            session.close()

    def _load_vault(self, session: Session, workspace_id: int) -> WorkspaceVault:
        seals: dict[str, bytes] = {}
        marks: dict[str, bytes] = {}
        current = {"seal": "", "mark": ""}
        for row in session.connection().execute(KEYS, {"workspace": workspace_id}):
            keys = seals if row.purpose == "seal" else marks
            keys[row.key_id] = self._unwrapped(
                workspace_id, WrappedKey(row.key_id, row.wrapped, row.master_id)
            )
            if row.current:
                current[row.purpose] = row.key_id
        if not current["seal"] or not current["mark"]:
            raise NotFound("no such workspace")
        return WorkspaceVault(workspace_id, seals, current["seal"], marks, current["mark"])

    def _unwrapped(self, workspace_id: int, wrapped: WrappedKey) -> bytes:
        with self._keys_lock:
            known = self._keys.get((workspace_id, wrapped.key_id))
        if known is not None:
            return known
        if not self._vault.knows(wrapped.master_id):
            # Another process has rotated the master key since: its new one is in the key file.
            self._vault = open_vault(self.config.master_key, self.config.home, fresh=False)
        key = self._vault.unwrap(workspace_id, wrapped)
        with self._keys_lock:
            self._keys[(workspace_id, wrapped.key_id)] = key
        return key


def open_store(config: Config) -> Store:
    """Open the store. SQLite is brought to the current schema first; on PostgreSQL that is `docent migrate`.

    Misconfigured where the schema is not current, the master key is missing or wrong, or the database is not there.
    """
    if config.on_sqlite:
        # The key is looked at before the schema is touched: with a wrong key nothing may change.
        check_key(config)
        migrate(config)
    return Store(config)


def migrate(config: Config) -> str:
    """Bring the database to the current schema; returns one sentence that says what was done."""
    return schema.upgrade(config)
