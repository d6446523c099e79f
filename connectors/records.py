"""What every connector yields: frozen records of metadata, and nothing that carries a value of a row.

A `Table` carries its columns, keys and indexes, so that one fingerprint covers a table and a sync of an
unchanged source compares one hash a table. Records arrive parents first: databases, schemas, tables, then
everything else, then lineage. SQL text (`definition`, `default`) is as the source has it; the catalog masks
its literals before anything is stored. Times are timezone-aware UTC datetimes; sizes are bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

TableKind = Literal[
    "table", "view", "materialized_view", "foreign_table", "partitioned_table", "external_table"
]
AssetKind = Literal[
    "dashboard_group", "dashboard", "chart", "model", "metric", "job", "term", "document", "query", "dataset"
]
CostUnit = Literal[
    "bytes_billed", "bytes_scanned", "bytes_read", "credits", "slot_seconds", "task_seconds", "seconds"
]
"""What a vendor counts: bytes that it bills or reads, credits, seconds of a slot or task, seconds of the engine."""


@dataclass(frozen=True, slots=True)
class Database:
    """One database (catalog) of a source. Engines without that level yield none."""

    name: str
    description: str | None = None
    owner: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Schema:
    """One schema. `database` is None where the engine has no level above the schema (MySQL, SQLite)."""

    database: str | None
    name: str
    description: str | None = None
    owner: str | None = None
    tags: tuple[str, ...] = ()


class Column(NamedTuple):
    """One column, in the order of the table. `default` is SQL text as the source has it.

    A tuple, since a source has hundreds of thousands: made, hashed and compared in a fifth of a dataclass's time.
    """

    name: str
    position: int
    native_type: str
    nullable: bool = True
    default: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Key:
    """A primary, unique or foreign key; the `ref_` fields are set for a foreign key only."""

    kind: Literal["primary", "unique", "foreign"]
    name: str
    columns: tuple[str, ...]
    ref_schema: str | None = None
    ref_table: str | None = None
    ref_columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Index:
    """An index: its name, method (btree, gin, ...) and columns; expressions stand as '(expression)'."""

    name: str
    columns: tuple[str, ...]
    unique: bool = False
    method: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view with everything that belongs to it. `dialect` is sqlglot's name for `definition`."""

    database: str | None
    schema: str
    name: str
    kind: TableKind = "table"
    description: str | None = None
    owner: str | None = None
    columns: tuple[Column, ...] = ()
    keys: tuple[Key, ...] = ()
    indexes: tuple[Index, ...] = ()
    definition: str | None = None
    row_estimate: int | None = None
    size_bytes: int | None = None
    analyzed_at: datetime | None = None
    changed_at: datetime | None = None
    partitions: int | None = None
    tags: tuple[str, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = field(default=None, repr=False, compare=False)
    """All that the source told of it, as bytes, where the connector was asked to compare: see `abilities.Compares`."""


@dataclass(frozen=True, slots=True)
class Asset:
    """Anything that is not a database, schema or table: dashboards, charts, models, jobs, terms, documents.

    `key` is stable and unique in the source; `parent` is the key of another asset or a qualified table name.
    """

    kind: AssetKind
    key: str
    name: str
    parent: str | None = None
    description: str | None = None
    definition: str | None = None
    owners: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    url: str | None = None
    popularity: float | None = None
    changed_at: datetime | None = None
    properties: Mapping[str, str] = field(default_factory=dict)
    columns: tuple[Column, ...] = ()
    """Columns of a model or dataset, where the source describes them."""
    dialect: str | None = None
    """sqlglot's name of the dialect that `definition` is written in; None where it is no SQL."""
    default_schema: str | None = None
    """Where `definition` runs: the schema of the names in it that have none."""


@dataclass(frozen=True, slots=True)
class Ref:
    """Names one end of a lineage edge: an asset by `key`, or a table (and column) by its parts."""

    key: str | None = None
    database: str | None = None
    schema: str | None = None
    table: str | None = None
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Lineage:
    """One edge that the source itself states. `source` says where it was read ("dbt", "unity", ...)."""

    upstream: Ref
    downstream: Ref
    source: str


@dataclass(frozen=True, slots=True)
class Query:
    """One statement of a query log, folded: how often, by how many, when last. Literals are masked later."""

    sql: str
    runs: int = 1
    users: tuple[str, ...] = ()
    last_run: datetime | None = None
    database: str | None = None
    default_schema: str | None = None
    runs_of: tuple[int, ...] = ()
    """How often each of `users` ran it, where the source tells; they sum up to `runs`."""
    costs: Mapping[CostUnit, float] = field(default_factory=dict)
    """What `runs` came to in all, by whomever, in the vendor's own units; only of a log of the last 30 days."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Not a record of the catalog: a sign of life for whoever watches. `total` is None where unknown."""

    stage: str
    done: int
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Same:
    """Not a record of the catalog: a table of which the source tells what it told the last time. See `Compares`."""

    database: str | None
    schema: str
    name: str
    columns: int
    """How many it has."""


@dataclass(frozen=True, slots=True)
class Unread:
    """Not a record of the catalog: a part of the source that the role may not read, `what` in words.

    People read it with the sync. Where the role could read it the last time, and tables, assets, owners, tags or edges
    would go now, the sync changes nothing rather than remove them.
    """

    what: str
    things: bool = True
    """Are there things that only this part tells of? Without it nothing goes where it is sizes or costs alone."""

    def __str__(self) -> str:
        return f"no right to read {self.what}: left out"


@dataclass(frozen=True, slots=True)
class Untold(Unread):
    """No record either: what the source does not tell this time, `what` as a sentence. People read it with the sync."""

    things: bool = False

    def __str__(self) -> str:
        return self.what


Record = Database | Schema | Table | Same | Asset | Lineage | Query | Progress | Unread
