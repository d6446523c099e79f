"""Controls on the bare text, before any parser sees it: size, characters, nesting, executable comments."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from sqlglot.errors import SqlglotError
from sqlglot.parser import Parser
from sqlglot.tokenizer_core import Token, TokenType

from plugin.run_sql.dialects import Engine, parser_of
from plugin.run_sql.verdict import Refusal

MAX_CHARACTERS = 50_000
MAX_NESTING = 100
MAX_TOKENS = 20_000
MAX_TYPED = 5
"""How deep brackets may nest that follow the name of a type (`date(`, `struct<`): the parser tries such a bracket as a
type, then as a call, so its work doubles or worse with each level."""
MAX_RUN = 60
"""How many signs or NOTs may follow each other: each is a level of the tree."""

_EVERYWHERE_BAD = ("\x00", "\ufeff")
_OPENING = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE}
_CLOSING = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE}
_TYPES = Parser.TYPE_TOKENS | Parser.STRUCT_TYPE_TOKENS | Parser.ENUM_TYPE_TOKENS | {TokenType.ARRAY}
_SIGNS = {TokenType.NOT, TokenType.DASH, TokenType.PLUS, TokenType.TILDE}
_COUNTED = frozenset({*_OPENING, *_CLOSING, *_SIGNS, TokenType.CASE, TokenType.END})
_STRINGS = {
    TokenType.STRING,
    TokenType.NATIONAL_STRING,
    TokenType.RAW_STRING,
    TokenType.HEREDOC_STRING,
    TokenType.UNICODE_STRING,
    TokenType.BYTE_STRING,
    TokenType.HEX_STRING,
    TokenType.BIT_STRING,
}
_HEX_NUMBERS = frozenset({"sqlite", "postgres"})
_COMMENTS = re.compile(r"/\*.*?\*/|--[^\n]*|#[^\n]*", re.DOTALL)
_DASHES = {"mysql": re.compile(r"--[^\s]"), "oracle": re.compile(r"--\+")}
_MYSQL_COMMENTS = ("/*!", "/*M!", "/*m!", "/*+")


def read_tokens(sql: str, engine: Engine) -> list[Token]:
    """Check the text and cut it into tokens. Raises Refusal with rule "text" or "parse"."""
    if len(sql) > MAX_CHARACTERS or len(sql.encode("utf-8", "surrogatepass")) > MAX_CHARACTERS:
        raise Refusal("text", f"the statement is longer than {MAX_CHARACTERS} bytes")
    if not sql.strip():
        raise Refusal("text", "there is no statement")
    for character in _EVERYWHERE_BAD:
        if character in sql:
            raise Refusal("text", f"the character U+{ord(character):04X} is not allowed in a statement")
    if engine.name == "mysql":
        for opening in _MYSQL_COMMENTS:
            if opening in sql:
                raise Refusal(
                    "text", f"comments that the engine executes ({opening}) are refused, even in a string"
                )
    try:
        tokens = parser_of(engine.name).tokenize(sql)
    except (SqlglotError, RecursionError, ValueError) as error:
        raise Refusal(
            "parse", "the statement could not be read: a string or comment is not closed"
        ) from error
    if len(tokens) > MAX_TOKENS:
        raise Refusal("text", f"the statement has more than {MAX_TOKENS} words")
    _check_characters(sql, tokens)
    _check_nesting(tokens)
    if engine.name in _DASHES and "--" in sql:
        _check_dashes(sql, tokens, _DASHES[engine.name])
    if engine.name in _HEX_NUMBERS:
        _hexadecimal(sql, tokens)
    return tokens


def _check_dashes(sql: str, tokens: list[Token], bad: re.Pattern[str]) -> None:
    """`--1` is no comment to MySQL but two signs, `--+` is a hint to Oracle: people would read another statement."""
    position = 0
    for start, end in [*((token.start, token.end) for token in tokens), (len(sql), len(sql))]:
        for comment in _COMMENTS.findall(sql[position:start]):
            if bad.match(comment):
                raise Refusal("text", "a comment that starts with -- needs a space after it")
        position = end + 1


def _hexadecimal(sql: str, tokens: list[Token]) -> None:
    """0x1F is a number to these engines; the parser would take it for the bytes x'1F'."""
    for at, token in enumerate(tokens):
        if token.token_type == TokenType.HEX_STRING and sql[token.start : token.start + 2].lower() == "0x":
            try:
                text = str(int(token.text, 16))
            except ValueError as error:
                raise Refusal("parse", "a hexadecimal number could not be read") from error
            tokens[at] = Token(
                TokenType.NUMBER, text, token.line, token.col, token.start, token.end, token.comments
            )


_UNUSUAL = re.compile(r"[^\n\r\t -~]")


def _check_characters(sql: str, tokens: list[Token]) -> None:
    """Outside strings, characters that people cannot see or that reorder what they see are refused."""
    if _UNUSUAL.search(sql) is None:
        return
    position = 0
    for token in tokens:
        if token.token_type in _STRINGS:
            _check_stretch(sql, position, token.start)
            position = token.end + 1
    _check_stretch(sql, position, len(sql))


def _check_stretch(sql: str, start: int, end: int) -> None:
    for character in _UNUSUAL.findall(sql, start, end):
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"):
            name = f"U+{ord(character):04X}"
            raise Refusal("text", f"the invisible character {name} is allowed only inside a string")
        if unicodedata.normalize("NFKC", character) in ("'", '"', "`", ";", "(", ")", "-", "/", "*", "\\"):
            raise Refusal(
                "text", f"the look-alike character U+{ord(character):04X} is allowed only inside a string"
            )


def _check_nesting(tokens: list[Token]) -> None:
    depth = cases = run = typed = 0
    open_brackets: list[bool] = []
    counted = _COUNTED
    kind = None
    for token in tokens:
        previous = kind
        kind = token.token_type
        if kind not in counted:
            run = 0
            continue
        if kind in _OPENING:
            open_brackets.append(previous in _TYPES)
            typed += open_brackets[-1]
            if typed > MAX_TYPED:
                raise Refusal("text", f"calls or types are nested in each other deeper than {MAX_TYPED}")
            depth += 1
        elif kind in _CLOSING:
            if open_brackets:
                typed -= open_brackets.pop()
            depth = max(0, depth - 1)
        elif kind == TokenType.CASE:
            cases += 1
        elif kind == TokenType.END:
            cases = max(0, cases - 1)
        if depth > MAX_NESTING or cases > MAX_NESTING:
            raise Refusal("text", f"brackets are nested deeper than {MAX_NESTING}")
        run = run + 1 if kind in _SIGNS else 0
        if run > MAX_RUN:
            raise Refusal("text", f"more than {MAX_RUN} signs follow each other")


_BREAKING = re.compile(r"[\\'\"`\]]")
_MAY_BREAK = re.compile(r"[\\\"`\[$]|''|[qQ]'")
"""Without one of these no string and no name holds a quote or a backslash: a quote stands in a string that other signs
enclose, is doubled, escaped by a backslash, or within Oracle's q'..'."""


