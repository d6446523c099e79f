"""Local services that run SQL as their vendors document it: each executes what it is sent in a DuckDB of its own.

A statement comes in the vendor's dialect and leaves by the vendor's wire: states, pages, encodings of values, errors with
a value quoted in them. `SLOW` in a statement's text makes it never end until it is cancelled. A `Fault` replaces the
answer to the next request that it fits, before or after the service has acted on it.
"""

from __future__ import annotations

import base64
import json
import re
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

import duckdb
import sqlglot

from connectors import connect
from tests.connectors import trino_wire
from tests.connectors.test_warehouses import KEY, handle_of
from tests.connectors.vendor_server import Answer, Asked, Vendor, serve
from tests.own_servers import missing

CANARY = "canary-5e1d7b"
SLOW = "'for ever' AS slow"
"""In a statement: an expression on which the service never ends by itself."""


@dataclass
class Fault:
    """`answer` to the next request whose "METHOD /path" holds `at`; with `acted` the service does its part first."""

    at: str
    answer: Answer
    acted: bool = False


@dataclass
class Statement:
    """One statement at the service. `state` is running, done, failed or cancelled."""

    id: str
    sql: str
    asked: Any
    state: str = "running"
    columns: list[tuple[str, str]] = field(default_factory=list)
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    error: str = ""
    cancels: int = 0


class Service:
    """What the services share: a database with canaries, statements under way, faults."""

    type: ClassVar[str]
    dialect: ClassVar[str]
    catalog: ClassVar[str] = "shop"
    upper: ClassVar[bool] = False
    """Does the engine fold plain names to upper case?"""
    places: ClassVar[tuple[str, ...]]
    """The requests of a run that goes well, in order, as "METHOD /path" has them."""
    once: ClassVar[tuple[str, ...]] = ()
    """Those of them that may not be made again when their answer is lost."""
    cancelling: ClassVar[str]
    bad: ClassVar[str] = "CAST(note AS INTEGER)"
    """An expression that fails on a value and quotes it."""
    catalogs: ClassVar[bool] = True
    """Does a name have three parts?"""
    estimates: ClassVar[str] = ""
    """What is told before a run; "" where nothing is."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.statements: dict[str, Statement] = {}
        self.confirms = True
        """Does a cancel end a statement?"""
        self.page = 3
        self.tokens = 0
        self.lock = threading.Lock()
        self.database = duckdb.connect(":memory:")
        self.database.execute(f"ATTACH ':memory:' AS {self.catalog}")
        self.database.execute(f"USE {self.catalog}")
        self.database.execute(f"CREATE SCHEMA {self.catalog}.sales")
        self.database.execute(
            f"CREATE TABLE {self.catalog}.sales.orders AS SELECT i AS id, i * 1.5 AS total, '{CANARY}-' || i AS note, "
            "DATE '2026-01-01' + i::int AS day FROM range(1, 11) t(i)"
        )
        self.database.execute(
            f"CREATE TABLE {self.catalog}.sales.salaries AS SELECT 1 AS id, 91234 AS salary"
        )
        self.vendor = Vendor({f"{method} /*": self.answer for method in ("GET", "POST", "DELETE")})

    def settings(self) -> tuple[dict[str, str], dict[str, str]]:
        """(settings, secrets) of the query credential."""
        raise NotImplementedError

    def connector(self, **extra: str) -> Any:
        settings, secrets = self.settings()
        return connect(self.type, {**settings, **extra}, secrets)

    def handle(self, asked: Asked) -> Any:
        """The vendor's own answer."""
        raise NotImplementedError

    def place(self, asked: Asked) -> str:
        """What a request is for, as `places` and faults name it."""
        return f"{asked.method} {asked.path}"

    def close(self) -> None:
        """End what is left."""
        self.database.close()

    def answer(self, asked: Asked) -> Any:
        place = self.place(asked)
        fault = next((each for each in self.faults if each.at in place), None)
        if fault is not None:
            self.faults.remove(fault)
            if not fault.acted:
                return fault.answer
        found = self.handle(asked)
        return fault.answer if fault is not None else found

    def named(self) -> str:
        """The orders as the engine's own statement names them."""
        return "sales.orders"

    def texts(self) -> str:
        """Every statement's text."""
        return "\n".join(each.sql for each in self.statements.values())

    def under_way(self) -> list[Statement]:
        return [each for each in self.statements.values() if each.state == "running"]

    def begin(self, id: str, sql: str, asked: Any) -> Statement:
        """Take a statement and run it, unless it is one that never ends."""
        statement = self.statements[id] = Statement(id, sql, asked)
        if SLOW not in sql:
            self.execute(statement)
        return statement

    def execute(self, statement: Statement) -> None:
        try:
            (text,) = sqlglot.transpile(statement.sql, read=self.dialect, write="duckdb")
            with self.lock:
                cursor = self.database.execute(text, self.bound(statement) or None)
                statement.columns = [(column[0], str(column[1])) for column in cursor.description or ()]
                statement.rows = cursor.fetchall()
            if self.upper:
                statement.columns = [(name.upper(), kind) for name, kind in statement.columns]
            statement.state = "done"
        except (duckdb.Error, sqlglot.errors.SqlglotError, ValueError) as error:
            statement.state, statement.error = "failed", str(error)

    def bound(self, statement: Statement) -> Any:
        """Values for DuckDB's marks."""
        return None

    def cancel(self, id: str) -> Statement | None:
        statement = self.statements.get(id)
        if statement is not None:
            statement.cancels += 1
            if self.confirms and statement.state == "running":
                statement.state = "cancelled"
        return statement


