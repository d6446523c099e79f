"""Runs one guarded SELECT on ClickHouse's HTTP interface; see `connectors.abilities.CanRun` and `connectors.http_run`.

Every request is `readonly = 1`, so that no statement writes or changes a setting, and carries its limits of time and
rows; the interface takes one statement. The server holds the answer back to its end (`wait_end_of_query`), so that an
error has its status and is never found half-way in the rows. A cancel is KILL QUERY by the id that we gave, from a
second connection; the server also ends a query whose connection was closed.

`INTO OUTFILE` writes where the program runs that asks: a server refuses it over HTTP, whatever the user may do, and so
nothing here has to. The function `file` has no wall in the engine but `user_files_path`; the guard has it on no list.

`max_result_bytes` is not used: where it breaks off a result nothing says so, and half of it would look like all. Bytes
are counted here as they arrive, and what is left is not read.

Source: https://clickhouse.com/docs/interfaces/http (query_id, param_, wait_end_of_query, X-ClickHouse-Exception-Code),
https://clickhouse.com/docs/operations/settings/permissions-for-queries (readonly), /query-complexity,
https://clickhouse.com/docs/sql-reference/statements/kill, /select/into-outfile, /explain
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx

from connectors.abilities import Estimate, ResultColumn, RunLimits
from connectors.errors import (
    PermissionMissing,
    QueryFailed,
    QueryStopped,
    SignInRefused,
    SourceError,
    SourceInterrupted,
    UnreachableSource,
)
from connectors.http_run import MOST, Cut, HttpRuns, RunApi, Said, TooLarge, TooLate, estimated

QUERY_GRANTS = """\
-- Runs the SELECTs that people send. Grant exactly the tables that may be queried, nothing else.
CREATE USER docent_query IDENTIFIED BY '<password>'
  SETTINGS max_memory_usage = 4000000000, max_concurrent_queries_for_user = 10;
GRANT SELECT ON <database>.<table> TO docent_query;
-- So that it can stop its own queries; without it a cancel closes their connection.
GRANT SELECT(query_id, user, query) ON system.processes TO docent_query;
-- Leave its setting `readonly` alone: Docent sends readonly = 1 with each statement, and a user whose profile fixes it
-- may not set the limits. It gets no right on sources (url, s3, file, remote): those are grants of their own. The
-- function file() asks for no right at all: what lies in the server's user_files_path can be read by every user.
"""
FORMAT = {
    "default_format": "JSONCompactEachRowWithNamesAndTypes",
    "output_format_json_quote_64bit_integers": "1",
    "output_format_json_quote_decimals": "1",
    "output_format_json_quote_denormals": "1",
    "output_format_decimal_trailing_zeros": "1",
}
STOPPED = (159, 394)
"""TIMEOUT_EXCEEDED, QUERY_WAS_CANCELLED."""
REFUSED = (192, 193, 194, 195, 516)
"""An unknown user, a wrong or missing password."""
NAMED = re.compile(r"\(([A-Z][A-Z0-9_]{2,60})\)(?: \(version [^()]{1,60}(?:\([^()]*\))?\))?\s*$")
SYNTAX = re.compile(r"Code: 62\. DB::Exception: Syntax error: failed at position (\d{1,6}) ")
MARK = re.compile(
    r"""'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`(?:[^`\\]|\\.|``)*`|\{p(\d+):Auto\}""", re.DOTALL
)


class ClickHouseRuns(HttpRuns):
    """The part of the ClickHouse connector that runs SQL."""

    _at: Any

    def estimate(self, sql: str, parameters: Sequence[Any] = ()) -> Estimate | None:
        """The rows that would be read from the tables of the MergeTree family; None where there are none."""
        job = self._job(f"EXPLAIN ESTIMATE {sql}", parameters, RunLimits(seconds=10))

        def ask(until: float) -> Estimate | None:
            job.submit(until)
            at = [column.name for column in job.columns()].index("rows")
            counts = [int(row[at]) for row in job.rows(until)]
            return Estimate(rows=sum(counts)) if counts else None

        found: Estimate | None = estimated(job, ask)
        return found

    def _job(self, sql: str, parameters: Sequence[Any], limits: RunLimits) -> _Job:
        headers = {"X-ClickHouse-User": self._at.user, "X-ClickHouse-Key": self._at.password}
        api = RunApi(self._at.url, lambda: headers, title="ClickHouse", plain_http=self._at.plain_http)
        return _Job(api, sql, parameters, limits)


