"""Oracle: every statement executed by DuckDB over the documented columns of the dictionary; the driver while connecting.

What is real: the statements' joins and conditions, read as Oracle's SQL by sqlglot; python-oracledb against listeners that
refuse, are silent or are not there. What is not: an Oracle server, and the driver's wire once it is signed in.
"""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import duckdb
import oracledb
import pytest
import sqlglot
from sqlglot import exp

import connectors.oracle as module
from connectors import connect
from connectors.abilities import HasQueries
from connectors.errors import (
    BadSettings,
    PermissionMissing,
    SourceError,
    SourceInterrupted,
    UnreachableSource,
)
from connectors.records import (
    Column,
    Database,
    Index,
    Key,
    Lineage,
    Progress,
    Query,
    Ref,
    Schema,
    Table,
    Unread,
)

SECRET = "s3cret@/x"
WHEN = datetime(2026, 3, 4, 5, 6, 7)
VIEWS = {
    "users": "username varchar, oracle_maintained varchar",
    "objects": "owner varchar, object_name varchar, object_type varchar, last_ddl_time timestamp, created timestamp AS (last_ddl_time - INTERVAL 1 DAY)",
    "all_tables": "owner varchar, table_name varchar, num_rows bigint, last_analyzed timestamp, partitioned varchar, nested varchar, secondary varchar, dropped varchar, iot_type varchar",
    "tab_comments": "owner varchar, table_name varchar, comments varchar",
    "external_tables": "owner varchar, table_name varchar, type_name varchar",
    "views": "owner varchar, view_name varchar, text varchar",
    "mviews": "owner varchar, mview_name varchar, query varchar",
    "mview_comments": "owner varchar, mview_name varchar, comments varchar",
    "tab_cols": "owner varchar, table_name varchar, column_name varchar, column_id int, data_type varchar, data_length int, char_length int, char_used varchar,"
    " data_precision int, data_scale int, nullable varchar, virtual_column varchar, identity_column varchar, hidden_column varchar, data_default varchar, low_value varchar",
    "col_comments": "owner varchar, table_name varchar, column_name varchar, comments varchar",
    "constraints": "owner varchar, table_name varchar, constraint_type varchar, constraint_name varchar, index_name varchar, r_owner varchar, r_constraint_name varchar",
    "cons_columns": "owner varchar, table_name varchar, constraint_name varchar, column_name varchar, position int",
    "indexes": "owner varchar, table_owner varchar, table_name varchar, index_name varchar, uniqueness varchar, index_type varchar",
    "ind_columns": "index_owner varchar, index_name varchar, column_name varchar, column_position int",
    "dependencies": "owner varchar, name varchar, type varchar, referenced_owner varchar, referenced_name varchar, referenced_type varchar, referenced_link_name varchar",
    "synonyms": "owner varchar, synonym_name varchar, table_owner varchar, table_name varchar, db_link varchar",
    "segments": "owner varchar, segment_name varchar, segment_type varchar, bytes bigint",
}  # fmt: skip


