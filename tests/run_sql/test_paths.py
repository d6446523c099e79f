"""FROM t, t.items: read as before in the engines that have it, though the guard's parser looks for it only where needed."""

from __future__ import annotations

import gc

import pytest
import sqlglot

from plugin.run_sql.batch import Checker
from plugin.run_sql.dialects import ENGINES, engine_of, parser_of, plain_parser_of
from plugin.run_sql.guard import parse_one
from tests.run_sql.test_corpus import WORLD

PATHS = (
    "SELECT i.x FROM sales.orders AS o, o.items AS i",
    "SELECT i.x FROM sales.orders AS O CROSS JOIN o.items AS i",
    "SELECT i.x FROM sales.orders, orders.items AS i",
    "SELECT n.y FROM sales.orders AS o, o.items AS i, i.parts AS n",
    "SELECT 1 FROM (SELECT i.x FROM sales.orders AS o, o.items AS i) AS s JOIN sales.customers AS c ON c.id = s.x",
    "WITH w AS (SELECT * FROM sales.orders) SELECT i.x FROM w, w.items AS i",
)
PLAIN = (
    "SELECT o.id FROM sales.orders AS o, sales.customers AS c WHERE c.id = o.customer_id",
    "SELECT o.id FROM sales.orders AS o JOIN sales.customers AS c USING (id)",
    "SELECT o.id FROM sales.orders AS o CROSS JOIN public.products UNION ALL SELECT 1",
)


@pytest.mark.parametrize("name", ["bigquery", "redshift"])
@pytest.mark.parametrize("sql", [*PATHS, *PLAIN])
def test_the_tree_is_that_of_the_parser_that_always_looks(name: str, sql: str) -> None:
    engine = engine_of(name)
    assert engine is not None
    always = parser_of(name).parser().parse(parser_of(name).tokenize(sql), sql)[0]
    assert parse_one(sql, engine) == always == sqlglot.parse_one(sql, read=name)
    assert ("UNNEST" in repr(always).upper()) == (sql in PATHS)


def test_only_the_engines_that_have_it_have_another_parser() -> None:
    assert {name for name in ENGINES if plain_parser_of(name) is not parser_of(name)} == {
        "bigquery",
        "redshift",
    }


@pytest.mark.parametrize("name", sorted(ENGINES))
def test_a_check_leaves_no_cycles_behind(name: str) -> None:
    """Else the collector takes longer, every few statements, than the guard does."""
    sql = PLAIN[0] + " UNION ALL SELECT COUNT(*) FROM (SELECT 1 AS a FROM sales.orders x) y"
    checker = Checker(columns=WORLD, default_schema="public")
    assert checker.check(sql, name).accepted
    was_on = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        checker.check(sql, name)
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        assert not [each for each in gc.garbage if isinstance(each, sqlglot.exp.Expr)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        if was_on:
            gc.enable()
