"""Oracle 12.2 and later: the static data dictionary of one (pluggable) database, by python-oracledb in thin mode.

Eight statements and three more for what a right may be missing for, whatever the number of tables, in one READ ONLY
transaction. DBA_ views show everything to a role that can read no table; ALL_ views what a role has a right on.

How it was tried: every statement is executed by another engine over the documented columns of the views; the driver is
tried for what goes wrong while connecting. No Oracle server was at hand, and its wire is not rebuilt here.

Source: https://docs.oracle.com/en/database/oracle/oracle-database/23/refrn, https://python-oracledb.readthedocs.io
"""

from __future__ import annotations

import dataclasses
import itertools
import re
import ssl
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC
from typing import Any, ClassVar

from connectors.errors import (
    BadSettings,
    MissingDriver,
    PermissionMissing,
    SignInRefused,
    SourceError,
    SourceInterrupted,
    UnreachableSource,
)
from connectors.oracle_sql import (
    COLUMNS,
    DATABASE,
    DEPENDENCIES,
    GRANT_SCRIPT,
    INDEXES,
    KEYS,
    MVIEWS,
    QUERIES,
    SCHEMAS,
    SIZES,
    SYNONYMS,
    TABLES,
    VIEWS,
)
from connectors.records import Database, Index, Lineage, Progress, Query, Record, Ref, Schema, Table, Unread
from connectors.selection import Selection
from connectors.servers import Server, ServerSettings, server_of
from connectors.settings import setting
from connectors.warehouse import Place, Row, moment, number, tables_of

_TLS = ("verify-full", "disable")
_KEYS = {"P": "primary", "U": "unique", "R": "foreign"}
_BATCH = 2_000
_OPTIONAL = {
    DEPENDENCIES: "what views depend on", SYNONYMS: "synonyms", SIZES: "sizes",
    QUERIES: "statements of the shared pool",
}  # fmt: skip
_FACTS = ("synonyms", "sizes")
_ABSENT = ("ORA-00942", "ORA-01031", "ORA-00904", "ORA-41900")
_REFUSED = ("ORA-01017", "ORA-28000", "ORA-28001", "ORA-01045", "ORA-01005", "DPY-4001", "DPY-3015")
_NO_SERVICE = ("DPY-6001", "DPY-6003", "ORA-12514", "ORA-12505")


@dataclass(frozen=True, slots=True)
class Settings(ServerSettings):
    """As every database server's; the database is the service name."""

    url: str = setting(
        "URL", "For example oracle://user@host:1521/service; with a password in it, give it as a secret",
        default="", may_hold_secret=True,
    )  # fmt: skip
    database: str = setting("Service name", "Of the pluggable database", default="")
    ssl_mode: str = setting(
        "TLS", "verify-full speaks TCPS and checks certificate and name", default="verify-full", choices=_TLS
    )
    dictionary: str = setting(
        "Dictionary",
        "dba sees everything; all only what the role has a right on",
        default="dba",
        choices=("dba", "all"),
    )


