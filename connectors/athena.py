"""Amazon Athena with the AWS Glue Data Catalog: databases, tables, views, columns, partition keys, comments, locations;
and, where the setting `queries` is on, what ran and the bytes that it scanned, which is what Athena bills.

Two Glue calls: GetDatabases, and GetTables once a database, both by pages. Of each workgroup ListQueryExecutions, 50 a
page, and BatchGetQueryExecution for those 50, until MOST or until 30 days are over. boto3 signs, renews credentials
that ran out, and repeats throttled calls as AWS advises. Partitions (whose values are data), column statistics and
results of queries are never asked for.

Source: https://docs.aws.amazon.com/glue/latest/webapi/API_GetTables.html,
https://docs.aws.amazon.com/athena/latest/APIReference/API_BatchGetQueryExecution.html
"""

from __future__ import annotations

import base64
import binascii
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
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
from connectors.records import (
    Column,
    Database,
    Progress,
    Query,
    Record,
    Schema,
    Table,
    TableKind,
    Unread,
)
from connectors.settings import setting
from connectors.warehouse import costs_of, moment, number

_KINDS: dict[str, TableKind] = {"VIRTUAL_VIEW": "view", "EXTERNAL_TABLE": "external_table"}
MOST = 5_000
"""Runs read of one workgroup, 200 requests."""
WINDOW = timedelta(days=30)
_VIEW = "/* Presto View: "
# Parameters that say what a table is; others may hold anything.
_TOLD = ("classification", "table_type", "compressionType", "projection.enabled", "EXTERNAL")
_NO_RIGHT = {"AccessDeniedException", "AccessDenied", "UnauthorizedOperation"}
_NO_SIGN_IN = {
    "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "ExpiredTokenException",
    "ExpiredToken", "MissingAuthenticationToken", "SignatureDoesNotMatch",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settings:
    """A region and keys of an IAM user or role; without keys, those that the machine's own role gives."""

    region: str = setting("Region", "For example eu-west-1")
    access_key: str = setting("Access key ID", "Empty for the machine's own role", default="")
    secret_key: str = setting("Secret access key", secret=True, default="")
    session_token: str = setting("Session token", "Of temporary credentials", secret=True, default="")
    catalog: str = setting("Catalog", "Account number of another account's catalog", default="")
    schemas: tuple[str, ...] = setting("Databases", "Patterns; empty for all", kind="list", default=())
    exclude: tuple[str, ...] = setting(
        "Leave out", "Databases (tmp_*) or tables (*.old_*)", kind="list", default=()
    )
    endpoint: str = setting("Address", "Only for a VPC endpoint of Glue", default="")
    queries: bool = setting(
        "Query history",
        "Read what ran in 30 days and what it scanned; needs the second part of the grant script",
        kind="bool",
        default=False,
    )
    athena_endpoint: str = setting("Address of Athena", "Only for a VPC endpoint of Athena", default="")


class Athena:
    """The Glue catalog of one account and region, as Athena queries it."""

    name: ClassVar[str] = "athena"
    title: ClassVar[str] = "Amazon Athena (AWS Glue)"
    dialect: ClassVar[str | None] = "athena"
    extracts: ClassVar[tuple[str, ...]] = ("database", "schema", "table", "view", "column", "query")
    extra: ClassVar[str | None] = "athena"
    verified: ClassVar[str] = "emulator"
    settings: ClassVar[type[Any]] = Settings
    grant_script: ClassVar[str] = """\
{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
  "Action": ["glue:GetDatabases", "glue:GetTables"],
  "Resource": ["arn:aws:glue:<region>:<account>:catalog", "arn:aws:glue:<region>:<account>:database/*",
               "arn:aws:glue:<region>:<account>:table/*/*"]}]}
-- Optional, with the setting "queries": a second statement. It shows the text of everybody's queries, never a result.
--   {"Effect": "Allow", "Resource": "*", "Action": ["athena:ListWorkGroups", "athena:ListQueryExecutions",
--     "athena:BatchGetQueryExecution"]}
-- No right on S3 or on a partition is needed. With Lake Formation, add DESCRIBE on the databases and tables.
"""
    query_grant_script: ClassVar[str] = ""

    def __init__(self, settings: Settings) -> None:
        if bool(settings.access_key) != bool(settings.secret_key):
            raise BadSettings("give both 'access_key' and the secret 'secret_key', or neither")
        self._at = settings

    def check(self) -> str:
        """How many databases would be read. Raises SourceError."""
        with self._asking() as glue:
            found = len(list(self._databases(glue)))
        return f"AWS Glue in {self._at.region} answers: {found} databases to read"

    def extract(self) -> Iterator[Record]:
        """The catalog, its databases (as schemas), then the tables of each. Raises SourceError."""
        with self._asking() as glue:
            yield Database(self._catalog)
            schemas = list(self._databases(glue))
            for each in schemas:
                yield Schema(self._catalog, each["Name"], each.get("Description") or None)
            for done, each in enumerate(schemas):
                yield Progress("databases", done, len(schemas))
                for page in glue.get_paginator("get_tables").paginate(
                    DatabaseName=each["Name"], **self._of_account()
                ):
                    for found in page["TableList"]:
                        if self._wanted(each["Name"], found["Name"]):
                            yield self._table(each["Name"], found)

    def queries(self) -> Iterator[Query | Unread]:
        """What ran in 30 days in the workgroups that the role sees, folded by its text; Athena tells nobody's name.

        Nothing unless the setting `queries` is on. Raises SourceError.
        """
        if not self._at.queries:
            return
        folded: dict[tuple[str, str, str], list[Mapping[str, Any]]] = defaultdict(list)
        try:
            with self._asking("athena") as athena:
                for run in self._runs(athena):
                    at = run.get("QueryExecutionContext") or {}
                    place = at.get("Catalog") or self._catalog, at.get("Database") or ""
                    folded[run["Query"], *place].append(run)
        except PermissionMissing:
            yield Unread("the query history")
            return
        for (text, catalog, database), runs in sorted(folded.items(), key=lambda item: -len(item[1])):
            scanned = sum((run.get("Statistics") or {}).get("DataScannedInBytes") or 0 for run in runs)
            last = max(run["Status"]["SubmissionDateTime"] for run in runs)
            costs = costs_of(bytes_scanned=scanned)
            yield Query(
                text,
                len(runs),
                last_run=moment(last),
                database=catalog,
                default_schema=database or None,
                costs=costs,
            )

    def _runs(self, athena: Any) -> Iterator[Mapping[str, Any]]:
        """What succeeded and is no definition or chore, newest first as Athena lists it."""
        since = datetime.now(UTC) - WINDOW
        for group in _pages(athena.list_work_groups, "WorkGroups"):
            listed = athena.get_paginator("list_query_executions").paginate(
                WorkGroup=group["Name"], PaginationConfig={"MaxItems": MOST, "PageSize": 50}
            )
            for page in listed:
                ids = page.get("QueryExecutionIds") or ()
                told = athena.batch_get_query_execution(QueryExecutionIds=ids) if ids else {}
                runs = told.get("QueryExecutions") or ()
                recent = [run for run in runs if _submitted(run) >= since]
                for run in recent:
                    done = run["Status"].get("State") == "SUCCEEDED"
                    if done and run.get("StatementType", "DML") == "DML" and run.get("Query"):
                        yield run
                if runs and not recent:
                    break

    @property
    def _catalog(self) -> str:
        return self._at.catalog or "AwsDataCatalog"

    def _of_account(self) -> dict[str, str]:
        return {"CatalogId": self._at.catalog} if self._at.catalog else {}

    def _databases(self, glue: Any) -> Iterator[Mapping[str, Any]]:
        for page in glue.get_paginator("get_databases").paginate(**self._of_account()):
            for each in page["DatabaseList"]:
                if self._wanted_database(each["Name"]):
                    yield each

    def _wanted_database(self, name: str) -> bool:
        include = [pattern.partition(".")[0] for pattern in self._at.schemas]
        return _matches(name, include, empty=True) and not _matches(
            name, [pattern for pattern in self._at.exclude if "." not in pattern]
        )

    def _wanted(self, database: str, table: str) -> bool:
        qualified = f"{database}.{table}"
        include = [pattern if "." in pattern else f"{pattern}.*" for pattern in self._at.schemas]
        return _matches(qualified, include, empty=True) and not _matches(
            qualified, [pattern for pattern in self._at.exclude if "." in pattern]
        )

    def _table(self, database: str, found: Mapping[str, Any]) -> Table:
        storage = found.get("StorageDescriptor") or {}
        told = found.get("Parameters") or {}
        parts = found.get("PartitionKeys") or []
        properties = {name: str(told[name]) for name in _TOLD if told.get(name)}
        if created := moment(found.get("CreateTime")):
            properties["created"] = created.isoformat()
        if storage.get("Location"):
            properties["location"] = storage["Location"].partition("?")[0]
        if parts:
            properties["partition_key"] = ", ".join(part["Name"] for part in parts)
        kind = _KINDS.get(found.get("TableType") or "", "table")
        return Table(
            database=self._catalog,
            schema=database,
            name=found["Name"],
            kind=kind,
            description=found.get("Description") or told.get("comment") or None,
            owner=found.get("Owner") or None,
            columns=tuple(
                Column(
                    each["Name"],
                    position,
                    each.get("Type") or "",
                    description=each.get("Comment") or None,
                )
                for position, each in enumerate([*(storage.get("Columns") or ()), *parts], start=1)
            ),
            definition=_definition(found) if kind == "view" else None,
            row_estimate=number(told.get("recordCount") or told.get("numRows")),
            size_bytes=number(told.get("sizeKey") or told.get("totalSize")),
            changed_at=moment(found.get("UpdateTime")),
            properties=properties,
        )

    @contextmanager
    def _asking(self, service: str = "glue") -> Iterator[Any]:
        """A client of Glue or Athena; its errors leave as SourceError, without its words."""
        title = f"AWS {service.title()}" if service == "glue" else "Amazon Athena"
        try:
            import boto3
            import botocore.config
            import botocore.exceptions as aws
        except ModuleNotFoundError as error:
            raise MissingDriver(
                "the athena connector needs a package: pip install 'docent[athena]'"
            ) from error
        at = self._at
        try:
            glue = boto3.client(
                service,
                region_name=at.region,
                aws_access_key_id=at.access_key or None,
                aws_secret_access_key=at.secret_key or None,
                aws_session_token=at.session_token or None,
                endpoint_url=(at.endpoint if service == "glue" else at.athena_endpoint) or None,
                config=botocore.config.Config(
                    connect_timeout=10, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 6}
                ),
            )
        except (ValueError, aws.BotoCoreError):
            raise BadSettings("the setting 'region' or 'endpoint' is not one that AWS knows") from None
        answered: list[bool] = []
        glue.meta.events.register(f"after-call.{service}", lambda **_: answered.append(True))
        try:
            yield glue
        except aws.ClientError as error:
            raise _refusal(str(error.response.get("Error", {}).get("Code", "")), at.region, title) from None
        except (aws.NoCredentialsError, aws.PartialCredentialsError, aws.CredentialRetrievalError):
            raise SignInRefused("there are no AWS credentials; give 'access_key' and 'secret_key'") from None
        except aws.BotoCoreError:
            if answered:
                raise SourceInterrupted(f"{title} in {at.region} dropped the connection; try again") from None
            raise UnreachableSource(f"no answer from {title} in {at.region}") from None
        finally:
            glue.close()


