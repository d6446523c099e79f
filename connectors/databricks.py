"""Databricks Unity Catalog: catalogs, schemas, tables, views, columns, keys, tags and lineage.

Reads `system.information_schema` and `system.access.table_lineage` through the Statement Execution API: seven
statements, and one more for each further 50,000 columns or tables, since an inline result may not pass 25 MiB. Results
come by chunks. Column statistics and samples are not among them. Patterns travel as parameters of the statement: Spark
takes two quotes for the seam of two literals, not for one quote.

Source: https://docs.databricks.com/api/workspace/statementexecution (parameters, dispositions, chunks),
https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-information-schema and
https://docs.databricks.com/aws/en/admin/system-tables/lineage
"""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from connectors.errors import BadSettings, PermissionMissing
from connectors.http import Api
from connectors.records import Database, Lineage, Progress, Record, Ref, Schema
from connectors.selection import Selection
from connectors.settings import setting
from connectors.warehouse import Row, number, row_of, tables_of

Parameters = Sequence[Mapping[str, str]]

_I = "system.information_schema"
_OWN = "NOT IN ('system', 'samples', '__databricks_internal')"
PAGE = 50_000
CATALOGS = f"""SELECT catalog_name, comment, catalog_owner FROM {_I}.catalogs
WHERE catalog_name {_OWN} AND {{databases}} ORDER BY 1"""
SCHEMAS = f"""SELECT catalog_name, schema_name, comment, schema_owner FROM {_I}.schemata
WHERE catalog_name {_OWN} AND schema_name <> 'information_schema' AND {{schemas}} ORDER BY 1, 2"""
TABLES = f"""SELECT t.table_catalog AS database, t.table_schema AS schema, t.table_name AS name,
t.table_type AS kind, t.comment AS description, t.table_owner AS owner, v.view_definition AS definition,
t.last_altered AS changed FROM {_I}.tables t LEFT JOIN {_I}.views v ON v.table_catalog = t.table_catalog
AND v.table_schema = t.table_schema AND v.table_name = t.table_name
WHERE t.table_catalog {_OWN} AND t.table_schema <> 'information_schema' AND {{tables}} ORDER BY 1, 2, 3"""
COLUMNS = f"""SELECT table_catalog AS database, table_schema AS schema, table_name AS table, column_name AS name,
ordinal_position AS position, full_data_type AS type, is_nullable AS nullable, column_default AS default,
comment AS description FROM {_I}.columns
WHERE table_catalog {_OWN} AND table_schema <> 'information_schema' AND {{columns}} ORDER BY 1, 2, 3, 5"""
KEYS = f"""SELECT c.table_catalog AS database, c.table_schema AS schema, c.table_name AS table,
CASE c.constraint_type WHEN 'PRIMARY KEY' THEN 'primary' ELSE 'foreign' END AS kind, c.constraint_name AS key,
k.column_name AS column, k.ordinal_position AS position, u.table_schema AS ref_schema, u.table_name AS ref_table,
u.column_name AS ref_column
FROM {_I}.table_constraints c JOIN {_I}.key_column_usage k ON k.constraint_catalog = c.constraint_catalog
AND k.constraint_schema = c.constraint_schema AND k.constraint_name = c.constraint_name
LEFT JOIN {_I}.referential_constraints r ON r.constraint_catalog = c.constraint_catalog
AND r.constraint_schema = c.constraint_schema AND r.constraint_name = c.constraint_name
LEFT JOIN {_I}.key_column_usage u ON u.constraint_catalog = r.unique_constraint_catalog
AND u.constraint_schema = r.unique_constraint_schema AND u.constraint_name = r.unique_constraint_name
AND u.ordinal_position = k.position_in_unique_constraint
WHERE c.constraint_type IN ('PRIMARY KEY', 'FOREIGN KEY')"""
TAGS = f"""SELECT catalog_name AS database, schema_name AS schema, table_name AS table, NULL AS column,
tag_name AS tag FROM {_I}.table_tags UNION ALL
SELECT catalog_name, schema_name, table_name, column_name, tag_name FROM {_I}.column_tags"""
LINEAGE = """SELECT DISTINCT source_table_catalog, source_table_schema, source_table_name,
target_table_catalog, target_table_schema, target_table_name FROM system.access.table_lineage
WHERE source_table_name IS NOT NULL AND target_table_name IS NOT NULL
AND event_date > current_date() - INTERVAL 90 DAYS"""


