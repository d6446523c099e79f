"""Statement digests of MySQL's and MariaDB's performance schema, written as the SQL that they stand for.

Enters: DIGEST_TEXT, a normal form that no parser reads and no server runs: tokens one space apart, which makes of
`SUM ( x )` another thing than the function SUM, lists folded to `?, ...` and `(...)`, types and units by inner names.
Leaves: the same statement with a `?` for each literal or folded list. What is between backticks stays as it is.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(r"`(?:[^`]|``)*(?:`|\Z)|\(\.\.\.\)|\((?:_charset|unknown)\)|[^\s`]+")
_UNIT = re.compile(r"SQL_TSI_([A-Z]+)")
_OPENS_A_LIST = frozenset(
    """
    ALL ALWAYS AND ANY AS BETWEEN BY CASE CHECK DISTINCT DIV ELSE EXCEPT EXISTS FROM HAVING IN INDEX INTERSECT INTERVAL
    INTO IS JOIN KEY LIKE LIMIT MOD NOT OFFSET ON OR OVER PARTITION REGEXP RETURNING RLIKE SELECT SET SOME STRAIGHT_JOIN
    TABLE THEN UNION UPDATE USE USING VALUE VALUES WHEN WHERE WITH XOR
    """.split()
)
"""Words before a bracket that is no call's."""
_SIZED = frozenset(
    {"CHAR", "CHARACTER", "BINARY", "VARCHAR", "DECIMAL", "NCHAR", "TIME", "DATETIME", "FLOAT"}
)
_FOLDED = frozenset({"(...)", "(unknown)"})


def as_sql(digest: str) -> str:
    """The digest as SQL. A digest that the server cut short stays cut short."""
    out: list[str] = []
    tokens = [token for token in _TOKEN.findall(digest) if token != "(_charset)"]
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token in ("/*", "..."):  # a row like those before: /* , ... */
            while token == "/*" and at < len(tokens) and tokens[at] != "*/":
                at += 1
        elif token == "?," and tokens[at + 1 : at + 2] == ["..."]:
            out.append("?")
        elif token in ("(?)", "(...)") and _is_cast(out):
            pass  # the size of a type
        elif token in _FOLDED:
            out.append("(?)" if token == "(...)" else "?")
        elif token in ("DATE", "TIME", "TIMESTAMP") and tokens[at + 1 : at + 2] == ["?"]:
            out += (token, "'?'")
            at += 1
        else:
            out.append(_UNIT.sub(r"\1", token))
        at += 1
    return _spaced(out)


def _is_cast(out: list[str]) -> bool:
    return len(out) > 1 and out[-2] == "AS" and out[-1] in _SIZED


def _spaced(tokens: list[str]) -> str:
    """Tokens with the spaces that people write."""
    text = ""
    before = ""
    for token in tokens:
        tight = (
            not text
            or token in (",", ".", ")", ";")
            or before in ("(", ".")
            or (token == "(" and _is_called(before))
        )
        text += token if tight else f" {token}"
        before = token
    return text


def _is_called(name: str) -> bool:
    return name.startswith("`") or (name.replace("_", "").isalnum() and name.upper() not in _OPENS_A_LIST)
