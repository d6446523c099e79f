"""Runs one guarded SELECT by Databricks' Statement Execution API; see `connectors.abilities.CanRun`.

A statement is submitted without waiting, with ceilings of rows and bytes, and looked at until it has ended; results
come inline by chunks, 25 MiB at most. What the wall rests on: the grants of the service principal, which may SELECT
from the chosen schemas and nothing else, and the API taking one statement; Databricks has no read-only session, and the
API no time-out of its own: the clock is ours, and the warehouse's STATEMENT_TIMEOUT stands behind it.

The API gives a statement its id in the answer to the submission, and takes none of ours. Each statement therefore
carries a query tag of its own: where that answer was lost, or is late, the statement is looked up by it in the query
history, in which everybody finds what they ran themselves, and cancelled. It is not submitted a second time.

Source: https://docs.databricks.com/api/workspace/statementexecution (execute, get, result chunks, cancel),
/api/workspace/queryhistory/list, /api/workspace/warehouses/get, /en/sql/user/queries/query-tags (a preview in 2026),
/en/sql/language-manual/sql-ref-syntax-qry-explain, /en/error-messages/error-classes.html. The form of EXPLAIN COST is
that of Apache Spark 3.5, which was asked.
"""

from __future__ import annotations

import base64
import re
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
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
-- Once for each schema that may be queried (or ON TABLE, one by one):
GRANT USE CATALOG ON CATALOG <catalog> TO `<query principal>`;
GRANT USE SCHEMA ON SCHEMA <catalog>.<schema> TO `<query principal>`;
GRANT SELECT ON SCHEMA <catalog>.<schema> TO `<query principal>`;
-- and 'Can use' on a SQL warehouse, best one of its own whose STATEMENT_TIMEOUT is short. Give it nothing else: no
-- MODIFY, no CREATE, no READ FILES or WRITE FILES, no EXECUTE on functions that write.
"""
INLINE = 25 * 1024 * 1024
STATEMENTS = "/api/2.0/sql/statements"
HISTORY = "/api/2.0/sql/history/queries"
TAG = "docent_run"
FLEETING = (
    "TEMPORARILY_UNAVAILABLE", "SERVICE_UNDER_MAINTENANCE", "WORKSPACE_TEMPORARILY_UNAVAILABLE", "RESOURCE_EXHAUSTED",
    "ABORTED", "IO_ERROR", "INTERNAL_ERROR",
)  # fmt: skip
CLASS = re.compile(r"\[([A-Z][A-Z0-9_.]{2,100})\]")
READ = re.compile(r"^[ :+-]*Relation(?:V2)?\b")
SIZE = re.compile(r" Statistics\(sizeInBytes=(\d+(?:\.\d+)?) (B|KiB|MiB|GiB|TiB|PiB)\b[^()]*\)$")
UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
"""EiB is not among them: 8.0 EiB is how Spark writes that it does not know."""
AT = re.compile(r"\bline (\d{1,6}),? pos(?:ition)? (\d{1,6})$")


class DatabricksRuns(HttpRuns):
    """The part of the Databricks connector that runs SQL."""

    _at: Any

    def _sign_in(self) -> Mapping[str, str]:
        raise NotImplementedError

    def estimate(self, sql: str, parameters: Sequence[Any] = ()) -> Estimate | None:
        """At most how many bytes would be read, by EXPLAIN COST: the files of the tables that are left after pruning.

        None where a table has no statistics, and where the warehouse sleeps: nothing here wakes it to ask.
        """
        job = self._job(f"EXPLAIN COST {sql}", parameters, RunLimits(seconds=10))

        def ask(until: float) -> Estimate | None:
            if not job.awake(until):
                return None
            await_page(job, until)
            size = bytes_read("\n".join(str(row[0]) for row in job.rows(until)))
            return None if size is None else Estimate(bytes=size)

        found: Estimate | None = estimated(job, ask)
        return found

    def _job(self, sql: str, parameters: Sequence[Any], limits: RunLimits) -> _Job:
        api = RunApi(self._at.url, self._sign_in, title="Databricks")
        return _Job(api, self._at, sql, parameters, limits)


class _Job:
    """One statement, by the id that Databricks gives it."""

    def __init__(self, api: RunApi, at: Any, sql: str, parameters: Sequence[Any], limits: RunLimits) -> None:
        self.api = api
        self.cut: Cut = None
        self._at, self._sql, self._given, self._limits = at, sql, parameters, limits
        self._id = ""
        self._mark, self._since = uuid.uuid4().hex, 0.0
        self._told: Mapping[str, Any] = {}

    def submit(self, until: float) -> None:
        body: dict[str, Any] = {
            "statement": self._sql,
            "warehouse_id": self._at.warehouse,
            "wait_timeout": "0s",
            "disposition": "INLINE",
            "format": "JSON_ARRAY",
            "row_limit": self._limits.rows + 1,
            "byte_limit": min(INLINE, 2 * self._limits.bytes + 1_000_000),
            "query_tags": [{"key": TAG, "value": self._mark}],
        }
        self._since = time.time()
        if self._given:
            body["parameters"] = [
                _parameter(f"p{number}", value) for number, value in enumerate(self._given, start=1)
            ]
        self._take(self.api.say("POST", STATEMENTS, until=until, again=False, json=body))

    def look(self, until: float) -> bool:
        if self._state in ("PENDING", "RUNNING"):
            self._take(self.api.say("GET", f"{STATEMENTS}/{self._id}", until=until))
        return bool(self._state == "SUCCEEDED")

    def stop(self, until: float) -> None:
        if self._id or self._found(until):
            self.api.say("POST", f"{STATEMENTS}/{self._id}/cancel", until=until, rest=False, json={})

    def ended(self, until: float) -> bool:
        if not self._id and not self._found(until):
            return not self.api.lost
        said = self.api.say("GET", f"{STATEMENTS}/{self._id}", until=until, rest=False)
        state = member(said.body, "status").get("state")
        return said.status == 404 or (said.good and state not in (None, "PENDING", "RUNNING"))

    def columns(self) -> tuple[ResultColumn, ...]:
        return tuple(
            ResultColumn(str(each["name"]), str(each.get("type_text") or each.get("type_name") or ""))
            for each in self._columns
        )

    def rows(self, until: float) -> Iterator[tuple[Any, ...]]:
        kinds = [str(each.get("type_name") or "") for each in self._columns]
        facts, seen = member(self._told, "manifest"), 0
        chunk = member(self._told, "result")
        while True:
            for row in chunk.get("data_array") or ():
                seen += 1
                yield tuple(_value(kind, cell) for kind, cell in zip(kinds, row, strict=True))
            following = chunk.get("next_chunk_index")
            if following is None:
                break
            said = self.api.say("GET", f"{STATEMENTS}/{self._id}/result/chunks/{int(following)}", until=until)
            if not said.good:
                raise self._refused(said)
            if said.body.get("next_chunk_index") == following:
                raise SourceInterrupted("Databricks gives the same chunk again and again")
            chunk = said.body
        if facts.get("truncated") and seen <= self._limits.rows:
            self.cut = "bytes"

    def awake(self, until: float) -> bool:
        """Does the warehouse run? Where it does not tell, it is left alone."""
        said = self.api.say("GET", f"/api/2.0/sql/warehouses/{self._at.warehouse}", until=until)
        return said.good and said.body.get("state") == "RUNNING"

    def _found(self, until: float) -> bool:
        """Look for the statement whose id nobody told us, by its tag; False where none was sent or none is there."""
        if not self._since:
            return False
        asked = {
            "filter_by.warehouse_ids": self._at.warehouse,
            "filter_by.query_start_time_range.start_time_ms": int(
                (self._since - 600) * 1000
            ),  # clocks differ
            "max_results": 100,
        }
        said = self.api.say("GET", HISTORY, until=until, rest=False, params=asked)
        for query in said.body.get("res") or () if said.good else ():
            tags = query.get("query_tags") or ()
            if any(tag.get("key") == TAG and tag.get("value") == self._mark for tag in tags):
                self._id = self._id or str(query.get("query_id") or "")
        return bool(self._id)

    @property
    def _state(self) -> Any:
        return member(self._told, "status").get("state")

    @property
    def _columns(self) -> list[Mapping[str, Any]]:
        found = member(member(self._told, "manifest"), "schema").get("columns") or ()
        return sorted(found, key=lambda each: int(each.get("position") or 0))

    def _take(self, said: Said) -> None:
        if not said.good:
            raise self._refused(said)
        self._told = said.body if isinstance(said.body, dict) else {}
        self._id = str(self._told.get("statement_id") or self._id)
        if self._state in ("CANCELED", "CLOSED"):
            raise TooLate
        if self._state == "FAILED":
            status = member(self._told, "status")
            raise self._failed({**member(status, "error"), "sql_state": status.get("sql_state")})
        if self._state not in ("PENDING", "RUNNING", "SUCCEEDED"):
            raise SourceInterrupted("Databricks answered without the state of the statement")

    def _refused(self, said: Said) -> SourceError:
        if said.status in (429, 500, 502, 503, 504):
            return SourceInterrupted("Databricks is not available just now; try again later")
        if said.status == 403:
            return PermissionMissing("the credential may not use this SQL warehouse; see the grant script")
        return self._failed(said.body if isinstance(said.body, dict) else {})

    def _failed(self, error: Mapping[str, Any]) -> SourceError:
        """An error's class; its position where the state is one of syntax or names, which come before any row."""
        code, text = plain_word(error.get("error_code")), str(error.get("message") or "")
        if code in FLEETING:
            return SourceInterrupted(f"Databricks could not go on just now ({code}); try again later")
        found = CLASS.match(text)
        kind = found[1] if found else code or "an error"
        state = plain_word(error.get("sql_state"))
        where = AT.search(text) if state.startswith("42") else None
        position = position_in(self._sql, int(where[1]), int(where[2]) + 1) if where else None
        return QueryFailed(
            f"Databricks refused the query: {kind}{f', state {state}' if state else ''}"
            + (f" at character {position}" if position else ""),
            full=text,
            position=position,
            code=kind if found else code,
        )


