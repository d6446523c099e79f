"""Snowflake through its SQL API: databases, schemas, tables, views, columns, keys, tags, sizes, lineage, popularity.

Reads SNOWFLAKE.ACCOUNT_USAGE, where a role sees every object without a right on any, and SHOW ... KEYS IN ACCOUNT.
A constant number of statements; results come by partitions. No table of yours is named in any of them. ACCOUNT_USAGE
lags by up to three hours, which the description of the integration says.

Source: https://docs.snowflake.com/en/developer-guide/sql-api (handling responses, bind variables) and
https://docs.snowflake.com/en/sql-reference/account-usage; SHOW tells 10,000 keys of a kind at most.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from connectors.errors import BadSettings, PermissionMissing, SourceInterrupted
from connectors.http import Api
from connectors.records import Database, Lineage, Progress, Query, Record, Ref, Schema
from connectors.selection import Selection
from connectors.settings import setting
from connectors.warehouse import Row, filled, moment, number, row_of, tables_of

_U = "snowflake.account_usage"
DATABASES = f"SELECT database_name, comment, database_owner FROM {_U}.databases WHERE deleted IS NULL AND {{databases}}"
SCHEMAS = f"""SELECT catalog_name, schema_name, comment, schema_owner FROM {_U}.schemata
WHERE deleted IS NULL AND schema_name <> 'INFORMATION_SCHEMA' AND {{schemas}} ORDER BY 1, 2"""
TABLES = f"""SELECT t.table_catalog AS "database", t.table_schema AS "schema", t.table_name AS "name",
t.table_type AS "kind", t.comment AS "description", t.table_owner AS "owner", v.view_definition AS "definition",
t.row_count AS "rows", t.bytes AS "bytes", date_part(epoch_second, t.last_altered) AS "changed"
FROM {_U}.tables t LEFT JOIN {_U}.views v ON v.table_id = t.table_id AND v.deleted IS NULL
WHERE t.deleted IS NULL AND t.table_schema <> 'INFORMATION_SCHEMA' AND {{tables}} ORDER BY 1, 2, 3"""
COLUMNS = f"""SELECT table_catalog AS "database", table_schema AS "schema", table_name AS "table",
column_name AS "name", ordinal_position AS "position", data_type AS "type", is_nullable AS "nullable",
column_default AS "default", comment AS "description" FROM {_U}.columns
WHERE deleted IS NULL AND table_schema <> 'INFORMATION_SCHEMA' AND {{columns}}"""
TAGS = f"""SELECT object_database AS "database", object_schema AS "schema", object_name AS "table",
column_name AS "column", tag_name AS "tag" FROM {_U}.tag_references
WHERE domain IN ('TABLE', 'COLUMN') AND object_deleted IS NULL"""
LINEAGE = f"""SELECT referenced_database, referenced_schema, referenced_object_name,
referencing_database, referencing_schema, referencing_object_name FROM {_U}.object_dependencies
WHERE referenced_object_domain IN ('TABLE', 'VIEW', 'MATERIALIZED VIEW', 'EXTERNAL TABLE', 'DYNAMIC TABLE')
AND referencing_object_domain IN ('VIEW', 'MATERIALIZED VIEW', 'DYNAMIC TABLE')"""
KEYS = (
    ("SHOW PRIMARY KEYS IN ACCOUNT", "primary"),
    ("SHOW UNIQUE KEYS IN ACCOUNT", "unique"),
    ("SHOW IMPORTED KEYS IN ACCOUNT", "foreign"),
)
QUERIES = f"""SELECT any_value(query_text), count(*), array_agg(DISTINCT user_name), max(start_time),
any_value(database_name), any_value(schema_name) FROM {_U}.query_history
WHERE start_time > dateadd(day, -30, current_timestamp()) AND execution_status = 'SUCCESS'
AND query_type IN ('SELECT', 'INSERT', 'CREATE_TABLE_AS_SELECT', 'MERGE')
GROUP BY query_parameterized_hash ORDER BY 2 DESC LIMIT 5000"""


@dataclass(frozen=True, slots=True)
class Settings:
    """An account, a user with a key pair or a token, a warehouse to read metadata with."""

    account: str = setting(
        "Account", "As in its address before .snowflakecomputing.com, for example ab12345.eu-west-1"
    )
    warehouse: str = setting("Warehouse", "A small one; metadata needs little")
    role: str = setting("Role", "The role of the grant script", default="DOCENT_READER")
    user: str = setting("User", "With a key pair", default="")
    private_key: str = setting("Private key", "PEM, unencrypted, of the key pair", secret=True, default="")
    token: str = setting(
        "Token", "A programmatic access token instead of a key pair", secret=True, default=""
    )
    databases: tuple[str, ...] = setting("Databases", "Patterns; empty for all", kind="list", default=())
    schemas: tuple[str, ...] = setting(
        "Schemas", "Patterns such as SALES or SALES.TMP_*", kind="list", default=()
    )
    exclude: tuple[str, ...] = setting("Leave out", "Patterns, as above", kind="list", default=())
    tag_schema: str = setting(
        "Schema of tags",
        "Only for push back: database.schema where Docent makes the tags it pushes",
        default="",
    )
    url: str = setting("Address", "Only where it is not <account>.snowflakecomputing.com", default="")


class Snowflake:
    """One Snowflake account."""

    name: ClassVar[str] = "snowflake"
    title: ClassVar[str] = "Snowflake"
    dialect: ClassVar[str | None] = "snowflake"
    extracts: ClassVar[tuple[str, ...]] = ("database", "schema", "table", "view", "column", "query")
    extra: ClassVar[str | None] = None
    verified: ClassVar[str] = "documented"
    settings: ClassVar[type[Any]] = Settings
    grant_script: ClassVar[str] = """\
