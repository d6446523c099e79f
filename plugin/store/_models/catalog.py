"""The catalog's tables: resources, what hangs on them, and the zones that say which teams see what.

Visibility is a zone: the nearest thing above a resource (or the resource itself) on which a grant can be
made. Every integration, database, schema and dashboard group is a zone, and so is a single resource that
somebody granted on its own. `zone_teams` holds the effective teams of each zone, inherited ones included, so
a grant rewrites a few rows of `zone_teams` and never the resources. Terms and documents that people write
live in the workspace's own zone, which has neither integration nor resource.

The big tables (resources, keys, edges) carry no foreign keys: only `ingest` and `edits` write them, a sync
removes what belongs to a thing together with it, and a constraint check per row would cost a third of a first
sync. A column carries its table's zone, so a read of columns needs no join to be safe.

One file because the tables only mean something together.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
    true,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine

from plugin.store._models.base import Base, Moment


class Json(TypeDecorator[Any]):
    """JSON, on PostgreSQL as jsonb, whose dialect is loaded only there: it takes a twentieth of a command's start."""

    impl = JSON
    cache_ok = True
    hashable = False

    def __init__(self) -> None:
        super().__init__(none_as_null=True)

    @property
    def python_type(self) -> type[Any]:
        """What most of its values are."""
        return dict

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The database's own type."""
        if dialect.name != "postgresql":
            return dialect.type_descriptor(self.impl_instance)
        from sqlalchemy.dialects.postgresql import JSONB

        return dialect.type_descriptor(JSONB(none_as_null=True))


# SQLite gives an automatic key only to a column that is called INTEGER.
Id = BigInteger().with_variant(Integer, "sqlite")
# By code point on both databases, so that a cursor means the same and a prefix can use the index.
Folded = Text().with_variant(Text(collation="C"), "postgresql")

NOT_COLUMN = text("kind <> 'column'")
IS_COLUMN = text("kind = 'column'")


