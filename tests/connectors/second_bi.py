"""Second servers of Metabase and Power BI, as in second_servers.py.

Metabase: its OpenAPI document, https://www.metabase.com/docs/latest/api, and the API changelog (MBQL 5 since 0.57). Power BI:
sdk/swaggers/swagger.json of github.com/microsoft/PowerBI-CSharp and https://learn.microsoft.com/rest/api/power-bi/admin.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.connectors.second_servers import SECRET, Second
from tests.connectors.vendor_server import Answer, Asked, Vendor

# --- Metabase ---------------------------------------------------------------------------------------------------------


def metabase() -> Second:
    """0.57: MBQL 5 beside cards that an older release wrote, models, metrics, a personal collection, a trash, a dashboard's tab."""
    person = {
        "id": 3,
        "email": "priya@harbor.example",
        "first_name": "Priya",
        "last_name": None,
        "common_name": "Priya",
        "is_superuser": False,
    }
    collections: list[Any] = [
        {"id": "root", "name": "Our analytics", "can_write": False, "is_personal": False, "authority_level": None},
        {"id": 4, "name": "Vertrieb", "description": None, "slug": "vertrieb", "location": "/", "archived": False, "personal_owner_id": None,
         "is_personal": False, "authority_level": "official", "entity_id": "Zz0_", "type": None, "namespace": None},
        {"id": 5, "name": "Größe & Ähnliches", "location": "/4/", "archived": False, "personal_owner_id": None, "effective_ancestors": None},
        {"id": 8, "name": "Priya's Personal Collection", "location": "/", "archived": False, "personal_owner_id": 3, "is_personal": True},
        {"id": 9, "name": "Trash", "location": "/", "archived": False, "type": "trash"},
        {"id": 10, "name": "Thrown away", "location": "/9/", "archived": True, "archived_directly": True},
    ]  # fmt: skip
    fingerprint = {
        "global": {"distinct-count": 4},
        "type": {"type/Text": {"average-length": "CANARY"}, "type/Number": {"min": "CANARY"}},
    }
    column = {"name": "STATE", "display_name": "State", "base_type": "type/Text", "fingerprint": fingerprint, "description": "Zustand",
              "semantic_type": "type/State", "field_ref": ["field", 71, None], "id": 71}  # fmt: skip

    def mbql(*stages: Any, database: int = 2) -> dict[str, Any]:
        return {
            "lib/type": "mbql/query",
            "database": database,
            "stages": list(stages),
            "lib.convert/converted?": None,
        }

    def stage(**members: Any) -> dict[str, Any]:
        return {"lib/type": "mbql.stage/mbql", **members}

    def card(key: int, name: str, query: Any, **more: Any) -> dict[str, Any]:
        return {"id": key, "name": name, "description": None, "display": "bar", "type": "question", "archived": False, "collection_id": 4,
                "creator": person, "creator_id": 3, "database_id": 2, "table_id": None, "dataset_query": query, "query_type": None,
                "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-10-02T08:00:00.123Z", "view_count": 12, "entity_id": f"e{key}",
                "result_metadata": [column], "visualization_settings": {"text": "CANARY"}, "parameters": [{"default": "CANARY"}],
                "last-edit-info": None, "dashboard_id": None, "enable_embedding": False, "public_uuid": None, **more}  # fmt: skip

    amount = ["field", {"lib/uuid": "u", "base-type": "type/Decimal"}, 72]
    joined = stage(**{
        "source-table": 20,
        "joins": [{"lib/type": "mbql/join", "alias": "C", "conditions": [], "stages": [stage(**{"source-table": 21})]}],
        "filters": [["=", {"lib/uuid": "u"}, amount, "CANARY-FILTER"]],
        "aggregation": [["sum", {"lib/uuid": "u"}, amount]],
    })  # fmt: skip
    native = {"lib/type": "mbql.stage/native", "native": "SELECT state FROM mart.orders o JOIN {{#101-model}} m ON true WHERE x = 'open'",
              "template-tags": {"#101-model": {"type": "card", "card-id": 101, "name": "#101-model", "display-name": "m"},
                                "day": {"type": "date", "name": "day", "default": "CANARY"}}}  # fmt: skip
    older = {"type": "native", "database": 2, "native": {"query": "SELECT * FROM mart.customers [[WHERE c = {{c}}]]", "template-tags": {
        "c": {"type": "text", "name": "c", "default": "CANARY"}}}}  # fmt: skip
    cards: list[Any] = [
        card(100, "Umsatz je Land", mbql(joined), table_id=20, query_type="query"),
        card(101, "Clean orders", mbql(stage(**{"source-table": 20})), type="model", display="table", collection_id=5, description="Ein Modell"),
        card(102, "Revenue", mbql(stage(**{"source-table": 20, "aggregation": [["sum", {}, amount]]})), type="metric", collection_id=None),
        card(103, "By hand", mbql(native), query_type="native"),
        card(104, "On a model", mbql(stage(**{"source-card": 101}), stage(**{"aggregation": [["count", {}]]})), creator=None, creator_id=None),
        card(105, "Written long ago", older, query_type="native", collection=None),
        card(106, "Legacy on a card", {"type": "query", "database": 2, "query": {"source-table": "card__101", "joins": [{"source-table": 21, "alias": "x"}]}}),
        card(107, "In a dashboard only", mbql(stage(**{"source-table": 21})), dashboard_id=60, collection_id=5),
        card(108, "Old", mbql(stage(**{"source-table": 21})), archived=True, collection_id=9),
        card(109, "Priya's own", mbql(stage(**{"source-table": 21})), collection_id=8),
        card(110, "Nothing known", {}, database_id=None, result_metadata=None, display=None),
    ]  # fmt: skip
    table = {
        "db_id": 2,
        "schema": "mart",
        "active": True,
        "visibility_type": None,
        "display_name": "x",
        "description": None,
        "rows": None,
    }
    tables = [{**table, "id": 20, "name": "orders"}, {**table, "id": 21, "name": "customers"}]
    databases = [
        {"id": 1, "name": "Sample Database", "engine": "h2", "is_sample": True, "details": None, "tables": []},
        {"id": 2, "name": "Lager", "engine": "postgres", "is_sample": False, "dbms_version": None, "tables": tables,
         "details": {"dbname": "shop", "host": "CANARY-HOST", "password": "**MetabasePass**"}, "native_permissions": "none"},
        {"id": -1337, "name": "Saved Questions", "is_saved_questions": True, "features": ["basic-aggregations"]},
    ]  # fmt: skip
    whole = {
        60: {"id": 60, "name": "Tagesübersicht", "description": "Every morning", "collection_id": 4, "creator_id": 3, "archived": False,
             "updated_at": "2026-11-01T10:00:00Z", "view_count": 77, "parameters": [{"id": "p", "default": "CANARY"}], "tabs": [{"id": 1, "name": "T"}],
             "dashcards": [
                 {"id": 1, "card_id": 100, "card": cards[0], "series": [{"id": 104, "name": "On a model"}], "dashboard_tab_id": 1},
                 {"id": 2, "card_id": 107, "card": cards[7], "series": []},
                 {"id": 3, "card_id": None, "card": None, "visualization_settings": {"text": "CANARY", "virtual_card": {"display": "text"}}},
                 {"id": 4, "card_id": 999, "card": {"query_average_duration": None}, "series": None}]},
        61: {"id": 61, "name": "Leer", "collection_id": None, "creator_id": None, "archived": False, "dashcards": []},
        62: {"id": 62, "name": "Old board", "collection_id": 9, "archived": True, "dashcards": []},
    }  # fmt: skip

    def boards(asked: Asked) -> Any:
        found = [{**{k: v for k, v in each.items() if k not in ("dashcards", "tabs")}, "creator": person if each.get("creator_id") else None}
                 for each in whole.values()]  # fmt: skip
        archived = asked.query.get("f") == "archived"
        return [each for each in found if each["archived"] is archived]

    def database(asked: Asked) -> Any:
        key = asked.path.split("/")[3]
        found = next((each for each in databases if str(each["id"]) == key), None)
        if not found:
            return Answer(404, b"Not found.", {"Content-Type": "text/plain"})
        return (
            found
            if key == "2"
            else Answer(403, b"You don't have permissions to do that.", {"Content-Type": "text/plain"})
        )

    def listed(asked: Asked) -> Any:
        include = asked.query.get("include") == "tables"
        rows = [each if include else {k: v for k, v in each.items() if k != "tables"} for each in databases]
        if asked.query.get("saved") != "true":
            rows = rows[:2]
        return {"data": rows, "total": len(rows)}

    def archived_or_not(things: list[Any]) -> Callable[[Asked], Any]:
        return lambda asked: [each for each in things if bool(each.get("archived")) is (
            asked.query.get("archived") == "true" or asked.query.get("f") == "archived")]  # fmt: skip

    def one(things: list[Any]) -> Callable[[Asked], Any]:
        return lambda asked: next(
            (each for each in things if str(each["id"]) == asked.path.split("/")[3]),
            Answer(404, "Not found."),
        )

    routes = {
        "GET /api/collection": archived_or_not(collections),
        "GET /api/collection/": archived_or_not(collections),
        "GET /api/card": archived_or_not(cards),
        "GET /api/card/": archived_or_not(cards),
        "GET /api/card/*": one(cards),
        "GET /api/dashboard": boards,
        "GET /api/dashboard/": boards,
        "GET /api/dashboard/*": lambda asked: whole.get(
            int(asked.path.split("/")[3]), Answer(404, "Not found.")
        ),
        "GET /api/database": listed,
        "GET /api/database/": listed,
        "GET /api/database/*": database,
        "GET /api/table": lambda asked: tables,
        "GET /api/user/current": lambda asked: {**person, "id": 30, "common_name": "Docent"},
        "GET /api/session/properties": lambda asked: {
            "version": {"tag": "v0.57.2", "date": None},
            "site-name": "Harbor",
        },
    }
    allows = lambda asked: asked.headers.get("x-api-key") == SECRET or asked.path == "/api/session/properties"  # noqa: E731
    return Second(Vendor(routes, allows=allows), {"api_key": SECRET})


