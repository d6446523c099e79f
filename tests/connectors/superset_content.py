"""Other content for the real Superset, as teams leave it behind: templates in SQL, saved metrics, seals, tags, drafts,
owners who left, a database that is gone, accounts whose roles see a part, and what people opened and asked.

Enters: the address of a running Superset and two PostgreSQL databases. Every literal in it is called CANARY-... or is a
number over 50,000, so that a test can look for them.
"""

from __future__ import annotations

import json
from typing import Any

import httpx
import psycopg

from tests.connectors.superset_server import PASSWORD, maker, signed_in

READER = "part"
WATCHER = "watcher"
OWN = "own"
USAGE = [
    ("can_read", "Log"), ("can_read", "Query"), ("all_query_access", "all_query_access"),
    ("can_read", "CurrentUserRestApi"),
]  # fmt: skip
METRIC = 'odd "m", O\'x / 100% {{y}}'
LONG_NAME = "L" * 246 + "\"ö'."
TITLE = 'Umsatz – "O\'Brien" / 100% <b>x</b>'
SEAL = {"certification": {"certified_by": "Data Platform", "details": 'Audited in "Q1"'}}
JINJA = """select o.id, "Käufer" as buyer, 'CANARY-SQL' as mark {# CANARY-COMMENT #}
from sales.orders o where 1=1
{% if filter_values('status') %} and status in ({{ "'" + "','".join(filter_values('status')) + "'" }}) {% endif %}
{% if url_param("CANARY-JINJA") == "CANARY-ELSE" %} and id = 77001 {% else %} and status = '{{ url_param('CANARY-IN') }}'
{% endif %}"""
FILTERS = {"adhoc_filters": [{"clause": "WHERE", "comparator": "CANARY-FILTER", "subject": "status"}]}
CHARTS: list[tuple[str, str, dict[str, Any]]] = [
    ("Big", "big_number_total", {"metric": "revenue", **FILTERS}),
    ("Line", "echarts_timeseries_line", {"metrics": ["revenue", "count"], "groupby": ["status"], **FILTERS}),
    ("Mixed", "mixed_timeseries", {"metrics": ["count"], "metrics_b": [METRIC], "groupby_b": ["Käufer"]}),
    ("Bubble", "bubble_v2", {"x": "revenue", "y": "count", "size": METRIC, "entity": "status"}),
    ("Pie", "pie", {"metric": {"aggregate": "SUM", "label": "CANARY-LABEL"}, "groupby": ["status"]}),
    (
        "Sql",
        "table",
        {"metrics": [{"expressionType": "SQL", "sqlExpression": "SUM(1) FILTER (WHERE status='CANARY-ADHOC')"}]},
    ),
    ("Handle", "handlebars", {"handlebarsTemplate": "CANARY-TEMPLATE {{revenue}}"}),
    ("Map", "deck_scatter", {"spatial": {"lonCol": "id", "latCol": "id", "type": "latlong"}}),
    ("Ü" * 249 + '"', "pivot_table_v2", {"metrics": ["CANARY-NO-METRIC"]}),
]  # fmt: skip


