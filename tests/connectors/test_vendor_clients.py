"""The vendors' own client libraries against our local servers: what a connector reads there, the vendor's client must read too.

A connector's statements are recorded with their rows and sent again by google-cloud-bigquery, databricks-sdk and trino to
the very same server; pages, refusals, rate limits and tokens that run out are told to both. So a server of ours that spoke
a wire of its own would be found out. Snowflake has no client of its SQL API: its servers are held against the OpenAPI
document that Snowflake publishes of it (snowflakedb/snowflake-rest-api-specs, specifications/sqlapi.yaml).
"""

from __future__ import annotations

import contextlib
import importlib
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest

from connectors import connect
from connectors.abilities import RunLimits
from connectors.bigquery import BigQuery
from connectors.databricks import Databricks
from connectors.errors import PermissionMissing, QueryFailed
from connectors.trino import Trino
from tests.connectors import test_documented_sql as documented
from tests.connectors.run_servers import SLOW, BigQueryService, DatabricksService, SnowflakeService, served
from tests.connectors.test_documented_sql import KEY
from tests.connectors.vendor_server import Answer, Asked, Vendor, serve
from tests.own_servers import missing

Sent = list[tuple[str, list[Any], list[dict[str, str | None]]]]
"""Statements, the values of their parameters, and the rows that came back."""


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.http.time.sleep", lambda seconds: None)


def library(name: str) -> Any:
    """A vendor's package; a failure where every service must be there."""
    try:
        return importlib.import_module(name)
    except ImportError:
        missing(f"{name}: pip install -e '.[connector-tests]'")


def plain(rows: Any) -> list[dict[str, str | None]]:
    """Rows by name, values as text: our connectors read texts, the clients make them numbers and truths again."""
    return [{str(name): None if value is None else str(value) for name, value in row.items()} for row in rows]


def recorded(cls: type[Any], monkeypatch: pytest.MonkeyPatch) -> Sent:
    """What connectors of this class send from now on, and what they read."""
    sent: Sent = []
    rows_of: Callable[..., Iterator[Any]] = cls._rows

    def rows(self: Any, api: Any, statement: str, given: Any = None) -> Iterator[Any]:
        found = list(rows_of(self, api, statement, *([given] if given else [])))
        sent.append((statement, list(given or ()), plain(found)))
        yield from found

    monkeypatch.setattr(cls, "_rows", rows)
    return sent


def expiring(vendor: Vendor, path: str, after: int, **more: Any) -> list[str]:
    """Make the server's tokens run out after so many requests; the list grows by each that it gives."""
    made: list[str] = []
    left = [0]

    def token(asked: Asked) -> Any:
        made.append(f"token-{len(made)}")
        left[0] = after
        return {"access_token": made[-1], "token_type": "Bearer", "expires_in": 3600, **more}

    def allows(asked: Asked) -> bool:
        if asked.path == path or "/.well-known/" in asked.path:
            return True
        left[0] -= 1
        return left[0] >= 0 and asked.headers.get("authorization") == f"Bearer {made[-1]}"

    vendor.routes[f"POST {path}"] = token
    vendor.allows = allows
    return made


# --- BigQuery -------------------------------------------------------------------------------------------------------


def google(vendor: Vendor) -> Any:
    library("google.cloud.bigquery")
    from google.cloud import bigquery
    from google.oauth2 import service_account

    key = {"client_email": "d@acme.example", "private_key": KEY, "token_uri": f"{vendor.url}/token"}
    credentials = service_account.Credentials.from_service_account_info(key, scopes=["x"])
    return bigquery.Client(
        "acme-data", credentials, location="EU", client_options={"api_endpoint": vendor.url}
    )


def asked_by_google(client: Any, statement: str, given: list[Any]) -> list[dict[str, str | None]]:
    from google.cloud import bigquery

    values = [bigquery.ScalarQueryParameter(None, "STRING", value) for value in given]
    config = bigquery.QueryJobConfig(query_parameters=values)
    return plain(dict(row.items()) for row in client.query_and_wait(statement, job_config=config))


