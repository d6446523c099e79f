"""What procedural SQL runs: the statements of blocks, of bodies in quotes, of what a command runs or prepares.

Enters: text and a tokenizer. Leaves: the texts of its statements, and beside them what stood around one (a condition, a
loop's query, a declaration), so that nothing that the text names is lost: whoever asks what is named finds it there.
A function's body is left alone: what it does, it does when something calls it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot.tokenizer_core import Token, TokenType

_HEAD = (
    r"\s*CREATE\s+(?:OR\s+(?:REPLACE|ALTER)\s+)?(?:SECURE\s+|(?:NON)?EDITIONABLE\s+|DEFINER\s*=\s*\S+\s+)?"
)
_BLOCK = re.compile(
    r"\s*(?:BEGIN(?!\s*(?:;|\Z|TRAN|WORK|TRY|ISOLATION|READ|DEFERRED|IMMEDIATE|EXCLUSIVE|NOT\s+ATOMIC\s*;))|IF\b|FOR\b|LOOP\b|WHILE\b|REPEAT\b"
    rf"|DECLARE\b(?=[^;]*;(?:.*;)?\s*BEGIN\b)|{_HEAD}PROC(?:EDURE)?\b)",
    re.IGNORECASE | re.DOTALL,
)
_QUOTED = re.compile(
    r"(?:\s*(?:EXECUTE\s+IMMEDIATE|DO(?:\s+LANGUAGE\s+\w+)?|PREPARE\s+\w+\s+FROM)\s+"
    rf"|{_HEAD}PROC(?:EDURE)?\b.{{0,1000}}?\bAS\s+)"
    r"(?:\$(\w*)\$(?P<dollar>.*?)\$\1\$|'(?P<one>(?:[^']|'')*)'|\"(?P<two>[^\"]*)\")(?=\s*(?:;|\Z|USING\b|INTO\b|LANGUAGE\b))",
    re.IGNORECASE | re.DOTALL,
)
_OTHER_LANGUAGE = re.compile(r"\bLANGUAGE\s+'?(?!SQL\b|PLPGSQL\b)\w+", re.IGNORECASE)
_SCHEDULED = re.compile(
    r"\s*CREATE\s+(?:OR\s+REPLACE\s+)?(?:DEFINER\s*=\s*\S+\s+)?(?:TASK|EVENT)\b.*?\b(?:AS|DO)\s+"
    r"(?=(?:INSERT|MERGE|UPDATE|DELETE|CREATE|WITH|SELECT|REPLACE|BEGIN|EXECUTE)\b)",
    re.IGNORECASE | re.DOTALL,
)
_BEGINS = re.compile(r"\bBEGIN\b", re.IGNORECASE)
_STATEMENTS = frozenset("INSERT MERGE UPDATE DELETE CREATE WITH SELECT REPLACE TRUNCATE EXECUTE".split())
_BEFORE = frozenset("BEGIN THEN ELSE LOOP DO REPEAT TRY CATCH AS IS".split())
_NOTHING = frozenset("BEGIN END THEN ELSE LOOP DO REPEAT IF FOR WHILE COMMIT ROLLBACK NULL".split())
"""Words that say nothing but what is run when."""
_AFTER_FROM = frozenset(
    "WHERE GROUP HAVING ORDER LIMIT CLUSTER DISTRIBUTE SORT QUALIFY WINDOW LATERAL".split()
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A statement's text; or, where it is no statement, what stands around one."""

    sql: str
    statement: bool = True


def body_of(sql: str) -> tuple[str, str] | None:
    """What a text runs that it holds in quotes, or on a schedule, and the text around that; None for another."""
    scheduled = _SCHEDULED.match(sql)
    if scheduled is not None:
        return sql[scheduled.end() :], scheduled.group()
    quoted = _QUOTED.match(sql)
    if quoted is None:
        return None
    inner = next(name for name in ("dollar", "one", "two") if quoted.group(name) is not None)
    around = f"{sql[: quoted.start(inner)]} {sql[quoted.end(inner) :]}"
    if _OTHER_LANGUAGE.search(around):
        return None
    return quoted.group(inner).replace("''", "'") if inner == "one" else quoted.group(inner), around


def without_begin(sql: str) -> str:
    """The same text, as long, for a tokenizer: many take BEGIN and all behind it for one command."""
    return _BEGINS.sub("THEN ", sql)


def is_block(sql: str) -> bool:
    """Is this procedural, a body that is not in quotes?"""
    return _BLOCK.match(sql) is not None


def pieces(sql: str, tokens: Sequence[Token]) -> list[Piece]:
    """The statements of a block in their order, and what stands around them."""
    found: list[Piece] = []
    for part in at_semicolons(tokens):
        words = [each.text.upper() for each in part]
        start = _start(words)
        around = words if start is None else words[:start]
        if not _NOTHING.issuperset(around):
            last = part[-1] if start is None else part[start - 1]
            found.append(Piece(sql[part[0].start : last.end + 1], statement=False))
        if start is not None:
            found.append(Piece(sql[part[start].start : part[-1].end + 1]))
    return found


def each_insert(sql: str, tokens: Sequence[Token]) -> list[str]:
    """Hive's FROM t INSERT INTO a SELECT x INSERT INTO b SELECT y, an INSERT ... SELECT ... FROM t each; else none."""
    if not tokens or tokens[0].token_type is not TokenType.FROM:
        return []
    depth = 0
    starts: list[int] = []
    ends: dict[int, int] = {}
    """Of each INSERT, where what follows its FROM would begin."""
    for at, token in enumerate(tokens):
        depth += (token.token_type is TokenType.L_PAREN) - (token.token_type is TokenType.R_PAREN)
        if depth == 0 and token.token_type is TokenType.INSERT:
            starts.append(at)
        elif depth == 0 and starts and token.text.upper() in _AFTER_FROM:
            ends.setdefault(starts[-1], token.start)
    if not starts:
        return []
    source = sql[: tokens[starts[0]].start]
    found = []
    for start, following in zip(starts, [*starts[1:], len(tokens)], strict=True):
        end = tokens[following - 1].end + 1
        middle = ends.get(start, end)
        found.append(f"{sql[tokens[start].start : middle]} {source} {sql[middle:end]}")
    return found


def _start(words: Sequence[str]) -> int | None:
    depth = 0
    for at, word in enumerate(words):
        depth += (word == "(") - (word == ")")
        if depth == 0 and word in _STATEMENTS and (at == 0 or words[at - 1] in _BEFORE):
            if word == "CREATE" and any(each in ("PROCEDURE", "PROC") for each in words[at : at + 6]):
                continue
            return at
    return None


def at_semicolons(tokens: Sequence[Token]) -> list[list[Token]]:
    """The tokens of each statement, without those of empty ones."""
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if token.token_type is TokenType.SEMICOLON:
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]
