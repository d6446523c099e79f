"""The vendors' own clients read our servers of their APIs, and find what the connectors find there.

So a server that answers otherwise than the vendor documents does not stand behind a connector that was made for it. The
clients: tableauserverclient, looker-sdk and airbyte-api, all MIT; the extra `connector-tests` brings them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors.abilities import Connector
from connectors.records import Asset, Record
from connectors.tableau import QUERIES
from tests.connectors import test_bi, test_pipelines
from tests.connectors.second_expected import CASES
from tests.connectors.tableau_xml import speaking_xml
from tests.connectors.test_bi import Live
from tests.connectors.test_second_servers import opened as opened_second
from tests.connectors.vendor_server import Vendor, serve

Server = tuple[Vendor, Callable[[Vendor], Connector], str]


def second(name: str) -> Server:
    made = CASES[name].second()
    (secret,) = made.secrets.values()
    return made.vendor, lambda vendor: opened_second(name, made), secret


def kept(records: list[Record], *kinds: str) -> dict[str, Asset]:
    return {each.key: each for each in records if isinstance(each, Asset) and each.kind in kinds}


def part(prefix: str, assets: dict[str, Asset]) -> dict[str, Asset]:
    return {key.removeprefix(prefix): each for key, each in assets.items() if key.startswith(prefix)}


# --- Tableau ---------------------------------------------------------------------------------------------------------


def first_tableau() -> Server:
    return test_bi.tableau(Live("x-tableau-auth"), 60), test_bi.of_tableau, test_bi.SECRET


@pytest.mark.parametrize("made", [first_tableau, lambda: second("tableau")], ids=["first", "second"])
def test_tableauserverclient_finds_what_the_connector_finds(made: Callable[[], Server]) -> None:
    tsc = pytest.importorskip("tableauserverclient")
    vendor, opened, secret = made()
    with serve(speaking_xml(vendor)):
        found = list(opened(vendor).extract())
        server = tsc.Server(vendor.url, use_server_version=False)
        server.version = "3.24"
        with server.auth.sign_in(tsc.PersonalAccessTokenAuth("docent", secret, site_id="harbor")):
            projects = {each.id: (each.name, each.parent_id) for each in tsc.Pager(server.projects)}
            views = {
                each.id: each.total_views
                for each in tsc.Pager(lambda options: server.views.get(options, usage=True))
            }
            nodes = {kind: list(_nodes(server, kind)) for kind in QUERIES if kind != "virtualConnections"}
    held = part("project/", kept(found, "dashboard_group"))
    read = {
        key: (each.name, (each.parent or "").removeprefix("project/") or None) for key, each in held.items()
    }
    assert read == projects
    assets = kept(found, "dashboard_group", "dashboard", "chart", "dataset", "query")
    for kind, told in nodes.items():
        for each in told:
            asset = assets[each["id"]]
            assert asset.name == each["name"] and asset.description == (each.get("description") or None), kind
            seen = views.get(each.get("luid"))
            assert asset.popularity == (seen or None), f"views of {kind} {each['id']}"
    connections = {key for key, each in assets.items() if each.properties.get("type") == "virtual connection"}
    beside = connections | {key for key in assets if key.startswith("project/")}
    assert {each["id"] for told in nodes.values() for each in told} == set(assets) - beside
    assert any(views.values()) and len(nodes["workbooks"]) > 1


def _nodes(server: Any, kind: str) -> Iterator[Any]:
    """By the client's own paging, which names its variable otherwise than the connector does."""
    query = f"""query q($first: Int, $afterToken: String) {{ {kind}Connection(first: $first, after: $afterToken) {{
      nodes {{ {QUERIES[kind]} }} pageInfo {{ hasNextPage endCursor }} }} }}"""
    told = server.metadata.paginated_query(query, {"first": 50, "afterToken": None})
    for page in told["pages"]:
        yield from page["data"][f"{kind}Connection"]["nodes"]


# --- Looker ----------------------------------------------------------------------------------------------------------


def first_looker() -> Server:
    return test_bi.looker(Live("authorization"), 30), test_bi.of_looker, test_bi.SECRET


