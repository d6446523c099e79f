"""The engine and its transactions: SQLite in WAL mode, or PostgreSQL.

On SQLite a transaction starts as a reader and becomes a writer at its first writing statement: the read snapshot is
given back and BEGIN IMMEDIATE taken, so a door that reads and then writes never fails with "database is locked"
because somebody else wrote in between. Writers of one process queue on a lock, which is fairer than SQLite's own
polling. A method that reads in order to write calls `begin_write` first.
"""

from __future__ import annotations

import logging
import re
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, InvalidatePoolError
from sqlalchemy.orm import Session, SessionTransaction, sessionmaker

from plugin.errors import BadInput, Busy, DocentError, Misconfigured, NotFound

log = logging.getLogger(__name__)
BUSY_SECONDS = 30
PAGES_IN_LOG = 1000
"""Pages in the write-ahead log from which on a commit copies them into the file, as SQLite has it."""
READS = ("SELECT", "PRAGMA", "EXPLAIN", "BEGIN", "COMMIT", "ROLLBACK", "VALUES")
WRITES_IN_WITH = re.compile(r"\b(INSERT\s+INTO|UPDATE|DELETE\s+FROM)\b", re.IGNORECASE)
SIGN_IN = "sign-in"
"""What `docent.workspace` is while nobody is known yet; see the policies in the migrations."""

# For each None and bool that it binds the driver looks long for somebody who makes something else of it. Told that they
# are what they are, it writes the rows of a sync in seven tenths of the time.
sqlite3.register_adapter(type(None), cast(Any, {}.get))
sqlite3.register_adapter(bool, int)


def make_engine(url: str) -> Engine:
    """Build the engine for a SQLAlchemy URL. Misconfigured where it is neither SQLite nor PostgreSQL."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:  # their words quote the URL, which may hold a password
        raise Misconfigured(
            "DOCENT_DATABASE_URL is no database URL; write for example postgresql://user@host:5432/docent"
        ) from error
    if parsed.get_backend_name() == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise Misconfigured(
                "DOCENT_DATABASE_URL needs a file on SQLite; a database in memory is not shared"
            )
        path = Path(parsed.database)
        path.parent.mkdir(parents=True, exist_ok=True)
        # For its owner only; SQLite gives the write-ahead log the same mode.
        path.touch(mode=0o600, exist_ok=True)
        engine = create_engine(
            parsed,
            pool_size=20,
            max_overflow=200,
            pool_timeout=BUSY_SECONDS,
            connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        )
        _Sqlite(engine)
        return engine
    if parsed.get_backend_name() in ("postgresql", "postgres"):
        engine = create_engine(parsed.set(drivername="postgresql+psycopg"), pool_size=10, max_overflow=50)
        event.listen(engine, "checkout", _answers)
        return engine
    raise Misconfigured(f"DOCENT_DATABASE_URL names {parsed.get_backend_name()}; use sqlite or postgresql")


def _answers(raw: Any, _record: Any, _given: Any) -> None:
    """Is the server still there? Of an empty statement it takes a quarter of what the pool's own question costs."""
    raw.pgconn.exec_(b"")
    if raw.closed:
        raise InvalidatePoolError


