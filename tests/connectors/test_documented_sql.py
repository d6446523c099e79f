"""Snowflake, Databricks, BigQuery and Trino a second time: their answers shaped as the documentation's own examples, their
statements executed over the documented views (documented_sql.py), names as odd as the engines allow.
"""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from connectors import connect
from connectors.abilities import Connector
from connectors.errors import SourceInterrupted
from connectors.records import Asset, Database, Lineage, Query, Record, Schema, Table, Unread
from tests.connectors import trino_wire
from tests.connectors.documented_sql import Refusal, Warehouse
from tests.connectors.test_warehouses import KEY, handle_of
from tests.connectors.vendor_server import Answer, Asked, Vendor, serve

WHEN = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
NOW = datetime.now(UTC)
ODD = 'Größe "x".y'


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.http.time.sleep", lambda seconds: None)


def tables(records: list[Record]) -> dict[str, Table]:
    return {record.name: record for record in records if isinstance(record, Table)}


def assets(records: list[Record]) -> dict[str, Asset]:
    return {record.key: record for record in records if isinstance(record, Asset)}


def edges(records: list[Record]) -> set[tuple[str, str]]:
    """Both ends as text."""

    def end(ref: Any) -> str:
        return ref.key or ".".join(filter(None, (ref.database, ref.schema, ref.table, ref.column)))

    return {(end(each.upstream), end(each.downstream)) for each in records if isinstance(each, Lineage)}


# --- Snowflake ------------------------------------------------------------------------------------------------------


def of_snowflake(
    world: Warehouse, *, page: int = 3, shown: dict[str, list[list[Any]]] | None = None
) -> Vendor:
    """As https://docs.snowflake.com/en/developer-guide/sql-api/handling-responses shows answers: 202 at first, types of
    the columns, partitions after the first one packed with gzip."""
    held: dict[str, tuple[list[str], list[list[Any]]]] = {}
    names = {
        "PRIMARY": "created_on database_name schema_name table_name column_name key_sequence constraint_name rely comment",
        "UNIQUE": "created_on database_name schema_name table_name column_name key_sequence constraint_name rely comment",
        "IMPORTED": "created_on pk_database_name pk_schema_name pk_table_name pk_column_name fk_database_name"
        " fk_schema_name fk_table_name fk_column_name key_sequence update_rule delete_rule fk_name pk_name"
        " deferrability rely comment",
        "STREAMLITS": "created_on name database_name schema_name title owner comment query_warehouse url_id owner_role_type",
    }  # fmt: skip

    def told(value: Any) -> Any:
        if isinstance(value, datetime):
            return f"{value.replace(tzinfo=UTC).timestamp():.9f}"
        if isinstance(value, bool):
            return str(value).lower()
        return value if value is None or isinstance(value, str) else json.dumps(value, default=str)

    def whole(handle: str, number: int) -> dict[str, Any]:
        columns, rows = held[handle]
        parts = [rows[start : start + page] for start in range(0, len(rows), page)] or [[]]
        data = [[told(value) for value in row] for row in parts[number]]
        if number:
            return {"data": data}
        kinds = [
            {"name": name, "database": "", "schema": "", "table": "", "type": "text", "nullable": True,
             "length": 16777216, "byteLength": 16777216, "scale": None, "precision": None, "collation": None}
            for name in columns
        ]  # fmt: skip
        sizes = [{"rowCount": len(part), "uncompressedSize": 1288, "compressedSize": 324} for part in parts]
        return {
            "resultSetMetaData": {"numRows": len(rows), "format": "jsonv2", "partitionInfo": sizes, "rowType": kinds},
            "data": data, "code": "090001", "statementStatusUrl": f"/api/v2/statements/{handle}?requestId=x",
            "sqlState": "00000", "statementHandle": handle, "message": "Statement executed successfully.",
            "createdOn": 1620151693299,
        }  # fmt: skip

    def post(asked: Asked) -> Any:
        statement = asked.json["statement"]
        assert asked.json["role"] == "DOCENT_READER" and asked.json["warehouse"] == "W"
        try:
            if statement.startswith("SHOW "):
                kind = statement.split()[1]
                found = names[kind].split(), (shown or {}).get(statement, [])
            elif "current_version" in statement:
                found = ["CURRENT_VERSION()", "CURRENT_ROLE()"], [["9.30.1", "DOCENT_READER"]]
            else:
                found = world.answer(statement)
        except Refusal:
            message = "SQL compilation error:\nObject 'CANARY' does not exist or not authorized."
            return Answer(
                422,
                {"code": "002003", "sqlState": "42S02", "message": message, "statementHandle": handle_of(99)},
            )
        handle = handle_of(len(held))
        held[handle] = found
        if len(held) % 2:  # at once, or later
            return whole(handle, 0)
        return Answer(
            202,
            {"code": "333334", "message": "Asynchronous execution in progress.", "statementHandle": handle,
             "statementStatusUrl": f"/api/v2/statements/{handle}"},
        )  # fmt: skip

    def get(asked: Asked) -> Any:
        answer = whole(asked.path.rsplit("/", 1)[1], int(asked.query.get("partition", 0)))
        if "partition" in asked.query:
            return Answer(200, gzip.compress(json.dumps(answer).encode()), {"Content-Encoding": "gzip"})
        return answer

    return Vendor({"POST /api/v2/statements": post, "GET /api/v2/statements/*": get})


