"""BigQuery: datasets, tables, views, columns with their fields, keys, descriptions, labels, sizes, routines, lineage,
and popularity.

Reads the INFORMATION_SCHEMA views of a region, where one statement covers every dataset: seven, whatever the number of
tables, and one for the keys of every 50 datasets, since keys are told by dataset only. Results come by pages of 10,000
rows. What needs more than the Metadata Viewer (the log of jobs) or is not told to everybody (sizes, keys, routines) is
asked for apart, and its absence costs that part alone.

Source: https://cloud.google.com/bigquery/docs/information-schema-intro (one page a view),
https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/query and /getQueryResults,
https://cloud.google.com/bigquery/docs/error-messages (a rate limit comes as 403 with its reason)
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlsplit

from connectors.bigquery_run import QUERY_GRANTS, BigQueryRuns
from connectors.errors import BadSettings, PermissionMissing, SignInRefused
from connectors.http import LEFT_OUT, Api
from connectors.records import Asset, Database, Lineage, Progress, Query, Record, Ref, Schema, Unread
from connectors.selection import Selection
from connectors.settings import setting
from connectors.shape import well_formed
from connectors.warehouse import Place, Row, costs_of, moment, number, row_of, tables_of, truth

PAGE = 10_000
SCHEMAS = """SELECT s.schema_name, o.option_value FROM {region}.SCHEMATA s
LEFT JOIN {region}.SCHEMATA_OPTIONS o ON o.schema_name = s.schema_name AND o.option_name = 'description'
WHERE {schemas} ORDER BY 1"""
TABLES = """SELECT t.table_catalog AS database, t.table_schema AS schema, t.table_name AS name, t.table_type AS kind,
CASE t.table_type WHEN 'MATERIALIZED VIEW' THEN COALESCE(v.view_definition, t.ddl) ELSE v.view_definition END
AS definition, UNIX_SECONDS(t.creation_time) AS created FROM {region}.TABLES t
LEFT JOIN {region}.VIEWS v ON v.table_schema = t.table_schema AND v.table_name = t.table_name
WHERE {tables} ORDER BY 2, 3"""
SIZES = """SELECT s.table_schema AS schema, s.table_name AS name, s.total_rows AS `rows`,
s.total_logical_bytes AS bytes, UNIX_SECONDS(s.storage_last_modified_time) AS changed,
s.long_term_logical_bytes AS long_term, s.total_physical_bytes + s.fail_safe_physical_bytes AS physical
FROM {region}.TABLE_STORAGE s WHERE NOT s.deleted AND {tables}"""
OPTIONS = """SELECT table_schema AS schema, table_name AS `table`, option_name, option_value
FROM {region}.TABLE_OPTIONS WHERE option_name IN ('description', 'labels') AND {columns}"""
COLUMNS = """SELECT f.table_catalog AS database, f.table_schema AS schema, f.table_name AS `table`,
f.field_path AS name, c.ordinal_position AS position, f.data_type AS type, c.is_nullable AS nullable,
NULLIF(c.column_default, 'NULL') AS `default`, f.description, ARRAY_TO_STRING(f.policy_tags, ',') AS tags
FROM {region}.COLUMN_FIELD_PATHS f JOIN {region}.COLUMNS c ON c.table_schema = f.table_schema
AND c.table_name = f.table_name AND c.column_name = f.column_name WHERE {columns} ORDER BY 2, 3, 5, 4"""
KEYS = """SELECT k.table_catalog AS database, k.table_schema AS schema, k.table_name AS `table`,
CASE t.constraint_type WHEN 'PRIMARY KEY' THEN 'primary' ELSE 'foreign' END AS kind, k.constraint_name AS `key`,
k.column_name AS `column`, k.ordinal_position AS position, u.table_schema AS ref_schema, u.table_name AS ref_table,
p.column_name AS ref_column FROM {dataset}.KEY_COLUMN_USAGE k
JOIN {dataset}.TABLE_CONSTRAINTS t ON t.constraint_name = k.constraint_name AND t.table_name = k.table_name
LEFT JOIN (SELECT DISTINCT constraint_name, table_schema, table_name FROM {dataset}.CONSTRAINT_COLUMN_USAGE) u
ON t.constraint_type = 'FOREIGN KEY' AND u.constraint_name = k.constraint_name
LEFT JOIN {dataset}.KEY_COLUMN_USAGE p ON p.table_name = u.table_name AND p.position_in_unique_constraint IS NULL
AND p.ordinal_position = k.position_in_unique_constraint"""
ROUTINES = """SELECT routine_schema AS schema, routine_name AS name, routine_type AS kind,
routine_definition AS definition, external_language AS language, UNIX_SECONDS(last_altered) AS changed
FROM {region}.ROUTINES WHERE {routines} ORDER BY 1, 2"""
LINEAGE = """SELECT DISTINCT r.project_id AS source_project, r.dataset_id AS source_dataset, r.table_id AS source_table,
j.destination_table.project_id AS target_project, j.destination_table.dataset_id AS target_dataset,
j.destination_table.table_id AS target_table FROM {region}.JOBS_BY_PROJECT j, UNNEST(j.referenced_tables) r
WHERE j.creation_time > TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 30 DAY) AND j.state = 'DONE'
AND j.error_result IS NULL AND j.statement_type IN ('INSERT', 'MERGE', 'UPDATE', 'CREATE_TABLE_AS_SELECT')"""
QUERIES = """SELECT ANY_VALUE(query) AS sql, COUNT(*) AS runs, STRING_AGG(DISTINCT user_email, ',' LIMIT 20) AS users,
UNIX_SECONDS(MAX(creation_time)) AS last, SUM(total_bytes_billed) AS billed, SUM(total_slot_ms) AS slot_ms
FROM {region}.JOBS_BY_PROJECT
WHERE creation_time > TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 30 DAY) AND state = 'DONE' AND error_result IS NULL
AND job_type = 'QUERY' AND statement_type IN ('SELECT', 'INSERT', 'MERGE', 'CREATE_TABLE_AS_SELECT')
GROUP BY query_info.query_hashes.normalized_literals ORDER BY runs DESC LIMIT 5000"""
KEYED = 50
"""Datasets whose keys one statement asks for; a statement may name 1,000 tables."""
LABEL = re.compile(r'STRUCT\("((?:[^"\\]|\\.)*)", "((?:[^"\\]|\\.)*)"\)')
NAME = re.compile(r"^[a-z0-9][a-z0-9.:-]*$")


@dataclass(frozen=True, slots=True)
class Settings:
    """A project, a region of it, and a service account's key."""

    project: str = setting("Project", "Its id")
    key: str = setting("Service account key", "The JSON file's text", secret=True)
    region: str = setting("Region", "Where the datasets are, for example eu or us", default="us")
    schemas: tuple[str, ...] = setting(
        "Datasets", "Patterns such as sales or sales.tmp_*", kind="list", default=()
    )
    exclude: tuple[str, ...] = setting("Leave out", "Patterns, as above", kind="list", default=())
    url: str = setting("Address", "Of the API", default="https://bigquery.googleapis.com")
    max_bytes_billed: int = setting(
        "Most bytes a query may read",
        "For Run SQL: BigQuery bills by bytes read and refuses what would read more",
        kind="int",
        default=10_000_000_000,
    )


