"""Trino and Starburst: catalogs, schemas, tables, views, columns and comments, through the coordinator's own protocol.

Four statements a catalog over its `information_schema` and `system.metadata`, whatever the number of tables. Results
come by pages, each with the address of the next: its path is asked of the server that we know, so that the credential
leaves it never.

Source: https://trino.io/docs/current/develop/client-protocol.html and
https://trino.io/docs/current/connector/system.html (metadata.catalogs, metadata.table_comments,
metadata.materialized_views, jdbc.columns); the last but one is left out where it is not there or not to be read.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlsplit

from connectors.errors import PermissionMissing, SourceInterrupted
from connectors.http import Api
from connectors.records import Database, Progress, Record, Schema, Unread
from connectors.selection import Selection
from connectors.settings import setting
from connectors.shape import well_formed
from connectors.trino_run import QUERY_GRANTS, TrinoRuns
from connectors.warehouse import Row, filled, quoted, row_of, tables_of

CATALOGS = "SELECT catalog_name FROM system.metadata.catalogs ORDER BY 1"
SCHEMAS = """SELECT schema_name AS "name" FROM {catalog}.information_schema.schemata
WHERE schema_name <> 'information_schema' AND {schemas} ORDER BY 1"""
TABLES = """SELECT t.table_schema AS "schema", t.table_name AS "name", t.table_type AS "kind",
c.comment AS "description", v.view_definition AS "definition"
FROM {catalog}.information_schema.tables t
LEFT JOIN (SELECT schema_name, table_name, comment FROM system.metadata.table_comments WHERE catalog_name = {name}) c
ON c.schema_name = t.table_schema AND c.table_name = t.table_name
LEFT JOIN {catalog}.information_schema.views v ON v.table_schema = t.table_schema AND v.table_name = t.table_name
WHERE t.table_schema <> 'information_schema' AND {tables} ORDER BY 1, 2"""
# information_schema calls them tables. Trino works out how fresh each is only where that is asked for.
STORED = """SELECT schema_name AS "schema", name AS "name", comment AS "description", definition AS "definition"
FROM system.metadata.materialized_views WHERE catalog_name = {name}"""
COLUMNS = """SELECT table_schem AS "schema", table_name AS "table", column_name AS "name",
ordinal_position AS "position", type_name AS "type", is_nullable AS "nullable", remarks AS "description"
FROM system.jdbc.columns WHERE table_cat = {name} AND table_schem <> 'information_schema' AND {columns}"""


@dataclass(frozen=True, slots=True)
class Settings:
    """The coordinator, who asks, and which catalogs to read."""

    url: str = setting("Address", "Of the coordinator, for example https://trino.example.org")
    user: str = setting("User", "Who asks")
    password: str = setting("Password", secret=True, default="")
    token: str = setting("JWT", "Instead of a password", secret=True, default="")
    catalogs: tuple[str, ...] = setting("Catalogs", "Empty for all but system", kind="list", default=())
    schemas: tuple[str, ...] = setting(
        "Schemas", "Patterns such as sales or sales.tmp_*", kind="list", default=()
    )
    exclude: tuple[str, ...] = setting("Leave out", "Patterns, as above", kind="list", default=())
    plain_http: bool = setting("Without TLS", "Only inside your own network", kind="bool", default=False)


class Trino(TrinoRuns):
    """One Trino cluster."""

    name: ClassVar[str] = "trino"
    title: ClassVar[str] = "Trino / Starburst"
    dialect: ClassVar[str | None] = "trino"
    extracts: ClassVar[tuple[str, ...]] = ("database", "schema", "table", "view", "column")
    extra: ClassVar[str | None] = None
    verified: ClassVar[str] = "documented"
    settings: ClassVar[type[Any]] = Settings
    grant_script: ClassVar[str] = """\