class ResourceRow(Base):
    """One thing in the catalog: a database, schema, table, view, column, dashboard, term, document, ..."""

    __tablename__ = "resources"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[int] = mapped_column(Integer)
    integration_id: Mapped[int | None] = mapped_column(Integer)
    """None for terms and documents that people wrote here."""
    kind: Mapped[str] = mapped_column(String(32))
    parent_id: Mapped[int | None] = mapped_column(Id)
    asset_id: Mapped[int] = mapped_column(Id)
    """The table a column belongs to; for everything else the resource itself."""
    zone_id: Mapped[int] = mapped_column(Integer)
    source_key: Mapped[str | None] = mapped_column(Text)
    """What names it at the source, unique in the integration; None for a column and for what people wrote."""
    name: Mapped[str] = mapped_column(Text)
    name_folded: Mapped[str] = mapped_column(Folded)
    qualified_name: Mapped[str] = mapped_column(Text)
    qualified_folded: Mapped[str | None] = mapped_column(Text)
    """Lower case, for lookups; None for a column, which is found through its table."""
    description: Mapped[str | None] = mapped_column(Text)
    source_description: Mapped[str | None] = mapped_column(Text)
    """The source's description where a person's stands in `description`."""
    definition: Mapped[str | None] = mapped_column(Text)
    """SQL with its literals masked; the body of a term or document."""
    source_definition: Mapped[str | None] = mapped_column(Text)
    """The source's text of `definition` where a person's stands there."""
    edited: Mapped[str | None] = mapped_column(Text)
    """Names of the fields that a person set, comma separated; a smart import leaves these alone."""
    native_type: Mapped[str | None] = mapped_column(Text)
    position: Mapped[int | None] = mapped_column(Integer)
    nullable: Mapped[bool | None] = mapped_column(Boolean)
    default_sql: Mapped[str | None] = mapped_column(Text)
    is_pk: Mapped[bool] = mapped_column(Boolean, server_default=false())
    popularity: Mapped[float] = mapped_column(Float, server_default=text("0"))
    verified: Mapped[bool] = mapped_column(Boolean, server_default=false())
    published: Mapped[bool] = mapped_column(Boolean, server_default=true())
    sensitivity: Mapped[str | None] = mapped_column(String(16))
    """"personal" or "secret" as classified, or a person's decision: then `edited` names it."""
    sensitivity_confidence: Mapped[float | None] = mapped_column(Float)
    row_estimate: Mapped[int | None] = mapped_column(BigInteger)
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    changed_at: Mapped[datetime | None] = mapped_column(Moment)
    analyzed_at: Mapped[datetime | None] = mapped_column(Moment)
    synced_at: Mapped[datetime | None] = mapped_column(Moment)
    """When a sync or a person last wrote this row (an unchanged thing is not written)."""
    stale_since: Mapped[datetime | None] = mapped_column(Moment)
    url: Mapped[str | None] = mapped_column(Text)
    dialect: Mapped[str | None] = mapped_column(String(32))
    columns_count: Mapped[int | None] = mapped_column(Integer)
    """How many columns a table has, so that a list of tables needs no count."""
    fingerprint: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    properties: Mapped[dict[str, Any] | None] = mapped_column(Json)
    """Everything else: indexes, partitions, source_owner, synonyms of a term, the source's own properties."""

    __table_args__ = (
        Index("ix_resources_zone", "zone_id", "kind"),
        Index(
            "ix_resources_columns",
            "parent_id",
            "position",
            sqlite_where=IS_COLUMN,
        ),
        Index(
            "ix_resources_children",
            "parent_id",
            "name_folded",
            "id",
            sqlite_where=NOT_COLUMN,
        ),
        Index(
            "ix_resources_list",
            "workspace_id",
            "kind",
            "name_folded",
            "id",
            sqlite_where=NOT_COLUMN,
        ),
        Index(
            "ix_resources_name",
            "workspace_id",
            "name_folded",
            "id",
            sqlite_where=NOT_COLUMN,
        ),
        Index(
            "ix_resources_popular",
            "workspace_id",
            "kind",
            "popularity",
            "id",
            sqlite_where=NOT_COLUMN,
        ),
        Index(
            "uq_resources_source_key",
            "integration_id",
            "source_key",
            unique=True,
            sqlite_where=NOT_COLUMN,
        ),
        # An id is never given twice: a citation in an old chat points at what it meant, or at nothing.
        {"sqlite_autoincrement": True},
    )


class FullTextRow(Base):
    """SQL with its literals, kept only where an admin asked for it; for people's eyes, never for a tool."""

    __tablename__ = "resource_full_texts"

    resource_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    workspace_id: Mapped[int] = mapped_column(Integer)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class TagRow(Base):
    """One tag on one resource. `origin` is "source" or "person"; a sync touches its own only."""

    __tablename__ = "resource_tags"

    resource_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    tag: Mapped[str] = mapped_column(String(200), primary_key=True)
    workspace_id: Mapped[int] = mapped_column(Integer)
    origin: Mapped[str] = mapped_column(String(16))

    __table_args__ = (Index("ix_resource_tags_tag", "workspace_id", "tag", "resource_id"),)


class OwnerRow(Base):
    """One owner of one resource: a member, a group, or a name that only the source knows."""

    __tablename__ = "resource_owners"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    resource_id: Mapped[int] = mapped_column(Id)
    workspace_id: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(Text)
    member_id: Mapped[int | None] = mapped_column(Integer, index=True)
    group_id: Mapped[int | None] = mapped_column(Integer, index=True)
    origin: Mapped[str] = mapped_column(String(16))

    __table_args__ = (
        Index("ix_resource_owners_resource", "resource_id"),
        Index("ix_resource_owners_name", "workspace_id", "name"),
    )


