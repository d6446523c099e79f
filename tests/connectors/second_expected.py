"""What a reader of the vendors' references expects of the second servers: the data of test_second_servers.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.connectors import (
    second_bi,
    second_catalogs,
    second_graphql,
    second_pipelines,
    second_servers,
)
from tests.connectors.second_servers import Second


@dataclass(frozen=True)
class Expected:
    """`records`: key or name of a table -> members and what they are; `edges`: "upstream > downstream"."""

    second: Callable[[], Second]
    records: dict[str, dict[str, Any]]
    edges: frozenset[str]
    absent: tuple[str, ...] = ()
    requests: int = 100


def edges(text: str) -> frozenset[str]:
    return frozenset(" ".join(line.split()) for line in text.strip().splitlines())


LOOKER = Expected(
    second_servers.looker,
    {
        "folder/13": {"name": "営業", "parent": "folder/12"},
        "explore/harbor::orders": {"name": "Bestellungen", "description": "Every order", "tags": ("certified",), "columns.orders.revenue": "measure sum",
                                   "columns.orders.id.description": "Nummer der Bestellung", "columns.orders.state.tags": ("pii",)},
        "explore/harbor::plumbing": {"properties.hidden": "yes"},
        "explore/harbor::broken_one": {"name": "Broken", "columns": ()},
        "look/70": {"name": "Umsatz je Monat", "owners": ("priya@harbor.example",), "popularity": 41.0, "parent": "folder/12"},
        "look/71": {"name": "71", "owners": ()},
        "dashboard/5": {"name": "Täglicher Umsatz", "owners": ("jo@harbor.example",), "popularity": 120.0, "properties.certified": "certified",
                        "properties.created": "2026-01-05T10:00:00+00:00"},
        "dashboard/harbor::lookml_board": {"name": "As code", "parent": "folder/lookml"},
    },
    edges("""
        ANALYTICS.MART.ORDERS > explore/harbor::orders
        ANALYTICS.MART.CUSTOMERS > explore/harbor::orders
        ANALYTICS.MART.ORDERS#AMOUNT > explore/harbor::orders#orders.revenue
        ANALYTICS.MART.CUSTOMERS#COUNTRY > explore/harbor::orders#customers.country
        ANALYTICS.mart.plumbing > explore/harbor::plumbing
        explore/harbor::orders > look/70
        look/70 > dashboard/5
        explore/harbor::orders > dashboard/5
        explore/harbor::plumbing > dashboard/5
        explore/harbor::orders > dashboard/harbor::lookml_board
    """),
    ("look/72", "dashboard/9"),
    20,
)  # fmt: skip
METABASE = Expected(
    second_bi.metabase,
    {
        "collection/5": {"name": "Größe & Ähnliches", "parent": "collection/4"},
        "card/100": {"owners": ("priya@harbor.example",), "popularity": 12.0, "parent": "collection/4"},
        "card/101": {
            "description": "Ein Modell",
            "columns.STATE": "Text",
            "columns.STATE.description": "Zustand",
        },
        "card/103": {"dialect": "postgres"},
        "card/105": {"definition": "SELECT * FROM mart.customers "},
        "card/110": {"properties": {"type": "question", "created": "2026-01-01T00:00:00+00:00"}},
        "dashboard/60": {"name": "Tagesübersicht", "owners": ("priya@harbor.example",), "popularity": 77.0},
    },
    edges("""
        shop.mart.orders > card/100
        shop.mart.customers > card/100
        shop.mart.orders > card/101
        shop.mart.orders > card/102
        card/101 > card/103
        card/101 > card/104
        card/101 > card/106
        shop.mart.customers > card/106
        shop.mart.customers > card/107
        shop.mart.customers > card/109
        card/100 > dashboard/60
        card/104 > dashboard/60
        card/107 > dashboard/60
    """),
    ("card/108", "dashboard/62", "collection/9", "collection/10"),
    10,
)
REDASH = Expected(
    second_servers.redash,
    {
        "query/1": {
            "name": "Umsatz",
            "tags": ("finance", "größe"),
            "dialect": "postgres",
            "properties": {"schedule": "every 86400 s, 02:00", "created": "2026-01-01T00:00:00+00:00"},
        },
        "query/2": {
            "owners": ("jo@harbor.example",),
            "properties": {"draft": "yes", "created": "2026-01-01T00:00:00+00:00"},
        },
        "query/3": {"dialect": None},
        "query/359": {"name": "Generated 359"},
        "dashboard/11": {"name": "Tagesübersicht", "tags": ("board",)},
        "dashboard/13": {"name": "Gone meanwhile"},
        "chart/5": {"name": "Umsatz: Chart", "properties": {"type": "chart"}},
    },
    edges("""
        query/1 > query/5
        query/3 > query/5
        query/1 > chart/5
        chart/5 > dashboard/11
        query/3 > chart/6
        chart/6 > dashboard/11
    """),
    ("query/90",),
    21,
)
DATAHUB = Expected(
    second_graphql.datahub,
    {
        "analytics.mart.orders": {"description": "Jede Bestellung", "owner": "Priya", "tags": ("PII", "no-name", "Order"), "keys.primary": ("id",), "keys.foreign": ("customer_id",),
                                  "columns.state.description": "Zustand", "columns.state.tags": ("enum", "Checked", "State"), "properties.domain": "Vertrieb",
                                  "properties.deprecated": "yes", "columns.id": "NUMBER(38,0)"},
        "shop.public.open_orders": {"kind": "view", "definition": "SELECT 1"},
        "shop.legacy": {"database": None},
        "s3.my-bucket/data/file.csv": {"name": "my-bucket/data/file.csv"},
        "kafka.orders-größe": {"columns.state": ""},
        "urn:li:dataJob:(urn:li:dataFlow:(airflow,nightly,prod),load)": {"name": "load", "parent": "urn:li:dataFlow:(airflow,nightly,prod)"},
        "urn:li:dashboard:(looker,dashboards.5)": {"description": "edited", "url": "https://x/5"},
        "urn:li:glossaryTerm:8f3e": {"name": "Bestellung", "definition": "Was gekauft wurde"},
    },
    edges("""
        kafka.orders-größe > analytics.mart.orders
        kafka.orders-größe#state > analytics.mart.orders#state
        urn:li:chart:(looker,1) > urn:li:dashboard:(looker,dashboards.5)
        analytics.mart.orders > urn:li:chart:(looker,1)
        analytics.mart.orders > urn:li:dataJob:(urn:li:dataFlow:(airflow,nightly,prod),load)
    """),
)  # fmt: skip
TABLEAU = Expected(
    second_graphql.tableau,
    {
        "project/pr3": {"name": "営業", "parent": "project/pr2"},
        "w1": {
            "name": "Tagesübersicht",
            "parent": "project/pr3",
            "owners": ("priya@harbor.example",),
            "properties.created": "2026-01-01T00:00:00+00:00",
        },
        "p1": {
            "tags": ("gold",),
            "properties.certified": "yes",
            "columns.Umsatz je Größe.description": "Pro Stück",
            "columns.Amount": "real",
        },
        "e1": {"parent": "w1"},
        "vc1": {
            "kind": "dataset",
            "description": "Für alle",
            "owners": ("priya@harbor.example",),
            "tags": ("gold",),
            "properties.tables": "VC orders",
            "properties.certified": "yes",
        },
        "s1": {"popularity": 31.0, "owners": ("priya@harbor.example",)},
        "s2": {"url": None},
        "b1": {"popularity": 7.0, "tags": ("board",), "owners": ("priya@harbor.example",)},
        "q1": {"dialect": "postgres"},
    },
    edges("""
        ANALYTICS.MART.ORDERS > p1
        ANALYTICS.MART.ORDERS#AMOUNT > p1#Amount
        ANALYTICS.MART.ORDERS > vc1
        vc1 > p1
        dvdrental.customer > e1
        ANALYTICS.MART.ORDERS > e1
        p1 > e1
        dvdrental.customer > q1
        q1 > e1
        e1 > s1
        s1 > b1
        s2 > b1
    """),
)
DBT_CLOUD = Expected(
    second_pipelines.dbt_cloud,
    {
        "job/1": {"name": "Täglich", "properties.schedule": "0 3 * * *", "properties.last_status": "Running"},
        "job/2": {"properties.last_status": "Cancelled"},
        "job/4": {"name": "Never"},
        "model.lager.revenue": {
            "owners": ("priya@harbor.example",),
            "properties.relation": "ANALYTICS.MART.revenue",
            "columns.id.description": "Nummer",
        },
    },
    edges("""
        source.lager.raw.orders > model.lager.revenue
        model.lager.revenue > ANALYTICS.MART.revenue
        ANALYTICS.RAW.ORDERS > source.lager.raw.orders
        job/1 > model.lager.revenue
    """),
    ("job/3", "dbt_cloud_pr"),
)
AIRBYTE = Expected(
    second_pipelines.airbyte,
    {
        "c1": {
            "tags": ("gold",),
            "properties.schedule": "0 0 3 * * ? UTC",
            "properties.last_status": "running",
            "properties.streams": "2",
        },
        "c2": {"properties.status": "locked"},
        "c4": {"properties.to_type": "s3", "properties.created": "2025-10-09T08:53:20+00:00"},
    },
    edges("""
        c1 > RAW.public_eu.ab_orders
        c1 > RAW.public_eu.ab_Größe
        c2 > RAW.LANDING.customers
        c3 > RAW.sales.items
    """),
    ("c5",),
)
OPENMETADATA = Expected(
    second_catalogs.openmetadata,
    {
        "shop.public.orders": {"owner": "Priya", "tags": ("PII.None", "Tier.Tier1", "Shop.Order"), "keys.primary": ("id",), "keys.foreign": ("customer_id",),
                               "columns.address.city": "string", "columns.address.city.tags": ("PII.Sensitive",), "properties.domain": "Vertrieb", "properties.uses_30_days": "44",
                               "properties.created": "2025-10-09T08:53:20+00:00"},
        "shop.public.customers": {"keys.primary": ("id",), "keys.unique": ("mail",)},
        "shop.public.open.orders": {"kind": "materialized_view", "definition": "create view x as select 1"},
        "superset.77": {"name": "Tagesübersicht", "url": "https://bi/77", "popularity": 7.0},
        "airflow.nightly": {"properties.schedule": "0 3 * * *", "properties.last_status": "Successful", "properties.tasks": "load"},
        "Shop.Order.Line": {"parent": "Shop.Order", "properties.status": "Draft"},
        "Shop.Order": {"properties.synonyms": "Auftrag"},
    },
    edges("""
        superset.5 > superset.77
        shop.public.customers > shop.public.orders
        shop.public.customers#id > shop.public.orders#customer_id
        shop.public.orders > shop.public.open.orders
        shop.public.open.orders > superset.77
        shop.public.orders > airflow.nightly
    """),
    ("thrown_away",),
)  # fmt: skip
POWERBI = Expected(
    second_bi.powerbi,
    {
        "dataset/m1": {"description": "One truth", "properties.endorsement": "Certified", "owners": ("priya@harbor.example",)},
        "dataset/m1/Orders": {"columns.Id": "Int64"},
        "dataset/m1/Customers": {"dialect": "postgres", "definition": "select * from public.\"customers\" where mail = 'x@y'"},
        "dataset/m1/Orders/Umsatz": {"kind": "metric", "description": "Summe"},
        "dataset/m2": {"name": "No schema"},
        "datamart/a1": {"name": "Markt", "parent": "workspace/00000001-0000-4000-8000-000000000000", "properties.type": "datamart", "owners": ("priya@harbor.example",)},
        "report/r1": {"owners": ("priya@harbor.example",), "description": "Jeden Morgen", "popularity": 2.0, "properties.viewers": "2", "properties.created": "2026-01-01T00:00:00+00:00"},
        "report/r3": {"url": "https://app.powerbi.com/groups/00000001-0000-4000-8000-000000000000/rdlreports/r3"},
        "dashboard/b2": {"name": "Leer"},
    },
    edges("""
        ANALYTICS.MART.ORDERS > dataset/m1/Orders
        dataset/m1/Orders > dataset/m1
        dataset/m1/Customers > dataset/m1
        dataset/m1/Kalender > dataset/m1
        dataset/m1/Orders > dataset/m1/Orders/Umsatz
        dataflow/f1 > dataset/m1
        dataset/m1 > dataset/m2
        dataflow/f1 > datamart/a1
        datamart/a1 > dataset/m2
        dataset/m1 > report/r1
        dataset/m1 > report/r4
        report/r1 > dashboard/b1
        dataset/m2 > dashboard/b1
    """),
    ("report/r2", "report/r5", "Deleted one"),
)  # fmt: skip
ICEBERG = Expected(
    second_catalogs.iceberg,
    {
        "lake.sales.orders": {"properties.partition_key": "day(at)", "description": "Jede Bestellung", "row_estimate": 42, "keys.primary": ("id",), "columns.größe": "string", "columns.id.description": "Nummer"},
        "lake.sales.eu.lines": {"row_estimate": None},
        "lake.sales.open_orders": {"kind": "view"},
    },
    frozenset(),
    ("dropped",),
)  # fmt: skip
CASES = {
    "looker": LOOKER, "metabase": METABASE, "redash": REDASH, "datahub": DATAHUB, "tableau": TABLEAU, "dbt_cloud": DBT_CLOUD,
    "airbyte": AIRBYTE, "openmetadata": OPENMETADATA, "powerbi": POWERBI, "iceberg": ICEBERG,
}  # fmt: skip
