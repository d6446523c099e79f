"""What statements cost, on a table's page: of those that the reader sees, and of nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable

from sqlalchemy import text

from plugin.store import Store
from tests.web.conftest import Person
from tests.web.test_roles import id_of


def test_a_tables_page_tells_what_its_statements_cost(
    demo_store: Store, person: Callable[[str], Person]
) -> None:
    orders, salaries = id_of(demo_store, "sales.orders"), id_of(demo_store, "hr.salaries")
    with demo_store._engine.begin() as db:  # as a sync of a warehouse would
        place = db.execute(
            text("SELECT workspace_id, integration_id FROM resources WHERE id = :id"), {"id": orders}
        ).one()
        for number, (tables, billed) in enumerate((((orders,), 3e12), ((orders, salaries), 4e12))):
            query = {"id": 9_000 + number, "w": place[0], "i": place[1], "sql": f"SELECT {number}", "costs": json.dumps({"bytes_billed": billed})}  # fmt: skip
            db.execute(
                text(
                    "INSERT INTO frequent_queries (id, workspace_id, integration_id, sql, runs, users, costs)"
                    " VALUES (:id, :w, :i, :sql, 12, 1, :costs)"
                ),
                query,
            )
            for table in tables:
                db.execute(
                    text("INSERT INTO frequent_query_tables (query_id, resource_id, workspace_id) VALUES (:q, :t, :w)"),
                    {"q": query["id"], "t": table, "w": place[0]},
                )  # fmt: skip
    whole = person("admin").get(f"/r/{orders}/usage").get_data(as_text=True)
    assert "7 TB billed" in whole and "12 runs by 1 person, 4 TB billed in all" in whole
    seen = person("viewer").get(f"/r/{orders}/usage").get_data(as_text=True)
    assert "3 TB billed" in seen and "12 runs by 1 person, 3 TB billed in all" in seen
    assert "7 TB" not in seen and "4 TB" not in seen
    told = {who: person(who).get(f"/api/v1/resources/{orders}/usage").json for who in ("admin", "viewer")}
    assert [(each["statements"], each["runs"], each["people"]) for each in told.values()] == [
        (2, 24, 1),
        (1, 12, 1),
    ]
    assert [each["sql"] for each in told["viewer"]["queries"]] == ["SELECT 0"]
    assert person("viewer").get(f"/api/v1/resources/{salaries}/usage").status_code == 404
