"""Descriptions for MySQL and MariaDB: a table's comment, and a column's with its whole definition as the server has.

Neither has a statement for a comment alone: `MODIFY COLUMN` takes the complete definition; what is left out is lost.
So the definition is the server's own line of SHOW CREATE TABLE, in which nothing but the COMMENT is exchanged, and
ALGORITHM=INSTANT makes the server refuse should anything but metadata change. `information_schema.COLUMNS` was
considered for it: it has no CHECK of a column, no COMPRESSED, no INVISIBLE of MariaDB, and unquoted defaults in MySQL.
Neither engine has tags or comments on views, and of the two MariaDB alone (10.5 and later) has comments on databases.

Source: https://mariadb.com/kb/en/alter-table/, https://mariadb.com/kb/en/alter-database/, https://dev.mysql.com/doc/refman/8.4/en/innodb-online-ddl-operations.html
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import pymysql

from connectors.errors import BadSettings, PermissionMissing, SourceError, SourceInterrupted
from connectors.mysql_errors import MySQLConnection, during_connect, open_connection
from connectors.mysql_rows import schema_comment
from connectors.push import Found, Session, Target, schemas_of, tables_of
from connectors.servers import Server, ServerSettings, server_of

LONGEST_TABLE, LONGEST_COLUMN, LONGEST_SCHEMA = 2048, 1024, 1024
# Backslashes escape and backticks quote, whatever the server's default; defaults such as '0000-00-00' stay legal.
SETUP = """
SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION', SESSION sql_quote_show_create = 1, SESSION lock_wait_timeout = 5
"""
# Without it, a server may give a TIMESTAMP column defaults that it does not have. Some servers want a right for it.
EXACT = "SET SESSION explicit_defaults_for_timestamp = 1"
VERSION = "SELECT VERSION()"
SCHEMAS = "SELECT SCHEMA_NAME, {comment} FROM information_schema.SCHEMATA WHERE SCHEMA_NAME IN ({schemas})"
TABLES = """
SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, TABLE_COMMENT FROM information_schema.TABLES
WHERE TABLE_SCHEMA IN ({schemas}) AND TABLE_NAME IN ({tables})
"""
COLUMNS = """
SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, COLUMN_COMMENT FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA IN ({schemas}) AND TABLE_NAME IN ({tables})
"""
# A quoted text or name, a bracket, a comma, or what is between: enough to find the parts of CREATE TABLE.
_TOKEN = re.compile(
    r"'(?:[^'\\]|''|\\.)*'|\"(?:[^\"\\]|\"\"|\\.)*\"|`(?:[^`]|``)*`|[(),]|[^'\"`(),]+", re.DOTALL
)
_COMMENT = re.compile(r"\bCOMMENT\s*$", re.IGNORECASE)
_CHECK = re.compile(r"\bCHECK\s*$", re.IGNORECASE)
_UNDECODED = re.compile("[\udc80-\udcff]")
_STORED = re.compile(r"\) (STORED|PERSISTENT)\b")
# How MariaDB shows a column of its type JSON. Only that name for it makes the server see the same type again.
_JSON = re.compile(
    r"(`(?:[^`]|``)*`) longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin(.*?)\s*CHECK \(json_valid\(\1\)\)",
    re.DOTALL,
)
_DENIED = {1044, 1045, 1142, 1143, 1227, 1370}


class MySQLPush:
    """Writes comments to the databases of one MySQL or MariaDB server."""

    tags: ClassVar[bool] = False
    schemas: ClassVar[bool] = (
        True  # of what the catalog calls a schema: comments on databases, which MariaDB alone has
    )
    databases: ClassVar[bool] = False
    grant_script: ClassVar[str] = """\
