"""Ways to write a thing that the parser does not know, put into words that it does, before it reads them.

Oracle's `q'[it's]'` and `AS OF TIMESTAMP`, PostgreSQL's `U&'..'` and `TABLE x`, numbers with `_`, BigQuery's `rb'..'`,
`window(..)` of Databricks, a slice after a DuckDB cast. Nothing here decides: what comes out is parsed, resolved and
rendered like any other text, and only the rendering runs, so one that is read wrongly cannot widen anything.
"""

from __future__ import annotations

import re

from sqlglot.tokenizer_core import Token, TokenType

from plugin.run_sql.dialects import Engine
from plugin.run_sql.rewrites import rewritten
from plugin.run_sql.verdict import Refusal

_ORACLE = re.compile(
    r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/|(?<![A-Za-z0-9_$#])([nN]?)[qQ]'(\S)", re.DOTALL
)
_CLOSING = {"[": "]", "{": "}", "<": ">", "(": ")"}
_TABLE_FIRST = frozenset({"postgres", "mysql", "trino", "databricks"})
_UNDERSCORED = frozenset({"postgres", "duckdb", "clickhouse", "trino"})
_DIGITS = re.compile(r"(?:_[0-9]+)+")
_ESCAPE = re.compile(r"\\(?:\\|\+([0-9A-Fa-f]{6})|([0-9A-Fa-f]{4}))")
_OPENING = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE})
_ENDING = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE})
_OPERANDS = (TokenType.VAR, TokenType.STRING, TokenType.NUMBER, TokenType.R_PAREN, TokenType.PARAMETER)
_UNITS = frozenset({"YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "TO"})
_SIGNS = frozenset({"+", "-", "*", "/", "||", "(", ","})


def respelled(sql: str, engine: Engine) -> str:
    """The text with Oracle's own quotes written as usual ones; every other text as it is."""
    if engine.name != "oracle" or "q'" not in sql.lower():
        return sql
    found: list[str] = []
    at = 0
    while (match := _ORACLE.search(sql, at)) is not None:
        opening = match[2]
        if opening is None:
            found.append(sql[at : match.end()])
            at = match.end()
            continue
        end = sql.find(_CLOSING.get(opening, opening) + "'", match.end())
        if end < 0:
            break
        body = sql[match.end() : end].replace("'", "''")
        found.append(f"{sql[at : match.start()]}{match[1]}'{body}'")
        at = end + 2
    return "".join(found) + sql[at:]


def respell_tokens(sql: str, tokens: list[Token], engine: Engine) -> list[Token]:
    """The tokens in the words of the parser. Raises Refusal where a text's escapes cannot be read."""
    tokens = rewritten(sql, tokens, engine)
    if tokens and engine.name in _TABLE_FIRST:
        at = _table_statement(tokens)
        if at is not None:
            first = tokens[at]
            tokens = [
                *tokens[:at],
                _like(first, TokenType.SELECT, "SELECT"),
                _like(first, TokenType.STAR, "*"),
                _like(first, TokenType.FROM, "FROM"),
                *tokens[at + 1 :],
            ]
    if engine.name == "oracle":
        return _as_of(tokens) if _holds(sql, "of") and _holds(sql, "timestamp", "scn") else tokens
    if engine.name == "databricks":
        if _holds(sql, "window"):
            tokens = [_call(tokens, at) for at in range(len(tokens))]
        return _views(tokens) if _holds(sql, "view") else tokens
    if engine.name == "duckdb" and ":" in sql:
        tokens = [_parameter(tokens, at) for at in range(len(tokens))]
    if engine.name == "duckdb" and "::" in sql and "[" in sql:
        tokens = _cast_slices(tokens)
    if engine.name in _UNDERSCORED and _DIGITS.search(sql):
        tokens = _numbers(tokens)
    if engine.name == "postgres" and "&'" in sql:
        tokens = _unicode(tokens)
    if engine.name == "bigquery" and "\\" in sql and _holds(sql, "r'", 'r"'):
        tokens = [_raw(sql, token) for token in tokens]
    if engine.name == "bigquery" and _holds(sql, "rb'", "br'", 'rb"', 'br"'):
        tokens = _raw_bytes(tokens)
    return tokens


def _holds(sql: str, *words: str) -> bool:
    """Does the text hold one of these, given in lower case? Far quicker than to look at each of its tokens."""
    lowered = sql.lower()
    return any(word in lowered for word in words)


def _table_statement(tokens: list[Token]) -> int | None:
    """Where TABLE stands for SELECT * FROM: first of all, or first behind a WITH list."""
    if tokens[0].token_type == TokenType.TABLE:
        return 0
    if tokens[0].token_type != TokenType.WITH:
        return None
    depth = 0
    for at, token in enumerate(tokens):
        depth += (token.token_type in _OPENING) - (token.token_type in _ENDING)
        if depth == 0 and token.token_type in (TokenType.SELECT, TokenType.FROM):
            return None
        if (
            depth == 0
            and token.token_type == TokenType.TABLE
            and tokens[at - 1].token_type == TokenType.R_PAREN
        ):
            return at
    return None


def _like(token: Token, kind: TokenType, text: str) -> Token:
    return Token(kind, text, token.line, token.col, token.start, token.end, [])


def _adjacent(first: Token, second: Token) -> bool:
    return second.start == first.end + 1


def _call(tokens: list[Token], at: int) -> Token:
    token = tokens[at]
    if token.token_type == TokenType.WINDOW and at + 1 < len(tokens):
        if tokens[at + 1].token_type == TokenType.L_PAREN:
            return _like(token, TokenType.VAR, token.text)
    return token


def _views(tokens: list[Token]) -> list[Token]:
    """`LATERAL VIEW explode(a) t c` with the AS that the parser wants before the columns."""
    found: list[Token] = []
    depth = -1
    for at, token in enumerate(tokens):
        found.append(token)
        if token.token_type == TokenType.VIEW and at and tokens[at - 1].token_type == TokenType.LATERAL:
            depth = 0
        elif depth >= 0:
            depth += (token.token_type in _OPENING) - (token.token_type in _ENDING)
            if depth == 0 and token.token_type == TokenType.VAR and tokens[at - 1].token_type in _ENDING:
                if at + 1 < len(tokens) and tokens[at + 1].token_type == TokenType.VAR:
                    found.append(_like(token, TokenType.ALIAS, "AS"))
                depth = -1
    return found


def _parameter(tokens: list[Token], at: int) -> Token:
    """`SELECT :x`, where the parser would look for the name of a column before the colon."""
    token = tokens[at]
    if token.token_type == TokenType.COLON and 0 < at < len(tokens) - 1:
        before, after = tokens[at - 1], tokens[at + 1]
        if before.token_type in (TokenType.SELECT, TokenType.DISTINCT, TokenType.COMMA):
            if after.token_type == TokenType.VAR and _adjacent(token, after):
                return _like(token, TokenType.PARAMETER, "$")
    return token


def _numbers(tokens: list[Token]) -> list[Token]:
    """1_000 is a number; the parser would take `_000` for its alias."""
    found: list[Token] = []
    for token in tokens:
        last = found[-1] if found else None
        if (
            last is not None
            and last.token_type == TokenType.NUMBER
            and _adjacent(last, token)
            and _DIGITS.fullmatch(token.text)
        ):
            found[-1] = Token(
                TokenType.NUMBER, last.text + token.text.replace("_", ""), last.line, last.col, last.start,
                token.end, last.comments,
            )  # fmt: skip
        else:
            found.append(token)
    return found


def _unicode(tokens: list[Token]) -> list[Token]:
    found: list[Token] = []
    for token in tokens:
        if (
            token.token_type == TokenType.STRING
            and len(found) > 1
            and found[-1].token_type == TokenType.AMP
            and found[-2].text in ("U", "u")
            and _adjacent(found[-1], token)
            and _adjacent(found[-2], found[-1])
        ):
            start = found[-2]
            del found[-2:]
            text = _decoded(token.text)
            found.append(
                Token(TokenType.STRING, text, start.line, start.col, start.start, token.end, token.comments)
            )
        else:
            found.append(token)
    return found


def _decoded(text: str) -> str:
    if "\\" in _ESCAPE.sub("", text):
        raise Refusal("parse", "an escape in a U&'' string could not be read")

    def character(match: re.Match[str]) -> str:
        digits = match[1] or match[2]
        if digits is None:
            return "\\"
        point = int(digits, 16)
        if point == 0 or point > 0x10FFFF or 0xD800 <= point <= 0xDFFF:
            raise Refusal("parse", "an escape in a U&'' string could not be read")
        return chr(point)

    return _ESCAPE.sub(character, text)


_RAW = re.compile(r"[rR](\"\"\"|\'\'\'|\"|\')(.*)\1", re.DOTALL)


def _raw(sql: str, token: Token) -> Token:
    """BigQuery: in r'a\\'b' the backslash stays before the quote that it keeps; the tokenizer drops it."""
    if token.token_type != TokenType.RAW_STRING:
        return token
    written = _RAW.fullmatch(sql[token.start : token.end + 1])
    return token if written is None else _like(token, token.token_type, written[2])


def _raw_bytes(tokens: list[Token]) -> list[Token]:
    found: list[Token] = []
    for token in tokens:
        last = found[-1] if found else None
        if (
            last is not None
            and last.text.lower() in ("rb", "br")
            and last.token_type == TokenType.VAR
            and token.token_type == TokenType.STRING
            and _adjacent(last, token)
            and "\\" not in token.text
        ):
            found[-1] = _like(token, TokenType.BYTE_STRING, token.text)
        else:
            found.append(token)
    return found


def _as_of(tokens: list[Token]) -> list[Token]:
    """`t AS OF TIMESTAMP e` and `t AS OF SCN e` as the parser knows them: FOR TIMESTAMP | VERSION AS OF (e)."""
    found: list[Token] = []
    at = 0
    while at < len(tokens):
        words = [token.text.upper() for token in tokens[at : at + 3]]
        if words[:2] != ["AS", "OF"] or words[2:] not in (["TIMESTAMP"], ["SCN"]):
            found.append(tokens[at])
            at += 1
            continue
        first = tokens[at]
        kind = TokenType.TIMESTAMP_SNAPSHOT if words[2] == "TIMESTAMP" else TokenType.VERSION_SNAPSHOT
        end = _end_of(tokens, at + 3)
        found += [_like(first, kind, words[2]), first, tokens[at + 1], _like(first, TokenType.L_PAREN, "(")]
        found += [*tokens[at + 3 : end], _like(first, TokenType.R_PAREN, ")")]
        at = end
    return found


def _end_of(tokens: list[Token], start: int) -> int:
    """Where the sum that begins at `start` ends: at what cannot go on from an operand."""
    depth = 0
    for at in range(start, len(tokens)):
        token = tokens[at]
        if token.token_type in _OPENING:
            depth += 1
        elif token.token_type in _ENDING:
            depth -= 1
            if depth < 0:
                return at
        elif depth == 0 and at > start:
            before = tokens[at - 1]
            after_operand = before.token_type in _OPERANDS or before.text.upper() in (
                *_UNITS, "SYSDATE", "SYSTIMESTAMP", "CURRENT_TIMESTAMP", "CURRENT_DATE",
            )  # fmt: skip
            goes_on = (token.text in _SIGNS and token.text != ",") or (
                token.text.upper() in _UNITS and before.text.upper() != "SYSTIMESTAMP"
            )
            if after_operand and not goes_on:
                return at
    return len(tokens)


def _cast_slices(tokens: list[Token]) -> list[Token]:
    """`a::VARCHAR[:4]` as `(a::VARCHAR)[:4]`: the parser takes the bracket for the size of an array."""
    found: list[Token] = []
    for at, token in enumerate(tokens):
        is_slice = token.token_type == TokenType.L_BRACKET and any(
            each.token_type == TokenType.COLON for each in tokens[at + 1 : at + 3]
        )
        start = _operand(found) if is_slice else None
        if start is not None:
            found.insert(start, _like(found[start], TokenType.L_PAREN, "("))
            found.append(_like(token, TokenType.R_PAREN, ")"))
        found.append(token)
    return found


def _operand(tokens: list[Token]) -> int | None:
    """Where `a.b::type` that ends these tokens begins; None where they end in no cast."""
    at = len(tokens) - 1
    if at < 2 or tokens[at - 1].token_type != TokenType.DCOLON:
        return None
    while at >= 2 and tokens[at - 1].token_type == TokenType.DCOLON:
        at -= 2
    if tokens[at].token_type == TokenType.R_PAREN:
        depth = 0
        while at >= 0:
            depth += (tokens[at].token_type in _ENDING) - (tokens[at].token_type in _OPENING)
            if depth == 0:
                break
            at -= 1
        if at > 0 and tokens[at - 1].token_type == TokenType.VAR and _adjacent(tokens[at - 1], tokens[at]):
            at -= 1
    while at >= 2 and tokens[at - 1].token_type == TokenType.DOT:
        at -= 2
    return max(at, 0)
