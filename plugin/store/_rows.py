"""Rows of the catalog become the frozen values that leave the store.

Enters: rows that `_visible` let through. Leaves: `Resource` values with names, owners, tags and paths, loaded in bulk
(a constant number of queries for a page of any length). A parent that the reader may not see is left out, and so is
the SQL of a view that names a table which does not exist for them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    String,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    not_,
    null,
    select,
    union,
    union_all,
)
from sqlalchemy.orm import aliased

from plugin.errors import NotFound
from plugin.store._context import Context
from plugin.store._models.catalog import EdgeRow, LooseEndRow, OwnerRow, ResourceRow, TagRow
from plugin.store._models.integrations import IntegrationRow
from plugin.store._visible import sees_everything, visible
from plugin.store.shapes import Owner, Resource

T = TypeVar("T")
ABSENT = "there is no such resource, or you may not see it"
DRAWN = "manual"
"""The source of an edge that a person drew."""
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
NOT_SHOWN = frozenset({"indexes"})
"""Properties that have a read of their own."""


def chunks(values: Iterable[T], size: int = 900) -> Iterator[list[T]]:
    """Lists of at most `size`, so that no statement has more parameters than a database takes."""
    part: list[T] = []
    for value in values:
        part.append(value)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part


def listing(*conditions: ColumnElement[bool]) -> Select[Any]:
    """A select of what `to_resources` needs."""
    return select(*LISTED).where(*conditions)


def one(context: Context, resource_id: int) -> Row[Any]:
    """The row of one visible resource. NotFound, with the same words whether it is hidden or absent."""
    context.session.flush()
    row = context.session.connection().execute(_kept(context, _one), {"id": resource_id}).one_or_none()
    if row is None:
        raise NotFound(ABSENT)
    return row


def to_resources(context: Context, rows: Sequence[Row[Any]]) -> list[Resource]:
    """The values of a page of rows, in their order."""
    if not rows:
        return []
    ids = [row.id for row in rows]
    names, tags, owners, synced = _beside(context, ids)
    paths = _paths(context, {row.parent_id for row in rows if row.parent_id is not None})
    counts = _children(context, rows)
    definitions = _definitions(context, rows)
    found = []
    for row in rows:
        path, parent_visible = paths.get(row.parent_id, ((), False))
        properties = row.properties or {}
        found.append(
            Resource(
                id=row.id,
                kind=row.kind,
                name=row.name,
                qualified_name=row.qualified_name,
                integration_id=row.integration_id or 0,
                integration=names.get(row.integration_id, ""),
                parent_id=row.parent_id if parent_visible else None,
                path=path,
                description=row.description,
                definition=definitions.get(row.id, row.definition),
                native_type=row.native_type,
                position=row.position,
                nullable=row.nullable,
                default=row.default_sql,
                is_pk=row.is_pk,
                tags=tags.get(row.id, ()),
                owners=owners.get(row.id, ()),
                popularity=row.popularity,
                verified=row.verified,
                published=row.published,
                sensitivity=row.sensitivity,
                row_estimate=row.row_estimate,
                size_bytes=row.size_bytes,
                changed_at=row.changed_at,
                analyzed_at=row.analyzed_at,
                synced_at=row.synced_at,
                stale_since=row.stale_since,
                last_sync_at=synced.get(row.integration_id, NEVER)[0],
                sync_failed=synced.get(row.integration_id, NEVER)[1],
                url=row.url,
                dialect=row.dialect,
                children=counts.get(row.id, 0),
                properties={k: v for k, v in properties.items() if k not in NOT_SHOWN},
            )
        )
    return found


def load(context: Context, ids: Iterable[int]) -> dict[int, Resource]:
    """Visible resources by id, lowest first; the rest are simply not there."""
    found: dict[int, Resource] = {}
    for part in chunks(sorted(set(ids))):
        context.session.flush()
        rows = context.session.connection().execute(_kept(context, _by_id), {"ids": part}).all()
        found.update((resource.id, resource) for resource in to_resources(context, rows))
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


_owners, _tags, _integrations = (row.__table__.c for row in (OwnerRow, TagRow, IntegrationRow))
# One statement for three reads, put together once: a page of search is a few short reads, and their number is its time.
BESIDE = union_all(
    select(
        literal_column("'owner'").label("what"),
        _owners.resource_id.label("of"),
        _owners.name.label("name"),
        _owners.id.label("row"),
        _owners.email.label("email"),
        _owners.member_id.label("member"),
        _owners.group_id.label("in_group"),
    ).where(
        _owners.workspace_id == bindparam("workspace"),
        _owners.resource_id.in_(bindparam("ids", expanding=True)),
    ),
    select(literal_column("'tag'"), _tags.resource_id, _tags.tag, null(), null(), null(), null()).where(
        _tags.workspace_id == bindparam("workspace"), _tags.resource_id.in_(bindparam("ids", expanding=True))
    ),
    select(
        literal_column("'integration'"),
        _integrations.id,
        _integrations.name,
        null(),
        cast(_integrations.last_sync_at, String),
        case((_integrations.last_error.is_not(None), 1), else_=0),
        null(),
    ).where(_integrations.workspace_id == bindparam("workspace")),
)


def _beside(
    context: Context, ids: Iterable[int]
) -> tuple[
    dict[int | None, str],
    dict[int, tuple[str, ...]],
    dict[int, tuple[Owner, ...]],
    dict[int | None, tuple[datetime | None, bool]],
]:
    """Names of the workspace's integrations; tags and owners by resource id; last sync of each integration, and
    whether one failed since.
    """
    synced: dict[int | None, tuple[datetime | None, bool]] = {}
    names: dict[int | None, str] = {}
    tags: dict[int, list[str]] = defaultdict(list)
    owners: dict[int, list[tuple[str, int, Owner]]] = defaultdict(list)
    for part in chunks(ids):
        rows = context.session.connection().execute(BESIDE, {"workspace": context.workspace_id, "ids": part})
        for what, of, name, row, email, member, group in rows:
            if what == "owner":
                owner = Owner(name=name, email=email, member_id=member, group_id=group)
                owners[of].append((name, row, owner))
            elif what == "tag":
                tags[of].append(name)
            else:
                names[of] = name
                synced[of] = (_moment(email), bool(member))
    return (
        names,
        {of: tuple(sorted(found)) for of, found in tags.items()},
        {
            of: tuple(owner for _name, _row, owner in sorted(found, key=lambda each: each[:2]))
            for of, found in owners.items()
        },
        synced,
    )


NEVER: tuple[datetime | None, bool] = (None, False)


def _moment(text: str | None) -> datetime | None:
    """A time that came as text, as both databases write it; they keep UTC."""
    if text is None:
        return None
    at = datetime.fromisoformat(text)
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


_statements: dict[tuple[object, ...], Any] = {}
MOST_STATEMENTS = 4096


def _kept(context: Context, build: Callable[[Context], Any]) -> Any:
    """The statement that `build` makes, kept for the next reader who may see the same.

    What is visible depends on nothing but what is in the key.
    """
    teams = None if sees_everything(context) else context.member.team_ids
    key = (build, context.workspace_id, teams, context.ai_rules if context.for_ai else ())
    found = _statements.get(key)
    if found is None:
        if len(_statements) >= MOST_STATEMENTS:
            _statements.clear()
        found = _statements[key] = build(context)
    return found


def _one(context: Context) -> Select[Any]:
    return listing(visible(context), ResourceRow.id == bindparam("id"))


def _by_id(context: Context) -> Select[Any]:
    # In an order of its own: PostgreSQL's is that of its file, which what is hidden moves.
    return listing(visible(context), ResourceRow.id.in_(bindparam("ids", expanding=True))).order_by(
        ResourceRow.id
    )


def _upwards(context: Context) -> Select[Any]:
    """These resources and everything above them."""
    seen = case((visible(context), 1), else_=0)
    start = select(ResourceRow.id, ResourceRow.parent_id, ResourceRow.name, seen.label("shown")).where(
        ResourceRow.workspace_id == context.workspace_id, ResourceRow.id.in_(bindparam("ids", expanding=True))
    )
    up = start.cte("up", recursive=True)
    above = select(ResourceRow.id, ResourceRow.parent_id, ResourceRow.name, seen).where(
        ResourceRow.workspace_id == context.workspace_id, ResourceRow.id == up.c.parent_id
    )
    up = up.union(above)
    return select(up.c.id, up.c.parent_id, up.c.name, up.c.shown)


def _paths(context: Context, parents: set[int]) -> dict[int, tuple[tuple[str, ...], bool]]:
    """For each parent: the names from the outermost container down to it, and whether it is visible."""
    above: dict[int, tuple[int | None, str, bool]] = {}
    for part in chunks(parents):
        rows = context.session.connection().execute(_kept(context, _upwards), {"ids": part})
        for id_, parent_id, name, shown in rows:
            above[id_] = (parent_id, name, bool(shown))
    paths = {}
    for parent in parents & set(above):
        names: list[str] = []
        at: int | None = parent
        while at is not None and at in above and len(names) < 20:
            names.append(above[at][1])
            at = above[at][0]
        paths[parent] = (tuple(reversed(names)), above[parent][2])
    return paths


def _children(context: Context, rows: Sequence[Row[Any]]) -> dict[int, int]:
    """How many direct children each row has for this reader."""
    filtered = bool(context.for_ai and context.ai_rules)
    counts: dict[int, int] = {}
    parents: list[int] = []
    tables: list[int] = []
    for row in rows:
        if row.kind == "column":
            continue
        if row.columns_count is None:
            parents.append(row.id)
        elif filtered:
            tables.append(row.id)
        else:
            counts[row.id] = row.columns_count
    for ids, build in ((parents, _children_of), (tables, _columns_of)):
        for part in chunks(ids):
            for parent, count in context.session.connection().execute(_kept(context, build), {"ids": part}):
                counts[parent] = count
    return counts


def _children_of(context: Context) -> Select[Any]:
    return _below(context, ResourceRow.kind != "column")


def _columns_of(context: Context) -> Select[Any]:
    return _below(context, ResourceRow.kind == "column")


def _below(context: Context, condition: ColumnElement[bool]) -> Select[Any]:
    """Parent and number, for the visible children of some parents."""
    return (
        select(ResourceRow.parent_id, func.count())
        .where(visible(context), ResourceRow.parent_id.in_(bindparam("ids", expanding=True)), condition)
        .group_by(ResourceRow.parent_id)
    )


def _definitions(context: Context, rows: Sequence[Row[Any]]) -> dict[int, str | None]:
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
        if row.definition and row.kind not in ("term", "document"):
            if (row.properties or {}).get("lineage") == "partial":
                withheld[row.id] = None
            else:
                with_sql.append(row.id)
    for part in chunks(with_sql):
        found = context.session.connection().execute(_kept(context, _reads_hidden), {"ids": part})
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
            EdgeRow.source != DRAWN,
            not_(visible(context, source)),
        )
    )
    absent = select(LooseEndRow.resource_id).where(
        LooseEndRow.workspace_id == context.workspace_id,
        LooseEndRow.resource_id.in_(bindparam("ids", expanding=True)),
        LooseEndRow.direction == "up",
        LooseEndRow.source != DRAWN,
    )
    return union(hidden, absent)
