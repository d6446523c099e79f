"""Rows of the catalog become the frozen values that leave the store.

Enters: rows that `_visible` let through. Leaves: `Resource` values with names, owners, tags and paths, loaded in bulk
(a constant number of queries for a page of any length). A parent that the reader may not see is left out, and so is
the SQL of a view that names a table which does not exist for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, bindparam, func, literal_column, not_, select, union
from sqlalchemy.orm import aliased

from plugin.errors import NotFound
from plugin.store import shapes
from plugin.store._around_rows import (
    NEVER,
    Beside,
    Paths,
    is_one_of,
    kept,
    rows_of,
    told_around,
    with_around,
)
from plugin.store._around_rows import beside as read_beside
from plugin.store._around_rows import paths as read_paths
from plugin.store._chunks import chunks as chunks
from plugin.store._context import Context
from plugin.store._models.catalog import EdgeRow, LooseEndRow, ResourceRow
from plugin.store._models.integrations import IntegrationRow
from plugin.store._visible import sees_everything, visible

A_PAGE = 60
"""Rows that are read with what belongs to them; for more of them a read for all of it is quicker."""
ABSENT = "there is no such resource, or you may not see it"
DRAWN = "manual"
"""The source of an edge that a person drew."""
LOGGED = "query_log"
"""The source of edges that statements told."""
NOT_OF_ITS_SQL = (DRAWN, LOGGED)
"""Sources of edges that say nothing of the SQL that a thing itself has: people, and statements that write it."""
COLUMN: Any = literal_column("'column'")
"""As it is in the indexes: SQLite takes one of a part of the rows only where the statement says the same."""
LISTED = (
    ResourceRow.id,
    ResourceRow.kind,
    ResourceRow.name,
    ResourceRow.qualified_name,
    ResourceRow.integration_id,
    ResourceRow.parent_id,
    ResourceRow.description,
    ResourceRow.definition,
    ResourceRow.native_type,
    ResourceRow.position,
    ResourceRow.nullable,
    ResourceRow.default_sql,
    ResourceRow.is_pk,
    ResourceRow.popularity,
    ResourceRow.verified,
    ResourceRow.published,
    ResourceRow.sensitivity,
    ResourceRow.sensitivity_confidence,
    ResourceRow.row_estimate,
    ResourceRow.size_bytes,
    ResourceRow.changed_at,
    ResourceRow.analyzed_at,
    ResourceRow.synced_at,
    ResourceRow.stale_since,
    ResourceRow.url,
    ResourceRow.dialect,
    ResourceRow.columns_count,
    ResourceRow.properties,
    ResourceRow.name_folded,
)
_AT = {column.key: at for at, column in enumerate(LISTED)}
# Where these are in a row: rows of the driver know no names.
KIND, PARENT, DEFINITION, COLUMNS_COUNT, PROPERTIES = (
    _AT[name] for name in ("kind", "parent_id", "definition", "columns_count", "properties")
)
NOT_SHOWN = frozenset({"indexes"})
"""Properties that have a read of their own."""


def listing(*conditions: ColumnElement[bool]) -> Select[Any]:
    """A select of what `to_resources` needs."""
    return select(*LISTED).where(*conditions)


def one(context: Context, resource_id: int) -> Row[Any]:
    """The row of one visible resource. NotFound, with the same words whether it is hidden or absent."""
    if context.rows is not None and resource_id in context.rows:
        known: Row[Any] = context.rows[resource_id]
        return known
    context.session.flush()
    row = context.session.connection().execute(kept(context, _one), {"id": resource_id}).one_or_none()
    if row is None:
        raise NotFound(ABSENT)
    if context.rows is not None:
        context.rows[resource_id] = row
    return row


def to_resources(
    context: Context, rows: Sequence[Sequence[Any]], around: tuple[Beside, Paths] | None = None
) -> list[shapes.Resource]:
    """The values of a page of rows, which begin with what LISTED has, in their order.

    `around`: what belongs to them, where it was read with them.
    """
    if not rows:
        return []
    if around is None:
        beside = read_beside(context, [row[0] for row in rows])
        paths = read_paths(context, {row[PARENT] for row in rows if row[PARENT] is not None})
    else:
        beside, paths = around
    names, tags, owners, synced = beside
    counts = _children(context, rows)
    definitions = _definitions(context, rows)
    found = []
    for row in rows:
        # All at once: to ask a row for each of them by its name takes as long as the rest.
        (
            id_, kind, name, qualified_name, integration_id, parent_id, description, definition, native_type, position,
            nullable, default_sql, is_pk, popularity, verified, published, sensitivity, sensitivity_confidence,
            row_estimate, size_bytes, changed_at, analyzed_at, synced_at, stale_since, url, dialect, _columns_count,
            properties, _name_folded,
        ) = row[: len(LISTED)]  # fmt: skip
        path, parent_visible = paths.get(parent_id, ((), False))
        last_sync_at, sync_failed = synced.get(integration_id, NEVER)
        found.append(
            shapes.Resource(
                id=id_,
                kind=kind,
                name=name,
                qualified_name=qualified_name,
                integration_id=integration_id or 0,
                integration=names.get(integration_id, ""),
                parent_id=parent_id if parent_visible else None,
                path=path,
                description=description,
                definition=definitions.get(id_, definition),
                native_type=native_type,
                position=position,
                nullable=nullable,
                default=default_sql,
                is_pk=is_pk,
                tags=tags.get(id_, ()),
                owners=owners.get(id_, ()),
                popularity=popularity,
                verified=verified,
                published=published,
                sensitivity=sensitivity,
                sensitivity_confidence=sensitivity_confidence,
                row_estimate=row_estimate,
                size_bytes=size_bytes,
                changed_at=changed_at,
                analyzed_at=analyzed_at,
                synced_at=synced_at,
                stale_since=stale_since,
                last_sync_at=last_sync_at,
                sync_failed=sync_failed,
                url=url,
                dialect=dialect,
                children=counts.get(id_, 0),
                properties={k: v for k, v in (properties or {}).items() if k not in NOT_SHOWN},
            )
        )
    return found


def load(context: Context, ids: Iterable[int]) -> dict[int, shapes.Resource]:
    """Visible resources by id, lowest first; the rest are simply not there."""
    found: dict[int, shapes.Resource] = {}
    for part in chunks(sorted(set(ids))):
        context.session.flush()
        if len(part) > A_PAGE:
            resources = to_resources(context, rows_of(context, _by_id, part))
        else:
            rows = rows_of(context, _whole, part)
            resources = to_resources(context, rows, told_around(rows, len(LISTED), PARENT))
        found.update((resource.id, resource) for resource in resources)
    return found


def integration_names(context: Context) -> dict[int | None, str]:
    """Names of the workspace's integrations by id; for showing beside a resource that is visible."""
    rows = context.session.execute(
        select(IntegrationRow.id, IntegrationRow.name).where(
            IntegrationRow.workspace_id == context.workspace_id
        )
    )
    names: dict[int | None, str] = {}
    names.update(rows.tuples().all())
    return names


