"""MotherDuck through DuckDB's own engine, with a local database where the service's would be attached.

What is tried for real: every statement, by the engine that the service runs. What is not: the service, its tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

import connectors.motherduck as module
from connectors import connect
from connectors.abilities import CanRun
from connectors.errors import BadSettings, MissingDriver, SignInRefused, SourceInterrupted, UnreachableSource
from connectors.records import Database, Progress, Schema, Table

TOKEN = "motherduck-secret-token"


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Runs statements in the database that stands where MotherDuck's `shop` would."""
    path = tmp_path / "service.duckdb"

    def run(*statements: str) -> None:
        with duckdb.connect(str(path)) as connection:
            for statement in statements:
                connection.execute(statement)

    def attached(database: str, token: str) -> duckdb.DuckDBPyConnection:
        assert (database, token) == ("shop", TOKEN)
        connection = duckdb.connect(config=module.CONFIGURATION)
        connection.execute(f"ATTACH '{path}' AS shop (READ_ONLY)")
        connection.execute("USE shop")
        return connection

    run()
    monkeypatch.setattr(module, "open_service", attached)
    return run


def records(**settings: str) -> list[Any]:
    connector = connect("motherduck", {"database": "shop", **settings}, {"token": TOKEN})
    return [record for record in connector.extract() if not isinstance(record, Progress)]


def test_a_database_is_read_as_a_file_is(service: Callable[..., None]) -> None:
    service(
        "CREATE TABLE orders (id int PRIMARY KEY, note text DEFAULT 'none')",
        "COMMENT ON TABLE orders IS 'What was bought'",
        "COMMENT ON COLUMN orders.note IS 'Free text'",
        "CREATE VIEW open_orders AS SELECT id FROM orders WHERE note = 'open'",
        'CREATE SCHEMA "odd "".x"',
        'CREATE TABLE "odd "".x"."Größe" (id int)',
        "INSERT INTO orders VALUES (1, 'canary-value')",
    )
    seen = records()
    assert seen[0] == Database("shop")
    assert {each.name for each in seen if isinstance(each, Schema)} == {"main", 'odd ".x'}
    found = {each.name: each for each in seen if isinstance(each, Table)}
    assert set(found) == {"orders", "open_orders", "Größe"}
    assert (
        found["orders"].description == "What was bought"
        and found["orders"].columns[1].description == "Free text"
    )
    assert found["open_orders"].kind == "view" and found["orders"].keys[0].columns == ("id",)
    assert "canary-value" not in repr(seen)
    assert {each.name for each in records(exclude="odd*, *.open_*") if isinstance(each, Table)} == {"orders"}
    connector = connect("motherduck", {"database": "shop"}, {"token": TOKEN})
    assert connector.check().startswith("MotherDuck ") and TOKEN not in repr(vars(connector))
    assert not isinstance(connector, CanRun)


def test_the_service_is_asked_for_one_database_with_nothing_local(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []

    def opened(address: str, config: dict[str, Any]) -> Any:
        asked.append((address, config))
        raise duckdb.IOException(f"Invalid Input: your request is not authorized, token {TOKEN}")

    monkeypatch.setattr(duckdb, "connect", opened)
    with pytest.raises(SignInRefused) as refused:
        connect("motherduck", {"database": "my shop"}, {"token": TOKEN}).check()
    assert TOKEN not in str(refused.value) and refused.value.__suppress_context__
    address, config = asked[0]
    assert address.startswith("md:my shop?attach_mode=single&saas_mode=true") and TOKEN not in address
    assert config["motherduck_token"] == TOKEN


def test_what_goes_wrong_is_one_sentence(
    service: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(module.connect_error("x", 'Failed to download extension "motherduck"'), MissingDriver)
    assert isinstance(module.connect_error("x", "no database/share named 'x' found"), UnreachableSource)
    assert isinstance(module.connect_error("x", "connection reset"), UnreachableSource)
    for name in ("md:shop", "shop?motherduck_token=x", "a&saas_mode=false"):
        with pytest.raises(BadSettings):
            connect("motherduck", {"database": name}, {"token": TOKEN})
    monkeypatch.setattr("connectors.duckdb.KEYS", "SELECT no_such_column FROM duckdb_constraints()")
    with pytest.raises(SourceInterrupted):
        records()
