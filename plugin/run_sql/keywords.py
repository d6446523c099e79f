"""The words of SQL that a page marks. Pygments' list has also `day`, `result` and `user`, mostly columns' names."""

from __future__ import annotations

from sqlglot.tokens import Tokenizer

KEYWORDS: frozenset[str] = frozenset(
    word for phrase in Tokenizer.KEYWORDS for word in phrase.split() if word.isalpha()
)
"""In capitals, one word each: `ORDER` and `BY`, not `ORDER BY`."""