class Dictionary:
    """One database's dictionary, and the stand-in for a signed-in connection of python-oracledb to it."""

    version = "23.6.0.24.10"

    def __init__(self) -> None:
        self.engine = duckdb.connect()
        self.engine.execute("CREATE SCHEMA sys")
        for name, columns in VIEWS.items():
            self.engine.execute(f"CREATE TABLE sys.dba_{name} ({columns})")
            self.engine.execute(f"CREATE VIEW sys.all_{name} AS SELECT * FROM sys.dba_{name}")
        self.engine.execute(
            'CREATE TABLE sys."v_$sqlarea" (sql_fulltext varchar, executions bigint, parsing_schema_name varchar, last_active_time timestamp, command_type int)'
        )
        self.engine.execute("CREATE TABLE sys.dual AS SELECT 'X' AS dummy")
        self.engine.execute("CREATE MACRO SYS_CONTEXT(a, b) AS 'SHOPPDB'")
        self.statements: list[str] = []
        self.shut: set[str] = set()
        self.broken = ""
        self.closed = 0
        self.add("users", ("SALES", "N"), ("sales lower", "N"), ("SYS", "Y"))

    def add(self, view: str, *rows: tuple[Any, ...]) -> None:
        parts = ", ".join(f"unnest(${place})" for place in range(1, len(rows[0]) + 1))
        name = view if view.startswith('"') else f"dba_{view}"
        self.engine.execute(
            f"INSERT INTO sys.{name} SELECT {parts}", [list(each) for each in zip(*rows, strict=True)]
        )

    def table(self, *names: str, owner: str = "SALES", kind: str = "TABLE") -> None:
        """Tables of two columns."""
        self.add("objects", *((owner, name, kind, WHEN) for name in names))
        if kind == "TABLE":
            self.add("all_tables", *((owner, name, 42, WHEN, "NO", "NO", "N", "NO", None) for name in names))
        self.add("tab_cols", *((owner, name, "ID", 1, "NUMBER", 22, 0, None, 10, 0, "N", "NO", "NO", "NO", None, "canary") for name in names),
                 *((owner, name, "Note", 2, "VARCHAR2", 160, 40, "C", None, None, "Y", "NO", "NO", "NO", "'none' ", "canary") for name in names))  # fmt: skip

    # --- what the connector sees of a connection ---------------------------------------------------------------------

    def cursor(self) -> Dictionary:
        return self

    def close(self) -> None:
        self.closed += 1

    def execute(self, statement: str, values: dict[str, Any] | None = None, **options: Any) -> None:
        self.statements.append(statement)
        if statement.startswith("SET TRANSACTION"):
            return
        assert options == {"fetch_lobs": False}
        tree = sqlglot.parse_one(statement, read="oracle")
        for table in tree.find_all(exp.Table):
            assert table.db == "sys", table
            if self.broken and self.broken in table.name:
                raise _error("DPY-4011", "the database closed the connection CANARY")
            if table.name in self.shut:
                raise _error("ORA-00942", 'table or view "SYS"."CANARY" does not exist')
        text = re.sub(r":b(\d+)", r"$b\1", tree.sql(dialect="duckdb"))
        self._found = self.engine.execute(text, values or None)
        self.description = self._found.description

    def fetchmany(self, size: int) -> list[tuple[Any, ...]]:
        return self._found.fetchmany(size)


def _error(code: str, text: str) -> Exception:
    class Details:
        full_code = code

        def __str__(self) -> str:
            return text

    return oracledb.DatabaseError(Details())


@pytest.fixture
def dictionary(monkeypatch: pytest.MonkeyPatch) -> Dictionary:
    made = Dictionary()
    monkeypatch.setattr(module, "open_connection", lambda server: made)
    return made


def connector(**settings: str) -> Any:
    given = {"host": "127.0.0.1", "user": "docent", "database": "shop", **settings}
    return connect("oracle", given, {"password": SECRET})


def records(**settings: str) -> list[Any]:
    return [each for each in connector(**settings).extract() if not isinstance(each, Progress)]


def tables(**settings: str) -> dict[str, Table]:
    return {each.name: each for each in records(**settings) if isinstance(each, Table)}