class _Job:
    """One statement, by the id that we give it."""

    def __init__(self, api: RunApi, sql: str, parameters: Sequence[Any], limits: RunLimits) -> None:
        self.api = api
        self.cut: Cut = None
        self._sql, self._limits = typed(sql, parameters), limits
        self._values = {f"param_p{number}": _text(value) for number, value in enumerate(parameters, start=1)}
        self._id = f"docent-{uuid.uuid4()}"
        self._sent = self._over = False
        self._lines: Iterator[Any] = iter(())
        self._columns: list[tuple[str, str]] = []

    def submit(self, until: float) -> None:
        self._sent = True
        asked = {
            "query_id": self._id,
            "readonly": "1",
            "max_execution_time": f"{max(self._limits.seconds, 0.001):.3f}",
            "max_result_rows": str(self._limits.rows + 1),
            "result_overflow_mode": "break",
            "cancel_http_readonly_queries_on_client_close": "1",
            "wait_end_of_query": "1",
            **FORMAT,
            **self._values,
        }
        said = self.api.say(
            "POST", "/", until=until, again=False, keep=True, params=asked, content=self._sql.encode()
        )
        if not said.good:
            self._over = True
            raise self._refused(said)
        self._lines = _lines(said.body, until)
        names, kinds = next(self._lines, None), next(self._lines, None)
        if not isinstance(names, list) or not isinstance(kinds, list):
            raise SourceInterrupted("ClickHouse answered without the names and types of its columns")
        self._columns = [(str(name), str(kind)) for name, kind in zip(names, kinds, strict=True)]

    def look(self, until: float) -> bool:
        return True

    def stop(self, until: float) -> None:
        if self._sent:
            self._kill("ASYNC", until)

    def ended(self, until: float) -> bool:
        """Over where its own answer said so, or no query of this id runs."""
        if self._over or not self._sent:
            return True
        said = self._kill("TEST", until)
        return said.good and not said.body

    def columns(self) -> tuple[ResultColumn, ...]:
        return tuple(ResultColumn(name, kind) for name, kind in self._columns)

    def rows(self, until: float) -> Iterator[tuple[Any, ...]]:
        readers = [reader(kind) for _, kind in self._columns]
        for row in self._lines:
            if not isinstance(row, list):
                raise SourceInterrupted("ClickHouse broke off its answer")
            yield tuple(None if cell is None else read(cell) for read, cell in zip(readers, row, strict=True))

    def _kill(self, how: str, until: float) -> Said:
        text = f"KILL QUERY WHERE query_id = '{self._id}' {how}"
        asked = {"default_format": "JSONCompactEachRow"}
        return self.api.say("POST", "/", until=until, rest=False, params=asked, content=text.encode())

    def _refused(self, said: Said) -> SourceError:
        """An error's code and name; its position where it is one of syntax, which is found before any row is read."""
        text = said.text
        told = said.headers.get("x-clickhouse-exception-code", "")
        code = int(told) if told.isdigit() else 0
        if code in STOPPED:
            raise TooLate
        if code in REFUSED or (not code and said.status in (401, 403)):
            return SignInRefused("ClickHouse refused the credential")
        if not code:
            if said.status in (429, 502, 503, 504):
                return SourceInterrupted("ClickHouse is not available just now; try again later")
            return UnreachableSource(f"ClickHouse answered {said.status}")
        if code == 241:
            return QueryStopped("the query was stopped at the server's limit for memory")
        if code == 202:
            return SourceInterrupted("ClickHouse runs as many queries as it may; try again shortly")
        if code == 164 and "Cannot modify" in text:
            return PermissionMissing(
                "the profile of the query user fixes the setting readonly, so no limits can be set: see the script"
            )
        found = SYNTAX.match(text) if code == 62 else None
        position = int(found[1]) if found else None
        if position is not None and not 1 <= position <= len(self._sql) + 1:
            position = None
        name = NAMED.search(text)
        where = f" at character {position}" if position else ""
        return QueryFailed(
            f"ClickHouse refused the query: {name[1] if name else 'an error'} (code {code}){where}",
            full=text,
            position=position,
            code=str(code),
        )