CREATE ROLE docent_reader;
GRANT DATABASE ROLE SNOWFLAKE.OBJECT_VIEWER TO ROLE docent_reader;      -- names, types, comments, sizes, definitions
GRANT DATABASE ROLE SNOWFLAKE.GOVERNANCE_VIEWER TO ROLE docent_reader;  -- tags and the query log
GRANT USAGE ON WAREHOUSE <warehouse> TO ROLE docent_reader;
CREATE USER docent_reader TYPE = SERVICE DEFAULT_ROLE = docent_reader RSA_PUBLIC_KEY = '<public key>';
GRANT ROLE docent_reader TO USER docent_reader;
-- No SELECT on any table and no USAGE on any database of yours is needed.
"""
    query_grant_script: ClassVar[str] = ""

    def __init__(self, settings: Settings) -> None:
        if not settings.token and not (settings.user and settings.private_key):
            raise BadSettings("give 'user' and the secret 'private_key', or the secret 'token'")
        self._at = settings

    def check(self) -> str:
        """The version and who we are. Raises SourceError."""
        with self._open() as api:
            row = next(iter(self._rows(api, "SELECT current_version(), current_role()")))
        return "Snowflake {}, role {}".format(*row.values())

    def extract(self) -> Iterator[Record]:
        """Databases, schemas, tables with everything on them, then dependencies. Raises SourceError."""
        wanted, at = Selection.of(self._at.schemas, self._at.exclude), self._at
        base = Selection.of(at.databases, ())
        with self._open() as api:
            yield Progress("databases", 0)
            for row in self._rows(
                api, DATABASES.format(databases=filled(base.schema_condition("database_name", mark="?")))
            ):
                yield Database(row["DATABASE_NAME"], row["COMMENT"] or None, row["DATABASE_OWNER"] or None)

            def both(catalog: str, condition: tuple[str, list[str]]) -> str:
                return f"{filled(base.schema_condition(catalog, mark='?'))} AND {filled(condition)}"

            chosen = both("catalog_name", wanted.schema_condition("schema_name", mark="?"))
            for row in self._rows(api, SCHEMAS.format(schemas=chosen)):
                yield Schema(
                    row["CATALOG_NAME"],
                    row["SCHEMA_NAME"],
                    row["COMMENT"] or None,
                    row["SCHEMA_OWNER"] or None,
                )
            yield Progress("columns", 0)
            tables = wanted.table_condition(
                "t.table_schema", "t.table_schema || '.' || t.table_name", mark="?"
            )
            columns = wanted.table_condition("table_schema", "table_schema || '.' || table_name", mark="?")
            yield from tables_of(
                self._rows(api, TABLES.format(tables=both("t.table_catalog", tables))),
                self._rows(api, COLUMNS.format(columns=both("table_catalog", columns))),
                keys=list(self._keys(api)),
                tags=list(self._rows(api, TAGS)),
            )
            yield Progress("lineage", 0)
            for row in self._rows(api, LINEAGE):
                up, down = (
                    Ref(None, row[f"{end}_DATABASE"], row[f"{end}_SCHEMA"], row[f"{end}_OBJECT_NAME"])
                    for end in ("REFERENCED", "REFERENCING")
                )
                yield Lineage(up, down, "snowflake")

    def queries(self) -> Iterator[Query]:
        """The statements of the last 30 days, folded by the account's own hash. Raises SourceError."""
        with self._open() as api:
            for row in self._rows(api, QUERIES):
                text, runs, users, last, database, schema = row.values()
                names = json.loads(users) if isinstance(users, str) else users or ()
                if not text:
                    continue  # a statement that Snowflake keeps to itself
                yield Query(text, number(runs) or 1, tuple(names), moment(last), database, schema)

    def _keys(self, api: Api) -> Iterator[Row]:
        for statement, kind in KEYS:
            for row in self._rows(api, statement):
                end = "fk_" if kind == "foreign" else ""
                yield {
                    "database": row[f"{end}database_name"],
                    "schema": row[f"{end}schema_name"],
                    "table": row[f"{end}table_name"],
                    "kind": kind,
                    "key": row["fk_name" if kind == "foreign" else "constraint_name"],
                    "column": row[f"{end}column_name"],
                    "position": row["key_sequence"],
                    "ref_schema": row.get("pk_schema_name"),
                    "ref_table": row.get("pk_table_name"),
                    "ref_column": row.get("pk_column_name"),
                }

    def _rows(self, api: Api, statement: str) -> Iterator[Row]:
        """Every row of a statement, partition by partition, as column name to text."""
        at = self._at
        body = {"statement": statement, "timeout": 600, "warehouse": at.warehouse, "role": at.role}
        answer = api.ask("/api/v2/statements", body)
        answer = api.until(
            answer,
            lambda told: "resultSetMetaData" in told or "statementHandle" not in told,
            lambda told: api.get(f"/api/v2/statements/{told['statementHandle']}"),
        )
        if "resultSetMetaData" not in answer:
            raise PermissionMissing(
                "Snowflake refused a metadata statement; run the grant script for the role"
            )
        facts = answer["resultSetMetaData"]
        names = [column["name"] for column in facts["rowType"]]
        handle, partitions = answer.get("statementHandle"), len(facts.get("partitionInfo") or [0])
        for number_ in range(partitions):
            if number_:
                answer = api.get(f"/api/v2/statements/{handle}", {"partition": number_})
            for row in answer.get("data") or ():
                if len(row) != len(names):
                    raise SourceInterrupted("Snowflake sent a row that does not fit its columns")
                yield row_of(names, row)

    def _open(self) -> Api:
        url = self._at.url or f"https://{self._at.account}.snowflakecomputing.com"
        return Api(url, self._sign_in, title="Snowflake")

    def _sign_in(self) -> Mapping[str, str]:
        """The token given, or one signed with the key pair that holds for an hour."""
        kind = "PROGRAMMATIC_ACCESS_TOKEN" if self._at.token else "KEYPAIR_JWT"
        token = self._at.token or _signed(self._at)
        return {"Authorization": f"Bearer {token}", "X-Snowflake-Authorization-Token-Type": kind}


def _signed(at: Settings) -> str:
    """A JSON web token as key-pair authentication wants it (docs: SQL API, authenticating to the server)."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    try:
        key = serialization.load_pem_private_key(at.private_key.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise BadSettings("the secret 'private_key' is no unencrypted PEM key") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise BadSettings("the secret 'private_key' must be an RSA key")
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    account = at.account.split(".")[0].upper()
    subject = f"{account}.{at.user.upper()}"
    now = int(time.time())
    print_ = base64.b64encode(hashlib.sha256(public).digest()).decode()
    claims = {"iss": f"{subject}.SHA256:{print_}", "sub": subject, "iat": now, "exp": now + 3540}
    head = {"alg": "RS256", "typ": "JWT"}
    text = ".".join(_b64(json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims))
    return f"{text}.{_b64(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