def test_the_shop_is_read_whole_and_parents_come_first(dictionary: Dictionary) -> None:
    d = dictionary
    d.table("CUSTOMERS", "ORDERS")
    d.table("OPEN_ORDERS", kind="VIEW")
    d.table("TOTALS", kind="MATERIALIZED VIEW")
    d.add("objects", ("SALES", "TOTALS", "TABLE", WHEN), ("SYS", "OBJ$", "TABLE", WHEN))
    d.add("all_tables", ("SALES", "TOTALS", 7, WHEN, "NO", "NO", "N", "NO", None))
    d.add("views", ("SALES", "OPEN_ORDERS", 'SELECT id, "Note" FROM orders WHERE "Note" = \'open\' '))
    d.add("mviews", ("SALES", "TOTALS", "SELECT count(*) FROM orders"))
    d.add("mview_comments", ("SALES", "TOTALS", "Sums"))
    d.add("tab_comments", ("SALES", "ORDERS", "What was bought"))
    d.add("col_comments", ("SALES", "ORDERS", "Note", "Free text"))
    d.add("constraints", ("SALES", "CUSTOMERS", "P", "PK_C", "PK_C", None, None), ("SALES", "ORDERS", "R", "FK_C", None, "SALES", "PK_C"),
          ("SALES", "ORDERS", "C", "CK", None, None, None))  # fmt: skip
    d.add(
        "cons_columns",
        ("SALES", "CUSTOMERS", "PK_C", "ID", 1),
        ("SALES", "ORDERS", "FK_C", "ID", 1),
        ("SALES", "ORDERS", "CK", "ID", None),
    )
    d.add(
        "indexes",
        ("SALES", "SALES", "CUSTOMERS", "PK_C", "UNIQUE", "NORMAL"),
        ("SALES", "SALES", "ORDERS", "BY_NOTE", "NONUNIQUE", "FUNCTION-BASED NORMAL"),
    )
    d.add(
        "ind_columns",
        ("SALES", "PK_C", "ID", 1),
        ("SALES", "BY_NOTE", "SYS_NC00003$", 2),
        ("SALES", "BY_NOTE", "Note", 1),
    )
    d.add("dependencies", ("SALES", "OPEN_ORDERS", "VIEW", "SALES", "ORDERS", "TABLE", None), ("SALES", "TOTALS", "MATERIALIZED VIEW", "SALES", "TOTALS", "TABLE", None),
          ("SALES", "OPEN_ORDERS", "VIEW", "SYS", "STANDARD", "PACKAGE", None))  # fmt: skip
    d.add(
        "synonyms",
        ("PUBLIC", "BOUGHT", "SALES", "ORDERS", None),
        ("HR", "O", "SALES", "ORDERS", None),
        ("HR", "R", "X", "Y", "LINK"),
    )
    d.add("segments", ("SALES", "ORDERS", "TABLE", 8192), ("SALES", "ORDERS", "INDEX", 1))
    seen = records()
    order = [type(each) for each in seen]
    assert order == sorted(order, key=[Database, Schema, Table, Lineage].index)
    assert seen[:2] == [Database("SHOPPDB"), Schema("SHOPPDB", "SALES", None, "SALES")]
    found = {each.name: each for each in seen if isinstance(each, Table)}
    assert set(found) == {"CUSTOMERS", "ORDERS", "OPEN_ORDERS", "TOTALS"}
    orders = found["ORDERS"]
    assert (orders.description, orders.row_estimate, orders.size_bytes, orders.owner) == (
        "What was bought",
        42,
        8192,
        "SALES",
    )
    assert orders.columns == (
        Column("ID", 1, "NUMBER(10)", False),
        Column("Note", 2, "VARCHAR2(40 CHAR)", True, "'none'", "Free text"),
    )
    assert orders.keys == (Key("foreign", "FK_C", ("ID",), "SALES", "CUSTOMERS", ("ID",)),)
    assert orders.indexes == (Index("BY_NOTE", ("Note", "(expression)"), False, "function-based normal"),)
    assert orders.properties == {
        "synonyms": "BOUGHT, HR.O",
        "created": "2026-03-03T05:06:07+00:00",
    } and orders.analyzed_at == WHEN.replace(tzinfo=UTC)
    assert found["CUSTOMERS"].keys == (Key("primary", "PK_C", ("ID",)),) and found["CUSTOMERS"].indexes == ()
    assert found["OPEN_ORDERS"].kind == "view" and "'open'" in (found["OPEN_ORDERS"].definition or "")
    assert (found["TOTALS"].kind, found["TOTALS"].description) == ("materialized_view", "Sums")
    assert [each for each in seen if isinstance(each, Lineage)] == [
        Lineage(
            Ref(None, "SHOPPDB", "SALES", "ORDERS"), Ref(None, "SHOPPDB", "SALES", "OPEN_ORDERS"), "oracle"
        )
    ]
    assert (
        "canary" not in repr(seen)
        and connector().check() == "Oracle 23.6.0.24.10, database SHOPPDB, 1 schemas visible"
    )
    assert d.closed == 2


def test_statements_are_constant_and_name_the_dictionary_only(dictionary: Dictionary) -> None:
    counts = []
    for size in (10, 10_000):
        dictionary.table(*(f"T{size}_{number}" for number in range(size)))
        before = len(dictionary.statements)
        assert len(tables(exclude="TMP_*, *.OLD_?")) >= size
        counts.append(len(dictionary.statements) - before)
    assert counts == [12, 12]
    text = " ".join(dictionary.statements).lower()
    for word in ("low_value", "high_value", "histogram", "search_condition", "endpoint", "select *"):
        assert word not in text
    assert dictionary.statements[0] == "SET TRANSACTION READ ONLY"


def test_awkward_names_and_the_selection(dictionary: Dictionary) -> None:
    names = ['a"b', "it's", "dots.in.it", "Größe_テーブル", "percent%", "x" * 128, "SELECT", "Case", "CASE"]
    dictionary.table(*names, owner="sales lower")
    assert set(tables()) == set(names)
    assert set(tables(exclude="sales lower.percent%, *.it's")) == set(names) - {"percent%", "it's"}
    assert set(tables(schemas="sales lower.C*")) == {"Case", "CASE"}
    assert tables(exclude="sales lower") == {} and tables(schemas="SALES") == {}


