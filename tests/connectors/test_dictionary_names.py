"""The names in the statements of Oracle and SQL Server, held against what SQLAlchemy's dialects know of the same views.

Its authors wrote those lists from the engines, not from our statements; what they do not list is not looked at, and each
test says how much that leaves. An alias is followed to its view through every subquery.
"""

from __future__ import annotations

import pytest
import sqlglot
from sqlalchemy.dialects.mssql import information_schema
from sqlalchemy.dialects.oracle import dictionary
from sqlglot import exp

from connectors import oracle_sql, sqlserver_sql

# Of these views SQLAlchemy lists what it needs and not all there is.
PARTLY = {"columns", "types", "default_constraints", "computed_columns"}


def known_of_oracle() -> dict[str, set[str]]:
    found = {}
    for name, table in vars(dictionary).items():
        if name.startswith("all_") and hasattr(table, "c"):
            found[name.removeprefix("all_")] = {column.name.lower() for column in table.c}
    return found


def known_of_sql_server() -> dict[str, set[str]]:
    return {
        table.name: {column.name for column in table.c}
        for table in vars(information_schema).values()
        if getattr(table, "schema", None) == "sys"
    }


def names_of(statements: list[str], dialect: str) -> set[tuple[str, str]]:
    """(view, column) for every column that a statement names."""
    found: set[tuple[str, str]] = set()
    for statement in statements:
        tree = sqlglot.parse_one(statement, read=dialect)
        views = {table.alias_or_name.lower(): table.name.lower() for table in tree.find_all(exp.Table)}
        for column in tree.find_all(exp.Column):
            if column.table:
                found.add((views[column.table.lower()], column.name.lower()))
    return found


def statements_in(module: object) -> list[str]:
    return [
        text for name, text in vars(module).items()
        if name.isupper() and not name.startswith("_") and isinstance(text, str) and "SELECT" in text and "GRANT" not in text
    ]  # fmt: skip


def test_oracles_names_are_those_that_sqlalchemy_lists() -> None:
    filled = [
        text.format(v="dba", schemas="1 = 1", tables="1 = 1", columns="1 = 1")
        for text in statements_in(oracle_sql)
    ]
    named = {(view.removeprefix("dba_"), column) for view, column in names_of(filled, "oracle")}
    known = known_of_oracle()
    known["all_tables"] = known[
        "tables"
    ]  # ALL_ALL_TABLES has the columns of ALL_TABLES, of tables of objects too
    assert {"tab_cols", "objects", "constraints", "cons_columns", "indexes", "ind_columns", "mviews", "synonyms", "users"} <= {
        view for view, _ in named
    } & set(known)  # fmt: skip
    wrong = {(view, column) for view, column in named if view in known and column not in known[view]}
    assert wrong == set()
    unseen = {view for view, _ in named} - set(known)
    assert unseen == {"external_tables", "dependencies", "segments", "v_$sqlarea"}


def test_sql_servers_names_are_those_that_sqlalchemy_lists() -> None:
    filled = [text.format(schemas="1 = 1", tables="1 = 1") if "{" in text else text for text in statements_in(sqlserver_sql)]  # fmt: skip
    named, known = names_of(filled, "tsql"), known_of_sql_server()
    seen = {(view, column) for view, column in named if view in known}
    assert {view for view, _ in seen} == {*PARTLY, "extended_properties"}
    wrong = {(view, column) for view, column in seen if column not in known[view]}
    assert wrong == {("columns", "is_identity")}  # which it takes from sys.identity_columns


@pytest.mark.parametrize("dialect", ["oracle", "tsql"])
def test_a_wrong_name_is_seen(dialect: str) -> None:
    view = "sys.dba_tab_cols" if dialect == "oracle" else "sys.columns"
    (name,) = names_of([f"SELECT o.no_such FROM {view} o WHERE 1 = 1"], dialect)
    known = known_of_oracle() if dialect == "oracle" else known_of_sql_server()
    assert name[1] not in known[name[0].removeprefix("dba_")]
