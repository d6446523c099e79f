"""Superset, the real one: installed from the package index, filled through its own API, read by the connector."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from connectors import connect
from connectors.errors import SignInRefused, SourceInterrupted
from connectors.records import Asset, Lineage
from tests.connectors.superset_server import PASSWORD, fill, install, running
from tests.connectors.vendor_server import Asked, Vendor, serve


@pytest.fixture
def superset(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[str]:
    kept = os.environ.get("DOCENT_TEST_SUPERSET")
    try:
        bin_folder = install(Path(kept) if kept else tmp_path_factory.mktemp("superset"))
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
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


@pytest.mark.slow
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


def listed(rows: list[dict[str, Any]], cap: int = 100, moved: int = 0) -> Any:
    """A list in Superset's form; in the first `moved` readings the second page begins with a row of the first."""
    readings = {"left": moved}

    def page(asked: Asked) -> Any:
        found = re.search(r"page:(\d+),page_size:(\d+)", asked.query["q"])
        assert found
        size = min(int(found[2]), cap)
        start = int(found[1]) * size
        if start and readings["left"]:
            readings["left"] -= 1
            return {"count": len(rows), "result": rows[:1] + rows[start + 1 : start + size]}
        return {"count": len(rows), "result": rows[start : start + size]}

    return page


def test_no_row_is_lost_where_a_page_repeats_one_or_the_server_caps_its_pages() -> None:
    """Superset orders by a time that many rows share, so that two pages can hold the same one."""
    charts = [{"id": n, "slice_name": f"Chart {n}", "datasource_type": "table"} for n in range(150)]
    routes = {f"GET /api/v1/{kind}/": listed([]) for kind in ("database", "dataset", "dashboard")}
    for given, whole in (({"moved": 1}, True), ({"cap": 25}, True), ({"moved": 99}, False)):
        routes["GET /api/v1/chart/"] = listed(charts, **given)
        with serve(Vendor(dict(routes))) as vendor:
            connector = connect("superset", {"url": vendor.url}, {"token": "t" * 20})
            if whole:
                records = list(connector.extract())
                assert {each.name for each in records if isinstance(each, Asset)} == {
                    f"Chart {n}" for n in range(150)
                }
            else:
                with pytest.raises(SourceInterrupted, match="try again"):
                    list(connector.extract())