def check_written(tokens: list[Token], rendered: str, sql: str, engine: Engine) -> None:
    """Raise Refusal unless each string and quoted name that holds a quote or a backslash is one in what runs, too.

    What escapes it where it was written may not be written back where it runs (`b'\\\\'` of BigQuery, `E'\\\\'`, U&''):
    the text would then end elsewhere, and what was a text would run.
    """
    if _MAY_BREAK.search(sql) is None:
        return
    wanted = _breaking(tokens)
    if engine.name == "bigquery" and any(
        token.token_type == TokenType.IDENTIFIER and "\\" in token.text for token in tokens
    ):
        raise Refusal("parse", "a backslash in a quoted name is an escape to the engine")
    if not wanted:
        return
    try:
        found = _breaking(parser_of(engine.name).tokenize(rendered))
    except (SqlglotError, RecursionError, ValueError) as error:
        raise Refusal("parse", "a string or a quoted name could not be written back") from error
    if wanted - found:
        raise Refusal("parse", "a string or a quoted name with this escape could not be written back")


def _breaking(tokens: list[Token]) -> Counter[str]:
    return Counter(
        token.text
        for token in tokens
        if (token.token_type == TokenType.IDENTIFIER and _BREAKING.search(token.text))
        or (token.token_type in _STRINGS and ("'" in token.text or "\\" in token.text))
    )
