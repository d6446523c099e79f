"""The families of one group of names: which of them a table joins by its columns, without a look at each.

Enters: tables of one place whose names differ by numbers only, in the order they are met. Leaves: the first member of
the family that each belongs to. Most such tables are shards of one; where they are not (`report_17`, `report_18`), as
many families stand in a group as tables, and comparing each with each took minutes for ten thousand.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable
from itertools import chain

Columns = frozenset[str]
Alike = Callable[[Columns, Columns], bool]


class Families:
    """Families in the order they were met. `alike` holds only where three fifths of a table's columns are shared."""

    def __init__(self, alike: Alike) -> None:
        self._alike = alike
        self._found: list[tuple[int, Columns]] = []
        self._with: dict[Hashable, list[int]] = defaultdict(list)
        """Column -> places in `_found` of the families that have it; None for those without any."""
        self._of: dict[int, int] = {}
        """First member -> place in `_found`."""
        self._last: tuple[Columns, int] | None = None
        """The columns of the table that joined last, and whom it joined: most often the next shard has the same."""

    def add(self, first: int, columns: Columns) -> None:
        """A family that is in the index, by its first member."""
        place = len(self._found)
        self._found.append((first, columns))
        self._of.setdefault(first, place)
        for column in columns or (None,):
            self._with[column].append(place)

    def join(self, table: int, columns: Columns) -> int:
        """The first member of the first family that a table is alike, or that it began; its own id where it begins one.

        Whatever is alike has three fifths of the columns, so of any set that is larger than the other two fifths it has
        what that set has more: the rarest are looked at, and of them half of what must be shared.
        """
        if table in self._of:  # it may meet its own family before the one that others with its columns join
            return self._look(table, columns)
        if self._last is None or self._last[0] != columns:
            self._last = columns, self._look(table, columns)
        return self._last[1]

    def _look(self, table: int, columns: Columns) -> int:
        places = [self._with.get(column, ()) for column in columns or (None,)]
        places.sort(key=len)
        shared = (3 * len(columns) + 4) // 5
        least = shared // 2 + 1
        met = Counter(chain.from_iterable(places[: len(columns) - shared + least]))
        looked = {place for place, times in met.items() if times >= least}
        if table in self._of:
            looked.add(self._of[table])
        for place in sorted(looked):
            first, theirs = self._found[place]
            if first == table or self._alike(columns, theirs):
                return first
        self.add(table, columns)
        return table