def test_googles_client_reads_what_the_connector_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = recorded(BigQuery, monkeypatch)
    with serve(documented.of_bigquery(documented.bigquery_world())) as vendor:
        made = expiring(vendor, "/token", 7)
        connector = documented.bigquery(vendor)
        assert [*connector.extract(), *connector.queries()] and len(sent) == 9  # type: ignore[attr-defined]
        ours, client = len(made), google(vendor)
        monkeypatch.setattr("google.api_core.retry.retry_unary.time.sleep", lambda seconds: None)
        limit = {"reason": "rateLimitExceeded", "message": "Exceeded rate limits", "domain": "usageLimits"}
        busy = [
            Answer(403, {"error": {"code": 403, "message": "Exceeded rate limits", "errors": [limit]}}),
            Answer(503, {"error": {"code": 503, "message": "later", "errors": [{"reason": "backendError"}]}}),
        ]
        for number, (statement, given, rows) in enumerate(sent):
            vendor.faults[:] = busy if number == 1 else []
            assert asked_by_google(client, statement, given) == rows
            assert not vendor.faults
        assert ours >= 3 and len(made) - ours >= 3, "a token that ran out is renewed by both"
        assert max(len(rows) for *_, rows in sent) > 4, "there were pages"


def test_googles_client_is_refused_as_the_connector_is() -> None:
    library("google.cloud.bigquery")
    from google.api_core.exceptions import Forbidden

    world = documented.bigquery_world()
    world.shut = {"schemata"}
    with serve(documented.of_bigquery(world)) as vendor:
        with pytest.raises(PermissionMissing):
            documented.bigquery(vendor).check()
        with pytest.raises(Forbidden, match="Access Denied"):
            asked_by_google(google(vendor), "SELECT 1 FROM `a`.`region-eu`.INFORMATION_SCHEMA.SCHEMATA", [])


# --- Databricks -----------------------------------------------------------------------------------------------------


def asked_by_databricks(client: Any, statement: str, given: list[Any]) -> list[dict[str, str | None]]:
    from databricks.sdk.service.sql import Disposition, Format, StatementParameterListItem, StatementState

    values = [StatementParameterListItem.from_dict(each) for each in given]
    api = client.statement_execution
    answer = api.execute_statement(
        statement, "w1", parameters=values or None, wait_timeout="50s",
        disposition=Disposition.INLINE, format=Format.JSON_ARRAY,
    )  # fmt: skip
    while answer.status.state in (StatementState.PENDING, StatementState.RUNNING):
        answer = api.get_statement(answer.statement_id)
    if answer.status.state != StatementState.SUCCEEDED:
        raise PermissionError(answer.status.error.message)
    names = [each.name for each in sorted(answer.manifest.schema.columns, key=lambda each: each.position)]
    rows, chunk = list(answer.result.data_array or ()), answer.result
    while chunk.next_chunk_index is not None:
        chunk = api.get_statement_result_chunk_n(answer.statement_id, chunk.next_chunk_index)
        rows += chunk.data_array or ()
    assert len(rows) == answer.manifest.total_row_count
    return plain(dict(zip(names, row, strict=True)) for row in rows)


