"""Snowflake, BigQuery, Databricks, ClickHouse and Trino against local servers that speak their documented wires.

The servers answer statements by what they are about. Every statement is parsed in the engine's own dialect and must
touch system schemas only; their number must not grow with the number of tables.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlglot
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlglot import exp

from connectors import connect
from connectors.errors import PermissionMissing, SignInRefused, SourceInterrupted
from connectors.records import Lineage, Record, Schema, Table
from tests.connectors.vendor_server import Answer, Asked, Vendor, serve
from tests.own_servers import missing

TOKEN = "t" * 40
ODD = 'odd "name".x ü'


def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    kind = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()).decode()


KEY = private_key()


@dataclass
class World:
    """What the warehouse holds: `tables` tables of two columns in one schema, one with an odd name, one view."""

    tables: int = 10
    statements: list[str] = field(default_factory=list)
    refuse: str = ""

    def names(self) -> list[str]:
        return [ODD, *(f"T{n}" for n in range(1, self.tables))]

    def rows(self, statement: str) -> tuple[list[str], list[list[Any]]]:
        """Column names and rows for one statement."""
        self.statements.append(statement)
        flat = " ".join(statement.split())
        names = re.findall(r' AS ["`]?(\w+)["`]?(?=,| FROM| UNION)', flat)
        if "COLUMN_FIELD_PATHS" in flat:
            return ["database", "schema", "table", "name", "position", "type", "nullable", "default", "description", "tags"], [
                ["SHOP", "SALES", name, column, str(p), "STRING", "YES" if p > 1 else "NO", None, "about", "pii" if p > 1 else ""]
                for name in self.names()
                for p, column in enumerate(("ID", "Straße"), start=1)
            ]  # fmt: skip
        return names, []


def parsed(world: World, dialect: str, allowed: tuple[str, ...]) -> None:
    """Every statement is one SELECT over system schemas only."""
    for statement in world.statements:
        if statement.startswith("SHOW "):
            continue
        (tree,) = sqlglot.parse(statement.split("\nFORMAT ")[0], read=dialect)
        assert isinstance(tree, exp.Select | exp.Union), statement
        for table in tree.find_all(exp.Table):
            name = ".".join(part.name for part in table.parts).lower()
            assert name.startswith(allowed) or any(part in name for part in allowed), name


def check_tables(records: list[Record], count: int, *, database: str | None) -> dict[str, Table]:
    tables = {record.name: record for record in records if isinstance(record, Table)}
    assert len(tables) == count and ODD in tables
    first = tables[ODD]
    assert (first.database, first.schema) == (database, "SALES")
    assert [column.name for column in first.columns] == ["ID", "Straße"]
    assert not first.columns[0].nullable and first.columns[1].nullable
    assert any(isinstance(record, Schema) and record.name == "SALES" for record in records)
    return tables


def tables_of(world: World) -> list[dict[str, Any]]:
    return [
        {"database": "SHOP", "schema": "SALES", "name": name, "kind": "VIEW" if name == "T1" else "BASE TABLE",
         "description": "about", "owner": "OPS", "definition": "select 1" if name == "T1" else None, "rows": "42",
         "bytes": "4096", "changed": "1700000000"}
        for name in world.names()
    ]  # fmt: skip


def columns_of(world: World) -> list[dict[str, Any]]:
    return [
        {"database": "SHOP", "schema": "SALES", "table": name, "name": column, "position": str(position),
         "type": "TEXT", "nullable": "YES" if position > 1 else "NO", "default": None, "description": "about"}
        for name in world.names()
        for position, column in enumerate(("ID", "Straße"), start=1)
    ]  # fmt: skip


def as_matrix(rows: list[dict[str, Any]]) -> tuple[list[str], list[list[Any]]]:
    return (list(rows[0]), [list(row.values()) for row in rows]) if rows else ([], [])


# --- Snowflake ------------------------------------------------------------------------------------------------------


def handle_of(number: int) -> str:
    """A statement's handle, which is a UUID."""
    return f"01b2c3d4-0000-0000-0000-{number:012}"


