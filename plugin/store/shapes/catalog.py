"""The catalog: things, what lies between them, what was found. See the package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class Owner:
    """A person or a group that owns a resource. `member_id` is None for a name that only the source knows."""

    name: str
    email: str | None = None
    member_id: int | None = None
    group_id: int | None = None


@dataclass(frozen=True, slots=True)
class Resource:
    """One thing in the catalog as its viewer sees it."""

    id: int
    kind: str
    name: str
    qualified_name: str
    integration_id: int
    integration: str
    parent_id: int | None = None
    path: tuple[str, ...] = ()
    """Names from the outermost container down to the parent: (database, schema) of a table, plus table of a column."""
    description: str | None = None
    definition: str | None = None
    """SQL of a view or model with its literals masked; the body of a term or document."""
    native_type: str | None = None
    position: int | None = None
    nullable: bool | None = None
    default: str | None = None
    is_pk: bool = False
    tags: tuple[str, ...] = ()
    owners: tuple[Owner, ...] = ()
    popularity: float = 0.0
    """0 to 1 within the workspace."""
    verified: bool = False
    published: bool = True
    sensitivity: str | None = None
    """"personal", "secret" or None, as classified or decided by a person."""
    sensitivity_confidence: float | None = None
    """How sure the classification is, 0 to 1; None where there is none and where a person decided."""
    row_estimate: int | None = None
    size_bytes: int | None = None
    changed_at: datetime | None = None
    analyzed_at: datetime | None = None
    synced_at: datetime | None = None
    stale_since: datetime | None = None
    last_sync_at: datetime | None = None
    """When its integration was last synced as a whole; `synced_at` is when this very thing was last written."""
    sync_failed: bool = False
    """A sync of its integration failed since."""
    url: str | None = None
    dialect: str | None = None
    children: int = 0
    """How many direct children this viewer may see (columns of a table, tables of a schema)."""
    properties: Mapping[str, Any] = field(default_factory=dict)
    """Everything else: partitions, source_owner, synonyms of a term, keys are NOT here (see `Key`)."""


class PlainColumn(NamedTuple):
    """A column as a schema text tells it: of many tables at once, with nothing that must be looked up beside it."""

    id: int
    table_id: int
    name: str
    native_type: str | None
    is_pk: bool
    description: str | None


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a table. For a foreign key `ref` is the referenced table's qualified name, None where hidden."""

    kind: str
    name: str
    columns: tuple[str, ...]
    ref: str | None = None
    ref_id: int | None = None
    ref_columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Index:
    """An index of a table."""

    name: str
    columns: tuple[str, ...]
    unique: bool = False
    method: str | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """Lineage between two resources that the viewer may both see. `source`: view, dbt, query_log, vendor, manual."""

    upstream_id: int
    upstream: str
    downstream_id: int
    downstream: str
    kind: str
    source: str
    upstream_column: str | None = None
    downstream_column: str | None = None
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Lineage:
    """A neighbourhood: the resources on it by id, and the edges among them. `cut` is True where the limit ended it."""

    start_id: int
    resources: Mapping[int, Resource]
    edges: tuple[Edge, ...]
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Join:
    """A way to join two tables: `on` is pairs of (left column, right column)."""

    left_id: int
    left: str
    right_id: int
    right: str
    on: tuple[tuple[str, str], ...]
    source: str
    """"foreign key", "observed", or "names" where nothing but the names of columns tells it."""


class FrequentQuery(NamedTuple):
    """A statement of the query log whose every table its reader sees: masked, with how often it ran.

    `costs` is what those runs came to in all, by unit (see `plugin.catalog.costs`); empty where the source tells none.
    `people` is how many ran it, never who; 0 where the source tells no accounts. `last_run` likewise, where it is told.
    """

    sql: str
    runs: int
    costs: Mapping[str, float]
    people: int = 0
    last_run: datetime | None = None


class TableUse(NamedTuple):
    """How a table is queried, over the kept statements whose every table the reader sees.

    `people` is how many ran the one statement that most people ran: whether others ran another is not kept. 0 where the
    source tells no accounts; there accounts of services count too.
    """

    statements: int = 0
    runs: int = 0
    people: int = 0
    last_run: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """One search result. `score` is higher for better; `why` holds (field, excerpt) pairs that matched."""

    rank: int
    score: float
    resource: Resource
    why: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A page of search results with facet counts (facet -> value -> count, over what this viewer may see)."""

    hits: tuple[Hit, ...]
    total: int
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    did_you_mean: str | None = None
    beside: tuple[Resource, ...] = ()
    """What the same words find of other kinds, where that was asked for."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of resources by cursor; `next_cursor` is None at the end."""

    items: tuple[Resource, ...]
    next_cursor: str | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class AiUse:
    """May the assistant use this resource for this viewer, and which rule decided."""

    allowed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Activity:
    """One change of a resource: who, when, which field. Values are kept for descriptions and the like, never rows."""

    at: datetime
    who: str
    field: str
    before: str | None
    after: str | None


CHANGES = ("added", "removed", "retyped", "required", "optional", "rekeyed", "redescribed", "redefined")
"""What a sync may find changed. A column becomes `required` (NOT NULL) or `optional`; `rekeyed` is a table whose
primary, unique or foreign keys came or went: what breaks a load is told, though no type changed."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference that a sync found at the source: `change` is one of CHANGES."""

    at: datetime
    change: str
    kind: str
    qualified_name: str
    integration: str
    resource_id: int | None = None
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that somebody (or the assistant for them) proposes and an editor accepts or declines."""

    id: int
    resource_id: int
    qualified_name: str
    field: str
    value: str
    state: str
    proposed_by: str
    at: datetime
