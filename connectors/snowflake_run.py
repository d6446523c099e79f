"""Runs one guarded SELECT through Snowflake's SQL API; see `connectors.abilities.CanRun` and `connectors.http_run`.

Every request names one statement (MULTI_STATEMENT_COUNT 1), a time-out, a ceiling of rows and a tag. What the wall
rests on: the role of the grant script, which may SELECT from the chosen schemas and nothing else, and a user without
secondary roles; Snowflake has no read-only session. A statement is submitted under a request id of ours, so that the
same request again does not run it twice: so it is found, and cancelled, where no answer told its handle.

Source: https://docs.snowflake.com/en/developer-guide/sql-api/reference (body, status codes), /handling-responses (types
of values, partitions), /submitting-requests (bind variables, resubmitting), /canceling,
https://docs.snowflake.com/en/sql-reference/sql/explain
"""

from __future__ import annotations

import json
import math
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from connectors.abilities import Estimate, ResultColumn, RunLimits
from connectors.errors import PermissionMissing, QueryFailed, SourceError, SourceInterrupted
from connectors.http_run import (
    Cut,
    HttpRuns,
    RunApi,
    Said,
    TooLate,
    await_page,
    estimated,
    member,
    plain_word,
    position_in,
)

QUERY_GRANTS = """\
CREATE ROLE docent_query;
GRANT USAGE ON WAREHOUSE <warehouse> TO ROLE docent_query;   -- one of its own, with AUTO_SUSPEND and a resource monitor
-- Once for each schema that may be queried:
GRANT USAGE ON DATABASE <database> TO ROLE docent_query;
GRANT USAGE ON SCHEMA <database>.<schema> TO ROLE docent_query;
GRANT SELECT ON ALL TABLES IN SCHEMA <database>.<schema> TO ROLE docent_query;   -- or ON TABLE, ON VIEW, one by one
GRANT SELECT ON ALL VIEWS IN SCHEMA <database>.<schema> TO ROLE docent_query;
-- A user that has this role alone: a secondary role would lend its rights to every statement.
CREATE USER docent_query TYPE = SERVICE DEFAULT_ROLE = docent_query DEFAULT_SECONDARY_ROLES = ()
  RSA_PUBLIC_KEY = '<public key>';
GRANT ROLE docent_query TO USER docent_query;
"""
TITLES = {"fixed": "NUMBER", "real": "FLOAT", "text": "VARCHAR"}
STOPPED = ("000604", "000630")
"""Cancelled; over its time-out or the warehouse's."""
COMPILED = re.compile(r"SQL compilation error:\s*error line (\d{1,6}) at position (\d{1,6})\b")
EPOCH = datetime(1970, 1, 1)


class SnowflakeRuns(HttpRuns):
    """The part of the Snowflake connector that runs SQL."""

    _at: Any

    def _sign_in(self) -> Mapping[str, str]:
        raise NotImplementedError

    def estimate(self, sql: str, parameters: Sequence[Any] = ()) -> Estimate | None:
        """The bytes of the partitions that would be read, by EXPLAIN, which needs no warehouse to run."""
        job = self._job(f"EXPLAIN USING JSON {sql}", parameters, RunLimits(seconds=10))

        def ask(until: float) -> Estimate | None:
            await_page(job, until)
            plan = next(job.rows(until), ("{}",))[0]
            told = member(json.loads(plan), "GlobalStats").get("bytesAssigned")
            return None if told is None else Estimate(bytes=int(told))

        found: Estimate | None = estimated(job, ask)
        return found

    def _job(self, sql: str, parameters: Sequence[Any], limits: RunLimits) -> _Job:
        url = self._at.url or f"https://{self._at.account}.snowflakecomputing.com"
        return _Job(RunApi(url, self._sign_in, title="Snowflake"), self._at, sql, parameters, limits)


