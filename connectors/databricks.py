"""Databricks Unity Catalog: catalogs, schemas, tables, views, columns, keys, tags, jobs with their last runs,
dashboards, lineage down to columns, and popularity.

Reads `system.information_schema`, `system.access`, `system.lakeflow`, `system.billing` and `system.query` through the
Statement Execution API: eleven statements, and one more for each further 50,000 rows, since an inline result may not
pass 25 MiB; dashboards come by pages of the Lakeview API. Results come by chunks. Column statistics and samples are not
among them, nor the error texts of runs, which can quote values. Patterns travel as parameters of the statement: Spark
takes two quotes for the seam of two literals, not for one quote. What a metastore does not share costs that part alone.

Source: https://docs.databricks.com/api/workspace/statementexecution (parameters, dispositions, chunks, error codes),
https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-information-schema,
https://docs.databricks.com/aws/en/admin/system-tables/lineage, /jobs, /query-history, /billing
and /pricing, and
https://docs.databricks.com/api/workspace/lakeview/list
"""

from __future__ import annotations

import base64
import itertools
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from connectors.databricks_run import QUERY_GRANTS, DatabricksRuns
from connectors.errors import BadSettings, PermissionMissing, SourceInterrupted
from connectors.http import LEFT_OUT, Api
from connectors.records import Asset, Database, Lineage, Progress, Query, Record, Ref, Schema, Unread
from connectors.selection import Selection
from connectors.settings import setting
from connectors.shape import well_formed
from connectors.warehouse import Row, amount, costs_of, moment, number, row_of, tables_of, tag_of

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
t.last_altered AS changed, t.created AS created FROM {_I}.tables t
LEFT JOIN {_I}.views v ON v.table_catalog = t.table_catalog AND v.table_schema = t.table_schema
AND v.table_name = t.table_name
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
WHERE c.constraint_type IN ('PRIMARY KEY', 'FOREIGN KEY') ORDER BY 1, 2, 3, 5, 7"""
TAGS = f"""SELECT catalog_name AS database, schema_name AS schema, table_name AS table, NULL AS column,
tag_name AS tag, tag_value AS value FROM {_I}.table_tags UNION ALL
SELECT catalog_name, schema_name, table_name, column_name, tag_name, tag_value FROM {_I}.column_tags UNION ALL
SELECT catalog_name, schema_name, NULL, NULL, tag_name, tag_value FROM {_I}.schema_tags UNION ALL
SELECT catalog_name, NULL, NULL, NULL, tag_name, tag_value FROM {_I}.catalog_tags ORDER BY 1, 2, 3, 4, 5, 6"""
_RECENT = "event_date > current_date() - INTERVAL 90 DAYS"
LINEAGE = f"""SELECT DISTINCT source_table_catalog, source_table_schema, source_table_name,
target_table_catalog, target_table_schema, target_table_name FROM system.access.table_lineage
WHERE source_table_name IS NOT NULL AND target_table_name IS NOT NULL AND {_RECENT} ORDER BY 1, 2, 3, 4, 5, 6"""
OF_COLUMNS = f"""SELECT DISTINCT source_table_catalog, source_table_schema, source_table_name, source_column_name,
target_table_catalog, target_table_schema, target_table_name, target_column_name FROM system.access.column_lineage
WHERE source_column_name IS NOT NULL AND target_column_name IS NOT NULL AND {_RECENT}
ORDER BY 1, 2, 3, 4, 5, 6, 7, 8"""
OF_WORK = f"""SELECT DISTINCT entity_type, entity_id, workspace_id, source_table_catalog, source_table_schema,
source_table_name, target_table_catalog, target_table_schema, target_table_name FROM system.access.table_lineage
WHERE entity_type IN ('JOB', 'DASHBOARD_V3') AND {_RECENT} ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9"""
# A change of a job is a new row; a long run has a row an hour, of which the last tells how it ended.
JOBS = """SELECT j.workspace_id, j.job_id, j.name, j.description, j.change_time AS changed,
r.result_state AS state, r.termination_code AS code, r.started AS started,
r.ended AS ended, r.runs FROM (SELECT workspace_id, job_id, name, description, change_time, delete_time,
row_number() OVER (PARTITION BY workspace_id, job_id ORDER BY change_time DESC) AS n FROM system.lakeflow.jobs) j
LEFT JOIN (SELECT workspace_id, job_id, max_by(result_state, period_end_time) AS result_state,
max_by(termination_code, period_end_time) AS termination_code, max(period_start_time) AS started,
max(period_end_time) AS ended, count(DISTINCT run_id) AS runs FROM system.lakeflow.job_run_timeline
WHERE period_end_time > current_timestamp() - INTERVAL 30 DAYS GROUP BY workspace_id, job_id) r
ON r.workspace_id = j.workspace_id AND r.job_id = j.job_id
WHERE j.n = 1 AND j.delete_time IS NULL ORDER BY 1, 2"""
QUERIES = """SELECT statement_text AS sql, count(*) AS runs, array_join(collect_set(executed_by), ',') AS users,
max(start_time) AS last, sum(read_bytes) AS read, sum(total_task_duration_ms) AS task_ms FROM system.query.history
WHERE start_time > current_timestamp() - INTERVAL 30 DAYS AND execution_status = 'FINISHED'
AND statement_type IN ('SELECT', 'INSERT', 'MERGE', 'CREATE', 'REPLACE') AND statement_text <> ''
GROUP BY statement_text ORDER BY runs DESC LIMIT 5000"""
# Corrections are rows of their own, with their sign: the sum is right. Where one price is unknown, so is the sum.
JOB_COSTS = """SELECT u.workspace_id, u.usage_metadata.job_id AS job_id, sum(u.usage_quantity) AS dbus,
CASE WHEN count(*) = count(p.pricing.default) THEN sum(u.usage_quantity * p.pricing.default) END AS listed,
max(p.currency_code) AS currency FROM system.billing.usage u
LEFT JOIN system.billing.list_prices p ON p.cloud = u.cloud AND p.sku_name = u.sku_name
AND p.usage_unit = u.usage_unit AND u.usage_start_time >= p.price_start_time
AND (p.price_end_time IS NULL OR u.usage_start_time < p.price_end_time)
WHERE u.usage_date > current_date() - INTERVAL 30 DAYS AND u.usage_unit = 'DBU'
AND u.usage_metadata.job_id IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2"""
# Errors of a statement that are the server's trouble, not the role's: nothing may be taken for absent because of them.
FLEETING = ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "IO_ERROR", "SERVICE_UNDER_MAINTENANCE", "CANCELLED",
            "ABORTED", "WORKSPACE_TEMPORARILY_UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED")  # fmt: skip


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


class Databricks(DatabricksRuns):
    """One Databricks workspace with Unity Catalog."""

    name: ClassVar[str] = "databricks"
    title: ClassVar[str] = "Databricks (Unity Catalog)"
    dialect: ClassVar[str | None] = "databricks"
    extracts: ClassVar[tuple[str, ...]] = (
        "database",
        "schema",
        "table",
        "view",
        "column",
        "query",
        "job",
        "dashboard",
    )
    extra: ClassVar[str | None] = None
    verified: ClassVar[str] = "documented"
    settings: ClassVar[type[Any]] = Settings
    grant_script: ClassVar[str] = """\
