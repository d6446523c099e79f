"""ClickHouse over its HTTP interface: databases, tables, views, dictionaries, columns, keys, sizes, view lineage.

Four statements over `system` tables, whatever the number of tables, each streamed as one JSON array a line. A user with
SHOW alone sees everything; `system.parts_columns` and the like, which hold minima and maxima, are not read.

Source: https://clickhouse.com/docs/interfaces/http and https://clickhouse.com/docs/operations/system-tables
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from connectors.clickhouse_run import QUERY_GRANTS, ClickHouseRuns
from connectors.http import LEFT_OUT, Api
from connectors.records import Lineage, Progress, Query, Record, Ref, Schema, Unread
from connectors.selection import Selection
from connectors.settings import setting
from connectors.shape import well_formed
from connectors.warehouse import Row, costs_of, filled, moment, number, tables_of

OWN = "('system', 'INFORMATION_SCHEMA', 'information_schema')"
SCHEMAS = f"SELECT name, comment FROM system.databases WHERE name NOT IN {OWN} AND {{schemas}} ORDER BY name"
TABLES = f"""SELECT database AS schema, name, engine, comment AS description, as_select AS definition,
total_rows AS rows, total_bytes AS bytes, toUnixTimestamp(metadata_modification_time) AS changed, primary_key,
dependencies_database, dependencies_table
FROM system.tables WHERE database NOT IN {OWN} AND NOT is_temporary AND {{tables}} ORDER BY database, name"""
COLUMNS = f"""SELECT database AS schema, table, name, position, type, default_expression AS default,
comment AS description FROM system.columns WHERE database NOT IN {OWN} AND {{columns}}"""
QUERIES = """SELECT any(query) AS sql, count() AS runs, groupUniqArray(20)(user) AS users,
toUnixTimestamp(max(event_time)) AS last, any(current_database) AS database,
sum(read_bytes) AS read, sum(query_duration_ms) AS took FROM system.query_log
WHERE type = 'QueryFinish' AND is_initial_query AND query_kind IN ('Select', 'Insert', 'Create')
AND event_date > today() - 30 GROUP BY normalized_query_hash ORDER BY runs DESC LIMIT 5000"""
# The server makes the log with its first entry, and need not keep one.
LOGGED = "SELECT count() AS n FROM system.tables WHERE database = 'system' AND name = 'query_log'"
KINDS = {"View": "view", "MaterializedView": "materialized view", "LiveView": "view", "WindowView": "view"}
FOREIGN = (
    "MySQL",
    "PostgreSQL",
    "MongoDB",
    "S3",
    "Kafka",
    "URL",
    "HDFS",
    "Hive",
    "JDBC",
    "ODBC",
    "SQLite",
    "Redis",
)
PLAIN_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")


@dataclass(frozen=True, slots=True)
class Settings:
    """The server and a user."""

    url: str = setting("Address", "Of the HTTP interface, for example https://clickhouse.example.org:8443")
    user: str = setting("User", "The user of the grant script")
    password: str = setting("Password", secret=True, default="")
    schemas: tuple[str, ...] = setting(
        "Databases", "Patterns such as sales or sales.tmp_*", kind="list", default=()
    )
    exclude: tuple[str, ...] = setting("Leave out", "Patterns, as above", kind="list", default=())
    plain_http: bool = setting("Without TLS", "Only inside your own network", kind="bool", default=False)


class ClickHouse(ClickHouseRuns):
    """One ClickHouse server or service."""

    name: ClassVar[str] = "clickhouse"
    title: ClassVar[str] = "ClickHouse"
    dialect: ClassVar[str | None] = "clickhouse"
    extracts: ClassVar[tuple[str, ...]] = ("schema", "table", "view", "column", "query")
    extra: ClassVar[str | None] = None
    verified: ClassVar[str] = "emulator"
    settings: ClassVar[type[Any]] = Settings
    grant_script: ClassVar[str] = """\
