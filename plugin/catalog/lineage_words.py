"""What can be said of SQL without a parser: the names after FROM, JOIN and INTO, and what a comment of dbt states."""

from __future__ import annotations

import re

LONGEST = 400_000

_IDENTIFIER = r"(?:\"[^\"]+\"|`[^`]+`|\[[^\]]+\]|[A-Za-z_][\w$]*+)"
# Possessive: a name that a bracket follows is a call, and no shorter part of it is a table.
_NAME = rf"{_IDENTIFIER}(?:\s*\.\s*{_IDENTIFIER})*+"
_READS = re.compile(
    rf"\b(?:from|join|using|as\s+table|clone|\bstream\b[^()]{{0,300}}?\bon\s+(?:external\s+)?(?:table|view))\s+(?:only\s+|lateral\s+)?({_NAME})(?!\s*\()",
    re.IGNORECASE,
)
_COMMA = re.compile(rf"\s*(?:as\s+)?(?:{_IDENTIFIER})?\s*,\s*({_NAME})(?!\s*\()", re.IGNORECASE)
_WRITES = re.compile(
    rf"\b(?:(?:insert|replace)\s+(?:into|overwrite)(?:\s+table)?|merge\s+into|update(?=\s+\S+\s+set\b)"
    rf"|load\s+data\b.{{0,2000}}?\binto\s+table|alter\s+table(?=\s+\S+\s+append\b)"
    rf"|create\s+(?:(?:or\s+(?:replace|refresh)|\w+)\s+){{0,5}}?(?:view|table|stream)(?:\s+if\s+not\s+exists)?)"
    rf"\s+({_NAME})",
    re.IGNORECASE | re.DOTALL,
)
_CTE = re.compile(
    rf"(?:\bwith\s+(?:recursive\s+)?|,\s*)({_IDENTIFIER})\s*(?:\([^()]{{0,2000}}\)\s*)?as\s*"
    r"(?:not\s+)?(?:materialized\s*)?\(",
    re.IGNORECASE,
)
# What is not closed goes to the end, so that no opening is searched for twice.
_NOISE = re.compile(r"'[^']*(?:'|\Z)|--[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_STATED = re.compile(rf"--[ \t]*depends_on:[ \t]*({_NAME})", re.IGNORECASE)
_INSIDE = "__dbt__cte__"
"""How dbt calls the CTE that an ephemeral model becomes."""
_KEYWORDS = frozenset("select where on lateral unnest values set dual table".split())


def names_in(sql: str) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...] | None]:
    """The tables read and the one written. Never raises."""
    text = _NOISE.sub(" ", sql[:LONGEST])
    ctes = {_plain(match.group(1)).lower() for match in _CTE.finditer(text)}
    tables: dict[tuple[str, ...], None] = {}
    taken = 0
    for match in _READS.finditer(text):
        if match.start() < taken:
            continue
        at: re.Match[str] | None = match
        while at is not None:
            name = _parts(at.group(1))
            if name and name[0].lower() not in _KEYWORDS and not (len(name) == 1 and name[0].lower() in ctes):
                tables[name] = None
            taken = at.end()
            at = _COMMA.match(text, taken)
    writes = _WRITES.search(text)
    target = _parts(writes.group(1)) if writes else None
    return tuple(name for name in tables if name != target), target


def stated_in(sql: str) -> tuple[tuple[str, ...], ...]:
    """The tables of dbt's `-- depends_on: ref`: what a macro asks for while it compiles is in no FROM. Never raises.

    Source: https://docs.getdbt.com/reference/dbt-jinja-functions/ref, "Forcing dependencies".
    """
    if "depends_on" not in sql:
        return ()
    names = (_parts(match.group(1)) for match in _STATED.finditer(sql[:LONGEST]))
    return tuple(dict.fromkeys(name for name in names if not name[-1].startswith(_INSIDE)))


def _parts(text: str) -> tuple[str, ...]:
    return tuple(_plain(part) for part in re.findall(_IDENTIFIER, text))


def _plain(identifier: str) -> str:
    return identifier[1:-1] if identifier[:1] in '"`[' else identifier