class KeyRow(Base):
    """A key of a table: primary, unique or foreign. `ref_id` is None where its target is unknown."""

    __tablename__ = "resource_keys"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[int] = mapped_column(Integer)
    integration_id: Mapped[int] = mapped_column(Integer)
    table_id: Mapped[int] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(Text)
    columns: Mapped[list[str]] = mapped_column(Json)
    ref_key: Mapped[str | None] = mapped_column(Text)
    """The `source_key` of the target, so that a target which comes later is still found."""
    ref_id: Mapped[int | None] = mapped_column(Id)
    ref_columns: Mapped[list[str]] = mapped_column(Json)

    __table_args__ = (
        Index("ix_resource_keys_table", "table_id"),
        Index("ix_resource_keys_ref", "ref_id"),
    )


class EdgeRow(Base):
    """Lineage from one table or asset to another; the column ids narrow it to columns."""

    __tablename__ = "edges"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[int] = mapped_column(Integer)
    integration_id: Mapped[int | None] = mapped_column(Integer)
    """The integration whose sync found it; None for an edge that a person drew."""
    upstream_id: Mapped[int] = mapped_column(Id)
    downstream_id: Mapped[int] = mapped_column(Id)
    upstream_column_id: Mapped[int | None] = mapped_column(Id)
    downstream_column_id: Mapped[int | None] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(String(16))
    """"table" or "column"."""
    source: Mapped[str] = mapped_column(String(32))
    confidence: Mapped[float] = mapped_column(Float, server_default=text("1"))
    query_id: Mapped[int | None] = mapped_column(Id)
    """Of an edge that a query log told: who may know it must see what has this number in `QueryTableRow`."""

    __table_args__ = (
        Index("ix_edges_upstream", "upstream_id", "kind", "downstream_id"),
        Index("ix_edges_downstream", "downstream_id", "kind", "upstream_id"),
    )


class LooseEndRow(Base):
    """An upstream name that a definition uses and that its own integration does not have.

    Another integration may have it (a dbt project over a warehouse, a view over a linked server): each sync
    tries again to tie these up.
    """

    __tablename__ = "loose_ends"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[int] = mapped_column(Integer, index=True)
    integration_id: Mapped[int] = mapped_column(Integer)
    resource_id: Mapped[int] = mapped_column(Id, index=True)
    name_folded: Mapped[str] = mapped_column(Text)
    direction: Mapped[str] = mapped_column(String(8))
    """"up": the name feeds the resource; "down": the resource feeds the name."""
    source: Mapped[str] = mapped_column(String(32))
    name_column: Mapped[str | None] = mapped_column(Text)
    """Of an edge that a person drew from column to column: the column of what has the name."""
    resource_column: Mapped[str | None] = mapped_column(Text)
    """The resource's own column of that edge, by name."""


class ObservedJoinRow(Base):
    """Two tables that a frequent query joined, and on which pairs of columns: for whoever sees that query."""

    __tablename__ = "observed_joins"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[int] = mapped_column(Integer)
    integration_id: Mapped[int] = mapped_column(Integer)
    left_id: Mapped[int] = mapped_column(Id, index=True)
    right_id: Mapped[int] = mapped_column(Id, index=True)
    pairs: Mapped[list[list[str]]] = mapped_column(Json)
    runs: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    query_id: Mapped[int | None] = mapped_column(Id)
    """None of a join from before revision 0006: nobody is told it."""


class FrequentQueryRow(Base):
    """One masked statement of a query log, for whoever sees every table it touches. No names of people."""

    __tablename__ = "frequent_queries"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[int] = mapped_column(Integer)
    integration_id: Mapped[int] = mapped_column(Integer, index=True)
    sql: Mapped[str] = mapped_column(Text)
    runs: Mapped[int] = mapped_column(Integer)
    users: Mapped[int] = mapped_column(Integer)
    last_run: Mapped[datetime | None] = mapped_column(Moment)
    costs: Mapped[dict[str, float] | None] = mapped_column(Json)
    """What its runs cost in all, by unit; None where the source does not tell."""


