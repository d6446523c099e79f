"""What people and BI tools write that changes how a statement runs and not what it gives: dropped, never passed on.

Optimizer hints, `WITH (NOLOCK)`, `USE INDEX`, `OPTION (RECOMPILE)`: the rendered text runs without
them. One that locks, or that could change the result or a
limit (ClickHouse's SETTINGS), stays in the tree and is refused there. Also calls in
DuckDB's chain notation become plain calls, so that no schema of somebody's can answer to them.
"""

from __future__ import annotations

import re
from typing import Any

from sqlglot import exp

from plugin.run_sql.dialects import Engine

_WORDS: dict[str, re.Pattern[str]] = {
    "tsql": re.compile(
        r"nolock|readuncommitted|readcommitted|noexpand|forceseek|forcescan|index|option|"
        r"(?:hash|merge|loop)\s+join",
        re.IGNORECASE,
    ),
    "mysql": re.compile(r"\b(?:index|key|sql_|straight_join)", re.IGNORECASE),
    "sqlite": re.compile(r"\bindexed\b", re.IGNORECASE),
    "snowflake": re.compile(r"\$[0-9]"),
    "duckdb": re.compile(r"\.\s*[A-Za-z_]\w*\s*\("),
}
_PARTS: dict[str, tuple[str, ...]] = {
    "tsql": ("nolock", "committed", "noexpand", "force", "index", "option", "hash", "merge", "loop"),
    "mysql": ("index", "key", "sql_", "straight_join"),
    "sqlite": ("indexed",),
    "snowflake": ("$",),
    "duckdb": (".",),
}
# Of each pattern above: what a text that it matches holds, in lower case.
_TABLE_HINTS = frozenset(
    "NOLOCK READUNCOMMITTED READCOMMITTED READCOMMITTEDLOCK NOEXPAND FORCESEEK FORCESCAN INDEX".split()
)
_OPTIONS = frozenset(
    """RECOMPILE MAXDOP FAST FORCE_ORDER HASH_JOIN MERGE_JOIN LOOP_JOIN HASH_GROUP ORDER_GROUP CONCAT_UNION HASH_UNION
    MERGE_UNION OPTIMIZE_FOR_UNKNOWN KEEP_PLAN KEEPFIXED_PLAN LABEL IGNORE_NONCLUSTERED_COLUMNSTORE_INDEX
    MIN_GRANT_PERCENT MAX_GRANT_PERCENT EXPAND_VIEWS ROBUST_PLAN NO_PERFORMANCE_SPOOL""".split()
)
_MODIFIERS = frozenset(
    """SQL_NO_CACHE SQL_CACHE SQL_CALC_FOUND_ROWS SQL_SMALL_RESULT SQL_BIG_RESULT SQL_BUFFER_RESULT
    STRAIGHT_JOIN""".split()
)


def drop_hints(tree: exp.Expr, sql: str, engine: Engine) -> None:
    """Take out of the tree what only says how to run it; what is not on the lists stays and is refused as a node."""
    words = _WORDS.get(engine.name)
    if "/*+" not in sql:
        lowered = sql.lower()
        if words is None or not any(word in lowered for word in _PARTS[engine.name]):
            return  # a plain search for each word takes a tenth of the pattern's time
        if words.search(sql) is None:
            return
    for node in list(tree.walk()):
        if isinstance(node, exp.Select):
            node.set("hint", None)
            _select(node)
        elif isinstance(node, exp.Table):
            _table(node, engine)
        elif isinstance(node, exp.Join) and engine.name == "tsql":
            node.set("hint", None)
        elif isinstance(node, exp.Dot) and engine.name == "duckdb":
            _chained(node)
        elif isinstance(node, exp.Parameter) and engine.name == "snowflake":
            _positional(node)


def _select(node: exp.Select) -> None:
    modifiers = node.args.get("operation_modifiers")
    if modifiers:
        node.set("operation_modifiers", [each for each in modifiers if each.name.upper() not in _MODIFIERS])
    options = node.args.get("options")
    if options:
        kept = [
            each
            for each in options
            if not isinstance(each, exp.QueryOption) or each.name.upper().replace(" ", "_") not in _OPTIONS
        ]
        node.set("options", kept or None)


def _table(node: exp.Table, engine: Engine) -> None:
    hints = node.args.get("hints")
    if hints and all(isinstance(each, exp.IndexTableHint) for each in hints):
        node.set("hints", None)
    elif hints and all(isinstance(each, exp.WithTableHint) and _harmless(each.expressions) for each in hints):
        node.set("hints", None)
    if node.args.get("indexed"):
        node.set("indexed", None)
    if engine.name != "tsql":
        return
    alias = node.args.get("alias")
    if isinstance(alias, exp.TableAlias) and alias.columns and _harmless(alias.columns):
        alias.set("columns", None)  # FROM t AS o (NOLOCK); T-SQL has no list of columns there
    name: Any = node.this
    if isinstance(name, exp.Anonymous) and name.expressions and _harmless(name.expressions):
        node.set("this", exp.to_identifier(name.name))  # FROM t (NOLOCK)


def _harmless(hints: list[exp.Expr]) -> bool:
    return all(hint.name.upper() in _TABLE_HINTS for hint in hints)


def _chained(node: exp.Dot) -> None:
    """`name.upper()` is `upper(name)`, of whatever stands before the dot."""
    call = node.args.get("expression")
    if not isinstance(call, exp.Anonymous) or not isinstance(call.this, str):
        return
    before = _plain(node.this)
    if before is None:
        return
    made = exp.Anonymous(this=call.this, expressions=[before, *call.expressions])
    made.meta.update(call.meta)
    node.replace(made)


def _plain(node: exp.Expr) -> exp.Expr | None:
    if isinstance(node, exp.Identifier):
        return exp.Column(this=node)
    if isinstance(node, exp.Dot) and isinstance(node.args.get("expression"), exp.Identifier):
        parts = []
        inner: Any = node
        while isinstance(inner, exp.Dot):
            parts.append(inner.expression)
            inner = inner.this
        if not isinstance(inner, exp.Identifier) or len(parts) != 1:
            return None
        return exp.Column(this=parts[0], table=inner)
    return node


def _positional(node: exp.Parameter) -> None:
    """`$1`, the first column of what stands in FROM. A name after `$` is a variable and stays refused."""
    number = node.this
    if not (isinstance(number, exp.Literal) and number.is_int):
        return
    name = exp.Identifier(this=f"${number.name}", quoted=False)
    name.meta["positional"] = int(number.name)
    node.replace(name if isinstance(node.parent, exp.Column) else exp.Column(this=name))