def snowflake_world() -> Warehouse:
    world = Warehouse("snowflake")
    world.add("databases", {"database_name": "SHOP", "database_owner": "OPS", "comment": "All of it"},
              {"database_name": "GONE", "deleted": WHEN})  # fmt: skip
    world.add("schemata", {"catalog_name": "SHOP", "schema_name": "SALES", "comment": "", "schema_owner": "OPS"},
              {"catalog_name": "SHOP", "schema_name": "INFORMATION_SCHEMA"},
              {"catalog_name": "SHOP", "schema_name": "TMP_1"})  # fmt: skip
    place = {"table_catalog": "SHOP", "table_schema": "SALES"}
    for number, (name, kind) in enumerate(
        ((ODD, "BASE TABLE"), ("ORDERS", "BASE TABLE"), ("ORDERS_V", "VIEW"), ("MV", "MATERIALIZED VIEW")),
        start=1,
    ):
        world.add("tables", {**place, "table_id": number, "table_name": name, "table_type": kind, "table_owner": "OPS",
                             "row_count": 42, "bytes": 4096, "last_altered": WHEN, "created": WHEN, "comment": "about"})  # fmt: skip
        for position, (column, type_, facts) in enumerate(
            (("ID", "NUMBER", {"numeric_precision": 38, "numeric_scale": 0}),
             ("Straße", "TEXT", {"character_maximum_length": 20}), ("AT", "TIMESTAMP_NTZ", {})), start=1
        ):  # fmt: skip
            world.add("columns", {**place, "table_name": name, "column_name": column, "ordinal_position": position,
                                  "data_type": type_, "is_nullable": "NO" if position == 1 else "YES", **facts})  # fmt: skip
    world.add("tables", {"table_catalog": "SHOP", "table_schema": "TMP_1", "table_name": "LEFT_OUT"})
    world.add("views", {"table_id": 3, "view_definition": "create view v as select 1"})
    world.add("tag_references",
              {"domain": "TABLE", "object_database": "SHOP", "object_schema": "SALES", "object_name": "ORDERS", "tag_name": "CORE"},
              {"domain": "VIEW", "object_database": "SHOP", "object_schema": "SALES", "object_name": "ORDERS_V", "tag_name": "SEEN"},
              {"domain": "COLUMN", "object_database": "SHOP", "object_schema": "SALES", "object_name": "ORDERS", "column_name": "Straße", "tag_name": "PII", "tag_value": "Name: 'x'"},
              {"domain": "SCHEMA", "object_database": "SHOP", "object_name": "SALES", "tag_name": "GOLD", "tag_value": "2"},
              {"domain": "DATABASE", "object_name": "SHOP", "tag_name": "MAIN", "tag_value": ""},
              {"domain": "ROLE", "object_name": "ORDERS", "tag_name": "OF_A_ROLE"})  # fmt: skip
    world.add("object_dependencies", {
        "referenced_database": "SHOP", "referenced_schema": "SALES", "referenced_object_name": "ORDERS",
        "referenced_object_domain": "TABLE", "referencing_database": "SHOP", "referencing_schema": "SALES",
        "referencing_object_name": "ORDERS_V", "referencing_object_domain": "VIEW"})  # fmt: skip
    source = {"objectDomain": "Table", "objectId": 2, "objectName": "SHOP.SALES.ORDERS"}
    target = {"objectDomain": "Table", "objectId": 1, "objectName": 'SHOP.SALES."Größe ""x"".y"', "columns": [
        {"columnId": 7, "columnName": "ID", "baseSources": [], "directSources": [{**source, "columnName": "ID"}]}]}  # fmt: skip
    stage = {"objectDomain": "Stage", "objectName": "SHOP.SALES.FILES", "stageKind": "External Named"}
    world.add("access_history", {
        "query_start_time": NOW - timedelta(days=1), "direct_objects_accessed": json.dumps([source, stage]),
        "objects_modified": json.dumps([target])}, {
        "query_start_time": NOW - timedelta(days=90), "direct_objects_accessed": json.dumps([target]),
        "objects_modified": json.dumps([source])})  # fmt: skip
    world.add("pipes", {"pipe_id": 5, "pipe_catalog": "SHOP", "pipe_schema": "SALES", "pipe_name": "LOAD", "pipe_owner": "OPS",
                        "definition": "copy into orders from @files pattern='.*[.]csv'", "pattern": ".*[.]csv",
                        "last_altered": WHEN})  # fmt: skip
    world.add("table_storage_metrics",
              {**place, "table_name": "ORDERS", "active_bytes": 4096, "time_travel_bytes": 900, "failsafe_bytes": 4,
               "retained_for_clone_bytes": 0, "deleted": False},
              {**place, "table_name": "ORDERS", "active_bytes": 0, "time_travel_bytes": 0, "failsafe_bytes": 7_000,
               "retained_for_clone_bytes": 0, "deleted": True})  # fmt: skip
    world.add("pipe_usage_history", {"pipe_id": 5, "credits_used": 0.125, "start_time": NOW - timedelta(days=1)},
              {"pipe_id": 5, "credits_used": 0.125, "start_time": NOW - timedelta(days=2)},
              {"pipe_id": 5, "credits_used": 99.0, "start_time": NOW - timedelta(days=40)})  # fmt: skip
    world.add("copy_history", {"pipe_catalog_name": "SHOP", "pipe_schema_name": "SALES", "pipe_name": "LOAD",
                               "last_load_time": NOW - timedelta(hours=3), "first_error_message": "CANARY-VALUE"})  # fmt: skip
    for number, user in enumerate(("ANA", "BEN", "ANA")):
        world.add("query_attribution_history", {"query_id": f"q{number}", "credits_attributed_compute": 0.25,
                  "credits_used_query_acceleration": 0.5 if number else None, "start_time": NOW - timedelta(days=2)})  # fmt: skip
        world.add("query_history", {"query_id": f"q{number}", "query_text": "select 1", "user_name": user, "start_time": NOW - timedelta(days=2),
                                    "execution_status": "SUCCESS", "query_type": "SELECT",
                                    "query_parameterized_hash": "h", "database_name": "SHOP", "schema_name": "SALES"})  # fmt: skip
    return world


SHOWN = {
    "SHOW PRIMARY KEYS IN ACCOUNT": [[str(WHEN), "SHOP", "SALES", "ORDERS", "ID", "1", "SYS_1", "false", None]],
    "SHOW IMPORTED KEYS IN ACCOUNT": [
        [str(WHEN), "SHOP", "SALES", "ORDERS", "ID", "SHOP", "SALES", ODD, "ID", "1", "NO ACTION", "NO ACTION", "FK", "SYS_1",
         "NOT DEFERRABLE", "false", None]],
    "SHOW STREAMLITS IN ACCOUNT": [
        [str(WHEN), "APP", "SHOP", "SALES", "Every order", "OPS", None, "W", "u1", "ROLE"],
        [str(WHEN), "OTHER", "SHOP", "TMP_1", None, "OPS", None, "W", "u2", "ROLE"]],
}  # fmt: skip


