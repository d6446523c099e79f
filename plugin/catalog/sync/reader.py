"""A connector's records on their way into a stage: masked, classified, linked. Keeps law 1.

Enters: records as the source has them. Leaves: the stage, without a literal of any SQL text. What has not changed
since the last sync is told by its fingerprint and costs nothing more.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from connectors.records import Asset, Database, Lineage, Record, Ref, Same, Schema, Table
from plugin.catalog.classify import classify, is_of_people
from plugin.catalog.mask import mask_default, mask_literals
from plugin.catalog.mask_facts import mask_named_sql, mask_properties, mask_type
from plugin.catalog.naming import Names
from plugin.store.staging import (
    Stage,
    StagedEdge,
    asset_key,
    database_key,
    raw_fingerprint,
    schema_key,
    table_facts,
    table_key,
)

if TYPE_CHECKING:
    from plugin.catalog.linking import ColumnsOf, Definition, Derived, Early

MOST_REMEMBERED = 20_000
READ_AS = 7
"""Counted up when SQL is read for lineage in another way: what has SQL then counts as changed once."""
EARLY = 100
"""Definitions that are linked together while the source is being read, when as many more have come after them."""


class _Known(Container[str]):
    """Identifiers of the whole source and of one table, looked up and not joined: a union for each view copies all."""

    def __init__(self, *sets: Container[str]) -> None:
        self._sets = sets

    def __contains__(self, name: object) -> bool:
        return any(name in each for each in self._sets)


STATEMENT = re.compile(r"\s*(select|with)\b", re.IGNORECASE)
"""What a metric is where it is not a formula, of which no lineage is read."""


class _MaskedColumns(dict[tuple[Any, ...], tuple[Any, ...]]):
    """What masking and classifying made of a column: a warehouse repeats `id` and its like by the thousand."""

    def __init__(self, dialect: str | None, of_people: bool) -> None:
        self._dialect = dialect
        self._of_people = of_people

    def __missing__(self, column: tuple[Any, ...]) -> tuple[Any, ...]:
        name, position, type_, nullable, default, description, tags = column
        made = self[column] = (
            name,
            position,
            mask_type(type_),
            nullable,
            mask_default(default, self._dialect),
            description,
            tags,
            *classify(name, type_, description, of_people=self._of_people),
        )
        return made


class Reader:
    """Takes a connector's records into a stage: masks what changed, remembers what lineage needs."""

    def __init__(self, stage: Stage, dialect: str | None, *, keep_literals: bool = False) -> None:
        self.stage = stage
        self.dialect = dialect
        self.keep_literals = keep_literals
        self.names = Names(stage.known.fingerprints)
        self.definitions: list[Definition] = []
        """SQL with its literals, of what changed; read for lineage and let go."""
        self.lineage: list[Lineage] = []
        self._early: list[Early] = []
        self._late: list[Definition] = []
        """Of those that were looked at early: what named a table that had not come."""
        self._link_early = stage.full or not stage.known.fingerprints
        """Is it worth while? What did not change is not staged, and what names it waits for the end."""
        self._seen_columns = {of_people: _MaskedColumns(dialect, of_people) for of_people in (False, True)}
        """Those of tables of people apart."""
        self._no_more: dict[str, Any] = {"dialect": dialect}
        """What the catalog found out about most tables, and they share."""

    def take(self, record: Record) -> None:
        """Stage one record, unless the catalog has it already."""
        if isinstance(record, Table):
            self.take_table(record)
            if self._link_early and len(self.definitions) >= 2 * EARLY:
                self._look_early()
        elif isinstance(record, Same):
            self._take_same(record)
        elif isinstance(record, Database):
            key = database_key(record.name)
            self._container(key, "database", record.name, None, record)
        elif isinstance(record, Schema):
            parent = database_key(record.database) if record.database else None
            self._container(schema_key(record.database, record.name), "schema", record.name, parent, record)
        elif isinstance(record, Asset):
            self.take_asset(record, dialect=record.dialect)
        elif isinstance(record, Lineage):
            self.lineage.append(record)

    def take_table(
        self, table: Table, *, key: str | None = None, extra: Mapping[str, Any] | None = None
    ) -> None:
        """Stage a table. `key` where the source names it otherwise than by its name."""
        key = key or table_key(table.database, table.schema, table.name)
        if table.raw is not None and not extra:
            fingerprint = raw_fingerprint(table.raw, self.stage.known.secret)
        else:
            facts = table_facts(table)
            told = facts if not extra else (facts, sorted(extra.items()))
            fingerprint = self.stage.fingerprint((told, READ_AS) if table.definition else told)
        if self._is_there_twice(key, table):
            return
        if self.stage.is_unchanged(key, fingerprint, 1 + len(table.columns)):
            return
        self.names.add(key, table.database, table.schema, table.name)
        more = {**self._no_more, **extra} if extra else self._no_more
        if table.definition:
            self._define(key, table.database, table.schema, table.definition, self.dialect)
            if self.keep_literals:
                more = {**more, "full_text": table.definition}
        self.stage.put_table(key, fingerprint, self._masked(table), more)

    def _take_same(self, table: Same) -> None:
        key = table_key(table.database, table.schema, table.name)
        if not self._is_there_twice(key, table):
            self.stage.is_same(key, 1 + table.columns)

    def _is_there_twice(self, key: str, table: Table | Same) -> bool:
        if key not in self.stage.seen:
            return False
        self.stage.problems.append(f"the source names {table.schema}.{table.name} twice; the first was taken")
        return True

    def _masked(self, table: Table) -> tuple[Any, ...]:
        """The facts with literals masked and each column classified."""
        columns = self._masked_columns(table.columns, self.dialect, table.name)
        head, columns, *rest = table_facts(table, columns)
        if table.definition:
            known = _Known(self.names.words, {column.name.lower() for column in table.columns})
            definition = mask_literals(table.definition, self.dialect, known)
            head = (*head[:6], definition, *head[7:])
        if table.properties:
            rest[-1] = sorted(mask_properties(table.properties, self.dialect).items())
        return (head, columns, *rest)

    def _masked_columns(
        self, columns: Sequence[tuple[Any, ...]], dialect: str | None, table: str
    ) -> list[tuple[Any, ...]]:
        """Columns with the literals of types and defaults masked, and what each looks like."""
        of_people = is_of_people(table)
        made = self._seen_columns[of_people]
        if dialect != self.dialect:
            made = _MaskedColumns(dialect, of_people)
        elif len(made) > MOST_REMEMBERED:
            made.clear()
        return list(map(made.__getitem__, columns))

    def take_asset(self, asset: Asset, *, dialect: str | None = None, parent_key: str | None = None) -> None:
        """Stage a dashboard, model, term, ..."""
        values: dict[str, Any] = {
            "kind": asset.kind,
            "name": asset.name,
            "parent_key": parent_key or self._parent_key(asset.parent),
            "description": asset.description,
            "definition": asset.definition,
            "tags": list(asset.tags),
            "owners": list(asset.owners),
            "url": asset.url,
            "popularity": asset.popularity,
            "changed_at": asset.changed_at.isoformat() if asset.changed_at else None,
            "properties": dict(asset.properties),
            "dialect": (dialect or self.dialect) if asset.definition else None,
        }
        columns = list(map(tuple, asset.columns))
        key = asset_key(asset.key)
        facts = tuple(sorted(values.items(), key=lambda item: item[0]))
        if asset.default_schema:
            facts = (*facts, ("default_schema", asset.default_schema))
        if asset.definition:
            facts = (*facts, ("read_as", READ_AS))
        fingerprint = self.stage.fingerprint((*facts, columns) if columns else facts)
        if key in self.stage.seen:
            self.stage.problems.append(
                f"the source names {asset.kind} {asset.key} twice; the first was taken"
            )
            return
        if self.stage.is_unchanged(key, fingerprint, 1 + len(columns)):
            return
        if columns:
            values["columns"] = self._masked_columns(columns, dialect or self.dialect, asset.name)
        if asset.definition and asset.kind not in ("term", "document"):
            at = asset.default_schema
            if asset.kind != "metric" or dialect or STATEMENT.match(asset.definition):
                self._define(key, None, at, asset.definition, dialect or self.dialect, asset.kind)
            values["definition"] = mask_literals(asset.definition, dialect or self.dialect)
            if self.keep_literals:
                values["full_text"] = asset.definition
        elif not asset.definition and key in self.stage.known.fingerprints:
            self.stage.relinked.add((key, asset.kind))  # what SQL told goes with it
        if asset.properties:
            values["properties"] = mask_named_sql(asset.properties, dialect or self.dialect)
        self.stage.put_asset(key, fingerprint, values)

    def _parent_key(self, parent: str | None) -> str | None:
        if parent is None:
            return None
        return self.names.find(tuple(parent.split("."))) or asset_key(parent)

    def _container(
        self, key: str, kind: str, name: str, parent_key: str | None, record: Database | Schema
    ) -> None:
        values = {
            "kind": kind,
            "name": name,
            "parent_key": parent_key,
            "description": record.description,
            "tags": list(record.tags),
            "properties": {"source_owner": record.owner} if record.owner else {},
        }
        fingerprint = self.stage.fingerprint(tuple(sorted(values.items(), key=lambda item: item[0])))
        if not self.stage.is_unchanged(key, fingerprint, 1):
            self.stage.put_asset(key, fingerprint, values)

    def _define(
        self, key: str, database: str | None, schema: str | None, sql: str, dialect: str | None,
        source: str = "view",
    ) -> None:  # fmt: skip
        # Loaded with the first definition, while the source makes the next: most sources have none.
        from plugin.catalog.linking import Definition

        self.definitions.append(Definition(key, database, schema, sql, dialect, source))

    def _look_early(self) -> None:
        """Link the oldest definitions: most name tables that have come, and the source makes the next meanwhile."""
        from plugin.catalog.linking import link_early

        early, late = link_early(self.definitions[:EARLY], self.names, self.stage)
        del self.definitions[:EARLY]
        self._early += early
        self._late += late
        self._link_early = len(late) <= len(early)

    def stated(self) -> Counter[str]:
        """How many edges between things the source stated, by where it has them from."""
        ends = {
            (each.source, replace(each.upstream, column=None), replace(each.downstream, column=None))
            for each in self.lineage
        }
        return Counter(source for source, _upper, _lower in ends)

    def link(self, columns_of: ColumnsOf) -> None:
        """Derive lineage from the definitions that changed, and take what the source itself stated."""
        late = [*self._late, *self.definitions]
        for each in self._early:
            if each.asked.would_say_the_same():
                self._take_derived(each.derived)
            else:
                late.append(each.definition)
        if late:
            from plugin.catalog.linking import link_definitions

            for derived in link_definitions(late, self.names, self.stage, columns_of):
                self._take_derived(derived)
        for stated in self.lineage:
            self._take_stated(stated)
        self._forget_own()

    def _forget_own(self) -> None:
        """An incremental model of dbt reads the table that it builds: that feeds nothing but itself."""
        built: dict[str, set[str]] = {}
        for edge in self.stage.edges:
            if edge.loose == "down":
                built.setdefault(edge.upstream, set()).add(f".{edge.downstream.lower()}")
        if not built:
            return

        def is_own(edge: StagedEdge) -> bool:
            name = f".{edge.upstream.lower()}"
            if edge.loose != "up" or name.count(".") < 2:  # a bare name may be of another schema
                return False
            return any(own.endswith(name) for own in built.get(edge.downstream, ()))

        self.stage.edges = [edge for edge in self.stage.edges if not is_own(edge)]

    def _take_derived(self, derived: Derived) -> None:
        self.stage.relinked.add((derived.key, derived.source))
        if not derived.partial:
            self.stage.complete.add(derived.key)
        self.stage.edges += derived.edges

    def _take_stated(self, stated: Lineage) -> None:
        lower = self._end(stated.downstream)
        upper = self._end(stated.upstream)
        if lower is None:
            self._feeds_another(stated, upper)
            return
        self.stage.stated_sources.add(stated.source)
        columns = (stated.upstream.column, stated.downstream.column)
        if upper is not None:
            self.stage.edges.append(StagedEdge(upper, lower, stated.source))
            if all(columns):
                self.stage.edges.append(StagedEdge(upper, lower, stated.source, columns[0], columns[1]))
        elif stated.upstream.table:
            parts = (stated.upstream.database, stated.upstream.schema, stated.upstream.table)
            name = ".".join(part for part in parts if part)
            self.stage.edges.append(StagedEdge(name, lower, stated.source, loose="up"))

    def _feeds_another(self, stated: Lineage, upper: str | None) -> None:
        """A table of another integration, as the one that a dbt model builds in a warehouse."""
        ref = stated.downstream
        if upper is not None and ref.table:
            self.stage.stated_sources.add(stated.source)
            name = ".".join(part for part in (ref.database, ref.schema, ref.table) if part)
            self.stage.edges.append(StagedEdge(upper, name, stated.source, loose="down"))

    def _end(self, ref: Ref) -> str | None:
        if ref.key is not None:
            key = asset_key(ref.key)
            return key if key in self.stage.seen or key in self.stage.known.fingerprints else None
        if ref.table is None:
            return None
        return self.names.find(tuple(part for part in (ref.database, ref.schema, ref.table) if part))
