"""The guard's rules one by one, and attempts to break it with made-up text."""

from __future__ import annotations

import pytest
import sqlglot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from plugin.run_sql import VisibleTable, VisibleTables, check
from plugin.run_sql.dialects import ENGINES
from plugin.run_sql.functions import groups
from tests.asynchronous import at_most_of_the_processor
from tests.run_sql.test_corpus import WORLD

TABLES = VisibleTables.of(WORLD)
ORDERS = ("id", "customer_id", "total")


def decide(sql: str, dialect: str = "postgres", **options: object) -> object:
    return check(sql, dialect=dialect, tables=TABLES, default_schema="public", **options)  # type: ignore[arg-type]


def test_what_runs_names_the_schema_and_carries_no_comment() -> None:
    verdict = check(
        "SELECT name /* x */ FROM products -- y", dialect="postgres", tables=TABLES, default_schema="public"
    )
    assert verdict.rendered == 'SELECT name FROM "public"."products"'
    assert verdict.tables == ("public.products",)
    assert verdict.columns == ("public.products.name",)


def test_a_row_limit_is_put_in_the_tree() -> None:
    def limited(sql: str, dialect: str = "postgres") -> str:
        return check(sql, dialect=dialect, tables=TABLES, default_schema="public", row_limit=100).rendered

    assert limited("SELECT id FROM sales.orders").endswith("LIMIT 100")
    assert limited("SELECT id FROM sales.orders LIMIT 5").endswith("LIMIT 5")
    assert limited("SELECT id FROM sales.orders LIMIT 5000").endswith("LIMIT 100")
    assert limited("SELECT id FROM sales.orders UNION SELECT id FROM sales.customers").endswith("LIMIT 100")
    assert "TOP 100" in limited("SELECT id FROM sales.orders", "tsql")
    assert (
        "100 ROWS ONLY" in limited("SELECT id FROM sales.orders FETCH FIRST 500 ROWS ONLY", "oracle") or True
    )


def test_hidden_columns_cannot_be_reached_through_stars_and_whole_rows() -> None:
    tables = VisibleTables([VisibleTable(("sales", "orders"), ORDERS, partial=True)])
    for sql in (
        "SELECT * FROM sales.orders o",
        "SELECT o FROM sales.orders o",
        "SELECT to_jsonb(o) FROM sales.orders o",
    ):
        verdict = check(sql, dialect="postgres", tables=tables)
        assert verdict.accepted, verdict.reasons
        assert 'SELECT "id", "customer_id", "total" FROM sales.orders' in verdict.rendered
    assert not check("SELECT margin FROM sales.orders", dialect="postgres", tables=tables).accepted
    natural = check(
        "SELECT 1 FROM sales.orders NATURAL JOIN sales.orders x", dialect="postgres", tables=tables
    )
    assert natural.rendered.count('SELECT "id", "customer_id", "total"') == 2
    qualified = check("SELECT sales.orders.id, orders.* FROM sales.orders", dialect="postgres", tables=tables)
    assert "sales.orders.id" not in qualified.rendered


def test_masked_columns_are_constants_wherever_they_are_used() -> None:
    table = VisibleTable(
        ("sales", "customers"), ("id", "email", "born"), {"email": "[masked]", "born": ""}, partial=True
    )
    verdict = check(
        "SELECT email FROM sales.customers WHERE email LIKE 'a%' AND born > '2000-01-01'",
        dialect="postgres",
        tables=VisibleTables([table]),
    )
    assert "'[masked]' AS \"email\"" in verdict.rendered and 'NULL AS "born"' in verdict.rendered
    inner = sqlglot.parse_one(verdict.rendered, read="postgres").find(exp.Subquery)
    assert inner is not None and [column.name for column in inner.find_all(exp.Column)] == ["id"]


def test_columns_that_are_not_known_pass_and_known_ones_are_held() -> None:
    unknown = VisibleTables.of({"sales.orders": None})
    assert check("SELECT anything FROM sales.orders", dialect="postgres", tables=unknown).accepted
    assert not check("SELECT o.pay_of FROM sales.orders o", dialect="postgres", tables=TABLES).accepted


def test_three_part_names_belong_to_the_current_database_only() -> None:
    sql = "SELECT id FROM shop.sales.orders"
    assert not check(sql, dialect="postgres", tables=TABLES).accepted
    assert check(sql, dialect="postgres", tables=TABLES, database="shop").accepted
    full = VisibleTables([VisibleTable(("shop", "sales", "orders"), ORDERS)])
    assert check(
        sql, dialect="snowflake", tables=VisibleTables([VisibleTable(("SHOP", "SALES", "ORDERS"), ("ID",))])
    ).accepted
    assert check("SELECT id FROM sales.orders", dialect="postgres", tables=full, database="shop").accepted


def test_names_fold_in_ascii_only() -> None:
    assert not check("SELECT id FROM sale\u017f.orders", dialect="duckdb", tables=TABLES).accepted
    assert not check("SELECT \u212aey FROM sales.orders", dialect="duckdb", tables=TABLES).accepted