def snowflake(world: World) -> Callable[[Asked], Any]:
    held: dict[str, tuple[list[str], list[list[Any]]]] = {}

    def result(statement: str) -> tuple[list[str], list[list[Any]]]:
        world.statements.append(statement)
        if "current_version" in statement:
            return ["CURRENT_VERSION()", "CURRENT_ROLE()"], [["9.1", "DOCENT_READER"]]
        if ".databases" in statement:
            return ["DATABASE_NAME", "COMMENT", "DATABASE_OWNER"], [["SHOP", "", "OPS"]]
        if ".schemata" in statement:
            return ["CATALOG_NAME", "SCHEMA_NAME", "COMMENT", "SCHEMA_OWNER"], [
                ["SHOP", "SALES", "All sales", "OPS"]
            ]
        if ".views" in statement:
            return as_matrix(tables_of(world))
        if ".columns" in statement:
            return as_matrix(columns_of(world))
        if ".tag_references" in statement:
            return ["domain", "database", "schema", "table", "column", "tag"], [
                ["VIEW", "SHOP", "SALES", "T1", None, "CORE"], ["COLUMN", "SHOP", "SALES", "T1", "Straße", "PII"],
                ["SCHEMA", "SHOP", None, "SALES", None, "GOLD"]]  # fmt: skip
        if ".object_dependencies" in statement:
            ends = [
                f"{end}_{part}"
                for end in ("REFERENCED", "REFERENCING")
                for part in ("DATABASE", "SCHEMA", "OBJECT_NAME")
            ]
            return ends, [["SHOP", "SALES", ODD, "SHOP", "SALES", "T1"]]
        if "PRIMARY" in statement:
            names = [
                "database_name",
                "schema_name",
                "table_name",
                "column_name",
                "key_sequence",
                "constraint_name",
            ]
            return names, [["SHOP", "SALES", ODD, "ID", "1", "PK"]]
        if "IMPORTED" in statement:
            names = ["fk_database_name", "fk_schema_name", "fk_table_name", "fk_column_name", "key_sequence", "fk_name",
                     "pk_schema_name", "pk_table_name", "pk_column_name"]  # fmt: skip
            return names, [["SHOP", "SALES", "T1", "ID", "1", "FK", "SALES", ODD, "ID"]]
        return ["database_name"], []

    def post(asked: Asked) -> Any:
        assert asked.headers["x-snowflake-authorization-token-type"] == "KEYPAIR_JWT"
        if world.refuse and world.refuse in asked.json["statement"]:
            message = "does not exist or not authorized CANARY"
            return Answer(422, {"code": "002003", "message": message, "statementHandle": handle_of(99)})
        names, rows = result(asked.json["statement"])
        handle = handle_of(len(held))
        held[handle] = names, rows
        return Answer(202, {"code": "333334", "statementHandle": handle})

    def get(asked: Asked) -> Any:
        handle = asked.path.rsplit("/", 1)[1]
        names, rows = held[handle]
        number, size = int(asked.query.get("partition", 0)), 7
        partitions = max(1, -(-len(rows) // size))
        page = {"data": rows[number * size : (number + 1) * size]}
        if number:
            return page
        parts = [
            {"rowCount": len(rows[n * size : (n + 1) * size]), "uncompressedSize": 1288}
            for n in range(partitions)
        ]
        facts = {"numRows": len(rows), "format": "jsonv2", "partitionInfo": parts,
                 "rowType": [{"name": name, "type": "text", "nullable": True} for name in names]}  # fmt: skip
        return {"resultSetMetaData": facts, "statementHandle": handle, "code": "090001", **page}

    return lambda asked: post(asked) if asked.method == "POST" else get(asked)


def snowflake_vendor(world: World) -> Vendor:
    answer = snowflake(world)
    return Vendor({"POST /api/v2/statements": answer, "GET /api/v2/statements/*": answer})


def test_snowflake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.snowflake.time.sleep", lambda seconds: None)
    sent = []
    for size in (10, 60):
        world = World(size)
        with serve(snowflake_vendor(world)) as vendor:
            settings = {
                "account": "ab12",
                "warehouse": "W",
                "user": "docent",
                "url": vendor.url,
                "exclude": "*.TMP_*",
            }
            connector = connect("snowflake", settings, {"private_key": KEY})
            assert connector.check() == "Snowflake 9.1, role DOCENT_READER"
            records = list(connector.extract())
        tables = check_tables(records, size, database="SHOP")
        sent.append(len(world.statements))
        assert tables["T1"].tags == ("CORE",) and tables["T1"].columns[1].tags == ("PII",)
        assert tables["T1"].kind == "view" and tables["T1"].keys[0].ref_table == ODD
        assert [(e.upstream.table, e.downstream.table) for e in records if isinstance(e, Lineage)] == [
            (ODD, "T1")
        ]
        assert any(
            "NOT t.table_schema || '.' || t.table_name LIKE '%.TMP!_%'" in each for each in world.statements
        )
        assert next(record.tags for record in records if isinstance(record, Schema)) == ("GOLD",)
        parsed(world, "snowflake", ("snowflake.account_usage",))
    assert sent[0] == sent[1] <= 16


def test_snowflake_says_what_is_not_granted_without_the_servers_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("connectors.snowflake.time.sleep", lambda seconds: None)
    world = World(refuse="account_usage.tables")
    with serve(snowflake_vendor(world)) as vendor:
        settings = {"account": "ab12", "warehouse": "W", "user": "docent", "url": vendor.url}
        with pytest.raises(Exception) as error:
            list(connect("snowflake", settings, {"private_key": KEY}).extract())
    assert "CANARY" not in str(error.value)


# --- Databricks -----------------------------------------------------------------------------------------------------


def databricks_vendor(world: World, live: dict[str, int]) -> Vendor:
    held: dict[str, tuple[list[str], list[list[Any]]]] = {}

    def result(statement: str) -> tuple[list[str], list[list[Any]]]:
        world.statements.append(statement)
        if "current_version" in statement:
            return ["version", "who"], [["2026.10", "docent"]]
        if ".catalogs" in statement:
            return ["catalog_name", "comment", "catalog_owner"], [["SHOP", None, "ops"]]
        if ".schemata" in statement:
            return ["catalog_name", "schema_name", "comment", "schema_owner"], [
                ["SHOP", "SALES", None, "ops"]
            ]
        if ".views" in statement:
            return as_matrix(tables_of(world))
        if ".columns" in statement:
            return as_matrix(columns_of(world))
        if "table_constraints" in statement:
            names = [
                "database",
                "schema",
                "table",
                "kind",
                "key",
                "column",
                "position",
                "ref_schema",
                "ref_table",
                "ref_column",
            ]
            return names, [["SHOP", "SALES", ODD, "primary", "pk", "ID", "1", None, None, None]]
        if "table_tags" in statement:
            return ["database", "schema", "table", "column", "tag"], [["SHOP", "SALES", "T1", None, "core"]]
        ends = [
            f"{end}_table_{part}" for end in ("source", "target") for part in ("catalog", "schema", "name")
        ]
        return ends, [["SHOP", "SALES", ODD, "SHOP", "SALES", "T1"]]

    def chunk(handle: str, number: int) -> dict[str, Any]:
        _, rows = held[handle]
        more = {"next_chunk_index": number + 1} if (number + 1) * 9 < len(rows) else {}
        return {"data_array": rows[number * 9 : (number + 1) * 9], **more}

    def post(asked: Asked) -> Any:
        if world.refuse and world.refuse in asked.json["statement"]:
            return {"statement_id": "x", "status": {"state": "FAILED", "error": {"message": "CANARY"}}}
        handle = f"s{len(held)}"
        held[handle] = result(asked.json["statement"])
        columns = [{"name": name} for name in held[handle][0]]
        return {"statement_id": handle, "status": {"state": "SUCCEEDED"},
                "manifest": {"schema": {"columns": columns}}, "result": chunk(handle, 0)}  # fmt: skip

    def get(asked: Asked) -> Any:
        found = re.match(r"/api/2.0/sql/statements/(\w+)/result/chunks/(\d+)", asked.path)
        assert found
        return chunk(found[1], int(found[2]))

    def token(asked: Asked) -> Any:
        assert asked.form["grant_type"] == "client_credentials"
        live.update(left=4, made=live["made"] + 1)
        return {"access_token": TOKEN}

    def allows(asked: Asked) -> bool:
        if asked.path == "/oidc/v1/token":
            return True
        live["left"] -= 1
        return asked.headers.get("authorization") == f"Bearer {TOKEN}" and live["left"] >= 0

    routes = {
        "POST /oidc/v1/token": token,
        "POST /api/2.0/sql/statements": post,
        "GET /api/2.0/sql/statements/*": get,
    }
    return Vendor(routes, allows=allows)


def test_databricks_renews_its_token_in_mid_run() -> None:
    sent = []
    for size in (10, 60):
        world, live = World(size), {"left": 0, "made": 0}
        with serve(databricks_vendor(world, live)) as vendor:
            settings = {"url": vendor.url, "warehouse": "w1", "client_id": "c"}
            connector = connect("databricks", settings, {"client_secret": "s" * 20})
            assert connector.check() == "Databricks SQL 2026.10, as docent"
            records = list(connector.extract())
        tables = check_tables(records, size, database="SHOP")
        assert live["made"] >= 2 and tables["T1"].tags == ("core",) and tables[ODD].keys[0].kind == "primary"
        sent.append(len(world.statements))
        parsed(
            world,
            "databricks",
            tuple(f"system.{each}" for each in ("information_schema", "access", "lakeflow", "billing")),
        )
    assert sent[0] == sent[1] <= 12


def test_databricks_goes_on_without_lineage_where_it_is_not_shared() -> None:
    world = World(3, refuse="system.access")
    with serve(databricks_vendor(world, {"left": 0, "made": 0})) as vendor:
        settings = {"url": vendor.url, "warehouse": "w1", "client_id": "c"}
        records = list(connect("databricks", settings, {"client_secret": "s" * 20}).extract())
    check_tables(records, 3, database="SHOP")
    assert "CANARY" not in repr(records)


def test_databricks_sends_patterns_as_parameters_and_large_results_by_pages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("connectors.databricks.PAGE", 1)
    world = World(1)
    with serve(databricks_vendor(world, {"left": 0, "made": 0})) as vendor:
        post, once = vendor.routes["POST /api/2.0/sql/statements"], []

        def paged(asked: Asked) -> Any:
            once.append(asked.json)
            answer = post(asked)
            if re.search(r" OFFSET [1-9]", asked.json["statement"]):
                answer["result"] = {"data_array": None}
            return answer

        vendor.routes["POST /api/2.0/sql/statements"] = paged
        given = {"url": vendor.url, "warehouse": "w1", "client_id": "c", "schemas": "it's\\*, sales.t_?"}
        list(connect("databricks", given, {"client_secret": "s" * 20}).extract())
    assert all("it's" not in body["statement"] for body in once)
    body = next(body for body in once if ".schemata" in body["statement"])
    assert {"name": "p0", "value": "it's\\%", "type": "STRING"} in body["parameters"]
    assert ":p0" in body["statement"] and "?" not in body["statement"]
    assert [
        re.findall(r"OFFSET \d+", each["statement"]) for each in once if ".tables t" in each["statement"]
    ][1:] == [["OFFSET 1"]]


# --- BigQuery -------------------------------------------------------------------------------------------------------


def bigquery_vendor(world: World) -> Vendor:
    held: dict[str, tuple[list[str], list[list[Any]]]] = {}

    def result(statement: str) -> tuple[list[str], list[list[Any]]]:
        if "COLUMN_FIELD_PATHS" in statement:
            return world.rows(statement)
        world.statements.append(statement)
        if "COUNT(*) AS n" in statement:
            return ["n"], [["1"]]
        if "SCHEMATA_OPTIONS" in statement:
            return ["schema_name", "option_value"], [["SALES", '"All \\"sales\\""']]
        if "TABLE_OPTIONS" in statement:
            rows = [
                ["SALES", "T1", "description", '"A view"'],
                ["SALES", "T1", "labels", '[STRUCT("team", "core")]'],
            ]
            return ["schema", "table", "option_name", "option_value"], rows
        return as_matrix(tables_of(world))

    def page(handle: str, start: int) -> dict[str, Any]:
        names, rows = held[handle]
        after = start + 11
        more = {"pageToken": str(after)} if after < len(rows) else {}
        cells = [{"f": [{"v": value} for value in row]} for row in rows[start:after]]
        schema = {"fields": [{"name": name, "type": "STRING"} for name in names]}
        return {
            "jobReference": {"jobId": handle, "location": "EU"},
            "jobComplete": True,
            "schema": schema,
            "rows": cells,
            **more,
        }

    def post(asked: Asked) -> Any:
        handle = f"j{len(held)}"
        held[handle] = result(asked.json["query"])
        return {"jobReference": {"jobId": handle, "location": "EU"}, "jobComplete": False}

    def get(asked: Asked) -> Any:
        return page(asked.path.rsplit("/", 1)[1], int(asked.query.get("pageToken", 0)))

    def token(asked: Asked) -> Any:
        if asked.form["assertion"].count(".") != 2:
            return Answer(400, {"error": "invalid_grant"})
        return {"access_token": TOKEN}

    base = "/bigquery/v2/projects/acme-data/queries"
    routes = {"POST /token": token, f"POST {base}": post, f"GET {base}/*": get}
    allows = lambda asked: asked.path == "/token" or asked.headers.get("authorization") == f"Bearer {TOKEN}"  # noqa: E731
    return Vendor(routes, allows=allows)


def test_bigquery() -> None:
    sent = []
    for size in (10, 60):
        world = World(size)
        with serve(bigquery_vendor(world)) as vendor:
            key = {"client_email": "d@acme.example", "private_key": KEY, "token_uri": f"{vendor.url}/token"}
            settings = {"project": "acme-data", "region": "eu", "url": vendor.url, "exclude": "tmp_*"}
            connector = connect("bigquery", settings, {"key": json.dumps(key)})
            assert connector.check() == "BigQuery answers: 1 datasets in eu"
            records = list(connector.extract())
            bodies = [
                asked.json for asked in vendor.asked if asked.method == "POST" and asked.path != "/token"
            ]
        tables = check_tables(records, size, database="SHOP")
        assert tables[ODD].columns[1].tags == ("pii",)
        sent.append(len(world.statements))
        assert any(
            each.get("queryParameters", [{}])[0].get("parameterValue") == {"value": "tmp\\_%"}
            for each in bodies
        )
        parsed(world, "bigquery", ("information_schema",))
    assert sent[0] == sent[1] <= 12


def test_a_result_that_databricks_cut_short_is_no_result() -> None:
    vendor = databricks_vendor(World(3), {"left": 0, "made": 0})
    whole = vendor.answer

    def cut(asked: Asked) -> Answer:
        found: Answer = whole(asked)
        if isinstance(found.body, dict) and "manifest" in found.body:
            return Answer(200, {**found.body, "manifest": {**found.body["manifest"], "truncated": True}})
        return found

    vendor.answer = cut  # type: ignore[method-assign]
    with serve(vendor), pytest.raises(SourceInterrupted, match="cut a result short"):
        given = {"url": vendor.url, "warehouse": "w", "client_id": "c"}
        list(connect("databricks", given, {"client_secret": "s" * 20}).extract())


def test_bigquerys_warnings_stand_beside_a_result_and_are_no_refusal() -> None:
    """`errors` of an answer are "errors or warnings", which do not mean that the job failed (jobs.query)."""
    for kept, refusals in (("schema", 0), ("jobReference", 1)):
        world = World(3)
        vendor = bigquery_vendor(world)
        whole = vendor.answer

        def warned(asked: Asked, whole: Any = whole, kept: str = kept) -> Answer:
            found: Answer = whole(asked)
            if found.status == 200 and "schema" in (found.body or {}):
                names = found.body if kept == "schema" else ("jobReference", "jobComplete")
                told = {name: found.body[name] for name in names}
                return Answer(200, {**told, "errors": [{"reason": "invalid", "message": "CANARY"}]})
            return found

        vendor.answer = warned  # type: ignore[method-assign]
        with serve(vendor):
            key = {"client_email": "d@acme.example", "private_key": KEY, "token_uri": f"{vendor.url}/token"}
            settings = {"project": "acme-data", "region": "eu", "url": vendor.url}
            connector = connect("bigquery", settings, {"key": json.dumps(key)})
            if refusals:
                with pytest.raises(PermissionMissing) as error:
                    list(connector.extract())
                assert "CANARY" not in str(error.value)
            else:
                assert len([each for each in connector.extract() if isinstance(each, Table)]) == 3


# --- Trino ----------------------------------------------------------------------------------------------------------


def trino_vendor(world: World) -> Vendor:
    held: dict[str, tuple[list[str], list[list[Any]]]] = {}
    vendor = Vendor({}, allows=lambda asked: asked.headers.get("authorization", "").startswith("Basic "))

    def result(statement: str) -> tuple[list[str], list[list[Any]]]:
        world.statements.append(statement)
        if "metadata.catalogs" in statement:
            return ["catalog_name"], [["SHOP"], ["system"]]
        if "schemata" in statement:
            return ["name"], [["SALES"]]
        if "metadata.materialized_views" in statement:
            return ["schema", "name", "description", "definition"], []
        rows = columns_of(world) if "jdbc.columns" in statement else tables_of(world)
        kept = (
            "schema",
            "table",
            "name",
            "position",
            "type",
            "kind",
            "nullable",
            "description",
            "definition",
        )
        return as_matrix([{key: value for key, value in row.items() if key in kept} for row in rows])

    def page(handle: str, number: int) -> dict[str, Any]:
        names, rows = held[handle]
        answer: dict[str, Any] = {"id": handle, "stats": {"state": "RUNNING"}}
        if number:
            answer |= {
                "columns": [{"name": name} for name in names],
                "data": rows[(number - 1) * 9 : number * 9],
            }
        if number * 9 < len(rows) or not number:
            answer["nextUri"] = f"{vendor.url}/v1/statement/{handle}/{number + 1}"
        return answer

    def post(asked: Asked) -> Any:
        statement = asked.body.decode()
        if world.refuse and world.refuse in statement:
            return {"id": "x", "error": {"errorName": "PERMISSION_DENIED", "message": "CANARY"}}
        handle = f"q{len(held)}"
        held[handle] = result(statement)
        return page(handle, 0)

    def get(asked: Asked) -> Any:
        _, _, _, handle, number = asked.path.split("/")
        return page(handle, int(number))

    vendor.routes = {
        "GET /v1/info": lambda asked: {"nodeVersion": {"version": "480"}},
        "POST /v1/statement": post,
        "GET /v1/statement/*": get,
    }
    return vendor


def test_trinos_next_page_is_asked_of_the_server_that_we_know() -> None:
    """A coordinator behind a proxy names itself as it is called inside; the credential goes nowhere else."""
    world = World(10)
    vendor = trino_vendor(world)
    whole = vendor.answer

    def inside(asked: Asked) -> Answer:
        found: Answer = whole(asked)
        if isinstance(found.body, dict) and "nextUri" in found.body:
            place = found.body["nextUri"].replace(vendor.url, "http://coordinator.internal:1")
            return Answer(200, {**found.body, "nextUri": place})
        return found

    vendor.answer = inside  # type: ignore[method-assign]
    with serve(vendor):
        connector = connect("trino", {"url": vendor.url, "user": "docent"}, {"password": "p" * 12})
        assert len([each for each in connector.extract() if isinstance(each, Table)]) == 10


def test_trino() -> None:
    sent = []
    for size in (10, 60):
        world = World(size)
        with serve(trino_vendor(world)) as vendor:
            settings = {"url": vendor.url, "user": "docent", "schemas": "SALES"}
            connector = connect("trino", settings, {"password": "p" * 12})
            assert connector.check() == "Trino 480, catalogs SHOP"
            records = list(connector.extract())
        check_tables(records, size, database="SHOP")
        sent.append(len(world.statements))
        parsed(world, "trino", ("system.", "information_schema"))
    assert sent[0] == sent[1] <= 12


def test_trino_says_what_is_refused_without_the_servers_words() -> None:
    with serve(trino_vendor(World(refuse="jdbc.columns"))) as vendor:
        connector = connect("trino", {"url": vendor.url, "user": "docent"}, {"password": "p" * 12})
        with pytest.raises(PermissionMissing, match="PERMISSION_DENIED") as error:
            list(connector.extract())
    assert "CANARY" not in str(error.value)


# --- ClickHouse -----------------------------------------------------------------------------------------------------


def clickhouse_vendor(world: World) -> Vendor:
    def post(asked: Asked) -> Any:
        statement = asked.body.decode()
        world.statements.append(statement)
        if "version()" in statement:
            names, rows = ["version"], [["26.1"]]
        elif "system.databases" in statement:
            names, rows = ["name", "comment"], [["SALES", ""]]
        elif "system.columns" in statement:
            names, rows = as_matrix(
                [
                    {k: v for k, v in row.items() if k not in ("database", "nullable")}
                    for row in columns_of(world)
                ]
            )
        else:
            names, rows = as_matrix([
                {k: v for k, v in row.items() if k not in ("database", "kind", "owner")}
                | {"engine": "View" if row["name"] == "T1" else "MergeTree", "primary_key": "ID",
                   "dependencies_database": ["SALES"] if row["name"] == ODD else [],
                   "dependencies_table": ["T1"] if row["name"] == ODD else []}
                for row in tables_of(world)])  # fmt: skip
        lines = [names, ["String"] * len(names), *rows]
        return Answer(200, "\n".join(json.dumps(line) for line in lines).encode())

    return Vendor({"POST /": post}, allows=lambda asked: asked.headers.get("x-clickhouse-key") == "p" * 12)


def test_clickhouse() -> None:
    sent = []
    for size in (10, 60):
        world = World(size)
        with serve(clickhouse_vendor(world)) as vendor:
            connector = connect("clickhouse", {"url": vendor.url, "user": "docent"}, {"password": "p" * 12})
            assert connector.check() == "ClickHouse 26.1"
            records = list(connector.extract())
        tables = {record.name: record for record in records if isinstance(record, Table)}
        assert len(tables) == size and [column.name for column in tables[ODD].columns] == ["ID", "Straße"]
        assert tables["T1"].kind == "view" and tables["T1"].keys[0].columns == ("ID",)
        assert [(e.upstream.table, e.downstream.table) for e in records if isinstance(e, Lineage)] == [
            (ODD, "T1")
        ]
        sent.append(len(world.statements))
        parsed(world, "clickhouse", ("system.",))
    assert sent[0] == sent[1] <= 12
    refused = Answer(
        403, b"Code: 516. DB::Exception: docent: Authentication failed: CANARY (AUTHENTICATION_FAILED)"
    )
    denied = Answer(403, b"Code: 497. DB::Exception: docent: Not enough privileges. CANARY (ACCESS_DENIED)")
    for answer, kind in (
        (Answer(401, {}), SignInRefused),
        (refused, SignInRefused),
        (denied, PermissionMissing),
    ):
        vendor = clickhouse_vendor(World())
        vendor.faults = [answer, answer]
        with serve(vendor), pytest.raises(kind) as error:
            connect("clickhouse", {"url": vendor.url, "user": "docent"}, {"password": "wrong"}).check()
        assert "CANARY" not in str(error.value)


def read_by_its_own_client(vendor: Vendor) -> None:
    """ClickHouse's own client sends our statements to that server and reads the same."""
    try:
        import clickhouse_connect
    except ImportError:
        missing("clickhouse-connect: pip install -e '.[connector-tests]'")
    place, sent = urlsplit(vendor.url), [asked.body for asked in vendor.asked]
    client = clickhouse_connect.get_client(host=place.hostname, port=place.port, username="u", password="p")
    assert len(sent) == 4
    for body in sent:
        statement, _, form = body.decode().rpartition("\nFORMAT ")
        answer = vendor.routes["POST /"](Asked("POST", "/", {}, {}, body))
        names, _types, *rows = map(json.loads, answer.body.splitlines())
        found = client.query(statement)
        assert form == "JSONCompactEachRowWithNamesAndTypes" and list(found.column_names) == names
        assert [list(map(str, row)) for row in found.result_rows] == [list(map(str, row)) for row in rows]
    client.close()


def test_clickhouse_itself(tmp_path: Path) -> None:
    """The engine itself (chdb carries it), behind its HTTP interface's wire."""
    session_module = pytest.importorskip("chdb.session", reason="pip install -e '.[connector-tests]'")
    engine = session_module.Session(str(tmp_path))
    try:
        engine.query("create database sales")
        engine.query("create database tmp_x")
        engine.query("create table tmp_x.t (id Int32) engine = Memory")
        engine.query(
            "create table sales.orders (id UInt64 comment 'The number', `Straße \"x\"` Nullable(String), "
            "day Date default today()) engine = MergeTree order by (id, day) comment 'Every order'"
        )
        engine.query("insert into sales.orders values (1, 'CANARY-ROW', '2026-01-01')")
        engine.query(
            "create view sales.open as select id from sales.orders where `Straße \"x\"` = 'CANARY-LITERAL'"
        )
        # without a format a server answers in TabSeparated, chdb in CSV: its own client noticed
        answer = lambda asked: Answer(200, bytes(engine.query(asked.body.decode(), "TabSeparated").bytes()))  # noqa: E731
        with serve(Vendor({"POST /": answer})) as vendor:
            connector = connect(
                "clickhouse", {"url": vendor.url, "user": "u", "exclude": "tmp_*"}, {"password": "p"}
            )
            assert connector.check().startswith("ClickHouse 2")
            records = list(connector.extract())
            read_by_its_own_client(vendor)
    finally:
        engine.close()
    tables = {record.name: record for record in records if isinstance(record, Table)}
    assert set(tables) == {"orders", "open"} and tables["open"].kind == "view"
    orders = tables["orders"]
    assert orders.description == "Every order" and orders.row_estimate == 1 and orders.changed_at is not None
    assert [column.name for column in orders.columns] == ["id", 'Straße "x"', "day"]
    assert orders.columns[0].description == "The number" and orders.columns[2].default == "today()"
    assert orders.keys[0].columns == ("id", "day")
    assert "CANARY-ROW" not in repr(records)
