"""Clauses that are carried past the parser or put into its words: what runs holds them, and nothing hides in them."""

from __future__ import annotations

import pytest

from plugin.run_sql.batch import Checker

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
    ("oracle", "SELECT UTL_MATCH.FUZZ(status, 'a') FROM orders"),
    ("oracle", "SELECT hr.EDIT_DISTANCE(status, 'a') FROM orders"),
]


@pytest.mark.parametrize(("engine", "sql"), REFUSED)
def test_nothing_hides_in_the_clause(engine: str, sql: str) -> None:
    verdict = checker(engine).check(sql, engine)
    assert not verdict.accepted, verdict.rendered
