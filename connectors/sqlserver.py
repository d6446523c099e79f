"""SQL Server 2016 and later, Azure SQL Database and Managed Instance, Azure Synapse: the catalog views of one database.

Six statements for what every edition has and six more for what an edition or a right may lack (descriptions, rows,
sizes, labels, synonyms, dependencies; the Query Store for `queries()`): their number does not grow with the number of
tables. VIEW DEFINITION shows everything and reads no row. SQL Server has no snapshot of its catalog, so a table that is
dropped in between is left out. Synapse's dedicated pools tell row counts of the control node alone: not read there.

Source: https://learn.microsoft.com/sql/relational-databases/system-catalog-views
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from connectors.errors import BadSettings, SourceError
from connectors.records import Database, Index, Lineage, Progress, Query, Record, Ref, Schema, Table, Unread
from connectors.selection import Selection
from connectors.servers import Server, ServerSettings, server_of
from connectors.settings import setting
from connectors.sqlserver_sql import (
    COLUMNS,
    DATABASE,
    DESCRIPTIONS,
    FOREIGN,
    GRANT_SCRIPT,
    INDEXES,
    LABELS,
    LINEAGE,
    QUERIES,
    ROWS,
    SCHEMAS,
    SIZES,
    SYNONYMS,
    TABLES,
)
from connectors.sqlserver_wire import Denied, connect, during_read, missing
from connectors.warehouse import Place, Row, moment, tables_of

_SCHEMES = ("mssql", "sqlserver")
_TLS = ("verify-full", "verify-ca", "disable")
_AZURE = {5: "Azure SQL Database", 6: "Azure Synapse", 8: "Azure SQL Managed Instance", 9: "Azure SQL Edge"}
_AZURE[11] = "Azure Synapse serverless"
_SYNAPSE = (6, 11)
_OPTIONAL = {
    DESCRIPTIONS: "descriptions", LABELS: "sensitivity labels", LINEAGE: "what views depend on",
    SYNONYMS: "synonyms", ROWS: "row counts", SIZES: "sizes", QUERIES: "the Query Store",
}  # fmt: skip
_FACTS = ("synonyms", "row counts", "sizes")
_OLDEST = 13
_BATCH = 2_000
# Types whose declaration says a length, a precision and scale, or a scale alone.
_WIDE = ("nchar", "nvarchar")
_SIZED = (*_WIDE, "char", "varchar", "binary", "varbinary")
_EXACT = ("decimal", "numeric")
_FRACTIONS = ("datetime2", "datetimeoffset", "time")


@dataclass(frozen=True, slots=True)
class Settings(ServerSettings):
    """As every database server's, but the certificate is checked unless told otherwise."""

    url: str = setting(
        "URL", "For example mssql://user@host:1433/name; with a password in it, give it as a secret",
        default="", may_hold_secret=True,
    )  # fmt: skip
    ssl_mode: str = setting(
        "TLS", "verify-full checks the certificate and the name", default="verify-full", choices=_TLS
    )


