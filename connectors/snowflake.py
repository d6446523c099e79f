"""Snowflake through its SQL API: databases, schemas, tables, views, columns, keys, tags, sizes, lineage, popularity,
pipes and Streamlit apps.

Reads SNOWFLAKE.ACCOUNT_USAGE, where a role sees every object without a right on any, and SHOW, which tells keys and
apps only to who has a right on their objects (REFERENCES reads no row). A constant number of statements; results come
by partitions. SHOW gives 10,000 rows at most: where it does, it is asked again for each database, and for each schema
of one that is still too large. ACCOUNT_USAGE lags by up to three hours, which the description of the integration says.

Source: https://docs.snowflake.com/en/developer-guide/sql-api (handling responses, bind variables),
https://docs.snowflake.com/en/sql-reference/account-usage and /sql/show-primary-keys, /sql/show-streamlits
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from connectors import snowflake_sql as sql
from connectors.errors import BadSettings, PermissionMissing, SourceInterrupted
from connectors.http import Api
from connectors.records import Asset, Database, Lineage, Progress, Query, Record, Ref, Schema, Unread
from connectors.selection import Selection
from connectors.settings import setting
from connectors.shape import well_formed
from connectors.snowflake_run import QUERY_GRANTS, SnowflakeRuns
from connectors.warehouse import Row, amount, costs_of, filled, moment, number, row_of, tables_of


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


class Snowflake(SnowflakeRuns):
    """One Snowflake account."""

    name: ClassVar[str] = "snowflake"
    title: ClassVar[str] = "Snowflake"
    dialect: ClassVar[str | None] = "snowflake"
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
CREATE ROLE docent_reader;
GRANT DATABASE ROLE SNOWFLAKE.OBJECT_VIEWER TO ROLE docent_reader;      -- names, types, comments, sizes, definitions
GRANT DATABASE ROLE SNOWFLAKE.GOVERNANCE_VIEWER TO ROLE docent_reader;  -- tags, the query log, what read and wrote what
-- Optional: when pipes loaded last, their credits, and what storage of each table is billed.
-- GRANT DATABASE ROLE SNOWFLAKE.USAGE_VIEWER TO ROLE docent_reader;
GRANT USAGE ON WAREHOUSE <warehouse> TO ROLE docent_reader;
CREATE USER docent_reader TYPE = SERVICE DEFAULT_ROLE = docent_reader RSA_PUBLIC_KEY = '<public key>';
GRANT ROLE docent_reader TO USER docent_reader;
-- No SELECT on any table is needed. Optional, for keys, which Snowflake shows to who may reference a table (this reads
-- no row), once for each database:
-- GRANT USAGE ON DATABASE <database> TO ROLE docent_reader;
-- GRANT USAGE ON ALL SCHEMAS IN DATABASE <database> TO ROLE docent_reader;
-- GRANT USAGE ON FUTURE SCHEMAS IN DATABASE <database> TO ROLE docent_reader;
-- GRANT REFERENCES ON ALL TABLES IN DATABASE <database> TO ROLE docent_reader;
-- GRANT REFERENCES ON FUTURE TABLES IN DATABASE <database> TO ROLE docent_reader;
"""
    query_grant_script: ClassVar[str] = QUERY_GRANTS

    def __init__(self, settings: Settings) -> None:
        if not settings.token and not (settings.user and settings.private_key):
            raise BadSettings("give 'user' and the secret 'private_key', or the secret 'token'")
        self._at = settings

    def check(self) -> str:
        """The version and who we are. Raises SourceError."""
        with self._open() as api:
            row = next(iter(self._rows(api, "SELECT current_version(), current_role()")))
        return "Snowflake {}, role {}".format(*row.values())

    @well_formed
    def extract(self) -> Iterator[Record]:
        """Databases, schemas, tables with everything on them, then dependencies. Raises SourceError."""
        wanted, at = Selection.of(self._at.schemas, self._at.exclude), self._at
        base = Selection.of(at.databases, ())
        databases: list[str] = []
        schemas: list[tuple[str, str]] = []
        refused: list[str] = []
        with self._open() as api:
            yield Progress("databases", 0)
            tags = list(self._where_granted(api, sql.TAGS, "tags", refused))
            above = sql.tags_above(tags)
            chosen = filled(base.schema_condition("database_name", mark="?"))
            for row in self._rows(api, sql.DATABASES.format(databases=chosen)):
                name, comment, owner = row["DATABASE_NAME"], row["COMMENT"] or None, row["DATABASE_OWNER"]
                databases.append(name)
                yield Database(name, comment, owner or None, above.get((name,), ()))

            def both(catalog: str, condition: tuple[str, list[str]]) -> str:
                return f"{filled(base.schema_condition(catalog, mark='?'))} AND {filled(condition)}"

            chosen = both("catalog_name", wanted.schema_condition("schema_name", mark="?"))
            for row in self._rows(api, sql.SCHEMAS.format(schemas=chosen)):
                schemas.append((row["CATALOG_NAME"], row["SCHEMA_NAME"]))
                comment, owner = row["COMMENT"] or None, row["SCHEMA_OWNER"] or None
                yield Schema(*schemas[-1], comment, owner, above.get(schemas[-1], ()))
            yield Progress("columns", 0)
            tables = wanted.table_condition(
                "t.table_schema", "t.table_schema || '.' || t.table_name", mark="?"
            )
            columns = wanted.table_condition("table_schema", "table_schema || '.' || table_name", mark="?")
            keys = [
                key
                for what, kind in sql.KEYS
                for key in self._keys(self._shown(api, what, databases, schemas, refused), kind)
            ]
            chosen = sql.STORAGE.format(tables=both("table_catalog", columns))
            billed = {
                (row["database"], row["schema"], row["name"]): {"billed_storage_bytes": str(found)}
                for row in self._where_granted(api, chosen, sql.FACTS[0], refused)
                if (found := number(row.get("billed")))
            }
            yield from tables_of(
                self._rows(api, sql.TABLES.format(tables=both("t.table_catalog", tables))),
                self._rows(api, sql.COLUMNS.format(columns=both("table_catalog", columns))),
                keys=keys,
                tags=[row for row in tags if row.get("domain") not in ("DATABASE", "SCHEMA")],
                properties=billed,
            )
            condition = wanted.schema_condition("p.pipe_schema", mark="?")
            chosen = sql.PIPES.format(pipes=both("p.pipe_catalog", condition))
            pipes = list(self._where_granted(api, chosen, "pipes", refused))
            loads = {
                _pipe_key(row): row
                for row in self._where_granted(api, sql.LOADS, "the loads of pipes", refused)
            }
            credits = {
                row["id"]: row["credits"]
                for row in self._where_granted(api, sql.PIPE_CREDITS, sql.FACTS[1], refused)
            }
            pipes = [row for row in pipes if row.get("name")]
            for row in pipes:
                yield _pipe(row, loads.get(_pipe_key(row), {}), amount(credits.get(row.get("id"))))
            known = set(schemas)
            for row in self._where_granted(api, sql.APPS, "Streamlit apps", refused):
                if row.get("name") and (row.get("database_name"), row.get("schema_name")) in known:
                    yield _app(row)
            yield Progress("lineage", 0)
            yield from dict.fromkeys(self._edges(api, pipes, refused))
            for what in dict.fromkeys(refused):
                yield Unread(what, what not in sql.FACTS)

    def _edges(self, api: Api, pipes: list[Row], refused: list[str]) -> Iterator[Lineage]:
        """What views stand on, what statements wrote, what pipes load."""
        for row in self._where_granted(api, sql.DEPENDENCIES, "dependencies", refused):
            up, down = (
                Ref(None, row[f"{end}_DATABASE"], row[f"{end}_SCHEMA"], row[f"{end}_OBJECT_NAME"])
                for end in ("REFERENCED", "REFERENCING")
            )
            yield Lineage(up, down, "snowflake")
        for row in self._where_granted(api, sql.WRITTEN, "the access history", refused):
            source = sql.place(row.get("source"), row.get("source_column"))
            target = sql.place(row.get("target"), row.get("target_column"))
            if source and target and source != target:
                yield Lineage(source, target, "snowflake")
        for row in pipes:
            if target := sql.loaded_by(row.get("definition"), row["database"], row["schema"]):
                yield Lineage(Ref(key=_pipe_key(row)), target, "snowflake")

    def _where_granted(self, api: Api, statement: str, what: str, refused: list[str]) -> Iterator[Row]:
        """Every row of what some editions and roles cannot read; where they cannot, none, and `refused` says so."""
        try:
            yield from self._rows(api, statement)
        except PermissionMissing:
            refused.append(what)

    def _shown(
        self, api: Api, what: str, databases: list[str], schemas: list[tuple[str, str]], refused: list[str]
    ) -> Iterator[Row]:
        """Every row of a SHOW, by databases and then by schemas where one answer cannot hold them."""
        rows = list(self._where_granted(api, f"SHOW {what} IN ACCOUNT", "keys", refused))
        if len(rows) < sql.MOST:
            yield from rows
            return
        for base in databases:
            place = _quoted(base)
            rows = list(self._where_granted(api, f"SHOW {what} IN DATABASE {place}", "keys", refused))
            if len(rows) < sql.MOST:
                yield from rows
                continue
            for schema in (schema for database, schema in schemas if database == base):
                statement = f"SHOW {what} IN SCHEMA {place}.{_quoted(schema)}"
                yield from self._where_granted(api, statement, "keys", refused)

    def queries(self) -> Iterator[Query | Unread]:
        """The statements of the last 30 days, folded by the account's own hash, with credits. Raises SourceError."""
        refused: list[str] = []
        with self._open() as api:
            rows = list(self._where_granted(api, sql.COSTED, "what queries cost", refused))
            if refused:
                rows = list(self._where_granted(api, sql.PLAIN, "the query log", refused))
        for row in rows:
            text, runs, users, last, database, schema, credits = row.values()
            names = tuple(json.loads(users) if isinstance(users, str) else users or ())
            if not text:
                continue  # a statement that Snowflake keeps to itself
            costs = costs_of(credits=credits)
            yield Query(text, number(runs) or 1, names, moment(last), database, schema, costs=costs)
        for what in refused[-1:]:
            yield Unread(what)

    def _keys(self, rows: Iterator[Row], kind: str) -> Iterator[Row]:
        for row in rows:
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


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _pipe_key(row: Row) -> str:
    return "pipe/" + ".".join(_quoted(str(row.get(part) or "")) for part in ("database", "schema", "name"))