def _one(context: Context) -> Select[Any]:
    return listing(visible(context), ResourceRow.id == bindparam("id"))


def _by_id(context: Context) -> Select[Any]:
    # In an order of its own: PostgreSQL's is that of its file, which what is hidden moves.
    return listing(visible(context, by_id=True), is_one_of(context, ResourceRow.id)).order_by(ResourceRow.id)


def _whole(context: Context) -> Select[Any]:
    return with_around(context, _by_id(context))


def _children(context: Context, rows: Sequence[Sequence[Any]]) -> dict[int, int]:
    """How many direct children each row has for this reader."""
    filtered = bool(context.for_ai and context.ai_rules)
    counts: dict[int, int] = {}
    parents: list[int] = []
    tables: list[int] = []
    for row in rows:
        if row[KIND] == "column":
            continue
        if row[COLUMNS_COUNT] is None:
            parents.append(row[0])
        elif filtered:
            tables.append(row[0])
        else:
            counts[row[0]] = row[COLUMNS_COUNT]
    for ids, build in ((parents, _children_of), (tables, _columns_of)):
        for part in chunks(ids):
            for parent, count in context.session.connection().execute(kept(context, build), {"ids": part}):
                counts[parent] = count
    return counts


def _children_of(context: Context) -> Select[Any]:
    child = aliased(ResourceRow)
    return _below(context, child, child.kind != COLUMN)


def _columns_of(context: Context) -> Select[Any]:
    child = aliased(ResourceRow)
    return _below(context, child, child.kind == COLUMN)


def _below(context: Context, child: Any, condition: ColumnElement[bool]) -> Select[Any]:
    """Parent and number, for the visible children of some parents."""
    # By id: SQLite would look at each resource of the workspace, which is an index too, to find those of the parents.
    below = select(child.id).where(child.parent_id.in_(bindparam("ids", expanding=True)), condition)
    return (
        select(ResourceRow.parent_id, func.count())
        .where(visible(context), ResourceRow.id.in_(below))
        .group_by(ResourceRow.parent_id)
    )


def _definitions(context: Context, rows: Sequence[Sequence[Any]]) -> dict[int, str | None]:
    """SQL that names what this reader does not see is not shown.

    What does not exist for them may be hidden or absent, and must look the same: a definition is shown where every
    table it names is known and visible, and withheld alike where one is hidden, where the catalog has none of that
    name, and where its tables are not fully known. To ask whether a word of it is the name of something hidden would
    tell whoever may write a view in the source which hidden names there are. An edge that somebody drew says nothing.
    """
    if sees_everything(context) and not (context.for_ai and context.ai_rules):
        return {}
    withheld: dict[int, str | None] = {}
    with_sql = []
    for row in rows:
        if row[DEFINITION] and row[KIND] not in ("term", "document"):
            if (row[PROPERTIES] or {}).get("lineage") == "partial":
                withheld[row[0]] = None
            else:
                with_sql.append(row[0])
    for part in chunks(with_sql):
        found = context.session.connection().execute(kept(context, _reads_hidden), {"ids": part})
        withheld.update((id_, None) for id_ in found.scalars())
    return withheld


def _reads_hidden(context: Context) -> Any:
    """Those of some resources whose SQL reads what this reader does not see: hidden, or not in the catalog."""
    source = aliased(ResourceRow)
    hidden = (
        select(EdgeRow.downstream_id)
        .join(source, source.id == EdgeRow.upstream_id)
        .where(
            EdgeRow.downstream_id.in_(bindparam("ids", expanding=True)),
            EdgeRow.source.not_in(NOT_OF_ITS_SQL),
            not_(visible(context, source)),
        )
    )
    absent = select(LooseEndRow.resource_id).where(
        LooseEndRow.workspace_id == context.workspace_id,
        LooseEndRow.resource_id.in_(bindparam("ids", expanding=True)),
        LooseEndRow.direction == "up",
        LooseEndRow.source.not_in(NOT_OF_ITS_SQL),
    )
    return union(hidden, absent)