class SQLServer:
    """Metadata of one database of SQL Server, Azure SQL or Synapse."""

    name: ClassVar[str] = "sqlserver"
    title: ClassVar[str] = "SQL Server / Azure Synapse"
    dialect: ClassVar[str | None] = "tsql"
    extracts: ClassVar[tuple[str, ...]] = ("database", "schema", "table", "view", "column", "query")
    extra: ClassVar[str | None] = "sqlserver"
    verified: ClassVar[str] = "documented"
    settings: ClassVar[type[Settings]] = Settings
    grant_script: ClassVar[str] = GRANT_SCRIPT
    query_grant_script: ClassVar[str] = ""

    def __init__(self, settings: Settings) -> None:
        server = server_of(settings, _SCHEMES, 1433)
        if server.ssl_mode not in _TLS:
            raise BadSettings(f"the setting 'ssl_mode' must be one of {', '.join(_TLS)} for SQL Server")
        self._server: Server = dataclasses.replace(server, engine="SQL Server")
        # A bracket begins a set of letters in T-SQL's LIKE.
        bare = Selection.of(settings.schemas, settings.exclude)
        self._selection = Selection(
            *(
                [each.replace("[", "![") for each in getattr(bare, field.name)]
                for field in dataclasses.fields(bare)
            )
        )

    def check(self) -> str:
        """One sentence with the version, the database and how many schemas would be read. Raises SourceError."""
        with self._reading() as read:
            found = self._database(read)
            schemas = len(list(read(SCHEMAS, self._schemas())))
        product = _AZURE.get(found["edition"], "SQL Server")
        return f"{product} {found['version']}, database {found['name']}, {schemas} schemas visible"

    def extract(self) -> Iterator[Record]:
        """The database, its schemas, tables and views, then what views depend on. Raises SourceError."""
        with self._reading() as read:
            found = self._database(read)
            base, synapse = str(found["name"]), found["edition"] in _SYNAPSE
            notes = {
                (row["class"], row["id"], row["position"]): row["description"] for row in read(DESCRIPTIONS)
            }
            yield Database(base, notes.get((0, 0, 0)), found["owner"])
            for row in list(read(SCHEMAS, self._schemas())):
                yield Schema(base, row["name"], notes.get((3, row["id"], 0)), row["owner"])
            yield Progress("tables", 0)
            chosen = self._selection.table_condition("s.name", "CONCAT(s.name, N'.', o.name)", mark="%s")
            tables = list(read(TABLES, chosen))
            yield Progress("columns", 0, len(tables))
            columns = list(read(COLUMNS, chosen))
            indexes, foreign = list(read(INDEXES, chosen)), list(read(FOREIGN, chosen))
            rows = {} if synapse else {row["id"]: row for row in read(ROWS)}
            sizes = {} if synapse else {row["id"]: row["bytes"] for row in read(SIZES)}
            labels, synonyms, edges = list(read(LABELS)), list(read(SYNONYMS)), list(read(LINEAGE))
            for what in read.refused:
                yield Unread(what, what not in _FACTS)
        places = {row["id"]: (row["schema"], row["name"]) for row in tables}
        stored = {row["id"] for row in indexes if row["number"] == 1}
        times = {
            row["id"]: {name: _utc(row[name], found["ahead"]) for name in ("changed", "created")}
            for row in tables
        }
        made = tables_of(
            [_table(base, row | times[row["id"]], notes, rows, sizes, stored) for row in tables],
            (_column(base, places[row["id"]], row, notes) for row in columns if row["id"] in places),
            keys=_keys(base, places, indexes, foreign),
            tags=_tags(base, places, labels),
            properties=_properties(base, places, synonyms),
        )
        by_table = _indexes(places, indexes)
        parts = {places[key]: int(row["partitions"]) for key, row in rows.items() if key in places}
        for done, table in enumerate(made, 1):
            place = (table.schema, table.name)
            yield _finished(table, by_table.get(place, ()), parts.get(place, 1))
            if done % 500 == 0 or done == len(tables):
                yield Progress("tables", done, len(tables))
        yield from _lineage(base, places, edges)

    def queries(self) -> Iterator[Query | Unread]:
        """Statements of the Query Store, most frequent first; none where it is off, `Unread` where it is not open."""
        with self._reading() as read:
            base = str(self._database(read)["name"])
            for row in list(read(QUERIES)):
                yield Query(
                    _without_parameters(row["sql"]), int(row["runs"]), (), moment(row["last"]), base, "dbo"
                )
            for what in read.refused:
                yield Unread(what)

    def _database(self, read: _Read) -> Row:
        for row in read(DATABASE):
            if row["edition"] not in _AZURE and int(str(row["version"]).split(".")[0]) < _OLDEST:
                raise SourceError(f"SQL Server {row['version']} is too old; Docent reads 2016 (13) and later")
            return row
        raise missing(self._server)

    def _schemas(self) -> tuple[str, list[str]]:
        return self._selection.schema_condition("s.name", mark="%s")

    @contextmanager
    def _reading(self) -> Iterator[_Read]:
        with closing(connect(self._server)) as connection:
            yield _Read(connection, self._server)


class _Read:
    """Runs the connector's statements on one connection. A part that is absent or not open comes back empty and is
    named in `refused`."""

    def __init__(self, connection: Any, server: Server) -> None:
        self._connection = connection
        self._server = server
        self.refused: list[str] = []

    def __call__(self, text: str, condition: tuple[str, list[str]] | None = None) -> Iterator[dict[str, Any]]:
        """The rows of a statement, by name; `condition` goes where the statement has its one pair of braces."""
        required = condition is not None or text is DATABASE
        values: tuple[str, ...] | None = None
        if condition is not None:
            text = text.format(schemas=condition[0], tables=condition[0])
            values = tuple(condition[1]) or None
        try:
            with during_read(self._server):
                cursor = self._connection.cursor()
                cursor.execute(text, values)
                names = [column[0] for column in cursor.description or ()]
                while rows := cursor.fetchmany(_BATCH):
                    for row in rows:
                        yield dict(zip(names, row, strict=True))
        except Denied:
            if required:
                raise missing(self._server) from None
            self.refused.append(_OPTIONAL[text])


def _utc(local: datetime | None, minutes: int | None) -> datetime | None:
    """Catalog views tell the server's own time, which is `minutes` ahead of UTC."""
    return local and local - timedelta(minutes=minutes or 0)


def _table(
    base: str,
    row: Row,
    notes: Mapping[Any, str],
    rows: Mapping[int, Row],
    sizes: Mapping[int, int],
    stored: set[int],
) -> Row:
    view = row["kind"].strip() == "V"
    kind = "external table" if row["is_external"] else "table"
    if view:
        kind = "materialized view" if row["id"] in stored else "view"
    return {
        **row, "database": base, "kind": kind, "description": notes.get((1, row["id"], 0)),
        "definition": (row["definition"] or "").strip() or None,
        "rows": rows[row["id"]]["rows_"] if row["id"] in rows and kind != "view" else None,
        "bytes": sizes.get(row["id"]),
    }  # fmt: skip