class Oracle:
    """Metadata of one Oracle database."""

    name: ClassVar[str] = "oracle"
    title: ClassVar[str] = "Oracle"
    dialect: ClassVar[str | None] = "oracle"
    extracts: ClassVar[tuple[str, ...]] = ("database", "schema", "table", "view", "column", "query")
    extra: ClassVar[str | None] = "oracle"
    verified: ClassVar[str] = "emulator"
    settings: ClassVar[type[Settings]] = Settings
    grant_script: ClassVar[str] = GRANT_SCRIPT
    query_grant_script: ClassVar[str] = ""

    def __init__(self, settings: Settings) -> None:
        server = server_of(settings, ("oracle",), 1521 if settings.ssl_mode == "disable" else 2484)
        if server.ssl_mode not in _TLS:
            raise BadSettings(f"the setting 'ssl_mode' must be one of {', '.join(_TLS)} for Oracle")
        if not server.database:
            raise BadSettings("the setting 'database' (the service name) is required")
        self._server = dataclasses.replace(server, engine="Oracle")
        self._views = settings.dictionary
        self._selection = Selection.of(settings.schemas, settings.exclude)

    def check(self) -> str:
        """One sentence with the version, the database and how many schemas would be read. Raises SourceError."""
        with self._reading() as read:
            name, schemas = self._name(read), len(list(read(SCHEMAS, schemas=self._schemas())))
            return f"Oracle {read.version}, database {name}, {schemas} schemas visible"

    def extract(self) -> Iterator[Record]:
        """The database, its schemas, tables and views, then what views depend on. Raises SourceError."""
        chosen = self._selection
        with self._reading() as read:
            base = self._name(read)
            yield Database(base)
            for row in list(read(SCHEMAS, schemas=self._schemas())):
                yield Schema(base, row["name"], None, row["name"])
            yield Progress("tables", 0)
            of_tables = chosen.table_condition("o.owner", "o.owner || '.' || o.object_name", mark="?")
            tables = list(read(TABLES, tables=of_tables))
            texts = {(row["schema"], row["name"]): row for row in [*read(VIEWS), *read(MVIEWS)]}
            yield Progress("columns", 0, len(tables))
            of_columns = chosen.table_condition("o.owner", "o.owner || '.' || o.table_name", mark="?")
            columns = list(read(COLUMNS, columns=of_columns))
            keys, indexes = list(read(KEYS)), list(read(INDEXES))
            edges, synonyms = list(read(DEPENDENCIES)), list(read(SYNONYMS))
            sizes = (
                {(row["schema"], row["table"]): row["bytes"] for row in read(SIZES)}
                if self._views == "dba"
                else {}
            )
            for what in read.refused:
                yield Unread(what, what not in _FACTS)
        named = {(row["schema"], row["name"]) for row in tables}
        made = tables_of(
            (_table(base, row, texts.get((row["schema"], row["name"])), sizes) for row in tables),
            (_column(base, row) for row in columns),
            keys=(_key(base, row) for row in keys if (row["schema"], row["table"]) in named),
            properties=_properties(base, synonyms),
        )
        of_keys = {(row["schema"], row["index_name"]) for row in keys if row["index_name"]}
        by_table = _indexes(indexes, of_keys)
        facts = {(row["schema"], row["name"]): row for row in tables}
        for done, table in enumerate(made, 1):
            yield _finished(
                table, facts[table.schema, table.name], by_table.get((table.schema, table.name), ())
            )
            if done % 500 == 0 or done == len(tables):
                yield Progress("tables", done, len(tables))
        for row in edges:
            down, up = (row["schema"], row["name"]), (row["up_schema"], row["up_name"])
            if down in named and up in named and up != down:
                yield Lineage(Ref(None, base, *up), Ref(None, base, *down), "oracle")

    def queries(self) -> Iterator[Query | Unread]:
        """Statements in the shared pool, most frequent first; `Unread` where V$SQLAREA is not open to the role."""
        with self._reading() as read:
            base = self._name(read)
            for row in list(read(QUERIES)):
                yield Query(
                    str(row["sql"]),
                    number(row["runs"]) or 1,
                    (row["schema"],),
                    moment(row["last"]),
                    base,
                    row["schema"],
                )
            for what in read.refused:
                yield Unread(what)

    def _name(self, read: _Read) -> str:
        for row in read(DATABASE):
            return str(row["name"])
        raise SourceError("the server did not tell which database it is")

    def _schemas(self) -> tuple[str, list[str]]:
        return self._selection.schema_condition("o.owner", mark="?")

    @contextmanager
    def _reading(self) -> Iterator[_Read]:
        with closing(open_connection(self._server)) as connection:
            with _during_read(self._server):
                connection.cursor().execute("SET TRANSACTION READ ONLY")
            yield _Read(connection, self._server, self._views)


class _Denied(SourceError):
    """A view is not there or not open to the role."""


