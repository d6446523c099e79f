"""Runs one guarded SELECT on Trino or Starburst; see `connectors.abilities.CanRun` and `connectors.http_run`.

The statement runs in a transaction that was started READ ONLY, in which the engine refuses to write, and carries its
time-out as a property of the session. A cancel is DELETE of the page that would come next. Parameters go beside the
text as `EXECUTE IMMEDIATE ... USING`, which Trino has since 418: it takes them as literals, which are written here,
each with its type and its quotes doubled, and never into the statement that the guard saw. Results come in the
coordinator's own answers; spooled segments, which lie elsewhere, are not asked for.

Source: https://trino.io/docs/current/develop/client-protocol.html, /sql/start-transaction.html,
/sql/execute-immediate.html, /sql/explain.html (TYPE IO), /admin/properties-query-management.html (query_max_run_time)
"""

from __future__ import annotations

import base64
import contextlib
import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from connectors.abilities import Estimate, ResultColumn, RunLimits
from connectors.errors import (
    PermissionMissing,
    QueryFailed,
    SourceError,
    SourceInterrupted,
    UnreachableSource,
)
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
from connectors.warehouse import quoted

QUERY_GRANTS = """\
-- A user whom access control lets read the chosen tables and nothing else. In SQL, where the catalog has roles:
-- GRANT SELECT ON <catalog>.<schema>.<table> TO USER docent_query;
-- In file-based access control, in this order:
-- {"catalogs": [{"user": "docent_query", "catalog": "<catalog>", "allow": "read-only"},
--               {"user": "docent_query", "allow": "none"}],
--  "tables": [{"user": "docent_query", "catalog": "<catalog>", "schema": "<schema>", "privileges": ["SELECT"]},
--             {"user": "docent_query", "privileges": []}]}
-- No right on system.runtime, on procedures or on table functions; a resource group of its own bounds what it takes.
"""
STOPPED = ("USER_CANCELED", "EXCEEDED_TIME_LIMIT", "ABANDONED_QUERY")
BEFORE_ROWS = frozenset(
    """SYNTAX_ERROR COLUMN_NOT_FOUND TABLE_NOT_FOUND SCHEMA_NOT_FOUND CATALOG_NOT_FOUND FUNCTION_NOT_FOUND TYPE_MISMATCH
    TYPE_NOT_FOUND EXPRESSION_NOT_AGGREGATE MISSING_GROUP_BY AMBIGUOUS_NAME DUPLICATE_COLUMN_NAME""".split()
)
"""Errors of the analysis, which looks at no row: only these may tell where they are."""


class TrinoRuns(HttpRuns):
    """The part of the Trino connector that runs SQL."""

    _at: Any

    def _said_by(self) -> Mapping[str, str]:
        raise NotImplementedError

    def estimate(self, sql: str, parameters: Sequence[Any] = ()) -> Estimate | None:
        """The rows that the planner expects, by EXPLAIN, where the tables have statistics."""
        job = self._job(f"EXPLAIN (TYPE IO, FORMAT JSON) {sql}", parameters, RunLimits(seconds=10))

        def ask(until: float) -> Estimate | None:
            await_page(job, until)
            plan = json.loads("".join(str(row[0]) for row in job.rows(until)) or "{}")
            job.leave(until)
            told = member(plan, "estimate").get("outputRowCount")
            if not isinstance(told, (int, float)) or not math.isfinite(told):
                return None
            return Estimate(rows=int(told))

        found: Estimate | None = estimated(job, ask)
        return found

    def _job(self, sql: str, parameters: Sequence[Any], limits: RunLimits) -> _Job:
        api = RunApi(self._at.url, self._said_by, title="Trino", plain_http=self._at.plain_http)
        return _Job(api, self._at, _with_values(sql, parameters), limits)


