"""DataHub and OpenMetadata as sources, against local servers that speak their documented wire."""

from __future__ import annotations

from typing import Any

import pytest

from connectors import connect
from connectors.errors import PermissionMissing
from connectors.records import Asset, Lineage, Table, Unread
from tests.connectors.graphql import arguments
from tests.connectors.vendor_server import Answer, Asked, Vendor, serve

TOKEN = "t" * 40


def bearer(asked: Asked) -> bool:
    return asked.headers.get("authorization") == f"Bearer {TOKEN}"


def dataset(number: int) -> dict[str, Any]:
    urn = f"urn:li:dataset:(urn:li:dataPlatform:snowflake,SHOP.SALES.T{number},PROD)"
    upstream = [{"entity": {"urn": urn.replace(f"T{number},", f"T{number - 1},")}}] if number else []
    return {
        "urn": urn, "type": "DATASET", "name": f"SHOP.SALES.T{number}", "platform": {"name": "snowflake"},
        "subTypes": {"typeNames": ["View" if number % 2 else "Table"]},
        "properties": {"description": "from the source", "lastModified": {"time": 1_700_000_000_000}},
        "editableProperties": {"description": "by a person"} if number == 1 else None,
        "schemaMetadata": {"fields": [
            {"fieldPath": "[version=2.0].[type=string].ID", "nativeDataType": "NUMBER", "nullable": False},
            {"fieldPath": "Straße", "nativeDataType": "VARCHAR",
             "tags": {"tags": [{"tag": {"urn": "urn:li:tag:PII"}}]}}]},
        "ownership": {"owners": [{"owner": {"username": "p", "properties": {"email": "priya@harbor.example"}}}]},
        "tags": {"tags": [{"tag": {"urn": "urn:li:tag:core", "properties": None}}]},
        "lineage": {"relationships": upstream},
    }  # fmt: skip


def graphql(asked: Asked) -> Any:
    given = arguments(asked.json["query"], asked.json["variables"], "scrollAcrossEntities")["input"]
    rows = [dataset(n) for n in range(450)] if given["types"] == ["DATASET"] else []
    if given["types"] == ["GLOSSARY_TERM"]:
        rows = [{"urn": "urn:li:glossaryTerm:Rev", "properties": {"name": "Revenue", "definition": "Net."}}]
    start = int(given.get("scrollId") or 0)
    page = rows[start : start + given["count"]]
    after = start + len(page)
    return {"data": {"scrollAcrossEntities": {
        "nextScrollId": str(after) if after < len(rows) else None, "total": len(rows),
        "searchResults": [{"entity": each} for each in page]}}}  # fmt: skip


def test_datahub_is_scrolled_and_linked() -> None:
    with serve(Vendor({"POST /api/graphql": graphql}, allows=bearer)) as running:
        connector = connect("datahub", {"url": running.url}, {"token": TOKEN})
        assert connector.check() == "DataHub answers: 450 datasets"
        running.asked.clear()
        records = list(connector.extract())
        assert len(running.asked) == 3 + 5
    tables = {record.name: record for record in records if isinstance(record, Table)}
    assert tables["T1"].description == "by a person" and tables["T1"].kind == "view"
    assert (tables["T0"].database, tables["T0"].schema, tables["T0"].tags) == ("SHOP", "SALES", ("core",))
    assert [(c.name, c.tags) for c in tables["T0"].columns] == [("ID", ()), ("Straße", ("PII",))]
    assert sum(isinstance(record, Lineage) for record in records) == 449
    assert [record.definition for record in records if isinstance(record, Asset)] == ["Net."]


def test_datahub_says_what_a_token_may_not_read() -> None:
    refused = {"errors": [{"message": "Unauthorized CANARY"}], "data": None}
    with serve(Vendor({"POST /api/graphql": lambda asked: refused}, allows=bearer)) as running:
        with pytest.raises(PermissionMissing) as error:
            connect("datahub", {"url": running.url}, {"token": TOKEN}).check()
    assert "CANARY" not in str(error.value)


def om_table(number: int) -> dict[str, Any]:
    return {
        "id": f"id{number}", "name": f"t.{number}", "fullyQualifiedName": f'svc.shop.sales."t.{number}"',
        "tableType": "View" if number == 1 else "Regular", "database": {"name": "shop"},
        "databaseSchema": {"name": "sales"},
        "columns": [{"name": "id", "dataType": "INT", "constraint": "PRIMARY_KEY"},
                    {"name": "email", "dataTypeDisplay": "varchar(20)", "tags": [{"tagFQN": "PII.Sensitive"}]}],
        "tableConstraints": [{"constraintType": "FOREIGN_KEY", "columns": ["id"],
                              "referredColumns": ["svc.shop.sales.other.id"]}],
        "owners": [{"name": "priya", "displayName": "Priya Nair"}], "tags": [{"tagFQN": "Tier.Tier1"}],
        "updatedAt": 1_700_000_000_000, "deleted": number == 7,
    }  # fmt: skip


