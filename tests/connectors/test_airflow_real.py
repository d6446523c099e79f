"""Airflow, the real one: installed from the package index, given two DAGs, run once, read by the connector."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors import connect
from connectors.errors import SignInRefused
from connectors.records import Asset, Lineage
from tests.connectors.airflow_server import PASSWORD, install, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    kept = os.environ.get("DOCENT_TEST_AIRFLOW")
    if not kept:
        pytest.skip("installs Airflow for minutes: set DOCENT_TEST_AIRFLOW to a folder that may keep it")
    try:
        bin_folder = install(Path(kept))
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        if os.environ.get("DOCENT_REQUIRE_SERVICES") == "1":
            raise
        pytest.skip("apache-airflow could not be installed from the package index")
    with running(bin_folder, tmp_path_factory.mktemp("home")) as url:
        yield url


def test_everything_is_read_and_no_value(airflow: str) -> None:
    connector = connect("airflow", {"url": airflow, "username": "docent"}, {"password": PASSWORD})
    assert connector.check() == "Airflow 3.3.2, 2 DAGs"
    records = list(connector.extract())
    found = {record.key: record for record in records if isinstance(record, Asset)}
    orders = found["harbor_orders"]
    assert (orders.description, orders.owners) == ("Loads every order", ("priya",))
    assert set(orders.tags) == {"harbor", "größe"} and orders.properties["schedule"] == "0 2 * * *"
    assert orders.properties["last_status"] == "success" and orders.properties["last_run"]
    assert {"harbor_orders/extract", "harbor_orders/load", "odd.name-1/only"} <= set(found)
    (dataset,) = (key for key, each in found.items() if each.kind == "dataset")
    edges = {
        (each.upstream.key, each.downstream.key or f"{each.downstream.schema}.{each.downstream.table}")
        for each in records
        if isinstance(each, Lineage)
    }
    assert edges == {
        ("harbor_orders/extract", "harbor_orders/load"),
        ("harbor_orders/load", dataset),
        (dataset, "odd.name-1"),
        (dataset, "sales.orders"),
    }
    assert "CANARY-XCOM" not in repr(records)
    with pytest.raises(SignInRefused) as refused:
        connect("airflow", {"url": airflow, "username": "docent"}, {"password": "wrong-pass-1"}).check()
    assert "wrong-pass-1" not in str(refused.value)
