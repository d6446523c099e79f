"""What a name in SQL stands for among the tables of one integration.

Names are found by their last part, in any case; a name with fewer parts than a table's own is completed from where it
was written (its database and schema), and where several tables fit it stands for none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from plugin.store.staging import SEPARATOR

MOST_OF_A_FAMILY = 400
"""Tables of one wildcard that get an edge each: a year of days."""


class Names:
    """Every table and view of an integration by name -> its key."""

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._by_last: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
        self._words: set[str] = set()
        self._unread: Iterable[str] | None = keys
        """Keys that are taken in when a name is first asked for: an unchanged source asks for none."""

    @property
    def words(self) -> set[str]:
        """Identifiers that the source is known to have, lower case: what a quoted word in SQL may be."""
        self._read()
        return self._words

    def called(self, name: str) -> dict[str, tuple[str, ...]]:
        """Every table of this name, lower case: the parts of its full name, lower case too, by its key."""
        self._read()
        found = self._by_last.get(name, {})
        return {key: tuple(part.lower() for part in parts) for key, parts in found.items()}

    def _read(self) -> None:
        unread, self._unread = self._unread, None
        for key in unread or ():
            self.add_key(key)

    def add(self, key: str, database: str | None, schema: str | None, name: str) -> None:
        """Add a table."""
        self._by_last[name.lower()][key] = tuple(part for part in (database, schema, name) if part)
        self._words.add(name.lower())

    def add_key(self, key: str) -> None:
        """Add a table by its key, as `plugin.store.staging.table_key` makes them; other keys are left out."""
        if key.startswith("t:"):
            database, schema, name = key[2:].split(SEPARATOR, 2)
            self.add(key, database or None, schema or None, name)

    def find(
        self, parts: Sequence[str], *, database: str | None = None, schema: str | None = None
    ) -> str | None:
        """The key of the table that these parts name, seen from a schema; None where none or several fit."""
        if not parts:
            return None
        if _family(parts[-1]) is not None:
            return next(iter(self.family(parts, database=database, schema=schema)), None)
        return self._one(parts, database, schema)

    def _one(self, parts: Sequence[str], database: str | None, schema: str | None) -> str | None:
        self._read()
        candidates = self._by_last.get(parts[-1].lower())
        if not candidates:
            return None
        wanted = tuple(part.lower() for part in parts)
        fitting = []
        for key, full in candidates.items():
            folded = tuple(part.lower() for part in full)
            if folded[-len(wanted) :] == wanted or (
                len(wanted) > len(folded) and wanted[-len(folded) :] == folded
            ):
                fitting.append((key, full))
        if len(fitting) > 1:
            fitting = _closest(fitting, tuple(parts), database, schema)
        return fitting[0][0] if len(fitting) == 1 else None

    def family(
        self, parts: Sequence[str], *, database: str | None = None, schema: str | None = None
    ) -> list[str]:
        """The keys of every table that these parts name: for BigQuery's `events_*` those of all its days, else one."""
        if not parts:
            return []
        # A source of dbt's may be called `events_*` itself: that name is the one table then.
        found = self._one(parts, database, schema)
        start = _family(parts[-1])
        if found is not None or start is None:
            return [found] if found is not None else []
        folded = start.lower()
        names = sorted(name for name in self._by_last if name.startswith(folded))[:MOST_OF_A_FAMILY]
        found_each = (self._one((*parts[:-1], name), database, schema) for name in names)
        return [key for key in found_each if key is not None]


class Asked:
    """Names that remember what they answered, so that it can be seen whether they would still.

    For one look at one definition: a table that comes later does not change an answer.
    """

    def __init__(self, names: Names) -> None:
        self._names = names
        self._answers: dict[tuple[tuple[str, ...], str | None, str | None], list[str]] = {}

    def find(
        self, parts: Sequence[str], *, database: str | None = None, schema: str | None = None
    ) -> str | None:
        """As `Names.find`."""
        return next(iter(self.family(parts, database=database, schema=schema)), None)

    def family(
        self, parts: Sequence[str], *, database: str | None = None, schema: str | None = None
    ) -> list[str]:
        """As `Names.family`; what was asked before is answered as before."""
        asked = (tuple(parts), database, schema)
        found = self._answers.get(asked)
        if found is None:
            found = self._answers[asked] = self._names.family(parts, database=database, schema=schema)
        return found

    def would_say_the_same(self) -> bool:
        """Is every answer still the answer, after more tables came?"""
        return all(
            self._names.family(parts, database=database, schema=schema) == answer
            for (parts, database, schema), answer in self._answers.items()
        )


def _family(wanted: str) -> str | None:
    """What BigQuery's `events_*` begins with; None for a name that stands for one table."""
    return wanted[:-1] if wanted.endswith("*") and len(wanted) > 1 else None


def _closest(
    fitting: list[tuple[str, tuple[str, ...]]],
    parts: tuple[str, ...],
    database: str | None,
    schema: str | None,
) -> list[tuple[str, tuple[str, ...]]]:
    """Of several: those in the schema it was written in, in its database, or written in this very case."""
    for narrower in (
        [
            each
            for each in fitting
            if schema and each[1][-2:-1] == (schema,) and database in (None, *each[1][:-2])
        ],
        [each for each in fitting if database and each[1][:1] == (database,) and len(each[1]) > 2],
        [each for each in fitting if each[1][-len(parts) :] == parts],
    ):
        if len(narrower) == 1:
            return narrower
        fitting = narrower or fitting
    return fitting