@pytest.mark.parametrize("made", [first_looker, lambda: second("looker")], ids=["first", "second"])
def test_looker_sdk_finds_what_the_connector_finds(
    made: Callable[[], Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    looker_sdk = pytest.importorskip("looker_sdk")
    from looker_sdk.rtl import api_settings

    for name in [each for each in os.environ if each.startswith("LOOKERSDK_")]:
        monkeypatch.delenv(name)
    vendor, opened, secret = made()
    with serve(vendor):
        found = list(opened(vendor).extract())
        settings = api_settings.ApiSettings()
        key = {"client_id": "docent", "client_secret": secret, "base_url": vendor.url, "verify_ssl": "false"}
        monkeypatch.setattr(settings, "read_config", lambda: key)
        settings.base_url = vendor.url
        sdk = looker_sdk.init40(config_settings=settings)
        folders = {
            each.id: (each.name, each.parent_id) for each in sdk.all_folders(fields="id,name,parent_id")
        }
        models = {
            model.name: [each.name for each in model.explores or ()] for model in sdk.all_lookml_models()
        }
        looks = {
            each.id: (each.title, each.view_count, each.folder.id if each.folder else None)
            for each in sdk.search_looks(limit=5000, offset=0, sorts="id")
            if not each.deleted
        }
        people = {each.id: each.email for each in sdk.search_users(limit=5000, offset=0)}
        boards = {
            each.id: (each.title, each.user_id)
            for each in sdk.search_dashboards(limit=5000, offset=0)
            if not each.deleted
        }
        explore = sdk.lookml_model_explore("harbor", "orders", fields="fields")
    groups = part("folder/", kept(found, "dashboard_group"))
    read = {
        key: (each.name, (each.parent or "").removeprefix("folder/") or None) for key, each in groups.items()
    }
    assert read == folders
    datasets = part("explore/", kept(found, "dataset"))
    assert set(part("model/", kept(found, "model"))) == set(models)
    assert set(datasets) == {f"{model}::{name}" for model, names in models.items() for name in names}
    fields = [*(explore.fields.dimensions or ()), *(explore.fields.measures or ())]
    assert [(each.name, each.default) for each in datasets["harbor::orders"].columns] == [
        (each.name, each.sql or None) for each in fields
    ]
    read_looks = part("look/", kept(found, "chart"))
    assert set(read_looks) == set(looks) and looks
    for key, (title, seen, folder) in looks.items():
        look = read_looks[key]
        assert (look.name, look.popularity) == (title or key, seen or None)
        assert look.parent == (f"folder/{folder}" if folder else None)
    read_boards = part("dashboard/", kept(found, "dashboard"))
    assert {key for key in boards if "::" not in key} == {key for key in read_boards if "::" not in key}
    for key, (title, person) in boards.items():
        owner = people.get(person)
        assert read_boards[key].name == title and read_boards[key].owners == ((owner,) if owner else ())


# --- Airbyte ---------------------------------------------------------------------------------------------------------


def first_airbyte() -> Server:
    vendor = test_pipelines.airbyte_vendor({"left": 0, "made": 0}, uses=100)
    return vendor, test_pipelines.of_airbyte, "s" * 20


@pytest.mark.parametrize("made", [first_airbyte, lambda: second("airbyte")], ids=["first", "second"])
def test_airbytes_own_client_finds_what_the_connector_finds(made: Callable[[], Server]) -> None:
    """Connections and jobs; of sources and destinations it would first build the models of seven hundred kinds."""
    airbyte_api = pytest.importorskip("airbyte_api")
    from airbyte_api import api, models

    vendor, opened, secret = made()
    with serve(vendor):
        found = list(opened(vendor).extract())
        token = f"{vendor.url}/v1/applications/token"
        key = models.SchemeClientCredentials(client_id="id", client_secret=secret, token_url=token)
        client = airbyte_api.AirbyteAPI(
            server_url=f"{vendor.url}/v1", security=models.Security(client_credentials=key)
        )
        connections: list[Any] = []
        jobs: list[Any] = []
        more = True
        while more:
            wanted = api.ListConnectionsRequest(limit=100, offset=len(connections))
            page = client.connections.list_connections(request=wanted).connections_response
            connections, more = [*connections, *page.data], bool(page.data and page.next)
        more = True
        while more:
            wanted = api.ListJobsRequest(limit=100, offset=len(jobs), order_by="createdAt|DESC")
            page = client.jobs.list_jobs(request=wanted).jobs_response
            jobs, more = [*jobs, *page.data], bool(page.data and page.next)
    read = kept(found, "job")
    assert {each.connection_id for each in connections} == set(read) and connections
    for each in connections:
        job = read[each.connection_id]
        assert job.name == each.name and job.properties["status"] == each.status.value
        assert job.tags == tuple(tag.name for tag in each.tags)
        assert job.properties["streams"] == str(len(each.configurations.streams or ()))
        ran = [
            one for one in jobs if one.connection_id == each.connection_id and one.job_type.value == "sync"
        ]
        assert job.properties.get("last_status") == (ran[0].status.value if ran else None)
