"""Second servers that speak GraphQL, as in second_servers.py: DataHub and Tableau.

DataHub: datahub-graphql-core/src/main/resources/*.graphql of github.com/datahub-project/datahub; the members below are those
of its types. Tableau: the reference of the Metadata API, https://help.tableau.com/current/api/metadata_api/en-us/reference,
its REST API for signing in, projects and views. A field that a type does not have is an error, as with the vendors.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.connectors.graphql import NoSuchField, arguments, chosen, read
from tests.connectors.second_servers import SECRET, Second
from tests.connectors.vendor_server import Answer, Asked, Vendor

# --- DataHub ----------------------------------------------------------------------------------------------------------

_ENTITY = set(
    "urn type lastIngested properties editableProperties ownership deprecation institutionalMemory status tags glossaryTerms "
    "dataPlatformInstance domain container parentContainers lineage relationships subTypes exists structuredProperties health".split()
)
DATAHUB = {
    "Dataset": _ENTITY | set("platform name schemaMetadata editableSchemaMetadata viewProperties fineGrainedLineages siblings "
                             "usageStats statsSummary datasetProfiles operations origin".split()),
    "Dashboard": _ENTITY | set("tool dashboardId platform inputFields usageStats".split()),
    "Chart": _ENTITY | set("tool chartId platform query inputFields".split()),
    "DataJob": _ENTITY | set("dataFlow jobId platform inputOutput runs".split()),
    "DataFlow": _ENTITY | set("orchestrator flowId cluster platform runs".split()),
    "GlossaryTerm": set("urn type ownership domain institutionalMemory name hierarchicalName properties glossaryTermInfo status "
                        "deprecation relationships parentNodes exists".split()),
    "SchemaMetadata": set("name platformUrn version cluster hash fields primaryKeys foreignKeys createdAt datasetUrn".split()),
    "SchemaField": set("fieldPath jsonPath label nullable description type nativeDataType recursive globalTags tags glossaryTerms "
                       "isPartOfKey isPartitioningKey jsonProps schemaFieldEntity".split()),
    "EditableSchemaFieldInfo": set("fieldPath description globalTags tags glossaryTerms".split()),
    "ForeignKeyConstraint": set("name foreignFields sourceFields foreignDataset".split()),
    "FineGrainedLineage": set("upstreams downstreams query transformOperation".split()),
    "Deprecation": set("deprecated decommissionTime note actor actorEntity replacement".split()),
    "CorpUser": set("urn type username properties editableProperties info status".split()),
    "CorpGroup": set("urn type name properties info".split()),
}  # fmt: skip


def datahub() -> Second:
    """Datasets of four platforms and an instance, keys, columns that people edited, fields with types in their paths, a flow."""

    def tag(name: str, shown: str | None = None) -> dict[str, Any]:
        return {"tag": {"urn": f"urn:li:tag:{name}", "properties": {"name": shown} if shown else None}}

    def term(name: str) -> dict[str, Any]:
        return {"term": {"urn": f"urn:li:glossaryTerm:{name}", "properties": {"name": name}}}

    def field(path: str, kind: str | None, **more: Any) -> dict[str, Any]:
        return {"__typename": "SchemaField", "fieldPath": path, "nativeDataType": kind, "nullable": False, "description": None,
                "tags": None, "glossaryTerms": None, "type": "STRING", "recursive": False, **more}  # fmt: skip

    def dataset(platform: str, name: str, **more: Any) -> dict[str, Any]:
        return {"__typename": "Dataset", "urn": f"urn:li:dataset:(urn:li:dataPlatform:{platform},{name},PROD)", "type": "DATASET", "name": name,
                "platform": {"name": platform}, "subTypes": None, "properties": None, "editableProperties": None, "ownership": None, "tags": None,
                "glossaryTerms": None, "schemaMetadata": None, "editableSchemaMetadata": None, "viewProperties": None, "deprecation": None,
                "dataPlatformInstance": None, "domain": None, "lineage": None, "fineGrainedLineages": None, "statsSummary": {"rowCount": "CANARY"},
                "datasetProfiles": [{"fieldProfiles": [{"min": "CANARY", "sampleValues": ["CANARY"]}]}], **more}  # fmt: skip

    customers = dataset("snowflake", "analytics.mart.customers", schemaMetadata={"__typename": "SchemaMetadata", "primaryKeys": None, "foreignKeys": [],
                        "fields": [field("id", "NUMBER")]})  # fmt: skip
    raw = dataset("kafka", "orders-größe", subTypes={"typeNames": ["Topic"]}, schemaMetadata={"__typename": "SchemaMetadata", "primaryKeys": [],
                  "foreignKeys": None, "fields": [field("[version=2.0].[type=struct].[type=string].state", None, nullable=True)]})  # fmt: skip
    orders = dataset(
        "snowflake", "analytics.mart.orders",
        properties={"name": "ORDERS", "description": "from the source", "lastModified": {"time": 0}, "customProperties": [{"key": "k", "value": "CANARY"}]},
        editableProperties={"description": "Jede Bestellung"},
        ownership={"owners": [
            {"owner": {"__typename": "CorpUser", "username": "priya", "properties": {"email": None, "displayName": "Priya"}}},
            {"owner": {"__typename": "CorpGroup", "name": "data-eng", "properties": None}},
            {"owner": {"__typename": "CorpUser", "username": "jo", "properties": None}}]},
        tags={"tags": [tag("pii", "PII"), tag("no-name")]}, glossaryTerms={"terms": [term("Order")]},
        domain={"domain": {"properties": {"name": "Vertrieb"}}},
        deprecation={"__typename": "Deprecation", "deprecated": True, "note": "CANARY", "decommissionTime": None},
        schemaMetadata={"__typename": "SchemaMetadata", "primaryKeys": ["id"], "fields": [
            field("id", "NUMBER(38,0)"), field("state", "TEXT", nullable=True, description="from the source", tags={"tags": [tag("enum")]}),
            field("customer_id", "NUMBER")],
            "foreignKeys": [{"__typename": "ForeignKeyConstraint", "name": "fk", "sourceFields": [{"fieldPath": "customer_id"}],
                             "foreignFields": [{"fieldPath": "id"}], "foreignDataset": customers}, None]},
        editableSchemaMetadata={"editableSchemaFieldInfo": [{"__typename": "EditableSchemaFieldInfo", "fieldPath": "state", "description": "Zustand",
                                "tags": {"tags": [tag("checked", "Checked")]}, "glossaryTerms": {"terms": [term("State")]}}]},
        lineage={"relationships": [{"entity": {"urn": raw["urn"]}}, {"entity": {"urn": "urn:li:dataset:(not,ours,PROD)"}}, {"entity": None}]},
        fineGrainedLineages=[{"__typename": "FineGrainedLineage", "upstreams": [{"urn": raw["urn"], "path": "[version=2.0].[type=struct].[type=string].state"}],
                              "downstreams": [{"urn": "", "path": "state"}]}, {"__typename": "FineGrainedLineage", "upstreams": None, "downstreams": None}],
    )  # fmt: skip
    orders["fineGrainedLineages"][0]["downstreams"][0]["urn"] = orders["urn"]
    view = dataset("postgres", "eu-prod.shop.public.open_orders", dataPlatformInstance={"instanceId": "eu-prod"}, subTypes={"typeNames": ["View"]},
                   viewProperties={"logic": "SELECT 1", "language": "SQL", "materialized": False})  # fmt: skip
    older = dataset("mysql", "shop.legacy")
    flat = dataset("s3", "my-bucket/data/file.csv")
    shown = {"name": None, "description": None, "externalUrl": None}
    flow = {"__typename": "DataFlow", "urn": "urn:li:dataFlow:(airflow,nightly,prod)", "type": "DATA_FLOW", "properties": {**shown, "name": "nightly"},
            "editableProperties": None, "ownership": None, "tags": None, "glossaryTerms": None, "domain": None}  # fmt: skip
    job = {"__typename": "DataJob", "urn": f"urn:li:dataJob:({flow['urn']},load)", "type": "DATA_JOB", "properties": {**shown, "name": "load"}, "dataFlow": flow,
           "editableProperties": None, "ownership": None, "tags": None, "glossaryTerms": None, "domain": None,
           "lineage": {"relationships": [{"entity": {"urn": orders["urn"]}}]}}  # fmt: skip
    board = {"__typename": "Dashboard", "urn": "urn:li:dashboard:(looker,dashboards.5)", "type": "DASHBOARD", "properties": {**shown, "name": "Umsatz", "externalUrl": "https://x/5"},
             "editableProperties": {"description": "edited"}, "ownership": {"owners": None}, "tags": None, "glossaryTerms": None, "domain": None,
             "lineage": {"relationships": [{"entity": {"urn": "urn:li:chart:(looker,1)"}}]}}  # fmt: skip
    chart = {"__typename": "Chart", "urn": "urn:li:chart:(looker,1)", "type": "CHART", "properties": None, "editableProperties": None, "ownership": None, "tags": None,
             "glossaryTerms": None, "domain": None, "query": {"rawQuery": "CANARY"}, "lineage": {"relationships": [{"entity": {"urn": orders["urn"]}}]}}  # fmt: skip
    word = {"__typename": "GlossaryTerm", "urn": "urn:li:glossaryTerm:8f3e", "type": "GLOSSARY_TERM", "name": "8f3e", "hierarchicalName": "8f3e",
            "properties": {"name": "Bestellung", "description": None, "definition": "Was gekauft wurde", "termSource": "INTERNAL"}}  # fmt: skip
    known = {"DATASET": [orders, customers, raw, view, older, flat], "DASHBOARD": [board], "CHART": [chart], "DATA_JOB": [job], "DATA_FLOW": [flow],
             "GLOSSARY_TERM": [word]}  # fmt: skip

    def answer(asked: Asked) -> Any:
        given = arguments(asked.json["query"], asked.json["variables"], "scrollAcrossEntities")["input"]
        assert set(given) <= set(
            "types query scrollId keepAlive count orFilters viewUrn searchFlags sortInput".split()
        )
        rows = [each for kind in given["types"] for each in known.get(kind, [])]
        start = int(given["scrollId"]) if given.get("scrollId") else 0
        count = min(given["count"], 4)
        page = rows[start : start + count]
        told = {"nextScrollId": str(start + count) if start + count < len(rows) else None, "count": len(page), "total": len(rows),
                "searchResults": [{"entity": each, "matchedFields": []} for each in page], "facets": None}  # fmt: skip
        try:
            return {
                "data": chosen({"scrollAcrossEntities": told}, read(asked.json["query"]), DATAHUB, {}),
                "extensions": {},
            }
        except NoSuchField as error:
            return {"errors": [{"message": str(error), "extensions": {"classification": "ValidationError"}}]}

    return Second(
        Vendor(
            {"POST /api/graphql": answer},
            allows=lambda asked: asked.headers.get("authorization") == f"Bearer {SECRET}",
        ),
        {"token": SECRET},
    )


# --- Tableau ----------------------------------------------------------------------------------------------------------

_FIELD = set("id name description isHidden folderName datasource sheets fullyQualifiedName upstreamColumns upstreamFields upstreamTables "
             "upstreamDatabases upstreamDatasources referencedByFields hasReferences downstreamSheets".split())  # fmt: skip
_SOURCE = set("id name hasUserReference hasExtracts containsUnsupportedCustomSql extractLastRefreshTime extractLastIncrementalUpdateTime "
              "extractLastUpdateTime fields fieldsConnection datasourceFilters upstreamTables upstreamTablesConnection upstreamDatabases "
              "upstreamDatasources downstreamSheets downstreamDashboards downstreamWorkbooks createdAt updatedAt".split())  # fmt: skip
TABLEAU = {
    "Workbook": set("id luid name description projectName projectLuid projectVizportalUrlId uri vizportalUrlId createdAt updatedAt owner site sheets "
                    "dashboards views embeddedDatasources upstreamTables upstreamDatasources upstreamDatabases tags containsUnsupportedCustomSql "
                    "parameters hasActiveWarning dataQualityWarnings".split()),
    "PublishedDatasource": _SOURCE | set("luid description projectName projectLuid uri vizportalId vizportalUrlId owner site tags isCertified certifier "
                                         "certifierDisplayName certificationNote parameters remoteType hasActiveWarning dataQualityWarnings".split()),
    "EmbeddedDatasource": _SOURCE | set("workbook parentPublishedDatasources upstreamFields upstreamVirtualConnections".split()),
    "CustomSQLTable": set("id name description query isUnsupportedCustomSql connectionType columns columnsConnection database tables tablesConnection "
                          "referencedByQueries isEmbedded downstreamDatasources downstreamSheets downstreamWorkbooks downstreamDashboards".split()),
    "DatabaseTable": set("id luid name fullName schema description connectionType columns columnsConnection database isCertified isEmbedded contact tags "
                         "projectName referencedByQueries".split()),
    "VirtualConnection": set("id luid name description projectName projectVizportalUrlId uri vizportalId vizportalUrlId createdAt updatedAt owner site "
                             "isCertified tags labels tables upstreamDatabases upstreamTables upstreamDatasources downstreamDatasources downstreamSheets "
                             "downstreamWorkbooks containerName containerType hasActiveWarning".split()),
    "VirtualConnectionTable": set("id luid name description columns database virtualConnection isEmbedded tableType".split()),
    "Sheet": set("id luid name path index documentViewId createdAt updatedAt workbook tags containedInDashboards datasourceFields worksheetFields "
                 "sheetFieldInstances parameters upstreamTables upstreamDatasources upstreamColumns upstreamFields parentEmbeddedDatasources".split()),
    "Dashboard": set("id luid name path index documentViewId createdAt updatedAt workbook tags sheets upstreamTables upstreamDatasources parameters".split()),
    "ColumnField": _FIELD | set("dataCategory role dataType defaultFormat semanticRole aggregation aggregationParam columns".split()),
    "CalculatedField": _FIELD | set("dataCategory role dataType defaultFormat semanticRole aggregation aggregationParam formula isAutoGenerated fields".split()),
    "GroupField": _FIELD | set("role dataType dataCategory fields groupCalculationType hasOther delimiter".split()),
    "DatasourceField": _FIELD | {"remoteField"},
    "HierarchyField": _FIELD | {"fields"},
}  # fmt: skip
_FIELDS = {"ColumnField", "CalculatedField", "GroupField", "DatasourceField", "HierarchyField"}
TABLEAU_INTERFACES = {
    "Field": _FIELDS, "Table": {"DatabaseTable", "CustomSQLTable", "VirtualConnectionTable"}, "Datasource": {"PublishedDatasource", "EmbeddedDatasource"},
    "View": {"Sheet", "Dashboard"},
}  # fmt: skip


def tableau() -> Second:
    """A site with nested projects, hidden sheets, names without a schema, a virtual connection, warnings beside the data."""
    owner = {"id": "u1", "name": "Priya", "username": "priya@harbor.example", "email": None}
    column = {
        "__typename": "Column",
        "name": "AMOUNT",
        "id": "c1",
        "remoteType": "NUMERIC",
        "description": "Betrag",
    }
    orders = {"__typename": "DatabaseTable", "id": "t1", "name": "ORDERS", "schema": "MART", "fullName": "[MART].[ORDERS]", "connectionType": "snowflake",
              "database": {"id": "d1", "name": "ANALYTICS"}, "description": "", "isEmbedded": False}  # fmt: skip
    loose = {"__typename": "DatabaseTable", "id": "t2", "name": "customer", "schema": "", "fullName": "customer", "connectionType": "postgres",
             "database": {"id": "d2", "name": "dvdrental"}, "description": None}  # fmt: skip
    lost = {
        "__typename": "DatabaseTable",
        "id": "t3",
        "name": None,
        "schema": None,
        "fullName": "[Extract].[Extract]",
        "connectionType": "hyper",
        "database": None,
    }
    virtual = {
        "__typename": "VirtualConnectionTable",
        "id": "t4",
        "name": "VC orders",
        "database": None,
        "virtualConnection": {"id": "vc1"},
    }
    column["table"] = orders
    fields = [
        {"__typename": "ColumnField", "id": "f1", "name": "Amount", "description": None, "isHidden": False, "folderName": None, "role": "MEASURE", "dataType": "REAL",
         "dataCategory": "QUANTITATIVE", "aggregation": "Sum", "defaultFormat": None, "upstreamColumns": [column, None]},
        {"__typename": "CalculatedField", "id": "f2", "name": "Umsatz je Größe", "description": "Pro Stück", "isHidden": False, "role": None, "dataType": "REAL",
         "formula": "IF [State] = 'open' THEN [Amount] END", "upstreamColumns": [], "folderName": "F"},
        {"__typename": "HierarchyField", "id": "f3", "name": "Geo", "description": None, "isHidden": True, "upstreamColumns": [{"__typename": "Column", "name": "x", "table": virtual}]},
        {"__typename": "GroupField", "id": "f4", "name": None, "role": "DIMENSION", "dataType": "STRING", "isHidden": False},
    ]  # fmt: skip
    published = {"__typename": "PublishedDatasource", "id": "p1", "luid": "lp1", "name": "Orders (veröffentlicht)", "description": "One truth", "projectName": "Vertrieb",
                 "projectLuid": "pr2", "uri": "sites/1/datasources/7", "isCertified": True, "hasExtracts": True, "owner": owner, "tags": [{"name": "gold"}],
                 "extractLastRefreshTime": "2026-11-01T00:00:00Z", "extractLastUpdateTime": None, "fields": fields, "upstreamTables": [orders],
                 "upstreamDatasources": [], "certificationNote": None}  # fmt: skip
    remote = {
        "__typename": "DatasourceField",
        "id": "f9",
        "name": "Amount",
        "description": None,
        "isHidden": False,
        "remoteField": fields[0],
    }
    embedded = {"__typename": "EmbeddedDatasource", "id": "e1", "name": "Orders (eingebettet)", "hasExtracts": False, "extractLastRefreshTime": None,
                "fields": [remote], "upstreamTables": [loose, lost, orders], "upstreamDatasources": [published], "parentPublishedDatasources": [published]}  # fmt: skip
    workbook = {"__typename": "Workbook", "id": "w1", "luid": "lw1", "name": "Tagesübersicht", "description": "", "projectName": "営業", "projectLuid": "pr3",
                "uri": "sites/1/workbooks/11", "vizportalUrlId": "11", "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-10-02T08:00:00Z", "owner": owner,
                "tags": [], "embeddedDatasources": [embedded], "upstreamDatasources": [published], "upstreamTables": [loose]}  # fmt: skip
    bare = {"__typename": "Workbook", "id": "w2", "luid": "lw2", "name": "Leer", "description": None, "projectName": None, "owner": None, "tags": [], "uri": None,
            "vizportalUrlId": None, "projectLuid": None, "embeddedDatasources": []}  # fmt: skip
    embedded["workbook"] = workbook
    sheet = {"__typename": "Sheet", "id": "s1", "luid": "ls1", "name": "Umsatz", "path": "Tages/Umsatz", "createdAt": None, "updatedAt": "2026-10-02T08:00:00Z",
             "workbook": workbook, "tags": None, "datasourceFields": [{**remote, "datasource": embedded}, {"__typename": "ColumnField", "id": "x", "name": None,
             "datasource": published}], "upstreamDatasources": [published], "parentEmbeddedDatasources": [embedded], "worksheetFields": [], "upstreamTables": []}  # fmt: skip
    hidden = {"__typename": "Sheet", "id": "s2", "luid": "", "name": "Versteckt", "path": "", "workbook": workbook, "tags": [], "datasourceFields": None,
              "upstreamDatasources": [], "parentEmbeddedDatasources": None, "upstreamTables": []}  # fmt: skip
    board = {"__typename": "Dashboard", "id": "b1", "luid": "lb1", "name": "Board", "path": "Tages/Board", "updatedAt": "2026-10-02T08:00:00Z", "workbook": workbook,
             "tags": [{"name": "board"}], "sheets": [sheet, hidden], "upstreamDatasources": [], "upstreamTables": []}  # fmt: skip
    sheet["containedInDashboards"], hidden["containedInDashboards"] = [board], []
    workbook |= {"sheets": [sheet, hidden], "dashboards": [board], "views": [sheet, board]}
    bare |= {"sheets": [], "dashboards": [], "views": []}
    query = {"__typename": "CustomSQLTable", "id": "q1", "name": "Custom SQL Query", "description": None, "connectionType": "postgres", "isUnsupportedCustomSql": False,
             "query": "SELECT c.id, amount FROM customer c WHERE c.state = <[Parameters].[State]>", "database": {"id": "d2", "name": "dvdrental"},
             "tables": [loose], "columns": [], "downstreamDatasources": [embedded], "downstreamWorkbooks": [workbook]}  # fmt: skip
    connection = {"__typename": "VirtualConnection", "id": "vc1", "luid": "lvc1", "name": "Verbindung", "description": "Für alle", "projectName": "Vertrieb",
                  "uri": "sites/1/virtualConnections/3", "updatedAt": None, "owner": owner, "isCertified": True, "tags": [{"name": "gold"}],
                  "tables": [virtual, {**virtual, "id": "t5", "name": None}], "upstreamTables": [orders], "downstreamDatasources": [published, None]}  # fmt: skip
    lists = {"virtualConnections": [connection], "workbooks": [workbook, bare], "publishedDatasources": [published], "embeddedDatasources": [embedded], "customSQLTables": [query],
             "dashboards": [board], "sheets": [sheet, hidden], "databaseTables": [orders, loose]}  # fmt: skip
    warning = {
        "message": "The permission mode was switched",
        "extensions": {"severity": "WARNING", "code": "PERMISSIONS_MODE_SWITCHED", "properties": None},
    }

    def answer(asked: Asked) -> Any:
        query = asked.json["query"]
        given = asked.json.get("variables") or {}
        told: dict[str, Any] = {}
        for name, things in lists.items():
            variable = re.search(r"after:\s*\$(\w+)", query)
            after = given.get(variable[1]) if variable else None
            start = int(after) if after else 0
            first = min(int(given.get("first") or 100), 1)  # one a page
            literal = re.search(r"first:\s*(\d+)", query)
            first = min(first, int(literal[1])) if literal else first
            page = things[start : start + first]
            more = start + first < len(things)
            told[f"{name}Connection"] = {
                "nodes": page,
                "totalCount": len(things),
                "pageInfo": {"hasNextPage": more, "endCursor": str(start + first) if more else None},
            }
            told[name] = things
        try:
            return {"data": chosen(told, read(query), TABLEAU, TABLEAU_INTERFACES), "errors": [warning]}
        except NoSuchField as error:
            return {
                "errors": [
                    {
                        "message": f"Validation error of type FieldUndefined: {error}",
                        "extensions": {"classification": "ValidationError"},
                    }
                ]
            }

    projects = [
        {
            "id": "pr1",
            "name": "default",
            "description": "The default project",
            "contentPermissions": "ManagedByOwner",
            "owner": {"id": "u1"},
        },
        {"id": "pr2", "name": "Vertrieb", "description": "", "parentProjectId": "pr1", "owner": {}},
        {"id": "pr3", "name": "営業", "parentProjectId": "pr2"},
    ]
    views = [{"id": "ls1", "name": "Umsatz", "contentUrl": "Tages/sheets/Umsatz", "usage": {"totalViewCount": "31"}, "tags": {}, "workbook": {"id": "lw1"}},
             {"id": "lb1", "name": "Board", "contentUrl": "Tages/sheets/Board", "usage": {"totalViewCount": "7"}}]  # fmt: skip

    def rest(name: str, things: list[Any]) -> Callable[[Asked], Any]:
        def page(asked: Asked) -> Any:
            number, size = (
                int(asked.query.get("pageNumber", 1)),
                min(int(asked.query.get("pageSize", 100)), 1000),
            )
            if number > 1 and (number - 1) * size >= len(things):
                return Answer(
                    400, {"error": {"summary": "Bad Request", "detail": "page number", "code": "400006"}}
                )
            rows = things[(number - 1) * size : number * size]
            pagination = {
                "pageNumber": str(number),
                "pageSize": str(size),
                "totalAvailable": str(len(things)),
            }
            return {"pagination": pagination, f"{name}s": {name: rows} if rows else {}}

        return page

    def sign_in(asked: Asked) -> Any:
        told = asked.json["credentials"]
        if told["personalAccessTokenSecret"] != SECRET or told["site"]["contentUrl"] != "harbor":
            return Answer(401, {"error": {"summary": "Signin Error", "detail": "invalid", "code": "401001"}})
        return {
            "credentials": {
                "site": {"id": "site-1", "contentUrl": "harbor"},
                "user": {"id": "u9"},
                "token": "abc|def|site-1",
                "estimatedTimeToExpiration": "119:59:00",
            }
        }

    routes = {
        "POST /api/3.24/auth/signin": sign_in,
        "POST /api/3.24/auth/signout": lambda asked: Answer(204, b""),
        "POST /api/metadata/graphql": answer,
        "GET /api/3.24/sites/site-1/projects": rest("project", projects),
        "GET /api/3.24/sites/site-1/views": rest("view", views),
        "GET /api/3.24/sites/site-1/workbooks": rest("workbook", []),
    }

    def allows(asked: Asked) -> bool:
        return asked.path.endswith("/signin") or asked.headers.get("x-tableau-auth") == "abc|def|site-1"

    return Second(
        Vendor(routes, allows=allows), {"token": SECRET}, {"token_name": "docent", "site": "harbor"}
    )