def test_other_dictionary_and_missing_rights(dictionary: Dictionary) -> None:
    dictionary.table("T")
    assert set(tables(dictionary="all")) == {"T"}
    assert not any("dba_" in statement for statement in dictionary.statements)
    dictionary.shut = {"dba_dependencies", "dba_synonyms", "dba_segments", "v_$sqlarea"}
    assert set(tables()) == {"T"}
    told = {each.what: each.things for each in records() if isinstance(each, Unread)}
    assert told == {"what views depend on": True, "synonyms": False, "sizes": False}
    reader = connector()
    assert isinstance(reader, HasQueries) and list(reader.queries()) == [
        Unread("statements of the shared pool")
    ]
    dictionary.shut = {"dba_tab_cols"}
    with pytest.raises(PermissionMissing, match="grant script") as caught:
        records()
    assert "CANARY" not in str(caught.value)
    dictionary.broken = "tab_cols"
    with pytest.raises(SourceInterrupted, match="try again") as cut:
        records()
    assert "CANARY" not in str(cut.value)


def test_the_shared_pool_tells_what_ran(dictionary: Dictionary) -> None:
    dictionary.add(
        '"v_$sqlarea"',
        ("SELECT id FROM orders", 5, "SALES", WHEN, 3),
        ("BEGIN x; END;", 9, "SALES", WHEN, 47),
        ("SELECT 1", 9, "SYS", WHEN, 3),
    )
    assert list(connector().queries()) == [
        Query("SELECT id FROM orders", 5, ("SALES",), WHEN.replace(tzinfo=UTC), "SHOPPDB", "SALES")
    ]


def test_the_grant_script_names_every_view_that_is_read() -> None:
    texts = " ".join(
        value for name, value in vars(module).items() if name.isupper() and isinstance(value, str)
    )
    read = set(re.findall(r"sys\.\{v\}_(\w+)", texts)) | {"segments"}
    granted = set(re.findall(r"sys\.dba_(\w+)", module.GRANT_SCRIPT))
    assert read == granted == set(VIEWS)


# --- the driver -----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def listener(answer: bytes | None) -> Iterator[int]:
    """A port that reads a CONNECT packet and answers so; None closes the line."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = server.accept()
                with line:
                    line.recv(4096)
                    if answer is not None:
                        line.sendall(answer)
                        line.recv(16)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield server.getsockname()[1]
    finally:
        server.close()


def refusal(code: int) -> bytes:
    """A REFUSE packet of TNS, as a listener sends it."""
    text = f"(DESCRIPTION=(TMP=)(VSNNUM=0)(ERR={code})(ERROR_STACK=(ERROR=(CODE={code})(EMFI=4))))".encode()
    body = struct.pack(">BBH", 4, 0, len(text)) + text
    return struct.pack(">HHBBH", len(body) + 8, 0, 4, 0, 0) + body


@pytest.mark.parametrize(
    ("answer", "says"),
    [(refusal(12514), "no service 'shop'"), (refusal(12505), "no service"), (None, "no answer")],
)
def test_what_a_listener_refuses(answer: bytes | None, says: str) -> None:
    with listener(answer) as port, pytest.raises(UnreachableSource, match=says) as caught:
        connector(port=str(port), ssl_mode="disable", connect_timeout="3").check()
    assert SECRET not in str(caught.value)


def test_nobody_there_and_settings_that_cannot_be_used() -> None:
    for settings in (
        {"port": "1"},
        {"host": "no-such-host.invalid"},
        {"port": "1", "ssl_mode": "verify-full"},
    ):
        with pytest.raises(UnreachableSource, match="Oracle at") as caught:
            connector(**{"ssl_mode": "disable", "connect_timeout": "3", **settings}).check()
        assert SECRET not in str(caught.value)
    for wrong in ({"url": "gopher://x/y"}, {"ssl_mode": "prefer"}, {"dictionary": "user"}):
        with pytest.raises(BadSettings):
            connector(**wrong)
    with pytest.raises(BadSettings, match="service name"):
        connect("oracle", {"host": "h"}, {})
    with pytest.raises(SourceError):
        connect("oracle", {"url": f"oracle://u:{SECRET}@h/s"}, {})