class _Job:
    """One statement, by the handle that Snowflake gives it."""

    def __init__(self, api: RunApi, at: Any, sql: str, parameters: Sequence[Any], limits: RunLimits) -> None:
        self.api = api
        self.cut: Cut = None
        self._at, self._sql, self._given, self._limits = at, sql, parameters, limits
        self._request, self._submitted = str(uuid.uuid4()), False
        self._handle = ""
        self._page: Mapping[str, Any] = {}
        self._facts: Mapping[str, Any] = {}

    def submit(self, until: float) -> None:
        try:
            self._take(self._hand_in(until, second={"retry": "true"}))
        finally:
            self._submitted = True

    def look(self, until: float) -> bool:
        if not self._facts:
            self._take(self.api.say("GET", f"/api/v2/statements/{self._handle}", until=until))
        return bool(self._facts)

    def stop(self, until: float) -> None:
        if self._handle or self._found(until):
            path = f"/api/v2/statements/{self._handle}/cancel"
            self.api.say("POST", path, until=until, rest=False, json={})

    def ended(self, until: float) -> bool:
        if not self._handle and not self._found(until):
            return not self.api.lost
        said = self.api.say("GET", f"/api/v2/statements/{self._handle}", until=until, rest=False)
        return said.status in (200, 404, 408, 422)

    def columns(self) -> tuple[ResultColumn, ...]:
        return tuple(ResultColumn(str(each["name"]), _type(each)) for each in self._facts["rowType"])

    def rows(self, until: float) -> Iterator[tuple[Any, ...]]:
        kinds = self._facts["rowType"]
        for number in range(len(self._facts.get("partitionInfo") or [0])):
            if number:
                said = self.api.say(
                    "GET", f"/api/v2/statements/{self._handle}", until=until, params={"partition": number}
                )
                if not said.good:
                    raise self._refused(said)
                self._page = said.body
            for row in self._page.get("data") or ():
                yield tuple(_value(kind, cell) for kind, cell in zip(kinds, row, strict=True))

    def _hand_in(self, until: float, *, retry: bool = False, **options: Any) -> Said:
        asked = {"requestId": self._request, "async": "true", **({"retry": "true"} if retry else {})}
        return self.api.say(
            "POST", "/api/v2/statements", until=until, params=asked, json=self._body(), **options
        )

    def _found(self, until: float) -> bool:
        """Ask with the same request again for the handle that no answer told. One that never arrived begins now, and is
        cancelled with the handle that it gets."""
        if self._submitted and self.api.lost:
            said = self._hand_in(until, retry=True, again=False, rest=False)
            self._handle = str(said.body.get("statementHandle") or "")
        return bool(self._handle)

    def _take(self, said: Said) -> None:
        if not said.good:
            raise self._refused(said)
        self._handle = str(said.body.get("statementHandle") or self._handle)
        if said.status == 202:
            return
        self._page, self._facts = said.body, member(said.body, "resultSetMetaData")
        if not self._facts:
            raise SourceInterrupted("Snowflake answered without the result that it promised")

    def _body(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "statement": self._sql,
            "timeout": max(1, math.ceil(self._limits.seconds)),
            "warehouse": self._at.warehouse,
            "role": self._at.role,
            "parameters": {
                "MULTI_STATEMENT_COUNT": "1",
                "rows_per_resultset": str(self._limits.rows + 1),
                "query_tag": "docent run_sql",
            },
        }
        if self._given:
            body["bindings"] = {
                str(number): _binding(value) for number, value in enumerate(self._given, start=1)
            }
        return body

    def _refused(self, said: Said) -> SourceError:
        """An error's class; its position where the statement was compiled, before any row was looked at."""
        body = said.body if isinstance(said.body, dict) else {}
        code, text = plain_word(body.get("code")), str(body.get("message") or "")
        if said.status == 408 or code in STOPPED:
            raise TooLate
        if said.status == 429 or said.status >= 500:
            return SourceInterrupted("Snowflake could not go on just now; try again later")
        if said.status == 403:
            return PermissionMissing("Snowflake does not let this credential use its SQL API")
        found = COMPILED.match(text)
        position = position_in(self._sql, int(found[1]), int(found[2]) + 1) if found else None
        where = f" at character {position}" if position else ""
        state = plain_word(body.get("sqlState"))
        return QueryFailed(
            f"Snowflake refused the query: code {code or said.status}{f', state {state}' if state else ''}{where}",
            full=text,
            position=position,
            code=code or str(said.status),
        )


def _type(kind: Mapping[str, Any]) -> str:
    name = str(kind.get("type") or "").lower()
    if name in ("fixed", "number"):
        return f"NUMBER({kind.get('precision') or 38},{kind.get('scale') or 0})"
    return TITLES.get(name, name.upper())


def _value(kind: Mapping[str, Any], value: Any) -> Any:
    """A cell, which is a text or null: numbers in decimals, times as counts since 1970 or midnight, bytes as hex."""
    if value is None:
        return None
    name = str(kind.get("type") or "").lower()
    try:
        if name in ("fixed", "number"):
            return Decimal(value) if "." in value or kind.get("scale") else int(value)
        if name in ("real", "float"):
            return float(value)
        if name == "decfloat":
            return Decimal(value)
        if name == "boolean":
            return value.lower() in ("true", "1")
        if name == "binary":
            return bytes.fromhex(value)
        if name == "date":
            return (EPOCH + timedelta(days=int(value))).date()
        if name == "time":
            return (EPOCH + _span(value)).time()
        if name == "timestamp_ntz":
            return EPOCH + _span(value)
        if name == "timestamp_ltz":
            return (EPOCH + _span(value)).replace(tzinfo=UTC)
        if name == "timestamp_tz":
            seconds, _, offset = value.partition(" ")
            zone = timezone(timedelta(minutes=int(offset or 1440) - 1440))
            return (EPOCH + _span(seconds)).replace(tzinfo=UTC).astimezone(zone)
    except (ValueError, ArithmeticError):
        pass  # what Python has no value for, or a format that the account chose, stays Snowflake's text
    return value  # text, variant, object, array, map, geography, vector


def _span(seconds: str) -> timedelta:
    return timedelta(microseconds=int(Decimal(seconds) * 1_000_000))


def _binding(value: Any) -> dict[str, Any]:
    """A value with its type. Times are texts in ISO form, and so is a null: Snowflake casts a text to what it is
    compared with, while the pages differ on how it counts the days of a DATE that is bound."""
    if value is None:
        return {"type": "TEXT", "value": None}
    if isinstance(value, bool):
        return {"type": "BOOLEAN", "value": "true" if value else "false"}
    if isinstance(value, (int, Decimal)):
        return {"type": "FIXED", "value": format(value, "f") if isinstance(value, Decimal) else str(value)}
    if isinstance(value, float):
        return {"type": "REAL", "value": repr(value)}
    if isinstance(value, datetime):
        return {"type": "TEXT", "value": value.isoformat(" ")}
    return {"type": "TEXT", "value": str(value)}
