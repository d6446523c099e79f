"""What is in scope where: the sources of each SELECT, the columns a query gives, and what resolving a statement found.

A CTE is visible after its definition and inside its own statement only; a qualified name is never a CTE. Every column
must belong to a source of its scope, where the columns of that source are known. What cannot be resolved is refused,
in the same words whether it does not exist or is hidden. The rules stand in four files, each a class over the one
before: `columns` (whose is this name), `expressions` (every name below an expression), `from_items` (tables, functions
and joins), `resolver` (queries and what they give).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from plugin.run_sql.nested import Fields
from plugin.run_sql.verdict import VisibleTable

SCALARS = "\x00scalars"
"""Under this name, which no statement can write, stand the expressions that WITH named."""


@dataclass(slots=True)
class Source:
    """One item of a FROM. `columns` are folded names, None where not known; `node` is set for a base table."""

    columns: frozenset[str] | None
    order: tuple[str, ...] | None = None
    table: VisibleTable | None = None
    node: exp.Table | None = None
    display: Mapping[str, str] = field(default_factory=dict)
    loose: bool = False
    function: bool = False
    nested: Fields | None = None
    """The fields of struct columns where told; no rule of the guard reads it, `check_names` does."""


@dataclass(slots=True)
class Scope:
    """The sources of one SELECT and what encloses it."""

    outer: Scope | None
    ctes: Mapping[str, Source]
    sources: dict[str, Source] = field(default_factory=dict)
    aliases: frozenset[str] = frozenset()
    local: frozenset[str] = frozenset()

    def chain(self) -> Iterator[Scope]:
        """This scope, then the enclosing ones."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.outer


@dataclass(slots=True)
class Output:
    """The columns a query gives: names in order, None where one of them is not known."""

    order: tuple[str, ...] | None
    loose: bool = False
    nested: Fields | None = None

    @property
    def columns(self) -> frozenset[str] | None:
        return None if self.order is None else frozenset(self.order)


@dataclass(slots=True)
class Found:
    """What resolving a statement gave."""

    tables: dict[str, VisibleTable] = field(default_factory=dict)
    columns: dict[str, None] = field(default_factory=dict)
    nodes: list[tuple[exp.Table, VisibleTable]] = field(default_factory=list)
    pins: dict[int, tuple[exp.Table, VisibleTable]] = field(default_factory=dict)