def test_databricks_sdk_reads_what_the_connector_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    sdk = library("databricks.sdk")
    sent = recorded(Databricks, monkeypatch)
    monkeypatch.setattr("databricks.sdk.retries.sleep", lambda seconds: None, raising=False)
    world = documented.databricks_world()
    with serve(documented.of_databricks(world, documented.BOARDS)) as vendor:
        made = expiring(vendor, "/oidc/v1/token", 9)
        given = {"url": vendor.url, "warehouse": "w1", "client_id": "c", "exclude": "tmp_*, *.it's"}
        connector = connect("databricks", given, {"client_secret": "s" * 20})
        assert [*connector.extract(), *connector.queries()] and len(sent) == 12  # type: ignore[attr-defined]
        assert len(made) >= 3
        expiring(vendor, "/oidc/v1/token", 10_000)
        client = sdk.WorkspaceClient(host=vendor.url, client_id="c", client_secret="s" * 20)
        vendor.faults[:] = []
        for number, (statement, values, rows) in enumerate(sent):
            if number == 1:
                limit = {"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "slowly"}
                vendor.faults[:] = [Answer(429, limit, {"Retry-After": "0"})]
            assert asked_by_databricks(client, statement, values) == rows
        assert not vendor.faults
        names = [each.display_name for each in client.lakeview.list(page_size=100)]
        assert names == [each.get("display_name") for each in documented.BOARDS]
        world.shut = {"information_schema.catalogs"}
        with pytest.raises(PermissionError, match="INSUFFICIENT_PERMISSIONS"):
            asked_by_databricks(client, "SELECT 1 FROM system.information_schema.catalogs", [])


# --- Trino ----------------------------------------------------------------------------------------------------------


def test_trinos_client_reads_what_the_connector_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    trino = library("trino")
    sent = recorded(Trino, monkeypatch)
    with serve(documented.of_trino(documented.trino_world())) as vendor:
        given = {"url": vendor.url, "user": "docent", "exclude": "tmp_*"}
        assert list(connect("trino", given, {}).extract()) and len(sent) == 9
        place = urlsplit(vendor.url)
        client = trino.dbapi.connect(host=place.hostname, port=place.port, user="docent", http_scheme="http")
        vendor.faults[:] = [Answer(503), Answer(429, None, {"Retry-After": "0"})]
        for statement, _given, rows in sent:
            cursor = client.cursor()
            cursor.execute(statement)
            names = [each[0] for each in cursor.description]
            assert plain(dict(zip(names, row, strict=True)) for row in cursor.fetchall()) == rows
        assert not vendor.faults and max(len(rows) for *_, rows in sent) > 2
    with serve(documented.of_trino(documented.trino_world(), trouble="jdbc.columns")) as vendor:
        place = urlsplit(vendor.url)
        client = trino.dbapi.connect(host=place.hostname, port=place.port, user="docent", http_scheme="http")
        with pytest.raises(trino.exceptions.TrinoExternalError, match="HIVE_METASTORE_ERROR|CANARY"):
            client.cursor().execute(next(each for each, *_ in sent if "jdbc.columns" in each))


# --- Snowflake ------------------------------------------------------------------------------------------------------

OF_A_COLUMN = {"name": str, "type": str, "length": int, "precision": int, "scale": int, "nullable": bool}
OF_A_PARTITION = {"rowCount": int, "compressedSize": int, "uncompressedSize": int}
OF_A_STATUS = {"code": str, "sqlState": str, "message": str, "statementHandle": str, "createdOn": int, "statementStatusUrl": str}  # fmt: skip


def conforms(answer: Answer) -> None:
    """An answer of the SQL API by its published schema: ResultSet, QueryStatus, QueryFailureStatus."""
    body = answer.body
    if isinstance(body, bytes):  # a later partition, which is packed
        return
    for name, value in body.items():
        if name in OF_A_STATUS:
            assert isinstance(value, OF_A_STATUS[name]), (name, value)
    if answer.status in (202, 408, 422) or "resultSetMetaData" in body:
        uuid.UUID(body["statementHandle"])
    if answer.status == 422:
        assert body["message"]
    if answer.status == 200 and "resultSetMetaData" in body:
        facts = body["resultSetMetaData"]
        assert facts["format"] == "jsonv2" and isinstance(facts["numRows"], int) and facts["rowType"]
        for listed, of in ((facts["rowType"], OF_A_COLUMN), (facts["partitionInfo"], OF_A_PARTITION)):
            for each in listed:
                assert all(
                    isinstance(each[key], kind) for key, kind in of.items() if each.get(key) is not None
                )
        assert all({"rowCount", "uncompressedSize"} <= each.keys() for each in facts["partitionInfo"])
        assert sum(each["rowCount"] for each in facts["partitionInfo"]) == facts["numRows"]
    for row in body.get("data") or ():
        assert all(value is None or isinstance(value, str) for value in row), row


def watched(vendor: Vendor) -> list[Answer]:
    """Every answer that this server gives from now on."""
    given: list[Answer] = []
    answer = vendor.answer

    def seen(asked: Asked) -> Answer:
        given.append(answer(asked))
        return given[-1]

    vendor.answer = seen  # type: ignore[method-assign]
    return given


def test_snowflakes_answers_fit_what_snowflake_publishes_of_its_sql_api() -> None:
    world = documented.snowflake_world()
    world.shut = {"access_history"}
    vendor = documented.of_snowflake(world, shown=documented.SHOWN)
    given = watched(vendor)
    with serve(vendor):
        connector = documented.snowflake(vendor)
        list(connector.extract())
    for each in given:
        conforms(each)
    assert {each.status for each in given} == {200, 202, 422} and len(given) > 20


def test_so_do_those_of_the_service_that_runs_sql() -> None:
    service = SnowflakeService()
    given = watched(service.vendor)
    with served(service):
        for value in ("note", "CAST(note AS INTEGER)"):
            with contextlib.suppress(QueryFailed):
                with service.connector().run(
                    f"SELECT id, {value} FROM sales.orders", RunLimits(), print
                ) as result:
                    assert sum(len(batch) for batch in result.batches) == 10
    for each in given:
        conforms(each)
    assert {each.status for each in given} == {200, 202, 422}


# --- what runs SQL --------------------------------------------------------------------------------------------------


def test_googles_client_runs_sql_at_our_service() -> None:
    """jobs.insert, a dry run, parameters, pages, types, a cancel and a failure, at the server of Run SQL's tests."""
    library("google.cloud.bigquery")
    from google.api_core.exceptions import BadRequest
    from google.cloud import bigquery
    from google.oauth2 import service_account

    with served(BigQueryService()) as service:
        key = {"client_email": "q@shop.iam", "private_key": KEY, "token_uri": f"{service.vendor.url}/token"}
        credentials = service_account.Credentials.from_service_account_info(key, scopes=["x"])
        options = {"api_endpoint": service.vendor.url}
        client = bigquery.Client("shop", credentials, location="eu", client_options=options)
        dry = client.query("SELECT 1", job_config=bigquery.QueryJobConfig(dry_run=True))
        assert (dry.total_bytes_processed, dry.statement_type) == (123_456_789, "SELECT")
        value = bigquery.ScalarQueryParameter("p1", "INT64", 3)
        config = bigquery.QueryJobConfig(query_parameters=[value], maximum_bytes_billed=10**10)
        (row,) = client.query(
            "SELECT id, total, day FROM sales.orders WHERE id = @p1", job_config=config
        ).result()
        assert tuple(row) == (3, Decimal("4.5"), date(2026, 1, 4))
        assert len(list(client.query("SELECT id FROM sales.orders").result(page_size=4))) == 10
        slow = client.query(f"SELECT {SLOW}")
        assert slow.state == "RUNNING" and slow.cancel()
        slow.reload()
        assert (slow.state, slow.error_result["reason"]) == ("DONE", "stopped")
        with pytest.raises(BadRequest):
            client.query("SELECT CAST(note AS INT64) FROM sales.orders").result()


def test_databricks_sdk_runs_sql_at_our_service() -> None:
    """Submitting without waiting, types, chunks, a cancel, the warehouse's state and the history with its tags."""
    sdk = library("databricks.sdk")
    from databricks.sdk.service.sql import (
        ColumnInfoTypeName,
        Disposition,
        Format,
        QueryFilter,
        QueryTag,
        StatementState,
        TimeRange,
    )

    with served(DatabricksService()) as service:
        service.tokens = 1
        client = sdk.WorkspaceClient(host=service.vendor.url, token="t1")
        api = client.statement_execution

        def submit(statement: str) -> str:
            return str(api.execute_statement(
                statement, "w1", wait_timeout="0s", disposition=Disposition.INLINE, format=Format.JSON_ARRAY,
                row_limit=100, byte_limit=1_000_000, query_tags=[QueryTag("docent_run", "x")],
            ).statement_id)  # fmt: skip

        done = api.get_statement(submit("SELECT id, total, day FROM sales.orders ORDER BY id"))
        kinds = [each.type_name for each in done.manifest.schema.columns]
        assert kinds == [ColumnInfoTypeName.LONG, ColumnInfoTypeName.DECIMAL, ColumnInfoTypeName.DATE]
        rows, chunk = list(done.result.data_array), done.result
        while chunk.next_chunk_index is not None:
            chunk = api.get_statement_result_chunk_n(done.statement_id, chunk.next_chunk_index)
            rows += chunk.data_array
        assert len(rows) == 10
        slow = submit(f"SELECT {SLOW}")
        assert api.get_statement(slow).status.state == StatementState.RUNNING
        api.cancel_execution(slow)
        assert api.get_statement(slow).status.state == StatementState.CANCELED
        failed = api.get_statement(submit("SELECT CAST(note AS INTEGER) FROM sales.orders")).status
        assert failed.state == StatementState.FAILED and failed.sql_state == "22018"
        assert client.warehouses.get("w1").state.value == "RUNNING"
        since = TimeRange(start_time_ms=int(time.time() * 1000) - 600_000)
        ran = client.query_history.list(
            filter_by=QueryFilter(warehouse_ids=["w1"], query_start_time_range=since), max_results=100
        )
        assert [each.query_tags for each in ran.res] == [[QueryTag("docent_run", "x")]] * 3