class _Read:
    """Runs the connector's statements on one connection."""

    def __init__(self, connection: Any, server: Server, views: str) -> None:
        self._connection, self._server, self._views = connection, server, views
        self.version = str(connection.version)
        self.refused: list[str] = []

    def __call__(self, text: str, **conditions: tuple[str, list[str]]) -> Iterator[dict[str, Any]]:
        """The rows of a statement by name. What is optional comes back empty where it is not open to the role."""
        filled = text.format(v=self._views, **{name: part[0] for name, part in conditions.items()})
        values = [value for part in conditions.values() for value in part[1]]
        count = itertools.count(1)
        filled = re.sub(r"\?", lambda _: f":b{next(count)}", filled) if values else filled
        try:
            with _during_read(self._server):
                cursor = self._connection.cursor()
                cursor.arraysize = _BATCH
                cursor.execute(
                    filled, {f"b{place}": value for place, value in enumerate(values, 1)}, fetch_lobs=False
                )
                names = [column[0] for column in cursor.description]
                while rows := cursor.fetchmany(_BATCH):
                    for row in rows:
                        yield dict(zip(names, row, strict=True))
        except _Denied:
            if text not in _OPTIONAL:
                raise PermissionMissing(
                    f"the role {self._server.user!r} may not read the dictionary; run the connector's grant script, "
                    "or set 'dictionary' to 'all'"
                ) from None
            self.refused.append(_OPTIONAL[text])


def open_connection(server: Server) -> Any:
    """A connection in thin mode. Raises MissingDriver, UnreachableSource, SignInRefused."""
    try:
        import oracledb
    except ModuleNotFoundError:
        raise MissingDriver("the oracle connector needs a package: pip install 'docent[oracle]'") from None
    encrypted = server.ssl_mode != "disable"
    try:
        context = ssl.create_default_context(cafile=server.ssl_ca or None) if encrypted else None
        if context is not None and server.ssl_cert:
            context.load_cert_chain(server.ssl_cert, server.ssl_key or None)
        connection = oracledb.connect(
            user=server.user,
            password=server.password or "",
            host=server.host,
            port=server.port,
            service_name=server.database,
            protocol="tcps" if encrypted else "tcp",
            ssl_context=context,
            ssl_server_dn_match=True,
            tcp_connect_timeout=float(server.connect_timeout),
            retry_count=0,
        )
    except (oracledb.Error, OSError) as error:
        raise _connect_error(server, error) from None
    connection.call_timeout = 300_000
    return connection


def _code(error: BaseException) -> str:
    """ORA-00942, DPY-6005: the driver's own name of an error, "" where there is none."""
    return str(getattr(error.args[0], "full_code", "")) if error.args else ""


def _connect_error(server: Server, error: BaseException) -> SourceError:
    code, text = _code(error), str(error)
    if code in _REFUSED or any(each in text for each in _REFUSED):
        return SignInRefused(f"Oracle at {server.place} refused the sign-in of {server.user!r}")
    if any(each in code or each in text for each in _NO_SERVICE):
        return UnreachableSource(f"Oracle at {server.place} has no service {server.database!r}")
    if "certificate" in text.lower() or "ssl" in text.lower():
        return UnreachableSource(
            f"no TLS connection with Oracle at {server.place}; check 'ssl_ca' and the certificate's name"
        )
    return UnreachableSource(f"no answer from Oracle at {server.place}; check host, port and network")


@contextmanager
def _during_read(server: Server) -> Iterator[None]:
    """Turn what goes wrong while reading into a SourceError; the server's own text is not passed on."""
    import oracledb

    try:
        yield
    except oracledb.Error as error:
        code = _code(error)
        if code in _ABSENT:
            raise _Denied(code) from None
        if code.startswith("DPY-4") or code in (
            "ORA-03113",
            "ORA-03114",
            "ORA-03135",
            "ORA-00028",
            "ORA-01555",
        ):
            raise SourceInterrupted(
                f"the connection to Oracle at {server.place} dropped; try again"
            ) from None
        raise SourceError(f"Oracle at {server.place} could not answer ({code or 'no code'})") from None
    except OSError:
        raise SourceInterrupted(f"the connection to Oracle at {server.place} dropped; try again") from None


