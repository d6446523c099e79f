"""What every connector of a database must do, on a real one: the same questions to each in turn."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from sqlglot import exp

from connectors import CONNECTORS, connect, connector_class
from connectors.abilities import CanRun, RunLimits
from connectors.errors import (
    BadSettings,
    QueryFailed,
    SignInRefused,
    SourceError,
    SourceInterrupted,
    UnreachableSource,
)
from connectors.records import Column, Database, Progress, Schema, Table
from tests.asynchronous import until
from tests.connectors.databases import CANARY, RIGS, Rig, grant_script

WITH_SERVER = ("postgres", "mysql")


@pytest.fixture(params=sorted(RIGS))
def rig(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    """A fresh database of each engine in turn."""
    with RIGS[request.param](tmp_path, monkeypatch).made() as made:
        yield made


@pytest.fixture(params=WITH_SERVER)
def server(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    """A fresh database of each engine that has a server and roles."""
    with RIGS[request.param](tmp_path, monkeypatch).made() as made:
        yield made


def records(rig: Rig, **settings: str) -> list[Any]:
    return [record for record in rig.connector(**settings).extract() if not isinstance(record, Progress)]


def tables(rig: Rig, **settings: str) -> dict[str, Table]:
    return {record.name: record for record in records(rig, **settings) if isinstance(record, Table)}


def test_every_connector_has_a_rig_or_a_test_of_its_own() -> None:
    texts = [path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py")]
    for name in CONNECTORS:
        named = (f'connect("{name}"' in text or f'"{name}"' in text for text in texts)
        assert name in RIGS or any(named), f"{name} is neither in the contract suite nor in a test of its own"


@pytest.mark.parametrize("name", sorted(CONNECTORS))
def test_a_class_says_what_it_is(name: str) -> None:
    cls = connector_class(name)
    assert cls.name == name and cls.title and cls.extracts
    assert cls.verified in ("real", "emulator", "documented")
    assert cls.grant_script.strip()


def test_the_shop_is_read_whole_and_parents_come_first(rig: Rig) -> None:
    rig.shop()
    seen = records(rig)
    order = [type(record) for record in seen]
    assert order == sorted(order, key=[Database, Schema, Table].index)
    if rig.database:
        assert [record.name for record in seen if isinstance(record, Database)] == [rig.database]
    assert rig.schema in [record.name for record in seen if isinstance(record, Schema)]
    found = tables(rig)
    assert set(found) == {"customers", "orders", "open_orders"}
    orders = found["orders"]
    assert (orders.database, orders.schema, orders.kind) == (rig.database, rig.schema, "table")
    assert [column.name for column in orders.columns] == ["id", "customer_id", "note"]
    assert [column.position for column in orders.columns] == [1, 2, 3]
    assert orders.columns[0].native_type.lower().startswith("int")
    assert [column.nullable for column in orders.columns] == [False, False, True]
    assert "none" in (orders.columns[2].default or "")
    assert {key.kind: key.columns for key in orders.keys} == {"primary": ("id",), "foreign": ("customer_id",)}
    foreign = next(key for key in orders.keys if key.kind == "foreign")
    assert (foreign.ref_schema, foreign.ref_table, foreign.ref_columns) == (rig.schema, "customers", ("id",))
    assert ("unique", ("email",)) in [(key.kind, key.columns) for key in found["customers"].keys]
    assert ("by_note", ("note", "customer_id"), False) in [
        (index.name, index.columns, index.unique) for index in orders.indexes
    ]
    view = found["open_orders"]
    assert view.kind == "view" and [column.name for column in view.columns] == ["id", "note"]
    assert "'open'" in (view.definition or "")
    if rig.type != "sqlite":  # which has no comments
        assert orders.description == "What was bought"
        assert orders.columns[2].description == "Free text"
    assert orders.row_estimate == 2


def test_no_value_of_a_row_is_read(rig: Rig) -> None:
    rig.shop()
    assert CANARY not in repr(records(rig))
    assert CANARY.encode() not in rig.received()


def test_every_statement_names_system_catalogs_only(rig: Rig) -> None:
    rig.shop()
    records(rig)
    rig.connector().check()
    selects = 0
    for statement in rig.statements():
        if re.match(
            r"\s*(BEGIN|SET|CALL docent_metadata\.view_definitions\(|PRAGMA|COMMIT|ROLLBACK)", statement
        ):
            continue
        selects += 1
        for table in _tables_of(
            statement, {"mysql": "mysql", "postgres": "postgres"}.get(rig.type, "duckdb")
        ):
            assert _is_system(table), f"{table} in {statement}"
    assert selects >= 3


def _tables_of(statement: str, dialect: str) -> set[str]:
    tree = sqlglot.parse_one(statement, read=dialect)
    named = {cte.alias_or_name for cte in tree.find_all(exp.CTE)}
    found = set()
    for table in tree.find_all(exp.Table):
        name = ".".join(part for part in (table.db, table.name) if part)
        if isinstance(table.this, exp.Func):
            name = table.this.name or table.this.sql_name()
            name = ".".join(part for part in (table.db, name) if part)
        if name and name not in named:
            found.add(name.lower())
    return found


def _is_system(name: str) -> bool:
    return name.startswith(
        ("pg_catalog.", "information_schema.", "mysql.", "performance_schema.", "duckdb_", "pragma_")
    ) or name in ("sqlite_schema", "sqlite_stat1", "dbstat", "unnest")


def test_the_number_of_statements_does_not_grow(rig: Rig) -> None:
    counts = []
    for size in (10, 200) if rig.type != "mysql" else (10, 60):  # a table of InnoDB is slow to make
        rig.execute(*(f"CREATE TABLE t{size}_{number} (id int, name varchar(20))" for number in range(size)))
        before = len(rig.statements())
        assert len(tables(rig)) >= size
        counts.append(len(rig.statements()) - before)
    assert counts[0] == counts[1]
    assert counts[0] <= 16


def test_awkward_names(rig: Rig) -> None:
    names = [
        'a "quoted" name',
        "it's",
        "dots.in.it",
        "two  spaces",
        "Größe_テーブル",
        "percent%s%%",
        "brace{x}",
        "`tick`",
        "x" * rig.longest,
        "select",
    ]
    if not rig.folds_case:
        names += ["Case", "case"]
    rig.execute(*(f"CREATE TABLE {rig.quote(name)} ({rig.quote('col ' + name[:40])} int)" for name in names))
    found = tables(rig)
    assert set(found) == set(names)
    for name in names:
        assert [column.name for column in found[name].columns] == ["col " + name[:40]]


def test_an_empty_database_and_one_table(rig: Rig) -> None:
    assert [record for record in records(rig) if isinstance(record, Table)] == []
    assert rig.connector().check()
    rig.execute("CREATE TABLE alone (id int)")
    assert list(tables(rig)) == ["alone"]
    assert tables(rig)["alone"].columns[0] == Column(
        "id", 1, tables(rig)["alone"].columns[0].native_type, True
    )


def test_the_selection_is_made_at_the_source(rig: Rig) -> None:
    rig.execute(
        *(f"CREATE TABLE {name} (only_in_{name} int)" for name in ("keep_a", "tmp_b", "old_c", "tmpxd"))
    )
    assert set(tables(rig, exclude=f"*.tmp_*, {rig.schema}.old_?")) == {"keep_a", "tmpxd"}
    assert b"only_in_tmp_b" not in rig.received() and b"only_in_old_c" not in rig.received()
    assert set(tables(rig, schemas=f"{rig.schema}.keep_*")) == {"keep_a"}
    assert set(tables(rig, schemas=rig.schema[:-1] + "?")) == {"keep_a", "tmp_b", "old_c", "tmpxd"}
    assert tables(rig, schemas="other") == {}
    assert tables(rig, exclude=rig.schema) == {}


def test_a_role_without_select_sees_everything_and_can_read_nothing(server: Rig) -> None:
    server.shop()
    whole = records(server)
    settings, secrets = server.role(grant_script(server.type))
    limited = connect(server.type, settings, secrets)
    assert [record for record in limited.extract() if not isinstance(record, Progress)] == whole
    assert limited.check()
    assert isinstance(limited, CanRun)
    for table in ("customers", "orders", "open_orders"):
        with pytest.raises(QueryFailed) as refused:
            limited.run(f"SELECT * FROM {server.schema}.{table}", RunLimits(), lambda stop: None)
        assert CANARY not in str(refused.value) + refused.value.full


def test_extraction_of_a_file_cannot_read_a_users_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3

    from connectors.sqlite_walls import open_read_only, wall_out

    with RIGS["sqlite"](tmp_path, monkeypatch).made() as rig:
        rig.shop()
        connection = open_read_only(rig.path)
        wall_out(connection)
        assert connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] > 3
        for statement in (
            "SELECT * FROM customers",
            "SELECT count(*) FROM orders",
            "SELECT * FROM open_orders",
        ):
            with pytest.raises(sqlite3.DatabaseError):
                connection.execute(statement).fetchall()
        connection.close()


def test_a_line_that_breaks_in_mid_run(server: Rig) -> None:
    server.execute(*(f"CREATE TABLE t{number} (id int)" for number in range(60)))
    run = server.connector().extract()
    for record in run:
        if isinstance(record, (Progress, Schema)):
            server.cut()
            break
    with pytest.raises(SourceInterrupted) as caught:
        list(run)
    assert "try again" in str(caught.value)


def test_closing_the_run_closes_the_connection(server: Rig) -> None:
    server.execute(*(f"CREATE TABLE t{number} (id int, a int, b int)" for number in range(60)))
    run = server.connector().extract()
    for record in run:
        if isinstance(record, Table):
            break
    assert server.open_connections() >= 1
    run.close()  # type: ignore[attr-defined]
    until(lambda: server.open_connections() == 0 and server.running() == 0)


SECRET = "s3cret-%40-" + "x" * 8


@pytest.mark.parametrize("type", WITH_SERVER)
def test_errors_name_the_place_and_no_secret(
    type: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RIGS[type](tmp_path, monkeypatch).made() as rig:
        settings, _ = rig.role(grant_script(type))
        if type == "mysql":  # the PostgreSQL of the tests trusts everybody
            with pytest.raises(SignInRefused) as refused:
                connect(type, settings, {"password": SECRET}).check()
            _clean(refused.value, "127.0.0.1")
        nobody = settings["url"].replace("rig_", "nobody_")
        with pytest.raises(SignInRefused) as refused:
            connect(type, {"url": nobody}, {"password": SECRET}).check()
        _clean(refused.value, "nobody_")
        scheme = settings["url"].split(":")[0]
        for place in ("127.0.0.1:1", "no-such-host.invalid:5000"):
            url = f"{scheme}://somebody:{SECRET}@{place}/shop"
            with pytest.raises(UnreachableSource) as gone:
                connect(type, {}, {"url": url}).check()
            _clean(gone.value, place)
        with pytest.raises((UnreachableSource, SourceError)) as unknown:
            list(
                connect(
                    type,
                    {"url": re.sub(r"/docent_rig_\w+", "/no_such_database", rig.settings()[0]["url"])},
                    {},
                ).extract()
            )
        _clean(unknown.value, "no_such_database")


def _clean(error: SourceError, names: str) -> None:
    text = str(error)
    assert names in text
    assert SECRET not in text and "s3cret" not in text and "://" not in text
    chain = error.__cause__
    assert chain is None or "s3cret" not in str(chain)


def test_files_that_are_not_there_or_not_what_they_seem(tmp_path: Path) -> None:
    for type in ("sqlite", "duckdb"):
        missing = connect(type, {"url": f"{type}:///{tmp_path}/none.db"}, {})
        with pytest.raises(UnreachableSource):
            missing.check()
        assert not (tmp_path / "none.db").exists()
        (tmp_path / "text.db").write_text("this is not a database " * 400)
        with pytest.raises(UnreachableSource):
            connect(type, {"path": f"{tmp_path}/text.db"}, {}).check()


@pytest.mark.parametrize("type", sorted(RIGS))
def test_settings_that_cannot_be_used_are_named(type: str) -> None:
    with pytest.raises(BadSettings, match="colour"):
        connect(type, {"colour": "red"}, {})
    with pytest.raises(BadSettings, match="url"):
        connect(type, {"url": "gopher://x/y"}, {})


@pytest.mark.parametrize("type", WITH_SERVER)
def test_a_password_is_a_secret_and_stays_one(type: str) -> None:
    scheme = "postgresql" if type == "postgres" else "mysql"
    with pytest.raises(BadSettings, match="secret") as refused:
        connect(type, {"url": f"{scheme}://a:{SECRET}@h/d"}, {})
    assert SECRET not in str(refused.value)
    with pytest.raises(BadSettings, match="secret"):
        connect(type, {"host": "h", "password": SECRET}, {})
    from connectors.settings import parse_settings

    cls = connector_class(type)
    made = parse_settings(cls.settings, {}, {"url": f"{scheme}://a:{SECRET}@h/d", "password": SECRET})
    assert SECRET not in repr(made)
    assert SECRET not in repr(vars(connect(type, {}, {"url": f"{scheme}://a:{SECRET}@h/d"})))
    with pytest.raises(BadSettings, match="port"):
        connect(type, {"host": "h", "port": "eighty"}, {})
    with pytest.raises(BadSettings, match="ssl_mode"):
        connect(type, {"host": "h", "ssl_mode": "maybe"}, {})
