"""The columns that a star stands for, and VALUES: what gives several columns, or several rows, at once.

Enters: the node, the relations it ranges over, and a way to tell where an expression's columns come from. Leaves: its
columns in order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from sqlglot import exp

from plugin.catalog.lineage_relations import Column, Origin, Relation, alias_columns

_WORD = re.compile(r"(\^?)(\w+)(\$?)")

OriginsOf = Callable[[exp.Expression], "frozenset[Origin]"]


def starred(node: exp.Expression, relations: Sequence[Relation], origins_of: OriginsOf) -> list[Column]:
    """The columns of `*`, of `* EXCEPT (a) REPLACE (b + 1 AS b) RENAME (c AS d)`, and of Snowflake's `* ILIKE 'x%'`."""
    left_out = {each.name.lower() for each in node.args.get("except_") or ()}
    replaced = {each.alias.lower(): origins_of(each) for each in node.args.get("replace") or ()}
    renamed = {each.this.name.lower(): each.alias for each in node.args.get("rename") or ()}
    like = node.args.get("ilike")
    wanted = like.name.lower() if isinstance(like, exp.Literal) else None
    columns: list[Column] = []
    for relation in relations:
        for name, origins in relation.columns or ():
            low = name.lower()
            if low not in left_out and (wanted is None or _is_like(low, wanted)):
                columns.append((renamed.get(low, name), replaced.get(low, origins)))
    return columns


def several(node: exp.Expression) -> exp.Expression | None:
    """What ranges over columns in a projection: `* APPLY (f)`, COLUMNS(...), (row).*; else None."""
    if isinstance(node, exp.Apply):
        return several(node.this) or (node.this if isinstance(node.this, exp.Star) else None)
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Star):
        return node
    return node if isinstance(node, exp.Columns) else None


def matching(pattern: exp.Expression, columns: Sequence[Column]) -> list[Column] | None:
    """The columns that COLUMNS('pattern') chooses; None where that is not told by the text.

    A word alone, at the beginning or at the end: a whole language of patterns would be run on what anybody wrote.
    """
    word = _WORD.fullmatch(pattern.name) if isinstance(pattern, exp.Literal) and pattern.is_string else None
    if word is None:
        return None
    first, text, last = word.groups()
    return [
        each
        for each in columns
        if text in each[0]
        and (not first or each[0].startswith(text))
        and (not last or each[0].endswith(text))
        and not (first and last and each[0] != text)
    ]


def rows(node: exp.Values, origins_of: OriginsOf) -> list[Column]:
    """Rows in the SQL itself: a column comes from what stands at its place in any of them."""
    found: list[set[Origin]] = []
    for row in node.expressions:
        for i, value in enumerate(row.expressions if isinstance(row, exp.Tuple) else (row,)):
            if i == len(found):
                found.append(set())
            if not isinstance(value, exp.Literal):
                found[i] |= origins_of(value)
    names = alias_columns(node)
    return [
        (names[i] if i < len(names) else f"column{i + 1}", frozenset(origins))
        for i, origins in enumerate(found)
    ]


def _is_like(name: str, pattern: str) -> bool:
    """LIKE, in time that grows with both lengths and not beyond."""
    at = to = 0
    star = back = -1
    while at < len(name):
        if to < len(pattern) and pattern[to] == "%":
            star, back = to, at
            to += 1
        elif to < len(pattern) and pattern[to] in ("_", name[at]):
            at, to = at + 1, to + 1
        elif star >= 0:
            back += 1
            at, to = back, star + 1
        else:
            return False
    return not pattern[to:].strip("%")