def om_list(rows: list[dict[str, Any]]) -> Any:
    def page(asked: Asked) -> Any:
        start, limit = int(asked.query.get("after") or 0), int(asked.query["limit"])
        after = start + limit
        paging = {"total": len(rows)} | ({"after": str(after)} if after < len(rows) else {})
        return {"data": rows[start:after], "paging": paging}

    return page


def openmetadata_vendor(size: int = 450) -> Vendor:
    term = {"id": "g1", "name": "Revenue", "fullyQualifiedName": "Finance.Revenue", "description": "Net."}
    routes = {
        "GET /api/v1/system/version": lambda asked: {"version": "1.9.0"},
        "GET /api/v1/tables": om_list([om_table(n) for n in range(size)]),
        "GET /api/v1/dashboards": om_list([]),
        "GET /api/v1/charts": om_list([]),
        "GET /api/v1/pipelines": om_list([]),
        "GET /api/v1/glossaryTerms": om_list([term]),
        "GET /api/v1/lineage/table/id1": lambda asked: {
            "upstreamEdges": [{"fromEntity": "id0", "toEntity": "id1"}]
        },
    }
    return Vendor(routes, allows=bearer)


def test_openmetadata_pages_by_cursor_and_reads_lineage() -> None:
    with serve(openmetadata_vendor()) as running:
        connector = connect("openmetadata", {"url": running.url}, {"token": TOKEN})
        assert connector.check() == "OpenMetadata 1.9.0, 450 tables"
        running.asked.clear()
        without = connect("openmetadata", {"url": running.url, "lineage": "false"}, {"token": TOKEN})
        assert sum(isinstance(record, Table) for record in without.extract()) == 449
        assert len(running.asked) == 4 + 3 + 4
        records = list(connector.extract())
    first = next(record for record in records if isinstance(record, Table))
    assert (
        first.name == "t.0" and first.tags == ("Tier.Tier1",) and first.columns[1].tags == ("PII.Sensitive",)
    )
    assert [(key.kind, key.ref_table) for key in first.keys] == [("primary", None), ("foreign", "other")]
    edges = [(e.upstream.table, e.downstream.table) for e in records if isinstance(e, Lineage)]
    assert edges == [("t.0", "t.1")]
    assert [record.name for record in records if isinstance(record, Asset)] == ["Revenue"]


def test_openmetadata_says_that_it_may_not_see_usage() -> None:
    vendor = openmetadata_vendor(3)
    tables = vendor.routes["GET /api/v1/tables"]

    def guarded(asked: Asked) -> Any:
        return Answer(403, {"code": 403}) if "usageSummary" in asked.query["fields"] else tables(asked)

    vendor.routes["GET /api/v1/tables"] = guarded
    with serve(vendor):
        settings = {"url": vendor.url, "lineage": "false"}
        records = list(connect("openmetadata", settings, {"token": TOKEN}).extract())
    assert [each.what for each in records if isinstance(each, Unread)] == [
        "how often tables and dashboards are used (ViewUsage)"
    ]
    assert sum(isinstance(each, Table) for each in records) == 3


def test_openmetadata_asks_each_version_for_the_fields_that_it_has() -> None:
    for version, people, text in (
        ("1.4.3", "owner", "viewDefinition"),
        ("1.9.0", "owners", "schemaDefinition"),
    ):
        vendor = openmetadata_vendor(2)
        vendor.routes["GET /api/v1/system/version"] = lambda asked, version=version: {"version": version}
        row = {**om_table(1), text: "select 1"} | (
            {"owner": {"name": "p"}, "owners": None} if people == "owner" else {}
        )
        asked_for = []

        def tables(asked: Asked, row: Any = row, asked_for: list[str] = asked_for) -> Any:
            asked_for.append(asked.query["fields"])
            return {"data": [row], "paging": {"total": 1}}

        vendor.routes["GET /api/v1/tables"] = tables
        with serve(vendor):
            settings = {"url": vendor.url, "lineage": "false"}
            records = list(connect("openmetadata", settings, {"token": TOKEN}).extract())
        table = next(record for record in records if isinstance(record, Table))
        assert table.definition == "select 1" and table.owner in ("p", "Priya Nair")
        assert {people, text} <= set(asked_for[-1].split(","))
