"""A second opinion on PostgreSQL: the server's own grammar (libpg_query through pglast, where it is installed)."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from plugin.run_sql.dialects import Engine
from plugin.run_sql.scope import Found
from plugin.run_sql.verdict import Refusal

_GRAMMAR = frozenset(
    """timezone like_escape similar_to_escape similar_escape btrim ltrim rtrim overlay position substring extract
    is_normalized normalize xmlexists date_part pg_collation_for overlaps""".split()
)
"""Functions that the grammar itself writes, as pg_catalog.name."""

_FORBIDDEN = ("IntoClause", "LockingClause", "CurrentOfExpr", "ParamRef")


@cache
def _parser() -> Any:
    try:
        from pglast import parser
    except ImportError:
        return None
    return parser


def available() -> bool:
    """Is the second parser installed?"""
    return _parser() is not None


def check_again(sql: str, rendered: str, found: Found, engine: Engine, *, bound: bool = False) -> None:
    """Raise Refusal unless PostgreSQL's grammar sees one SELECT with the same tables and only listed functions.

    `bound`: the statement has parameters, which otherwise are refused.
    """
    parser = _parser()
    if parser is None:
        return
    first = _facts(parser, sql, engine, bound)
    second = first if sql == rendered else _facts(parser, rendered, engine, bound)
    if not first[0]:
        raise Refusal("second parser", "PostgreSQL's grammar reads something else than a query")
    expected = {table.parts[-1] for table in found.tables.values()}
    for _, tables in (first, second):
        if not expected <= tables[0] or not tables[1] <= {
            (table.parts[-2] if len(table.parts) > 1 else "", table.parts[-1])
            for table in found.tables.values()
        }:
            raise Refusal("second parser", "PostgreSQL's grammar reads other tables in it")


def _facts(
    parser: Any, sql: str, engine: Engine, bound: bool
) -> tuple[bool, tuple[set[str], set[tuple[str, str]]]]:
    try:
        tree = json.loads(parser.parse_sql_json(sql))
    except (parser.ParseError, RecursionError, ValueError) as error:
        raise Refusal("second parser", "PostgreSQL's grammar does not read it") from error
    statements = tree.get("stmts", [])
    if len(statements) != 1 or "SelectStmt" not in statements[0].get("stmt", {}):
        raise Refusal("second parser", "PostgreSQL's grammar reads something else than one query")
    names: set[str] = set()
    qualified: set[tuple[str, str]] = set()
    stack: list[Any] = [statements[0]["stmt"]]
    push, plain = stack.append, _PLAIN
    while stack:
        node = stack.pop()
        if type(node) is list:
            for part in node:
                if type(part) is dict or type(part) is list:
                    push(part)
            continue
        for key, value in node.items():
            if type(value) is dict or type(value) is list:
                push(value)
            if key in plain:
                continue
            if not _matters(key):
                plain.add(key)
                continue
            if (key in _FORBIDDEN and not (bound and key == "ParamRef")) or (
                key.endswith("Stmt") and key != "SelectStmt"
            ):
                raise Refusal("second parser", "PostgreSQL's grammar reads more than a query in it")
            if key == "intoClause" and value:
                raise Refusal("second parser", "PostgreSQL's grammar reads INTO in it")
            if key == "RangeVar":
                _table(value, names, qualified)
            elif key == "FuncCall":
                _function(value, engine)
            elif key == "TypeName" or key == "typeName":
                _type(value)
    return True, (names, qualified)


_PLAIN: set[str] = set()
"""Keys that were looked at and do not matter: a statement has thousands of nodes of few kinds."""


def _matters(key: str) -> bool:
    """Is this a kind of node that is looked at?"""
    return (
        key in _FORBIDDEN
        or key.endswith("Stmt")
        or key in ("intoClause", "RangeVar", "FuncCall", "TypeName", "typeName")
    )


def _table(value: dict[str, Any], names: set[str], qualified: set[tuple[str, str]]) -> None:
    names.add(value["relname"])
    if value.get("schemaname"):
        qualified.add((value["schemaname"], value["relname"]))


def _function(value: dict[str, Any], engine: Engine) -> None:
    parts = [part["String"]["sval"] for part in value.get("funcname", ()) if "String" in part]
    if len(parts) == 1 and parts[0] in engine.functions:
        return
    if len(parts) == 2 and parts[0] == "pg_catalog" and parts[1] in _GRAMMAR:
        return
    raise Refusal("second parser", f"the function {'.'.join(parts)[:60]} is not on the list of this engine")


def _type(value: dict[str, Any]) -> None:
    parts = [part["String"]["sval"] for part in value.get("names", ()) if "String" in part]
    if len(parts) > 1 and parts[0] != "pg_catalog":
        raise Refusal("type", "types of other schemas are refused")
    if parts and (parts[-1].startswith("reg") and parts[-1] != "reg"):
        raise Refusal("type", "casts to reg types are refused")
