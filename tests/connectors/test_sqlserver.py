"""SQL Server: the real python-tds against a local server that speaks TDS, whose catalog views a real engine executes."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlglot import exp

from connectors import connect
from connectors.abilities import Connector, HasQueries
from connectors.errors import (
    BadSettings,
    PermissionMissing,
    SignInRefused,
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
from tests.asynchronous import until
from tests.connectors.sys_catalog import CHANGED, Catalog
from tests.connectors.tds_server import Refused, Tds, serve

SECRET = "pa;ss}w{o'rd"


@pytest.fixture
def catalog() -> Catalog:
    return Catalog()


@pytest.fixture
def server(catalog: Catalog) -> Iterator[Tds]:
    """A server of that catalog; what goes wrong in the server itself fails the test."""
    with serve(Tds(catalog.answer)) as script:
        yield script
    assert script.faults == []


def connector(server: Tds, secret: str = SECRET, **settings: str) -> Connector:
    place = {
        "host": "127.0.0.1",
        "port": str(server.port),
        "user": "docent",
        "database": "shop",
        "ssl_mode": "disable",
    }
    return connect("sqlserver", {**place, **settings}, {"password": secret})


def records(server: Tds, **settings: str) -> list[Any]:
    return [each for each in connector(server, **settings).extract() if not isinstance(each, Progress)]


def tables(server: Tds, **settings: str) -> dict[str, Table]:
    return {each.name: each for each in records(server, **settings) if isinstance(each, Table)}


def shop(catalog: Catalog) -> None:
    """Two tables with keys, an index, notes and labels, a view of them, a synonym, statements that ran."""
    customers = catalog.table(
        "sales", "customers", columns=(("id", "int", False), ("email", "nvarchar", False))
    )
    orders = catalog.table("sales", "orders", columns=(("id", "int", False), ("customer_id", "int", False), ("total", "decimal", True), ("note", "varchar", True)))  # fmt: skip
    view = catalog.table("sales", "open_orders", kind="V", text="CREATE VIEW sales.open_orders AS SELECT id, note FROM sales.orders WHERE note = 'open'")  # fmt: skip
    catalog.add("indexes", (orders, "pk_orders", 1, "CLUSTERED", True, True, False, False), (orders, "by_note", 2, "NONCLUSTERED", False, False, False, False),
                (customers, "one_email", 2, "NONCLUSTERED", True, False, True, False))  # fmt: skip
    catalog.add("index_columns", (orders, 1, 1, 1), (orders, 2, 4, 1), (orders, 2, 2, 2), (orders, 2, 3, 0), (customers, 2, 2, 1))  # fmt: skip
    catalog.add("foreign_keys", ("fk_customer", 77, orders))
    catalog.add("foreign_key_columns", (77, 1, orders, 2, customers, 1))
    catalog.add("extended_properties", (0, 0, 0, "MS_Description", "The shop"), (3, catalog.schema("sales"), 0, "MS_Description", "All sales"),
                (1, orders, 0, "MS_Description", "What was bought"), (1, orders, 4, "MS_Description", "Free text"), (1, orders, 4, "Caption", "no"))  # fmt: skip
    catalog.add("partitions", (1, orders, 1, 1, 40), (2, orders, 1, 2, 2), (3, orders, 2, 1, 42))
    catalog.add("allocation_units", (101, 1, 2), (1, 2, 1), (102, 3, 1), (103, 1, 2), (2, 1, 50), (0, 0, 9))
    catalog.add("sensitivity_classifications", (1, customers, 2, "Confidential", "Contact Info"))
    catalog.add("synonyms", ("bought", catalog.schema("dbo"), "[sales].[orders]"))
    catalog.add("sql_expression_dependencies", (view, 1, 1, orders, None, None, "sales", "orders"),
                (view, 1, 1, None, None, "crm", "dbo", "leads"), (view, 1, 1, None, "other_server", "x", "y", "z"))  # fmt: skip
    catalog.add(
        "query_store_query_text",
        (1, "(@p0 int,@p1 nvarchar(max))SELECT note FROM sales.orders WHERE id = @p0"),
    )
    catalog.add("query_store_query", (1, 1, False))
    catalog.add("query_store_plan", (1, 1), (2, 1))
    catalog.add("query_store_runtime_stats", (1, 0, 5, datetime(2026, 5, 1)), (2, 0, 2, datetime(2026, 5, 2)), (2, 3, 9, datetime(2026, 5, 3)))  # fmt: skip


def test_the_shop_is_read_whole_and_parents_come_first(catalog: Catalog, server: Tds) -> None:
    shop(catalog)
    seen = records(server)
    order = [type(each) for each in seen]
    assert order == sorted(order, key=[Database, Schema, Table, Lineage].index)
    assert seen[0] == Database("shop", "The shop", "dbo")
    assert Schema("shop", "sales", "All sales", "dbo") in seen
    found = {each.name: each for each in seen if isinstance(each, Table)}
    assert set(found) == {"customers", "orders", "open_orders"}
    orders = found["orders"]
    assert (orders.kind, orders.partitions, orders.row_estimate, orders.size_bytes) == (
        "partitioned_table",
        2,
        42,
        6 * 8192,
    )
    assert orders.description == "What was bought" and orders.owner == "dbo"
    assert orders.columns[3] == Column("note", 4, "varchar(max)", True, None, "Free text")
    assert [column.native_type for column in orders.columns] == [
        "int",
        "int",
        "decimal(10,2)",
        "varchar(max)",
    ]
    assert orders.keys == (
        Key("primary", "pk_orders", ("id",)),
        Key("foreign", "fk_customer", ("customer_id",), "sales", "customers", ("id",)),
    )
    assert orders.indexes == (Index("by_note", ("note", "customer_id"), False, "nonclustered"),)
    assert orders.properties == {"synonyms": "dbo.bought", "created": "2026-03-03T03:06:07+00:00"}
    assert orders.changed_at == CHANGED.replace(tzinfo=UTC) - timedelta(hours=2)
    assert found["customers"].keys == (Key("unique", "one_email", ("email",)),)
    assert found["customers"].columns[1].tags == ("Confidential", "Contact Info")
    assert found["open_orders"].kind == "view" and "'open'" in (found["open_orders"].definition or "")
    down = Ref(None, "shop", "sales", "open_orders")
    assert {each for each in seen if isinstance(each, Lineage)} == {
        Lineage(Ref(None, "shop", "sales", "orders"), down, "sqlserver"),
        Lineage(Ref(None, "crm", "dbo", "leads"), down, "sqlserver"),
    }
    assert connector(server).check() == "SQL Server 16.0.4165.4, database shop, 2 schemas visible"


def test_the_query_store_tells_what_ran(catalog: Catalog, server: Tds) -> None:
    shop(catalog)
    reader = connector(server)
    assert isinstance(reader, HasQueries)
    assert list(reader.queries()) == [
        Query(
            "SELECT note FROM sales.orders WHERE id = @p0",
            7,
            (),
            datetime(2026, 5, 2, tzinfo=UTC),
            "shop",
            "dbo",
        )
    ]


def test_defaults_identities_and_computed_columns(catalog: Catalog, server: Tds) -> None:
    made = catalog.table("dbo", "t", columns=())
    catalog.add("columns", (made, "n", 1, *(56, 4, 10, 0), False, True, False, 0), (made, "d", 2, *(231, 40, 0, 0), True, False, False, 9),
                (made, "c", 3, *(42, 8, 23, 3), True, False, True, 0))  # fmt: skip
    catalog.add("default_constraints", (9, "(N'none')"))
    catalog.add("computed_columns", (made, 3, "([n]+[n])"))
    columns = tables(server)["t"].columns
    assert [(column.native_type, column.default) for column in columns] == [
        ("int", "IDENTITY"), ("nvarchar(20)", "(N'none')"), ("datetime2(3)", "GENERATED ALWAYS AS ([n]+[n])"),
    ]  # fmt: skip


def test_awkward_names(catalog: Catalog, server: Tds) -> None:
    names = ['a "quoted" name', "it's", "dots.in.it", "two  spaces", "Größe_テーブル", "percent%s%%", "brace{x}", "[bracket]",
             "x" * 128, "select", "Case", "case", "\U0001f600"]  # fmt: skip
    catalog.table("odd ]schema[", *names)
    found = tables(server)
    assert set(found) == set(names)
    assert {each.schema for each in found.values()} == {"odd ]schema["}
    assert set(tables(server, exclude="odd ]schema[.[brack*")) == set(names) - {"[bracket]"}


def test_an_empty_database_and_one_table(catalog: Catalog, server: Tds) -> None:
    assert [each for each in records(server) if isinstance(each, Table)] == []
    catalog.table("dbo", "alone")
    assert list(tables(server)) == ["alone"]


def test_the_number_of_statements_does_not_grow_and_answers_come_in_packets(
    catalog: Catalog, server: Tds
) -> None:
    counts = []
    for size in (10, 10_000):
        catalog.table("dbo", *(f"t{size}_{number}" for number in range(size)))
        before = len(server.statements)
        assert len(tables(server)) >= size
        counts.append(len(server.statements) - before)
    assert counts == [12, 12]
    assert server.sent > 1_000_000


def test_every_statement_reads_catalog_views_only(catalog: Catalog, server: Tds) -> None:
    shop(catalog)
    records(server, exclude="tmp_*, *.old_*")
    assert isinstance(reader := connector(server), HasQueries)
    list(reader.queries())
    reader.check()
    for statement in server.statements:
        (tree,) = sqlglot.parse(statement, read="tsql")
        assert isinstance(tree, exp.Select), statement
        assert {table.db for table in tree.find_all(exp.Table)} == {"sys"}
        assert not {"stats", "stats_columns", "partition_range_values"} & {
            t.name for t in tree.find_all(exp.Table)
        }
    assert {"docent"} == set(server.applications)


def test_the_selection_is_made_at_the_source(catalog: Catalog, server: Tds) -> None:
    for name in ("keep_a", "tmp_b", "old_c", "tmpxd"):
        catalog.table("main", name)
    before = server.sent
    assert set(tables(server, exclude="*.tmp_*, main.old_?")) == {"keep_a", "tmpxd"}
    assert set(tables(server, schemas="main.keep_*")) == {"keep_a"}
    assert tables(server, schemas="other") == {} and tables(server, exclude="main") == {}
    assert server.sent > before


def test_what_is_not_open_is_left_out(server: Tds, catalog: Catalog) -> None:
    shop(catalog)
    catalog.shut = frozenset({
        "extended_properties", "partitions", "allocation_units", "sensitivity_classifications", "synonyms",
        "sql_expression_dependencies", "query_store_query_text",
    })  # fmt: skip
    found = tables(server)
    assert set(found) == {"customers", "orders", "open_orders"} and found["orders"].row_estimate is None
    told = {each.what: each.things for each in records(server) if isinstance(each, Unread)}
    assert told == {
        "descriptions": True, "sensitivity labels": True, "what views depend on": True, "synonyms": False,
        "row counts": False, "sizes": False,
    }  # fmt: skip
    reader = connector(server)
    assert isinstance(reader, HasQueries) and list(reader.queries()) == [Unread("the Query Store")]
    catalog.shut = frozenset({"columns"})
    with pytest.raises(PermissionMissing, match="grant script") as caught:
        records(server)
    assert "CANARY" not in str(caught.value)


def test_synapse_tells_no_rows_and_an_old_server_is_refused() -> None:
    synapse = Catalog(edition=6, version="10.0.12345.0")
    shop(synapse)
    with serve(Tds(synapse.answer)) as server:
        assert tables(server)["orders"].row_estimate is None
        assert connector(server).check().startswith("Azure Synapse 10.0")
        assert not any("sys.partitions" in statement for statement in server.statements)
    with (
        serve(Tds(Catalog(version="12.0.6024.0").answer)) as server,
        pytest.raises(SourceError, match="too old"),
    ):
        records(server)


def test_a_dropped_connection_is_told_and_closing_the_run_closes_it(catalog: Catalog, server: Tds) -> None:
    catalog.table("dbo", *(f"t{number}" for number in range(400)))
    run = connector(server).extract()
    next(each for each in run if isinstance(each, Schema))
    assert server.open == 1
    run.close()  # type: ignore[attr-defined]
    until(lambda: server.open == 0)
    server.drop_after = server.sent + 20_000
    with pytest.raises(SourceInterrupted, match="try again"):
        records(server)


def test_the_servers_words_go_nowhere() -> None:
    def locked(sql: str, values: list[Any]) -> Any:
        raise Refused(1205, "Transaction was deadlocked on CANARY resources", 13)

    with serve(Tds(locked)) as server, pytest.raises(SourceInterrupted) as caught:
        connector(server).check()
    assert "CANARY" not in str(caught.value)

    def broken(sql: str, values: list[Any]) -> Any:
        raise Refused(823, "I/O error on CANARY", 24)

    with serve(Tds(broken)) as server, pytest.raises(SourceError, match="error 823") as caught_too:
        connector(server).check()
    assert "CANARY" not in str(caught_too.value)


def test_sign_in_errors_name_the_place_and_no_secret(server: Tds) -> None:
    for wrong, kind in (({"user": "somebody"}, SignInRefused), ({"database": "nowhere"}, UnreachableSource)):
        with pytest.raises(kind) as caught:
            connector(server, **wrong).check()
        assert SECRET not in str(caught.value) and next(iter(wrong.values())) in str(caught.value)
    for place in ("127.0.0.1:1", "no-such-host.invalid:5000"):
        with pytest.raises(UnreachableSource, match="no answer") as gone:
            connect(
                "sqlserver", {"ssl_mode": "disable"}, {"url": f"mssql+pytds://a:s3cret@{place}/shop"}
            ).check()
        assert "s3cret" not in str(gone.value)
    with pytest.raises(BadSettings, match="ssl_mode"):
        connect("sqlserver", {"url": "mssql://a@h/d?sslmode=prefer"}, {})


def test_the_vendors_own_driver_is_answered_too(catalog: Catalog, server: Tds) -> None:
    """What the local server speaks is not python-tds's idea of TDS alone."""
    vendor = pytest.importorskip("mssql_python", reason="Microsoft's own driver is not installed")
    catalog.table("dbo", "Größe")
    place = {"server": f"127.0.0.1,{server.port}", "database": "shop", "uid": "docent", "encrypt": "no"}
    try:
        connection = vendor.connect(**place, pwd=SECRET, autocommit=True)
    except vendor.OperationalError as error:
        if "load the driver" in str(error):
            pytest.skip("Microsoft's own driver needs libltdl of the system")
        raise
    rows = (
        connection.cursor()
        .execute("SELECT o.name FROM sys.objects o WHERE o.name LIKE ?", ["Gr%"])
        .fetchall()
    )
    assert [row[0] for row in rows] == ["Größe"]
    connection.close()