def _column(base: str, place: tuple[str, str], row: Row, notes: Mapping[Any, str]) -> Row:
    default = row["default"]
    if row["computed"]:
        default = f"GENERATED ALWAYS AS {row['computed']}"
    elif row["is_identity"]:
        default = "IDENTITY"
    return {
        "database": base, "schema": place[0], "table": place[1], "name": row["name"], "position": row["position"],
        "type": _type(row), "nullable": bool(row["nullable"]), "default": default,
        "description": notes.get((1, row["id"], row["position"])),
    }  # fmt: skip


def _type(row: Row) -> str:
    """A type as T-SQL declares it: nvarchar(50), decimal(10,2), datetime2(3)."""
    name = str(row["type"])
    if name in _SIZED:
        size = int(row["size"])
        return f"{name}({'max' if size < 0 else size // 2 if name in _WIDE else size})"
    if name in _EXACT:
        return f"{name}({row['digits']},{row['scale']})"
    return f"{name}({row['scale']})" if name in _FRACTIONS else name


def _keys(
    base: str, places: Mapping[int, tuple[str, str]], indexes: Sequence[Row], foreign: Sequence[Row]
) -> Iterator[Row]:
    for row in indexes:
        if row["id"] in places and (row["is_primary"] or row["is_constraint"]) and row["position"]:
            schema, table = places[row["id"]]
            yield {
                "database": base, "schema": schema, "table": table, "key": row["name"], "column": row["column_name"],
                "kind": "primary" if row["is_primary"] else "unique", "position": row["position"],
            }  # fmt: skip
    for row in foreign:
        if row["id"] in places:
            schema, table = places[row["id"]]
            yield {**row, "database": base, "schema": schema, "table": table, "kind": "foreign"}


def _indexes(
    places: Mapping[int, tuple[str, str]], rows: Sequence[Row]
) -> dict[tuple[str, str], tuple[Index, ...]]:
    """Indexes that are no constraint, by table; a columnstore has no order of columns and names none."""
    columns: dict[tuple[int, int], list[tuple[int, str]]] = defaultdict(list)
    facts: dict[tuple[int, int], Row] = {}
    for row in rows:
        if row["id"] in places and not row["is_primary"] and not row["is_constraint"]:
            key = row["id"], row["number"]
            facts[key] = row
            if row["position"]:
                columns[key].append((row["position"], row["column_name"]))
    found: dict[tuple[str, str], list[Index]] = defaultdict(list)
    for key, row in sorted(facts.items()):
        named = tuple(name for _, name in sorted(columns[key]))
        method = str(row["method"] or "").lower() or None
        found[places[key[0]]].append(Index(row["name"], named, bool(row["is_unique"]), method))
    return {place: tuple(indexes) for place, indexes in found.items()}


def _tags(base: str, places: Mapping[int, tuple[str, str]], labels: Sequence[Row]) -> Iterator[Row]:
    """Sensitivity labels and kinds of information, by the position of the column."""
    for row in labels:
        if row["id"] in places:
            schema, table = places[row["id"]]
            for tag in (row["label"], row["information"]):
                if tag:
                    yield {
                        "database": base, "schema": schema, "table": table, "column": row["column_name"], "tag": tag
                    }  # fmt: skip


def _properties(
    base: str, places: Mapping[int, tuple[str, str]], synonyms: Sequence[Row]
) -> dict[Place, dict[str, str]]:
    """Under which other names a table is known."""
    named: dict[Place, list[str]] = defaultdict(list)
    for row in synonyms:
        if row["id"] in places:
            named[base, *places[row["id"]]].append(f"{row['schema']}.{row['name']}")
    return {place: {"synonyms": ", ".join(sorted(names))} for place, names in named.items()}


def _finished(table: Table, indexes: tuple[Index, ...], partitions: int) -> Table:
    if partitions > 1 and table.kind == "table":
        return dataclasses.replace(table, indexes=indexes, kind="partitioned_table", partitions=partitions)
    return dataclasses.replace(table, indexes=indexes) if indexes else table


def _lineage(base: str, places: Mapping[int, tuple[str, str]], edges: Sequence[Row]) -> Iterator[Lineage]:
    """What each view that is read depends on: tables and views of this database, and what others it names."""
    for row in edges:
        view = places.get(row["id"])
        elsewhere = row["database"] and row["database"].lower() != base.lower()
        kind = (row["kind"] or "").strip()
        if view is None or not (row["upstream"] in places or (elsewhere and not kind)):
            continue
        schema, name = places.get(row["upstream"]) or (row["schema"] or "dbo", row["name"])
        up = Ref(None, row["database"] if elsewhere else base, schema, name)
        yield Lineage(up, Ref(None, base, *view), "sqlserver")


def _without_parameters(text: str) -> str:
    """The Query Store puts the declaration of a statement's parameters, in brackets, before it."""
    text = text.strip()
    if not text.startswith("(@"):
        return text
    depth = 0
    for place, char in enumerate(text):
        depth += {"(": 1, ")": -1}.get(char, 0)
        if depth == 0:
            return text[place + 1 :].strip()
    return text
