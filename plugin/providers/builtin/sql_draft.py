"""A statement in the making: the main table, what is joined to it, its conditions and what was assumed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from plugin.providers.builtin.sql_columns import Column
from plugin.providers.builtin.sql_text import Sql
from plugin.providers.builtin.talk import Thing

Step = tuple[Thing, list[tuple[str, str]]]
"""A table that is joined, and the pairs (column of the one before, own column)."""


@dataclass(slots=True)
class Draft:
    """A statement in the making: the main table is `a`, tables joined by a foreign key `b`, `c`."""

    sql: Sql
    table: Thing
    joined: list[tuple[Thing, str, str]] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    where: list[str] = field(default_factory=list)
    correlated: bool = False
    """A condition speaks of the main table from inside a subquery, so the table needs its alias."""
    chart: str = ""
    """The placeholder that draws the result, where it has one thing to stand on."""

    def at(self, alias: str, column: Column) -> str:
        """A column as it is written: with an alias only where tables are joined."""
        name = self.sql.name(str(column["name"]))
        return f"{alias}.{name}" if self.joined else name

    def follow(self, path: Sequence[Step]) -> str:
        """Join along a path from the main table; returns the alias of its end."""
        alias = "a"
        for other, pairs in path:
            alias = self.join(other, pairs, alias)
        return alias

    def join(self, other: Thing, pairs: Sequence[tuple[str, str]], start: str = "a") -> str:
        """Join another table on (own column, other's column) pairs; returns its alias."""
        for known, alias, _on in self.joined:
            if known.id == other.id:
                return alias
        alias = "bcdef"[len(self.joined)]
        on = " AND ".join(
            f"{start}.{self.sql.name(mine)} = {alias}.{self.sql.name(theirs)}" for mine, theirs in pairs
        )
        self.joined.append((other, alias, on))
        return alias
