"""The one sentence that says who sees what. Every read of the catalog starts here.

A resource is visible when it is in the viewer's workspace, in a zone that one of the viewer's teams holds (an
admin: any zone), and, where the reader is the assistant, when the AI filters leave it in. What is not visible
does not exist: it is no neighbour, no count and no name.

An AI filter that excludes a table excludes its columns; one that includes a table includes its columns. A column is
verified when it or its table is, and published when both are (`plugin.access.ai_rules.decide_column` says the same).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, literal_column, not_, or_, select, true
from sqlalchemy.orm import aliased

from plugin.access.viewer import Role
from plugin.store._context import Context
from plugin.store._models.catalog import ResourceRow, TagRow, ZoneTeamRow
from plugin.store._models.integrations import IntegrationRow

if TYPE_CHECKING:
    from plugin.access.ai_rules import AiRule


def visible_zones(context: Context) -> Select[tuple[int]]:
    """The zones that the acting member's teams hold, as a subquery. Not for admins, who need none."""
    return _zones_of(context.member.team_ids)


@lru_cache(maxsize=1024)
def _zones_of(team_ids: frozenset[int]) -> Select[tuple[int]]:
    # Kept, since putting a statement together costs more than running it, and every read of the catalog has this one.
    return select(ZoneTeamRow.zone_id).where(ZoneTeamRow.team_id.in_(sorted(team_ids))).distinct()


def sees_everything(context: Context) -> bool:
    """Does no zone narrow this reader? An admin, wherever they read from; the AI filters still hold for them."""
    return context.member.role is Role.ADMIN


def visible(context: Context, row: Any = ResourceRow, *, by_id: bool = False) -> ColumnElement[bool]:
    """The condition under which `row` (ResourceRow or an alias of it) exists for this reader.

    `by_id`: the statement has many ids to find rows by, or joins them by id. SQLite, which is kept without statistics,
    would rather read all that is in the reader's zones than look at some hundred rows; it is given no index for that.
    """
    conditions: list[ColumnElement[bool]] = [row.workspace_id == context.workspace_id]
    if not sees_everything(context):
        zone = row.zone_id + literal_column("0") if by_id and context.dialect == "sqlite" else row.zone_id
        conditions.append(zone.in_(visible_zones(context)))
    if context.for_ai and context.ai_rules:
        conditions.append(allowed_for_ai(context.ai_rules, row, context.workspace_id))
    return and_(*conditions)


def allowed_for_ai(rules: Sequence[AiRule], row: Any, workspace_id: int) -> ColumnElement[bool]:
    """The AI filters of a workspace as a condition. A column answers for itself and for its table."""
    return _allowed(tuple(rules), row, workspace_id)


@lru_cache(maxsize=256)
def _allowed(rules: tuple[AiRule, ...], row: Any, workspace_id: int) -> ColumnElement[bool]:
    # Kept for the same reason as `_zones_of`: a rule on schemas takes 15 ms to put together, and every read has it.
    asset = aliased(ResourceRow)
    excludes = [rule for rule in rules if rule.effect == "exclude"]
    includes = [rule for rule in rules if rule.effect == "include"]
    conditions: list[ColumnElement[bool]] = []
    if excludes:
        conditions.append(not_(or_(*(_matches(rule, row, workspace_id) for rule in excludes))))
        table_is_out = or_(*(_matches(rule, asset, workspace_id) for rule in excludes))
        conditions.append(or_(row.kind != "column", not_(_on_table(row, asset, table_is_out))))
    if includes:
        itself = or_(*(_matches(rule, row, workspace_id) for rule in includes))
        table_is_in = or_(*(_matches(rule, asset, workspace_id) for rule in includes))
        conditions.append(or_(itself, and_(row.kind == "column", _on_table(row, asset, table_is_in))))
    return and_(true(), *conditions)


def _on_table(row: Any, asset: Any, condition: Any) -> ColumnElement[bool]:
    return exists().where(asset.id == row.asset_id, condition).correlate_except(asset)


def _matches(rule: AiRule, row: Any, workspace_id: int) -> ColumnElement[bool]:
    """`AiRule.matches` as a condition. NULLs never decide: each part is true or false for every row."""
    parts: list[ColumnElement[bool]] = []
    if rule.kinds:
        parts.append(row.kind.in_(rule.kinds))
    if rule.integrations:
        # An alias of its own: a statement around it that joins the integrations would be taken for what is meant here.
        own = aliased(IntegrationRow)
        named = select(own.id).where(own.workspace_id == workspace_id, own.name.in_(rule.integrations))
        named = named.correlate_except(own)
        parts.append(func.coalesce(row.integration_id, -1).in_(named))
    if rule.schemas:
        parts.append(_under_schema(rule.schemas, row, workspace_id))
    if rule.tags:
        tag = aliased(TagRow)
        parts.append(exists().where(tag.resource_id == row.id, tag.tag.in_(rule.tags)).correlate_except(tag))
    if rule.sensitivity:
        parts.append(and_(row.sensitivity.is_not(None), row.sensitivity.in_(rule.sensitivity)))
    if rule.verified is not None:
        table = aliased(ResourceRow)
        verified = or_(row.verified, and_(row.kind == "column", _on_table(row, table, table.verified)))
        parts.append(verified if rule.verified else not_(verified))
    if rule.published is not None:
        table = aliased(ResourceRow)
        published = and_(row.published, or_(row.kind != "column", _on_table(row, table, table.published)))
        parts.append(published if rule.published else not_(published))
    if rule.also is not None:
        parts.append(_matches(rule.also, row, workspace_id))
    return and_(true(), *parts)


def _under_schema(names: Sequence[str], row: Any, workspace_id: int) -> ColumnElement[bool]:
    """The schema itself, what is directly in it, and the columns of that."""
    schema = aliased(ResourceRow)
    above = aliased(ResourceRow)
    # Nothing of the row itself: the schemas are looked up once for a statement, not for each row of a million. The kind
    # is said twice, since SQLite takes the index of what is no column only where the statement says so.
    named = select(schema.id).where(
        schema.workspace_id == workspace_id,
        schema.kind == "schema",
        schema.kind != literal_column("'column'"),
        schema.name.in_(names),
    )
    named = named.correlate_except(schema)
    column_of = exists().where(above.id == row.asset_id, func.coalesce(above.parent_id, -1).in_(named))
    return or_(
        and_(row.kind == "schema", row.name.in_(names)),
        func.coalesce(row.parent_id, -1).in_(named),
        and_(row.kind == "column", column_of.correlate_except(above)),
    )
