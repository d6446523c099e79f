"""Other content in the dictionaries of Oracle and SQL Server, as their references allow it: see second_servers.py.

Oracle: https://docs.oracle.com/en/database/oracle/oracle-database/23/refrn (ALL_ALL_TABLES, ALL_TAB_COLS, ALL_CONSTRAINTS,
ALL_SYNONYMS). SQL Server: https://learn.microsoft.com/sql/relational-databases/system-catalog-views (sys.objects with its
types; sys.columns, sys.types with alias types; sys.sql_modules, whose definition is null where it is encrypted).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import connectors.oracle
from connectors import connect
from connectors.records import Key, Lineage, Progress, Ref, Table
from tests.connectors.sys_catalog import CHANGED, Catalog
from tests.connectors.tds_server import Tds, serve
from tests.connectors.test_oracle import WHEN, Dictionary
from tests.connectors.test_sqlserver import SECRET


def tables(records: list[Any]) -> dict[str, Table]:
    return {each.name: each for each in records if isinstance(each, Table)}


def test_oracles_tables_of_objects_and_types_of_every_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    d = Dictionary()
    monkeypatch.setattr(connectors.oracle, "open_connection", lambda server: d)
    kept = ("NO", "N", "NO")
    d.add("objects", *(("SALES", name, "TABLE", WHEN) for name in ("PEOPLE", "Größe", "QUEUE", "STORAGE", "IOT", "OVER", "BIN$x==$0", "PARTS", "FROM_FILE")),
          ("SALES", "EMPTY_VIEW", "VIEW", None), ("SALES", "PEOPLE", "INDEX", WHEN))  # fmt: skip
    d.add("all_tables",
          ("SALES", "PEOPLE", None, None, "NO", *kept, None),  # of objects: never analysed
          ("SALES", "Größe", 0, WHEN, "NO", *kept, None), ("SALES", "QUEUE", 3, WHEN, None, *kept, None),
          ("SALES", "STORAGE", 1, WHEN, "NO", "YES", "N", "NO", None), ("SALES", "IOT", 1, WHEN, "NO", *kept, "IOT"),
          ("SALES", "OVER", 1, WHEN, "NO", *kept, "IOT_OVERFLOW"), ("SALES", "BIN$x==$0", 1, WHEN, "NO", "NO", "N", "YES", None),
          ("SALES", "PARTS", 9, WHEN, "YES", *kept, None), ("SALES", "FROM_FILE", None, None, "NO", *kept, None))  # fmt: skip
    d.add("external_tables", ("SALES", "FROM_FILE", "ORACLE_LOADER"))
    d.add("views", ("SALES", "EMPTY_VIEW", None))
    rows = [
        ("A", "NUMBER", 22, 0, None, None, 0), ("B", "NUMBER", 22, 0, None, None, None), ("C", "NUMBER", 22, 0, None, 5, -2), ("D", "FLOAT", 22, 0, None, 126, None),
        ("E", "VARCHAR2", 40, 40, "B", None, None), ("F", "NCHAR", 20, 10, "C", None, None), ("G", "TIMESTAMP(6) WITH LOCAL TIME ZONE", 11, 0, None, None, 6),
        ("H", "XMLTYPE", 2000, 0, None, None, None), ("I", "ADDRESS_T", 1, 0, None, None, None), ("J", "VECTOR", 1, 0, None, None, None), ("K", "RAW", 16, 0, None, None, None),
    ]  # fmt: skip
    d.add("tab_cols", *(("SALES", "Größe", name, place, kind, size, chars, used, digits, scale, None, "NO", "NO", "NO", None, "CANARY")
                        for place, (name, kind, size, chars, used, digits, scale) in enumerate(rows, 1)),
          ("SALES", "Größe", "SYS_NC00012$", None, "RAW", 1, 0, None, None, None, "Y", "YES", "NO", "YES", "HASH(x)", "CANARY"))  # fmt: skip
    d.add(
        "constraints",
        ("SALES", "Größe", "U", "U", "U", None, None),
        ("SALES", "PARTS", "R", "F", None, "SALES", "U"),
        ("SALES", "IOT", "R", "GONE", None, "HIDDEN", "X"),
    )
    d.add(
        "cons_columns",
        ("SALES", "Größe", "U", "B", 2),
        ("SALES", "Größe", "U", "A", 1),
        ("SALES", "PARTS", "F", "Y", 2),
        ("SALES", "PARTS", "F", "X", 1),
        ("SALES", "IOT", "GONE", "Z", 1),
    )
    d.add("synonyms", ("PUBLIC", "OF_A_LINK", None, "T", "FAR"), ("PUBLIC", "WIDE", "SALES", "PARTS", None))
    d.add(
        "dependencies",
        ("SALES", "EMPTY_VIEW", "VIEW", "SALES", "PEOPLE", "TABLE", None),
        ("SALES", "EMPTY_VIEW", "VIEW", "SALES", "PARTS", "TABLE", "FAR"),
    )
    oracle = connect("oracle", {"host": "h", "user": "u", "database": "d"}, {"password": "p" * 12})
    records = [each for each in oracle.extract() if not isinstance(each, Progress)]
    found = tables(records)
    assert set(found) == {"PEOPLE", "Größe", "QUEUE", "IOT", "PARTS", "FROM_FILE", "EMPTY_VIEW"}
    assert [column.native_type for column in found["Größe"].columns] == [
        "NUMBER(38)", "NUMBER", "NUMBER(5,-2)", "FLOAT", "VARCHAR2(40)", "NCHAR(10)", "TIMESTAMP(6) WITH LOCAL TIME ZONE", "XMLTYPE", "ADDRESS_T", "VECTOR", "RAW(16)",
    ]  # fmt: skip
    assert (found["PARTS"].kind, found["FROM_FILE"].kind, found["EMPTY_VIEW"].kind) == (
        "partitioned_table",
        "external_table",
        "view",
    )
    assert found["Größe"].keys == (Key("unique", "U", ("A", "B")),)
    assert found["PARTS"].keys == (Key("foreign", "F", ("X", "Y"), "SALES", "Größe", ("A", "B")),)
    assert found["PARTS"].properties["synonyms"] == "WIDE"
    assert [(each.upstream, each.downstream) for each in records if isinstance(each, Lineage)] == [
        (Ref(None, "SHOPPDB", "SALES", "PEOPLE"), Ref(None, "SHOPPDB", "SALES", "EMPTY_VIEW"))
    ]
    assert "CANARY" not in repr(records)


@pytest.fixture
def catalog() -> Catalog:
    return Catalog()


@pytest.fixture
def server(catalog: Catalog) -> Iterator[Tds]:
    with serve(Tds(catalog.answer)) as script:
        yield script
    assert script.faults == []


def test_sql_servers_external_tables_alias_types_and_what_is_encrypted(catalog: Catalog, server: Tds) -> None:
    sales = catalog.schema("Verkauf & Größe")
    for schema in ("db_owner", "INFORMATION_SCHEMA", "guest"):
        catalog.table(schema, f"in_{schema}")
    catalog.add("objects", ("from_lake", 1, None, sales, "ET", CHANGED, False), ("encrypted", 2, 1, sales, "V", CHANGED, False), ("a proc", 3, None, sales, "P", CHANGED, False),
                ("shipped", 4, None, sales, "U", CHANGED, True), ("dot.ted", 5, None, sales, "U", CHANGED, False))  # fmt: skip
    catalog.add("external_tables", (1, "/CANARY"))
    catalog.add("sql_modules", (2, None))
    catalog.add(
        "types",
        ("EmailAddress", 257, 231),
        ("sysname", 256, 231),
        ("geography", 130, 240),
        ("vector", 255, 165),
        ("varbinary", 165, 165),
        ("float", 62, 62),
    )
    catalog.add("columns",
                (5, "mail", 2, 257, 200, 0, 0, True, False, False, 0), (5, "name", 3, 256, 256, 0, 0, False, False, False, 0), (5, "place", 4, 130, -1, 0, 0, True, False, False, 0),
                (5, "blob", 5, 165, -1, 0, 0, True, False, False, 0), (5, "ratio", 7, 62, 8, 53, 0, True, False, True, 0), (1, "id", 1, 62, 8, 53, 0, None, False, False, 0))  # fmt: skip
    catalog.add("computed_columns", (5, 7, "([a]/(2))"))
    catalog.add(
        "indexes",
        (5, "cci", 1, "CLUSTERED COLUMNSTORE", False, False, False, False),
        (5, "maybe", 9, "NONCLUSTERED", False, False, False, True),
    )
    catalog.add("index_columns", (5, 1, 2, 0), (5, 9, 2, 1))
    catalog.add(
        "sql_expression_dependencies",
        (2, 1, 1, 5, None, None, None, "dot.ted"),
        (2, 1, 6, 257, None, None, None, "EmailAddress"),
        (2, 1, 1, None, None, None, None, "missing"),
    )
    place = {
        "host": "127.0.0.1",
        "port": str(server.port),
        "user": "docent",
        "database": "shop",
        "ssl_mode": "disable",
    }
    records = [
        each
        for each in connect("sqlserver", place, {"password": SECRET}).extract()
        if not isinstance(each, Progress)
    ]
    found = tables(records)
    assert set(found) == {"from_lake", "encrypted", "dot.ted"}
    assert (
        found["from_lake"].kind == "external_table"
        and found["encrypted"].kind == "view"
        and found["encrypted"].definition is None
    )
    assert found["encrypted"].owner == "dbo" and found["from_lake"].owner == "dbo"
    dotted = {column.name: column for column in found["dot.ted"].columns}
    assert {name: column.native_type for name, column in dotted.items()} == {
        "mail": "EmailAddress", "name": "sysname", "place": "geography", "blob": "varbinary(max)", "ratio": "float",
    }  # fmt: skip
    assert dotted["ratio"].default == "GENERATED ALWAYS AS ([a]/(2))"
    assert [(index.name, index.columns) for index in found["dot.ted"].indexes] == [("cci", ())]
    edge = [each for each in records if isinstance(each, Lineage)]
    assert [(each.upstream.table, each.downstream.table) for each in edge] == [("dot.ted", "encrypted")]
    assert "CANARY" not in repr(records)
