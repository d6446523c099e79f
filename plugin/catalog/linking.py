"""Definitions that changed -> edges between the keys of an integration's tables.

Enters: views with their SQL, the names of the integration, the columns of what they read. Leaves: staged edges, and
for each definition whether all of it was understood.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from plugin.catalog.lineage import last_of, lineages, tables_in
from plugin.catalog.naming import Names
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


def link_definitions(
    definitions: Sequence[Definition], names: Names, stage: Stage, columns_of: ColumnsOf
) -> Iterator[Derived]:
    """The edges of each definition. Never raises for what SQL says."""
    for start in range(0, len(definitions), BATCH):
        yield from _link_some(definitions[start : start + BATCH], names, stage, columns_of)
        # Trees know their parents, so only this frees those of the batch; what is older is not looked at.
        gc.collect(1)


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
        staged = stage.staged_table(key)
        if staged is None:
            elsewhere.append(key)
        else:
            found[key] = tuple(column[0] for column in staged[1])
    if elsewhere:
        for key, columns in columns_of(elsewhere).items():
            found[key] = tuple(name for name, _type in columns)
    return found


def _derive(
    definition: Definition,
    statements: list[Statement],
    names: Names,
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
            name = ".".join(parts)
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