def fill(url: str, database_url: str, gone_url: str) -> None:
    """Put it all in through Superset's own API. `gone_url` is a database that may vanish afterwards."""
    for each in (database_url, gone_url):
        with psycopg.connect(each, autocommit=True) as connection:
            connection.execute("create schema sales")
            connection.execute('create schema "Ärger.x"')
            connection.execute(
                'create table sales.orders (id int, status text, amount numeric, "Käufer" text)'
            )
            connection.execute("create table sales.parcels (id int)")
            connection.execute('create table "Ärger.x".parcels (id int)')
            connection.execute('create table "Ärger.x"."tab.le ""q""" (id int, "co.l ""q""" text)')
            connection.execute("insert into sales.orders values (1, 'CANARY-ROW', 77003, 'CANARY-ROW')")
    with signed_in(url) as client:
        make = maker(client)
        main = make("database", database_name="Warehouse", sqlalchemy_uri=database_url)
        named = 'Käufer "B" – O\'Brien, (x) & 100%'
        second = make("database", database_name=named, sqlalchemy_uri=database_url)
        gone = make("database", database_name="Gone", sqlalchemy_uri=gone_url)
        roles = {
            each["name"]: each["id"]
            for each in client.get("/api/v1/security/roles/?q=(page_size:100)").json()["result"]
        }

        def person(name: str, role: int) -> int:
            return make(
                "security/users", first_name=name.title(), last_name="Ö'Hopper", username=name, active=True,
                email=f"{name}@example.org", roles=[role], password=PASSWORD,
            )  # fmt: skip

        grace, left = person("grace", roles["Alpha"]), person("left", roles["Alpha"])
        orders = make("dataset", database=main, schema="sales", table_name="orders", owners=[grace, left])
        _describe(client, orders)
        make("dataset", database=second, schema="Ärger.x", table_name='tab.le "q"')
        jinja = make("dataset", database=main, schema="sales", table_name="with jinja", sql=JINJA)
        on_it = f"select buyer from {{{{ dataset({jinja}) }}}}"
        make("dataset", database=main, schema="sales", table_name="on jinja", sql=on_it)
        sql = "select id from sales.orders"
        long = make("dataset", database=main, schema="sales", table_name=LONG_NAME, sql=sql)
        sql = "select id from parcels"  # there are two; this one lies in the schema that the dataset names
        make("dataset", database=main, schema="sales", table_name="unqualified", sql=sql)
        parcels = make("dataset", database=gone, schema="sales", table_name="parcels")
        deleted = make("dataset", database=main, schema="sales", table_name="deleted", sql="select 1 as x")
        board = make(
            "dashboard", dashboard_title=TITLE, published=True, slug="umsatz-o", owners=[grace],
            certified_by="Finance", certification_details="Checked 'weekly'",
            position_json=json.dumps(_TABS), json_metadata=json.dumps(_native_filter(orders)),
        )  # fmt: skip
        draft = make("dashboard", dashboard_title="D" * 300, published=False, owners=[left])
        make("dashboard", published=False)
        on = [(*chart, orders) for chart in CHARTS]
        on += [("Of another", "table", {}, long), ("Of what is gone", "table", {}, parcels)]
        on += [("Orphan", "table", {}, deleted)]
        made = [
            make(
                "chart", slice_name=name, viz_type=kind, datasource_id=dataset, datasource_type="table",
                params=json.dumps({"viz_type": kind, "datasource": f"{dataset}__table", **form}),
                dashboards=[board, draft] if name == "Line" else [board] if name == "Big" else [],
                **({"certified_by": "Finance"} if name == "Big" else {}),
            )
            for name, kind, form, dataset in on
        ]  # fmt: skip
        client.delete(f"/api/v1/dataset/{deleted}").raise_for_status()
        client.delete(f"/api/v1/security/users/{left}").raise_for_status()
        tags = {"properties": {"tags": ['finance, "Ö"', "gold"]}}
        for kind, tagged in ((3, board), (2, made[0])):
            client.post(f"/api/v1/tag/{kind}/{tagged}/", json=tags).raise_for_status()
        saved = {"db_id": main, "label": "Saved", "sql": "select 'CANARY-SAVED'"}
        client.post("/api/v1/saved_query/", json=saved).raise_for_status()
        known, part = _rights(client), _reading(orders)
        person(READER, _role(client, make, "A part", known, part))
        person(WATCHER, _role(client, make, "Usage", known, [*part, *USAGE]))
        person(OWN, _role(client, make, "Own queries", known, [*part, ("can_read", "Query")]))
        _use(url, client, main, board, made[0])


def _describe(client: Any, orders: int) -> None:
    """Words, seals, calculated columns and metrics on a dataset."""
    whole = client.get(f"/api/v1/dataset/{orders}").raise_for_status().json()["result"]
    columns = [{name: each[name] for name in ("id", "column_name", "type")} for each in whole["columns"]]
    columns[0] |= {"verbose_name": "id"}
    columns[1] |= {"verbose_name": "State", "description": "Where it stands", "extra": json.dumps(SEAL)}
    columns[2] |= {"verbose_name": "Amount, net"}
    columns += [
        {"column_name": "margin", "expression": "amount * 1.19 - 77003", "type": "NUMERIC"},
        {"column_name": "label", "expression": "\"Käufer\" || 'CANARY-CALCULATED'"},
    ]
    metrics = [
        {name: each[name] for name in ("id", "metric_name", "expression")} for each in whole["metrics"]
    ]
    metrics += [
        {
            "metric_name": "revenue",
            "expression": "SUM(CASE WHEN status = 'CANARY-METRIC' THEN amount * 55001 END)",
            "verbose_name": "Revenue (€)",
            "description": "What came in",
            "extra": json.dumps({**SEAL, "warning_markdown": "*net*"}),
        },
        {"metric_name": METRIC, "expression": 'COUNT(DISTINCT "Käufer")'},
        {
            "metric_name": "m" * 255,
            "expression": "SUM(amount) FILTER (WHERE status = '{{ url_param(\"CANARY-IN-METRIC\") }}')",
        },
    ]
    extra = json.dumps({**SEAL, "warning_markdown": "Loads late"})
    body = {"description": "Every order", "columns": columns, "metrics": metrics, "extra": extra}
    client.put(f"/api/v1/dataset/{orders}", json=body).raise_for_status()


