"""Columns by their names, where an engine may hold "Id" and id in one table.

Enters: columns in order, and a name as somebody wrote it. Leaves: what is called just so, or else in other cases.
Nothing here loads the parser.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Of = TypeVar("Of")


def by_name(named: Sequence[tuple[str, Of]]) -> dict[str, Of]:
    """What is asked with `named_among`: the first of each name in lower case."""
    found = {name.lower(): what for name, what in reversed(named)}
    if len(found) < len(named):  # "Id" and id are two columns to an engine that was told so with quotes
        found.update(reversed(named))
    return found


def named_among(found: dict[str, Of], name: str) -> Of | None:
    """What is called just so, or else in other cases."""
    return found[name] if name in found else found.get(name.lower())
