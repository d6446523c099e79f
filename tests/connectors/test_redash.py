"""Redash against a local server that speaks its documented wire."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import connect
from connectors.errors import SignInRefused, SourceError, SourceInterrupted
from connectors.records import Asset, Lineage, Unread
from tests.connectors.vendor_server import Answer, Asked, Vendor, serve

KEY = "r" * 40
USER = {"name": "Priya", "email": "priya@harbor.example"}
QUERIES = [
    {"id": n, "name": f'Query "{n}".x', "query": "select * from sales.orders where day > '{{ day }}'", "user": USER,
     "data_source_id": 1, "updated_at": "2026-05-01T10:00:00.000Z", "tags": ["kpi"], "is_archived": n == 3}
    for n in range(1, 251)
]  # fmt: skip


def paged(asked: Asked, rows: list[Any]) -> dict[str, Any]:
    page, size = int(asked.query["page"]), int(asked.query["page_size"])
    return {
        "count": len(rows),
        "page": page,
        "page_size": size,
        "results": rows[(page - 1) * size : page * size],
    }


def vendor() -> Vendor:
    board = {
        "id": 9,
        "slug": "board",
        "name": "Board",
        "user": USER,
        "updated_at": "2026-05-01T10:00:00.000Z",
    }
    widgets = [
        {
            "visualization": {
                "id": 7,
                "type": "CHART",
                "name": "Orders by day",
                "query": {"id": 1, "name": "Shop 1"},
                "options": {"globalSeriesType": "column", "yAxis": "CANARY"},
            }
        },
        {
            "visualization": {
                "id": 7,
                "type": "CHART",
                "name": "Orders by day",
                "query": {"id": 1, "name": "Shop 1"},
            }
        },
        {
            "visualization": {
                "id": 8,
                "type": "TABLE",
                "name": "Table",
                "query": {"id": 3, "name": "Archived"},
            }
        },
        {"text": "note"},
    ]
    routes = {
        "GET /api/data_sources": lambda asked: [{"id": 1, "type": "pg", "name": "Warehouse"}],
        "GET /api/queries": lambda asked: paged(asked, QUERIES),
        "GET /api/session": lambda asked: {"user": USER},
        "GET /api/dashboards": lambda asked: paged(asked, [board]),
        "GET /api/dashboards/9": lambda asked: {**board, "widgets": widgets},
        "GET /api/dashboards/board": lambda asked: Answer(
            500, {"message": "invalid input syntax for integer"}
        ),
    }
    return Vendor(routes, allows=lambda asked: asked.headers.get("authorization") == f"Key {KEY}")


def test_queries_dashboards_and_edges() -> None:
    with serve(vendor()) as running:
        running.faults[:] = [Answer(429, {}, {"Retry-After": "0"})]
        records = list(connect("redash", {"url": running.url}, {"api_key": KEY}).extract())
        assert len(running.asked) == 1 + 1 + 3 + 1 + 1
    assets = {record.key: record for record in records if isinstance(record, Asset)}
    assert len(assets) == 249 + 1 + 1 and "query/3" not in assets and "CANARY" not in repr(records)
    assert (assets["chart/7"].name, assets["chart/7"].properties) == ("Orders by day", {"type": "column"})
    first = assets["query/1"]
    assert first.dialect == "postgres" and "{{" not in (first.definition or "") and first.tags == ("kpi",)
    edges = [(e.upstream.key, e.downstream.key) for e in records if isinstance(e, Lineage)]
    assert edges == [("chart/7", "dashboard/9"), ("query/1", "chart/7")]


def test_before_version_10_a_dashboard_has_its_slug_for_an_address() -> None:
    old = vendor()
    old.routes["GET /api/dashboards/board"] = old.routes.pop("GET /api/dashboards/9")
    with serve(old) as running:
        records = list(connect("redash", {"url": running.url}, {"api_key": KEY}).extract())
    assert [e.upstream.key for e in records if isinstance(e, Lineage)] == ["chart/7", "query/1"]


def test_a_key_that_is_revoked_in_mid_run_is_not_taken_for_dashboards_that_are_gone() -> None:
    revoked = vendor()
    del (
        revoked.routes["GET /api/dashboards/9"],
        revoked.routes["GET /api/dashboards/board"],
        revoked.routes["GET /api/session"],
    )
    with serve(revoked) as running, pytest.raises(SourceError, match="404"):
        list(connect("redash", {"url": running.url}, {"api_key": KEY}).extract())


def test_a_wrong_key_is_said_without_the_key() -> None:
    with serve(vendor()) as running, pytest.raises(SignInRefused) as refused:
        connect("redash", {"url": running.url}, {"api_key": "wrong-key-1"}).check()
    assert "wrong-key-1" not in str(refused.value)


def test_a_server_that_caps_its_pages_and_a_key_that_may_not_list_data_sources() -> None:
    routes = vendor().routes
    routes["GET /api/data_sources"] = lambda asked: Answer(
        403, {"message": "You don't have the permission CANARY"}
    )
    routes["GET /api/queries"] = lambda asked: paged(
        Asked(asked.method, asked.path, {**asked.query, "page_size": "25"}, asked.headers, b""), QUERIES
    )
    routes["GET /api/dashboards/9"] = lambda asked: {
        "id": 9, "widgets": [{"id": 1, "restricted": True}, {"id": 2, "text": "hi", "visualization": None}]
    }  # fmt: skip
    with serve(Vendor(routes)) as running:
        records = list(connect("redash", {"url": running.url}, {"api_key": KEY}).extract())
    queries = [each for each in records if isinstance(each, Asset) and each.kind == "query"]
    assert Unread("the types of data sources") in records
    assert len(queries) == 249 and {each.dialect for each in queries} == {None}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 250)), max_size=3))
def test_a_query_that_slipped_over_a_pages_end_is_never_taken_for_gone(
    deleted: list[tuple[int, int]],
) -> None:
    """Queries are deleted between two pages: every one that is left is told, or the run ends with an error."""
    rows = [each for each in QUERIES if not each["is_archived"]]
    server = vendor()

    def listed(asked: Asked) -> dict[str, Any]:
        page = int(asked.query["page"])
        gone = {number for after, number in deleted if after < page}
        rows[:] = [each for each in rows if each["id"] not in gone]
        return paged(asked, rows)

    server.routes["GET /api/queries"] = listed
    with serve(server) as running:
        tool = connect("redash", {"url": running.url}, {"api_key": KEY})
        try:
            told = {record.key for record in tool.extract() if isinstance(record, Asset)}
        except SourceInterrupted as error:
            assert "changed while they were read; try again" in str(error) and deleted
            return
    assert {f"query/{each['id']}" for each in rows} <= told