def _pipe(row: Row, loaded: Row, credits: float | None) -> Asset:
    last = moment(loaded.get("last"))
    loads = loaded.get("loads")
    facts = {"pattern": row.get("pattern"), "loads_30_days": loads, "last_load": last and last.isoformat()}
    facts["credits_30_days"] = f"{credits:.3g}" if credits else None
    return Asset(
        "job",
        _pipe_key(row),
        str(row.get("name")),
        description=row.get("description") or None,
        definition=row.get("definition") or None,
        dialect="snowflake" if row.get("definition") else None,
        owners=(str(row.get("owner")),) if row.get("owner") else (),
        changed_at=moment(row.get("changed")),
        properties={
            "type": "pipe",
            "schema": f"{row.get('database')}.{row.get('schema')}",
            **{name: str(value) for name, value in facts.items() if value},
        },
    )


def _app(row: Row) -> Asset:
    name = str(row.get("name"))
    key = ".".join(_quoted(str(each)) for each in (row.get("database_name"), row.get("schema_name"), name))
    return Asset(
        "dashboard",
        f"streamlit/{key}",
        row.get("title") or name,
        description=row.get("comment") or None,
        owners=(str(row.get("owner")),) if row.get("owner") else (),
        properties={"type": "Streamlit", "schema": f"{row.get('database_name')}.{row.get('schema_name')}"},
    )


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
