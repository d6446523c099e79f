"""Oracle's operators of nested tables and other words between operands that the parser does not know.

`a MULTISET UNION b`, `a MEMBER OF b`, `a IS A SET`, `a IS INFINITE`, `t AT LOCAL` and `NEXT(FINAL LAST(a))` (SQL
Language Reference: Multiset Operators, Multiset Conditions, Floating-Point Conditions, Datetime Expressions, Row
Pattern Recognition). Each is replaced by an operator, a COLLATE or a call with a name that nobody can guess, so
both operands are parsed, resolved and checked like any other expression; afterwards the words, which are none but
those of the lists here, are put back between them.
"""

from __future__ import annotations

import secrets
from collections.abc import Set

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

_BETWEEN = tuple(
    tuple(words.split())
    for words in (
        *(
            f"MULTISET {kind}{which}"
            for kind in ("UNION", "INTERSECT", "EXCEPT")
            for which in (" ALL", " DISTINCT", "")
        ),
        *(
            f"{no}{word}{of}"
            for no in ("NOT ", "")
            for word in ("MEMBER", "SUBMULTISET")
            for of in (" OF", "")
        ),
        *(f"{no}LIKE{kind}" for no in ("NOT ", "") for kind in ("C", "2", "4")),
    )
)
_BEHIND = tuple(
    tuple(words.split())
    for words in (
        "IS A SET", "IS NOT A SET", "IS EMPTY", "IS NOT EMPTY", "IS INFINITE", "IS NOT INFINITE", "IS NAN",
        "IS NOT NAN", "AT LOCAL",
        *(
            f"IS {no}JSON{strict}{unique}"
            for no in ("NOT ", "")
            for strict in (" STRICT", " LAX", "")
            for unique in (" WITH UNIQUE KEYS", " WITHOUT UNIQUE KEYS", "")
            if strict or unique
        ),
    )
)  # fmt: skip
_FIRST = frozenset(
    {"MULTISET", "NOT", "MEMBER", "SUBMULTISET", "IS", "AT", "FINAL", "RUNNING", "LIKEC", "LIKE2", "LIKE4"}
)
_NAMES = (TokenType.VAR, TokenType.IDENTIFIER)
_OPERANDS = (*_NAMES, TokenType.STRING, TokenType.NUMBER, TokenType.R_PAREN)
_STARTS = (*_OPERANDS, TokenType.L_PAREN)
_TEXTS = (TokenType.STRING, TokenType.IDENTIFIER, TokenType.NATIONAL_STRING)


def words_taken(tokens: list[Token], clauses: dict[str, str], words: Set[str]) -> list[Token]:
    """The tokens with marks for these words; `clauses` gets mark -> words. `words` are those of the tokens in upper
    case."""
    if _FIRST.isdisjoint(words):
        return tokens
    found: list[Token] = []
    ends: set[int] = set()
    at = 0
    while at < len(tokens):
        token = tokens[at]
        made, length = _marked(tokens, at, clauses) if token.text.upper() in _FIRST else ([], 0)
        if length:
            if made[0].token_type == TokenType.VAR:  # FINAL LAST(..): the mark is a call around it
                closing = _close(tokens, at + 2)
                if closing is None:
                    made, length = [token], 1
                else:
                    ends.add(closing)
            found += made
            at += length
            continue
        found.append(token)
        if at in ends:
            found.append(_like(token, TokenType.R_PAREN, ")"))
        at += 1
    return found


def words_put_back(tree: exp.Expr, clauses: dict[str, str]) -> None:
    """Write the words between, or before, the operands again."""
    for node in list(tree.find_all(exp.Operator, exp.Anonymous)):
        if isinstance(node, exp.Operator):
            words = clauses.get(str(node.args.get("operator")))
            if words is not None:
                right = exp.Introducer(this=exp.Var(this=words), expression=node.expression)
                node.replace(exp.Introducer(this=node.this, expression=right))
        elif isinstance(node.this, str) and node.this in clauses and len(node.expressions) == 1:
            node.replace(
                exp.Introducer(this=exp.Var(this=clauses[node.this]), expression=node.expressions[0])
            )


def _marked(tokens: list[Token], at: int, clauses: dict[str, str]) -> tuple[list[Token], int]:
    token = tokens[at]
    if at == 0 or token.token_type in _TEXTS:
        return [], 0
    before = tokens[at - 1].token_type
    if token.text.upper() in ("FINAL", "RUNNING"):
        called = before == TokenType.L_PAREN and (_is(tokens, at - 2, "PREV") or _is(tokens, at - 2, "NEXT"))
        if called and _is(tokens, at + 2, "(") and tokens[at + 1].text.upper() in ("FIRST", "LAST"):
            mark = _mark(clauses, token.text.upper())
            return [_like(token, TokenType.VAR, mark), _like(token, TokenType.L_PAREN, "(")], 1
        return [], 0
    if before not in _OPERANDS:
        return [], 0
    for words in _BEHIND:
        if _all(tokens, at, words):
            mark = _mark(clauses, " ".join(words))
            return [_like(token, TokenType.COLLATE, "COLLATE"), _like(token, TokenType.VAR, mark)], len(words)
    for words in _BETWEEN:
        end = at + len(words)
        if _all(tokens, at, words) and end < len(tokens) and tokens[end].token_type in _STARTS:
            mark = _mark(clauses, " ".join(words))
            return [
                _like(token, TokenType.OPERATOR, "OPERATOR"),
                _like(token, TokenType.L_PAREN, "("),
                _like(token, TokenType.VAR, mark),
                _like(token, TokenType.R_PAREN, ")"),
            ], len(words)
    return [], 0


def _mark(clauses: dict[str, str], words: str) -> str:
    mark = f"docent_{secrets.token_hex(12)}"
    clauses[mark] = words
    return mark


def _all(tokens: list[Token], at: int, words: tuple[str, ...]) -> bool:
    return all(_is(tokens, at + step, word) for step, word in enumerate(words))


def _is(tokens: list[Token], at: int, word: str) -> bool:
    return 0 <= at < len(tokens) and tokens[at].token_type not in _TEXTS and tokens[at].text.upper() == word


def _close(tokens: list[Token], opening: int) -> int | None:
    depth = 0
    for at in range(opening, len(tokens)):
        depth += (tokens[at].token_type == TokenType.L_PAREN) - (tokens[at].token_type == TokenType.R_PAREN)
        if depth == 0:
            return at
    return None


def _like(token: Token, kind: TokenType, text: str) -> Token:
    return Token(kind, text, token.line, token.col, token.start, token.end, [])