-- A comment is changed by ALTER TABLE; REFERENCES makes the columns visible. SELECT is not given: no row can be read.
CREATE USER '<push_role>'@'%' IDENTIFIED BY '<password>' WITH MAX_USER_CONNECTIONS 2;
GRANT ALTER, REFERENCES ON <database>.* TO '<push_role>'@'%';
"""

    def __init__(self, settings: ServerSettings) -> None:
        self._server: Server = server_of(settings, ("mysql", "mariadb"), 3306)

    @contextmanager
    def open(self) -> Iterator[Session]:
        """A connection for reading comments and writing them. Raises SourceError."""
        with during_connect(self._server):
            connection = open_connection(self._server, read_timeout=60)
        try:
            with _during_write(self._server), connection.cursor() as cursor:
                cursor.execute(SETUP)
                with contextlib.suppress(pymysql.err.Error):
                    cursor.execute(EXACT)
                cursor.execute(VERSION)
                version = str((cursor.fetchone() or ("",))[0])
            yield MySQLSession(connection, self._server, version)
        finally:
            connection.close()


class MySQLSession:
    """One connection; see `connectors.push.Session`."""

    def __init__(self, connection: MySQLConnection, server: Server, version: str) -> None:
        self._connection = connection
        self._server = server
        self._maria = "maria" in version.lower()
        self._of_schema = schema_comment(version)
        old = not version or (int(version.split(".")[0]) < 8 and not self._maria)
        self._how = "INPLACE" if old else "INSTANT"
        # MySQL, any version: a table's comment is no instant change there, but no rows are written or locked
        self._how_table = "INSTANT" if self._maria else "INPLACE, LOCK = NONE"

    def read(self, targets: Sequence[Target], *, tags: bool = False) -> dict[Target, Found]:
        """Comments in two statements, of databases in one; SHOW CREATE TABLE for each table with a column to write."""
        found = self._schemas(schemas_of(targets))
        if not tables_of(targets):
            return found
        names = {
            "schemas": ", ".join(sorted({self._text(each.schema) for each in targets})),
            "tables": ", ".join(map(self._text, tables_of(targets))),
        }
        wanted = set(targets)
        with _during_write(self._server), self._connection.cursor() as cursor:
            cursor.execute(TABLES.format(**names))
            views = set()
            for schema, table, kind, text in cursor.fetchall():
                target = Target(None, schema, table)
                if "VIEW" in kind:
                    views.add(target)
                if target in wanted:
                    found[target] = Found("" if target in views else text, facts={"view": target in views})
            cursor.execute(COLUMNS.format(**names))
            for schema, table, column, text in cursor.fetchall():
                target = Target(None, schema, table, column)
                if target in wanted:
                    found[target] = Found(text, facts={"view": target.owner in views})
            for table in {each.owner for each in found if each.column is not None} - views:
                created = self._created(table)
                for target in [each for each in found if each.owner == table and each.column is not None]:
                    facts = {"view": False, "definition": definition(created, target.column or "")}
                    found[target] = Found(found[target].description, facts=facts)
        return found

    def _schemas(self, schemas: list[str]) -> dict[Target, Found]:
        if not schemas:
            return {}
        statement = SCHEMAS.format(comment=self._of_schema, schemas=", ".join(map(self._text, schemas)))
        with _during_write(self._server), self._connection.cursor() as cursor:
            cursor.execute(statement)
            return {
                Target(None, name): Found(text, facts={"view": False}) for name, text in cursor.fetchall()
            }

    def describe(self, target: Target, found: Found, text: str | None) -> str:
        """ALTER TABLE with a comment; '' is how both engines say that there is none."""
        if found.facts["view"]:
            raise BadSettings("MySQL and MariaDB keep no comments on views")
        if target.table is None and self._of_schema == "NULL":
            raise BadSettings("MySQL keeps no comments on databases, and MariaDB none before 10.5")
        longest = LONGEST_TABLE if target.column is None else LONGEST_COLUMN
        longest = LONGEST_SCHEMA if target.table is None else longest
        if len(text or "") > longest:
            raise BadSettings(f"the text has {len(text or '')} characters; the server keeps {longest}")
        if any(ord(char) > 0xFFFF for char in text or ""):
            raise BadSettings("the server keeps no characters beyond U+FFFF (such as most emoji) in comments")
        if target.table is None:
            return f"ALTER DATABASE {_name(target.schema)} COMMENT = {self._text(text or '')}"
        table = f"ALTER TABLE {_name(target.schema)}.{_name(target.table)}"
        if target.column is None:
            return f"{table} COMMENT = {self._text(text or '')}, ALGORITHM = {self._how_table}"
        whole = found.facts["definition"]
        if whole is None or _UNDECODED.search(whole):
            raise BadSettings("the server does not show the column's definition as text (a default of bytes)")
        if self._maria and _STORED.search(whole):
            raise BadSettings(
                "MariaDB would write every row anew for the comment of a stored generated column"
            )
        return f"{table} MODIFY COLUMN {with_comment(whole, self._text(text or ''))}, ALGORITHM = {self._how}"

    def tag(self, target: Target, found: Found, add: Iterable[str], remove: Iterable[str]) -> tuple[str, ...]:
        """Neither engine has tags."""
        raise BadSettings("MySQL and MariaDB have no tags")

    def run(self, statement: str) -> None:
        """Run one ALTER TABLE; nothing in it is a placeholder."""
        with _during_write(self._server), self._connection.cursor() as cursor:
            cursor.execute(statement)

    def _created(self, table: Target) -> str:
        """The server's own CREATE TABLE. Bytes that are no UTF-8 (a default of BINARY) stay recognisable."""
        self._connection.use_unicode = False
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(f"SHOW CREATE TABLE {_name(table.schema)}.{_name(table.table or '')}")
                row: tuple[Any, ...] = cursor.fetchone() or (b"", b"")
        finally:
            self._connection.use_unicode = True
        return bytes(row[1]).decode("utf-8", "surrogateescape")

    def _text(self, text: str) -> str:
        """A literal, by the driver's own quoting for this connection."""
        return str(self._connection.literal(text))


