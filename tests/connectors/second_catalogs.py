"""Second servers of OpenMetadata and of an Iceberg REST catalog, as in second_servers.py.

OpenMetadata: openmetadata-spec/src/main/resources/json/schema and the FIELDS of its resources, 1.9. Iceberg: the OpenAPI
document of the REST catalog (open-api/rest-catalog-open-api.yaml of github.com/apache/iceberg) and the specifications of
table metadata, versions 1 to 3, and of view metadata.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from tests.connectors.second_servers import SECRET, Second
from tests.connectors.vendor_server import Answer, Asked, Vendor


def bearer(asked: Asked) -> bool:
    return asked.headers.get("authorization") == f"Bearer {SECRET}"


# --- OpenMetadata -----------------------------------------------------------------------------------------------------


FIELDS = {
    "tables": "tableConstraints tablePartition usageSummary owners customMetrics columns sampleData tags followers joins schemaDefinition dataModel extension testSuite "
    "domains dataProducts lifeCycle sourceHash profile",
    "dashboards": "owners charts followers tags usageSummary extension dataModels domains dataProducts sourceHash",
    "charts": "owners followers tags domains dataProducts sourceHash dashboards extension",
    "pipelines": "owners tasks pipelineStatus followers tags extension scheduleInterval domains sourceHash",
    "glossaryTerms": "children relatedTerms reviewers owners tags usageCount domains extension childrenCount",
    "databases": "owners databaseSchemas usageSummary location tags extension domains sourceHash",
    "databaseSchemas": "owners tables usageSummary tags extension domains sourceHash",
}


def openmetadata() -> Second:
    """1.9: lists by cursor, names with dots in quotes, nested columns, constraints, glossary tags, deleted things, lineage of columns."""
    person = {
        "id": "u1",
        "type": "user",
        "name": "priya",
        "displayName": "Priya",
        "fullyQualifiedName": "priya",
        "deleted": False,
    }
    team = {"id": "u2", "type": "team", "name": "data-eng", "fullyQualifiedName": "data-eng"}

    def tag(fqn: str, source: str = "Classification") -> dict[str, Any]:
        return {
            "tagFQN": fqn,
            "name": fqn.split(".")[-1],
            "source": source,
            "labelType": "Manual",
            "state": "Confirmed",
            "displayName": None,
        }

    def column(name: str, kind: str, **more: Any) -> dict[str, Any]:
        return {"name": name, "dataType": kind, "dataTypeDisplay": kind.lower(), "fullyQualifiedName": f"f.{name}", "tags": [],
                "profile": {"min": "CANARY", "max": "CANARY"}, **more}  # fmt: skip

    service = {
        "id": "sv",
        "type": "databaseService",
        "name": "lager",
        "fullyQualifiedName": "lager",
        "deleted": False,
    }

    def table(key: str, name: str, kind: str | None, **more: Any) -> dict[str, Any]:
        quoted = f'"{name}"' if "." in name else name
        return {"id": key, "name": name, "fullyQualifiedName": f"lager.shop.public.{quoted}", "tableType": kind, "deleted": False, "version": 0.3,
                "updatedAt": 1_760_000_000_000, "updatedBy": "admin", "service": service, "serviceType": "Postgres", "tags": [], "owners": [],
                "database": {"id": "db", "type": "database", "name": "shop", "fullyQualifiedName": "lager.shop"},
                "databaseSchema": {"id": "sc", "type": "databaseSchema", "name": "public", "fullyQualifiedName": "lager.shop.public"},
                "sampleData": {"rows": [["CANARY"]]}, "profile": {"rowCount": "CANARY"}, "joins": {}, "columns": [column("id", "INT")], **more}  # fmt: skip

    tables = [
        table("t1", "orders", "Regular", description="Jede **Bestellung**", displayName="Bestellungen", owners=[person, team], tags=[tag("PII.None"), tag("Tier.Tier1"), tag("Shop.Order", "Glossary")],
              tableConstraints=[{"constraintType": "FOREIGN_KEY", "columns": ["customer_id"], "referredColumns": ["lager.shop.public.customers.id"], "relationshipType": "MANY_TO_ONE"},
                                {"constraintType": "PRIMARY_KEY", "columns": ["id"]}, {"constraintType": "CLUSTER_KEY", "columns": ["id"]}],
              columns=[column("id", "BIGINT", constraint="NOT_NULL", ordinalPosition=1), column("customer_id", "BIGINT", constraint="NULL", ordinalPosition=2),
                       column("address", "STRUCT", dataTypeDisplay="struct<city:string>", ordinalPosition=3, children=[column("city", "STRING", description="Stadt", tags=[tag("PII.Sensitive")])]),
                       column("größe", "VARCHAR", dataTypeDisplay=None, dataLength=20, ordinalPosition=4)],
              domains=[{"id": "dm", "type": "domain", "name": "Vertrieb", "displayName": None}], lifeCycle={"updated": {"timestamp": 1_763_000_000_000}, "created": {"timestamp": 1_760_000_000_000, "accessedBy": {"name": "CANARY"}}},
              usageSummary={"dailyStats": {"count": 2, "percentileRank": 40.0}, "weeklyStats": {"count": 9}, "monthlyStats": {"count": 44}, "date": "2026-11-20"}),
        table("t2", "customers", "Regular", columns=[column("id", "INT", constraint="PRIMARY_KEY"), column("mail", "VARCHAR", constraint="UNIQUE")], owners=None),
        table("t3", "open.orders", "MaterializedView", schemaDefinition="create view x as select 1", viewDefinition=None, description=None),
        table("t4", "lake", "Iceberg", columns=[]),
        table("t5", "odd", None, databaseSchema=None, columns=None),
    ]  # fmt: skip
    gone = [table("t9", "thrown_away", "Regular", deleted=True)]
    chart = {"id": "c1", "type": "chart", "name": "5", "displayName": "Umsatz je Land", "fullyQualifiedName": "superset.5", "chartType": "Bar", "deleted": False,
             "sourceUrl": "https://bi/5", "description": None, "owners": [], "tags": None, "service": {"id": "s", "type": "dashboardService", "name": "superset"},
             "dashboards": [{"id": "d1", "type": "dashboard"}]}  # fmt: skip
    board = {"id": "d1", "name": "77", "displayName": "Tagesübersicht", "fullyQualifiedName": "superset.77", "description": "", "sourceUrl": "https://bi/77", "deleted": False,
             "charts": [{"id": "c1", "type": "chart", "name": "5", "fullyQualifiedName": "superset.5"}], "owners": [person], "tags": [tag("Tier.Tier2")],
             "dataModels": None, "updatedAt": 1_760_000_000_000, "project": None, "usageSummary": {"dailyStats": {"count": 0}, "monthlyStats": {"count": 7, "percentileRank": 1.0}, "date": "2026-11-20"}}  # fmt: skip
    pipe = {"id": "p1", "name": "nightly", "displayName": None, "fullyQualifiedName": "airflow.nightly", "description": "Every night", "sourceUrl": "https://air/nightly", "deleted": False,
            "tasks": [{"name": "load", "displayName": "Load", "taskType": "PythonOperator", "downstreamTasks": [], "taskSQL": "SELECT 'CANARY'"}], "scheduleInterval": "0 3 * * *",
            "pipelineStatus": {"timestamp": 1_763_000_000_000, "executionStatus": "Successful", "taskStatus": []}, "owners": [], "tags": []}  # fmt: skip
    word = {"id": "g1", "name": "Order", "displayName": "Bestellung", "fullyQualifiedName": "Shop.Order", "description": "Was gekauft wurde", "synonyms": ["Auftrag"], "deleted": False,
            "glossary": {"id": "gl", "type": "glossary", "name": "Shop"}, "parent": None, "owners": [person], "tags": [], "relatedTerms": None, "status": "Approved", "references": []}  # fmt: skip
    draft = {**word, "id": "g2", "name": "Line", "displayName": None, "fullyQualifiedName": "Shop.Order.Line", "parent": {"id": "g1", "type": "glossaryTerm", "name": "Order", "fullyQualifiedName": "Shop.Order"},
             "status": "Draft", "owners": None, "synonyms": []}  # fmt: skip
    lists = {
        "tables": tables + gone,
        "dashboards": [board],
        "charts": [chart],
        "pipelines": [pipe],
        "glossaryTerms": [word, draft],
        "databases": [],
        "databaseSchemas": [],
    }

    def page(name: str) -> Callable[[Asked], Any]:
        def cut(asked: Asked) -> Any:
            for wanted in filter(None, asked.query.get("fields", "").split(",")):
                if wanted.strip() not in FIELDS[name].split():
                    return Answer(400, {"code": 400, "message": f"Invalid field name {wanted}"})
            limit = int(asked.query.get("limit", 10))
            if not 0 <= limit <= 1_000_000:
                return Answer(
                    400, {"code": 400, "message": "query param limit must be less than or equal to 1000000"}
                )
            deleted = asked.query.get("include", "non-deleted")
            rows = [
                each for each in lists[name] if deleted == "all" or each["deleted"] is (deleted == "deleted")
            ]
            start = int(base64.b64decode(asked.query["after"])) if asked.query.get("after") else 0
            size = min(limit, 2)
            asked_for = set(asked.query.get("fields", "").replace(" ", "").split(","))
            cutters = set(FIELDS[name].split()) - asked_for
            data = [
                {k: v for k, v in each.items() if k not in cutters or k == "columns"}
                for each in rows[start : start + size]
            ]
            more = base64.b64encode(str(start + size).encode()).decode() if start + size < len(rows) else None
            return {
                "data": data,
                "paging": {
                    "total": len(rows),
                    **({"after": more} if more else {}),
                    **({"before": "x"} if start else {}),
                },
            }

        return cut

    def lineage(asked: Asked) -> Any:
        parts = asked.path.split("/")
        if parts[4] not in ("table", "dashboard", "pipeline", "chart"):
            return Answer(400, {"message": "no such entity type"})
        key = parts[5]
        edges = [
            {"fromEntity": "t2", "toEntity": "t1", "description": None, "lineageDetails": {"sqlQuery": "SELECT 'CANARY'", "source": "QueryLineage", "pipeline": {"id": "p1", "type": "pipeline"},
             "columnsLineage": [{"fromColumns": ["lager.shop.public.customers.id"], "toColumn": "lager.shop.public.orders.customer_id", "function": None}]}},
            {"fromEntity": "t1", "toEntity": "t3", "lineageDetails": None},
            {"fromEntity": "t3", "toEntity": "d1", "lineageDetails": {"columnsLineage": []}},
            {"fromEntity": "t1", "toEntity": "p1"},
        ]  # fmt: skip
        up, down = (
            [each for each in edges if each["toEntity"] == key],
            [each for each in edges if each["fromEntity"] == key],
        )
        ids = {each["fromEntity"] for each in up} | {each["toEntity"] for each in down}
        known = {each["id"]: (name, each) for name, things in lists.items() for each in things}
        nodes = [
            {
                "id": one,
                "type": known[one][0][:-1],
                "name": known[one][1]["name"],
                "fullyQualifiedName": known[one][1]["fullyQualifiedName"],
            }
            for one in sorted(ids)
        ]
        return {
            "entity": {"id": key, "type": parts[4]},
            "nodes": nodes,
            "upstreamEdges": up,
            "downstreamEdges": down if asked.query.get("downstreamDepth") != "0" else [],
        }

    routes: dict[str, Callable[[Asked], Any]] = {f"GET /api/v1/{name}": page(name) for name in lists}
    routes |= {
        "GET /api/v1/lineage/*": lineage,
        "GET /api/v1/system/version": lambda asked: {
            "version": "1.9.1",
            "revision": "x",
            "timestamp": 1_760_000_000_000,
        },
        "GET /api/v1/users/loggedInUser": lambda asked: {
            "id": "b",
            "name": "docent-bot",
            "isBot": True,
            "email": "b@x",
        },
    }
    return Second(Vendor(routes, allows=bearer), {"token": SECRET})


# --- Iceberg ----------------------------------------------------------------------------------------------------------


def iceberg() -> Second:
    """A prefix, nested namespaces, pages of one, a table of version 3 with new types, a snapshot without a summary, a table dropped meanwhile."""
    fields = [
        {"id": 1, "name": "id", "type": "long", "required": True, "doc": "Nummer"},
        {"id": 2, "name": "größe", "type": "string", "required": False, "initial-default": "CANARY", "write-default": "CANARY"},
        {"id": 3, "name": "at", "type": "timestamptz_ns", "required": False},
        {"id": 4, "name": "payload", "type": "variant", "required": False},
        {"id": 5, "name": "lines", "required": False, "type": {"type": "list", "element-id": 6, "element-required": False, "element": {
            "type": "struct", "fields": [{"id": 7, "name": "sku", "type": "decimal(9,2)", "required": False}]}}},
    ]  # fmt: skip
    orders = {
        "format-version": 3, "table-uuid": "u", "location": "s3://lake/orders", "last-updated-ms": 1_763_000_000_000, "last-column-id": 7, "last-sequence-number": 9,
        "current-schema-id": 4, "default-spec-id": 1, "default-sort-order-id": 0, "current-snapshot-id": 77, "next-row-id": 0, "last-partition-id": 1000,
        "schemas": [{"schema-id": 3, "type": "struct", "fields": []}, {"schema-id": 4, "type": "struct", "identifier-field-ids": [1], "fields": fields}],
        "partition-specs": [{"spec-id": 1, "fields": [{"source-id": 3, "field-id": 1000, "name": "at_day", "transform": "day"}, {"source-id": 1, "field-id": 1001, "name": "gone", "transform": "void"}]}],
        "sort-orders": [{"order-id": 0, "fields": []}], "properties": {"comment": "Jede Bestellung", "owner": "priya", "write.format.default": "parquet"},
        "snapshots": [{"snapshot-id": 76, "timestamp-ms": 1, "manifest-list": "s3://CANARY"},
                      {"snapshot-id": 77, "timestamp-ms": 2, "schema-id": 4, "manifest-list": "s3://CANARY", "summary": {
                          "operation": "append", "total-records": "42", "total-files-size": "1000", "partitions.at_day=CANARY": "added-files-size=1"}}],
        "refs": {"main": {"snapshot-id": 77, "type": "branch"}}, "statistics": [{"blob-metadata": [{"properties": {"ndv": "CANARY"}}]}], "encryption-keys": None,
    }  # fmt: skip
    lines = {"format-version": 1, "table-uuid": "v", "location": "s3://lake/lines", "last-updated-ms": 1_760_000_000_000, "last-column-id": 1, "partition-spec": [],
             "schema": {"type": "struct", "schema-id": 0, "fields": [{"id": 1, "name": "n", "type": "int", "required": False}]}, "current-schema-id": 0,
             "schemas": [{"type": "struct", "schema-id": 0, "fields": [{"id": 1, "name": "n", "type": "int", "required": False}]}],
             "partition-specs": [], "default-spec-id": 0, "snapshots": [], "current-snapshot-id": -1, "properties": {}}  # fmt: skip
    view = {"view-uuid": "w", "format-version": 1, "location": "s3://lake/v", "current-version-id": 2, "properties": {}, "version-log": [],
            "schemas": [{"type": "struct", "schema-id": 1, "fields": [{"id": 1, "name": "id", "type": "long", "required": False}]}],
            "versions": [{"version-id": 1, "timestamp-ms": 1, "schema-id": 1, "summary": {}, "representations": [], "default-namespace": []},
                         {"version-id": 2, "timestamp-ms": 2, "schema-id": 1, "summary": {"engine-name": "trino"}, "default-catalog": None, "default-namespace": ["sales"],
                          "representations": [{"type": "sql", "sql": "SELECT id FROM orders WHERE state = 'open'", "dialect": "trino"}]}]}  # fmt: skip
    spaces = {(): [["sales"], ["leer"]], ("sales",): [["sales", "eu"]], ("sales", "eu"): [], ("leer",): []}
    tables = {
        ("sales",): {"orders": orders, "dropped": None},
        ("sales", "eu"): {"lines": lines},
        ("leer",): {},
    }
    views = {("sales",): {"open_orders": view}}
    api = "/v1/acc/lake"

    def place(text: str) -> tuple[str, ...]:
        return tuple(part for part in unquote(text).split("\x1f") if part)

    def page(things: list[Any], name: str, asked: Asked) -> Any:
        """By one where a client says that it pages, else whole."""
        if "pageToken" not in asked.query:
            return {name: things}
        start = int(asked.query["pageToken"] or 0)
        return {
            name: things[start : start + 1],
            "next-page-token": str(start + 1) if start + 1 < len(things) else None,
        }

    def namespaces(asked: Asked) -> Any:
        above = place(asked.query.get("parent", ""))
        return (
            page(spaces[above], "namespaces", asked)
            if above in spaces
            else Answer(404, {"error": {"message": "x", "type": "NoSuchNamespaceException", "code": 404}})
        )

    def below(asked: Asked) -> Any:
        parts = asked.path.removeprefix(f"{api}/namespaces/").split("/")
        space = place(parts[0])
        if len(parts) == 1:
            return {
                "namespace": list(space),
                "properties": {"comment": "Verkauf", "location": "s3://x"} if space == ("sales",) else None,
            }
        held = (tables if parts[1] == "tables" else views).get(space, {})
        if len(parts) == 2:
            return page([{"namespace": list(space), "name": name} for name in held], "identifiers", asked)
        found = held.get(unquote(parts[2]))
        if found is None:
            return Answer(
                404,
                {"error": {"message": "Table does not exist", "type": "NoSuchTableException", "code": 404}},
            )
        return {
            "metadata-location": "s3://x",
            "metadata": found,
            "config": {"s3.secret-access-key": "CANARY"},
        }

    def settings(asked: Asked) -> Any:
        endpoints = [f"GET /v1/{{prefix}}/namespaces{tail}" for tail in (
            "", "/{namespace}", "/{namespace}/tables", "/{namespace}/tables/{table}", "/{namespace}/views", "/{namespace}/views/{view}")]  # fmt: skip
        return {
            "defaults": {"clients": "4"},
            "overrides": {"prefix": "acc/lake"},
            "endpoints": endpoints,
            "idempotency-key-lifetime": None,
        }

    routes: dict[str, Callable[[Asked], Any]] = {
        "GET /v1/config": settings,
        f"GET {api}/namespaces": namespaces,
        f"GET {api}/namespaces/*": below,
    }
    return Second(
        Vendor(routes, allows=lambda asked: asked.headers.get("authorization") == f"Bearer {SECRET}"),
        {"token": SECRET},
        {"warehouse": "lake"},
    )
