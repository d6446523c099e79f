"""Finding resources by name: a full or suffix qualified name, a prefix, the tables that a SQL text names.

Each read starts from `_visible`; what is hidden is not found, with the words of what is absent.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, bindparam, case, func, or_, select

from plugin.errors import NotFound
from plugin.store._context import Context
from plugin.store._models.catalog import ResourceRow
from plugin.store._models.integrations import IntegrationRow
from plugin.store._rows import ABSENT, LISTED, chunks, listing, to_resources
from plugin.store._visible import visible
from plugin.store.listing import IS_COLUMN, NOT_COLUMN, _of_integration
from plugin.store.shapes import Page, Resource

DOTS = 12
"""So many dots of a name, from its end, are tried as the one before a column."""
QUOTED = re.compile(r'"([^"]+)"|`([^`]+)`|\[([^\]]+)\]')


def by_name(
    context: Context, name: str, *, kind: str | None = None, integration: int | str | None = None
) -> Resource:
    """The visible resource with this qualified name, or with a qualified name that ends in it.

    An exact match goes before one in another case, a full name before a suffix, the popular before the rest.
    "integration.schema.table" works too. NotFound for what is hidden and for what is absent alike.
    """
    row = None
    # as SQL writes a name; else as it stands, for people call a dashboard 'Sales [EU]'
    for wanted in dict.fromkeys((QUOTED.sub(lambda m: m[1] or m[2] or m[3], name.strip()), name.strip())):
        row = _find(context, wanted, kind, integration)
        if row is None and integration is None and "." in wanted:
            first, rest = wanted.split(".", 1)
            if _has_integration(context, first):
                row = _find(context, rest, kind, first)
        if row is not None:
            break
    if row is None:
        raise NotFound(ABSENT)
    return to_resources(context, [row])[0]


def exactly(
    context: Context, name: str, *, kind: str | None = None, integration: str | None = None
) -> tuple[Resource, ...]:
    """The first two visible resources whose qualified name is this, letter by letter: it need not be unique.

    A part of a name may hold dots itself, so each dot may be the one before a column.
    """
    conditions = [visible(context)]
    if integration is not None:
        conditions.append(_of_integration(context, integration))
    rows: list[Row[Any]] = []
    if kind != "column":
        wanted = [*conditions, NOT_COLUMN, _named(name), ResourceRow.qualified_name == name]
        if kind is not None:
            wanted.append(ResourceRow.kind == kind)
        rows += context.session.execute(listing(*wanted).order_by(ResourceRow.id).limit(2)).all()
    for at in [at for at, char in enumerate(name) if char == "."][-DOTS:] if kind in (None, "column") else ():
        table = select(ResourceRow.id).where(
            *conditions, NOT_COLUMN, _named(name[:at]), ResourceRow.qualified_name == name[:at]
        )
        here = (IS_COLUMN, ResourceRow.parent_id.in_(table), ResourceRow.name == name[at + 1 :])
        rows += context.session.execute(
            listing(visible(context), *here).order_by(ResourceRow.id).limit(2)
        ).all()
    return tuple(to_resources(context, rows[:2]))


def _find(context: Context, name: str, kind: str | None, integration: int | str | None) -> Row[Any] | None:
    if not name:
        return None
    conditions = [visible(context)]
    if integration is not None:
        conditions.append(_of_integration(context, integration))
    if kind is None or kind != "column":
        wanted = [*conditions, NOT_COLUMN, _named(name)]
        if kind is not None:
            wanted.append(ResourceRow.kind == kind)
        row = context.session.execute(listing(*wanted).order_by(*_best(name)).limit(1)).one_or_none()
        if row is not None:
            return row
    if "." not in name or kind not in (None, "column"):
        return None
    for at in [at for at, char in enumerate(name) if char == "."][: -DOTS - 1 : -1]:
        table, column = name[:at], name[at + 1 :]
        parents = select(ResourceRow.id).where(*conditions, NOT_COLUMN, _named(table))
        for parent_id in context.session.scalars(parents.order_by(*_best(table)).limit(20)).all():
            row = context.session.execute(
                listing(visible(context), IS_COLUMN, ResourceRow.parent_id == parent_id)
                .where(ResourceRow.name_folded == column.lower())
                .order_by(case((ResourceRow.name == column, 0), else_=1), ResourceRow.id)
                .limit(1)
            ).one_or_none()
            if row is not None:
                return row
    return None


def _named(name: str) -> ColumnElement[bool]:
    """Its qualified name is `name` or ends in it. A name may hold dots itself, so each suffix may be the last part."""
    folded = name.lower()
    parts = folded.split(".")
    suffixes = [".".join(parts[i:]) for i in range(len(parts))]
    return (ResourceRow.name_folded.in_(suffixes)) & or_(
        ResourceRow.qualified_folded == folded,
        ResourceRow.qualified_folded.endswith("." + folded, autoescape=True),
    )


def _best(name: str) -> list[Any]:
    folded = name.lower()
    return [
        case((ResourceRow.qualified_name == name, 0), (ResourceRow.qualified_folded == folded, 1), else_=2),
        case((ResourceRow.name == name.rsplit(".", 1)[-1], 0), else_=1),
        case((ResourceRow.stale_since.is_(None), 0), else_=1),
        ResourceRow.popularity.desc(),
        func.length(ResourceRow.qualified_name),
        ResourceRow.id,
    ]


def _has_integration(context: Context, name: str) -> bool:
    found = context.session.scalar(
        select(IntegrationRow.id)
        .where(
            IntegrationRow.workspace_id == context.workspace_id,
            func.lower(IntegrationRow.name) == name.lower(),
        )
        .limit(1)
    )
    return found is not None


def suggest(context: Context, prefix: str, limit: int = 8) -> tuple[Resource, ...]:
    """Resources whose name starts with `prefix` ("sales.ord" looks for "ord..." in something called sales)."""
    plain = QUOTED.sub(lambda m: m[1] or m[2] or m[3], prefix.strip().lstrip("@")).lower()
    if not plain:
        return ()
    container, _, start = plain.rpartition(".")
    conditions = [visible(context), NOT_COLUMN]
    if start:
        conditions += [ResourceRow.name_folded >= start, ResourceRow.name_folded < start + "\U0010ffff"]
    if container:
        inside = (container + ".", "." + container + ".")
        conditions.append(
            or_(
                ResourceRow.qualified_folded.startswith(inside[0], autoescape=True),
                ResourceRow.qualified_folded.contains(inside[1], autoescape=True),
            )
        )
    # The nearest in the alphabet first, from the index; the popular among them on top.
    near = listing(*conditions).order_by(ResourceRow.name_folded, ResourceRow.id).limit(max(1, limit) * 5)
    rows = sorted(
        context.session.execute(near).all(), key=lambda row: (row.name_folded != start, -row.popularity)
    )
    return tuple(to_resources(context, rows[:limit]))


def visible_columns(
    context: Context, integration_id: int, tables: Iterable[Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    """Visible tables of one integration that these name parts name -> their visible columns, in order.

    `("orders",)`, `("sales", "orders")` and `("shop", "sales", "orders")` all find shop.sales.orders; a name that
    fits several tables gives them all. Keyed by qualified name, as the catalog writes it.
    """
    found: dict[int, str] = {}
    for part in chunks({".".join(parts) for parts in tables if parts}, 50):
        rows = context.session.execute(
            select(ResourceRow.id, ResourceRow.qualified_name).where(
                visible(context),
                NOT_COLUMN,
                ResourceRow.integration_id == integration_id,
                ResourceRow.columns_count.is_not(None),
                or_(*(_named(name) for name in part)),
            )
        )
        found.update((id_, name) for id_, name in rows)
    return _columns_of(context, found)


def schema_map(context: Context, integration_id: int, *, limit: int = 20_000) -> dict[str, tuple[str, ...]]:
    """Every visible table of an integration -> its visible columns; the most popular `limit` tables."""
    rows = context.session.execute(
        select(ResourceRow.id, ResourceRow.qualified_name)
        .where(
            visible(context),
            NOT_COLUMN,
            ResourceRow.integration_id == integration_id,
            ResourceRow.columns_count.is_not(None),
        )
        .order_by(ResourceRow.popularity.desc(), ResourceRow.id)
        .limit(limit)
    )
    return _columns_of(context, dict(rows.tuples().all()))


def _columns_of(context: Context, tables: dict[int, str]) -> dict[str, tuple[str, ...]]:
    columns: dict[int, list[str]] = defaultdict(list)
    for part in chunks(sorted(tables)):
        rows = context.session.execute(
            select(ResourceRow.parent_id, ResourceRow.name)
            .where(visible(context), IS_COLUMN, ResourceRow.parent_id.in_(part))
            .order_by(ResourceRow.parent_id, ResourceRow.position)
        )
        for table_id, name in rows:
            columns[table_id].append(name)
    return {name: tuple(columns[id_]) for id_, name in tables.items()}


def term(context: Context, name: str) -> Resource:
    """The glossary term with this name or synonym, in any case. NotFound."""
    folded = " ".join(name.lower().split())
    exact = listing(
        visible(context), NOT_COLUMN, ResourceRow.kind == "term", ResourceRow.name_folded == folded
    )
    row = context.session.execute(exact.order_by(ResourceRow.id).limit(1)).one_or_none()
    if row is None:
        known = select(ResourceRow.id, ResourceRow.properties).where(
            visible(context), NOT_COLUMN, ResourceRow.kind == "term"
        )
        for id_, properties in context.session.execute(known.order_by(ResourceRow.id)):
            if folded in (str(synonym).lower() for synonym in (properties or {}).get("synonyms", ())):
                row = context.session.execute(listing(visible(context), ResourceRow.id == id_)).one()
                break
    if row is None:
        raise NotFound(ABSENT)
    return to_resources(context, [row])[0]


def terms(context: Context, text: str | None = None, cursor: str | None = None, limit: int = 100) -> Page:
    """The glossary by name; with `text`, the terms whose name holds it."""
    from plugin.store.listing import browse

    return browse(context, kinds=("term",), text=text, cursor=cursor, limit=limit)


def _above() -> Select[Any]:
    own = ResourceRow.__table__.alias()
    ours = own.c.workspace_id == bindparam("workspace")
    wanted = select(own.c.id, own.c.kind, own.c.name, own.c.parent_id).where(ours)
    up = wanted.where(own.c.id == bindparam("resource")).cte("up", recursive=True)
    return select(up.union(wanted.join(up, own.c.id == up.c.parent_id)))


ABOVE = _above()
"""A resource and all that it is in. Built once: to put it together takes longer than to run it."""


def schemas_above(context: Context, resource_id: int) -> tuple[str, ...]:
    """Names of the schemas that a resource is in, its own where it is one: what a rule on schemas is held against.

    Containers only: a table or a database that is called like a schema is none.
    """
    which = {"workspace": context.workspace_id, "resource": resource_id}
    rows = {id_: rest for id_, *rest in context.session.connection().execute(ABOVE, which)}
    found: list[str] = []
    at: int | None = resource_id
    while at in rows:
        kind, name, at = rows.pop(at)
        if kind == "schema":
            found.append(name)
    return tuple(reversed(found))


__all__ = [
    "LISTED",
    "by_name",
    "exactly",
    "schema_map",
    "schemas_above",
    "suggest",
    "term",
    "terms",
    "visible_columns",
]
