"""Runs one guarded SELECT on BigQuery; see `connectors.abilities.CanRun` and `connectors.http_run`.

A dry run comes first: BigQuery itself says that the statement is a SELECT, what it would read, and what type each
parameter has. The job then has a ceiling of bytes, a time-out of its own, a label, and neither a destination nor a
disposition. What the wall rests on: the role of the grant script, which may read the chosen datasets, create jobs and
nothing else, and that dry run; BigQuery has no read-only session.

The tables that a dry run refers to are not compared with those that the guard resolved: a view is told as the tables
below it, a pattern of tables as its members, and the list ends at 50, so good statements would be refused.

BigQuery keeps every result for about a day in a hidden table that the same service account may read; nothing here turns
that off.

Source: https://cloud.google.com/bigquery/docs/reference/rest/v2/Job, /jobs/insert, /jobs/getQueryResults, /jobs/cancel,
/jobs/get, https://cloud.google.com/bigquery/docs/error-messages, /running-queries (dry run), /parameterized-queries
"""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from connectors.abilities import Estimate, ResultColumn, RunLimits
from connectors.errors import QueryFailed, SourceError, SourceInterrupted
from connectors.http_run import (
    HOLD,
    Cut,
    HttpRuns,
    RunApi,
    Said,
    TooLate,
    estimated,
    member,
    plain_word,
    position_in,
)

QUERY_GRANTS = """\
# An account of its own. Job User lets it run statements and bill them to the project; it sees and stops its own only.
gcloud iam service-accounts create docent-query --project <project>
gcloud projects add-iam-policy-binding <project> --role roles/bigquery.jobUser \\
  --member serviceAccount:docent-query@<project>.iam.gserviceaccount.com
# As SQL, once for each dataset that may be queried, or ON TABLE for a single table. Give it no other role: a right to
# write anywhere, or to a connection or a bucket, is one that nothing in BigQuery takes away from a statement.
# GRANT `roles/bigquery.dataViewer` ON SCHEMA `<project>.<dataset>`
#   TO "serviceAccount:docent-query@<project>.iam.gserviceaccount.com";
"""
PAGE = 2_000
NAMES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}
FLEETING = (
    "backendError", "internalError", "jobBackendError", "jobInternalError", "rateLimitExceeded",
    "jobRateLimitExceeded", "quotaExceeded", "tableUnavailable",
)  # fmt: skip
ENDED = ("stopped", "timeout")
AT = re.compile(r" at \[(\d{1,6}):(\d{1,6})\]$")


class BigQueryRuns(HttpRuns):
    """The part of the BigQuery connector that runs SQL."""

    _at: Any

    def _sign_in(self) -> Mapping[str, str]:
        raise NotImplementedError

    def estimate(self, sql: str, parameters: Sequence[Any] = ()) -> Estimate | None:
        """The bytes that would be read, by a dry run."""
        job = self._job(sql, parameters, RunLimits())
        estimated(job, job.rehearse)
        return Estimate(bytes=job.reads)

    def _job(self, sql: str, parameters: Sequence[Any], limits: RunLimits) -> _Job:
        api = RunApi(self._at.url, self._sign_in, title="BigQuery")
        return _Job(api, self._at, sql, parameters, limits)


