"""What the guard says about a statement, and the visible tables it says it about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class VisibleTable:
    """A table that the asker may see. `columns` is None where they are not known (then every name passes).

    `partial` says that the table has columns which the asker may not see, `masked` maps columns that must be
    replaced to the text or type of their mask; either makes the guard put a derived table of the visible columns in
    the table's place, so that no star, whole row or natural join reaches further.
    """

    parts: tuple[str, ...]
    columns: tuple[str, ...] | None = None
    masked: Mapping[str, str] = field(default_factory=dict)
    partial: bool = False

    @property
    def label(self) -> str:
        """The name for people: parts with dots."""
        return ".".join(self.parts)


class VisibleTables:
    """All the tables that exist for this asker on one integration; any other does not."""

    def __init__(self, tables: Iterable[VisibleTable]) -> None:
        self._tables = tuple(tables)
        self._indexes: dict[str, dict[tuple[str, ...], VisibleTable | None]] = {}

    @classmethod
    def of(cls, columns: Mapping[str, Iterable[str] | None]) -> VisibleTables:
        """From names with dots: `{"sales.orders": ["id", "total"], "sales.items": None}`."""
        return cls(
            VisibleTable(tuple(name.split(".")), None if given is None else tuple(given))
            for name, given in columns.items()
        )

    def __iter__(self) -> Iterator[VisibleTable]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def index(self, fold: Literal["exact", "lower"]) -> dict[tuple[str, ...], VisibleTable | None]:
        """Name parts -> table; under "lower" two tables whose names differ only in case give None (ambiguous)."""
        found = self._indexes.get(fold)
        if found is None:
            found = {}
            for table in self._tables:
                key = table.parts if fold == "exact" else tuple(ascii_lower(part) for part in table.parts)
                found[key] = None if key in found else table
            self._indexes[fold] = found
        return found

    def schemas(self) -> frozenset[str]:
        """Every schema that holds a visible table."""
        return frozenset(table.parts[-2] for table in self._tables if len(table.parts) > 1)


_LOWER = {code: code + 32 for code in range(65, 91)}
_UPPER = {code: code - 32 for code in range(97, 123)}


def ascii_lower(text: str) -> str:
    """Lower case for A to Z only, as engines fold names; Unicode case rules would join names that differ."""
    return text.lower() if text.isascii() else text.translate(_LOWER)


def ascii_upper(text: str) -> str:
    """Upper case for a to z only."""
    return text.upper() if text.isascii() else text.translate(_UPPER)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The guard's decision. `rule` names the first control that refused; `rendered` is what may run, and only that."""

    decision: Literal["accept", "reject"]
    reasons: tuple[str, ...] = ()
    rule: str | None = None
    tables: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    """Columns of visible tables that the statement can read, as table.column; all of them where a star does."""
    rendered: str = ""
    statement: str = ""
    """select, set operation, values or pivot; empty where it did not get that far."""
    bound: tuple[str, ...] = ()
    """Names of parameters in the order in which the driver wants their values."""

    @property
    def accepted(self) -> bool:
        """May `rendered` run?"""
        return self.decision == "accept"


class Refusal(Exception):
    """Raised inside the guard where a control says no; never leaves the room. `rule` is a short stable name."""

    def __init__(self, rule: str, text: str) -> None:
        super().__init__(text)
        self.rule = rule