class _Sqlite:
    """Listens on one engine and gives its connections the transactions described above."""

    def __init__(self, engine: Engine) -> None:
        self.lock = threading.Lock()
        self.owner: int | None = None
        event.listen(engine, "connect", self.connect)
        event.listen(engine, "begin", self.begin)
        event.listen(engine, "before_cursor_execute", self.before_execute)
        event.listen(engine, "commit", self.end)
        event.listen(engine, "rollback", self.end)
        event.listen(engine, "checkin", self.checkin)

    def connect(self, raw: Any, _record: Any) -> None:
        raw.isolation_level = None
        # SQLite's own knows ASCII alone; names are compared with what Python makes of them. No index is made with it.
        raw.create_function("lower", 1, _lower, deterministic=True)
        cursor = raw.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
        _use_wal(cursor)
        for pragma in (
            "synchronous=NORMAL",
            "foreign_keys=ON",
            "secure_delete=ON",
            "temp_store=MEMORY",
            "cache_size=-16000",
            "mmap_size=268435456",
            "journal_size_limit=67108864",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def begin(self, connection: Connection) -> None:
        connection.info["writing"] = False
        connection.exec_driver_sql("BEGIN")

    def before_execute(
        self, connection: Connection, cursor: Any, statement: str, _params: Any, _context: Any, _many: bool
    ) -> None:
        if connection.info.get("writing", False) or not connection.in_transaction():
            return
        head = statement.lstrip()[:12].upper()
        if head.startswith(READS) or (head.startswith("WITH") and not WRITES_IN_WITH.search(statement)):
            return
        self.upgrade(connection, cursor.connection)

    def upgrade(self, connection: Connection, raw: Any) -> None:
        if self.owner == threading.get_ident():
            raise RuntimeError("a door that writes was opened inside another door that writes, in one thread")
        # The snapshot goes before we queue: emptying the log holds writers up until every snapshot has gone, so whoever
        # kept theirs in the queue would stand in the way of the writer at its head.
        raw.execute("COMMIT")
        if self.lock.acquire(timeout=BUSY_SECONDS):
            connection.info["lock"] = True
            self.owner = threading.get_ident()
        try:
            raw.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            raise Busy(
                "something large is being written to the catalog, a sync or an import; nothing was changed, try again "
                "in a minute"
            ) from error
        connection.info["writing"] = True

    def checkin(self, raw: Any, record: Any) -> None:
        self._release(record.info)
        if record.info.pop("puts_away_later", False) and raw is not None:
            raw.execute(f"PRAGMA wal_autocheckpoint={PAGES_IN_LOG}")

    def end(self, connection: Connection) -> None:
        connection.info["writing"] = False
        self._release(connection.info)

    def _release(self, info: dict[Any, Any]) -> None:
        if info.pop("lock", False):
            self.owner = None
            self.lock.release()


def _lower(value: Any) -> str | None:
    return None if value is None else str(value).lower()


def _use_wal(cursor: Any) -> None:
    """Switch the file to WAL once. SQLite does not wait for another process that is just doing the same, so we do."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


def begin_write(session: Session) -> None:
    """Become a writer now, before reading what the write depends on. On PostgreSQL row locks do that; nothing here."""
    connection = session.connection()
    if connection.dialect.name == "sqlite" and not connection.info.get("writing", False):
        session.flush()
        # An UPDATE that touches nothing is a writing statement: the listener above does the rest.
        connection.exec_driver_sql("UPDATE workspaces SET id = id WHERE 0")


def put_away_later(session: Session) -> None:
    """This transaction writes much: its commit leaves the rows in the write-ahead log, where everybody reads them.

    Whoever asks for it calls `put_away` once the transaction has ended. Nothing on PostgreSQL, which does the same.
    """
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA wal_autocheckpoint=0")
        connection.info["puts_away_later"] = True


_putting_away = threading.Lock()
"""SQLite refuses to empty a log that is just being copied, without waiting: what was deleted would live on in it."""


def put_away(engine: Engine) -> None:
    """Copy the write-ahead log into the file, in a thread of its own: nobody waits for it, and a crash loses nothing.

    Whoever commits meanwhile finds it under way and leaves it alone.
    """
    if engine.dialect.name != "sqlite":
        return
    begins = threading.Event()

    def work() -> None:
        try:
            with (
                _putting_away,
                engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
            ):
                begins.set()
                connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")
        except DBAPIError as error:
            # The next commit does it.
            log.warning("the write-ahead log was not put away", extra={"fault": type(error.orig).__name__})
        finally:
            begins.set()

    threading.Thread(target=work, name="put-away", daemon=True).start()
    begins.wait(1)


def make_sessions(engine: Engine) -> sessionmaker[Session]:
    """Sessions that tell PostgreSQL's row-level security whose rows they may touch, at each transaction's start."""
    sessions = sessionmaker(engine, expire_on_commit=False)
    if engine.dialect.name == "postgresql":

        def announce(session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
            given = session.info.get("workspace", "")
            # Nothing else can stand there: it is written into the statement.
            workspace = given if given in ("", SIGN_IN) else int(given)
            # The planner takes AI filters for so costly that it has each statement compiled, .6 s for 2 ms of work.
            told = (
                f"SELECT set_config('docent.workspace', '{workspace}', true), set_config('jit', 'off', true)"
            )
            raw: Any = connection.connection.driver_connection
            # A search is a few short statements: the driver would send its BEGIN apart, and wait for each.
            if raw.pgconn.transaction_status or not raw.pgconn.exec_(f"BEGIN; {told}".encode()).ntuples:
                connection.exec_driver_sql(told)

        event.listen(sessions, "after_begin", announce)
    return sessions


def see_account(session: Session, account_id: int) -> None:
    """On PostgreSQL, let this transaction read an account's memberships in its other workspaces too."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT set_config('docent.account', :a, true)"), {"a": str(account_id)})


def scrub(engine: Engine) -> None:
    """After a deletion: copy the write-ahead log into the file and empty it, so no deleted page lives on in it."""
    if engine.dialect.name != "sqlite":
        return
    with _putting_away, engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def said_clearly(error: Exception) -> DocentError | None:
    """What to tell whoever sent a value that no column can hold; None for any other fault.

    A number too large for an id names nothing, as any other id that was never given. PostgreSQL's texts hold no NUL.
    """
    words = str(getattr(error, "orig", error))
    if "SQLite INTEGER" in words or re.search(
        r"(integer|bigint) out of range|out of range for type (integer|bigint)", words
    ):
        return NotFound("there is no such resource, or you may not see it")
    if "NUL (0x00)" in words:
        return BadInput("a text cannot hold a NUL character")
    return None