def _reading(dataset: int) -> list[tuple[str, str]]:
    """What shows dashboards, charts and one dataset; no list of databases."""
    return [
        *(("can_read", on) for on in ("Dashboard", "Chart", "Dataset")),
        ("datasource_access", f"(id:{dataset})"),
    ]


def _rights(client: Any) -> list[tuple[int, str, str]]:
    """Every right that there is: its id, what it is, and on what."""
    found: list[tuple[int, str, str]] = []
    for page in range(100):
        asked = f"/api/v1/security/permissions-resources/?q=(page:{page},page_size:100)"
        rows = client.get(asked).raise_for_status().json()["result"]
        found += [(each["id"], each["permission"]["name"], each["view_menu"]["name"]) for each in rows]
        if not rows:
            break
    return found


def _role(
    client: Any, make: Any, name: str, known: list[tuple[int, str, str]], wanted: list[tuple[str, str]]
) -> int:
    """A role with these rights."""
    chosen = [
        key
        for key, right, on in known
        if any(right == one and (on == thing or "id:" in thing and thing in on) for one, thing in wanted)
    ]
    role: int = make("security/roles", name=name)
    given = {"permission_view_menu_ids": chosen}
    client.post(f"/api/v1/security/roles/{role}/permissions", json=given).raise_for_status()
    return role


def _use(url: str, client: Any, database: int, board: int, chart: int) -> None:
    """Two people open a dashboard, one a chart, as the browser tells it; a statement of SQL Lab runs with two values."""
    opened = ((f"dashboard_id={board}", "dashboard"), (f"slice_id={chart}", "explorer"))
    for name, times in (("admin", 2), ("grace", 1)):
        with httpx.Client(base_url=url, timeout=60, follow_redirects=True) as browser:
            browser.post("/login/", data={"username": name, "password": PASSWORD}).raise_for_status()
            for at, what in opened[:times]:
                events = [{"event_name": f"mount_{what}", "form": "CANARY-LOG"}, {"event_name": "load_chart"}]
                sent = {"events": json.dumps(events)}
                browser.post(f"/superset/log/?explode=events&{at}", data=sent).raise_for_status()
    for number in (1, 2):
        sql = f"select status, 'CANARY-HISTORY-{number}' from sales.orders where amount > 7700{number}"
        body = {
            "database_id": database,
            "sql": sql,
            "schema": "sales",
            "client_id": f"canary-{number}",
            "queryLimit": 1,
        }
        client.post("/api/v1/sqllab/execute/", json=body).raise_for_status()


_TABS = {
    "DASHBOARD_VERSION_KEY": "v2",
    "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["TABS-1"]},
    "TABS-1": {"type": "TABS", "id": "TABS-1", "children": ["TAB-1", "TAB-2"], "meta": {}},
    "TAB-1": {"type": "TAB", "id": "TAB-1", "children": [], "meta": {"text": "Überblick"}},
    "TAB-2": {"type": "TAB", "id": "TAB-2", "children": ["MD-1"], "meta": {"text": "Details & more"}},
    "MD-1": {"type": "MARKDOWN", "id": "MD-1", "children": [], "meta": {"code": "CANARY-MARKDOWN"}},
}


def _native_filter(dataset: int) -> dict[str, Any]:
    return {
        "native_filter_configuration": [
            {
                "id": "NATIVE_FILTER-1",
                "name": "State",
                "filterType": "filter_select",
                "type": "NATIVE_FILTER",
                "targets": [{"datasetId": dataset, "column": {"name": "status"}}],
                "defaultDataMask": {"filterState": {"value": ["CANARY-DEFAULT"]}},
                "controlValues": {},
                "cascadeParentIds": [],
                "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
            }
        ]
    }
