"""A second opinion on PostgreSQL: the server's own grammar (libpg_query through pglast, where it is installed)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
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
    expected = {table.parts[-1] for table in found.tables.values()}
    visible = {
        (table.parts[-2] if len(table.parts) > 1 else "", table.parts[-1]) for table in found.tables.values()
    }
    for tables, qualified in (first, second):
        if not expected <= tables or not qualified <= visible:
            raise Refusal("second parser", "PostgreSQL's grammar reads other tables in it")


def _facts(parser: Any, sql: str, engine: Engine, bound: bool) -> tuple[set[str], set[tuple[str, str]]]:
    """The tables that the grammar sees: names, and names with their schemas. Raises Refusal.

    The tree comes as JSON without spaces, in which a quote inside a text is written `\\"`: so `"Name":` is a key. The
    few kinds of nodes that matter are found by their keys and only those are read: reading all of them takes several
    times as long as PostgreSQL's grammar.
    """
    try:
        tree = parser.parse_sql_json(sql)
    except (parser.ParseError, RecursionError, ValueError) as error:
        raise Refusal("second parser", "PostgreSQL's grammar does not read it") from error
    if _ONE_QUERY.match(tree) is None or tree.count('"stmt":') != 1:
        raise Refusal("second parser", "PostgreSQL's grammar reads something else than one query")
    if '"intoClause":' in tree:
        raise Refusal("second parser", "PostgreSQL's grammar reads INTO in it")
    if tree.count('Stmt":') != tree.count('"SelectStmt":') or any(
        f'"{kind}":' in tree for kind in _FORBIDDEN if not (bound and kind == "ParamRef")
    ):
        raise Refusal("second parser", "PostgreSQL's grammar reads more than a query in it")
    for names in _read_behind(tree, '"FuncCall":{', '"funcname":'):
        _function(names, engine)
    for kind in ("TypeName", "typeName"):
        for names in _read_behind(tree, f'"{kind}":{{', '"names":'):
            _type(names)
    tables: set[str] = set()
    qualified: set[tuple[str, str]] = set()
    for table in _read_behind(tree, '"RangeVar":'):
        tables.add(table["relname"])
        if table.get("schemaname"):
            qualified.add((table["schemaname"], table["relname"]))
    return tables, qualified


_ONE_QUERY = re.compile(r'\{"version":[0-9]+,"stmts":\[\{"stmt":\{"SelectStmt":\{')
_JSON = json.JSONDecoder()


def _read_behind(tree: str, node: str, key: str = "") -> Iterator[Any]:
    """What stands behind the `key` of every `node`, which must be the first in it. Raises Refusal."""
    at = tree.find(node)
    while at >= 0:
        at += len(node)
        if not tree.startswith(key, at):
            raise Refusal("second parser", "PostgreSQL's grammar reads a node of another form in it")
        try:
            yield _JSON.raw_decode(tree, at + len(key))[0]
        except ValueError as error:
            raise Refusal(
                "second parser", "PostgreSQL's grammar reads a node of another form in it"
            ) from error
        at = tree.find(node, at)


def _function(names: list[dict[str, Any]], engine: Engine) -> None:
    parts = [part["String"]["sval"] for part in names if "String" in part]
    if len(parts) == 1 and parts[0] in engine.functions:
        return
    if len(parts) == 2 and parts[0] == "pg_catalog" and parts[1] in _GRAMMAR:
        return
    raise Refusal("second parser", f"the function {'.'.join(parts)[:60]} is not on the list of this engine")


def _type(names: list[dict[str, Any]]) -> None:
    parts = [part["String"]["sval"] for part in names if "String" in part]
    if len(parts) > 1 and parts[0] != "pg_catalog":
        raise Refusal("type", "types of other schemas are refused")
    if parts and (parts[-1].startswith("reg") and parts[-1] != "reg"):
        raise Refusal("type", "casts to reg types are refused")
