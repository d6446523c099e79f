"""Tableau, Looker and Power BI against local servers that speak their documented wires."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from connectors import connect
from connectors.abilities import Connector
from connectors.errors import PermissionMissing, SignInRefused, SourceInterrupted
from connectors.records import Asset, Lineage, Record, Unread
from tests.connectors.vendor_server import Answer, Asked, Vendor, serve

SECRET = "s3cret-" + "x" * 30
ODD = 'Größe "x".y; z' + "n" * 300


class Live:
    """A credential that is good for some requests only."""

    def __init__(self, header: str, uses: int = 1_000) -> None:
        self.header, self.uses, self.left, self.made = header, uses, 0, 0

    def token(self) -> str:
        self.left, self.made = self.uses, self.made + 1
        return f"token-{self.made}"

    def allows(self, asked: Asked) -> bool:
        if asked.path.endswith(("signin", "/login", "/token")):
            return True
        self.left -= 1
        return asked.headers.get(self.header, "").endswith(f"token-{self.made}") and self.left >= 0


def assets(records: list[Record]) -> dict[str, Asset]:
    return {each.key: each for each in records if isinstance(each, Asset)}


def edges(records: list[Record]) -> set[tuple[str, str]]:
    def name(ref: Any) -> str:
        parts = (ref.database, ref.schema, ref.table, ref.column)
        return (
            ".".join(filter(None, parts)) if ref.table else ref.key + (f"#{ref.column}" if ref.column else "")
        )

    return {(name(each.upstream), name(each.downstream)) for each in records if isinstance(each, Lineage)}


# --- Tableau ---------------------------------------------------------------------------------------------------------

ORDERS = {"name": "orders", "schema": "sales", "database": {"name": "shop"}}


def tableau(live: Live, size: int = 3) -> Vendor:
    books = [
        {"id": f"w{n}", "luid": f"W{n}", "name": ODD if n == 0 else f"Book {n}", "projectName": "Below", "tags": [],
         "uri": f"sites/1/workbooks/{n}", "owner": {"email": "priya@harbor.example"}, "updatedAt": "2026-05-01T10:00:00Z"}
        for n in range(size)
    ]  # fmt: skip
    fields = [{"name": "net", "dataType": "REAL", "description": "Without tax"},
              {"name": "margin", "dataType": "REAL", "formula": "[net] * 0.2"}]  # fmt: skip
    nodes: dict[str, list[dict[str, Any]]] = {
        "workbooks": books,
        "publishedDatasources": [{"id": "p1", "luid": "P1", "name": "Orders", "isCertified": True, "fields": fields,
                                  "projectName": "Top", "tags": [{"name": "core"}], "upstreamTables": [ORDERS]}],
        "embeddedDatasources": [{"id": "e1", "name": "Orders (w0)", "workbook": {"id": "w0"}, "fields": [],
                                 "upstreamTables": [], "upstreamDatasources": [{"id": "p1"}, {"id": "hidden"}]}],
        "customSQLTables": [{"id": "q1", "name": "Custom SQL", "query": "select * from sales.orders",
                             "connectionType": "postgres", "tables": [ORDERS], "downstreamDatasources": [{"id": "p1"}]}],
        "dashboards": [{"id": "d1", "luid": "D1", "name": "Board", "path": "b/Board", "workbook": {"id": "w0"},
                        "sheets": [{"id": "s1"}]}],
        "sheets": [{"id": "s1", "luid": "S1", "name": "Sheet", "path": "b/Sheet", "workbook": {"id": "w0"},
                    "parentEmbeddedDatasources": [{"id": "e1"}], "upstreamDatasources": [{"id": "p1"}], "containedInDashboards": [{"id": "d1"}]}],
    }  # fmt: skip

    def graphql(asked: Asked) -> Any:
        query = asked.json["query"]
        if "totalCount" in query:
            return {"data": {"workbooksConnection": {"totalCount": size}}}
        kind = re.search(r"(\w+)Connection\(", query)
        if kind and kind[1] == "virtualConnections":  # of a server that is older than they are
            return {"errors": [{"message": "Validation error of type FieldUndefined: CANARY"}]}
        assert kind and not re.search(r"sampl|preview|domainValues", query)
        named = re.search(r"after: \$(\w+)", query)
        start, first = (
            int(asked.json["variables"][named[1]] or 0) if named else 0,
            asked.json["variables"]["first"],
        )
        rows = nodes[kind[1]]
        more = {"hasNextPage": start + first < len(rows), "endCursor": str(start + first)}
        return {"data": {f"{kind[1]}Connection": {"nodes": rows[start : start + first], "pageInfo": more}}}

    def sign_in(asked: Asked) -> Any:
        given = asked.json["credentials"]
        if given["personalAccessTokenSecret"] != SECRET:
            return Answer(401, {"error": {"detail": "CANARY"}})
        site = {"id": "site-1", "contentUrl": "harbor"}
        return {"credentials": {"token": live.token(), "site": site, "user": {"id": "u9"}}}

    def views(asked: Asked) -> Any:
        page = int(asked.query["pageNumber"])
        times = (
            {"totalViewCount": "42" if page == 2 else "0"}
            if asked.query.get("includeUsageStatistics")
            else {}
        )
        rows = [
            {"id": "D1" if page == 2 else "other", "name": "v", "contentUrl": "b/sheets/v", "usage": times}
        ]
        return {"pagination": {"pageNumber": str(page), "pageSize": "1000", "totalAvailable": "1001"},
                "views": {"view": rows}}  # fmt: skip

    projects = [{"id": "t", "name": "Top"}, {"id": "b", "name": "Below", "parentProjectId": "t"}]
    base = "/api/3.24/sites/site-1"
    routes: dict[str, Callable[[Asked], Any]] = {
        "POST /api/3.24/auth/signin": sign_in,
        "POST /api/3.24/auth/signout": lambda asked: Answer(204, b""),
        "POST /api/metadata/graphql": graphql,
        f"GET {base}/projects": lambda asked: {"projects": {"project": projects}},
        f"GET {base}/views": views,
    }
    return Vendor(routes, allows=live.allows)


def of_tableau(vendor: Vendor, secret: str = SECRET) -> Connector:
    return connect(
        "tableau", {"url": vendor.url, "site": "harbor", "token_name": "docent"}, {"token": secret}
    )


def test_tableau() -> None:
    sent = []
    for size in (3, 90, 250):
        with serve(tableau(Live("x-tableau-auth"), size)) as vendor:
            assert of_tableau(vendor).check() == f"Tableau answers: {size} workbooks"
            vendor.asked.clear()
            records = list(of_tableau(vendor).extract())
            sent.append(len(vendor.asked))
    assert sent == [11, 11, 13]
    assert [each.what for each in records if isinstance(each, Unread)] == [
        "virtual connections (older servers have none)"
    ]
    found = assets(records)
    assert (
        found["w0"].name == ODD
        and found["w0"].parent == "project/b"
        and found["project/b"].parent == "project/t"
    )
    assert found["w0"].owners == ("priya@harbor.example",) and found["d1"].popularity == 42.0
    assert found["d1"].url == f"{vendor.url}/#/site/harbor/views/b/Board"
    assert found["p1"].columns[1].default == "[net] * 0.2" and found["p1"].tags == ("core",)
    assert found["q1"].dialect == "postgres" and len(found) == 250 + 2 + 5
    assert edges(records) == {
        ("shop.sales.orders", "p1"), ("shop.sales.orders", "q1"), ("q1", "p1"), ("p1", "e1"), ("e1", "s1"), ("s1", "d1"),
    }  # fmt: skip


def test_tableau_takes_the_schema_from_the_full_name_where_a_connection_tells_none() -> None:
    told = [
        {"name": "CYCLE", "fullName": "[LONDON].[CYCLE]", "schema": "", "database": {"name": "DEV", "connectionType": "snowflake"}},
        {"name": "plain", "fullName": "plain", "schema": None, "database": None},
        {"name": "[dbo].[odd [x]", "database": {"name": "shop"}},
        {"name": "[dbo].[both]", "schema": "dbo", "fullName": "[dbo].[both]", "database": {"name": "shop"}},
    ]  # fmt: skip
    vendor = tableau(Live("x-tableau-auth"))
    graphql = vendor.routes["POST /api/metadata/graphql"]

    def answer(asked: Asked) -> Any:
        found = graphql(asked)
        for each in found.get("data", {}).get("publishedDatasourcesConnection", {}).get("nodes", ()):
            each["upstreamTables"] = told
        return found

    vendor.routes["POST /api/metadata/graphql"] = answer
    with serve(vendor):
        found = edges(list(of_tableau(vendor).extract()))
    assert {("DEV.LONDON.CYCLE", "p1"), ("plain", "p1"), ("shop.dbo.both", "p1")} <= found


def test_tableau_halves_a_page_that_the_server_cut_and_tells_projects_of_one_name_apart() -> None:
    vendor = tableau(Live("x-tableau-auth"), 250)
    whole, sizes = vendor.routes["POST /api/metadata/graphql"], []
    base = "/api/3.24/sites/site-1"
    twins = [{"id": "t", "name": "Default"}, {"id": "b", "name": "Default", "parentProjectId": "t"}]
    vendor.routes[f"GET {base}/projects"] = lambda asked: {"projects": {"project": twins}}

    def cut(asked: Asked) -> Any:
        answer = whole(asked)
        if (
            "workbooksConnection" not in answer.get("data", {})
            or "nodes" not in answer["data"]["workbooksConnection"]
        ):
            return answer
        nodes = answer["data"]["workbooksConnection"]["nodes"]
        nodes[:] = [{**each, "projectName": "Default", "projectLuid": "b"} for each in nodes]
        sizes.append(asked.json["variables"]["first"])
        if sizes[-1] > 30:
            del nodes[30:]
            answer["errors"] = [
                {"message": "x", "extensions": {"severity": "WARNING", "code": "NODE_LIMIT_EXCEEDED"}}
            ]
        return answer

    vendor.routes["POST /api/metadata/graphql"] = cut
    with serve(vendor):
        found = assets(list(of_tableau(vendor).extract()))
    assert sizes[:3] == [100, 50, 25] and len([key for key in found if key.startswith("w")]) == 250
    assert found["w249"].parent == "project/b" and found["p1"].parent is None


# --- Looker ----------------------------------------------------------------------------------------------------------


def looker(live: Live, size: int = 3, most: int = 1000) -> Vendor:
    explore = {
        "name": "orders", "label": ODD, "description": "Every order", "sql_table_name": 'shop.sales."orders"', "view_name": "orders",
        "joins": [{"name": "customers"}],
        "fields": {"dimensions": [{"name": "orders.id", "type": "number", "sql": "${TABLE}.id", "view": "orders"}],
                   "measures": [{"name": "orders.net", "type": "sum", "sql": "${TABLE}.net ", "tags": ["core"]}]},
    }  # fmt: skip
    query = {"model": "harbor", "view": "orders"}
    looks = [
        {"id": str(n), "title": f"Look {n}", "folder": {"id": "7", "name": "Top"}, "user_id": "1", "query": query, "view_count": n,
         "updated_at": "2026-05-01T10:00:00Z", "deleted": n == 2} for n in range(size)
    ]  # fmt: skip
    board = {"id": "b", "title": "Board", "folder": {"id": "8", "name": "Below"}, "user_id": "1",
             "dashboard_elements": [{"look_id": "1"}, {"query": query}, {"query": {"model": "gone", "view": "x"}}]}  # fmt: skip

    def page(rows: list[Any]) -> Callable[[Asked], Any]:
        return lambda asked: rows[int(asked.query["offset"]) :][: min(int(asked.query["limit"]), most)]

    def login(asked: Asked) -> Any:
        if asked.form["client_secret"] != SECRET:
            return Answer(404, {"message": "CANARY"})  # so says the specification
        return {"access_token": live.token(), "expires_in": 3600}

    def one(asked: Asked) -> Any:
        assert "enumerations" not in asked.query["fields"] and "suggest" not in asked.query["fields"]
        return explore if asked.path.endswith("/orders") else Answer(404, {})

    models = [
        {"name": "harbor", "project_name": "shop", "explores": [{"name": "orders"}, {"name": "broken one"}]}
    ]
    base = "/api/4.0"
    routes: dict[str, Callable[[Asked], Any]] = {
        f"POST {base}/login": login,
        f"GET {base}/user": lambda asked: {"display_name": "Docent"},
        f"GET {base}/folders": lambda asked: [
            {"id": "7", "name": "Top"},
            {"id": "8", "name": "Below", "parent_id": "7"},
        ],
        f"GET {base}/users/search": page([{"id": "1", "email": "priya@harbor.example"}]),
        f"GET {base}/lookml_models": lambda asked: models,
        f"GET {base}/lookml_models/*": one,
        f"GET {base}/connections": lambda asked: Answer(404, {}),
        f"GET {base}/looks/search": page(looks),
        f"GET {base}/dashboards/search": page([board]),
    }
    return Vendor(routes, allows=live.allows)


def of_looker(vendor: Vendor, secret: str = SECRET) -> Connector:
    return connect("looker", {"url": vendor.url, "client_id": "id"}, {"client_secret": secret})


def test_looker_may_give_shorter_pages_than_are_asked_for() -> None:
    with serve(looker(Live("authorization"), 40, most=7)) as vendor:
        records = list(of_looker(vendor).extract())
    looks = {each.key for each in records if isinstance(each, Asset) and each.key.startswith("look/")}
    assert looks == {f"look/{n}" for n in range(40) if n != 2}


def test_looker() -> None:
    sent = []
    for size in (3, 400, 1200):
        with serve(looker(Live("authorization"), size)) as vendor:
            assert of_looker(vendor).check() == "Looker answers; signed in as Docent"
            vendor.asked.clear()
            records = list(of_looker(vendor).extract())
            sent.append(len(vendor.asked))
    assert sent == [13, 13, 15]  # of each search one more than it has pages: a short one need not be the last
    found = assets(records)
    explore = found["explore/harbor::orders"]
    assert (
        explore.name == ODD
        and explore.parent == "model/harbor"
        and explore.properties["joins"] == "customers"
    )
    assert [(c.name, c.native_type, c.default) for c in explore.columns] == [
        ("orders.id", "dimension number", "${TABLE}.id"), ("orders.net", "measure sum", "${TABLE}.net ")]  # fmt: skip
    assert "look/2" not in found and found["look/1"].owners == ("priya@harbor.example",)
    assert found["folder/8"].parent == "folder/7" and found["dashboard/b"].parent == "folder/8"
    here = "explore/harbor::orders"
    assert {
        ("shop.sales.orders", here), ("shop.sales.orders.id", f"{here}#orders.id"), ("shop.sales.orders.net", f"{here}#orders.net"),
        (here, "look/1"), (here, "dashboard/b"), ("look/1", "dashboard/b"),
    } <= edges(records)  # fmt: skip


# --- Power BI --------------------------------------------------------------------------------------------------------


def powerbi(live: Live, size: int = 3) -> Vendor:
    scans: dict[str, list[str]] = {}
    m = 'let Source = PostgreSQL.Database("db.harbor.example", "shop"), t = Source{[Schema="sales",Item="orders"]}[Data] in t'
    steps = 'let a = Snowflake.Databases("x"), b = a{[Name="SHOP",Kind="Database"]}[Data], c = b{[Name="S",Kind="Schema"]}[Data], d = c{[Name="T",Kind="Table"]}[Data] in d'

    def space(id: str) -> dict[str, Any]:
        tables = [
            {"name": "Orders", "source": [{"expression": m}], "columns": [{"name": "net", "dataType": "Double"}],
             "measures": [{"name": "Revenue", "expression": "SUM(Orders[net])", "description": "All of it"}]},
            {"name": "T", "source": [{"expression": steps}], "columns": []},
        ]  # fmt: skip
        return {
            "id": id, "name": ODD if id == "0" else f"Space {id}", "state": "Active",
            "datasets": [{"id": f"m{id}", "name": "Model", "tables": tables, "configuredBy": "priya@harbor.example"}],
            "reports": [{"id": f"r{id}", "name": "Report", "datasetId": f"m{id}", "modifiedDateTime": "2026-05-01T10:00:00.123"}],
            "dashboards": [{"id": f"d{id}", "displayName": "Board", "tiles": [{"reportId": f"r{id}"}]}],
        }  # fmt: skip

    def start(asked: Asked) -> Any:
        assert asked.query["datasetSchema"] == "True" and len(asked.json["workspaces"]) <= 100
        scans[f"scan{len(scans)}"] = asked.json["workspaces"]
        return Answer(202, {"id": f"scan{len(scans) - 1}", "status": "NotStarted"})

    def token(asked: Asked) -> Any:
        if asked.form["client_secret"] != SECRET:
            return Answer(401, {"error_description": "CANARY"})
        return {"access_token": live.token()}

    base = "/v1.0/myorg/admin/workspaces"
    routes: dict[str, Callable[[Asked], Any]] = {
        "POST /harbor/oauth2/v2.0/token": token,
        f"GET {base}/modified": lambda asked: [{"id": str(n)} for n in range(size)],
        f"POST {base}/getInfo": start,
        f"GET {base}/scanStatus/*": lambda asked: {"id": asked.path.rsplit("/", 1)[1], "status": "Succeeded"},
        f"GET {base}/scanResult/*": lambda asked: {
            "workspaces": [space(id) for id in scans[asked.path.rsplit("/", 1)[1]]]
        },
    }
    return Vendor(routes, allows=live.allows)


def of_powerbi(vendor: Vendor, secret: str = SECRET) -> Connector:
    settings = {"tenant": "harbor", "client_id": "id", "url": vendor.url, "sign_in_url": vendor.url}
    return connect("powerbi", settings, {"client_secret": secret})


def test_a_store_of_metadata_that_is_still_being_made_ends_the_run() -> None:
    """Tableau says so in a warning beside an answer that may lack things (Metadata API, common errors)."""
    vendor = tableau(Live("x-tableau-auth"))
    whole = vendor.routes["POST /api/metadata/graphql"]
    warning = {"extensions": {"severity": "WARNING", "code": "BACKFILL_RUNNING"}, "message": "CANARY"}
    vendor.routes["POST /api/metadata/graphql"] = lambda asked: {**whole(asked), "errors": [warning]}
    with serve(vendor), pytest.raises(SourceInterrupted, match="still making") as error:
        list(of_tableau(vendor).extract())
    assert "CANARY" not in str(error.value)


def test_a_tenant_without_enhanced_admin_apis_is_read_as_far_as_it_tells() -> None:
    vendor = powerbi(Live("authorization"))
    scan = vendor.routes["POST /v1.0/myorg/admin/workspaces/getInfo"]

    def plain(asked: Asked) -> Any:
        if "datasetSchema" in asked.query:
            return Answer(
                400, {"error": {"code": "BadRequest", "message": "CANARY: the tenant setting is off"}}
            )
        asked.query["datasetSchema"] = "True"  # what the route above insists on
        return scan(asked)

    vendor.routes["POST /v1.0/myorg/admin/workspaces/getInfo"] = plain
    with serve(vendor):
        records = list(of_powerbi(vendor).extract())
    told = [each.what for each in records if isinstance(each, Unread)]
    assert [each for each in told if "enhanced admin APIs" in each] and "CANARY" not in repr(told)
    assert {"workspace/0", "report/r0", "dashboard/d0"} <= {
        each.key for each in records if isinstance(each, Asset)
    }


def test_powerbi() -> None:
    sent = []
    for size in (3, 90, 250):
        with serve(powerbi(Live("authorization"), size)) as vendor:
            assert of_powerbi(vendor).check() == f"Power BI answers: {size} workspaces to scan"
            vendor.asked.clear()
            records = list(of_powerbi(vendor).extract())
            sent.append(len(vendor.asked))
    assert sent == [6, 6, 12]
    found = assets(records)
    assert found["workspace/0"].name == ODD and found["dataset/m1"].owners == ("priya@harbor.example",)
    assert (
        found["dataset/m1/Orders"].columns[0].name == "net"
        and found["dataset/m1/Orders"].parent == "dataset/m1"
    )
    assert found["dataset/m1/Orders/Revenue"].definition == "SUM(Orders[net])"
    assert {
        ("shop.sales.orders", "dataset/m1/Orders"), ("SHOP.S.T", "dataset/m1/T"), ("dataset/m1/Orders", "dataset/m1"),
        ("dataset/m1", "report/r1"), ("report/r1", "dashboard/d1"),
    } <= edges(records)  # fmt: skip


def test_powerbi_follows_shared_expressions_and_dataflows() -> None:
    """As the vendor's own example of a scan result has it: a table that names a shared expression, dataflows above it."""
    shared = [
        {"name": "Revenues", "description": "All", "expression": 'let\n    Source = Sql.Database("db.example", "DW"),\n'
         '    T = Source{[Schema="dbo",Item="Revenue"]}[Data]\nin\n    T'},
        {"name": "With space", "expression": 'let a = Revenues in a'},
        {"name": "Key", "expression": '"CANARY-VALUE" meta [IsParameterQuery=true, Type="Text"]'},
    ]  # fmt: skip
    tables = [
        {"name": "A", "isHidden": False, "source": [{"expression": "let\n    Source = Revenues,\n    P = Key\nin\n    Source"}]},
        {"name": "B", "source": [{"expression": 'let Source = #"With space" in Source'}], "measures": [], "columns": [
            {"name": "RowNumber-26", "dataType": "Int64", "isHidden": True}]},
        {"name": "C", "source": [{"expression": 'let Source = "Revenues" in Source'}]},
    ]  # fmt: skip
    flow = {"targetDataflowId": "f1", "groupId": "g"}
    space = {
        "id": "0", "name": "V2 shared", "type": "Workspace", "state": "Active", "isOnDedicatedCapacity": True,
        "datasets": [{"id": "m", "name": "ExportB", "tables": tables, "expressions": shared, "relationships": [],
                      "upstreamDataflows": [flow, {"targetDataflowId": None}], "roles": [{"name": "Teams"}]}],
        "dataflows": [{"objectId": "f1", "name": "Azure SQL", "description": "A flow", "configuredBy": "j@x.example",
                       "modifiedDateTime": "2020-06-16T08:27:47.783Z"}],
        "datamarts": [{"id": "dm", "UpstreamDataflows": []}], "reports": None, "users": [],
    }  # fmt: skip
    vendor = powerbi(Live("authorization"), 1)
    vendor.routes["GET /v1.0/myorg/admin/workspaces/scanResult/*"] = lambda asked: {
        "workspaces": [space], "datasourceInstances": [], "misconfiguredDatasourceInstances": [],
    }  # fmt: skip
    with serve(vendor):
        records = list(of_powerbi(vendor).extract())
    found = assets(records)
    assert found["dataflow/f1"].owners == ("j@x.example",) and found["dataflow/f1"].parent == "workspace/0"
    assert {
        ("DW.dbo.Revenue", "dataset/m/A"), ("DW.dbo.Revenue", "dataset/m/B"), ("dataflow/f1", "dataset/m"),
    } <= edges(records)  # fmt: skip
    assert not any(down == "dataset/m/C" for _, down in edges(records)) and "CANARY" not in repr(records)


