"""Every node of a kind that is allowed, with arguments that are allowed: the walk that looks at each once.

Enters: a tree as it was parsed. Leaves: the kinds of its nodes, or Refusal.
"""

from __future__ import annotations

import re

from sqlglot import exp

from plugin.run_sql.called import function_name
from plugin.run_sql.dialects import Engine
from plugin.run_sql.functions_check import check_applied, check_function, check_type
from plugin.run_sql.nodes import ALLOWED, ARGUMENTS, PROBES
from plugin.run_sql.sizes import check_connect, check_size
from plugin.run_sql.verdict import Refusal

MAX_DEPTH = 700
MAX_SOURCES = 500
_IDENTIFIER = exp.Identifier
_NAMES = frozenset({"alias", "db", "catalog", "table", "kind", "to", "unit"})
"""Where a name or a type stands, not a value."""
_SOURCES = frozenset({exp.Table, exp.Join})
_REMARKABLE = frozenset(
    {
        exp.Identifier, exp.DataType, exp.Dot, exp.ForClause, exp.Operator, exp.HistoricalData, exp.QueryOption,
        exp.Connect, exp.Select,
    }
)  # fmt: skip
_UNREMARKABLE = frozenset(
    kind for kind in ALLOWED if kind not in _REMARKABLE and not issubclass(kind, exp.Func)
)
"""Kinds of which `check_nodes` looks at nothing but their arguments: most nodes of a statement."""


def check_nodes(
    tree: exp.Expr, engine: Engine, parameters: frozenset[str] = frozenset()
) -> frozenset[type[exp.Expr]]:
    """Every node of a kind that is allowed, with arguments that are allowed; every function on the engine's list.

    Gives the kinds that were met. Raises Refusal.
    """
    met: set[type[exp.Expr]] = set()
    stack: list[tuple[exp.Expr, int]] = [(tree, 0)]
    push = stack.append
    sources = 0
    while stack:
        node, depth = stack.pop()
        kind = type(node)
        if kind is _IDENTIFIER and depth <= MAX_DEPTH and type(node.args.get("this")) is str:
            _check_identifier(node, engine)  # half of all nodes; nothing stands below one
            continue
        if kind in _SOURCES:
            sources += 1
            if sources > MAX_SOURCES:
                raise Refusal("text", f"the statement names more than {MAX_SOURCES} tables")
        if depth > MAX_DEPTH:
            raise Refusal("text", "the statement is nested too deeply")
        if parameters and kind is exp.Placeholder and str(node.args.get("this") or "") in parameters:
            if node.arg_key in _NAMES or isinstance(
                node.parent, (exp.Table, exp.TableAlias, exp.Dot, exp.Column)
            ):
                raise Refusal("parameter", "a parameter stands for a value, not for a name")
            continue
        if kind not in ALLOWED:
            raise Refusal("node", f"{_people(kind)} is not allowed in a query")
        met.add(kind)
        permitted = ARGUMENTS.get(kind)
        for key, value in node.args.items():
            if value is None or value is False or (type(value) is list and not value):
                continue
            if permitted is not None and key not in permitted:
                if kind is exp.Pivot and key == "into" and isinstance(value, exp.UnpivotColumns):
                    stack.append((value, depth + 1))
                    continue
                raise Refusal("node", PROBES.get(key, f"{key.strip('_')} is not allowed in {_people(kind)}"))
            if type(value) is list:
                for part in value:
                    if isinstance(part, exp.Expr):
                        push((part, depth + 1))
            elif type(value) is not str and isinstance(value, exp.Expr):
                push((value, depth + 1))
        if kind in _UNREMARKABLE:
            continue
        if kind is exp.Identifier:
            _check_identifier(node, engine)
        elif isinstance(node, exp.Func):
            if not _is_qualified(node, engine):
                check_function(node, engine)
            check_size(node, function_name(node), engine)
            if kind is exp.Apply:
                check_applied(node, engine)
        elif kind is exp.DataType:
            check_type(node, engine)
        elif kind is exp.Dot and isinstance(node.args.get("expression"), exp.Func):
            _check_qualified(node, engine)
        elif kind is exp.ForClause and str(node.args.get("kind")).upper() not in ("XML", "JSON"):
            raise Refusal("node", "FOR is followed by something else than XML or JSON")
        elif kind is exp.Operator and not _OPERATOR.fullmatch(str(node.args.get("operator"))):
            raise Refusal(
                "function", "OPERATOR(..) takes the signs of an operator here, without a schema's name"
            )
        elif kind is exp.HistoricalData and not _is_moment(node):
            raise Refusal(
                "node", "time travel takes a moment here, not the name of a stream or of a statement"
            )
        elif kind is exp.QueryOption:
            _check_option(node)
        elif kind is exp.Connect:
            check_connect(node)
        elif kind is exp.Select and not node.expressions and not isinstance(node.parent, exp.Exists):
            raise Refusal("statement", "SELECT without anything to select")
    return frozenset(met)


