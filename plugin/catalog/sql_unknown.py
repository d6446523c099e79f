"""Words that no parser knows where they stand, and that name no table: a statement says the same without them.

What is left out here is not looked at for names, so nothing may be that could hold one.
"""

from __future__ import annotations

import re

_IDENTIFIER = r"(?:\"[^\"]+\"|`[^`]+`|\[[^\]]+\]|[A-Za-z_#@][\w$#@]*+)"
_NAME = rf"{_IDENTIFIER}(?:\s*\.\s*{_IDENTIFIER})*+"
_UNKNOWN = (
    # T-SQL's hints at the table that is written
    (
        re.compile(
            rf"\A(\s*INSERT\s+(?:INTO\s+)?{_NAME})\s+WITH\s*\([^()]*\)(?=\s*[(SsWwEe])", re.IGNORECASE
        ),
        r"\1",
    ),
    (re.compile(r"\bWITH\s+ROLLUP\b", re.IGNORECASE), " "),  # MySQL, with a LIMIT behind it
    (re.compile(r"(?<=MERGE)\s+WITH\s+SCHEMA\s+EVOLUTION(?=\s+INTO\b)", re.IGNORECASE), " "),  # Databricks
    (
        re.compile(rf"\A(\s*MERGE\s+(?:INTO\s+)?{_NAME})\s+WITH\s*\(\s*[A-Z_]+\s*\)", re.IGNORECASE),
        r"\1",
    ),  # T-SQL
    (re.compile(r"\A(\s*(?:UPDATE|DELETE))\s+TOP\s*\(\s*\d+\s*\)(?:\s+PERCENT\b)?", re.IGNORECASE), r"\1"),
    (re.compile(r"\bDELETE\s+WHERE\s+[^()]{0,1000}?(?=\bWHEN\b|\Z)", re.IGNORECASE), " "),  # Oracle's MERGE
    (re.compile(r"(\bVALUES\s*\([^()]*\))\s+WHERE\s+[^()]{0,1000}?(?=\bWHEN\b|\Z)", re.IGNORECASE), r"\1"),
)


def without_unknown(text: str) -> str:
    """The statement without them; itself where it has none."""
    for unknown, instead in _UNKNOWN:
        text = unknown.sub(instead, text)
    return text