def snowflake(vendor: Vendor, **more: str) -> Connector:
    given = {"account": "ab12", "warehouse": "W", "user": "docent", "url": vendor.url, "exclude": "TMP_*"}
    return connect("snowflake", given | more, {"private_key": KEY})


def test_snowflake_over_its_documented_views() -> None:
    with serve(of_snowflake(snowflake_world(), shown=SHOWN)) as vendor:
        connector = snowflake(vendor)
        assert connector.check() == "Snowflake 9.30.1, role DOCENT_READER"
        records = list(connector.extract())
        queries = list(connector.queries())  # type: ignore[attr-defined]
    assert [record for record in records if isinstance(record, Database)] == [
        Database("SHOP", "All of it", "OPS", ("MAIN",))
    ]
    assert [record for record in records if isinstance(record, Schema)] == [
        Schema("SHOP", "SALES", None, "OPS", ("GOLD:2",))
    ]
    found = tables(records)
    assert set(found) == {ODD, "ORDERS", "ORDERS_V", "MV"}
    assert found["MV"].kind == "materialized_view" and found["ORDERS"].changed_at == WHEN
    assert found["ORDERS"].properties == {"created": WHEN.isoformat(), "billed_storage_bytes": "5000"}
    assert [column.native_type for column in found[ODD].columns] == [
        "NUMBER(38,0)",
        "VARCHAR(20)",
        "TIMESTAMP_NTZ",
    ]
    assert found["ORDERS_V"].definition and found["ORDERS_V"].tags == ("SEEN",)
    assert found["ORDERS"].tags == ("CORE",) and found["ORDERS"].columns[1].tags == ("PII:Name: 'x'",)
    assert found["ORDERS"].keys[0].kind == "primary"
    (key,) = found[ODD].keys
    assert (key.ref_schema, key.ref_table, key.ref_columns) == ("SALES", "ORDERS", ("ID",))
    pipe = assets(records)['pipe/"SHOP"."SALES"."LOAD"']
    assert pipe.properties["pattern"] == ".*[.]csv" and pipe.properties["loads_30_days"] == "1"
    assert pipe.properties["credits_30_days"] == "0.25"
    assert [each.name for each in assets(records).values()] == ["LOAD", "Every order"]
    assert edges(records) == {
        ("SHOP.SALES.ORDERS", "SHOP.SALES.ORDERS_V"),
        ("SHOP.SALES.ORDERS", f"SHOP.SALES.{ODD}"),
        ("SHOP.SALES.ORDERS.ID", f"SHOP.SALES.{ODD}.ID"),
        ('pipe/"SHOP"."SALES"."LOAD"', "SHOP.SALES.ORDERS"),
    }
    (query,) = queries
    assert isinstance(query, Query) and query.runs == 3 and sorted(query.users) == ["ANA", "BEN"]
    assert query.costs == {"credits": 1.75}
    assert "CANARY" not in repr(records)


def test_snowflake_reads_what_an_edition_or_role_lets_it_and_says_what_not() -> None:
    world = snowflake_world()
    world.shut = {"access_history", "tag_references", "copy_history", "object_dependencies",
                  "table_storage_metrics", "pipe_usage_history", "query_attribution_history"}  # fmt: skip
    with serve(of_snowflake(world)) as vendor:
        records = list(snowflake(vendor).extract())
        query, unread = snowflake(vendor).queries()  # type: ignore[attr-defined]
        assert query.runs == 3 and not query.costs and unread == Unread("what queries cost")
        world.shut.add("query_history")
        assert list(snowflake(vendor).queries()) == [Unread("the query log")]  # type: ignore[attr-defined]
    assert len(tables(records)) == 4 and edges(records) == {
        ('pipe/"SHOP"."SALES"."LOAD"', "SHOP.SALES.ORDERS")
    }
    said = " ".join(str(record) for record in records if isinstance(record, Unread))
    for what in (
        "tags",
        "access history",
        "loads of pipes",
        "dependencies",
        "storage is billed",
        "pipes cost",
    ):
        assert what in said
    assert "CANARY" not in repr(records)


def test_snowflake_asks_by_databases_and_schemas_where_show_gives_its_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("connectors.snowflake_sql.MOST", 2)
    row = SHOWN["SHOW PRIMARY KEYS IN ACCOUNT"][0]
    other = [*row[:3], ODD, *row[4:]]
    shown = {
        "SHOW PRIMARY KEYS IN ACCOUNT": [row, row],
        'SHOW PRIMARY KEYS IN DATABASE "SHOP"': [row, row],
        'SHOW PRIMARY KEYS IN SCHEMA "SHOP"."SALES"': [row, other],
    }
    with serve(of_snowflake(snowflake_world(), shown=shown)) as vendor:
        found = tables(list(snowflake(vendor).extract()))
    assert found["ORDERS"].keys and found[ODD].keys


# --- Databricks -----------------------------------------------------------------------------------------------------


