"""A file of custom metadata, read: its things, its lines of lineage and its bad lines.

Enters: things as they are read, in the order of the lines. Leaves: tables with all their columns, wherever in the file
these stand. In memory are the keys and the first of the bad lines; the rest is in a spool, which has a bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from operator import attrgetter

from plugin.catalog.spool import Row, Spool

MOST_TOLD = 10_000
"""Bad lines of a file that are named; of what is further only the number is told."""
OF_AN_ITEM = 600
"""Bytes in memory, beside its longer texts."""
TOGETHER = 1000
"""Lines of lineage that are under one key of their spool, and in memory at once."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that was not imported, and why."""

    line: int
    reason: str


class Problems:
    """The bad lines of a file: the first of them, and how many there are. `len()` counts all."""

    def __init__(self) -> None:
        self._told: list[Problem] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, line: int, reason: str) -> None:
        """One more bad line, whose number may be before those of others."""
        self._count += 1
        self._told.append(Problem(line, reason))
        if len(self._told) >= 2 * MOST_TOLD:
            self._told = list(self.told)

    @property
    def told(self) -> tuple[Problem, ...]:
        """The first MOST_TOLD by their numbers."""
        return tuple(sorted(self._told, key=lambda problem: problem.line)[:MOST_TOLD])

    @property
    def more(self) -> int:
        """How many are not among those."""
        return max(0, self._count - MOST_TOLD)


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did. `errors` are lines that were left out; with --strict one of them keeps all out."""

    integration: str
    imported: int
    created: int
    updated: int
    unchanged: int
    removed: int = 0
    """Only by a file that is complete."""
    errors: tuple[Problem, ...] = ()
    more_errors: int = 0
    """Bad lines that are not among `errors`, which names the first."""


@dataclass(slots=True)
class Item:
    """One resource of a file."""

    line: int
    kind: str
    key: str
    name: str
    parent: str | None = None
    database: str | None = None
    schema: str | None = None
    description: str | None = None
    definition: str | None = None
    native_type: str | None = None
    position: int | None = None
    is_pk: bool = False
    tags: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    url: str | None = None
    changed_at: datetime | None = None
    columns: list[Item] = field(default_factory=list)
    properties: dict[str, str] = field(default_factory=dict)
    by_name: bool = False
    """Known by its database, schema and name rather than by a key (CSV)."""


@dataclass(frozen=True, slots=True)
class End:
    """One end of a lineage line."""

    type: str
    key: str | None = None
    database: str | None = None
    schema: str | None = None
    table: str | None = None
    column: str | None = None
    sql: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """One lineage line."""

    line: int
    upstream: End
    downstream: End


class Parsed:
    """A file, read."""

    def __init__(self) -> None:
        self.problems = Problems()
        self.lines = 0
        """How many lines hold something."""
        self.databases: dict[str, str] = {}
        """The key of a database -> its name."""
        self.linked: set[str] = set()
        """Keys that lines of lineage name."""
        self._things = Spool(_packed, _unpacked)
        self._columns = Spool(_packed, _unpacked)
        """Columns that have lines of their own, by the keys of their tables."""
        self._links = Spool(_packed_link, _unpacked_link)
        self._parents: dict[str, str] = {}
        self._by_kind: dict[str, list[str]] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._things

    def __len__(self) -> int:
        return len(self._things)

    def items(self, order: Iterable[str] = ()) -> Iterator[Item]:
        """What is told, tables with all their columns: first the kinds of `order`, then others as they came."""
        for kind in dict.fromkeys(chain(order, self._by_kind)):
            for key in self._by_kind.get(kind, ()):
                for item in self._things.rows(key):
                    if item.kind in ("table", "view"):
                        _hang(item, self._columns.rows(key))
                    yield item

    def links(self) -> Iterator[Link]:
        """The lines of lineage."""
        for key in self._links:
            yield from self._links.rows(key)

    @property
    def is_empty(self) -> bool:
        """Is there nothing in it that can be imported?"""
        return not len(self._things) and not len(self._links)

    def put(self, item: Item) -> None:
        """One thing; a column by its table."""
        if item.kind == "column":
            self._columns.add(item.parent or "", item, _weight(item))
            return
        self._things.add(item.key, item, _weight(item) + sum(map(_weight, item.columns)))
        self._by_kind.setdefault(item.kind, []).append(item.key)
        if item.parent is not None:
            self._parents[item.key] = item.parent
        if item.kind == "database":
            self.databases[item.key] = item.name

    def put_link(self, link: Link) -> None:
        """One line of lineage."""
        ends = (link.upstream, link.downstream)
        self.linked.update(each.key for each in ends if each.key)
        weight = OF_AN_ITEM + sum(len(each.sql or "") for each in ends)
        self._links.add(str(self.lines // TOGETHER), link, weight)

    def check(self) -> None:
        """Tell what can only be told when all lines have come."""
        self._check_columns()
        self._check_parents()

    def _check_columns(self) -> None:
        for key in self._columns:
            columns = self._columns.rows(key)
            of = self._things.rows(key)
            if of and of[0].kind in ("table", "view"):
                for twice in _unfit(of[0], columns):
                    self.problems.add(twice.line, f"the table has a column {twice.name!r} already")
                continue
            for column in columns:
                self.problems.add(column.line, f"parent_databuilder_id {key!r} names no table of this file")

    def _check_parents(self) -> None:
        """A parent on a later line is fine; parents that go round in a circle are not."""
        good: set[str] = set()
        for key in list(self._parents):
            path = {key}
            at = self._parents.get(key)
            while at is not None and at not in good and at not in path:
                path.add(at)
                at = self._parents.get(at)
            if at is None or at in good:
                good.update(path)
                continue
            line = self._things.rows(key)[0].line
            self.problems.add(line, f"its parents go round in a circle at {at!r}")
            self._things.drop(key)


_ITEM = attrgetter(*(name for name in Item.__slots__ if name not in ("changed_at", "columns", "properties")))
_END = attrgetter(*End.__slots__)


def _packed(item: Item) -> Row:
    """An item as a row of plain values."""
    return (
        *_ITEM(item),
        item.changed_at and item.changed_at.isoformat(),
        tuple(_packed(each) for each in item.columns),
        tuple(item.properties.items()),
    )


def _unpacked(row: Row) -> Item:
    """The item of such a row."""
    *told, by_name, changed_at, columns, properties = row
    rest = (
        changed_at and datetime.fromisoformat(changed_at),
        [_unpacked(each) for each in columns],
        dict(properties),
    )
    item = Item(*(*told, *rest, by_name))
    item.tags, item.owners = tuple(item.tags), tuple(item.owners)
    return item


def _packed_link(link: Link) -> Row:
    return (link.line, _END(link.upstream), _END(link.downstream))


def _unpacked_link(row: Row) -> Link:
    line, upstream, downstream = row
    return Link(line, End(*upstream), End(*downstream))


def _weight(item: Item) -> int:
    return OF_AN_ITEM + len(item.description or "") + len(item.definition or "")


def _unfit(table: Item, columns: Iterable[Item]) -> list[Item]:
    """Those of these columns that the table has already, in itself or among those before."""
    there = {each.name for each in table.columns}
    return [each for each in columns if each.name in there or there.add(each.name)]  # type: ignore[func-returns-value]


def _hang(table: Item, columns: Sequence[Item]) -> None:
    """Put the columns into their table, in their order, without those that it has already."""
    left = set(map(id, _unfit(table, columns)))
    table.columns += (each for each in columns if id(each) not in left)
    table.columns.sort(key=lambda each: (each.position is None, each.position or 0))