def _matches(name: str, patterns: list[str], *, empty: bool = False) -> bool:
    """Whether one pattern fits, by the same rules as LIKE elsewhere: only * and ? are special."""
    return empty if not patterns else any(
        fnmatchcase(name.lower(), pattern.lower().replace("[", "[[]")) for pattern in patterns
    )  # fmt: skip


def _definition(found: Mapping[str, Any]) -> str | None:
    """A view's SQL: Athena packs it into JSON in base64 within a comment; Hive and Spark write it plainly."""
    text = str(found.get("ViewOriginalText") or "").strip()
    if not text.startswith(_VIEW):
        return text or None
    try:
        packed = json.loads(base64.b64decode(text.removeprefix(_VIEW).removesuffix("*/").strip()))
    except (binascii.Error, ValueError):
        return None
    sql = packed.get("originalSql")
    return sql if isinstance(sql, str) else None


def _pages(call: Callable[..., Mapping[str, Any]], what: str) -> Iterator[Mapping[str, Any]]:
    """Every member of a list that botocore has no paginator for."""
    token: dict[str, Any] = {}
    while True:
        page = call(**token)
        yield from page.get(what) or ()
        following = page.get("NextToken")
        if not following or following == token.get("NextToken"):
            return
        token = {"NextToken": following}


def _submitted(run: Mapping[str, Any]) -> datetime:
    """When it was handed in; long ago where Athena does not say."""
    found: datetime = (run.get("Status") or {}).get("SubmissionDateTime") or datetime.min.replace(tzinfo=UTC)
    return found


def _refusal(code: str, region: str, title: str) -> SourceError:
    if code in _NO_RIGHT:
        return PermissionMissing(
            f"the credential may not read what {title} tells; attach the policy of the grant script"
        )
    if code in _NO_SIGN_IN:
        return SignInRefused(f"AWS in {region} refused the credential")
    if "Throttl" in code or code in ("TooManyRequestsException", "RequestLimitExceeded"):
        return SourceInterrupted(f"{title} limits our rate and did not let us go on; try again later")
    safe = code if code.isalnum() and len(code) < 60 else "unknown"
    return SourceInterrupted(f"{title} in {region} could not answer (code {safe}); try again")