def _name(text: str) -> str:
    return "`" + text.replace("`", "``") + "`"


def definition(created: str, column: str) -> str | None:
    """The definition of a column, its name first, out of the server's own CREATE TABLE; None where it is not there."""
    depth, part, parts = 0, "", []
    for token in _TOKEN.findall(created):
        depth -= token == ")"
        if depth >= 1 and (depth > 1 or token != ","):
            part += token
        if (token == "," and depth == 1) or (token == ")" and depth == 0):
            parts.append(part.strip())
            part = ""
            if token == ")":
                break
        depth += token == "("
    start = _name(column) + " "
    return next((each for each in parts if each.startswith(start)), None)


def with_comment(whole: str, literal: str) -> str:
    """A definition with another comment: in the place of the old one, else before a CHECK of the column, else last."""
    if found := _JSON.fullmatch(whole):
        whole = f"{found[1]} json{found[2]}"
    tokens: list[str] = _TOKEN.findall(whole)
    depth, check = 0, None
    for place, token in enumerate(tokens):
        depth += (token == "(") - (token == ")")
        if depth == 0 and place + 1 < len(tokens):
            if _COMMENT.search(token) and tokens[place + 1].startswith("'"):
                return "".join([*tokens[: place + 1], literal, *tokens[place + 2 :]])
            if check is None and _CHECK.search(token) and tokens[place + 1] == "(":
                check = place
    if check is None:
        return f"{whole} COMMENT {literal}"
    before = _CHECK.sub("", tokens[check])
    return "".join(
        [*tokens[:check], before, f" COMMENT {literal} ", tokens[check][len(before) :], *tokens[check + 1 :]]
    )


@contextmanager
def _during_write(server: Server) -> Iterator[None]:
    """Turn what goes wrong into a SourceError; the driver's own text quotes the statement and is not passed on."""
    try:
        yield
    except (pymysql.err.Error, OSError) as error:
        code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        if code in _DENIED:
            raise PermissionMissing(
                f"the user {server.user!r} lacks a right; GRANT what the push grant script names"
            ) from None
        if code in (1205, 1213):
            raise SourceInterrupted("the table is locked by somebody else (5 s); try again") from None
        if code in (1845, 1846):
            raise SourceError(
                "the server would change more than the comment of this column, so nothing was done"
            ) from None
        if code in (0, 1927, 2006, 2013, 2055) or isinstance(error, OSError):
            raise SourceInterrupted(f"the connection to {server.place} dropped; try again") from None
        raise SourceError(f"the server at {server.place} refused the statement (code {code})") from None
