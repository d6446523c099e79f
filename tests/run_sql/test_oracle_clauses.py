"""Clauses that are carried past the parser or put into its words: what runs holds them, and nothing hides in them."""

from __future__ import annotations

import pytest

from plugin.run_sql.batch import Checker
from plugin.run_sql.guard import check
from plugin.run_sql.verdict import VisibleTable, VisibleTables

COLUMNS = {
    "shop.orders": ["id", "store_id", "status", "amount", "tags", "payload", "sold_at"],
    "shop.stores": ["id", "city"],
}


def checker(engine: str) -> Checker:
    schema = {"tsql": "dbo", "sqlite": "main"}.get(engine, "shop")
    tables = {f"{schema}.{name.split('.')[1]}": columns for name, columns in COLUMNS.items()}
    return Checker(columns=tables, default_schema=schema, database="base")


WRITTEN = [
    (
        "oracle",
        "SELECT s.city FROM stores s LEFT OUTER JOIN orders o PARTITION BY (o.status) ON o.store_id = s.id OR s.id = 1",
        ("orders", "o PARTITION BY (o.status) ON o.store_id = s.id OR s.id = 1"),
    ),
    (
        "oracle",
        "SELECT s.city FROM orders o PARTITION BY (o.status, o.id) RIGHT JOIN stores s ON o.store_id = s.id",
        ("o PARTITION BY (o.status, o.id) RIGHT JOIN", "ON o.store_id = s.id"),
    ),
    (
        "oracle",
        "SELECT NTH_VALUE(amount, 2) FROM LAST RESPECT NULLS OVER (ORDER BY id) FROM orders",
        ("NTH_VALUE(amount, 2) FROM LAST RESPECT NULLS OVER",),
    ),
    (
        "oracle",
        "WITH t (n) AS (SELECT 1 FROM dual UNION ALL SELECT n + 1 FROM t WHERE n < 9)"
        " SEARCH BREADTH FIRST BY n DESC SET o CYCLE n SET c TO 'Y' DEFAULT 'N' SELECT n, o, c FROM t",
        ("SEARCH BREADTH FIRST BY n DESC SET o CYCLE n SET c TO 'Y' DEFAULT 'N'",),
    ),
    ("oracle", "SELECT t.COLUMN_VALUE FROM orders o, TABLE(o.tags) t", ("TABLE(o.tags) t",)),
    (
        "oracle",
        "SELECT id FROM orders PARTITION FOR (DATE '2024-01-01', 'a''b') o",
        ("PARTITION FOR (DATE '2024-01-01' , 'a''b')",),
    ),
    ("oracle", "SELECT id FROM orders SUBPARTITION (p1) o", ("SUBPARTITION (p1) o",)),
    (
        "oracle",
        "SELECT JSON_TRANSFORM(payload, SET '$.a' = amount IGNORE ON MISSING, REMOVE '$.b' RETURNING CLOB) FROM orders",
        ("SET '$.a' = amount IGNORE ON MISSING, REMOVE '$.b' RETURNING CLOB)",),
    ),
    (
        "oracle",
        "SELECT JSON {'a' : id, 'b' : [1, status]} FROM orders",
        ("JSON_OBJECT('a': id, 'b': JSON_ARRAY(1, status NULL ON NULL RETURNING JSON) RETURNING JSON)",),
    ),
    ("oracle", "SELECT JSON_OBJECT(id, o.status) FROM orders o", ("JSON_OBJECT(id, o.status)",)),
    (
        "oracle",
        "SELECT TO_DATE(status DEFAULT '2000' ON CONVERSION ERROR, 'YYYY') FROM orders",
        ("TO_DATE(status DEFAULT '2000' ON CONVERSION ERROR, 'YYYY')",),
    ),
    (
        "oracle",
        "SELECT id FROM orders WHERE status IS NOT JSON STRICT WITH UNIQUE KEYS AND status LIKEC 'b%'",
        ("status IS NOT JSON STRICT WITH UNIQUE KEYS AND status LIKEC 'b%'",),
    ),
    (
        "trino",
        "SELECT * FROM orders MATCH_RECOGNIZE (ORDER BY id MEASURES LAST(u.id) AS x PATTERN (a b)"
        " SUBSET u = (a, b), v = (a) DEFINE b AS b.id > 1)",
        ("PATTERN (a b ) SUBSET u = ( a , b ) , v = ( a ) DEFINE",),
    ),
    (
        "tsql",
        "SELECT id FROM orders UNION ALL SELECT store_id FROM orders ORDER BY id OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY",
        ("SELECT store_id FROM [dbo].[orders] ORDER BY id OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY",),
    ),
    ("sqlite", "SELECT j.value FROM json_each(o.tags) j, orders o", ("AS j JOIN orders AS o ON TRUE",)),
    ("sqlite", "SELECT id FROM orders WHERE id NOT IN stores", ("IN (SELECT * FROM stores)",)),
    (
        "sqlite",
        "SELECT city FROM stores WHERE stores MATCH 'a b' ORDER BY rank",
        ("stores MATCH 'a b' ORDER BY rank",),
    ),
    (
        "sqlite",
        "SELECT s.city FROM stores('a b') s ORDER BY rank",
        ("FROM stores('a b') AS s ORDER BY rank",),
    ),
    (
        "duckdb",
        "SELECT id FROM orders WHERE status ~ 'a' AND status !~ 'b'",
        ("((status) ~ ('a'))", "NOT ((status) ~ ('b'))"),
    ),
    ("mysql", "SELECT SQL_NO_CACHE DISTINCT id FROM orders", ("SELECT DISTINCT id",)),
    ("clickhouse", "SELECT id FROM orders ORDER BY ALL", ("ORDER BY ALL",)),
    ("bigquery", r"SELECT id FROM shop.orders WHERE status = r'a\'b'", (r"'a\\\'b'",)),
    (
        "bigquery",
        "SELECT JSON_EXTRACT_SCALAR(payload, \"$['a']\") FROM shop.orders",
        (r"JSON_EXTRACT_SCALAR(payload, '$[\'a\']')",),
    ),
]