def _check_identifier(node: exp.Expr, engine: Engine) -> None:
    name = node.name
    if not name:
        raise Refusal("node", "an empty name")
    if not node.args.get("quoted"):
        if engine.reserved and name.lower() in engine.reserved and _starts_statement(node):
            raise Refusal("statement", f"{name} is a reserved word of the engine; put the name in brackets")
        if "@" in name or (name.startswith("$") and "positional" not in node.meta):
            raise Refusal("table", "links, stages and variables are refused")


def _starts_statement(node: exp.Expr) -> bool:
    """A reserved word as a name: T-SQL would end the query there and start another statement."""
    parent = node.parent
    return not isinstance(parent, (exp.Kwarg, exp.PropertyEQ)) and node.arg_key != "columns"


def _is_qualified(node: exp.Expr, engine: Engine) -> bool:
    """Is it checked by its whole name, which has dots?"""
    return engine.name != "duckdb" and isinstance(node.parent, exp.Dot) and node.arg_key == "expression"


def _check_qualified(node: exp.Expr, engine: Engine) -> None:
    left = node.this
    right = node.args["expression"]
    if engine.name == "duckdb" and isinstance(left, (exp.Func, exp.Paren, exp.Array, exp.Struct)):
        return  # list(x).list_sum(): a chain of calls, each of which is on the list
    names = []
    while isinstance(left, exp.Dot):
        part = left.args.get("expression")  # None where a name is left out: `db..f(1)`
        names.append(part.name if isinstance(part, exp.Expr) else "")
        left = left.this
    names.append(left.name if isinstance(left, (exp.Column, exp.Identifier)) else "")
    qualified = ".".join([*reversed(names), function_name(right)]).lower()
    if qualified not in engine.functions:
        raise Refusal(
            "function", f"{qualified[:80]} is refused: a function may not be qualified with a schema"
        )


_OPERATOR = re.compile(r"(?:pg_catalog\.)?[-+*/<>=~!@#%^&|?]{1,8}")


def _is_moment(node: exp.Expr) -> bool:
    """Time travel to a moment, or to a version by its number."""
    kind, at = str(node.args.get("kind")).upper(), node.args.get("expression")
    return kind in ("TIMESTAMP", "OFFSET") or (
        kind == "VERSION" and isinstance(at, exp.Literal) and at.is_int
    )


_FOR = frozenset(
    "XML JSON PATH AUTO RAW ROOT TYPE ELEMENTS INCLUDE_NULL_VALUES WITHOUT_ARRAY_WRAPPER".split()
) | {"ELEMENTS XSINIL", "ELEMENTS ABSENT", "BINARY BASE64"}


def _check_option(node: exp.Expr) -> None:
    value = node.args.get("expression")
    if isinstance(node.parent, exp.ForClause):  # SELECT ... FOR XML PATH(''): how the same rows are written
        word = node.this.this if isinstance(node.this, exp.XMLKeyValueOption) else node.this
        named = isinstance(word, exp.Expr) and word.name.upper() in _FOR
        if not named or str(node.parent.args.get("kind")).upper() not in ("XML", "JSON"):
            raise Refusal("node", "FOR is followed by something else than XML or JSON")
        return
    if node.name.upper() != "MAXRECURSION" or not (
        isinstance(value, exp.Literal) and value.is_int and 0 < int(value.name) <= 32767
    ):
        raise Refusal("node", "hints are refused")


def _people(kind: type[exp.Expr]) -> str:
    name = kind.__name__
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()
    return words.replace("column def", "column definition")