# --- Power BI ---------------------------------------------------------------------------------------------------------


def powerbi() -> Second:
    """Personal and deleted workspaces, a model without its schema, expressions of all kinds, reports on models elsewhere, paginated ones."""
    ids = [f"0000000{n}-0000-4000-8000-000000000000" for n in range(1, 5)]
    steps = 'let\n Source = Snowflake.Databases("acme.snowflakecomputing.com", "WH"),\n DB = Source{[Name="ANALYTICS",Kind="Database"]}[Data],\n S = DB{[Name="MART",Kind="Schema"]}[Data],\n T = S{[Name="ORDERS",Kind="Table"]}[Data]\nin T'
    native = 'let Source = Value.NativeQuery(PostgreSQL.Database("host", "shop"), "select *#(lf)from public.""customers"" where mail = \'x@y\'") in Source'
    user = {
        "emailAddress": "priya@harbor.example",
        "displayName": "Priya",
        "identifier": "priya@harbor.example",
        "graphId": "g",
        "principalType": "User",
    }
    model = {
        "id": "m1", "name": "Vertrieb – Größe", "configuredBy": "priya@harbor.example", "configuredById": "x", "createdDate": "2026-01-01T00:00:00", "contentProviderType": "PbixInImportMode",
        "description": "One truth", "targetStorageMode": "Abf", "isEffectiveIdentityRequired": False, "endorsementDetails": {"endorsement": "Certified", "certifiedBy": "jo@harbor.example"},
        "sensitivityLabel": {"labelId": "l1"}, "datasourceUsages": [{"datasourceInstanceId": "i1"}], "upstreamDataflows": [{"targetDataflowId": "f1", "groupId": ids[0]}],
        "expressions": [{"name": "Server", "expression": '"CANARY-HOST" meta [IsParameterQuery=true]', "description": None}], "roles": [{"name": "R", "tablePermissions": [{"filterExpression": "CANARY"}]}],
        "tables": [
            {"name": "Orders", "isHidden": False, "description": "Bestellungen", "source": [{"expression": steps}], "columns": [
                {"name": "Id", "dataType": "Int64", "isHidden": False, "columnType": "Data"}, {"name": "Quote", "dataType": "Double", "isHidden": True, "columnType": "Calculated", "expression": "DIVIDE(1,2)"}],
             "measures": [{"name": "Umsatz", "expression": 'CALCULATE(SUM(Orders[Amount]), Orders[State] = "open")', "description": "Summe", "isHidden": False, "formatString": None}]},
            {"name": "Customers", "source": [{"expression": native}], "columns": [{"name": "Mail", "dataType": "String"}], "measures": None, "isHidden": None},
            {"name": "Kalender", "source": None, "columns": [], "measures": []},
        ],
    }  # fmt: skip
    empty = {"id": "m2", "name": "No schema", "configuredBy": None, "schemaRetrievalError": "Dataset schema retrieval failed", "schemaMayNotBeUpToDate": True, "targetStorageMode": "Unknown",
             "upstreamDatasets": [{"targetDatasetId": "m1", "groupId": ids[0]}], "upstreamDatamarts": [{"targetDatamartId": "a1", "groupId": ids[0]}]}  # fmt: skip
    workspaces = {
        ids[0]: {"id": ids[0], "name": "Vertrieb", "type": "Workspace", "state": "Active", "isOnDedicatedCapacity": True, "capacityId": "c", "description": "",
                 "datasets": [model, empty],
                 "reports": [
                     {"id": "r1", "name": "Tagesübersicht", "datasetId": "m1", "datasetWorkspaceId": ids[0], "reportType": "PowerBIReport", "createdBy": "priya@harbor.example", "modifiedBy": "jo@harbor.example",
                      "modifiedDateTime": "2026-10-02T08:00:00.123", "createdDateTime": "2026-01-01T00:00:00", "description": "Jeden Morgen", "users": [user], "endorsementDetails": None},
                     {"id": "r2", "name": "[App] Tagesübersicht", "datasetId": "m1", "appId": "a1", "originalReportId": "r1", "reportType": "PowerBIReport"},
                     {"id": "r3", "name": "Seiten", "reportType": "PaginatedReport", "datasetId": None, "modifiedDateTime": None}],
                 "dashboards": [{"id": "b1", "displayName": "Cockpit", "isReadOnly": False, "tiles": [
                     {"id": "k1", "title": "CANARY-TITLE", "reportId": "r1", "datasetId": "m1"}, {"id": "k2", "title": None, "datasetId": "m2"}, {"id": "k3"}], "users": []},
                     {"id": "b2", "displayName": "Leer", "tiles": None}],
                 "dataflows": [{"objectId": "f1", "name": "Rohdaten", "description": None, "configuredBy": "priya@harbor.example", "modifiedDateTime": "2026-10-02T08:00:00Z", "modelUrl": "https://x/CANARY",
                                "datasourceUsages": [{"datasourceInstanceId": "i1"}], "upstreamDataflows": []}],
                 "datamarts": [{"id": "a1", "name": "Markt", "type": "Sql", "description": None, "configuredBy": "priya@harbor.example", "modifiedDateTime": "2026-10-02T08:00:00Z",
                                "upstreamDataflows": [{"targetDataflowId": "f1", "groupId": ids[0]}], "upstreamDatamarts": [], "users": [user]}], "users": [user]},
        ids[1]: {"id": ids[1], "name": "Finance", "type": "Workspace", "state": "Active", "isOnDedicatedCapacity": False, "datasets": [],
                 "reports": [{"id": "r4", "name": "Across", "datasetId": "m1", "datasetWorkspaceId": ids[0], "reportType": "PowerBIReport"}], "dashboards": [], "dataflows": None},
        ids[2]: {"id": ids[2], "name": "PersonalWorkspace Priya", "type": "PersonalGroup", "state": "Active", "reports": [{"id": "r5", "name": "Mine", "datasetId": "m9"}], "datasets": [], "dashboards": []},
        ids[3]: {"id": ids[3], "name": "Deleted one", "type": "Workspace", "state": "Deleted", "reports": [], "datasets": [], "dashboards": []},
    }  # fmt: skip
    sources = [
        {
            "datasourceId": "i1",
            "datasourceType": "Extension",
            "gatewayId": "g",
            "connectionDetails": {
                "server": "acme.snowflakecomputing.com",
                "database": "ANALYTICS",
                "kind": "Snowflake",
                "path": "CANARY",
            },
        }
    ]
    state: dict[str, Any] = {"scans": {}, "looks": {}}

    def modified(asked: Asked) -> Any:
        found = list(workspaces.values())
        if asked.query.get("excludePersonalWorkspaces", "").lower() == "true":
            found = [each for each in found if each["type"] != "PersonalGroup"]
        if asked.query.get("excludeInActiveWorkspaces", "").lower() == "true":
            found = [each for each in found if each["state"] == "Active"]
        return [{"id": each["id"]} for each in found]

    def scan(asked: Asked) -> Any:
        wanted = asked.json["workspaces"]
        if not 1 <= len(wanted) <= 100:
            return Answer(400, {"error": {"code": "InvalidRequest"}})
        key = f"scan-{len(state['scans'])}"
        state["scans"][key] = (
            wanted,
            {name.lower(): value.lower() == "true" for name, value in asked.query.items()},
        )
        return Answer(202, {"id": key, "createdDateTime": "2026-11-20T00:00:00Z", "status": "NotStarted"})

    def status(asked: Asked) -> Any:
        key = asked.path.split("/")[-1]
        state["looks"][key] = state["looks"].get(key, 0) + 1
        return {
            "id": key,
            "createdDateTime": "2026-11-20T00:00:00Z",
            "status": "Running" if state["looks"][key] < 2 else "Succeeded",
        }

    def result(asked: Asked) -> Any:
        wanted, options = state["scans"][asked.path.split("/")[-1]]
        found = json.loads(json.dumps([workspaces[one] for one in wanted]))
        for each in found:
            for one in each.get("datasets") or ():
                if not options.get("datasetschema"):
                    one.pop("tables", None)
                if not options.get("datasetexpressions"):
                    one.pop("expressions", None)
                    for table in one.get("tables") or ():
                        table.pop("source", None)
        return {
            "workspaces": found,
            "datasourceInstances": sources if options.get("datasourcedetails") else [],
            "misconfiguredDatasourceInstances": [],
        }

    def sign_in(asked: Asked) -> Any:
        if asked.form.get("client_secret") != SECRET:
            return Answer(401, {"error": "invalid_client", "error_description": "AADSTS7000215: CANARY"})
        return {"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": "t1"}

    def activity(asked: Asked) -> Any:
        """Day by day, in pages that may be empty; who looked, and from where, stands beside it."""
        if "continuationToken" in asked.query:
            assert asked.query["continuationToken"] == "'LDIw+Q=='"
            events = [
                {
                    "Id": "e2",
                    "Activity": "ViewReport",
                    "ReportId": "R1",
                    "UserId": "jo@harbor.example",
                    "ClientIP": "CANARY",
                }
            ]
            return {
                "activityEventEntities": events,
                "continuationUri": None,
                "continuationToken": None,
                "lastResultSet": True,
            }
        times = [asked.query[each] for each in ("startDateTime", "endDateTime")]
        assert all(each[0] == each[-1] == "'" for each in times) and times[0][1:11] == times[1][1:11]
        told = {
            "activityEventEntities": [],
            "continuationUri": None,
            "continuationToken": None,
            "lastResultSet": True,
        }
        if asked.query["$filter"] == "Activity eq 'ViewReport'" and not state.get("viewed"):
            state["viewed"] = True
            return told | {"continuationUri": "https://x/CANARY", "continuationToken": "LDIw%2BQ%3D%3D", "activityEventEntities": [
                {"Id": "e1", "Activity": "ViewReport", "ReportId": "r1", "UserId": "priya@harbor.example", "UserAgent": "CANARY"}]}  # fmt: skip
        return told

    api = "/v1.0/myorg/admin/workspaces"
    routes: dict[str, Callable[[Asked], Any]] = {
        "POST /harbor/oauth2/v2.0/token": sign_in,
        f"GET {api}/modified": modified,
        "GET /v1.0/myorg/admin/activityevents": activity,
        f"POST {api}/getInfo": scan,
        f"GET {api}/scanStatus/*": status,
        f"GET {api}/scanResult/*": result,
    }

    def allows(asked: Asked) -> bool:
        return asked.path.endswith("/token") or asked.headers.get("authorization") == "Bearer t1"

    return Second(
        Vendor(routes, allows=allows),
        {"client_secret": SECRET},
        {"tenant": "harbor", "client_id": "docent", "sign_in_url": "URL"},
    )
