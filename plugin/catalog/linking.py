"""Definitions that changed -> edges between the keys of an integration's tables.

Enters: views with their SQL, the names of the integration, the columns of what they read. Leaves: staged edges, and
for each definition whether all of it was understood. The parser is loaded with the first definition that is not plain:
it takes a third of a first sync's time and of its memory.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from plugin.catalog.lineage_names import by_name, named_among
from plugin.catalog.lineage_plain import PlainLineage, read_plain
from plugin.catalog.naming import Asked, Names
from plugin.store.staging import Stage, StagedEdge

if TYPE_CHECKING:
    from plugin.catalog.lineage import SqlLineage
    from plugin.catalog.sql_text import Statement

BATCH = 200
"""Definitions whose trees are in memory at once. Of smaller batches no less memory came, and every twentieth look for
cycles would be one at everything."""
ColumnsOf = Callable[[Iterable[str]], Mapping[str, tuple[tuple[str, str], ...]]]


@dataclass(frozen=True, slots=True)
class Definition:
    """One view, model or card and its SQL, literals included: it is read here and not kept."""

    key: str
    database: str | None
    schema: str | None
    sql: str
    dialect: str | None
    source: str = "view"


@dataclass(slots=True)
class Derived:
    """What one definition reads."""

    key: str
    source: str
    edges: list[StagedEdge] = field(default_factory=list)
    partial: bool = False


@dataclass(slots=True)
class Early:
    """What one definition reads, as far as the tables say that came before it was looked at."""

    definition: Definition
    derived: Derived
    asked: Asked


class _Reading:
    """One definition that is being read: plainly where it is plain, else by the parser."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.plain = read_plain(definition.sql, definition.dialect)
        self._statements: list[Statement] | None = None

    @property
    def statements(self) -> list[Statement]:
        """What the parser makes of it, once."""
        if self._statements is None:
            from plugin.catalog.sql_text import statements_in

            self._statements = statements_in(self.definition.sql, self.definition.dialect)
        return self._statements

    @property
    def tables(self) -> Iterable[tuple[str, ...]]:
        """Every name that stands where a table may."""
        if self.plain is not None:
            return self.plain.tables
        from plugin.catalog.lineage import tables_in

        return tables_in(self.statements)

    def lineage(self, lookup: Callable[[tuple[str, ...]], Sequence[str] | None]) -> SqlLineage | PlainLineage:
        """What it reads, with the columns that `lookup` knows of tables."""
        told = self.plain.lineage(lookup) if self.plain is not None else None
        if told is not None:
            return told
        from plugin.catalog.lineage import last_of, lineages

        return last_of(lineages(self.statements, lookup, self.definition.dialect), self.definition.sql)


@contextmanager
def _trees_let_go(readings: Iterable[_Reading]) -> Iterator[None]:
    """At its end free the trees that were made within. They know their parents, so only a look for cycles frees them;
    what is older, hundreds of thousands of staged tuples, is set aside and not looked at. A server has set aside what
    it began with (web/serve.py): giving that back would cost its slowest requests. What is plain makes no trees.
    """
    if all(each.plain is not None for each in readings):
        yield
        return
    ours = gc.get_freeze_count() == 0
    if ours:
        gc.freeze()
    try:
        yield
    finally:
        gc.collect(1)
        if ours:
            gc.unfreeze()


def link_early(
    definitions: Sequence[Definition], names: Names, stage: Stage
) -> tuple[list[Early], list[Definition]]:
    """What can be told already of some definitions, and those that name a table which is not staged yet.

    What is told holds if the names answer the same when all tables have come. Never raises for what SQL says.
    """
    early, rest = [], []
    readings = [_Reading(each) for each in definitions]
    with _trees_let_go(readings):
        while readings:
            reading = readings.pop()
            told = _look(reading, names, stage)
            if told is None:
                rest.append(reading.definition)
            else:
                early.append(told)
    early.reverse()
    rest.reverse()
    return early, rest


def _look(reading: _Reading, names: Names, stage: Stage) -> Early | None:
    """What one definition reads; None where it names a table that is not staged. Its tree is nobody's afterwards."""
    asked = Asked(names)
    definition = reading.definition
    columns = {definition.key: _staged_columns(stage, definition.key)}
    for parts in reading.tables:
        key = asked.find(parts, database=definition.database, schema=definition.schema)
        if key is None:
            return None
        columns[key] = _staged_columns(stage, key)
    known = {key: names_ for key, names_ in columns.items() if names_ is not None}
    if len(known) < len(columns):
        return None
    return Early(definition, _derive(reading, asked, known), asked)


