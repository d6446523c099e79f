"""A name that the parser knows and the engine's list does not is refused, in whatever way the parser reads it.

Every function that sqlglot knows in any dialect, written in each of the twelve, in the forms that its own parsers read
(`CAST(a AS b)`, `f(a FROM b)`, `f(k VALUE v)` ..), as a table function, with a window, without a bracket.
"""

from __future__ import annotations

from functools import cache

import pytest
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect

from plugin.run_sql.batch import Checker
from plugin.run_sql.dialects import ENGINES, engine_of

FORMS = [
    "", "a", "a, b", "a, b, c", "'x'", "1", "'x', a", "a, 'x'", "'x', 'y'", "DAY, a, b", "a AS INT", "a USING utf8",
    "INT, a", "DAY FROM a", "a FROM b", "a IN b", "*", "DISTINCT a", "a ORDER BY b", "a, x -> x", "x -> x, a", "a => 1",
    "KEY a VALUE b", "'k' VALUE b", "'k': b", "a, DAY", "MODEL m, TABLE t", "NAME a", "'$' PASSING a", "a PLACING b FROM 1",
    "BOTH 'x' FROM a", "a, '$' COLUMNS (z int PATH '$.z')",
]  # fmt: skip
SYNTAX = {
    "ANY": "a quantifier", "EXISTS": "over a query", "CONNECT_BY_ROOT": "of a hierarchy", "PRIOR": "of a hierarchy",
    "VALUES": "rows", "VARIADIC": "before an argument", "TABLE": "around a table function", "COLUMNS": "a star",
    "REGEXP": "an operator", "RLIKE": "an operator", "CASE": "an expression", "AND": "an operator", "OR": "an operator",
    "NOT": "an operator", "IN": "an operator",
}  # fmt: skip
"""Words of the grammar, which call nothing."""


PLAIN = ["", "a", "a, b", "a, b, c", "'x'", "DISTINCT a"]
"""Enough for a name that is read like any other call: the first of FORMS."""


@cache
def own(dialect: str) -> frozenset[str]:
    """The names that this dialect's parser reads by a rule of their own."""
    parser = Dialect.get_or_raise(dialect).parser_class
    words = {kind.name for kind in parser.NO_PAREN_FUNCTIONS}
    return frozenset({*parser.FUNCTION_PARSERS, *parser.NO_PAREN_FUNCTION_PARSERS, *words})


@cache
def known() -> tuple[str, ...]:
    """Every name of a function that sqlglot knows in some dialect."""
    names: set[str] = set()
    for dialect in Dialect.classes.values():
        parser = dialect.parser_class
        names |= {*parser.FUNCTIONS, *parser.FUNCTION_PARSERS, *parser.NO_PAREN_FUNCTION_PARSERS}
        names |= {kind.name for kind in parser.NO_PAREN_FUNCTIONS}
    return tuple(sorted(name for name in names if name.isidentifier()))


@pytest.mark.parametrize("name", ENGINES)
def test_what_only_the_parser_knows_is_refused(name: str) -> None:
    engine = engine_of(name)
    assert engine is not None
    checker = Checker(columns={"main.t": ["a", "b", "c"]}, default_schema="main")
    unlisted = [each for each in known() if each.lower() not in engine.functions and each not in SYNTAX]
    assert len(unlisted) > 300, "the enumeration found next to nothing"
    through = []
    for each in unlisted:
        forms = FORMS if each in own(name) else PLAIN
        calls = [f"SELECT {each}({form}) FROM t" for form in forms]
        calls += [
            f"SELECT {each} FROM t",
            f"SELECT {each}(a) OVER (ORDER BY b) FROM t",
            f"SELECT * FROM {each}(a)",
        ]
        quoted = exp.to_identifier(each, quoted=True).sql(dialect=name)
        calls += [f"SELECT {quoted}(a) FROM t", f"SELECT {each}.{each}(a) FROM t"]
        through += [sql for sql in calls if checker.check(sql, name).accepted]
    assert through == []


UNLISTED = [
    ("oracle", "SELECT DBMS_RANDOM.STRING('x', 10) FROM t"),
    ("oracle", "SELECT DBMS_RANDOM.NORMAL() FROM t"),
    ("oracle", "SELECT CHAR(65), CAST(a AS VARCHAR2(10)), CHAR(66) FROM t"),
    ("postgres", "WITH char(x) AS (SELECT 1) SELECT CHAR(65), CHAR(66) FROM char"),
    ("sqlite", "SELECT SAFE_CAST(a, 'x') FROM t"),
    ("mysql", "SELECT GLOB(a, b) FROM t"),
    ("clickhouse", "SELECT * APPLY(sleep) FROM t"),
    ("clickhouse", "SELECT * APPLY(sum) APPLY(file) FROM t"),
    ("clickhouse", "SELECT COLUMNS('a') APPLY(my_function) FROM t"),
]


@pytest.mark.parametrize(("dialect", "sql"), UNLISTED)
def test_a_name_that_hides_behind_syntax_is_refused(dialect: str, sql: str) -> None:
    verdict = Checker(columns={"main.t": ["a", "b", "c"]}, default_schema="main").check(sql, dialect)
    assert not verdict.accepted and verdict.rule == "function", verdict


LISTED = [
    ("oracle", "SELECT DBMS_RANDOM.VALUE FROM t ORDER BY DBMS_RANDOM.VALUE(1, 9)"),
    ("oracle", "SELECT CAST(a AS CHAR(10)) FROM t"),
    (
        "postgres",
        "SELECT CAST(a AS char(10)), b::character varying(5), c::timestamp(3) FROM t WHERE a LIKE ('x')",
    ),
    ("trino", "SELECT CAST(a AS MAP(VARCHAR(3), CHAR(5))) FROM t"),
    ("mysql", "SELECT CAST(a AS CHAR(10)) FROM t WHERE a LIKE ('x') AND b NOT LIKE ('y')"),
    ("clickhouse", "SELECT * APPLY(toString) FROM t"),
    ("duckdb", "SELECT @(a) FROM t"),
    ("sqlite", "SELECT a FROM t WHERE a GLOB ('x*')"),
]


@pytest.mark.parametrize(("dialect", "sql"), LISTED)
def test_types_aliases_and_operators_are_no_calls(dialect: str, sql: str) -> None:
    verdict = Checker(columns={"main.t": ["a", "b", "c"]}, default_schema="main").check(sql, dialect)
    assert verdict.accepted, verdict.reasons
