"""Superset, the real one: installed from the package index, filled through its own API, read by the connector.

Its first content is read wherever these tests run. The other two take a server of their own each and as long again: they
are tried where `DOCENT_TEST_SUPERSET` names a folder that may keep the environment.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from connectors import connect
from connectors.errors import SignInRefused, SourceInterrupted
from connectors.records import Asset, Lineage, Unread
from plugin.access.viewer import Viewer
from plugin.catalog.sync import add_integration, sync
from plugin.store import Store
from tests.conftest import PostgresDatabase
from tests.connectors import superset_content as content
from tests.connectors import superset_more as more
from tests.connectors.superset_server import PASSWORD, fill, install, prepare, running
from tests.connectors.vendor_server import Asked, Vendor, serve

Servers = Callable[[], AbstractContextManager[str]]
KEPT = os.environ.get("DOCENT_TEST_SUPERSET")
more_content = pytest.mark.skipif(
    not KEPT, reason="fills two more Supersets: set DOCENT_TEST_SUPERSET to a folder that may keep it"
)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Servers:
    """Empty Supersets: one installation, and one database of its own that each server has a copy of."""
    try:
        bin_folder = install(Path(KEPT) if KEPT else tmp_path_factory.mktemp("superset"))
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        if os.environ.get("DOCENT_REQUIRE_SERVICES") == "1":
            raise
        pytest.skip("apache-superset could not be installed from the package index")
    prepared = tmp_path_factory.mktemp("prepared")
    prepare(bin_folder, prepared)
    return lambda: running(bin_folder, prepared, tmp_path_factory.mktemp("home"))


@pytest.fixture
def superset(servers: Servers, postgres_url: str) -> Iterator[str]:
    plain = postgres_url.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("create schema sales")
        connection.execute("create table sales.orders (id int primary key, status text)")
        connection.execute('create table sales."odd ""name"".x" (id int)')
        connection.execute("insert into sales.orders values (1, 'CANARY-ROW')")
    with servers() as url:
        fill(url, plain)
        yield url


@pytest.mark.slow
@pytest.mark.timeout(1200)
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


@pytest.mark.slow
@more_content
@pytest.mark.timeout(1200)
def test_other_content(
    servers: Servers, postgres_url: str, store: Store, admin: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What teams leave behind, over many small pages, and how it stands in the catalog."""
    plain = postgres_url.replace("postgresql+psycopg://", "postgresql://")
    gone = f"{make_url(plain).database}_gone"
    monkeypatch.setattr("connectors.superset.PAGE", 3)
    with servers() as url:
        with PostgresDatabase(gone, ""):
            content.fill(url, plain, make_url(plain).set(database=gone).render_as_string(hide_password=False))
        settings, secrets = {"url": url, "username": "admin"}, {"password": PASSWORD}
        records = list(connect("superset", settings, secrets).extract())
        part = {**settings, "username": content.READER}
        seen = list(connect("superset", part, secrets).extract())
        used, own = (
            list(connect("superset", {**settings, "username": name}, secrets).extract())
            for name in (content.WATCHER, content.OWN)
        )
        wh = add_integration(store, admin, "wh", "postgres", settings={}, secrets={"url": postgres_url}).id
        assert sync(store, admin, wh).status == "done"
        integration = add_integration(store, admin, "bi", "superset", settings=settings, secrets=secrets).id
        done = sync(store, admin, integration)
    assets = {record.name: record for record in records if isinstance(record, Asset)}
    by_kind = Counter(record.kind for record in assets.values())
    assert by_kind == {"dataset": 7, "metric": 3, "chart": len(content.CHARTS) + 3, "dashboard": 3,
                       "query": 1}  # fmt: skip

    orders = assets["orders"]
    seal = {"certified_by": "Data Platform", "certification": 'Audited in "Q1"'}
    assert orders.owners == ("Grace Ö'Hopper",)
    assert orders.properties.items() >= {**seal, "warning": "Loads late", "database": "Warehouse"}.items()
    words = {column.name: (column.description, column.default) for column in orders.columns}
    assert words["status"] == ("State: Where it stands", None) and words["id"] == (None, None)
    assert words["margin"] == (None, "amount * 1.19 - 77003")
    revenue = assets["revenue"]
    assert (revenue.parent, revenue.description, revenue.dialect) == (orders.key, "What came in", "postgres")
    assert revenue.properties == {"label": "Revenue (€)", "warning": "*net*", **seal}
    board = assets[content.TITLE]
    assert set(board.tags) == set(assets["Big"].tags) == {'finance, "Ö"', "gold"}
    assert board.properties["certified_by"] == assets["Big"].properties["certified_by"] == "Finance"
    assert assets["D" * 300].properties["status"] == "draft" and assets["D" * 300].owners == ()
    assert content.LONG_NAME in assets and assets["parcels"].columns

    names = {asset.key: asset.name for asset in assets.values()}
    edges = {
        (names.get(e.upstream.key or "") or e.upstream.table, names[e.downstream.key or ""])
        for e in records
        if isinstance(e, Lineage)
    }
    of_metrics = {edge for edge in edges if edge[0] in ("revenue", content.METRIC)}
    assert of_metrics == {
        ("revenue", "Big"), ("revenue", "Line"), ("revenue", "Bubble"),
        (content.METRIC, "Mixed"), (content.METRIC, "Bubble"),
    }  # fmt: skip
    whole = {
        ("with jinja", "on jinja"), ('tab.le "q"', 'tab.le "q"'), ("parcels", "Of what is gone"),
        ("Line", content.TITLE), ("Line", "D" * 300), ("orders", "revenue"), ("orders", "Pie"),
    }  # fmt: skip
    assert whole <= edges and not any(upper == "deleted" for upper, _ in edges)
    for canary in (
        "ROW",
        "FILTER",
        "LABEL",
        "ADHOC",
        "TEMPLATE",
        "NO-METRIC",
        "SAVED",
        "MARKDOWN",
        "DEFAULT",
        "LOG",
    ):
        assert f"CANARY-{canary}" not in repr(records)

    asked = assets["SQL Lab: orders"]
    assert (asked.dialect, asked.default_schema, asked.popularity) == ("postgres", "sales", 2.0)
    assert (asked.properties["runs"], asked.properties["users"]) == ("2", "1")
    for each in (records, used):
        told = {record.name: record for record in each if isinstance(record, Asset)}
        assert told[content.TITLE].properties.items() >= {"views": "2", "viewers": "2"}.items()
        assert (told["Big"].popularity, told["Big"].properties["views"]) == (1.0, "1")
        assert told["SQL Lab: orders"].key == asked.key and "views" not in told["Line"].properties
        assert not [record for record in each if isinstance(record, Unread)]
    log, others = "the views of dashboards and charts (can read on Log)", "the queries of SQL Lab"
    assert [record.what for record in seen if isinstance(record, Unread)] == [
        log,
        f"{others} (can read on Query)",
    ]
    assert [record.what for record in own if isinstance(record, Unread)] == [
        log,
        f"{others} of other people (all query access)",
    ]

    assert {record.name for record in seen if isinstance(record, Asset) and record.kind == "dataset"} == {
        "orders"
    }
    assert "revenue" in {record.name for record in seen if isinstance(record, Asset)}
    assert next(record for record in seen if isinstance(record, Asset)).dialect == "postgres"

    assert (done.status, done.errors) == ("done", ())
    with store.as_viewer(admin) as mine:
        stored = mine.catalog.by_name("revenue")
        orders_here = mine.catalog.by_name("orders", integration="bi")
        assert stored.kind == "metric" and stored.parent_id == orders_here.id
        unqualified = mine.catalog.lineage(mine.catalog.by_name("unqualified").id, downstream=False)
        base = make_url(plain).database
        assert {each.qualified_name for each in unqualified.resources.values()} == {
            f"{base}.sales.parcels",
            "unqualified",
        }
        assert stored.definition == "SUM(CASE WHEN status = ? THEN amount * ? END)"
        columns = {each.name: each for each in mine.catalog.columns(stored.parent_id)}
        assert columns["margin"].default == "amount * ? - ?"
        query = mine.catalog.by_name("SQL Lab: orders")
        assert query.definition == "select status, ? from sales.orders where amount > ?"
        feeds = mine.catalog.lineage(query.id, downstream=False)
        assert f"{base}.sales.orders" in {each.qualified_name for each in feeds.resources.values()}
        told = mine.catalog.by_name("with jinja")
        assert '"Käufer"' in (told.definition or "")
        kept = repr([told, query, stored, orders_here, mine.catalog.by_name("m" * 255)])
    assert "CANARY" not in kept and "7700" not in kept