def bytes_read(plan: str) -> int | None:
    """The sizes of the relations of an optimized logical plan together; None where one is unknown or there is none."""
    logical = plan.partition("== Optimized Logical Plan ==")[2].partition("\n== ")[0]
    lines = [line.rstrip() for line in logical.splitlines() if READ.match(line)]
    sizes = [SIZE.search(line) for line in lines]
    if not sizes or not all(sizes):
        return None
    return sum(int(float(each[1]) * 1024 ** UNITS.index(each[2])) for each in sizes if each)


def _value(kind: str, value: Any) -> Any:
    """A cell, which is a text or null; arrays, maps and structs are JSON."""
    if value is None:
        return None
    try:
        if kind in ("BYTE", "SHORT", "INT", "LONG"):
            return int(value)
        if kind in ("FLOAT", "DOUBLE"):
            return float(value)
        if kind == "DECIMAL":
            return Decimal(value)
        if kind == "BOOLEAN":
            return str(value).lower() == "true"
        if kind == "BINARY":
            return base64.b64decode(value, validate=True)
        if kind == "DATE":
            return date.fromisoformat(value)
        if kind in ("TIMESTAMP", "TIMESTAMP_NTZ"):
            return datetime.fromisoformat(value)
    except (ValueError, ArithmeticError):
        pass  # what Python has no value for stays Databricks' text
    return value


def _parameter(name: str, value: Any) -> dict[str, Any]:
    """A value with its type; without a value it is NULL."""
    if value is None:
        return {"name": name}
    if isinstance(value, bool):
        return {"name": name, "value": "true" if value else "false", "type": "BOOLEAN"}
    if isinstance(value, int):
        return {"name": name, "value": str(value), "type": "BIGINT"}
    if isinstance(value, float):
        return {"name": name, "value": repr(value), "type": "DOUBLE"}
    if isinstance(value, Decimal):
        text = format(value, "f")
        scale = len(text.partition(".")[2])
        return {"name": name, "value": text, "type": f"DECIMAL(38,{min(scale, 38)})"}
    if isinstance(value, datetime):
        kind = "TIMESTAMP" if value.tzinfo else "TIMESTAMP_NTZ"
        return {"name": name, "value": value.isoformat(" "), "type": kind}
    if isinstance(value, date):
        return {"name": name, "value": value.isoformat(), "type": "DATE"}
    return {"name": name, "value": str(value), "type": "STRING"}
