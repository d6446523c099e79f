"""A string or quoted name ends where it runs exactly where it ended as it was written."""

from __future__ import annotations

import pytest

from plugin.run_sql.batch import Checker

CHECKER = Checker(columns={"shop.orders": ["id", "status"]}, default_schema="shop")
INNER = "(SELECT MAX(pay) FROM hr.salaries)"

BREAKS = [
    ("bigquery", rf"SELECT b'\\', ' , {INNER} , ' FROM shop.orders"),
    ("bigquery", rf"SELECT b'\\', '\\' , ' , {INNER} , ' FROM shop.orders"),
    ("bigquery", rf"""SELECT b"\\", " , {INNER} , " FROM shop.orders"""),
    ("bigquery", rf"SELECT b'''\\''', ''' , {INNER} , ''' FROM shop.orders"),
    ("bigquery", rf"SELECT id AS `\`, id AS ` , {INNER} AS x, ` FROM shop.orders"),
    ("duckdb", rf"SELECT E'\\', ' , {INNER} , ' FROM shop.orders"),
    ("duckdb", rf"SELECT e'\\''', ' , {INNER} , ' FROM shop.orders"),
    ("redshift", rf"SELECT E'\\', ' , {INNER} , ' FROM shop.orders"),
    ("trino", f"SELECT U&'''', ' , {INNER} , ' FROM shop.orders"),
    ("trino", f"SELECT U&''' , {INNER} , ' FROM shop.orders"),
    ("clickhouse", rf"SELECT id AS `\\`, ' , {INNER} , ' FROM shop.orders"),
]


@pytest.mark.parametrize(("dialect", "sql"), BREAKS)
def test_a_string_whose_escape_is_lost_is_refused(dialect: str, sql: str) -> None:
    verdict = CHECKER.check(sql, dialect)
    assert not verdict.accepted, verdict.rendered


KEPT = [
    ("bigquery", r"SELECT r'\d+', b'abc', 'it\'s', '''it's''', '\\', br'a' FROM shop.orders"),
    ("duckdb", r"SELECT E'a', 'it''s', '\', $$it's$$, id AS \"a\"\"b\" FROM shop.orders".replace('\\"', '"')),
    ("redshift", r"SELECT E'a', 'it''s', '\\d+' FROM shop.orders"),
    ("trino", r"SELECT U&'\00e9', 'it''s', '\', id AS " + '"a""b" FROM shop.orders'),
    ("clickhouse", r"SELECT 'it\'s', '\\d+', 'it''s', $$it's$$ FROM shop.orders"),
    ("postgres", r"SELECT E'it\'s', E'\\d', U&'\0061''b', $x$it's$x$, '\' FROM shop.orders"),
    ("mysql", r"""SELECT 'it\'s', "it's", 'it''s', _utf8mb4'it''s', '\\' FROM shop.orders"""),
    ("databricks", r"""SELECT 'it\'s', "it's", r'\d', '\\' FROM shop.orders"""),
    ("snowflake", r"SELECT 'it\'s', 'it''s', $$it's \d$$, '\\' FROM shop.orders"),
    ("oracle", r"SELECT q'[it's]', N'it''s', '\' FROM shop.orders"),
    ("tsql", r"SELECT N'it''s', '\', id AS [a]]b], id AS " + '"a b" FROM shop.orders'),
    ("sqlite", r"SELECT 'it''s', '\', id AS `a``b` FROM shop.orders"),
]


@pytest.mark.parametrize(("dialect", "sql"), KEPT)
def test_other_strings_and_names_are_read_as_before(dialect: str, sql: str) -> None:
    verdict = CHECKER.check(sql, dialect)
    assert verdict.accepted, verdict.reasons
    assert CHECKER.check(verdict.rendered, dialect).accepted, verdict.rendered


UNKNOWN = Checker(allow=["shop.orders"], default_schema="shop")


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("snowflake", "SELECT s.nextval FROM shop.orders"),
        ("redshift", "SELECT t.x FROM shop.orders hr, hr.salaries t"),
        ("redshift", "SELECT * FROM shop.orders o, o.hr.salaries s"),
        ("trino", 'SELECT "$path" FROM shop.orders'),
        ("databricks", "SELECT session.x FROM shop.orders"),
        ("databricks", "SELECT _metadata.file_path FROM shop.orders"),
    ],
)
def test_a_name_that_the_engine_has_for_itself_is_no_column_that_nobody_listed(
    dialect: str, sql: str
) -> None:
    assert not UNKNOWN.check(sql, dialect).accepted


@pytest.mark.parametrize(
    "call", ["list_aggregate([id], 'hr_f')", "list_aggr([id], status)", "aggregate([id])"]
)
def test_duckdb_calls_no_function_by_its_name_that_is_not_listed(call: str) -> None:
    assert not CHECKER.check(f"SELECT {call} FROM shop.orders", "duckdb").accepted
    assert CHECKER.check("SELECT list_aggregate([id], 'sum') FROM shop.orders", "duckdb").accepted