class _Job:
    """One query job. Its id is ours, so that it can be stopped, and asked for again, whatever answer was lost."""

    def __init__(self, api: RunApi, at: Any, sql: str, parameters: Sequence[Any], limits: RunLimits) -> None:
        self.api = api
        self.cut: Cut = None
        self._at, self._sql, self._given, self._limits = at, sql, parameters, limits
        self._base = f"/bigquery/v2/projects/{at.project}"
        self._id = f"docent_{uuid.uuid4().hex}"
        self._sent = False
        self._page: Mapping[str, Any] = {}
        self._fields: Sequence[Mapping[str, Any]] = ()
        self._types: dict[str, Any] = {}
        self.reads: int | None = None

    def rehearse(self, until: float) -> None:
        """The dry run: is it a SELECT, what would it read, of what type are the nulls?"""
        said = self.api.say("POST", f"{self._base}/jobs", until=until, json=self._body(dry=True))
        if not said.good:
            raise self._refused(said, analysed=True)
        facts = member(said.body, "statistics")
        query = member(facts, "query")
        if error := member(member(said.body, "status"), "errorResult"):
            raise self._failed(error, analysed=True)
        if query.get("statementType") != "SELECT":
            kind = plain_word(query.get("statementType")) or "something else"
            raise QueryFailed(
                f"BigQuery takes this for {kind} and not for a SELECT; it was not run", code="not_a_select"
            )
        told = query.get("totalBytesProcessed") or facts.get("totalBytesProcessed")
        self.reads = None if told is None else int(told)
        self._types = {
            each["name"]: each["parameterType"]
            for each in query.get("undeclaredQueryParameters") or ()
            if each.get("name") and each.get("parameterType")
        }
        exact = query.get("totalBytesProcessedAccuracy", "PRECISE") == "PRECISE"
        if self.reads is not None and exact and self.reads > self._at.max_bytes_billed:
            raise QueryFailed(
                f"the query would read {self.reads:,} bytes; the setting max_bytes_billed allows "
                f"{self._at.max_bytes_billed:,}",
                code="bytesBilledLimitExceeded",
            )

    def submit(self, until: float) -> None:
        self.rehearse(until)
        self._sent = True
        said = self.api.say("POST", f"{self._base}/jobs", until=until, json=self._body(dry=False))
        if not said.good and said.status != 409:  # 409: the first try arrived, only its answer was lost
            raise self._refused(said)

    def look(self, until: float) -> bool:
        self._page = self._results(until, {"timeoutMs": int(HOLD * 1000)})
        return bool(self._page.get("jobComplete"))

    def stop(self, until: float) -> None:
        if self._sent:
            path = f"{self._base}/jobs/{self._id}/cancel"
            self.api.say("POST", path, until=until, rest=False, params={"location": self._at.region})

    def ended(self, until: float) -> bool:
        if not self._sent:
            return True
        where = {"location": self._at.region}
        said = self.api.say("GET", f"{self._base}/jobs/{self._id}", until=until, rest=False, params=where)
        return said.status == 404 or member(said.body, "status").get("state") == "DONE"

    def columns(self) -> tuple[ResultColumn, ...]:
        return tuple(ResultColumn(str(field["name"]), _type(field)) for field in self._fields)

    def rows(self, until: float) -> Iterator[tuple[Any, ...]]:
        fields = self._fields
        while True:
            for row in self._page.get("rows") or ():
                cells = row.get("f") or ()
                yield tuple(_value(field, cell.get("v")) for field, cell in zip(fields, cells, strict=True))
            token = self._page.get("pageToken")
            if not token:
                return
            self._page = self._results(until, {"pageToken": token})
            if self._page.get("pageToken") == token:
                raise SourceInterrupted("BigQuery gives the same page again and again")

    def _results(self, until: float, more: Mapping[str, Any]) -> Mapping[str, Any]:
        asked = {
            "location": self._at.region,
            "maxResults": min(PAGE, self._limits.rows + 1),
            "formatOptions.useInt64Timestamp": "true",
            **more,
        }
        said = self.api.say("GET", f"{self._base}/queries/{self._id}", until=until, params=asked)
        if not said.good:
            raise self._refused(said)
        fields = member(said.body, "schema").get("fields")
        if fields:
            self._fields = fields
        return said.body if isinstance(said.body, dict) else {}

    def _body(self, *, dry: bool) -> dict[str, Any]:
        query: dict[str, Any] = {"query": self._sql, "useLegacySql": False}
        if self._given:
            query["parameterMode"] = "NAMED"
            query["queryParameters"] = [
                made
                for number, value in enumerate(self._given, start=1)
                # a null is left undeclared where nothing runs: the dry run then tells the type that belongs there
                if not (dry and value is None)
                for made in [_parameter(f"p{number}", value, self._types.get(f"p{number}"))]
            ]
        reference = {"projectId": self._at.project, "location": self._at.region}
        if dry:
            return {"configuration": {"dryRun": True, "query": query}, "jobReference": reference}
        query["maximumBytesBilled"] = str(self._at.max_bytes_billed)
        return {
            "configuration": {
                "query": query,
                "jobTimeoutMs": str(max(1, int(self._limits.seconds * 1000))),
                "labels": {"docent": "run_sql"},
            },
            "jobReference": {**reference, "jobId": self._id},
        }

    def _refused(self, said: Said, *, analysed: bool = False) -> SourceError:
        error = member(said.body, "error")
        first: Mapping[str, Any] = next(iter(error.get("errors") or ()), {})
        return self._failed(
            {**error, **first, "reason": first.get("reason") or error.get("status") or said.status},
            analysed=analysed,
        )

    def _failed(self, error: Mapping[str, Any], *, analysed: bool = False) -> SourceError:
        """An error's class, and its position where no row was looked at yet: a text of the rows could hold one."""
        reason, text = plain_word(error.get("reason")), str(error.get("message") or "")
        if reason in ENDED:
            raise TooLate
        if reason in FLEETING:
            return SourceInterrupted(f"BigQuery could not go on just now ({reason}); try again later")
        found = AT.search(text) if analysed else None
        position = position_in(self._sql, int(found[1]), int(found[2])) if found else None
        where = f" at character {position}" if position else ""
        return QueryFailed(
            f"BigQuery refused the query: {reason or 'an error'}{where}",
            full=text,
            position=position,
            code=reason,
        )