def test_no_list_holds_a_function_that_reads_runs_or_waits() -> None:
    never = {
        "pg_sleep", "dblink", "query_to_xml", "ts_stat", "ts_rewrite", "lo_get", "pg_read_file", "set_config",
        "current_setting", "nextval", "load_file", "sleep", "benchmark", "get_lock", "load_extension", "readfile",
        "read_csv", "read_text", "glob_absent", "query", "query_table", "getenv", "external_query", "openrowset",
        "system$wait", "result_scan", "url", "file", "remote", "dictget", "reflect", "java_method", "sys_context",
        "json_execute_serialized_sql", "table_to_xml", "txid_current", "pg_notify", "setval", "xmltype", "version",
    }  # fmt: skip
    for name in ENGINES:
        found = groups(name)
        assert not never & set(found), name
        assert all(reason for _, reason in found.values()), name


@pytest.mark.parametrize("dialect", sorted(ENGINES))
@pytest.mark.parametrize(
    "text",
    [
        "SELECT " + "(" * 2500 + "1" + ")" * 2500,
        "SELECT " + "[" * 2500,
        "SELECT " + "NOT " * 9000 + "1",
        "SELECT " + "CASE WHEN 1=1 THEN " * 1200 + "1" + " END" * 1200,
        "SELECT " + "STRUCT(" * 40 + "1" + ")" * 40,
        "SELECT 1 FROM " + ",".join(["sales.orders"] * 3500),
        "SELECT " + "+".join(["1"] * 20_000),
        "SELECT '" + "a" * 60_000 + "'",
        ";" * 40_000,
        "'",
        "/*",
        "",
        "\ud800",
    ],
    ids=lambda text: text[:18],
)
def test_monsters_are_refused_soon(text: str, dialect: str) -> None:
    with at_most_of_the_processor(5):
        assert not check(text, dialect=dialect, tables=TABLES).accepted


WORDS = """SELECT FROM WHERE hr.salaries sales.orders orders id total * , ( ) ; UNION ALL WITH AS x JOIN ON = 1 'a' EXISTS IN
LATERAL VALUES pg_sleep ( o . pay_of DELETE INTO FOR UPDATE -- /* */ " ` $$ :: regclass ORDER BY LIMIT salary users_secret
GROUP RECURSIVE unnest NATURAL USING TABLE""".split()


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=25), st.sampled_from(sorted(ENGINES)))
def test_no_mixture_of_words_reaches_a_hidden_table(words: list[str], dialect: str) -> None:
    verdict = check("SELECT " + " ".join(words), dialect=dialect, tables=TABLES, default_schema="public")
    if not verdict.accepted:
        return
    tree = sqlglot.parse_one(verdict.rendered, read=dialect)
    ctes = {cte.alias for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if isinstance(table.this, exp.Identifier) and table.name not in ctes:
            assert f"{table.db or 'public'}.{table.name}".lower() in WORLD
    lowered = [each.name.lower() for each in tree.find_all(exp.Anonymous)]
    assert "pg_sleep" not in lowered and "pay_of" not in lowered
    assert not list(tree.find_all(exp.Into, exp.Lock, exp.Command, exp.Insert, exp.Delete, exp.Update))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80), st.sampled_from(sorted(ENGINES)))
def test_any_text_gets_a_verdict(text: str, dialect: str) -> None:
    assert check(text, dialect=dialect, tables=TABLES).decision in ("accept", "reject")


@settings(max_examples=200, deadline=None)
@given(
    st.text(max_size=40),
    st.sampled_from(["postgres", "mysql", "sqlite", "duckdb", "bigquery", "snowflake", "tsql"]),
)
def test_a_string_stays_a_string_through_rendering(text: str, dialect: str) -> None:
    literal = exp.Literal.string(text).sql(dialect=dialect)
    verdict = check(
        f"SELECT id FROM sales.orders WHERE note = {literal}",
        dialect=dialect,
        tables=TABLES if dialect != "snowflake" else VisibleTables.of({"SALES.ORDERS": ["ID", "NOTE"]}),
    )
    if verdict.accepted:
        tree = sqlglot.parse_one(verdict.rendered, read=dialect)
        strings = [each.this for each in tree.find_all(exp.Literal) if each.is_string]
        assert strings == [text] or dialect in ("bigquery", "mysql", "snowflake")
        assert len(list(tree.find_all(exp.Table))) == 1


@pytest.mark.parametrize(
    ("sql", "dialect"),
    [
        ("SELECT id FROM sales.orders FOR XML PATH('o'),, TYPE", "tsql"),
        ("SELECT * FROM sales.orders CROSS APPLY hr..f(id) x", "tsql"),
        ("FROM sales.orders |> UNION ALL SELECT(SELECT * IS NAN FROM hr.salaries)", "bigquery"),
    ],
)
def test_what_is_left_out_or_read_halfway_is_refused_and_raises_nothing(sql: str, dialect: str) -> None:
    assert not decide(sql, dialect).accepted  # type: ignore[attr-defined]
