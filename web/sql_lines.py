"""SQL that came as one long line, broken into lines for reading.

DuckDB and MySQL give a view back as a single line, and a model may write one. Only white space between tokens changes,
and that is checked: what a person reads is what is stored, copied and run. sqlparse does the work, since it keeps every
token as it is; considered: sqlglot, which writes its own spelling of a statement (`::` becomes CAST, NOW() a constant).
"""

from __future__ import annotations

from functools import lru_cache

import sqlparse
from sqlparse.exceptions import SQLParseError

LONG_LINE = 100
"""Characters of a line that is still read with ease."""
LONGEST = 8_000
"""Characters of a text that is broken while a page waits; sqlparse takes some 10 ms for a thousand."""


def in_lines(text: str | None) -> str:
    """The text, in lines where a line of it is long; the text as it is where that cannot be done safely."""
    given = text or ""
    if len(given) > LONGEST or all(len(line) <= LONG_LINE for line in given.splitlines()):
        return given
    return _broken(given)


@lru_cache(maxsize=256)
def _broken(text: str) -> str:
    try:
        made = sqlparse.format(text, reindent=True).strip()
        return made if _tokens(made) == _tokens(text) else text
    except (SQLParseError, RecursionError):
        return text


def _tokens(text: str) -> list[str]:
    """The tokens of a text without white space: a string keeps what is inside its quotes, a comment its line."""
    tokens = [
        token.value for each in sqlparse.parse(text) for token in each.flatten() if not token.is_whitespace
    ]
    return [value.rstrip("\r\n") if value.startswith(("--", "#")) else value for value in tokens]