CREATE USER docent_reader IDENTIFIED BY '<password>' SETTINGS readonly = 2;
GRANT SHOW DATABASES, SHOW TABLES, SHOW COLUMNS ON *.* TO docent_reader;
GRANT SELECT ON system.databases TO docent_reader;
GRANT SELECT ON system.tables TO docent_reader;
GRANT SELECT ON system.columns TO docent_reader;
-- Optional, for popularity: literals are masked before anything is stored.
GRANT SELECT ON system.query_log TO docent_reader;
"""
    query_grant_script: ClassVar[str] = QUERY_GRANTS

    def __init__(self, settings: Settings) -> None:
        self._at = settings

    def check(self) -> str:
        """The version. Raises SourceError."""
        with self._open() as api:
            row = next(self._rows(api, "SELECT version() AS version"))
        return f"ClickHouse {row['version']}"

    @well_formed
    def extract(self) -> Iterator[Record]:
        """Databases as schemas, tables, then what materialised views feed. Raises SourceError."""
        wanted = Selection.of(self._at.schemas, self._at.exclude)
        edges: list[Lineage] = []
        with self._open() as api:
            yield Progress("schemas", 0)
            chosen = _condition(wanted.schema_condition("name", mark="?"))
            for row in self._rows(api, SCHEMAS.format(schemas=chosen)):
                yield Schema(None, row["name"], row["comment"] or None)
            tables = _condition(wanted.table_condition("database", "concat(database, '.', name)", mark="?"))
            found = list(self._rows(api, TABLES.format(tables=tables)))
            columns = _condition(wanted.table_condition("database", "concat(database, '.', table)", mark="?"))
            yield Progress("columns", 0)
            yield from tables_of(
                ({**row, "kind": _kind(row["engine"])} for row in found),
                self._rows(api, COLUMNS.format(columns=columns)),
                keys=list(_keys(found)),
                properties={("", row["schema"], row["name"]): {"engine": row["engine"]} for row in found},
            )
        for row in found:
            for schema, name in zip(row["dependencies_database"], row["dependencies_table"], strict=True):
                up = Ref(schema=row["schema"], table=row["name"])
                edges.append(Lineage(up, Ref(schema=schema, table=name), "clickhouse"))
        yield from edges

    def queries(self) -> Iterator[Query | Unread]:
        """The statements of the last 30 days, folded by the server's own hash, with costs. Raises SourceError."""
        with self._open() as api:
            if not any(number(row["n"]) for row in self._rows(api, LOGGED)):
                return
            try:
                for row in self._rows(api, QUERIES):
                    costs = costs_of(bytes_read=row.get("read"), seconds=(row.get("took"), 1000))
                    runs, last = number(row["runs"]) or 1, moment(row["last"])
                    yield Query(
                        row["sql"], runs, tuple(row["users"]), last, None, row["database"], costs=costs
                    )
            except LEFT_OUT:
                yield Unread("system.query_log")

    def _rows(self, api: Api, statement: str) -> Iterator[Row]:
        """Every row of a statement. The first two lines are its names and types."""
        lines = api.ask_lines(
            "/", f"{statement}\nFORMAT JSONCompactEachRowWithNamesAndTypes", {"readonly": 2}
        )
        names = next(lines, None)
        if names is None:
            return
        next(lines)
        for row in lines:
            yield dict(zip(names, row, strict=True))

    def _open(self) -> Api:
        headers = {"X-ClickHouse-User": self._at.user, "X-ClickHouse-Key": self._at.password}
        return Api(self._at.url, lambda: headers, title="ClickHouse", plain_http=self._at.plain_http)


def _condition(condition: tuple[str, list[str]]) -> str:
    """ClickHouse's LIKE has no ESCAPE: the backslash escapes, so patterns are made anew with it."""
    text, values = condition
    patterns = [re.sub(r"!([!%_])", r"\\\1", value) for value in values]
    return filled((text.replace(" ESCAPE '!'", ""), patterns))


def _kind(engine: str) -> str:
    return KINDS.get(engine, "foreign" if engine in FOREIGN else "table")


def _keys(rows: list[Row]) -> Iterator[Row]:
    """The primary key, where it is plain columns."""
    for row in rows:
        columns = [part.strip().strip("`") for part in (row["primary_key"] or "").split(",") if part.strip()]
        if columns and all(PLAIN_NAME.match(column) for column in columns):
            for position, column in enumerate(columns, start=1):
                here = {
                    "schema": row["schema"],
                    "table": row["name"],
                    "kind": "primary",
                    "key": "primary key",
                }
                yield {**here, "column": column, "position": position}
