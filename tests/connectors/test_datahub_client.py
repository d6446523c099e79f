"""DataHub's own client scrolls over our servers of DataHub, and finds what the connector finds.

It is heavy (acryl-datahub, 140 MB in an environment of its own), so it is tried where `DOCENT_TEST_DATAHUB` names a folder
that may keep it. What it taught our servers: it writes its input into the query, with a variable for each part.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from connectors import connect
from connectors.records import Asset, Table
from tests.connectors import second_graphql, test_catalogs
from tests.connectors.vendor_server import Vendor, serve
from tests.environments import installed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
KINDS = {"dataset": "", "dashboard": "dashboard", "chart": "chart", "dataFlow": "job", "dataJob": "job", "glossaryTerm": "term"}  # fmt: skip
ASKING = """
import json, sys
from datahub.ingestion.graph.client import DataHubGraph, DatahubClientConfig

graph = DataHubGraph(DatahubClientConfig(server=sys.argv[1], token=sys.argv[2]))
kinds = sys.argv[3].split(",")
print(json.dumps({kind: sorted(graph.get_urns_by_filter(entity_types=[kind], batch_size=100)) for kind in kinds}))
"""


def first() -> tuple[Vendor, str]:
    return Vendor(
        {"POST /api/graphql": test_catalogs.graphql}, allows=test_catalogs.bearer
    ), test_catalogs.TOKEN


def second() -> tuple[Vendor, str]:
    made = second_graphql.datahub()
    return made.vendor, made.secrets["token"]


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter of an environment that has the client."""
    kept = os.environ.get("DOCENT_TEST_DATAHUB")
    if not kept:
        pytest.skip("installs acryl-datahub: set DOCENT_TEST_DATAHUB to a folder that may keep it")
    return installed(Path(kept), "datahub", "acryl-datahub==1.7.0.17") / "python"


@pytest.mark.parametrize("made", [first, second])
def test_datahubs_client_finds_what_the_connector_finds(
    python: Path, made: Callable[[], tuple[Vendor, str]]
) -> None:
    vendor, token = made()
    version = {"versions": {"acryldata/datahub": {"version": "v1.2.0"}}, "noCode": "true", "models": {}}
    vendor.routes["GET /config"] = lambda asked: version
    with serve(vendor):
        records = list(connect("datahub", {"url": vendor.url}, {"token": token}).extract())
        told = subprocess.run(
            [str(python), "-c", ASKING, vendor.url, token, ",".join(KINDS)],
            check=True, capture_output=True, timeout=300, text=True,
        )  # fmt: skip
    found = json.loads(told.stdout)
    assert len(found["dataset"]) == sum(isinstance(each, Table) for each in records) > 1
    assets = [each for each in records if isinstance(each, Asset)]
    for kind in set(KINDS.values()) - {""}:
        urns = {urn for name, ours in KINDS.items() if ours == kind for urn in found[name]}
        assert urns == {each.key for each in assets if each.kind == kind}, kind
