"""What a SQLite connection of ours may do: two authorizers, since SQLite has no roles to grant anything to."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from urllib.parse import quote

# The engine's own tables that metadata comes from. sqlite_stat4 holds samples of values: not among them.
_CATALOG = {"sqlite_master", "sqlite_schema", "sqlite_stat1", "dbstat"}
_CATALOG_PRAGMAS = {
    "table_list",
    "table_xinfo",
    "foreign_key_list",
    "index_list",
    "index_xinfo",
}
_CATALOG_FUNCTIONS = {"count", "max", "sum", "like", "||"}

# Functions of a query: pure, bounded, no file, no SQL given as text. A name that is not here is refused.
_QUERY_FUNCTIONS = frozenset(
    """
    abs char coalesce concat concat_ws format glob hex ifnull iif instr last_value length like likelihood likely
    lower ltrim max min nullif octet_length printf quote replace round rtrim sign soundex substr substring trim
    typeof unhex unicode unlikely upper if
    date time datetime julianday unixepoch strftime timediff current_date current_time current_timestamp
    acos acosh asin asinh atan atan2 atanh ceil ceiling cos cosh degrees exp floor ln log log10 log2 mod pi pow
    power radians sin sinh sqrt tan tanh trunc
    avg count group_concat string_agg sum total median percentile percentile_cont percentile_disc
    row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value nth_value
    json json_array json_array_length json_extract json_object json_patch json_remove json_replace json_set
    json_insert json_type json_valid json_quote json_group_array json_group_object json_error_position
    json_pretty json_array_insert jsonb jsonb_array jsonb_extract jsonb_group_array jsonb_group_object jsonb_insert
    jsonb_object jsonb_patch jsonb_remove jsonb_replace jsonb_set unistr -> ->> regexp match bm25 highlight
    snippet random
    """.split()
)
# A virtual table declares itself with a CREATE TABLE the first time it is used, which the authorizer refuses.
# Those that only unfold their argument are woken before it is in place, and so are the file's own; all others
# (pragma_*, dbstat, fts5vocab) stay refused.
_WAKE = (
    "SELECT count(*) FROM json_each('[]')",
    "SELECT count(*) FROM json_tree('[]')",
)


def open_read_only(path: Path) -> sqlite3.Connection:
    """A connection that cannot write and may be used from another thread than it was made in."""
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None, timeout=5, check_same_thread=False
    )
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def wall_out(connection: sqlite3.Connection) -> None:
    """Leave an extracting connection nothing but the engine's own tables.

    Waking `pragma_table_list` makes SQLite resolve the columns of every view, which looks at the tables below;
    that must happen before the authorizer is there to refuse it.
    """
    for name in sorted(_CATALOG_PRAGMAS):
        argument = "" if name == "table_list" else "('sqlite_schema')"
        connection.execute(f"SELECT count(*) FROM pragma_{name}{argument}").fetchone()
    _resolve(connection)
    with contextlib.suppress(sqlite3.OperationalError):  # a build without dbstat
        connection.execute("SELECT count(*) FROM dbstat WHERE name = 'sqlite_schema'").fetchone()
    connection.set_authorizer(catalog_only)


def _resolve(connection: sqlite3.Connection) -> None:
    """Have SQLite look once at what `pragma_table_list` left out: a broken view there hides those after it."""
    for (name,) in connection.execute("SELECT name FROM pragma_table_list WHERE ncol = 0").fetchall():
        with contextlib.suppress(sqlite3.OperationalError):
            connection.execute("SELECT count(*) FROM pragma_table_xinfo(?)", (name,)).fetchone()


def catalog_only(
    action: int, first: str | None, second: str | None, database: str | None, inner: str | None
) -> int:
    """Authorizer of an extraction: reads the engine's tables, and no table of a user."""
    name = (first or "").lower()
    if action == sqlite3.SQLITE_SELECT:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_READ and (name in _CATALOG or name.startswith("pragma_")):
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_PRAGMA and name in _CATALOG_PRAGMAS:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in _CATALOG_FUNCTIONS:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def select_only(
    action: int, first: str | None, second: str | None, database: str | None, inner: str | None
) -> int:
    """Authorizer of a query: SELECT from users' tables with known functions, and nothing else."""
    name = (first or "").lower()
    if action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE):
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_READ:
        own = name.startswith(("sqlite_", "pragma_")) or name in ("dbstat", "bytecode", "tables_used")
        return sqlite3.SQLITE_DENY if own else sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_PRAGMA and name == "data_version":  # a full-text table asks for it
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in _QUERY_FUNCTIONS:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def wall_in(connection: sqlite3.Connection) -> None:
    """Leave a query connection nothing but SELECT, with bounds on what a statement may be made of."""
    for statement in _WAKE:
        with contextlib.suppress(sqlite3.OperationalError):
            connection.execute(statement).fetchone()
    _resolve(connection)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 16_000_000)
    connection.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, 1_000_000)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1_000)
    connection.setlimit(sqlite3.SQLITE_LIMIT_WORKER_THREADS, 0)
    connection.set_authorizer(select_only)