@contextmanager
def served(service: Service) -> Iterator[Service]:
    """Run it while the block lasts."""
    with serve(service.vendor):
        try:
            yield service
        finally:
            service.close()


# --- BigQuery -------------------------------------------------------------------------------------------------------


class BigQueryService(Service):
    """jobs.insert, jobs.get, jobs.cancel, jobs.getQueryResults and the token endpoint, by the REST reference."""

    type = "bigquery"
    dialect = "bigquery"
    places = ("POST /bigquery/v2/projects/shop/jobs", "GET /bigquery/v2/projects/shop/queries/")
    cancelling = "/cancel"
    bad = "CAST(note AS INT64)"
    estimates = "would read 123.5 MB"
    names: ClassVar[dict[str, str]] = {"BIGINT": "INTEGER", "INTEGER": "INTEGER", "VARCHAR": "STRING", "DATE": "DATE",
                                       "BOOLEAN": "BOOLEAN", "DOUBLE": "FLOAT"}  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.reads = 123_456_789
        self.kind = "SELECT"
        self.undeclared: list[dict[str, Any]] = []
        self.canned: tuple[list[dict[str, Any]], list[Any]] | None = None
        """A result as it is on the wire, in place of one that was executed: fields, and cells of each row."""

    def settings(self) -> tuple[dict[str, str], dict[str, str]]:
        key = {"client_email": "q@shop.iam", "private_key": KEY, "token_uri": f"{self.vendor.url}/token"}
        return {"project": "shop", "region": "eu", "url": self.vendor.url}, {"key": json.dumps(key)}

    def refuse(self, status: int, reason: str, message: str) -> Answer:
        one = {
            "reason": reason,
            "message": message,
            "domain": "global",
            "location": "q",
            "locationType": "other",
        }
        return Answer(
            status, {"error": {"code": status, "message": message, "errors": [one], "status": "INVALID"}}
        )

    def handle(self, asked: Asked) -> Any:
        if asked.path == "/token":
            self.tokens += 1
            return {"access_token": f"t{self.tokens}", "expires_in": 3600, "token_type": "Bearer"}
        if asked.headers.get("authorization") != f"Bearer t{self.tokens}":
            return self.refuse(401, "authError", "Request had invalid authentication credentials.")
        base = "/bigquery/v2/projects/shop"
        assert asked.path.startswith(base), asked.path
        parts = asked.path.removeprefix(base).strip("/").split("/")
        if asked.method == "POST" and parts == ["jobs"]:
            return self.insert(asked.json)
        assert asked.query.get("location") == "eu"  # else a job outside the multi-region is not found
        if asked.method == "POST" and parts[0] == "jobs" and parts[2:] == ["cancel"]:
            found = self.cancel(parts[1])
            return {"kind": "bigquery#jobCancelResponse", "job": self.job(found)} if found else self.absent()
        if asked.method == "GET" and parts[0] == "jobs":
            found = self.statements.get(parts[1])
            return self.job(found) if found else self.absent()
        assert asked.method == "GET" and parts[0] == "queries", asked.path
        return self.results(parts[1], asked.query)

    def absent(self) -> Answer:
        return self.refuse(404, "notFound", "Not found: Job")

    def insert(self, body: Any) -> Any:
        configuration, reference = body["configuration"], body["jobReference"]
        query = configuration["query"]
        assert reference["projectId"] == "shop" and reference["location"] == "eu"
        assert query["useLegacySql"] is False
        assert set(query) <= {
            "query",
            "useLegacySql",
            "maximumBytesBilled",
            "parameterMode",
            "queryParameters",
        }
        if configuration.get("dryRun"):
            try:
                sqlglot.parse_one(query["query"], read="bigquery")
            except sqlglot.errors.SqlglotError:
                return self.refuse(400, "invalidQuery", "Syntax error: Unexpected end of script at [1:8]")
            if "nothing_such" in query["query"]:
                at = query["query"].index("nothing_such") + 1
                return self.refuse(400, "invalidQuery", f"Unrecognized name: nothing_such at [1:{at}]")
            facts: dict[str, Any] = {"statementType": self.kind, "totalBytesProcessed": str(self.reads)}
            facts |= {"totalBytesProcessedAccuracy": "PRECISE", "referencedTables": [], "cacheHit": False}
            if self.undeclared:
                facts["undeclaredQueryParameters"] = self.undeclared
            return {"kind": "bigquery#job", "configuration": configuration, "status": {"state": "DONE"},
                    "statistics": {"totalBytesProcessed": str(self.reads), "query": facts}}  # fmt: skip
        if reference["jobId"] in self.statements:
            return self.refuse(409, "duplicate", f"Already Exists: Job shop:eu.{reference['jobId']}")
        return self.job(self.begin(reference["jobId"], query["query"], body))

    def bound(self, statement: Statement) -> Any:
        given = statement.asked["configuration"]["query"].get("queryParameters") or ()
        read = {"INT64": int, "NUMERIC": Decimal, "BOOL": lambda text: text == "true", "DATE": date.fromisoformat,
                "TIMESTAMP": datetime.fromisoformat, "STRING": str}  # fmt: skip
        return {
            each["name"]: None
            if each["parameterValue"]["value"] is None
            else read[each["parameterType"]["type"]](each["parameterValue"]["value"])
            for each in given
        }

    def job(self, statement: Statement) -> dict[str, Any]:
        status: dict[str, Any] = {"state": "RUNNING" if statement.state == "running" else "DONE"}
        if statement.state == "cancelled":
            status["errorResult"] = {
                "reason": "stopped",
                "message": "Job execution was cancelled: User requested",
            }
        if statement.state == "failed":
            status["errorResult"] = {"reason": "invalidQuery", "message": statement.error}
        return {"kind": "bigquery#job", "status": status,
                "jobReference": {"projectId": "shop", "jobId": statement.id, "location": "eu"}}  # fmt: skip

    def results(self, id: str, query: dict[str, str]) -> Any:
        statement = self.statements.get(id)
        if statement is None:
            return self.absent()
        if statement.state == "running":
            time.sleep(min(0.05, int(query.get("timeoutMs", "10000")) / 1000))
            return {"jobComplete": False, "jobReference": {"jobId": id}}
        if statement.state == "cancelled":
            return self.refuse(400, "stopped", "Job execution was cancelled: User requested cancellation")
        if statement.state == "failed":
            return self.refuse(400, "invalidQuery", f"{statement.error}; error at [1:1]")
        if (
            query.get("maxResults", "0") != "0"
        ):  # Google's own client asks for no row first, and then without the wish
            assert query["formatOptions.useInt64Timestamp"].lower() == "true"
        start = int(query.get("pageToken") or 0)
        size = min(self.page, int(query.get("maxResults") or self.page))
        if self.canned is not None:
            fields, cells = self.canned
        else:
            fields = [
                {
                    "name": name,
                    "type": "NUMERIC" if kind.startswith("DECIMAL") else self.names[kind],
                    "mode": "NULLABLE",
                }
                for name, kind in statement.columns
            ]
            cells = [[{"v": _big(value)} for value in row] for row in statement.rows]
        page: dict[str, Any] = {
            "jobComplete": True, "schema": {"fields": fields}, "totalRows": str(len(cells)), "cacheHit": False,
            "totalBytesProcessed": str(self.reads),
        }  # fmt: skip
        if cells:
            page["rows"] = [{"f": row} for row in cells[start : start + size]]
        if start + size < len(cells):
            page["pageToken"] = str(start + size)
        return page