def _lines(answer: httpx.Response, until: float) -> Iterator[Any]:
    """The JSON lines of an answer. One that is longer than all rows together may be is given up while it arrives."""
    rest = bytearray()
    try:
        for piece in answer.iter_bytes():
            rest += piece
            *whole, last = rest.split(b"\n")
            rest = bytearray(last)
            if len(rest) > MOST:
                raise TooLarge
            for line in whole:
                if line:
                    yield json.loads(line.decode("utf-8", "replace"))
        if rest.strip():
            yield json.loads(rest.decode("utf-8", "replace"))
    except httpx.TimeoutException:
        raise TooLate from None
    except httpx.HTTPError:
        raise SourceInterrupted("ClickHouse dropped the connection") from None
    finally:
        answer.close()


def typed(sql: str, parameters: Sequence[Any]) -> str:
    """`sql` with the type of each value in its marks, which the guard could not know. Texts and names stay."""

    def put(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0]
        return f"{{p{match[1]}:{_kind(parameters[int(match[1]) - 1])}}}"

    return MARK.sub(put, sql) if parameters else sql


def _kind(value: Any) -> str:
    if value is None:
        return "Nullable(Nothing)"
    if isinstance(value, bool):
        return "Bool"
    if isinstance(value, int):
        return "Int64"
    if isinstance(value, float):
        return "Float64"
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        return f"Decimal(76, {max(0, -exponent) if isinstance(exponent, int) else 0})"
    if isinstance(value, datetime):
        return "DateTime64(6, 'UTC')" if value.tzinfo else "DateTime64(6)"
    return "Date32" if isinstance(value, date) else "String"


def _text(value: Any) -> str:
    r"""A value as a parameter of the address: escaped as in a TSV file, \N for null."""
    if value is None:
        return "\\N"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        at = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        return at.isoformat(" ", "microseconds")
    text = value.isoformat() if isinstance(value, date) else str(value)
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def reader(kind: str) -> Callable[[Any], Any]:
    """How a cell of this type is read. What Python has no value for stays as it came."""
    name, _, inside = kind.partition("(")
    inner = inside[:-1] if inside.endswith(")") else inside
    if name in ("Nullable", "LowCardinality", "SimpleAggregateFunction"):
        return reader(_parts(inner)[-1])
    if re.fullmatch(r"U?Int\d+", name):
        return int
    if name.startswith(("Float", "BFloat")):
        return float
    if name.startswith("Decimal"):
        return Decimal
    if name == "Array":
        one = reader(inner)
        return lambda value: [None if each is None else one(each) for each in value]
    if name == "Tuple":
        return _tuple(_parts(inner))
    if name == "Map":
        held = reader(_parts(inner)[-1])
        return lambda value: {key: None if each is None else held(each) for key, each in value.items()}
    if name in ("Date", "Date32"):
        return _or_text(date.fromisoformat)
    if name in ("DateTime", "DateTime64"):
        return _or_text(datetime.fromisoformat)
    return lambda value: value  # String, UUID, addresses, Enum, Bool, JSON, Variant, geometry


def _tuple(parts: Sequence[str]) -> Callable[[Any], Any]:
    """Of values by place, or by name where the server writes a named tuple as an object."""
    named = [re.fullmatch(r"(`[^`]+`|[A-Za-z_]\w*) (.+)", part, re.DOTALL) for part in parts]
    readers = [reader(match[2] if match else part) for match, part in zip(named, parts, strict=True)]

    def read(value: Any) -> Any:
        cells = list(value.values()) if isinstance(value, dict) else value
        made = [None if cell is None else one(cell) for one, cell in zip(readers, cells, strict=True)]
        return dict(zip(value, made, strict=True)) if isinstance(value, dict) else made

    return read


def _or_text(read: Callable[[str], Any]) -> Callable[[Any], Any]:
    def one(value: Any) -> Any:
        try:
            return read(value)
        except ValueError:
            return value

    return one


def _parts(text: str) -> list[str]:
    """A list of types at its outer commas."""
    parts, depth, quoted, start = [], 0, "", 0
    for at, sign in enumerate(text):
        if quoted:
            quoted = "" if sign == quoted else quoted
        elif sign in "'`":
            quoted = sign
        elif sign == "(":
            depth += 1
        elif sign == ")":
            depth -= 1
        elif sign == "," and not depth:
            parts.append(text[start:at].strip())
            start = at + 1
    return [*parts, text[start:].strip()]
