"""The guard: may this SQL run, if only these tables are visible? Pure; nothing here touches a database.

The controls stand in the order of the security policy and all fail closed: the text, the parse in the engine's own
dialect, one statement, kinds of nodes, functions, tables and columns by lexical scope, then a rendering from the
tree. What runs is `Verdict.rendered` (or `limited`), never the text that came in. On PostgreSQL a second parser
must agree.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any

from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError
from sqlglot.tokenizer_core import Token

from plugin.run_sql.clauses import carry, methods_taken, put_back, returns_a_type
from plugin.run_sql.dialects import ENGINES, Engine, engine_of, parser_of, plain_parser_of
from plugin.run_sql.hints import drop_hints
from plugin.run_sql.nodes import ROOTS
from plugin.run_sql.nodes_check import check_nodes
from plugin.run_sql.own_parsers import check_own_parsers
from plugin.run_sql.render import limit_tree, pin_tables, qualify_tables, render, render_bound, spread_lists
from plugin.run_sql.resolver import Resolver
from plugin.run_sql.second_parser import check_again
from plugin.run_sql.spellings import respell_tokens, respelled
from plugin.run_sql.text import check_written, read_tokens
from plugin.run_sql.verdict import Refusal, Verdict, VisibleTables

logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # its warnings quote the SQL, which no log may hold

MAX_LIMIT = 10_000_000


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
        unlink(tree)


def unlink(tree: exp.Expr) -> None:
    """Cut each node from its parent. A tree is nothing but cycles, and collecting those of a long statement costs the
    process more than reading it; cut, it is gone at once."""
    stack: list[Any] = [tree]
    while stack:
        node = stack.pop()
        node.parent = None
        if type(node) is exp.Identifier:
            continue
        for value in node.args.values():
            if type(value) is list:
                stack.extend(part for part in value if isinstance(part, exp.Expr))
            elif isinstance(value, exp.Expr):
                stack.append(value)


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
    kinds = check_nodes(tree, engine, parameters)
    found = Resolver(engine, tables, default_schema, database).resolve(tree)
    qualify_tables(found, engine)
    tree = pin_tables(tree, found, engine)
    if row_limit is not None:
        tree = limit_tree(tree, min(row_limit, MAX_LIMIT), engine)
    bound: tuple[str, ...] = ()
    if parameters:
        rendered, bound = render_bound(tree, engine, kinds)
    else:
        rendered = render(tree, engine, kinds)
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
    if returns_a_type(sql, engine):
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
    plain, whole = plain_parser_of(engine.name), parser_of(engine.name)
    try:
        parsed = plain.parser(error_level=ErrorLevel.IMMEDIATE).parse(tokens, sql)
        trees = [tree for tree in parsed if tree is not None] if plain is not whole else []
        if any(_reads_path(tree) for tree in trees):
            for tree in trees:
                unlink(tree)
            parsed = whole.parser(error_level=ErrorLevel.IMMEDIATE).parse(tokens, sql)
        return parsed
    except (
        SqlglotError,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        AssertionError,
    ) as error:
        raise Refusal(
            "parse", "the statement could not be parsed in this dialect" + _position(error)
        ) from error


def _reads_path(tree: exp.Expr) -> bool:
    """May a FROM hold a path that begins with another item of it (`FROM t, t.items`)?"""
    paths: set[str] = set()
    names: set[str] = set()
    for node in tree.find_all(exp.From, exp.Join):
        item = node.this
        names.add(item.alias_or_name.lower())
        if isinstance(item, exp.Table) and isinstance(node, exp.Join) and len(item.parts) > 1:
            paths.add(item.parts[0].name.lower())
    return not paths.isdisjoint(names)


def _position(error: Exception) -> str:
    details = getattr(error, "errors", None)
    if details and details[0].get("line"):
        return f" (line {details[0]['line']}, column {details[0]['col']})"
    return ""


def parameters_named(sql: str, dialect: str) -> tuple[str, ...]:
    """The names that stand as `:name` in a statement, each once; () where it cannot be read."""
    engine = engine_of(dialect)
    if engine is None:
        return ()
    try:
        tree = parse_one(sql, engine)
    except (Refusal, RecursionError):
        return ()
    names = {str(node.args.get("this") or "") for node in tree.find_all(exp.Placeholder)}
    unlink(tree)
    return tuple(sorted(name for name in names if name))


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
    unlink(tree)
    return tuple(found)
