"""MotherDuck: one of its databases, read by DuckDB's own driver through the same catalog functions as a DuckDB file.

The connection is opened in SaaS mode (no local file, no other extension) and in single mode (no other database of the
account is attached). Seven statements, whatever the number of tables. Docent runs no SQL there: a token can do what its
owner can, and MotherDuck has no role that reads metadata alone.

Source: https://motherduck.com/docs/sql-reference/connection-string-parameters
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from connectors.duckdb import DuckDBCatalog
from connectors.errors import (
    BadSettings,
    MissingDriver,
    SignInRefused,
    SourceError,
    SourceInterrupted,
    UnreachableSource,
)
from connectors.selection import Selection
from connectors.settings import setting

if TYPE_CHECKING:
    import duckdb

CONFIGURATION: dict[str, str | bool | int | float | list[str]] = {
    "allow_community_extensions": "false",
    "allow_unsigned_extensions": "false",
    "python_enable_replacements": "false",
    "memory_limit": "512MB",
    "custom_user_agent": "docent",
}
# What names a database in the connection string; anything else could add a parameter to it.
_NAME = re.compile(r"[^?&=:/\s][^?&=:/]*")


@dataclass(frozen=True, slots=True)
class Settings:
    """A database and a token."""

    database: str = setting("Database", "As MotherDuck lists it")
    token: str = setting("Token", "A read scaling token cannot write", secret=True)
    schemas: tuple[str, ...] = setting(
        "Only these schemas", "Names or patterns such as main, stage_*", default=(), kind="list"
    )
    exclude: tuple[str, ...] = setting(
        "Leave out", "Schemas (tmp_*) or tables (*.old_*, main.scratch)", default=(), kind="list"
    )


class MotherDuck(DuckDBCatalog):
    """Metadata of one database at MotherDuck."""

    name: ClassVar[str] = "motherduck"
    title: ClassVar[str] = "MotherDuck"
    dialect: ClassVar[str | None] = "duckdb"
    extracts: ClassVar[tuple[str, ...]] = ("database", "schema", "table", "view", "column")
    extra: ClassVar[str | None] = None
    verified: ClassVar[str] = "emulator"
    settings: ClassVar[type[Settings]] = Settings
    grant_script: ClassVar[str] = """\
-- MotherDuck has no roles. In its web interface: Settings, Access Tokens, Create token, of the type "Read Scaling
-- Token": it reads the databases and shares of its owner and cannot write. Best of a service account that owns nothing
-- and to which the one database is shared:
--   CREATE SHARE <share> FROM <database> (ACCESS RESTRICTED); GRANT READ ON SHARE <share> TO <service_account>;
-- A token may read rows too: no narrower one exists. Docent names catalog functions only.
"""
    query_grant_script: ClassVar[str] = ""

    def __init__(self, settings: Settings) -> None:
        if not _NAME.fullmatch(settings.database):
            raise BadSettings("the setting 'database' is a name alone, without 'md:' and without parameters")
        self._at = settings
        self._selection = Selection.of(settings.schemas, settings.exclude)

    @contextmanager
    def _reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection in one transaction; errors leave as SourceError."""
        import duckdb

        try:
            connection = open_service(self._at.database, self._at.token)
        except duckdb.Error as error:
            raise connect_error(self._at.database, str(error)) from None
        try:
            connection.execute("BEGIN TRANSACTION READ ONLY")
            yield connection
        except duckdb.Error:
            raise SourceInterrupted(
                "MotherDuck dropped the connection or changed meanwhile; try again"
            ) from None
        finally:
            connection.close()


def open_service(database: str, token: str) -> duckdb.DuckDBPyConnection:
    """A connection to one database at MotherDuck. The token goes by the configuration, never by the address."""
    import duckdb

    config: dict[str, Any] = {**CONFIGURATION, "motherduck_token": token}
    return duckdb.connect(
        f"md:{database}?attach_mode=single&saas_mode=true&dbinstance_inactivity_ttl=0s", config=config
    )


def connect_error(database: str, text: str) -> SourceError:
    """Why there is no connection, in one sentence; the driver's own text may quote the token."""
    words = text.lower()
    if "extension" in words:
        return MissingDriver(
            "DuckDB cannot load its extension 'motherduck' (it downloads it once): let Docent's machine reach "
            "extensions.duckdb.org, or run INSTALL motherduck there; MotherDuck may not support this DuckDB yet"
        )
    if any(each in words for each in ("token", "jwt", "unauthenticated", "expired", "not authorized")):
        return SignInRefused("MotherDuck refused the token")
    if "no database" in words or "does not exist" in words or "not found" in words:
        return UnreachableSource(
            f"there is no database {database!r} at MotherDuck, or the token may not see it"
        )
    return UnreachableSource("no answer from MotherDuck; check the network")
