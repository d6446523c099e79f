"""A real catalog of pyiceberg, written by its own REST client: the connector reads what that client reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors import connect
from connectors.errors import SignInRefused
from connectors.records import Database, Progress, Schema, Table
from tests.connectors.vendor_server import Vendor, serve

pytest.importorskip("pyiceberg.catalog.sql")
pytest.importorskip("sqlalchemy")

from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema as Fields
from pyiceberg.transforms import BucketTransform, DayTransform
from pyiceberg.types import (
    DecimalType,
    ListType,
    LongType,
    MapType,
    NestedField,
    StringType,
    StructType,
    TimestampType,
)  # fmt: skip
from pyiceberg.view.metadata import SQLViewRepresentation, ViewVersion

from tests.connectors.iceberg_server import SECRET, Catalog

ODD = 'größe "x" z\'%41/テーブル' + "n" * 40
ORDERS = Fields(
    NestedField(1, "id", LongType(), required=True, doc="Key"),
    NestedField(2, "at", TimestampType(), required=False),
    NestedField(3, "Größe", DecimalType(10, 2), required=False, doc="In cm"),
    NestedField(4, "marks", ListType(10, StringType(), element_required=False), required=False),
    NestedField(5, "by_day", MapType(11, StringType(), 12, LongType(), value_required=False), required=False),
    NestedField(6, "to", StructType(NestedField(13, "city", StringType(), required=False)), required=False),
    identifier_field_ids=[1],
)
PARTS = PartitionSpec(
    PartitionField(source_id=2, field_id=1000, transform=DayTransform(), name="day"),
    PartitionField(source_id=1, field_id=1001, transform=BucketTransform(4), name="bucket"),
)


def filled(running: Vendor) -> RestCatalog:
    """What pyiceberg's client makes: levels, tables with rows in them, a column that changed, a view, a table that goes."""
    pa = pytest.importorskip("pyarrow")
    client = RestCatalog(
        "x", uri=running.url, credential=f"id:{SECRET}", warehouse="shop", **{"rest-page-size": "2"}
    )
    client.create_namespace("sales", {"comment": "What is sold", "owner": "priya"})
    client.create_namespace(("sales", "raw"))
    client.create_namespace("empty")
    said = {"comment": "What was bought", "owner": "jo", "secret-thing": "CANARY-PROPERTY"}
    orders = client.create_table("sales.orders", ORDERS, partition_spec=PARTS, properties=said)
    with orders.update_schema() as change:
        change.add_column("note", StringType(), "Free text")
        change.rename_column("at", "bought_at")
    plain = Fields(NestedField(1, "word", StringType(), required=False))
    words = client.create_table(("sales", "raw", ODD), plain)
    for row in ("CANARY-ROW-1", "CANARY-ROW-2"):
        words.append(pa.table({"word": [row, row]}))
    for name in ("a", "b", "c", "gone"):
        client.create_table(("sales", "raw", name), plain)
    client.drop_table(("sales", "raw", "gone"))
    texts = [SQLViewRepresentation(type="sql", sql="SELECT id FROM orders WHERE id > 77", dialect="spark")]
    version = ViewVersion(
        version_id=1, timestamp_ms=1_700_000_000_000, schema_id=0, summary={"engine-name": "Spark"},
        representations=texts, default_namespace=["sales"],
    )  # fmt: skip
    seen = Fields(NestedField(1, "id", LongType(), required=True, doc="Key"))
    client.create_view("sales.open", seen, version, properties={"comment": "Open ones"})
    return client


def read_by(client: RestCatalog) -> dict[str, tuple[Any, ...]]:
    """Every table as pyiceberg's client reads it."""
    found = {}
    for space in (("sales",), ("sales", "raw"), ("empty",)):
        for place in client.list_tables(space):
            table = client.load_table(place)
            current = table.current_snapshot()
            found[".".join(place)] = (
                table.properties.get("comment"),
                table.properties.get("owner"),
                tuple((each.name, each.required, each.doc) for each in table.schema().fields),
                tuple(sorted(table.schema().identifier_field_names())),
                int(current.summary["total-records"]) if current and current.summary else None,
                table.metadata.last_updated_ms,
            )
    return found


def test_a_real_catalog_is_read_as_its_own_client_reads_it(tmp_path: Path) -> None:
    with serve(Catalog(tmp_path).vendor()) as running:
        client = filled(running)
        written = read_by(client)
        running.asked.clear()
        tool = connect(
            "iceberg", {"url": running.url, "client_id": "id", "warehouse": "shop"}, {"client_secret": SECRET}
        )
        assert tool.check() == "the Iceberg catalog answers: 2 namespaces at its top"
        records = [each for each in tool.extract() if not isinstance(each, Progress)]
        assert not any(each.headers.get("x-iceberg-access-delegation") for each in running.asked)
        assert {each.query.get("pageToken") for each in running.asked} >= {"", "2"}
        wrong = {"client_secret": "wrong-" + SECRET}
        with pytest.raises(SignInRefused) as refused:
            connect("iceberg", {"url": running.url, "client_id": "id"}, wrong).check()
    assert SECRET not in str(refused.value) and "CANARY" not in repr(records) + str(refused.value)
    assert isinstance(records[0], Database)
    spaces = {each.name: (each.description, each.owner) for each in records if isinstance(each, Schema)}
    assert spaces == {"sales": ("What is sold", "priya"), "sales.raw": (None, None), "empty": (None, None)}
    tables = {f"{each.schema}.{each.name}": each for each in records if isinstance(each, Table)}
    read = {
        name: (
            each.description, each.owner, tuple((one.name, not one.nullable, one.description) for one in each.columns),
            tuple(name for key in each.keys for name in key.columns), each.row_estimate,
            each.changed_at and round(each.changed_at.timestamp() * 1000),
        )
        for name, each in tables.items()
        if each.kind == "table"
    }  # fmt: skip
    assert read == written and len(read) == 5 and tables[f"sales.raw.{ODD}"].row_estimate == 4
    orders = tables["sales.orders"]
    assert [each.native_type for each in orders.columns] == [
        "long", "timestamp", "decimal(10, 2)", "array<string>", "map<string,long>", "struct<city:string>", "string"
    ]  # fmt: skip
    assert orders.properties["partition_key"] == "day(bought_at), bucket[4](id)"
    assert (tables["sales.open"].kind, tables["sales.open"].definition) == (
        "view", "SELECT id FROM orders WHERE id > 77"
    )  # fmt: skip
    assert tables["sales.open"].columns[0].description == "Key"
