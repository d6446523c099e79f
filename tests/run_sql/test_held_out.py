"""Sets of statements that were frozen before they were measured: the guard still decides as they say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plugin.run_sql import NameIndex, check_names
from plugin.run_sql.batch import Checker
from plugin.run_sql.dialects import ENGINES
from tests.run_sql.test_corpus import WORLD

HELD_OUT = Path(__file__).parent / "held_out"
CATALOGS = json.loads((HELD_OUT / "catalogs.json").read_text(encoding="utf-8"))
KNOWN = json.loads((HELD_OUT / "known.json").read_text(encoding="utf-8"))


def cases(which: str, engine: str) -> list[dict[str, str]]:
    path = HELD_OUT / which / f"{engine}.jsonl"
    lines = (
        path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    )  # the ninth has five engines
    return [json.loads(line) for line in lines]


SETS = ("first", "second", "eighth", "ninth")


def checker(engine: str) -> Checker:
    catalog = CATALOGS[engine]
    columns = catalog["columns"]
    if engine == "sqlite":  # a full-text table, which the eighth set reads
        columns = {**columns, "main.notes_fts": ["title", "body"]}
    return Checker(columns=columns, default_schema=catalog["default_schema"], database="shop")


@pytest.mark.parametrize("which", SETS)
@pytest.mark.parametrize("engine", ENGINES)
def test_the_guard_decides_as_the_set_says(engine: str, which: str) -> None:
    guard = checker(engine)
    wrong: list[tuple[str, str, object]] = []
    for case in cases(which, engine):
        verdict = guard.check(case["sql"], engine)
        if (verdict.decision != case["expect"]) != (case["id"] in KNOWN):
            wrong.append((case["id"], case["sql"], verdict.reasons))
        elif verdict.accepted:
            again = guard.check(verdict.rendered, engine)
            if not again.accepted or set(again.tables) != set(verdict.tables):
                wrong.append((case["id"], verdict.rendered, again.reasons))
    assert not wrong, wrong


@pytest.mark.parametrize(("which", "many"), [("tenth", 52), ("eleventh", 30), ("twelfth", 33)])
@pytest.mark.parametrize("engine", ENGINES)
def test_sets_over_the_given_world_by_somebody_who_had_not_seen_the_guard(
    engine: str, which: str, many: int
) -> None:
    guard = Checker(columns=WORLD, default_schema="public", database="shop")
    found = cases(which, engine)
    assert len(found) == many
    wrong = [
        case["id"]
        for case in found
        if (guard.check(case["sql"], engine).decision != case["expect"]) != (case["id"] in KNOWN)
    ]
    assert not wrong, wrong


@pytest.mark.parametrize("engine", ENGINES)
def test_no_name_of_a_good_statement_is_called_invented(engine: str) -> None:
    index = NameIndex.of(CATALOGS[engine]["columns"])
    wrong = []
    for case in (*cases("first", engine), *cases("second", engine)):
        if case["expect"] == "accept" and case["id"] not in KNOWN:
            found = check_names(case["sql"], engine, index)
            if found.unknown or not found.parsed:
                wrong.append((case["id"], case["sql"], found.unknown, found.problem))
    assert not wrong, wrong


def test_what_was_refused_there_for_a_reason_still_is() -> None:
    given = {
        case["id"]: case
        for which in (*SETS, "tenth", "eleventh", "twelfth")
        for e in ENGINES
        for case in cases(which, e)
    }
    assert set(KNOWN) <= set(given)


REFUSED = [
    ("oracle", "SELECT o.amount.f_wipe() FROM orders o"),
    ("oracle", "SELECT hr.pay.string() FROM orders o"),
    ("oracle", "SELECT amount.x.string() FROM orders"),
    ("duckdb", "SUMMARIZE orders"),
    ("duckdb", "SELECT * FROM (SUMMARIZE hr.salaries)"),
    ("duckdb", "SELECT * FROM (SUMMARIZE 'x.csv')"),
    ("duckdb", "WITH x AS (SUMMARIZE 'x.csv') SELECT * FROM x"),
    ("duckdb", "SELECT (SUMMARIZE ('x.csv'))"),
    ("duckdb", "SELECT id FROM orders WHERE id IN (SUMMARIZE 'x.csv')"),
    ("duckdb", "WITH x AS (SUMMARIZE hr.salaries) SELECT 1"),
    ("duckdb", "SELECT 1 WHERE EXISTS (SUMMARIZE hr.salaries)"),
    ("duckdb", "SELECT * FROM (SUMMARIZE read_csv('x.csv'))"),
    ("snowflake", "SELECT id FROM orders AT (STREAM => 'hr.s')"),
    ("snowflake", "SELECT id FROM orders BEFORE (STATEMENT => '01a')"),
    ("tsql", "SELECT hr.value('a', 'int') FROM dbo.orders"),
    ("tsql", "SELECT hr.STDistance(1) FROM dbo.orders"),
    ("tsql", "SELECT hr.Lat FROM dbo.orders"),
    ("oracle", "SELECT * FROM XMLTABLE('fn:doc(\"http://x\")')"),
    (
        "oracle",
        "SELECT x.a FROM iot.readings r, XMLTABLE('/a' PASSING r.payload COLUMNS a NUMBER PATH 'doc(\"x\")') x",
    ),
    ("mysql", "SELECT id FROM orders PARTITION ((SELECT 1))"),
    ("postgres", 'SELECT id FROM orders WHERE id <> "all"(1)'),
    ("postgres", "SELECT (jsonb_each(props)).pay_of FROM web.events"),
    ("postgres", "SELECT '{a}'::_salaries"),
    ("redshift", "SELECT t.x FROM orders hr LEFT JOIN hr.salaries t ON TRUE"),
    ("bigquery", "FROM shop.orders |> SET amount = (SELECT MAX(pay) FROM hr.salaries)"),
    ("bigquery", "SELECT REGEXP_REPLACE(status, 'a') FROM shop.orders"),
    ("databricks", "SELECT id FROM hr.salaries@v3"),
    ("postgres", "SELECT id FROM orders WHERE status OPERATOR(hr.=) 'x'"),
    ("postgres", "SELECT id FROM orders ORDER BY amount USING hr.<"),
    ("duckdb", "SELECT id FROM orders AT (VERSION => 'v')"),
    ("clickhouse", "SELECT bar(amount, 0, 100, 100000000) FROM orders"),
    ("snowflake", "SELECT hr.f(+) FROM orders"),
    ("clickhouse", "WITH pay + 1 AS a SELECT a FROM orders"),
    ("clickhouse", "WITH (SELECT max(pay) FROM hr.salaries) AS a SELECT a FROM orders"),
    ("trino", "WITH a AS (SELECT 1) TABLE hr.salaries"),
    ("oracle", "SELECT DBMS_LOB.SUBSTR(payload, 4000, 1) FROM iot.readings"),
    ("bigquery", "SELECT HR.pay FROM shop.orders AS o"),
    ("tsql", "SELECT REPLICATE('x', 1000000000) FROM dbo.orders"),
    (
        "tsql",
        "SELECT REPLICATE(CAST('x' AS varchar(max)), store_id) + REPLICATE(REPLICATE('x', id), id) FROM dbo.orders",
    ),
]


REFUSED += [
    ("mysql", "SELECT id FROM orders WHERE id IN (TABLE hr.salaries)"),
    ("mysql", "SELECT id FROM orders UNION TABLE hr.salaries"),
    ("mysql", "SELECT {fn SLEEP(5)} FROM orders"),
    ("mysql", "SELECT id FROM {oj orders o LEFT JOIN hr.salaries s ON TRUE}"),
    ("mysql", "SELECT {d (SELECT pay FROM hr.salaries)} FROM orders"),
    ("tsql", "SELECT id FROM dbo.orders a WHERE MATCH(a-(hr.f(1))->a)"),
    ("tsql", "SELECT id FROM dbo.orders a WHERE MATCH((SELECT pay FROM hr.salaries))"),
    ("tsql", "SELECT MATCH(id) FROM dbo.orders a WHERE MATCH(a-(a)->a)"),
    (
        "oracle",
        "WITH r(a) AS (SELECT id FROM orders UNION ALL SELECT a FROM r) CYCLE a SET c TO hr.f(1) DEFAULT 0 SELECT a FROM r",
    ),
    ("oracle", "SELECT NEXT VALUE FOR hr.s FROM dual"),
    ("oracle", "SELECT 1 FROM dual CONNECT BY REGEXP_SUBSTR('a', '.', 1, 1) IS NOT NULL"),
    ("oracle", "SELECT 1 FROM dual CONNECT BY NOT REGEXP_SUBSTR('', '.', 1, LEVEL) IS NOT NULL"),
    ("oracle", "SELECT 1 FROM dual CONNECT BY 1 = 1 OR REGEXP_SUBSTR('a', '.', 1, LEVEL) IS NOT NULL"),
    ("clickhouse", "SELECT hex(sleep(3) AS x), x FROM orders"),
    ("clickhouse", "SELECT id FROM orders GROUP BY (SELECT max(pay) FROM hr.salaries) AS m, id"),
    ("clickhouse", "SELECT hex(hr.pay AS x) FROM orders"),
]


@pytest.mark.parametrize(("engine", "sql"), REFUSED)
def test_what_is_near_the_newly_read_forms_is_refused(engine: str, sql: str) -> None:
    assert not checker(engine).check(sql, engine).accepted


@pytest.mark.parametrize(
    "sql", ["SELECT hr.value('a', 'int') FROM dbo.orders", "SELECT hr.STX() FROM dbo.orders"]
)
def test_a_method_needs_a_column_that_is_known(sql: str) -> None:
    """Without a list of columns any name could be one, and hr.value(..) could be somebody's function."""
    assert not Checker(allow=["dbo.orders"]).check(sql, "tsql").accepted


