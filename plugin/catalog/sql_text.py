"""SQL text -> statements that may be walked. What no parser should be asked, or reads, leaves as text.

The parser is recursive and compiled: nesting that is too deep ends the process, which no `except` catches, and a
bracket after a type's name is tried as a type and as a call, so that work doubles with each level. Both are seen in
the tokens before the parser is asked. One statement that cannot be read does not take the others with it.
One file because what is asked of the parser and what is seen in the tokens before are one decision.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.parser import Parser
from sqlglot.tokenizer_core import Token, TokenType

from plugin.catalog.sql_blocks import at_semicolons, body_of, each_insert, is_block, pieces, without_begin
from plugin.catalog.sql_tsql import ends_of_blocks, unseparated
from plugin.catalog.sql_unknown import without_unknown

LONGEST = 400_000
DEEPEST = 150
"""Brackets, CASEs and types in each other."""
MOST_TYPED = 10
"""Brackets in each other that follow the name of a type."""
SHORT = 120
"""Tokens that cannot nest deep enough to harm, whatever they are."""

_FAILURES = (
    SqlglotError,
    RecursionError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
)
_OPENING = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE}
_CLOSING = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE}
_DEEPENING = frozenset({*_OPENING, TokenType.LT, TokenType.CASE})
"""What may stand in each other: fewer of them than `MOST_TYPED` cannot be too deep."""
_TYPES = Parser.TYPE_TOKENS | Parser.STRUCT_TYPE_TOKENS | Parser.ENUM_TYPE_TOKENS | {TokenType.ARRAY}
_CHAR = {kind: chr(0x4E00 + number) for number, kind in enumerate(TokenType)}
_BARE_CALLS = frozenset(Parser.NO_PAREN_FUNCTION_PARSERS)
"""Words like IF and ANY that take what follows without a bracket."""
_BARE = chr(0x4DFF)
_REPEATED = re.compile(r"(.{1,4})\1{79,}", re.DOTALL)
_BETWEEN = "COMMA AND OR UNION SEMICOLON DPIPE PLUS DASH STAR SLASH THEN"
"""What the parser reads in a loop: a thousand of them are a long list, not a deep one."""
_OPERANDS = "VAR IDENTIFIER NUMBER STRING NULL TRUE FALSE PARAMETER R_PAREN"
_BETWEEN_CHARS = {_CHAR[TokenType[name]] for name in _BETWEEN.split()}
_OPERAND_CHARS = {_CHAR[TokenType[name]] for name in _OPERANDS.split()}
_IDENTIFIER = r"(?:\"[^\"]+\"|`[^`]+`|\[[^\]]+\]|[A-Za-z_#@][\w$#@]*+)"
_NAME = rf"{_IDENTIFIER}(?:\s*\.\s*{_IDENTIFIER})*+"
_MADE = re.compile(
    rf"\s*((?:\w+\s+){{0,5}}?(?:TABLE|VIEW))\s+(?:IF\s+NOT\s+EXISTS\s+)?({_NAME})", re.IGNORECASE
)
_COPIED = re.compile(rf"\s+(?:DEEP\s+|SHALLOW\s+)?CLONE\s+({_NAME})", re.IGNORECASE)
_QUERY = re.compile(r"\bAS\s*+(?=\(?\s*+(?:SELECT|WITH|VALUES|PIVOT|UNPIVOT|FROM)\b)", re.IGNORECASE)
_LISTED = re.compile(rf"\s*\(\s*{_IDENTIFIER}(?:\s*,\s*{_IDENTIFIER})*+\s*\)")
_NO_ROWS = re.compile(r"\bWITH\s+(?:NO\s+)?(?:DATA|SCHEMA\s+BINDING)\s*;?\s*\Z", re.IGNORECASE)
_OUTPUT = re.compile(r"(?<=[\s)])OUTPUT\s.*\Z", re.IGNORECASE | re.DOTALL)
"""What T-SQL gives back or keeps elsewhere of the rows that a statement wrote."""
_CREATE = re.compile(r"\s*CREATE\b", re.IGNORECASE)
WITH_SEVERAL_INSERTS = ("databricks", "hive", "spark")
"""Dialects in which one FROM may stand before several INSERTs."""
READ_THEMSELVES = ("oracle", "snowflake", "tsql")
"""Dialects in which a CTE may read itself without the word RECURSIVE."""
DEEPEST_BODY = 4
"""Blocks and bodies in each other."""
_PROCEDURE = re.compile(r"\s*PROC(?:EDURE)?\b", re.IGNORECASE)
_SELECT = r"(?=\(*\s*(?:SELECT|WITH|VALUES)\b)"
_CURSOR = re.compile(
    rf"\s*{_IDENTIFIER}\s+(?:(?:BINARY|INSENSITIVE|ASENSITIVE|NO|SCROLL)\s+){{0,4}}CURSOR\s+"
    rf"(?:(?:WITH|WITHOUT)\s+HOLD\s+|(?:(?!FOR\b)[A-Z_]+\s+){{0,6}})FOR\s+{_SELECT}",
    re.IGNORECASE,
)
_TYPE = (
    r"(?:big|small)?int(?:eger|\d)?|text|char(?:acter)?(?:\s+varying)?|varchar|numeric|decimal|real|double\s+precision"
    r"|float\d?|date|time(?:stamp)?(?:tz|\s+with(?:out)?\s+time\s+zone)?|interval|bool(?:ean)?|jsonb?|uuid|bytea|unknown"
)
_TYPED = rf"(?:{_TYPE})(?:\s*\([\d\s,]*\))?(?:\s*\[\s*\])?"
_PREPARED = re.compile(
    rf"\s*{_IDENTIFIER}(?:\s*\(\s*{_TYPED}(?:\s*,\s*{_TYPED})*\s*\))?\s+AS\s+", re.IGNORECASE
)
_EXPLAINED = re.compile(
    r"\s*(?:ANALY[ZS]E\s+|VERBOSE\s+|QUERY\s+PLAN\s+|USING\s+[A-Z]+\s+"
    rf"|\((?!\s*(?:SELECT|WITH|VALUES|TABLE)\b)[\w\s,]*\)\s*){{0,2}}{_SELECT}",
    re.IGNORECASE,
)
_ABOUT_A_QUERY = {"DECLARE": _CURSOR, "EXPLAIN": _EXPLAINED}
"""Commands of a query that return its rows or tell its plan, and what stands before the query."""
_ELSE = re.compile(r"\s*ELSE\b(?:\s*BEGIN\b)?", re.IGNORECASE)
PROCEDURES = ("PROCEDURE", "PROC")
WITH_TABLE_QUERIES = ("postgres", "mysql")
"""Dialects in which `TABLE orders` is a query."""
_BEFORE_QUERY = {
    TokenType.SEMICOLON, TokenType.L_PAREN, TokenType.ALIAS, TokenType.UNION, TokenType.EXCEPT, TokenType.INTERSECT,
    TokenType.ALL, TokenType.DISTINCT,
}  # fmt: skip
_NAMES = {TokenType.VAR, TokenType.IDENTIFIER}
_NESTING_CHARS = {_CHAR[TokenType.CASE], _BARE}


@dataclass(frozen=True, slots=True)
class Unread:
    """A statement that no parser read."""

    sql: str


@dataclass(frozen=True, slots=True)
class Guessed:
    """A statement that its own dialect does not read and the general one does."""

    tree: exp.Expression


Statement = exp.Expression | Guessed | Unread


def statements_in(sql: str, dialect: str | None) -> list[Statement]:
    """The statements of a text; at least one. Never raises."""
    return _statements(sql, dialect, DEEPEST_BODY)


def _statements(sql: str, dialect: str | None, deeper: int) -> list[Statement]:
    if len(sql) > LONGEST:
        return [Unread(sql)]
    reader = _dialect(dialect)
    if dialect != "tsql" and deeper:
        inner = body_of(sql)
        if inner is not None:
            return [Unread(inner[1]), *_statements(inner[0], dialect, deeper - 1)]
        if is_block(sql):
            return _of_block(sql, dialect, reader, deeper - 1)
    try:
        tokens = reader.tokenize(sql)
        if dialect in WITH_SEVERAL_INSERTS and (several := each_insert(sql, tokens)):
            return [each for text in several for each in _statements(text, dialect, 0)]
        if dialect in WITH_TABLE_QUERIES and "table" in sql.lower():
            sql, tokens = _table_queries(sql, tokens, reader)
        elif dialect == "tsql":
            sql, tokens = _semicolons(sql, unseparated(tokens), reader) or (sql, tokens)
            sql, tokens = _semicolons(sql, ends_of_blocks(tokens), reader) or (sql, tokens)
    except _FAILURES:
        return [Unread(sql)]
    whole = _parsed(reader, tokens, sql)
    if whole is not None:
        return [each for tree in whole for each in _inside(tree, reader)] or [Unread(sql)]
    found: list[Statement] = []
    for part in at_semicolons(tokens):
        text = sql[part[0].start : part[-1].end + 1]
        trees = _parsed(reader, part, sql) or _reworded(text, reader)
        if trees is not None:
            found += (each for tree in trees for each in _inside(tree, reader))
            continue
        general = (_general(text) or _text_parsed(_OUTPUT.sub("", text), reader)) if dialect else None
        found += [Guessed(each) for each in general] if general else [Unread(text)]
    return found or [Unread(sql)]


def _of_block(sql: str, dialect: str | None, reader: Dialect, deeper: int) -> list[Statement]:
    """The statements of a block; what stands around them stays words."""
    try:
        parts = pieces(sql, reader.tokenize(without_begin(sql)))
    except _FAILURES:
        return [Unread(sql)]
    found: list[Statement] = []
    for each in parts:
        found += _statements(each.sql, dialect, deeper) if each.statement else [Unread(each.sql)]
    return found or [Unread(sql)]


def _table_queries(sql: str, tokens: list[Token], reader: Dialect) -> tuple[str, list[Token]]:
    """A text in which TABLE orders, which is a query where one may stand, is SELECT * FROM orders."""
    pieces: list[str] = []
    taken = 0
    begin = fills = False
    """Does the statement begin with WITH; was its target named?"""
    before: TokenType | None = TokenType.SEMICOLON
    for at, token in enumerate(tokens):
        kind = token.token_type
        if before is TokenType.SEMICOLON:
            begin, fills = kind is TokenType.WITH, False
        if kind is TokenType.TABLE:
            following = tokens[at + 1] if at + 1 < len(tokens) else token
            named = following.token_type in _NAMES or following.text.upper() == "ONLY"
            after_target = fills and (before in _NAMES or before is TokenType.R_PAREN)
            if named and (before in _BEFORE_QUERY or after_target or (begin and before is TokenType.R_PAREN)):
                pieces += (sql[taken : token.start], "SELECT * FROM")
                taken = token.end + 1
        fills = fills or kind in (TokenType.TABLE, TokenType.INTO)
        before = kind
    if not pieces:
        return sql, tokens
    text = "".join((*pieces, sql[taken:]))
    return text, reader.tokenize(text)


def _semicolons(sql: str, places: Iterator[int], reader: Dialect) -> tuple[str, list[Token]] | None:
    """A text with semicolons at these places, in their order; None where there are none."""
    pieces: list[str] = []
    taken = 0
    for place in places:
        pieces += (sql[taken:place], ";")
        taken = place
    if not pieces:
        return None
    text = "".join((*pieces, sql[taken:]))
    return text, reader.tokenize(text)


def _inside(tree: exp.Expression, reader: Dialect) -> list[exp.Expression]:
    """The statements that one stands for: of IF, WHILE, a block, a procedure; what a command says in plain SQL."""
    if isinstance(tree, exp.Block):
        return [each for part in tree.expressions if part is not None for each in _inside(part, reader)]
    if isinstance(tree, exp.WhileBlock):
        asked = [each for each in (tree.this,) if each.find(exp.Query)]
        return [*asked, *_inside(tree.args["body"], reader)]
    if isinstance(tree, exp.IfBlock):
        asked = [each for each in (tree.this,) if each.find(exp.Query)]
        ways = [each for each in (tree.args.get("true"), tree.args.get("false")) if each]
        return [*asked, *(each for way in ways for each in _inside(way, reader))]
    if isinstance(tree, exp.Create) and tree.kind in PROCEDURES and isinstance(tree.expression, exp.Block):
        return _inside(tree.expression, reader)
    if isinstance(tree, exp.Alias) and isinstance(tree.this, exp.IfBlock):
        return _inside(tree.this, reader)  # what stands behind its END was taken for a name of it
    if isinstance(tree, exp.Describe) and _is_query(tree.this):
        return [tree.this]  # MySQL's EXPLAIN; of a statement that writes it moves no row
    if isinstance(tree, exp.Command):
        plain = _otherwise(tree, reader) if tree.name.upper() == "END" else _plainly(tree)
        trees = _text_parsed(plain, reader) if plain else None
        if trees and tree.name.upper() in _ABOUT_A_QUERY and not all(map(_is_query, trees)):
            return [tree]
        return [each for part in trees for each in _inside(part, reader)] if trees else [tree]
    return [tree]


def _is_query(tree: Any) -> bool:
    return isinstance(tree, exp.Query) and tree.args.get("into") is None


def _otherwise(end: exp.Command, reader: Dialect) -> str | None:
    """The other way of an IF of T-SQL, which the parser keeps as words behind the END of the first; None for none."""
    inner = end.args.get("expression")
    text = inner.name if isinstance(inner, exp.Expression) else ""
    otherwise = _ELSE.match(text)
    if otherwise is None:
        return None
    text = text[otherwise.end() :]
    open_cases = 0
    try:
        tokens = reader.tokenize(text)
    except _FAILURES:
        return None
    for token in tokens:
        open_cases += token.token_type is TokenType.CASE
        if token.token_type is TokenType.END:
            if not open_cases:
                return text[: token.start]
            open_cases -= 1
    return text


def _plainly(command: exp.Command) -> str | None:
    """A statement that the parser keeps as words, without what it does not know; None where there is no such.

    What stands between a table's name and its query says how it is kept, not what is in it.
    """
    inner = command.args.get("expression")
    text = inner.name if isinstance(inner, exp.Expression) else str(inner or "")
    word = command.name.upper()
    if word == "REPLACE":  # MySQL
        return f"INSERT {text}"
    if word == "ALTER" and _PROCEDURE.match(text):  # T-SQL: the whole of it anew
        return f"CREATE {text}"
    if word in _ABOUT_A_QUERY or word == "PREPARE":
        # A log of PostgreSQL tells under PREPARE what EXECUTE ran.
        before = _ABOUT_A_QUERY.get(word, _PREPARED).match(text)
        return text[before.end() :] if before else None
    if word != "CREATE":
        return None
    made = _MADE.match(text)
    if made is None:
        return None
    copied = _COPIED.match(text, made.end())
    if copied is not None:
        return f"CREATE TABLE {made.group(2)} AS SELECT * FROM {copied.group(1)}"
    query = _QUERY.search(text, made.end())
    if query is None:
        return None
    kind = "VIEW" if made.group(1).upper().endswith("VIEW") else "TABLE"
    listed = _LISTED.match(text, made.end())
    columns = listed.group() if listed is not None else ""
    rows = _NO_ROWS.sub("", text[query.end() :])
    if made.group(1).upper().split()[-2:] == ["RECURSIVE", "VIEW"] and columns:
        # As PostgreSQL's manual spells it out.
        rows = f"WITH RECURSIVE {made.group(2)}{columns} AS ({rows}) SELECT * FROM {made.group(2)}"
    elif rows.upper().startswith(("PIVOT", "UNPIVOT")):
        rows = f"SELECT * FROM ({rows})"
    return f"CREATE {kind} {made.group(2)}{columns} AS {rows}"


def _reworded(text: str, reader: Dialect) -> list[exp.Expression] | None:
    """A statement without words that no parser knows where they stand, and that name no table."""
    plain = without_unknown(text)
    if plain != text and (trees := _text_parsed(plain, reader)):
        return trees
    created = _CREATE.match(text)
    rest = _plainly(exp.Command(this="CREATE", expression=text[created.end() :])) if created else None
    return _text_parsed(rest, reader) if rest else None


def _text_parsed(text: str, reader: Dialect) -> list[exp.Expression] | None:
    try:
        trees = _parsed(reader, reader.tokenize(text), text)
    except _FAILURES:
        return None
    return None if trees is None or any(isinstance(each, exp.Command) for each in trees) else trees


def is_readable(tokens: Sequence[Token]) -> bool:
    """May the parser be asked without harm? Told from the tokens alone."""
    kinds = [token.token_type for token in tokens]
    deepening = sum(map(_DEEPENING.__contains__, kinds))
    if deepening > MOST_TYPED and not _is_shallow(kinds):
        return False
    if len(tokens) < SHORT:
        return True
    # A word like IF counts for what it is called, whatever its kind: each text once.
    bare = {text for text in {token.text for token in tokens} if text.upper() in _BARE_CALLS}
    marks = "".join(map(_CHAR.__getitem__, kinds))
    if bare:
        marks = "".join(
            [_BARE if token.text in bare else mark for token, mark in zip(tokens, marks, strict=True)]
        )
    return all(_is_list(set(match.group(1))) for match in _REPEATED.finditer(marks))


def _is_shallow(kinds: Sequence[TokenType]) -> bool:
    """Are brackets, CASEs and types in each other within the bounds?"""
    opened: list[bool] = []
    """Of each open bracket: does it follow a type?"""
    typed = cases = 0
    previous = None
    for kind in kinds:
        if kind in _OPENING or (kind is TokenType.LT and previous in _TYPES):
            opened.append(previous in _TYPES)
            typed += opened[-1]
        elif kind in _CLOSING or kind is TokenType.GT:
            if opened and (kind is not TokenType.GT or opened[-1]):
                typed -= opened.pop()
        elif kind is TokenType.CASE:
            cases += 1
        elif kind is TokenType.END:
            cases = max(0, cases - 1)
        elif kind is TokenType.SEMICOLON:
            cases = typed = 0
            opened.clear()
        if len(opened) + cases > DEEPEST or typed > MOST_TYPED:
            return False
        previous = kind
    return True


def _is_list(kinds: set[str]) -> bool:
    """Is this, repeated, a long list? Anything else that repeats may nest."""
    return bool(kinds & _BETWEEN_CHARS) and bool(kinds & _OPERAND_CHARS) and not kinds & _NESTING_CHARS


def _dialect(name: str | None) -> Dialect:
    try:
        return Dialect.get_or_raise(name or None)
    except ValueError:
        return Dialect.get_or_raise(None)


def _parsed(reader: Dialect, tokens: list[Token], sql: str) -> list[exp.Expression] | None:
    if not is_readable(tokens):
        return None
    try:
        trees = reader.parser().parse(tokens, sql)
    except _FAILURES:
        return None
    kept = [tree for tree in trees if tree is not None]
    if reader.__class__.__name__.lower() in READ_THEMSELVES and any(
        token.token_type is TokenType.WITH for token in tokens
    ):
        for tree in kept:
            for clause in tree.find_all(exp.With):
                clause.set("recursive", True)
    return kept  # type: ignore[return-value]


def _general(sql: str) -> list[exp.Expression]:
    reader = Dialect.get_or_raise(None)
    try:
        found = _parsed(reader, reader.tokenize(sql), sql)
    except _FAILURES:
        return []
    return [tree for tree in found or () if not isinstance(tree, exp.Command)]


# The parser warns of each statement that it keeps whole, and quotes the statement: SQL is nothing for a log.
logging.getLogger("sqlglot").addFilter(lambda record: record.levelno > logging.WARNING)
