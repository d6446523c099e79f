"""What belongs to rows of the catalog and is shown with them: tags, owners, integrations, the path from above.

Enters: ids of rows that `_visible` let through, or a select of them. Leaves: what belongs to each, read in bulk beside
the rows, or for a page together with them. Also here: how statements are kept for the next reader who may see the same.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    String,
    any_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    null,
    select,
    union_all,
)
from sqlalchemy.orm import aliased

from plugin.store import shapes
from plugin.store._chunks import chunks
from plugin.store._context import Context
from plugin.store._driven import array, driven_rows
from plugin.store._models.catalog import OwnerRow, ResourceRow, TagRow
from plugin.store._models.integrations import IntegrationRow
from plugin.store._visible import sees_everything, visible

Beside = tuple[
    dict[int | None, str],
    dict[int, tuple[str, ...]],
    dict[int, "tuple[shapes.Owner, ...]"],
    dict[int | None, tuple[datetime | None, bool]],
]
"""Names of integrations; tags, owners by resource id; last sync of each integration, and whether one failed since."""
Paths = dict[int, tuple[tuple[str, ...], bool]]
"""For each parent: the names from the outermost container down to it, and whether it is visible."""


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


def beside(context: Context, ids: Iterable[int]) -> Beside:
    """Names of the workspace's integrations; tags and owners by resource id; last sync of each integration, and
    whether one failed since.
    """
    synced: dict[int | None, tuple[datetime | None, bool]] = {}
    names: dict[int | None, str] = {}
    tags: dict[int, list[str]] = defaultdict(list)
    owners: dict[int, list[tuple[str, int, shapes.Owner]]] = defaultdict(list)
    for part in chunks(ids):
        rows = context.session.connection().execute(BESIDE, {"workspace": context.workspace_id, "ids": part})
        for what, of, name, row, email, member, group in rows:
            if what == "owner":
                owner = shapes.Owner(name=name, email=email, member_id=member, group_id=group)
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


def kept(context: Context, build: Callable[[Context], Any]) -> Any:
    """The statement that `build` makes, kept for the next reader who may see the same.

    What is visible depends on nothing but what is in the key.
    """
    teams = None if sees_everything(context) else context.member.team_ids
    key = (build, context.dialect, context.workspace_id, teams, context.ai_rules if context.for_ai else ())
    found = _statements.get(key)
    if found is None:
        if len(_statements) >= MOST_STATEMENTS:
            _statements.clear()
        found = _statements[key] = build(context)
    return found


def rows_of(
    context: Context, build: Callable[[Context], Any], ids: Sequence[int], **given: Any
) -> Sequence[Sequence[Any]]:
    """The rows of what `build` makes for this reader, given `ids` and whatever else its parameters are called.

    Of PostgreSQL the driver is asked itself. A row has its values in their order; by name it may not be asked.
    """
    statement = kept(context, build)
    connection = context.session.connection()
    if context.dialect == "sqlite":
        return connection.execute(statement, {"ids": ids, **given}).all()
    return driven_rows(connection, statement, {"ids": array(ids), **given})


def is_one_of(context: Context, column: Any) -> ColumnElement[bool]:
    """That a column has one of `ids`, to be given. One value on PostgreSQL: a parameter each would make a new statement
    of every number of them, and a statement that comes again is not planned again.
    """
    among: ColumnElement[bool] = column.in_(bindparam("ids", expanding=True))
    if context.dialect != "sqlite":
        among = column == any_(bindparam("ids", type_=ARRAY(BigInteger)))
    return among


def with_around(context: Context, page: Select[Any]) -> Select[Any]:
    """A select of resources with what belongs to each beside it: one statement where three are as much again."""
    sqlite = context.dialect == "sqlite"
    every, made = (
        (func.json_group_array, func.json_array) if sqlite else (func.json_agg, func.json_build_array)
    )
    here = ResourceRow.id
    # Under a name of its own: the AI filters ask for integrations too.
    named = IntegrationRow.__table__.alias("named")
    source = named.c
    tags = select(cast(every(_tags.tag), String)).where(
        _tags.workspace_id == context.workspace_id, _tags.resource_id == here
    )
    owner = made(_owners.name, _owners.id, _owners.email, _owners.member_id, _owners.group_id)
    owners = select(cast(every(owner), String)).where(
        _owners.workspace_id == context.workspace_id, _owners.resource_id == here
    )
    parent, above = aliased(ResourceRow), aliased(ResourceRow)
    up = (
        select(
            parent.id,
            parent.parent_id,
            parent.name,
            case((visible(context, parent), 1), else_=0).label("shown"),
        )
        .where(parent.workspace_id == context.workspace_id, parent.id == ResourceRow.parent_id)
        .correlate(ResourceRow)
        .cte("up", recursive=True, nesting=True)
    )
    up = up.union(
        select(above.id, above.parent_id, above.name, case((visible(context, above), 1), else_=0)).where(
            above.workspace_id == context.workspace_id, above.id == up.c.parent_id
        )
    )
    path = select(cast(every(made(up.c.id, up.c.parent_id, up.c.name, up.c.shown)), String))
    return (
        page.add_columns(
            tags.correlate(ResourceRow).scalar_subquery().label("tags_told"),
            owners.correlate(ResourceRow).scalar_subquery().label("owners_told"),
            path.scalar_subquery().label("above_told"),
            source.id.label("integration"),
            source.name.label("integration_name"),
            source.last_sync_at.label("last_sync_at"),
            source.last_error.is_not(None).label("sync_failed"),
        )
        .select_from(ResourceRow)
        .outerjoin(
            named,
            (source.id == ResourceRow.integration_id) & (source.workspace_id == context.workspace_id),
        )
    )


def told_around(rows: Sequence[Sequence[Any]], at: int, parent_at: int) -> tuple[Beside, Paths]:
    """What `beside` and `paths` read, from rows that have it with them.

    `at`: where in a row begins what `with_around` added; `parent_at`: where its parent is.
    """
    names: dict[int | None, str] = {}
    synced: dict[int | None, tuple[datetime | None, bool]] = {}
    tags: dict[int, tuple[str, ...]] = {}
    owners: dict[int, tuple[shapes.Owner, ...]] = {}
    ways: set[str] = set()
    for row in rows:
        tagged, owned, above_told, source, name, last_sync_at, failed = row[at : at + 7]
        if name is not None:
            names[source] = name
            synced[source] = (last_sync_at, failed)
        if tagged:
            tags[row[0]] = tuple(sorted(json.loads(tagged)))
        if owned:
            told = sorted((each for each in json.loads(owned)), key=lambda each: each[:2])
            owners[row[0]] = tuple(
                shapes.Owner(name, email, member, group) for name, _row, email, member, group in told
            )
        if above_told:
            ways.add(above_told)
    above: dict[int, tuple[int | None, str, bool]] = {}
    for way in ways:
        for id_, parent_id, name, shown in json.loads(way):
            above[id_] = (parent_id, name, bool(shown))
    parents = {row[parent_at] for row in rows if row[parent_at] is not None}
    return (names, tags, owners, synced), _along(above, parents)


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


def paths(context: Context, parents: set[int]) -> Paths:
    """For each parent: the names from the outermost container down to it, and whether it is visible."""
    above: dict[int, tuple[int | None, str, bool]] = {}
    for part in chunks(parents):
        rows = context.session.connection().execute(kept(context, _upwards), {"ids": part})
        for id_, parent_id, name, shown in rows:
            above[id_] = (parent_id, name, bool(shown))
    return _along(above, parents)


def _along(above: Mapping[int, tuple[int | None, str, bool]], parents: set[int]) -> Paths:
    """The way down to each parent, from everything above them: parent, name, and whether it is visible."""
    found = {}
    for parent in parents & set(above):
        names: list[str] = []
        at: int | None = parent
        while at is not None and at in above and len(names) < 20:
            names.append(above[at][1])
            at = above[at][0]
        found[parent] = (tuple(reversed(names)), above[parent][2])
    return found