def link_definitions(
    definitions: Sequence[Definition], names: Names, stage: Stage, columns_of: ColumnsOf
) -> Iterator[Derived]:
    """The edges of each definition. Never raises for what SQL says."""
    for start in range(0, len(definitions), BATCH):
        readings = [_Reading(each) for each in definitions[start : start + BATCH]]
        with _trees_let_go(readings):
            derived = _link_some(readings, names, stage, columns_of)
            readings.clear()
        yield from derived


def _link_some(batch: Sequence[_Reading], names: Names, stage: Stage, columns_of: ColumnsOf) -> list[Derived]:
    """The edges of some definitions."""
    wanted = {each.definition.key for each in batch}
    for each in batch:
        definition = each.definition
        for parts in each.tables:
            key = names.find(parts, database=definition.database, schema=definition.schema)
            if key is not None:
                wanted.add(key)
    columns = table_columns(wanted, stage, columns_of)
    return [_derive(each, names, columns) for each in batch]


def table_columns(keys: set[str], stage: Stage, columns_of: ColumnsOf) -> dict[str, tuple[str, ...]]:
    """Column names by key: of what is staged from the stage, of the rest from the catalog."""
    found: dict[str, tuple[str, ...]] = {}
    elsewhere = []
    for key in keys:
        staged = _staged_columns(stage, key)
        if staged is None:
            elsewhere.append(key)
        else:
            found[key] = staged
    if elsewhere:
        for key, columns in columns_of(elsewhere).items():
            found[key] = tuple(name for name, _type in columns)
    return found


def _staged_columns(stage: Stage, key: str) -> tuple[str, ...] | None:
    """Column names of a staged table; None where it is not staged."""
    staged = stage.staged_table(key)
    return None if staged is None else tuple(column[0] for column in staged[1])


def _derive(reading: _Reading, names: Names | Asked, columns: Mapping[str, tuple[str, ...]]) -> Derived:
    definition = reading.definition

    def find(parts: tuple[str, ...]) -> str | None:
        return names.find(parts, database=definition.database, schema=definition.schema)

    def lookup(parts: tuple[str, ...]) -> Sequence[str] | None:
        key = find(parts)
        return columns.get(key) if key is not None else None

    read = reading.lineage(lookup)
    derived = Derived(definition.key, definition.source, partial=read.partial)
    keys: dict[tuple[str, ...], str] = {}
    for parts in read.tables:
        key = find(parts)
        if key == definition.key:
            continue
        confidence = 0.7 if read.partial else 1.0
        if key is None:
            # A view's names were looked for in its own source; those of a chart or dataset lie in another.
            schema = definition.schema if definition.source != "view" and len(parts) == 1 else None
            name = ".".join((schema, *parts) if schema else parts)
            derived.edges.append(
                StagedEdge(name, definition.key, definition.source, confidence=confidence, loose="up")
            )
            continue
        keys[parts] = key
        derived.edges += (
            StagedEdge(each, definition.key, definition.source, confidence=confidence)
            for each in names.family(parts, database=definition.database, schema=definition.schema)
            if each != definition.key
        )
    own = columns.get(definition.key, ())
    namesakes = by_name([(name, name) for name in own])
    # A view's columns stand in the order of its query, whatever its column list calls them; those of anything else in
    # the order in which somebody told them.
    by_place = read.placed and definition.source == "view" and len(own) == len(read.columns)
    for i, (name, origins) in enumerate(read.columns):
        lower = own[i] if by_place else named_among(namesakes, name)
        if lower is None:
            continue
        for parts, column in origins:
            if parts in keys:
                upper = _actual(column, columns.get(keys[parts], ()))
                if upper is not None:
                    derived.edges.append(
                        StagedEdge(keys[parts], definition.key, definition.source, upper, lower, 1.0)
                    )
    return derived


def _actual(column: str, known: Sequence[str]) -> str | None:
    if column in known:
        return column
    folded = column.lower()
    return next((name for name in known if name.lower() == folded), None)
