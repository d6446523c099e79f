"""Definitions that changed -> edges between the keys of an integration's tables.

Enters: views with their SQL, the names of the integration, the columns of what they read. Leaves: staged edges, and
for each definition whether all of it was understood.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from plugin.catalog.lineage import last_of, lineages, tables_in
from plugin.catalog.naming import Asked, Names
from plugin.catalog.sql_text import Statement, statements_in
from plugin.store.staging import Stage, StagedEdge

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


@contextmanager
def _trees_let_go() -> Iterator[None]:
    """At its end free the trees that were made within. They know their parents, so only a look for cycles frees them;
    what is older, hundreds of thousands of staged tuples, is set aside and not looked at. A server has set aside what
    it began with (web/serve.py): giving that back would cost its slowest requests.
    """
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
    with _trees_let_go():
        for each in definitions:
            told = _look(each, names, stage)
            if told is None:
                rest.append(each)
            else:
                early.append(told)
    return early, rest


def _look(definition: Definition, names: Names, stage: Stage) -> Early | None:
    """What one definition reads; None where it names a table that is not staged. Its tree is nobody's afterwards."""
    asked = Asked(names)
    statements = statements_in(definition.sql, definition.dialect)
    columns = {definition.key: _staged_columns(stage, definition.key)}
    for parts in tables_in(statements):
        key = asked.find(parts, database=definition.database, schema=definition.schema)
        if key is None:
            return None
        columns[key] = _staged_columns(stage, key)
    known = {key: names_ for key, names_ in columns.items() if names_ is not None}
    if len(known) < len(columns):
        return None
    return Early(definition, _derive(definition, statements, asked, known), asked)


def link_definitions(
    definitions: Sequence[Definition], names: Names, stage: Stage, columns_of: ColumnsOf
) -> Iterator[Derived]:
    """The edges of each definition. Never raises for what SQL says."""
    for start in range(0, len(definitions), BATCH):
        with _trees_let_go():
            derived = _link_some(definitions[start : start + BATCH], names, stage, columns_of)
        yield from derived


def _link_some(
    batch: Sequence[Definition], names: Names, stage: Stage, columns_of: ColumnsOf
) -> list[Derived]:
    """The edges of some definitions. Their trees are nobody's when it returns."""
    read = [statements_in(each.sql, each.dialect) for each in batch]
    wanted = {each.key for each in batch}
    for each, statements in zip(batch, read, strict=True):
        for parts in tables_in(statements):
            key = names.find(parts, database=each.database, schema=each.schema)
            if key is not None:
                wanted.add(key)
    columns = table_columns(wanted, stage, columns_of)
    return [_derive(each, statements, names, columns) for each, statements in zip(batch, read, strict=True)]


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


def _derive(
    definition: Definition,
    statements: list[Statement],
    names: Names | Asked,
    columns: Mapping[str, tuple[str, ...]],
) -> Derived:
    def find(parts: tuple[str, ...]) -> str | None:
        return names.find(parts, database=definition.database, schema=definition.schema)

    def lookup(parts: tuple[str, ...]) -> Sequence[str] | None:
        key = find(parts)
        return columns.get(key) if key is not None else None

    read = last_of(lineages(statements, lookup), definition.sql)
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
    by_folded = {name.lower(): name for name in own}
    same_length = len(own) == len(read.columns)
    for i, (name, origins) in enumerate(read.columns):
        # A view's columns stand in the order of its query, whatever its column list calls them.
        lower = own[i] if same_length else by_folded.get(name.lower())
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