class _Job:
    """One statement and its transaction, by the addresses that Trino gives."""

    def __init__(self, api: RunApi, at: Any, sql: str, limits: RunLimits) -> None:
        self.api = api
        self.cut: Cut = None
        self._at, self._sql, self._limits = at, sql, limits
        self._bound = sql.startswith("EXECUTE IMMEDIATE ")
        self._transaction = ""
        self._sent = self._over = False
        self._next = ""
        self._page: Mapping[str, Any] = {}
        self._columns: list[Mapping[str, Any]] = []

    def submit(self, until: float) -> None:
        self._begin(until)
        self._sent = True
        self._take(self._post(self._sql, until, self._transaction))

    def look(self, until: float) -> bool:
        """Until its columns are known; what has none and no next page is over."""
        if not self._columns and self._next:
            self._follow(until)
        return bool(self._columns) or not self._next

    def stop(self, until: float) -> None:
        if self._next:
            self.api.say("DELETE", self._path(self._next), until=until, rest=False)

    def ended(self, until: float) -> bool:
        if self._over or not self._sent:
            return True
        if not self._next:
            return not self.api.lost
        said = self.api.say("GET", self._path(self._next), until=until, rest=False)
        if said.status in (404, 410) or (
            said.good and (said.body.get("error") or not said.body.get("nextUri"))
        ):
            return True
        self._next = str(said.body.get("nextUri") or self._next) if said.good else self._next
        return False

    def columns(self) -> tuple[ResultColumn, ...]:
        return tuple(ResultColumn(str(each["name"]), str(each.get("type") or "")) for each in self._columns)

    def rows(self, until: float) -> Iterator[tuple[Any, ...]]:
        while True:
            data = self._page.get("data") or ()
            if not isinstance(data, (list, tuple)):
                raise SourceInterrupted("Trino answered with spooled segments, which were not asked for")
            kinds = [str(each.get("type") or "") for each in self._columns]
            for row in data:
                yield tuple(_value(kind, cell) for kind, cell in zip(kinds, row, strict=True))
            if not self._next:
                self._over = True
                self.leave(until)
                return
            if not data:
                self.api.rest(0.05, until)
            self._follow(until)

    def leave(self, until: float) -> None:
        """End the transaction, which would end by itself when it has been idle."""
        if self._transaction:
            transaction, self._transaction = self._transaction, ""
            with contextlib.suppress(SourceError, TooLate):
                said = self._post("ROLLBACK", min(until, time.monotonic() + 3), transaction)
                while said.good and said.body.get("nextUri"):
                    said = self.api.say("GET", self._path(said.body["nextUri"]), until=until, rest=False)

    def _begin(self, until: float) -> None:
        said = self._post("START TRANSACTION READ ONLY", until, "NONE", again=True)
        while True:
            if not said.good or said.body.get("error"):
                raise self._refused(said)
            self._transaction = said.headers.get("x-trino-started-transaction-id", self._transaction)
            if not said.body.get("nextUri"):
                break
            said = self.api.say("GET", self._path(said.body["nextUri"]), until=until)
        if not self._transaction:
            raise SourceInterrupted("Trino started no read-only transaction, so nothing was run")

    def _post(self, text: str, until: float, transaction: str, *, again: bool = False) -> Said:
        headers = {
            "X-Trino-Transaction-Id": transaction,
            "X-Trino-Session": f"query_max_run_time={max(1, math.ceil(self._limits.seconds))}s",
            "X-Trino-Client-Tags": "docent-run-sql",
        }
        return self.api.say(
            "POST", "/v1/statement", until=until, again=again, headers=headers, content=text.encode()
        )

    def _follow(self, until: float) -> None:
        self._take(self.api.say("GET", self._path(self._next), until=until))

    def _take(self, said: Said) -> None:
        if not said.good or said.body.get("error"):
            self._over = said.good
            self.leave(time.monotonic() + 3)
            raise self._refused(said)
        self._page = said.body
        self._next = str(said.body.get("nextUri") or "")
        self._columns = said.body.get("columns") or self._columns

    def _path(self, address: str) -> str:
        """The path of a page, which must be on the server that we know: the credential goes with the request."""
        ours, there = urlsplit(self._at.url.strip().rstrip("/")), urlsplit(address)
        if there.netloc.lower() != ours.netloc.lower():
            raise SourceInterrupted(
                "Trino points to another server for the next page; give the address it uses"
            )
        path = there.path.removeprefix(ours.path) if ours.path else there.path
        return f"{path}?{there.query}" if there.query else path

    def _refused(self, said: Said) -> SourceError:
        error = member(said.body, "error")
        if not error:
            if said.status in (429, 502, 503, 504):
                return SourceInterrupted("Trino is not available just now; try again later")
            if said.status == 403:
                return PermissionMissing("Trino does not let this user run statements; see the grant script")
            return UnreachableSource(f"Trino answered {said.status}")
        name, text = plain_word(error.get("errorName")) or "an error", str(error.get("message") or "")
        if name in STOPPED:
            raise TooLate
        if error.get("errorType", "USER_ERROR") == "INSUFFICIENT_RESOURCES":
            return QueryFailed(f"Trino stopped the query: {name}", full=text, code=name)
        if error.get("errorType", "USER_ERROR") != "USER_ERROR":
            return SourceInterrupted(f"Trino could not finish the query: {name}; try again later")
        at = member(error, "errorLocation") if name in BEFORE_ROWS and not self._bound else {}
        line, column = at.get("lineNumber"), at.get("columnNumber")
        known = isinstance(line, int) and isinstance(column, int)
        position = position_in(self._sql, int(line), int(column)) if known and line and column else None
        where = f" at character {position}" if position else ""
        return QueryFailed(f"Trino refused the query: {name}{where}", full=text, position=position, code=name)


def _with_values(sql: str, parameters: Sequence[Any]) -> str:
    if not parameters:
        return sql
    values = ", ".join(_literal(value) for value in parameters)
    return f"EXECUTE IMMEDIATE {quoted(sql, backslashes=False)} USING {values}"


def _literal(value: Any) -> str:
    """A value as SQL writes it. Only a quote can end a text in Trino, and it is doubled."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"BIGINT '{value}'"
    if isinstance(value, float):
        return f"DOUBLE '{value!r}'"
    if isinstance(value, Decimal):
        return f"DECIMAL '{value:f}'"
    if isinstance(value, datetime):
        return f"TIMESTAMP '{value.isoformat(' ')}'"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    return quoted(str(value), backslashes=False)


def _value(kind: str, value: Any) -> Any:
    """A cell: numbers of JSON, texts for what JSON has not. Arrays, maps and rows stay as they came."""
    if value is None:
        return None
    name = kind.partition("(")[0].lower()
    try:
        if name == "decimal":
            return Decimal(value)
        if name in ("double", "real"):
            return float(value)
        if name == "varbinary":
            return base64.b64decode(value, validate=True)
        if name == "date":
            return date.fromisoformat(value)
        if name == "timestamp" and "with time zone" not in kind:
            return datetime.fromisoformat(value)
        if name == "timestamp" and str(value).endswith(" UTC"):
            return datetime.fromisoformat(str(value).removesuffix(" UTC") + "+00:00")
    except (ValueError, ArithmeticError, TypeError):
        pass  # what Python has no value for stays Trino's text
    return value
