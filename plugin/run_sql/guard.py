"""The guard: may this SQL run, if only these tables are visible? Pure; nothing here touches a database.

The controls stand in the order of the security policy and all fail closed: the text, the parse in the engine's own
dialect, one statement, kinds of nodes, functions, tables and columns by lexical scope, then a rendering from the
tree. What runs is `Verdict.rendered` (or `limited`), never the text that came in. On PostgreSQL a second parser
must agree.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection
from typing import Any

from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError
from sqlglot.tokenizer_core import Token

from plugin.run_sql.called import function_name
from plugin.run_sql.clauses import carry, methods_taken, put_back, returns_a_type
from plugin.run_sql.dialects import ENGINES, Engine, engine_of, parser_of
from plugin.run_sql.functions_check import check_applied, check_function, check_type
from plugin.run_sql.hints import drop_hints
from plugin.run_sql.nodes import ALLOWED, ARGUMENTS, PROBES, ROOTS
from plugin.run_sql.own_parsers import check_own_parsers
from plugin.run_sql.render import limit_tree, pin_tables, qualify_tables, render, render_bound, spread_lists
from plugin.run_sql.resolver import Resolver
from plugin.run_sql.scope import Found
from plugin.run_sql.second_parser import check_again
from plugin.run_sql.sizes import check_connect, check_size
from plugin.run_sql.spellings import respell_tokens, respelled
from plugin.run_sql.text import check_written, read_tokens
from plugin.run_sql.verdict import Refusal, Verdict, VisibleTables

logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # its warnings quote the SQL, which no log may hold

MAX_DEPTH = 700
MAX_SOURCES = 500
MAX_LIMIT = 10_000_000
_NAMES = frozenset({"alias", "db", "catalog", "table", "kind", "to", "unit"})
"""Where a name or a type stands, not a value."""


def check(
    sql: str,
    *,
    dialect: str,
    tables: VisibleTables,
    default_schema: str | None = None,
    database: str | None = None,
    row_limit: int | None = None,
    parameters: Collection[str] = (),
) -> Verdict:
    """Decide on one statement. `tables` are all that exist for the asker; a bare name means `default_schema` only.

    `database` is the current database, the only one a three-part name may name. With `row_limit` the rendered text
    carries a limit of at most so many rows. `parameters` are the names that may stand as `:name` where a value stands;
    `Verdict.bound` says in which order the driver wants their values. Never raises for what `sql` says.
    """
    engine = engine_of(dialect)
    if engine is None:
        return Verdict("reject", (f"there is no guard for the dialect {dialect[:40]!r}",), rule="dialect")
    try:
        return _check(sql, engine, tables, default_schema, database, row_limit, frozenset(parameters))
    except Refusal as refusal:
        return Verdict("reject", (str(refusal),), rule=refusal.rule)
    except RecursionError:
        return Verdict("reject", ("the statement is nested too deeply",), rule="text")


def _check(
    sql: str,
    engine: Engine,
    tables: VisibleTables,
    default_schema: str | None,
    database: str | None,
    row_limit: int | None,
    parameters: frozenset[str],
) -> Verdict:
    tree, tokens = _read(sql, engine)
    try:
        check_own_parsers(tokens, tree, engine)
        verdict = _checked(tree, sql, engine, tables, default_schema, database, row_limit, parameters)
        check_written(tokens, verdict.rendered, sql, engine)
        return verdict
    finally:
        _unlink(tree)


def _unlink(tree: exp.Expr) -> None:
    """Cut each node from its parent. A tree is nothing but cycles, and collecting those of a long statement costs the
    process more than reading it; cut, it is gone at once."""
    stack: list[Any] = [tree]
    while stack:
        node = stack.pop()
        if type(node) is list:
            stack.extend(node)
        elif isinstance(node, exp.Expr):
            node.parent = None
            stack.extend(node.args.values())


def _checked(
    tree: exp.Expr,
    sql: str,
    engine: Engine,
    tables: VisibleTables,
    default_schema: str | None,
    database: str | None,
    row_limit: int | None,
    parameters: frozenset[str],
) -> Verdict:
    statement = ROOTS.get(type(tree))
    if statement is None:
        raise Refusal("statement", "only a query that reads is allowed (SELECT, VALUES, set operations)")
    drop_hints(tree, sql, engine)
    if parameters:
        spread_lists(tree, parameters)
    check_nodes(tree, engine, parameters)
    found = Resolver(engine, tables, default_schema, database).resolve(tree)
    qualify_tables(found, engine)
    tree = pin_tables(tree, found, engine)
    if row_limit is not None:
        tree = limit_tree(tree, min(row_limit, MAX_LIMIT), engine)
    bound: tuple[str, ...] = ()
    if parameters:
        rendered, bound = render_bound(tree, engine)
    else:
        rendered = render(tree, engine)
    if engine.name == "postgres":
        check_again(rendered if bound else sql, rendered, found, engine, bound=bool(bound))
    return Verdict(
        "accept",
        tables=tuple(found.tables),
        columns=tuple(found.columns),
        rendered=rendered,
        statement=statement,
        bound=bound,
    )


def warm() -> None:
    """Read every engine's lists and parser now, so that the first person who asks does not wait for it."""
    nothing = VisibleTables(())
    for name in ENGINES:
        check("SELECT 1 AS one", dialect=name, tables=nothing, row_limit=1)


