"""Athena's catalog on moto's Glue server, with the real boto3, and on a server that refuses."""

from __future__ import annotations

import base64
import builtins
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from connectors import connect
from connectors.errors import (
    BadSettings,
    MissingDriver,
    PermissionMissing,
    SignInRefused,
    SourceInterrupted,
    UnreachableSource,
)
from connectors.records import Progress, Schema, Table, Unread
from tests.connectors.vendor_server import Answer, Asked, Vendor, serve

pytest.importorskip("boto3")
SECRET = "s3cret-" + "x" * 20
ODD = 'größe "x".y'


@pytest.fixture
def moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = pytest.importorskip("moto.server")
    running = server.ThreadedMotoServer(port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        running.stop()


def settings(url: str, **more: str) -> tuple[dict[str, str], dict[str, str]]:
    return {"region": "eu-west-1", "access_key": "AKIAX", "endpoint": url, **more}, {"secret_key": SECRET}


def tables(url: str, **more: str) -> dict[str, Table]:
    return {
        each.name: each
        for each in connect("athena", *settings(url, **more)).extract()
        if isinstance(each, Table)
    }


def fill(url: str) -> Any:
    import boto3

    glue = boto3.client("glue", region_name="eu-west-1", endpoint_url=url, aws_access_key_id="AKIAX",
                        aws_secret_access_key=SECRET)  # fmt: skip
    glue.create_database(DatabaseInput={"Name": "sales", "Description": "All sales"})
    glue.create_database(DatabaseInput={"Name": "tmp_x"})
    packed = base64.b64encode(json.dumps({"originalSql": "SELECT id FROM orders"}).encode()).decode()
    columns = [
        {"Name": "id", "Type": "bigint", "Comment": "Key"},
        {"Name": 'odd "c"', "Type": "map<string,int>"},
    ]
    orders = {"Name": "orders", "Description": "What was bought", "Owner": "ops", "TableType": "EXTERNAL_TABLE",
              "StorageDescriptor": {"Columns": columns, "Location": "s3://bucket/orders/"},
              "PartitionKeys": [{"Name": "day", "Type": "date"}],
              "Parameters": {"classification": "parquet", "recordCount": "42", "sizeKey": "4096", "x": "CANARY-1"}}  # fmt: skip
    view = {"Name": "recent", "TableType": "VIRTUAL_VIEW", "ViewOriginalText": f"/* Presto View: {packed} */",
            "StorageDescriptor": {"Columns": columns[:1]}}  # fmt: skip
    for each in (orders, view, {"Name": ODD, "StorageDescriptor": {"Columns": []}}):
        glue.create_table(DatabaseName="sales", TableInput=each)
    glue.create_partition(DatabaseName="sales", TableName="orders", PartitionInput={"Values": ["CANARY-2"]})
    return glue


def test_everything_is_read_and_no_value(moto: str) -> None:
    glue = fill(moto)
    for number in range(230):  # Glue gives at most 100 a page
        glue.create_table(DatabaseName="tmp_x", TableInput={"Name": f"t{number}"})
    connector = connect("athena", *settings(moto))
    assert connector.check() == "AWS Glue in eu-west-1 answers: 2 databases to read"
    records = [each for each in connector.extract() if not isinstance(each, Progress)]
    found = {each.name: each for each in records if isinstance(each, Table)}
    assert len(found) == 233 and ODD in found
    orders = found["orders"]
    assert (orders.schema, orders.kind, orders.owner) == ("sales", "external_table", "ops")
    assert [(column.name, column.native_type) for column in orders.columns][1:] == [
        ('odd "c"', "map<string,int>"),
        ("day", "date"),
    ]
    assert orders.columns[0].description == "Key" and (orders.row_estimate, orders.size_bytes) == (42, 4096)
    assert (
        orders.properties["partition_key"] == "day" and orders.properties["location"] == "s3://bucket/orders/"
    )
    assert (found["recent"].kind, found["recent"].definition) == ("view", "SELECT id FROM orders")
    assert "CANARY" not in repr(records)
    assert any(isinstance(each, Schema) and each.description == "All sales" for each in records)
    assert set(tables(moto, schemas="sales.o*")) == {"orders"}
    assert set(tables(moto, exclude="tmp_*, *.rec?nt")) == {"orders", ODD}


def refusing(code: str) -> Vendor:
    return Vendor({"POST /": lambda asked: Answer(400, {"__type": code, "message": "CANARY"})})


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("AccessDeniedException", PermissionMissing),
        ("UnrecognizedClientException", SignInRefused),
        ("ExpiredTokenException", SignInRefused),
        ("InternalServiceException", SourceInterrupted),
    ],
)
def test_a_refusal_is_said_in_our_words(code: str, error: type[Exception]) -> None:
    with serve(refusing(code)) as vendor, pytest.raises(error) as refused:
        connect("athena", *settings(vendor.url)).check()
    assert "CANARY" not in str(refused.value) and SECRET not in str(refused.value)