def of_databricks(world: Warehouse, boards: list[dict[str, Any]], *, trouble: str = "") -> Vendor:
    """As https://docs.databricks.com/api/workspace/statementexecution shows answers: pending at first, a manifest with
    its chunks, each chunk with the link to the next."""
    held: dict[str, tuple[list[str], list[list[Any]]]] = {}

    def told(value: Any) -> Any:
        if isinstance(value, datetime):
            return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return value if value is None or isinstance(value, str) else str(value)

    def chunk(handle: str, number: int) -> dict[str, Any]:
        rows = held[handle][1]
        part = [[told(value) for value in row] for row in rows[number * 2 : number * 2 + 2]]
        found: dict[str, Any] = {"chunk_index": number, "row_offset": number * 2, "row_count": len(part)}
        found |= {"data_array": part} if part else {}
        if (number + 1) * 2 < len(rows):
            link = f"/api/2.0/sql/statements/{handle}/result/chunks/{number + 1}"
            found |= {"next_chunk_index": number + 1, "next_chunk_internal_link": link}
        return found

    def whole(handle: str) -> dict[str, Any]:
        columns = [
            {"name": name, "position": position, "type_name": "STRING", "type_text": "STRING"}
            for position, name in enumerate(held[handle][0])
        ]
        count = len(held[handle][1])
        chunks = max(1, -(-count // 2))
        manifest = {
            "format": "JSON_ARRAY", "schema": {"column_count": len(columns), "columns": list(reversed(columns))},
            "total_chunk_count": chunks, "total_row_count": count, "total_byte_count": 43, "truncated": False,
            "chunks": [{"chunk_index": n, "row_offset": n * 2, "row_count": min(2, count - n * 2)} for n in range(chunks)],
        }  # fmt: skip
        return {
            "statement_id": handle,
            "status": {"state": "SUCCEEDED"},
            "manifest": manifest,
            "result": chunk(handle, 0),
        }

    def post(asked: Asked) -> Any:
        statement = asked.json["statement"]
        given = {each["name"]: each["value"] for each in asked.json.get("parameters") or ()}
        failed = {"statement_id": "f", "status": {"state": "FAILED"}}
        if trouble and trouble in statement:
            failed["status"] = {"state": "FAILED", "error": {"error_code": "TEMPORARILY_UNAVAILABLE", "message": "CANARY"}}  # fmt: skip
            return failed
        try:
            found = world.answer(statement, given)
        except Refusal:
            message = "[INSUFFICIENT_PERMISSIONS] User does not have USE SCHEMA on CANARY. SQLSTATE: 42501"
            failed["status"] = {"state": "FAILED", "error": {"error_code": "BAD_REQUEST", "message": message}}
            return failed
        handle = f"01ee-{len(held)}"
        held[handle] = found
        return {"statement_id": handle, "status": {"state": "PENDING"}} if len(held) % 2 else whole(handle)

    def get(asked: Asked) -> Any:
        parts = asked.path.split("/")
        return chunk(parts[5], int(parts[8])) if "chunks" in parts else whole(parts[5])

    def listed(asked: Asked) -> Any:
        start = int(asked.query.get("page_token") or 0)
        more = {"next_page_token": str(start + 1)} if start + 1 < len(boards) else {}
        return {"dashboards": boards[start : start + 1], **more}

    def at(asked: Asked, path: str) -> str:
        return f"http://{asked.headers['host']}{path}"

    return Vendor(
        {
            # where Databricks' own SDK learns where tokens are
            "GET /.well-known/databricks-config": lambda asked: {
                "oidc_endpoint": at(asked, "/oidc"),
                "workspace_id": "77",
                "cloud": "AWS",
            },
            "GET /oidc/.well-known/oauth-authorization-server": lambda asked: {
                "authorization_endpoint": at(asked, "/oidc/v1/authorize"),
                "token_endpoint": at(asked, "/oidc/v1/token"),
            },
            "POST /api/2.0/sql/statements": post,
            "GET /api/2.0/sql/statements/*": get,
            "GET /api/2.0/lakeview/dashboards": listed,
        }
    )


BOARDS = [
    {"dashboard_id": "d1", "display_name": "Größe & Umsatz", "path": "/Shared/Board.lvdash.json", "lifecycle_state": "ACTIVE",
     "create_time": "2026-01-01T00:00:00Z", "update_time": "2026-03-04T05:06:07Z", "warehouse_id": "w", "etag": "8"},
    {"dashboard_id": "d2", "display_name": "Thrown away", "lifecycle_state": "TRASHED"},
    {"dashboard_id": "d3"},
]  # fmt: skip


def databricks_world() -> Warehouse:
    world = Warehouse("databricks")
    place = {"table_catalog": "shop", "table_schema": "sales"}
    world.add("information_schema.catalogs", {"catalog_name": "shop", "catalog_owner": "ops"}, {"catalog_name": "system"})  # fmt: skip
    world.add("information_schema.schemata", {"catalog_name": "shop", "schema_name": "sales", "comment": "All sales"},
              {"catalog_name": "shop", "schema_name": "tmp_1"}, {"catalog_name": "shop", "schema_name": "information_schema"})  # fmt: skip
    for name, kind in (
        (ODD, "MANAGED"),
        ("orders", "EXTERNAL"),
        ("orders_v", "VIEW"),
        ("mv", "MATERIALIZED_VIEW"),
    ):
        world.add("information_schema.tables", {**place, "table_name": name, "table_type": kind, "table_owner": "ops",
                                                "last_altered": WHEN, "created": WHEN})  # fmt: skip
        for position, column in enumerate(("id", "Straße")):  # from 0, as it is and not as it is documented
            world.add("information_schema.columns", {
                **place, "table_name": name, "column_name": column, "ordinal_position": position, "data_type": "STRING",
                "full_data_type": "array<string>", "is_nullable": "YES" if position else "NO"})  # fmt: skip
    world.add("information_schema.tables", {**place, "table_schema": "tmp_1", "table_name": "left_out"})
    world.add("information_schema.views", {**place, "table_name": "orders_v", "view_definition": "select 1"})
    base = {"constraint_catalog": "shop", "constraint_schema": "sales"}
    for name, table, kind in (("pk", "orders", "PRIMARY KEY"), ("fk", ODD, "FOREIGN KEY")):
        world.add("information_schema.table_constraints", {**base, **place, "constraint_name": name, "table_name": table,
                                                           "constraint_type": kind})  # fmt: skip
        world.add("information_schema.key_column_usage", {
            **base, **place, "constraint_name": name, "table_name": table, "column_name": "id", "ordinal_position": 1,
            "position_in_unique_constraint": 1 if name == "fk" else None})  # fmt: skip
    world.add("information_schema.referential_constraints", {
        **base, "constraint_name": "fk", "unique_constraint_catalog": "shop", "unique_constraint_schema": "sales",
        "unique_constraint_name": "pk"})  # fmt: skip
    world.add("information_schema.table_tags", {"catalog_name": "shop", "schema_name": "sales", "table_name": "orders", "tag_name": "core", "tag_value": ""})  # fmt: skip
    world.add(
        "information_schema.catalog_tags", {"catalog_name": "shop", "tag_name": "cost", "tag_value": "7"}
    )
    world.add(
        "information_schema.schema_tags", {"catalog_name": "shop", "schema_name": "sales", "tag_name": "gold"}
    )
    world.add("information_schema.column_tags", {"catalog_name": "shop", "schema_name": "sales", "table_name": "orders",
                                                 "column_name": "Straße", "tag_name": "pii", "tag_value": "name"})  # fmt: skip
    up = {"source_table_catalog": "shop", "source_table_schema": "sales", "source_table_name": "orders"}
    down = {"target_table_catalog": "shop", "target_table_schema": "sales", "target_table_name": ODD}
    recent: dict[str, Any] = {"event_date": NOW.date() - timedelta(days=1), "workspace_id": "77"}
    world.add("access.table_lineage", {**up, **down, **recent, "entity_type": "JOB", "entity_id": "5"},
              {**up, **recent, "entity_type": "DASHBOARD_V3", "entity_id": "d1"},
              {**up, **recent, "entity_type": "DASHBOARD_V3", "entity_id": "not-ours"},
              {**down, **recent, "source_path": "s3://x", "entity_type": "JOB", "entity_id": "5"},
              {**up, **down, "event_date": date(2020, 1, 1)})  # fmt: skip
    world.add(
        "access.column_lineage",
        {**up, **down, **recent, "source_column_name": "id", "target_column_name": "id"},
    )
    job = {"workspace_id": "77", "job_id": "5", "change_time": WHEN}
    world.add("lakeflow.jobs", {**job, "name": "Old name", "change_time": WHEN - timedelta(days=9)},
              {**job, "name": "Nightly", "description": "Every night"},
              {**job, "job_id": "6", "name": "Gone", "delete_time": WHEN})  # fmt: skip
    run = {"workspace_id": "77", "job_id": "5", "run_id": "1", "period_start_time": NOW - timedelta(hours=2)}
    world.add("lakeflow.job_run_timeline", {**run, "period_end_time": NOW - timedelta(hours=1)},
              {**run, "period_end_time": NOW, "result_state": "FAILED", "termination_code": "RUN_EXECUTION_ERROR"})  # fmt: skip
    used = {"workspace_id": "77", "sku_name": "JOBS", "cloud": "AWS", "usage_unit": "DBU", "usage_date": NOW.date(),
            "usage_start_time": NOW, "usage_metadata": {"job_id": "5"}}  # fmt: skip
    world.add("billing.usage", {**used, "usage_quantity": 12.0}, {**used, "usage_quantity": -2.0},
              {**used, "usage_quantity": 500.0, "usage_date": date(2020, 1, 1)},
              {**used, "usage_quantity": 4.0, "usage_metadata": {"job_id": "6"}, "sku_name": "UNPRICED"},
              {**used, "usage_quantity": 3.0, "usage_metadata": {"job_id": None}})  # fmt: skip
    price = {"sku_name": "JOBS", "cloud": "AWS", "usage_unit": "DBU", "currency_code": "USD"}
    world.add("billing.list_prices",
              {**price, "price_start_time": NOW - timedelta(days=400), "price_end_time": NOW - timedelta(days=99), "pricing": {"default": 9.0}},
              {**price, "price_start_time": NOW - timedelta(days=99), "pricing": {"default": 0.15}})  # fmt: skip
    for user in ("ana@x.example", "ben@x.example"):
        world.add("query.history", {"statement_text": "select 1", "executed_by": user, "execution_status": "FINISHED",
                                    "statement_type": "SELECT", "start_time": NOW - timedelta(days=1),
                                    "read_bytes": 1_000, "total_task_duration_ms": 1_500,
                                    "error_message": "CANARY-VALUE"})  # fmt: skip
    return world


def databricks(vendor: Vendor) -> Connector:
    given = {"url": vendor.url, "warehouse": "w1", "exclude": "tmp_*, *.it's"}
    return connect("databricks", given, {"token": "t" * 20})


def test_databricks_over_its_documented_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.databricks.PAGE", 3)
    with serve(of_databricks(databricks_world(), BOARDS)) as vendor:
        connector = databricks(vendor)
        records = list(connector.extract())
        queries = list(connector.queries())  # type: ignore[attr-defined]
    assert [(record.name, record.tags) for record in records if isinstance(record, Database | Schema)] == [
        ("shop", ("cost:7",)),
        ("sales", ("gold",)),
    ]
    found = tables(records)
    assert set(found) == {ODD, "orders", "orders_v", "mv"} and found["mv"].kind == "materialized_view"
    assert found["orders"].kind == "external_table" and found["orders"].changed_at == WHEN
    assert found["orders"].properties == {"created": WHEN.isoformat()}
    assert [(each.name, each.position, each.nullable) for each in found[ODD].columns] == [("id", 1, False), ("Straße", 2, True)]  # fmt: skip
    assert found["orders"].tags == ("core",) and found["orders"].columns[1].tags == ("pii:name",)
    (key,) = found[ODD].keys
    assert (key.kind, key.ref_table, key.ref_columns) == ("foreign", "orders", ("id",))
    job = assets(records)["job/77/5"]
    assert (
        job.name == "Nightly"
        and job.properties["last_status"] == "FAILED"
        and job.properties["runs_30_days"] == "1"
    )
    assert job.properties["last_error"] == "RUN_EXECUTION_ERROR"
    assert (job.properties["dbus_30_days"], job.properties["list_price_30_days"]) == ("10", "1.50 USD")
    assert set(assets(records)) == {"job/77/5", "dashboard/d1", "dashboard/d3"}
    assert edges(records) == {
        ("shop.sales.orders", f"shop.sales.{ODD}"),
        ("shop.sales.orders.id", f"shop.sales.{ODD}.id"),
        ("shop.sales.orders", "job/77/5"),
        ("job/77/5", f"shop.sales.{ODD}"),
        ("shop.sales.orders", "dashboard/d1"),
    }
    (query,) = queries
    assert query.runs == 2 and sorted(query.users) == ["ana@x.example", "ben@x.example"]
    assert query.costs == {"bytes_read": 2_000, "task_seconds": 3.0}
    assert "CANARY" not in repr(records) + repr(queries)


def test_databricks_tells_what_is_not_shared_from_what_is_broken() -> None:
    world = databricks_world()
    world.shut = {
        "access.table_lineage",
        "access.column_lineage",
        "lakeflow.jobs",
        "billing.usage",
        "query.history",
    }
    with serve(of_databricks(world, BOARDS)) as vendor:
        records = list(databricks(vendor).extract())
        assert list(databricks(vendor).queries()) == [Unread("system.query")]  # type: ignore[attr-defined]
    assert len(tables(records)) == 4 and not edges(records)
    said = " ".join(str(record) for record in records if isinstance(record, Unread))
    assert all(f"system.{each}" in said for each in ("access", "lakeflow", "billing"))
    assert "CANARY" not in repr(records)
    with serve(of_databricks(databricks_world(), BOARDS, trouble="column_lineage")) as vendor:
        with pytest.raises(SourceInterrupted) as error:
            list(databricks(vendor).extract())
    assert "CANARY" not in str(error.value)


# --- BigQuery -------------------------------------------------------------------------------------------------------


def of_bigquery(world: Warehouse) -> Vendor:
    """As https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/query describes answers: done at once or later,
    counts as text, no `rows` where there are none, an array as a list of cells."""
    held: dict[str, tuple[list[str], list[list[Any]]]] = {}

    def told(value: Any) -> Any:
        if isinstance(value, bool):
            return {"v": str(value).lower()}
        if isinstance(value, list):
            return {"v": [{"v": str(each)} for each in value]}
        return {"v": value if value is None else str(value)}

    def kind_of(values: list[Any]) -> dict[str, str]:
        known = next((value for value in values if value is not None), "")
        mode = "REPEATED" if isinstance(known, list) else "NULLABLE"
        names = {bool: "BOOLEAN", int: "INTEGER", float: "FLOAT"}
        return {"type": names.get(type(known), "STRING"), "mode": mode}

    def page(handle: str, start: int) -> dict[str, Any]:
        names, rows = held[handle]
        fields = [{"name": name, **kind_of([row[at] for row in rows])} for at, name in enumerate(names)]
        found = {
            "kind": "bigquery#queryResponse", "schema": {"fields": fields}, "totalRows": str(len(rows)),
            "jobReference": {"projectId": "acme-data", "jobId": handle, "location": "EU"},
            "totalBytesProcessed": "10485760", "jobComplete": True, "cacheHit": False, "queryId": "q",
        }  # fmt: skip
        part = [{"f": [told(value) for value in row]} for row in rows[start : start + 2]]
        found |= {"rows": part} if part else {}
        return found | ({"pageToken": f"BFY{start + 2}"} if start + 2 < len(rows) else {})

    def post(asked: Asked) -> Any:
        values = [each["parameterValue"]["value"] for each in asked.json.get("queryParameters") or ()]
        try:
            found = world.answer(asked.json["query"], values)
        except Refusal as refusal:
            message = f"Access Denied: Table CANARY:{refusal}: User does not have permission to query table"
            error = {"code": 403, "message": message, "errors": [{"message": message, "domain": "global", "reason": "accessDenied"}],
                     "status": "PERMISSION_DENIED"}  # fmt: skip
            return Answer(403, {"error": error})
        handle = f"job_{len(held)}"
        held[handle] = found
        if len(held) % 2:
            return page(handle, 0)
        reference = {"projectId": "acme-data", "jobId": handle, "location": "EU"}
        return {
            "kind": "bigquery#queryResponse",
            "jobReference": reference,
            "jobComplete": False,
            "queryId": "q",
        }

    def get(asked: Asked) -> Any:
        assert asked.query["location"] == "EU"
        return page(asked.path.rsplit("/", 1)[1], int(asked.query.get("pageToken", "BFY0")[3:]))

    def job(asked: Asked) -> Any:
        """jobs.get, which Google's client asks between jobs.query and the results."""
        handle = asked.path.rsplit("/", 1)[1]
        place = {"projectId": "acme-data", "datasetId": "_hidden", "tableId": handle}
        return {
            "kind": "bigquery#job", "id": f"acme-data:EU.{handle}", "status": {"state": "DONE"},
            "jobReference": {"projectId": "acme-data", "jobId": handle, "location": "EU"},
            "configuration": {"jobType": "QUERY", "query": {"query": "", "useLegacySql": False, "destinationTable": place}},
            "statistics": {"creationTime": "1770000000000", "startTime": "1770000000001", "endTime": "1770000000002",
                           "query": {"statementType": "SELECT", "totalBytesBilled": "10485760"}},
        }  # fmt: skip

    base = "/bigquery/v2/projects/acme-data"
    token = {"access_token": "ya29.x", "expires_in": 3599, "token_type": "Bearer"}
    return Vendor(
        {
            "POST /token": lambda asked: token,
            f"POST {base}/queries": post,
            f"GET {base}/queries/*": get,
            f"GET {base}/jobs/*": job,
        }
    )


def bigquery_world() -> Warehouse:
    world = Warehouse("bigquery")
    for name in ("sales", "tmp_1", "marts"):
        world.add("schemata", {"catalog_name": "acme-data", "schema_name": name, "location": "EU"})
    world.add("schemata_options", {"schema_name": "sales", "option_name": "description", "option_value": '"All \\"sales\\""'})  # fmt: skip
    place = {"table_catalog": "acme-data", "table_schema": "sales"}
    for name, kind in (("Größe x", "BASE TABLE"), ("orders", "BASE TABLE"), ("orders_v", "VIEW"), ("mv", "MATERIALIZED VIEW")):  # fmt: skip
        made = f"CREATE {kind.removeprefix('BASE ')} `acme-data.sales.{name}` AS SELECT 'x' AS id"
        world.add(
            "tables", {**place, "table_name": name, "table_type": kind, "ddl": made, "creation_time": WHEN}
        )
        world.add("table_storage", {**place, "table_name": name, "total_rows": 42, "total_logical_bytes": 4096,
                                    "long_term_logical_bytes": 1024, "total_physical_bytes": 500, "fail_safe_physical_bytes": 12,
                                    "storage_last_modified_time": WHEN, "deleted": False})  # fmt: skip
        for position, column in enumerate(("id", "place"), start=1):
            world.add("columns", {**place, "table_name": name, "column_name": column, "ordinal_position": position,
                                  "is_nullable": "NO" if position == 1 else "YES", "column_default": "NULL"})  # fmt: skip
        for path in ("id", "place", "place.street"):
            world.add("column_field_paths", {
                **place, "table_name": name, "column_name": path.split(".")[0], "field_path": path, "data_type": "STRING",
                "description": "about", "policy_tags": ["projects/p/t/1"] if path == "place.street" else []})  # fmt: skip
    world.add("table_storage", {**place, "table_name": "orders", "total_rows": 1, "deleted": True})
    world.add("tables", {**place, "table_schema": "tmp_1", "table_name": "left_out"})
    world.add("views", {**place, "table_name": "orders_v", "view_definition": "select 1"})
    world.add("table_options", {**place, "table_name": "orders", "option_name": "description", "option_value": '"It\\nis"'},
              {**place, "table_name": "orders", "option_name": "labels", "option_value": '[STRUCT("team", "core"), STRUCT("tier", "")]'})  # fmt: skip
    base = {"constraint_catalog": "acme-data", "constraint_schema": "sales", **place}
    for name, table, kind in (("orders.pk$", "orders", "PRIMARY KEY"), ("x.fk$1", "Größe x", "FOREIGN KEY")):
        world.add(
            "table_constraints",
            {**base, "constraint_name": name, "table_name": table, "constraint_type": kind},
        )
        world.add("key_column_usage", {**base, "constraint_name": name, "table_name": table, "column_name": "id",
                                       "ordinal_position": 1, "position_in_unique_constraint": 1 if "fk" in name else None})  # fmt: skip
        world.add("constraint_column_usage", {**base, "constraint_name": name, "table_name": "orders", "column_name": "id"})  # fmt: skip
    world.add("routines", {"routine_schema": "sales", "routine_name": "refresh", "routine_type": "PROCEDURE",
                           "routine_body": "SQL", "routine_definition": "BEGIN SELECT 1; END", "last_altered": WHEN})  # fmt: skip
    named = lambda dataset, table: {"project_id": "acme-data", "dataset_id": dataset, "table_id": table}  # noqa: E731
    job = {"total_bytes_billed": 20_971_520, "total_slot_ms": 2_500, "creation_time": NOW - timedelta(days=1), "state": "DONE", "job_type": "QUERY", "query": "insert 1",
           "referenced_tables": [named("sales", "orders")], "query_info": {"resource_warning": None, "query_hashes": {"normalized_literals": "h"}}}  # fmt: skip
    world.add("jobs_by_project",
              {**job, "statement_type": "INSERT", "destination_table": named("marts", "revenue"), "user_email": "ana@x.example"},
              {**job, "statement_type": "CREATE_TABLE_AS_SELECT", "destination_table": named("_script7", "t"), "user_email": "ben@x.example"})  # fmt: skip
    return world


def bigquery(vendor: Vendor) -> Connector:
    key = {"client_email": "d@acme.example", "private_key": KEY, "token_uri": f"{vendor.url}/token"}
    given = {"project": "acme-data", "region": "eu", "url": vendor.url, "exclude": "tmp_*"}
    return connect("bigquery", given, {"key": json.dumps(key)})


def test_bigquery_over_its_documented_views() -> None:
    with serve(of_bigquery(bigquery_world())) as vendor:
        connector = bigquery(vendor)
        assert connector.check() == "BigQuery answers: 3 datasets in eu"
        records = list(connector.extract())
        queries = list(connector.queries())  # type: ignore[attr-defined]
    assert [(each.name, each.description) for each in records if isinstance(each, Schema)] == [
        ("marts", None),
        ("sales", 'All "sales"'),
    ]
    found = tables(records)
    assert set(found) == {"Größe x", "orders", "orders_v", "mv"} and found["mv"].kind == "materialized_view"
    assert (found["mv"].definition or "").startswith("CREATE MATERIALIZED VIEW")
    assert found["mv"].properties["created"] == WHEN.isoformat()
    stored = {name: value for name, value in found["orders"].properties.items() if "bytes" in name}
    assert stored == {"long_term_bytes": "1024", "physical_bytes": "512"}
    assert found["orders_v"].definition == "select 1" and found["orders"].definition is None
    orders = found["orders"]
    assert (
        orders.description == "It\nis" and orders.tags == ("team:core", "tier") and orders.row_estimate == 42
    )
    assert [column.name for column in orders.columns] == ["id", "place", "place.street"]
    assert orders.columns[2].tags == ("projects/p/t/1",) and not orders.columns[0].nullable
    (key,) = found["Größe x"].keys
    assert (key.kind, key.ref_schema, key.ref_table, key.ref_columns) == (
        "foreign",
        "sales",
        "orders",
        ("id",),
    )
    assert orders.keys[0].kind == "primary"
    assert assets(records)["routine/sales.refresh"].properties["type"] == "procedure"
    assert edges(records) == {("acme-data.sales.orders", "acme-data.marts.revenue")}
    (query,) = queries
    assert query.runs == 2 and sorted(query.users) == ["ana@x.example", "ben@x.example"]
    assert query.costs == {"bytes_billed": 41_943_040, "slot_seconds": 5.0}


def test_bigquery_reads_what_a_role_lets_it_and_asks_for_keys_by_the_dataset(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("connectors.bigquery.KEYED", 1)
    world = bigquery_world()
    world.shut = {"jobs_by_project", "table_storage", "routines"}
    with serve(of_bigquery(world)) as vendor:
        assert list(bigquery(vendor).queries()) == [Unread("the log of jobs")]  # type: ignore[attr-defined]
        vendor.asked.clear()
        records = list(bigquery(vendor).extract())
        asked = [
            each.json["query"] for each in vendor.asked if each.method == "POST" and each.path != "/token"
        ]
    assert len(tables(records)) == 4 and tables(records)["orders"].row_estimate is None and not edges(records)
    assert sum("KEY_COLUMN_USAGE k" in statement for statement in asked) == 2 and len(asked) == 7 + 2
    said = " ".join(str(record) for record in records if isinstance(record, Unread))
    assert "sizes" in said and "routines" in said and "log of jobs" in said and "CANARY" not in repr(records)


# --- Trino ----------------------------------------------------------------------------------------------------------


def of_trino(world: Warehouse, *, trouble: str = "") -> Vendor:
    """As https://trino.io/docs/current/develop/client-protocol.html has it: queued at first, columns before data, data
    in some answers only, JSON numbers, the rest of an answer's members."""
    held: dict[str, tuple[list[str], list[list[Any]]]] = {}
    vendor = Vendor({})

    def answer(handle: str, step: int) -> dict[str, Any]:
        names, rows = held[handle]
        found: dict[str, Any] = {
            "id": handle, "infoUri": f"{vendor.url}/ui/query.html?{handle}", "warnings": [],
            "stats": {"state": "QUEUED" if not step else "RUNNING", "queued": not step, "scheduled": bool(step), "nodes": 1},
        }  # fmt: skip
        if step:
            found["columns"] = [
                trino_wire.column(name, trino_wire.kind_of([row[at] for row in rows]))
                for at, name in enumerate(names)
            ]
        if step > 1:
            found["data"] = rows[(step - 2) * 2 : (step - 1) * 2]
        if step < 2 or (step - 1) * 2 < len(rows):
            found["nextUri"] = f"{vendor.url}/v1/statement/executing/{handle}/y7/{step + 1}?slug=x"
        return found

    def post(asked: Asked) -> Any:
        statement = asked.body.decode()
        assert asked.headers["x-trino-user"] == "docent"
        if trouble and trouble in statement:
            error = {
                "message": "CANARY",
                "errorCode": 65536,
                "errorName": "HIVE_METASTORE_ERROR",
                "errorType": "EXTERNAL",
            }
            if "materialized_views" in trouble:  # a Trino that is older
                error |= {"errorCode": 46, "errorName": "TABLE_NOT_FOUND", "errorType": "USER_ERROR"}
            return {"id": "e", "infoUri": "", "stats": {"state": "FAILED"}, "error": error, "warnings": []}
        handle = f"q{len(held)}"
        held[handle] = world.answer(statement)
        return answer(handle, 0)

    def get(asked: Asked) -> Any:
        parts = asked.path.split("/")
        return answer(parts[4], int(parts[6]))

    vendor.routes = {
        "POST /v1/statement": post,
        "GET /v1/statement/*": get,
        "GET /v1/info": lambda asked: {
            "nodeVersion": {"version": "481"},
            "environment": "x",
            "coordinator": True,
        },
    }
    return vendor


def trino_world() -> Warehouse:
    world = Warehouse("trino")
    world.add(
        "metadata.catalogs", {"catalog_name": "hive"}, {"catalog_name": "odd-1"}, {"catalog_name": "system"}
    )
    for catalog in ("hive", "odd-1"):
        world.add("information_schema.schemata", *({"catalog_name": catalog, "schema_name": name} for name in ("information_schema", "sales", "tmp_1")))  # fmt: skip
        place = {"table_catalog": catalog, "table_schema": "sales"}
        world.add("information_schema.tables", {**place, "table_name": ODD, "table_type": "BASE TABLE"},
                  {**place, "table_name": "v", "table_type": "VIEW"}, {**place, "table_name": "stored", "table_type": "BASE TABLE"},
                  {**place, "table_schema": "tmp_1", "table_name": "left_out", "table_type": "BASE TABLE"})  # fmt: skip
        world.add("information_schema.views", {**place, "table_name": "v", "view_definition": "SELECT 1"})
        world.add("metadata.table_comments", {"catalog_name": catalog, "schema_name": "sales", "table_name": ODD, "comment": f"Of {catalog}"})  # fmt: skip
        world.add("metadata.materialized_views", {"catalog_name": catalog, "schema_name": "sales", "name": "stored", "freshness": "STALE",
                  "comment": "Sums", "definition": f"SELECT 1 AS {catalog[0]}"})  # fmt: skip
        world.add("jdbc.columns", *(
            {"table_cat": catalog, "table_schem": "sales", "table_name": ODD, "column_name": column, "ordinal_position": n,
             "type_name": "varchar(20)", "is_nullable": "YES", "remarks": None} for n, column in ((1, "id"), (2, "Straße"))))  # fmt: skip
    return world


def test_trino_over_its_documented_views() -> None:
    given = {"user": "docent", "exclude": "tmp_*"}
    with serve(of_trino(trino_world())) as vendor:
        connector = connect("trino", {"url": vendor.url, **given}, {})
        assert connector.check() == "Trino 481, catalogs hive, odd-1"
        records = list(connector.extract())
    found = {(each.database, each.name): each for each in records if isinstance(each, Table)}
    assert set(found) == {(catalog, name) for catalog in ("hive", "odd-1") for name in (ODD, "v", "stored")}
    stored = found["odd-1", "stored"]
    assert (stored.kind, stored.description, stored.definition) == (
        "materialized_view",
        "Sums",
        "SELECT 1 AS o",
    )
    assert found["odd-1", ODD].description == "Of odd-1" and found["hive", "v"].definition == "SELECT 1"
    assert [column.name for column in found["hive", ODD].columns] == ["id", "Straße"]
    assert {each.name for each in records if isinstance(each, Schema)} == {"sales"}
    with serve(of_trino(trino_world(), trouble="metadata.materialized_views")) as vendor:
        older = list(connect("trino", {"url": vendor.url, **given}, {}).extract())
    assert {each.name: each.kind for each in older if isinstance(each, Table)} == {
        ODD: "table",
        "v": "view",
        "stored": "table",
    }
    assert sum(isinstance(each, Unread) for each in older) == 2
    with serve(of_trino(trino_world(), trouble="jdbc.columns")) as vendor:
        with pytest.raises(SourceInterrupted, match="HIVE_METASTORE_ERROR") as error:
            list(connect("trino", {"url": vendor.url, **given}, {}).extract())
    assert "CANARY" not in str(error.value)
