"""What the guard renders is what the engine reads: run on a real one where it is here, by its own grammar where not."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugin.access.viewer import Viewer
from plugin.catalog.sync import sync
from plugin.run_sql.batch import Checker
from plugin.run_sql.results import Results
from plugin.run_sql.run import run
from plugin.store import Store

LINES = "(SELECT qty FROM sales.order_items i WHERE i.order_id = o.id)"
ORACLE = [
    (f"SELECT o.id, x.qty FROM sales.orders o CROSS APPLY {LINES} x", f"o CROSS APPLY {LINES} x"),
    (f"SELECT o.id, x.qty FROM sales.orders o OUTER APPLY {LINES} x", f"o OUTER APPLY {LINES} x"),
    (f"SELECT o.id, x.qty FROM sales.orders o, LATERAL {LINES} x", f"o, LATERAL {LINES} x"),
    (f"SELECT o.id, x.qty FROM sales.orders o CROSS JOIN LATERAL {LINES} x", f"o CROSS JOIN LATERAL {LINES} x"),
    (f"SELECT o.id, x.qty FROM sales.orders o LEFT JOIN LATERAL {LINES} x ON 1 = 1", f"LATERAL {LINES} x ON 1 = 1"),
    (f"SELECT o.id FROM sales.orders o CROSS APPLY {LINES}", f"o CROSS APPLY {LINES}"),
    ("SELECT o.id, j.a FROM sales.orders o CROSS APPLY JSON_TABLE(o.meta, '$' COLUMNS (a NUMBER PATH '$.a')) j",
     "o CROSS APPLY JSON_TABLE(o.meta, '$' COLUMNS(a NUMBER PATH '$.a')) j"),
    (f"SELECT o.id FROM sales.orders o CROSS APPLY {LINES} x OUTER APPLY (SELECT x.qty AS m FROM dual) y "
     "JOIN sales.customers c ON c.id = o.customer_id WHERE y.m > 1", "y JOIN sales.customers c ON"),
    ("SELECT p.x FROM (SELECT status, total FROM sales.orders) PIVOT (SUM(total) FOR status IN ('a' AS x)) p",
     "IN ('a' AS x)) p"),
    ("SELECT v.a FROM (VALUES (1), (2)) v(a)", "FROM (VALUES (1), (2)) v(a)"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "part"), ORACLE)
def test_oracle_gets_its_own_apply_and_no_as_before_a_name(sql: str, part: str) -> None:
    world = {
        "sales.orders": ["id", "customer_id", "status", "total", "meta"],
        "sales.order_items": ["order_id", "qty"],
        "sales.customers": ["id"],
    }
    checker = Checker(columns=world, default_schema="sales")
    verdict = checker.check(sql, "oracle")
    assert verdict.accepted, verdict.reasons
    assert part in verdict.rendered and ") AS " not in verdict.rendered, verdict.rendered
    assert "JOIN LATERAL" not in verdict.rendered or "JOIN LATERAL" in sql
    assert checker.check(verdict.rendered, "oracle").rendered == verdict.rendered


DUCKDB = [
    ("SELECT id FROM sales.orders", [(1,), (2,)]),
    ("SELECT sales.orders.id FROM sales.orders WHERE sales.orders.note = 'b'", [(2,)]),
    ("SELECT o.id FROM Sales.Orders o JOIN main.sales s ON s.id = o.id", [(1,)]),
    ("SELECT sales.id FROM sales", [(1,)]),
    ("SELECT id FROM sales.sales.orders WHERE id = 1", [(1,)]),
    ("SELECT t.id FROM temp.t", [(7,)]),
    ("SELECT count(*) FROM temp.t, sales.orders", [(2,)]),
    ("WITH x AS (FROM sales.orders) SELECT id FROM x", [(1,), (2,)]),
    ("SELECT id FROM sales.orders WHERE id IN (SELECT id FROM sales.orders UNION ALL SELECT id FROM main.sales)",
     [(1,), (2,)]),
]  # fmt: skip


def test_a_duckdb_schema_that_is_called_as_its_file(store: Store, admin: Viewer, tmp_path: Path) -> None:
    import duckdb

    path = tmp_path / "sales.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema sales.sales; create schema sales.temp")
        connection.execute(
            "create table sales.sales.orders as select * from (values (1, 'a'), (2, 'b')) v(id, note)"
        )
        connection.execute(
            "create table sales.main.sales as select 1 as id; create table sales.temp.t as select 7 as id"
        )
    with store.as_admin(admin) as door:
        made = door.integrations.add("shop", "duckdb", {"path": str(path)}, query={"path": str(path)})
        door.settings.set("ai.enabled", True)
        door.settings.set("ai.run_sql", True)
    assert sync(store, admin, made.id).status == "done"
    for sql, expected in DUCKDB:
        outcome = run(store, admin, made.id, sql, results=Results(), session="s")
        assert sorted(tuple(row) for row in outcome.result.page()) == sorted(expected), outcome.sql
    with store.as_viewer(admin) as mine:
        note = next(
            column
            for column in mine.catalog.columns(mine.catalog.by_name("sales.sales.orders").id)
            if column.name == "note"
        )
        mine.edits.set_property(note.id, "sensitivity", "personal")
    masked = run(store, admin, made.id, "SELECT * FROM sales.orders", results=Results(), session="s")
    assert [row[1] for row in masked.result.page()] == ["[masked]", "[masked]"]