@pytest.mark.parametrize(("engine", "sql", "parts"), WRITTEN)
def test_what_runs_holds_the_clause(engine: str, sql: str, parts: tuple[str, ...]) -> None:
    verdict = checker(engine).check(sql, engine)
    assert verdict.accepted, verdict.reasons
    assert all(part.lower() in verdict.rendered.lower() for part in parts), verdict.rendered
    assert "docent_" not in verdict.rendered
    assert checker(engine).check(verdict.rendered, engine).accepted


REFUSED = [
    ("oracle", "SELECT 1 FROM stores s LEFT JOIN orders o PARTITION BY (o.pay) ON o.store_id = s.id"),
    ("oracle", "SELECT 1 FROM stores s LEFT JOIN orders o PARTITION BY (hr.f(1)) ON o.store_id = s.id"),
    (
        "oracle",
        "SELECT 1 FROM stores s LEFT JOIN orders o PARTITION BY ((SELECT pay FROM hr.s)) ON o.id = s.id",
    ),
    ("oracle", "SELECT 1 FROM hr.pay p PARTITION BY (p.id) RIGHT JOIN stores s ON p.id = s.id"),
    ("oracle", "SELECT NTH_VALUE(pay, 2) FROM LAST OVER (ORDER BY id) FROM orders"),
    ("oracle", "SELECT NTH_VALUE(id, (SELECT pay FROM hr.s)) FROM LAST OVER (ORDER BY id) FROM orders"),
    (
        "oracle",
        "WITH t (n) AS (SELECT 1 FROM dual) SEARCH DEPTH FIRST BY hr.f(n) SET o CYCLE n SET c TO 1 DEFAULT 0 SELECT n FROM t",
    ),
    ("oracle", "SELECT * FROM orders o, TABLE(o.secret) t"),
    ("oracle", "SELECT * FROM TABLE(hr.secrets) t"),
    ("oracle", "SELECT * FROM orders o, TABLE(hr.f(o.id)) t"),
    ("oracle", "SELECT * FROM orders o, TABLE(SELECT tags FROM hr.s) t"),
    ("oracle", "SELECT id FROM orders PARTITION FOR (hr.f(1))"),
    ("oracle", "SELECT id FROM orders PARTITION FOR ((SELECT pay FROM hr.s))"),
    ("oracle", "SELECT id FROM hr.s SUBPARTITION (p)"),
    ("oracle", "SELECT JSON_TRANSFORM(payload, SET '$.a' = (SELECT MAX(pay) FROM hr.s)) FROM orders"),
    ("oracle", "SELECT JSON_TRANSFORM(payload, SET '$.a' = hr.f(1)) FROM orders"),
    ("oracle", "SELECT JSON_TRANSFORM(payload, SET '$.a' = pay IGNORE ON MISSING) FROM orders"),
    ("oracle", "SELECT JSON {'a' : (SELECT pay FROM hr.s)} FROM orders"),
    ("oracle", "SELECT JSON {'a' : hr.f(1)} FROM orders"),
    ("oracle", "SELECT JSON [1, pay] FROM orders"),
    ("oracle", "SELECT JSON_OBJECT(id, pay) FROM orders"),
    ("oracle", "SELECT JSON_OBJECT(s.nextval) FROM orders"),
    ("oracle", "SELECT TO_DATE(pay DEFAULT '1' ON CONVERSION ERROR) FROM orders"),
    ("oracle", "SELECT TO_DATE(status DEFAULT hr.f(1) ON CONVERSION ERROR) FROM orders"),
    ("oracle", "SELECT id FROM orders WHERE status LIKEC hr.f(1)"),
    (
        "trino",
        "SELECT * FROM orders MATCH_RECOGNIZE (ORDER BY id MEASURES LAST(u.id) AS x PATTERN (a b)"
        " SUBSET u = (a, (SELECT 1 FROM hr.s)) DEFINE b AS b.id > 1)",
    ),
    (
        "trino",
        "SELECT * FROM orders MATCH_RECOGNIZE (ORDER BY id PATTERN (a b) SUBSET u = (a) DEFINE b AS"
        " b.id > (SELECT max(pay) FROM hr.s))",
    ),
    ("tsql", "SELECT id FROM orders UNION ALL SELECT id FROM stores ORDER BY pay"),
    ("tsql", "SELECT id FROM orders UNION ALL SELECT id FROM stores ORDER BY (SELECT pay FROM hr.s)"),
    ("sqlite", "SELECT id FROM orders WHERE id IN secrets"),
    ("sqlite", "SELECT id FROM orders WHERE id NOT IN sqlite_master"),
    ("sqlite", "SELECT id FROM orders WHERE id IN pragma_table_info('x')"),
    ("sqlite", "SELECT j.value FROM json_each(s.pay) j, secrets s"),
    ("sqlite", "SELECT j.value FROM json_each(o.pay) j, orders o"),
    ("sqlite", "SELECT city FROM stores WHERE secrets MATCH 'a'"),
    ("sqlite", "SELECT city FROM secrets('a')"),
    ("sqlite", "SELECT city FROM stores(hidden)"),
    ("sqlite", "SELECT city FROM stores((SELECT pay FROM secrets))"),
    ("sqlite", "SELECT stores FROM stores WHERE stores MATCH 'a'"),
    ("sqlite", "SELECT city FROM stores ORDER BY rank"),
    ("sqlite", "SELECT city FROM stores WHERE stores = (SELECT pay FROM secrets)"),
    ("sqlite", "SELECT highlight(stores, 0, '', '') FROM stores('a')"),
    ("sqlite", "SELECT bm25(secrets) FROM stores('a')"),
    ("oracle", "SELECT UTL_MATCH.FUZZ(status, 'a') FROM orders"),
    ("oracle", "SELECT hr.EDIT_DISTANCE(status, 'a') FROM orders"),
]


@pytest.mark.parametrize(("engine", "sql"), REFUSED)
def test_nothing_hides_in_the_clause(engine: str, sql: str) -> None:
    verdict = checker(engine).check(sql, engine)
    assert not verdict.accepted, verdict.rendered


def test_a_table_with_hidden_or_masked_columns_is_not_searched_as_a_whole() -> None:
    """The words are looked for in all columns of the index, those that nobody may see as well."""
    for table in (
        VisibleTable(("main", "notes"), ("title",), partial=True),
        VisibleTable(("main", "notes"), ("title", "body"), masked={"body": "text"}),
    ):
        tables = VisibleTables([table])
        for sql in (
            "SELECT title FROM notes WHERE notes MATCH 'a'",
            "SELECT title FROM notes('a')",
            "SELECT title FROM notes WHERE title MATCH 'a' ORDER BY rank",
            "SELECT title FROM notes WHERE title MATCH 'body:a'",
            "SELECT n.title FROM notes n WHERE n.title MATCH 'body:a'",
        ):
            assert not check(sql, dialect="sqlite", tables=tables, default_schema="main").accepted, sql