ATTACKS = [json.loads(line) for line in (HELD_OUT / "attacks.jsonl").read_text(encoding="ascii").splitlines()]


@pytest.mark.parametrize("dialect", (*ENGINES, "mariadb"))
def test_what_nobody_had_tried_is_refused(dialect: str) -> None:
    guard = checker("mysql" if dialect == "mariadb" else dialect)
    given = [case for case in ATTACKS if case["dialect"] == dialect]
    assert given
    assert [case for case in given if guard.check(case["sql"], dialect).accepted] == []


RENDERED = [
    (
        "oracle",
        "SELECT VAR_POP(amount), APPROX_COUNT_DISTINCT(id) FROM orders",
        ("VAR_POP(", "APPROX_COUNT_DISTINCT("),
    ),
    ("mysql", "SELECT VAR_POP(amount), UTC_DATE() FROM orders", ("VAR_POP(", "UTC_DATE()")),
    ("postgres", "SELECT to_hex(id) FROM orders", ("TO_HEX(",)),
    (
        "clickhouse",
        "SELECT lead(id) OVER (ORDER BY id), char_length(status) FROM orders",
        ("lead(", "lengthUTF8("),
    ),
    (
        "tsql",
        "SELECT APPROX_COUNT_DISTINCT(id), GET_BIT(5, 1) FROM dbo.orders",
        ("APPROX_COUNT_DISTINCT(", "GET_BIT("),
    ),
    ("tsql", "SELECT location.STBuffer(5).STArea() FROM ops.stores", (".STBuffer (5).STArea()",)),
    ("mysql", "SELECT 9 DIV (7 DIV id) FROM orders", ("((9) DIV (", "(7) DIV (")),
    (
        "postgres",
        "SELECT id FROM orders ORDER BY tax <=> '[1,2]', amount USING >",
        ("tax OPERATOR(<=>) '[1,2]'", "DESC"),
    ),
    (
        "postgres",
        "SELECT id FROM orders WHERE status OPERATOR(pg_catalog.~) 'a'",
        ("OPERATOR(pg_catalog.~)",),
    ),
    (
        "postgres",
        "SELECT name FROM ops.stores WHERE location <@ box '(0,0),(1,1)'",
        ("CAST('(0,0),(1,1)' AS box)",),
    ),
    ("postgres", "SELECT date_part('year', ordered_at) FROM orders", ("DATE_PART('year'",)),
    (
        "tsql",
        "SELECT DATENAME(week, ordered_at), SYSDATETIME() FROM dbo.orders",
        ("DATENAME(week", "SYSDATETIME()"),
    ),
    (
        "tsql",
        "SELECT id FROM dbo.orders WHERE amount > = 5 AND tax < > 1 AND tax ! = 2",
        (">= 5", "<> 1", "<> 2"),
    ),
    ("oracle", "SELECT status | | currency FROM orders WHERE tax ^ = 1", ("status || currency", "<> 1")),
    ("snowflake", "SELECT o.id FROM orders o, customers c WHERE o.customer_id = c.id (+)", ("c.id (+)",)),
    (
        "mysql",
        "SELECT JSON_OBJECTAGG(status, currency), TO_CHAR(ordered_at, 'YYYY') FROM orders",
        ("JSON_OBJECTAGG(status", "TO_CHAR("),
    ),
    ("clickhouse", "WITH amount * 2 AS twice SELECT twice FROM orders", ("amount * 2 AS twice",)),
    ("trino", "WITH a AS (SELECT id FROM orders) TABLE a", ("SELECT * FROM a",)),
    ("bigquery", "SELECT O.id FROM shop.orders o", ("O.id",)),
    ("duckdb", "SELECT id FROM orders AT (VERSION => 2)", ("VERSION => 2",)),
    ("duckdb", "FROM (SUMMARIZE orders)", ("SELECT * FROM (SUMMARIZE SELECT * FROM",)),
    ("oracle", "SELECT o.promo_code.a.b[0].string() FROM orders o", ("o.promo_code.a.b[0].string()",)),
    (
        "clickhouse",
        "SELECT bar(amount, 0, 100), arrayMap((a, b) -> a = b, [1], [2]) FROM orders",
        ("bar(", "arrayMap((a, b)"),
    ),
    ("bigquery", "SELECT NET.IPV4_FROM_INT64(id) FROM shop.orders", ("NET.IPV4_FROM_INT64(",)),
    (
        "mysql",
        "SELECT id FROM orders WHERE id IN (TABLE customers)",
        ("IN (SELECT * FROM `shop`.`customers`)",),
    ),
    ("mysql", "SELECT id FROM orders WHERE ordered_at > {ts '2024-01-01 00:00:00'}", ("AS DATETIME)",)),
    (
        "mysql",
        "SELECT {fn UCASE(status)} FROM {oj orders o LEFT JOIN customers c ON TRUE}",
        ("UPPER(", "LEFT JOIN"),
    ),
    (
        "tsql",
        "SELECT a.id FROM dbo.orders a, dbo.customers e, dbo.orders b WHERE MATCH(a-(e)->b) AND a.id = 1",
        ("MATCH([a]-([e])->[b]) AND a.id = 1",),
    ),
    (
        "oracle",
        "WITH r(a) AS (SELECT id FROM orders UNION ALL SELECT o.id FROM orders o JOIN r ON o.id = r.a)"
        " CYCLE a SET c TO 'Y' DEFAULT 'N' SELECT a, c FROM r",
        ("CYCLE a SET c TO 'Y' DEFAULT 'N'",),
    ),
    (
        "oracle",
        "SELECT * FROM orders MATCH_RECOGNIZE (ORDER BY id MEASURES COUNT(*) AS n PATTERN (x+) DEFINE x AS NEXT(id) > 1)",
        ("NEXT(id)",),
    ),
    ("clickhouse", "SELECT hex(amount AS x), x FROM orders", ("(amount AS x)",)),
    (
        "clickhouse",
        "SELECT m FROM orders GROUP BY lower(status) AS m ORDER BY m DESCENDING",
        ("(lower(status) AS m)",),
    ),
    ("duckdb", "SELECT name FROM pg_timezone_names()", ("PG_TIMEZONE_NAMES()",)),
    ("postgres", "SELECT id FROM orders WHERE int4eq(id, 1)", ("INT4EQ(",)),
    ("trino", "SELECT ST_GeomFromLegacyBinary(status) FROM orders", ("ST_GEOMFROMLEGACYBINARY(",)),
]


@pytest.mark.parametrize(("engine", "sql", "parts"), RENDERED)
def test_what_runs_calls_what_was_written(engine: str, sql: str, parts: tuple[str, ...]) -> None:
    verdict = checker(engine).check(sql, engine)
    assert verdict.accepted, verdict.reasons
    assert all(part in verdict.rendered for part in parts), verdict.rendered
