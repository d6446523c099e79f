"""An Iceberg REST catalog: a local server that speaks the specification, with metadata that pyiceberg itself wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from connectors import connect
from connectors.errors import SignInRefused, SourceInterrupted
from connectors.records import Progress, Schema, Table
from tests.connectors.vendor_server import Answer, Asked, Vendor, serve

SECRET = "s3cret-" + "x" * 20
ODD = 'größe "x".y z'


def written(folder: Path) -> dict[str, Any]:
    """Metadata of a table that the reference implementation made, by its own SQL catalog."""
    pytest.importorskip("sqlalchemy")
    sql = pytest.importorskip("pyiceberg.catalog.sql")
    from pyiceberg.partitioning import PartitionField, PartitionSpec
    from pyiceberg.schema import Schema as Fields
    from pyiceberg.transforms import DayTransform
    from pyiceberg.types import ListType, LongType, NestedField, StringType, TimestampType

    catalog = sql.SqlCatalog("x", uri=f"sqlite:///{folder}/c.db", warehouse=f"file://{folder}")
    catalog.create_namespace("sales")
    fields = Fields(
        NestedField(1, "id", LongType(), required=True, doc="Key"),
        NestedField(2, "at", TimestampType(), required=False),
        NestedField(3, "marks", ListType(4, StringType(), element_required=False), required=False),
        identifier_field_ids=[1],
    )
    spec = PartitionSpec(PartitionField(source_id=2, field_id=1000, transform=DayTransform(), name="day"))
    properties = {"comment": "What was bought", "secret-thing": "CANARY"}
    table = catalog.create_table("sales.orders", fields, partition_spec=spec, properties=properties)
    told: dict[str, Any] = json.loads(table.metadata.model_dump_json())
    catalog.close()
    return told


def vendor(metadata: dict[str, Any], size: int, uses: int = 10_000) -> Vendor:
    live = {"left": 0, "made": 0}
    names = [ODD, *(f"t{number}" for number in range(size - 1))]

    def token(asked: Asked) -> Any:
        if asked.form["client_secret"] != SECRET:
            return Answer(401, {"error": {"message": "CANARY"}})
        live.update(left=uses, made=live["made"] + 1)
        return {"access_token": f"token-{live['made']}"}

    def allows(asked: Asked) -> bool:
        live["left"] -= not asked.path.endswith("/tokens")
        return asked.path.endswith("/tokens") or (
            asked.headers.get("authorization") == f"Bearer token-{live['made']}" and live["left"] >= 0
        )

    def namespaces(asked: Asked) -> Any:
        below = {None: [["sales"], ["tmp"]], "sales": [["sales", "raw.x"]]}
        return {"namespaces": below.get(asked.query.get("parent"), []), "next-page-token": None}

    def below(asked: Asked) -> Any:
        parts = [unquote(part) for part in asked.path.split("/")[5:]]
        if len(parts) == 1:
            return {"namespace": parts[0].split("\x1f"), "properties": {"comment": f"About {len(parts[0])}"}}
        if len(parts) == 3:
            return {"metadata": metadata} if parts[2] != "t0" else Answer(404, {})
        start = int(asked.query["pageToken"] or 0)
        rows = names[start : start + 100] if parts[0] == "sales" else []
        more = str(start + 100) if start + 100 < len(names) and rows else None
        return {
            "identifiers": [{"namespace": ["sales"], "name": name} for name in rows],
            "next-page-token": more,
        }

    routes: dict[str, Any] = {
        "POST /v1/oauth/tokens": token,
        "GET /v1/config": lambda asked: {"defaults": {}, "overrides": {"prefix": "cat/main"}},
        "GET /v1/cat/main/namespaces": namespaces,
        "GET /v1/cat/main/namespaces/*": lambda asked: below(asked),
    }
    return Vendor(routes, allows=allows)


def connected(running: Vendor, secret: str = SECRET, **more: str) -> Any:
    settings = {"url": running.url, "client_id": "id", "warehouse": "shop", **more}
    return connect("iceberg", settings, {"client_secret": secret})


def test_tables_as_pyiceberg_wrote_them_and_one_request_each(tmp_path: Path) -> None:
    metadata, sent = written(tmp_path), []
    for size in (3, 250):
        with serve(vendor(metadata, size)) as running:
            records = [each for each in connected(running).extract() if not isinstance(each, Progress)]
            sent.append(len(running.asked) - size)
            assert "namespaces" in connected(running).check()
            assert {
                each.schema
                for each in connected(running, exclude="sal*").extract()
                if isinstance(each, Table)
            } == set()
    assert sent[1] == sent[0] + 2  # two more pages, and one request a table
    assert [each.name for each in records if isinstance(each, Schema)] == ["sales", "sales.raw.x", "tmp"]
    found = {each.name: each for each in records if isinstance(each, Table)}
    assert len(found) == 249 and "t0" not in found
    odd = found[ODD]
    assert (odd.database, odd.schema, odd.description) == ("shop", "sales", "What was bought")
    assert [(column.native_type, column.nullable) for column in odd.columns] == [
        ("long", False), ("timestamp", True), ("array<string>", True)]  # fmt: skip
    assert odd.columns[0].description == "Key" and odd.keys[0].columns == ("id",)
    assert odd.properties["partition_key"] == "day(at)" and odd.changed_at is not None
    assert "CANARY" not in repr(records)


def test_tokens_throttling_refusals_and_a_broken_line(tmp_path: Path) -> None:
    metadata = written(tmp_path)
    with serve(vendor(metadata, 5, uses=3)) as running:
        running.faults[:] = [Answer(429, {}, {"Retry-After": "0"})]
        # The fault meets the sign-in, which is repeated as told.
        assert "namespaces" in connected(running).check()
        assert len([each for each in connected(running).extract() if isinstance(each, Table)]) == 4
    with serve(vendor(metadata, 5)) as running:
        with pytest.raises(SignInRefused) as refused:
            connected(running, "wrong-" + SECRET).check()
        assert SECRET not in str(refused.value) and "CANARY" not in str(refused.value)
        run = connected(running).extract()
        next(run), next(run)
        running.faults[:] = [Answer(429, {}, {"Retry-After": "0"}), Answer(drop=True)]
        with pytest.raises(SourceInterrupted, match="dropped"):
            list(run)


def test_views_where_the_server_says_that_it_has_them(tmp_path: Path) -> None:
    """The example of https://iceberg.apache.org/view-spec, in the answer of the REST specification."""
    view = {
        "view-uuid": "fa6506c3-7681-40c8-86dc-e36561f83385", "format-version": 1, "current-version-id": 2,
        "location": "s3://bucket/warehouse/default.db/event_agg",
        "properties": {"comment": "Daily event counts", "secret-thing": "CANARY"},
        "versions": [
            {"version-id": 1, "timestamp-ms": 1573518431292, "schema-id": 1, "default-namespace": ["default"],
             "summary": {"engine-name": "Spark"}, "representations": [{"type": "sql", "sql": "old", "dialect": "spark"}]},
            {"version-id": 2, "timestamp-ms": 1573518981593, "schema-id": 2, "default-namespace": ["default"],
             "summary": {"engine-name": "Spark"},
             "representations": [{"type": "other"}, {"type": "sql", "sql": "SELECT COUNT(1) FROM events", "dialect": "spark"}]}],
        "schemas": [
            {"schema-id": 1, "type": "struct", "fields": []},
            {"schema-id": 2, "type": "struct", "fields": [
                {"id": 1, "name": "event_count", "required": False, "type": "int", "doc": "Count of events"}]}],
        "version-log": [{"timestamp-ms": 1573518431292, "version-id": 1}],
    }  # fmt: skip
    running = vendor(written(tmp_path), 1)
    namespaced = running.routes["GET /v1/cat/main/namespaces/*"]

    def below(asked: Asked) -> Any:
        parts = asked.path.split("/")
        if "views" not in parts:
            return namespaced(asked)
        if parts[-1] != "views":
            return (
                {"metadata-location": "s3://x", "metadata": view}
                if parts[-1] == "event_agg"
                else Answer(404, {})
            )
        names = ["event_agg", "gone"] if parts[5] == "sales" and not asked.query["pageToken"] else []
        more = "2" if names else None
        return {
            "identifiers": [{"namespace": ["sales"], "name": name} for name in names],
            "next-page-token": more,
        }

    running.routes["GET /v1/cat/main/namespaces/*"] = below
    with serve(running):
        assert not any(
            each.kind == "view" for each in connected(running).extract() if isinstance(each, Table)
        )
        assert not any("/views" in asked.path for asked in running.asked)
        running.routes["GET /v1/config"] = lambda asked: {
            "defaults": {}, "overrides": {"prefix": "cat/main"},
            "endpoints": ["GET /v1/{prefix}/namespaces", "GET /v1/{prefix}/namespaces/{namespace}/views"],
        }  # fmt: skip
        records = list(connected(running).extract())
    (found,) = (each for each in records if isinstance(each, Table) and each.kind == "view")
    assert (found.schema, found.name, found.description) == ("sales", "event_agg", "Daily event counts")
    assert found.definition == "SELECT COUNT(1) FROM events" and found.properties == {"dialect": "spark"}
    assert [(each.name, each.description) for each in found.columns] == [("event_count", "Count of events")]
    assert "CANARY" not in repr(records)
