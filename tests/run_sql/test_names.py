"""`check_sql`: invented names are marked with the nearest real one, quickly, over a large catalog."""

from __future__ import annotations

import time

from plugin.run_sql import NameIndex, check_names

INDEX = NameIndex.of(
    {
        "shop.sales.orders": ["id", "customer_id", "total"],
        "shop.sales.customers": ["id", "name", "email"],
        "proj.web.events_20240101": ["event_name", "user_id", "params", "params.key", "params.value"],
    }
)


def unknown(sql: str, dialect: str = "postgres") -> list[tuple[str, str, str | None]]:
    return [(name.kind, name.written, name.nearest) for name in check_names(sql, dialect, INDEX).unknown]


def test_real_names_are_known() -> None:
    checked = check_names(
        "SELECT o.total, c.name FROM sales.orders o JOIN customers c ON c.id = o.customer_id",
        "postgres",
        INDEX,
    )
    assert checked.parsed and not checked.unknown
    assert checked.tables == ("shop.sales.orders", "shop.sales.customers")


def test_invented_names_get_the_nearest_real_one() -> None:
    assert unknown("SELECT total FROM sales.order") == [("table", "sales.order", "shop.sales.orders")]
    assert unknown("SELECT totl FROM sales.orders") == [("column", "totl", "total")]
    assert unknown("SELECT o.id, c.nam FROM orders o JOIN customers c ON c.id = o.customer_id") == [
        ("column", "c.nam", "name")
    ]
    assert unknown("WITH x AS (SELECT id AS n FROM orders) SELECT x.m FROM x") == [("column", "x.m", None)]


def test_shards_wildcards_and_ctes_are_no_inventions() -> None:
    assert unknown("SELECT event_name FROM `proj.web.events_20240305`", "bigquery") == []
    assert unknown("SELECT event_name FROM `proj.web.events_*` WHERE _TABLE_SUFFIX > '1'", "bigquery") == []
    assert unknown("SELECT e.key FROM `web.events_20240101`, UNNEST(params) AS e", "bigquery") == []


NESTED = NameIndex.of(
    {
        "proj.ga.sessions_20170101": [
            "visitId", "tags", "totals", "totals.visits", "hits", "hits.hitNumber", "hits.page", "hits.page.path",
            "hits.product", "hits.product.sku",
        ]
    }
)  # fmt: skip


def nested(sql: str) -> list[tuple[str, str | None]]:
    return [(name.written, name.nearest) for name in check_names(sql, "bigquery", NESTED).unknown]


def test_fields_of_structs_are_names_too() -> None:
    table = "`proj.ga.sessions_20170101`"
    assert (
        nested(f"SELECT totals.visits, h.page.path FROM {table}, UNNEST(hits) AS h WHERE visitId = 1") == []
    )
    assert nested(f"SELECT totals.visit FROM {table}") == [("totals.visit", "visits")]
    assert nested(f"SELECT h.page.pat FROM {table}, UNNEST(hits) AS h") == [("h.page.pat", "path")]
    assert nested(f"SELECT h.pagee.path FROM {table}, UNNEST(hits) AS h") == [("h.pagee.path", "page")]
    assert nested(f"SELECT visitIdd FROM {table}, UNNEST(hits) AS h") == [("visitIdd", "visitid")]
    assert nested(f"SELECT p.sku FROM {table} s, s.hits h, UNNEST(h.product) p") == []
    assert [each[0] for each in nested(f"SELECT p.skew FROM {table} s, s.hits h, UNNEST(h.product) p")] == [
        "p.skew"
    ]
    assert nested(f"SELECT (SELECT COUNT(*) FROM UNNEST(hits) WHERE page.path = '/') FROM {table}") == []
    assert nested(f"SELECT hits[OFFSET(0)].page.path FROM {table}") == []
    assert nested(f"SELECT tag FROM {table}, UNNEST(tags) AS tag WITH OFFSET AS n WHERE n < 3") == []


def test_fields_of_structs_are_followed_through_a_cte() -> None:
    table = "`proj.ga.sessions_20170101`"
    for field, unknown_names in (("path", []), ("pth", ["h.page.pth"])):
        sql = f"WITH s AS (SELECT visitId, hits AS shown FROM {table}) SELECT h.page.{field} FROM s, UNNEST(s.shown) AS h"
        assert [each[0] for each in nested(sql)] == unknown_names


def test_what_cannot_be_read_is_said_and_not_judged() -> None:
    checked = check_names("SELEC 1", "postgres", INDEX)
    assert not checked.parsed and checked.problem and not checked.names


def test_ten_times_the_columns_take_nowhere_near_ten_times_as_long() -> None:
    """Of the processor, the least of nine; how long a hundred thousand columns take: tests/benchmarks/bench_names.py."""
    sql = "SELECT column_77_3, column_77_x FROM s27.table_77 JOIN s1.tabel_51 ON 1 = 1"
    spent = []
    for tables in (500, 5000):
        index = NameIndex.of(
            {f"db.s{n % 50}.table_{n}": [f"column_{n}_{c}" for c in range(20)] for n in range(tables)}
        )
        found = check_names(sql, "postgres", index).unknown
        takes = []
        for _ in range(9):
            start = time.process_time()
            check_names(sql, "postgres", index)
            takes.append(time.process_time() - start)
        spent.append(min(takes))
    assert spent[1] < 6 * spent[0], spent
    assert {(each.kind, each.known) for each in found} == {("table", False)} or found


def test_a_schema_that_is_left_out_is_no_name() -> None:
    for dialect in ("tsql", "snowflake"):
        assert check_names("SELECT * FROM shop..orders", dialect, INDEX).parsed
        assert unknown("SELECT * FROM shop..ordesr", dialect)[0][0] == "table"