GRANT BROWSE ON CATALOG <catalog> TO `<service principal>`;            -- sees metadata, reads no table
GRANT USE CATALOG ON CATALOG system TO `<service principal>`;
GRANT USE SCHEMA, SELECT ON SCHEMA system.information_schema TO `<service principal>`;
GRANT USE SCHEMA, SELECT ON SCHEMA system.access TO `<service principal>`;  -- optional: lineage
GRANT USE SCHEMA, SELECT ON SCHEMA system.lakeflow TO `<service principal>`;  -- optional: jobs and their runs
-- GRANT USE SCHEMA, SELECT ON SCHEMA system.query TO `<service principal>`;  -- optional: popularity, frequent queries
-- GRANT USE SCHEMA, SELECT ON SCHEMA system.billing TO `<service principal>`;  -- optional: what jobs cost
-- and 'Can use' on the SQL warehouse. Dashboards are listed where it has 'Can view' on them.
"""
    query_grant_script: ClassVar[str] = QUERY_GRANTS

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

    @well_formed
    def extract(self) -> Iterator[Record]:
        """Catalogs as databases, schemas, tables with everything on them, then lineage. Raises SourceError."""
        wanted, base = Selection.of(self._at.schemas, self._at.exclude), Selection.of(self._at.catalogs, ())

        def both(catalog: str, condition: tuple[str, list[str]]) -> tuple[str, list[str]]:
            above = base.schema_condition(catalog, mark="?")
            return f"{above[0]} AND {condition[0]}", [*above[1], *condition[1]]

        with self._open() as api:
            yield Progress("schemas", 0)
            refused: list[str] = []
            tags = list(self._where_shared(api, TAGS, "tags", refused))
            above: dict[tuple[str, str | None], set[str]] = defaultdict(set)
            for row in tags:
                if row["tag"] and not row["table"]:
                    above[row["database"], row["schema"] or None].add(tag_of(row))
            for row in self._rows(api, *_given(CATALOGS, base.schema_condition("catalog_name", mark="?"))):
                name, of_catalog = row["catalog_name"], above[row["catalog_name"], None]
                yield Database(
                    name, row["comment"] or None, row["catalog_owner"] or None, tuple(sorted(of_catalog))
                )
            chosen = both("catalog_name", wanted.schema_condition("schema_name", mark="?"))
            for row in self._rows(api, *_given(SCHEMAS, chosen)):
                yield Schema(
                    row["catalog_name"],
                    row["schema_name"],
                    row["comment"] or None,
                    row["schema_owner"] or None,
                    tuple(sorted(above[row["catalog_name"], row["schema_name"]])),
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
                keys=list(self._where_shared(api, KEYS, "keys", refused)),
                tags=tags,
            ):
                # ordinal_position begins with 0 where the documentation says 1
                numbered = (each._replace(position=n) for n, each in enumerate(table.columns, start=1))
                yield replace(table, columns=tuple(numbered))
            known: set[str] = set()
            for asset in (*self._jobs(api, refused), *self._dashboards(api, refused)):
                known.add(asset.key)
                yield asset
            yield Progress("lineage", 0)
            yield from dict.fromkeys(self._edges(api, known, refused))
            for what in dict.fromkeys(refused):
                yield Unread(what, what != "system.billing")

    def queries(self) -> Iterator[Query | Unread]:
        """The statements of the last 30 days, what they read and how long their tasks took. Raises SourceError."""
        with self._open() as api:
            try:
                for row in self._rows(api, QUERIES):
                    users = tuple(filter(None, (row["users"] or "").split(",")))
                    costs = costs_of(bytes_read=row.get("read"), task_seconds=(row.get("task_ms"), 1000))
                    yield Query(row["sql"], number(row["runs"]) or 1, users, moment(row["last"]), costs=costs)
            except PermissionMissing:
                yield Unread("system.query")

    def _jobs(self, api: Api, refused: list[str]) -> Iterator[Asset]:
        costs = {
            (row.get("workspace_id"), row.get("job_id")): row
            for row in self._where_shared(api, JOB_COSTS, "system.billing", refused)
        }
        for row in self._where_shared(api, JOBS, "system.lakeflow", refused):
            if not row.get("job_id"):
                continue
            facts = {
                "workspace": row.get("workspace_id"),
                "runs_30_days": row.get("runs"),
                "last_status": row.get("state"),
                "last_error": row.get("code") if row.get("state") not in (None, "SUCCEEDED") else None,
                "last_run": moment(row.get("started")),
                "last_end": moment(row.get("ended")),
                **_job_cost(costs.get((row.get("workspace_id"), row.get("job_id")), {})),
            }
            yield Asset(
                "job",
                f"job/{row['workspace_id']}/{row['job_id']}",
                row.get("name") or f"Job {row['job_id']}",
                description=row.get("description") or None,
                url=f"{self._at.url.rstrip('/')}/jobs/{row['job_id']}?o={row['workspace_id']}",
                changed_at=moment(row.get("changed")),
                properties={name: str(value) for name, value in facts.items() if value},
            )

    def _dashboards(self, api: Api, refused: list[str]) -> Iterator[Asset]:
        """Those of the workspace, but what is in the trash."""

        def after(page: Any) -> Mapping[str, Any] | None:
            token = page.get("next_page_token")
            return {"page_token": token} if token else None

        try:
            for page in api.pages("/api/2.0/lakeview/dashboards", after, {"page_size": 100}, optional=True):
                for each in page.get("dashboards") or ():
                    if each.get("dashboard_id") and each.get("lifecycle_state") != "TRASHED":
                        yield Asset(
                            "dashboard",
                            f"dashboard/{each['dashboard_id']}",
                            each.get("display_name") or each["dashboard_id"],
                            url=f"{self._at.url.rstrip('/')}/sql/dashboardsv3/{each['dashboard_id']}",
                            changed_at=moment(each.get("update_time")),
                            properties={"path": each["path"]} if each.get("path") else {},
                        )
        except LEFT_OUT:
            refused.append("dashboards")

    def _edges(self, api: Api, known: set[str], refused: list[str]) -> Iterator[Lineage]:
        """What Unity Catalog saw in the last 90 days: tables, their columns, jobs and dashboards."""
        for statement in (LINEAGE, OF_COLUMNS):
            for row in self._where_shared(api, statement, "system.access", refused):
                column = statement is OF_COLUMNS
                up, down = (_end(row, end, column=column) for end in ("source", "target"))
                if up and down and up != down and bool(up.column) == bool(down.column) == column:
                    yield Lineage(up, down, "unity")
        for row in self._where_shared(api, OF_WORK, "what jobs and dashboards read", refused):
            key = f"dashboard/{row.get('entity_id')}"
            if row.get("entity_type") == "JOB":
                key = f"job/{row.get('workspace_id')}/{row.get('entity_id')}"
            if key not in known:
                continue
            if source := _end(row, "source"):
                yield Lineage(source, Ref(key=key), "unity")
            if row.get("entity_type") == "JOB" and (target := _end(row, "target")):
                yield Lineage(Ref(key=key), target, "unity")

    def _where_shared(self, api: Api, statement: str, what: str, refused: list[str]) -> Iterator[Row]:
        """Every row of a table of `system` that need not be shared with us; then none, and `refused` says so."""
        try:
            yield from self._paged(api, statement, ())
        except PermissionMissing:
            refused.append(what)

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
            error = (answer.get("status") or {}).get("error") or {}
            if error.get("error_code") in FLEETING or _state(answer) in ("CANCELED", "CLOSED"):
                raise SourceInterrupted("Databricks did not finish a metadata statement; try again later")
            raise PermissionMissing("Databricks refused a metadata statement; run the grant script")
        manifest = answer.get("manifest") or {}  # what is no SELECT (push back) has no columns
        if manifest.get("truncated"):
            raise SourceInterrupted("Databricks cut a result short; narrow 'catalogs' or 'schemas'")
        schema = manifest.get("schema") or {}
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


def _job_cost(row: Row) -> dict[str, str]:
    """The DBUs of 30 days, and at list prices, which are not what anybody's contract says."""
    found = {}
    if dbus := amount(row.get("dbus")):
        found["dbus_30_days"] = f"{dbus:.3g}" if dbus < 100 else f"{dbus:.0f}"
    if listed := amount(row.get("listed")):
        found["list_price_30_days"] = f"{listed:.2f} {row.get('currency') or ''}".strip()
    return found


def _end(row: Row, end: str, *, column: bool = False) -> Ref | None:
    """One end of an edge; None where it is a path and no table."""
    base, schema, table = (row.get(f"{end}_table_{part}") for part in ("catalog", "schema", "name"))
    return (
        Ref(None, base, schema, table, row.get(f"{end}_column_name") if column else None) if table else None
    )


def _given(statement: str, condition: tuple[str, list[str]]) -> tuple[str, Parameters]:
    """A statement with its one condition, whose values are named parameters."""
    field = re.findall(r"\{(\w+)\}", statement)[0]
    pieces = condition[0].split("?")
    marked = "".join(f"{piece}:p{n}" for n, piece in enumerate(pieces[:-1])) + pieces[-1]
    values = [{"name": f"p{n}", "value": value, "type": "STRING"} for n, value in enumerate(condition[1])]
    return statement.format(**{field: marked}), values
