"""Metabase against a local server that speaks its documented wire."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors import connect
from connectors.errors import SignInRefused, SourceInterrupted, UnreachableSource
from connectors.records import Asset, Lineage, Ref
from tests.connectors.vendor_server import Answer, Asked, Vendor, serve

KEY = "mb_" + "k" * 30
PERSON = {"common_name": "Priya Nair", "email": "priya@harbor.example"}
CARDS: list[dict[str, Any]] = [
    {"id": 1, "name": 'Orders by "region"', "collection_id": 7, "creator": PERSON, "display": "bar", "database_id": 3,
     "updated_at": "2026-05-01T10:00:00Z",
     "dataset_query": {"type": "query", "query": {"source-table": 11, "joins": [{"source-table": 12}]}}},
    {"id": 2, "name": "Revenue.net", "collection_id": None, "creator": PERSON, "display": "line", "database_id": 3,
     "updated_at": "2026-05-01T10:00:00Z",
     "dataset_query": {"type": "native", "native": {
         "query": "select sum(net) from sales.orders where day = {{day}} [[ and region = {{region}} ]]"}}},
    {"id": 3, "name": "On a question", "creator": PERSON, "display": "table", "database_id": 3, "updated_at": None,
     "dataset_query": {"type": "query", "query": {"source-table": "card__1"}}},
    {"id": 4, "name": "Old", "archived": True, "dataset_query": {}},
]  # fmt: skip


def routes() -> dict[str, Any]:
    return {
        "POST /api/session": lambda asked: {"id": "session-1"},
        "GET /api/user/current": lambda asked: PERSON,
        "GET /api/collection": lambda asked: [
            {"id": "root", "name": "Our analytics"},
            {"id": 7, "name": "Größe, größer", "location": "/"},
            {"id": 8, "name": "Below", "location": "/7/"},
        ],
        "GET /api/database": lambda asked: {
            "data": [
                {
                    "id": 3,
                    "name": "Warehouse",
                    "engine": "postgres",
                    "details": {"dbname": "analytics"},
                    "tables": [
                        {"id": 11, "name": "orders", "schema": "sales"},
                        {"id": 12, "name": "regions", "schema": "sales"},
                    ],
                }
            ]
        },  # fmt: skip
        "GET /api/card": lambda asked: CARDS,
        "GET /api/dashboard": lambda asked: [
            {"id": 5, "name": "Board", "collection_id": 8},
            {"id": 6, "name": "Gone"},
        ],
        "GET /api/dashboard/5": lambda asked: {
            "id": 5,
            "name": "Board",
            "collection_id": 8,
            "creator": PERSON,
            "updated_at": "2026-05-02T10:00:00Z",
            "dashcards": [{"card_id": 1}, {"card_id": 2}, {"card_id": None}, {"card_id": 4}],
        },  # fmt: skip
    }


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with serve(Vendor(routes(), allows=lambda asked: asked.headers.get("x-api-key") == KEY)) as running:
        yield running


def test_collections_dashboards_questions_and_what_they_stand_on(vendor: Vendor) -> None:
    records = list(connect("metabase", {"url": vendor.url}, {"api_key": KEY}).extract())
    assets = {r.key: r for r in records if isinstance(r, Asset)}
    assert assets["collection/8"].parent == "collection/7" and assets["dashboard/5"].parent == "collection/8"
    assert assets["card/1"].owners == ("priya@harbor.example",) and "card/4" not in assets
    assert "{{" not in (assets["card/2"].definition or "") and assets["card/2"].dialect == "postgres"
    edges = {
        (e.upstream.key or f"{e.upstream.database}.{e.upstream.schema}.{e.upstream.table}", e.downstream.key)
        for e in records
        if isinstance(e, Lineage)
    }
    assert edges == {
        ("analytics.sales.orders", "card/1"),
        ("analytics.sales.regions", "card/1"),
        ("card/1", "card/3"),
        ("card/1", "dashboard/5"),
        ("card/2", "dashboard/5"),
    }


def test_requests_grow_with_dashboards_only(vendor: Vendor) -> None:
    vendor.routes["GET /api/card"] = lambda asked: [{**CARDS[0], "id": n} for n in range(1, 2001)]
    list(connect("metabase", {"url": vendor.url}, {"api_key": KEY}).extract())
    assert len(vendor.asked) == 6


def test_it_waits_as_told_and_goes_on(vendor: Vendor) -> None:
    vendor.faults[:] = [Answer(429, {}, {"Retry-After": "0"}), Answer(503, {}, {"Retry-After": "0"})]
    assert "Metabase answers" in connect("metabase", {"url": vendor.url}, {"api_key": KEY}).check()


def test_a_session_that_runs_out_in_mid_run_is_renewed() -> None:
    live = {"session": "none", "left": 0, "made": 0}

    def session(asked: Asked) -> Any:
        assert asked.json == {"username": "u@x.example", "password": "p" * 12}
        live.update(session=f"s{live['made']}", left=3, made=live["made"] + 1)
        return {"id": live["session"]}

    def allows(asked: Asked) -> bool:
        if asked.path == "/api/session":
            return True
        live["left"] -= 1
        return asked.headers.get("x-metabase-session") == live["session"] and live["left"] >= 0

    with serve(Vendor(routes() | {"POST /api/session": session}, allows=allows)) as running:
        secrets = {"password": "p" * 12}
        connector = connect("metabase", {"url": running.url, "username": "u@x.example"}, secrets)
        assert len([r for r in connector.extract() if isinstance(r, Asset)]) == 7
    assert live["made"] >= 2


def test_a_wrong_key_a_dropped_connection_and_nonsense_are_said(vendor: Vendor) -> None:
    with pytest.raises(SignInRefused) as refused:
        connect("metabase", {"url": vendor.url}, {"api_key": "wrong-" + KEY}).check()
    assert KEY not in str(refused.value)
    connector = connect("metabase", {"url": vendor.url}, {"api_key": KEY})
    vendor.faults[:] = [Answer(200, b"<html>")]
    with pytest.raises(SourceInterrupted, match="not JSON"):
        connector.check()
    records = connector.extract()
    next(records), next(records)
    vendor.faults[:] = [Answer(drop=True)]
    with pytest.raises(SourceInterrupted, match="dropped"):
        list(records)
    with pytest.raises(UnreachableSource, match="redirects"):
        vendor.faults[:] = [Answer(302, {}, {"Location": "https://evil.example/"})]
        connector.check()


def test_the_trash_is_no_collection_and_every_question_has_an_address(vendor: Vendor) -> None:
    listed = vendor.routes["GET /api/collection"]
    more = [{"id": 90, "name": "Trash", "type": "trash"}, {"id": 91, "name": "Old", "archived": True}]
    vendor.routes["GET /api/collection"] = lambda asked: [*listed(asked), *more]
    records = list(connect("metabase", {"url": vendor.url}, {"api_key": KEY}).extract())
    found = {each.key: each for each in records if isinstance(each, Asset)}
    assert not {"collection/90", "collection/91"} & found.keys()
    assert all(
        each.url and each.url.startswith(vendor.url) for each in found.values() if each.kind == "chart"
    )


def test_what_a_group_without_data_access_sees_and_what_newer_versions_tell(vendor: Vendor) -> None:
    base = {"id": 3, "name": "Warehouse", "engine": "mysql", "details": {"dbname": "shop"},
            "tables": [{"id": 11, "name": "orders", "schema": None}]}  # fmt: skip
    other = {
        "id": 4,
        "name": "Shown name",
        "engine": "postgres",
        "tables": [{"id": 12, "name": "r", "schema": "s"}],
    }
    native = {
        "lib/type": "mbql/query",
        "stages": [{"native": "select * from {{#1-its-name}} t where x = {{y}}"}],
    }
    new = {"id": 9, "name": "By stages", "database_id": 3, "dataset_query": native}
    vendor.routes["GET /api/database"] = lambda asked: {"data": [base, other], "total": 2}
    vendor.routes["GET /api/card"] = lambda asked: [*CARDS, new]
    del vendor.routes["GET /api/dashboard"]
    vendor.routes["GET /api/search"] = lambda asked: {
        "data": [{"id": 5, "model": "dashboard"}, {"id": 6}][int(asked.query["offset"]) :][:1], "total": 2
    }  # fmt: skip
    cards = [{"card_id": 1, "series": [{"id": 2}, None]}]
    vendor.routes["GET /api/dashboard/5"] = lambda asked: {"id": 5, "dashcards": cards}
    records = list(connect("metabase", {"url": vendor.url}, {"api_key": KEY}).extract())
    edges = {(e.upstream, e.downstream.key) for e in records if isinstance(e, Lineage)}
    assert {
        (Ref(schema="shop", table="orders"), "card/1"), (Ref(schema="s", table="r"), "card/1"),
        (Ref(key="card/1"), "card/9"), (Ref(key="card/1"), "dashboard/5"), (Ref(key="card/2"), "dashboard/5"),
    } <= edges  # fmt: skip
    found = {r.key: r for r in records if isinstance(r, Asset)}
    assert found["card/9"].definition == "select * from (SELECT NULL) t where x = NULL"
