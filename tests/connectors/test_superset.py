"""Superset, the real one: installed from the package index, filled through its own API, read by the connector."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from connectors import connect
from connectors.errors import SignInRefused
from connectors.records import Asset, Lineage
from tests.connectors.superset_server import PASSWORD, fill, install, running

pytestmark = pytest.mark.slow


@pytest.fixture
def superset(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[str]:
    kept = os.environ.get("DOCENT_TEST_SUPERSET")
    try:
        bin_folder = install(Path(kept) if kept else tmp_path_factory.mktemp("superset"))
    except subprocess.CalledProcessError:
        if os.environ.get("DOCENT_REQUIRE_SERVICES") == "1":
            raise
        pytest.skip("apache-superset could not be installed from the package index")
    plain = postgres_url.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("create schema sales")
        connection.execute("create table sales.orders (id int primary key, status text)")
        connection.execute('create table sales."odd ""name"".x" (id int)')
        connection.execute("insert into sales.orders values (1, 'CANARY-ROW')")
    with running(bin_folder, tmp_path_factory.mktemp("home")) as url:
        fill(url, plain)
        yield url


def test_everything_is_read_and_no_value(superset: str) -> None:
    secrets = {"password": PASSWORD}
    connector = connect("superset", {"url": superset, "username": "admin"}, secrets)
    assert connector.check() == "Superset answers: 3 datasets, 2 charts, 1 dashboards"
    records = list(connector.extract())
    assets = {record.name: record for record in records if isinstance(record, Asset)}
    orders = assets["orders"]
    assert orders.description == "Every order" and orders.owners == ("Ada Admin",)
    assert [column.name for column in orders.columns] == ["id", "status"]
    assert 'odd "name".x' in assets and assets["marked orders"].dialect == "postgres"
    assert {assets[name].kind for name in ("Orders by status", "Orders by day")} == {"chart"}
    board = assets["Größe & Umsatz"]
    assert board.url and board.url.startswith(superset)
    edges = {
        (e.upstream.key or e.upstream.table, e.downstream.key) for e in records if isinstance(e, Lineage)
    }
    charts = [assets[name].key for name in ("Orders by status", "Orders by day")]
    assert {
        ("orders", orders.key),
        *((orders.key, key) for key in charts),
        *((key, board.key) for key in charts),
    } <= edges
    assert "CANARY-ROW" not in repr(records) and "CANARY-FILTER" not in repr(records)
    with pytest.raises(SignInRefused) as refused:
        connect("superset", {"url": superset, "username": "admin"}, {"password": "wrong-pass-1"}).check()
    assert "wrong-pass-1" not in str(refused.value)