-- Trino shows a user the tables on which they hold any privilege. In file-based access control give the user a rule
-- that reads metadata and no data: {"user": "docent_reader", "catalog": "<catalog>", "privileges": ["GRANT_SELECT"]}
-- and read access to the catalogs system.metadata and system.jdbc. With Ranger or OPA: FilterTables and ShowColumns.
"""
    query_grant_script: ClassVar[str] = QUERY_GRANTS

    def __init__(self, settings: Settings) -> None:
        self._at = settings

    def check(self) -> str:
        """The version and the catalogs. Raises SourceError."""
        with self._open() as api:
            version = (api.get("/v1/info").get("nodeVersion") or {}).get("version", "?")
            catalogs = self._catalogs(api)
        return f"Trino {version}, catalogs {', '.join(catalogs)}"

    @well_formed
    def extract(self) -> Iterator[Record]:
        """Each catalog as a database, its schemas, then its tables. Raises SourceError."""
        wanted = Selection.of(self._at.schemas, self._at.exclude)
        with self._open() as api:
            catalogs = self._catalogs(api)
            for number, catalog in enumerate(catalogs, start=1):
                yield Progress(f"catalog {catalog}", number, len(catalogs))
                yield Database(catalog)
                names = {
                    "catalog": '"' + catalog.replace('"', '""') + '"',
                    "name": quoted(catalog, backslashes=False),
                }
                chosen = _filled(wanted.schema_condition("schema_name", mark="?"))
                for row in self._rows(api, SCHEMAS.format(**names, schemas=chosen)):
                    yield Schema(catalog, row["name"])
                tables = wanted.table_condition(
                    "t.table_schema", "t.table_schema || '.' || t.table_name", mark="?"
                )
                columns = wanted.table_condition("table_schem", "table_schem || '.' || table_name", mark="?")
                stored: dict[tuple[str, str], Row] = {}
                try:
                    for row in self._rows(api, STORED.format(**names)):
                        stored[row["schema"], row["name"]] = row
                except PermissionMissing:
                    yield Unread(f"materialized views of {catalog}")
                found = self._rows(api, TABLES.format(**names, tables=_filled(tables)))
                yield from tables_of(
                    _in(catalog, (_known(row, stored) for row in found)),
                    _in(catalog, self._rows(api, COLUMNS.format(**names, columns=_filled(columns)))),
                )

    def _catalogs(self, api: Api) -> list[str]:
        there = [row["catalog_name"] for row in self._rows(api, CATALOGS)]
        return [
            name for name in there if (name in self._at.catalogs if self._at.catalogs else name != "system")
        ]

    def _rows(self, api: Api, statement: str) -> Iterator[Row]:
        """Every row of a statement, page by page."""
        answer = api.ask_text("/v1/statement", statement)
        ours = urlsplit(self._at.url.strip().rstrip("/"))
        names: list[str] = []
        while True:
            if answer.get("error"):
                # the message may quote the statement; its name says enough
                name = answer["error"].get("errorName") or "an error"
                if answer["error"].get("errorType", "USER_ERROR") != "USER_ERROR":
                    raise SourceInterrupted(
                        f"Trino could not finish a metadata statement: {name}; try again later"
                    )
                raise PermissionMissing(f"Trino refused a metadata statement: {name}")
            names = [column["name"] for column in answer.get("columns") or ()] or names
            for row in answer.get("data") or ():
                yield row_of(names, row)
            following = answer.get("nextUri")
            if not following:
                return
            next_ = urlsplit(
                following
            )  # a coordinator behind a proxy may name itself otherwise: ours is asked
            if not answer.get("data"):
                time.sleep(0.05)
            path = next_.path.removeprefix(ours.path) if ours.path else next_.path
            answer = api.get(f"{path}?{next_.query}" if next_.query else path)

    def _open(self) -> Api:
        return Api(self._at.url, self._said_by, title="Trino", plain_http=self._at.plain_http)

    def _said_by(self) -> Mapping[str, str]:
        """Who asks, with the credential."""
        headers = {"X-Trino-User": self._at.user, "X-Trino-Source": "docent"}
        if self._at.token:
            headers["Authorization"] = f"Bearer {self._at.token}"
        elif self._at.password:
            pair = base64.b64encode(f"{self._at.user}:{self._at.password}".encode()).decode()
            headers["Authorization"] = f"Basic {pair}"
        return headers


def _in(catalog: str, rows: Iterator[Row]) -> Iterator[Row]:
    return ({**row, "database": catalog} for row in rows)


def _known(row: Row, stored: dict[tuple[str, str], Row]) -> Row:
    """A row of a table, as a materialized view where it is one."""
    view = stored.get((row["schema"], row["name"]))
    if view is None:
        return row
    description = row["description"] or view["description"]
    return {**row, "kind": "materialized view", "description": description, "definition": view["definition"]}


def _filled(condition: tuple[str, list[str]]) -> str:
    return filled(condition, backslashes=False)
