"""The statements of the Snowflake connector, and how its answers name things.

Every view and column was held against its page under https://docs.snowflake.com/en/sql-reference/account-usage (a test
executes the statements over tables with exactly the documented columns). COPY_HISTORY's FIRST_ERROR_MESSAGE can quote
values of a row and is not among them.
"""

from __future__ import annotations

import re

from connectors.records import Ref
from connectors.warehouse import Row, tag_of

U = "snowflake.account_usage"
DATABASES = f"SELECT database_name, comment, database_owner FROM {U}.databases WHERE deleted IS NULL AND {{databases}}"
SCHEMAS = f"""SELECT catalog_name, schema_name, comment, schema_owner FROM {U}.schemata
WHERE deleted IS NULL AND schema_name <> 'INFORMATION_SCHEMA' AND {{schemas}} ORDER BY 1, 2"""
TABLES = f"""SELECT t.table_catalog AS "database", t.table_schema AS "schema", t.table_name AS "name",
t.table_type AS "kind", t.comment AS "description", t.table_owner AS "owner", v.view_definition AS "definition",
t.row_count AS "rows", t.bytes AS "bytes", date_part(epoch_second, t.last_altered) AS "changed",
date_part(epoch_second, t.created) AS "created" FROM {U}.tables t
LEFT JOIN {U}.views v ON v.table_id = t.table_id AND v.deleted IS NULL
WHERE t.deleted IS NULL AND t.table_schema <> 'INFORMATION_SCHEMA' AND {{tables}} ORDER BY 1, 2, 3"""
COLUMNS = f"""SELECT table_catalog AS "database", table_schema AS "schema", table_name AS "table",
column_name AS "name", ordinal_position AS "position",
CASE WHEN data_type = 'NUMBER' AND numeric_precision IS NOT NULL
THEN 'NUMBER(' || numeric_precision || ',' || numeric_scale || ')'
WHEN data_type = 'TEXT' AND character_maximum_length IS NOT NULL
THEN 'VARCHAR(' || character_maximum_length || ')' ELSE data_type END AS "type", is_nullable AS "nullable",
column_default AS "default", comment AS "description" FROM {U}.columns
WHERE deleted IS NULL AND table_schema <> 'INFORMATION_SCHEMA' AND {{columns}}"""
TAGS = f"""SELECT domain AS "domain", object_database AS "database", object_schema AS "schema", object_name AS "table",
column_name AS "column", tag_name AS "tag", tag_value AS "value" FROM {U}.tag_references WHERE object_deleted IS NULL
AND domain NOT IN ('ROLE', 'USER', 'WAREHOUSE', 'INTEGRATION', 'ACCOUNT')"""
DEPENDENCIES = f"""SELECT referenced_database, referenced_schema, referenced_object_name,
referencing_database, referencing_schema, referencing_object_name FROM {U}.object_dependencies
WHERE referenced_object_domain IN ('TABLE', 'VIEW', 'MATERIALIZED VIEW', 'EXTERNAL TABLE', 'DYNAMIC TABLE')
AND referencing_object_domain IN ('VIEW', 'MATERIALIZED VIEW', 'DYNAMIC TABLE')"""
# What statements read and wrote, columns where Snowflake knows them: Enterprise Edition and above.
WRITTEN = f"""SELECT DISTINCT r.value:"objectName"::varchar AS "source", NULL AS "source_column",
w.value:"objectName"::varchar AS "target", NULL AS "target_column"
FROM {U}.access_history h, LATERAL FLATTEN(input => h.direct_objects_accessed) r,
LATERAL FLATTEN(input => h.objects_modified) w
WHERE h.query_start_time > dateadd(day, -30, current_timestamp())
AND r.value:"objectDomain"::varchar IN ('Table', 'View', 'Materialized view', 'External table', 'Dynamic table')
AND w.value:"objectDomain"::varchar IN ('Table', 'Dynamic table')
UNION SELECT DISTINCT s.value:"objectName"::varchar, s.value:"columnName"::varchar,
w.value:"objectName"::varchar, c.value:"columnName"::varchar
FROM {U}.access_history h, LATERAL FLATTEN(input => h.objects_modified) w,
LATERAL FLATTEN(input => w.value:"columns") c, LATERAL FLATTEN(input => c.value:"directSources") s
WHERE h.query_start_time > dateadd(day, -30, current_timestamp())
AND s.value:"objectDomain"::varchar IN ('Table', 'View', 'Materialized view', 'External table', 'Dynamic table')
AND w.value:"objectDomain"::varchar IN ('Table', 'Dynamic table')"""
# What storage of each table is billed by: it outlives a row by time travel and fail-safe. Of USAGE_VIEWER, as LOADS.
STORAGE = f"""SELECT table_catalog AS "database", table_schema AS "schema", table_name AS "name",
sum(active_bytes + time_travel_bytes + failsafe_bytes + retained_for_clone_bytes) AS "billed"
FROM {U}.table_storage_metrics WHERE deleted = FALSE AND {{tables}} GROUP BY 1, 2, 3"""
PIPES = f"""SELECT p.pipe_id AS "id", p.pipe_catalog AS "database", p.pipe_schema AS "schema", p.pipe_name AS "name",
p.pipe_owner AS "owner", p.definition AS "definition", p.comment AS "description", p.pattern AS "pattern",
date_part(epoch_second, p.last_altered) AS "changed" FROM {U}.pipes p
WHERE p.deleted IS NULL AND {{pipes}} ORDER BY 1, 2, 3"""
# Of the database role USAGE_VIEWER.
LOADS = f"""SELECT pipe_catalog_name AS "database", pipe_schema_name AS "schema", pipe_name AS "name",
count(*) AS "loads", date_part(epoch_second, max(last_load_time)) AS "last" FROM {U}.copy_history
WHERE last_load_time > dateadd(day, -30, current_timestamp()) AND pipe_name IS NOT NULL GROUP BY 1, 2, 3"""
PIPE_CREDITS = f"""SELECT pipe_id AS "id", sum(credits_used) AS "credits" FROM {U}.pipe_usage_history
WHERE start_time > dateadd(day, -30, current_timestamp()) GROUP BY 1"""
APPS = "SHOW STREAMLITS IN ACCOUNT"
KEYS = (("PRIMARY KEYS", "primary"), ("UNIQUE KEYS", "unique"), ("IMPORTED KEYS", "foreign"))
FACTS = ("what storage is billed", "what pipes cost")
"""What of STORAGE and PIPE_CREDITS is said where the role may not read them: no thing goes with it."""
MOST = 10_000
"""Rows that a SHOW gives at most, whatever there is."""
# Credits of a run without what its warehouse idled; runs of a tenth of a second and less have none.
QUERIES = f"""SELECT any_value(q.query_text), count(*), array_agg(DISTINCT q.user_name), max(q.start_time),
any_value(q.database_name), any_value(q.schema_name), {{credits}} FROM {U}.query_history q {{joined}}
WHERE q.start_time > dateadd(day, -30, current_timestamp()) AND q.execution_status = 'SUCCESS'
AND q.query_type IN ('SELECT', 'INSERT', 'CREATE_TABLE_AS_SELECT', 'MERGE')
GROUP BY q.query_parameterized_hash ORDER BY 2 DESC LIMIT 5000"""
CREDITS = "sum(a.credits_attributed_compute + coalesce(a.credits_used_query_acceleration, 0))"
ATTRIBUTED = f"LEFT JOIN {U}.query_attribution_history a ON a.query_id = q.query_id"
COSTED = QUERIES.format(credits=CREDITS, joined=ATTRIBUTED)
PLAIN = QUERIES.format(credits="NULL", joined="")