class QueryTableRow(Base):
    """A table that a frequent query touches; below zero, one that statements name which told lineage
    (`plugin.store._merge_witnesses`).
    """

    __tablename__ = "frequent_query_tables"

    query_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    resource_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False, index=True)
    workspace_id: Mapped[int] = mapped_column(Integer)


class ZoneRow(Base):
    """A place where a grant can be made. No resource: the integration; neither: the workspace's own zone."""

    __tablename__ = "zones"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    integration_id: Mapped[int | None] = mapped_column(
        ForeignKey("integrations.id", ondelete="CASCADE"), index=True
    )
    resource_id: Mapped[int | None] = mapped_column(Id, index=True)
    parent_id: Mapped[int | None] = mapped_column(Integer, index=True)

    __table_args__ = ({"sqlite_autoincrement": True},)


class ZoneTeamRow(Base):
    """The effective teams of a zone: those granted on it and on any zone above it."""

    __tablename__ = "zone_teams"

    zone_id: Mapped[int] = mapped_column(ForeignKey("zones.id", ondelete="CASCADE"), primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True)
    workspace_id: Mapped[int] = mapped_column(Integer)

    __table_args__ = (Index("ix_zone_teams_team", "team_id", "zone_id"),)


class GrantRow(Base):
    """What an admin said: this team sees this zone and everything below it."""

    __tablename__ = "grants"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"))
    zone_id: Mapped[int] = mapped_column(ForeignKey("zones.id", ondelete="CASCADE"), index=True)

    __table_args__ = (UniqueConstraint("team_id", "zone_id"),)


class ZoneCountRow(Base):
    """How many resources of a kind a zone has; written by syncs and edits so that counts need no scan."""

    __tablename__ = "zone_counts"

    zone_id: Mapped[int] = mapped_column(ForeignKey("zones.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    workspace_id: Mapped[int] = mapped_column(Integer)
    resources: Mapped[int] = mapped_column(Integer)


class ProposalRow(Base):
    """A change that somebody proposes; an editor accepts or declines it."""

    __tablename__ = "proposals"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    resource_id: Mapped[int | None] = mapped_column(Id, index=True)
    """None for a new glossary term."""
    field: Mapped[str] = mapped_column(String(32))
    value: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16), server_default="open")
    member_id: Mapped[int | None] = mapped_column(Integer, index=True)
    proposed_by: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(Moment)
    decided_by: Mapped[str | None] = mapped_column(Text)
    decided_at: Mapped[datetime | None] = mapped_column(Moment)


class ActivityRow(Base):
    """One change of a resource, by a person or by a sync: which field, before and after."""

    __tablename__ = "activity"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[int] = mapped_column(Integer)
    resource_id: Mapped[int] = mapped_column(Id, index=True)
    at: Mapped[datetime] = mapped_column(Moment)
    who: Mapped[str] = mapped_column(Text)
    field: Mapped[str] = mapped_column(String(32))
    before: Mapped[str | None] = mapped_column(Text)
    after: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (Index("ix_activity_recent", "workspace_id", "at"),)


class DriftRow(Base):
    """One difference that a sync found: one of `plugin.store.shapes.CHANGES`."""

    __tablename__ = "drift"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[int] = mapped_column(Integer)
    integration_id: Mapped[int] = mapped_column(Integer, index=True)
    zone_id: Mapped[int] = mapped_column(Integer)
    """Kept with the row, since what was removed is no longer there to ask."""
    at: Mapped[datetime] = mapped_column(Moment)
    change: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(32))
    resource_id: Mapped[int | None] = mapped_column(Id)
    qualified_name: Mapped[str] = mapped_column(Text)
    before: Mapped[str | None] = mapped_column(Text)
    after: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (Index("ix_drift_recent", "workspace_id", "at"),)