@dataclass(frozen=True, slots=True)
class Settings:
    """A workspace, a SQL warehouse in it, and a token or a service principal."""

    url: str = setting("Workspace", "For example https://dbc-a1b2.cloud.databricks.com")
    warehouse: str = setting("SQL warehouse", "Its id, from its connection details")
    token: str = setting("Token", "A personal access token of a service principal", secret=True, default="")
    client_id: str = setting("Client", "Of a service principal, instead of a token", default="")
    client_secret: str = setting("Client secret", secret=True, default="")
    catalogs: tuple[str, ...] = setting("Catalogs", "Patterns; empty for all", kind="list", default=())
    schemas: tuple[str, ...] = setting(
        "Schemas", "Patterns such as sales or sales.tmp_*", kind="list", default=()
    )
    exclude: tuple[str, ...] = setting("Leave out", "Patterns, as above", kind="list", default=())


class Databricks:
    """One Databricks workspace with Unity Catalog."""

    name: ClassVar[str] = "databricks"
    title: ClassVar[str] = "Databricks (Unity Catalog)"
    dialect: ClassVar[str | None] = "databricks"
    extracts: ClassVar[tuple[str, ...]] = ("database", "schema", "table", "view", "column")
    extra: ClassVar[str | None] = None
    verified: ClassVar[str] = "documented"
    settings: ClassVar[type[Any]] = Settings
    grant_script: ClassVar[str] = """\
GRANT BROWSE ON CATALOG <catalog> TO `<service principal>`;            -- sees metadata, reads no table
GRANT USE CATALOG ON CATALOG system TO `<service principal>`;
GRANT USE SCHEMA, SELECT ON SCHEMA system.information_schema TO `<service principal>`;
GRANT USE SCHEMA, SELECT ON SCHEMA system.access TO `<service principal>`;  -- optional: lineage
-- and 'Can use' on the SQL warehouse.
"""
    query_grant_script: ClassVar[str] = ""

    def __init__(self, settings: Settings) -> None:
        if not settings.token and not (settings.client_id and settings.client_secret):
            raise BadSettings("give the secret 'token', or 'client_id' and the secret 'client_secret'")
        self._at = settings

    def check(self) -> str:
        """The version and who we are. Raises SourceError."""
        with self._open() as api:
            row = next(
                self._rows(api, "SELECT current_version().dbsql_version AS version, current_user() AS who")
            )
        return f"Databricks SQL {row['version']}, as {row['who']}"

    def extract(self) -> Iterator[Record]:
        """Catalogs as databases, schemas, tables with everything on them, then lineage. Raises SourceError."""
        wanted, base = Selection.of(self._at.schemas, self._at.exclude), Selection.of(self._at.catalogs, ())

        def both(catalog: str, condition: tuple[str, list[str]]) -> tuple[str, list[str]]:
            above = base.schema_condition(catalog, mark="?")
            return f"{above[0]} AND {condition[0]}", [*above[1], *condition[1]]

        with self._open() as api:
            yield Progress("schemas", 0)
            for row in self._rows(api, *_given(CATALOGS, base.schema_condition("catalog_name", mark="?"))):
                yield Database(row["catalog_name"], row["comment"] or None, row["catalog_owner"] or None)
            chosen = both("catalog_name", wanted.schema_condition("schema_name", mark="?"))
            for row in self._rows(api, *_given(SCHEMAS, chosen)):
                yield Schema(
                    row["catalog_name"],
                    row["schema_name"],
                    row["comment"] or None,
                    row["schema_owner"] or None,
                )
            yield Progress("columns", 0)
            tables = wanted.table_condition(
                "t.table_schema", "concat(t.table_schema, '.', t.table_name)", mark="?"
            )
            columns = wanted.table_condition(
                "table_schema", "concat(table_schema, '.', table_name)", mark="?"
            )
            for table in tables_of(
                self._paged(api, *_given(TABLES, both("t.table_catalog", tables))),
                self._paged(api, *_given(COLUMNS, both("table_catalog", columns))),
                keys=list(self._rows(api, KEYS)),
                tags=list(self._rows(api, TAGS)),
            ):
                # ordinal_position begins with 0 where the documentation says 1
                numbered = (replace(each, position=n) for n, each in enumerate(table.columns, start=1))
                yield replace(table, columns=tuple(numbered))
            yield Progress("lineage", 0)
            yield from self._lineage(api)

    def _lineage(self, api: Api) -> Iterator[Record]:
        """Edges of the last 90 days; none where the schema system.access is not shared with us."""
        try:
            for row in self._rows(api, LINEAGE):
                up, down = (
                    Ref(
                        None,
                        row[f"{end}_table_catalog"],
                        row[f"{end}_table_schema"],
                        row[f"{end}_table_name"],
                    )
                    for end in ("source", "target")
                )
                yield Lineage(up, down, "unity")
        except PermissionMissing:
            yield Progress("no right to read system.access: lineage is left out", 0)

    def _paged(self, api: Api, statement: str, given: Parameters) -> Iterator[Row]:
        """Every row of an ordered statement, PAGE rows a statement."""
        for start in itertools.count(0, PAGE):
            seen = 0
            for row in self._rows(api, f"{statement} LIMIT {PAGE} OFFSET {start}", given):
                seen += 1
                yield row
            if seen < PAGE:
                return

    def _rows(self, api: Api, statement: str, given: Parameters = ()) -> Iterator[Row]:
        """Every row of a statement, chunk by chunk. `given` are the values of its `:p0`, `:p1`, ..."""
        body: dict[str, Any] = {"statement": statement, "warehouse_id": self._at.warehouse, "wait_timeout": "50s",
                "disposition": "INLINE", "format": "JSON_ARRAY"}  # fmt: skip
        if given:
            body["parameters"] = list(given)
        answer = api.ask("/api/2.0/sql/statements", body)
        path = f"/api/2.0/sql/statements/{answer['statement_id']}"
        answer = api.until(
            answer, lambda told: _state(told) not in ("PENDING", "RUNNING"), lambda _: api.get(path)
        )
        if _state(answer) != "SUCCEEDED":
            raise PermissionMissing("Databricks refused a metadata statement; run the grant script")
        # What is no SELECT (push back) answers without columns.
        schema = (answer.get("manifest") or {}).get("schema") or {}
        columns = sorted(schema.get("columns") or (), key=lambda column: number(column.get("position")) or 0)
        names = [column["name"] for column in columns]
        chunk = answer.get("result") or {}
        while True:
            for row in chunk.get("data_array") or ():
                yield row_of(names, row)
            following = chunk.get("next_chunk_index")
            if following is None:
                return
            chunk = api.get(f"{path}/result/chunks/{following}")

    def _open(self) -> Api:
        return Api(self._at.url, self._sign_in, title="Databricks")

    def _sign_in(self) -> Mapping[str, str]:
        """The token given, or one of an hour for the service principal."""
        token = self._at.token
        if not token:
            pair = base64.b64encode(f"{self._at.client_id}:{self._at.client_secret}".encode()).decode()
            fields = {"grant_type": "client_credentials", "scope": "all-apis"}
            with Api(self._at.url, dict, title="Databricks") as api:
                token = api.form("/oidc/v1/token", fields, headers={"Authorization": f"Basic {pair}"})[
                    "access_token"
                ]
        return {"Authorization": f"Bearer {token}"}


def _state(answer: Mapping[str, Any]) -> Any:
    return (answer.get("status") or {}).get("state")


def _given(statement: str, condition: tuple[str, list[str]]) -> tuple[str, Parameters]:
    """A statement with its one condition, whose values are named parameters."""
    field = re.findall(r"\{(\w+)\}", statement)[0]
    pieces = condition[0].split("?")
    marked = "".join(f"{piece}:p{n}" for n, piece in enumerate(pieces[:-1])) + pieces[-1]
    values = [{"name": f"p{n}", "value": value, "type": "STRING"} for n, value in enumerate(condition[1])]
    return statement.format(**{field: marked}), values