def _type(field: Mapping[str, Any]) -> str:
    """A column's type as SQL writes it."""
    name = NAMES.get(str(field.get("type")), str(field.get("type") or ""))
    if name == "STRUCT":
        inner = ", ".join(f"{each['name']} {_type(each)}" for each in field.get("fields") or ())
        name = f"STRUCT<{inner}>"
    return f"ARRAY<{name}>" if field.get("mode") == "REPEATED" else name


def _value(field: Mapping[str, Any], value: Any) -> Any:
    """A cell: texts on the wire, lists of {"v"} for arrays, {"f"} for structs."""
    if field.get("mode") == "REPEATED":
        one = {**field, "mode": "NULLABLE"}
        return [_value(one, each.get("v")) for each in value or ()]
    if value is None:
        return None
    kind = NAMES.get(str(field.get("type")), field.get("type"))
    if kind == "STRUCT":
        inner = field.get("fields") or ()
        cells = [_value(each, cell.get("v")) for each, cell in zip(inner, value.get("f") or (), strict=True)]
        names = [str(each.get("name") or f"_{number}") for number, each in enumerate(inner)]
        if len(set(names)) < len(names):  # a struct may have two fields of one name
            return [list(pair) for pair in zip(names, cells, strict=True)]
        return dict(zip(names, cells, strict=True))
    if kind == "INT64":
        return int(value)
    if kind == "FLOAT64":
        return float(value)
    if kind in ("NUMERIC", "BIGNUMERIC"):
        return Decimal(value)
    if kind == "BOOL":
        return str(value).lower() == "true"
    if kind == "BYTES":
        return base64.b64decode(value)
    if kind == "TIMESTAMP":
        return _moment(str(value))
    try:
        if kind == "DATE":
            return date.fromisoformat(value)
        if kind == "DATETIME":
            return datetime.fromisoformat(value)
        if kind == "TIME":
            return time.fromisoformat(value)
    except ValueError:
        pass  # what Python has no value for stays BigQuery's text
    return value  # STRING, JSON, GEOGRAPHY, INTERVAL, RANGE


def _moment(value: str) -> Any:
    """Microseconds since 1970 as we ask for them; seconds with a fraction as servers say that do not know the wish."""
    micros = int(Decimal(value) * 1_000_000) if "." in value or "e" in value.lower() else int(value)
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    except OverflowError:
        return value


def _parameter(name: str, value: Any, known: Any) -> dict[str, Any]:
    """A value with its type; a null has the type that the dry run found for it."""
    if value is None:
        return {"name": name, "parameterType": known or {"type": "STRING"}, "parameterValue": {"value": None}}
    text: str
    if isinstance(value, bool):
        kind, text = "BOOL", "true" if value else "false"
    elif isinstance(value, int):
        kind, text = "INT64", str(value)
    elif isinstance(value, Decimal):
        digits, exponent = len(value.as_tuple().digits), value.as_tuple().exponent
        scale = -exponent if isinstance(exponent, int) and exponent < 0 else 0
        kind, text = "NUMERIC" if scale <= 9 and digits - scale <= 29 else "BIGNUMERIC", format(value, "f")
    elif isinstance(value, float):
        kind, text = "FLOAT64", repr(value)
    elif isinstance(value, datetime):
        at = value if value.tzinfo else value.replace(tzinfo=UTC)
        kind, text = "TIMESTAMP", at.isoformat(" ")
    elif isinstance(value, date):
        kind, text = "DATE", value.isoformat()
    else:
        kind, text = "STRING", str(value)
    return {"name": name, "parameterType": {"type": kind}, "parameterValue": {"value": text}}