@pytest.mark.slow
@more_content
@pytest.mark.timeout(1200)
def test_a_third_content(servers: Servers, postgres_url: str) -> None:
    """Wide, broken and orphaned things, names in every script, a switched-off owner, and more charts than two pages."""
    plain = postgres_url.replace("postgresql+psycopg://", "postgresql://")
    with servers() as url:
        more.fill(url, plain)
        connector = connect("superset", {"url": url, "username": "admin"}, {"password": PASSWORD})
        records = list(connector.extract())
        assert set(map(repr, connector.extract())) == set(map(repr, records))
    assets = [record for record in records if isinstance(record, Asset)]
    by_kind = Counter(each.kind for each in assets)
    assert by_kind == {"dataset": 3, "chart": more.MANY + 2, "dashboard": len(more.NAMES)}
    named = {each.name: each for each in assets}
    wide = named["wide"]
    assert [each.name for each in wide.columns] == [f"col {n:03d} größe" for n in range(more.WIDE)]
    assert [each.position for each in wide.columns] == list(range(1, more.WIDE + 1))
    assert wide.properties["database"] == "Lager – 倉庫" and wide.owners == ("Off Switched",)
    boards = [each for each in assets if each.kind == "dashboard"]
    assert sorted(each.name for each in boards) == sorted(more.NAMES)
    assert {each.properties.get("certified_by") for each in boards} == {'監査 & "Ö\'"', None}
    assert {each.owners for each in boards} == {("Off Switched",)}
    edges = {
        (e.upstream.key or e.upstream.table, e.downstream.key) for e in records if isinstance(e, Lineage)
    }
    assert {(named["On wide"].key, each.key) for each in boards} <= edges
    orphan = named["On what went away"].key
    assert not [edge for edge in edges if edge[1] == orphan] and [edge for edge in edges if edge[0] == orphan]
    assert named["broken"].dialect == "postgres" and "CANARY-FILTER" not in repr(records)


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
    kinds = ("database", "dataset", "dashboard", "log", "query")
    routes = {f"GET /api/v1/{kind}/": listed([]) for kind in kinds}
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
