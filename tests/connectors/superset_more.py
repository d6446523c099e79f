"""A third content for the real Superset: wide tables, what cannot be read, people who are switched off, a database that
was taken away, names in every script, and more charts than a page holds.

Enters: the address of a running Superset and a PostgreSQL database. What is a value is called CANARY-...
"""

from __future__ import annotations

import json
from typing import Any

import psycopg

from tests.connectors.superset_server import PASSWORD, maker, signed_in

WIDE = 300
MANY = 230
NAMES = (
    "売上ダッシュボード",
    "لوحة القيادة",
    "Ω≈ç√∫ 🚢",
    "e\u0301tat \u200b x",
    "'; drop table x; --",
    "{{ 1 + 1 }}",
    "Same",
    "Same",
)
BROKEN = "select {{ no_such_macro('CANARY-ARGUMENT') }} from {% if x %} sales.wide"


def fill(url: str, database_url: str) -> None:
    """Put it all in through Superset's own API."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("create schema sales")
        columns = ", ".join(f'"col {n:03d} größe" text' for n in range(WIDE))
        connection.execute(f"create table sales.wide ({columns})")
        connection.execute("create table sales.narrow (id int)")
        connection.execute("create table sales.lost (id int)")
    with signed_in(url) as client:
        make = maker(client)
        main = make("database", database_name="Lager – 倉庫", sqlalchemy_uri=database_url)
        away = make("database", database_name="Taken away", sqlalchemy_uri=database_url)
        roles = client.get("/api/v1/security/roles/?q=(page_size:100)").raise_for_status().json()["result"]
        alpha = next(each["id"] for each in roles if each["name"] == "Alpha")
        off = make(
            "security/users", first_name="Off", last_name="Switched", username="off", active=True,
            email="off@example.org", roles=[alpha], password=PASSWORD,
        )  # fmt: skip
        wide = make("dataset", database=main, schema="sales", table_name="wide", owners=[off])
        narrow = make("dataset", database=main, schema="sales", table_name="narrow")
        lost = make("dataset", database=away, schema="sales", table_name="lost")
        sql = {"sql": "select id, 'CANARY-SQL' as x from sales.narrow -- größe"}
        broken = make("dataset", database=main, schema="sales", table_name="broken", **sql)
        client.put(f"/api/v1/dataset/{broken}", json={"sql": BROKEN})
        boards = [
            make(
                "dashboard", dashboard_title=name, published=n % 2 == 0, owners=[off],
                **({"certified_by": "監査 & \"Ö'\"", "certification_details": "✔"} if n < 2 else {}),
            )
            for n, name in enumerate(NAMES)
        ]  # fmt: skip
        for n in range(MANY):
            _chart(make, f"Chart {n:03d}", narrow, boards[:1] if n < 5 else [])
        _chart(make, "On wide", wide, boards)
        _chart(make, "On what went away", lost, boards[1:2])
        client.delete(f"/api/v1/dataset/{lost}").raise_for_status()
        client.delete(f"/api/v1/database/{away}").raise_for_status()
        client.put(f"/api/v1/security/users/{off}", json={"active": False}).raise_for_status()


def _chart(make: Any, name: str, dataset: int, boards: list[int]) -> int:
    form = {"viz_type": "table", "adhoc_filters": [{"comparator": "CANARY-FILTER"}], "metrics": ["count"]}
    found: int = make(
        "chart", slice_name=name, viz_type="table", datasource_id=dataset, datasource_type="table",
        params=json.dumps(form), dashboards=boards,
    )  # fmt: skip
    return found