# --- TLS ------------------------------------------------------------------------------------------------------------


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, str]:
    """A server's context with a certificate for `name` (or address), and the file of the authority that signed it."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "not the host's name")])
    try:
        known: x509.GeneralName = x509.IPAddress(ip_address(name))
    except ValueError:
        known = x509.DNSName(name)
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(who).issuer_name(who).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1)).add_extension(x509.SubjectAlternativeName([known]), False)
        .add_extension(x509.BasicConstraints(True, None), True).sign(key, hashes.SHA256())
    )  # fmt: skip
    file, key_file = folder / f"{name}.pem", folder / f"{name}.key"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key_file)
    return context, str(file)


def test_tls_is_verified_before_the_password_is_sent(tmp_path: Path, catalog: Catalog) -> None:
    shop(catalog)
    right, file = certificate(tmp_path, "127.0.0.1")
    with serve(Tds(catalog.answer, tls=right)) as server:
        assert "orders" in tables(server, ssl_mode="verify-full", ssl_ca=file)
        signed_in = len(server.applications)
        for settings in ({"ssl_mode": "verify-full"}, {"ssl_mode": "verify-ca"}):  # an authority nobody knows
            with pytest.raises(UnreachableSource, match="no TLS connection"):
                connector(server, **settings).check()
        with pytest.raises(UnreachableSource):
            connector(server, ssl_mode="disable").check()
        assert len(server.applications) == signed_in
    wrong, file = certificate(tmp_path, "db.example.org")
    with serve(Tds(catalog.answer, tls=wrong)) as server:
        with pytest.raises(UnreachableSource, match="no TLS connection"):
            connector(server, ssl_mode="verify-full", ssl_ca=file).check()
        assert server.applications == []
        assert connector(server, ssl_mode="verify-ca", ssl_ca=file).check()
    with serve(Tds(catalog.answer)) as server, pytest.raises(UnreachableSource, match="offers no TLS"):
        connector(server, ssl_mode="verify-full", ssl_ca=file).check()


def test_a_gateway_that_sends_us_on_is_followed_once_and_verified_again(
    tmp_path: Path, catalog: Catalog
) -> None:
    shop(catalog)
    context, file = certificate(tmp_path, "127.0.0.1")
    with serve(Tds(catalog.answer, tls=context)) as node:
        with serve(Tds(catalog.answer, tls=context, route=("127.0.0.1", node.port))) as gateway:
            assert "orders" in tables(gateway, ssl_mode="verify-full", ssl_ca=file)
            assert gateway.statements == [] and len(node.applications) == 1
        with serve(Tds(catalog.answer, tls=context, route=("localhost", node.port))) as gateway:
            with pytest.raises(UnreachableSource, match="no TLS connection"):
                connector(gateway, ssl_mode="verify-full", ssl_ca=file).check()
        with serve(Tds(catalog.answer, tls=context)) as circle:
            circle.route = ("127.0.0.1", circle.port)
            with pytest.raises(UnreachableSource, match="on and on"):
                connector(circle, ssl_mode="verify-full", ssl_ca=file).check()
