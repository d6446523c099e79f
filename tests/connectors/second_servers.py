"""Second servers for connectors that were verified by documents: written from the vendors' references alone, by somebody
who had looked at neither the connector nor its first server. Content is as these references allow it and as installations
have it: nulls, members left out, members that nobody knows, short pages, empty lists, other states, what is archived or
personal, and the word CANARY in every place that holds a value of somebody's data or a secret.

Each function returns a `Second`. What a reader of the vendor's pages expects of it is in test_second_servers.py.

Looker: the OpenAPI document of API 4.0 (github.com/looker-open-source/sdk-codegen, spec/Looker.4.0.oas.json); `fields` cuts
an answer. Redash: redash/serializers and redash/handlers of github.com/getredash/redash.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.connectors.vendor_server import Answer, Asked, Vendor

SECRET = "s" * 24


@dataclass(frozen=True)
class Second:
    """A server, and how to open the connector against it (`url` is added)."""

    vendor: Vendor
    secrets: Mapping[str, str]
    settings: Mapping[str, str] = field(default_factory=dict)


def cut(value: Any, fields: str) -> Any:
    """What is left of an object when Looker is asked for `fields` only: "id,title,folder(id,name)"."""
    if not fields:
        return value
    if isinstance(value, list):
        return [cut(each, fields) for each in value]
    if not isinstance(value, dict):
        return value
    wanted = dict(re.findall(r"(\w+)(?:\(((?:[^()]|\([^()]*\))*)\))?", fields))
    return {key: cut(each, wanted[key]) for key, each in value.items() if key in wanted}


def paged(things: list[Any], asked: Asked, most: int = 1000) -> list[Any]:
    """A list by `limit` and `offset`."""
    start = int(asked.query.get("offset") or 0)
    return things[start : start + min(int(asked.query.get("limit") or most), most)]


# --- Looker -----------------------------------------------------------------------------------------------------------


def looker() -> Second:
    """An instance with a broken model, personal folders, deleted content, merged queries, text tiles and LookML dashboards."""
    can = {"show": True, "index": True}
    folders: list[Any] = [
        {
            "id": "1",
            "name": "Shared",
            "parent_id": None,
            "is_shared_root": True,
            "child_count": 2,
            "can": can,
        },
        {
            "id": "12",
            "name": "Vertrieb – DACH",
            "parent_id": "1",
            "creator_id": "7",
            "is_personal": False,
            "dashboards": None,
        },
        {"id": "13", "name": "営業", "parent_id": "12", "external_id": None, "looks": []},
        {
            "id": "40",
            "name": "Priya Sharma",
            "parent_id": "2",
            "is_personal": True,
            "is_personal_descendant": False,
        },
        {"id": "lookml", "name": "LookML Dashboards", "parent_id": None},
    ]
    models: list[Any] = [
        {"name": "harbor", "label": "Harbor Coffee", "project_name": "harbor", "has_content": True, "unlimited_db_connections": False,
         "allowed_db_connection_names": ["dw"], "explores": [
             {"name": "orders", "label": "Bestellungen", "description": "Every order", "hidden": False, "group_label": "Sales"},
             {"name": "plumbing", "label": None, "description": None, "hidden": True, "group_label": None},
             {"name": "broken_one", "label": "Broken", "description": "", "hidden": False}]},
        {"name": "unfinished", "label": None, "project_name": None, "explores": None, "has_content": False},
        {"name": "bare", "label": "Bare", "explores": []},
    ]  # fmt: skip

    def field_of(name: str, kind: str, sql: str | None, **more: Any) -> dict[str, Any]:
        values = {"suggestions": ["CANARY-SUGGESTION"], "enumerations": [{"label": "CANARY", "value": "CANARY"}],
                  "default_filter_value": "CANARY", "sql_case": [{"value": "CANARY", "condition": "x"}]}  # fmt: skip
        view = name.split(".")[0]
        return {"name": name, "label": name, "label_short": name.split(".")[1], "type": kind, "sql": sql, "view": view,
                "original_view": view, "view_label": view.title(), "description": None, "tags": [], "hidden": False,
                "primary_key": False, "times_used": 3, "links": None, **values, **more}  # fmt: skip

    orders = {
        "id": "harbor::orders", "name": "orders", "label": "Bestellungen", "title": None, "description": "Every order",
        "model_name": "harbor", "view_name": "orders", "connection_name": "dw", "dialect_name": "snowflake", "errors": None,
        "sql_table_name": "ANALYTICS.MART.ORDERS", "project_name": "harbor", "hidden": False, "tags": ["certified"],
        "always_filter": [{"name": "orders.state", "value": "CANARY"}], "sets": [], "files": None,
        "fields": {
            "dimensions": [
                field_of("orders.id", "number", "${TABLE}.ID ;;", primary_key=True, description="Nummer der Bestellung"),
                field_of("orders.state", "string", "${TABLE}.STATE", tags=["pii"]),
                field_of("customers.country", "string", "${TABLE}.COUNTRY"),
                field_of("orders.created_month", "date_month", "${TABLE}.CREATED", dimension_group="orders.created"),
                field_of("orders.secret", "string", None, hidden=True),
            ],
            "measures": [field_of("orders.revenue", "sum", "${TABLE}.AMOUNT", description="Sum of paid amounts", measure=True),
                         field_of("orders.count", "count", None, measure=True)],
            "filters": None, "parameters": [],
        },
        "joins": [{"name": "customers", "from": None, "sql_table_name": "ANALYTICS.MART.CUSTOMERS AS customers", "relationship": "many_to_one",
                   "sql_on": "${orders.customer_id} = ${customers.id}", "type": "left_outer", "fields": None},
                  {"name": "derived", "from": None, "sql_table_name": None, "sql_on": None, "type": None}],
    }  # fmt: skip
    explores = {
        ("harbor", "orders"): orders,
        ("harbor", "plumbing"): {"id": "harbor::plumbing", "name": "plumbing", "hidden": True, "fields": None, "joins": None,
                                 "view_name": "plumbing", "sql_table_name": "mart.plumbing", "connection_name": "dw"},
        # LookML that does not compile is told as an explore with errors, or as none at all
        ("harbor", "broken_one"): Answer(404, {"message": "Not found", "documentation_url": "https://x"}),
    }  # fmt: skip
    query = {"id": "900", "model": "harbor", "view": "orders", "fields": ["orders.state", "orders.revenue"], "pivots": None,
             "filters": {"orders.state": "CANARY"}, "filter_expression": "CANARY", "dynamic_fields": None, "limit": "500",
             "vis_config": {"type": "looker_column"}, "share_url": "https://x/CANARY"}  # fmt: skip
    looks: list[Any] = [
        {"id": "70", "title": "Umsatz je Monat", "description": None, "user_id": "7", "user_name": "Priya Sharma", "deleted": False,
         "folder": {"id": "12", "name": "Vertrieb – DACH"}, "folder_id": "12", "query_id": "900", "view_count": 41, "public": False,
         "model": {"id": "harbor", "label": "Harbor Coffee"}, "updated_at": "2026-10-02T08:00:00.000+00:00", "last_viewed_at": None,
         "short_url": "/looks/70", "favorite_count": None, "certification_metadata": None},
        {"id": "71", "title": None, "description": "no title", "user_id": None, "deleted": False, "folder": None, "folder_id": None,
         "query_id": None, "model": None, "view_count": None},
        {"id": "72", "title": "Old look", "deleted": True, "deleted_at": "2026-01-01T00:00:00Z", "folder_id": "12", "user_id": "7"},
    ]  # fmt: skip
    text = {
        "id": "1",
        "type": "text",
        "title": None,
        "title_text": "## Notes",
        "body_text": "CANARY",
        "query": None,
        "look": None,
    }
    dashboards: dict[str, Any] = {
        "5": {"id": "5", "title": "Täglicher Umsatz", "description": "For the board", "deleted": False, "hidden": False, "user_id": "8",
              "folder": {"id": "13", "name": "営業", "parent_id": "12"}, "folder_id": "13", "slug": "AbC", "view_count": 120, "created_at": "2026-01-05T10:00:00.000+00:00",
              "certification_metadata": {"certification_status": "certified", "user_name": "CANARY", "notes": "CANARY"},
              "updated_at": "2026-11-01T10:00:00.000+00:00", "model": None, "readonly": False, "user_name": None,
              "dashboard_filters": [{"id": "1", "name": "State", "default_value": "CANARY", "model": "harbor", "explore": "orders"}],
              "dashboard_elements": [
                  text,
                  {"id": "2", "type": "vis", "title": "Umsatz", "query": query, "query_id": "900", "look": None, "result_maker": None,
                   "note_text": "CANARY-NOTE"},
                  {"id": "3", "type": "vis", "title": None, "look_id": "70", "query": None, "look": {"id": "70", "title": "Umsatz je Monat",
                   "query": query}, "result_maker": {"query": query, "filterables": None}},
                  {"id": "4", "type": "vis", "title": "Merged", "merge_result_id": "Mm", "query": None, "result_maker": {
                      "merge_result_id": "Mm", "query": None, "filterables": [{"model": "harbor", "view": "plumbing", "name": None}]}},
                  {"id": "5", "type": "extension", "title": None, "extension_id": "x::y"}]},
        "harbor::lookml_board": {"id": "harbor::lookml_board", "title": "As code", "description": None, "folder": {"id": "lookml", "name": "LookML Dashboards"}, "view_count": 3,
                                 "model": {"id": "harbor", "label": "Harbor Coffee"}, "user_id": None, "readonly": True,
                                 "dashboard_elements": [{"id": "a", "type": "vis", "title": "T", "query": query, "look": None, "result_maker": None}]},
        "6": {"id": "6", "title": "Priya's own", "deleted": False, "folder": {"id": "40", "name": "Priya Sharma", "is_personal": True},
              "folder_id": "40", "user_id": "7", "dashboard_elements": []},
        "9": {"id": "9", "title": "Thrown away", "deleted": True, "deleted_at": "2026-02-02T00:00:00Z", "folder": None, "user_id": "7"},
    }  # fmt: skip
    base = ("id", "title", "description", "folder", "hidden", "model", "readonly", "user_id", "slug")
    users = [
        {
            "id": "7",
            "display_name": "Priya Sharma",
            "email": "priya@harbor.example",
            "is_disabled": False,
            "sessions": [],
        },
        {
            "id": "8",
            "display_name": None,
            "email": "jo@harbor.example",
            "first_name": None,
            "last_name": None,
            "is_disabled": True,
        },
        {"id": "9", "display_name": None, "email": None, "credentials_email": None},
    ]
    tokens: list[str] = []

    def sign_in(asked: Asked) -> Any:
        if asked.form.get("client_secret") != SECRET:
            return Answer(404, {"message": "Not found"})
        tokens.append(f"t{len(tokens)}")
        return {"access_token": tokens[-1], "token_type": "Bearer", "expires_in": 3600, "refresh_token": None}

    def fields(answer: Callable[[Asked], Any]) -> Callable[[Asked], Any]:
        def cutting(asked: Asked) -> Any:
            found = answer(asked)
            return found if isinstance(found, Answer) else cut(found, asked.query.get("fields", ""))

        return cutting

    def gone(asked: Asked) -> Any:
        return Answer(404, {"message": "Not found"})

    def explore(asked: Asked) -> Any:
        parts = asked.path.split("/")
        return explores.get((parts[4], parts[6]), gone(asked))

    def search(things: list[Any]) -> Callable[[Asked], Any]:
        """Without `deleted` the search leaves out what is deleted; it gives 'true' or 'false' otherwise."""

        def found(asked: Asked) -> Any:
            wanted = asked.query.get("deleted", "false") == "true"
            return paged([each for each in things if each.get("deleted", False) is wanted], asked)

        return found

    api = "/api/4.0"
    active = [each for each in dashboards.values() if not each.get("deleted")]
    routes = {
        f"POST {api}/login": sign_in,
        f"GET {api}/user": lambda asked: {"id": "30", "display_name": "Docent", "role_ids": None},
        f"GET {api}/versions": lambda asked: {"looker_release_version": "25.18", "supported_versions": []},
        f"GET {api}/folders": fields(lambda asked: folders),
        f"GET {api}/folders/search": fields(lambda asked: paged(folders, asked)),
        f"GET {api}/lookml_models": fields(lambda asked: paged(models, asked)),
        f"GET {api}/lookml_models/*": fields(explore),
        f"GET {api}/connections": fields(lambda asked: [{"name": "dw", "dialect_name": "snowflake", "database": "ANALYTICS", "schema": None,
                                                         "host": "CANARY-HOST", "username": "CANARY-USER"}]),
        f"GET {api}/looks": fields(lambda asked: [{k: v for k, v in each.items() if k != "query"} for each in looks if not each["deleted"]]),
        f"GET {api}/looks/search": fields(search(looks)),
        f"GET {api}/looks/*": fields(lambda asked: next(({**each, "query": query if each.get("query_id") else None} for each in looks
                                                         if each["id"] == asked.path.split("/")[-1]), gone(asked))),
        f"GET {api}/dashboards": fields(lambda asked: [{k: each.get(k) for k in base} for each in active]),
        f"GET {api}/dashboards/search": fields(search([each for key, each in dashboards.items() if "::" not in key])),
        f"GET {api}/dashboards/*": fields(lambda asked: dashboards.get(asked.path.split("/")[-1].replace("%3A", ":"), gone(asked))),
        f"GET {api}/queries/*": fields(lambda asked: query),
        f"GET {api}/users": fields(lambda asked: paged(users, asked)),
        f"GET {api}/users/search": fields(lambda asked: paged(users, asked)),
    }  # fmt: skip

    def allows(asked: Asked) -> bool:
        said = asked.headers.get("authorization", "").removeprefix("Bearer ").removeprefix("token ")
        return asked.path.endswith("/login") or said in tokens

    return Second(Vendor(routes, allows=allows), {"client_secret": SECRET}, {"client_id": "docent"})


# --- Redash -----------------------------------------------------------------------------------------------------------


def redash() -> Second:
    """25: pages that are refused beyond the end, restricted widgets, text boxes, archived and draft things, disabled people."""
    priya = {
        "id": 3,
        "name": "Priya",
        "email": "priya@harbor.example",
        "groups": [2],
        "is_disabled": False,
        "profile_image_url": "https://x",
    }
    gone = {
        **priya,
        "id": 4,
        "name": "Jo",
        "email": "jo@harbor.example",
        "is_disabled": True,
        "disabled_at": "2026-01-01T00:00:00Z",
    }

    def query(key: int, name: str, sql: str, **more: Any) -> dict[str, Any]:
        parameter = {"name": "p", "title": "p", "type": "text", "value": "CANARY-PARAMETER", "global": False}
        return {"id": key, "latest_query_data_id": None, "name": name, "description": None, "query": sql, "query_hash": "h", "schedule": None,
                "api_key": "CANARY-KEY", "is_archived": False, "is_draft": False, "updated_at": "2026-10-02T08:00:00.000Z", "version": 1,
                "created_at": "2026-01-01T00:00:00Z", "data_source_id": 1, "options": {"parameters": [parameter]}, "tags": [], "is_safe": True,
                "user": priya, "last_modified_by_id": 3, "retrieved_at": None, "runtime": None, "is_favorite": False, **more}  # fmt: skip

    queries = [
        query(1, "Umsatz", "SELECT sum(amount) FROM mart.orders WHERE state = 'open' AND day > '{{ day }}'", tags=["finance", "größe"],
              schedule={"interval": 86400, "time": "02:00", "day_of_week": None, "until": None}, description="Täglich"),
        query(2, "New query", "SELECT 1", is_draft=True, user=gone),
        query(3, "Mongo", '{"collection": "orders", "query": {"state": "open"}}', data_source_id=2),
        query(4, "Lost source", "SELECT * FROM x", data_source_id=None, description=""),
        query(5, "Of a query", "SELECT * FROM query_1 JOIN cached_query_3 USING (id)", data_source_id=3),
    ]  # fmt: skip
    queries += [
        query(number, f"Generated {number}", "SELECT 1") for number in range(100, 360)
    ]  # more than a page may hold
    archived = [query(90, "Archived", "SELECT 1", is_archived=True)]

    def shown(key: int, of: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": key,
            "type": "CHART",
            "name": "Chart",
            "description": "",
            "options": {"title": "CANARY"},
            "query": of,
        }

    dashboards: list[Any] = [
        {"id": 11, "slug": "tagesubersicht", "name": "Tagesübersicht", "user_id": 3, "user": {k: priya[k] for k in ("id", "name", "email")}, "layout": [],
         "dashboard_filters_enabled": False, "options": {}, "is_archived": False, "is_draft": False, "tags": ["board"], "version": 4,
         "updated_at": "2026-11-01T10:00:00Z", "created_at": "2026-01-01T00:00:00Z", "public_url": "https://x/CANARY", "api_key": "CANARY",
         "widgets": [{"id": 1, "width": 1, "options": {"parameterMappings": {"p": {"value": "CANARY"}}}, "dashboard_id": 11, "text": "",
                      "visualization": shown(5, queries[0])},
                     {"id": 2, "width": 1, "options": {}, "dashboard_id": 11, "text": "# CANARY text"},
                     {"id": 3, "width": 1, "options": {}, "dashboard_id": 11, "restricted": True},
                     {"id": 4, "width": 1, "options": {}, "dashboard_id": 11, "text": "", "visualization": shown(6, queries[2])}]},
        {"id": 12, "slug": "leer", "name": "Leer", "user_id": 4, "user": None, "layout": None, "is_archived": False, "is_draft": True, "tags": None,
         "updated_at": None, "created_at": "2026-01-01T00:00:00Z", "widgets": []},
        {"id": 13, "slug": "gone", "name": "Gone meanwhile", "user_id": 3, "user": None, "is_archived": False, "is_draft": False, "tags": [], "widgets": []},
    ]  # fmt: skip

    def pages(things: list[Any]) -> Callable[[Asked], Any]:
        def page(asked: Asked) -> Any:
            number, size = int(asked.query.get("page", 1)), int(asked.query.get("page_size", 25))
            if not 1 <= size <= 250 or number < 1 or (number - 1) * size + 1 > len(things) > 0:
                return Answer(400, {"message": "Page is out of range."})
            start = (number - 1) * size
            return {
                "count": len(things),
                "page": number,
                "page_size": size,
                "results": things[start : start + size],
            }

        return page

    def board(asked: Asked) -> Any:
        key = asked.path.split("/")[3]
        by_slug = "legacy" in asked.query
        found = next(
            (each for each in dashboards if (each["slug"] if by_slug else str(each["id"])) == key), None
        )
        return Answer(404, {"message": "Not found."}) if found is None or found["id"] == 13 else found

    sources = [{"id": 1, "name": "Lager", "type": "pg", "syntax": "sql", "paused": 0, "pause_reason": None, "view_only": True},
               {"id": 2, "name": "Events", "type": "mongodb", "syntax": "json", "paused": 0, "view_only": True},
               {"id": 3, "name": "Ergebnisse", "type": "results", "syntax": "sql", "paused": 1}]  # fmt: skip
    routes = {
        "GET /api/queries": pages(queries),
        "GET /api/queries/archive": pages(archived),
        "GET /api/queries/*": lambda asked: next(
            (each for each in queries if str(each["id"]) == asked.path.split("/")[3]), Answer(404)
        ),
        "GET /api/dashboards": pages([{**each, "widgets": None} for each in dashboards]),
        "GET /api/dashboards/*": board,
        "GET /api/data_sources": lambda asked: sources,
        "GET /api/session": lambda asked: {
            "user": priya,
            "org_slug": "default",
            "client_config": {"version": "25.1.0"},
        },
        "GET /status.json": lambda asked: Answer(403, {"message": "no"}),
        "GET /api/config": lambda asked: {"client_config": {"version": "25.1.0"}},
    }
    return Second(
        Vendor(routes, allows=lambda asked: asked.headers.get("authorization") == f"Key {SECRET}"),
        {"api_key": SECRET},
    )
