"""Dagster, the real one: installed from the package index, given definitions, run once, read by the connector."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors import connect
from connectors.errors import SourceInterrupted
from connectors.records import Asset, Lineage
from tests.connectors.dagster_server import BROKEN, DEFINITIONS, install, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def bin_folder() -> Iterator[Path]:
    kept = os.environ.get("DOCENT_TEST_DAGSTER")
    if not kept:
        pytest.skip("installs Dagster for minutes: set DOCENT_TEST_DAGSTER to a folder that may keep it")
    try:
        yield install(Path(kept))
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        if os.environ.get("DOCENT_REQUIRE_SERVICES") == "1":
            raise
        pytest.skip("dagster could not be installed from the package index")


def test_everything_is_read_and_no_value(bin_folder: Path, tmp_path: Path) -> None:
    with running(bin_folder, tmp_path, {"harbor.py": DEFINITIONS}, job="nightly") as url:
        connector = connect("dagster", {"url": url}, {})
        assert connector.check() == "Dagster 1.13.27"
        records = list(connector.extract())
    found = {record.key: record for record in records if isinstance(record, Asset)}
    nightly = found["job/nightly"]
    assert nightly.description == "Every night" and nightly.changed_at is not None
    assert set(nightly.properties["schedule"].split("; ")) == {"0 2 * * *", "0 14 * * *"}
    assert (
        nightly.properties["last_status"] == "SUCCESS" and nightly.properties["schedule_status"] == "STOPPED"
    )
    assert nightly.url == f"{url}/locations/harbor.py/jobs/nightly"
    orders = found["asset/raw/orders"]
    assert orders.description == "Every order" and orders.owners == ("priya@harbor.example", "data-eng")
    assert set(orders.tags) == {"tier:1", "pii"} and orders.url == f"{url}/assets/raw/orders"
    assert orders.properties == {"group": "sales", "kinds": "duckdb", "jobs": "nightly"}
    assert found["asset/mart/revenue"].description == "Größe & Umsatz"
    assert found["asset/daily"].properties["partitioned"] == "yes" and "job/plain" in found
    assert not any(name.startswith("job/__") for name in found)
    edges = {(each.upstream.key, each.downstream.key) for each in records if isinstance(each, Lineage)}
    assert edges == {
        ("asset/raw/orders", "asset/mart/revenue"),
        ("asset/outside/files", "asset/daily"),
        ("job/nightly", "asset/raw/orders"),
        ("job/nightly", "asset/mart/revenue"),
    }
    assert "CANARY" not in repr(records)


def test_two_code_locations_and_one_that_does_not_load(bin_folder: Path, tmp_path: Path) -> None:
    """Jobs of one name stay two; what cannot be loaded just now is never told as gone."""
    files = {
        "harbor.py": DEFINITIONS,
        "quay.py": DEFINITIONS.replace('key_prefix=["', 'key_prefix=["quay", "'),
    }
    files["quay.py"] = files["quay.py"].replace("daily", "weekly")
    with running(bin_folder, tmp_path / "two", files) as url:
        records = list(connect("dagster", {"url": url}, {}).extract())
    keys = [record.key for record in records if isinstance(record, Asset)]
    assert len(keys) == len(set(keys)) and {"job/harbor.py/nightly", "job/quay.py/nightly"} <= set(keys)
    edges = {(each.upstream.key, each.downstream.key) for each in records if isinstance(each, Lineage)}
    assert ("job/quay.py/nightly", "asset/quay/raw/orders") in edges
    assert ("job/harbor.py/nightly", "asset/quay/raw/orders") not in edges
    files = {"harbor.py": DEFINITIONS, "broken.py": BROKEN}
    with running(bin_folder, tmp_path / "broken", files) as url:
        with pytest.raises(SourceInterrupted, match=r"broken\.py") as error:
            list(connect("dagster", {"url": url}, {}).extract())
    assert "CANARY" not in str(error.value)