def _big(value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


SERVICES: dict[str, type[Service]] = {"bigquery": BigQueryService}


# --- Snowflake ------------------------------------------------------------------------------------------------------


class SnowflakeService(Service):
    """The SQL API: submitting, looking, partitions, cancelling, by the reference of its operations."""

    type = "snowflake"
    dialect = "snowflake"
    upper = True
    places = ("POST /api/v2/statements", "GET /api/v2/statements/")
    cancelling = "/cancel"
    estimates = "would read 1.0 kB"
    names: ClassVar[dict[str, dict[str, Any]]] = {
        "BIGINT": {"type": "fixed", "precision": 38, "scale": 0}, "INTEGER": {"type": "fixed", "precision": 38, "scale": 0},
        "VARCHAR": {"type": "text", "length": 16777216}, "DATE": {"type": "date"}, "DOUBLE": {"type": "real"},
        "BOOLEAN": {"type": "boolean"},
    }  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.requests: dict[str, str] = {}
        self.canned: tuple[list[dict[str, Any]], list[list[Any]]] | None = None

    def settings(self) -> tuple[dict[str, str], dict[str, str]]:
        given = {"account": "ab12", "warehouse": "SMALL", "role": "DOCENT_QUERY", "url": self.vendor.url}
        return {**given, "user": "docent_query"}, {"private_key": KEY}

    def handle(self, asked: Asked) -> Any:
        assert asked.headers["x-snowflake-authorization-token-type"] == "KEYPAIR_JWT"
        assert asked.headers["user-agent"] and asked.headers["authorization"].count(".") == 2
        parts = asked.path.removeprefix("/api/v2/statements").strip("/").split("/")
        if asked.method == "POST" and parts == [""]:
            return self.submit(asked)
        statement = self.statements.get(parts[0])
        if statement is None:
            return Answer(404, {"code": "390404", "message": "not found"})
        if asked.method == "POST":
            assert parts[1:] == ["cancel"]
            self.cancel(parts[0])
            return {"code": "000604", "message": "successfully canceled", "statementHandle": parts[0]}
        return self.told(statement, int(asked.query.get("partition", 0)))

    def submit(self, asked: Asked) -> Any:
        body, request = asked.json, asked.query["requestId"]
        assert body["warehouse"] == "SMALL" and body["role"] == "DOCENT_QUERY" and body["timeout"] >= 1
        assert body["parameters"]["MULTI_STATEMENT_COUNT"] == "1"
        if request in self.requests:
            assert asked.query["retry"] == "true"
            return self.told(self.statements[self.requests[request]], 0)
        handle = handle_of(len(self.requests))
        self.requests[request] = handle
        if body["statement"].startswith("EXPLAIN USING JSON "):
            plan = {
                "GlobalStats": {"partitionsTotal": 2, "partitionsAssigned": 1, "bytesAssigned": 1024},
                "Operations": [],
            }
            kind = [{"name": "content", "type": "text"}]
            return self.result(handle, kind, [[json.dumps(plan)]], 0)
        if len([each for each in body["statement"].split(";") if each.strip()]) > 1:
            message = "Actual statement count 2 did not match the desired statement count 1."
            failed = {"code": "000008", "message": message, "sqlState": "0A000", "statementHandle": handle}
            return Answer(422, failed)
        self.begin(handle, body["statement"], body)
        return Answer(
            202,
            {"code": "333334", "statementHandle": handle, "message": "Asynchronous execution in progress"},
        )

    def bound(self, statement: Statement) -> Any:
        given = statement.asked.get("bindings") or {}
        read = {"FIXED": Decimal, "TEXT": str, "BOOLEAN": lambda text: text == "true"}
        return [
            None if each["value"] is None else read[each["type"]](each["value"])
            for each in (given[str(number)] for number in range(1, len(given) + 1))
        ]

    def told(self, statement: Statement, partition: int) -> Any:
        if statement.state == "running":
            return Answer(202, {"code": "333334", "statementHandle": statement.id})
        if statement.state == "cancelled":
            stopped = {"code": "000604", "sqlState": "57014", "message": "SQL execution canceled"}
            return Answer(422, {**stopped, "statementHandle": statement.id})
        if statement.state == "failed":
            return Answer(422, {"code": "100038", "sqlState": "22018", "message": statement.error,
                                "statementHandle": statement.id})  # fmt: skip
        if self.canned is not None:
            return self.result(statement.id, *self.canned, partition)
        kinds = []
        for name, kind in statement.columns:
            if kind.startswith("DECIMAL"):
                scale = int(kind.rstrip(")").split(",")[1])
                kinds.append({"name": name, "type": "fixed", "precision": 38, "scale": scale})
            else:
                kinds.append({"name": name, **self.names[kind]})
        rows = [[_snow(value) for value in row] for row in statement.rows]
        return self.result(statement.id, kinds, rows, partition)

    def result(self, handle: str, kinds: list[dict[str, Any]], rows: list[list[Any]], partition: int) -> Any:
        page = {"data": rows[partition * self.page : (partition + 1) * self.page]}
        if partition:
            return page
        counts = [min(self.page, len(rows) - start) for start in range(0, len(rows), self.page)] or [0]
        parts = [{"rowCount": count, "uncompressedSize": 100} for count in counts]
        facts = {"numRows": len(rows), "format": "jsonv2", "rowType": kinds, "partitionInfo": parts}
        return {"code": "090001", "statementHandle": handle, "resultSetMetaData": facts, **page}


def _snow(value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str((value - date(1970, 1, 1)).days) if isinstance(value, date) else str(value)


SERVICES["snowflake"] = SnowflakeService


# --- ClickHouse -----------------------------------------------------------------------------------------------------


class ClickHouseService(Service):
    """ClickHouse's own engine (chdb carries it) behind its HTTP interface: settings and parameters come in the address
    and hold for one request, which has a connection of its own. chdb gives queries ids of its own, so ours stands in a
    comment behind the text."""

    type = "clickhouse"
    dialect = "clickhouse"
    catalogs = False
    places = ("POST / run",)
    once = ("POST / run",)
    cancelling = "POST / kill"
    bad = "toInt64(note)"
    estimates = "expects about 10 rows"
    known = ("query_id", "wait_end_of_query", "default_format")
    """Parameters of the interface; every other one is a setting or a `param_`."""

    def __init__(self) -> None:
        self.faults = []
        self.statements = {}
        self.confirms = True
        self.page, self.tokens = 3, 0
        self.vendor = Vendor({f"{method} /*": self.answer for method in ("GET", "POST", "DELETE")})
        self.folder = tempfile.TemporaryDirectory(prefix="docent-clickhouse-")
        self.engine = chdb_connect(self.folder.name)
        for statement in (
            "CREATE DATABASE sales",
            "CREATE TABLE sales.orders (id Int64, total Decimal(10, 1), note String, day Date) ENGINE = MergeTree ORDER BY id",
            f"INSERT INTO sales.orders SELECT number + 1, (number + 1) * 1.5, concat('{CANARY}-', toString(number + 1)),"
            " toDate('2026-01-02') + number FROM numbers(10)",
            "CREATE TABLE sales.salaries (id Int64, salary Int64) ENGINE = MergeTree ORDER BY id",
        ):
            self.engine.query(statement)

    def settings(self) -> tuple[dict[str, str], dict[str, str]]:
        return {"url": self.vendor.url, "user": "docent_query"}, {"password": "p" * 12}

    def place(self, asked: Asked) -> str:
        return f"{asked.method} {asked.path} {'kill' if asked.body.startswith(b'KILL') else 'run'}"

    def under_way(self) -> list[Statement]:
        return [] if not self.find() else super().under_way()

    def find(self) -> list[str]:
        found = self.engine.query(
            "SELECT query_id FROM system.processes WHERE query LIKE '%*/'", "CSV"
        ).bytes()
        return [each.strip(b'"').decode() for each in found.split()]

    def close(self) -> None:
        for id in self.find():
            self.engine.query(f"KILL QUERY WHERE query_id = '{id}' SYNC")
        self.engine.close()
        self.folder.cleanup()

    def handle(self, asked: Asked) -> Any:
        if asked.headers.get("x-clickhouse-key") != "p" * 12:
            return self.refused(
                "Code: 516. DB::Exception: docent_query: Authentication failed: password is incorrect"
            )
        assert (
            asked.method == "POST"
            and asked.path == "/"
            and asked.headers["x-clickhouse-user"] == "docent_query"
        )
        text = asked.body.decode()
        kill = re.fullmatch(r"KILL QUERY WHERE query_id = '(docent-[0-9a-f-]{36})' (ASYNC|TEST)", text)
        if kill:
            statement = self.statements.get(kill[1])
            if statement is not None and kill[2] == "ASYNC":
                statement.cancels += 1
                if not self.confirms:
                    return Answer(200, b"")
            where = f"KILL QUERY WHERE query LIKE '%/* {kill[1]} */' {kill[2]}"
            return Answer(200, bytes(self.engine.query(where, "JSONCompactEachRow").bytes()))
        return self.run(asked, text)

    def refused(self, message: str) -> Answer:
        code = message.split(".")[0].removeprefix("Code: ")
        status = {"516": 403, "60": 404, "164": 500}.get(code, 400 if code in ("47", "62", "6") else 500)
        return Answer(
            status, f"{message} (version 26.9.2.1)\n".encode(), {"X-ClickHouse-Exception-Code": code}
        )

    def run(self, asked: Asked, text: str) -> Any:
        statement = Statement(asked.query["query_id"], text, asked)
        self.statements[statement.id] = statement
        given = dict(asked.query)
        format_ = given["default_format"]
        values = {
            name.removeprefix("param_"): text for name, text in given.items() if name.startswith("param_")
        }
        settings = {
            name: text
            for name, text in given.items()
            if name not in (*self.known, *(f"param_{n}" for n in values))
        }
        if not self.confirms:
            settings.pop("max_execution_time")
        settings["readonly"] = settings.pop("readonly")  # they are checked together, before any of them holds
        if SLOW in text:
            text = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) % 7 = 3"
        own = chdb_connect(self.folder.name)
        try:
            own.query("SET " + ", ".join(f"{name} = '{value}'" for name, value in settings.items()))
            found = own.query(f"{text} /* {statement.id} */", format_, params=values)
            statement.state = "done"
            return Answer(200, bytes(found.bytes()))
        except RuntimeError as error:
            statement.state = "cancelled" if "Code: 394" in str(error) else "failed"
            return self.refused(str(error))
        finally:
            own.close()


def chdb_connect(folder: str) -> Any:
    """A connection to the engine over a folder, with settings of its own."""
    try:
        from chdb import connect as connected
    except ImportError:
        missing("chdb: pip install -e '.[connector-tests]'")
    return connected(folder)


SERVICES["clickhouse"] = ClickHouseService


# --- Databricks -----------------------------------------------------------------------------------------------------


class DatabricksService(Service):
    """The Statement Execution API: submitting without waiting, looking, chunks, cancelling, by its reference."""

    type = "databricks"
    dialect = "databricks"
    places = ("POST /api/2.0/sql/statements", "GET /api/2.0/sql/statements/")
    once = ("POST /api/2.0/sql/statements",)
    cancelling = "/cancel"
    estimates = "would read 1.2 MB"
    names: ClassVar[dict[str, str]] = {"BIGINT": "LONG", "INTEGER": "INT", "VARCHAR": "STRING", "DATE": "DATE",
                                       "BOOLEAN": "BOOLEAN", "DOUBLE": "DOUBLE"}  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.canned: tuple[list[tuple[str, str]], list[list[Any]]] | None = None
        self.truncates = False
        self.warehouse = "RUNNING"
        self.remembers = True
        """Does the history tell the tags of queries?"""
        self.plan = (
            "== Optimized Logical Plan ==\n"
            "GlobalLimit 1001, Statistics(sizeInBytes=15.6 KiB, rowCount=1001)\n"
            "+- Relation shop.sales.orders[id#1L,note#2] parquet, Statistics(sizeInBytes=1.1 MiB, rowCount=10)\n\n"
            "== Physical Plan ==\n*(1) ColumnarToRow\n"
        )

    def settings(self) -> tuple[dict[str, str], dict[str, str]]:
        given = {"url": self.vendor.url, "warehouse": "w1", "client_id": "query"}
        return given, {"client_secret": "s" * 20}

    def handle(self, asked: Asked) -> Any:
        if asked.path == "/oidc/v1/token":
            self.tokens += 1
            return {"access_token": f"t{self.tokens}", "token_type": "Bearer", "expires_in": 3600}
        if asked.headers.get("authorization") != f"Bearer t{self.tokens}":
            return Answer(401, {"error_code": "UNAUTHENTICATED", "message": "no"})
        if asked.path == "/api/2.0/sql/warehouses/w1":
            return {"id": "w1", "state": self.warehouse}
        if asked.path == "/api/2.0/sql/history/queries":
            return self.history(asked)
        parts = asked.path.removeprefix("/api/2.0/sql/statements").strip("/").split("/")
        if asked.method == "POST" and parts == [""]:
            body = asked.json
            assert self.warehouse == "RUNNING" or "EXPLAIN" not in body["statement"], (
                "nobody may wake it to ask"
            )
            assert (body["warehouse_id"], body["wait_timeout"], body["disposition"]) == ("w1", "0s", "INLINE")
            assert body["format"] == "JSON_ARRAY" and 0 < body["byte_limit"] <= 25 * 1024 * 1024
            statement = self.begin(f"01ef-{len(self.statements)}", body["statement"], body)
            return {"statement_id": statement.id, "status": {"state": "PENDING"}}
        statement = self.statements[parts[0]]
        if parts[1:] == ["cancel"]:
            self.cancel(parts[0])
            return {}
        return (
            self.chunk(statement, int(parts[3]))
            if parts[1:3] == ["result", "chunks"]
            else self.told(statement)
        )

    def bound(self, statement: Statement) -> Any:
        read = {"STRING": str, "BIGINT": int, "BOOLEAN": lambda text: text == "true", "DATE": date.fromisoformat,
                "TIMESTAMP_NTZ": datetime.fromisoformat}  # fmt: skip
        return {
            each["name"]: read.get(each["type"].partition("(")[0], Decimal)(each["value"])
            if "value" in each
            else None
            for each in statement.asked.get("parameters") or ()
        }

    def history(self, asked: Asked) -> Any:
        """Latest first."""
        assert asked.query["filter_by.warehouse_ids"] == "w1"
        assert (
            abs(int(asked.query["filter_by.query_start_time_range.start_time_ms"]) / 1000 - time.time()) < 900
        )
        found = [
            {"query_id": each.id, "status": each.state.upper(), "query_text": each.sql,
             **({"query_tags": each.asked["query_tags"]} if self.remembers and "query_tags" in each.asked else {})}
            for each in reversed(self.statements.values())
        ]  # fmt: skip
        return {"res": found, "has_next_page": False} if found else {"has_next_page": False}

    def execute(self, statement: Statement) -> None:
        if statement.sql.startswith("EXPLAIN COST "):
            statement.columns, statement.rows = [("plan", "VARCHAR")], [(self.plan,)]
            statement.state = "done"
            return
        super().execute(statement)

    def told(self, statement: Statement) -> Any:
        states = {"running": "RUNNING", "done": "SUCCEEDED", "failed": "FAILED", "cancelled": "CANCELED"}
        answer: dict[str, Any] = {"statement_id": statement.id, "status": {"state": states[statement.state]}}
        if statement.state == "failed":
            message = f"[CAST_INVALID_INPUT] {statement.error} SQLSTATE: 22018; line 1 pos 7"
            answer["status"] |= {
                "error": {"error_code": "BAD_REQUEST", "message": message},
                "sql_state": "22018",
            }
        if statement.state == "done":
            kinds = self.canned[0] if self.canned else [
                (name, "DECIMAL" if kind.startswith("DECIMAL") else self.names[kind]) for name, kind in statement.columns
            ]  # fmt: skip
            columns = [
                {"name": name, "type_name": kind, "type_text": kind.lower(), "position": at}
                for at, (name, kind) in enumerate(kinds)
            ]
            answer["manifest"] = {"format": "JSON_ARRAY", "schema": {"column_count": len(columns), "columns": columns},
                                  "truncated": self.truncates}  # fmt: skip
            answer["result"] = self.chunk(statement, 0)
        return answer

    def chunk(self, statement: Statement, number: int) -> Any:
        rows = self.canned[1] if self.canned else [[_spark(value) for value in row] for row in statement.rows]
        rows = rows[: statement.asked["row_limit"]]
        part = {"chunk_index": number, "row_offset": number * self.page,
                "data_array": rows[number * self.page : (number + 1) * self.page]}  # fmt: skip
        return {**part, "next_chunk_index": number + 1} if (number + 1) * self.page < len(rows) else part


def _spark(value: Any) -> Any:
    if value is None:
        return None
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


SERVICES["databricks"] = DatabricksService


# --- Trino ----------------------------------------------------------------------------------------------------------


class TrinoService(Service):
    """The client protocol: pages by nextUri, transactions by headers, EXECUTE IMMEDIATE, DELETE."""

    type = "trino"
    dialect = "trino"
    places = ("POST run", "GET /v1/statement/")
    once = ("POST run",)
    cancelling = "DELETE "
    estimates = "expects about 42 rows"
    names: ClassVar[dict[str, str]] = {"BIGINT": "bigint", "INTEGER": "integer", "VARCHAR": "varchar", "DATE": "date",
                                       "BOOLEAN": "boolean", "DOUBLE": "double"}  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.transactions: set[str] = set()
        self.begun = 0
        self.starts = True
        self.canned: tuple[list[tuple[str, str]], list[list[Any]]] | None = None

    def settings(self) -> tuple[dict[str, str], dict[str, str]]:
        return {"url": self.vendor.url, "user": "docent_query"}, {"password": "p" * 12}

    def place(self, asked: Asked) -> str:
        if asked.method != "POST":
            return super().place(asked)
        head = asked.body.split()[0].decode()
        return "POST " + {"START": "start", "ROLLBACK": "rollback"}.get(head, "run")

    def page_of(self, **members: Any) -> dict[str, Any]:
        return {"id": "q", "infoUri": f"{self.vendor.url}/ui", "stats": {"state": "RUNNING"}, **members}

    def handle(self, asked: Asked) -> Any:
        pair = base64.b64encode(b"docent_query:" + b"p" * 12).decode()
        if asked.headers.get("authorization") != f"Basic {pair}":
            return Answer(401, {})
        assert asked.headers["x-trino-user"] == "docent_query"
        if asked.method == "POST":
            return self.post(asked.body.decode(), asked)
        parts = asked.path.removeprefix("/v1/statement/").split("/")
        if parts[0] == "tx":
            headers = {"X-Trino-Started-Transaction-Id": parts[1]} if self.starts else {}
            return Answer(200, self.page_of(), headers)
        statement = self.statements[parts[0]]
        if asked.method == "DELETE":
            self.cancel(parts[0])
            return Answer(204, b"")
        return self.told(statement, int(parts[1]))

    def post(self, text: str, asked: Asked) -> Any:
        transaction = asked.headers["x-trino-transaction-id"]
        if text == "START TRANSACTION READ ONLY":
            assert transaction == "NONE"
            self.begun += 1
            self.transactions.add(f"t{self.begun}")
            return self.page_of(nextUri=f"{self.vendor.url}/v1/statement/tx/t{self.begun}")
        assert transaction in self.transactions, "every statement belongs to a read-only transaction"
        if text == "ROLLBACK":
            self.transactions.remove(transaction)
            return Answer(200, self.page_of(), {"X-Trino-Clear-Transaction-Id": "true"})
        assert re.fullmatch(r"query_max_run_time=\d+s", asked.headers["x-trino-session"])
        id = f"q{len(self.statements)}"
        if text.startswith("EXPLAIN (TYPE IO, FORMAT JSON) "):
            self.statements[id] = made = Statement(id, text, None, "done", [("Query Plan", "VARCHAR")])
            made.rows = [(json.dumps({"inputTableColumnInfos": [], "estimate": {"outputRowCount": 42.0}}),)]
        else:
            self.begin(id, text, None)
        return self.page_of(nextUri=f"{self.vendor.url}/v1/statement/{id}/0")

    def execute(self, statement: Statement) -> None:
        """EXECUTE IMMEDIATE as Trino has it: the values are expressions, put in the places of the marks."""
        if statement.sql.startswith("INSERT") or statement.sql.startswith("CREATE"):
            statement.state, statement.error = "failed", "READ_ONLY_VIOLATION"
            return
        immediate = re.fullmatch(r"EXECUTE IMMEDIATE '((?:[^']|'')*)' USING (.*)", statement.sql, re.DOTALL)
        if not immediate:
            super().execute(statement)
            return
        tree = sqlglot.parse_one(immediate[1].replace("''", "'"), read="trino")
        values = sqlglot.parse_one(f"SELECT {immediate[2]}", read="trino").expressions
        for mark, value in zip(list(tree.find_all(sqlglot.exp.Placeholder, bfs=False)), values, strict=True):
            mark.replace(value)
        inner = Statement(statement.id, tree.sql("trino"), None)
        super().execute(inner)
        statement.state, statement.error = inner.state, inner.error
        statement.columns, statement.rows = inner.columns, inner.rows

    def told(self, statement: Statement, number: int) -> Any:
        following = f"{self.vendor.url}/v1/statement/{statement.id}/{number + 1}"
        if statement.state == "running":
            time.sleep(0.02)
            return self.page_of(nextUri=following)
        if statement.state == "cancelled":
            error = {"errorName": "USER_CANCELED", "errorType": "USER_ERROR", "message": "Query was canceled"}
            return self.page_of(error=error)
        if statement.state == "failed":
            name = statement.error if statement.error == "READ_ONLY_VIOLATION" else "INVALID_CAST_ARGUMENT"
            at = {"lineNumber": 1, "columnNumber": 8}
            return self.page_of(
                error={
                    "errorName": name,
                    "errorType": "USER_ERROR",
                    "message": statement.error,
                    "errorLocation": at,
                }
            )
        kinds = self.canned[0] if self.canned else [
            (name, kind.lower() if kind.startswith("DECIMAL") else self.names[kind]) for name, kind in statement.columns
        ]  # fmt: skip
        rows = self.canned[1] if self.canned else [[_json(value) for value in row] for row in statement.rows]
        columns = [trino_wire.column(name, kind) for name, kind in kinds]
        if not number:  # the first page of a query that runs has neither columns nor rows
            return self.page_of(nextUri=following)
        start = (number - 1) * self.page
        page = self.page_of(columns=columns)
        if rows[start : start + self.page]:
            page["data"] = rows[start : start + self.page]
        return page if start + self.page >= len(rows) else {**page, "nextUri": following}


def _json(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


SERVICES["trino"] = TrinoService