class BigQuery(BigQueryRuns):
    """One project's datasets in one region."""

    name: ClassVar[str] = "bigquery"
    title: ClassVar[str] = "BigQuery"
    dialect: ClassVar[str | None] = "bigquery"
    extracts: ClassVar[tuple[str, ...]] = (
        "database",
        "schema",
        "table",
        "view",
        "column",
        "query",
    )
    extra: ClassVar[str | None] = None
    verified: ClassVar[str] = "documented"
    settings: ClassVar[type[Any]] = Settings
    grant_script: ClassVar[str] = """\
# Metadata Viewer reads no table; Job User runs the statements over INFORMATION_SCHEMA.
gcloud iam service-accounts create docent-reader --project <project>
gcloud projects add-iam-policy-binding <project> --role roles/bigquery.metadataViewer \\
  --member serviceAccount:docent-reader@<project>.iam.gserviceaccount.com
gcloud projects add-iam-policy-binding <project> --role roles/bigquery.jobUser \\
  --member serviceAccount:docent-reader@<project>.iam.gserviceaccount.com
# Optional, for popularity and for what jobs read and wrote: roles/bigquery.resourceViewer.
"""
    query_grant_script: ClassVar[str] = QUERY_GRANTS

    def __init__(self, settings: Settings) -> None:
        if not NAME.match(settings.project) or not NAME.match(settings.region.lower()):
            raise BadSettings("the settings 'project' and 'region' are ids such as acme-data and eu")
        if settings.max_bytes_billed < 1:
            raise BadSettings("the setting 'max_bytes_billed' must be at least 1")
        self._at = settings
        try:
            self._key: dict[str, str] = json.loads(settings.key)
        except ValueError as error:
            raise BadSettings("the secret 'key' is not the JSON of a service account") from error
        if (
            not isinstance(self._key, dict)
            or not {"client_email", "private_key", "token_uri"} <= self._key.keys()
        ):
            raise BadSettings("the secret 'key' is not the JSON of a service account")
        self._names = {
            "region": f"`{settings.project}`.`region-{settings.region.lower()}`.INFORMATION_SCHEMA"
        }

    def check(self) -> str:
        """How many datasets there are. Raises SourceError."""
        with self._open() as api:
            row = next(self._rows(api, "SELECT COUNT(*) AS n FROM {region}.SCHEMATA".format(**self._names)))
        return f"BigQuery answers: {row['n']} datasets in {self._at.region}"

    @well_formed
    def extract(self) -> Iterator[Record]:
        """The project as a database, datasets as schemas, tables. Raises SourceError."""
        wanted = Selection.of(self._at.schemas, self._at.exclude)
        at = self._at
        datasets: list[str] = []
        refused: list[str] = []
        with self._open() as api:
            yield Database(at.project)
            yield Progress("datasets", 0)
            chosen, given = _condition(wanted.schema_condition("s.schema_name", mark="?"))
            for row in self._rows(api, SCHEMAS.format(**self._names, schemas=chosen), given):
                if row["schema_name"]:
                    datasets.append(row["schema_name"])
                    yield Schema(at.project, row["schema_name"], _unquoted(row["option_value"]))
            told: dict[Place, str] = {}
            labels: dict[Place, list[str]] = defaultdict(list)
            columns, given = _condition(_tables(wanted, ""))
            for row in self._rows(api, OPTIONS.format(**self._names, columns=columns), given):
                place = (at.project, row["schema"], row["table"])
                if row["option_name"] == "description":
                    told[place] = _unquoted(row["option_value"]) or ""
                else:
                    labels[place] += [
                        f"{key}:{value}" if value else key
                        for key, value in LABEL.findall(row["option_value"] or "")
                    ]
            tables, given_tables = _condition(_tables(wanted, "t."))
            of_columns, given_columns = _condition(_tables(wanted, "f."))
            yield Progress("columns", 0)
            rows = list(self._rows(api, COLUMNS.format(**self._names, columns=of_columns), given_columns))
            tags = [
                {**row, "column": row["name"], "tag": tag}
                for row in rows
                for tag in (row["tags"] or "").split(",")
                if tag
            ]
            tags += [
                {"database": place[0], "schema": place[1], "table": place[2], "tag": label}
                for place, each in labels.items()
                for label in each
            ]
            sizes_of, given_sizes = _condition(_tables(wanted, "s."))
            sizes = {
                (row["schema"], row["name"]): row
                for row in self._where_granted(
                    api, SIZES.format(**self._names, tables=sizes_of), given_sizes, "sizes", refused
                )
            }
            yield from tables_of(
                (
                    {
                        **row,
                        **sizes.get((row["schema"], row["name"]), {}),
                        "description": told.get((row["database"], row["schema"], row["name"])),
                    }
                    for row in self._rows(api, TABLES.format(**self._names, tables=tables), given_tables)
                ),
                rows,
                keys=list(self._keys(api, datasets, refused)),
                tags=tags,
                properties={(at.project, *place): _stored(row) for place, row in sizes.items()},
            )
            chosen, given = _condition(wanted.schema_condition("routine_schema", mark="?"))
            routines = ROUTINES.format(**self._names, routines=chosen)
            for row in self._where_granted(api, routines, given, "routines", refused):
                if row.get("schema") and row.get("name"):
                    yield self._routine(row)
            yield Progress("lineage", 0)
            for row in self._where_granted(
                api, LINEAGE.format(**self._names), None, "the log of jobs", refused
            ):
                up, down = (
                    Ref(None, *(row.get(f"{end}_{part}") for part in ("project", "dataset", "table")))
                    for end in ("source", "target")
                )
                # results that nobody named lie in datasets whose names begin with an underscore
                if (
                    up.table
                    and down.table
                    and up != down
                    and not str(down.schema).startswith("_")
                    and not str(up.schema).startswith("_")
                ):
                    yield Lineage(up, down, "bigquery")
            for what in dict.fromkeys(refused):
                yield Unread(what, what != "sizes")

    def _keys(self, api: Api, datasets: list[str], refused: list[str]) -> Iterator[Row]:
        """The keys of every dataset, KEYED of them a statement."""
        for start in range(0, len(datasets), KEYED):
            each = (
                KEYS.format(dataset=f"`{self._at.project}`.`{name}`.INFORMATION_SCHEMA")
                for name in datasets[start : start + KEYED]
            )
            yield from self._where_granted(api, "\nUNION ALL ".join(each), None, "keys", refused)

    def _where_granted(
        self, api: Api, statement: str, given: list[str] | None, what: str, refused: list[str]
    ) -> Iterator[Row]:
        """Every row of what not every role can read; where it cannot, none, and `refused` says so."""
        try:
            yield from self._rows(api, statement, given)
        except LEFT_OUT:
            refused.append(what)

    def _routine(self, row: Row) -> Asset:
        kind = str(row.get("kind") or "routine").lower()
        in_sql = not row.get("language") and row.get("definition")
        return Asset(
            "query",
            f"routine/{row.get('schema')}.{row.get('name')}",
            str(row.get("name")),
            definition=row.get("definition") or None,
            dialect="bigquery" if in_sql else None,
            changed_at=moment(row.get("changed")),
            properties={"type": kind, "schema": f"{self._at.project}.{row.get('schema')}"},
        )

    def queries(self) -> Iterator[Query | Unread]:
        """The statements of the last 30 days, folded by the engine's own hash, with costs. Raises SourceError."""
        refused: list[str] = []
        with self._open() as api:
            statement = QUERIES.format(**self._names)
            for row in self._where_granted(api, statement, None, "the log of jobs", refused):
                users = tuple(filter(None, (row["users"] or "").split(",")))
                costs = costs_of(bytes_billed=row.get("billed"), slot_seconds=(row.get("slot_ms"), 1000))
                runs, last = number(row["runs"]) or 1, moment(row["last"])
                yield Query(row["sql"], runs, users, last, self._at.project, costs=costs)
            for what in refused:
                yield Unread(what)

    def _rows(self, api: Api, statement: str, given: list[str] | None = None) -> Iterator[Row]:
        """Every row of a statement, page by page."""
        base = f"/bigquery/v2/projects/{self._at.project}/queries"
        body: dict[str, Any] = {
            "query": statement,
            "useLegacySql": False,
            "location": self._at.region,
            "maxResults": PAGE,
            "timeoutMs": 20_000,
        }
        if given:
            body["parameterMode"] = "POSITIONAL"
            body["queryParameters"] = [
                {"parameterType": {"type": "STRING"}, "parameterValue": {"value": value}} for value in given
            ]
        answer = api.ask(base, body)
        job = answer.get("jobReference") or {}
        params = {"location": job.get("location", self._at.region), "maxResults": PAGE, "timeoutMs": 20_000}
        # a server need not hold the answer back as long as it may
        answer = api.until(
            answer,
            lambda told: truth(told.get("jobComplete"), unless_told="rows" in told),
            lambda _: api.get(f"{base}/{job['jobId']}", params),
            rest=0.2,
        )
        if answer.get("errors") and "schema" not in answer:  # beside a result they are warnings
            raise PermissionMissing("BigQuery refused a metadata statement; run the grant script")
        # What is no SELECT (push back) answers without a schema.
        names = [field["name"] for field in (answer.get("schema") or {}).get("fields") or ()]
        while True:
            for row in answer.get("rows") or ():
                yield row_of(names, [cell.get("v") for cell in row.get("f") or ()])
            if not answer.get("pageToken"):
                return
            answer = api.get(f"{base}/{job['jobId']}", {**params, "pageToken": answer["pageToken"]})

    def _open(self) -> Api:
        return Api(self._at.url, self._sign_in, title="BigQuery")

    def _sign_in(self) -> Mapping[str, str]:
        """An access token of an hour for a signed assertion (RFC 7523)."""
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import padding, rsa

        now = int(time.time())
        claims = {
            "iss": self._key["client_email"],
            "scope": "https://www.googleapis.com/auth/bigquery",
            "aud": self._key["token_uri"],
            "iat": now,
            "exp": now + 3600,
        }
        try:
            key = serialization.load_pem_private_key(self._key["private_key"].encode(), password=None)
        except (ValueError, TypeError) as error:
            raise BadSettings("the service account's private key cannot be read") from error
        if not isinstance(key, rsa.RSAPrivateKey):
            raise BadSettings("the service account's private key is not an RSA key")
        head = {"alg": "RS256", "typ": "JWT"}
        text = ".".join(_b64(json.dumps(part).encode()) for part in (head, claims))
        assertion = f"{text}.{_b64(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"
        parts = urlsplit(self._key["token_uri"])
        fields = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
        with Api(f"{parts.scheme}://{parts.netloc}", dict, title="Google's sign-in") as api:
            token = api.form(parts.path or "/", fields).get("access_token")
        if not token:
            raise SignInRefused("Google's sign-in gave no token for this service account")
        return {"Authorization": f"Bearer {token}"}


def _stored(row: Row) -> dict[str, str]:
    """What storage is billed by, beside the size: bytes at the lower price of what nobody changed for 90 days, and
    bytes on disk with those of time travel and fail-safe, for datasets that are billed by them.
    """
    told = {"long_term_bytes": row.get("long_term"), "physical_bytes": row.get("physical")}
    return {name: str(value) for name, each in told.items() if (value := number(each))}


def _tables(wanted: Selection, prefix: str) -> tuple[str, list[str]]:
    qualified = f"CONCAT({prefix}table_schema, '.', {prefix}table_name)"
    return wanted.table_condition(f"{prefix}table_schema", qualified, mark="?")


def _condition(condition: tuple[str, list[str]]) -> tuple[str, list[str]]:
    """BigQuery's LIKE has no ESCAPE: the backslash escapes, so patterns are made anew with it."""
    return condition[0].replace(" ESCAPE '!'", ""), [
        re.sub(r"!([!%_])", r"\\\1", value) for value in condition[1]
    ]


def _unquoted(value: str | None) -> str | None:
    """An option's value, which is a literal of SQL, as text."""
    if not value:
        return None
    try:
        return str(json.loads(value))
    except ValueError:
        return value.strip('"')


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