def parse_one(sql: str, engine: Engine) -> exp.Expr:
    """The tree of exactly one statement, after the controls on the bare text. Raises Refusal."""
    return _read(sql, engine)[0]


def _read(sql: str, engine: Engine) -> tuple[exp.Expr, list[Token]]:
    """The tree and the words it was read from."""
    sql = respelled(sql, engine)
    tokens = respell_tokens(sql, read_tokens(sql, engine), engine)
    carried = methods_taken(tokens, engine)
    if returns_a_type(tokens, engine):
        carry(carried, engine)
    try:
        parsed = _parse(carried.tokens, sql, engine)
    except Refusal:
        if not carry(carried, engine):
            raise
        parsed = _parse(carried.tokens, sql, engine)
    statements = [each for each in parsed if each is not None and not isinstance(each, exp.Semicolon)]
    if len(statements) != 1:
        raise Refusal("statement", "exactly one statement is allowed")
    if not isinstance(statements[0], exp.Expr):
        raise Refusal("parse", "the statement could not be parsed in this dialect")
    if carried.clauses:
        put_back(statements[0], carried)
    return statements[0], tokens


def _parse(tokens: list[Token], sql: str, engine: Engine) -> list[exp.Expr | None]:
    try:
        return parser_of(engine.name).parser(error_level=ErrorLevel.IMMEDIATE).parse(tokens, sql)
    except (SqlglotError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise Refusal(
            "parse", "the statement could not be parsed in this dialect" + _position(error)
        ) from error


def _position(error: Exception) -> str:
    details = getattr(error, "errors", None)
    if details and details[0].get("line"):
        return f" (line {details[0]['line']}, column {details[0]['col']})"
    return ""


def check_nodes(tree: exp.Expr, engine: Engine, parameters: frozenset[str] = frozenset()) -> None:
    """Every node of a kind that is allowed, with arguments that are allowed; every function on the engine's list."""
    stack: list[tuple[exp.Expr, int]] = [(tree, 0)]
    push = stack.append
    sources = 0
    while stack:
        node, depth = stack.pop()
        kind = type(node)
        if kind is exp.Table or kind is exp.Join:
            sources += 1
            if sources > MAX_SOURCES:
                raise Refusal("text", f"the statement names more than {MAX_SOURCES} tables")
        if depth > MAX_DEPTH:
            raise Refusal("text", "the statement is nested too deeply")
        if kind is exp.Placeholder and str(node.args.get("this") or "") in parameters:
            if node.arg_key in _NAMES or isinstance(
                node.parent, (exp.Table, exp.TableAlias, exp.Dot, exp.Column)
            ):
                raise Refusal("parameter", "a parameter stands for a value, not for a name")
            continue
        if kind not in ALLOWED:
            raise Refusal("node", f"{_people(kind)} is not allowed in a query")
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
        if kind is exp.Column or kind is exp.Literal:
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
        names.append(left.expression.name)
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
        if word.name.upper() not in _FOR or str(node.parent.args.get("kind")).upper() not in ("XML", "JSON"):
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


def found_of(sql: str, *, dialect: str, tables: VisibleTables, default_schema: str | None = None) -> Found:
    """What a statement touches, for tests. Raises Refusal."""
    engine = engine_of(dialect)
    if engine is None:
        raise Refusal("dialect", "unknown dialect")
    return Resolver(engine, tables, default_schema, None).resolve(parse_one(sql, engine))


def parameters_named(sql: str, dialect: str) -> tuple[str, ...]:
    """The names that stand as `:name` in a statement, each once; () where it cannot be read."""
    engine = engine_of(dialect)
    if engine is None:
        return ()
    try:
        tree = parse_one(sql, engine)
    except (Refusal, RecursionError):
        return ()
    names = (str(node.args.get("this") or "") for node in tree.find_all(exp.Placeholder))
    return tuple(dict.fromkeys(sorted(name for name in names if name)))


def tables_named(sql: str, dialect: str) -> tuple[tuple[str, ...], ...]:
    """Every name in the statement that could be a table's, as parts; () where it cannot be read.

    More than it touches (names of CTEs are among them): the caller looks these up, `check` decides.
    """
    engine = engine_of(dialect)
    if engine is None:
        return ()
    try:
        tree = parse_one(sql, engine)
    except (Refusal, RecursionError):
        return ()
    found: dict[tuple[str, ...], None] = {}
    for table in tree.find_all(exp.Table):
        parts = tuple(part.name for part in table.parts if isinstance(part, exp.Identifier))
        if parts:
            found[parts] = None
    return tuple(found)