_NAME = r'(?:"(?:[^"]|"")*"|[\w$]+)'
_PARTS = re.compile(r'"((?:[^"]|"")*)"|([^".]+)')
_COPY = re.compile(rf"\bcopy\s+into\s+({_NAME}(?:\.{_NAME}){{0,2}})", re.IGNORECASE)


def tags_above(rows: list[Row]) -> dict[tuple[str, ...], tuple[str, ...]]:
    """The tags of databases and schemas, by their names."""
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    for row in rows:
        names = {"DATABASE": ("table",), "SCHEMA": ("database", "table")}.get(row.get("domain") or "")
        if names and row["tag"]:
            place = tuple(row[name] for name in names)
            found[place] = tuple(sorted({*found.get(place, ()), tag_of(row)}))
    return found


def parts(name: str) -> list[str]:
    """A name with dots in its parts, as ACCESS_HISTORY writes it: what is quoted loses its quotes."""
    return [plain or quoted.replace('""', '"') for quoted, plain in _PARTS.findall(name)]


def place(name: str | None, column: str | None = None) -> Ref | None:
    """The table that `database.schema.table` names; None where it is no such name."""
    found = parts(name or "")
    if len(found) != 3:
        return None
    return Ref(None, found[0], found[1], found[2], column or None)


def loaded_by(definition: str | None, database: str, schema: str) -> Ref | None:
    """The table that a pipe's COPY INTO loads; what it leaves out is the pipe's own."""
    found = _COPY.search(definition or "")
    if not found:
        return None
    names = [
        quoted.replace('""', '"') if quoted else plain.upper() for quoted, plain in _PARTS.findall(found[1])
    ]
    base, space, table = [database, schema][: 3 - len(names)] + names
    return Ref(None, base, space, table)