def _table(base: str, row: Row, told: Row | None, sizes: Mapping[tuple[str, str], int]) -> Row:
    kind = "external table" if row["external"] else str(row["kind"]).lower()
    text = str(told["definition"]).strip() if told and told["definition"] else None
    return {
        **row, "database": base, "kind": kind, "owner": row["schema"], "definition": text,
        "description": (told.get("description") if told else None) or row["description"],
        "bytes": sizes.get((row["schema"], row["name"])),
    }  # fmt: skip


def _column(base: str, row: Row) -> Row:
    default = str(row["default"]).strip() if row["default"] is not None else None
    if row["virtual"] == "YES" and default:
        default = f"GENERATED ALWAYS AS ({default})"
    elif row["identity"] == "YES":
        default = "IDENTITY"
    return {
        **row,
        "database": base,
        "type": _type(row),
        "nullable": row["nullable"] == "Y",
        "default": default,
    }


def _type(row: Row) -> str:
    """A type as Oracle declares it: VARCHAR2(40 CHAR), NUMBER(10,2), TIMESTAMP(6)."""
    name = str(row["type"])
    if name in ("VARCHAR2", "CHAR"):
        return f"{name}({row['chars']} CHAR)" if row["char_used"] == "C" else f"{name}({row['size']})"
    if name in ("NVARCHAR2", "NCHAR"):
        return f"{name}({row['chars']})"
    if name == "RAW":
        return f"RAW({row['size']})"
    if name == "NUMBER" and row["digits"] is None and row["scale"] == 0:
        return "NUMBER(38)"  # INTEGER and its like; without a scale it is a number of any kind
    if name == "NUMBER" and row["digits"] is not None:
        return f"NUMBER({row['digits']},{row['scale']})" if row["scale"] else f"NUMBER({row['digits']})"
    return name


def _key(base: str, row: Row) -> Row:
    return {**row, "database": base, "kind": _KEYS[row["kind"]]}


def _indexes(rows: Sequence[Row], of_keys: set[tuple[str, str]]) -> dict[tuple[str, str], tuple[Index, ...]]:
    """Indexes that serve no key, by table. A function-based one has a column of Oracle's own making."""
    parts: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if (row["schema"], row["name"]) not in of_keys:
            parts[row["schema"], row["table"], row["name"]].append(row)
    found: dict[tuple[str, str], list[Index]] = defaultdict(list)
    for (schema, table, name), each in sorted(parts.items()):
        each.sort(key=lambda row: int(row["position"]))
        columns = tuple(
            "(expression)" if row["column"].startswith("SYS_NC") else row["column"] for row in each
        )
        found[schema, table].append(
            Index(name, columns, each[0]["uniqueness"] == "UNIQUE", each[0]["method"].lower())
        )
    return {place: tuple(indexes) for place, indexes in found.items()}


def _properties(base: str, synonyms: Sequence[Row]) -> dict[Place, dict[str, str]]:
    """Under which other names a table is known; a public synonym stands alone."""
    named: dict[Place, list[str]] = defaultdict(list)
    for row in synonyms:
        owner = "" if row["owner"] == "PUBLIC" else f"{row['owner']}."
        named[base, row["schema"], row["table"]].append(f"{owner}{row['name']}")
    return {place: {"synonyms": ", ".join(sorted(names))} for place, names in named.items()}


def _finished(table: Table, row: Row, indexes: tuple[Index, ...]) -> Table:
    analyzed = row["analyzed"] and row["analyzed"].replace(tzinfo=UTC)
    kind = "partitioned_table" if row["partitioned"] == "YES" and table.kind == "table" else table.kind
    return dataclasses.replace(table, kind=kind, indexes=indexes, analyzed_at=analyzed)
