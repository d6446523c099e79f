"""Names inside names: the fields of struct columns, as a catalog lists them (`hits.page.path`).

A tree of folded names. A name without anything below it is a leaf, or one whose fields nobody told: nothing is said
about what is written behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlglot import exp

from plugin.run_sql.verdict import ascii_lower


class Fields(dict[str, "Fields"]):
    """Names with the fields below each."""

    @classmethod
    def of(cls, columns: Iterable[str]) -> Fields:
        """From column names with dots, already folded."""
        root = cls()
        for column in columns:
            at = root
            for part in column.split("."):
                at = at.setdefault(part, cls())
        return root

    @classmethod
    def union(cls, many: Sequence[Fields]) -> Fields:
        """All names of all; the thing itself where there is only one."""
        if len(many) == 1:
            return many[0]
        root = cls()
        for name in {name for each in many for name in each}:
            root[name] = cls.union([each[name] for each in many if name in each])
        return root

    @property
    def deep(self) -> bool:
        """Does any of the names have fields? Then a leaf beside it has none."""
        return any(self.values())

    def below(self, path: Sequence[str]) -> Fields | None:
        """What stands below a path; None where the path is not known."""
        at: Fields = self
        for part in path:
            found = at.get(part)
            if found is None:
                return None
            at = found
        return at

    def missing(self, path: Sequence[str]) -> tuple[str, Fields] | None:
        """The first part that is no name, and the names that exist there; None where there is none, or it cannot
        be judged."""
        at: Fields = self
        for part in path:
            if not at:
                return None
            found = at.get(part)
            if found is None:
                return part, at
            at = found
        return None


def path_of(node: exp.Expr | None) -> tuple[str, ...]:
    """The folded names of `a.b.c`, through brackets and array elements; () for anything else."""
    if isinstance(node, exp.Column):
        parts = node.parts
        if all(isinstance(part, exp.Identifier) for part in parts):
            return tuple(ascii_lower(part.name) for part in parts)
        return ()
    if isinstance(node, exp.Identifier):
        return (ascii_lower(node.name),)
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Identifier):
        left = path_of(node.this)
        return (*left, ascii_lower(node.expression.name)) if left else ()
    if isinstance(node, (exp.Bracket, exp.Paren, exp.Alias)):
        return path_of(node.this)
    return ()


_OF_SCALARS = (
    exp.Split,
    exp.GenerateSeries,
    exp.GenerateDateArray,
    exp.GenerateTimestampArray,
    exp.RegexpExtractAll,
)


def of_scalars(node: exp.Expr | None) -> bool:
    """Is this an array whose elements surely have no fields?"""
    if isinstance(node, exp.Array):
        return all(isinstance(each, (exp.Literal, exp.Neg)) for each in node.expressions)
    return isinstance(node, _OF_SCALARS)