def test_powerbi_says_that_a_scan_failed() -> None:
    vendor = powerbi(Live("authorization"))
    vendor.routes["GET /v1.0/myorg/admin/workspaces/scanStatus/*"] = lambda asked: {
        "id": "x",
        "status": "Failed",
        "error": "CANARY",
    }
    with serve(vendor), pytest.raises(PermissionMissing) as refused:
        list(of_powerbi(vendor).extract())
    assert "CANARY" not in str(refused.value)


# --- all three -------------------------------------------------------------------------------------------------------

Case = tuple[Callable[..., Vendor], Callable[..., Connector], str]
CASES = [
    pytest.param((tableau, of_tableau, "x-tableau-auth"), id="tableau"),
    pytest.param((looker, of_looker, "authorization"), id="looker"),
    pytest.param((powerbi, of_powerbi, "authorization"), id="powerbi"),
]


@pytest.mark.parametrize("case", CASES)
def test_a_token_that_runs_out_and_a_server_that_throttles(case: Case) -> None:
    make, connector, header = case
    with serve(make(Live(header))) as vendor:
        whole = list(connector(vendor).extract())
    live = Live(header, uses=2)
    with serve(make(live)) as vendor:
        vendor.asked.clear()
        assert [each for each in connector(vendor).extract() if isinstance(each, Asset)]
        assert live.made >= 2
    with serve(make(Live(header))) as vendor:
        records = connector(vendor).extract()
        kept = [next(records)]
        kept.append(next(records))
        vendor.faults[:] = [Answer(429, {}, {"Retry-After": "0"}), Answer(503, {}, {"Retry-After": "0"})]
        assert {repr(each).replace(vendor.url, "") for each in [*kept, *records]} == {
            re.sub(r"http://127.0.0.1:\d+", "", repr(each)) for each in whole
        }


@pytest.mark.parametrize("case", CASES)
def test_errors_say_no_secret_and_no_word_of_the_server(case: Case) -> None:
    make, connector, header = case
    with serve(make(Live(header), 150)) as vendor:
        with pytest.raises(SignInRefused) as refused:
            connector(vendor, "wrong-" + SECRET).check()
        assert SECRET not in str(refused.value) and "CANARY" not in str(refused.value)
        records = connector(vendor).extract()
        next(records), next(records)
        vendor.faults[:] = [Answer(drop=True)]
        with pytest.raises(SourceInterrupted, match="dropped"):
            list(records)
        for body in (b"<html>CANARY", {"message": "CANARY"}):
            status = 200 if isinstance(body, bytes) else 500  # which is tried three times
            vendor.faults[:] = [Answer(status, body, {"Retry-After": "0"})] * 3
            with pytest.raises(Exception) as error:
                connector(vendor).check()
            assert "CANARY" not in str(error.value)
