"""Calls that the parser reads by a rule of their own: their names as written, looked up in the engine's list.

Most calls keep the name they were written with in the tree. Those that sqlglot has a parser of its own for (CHAR,
DECODE, SAFE_CAST, ARG_MAX ..) do not, and its own words for a thing are accepted in every dialect. So the words of the
statement are looked at: one that sqlglot knows as a function, that stands before a bracket and is not on the engine's
list must be something else, which the tree has to show: a type with arguments, an alias with columns, an operator
behind its operand.
"""

from __future__ import annotations

from collections import Counter
from functools import cache

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from plugin.run_sql.dialects import Engine, parser_of
from plugin.run_sql.verdict import Refusal, ascii_lower

_SYNTAX = frozenset(
    """AND OR NOT IN ALL ANY SOME EXISTS CASE VALUES PRIOR CONNECT_BY_ROOT TABLE VARIADIC COLUMNS FILTER
    REPLACE EXCLUDE EXCEPT RENAME INDEX KEY PARTITION APPLY""".split()
)
"""Words of the grammar before a bracket, which are no calls in any engine or whose node is checked for itself."""
_OPERATORS = frozenset("LIKE ILIKE GLOB REGEXP RLIKE MATCH DIV MOD XOR".split())
_ENDS = frozenset(
    {
        TokenType.VAR, TokenType.IDENTIFIER, TokenType.STRING, TokenType.NUMBER, TokenType.R_PAREN, TokenType.R_BRACKET,
        TokenType.NOT, TokenType.NULL, TokenType.TRUE, TokenType.FALSE, TokenType.END, TokenType.PARAMETER,
    }
)  # fmt: skip
_TEXTS = frozenset(
    {
        TokenType.STRING, TokenType.NATIONAL_STRING, TokenType.RAW_STRING, TokenType.HEREDOC_STRING,
        TokenType.UNICODE_STRING, TokenType.BYTE_STRING, TokenType.HEX_STRING, TokenType.BIT_STRING, TokenType.NUMBER,
    }
)  # fmt: skip
_FAMILIES = ("TIMESTAMP", "DATETIME", "TIME", "INTERVAL")
_TEXT_TYPES = frozenset("CHAR NCHAR VARCHAR NVARCHAR BPCHAR TEXT NAME FIXEDSTRING".split())


@cache
def _suspects(name: str, listed: frozenset[str]) -> frozenset[str]:
    """Names that sqlglot knows as functions and that are on no list of this engine, in upper case."""
    parser = parser_of(name).parser_class
    known = {*parser.FUNCTIONS, *parser.FUNCTION_PARSERS, *parser.NO_PAREN_FUNCTION_PARSERS}
    words = (each for each in known if each.isidentifier())  # DuckDB's @ is an operator
    return frozenset(each for each in words if ascii_lower(each) not in listed) - _SYNTAX


def check_own_parsers(tokens: list[Token], tree: exp.Expr, engine: Engine) -> None:
    """Raise Refusal for a call whose name is not on the engine's list though the parser knows it."""
    suspects = _suspects(engine.name, engine.functions | engine.from_functions)
    left: Counter[str] | None = None
    opening = TokenType.L_PAREN
    for at, following in enumerate(tokens[1:]):
        if following.token_type is not opening:
            continue
        token = tokens[at]
        word = token.text.upper()
        if word not in suspects or token.token_type in _TEXTS:
            continue
        before = tokens[at - 1].token_type if at else None
        if before == TokenType.DOT:
            continue  # a name with dots is looked up as a whole
        if word in _OPERATORS and before in _ENDS:
            continue
        if left is None:
            left = _explained(tree, engine)
        for key in (
            f"carried {word}",
            f"type {_family(token.token_type.name)}",
            f"type {_family(word)}",
            f"alias {word}",
        ):
            if left[key] > 0:
                left[key] -= 1
                break
        else:
            raise Refusal(
                "function", f"the function {ascii_lower(token.text)[:60]} is not on the list of this engine"
            )


def _explained(tree: exp.Expr, engine: Engine) -> Counter[str]:
    """How often a word before a bracket is a type with arguments or an alias with columns, by the tree."""
    found: Counter[str] = Counter()
    for node in tree.walk():
        kind = type(node)
        if kind is exp.DataType:
            found[
                "type " + _family(node.this.name if isinstance(node.this, exp.DType) else str(node.this))
            ] += 1
        elif kind is exp.Var and engine.name == "tsql" and node.name.startswith("MATCH("):
            found["carried MATCH"] += 1
        elif kind is exp.TableAlias and node.args.get("columns") and isinstance(node.this, exp.Identifier):
            found["alias " + node.name.upper()] += 1
    return found


def _family(name: str) -> str:
    """Types whose names the parser exchanges for each other."""
    if name in _TEXT_TYPES:
        return "CHAR"
    return next((family for family in _FAMILIES if name.startswith(family)), name)