def test_pages_and_throttling_and_a_constant_number_of_requests() -> None:
    def answer(asked: Asked) -> Any:
        if asked.headers["x-amz-target"].endswith("GetDatabases"):
            return {"DatabaseList": [{"Name": "sales"}]}
        start = int(asked.json.get("NextToken") or 0)
        more = {"NextToken": str(start + 100)} if start + 100 < 250 else {}
        return {"TableList": [{"Name": f"t{n}"} for n in range(start, min(start + 100, 250))], **more}

    with serve(Vendor({"POST /": answer})) as vendor:
        vendor.faults[:] = [Answer(400, {"__type": "ThrottlingException"}, {"Retry-After": "0"})]
        assert len(tables(vendor.url)) == 250
        assert len(vendor.asked) == 1 + 1 + 3
        run = connect("athena", *settings(vendor.url)).extract()
        next(run), next(run), next(run)
        vendor.faults[:] = [Answer(drop=True)] * 10
        with pytest.raises(SourceInterrupted, match="dropped"):
            list(run)


def test_what_cannot_be_used_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadSettings, match="secret_key"):
        connect("athena", {"region": "eu-west-1", "access_key": "A"}, {})
    with pytest.raises(UnreachableSource):
        connect("athena", *settings("http://127.0.0.1:1")).check()
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("boto"):
            raise ModuleNotFoundError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDriver, match=r"docent\[athena\]"):
        connect("athena", *settings("http://127.0.0.1:1")).check()


def test_what_ran_and_what_it_scanned() -> None:
    """By the API reference: 50 ids a page, details of 50 at once, newest first."""
    now = time.time()
    ran = {
        f"id-{number:03}": {
            "QueryExecutionId": f"id-{number:03}", "Query": f"SELECT id FROM orders{number % 2}", "StatementType": "DML",
            "QueryExecutionContext": {"Database": "sales"}, "WorkGroup": "primary",
            "Status": {"State": "FAILED" if number == 3 else "SUCCEEDED", "SubmissionDateTime": now - number * 86_400 / 4,
                       "StateChangeReason": "CANARY"},
            "Statistics": {"DataScannedInBytes": 1_000, "EngineExecutionTimeInMillis": 7},
            "ResultConfiguration": {"OutputLocation": "s3://CANARY"},
        }
        for number in range(260)
    }  # fmt: skip
    del ran["id-005"]["Statistics"]
    ran["id-007"]["StatementType"] = "DDL"
    ids = list(ran)

    def answer(asked: Asked) -> Any:
        body, action = asked.json, asked.headers["x-amz-target"].rsplit(".", 1)[1]
        if action == "ListWorkGroups":
            return {"WorkGroups": [{"Name": "primary" if body.get("NextToken") else "empty"}],
                    **({} if body.get("NextToken") else {"NextToken": "w2"})}  # fmt: skip
        if action == "BatchGetQueryExecution":
            assert len(body["QueryExecutionIds"]) <= 50
            return {"QueryExecutions": [ran[each] for each in body["QueryExecutionIds"]]}
        assert action == "ListQueryExecutions" and body["MaxResults"] == 50
        if body["WorkGroup"] == "empty":
            return {"QueryExecutionIds": []}
        start = int(body.get("NextToken") or 0)
        more = {"NextToken": str(start + 50)} if start + 50 < len(ids) else {}
        return {"QueryExecutionIds": ids[start : start + 50], **more}

    with serve(Vendor({"POST /": answer})) as vendor:
        given = {"queries": "true", "athena_endpoint": vendor.url}
        found = list(connect("athena", *settings(vendor.url, **given)).queries())  # type: ignore[attr-defined]
        assert len(vendor.asked) == 2 + 1 + 2 * 4, "what is older than 30 days is not asked for"
        assert not list(connect("athena", *settings(vendor.url)).queries())  # type: ignore[attr-defined]
    assert [(each.sql, each.runs, each.costs, each.users) for each in found] == [
        ("SELECT id FROM orders0", 60, {"bytes_scanned": 60_000}, ()),
        ("SELECT id FROM orders1", 58, {"bytes_scanned": 57_000}, ()),
    ]
    assert found[0].default_schema == "sales" and "CANARY" not in repr(found)
    with serve(refusing("AccessDeniedException")) as vendor:
        given = {"queries": "true", "athena_endpoint": vendor.url}
        told = list(connect("athena", *settings(vendor.url, **given)).queries())  # type: ignore[attr-defined]
    assert told == [Unread("the query history")]
