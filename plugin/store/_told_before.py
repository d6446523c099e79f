"""What a source told before, beside its things: owners, tags and lineage of its own.

Enters: the stage of a sync that has read its source and not merged yet. Leaves: which sources of lineage it told, and
how much of this the merge would take away. For a sync whose role lost a right, so that "may not be read any more" is
not taken for "is not there any more".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import aliased

from plugin.catalog.kinds import KINDS
from plugin.store._context import Context
from plugin.store._models.catalog import EdgeRow, OwnerRow, ResourceRow, TagRow
from plugin.store.listing import IS_COLUMN
from plugin.store.staging import Stage

NOT_STATED = frozenset({*KINDS, "view", "query_log", "import"})
"""Sources of lineage that no connector states: definitions that were parsed, query logs, and what people imported."""
COLUMN_TAGS = 6
"""Where a column's tags stand (`connectors.records.Column`)."""


def stated_edges(context: Context, integration_id: int) -> dict[str, int]:
    """How many edges between things the integration stated, by source ("dbt", "unity", ...)."""
    rows = context.session.execute(
        select(EdgeRow.source, func.count())
        .where(
            EdgeRow.integration_id == integration_id,
            EdgeRow.kind == "table",
            EdgeRow.source.not_in(NOT_STATED),
        )
        .group_by(EdgeRow.source)
    )
    return dict(rows.tuples().all())


def would_lose(
    context: Context, integration_id: int, stage: Stage, told: Mapping[str, int] | None
) -> dict[str, int]:
    """How many owners, tags and edges a merge of `stage` would take away; `told` counts the edges by source.

    With None edges are left alone, as in the sync of one schema.
    """
    owners, tags = _labels(context, integration_id, OwnerRow), _labels(context, integration_id, TagRow)
    lost = {"owner": 0, "tag": 0, "edge": 0}
    for key in owners.keys() | tags.keys():
        entry = stage.entry(key)
        if entry is None:
            continue  # unchanged, or gone as a whole, which is counted apart
        now_owners, now_tags = _told(entry)
        lost["owner"] += max(0, owners.get(key, 0) - now_owners)
        lost["tag"] += max(0, tags.get(key, 0) - now_tags)
    if told is not None:
        for source, count in stated_edges(context, integration_id).items():
            lost["edge"] += max(0, count - told.get(source, 0))
    return {what: count for what, count in lost.items() if count}


def _labels(context: Context, integration_id: int, model: type[OwnerRow | TagRow]) -> dict[str, int]:
    """How many the source gave, by the key of the thing or of the table whose column it is."""
    table = aliased(ResourceRow)
    key = case((IS_COLUMN, table.source_key), else_=ResourceRow.source_key)
    rows = context.session.execute(
        select(key, func.count())
        .select_from(model)
        .join(ResourceRow, ResourceRow.id == model.resource_id)
        .outerjoin(table, table.id == ResourceRow.parent_id)
        .where(
            ResourceRow.integration_id == integration_id,
            ResourceRow.workspace_id == context.workspace_id,
            model.origin == "source",
            key.is_not(None),
        )
        .group_by(key)
    )
    return dict(rows.tuples().all())


def _told(entry: tuple[Any, ...]) -> tuple[int, int]:
    """How many owners and tags a staged table or asset has, its columns' tags included."""
    kind, _key, _fingerprint, facts, _extra = entry
    if kind == "t":
        head, columns, *_rest = facts
        return 0, len(head[-1]) + sum(len(column[COLUMN_TAGS]) for column in columns)
    columns = facts.get("columns") or ()
    tags = len(facts.get("tags") or ()) + sum(len(column[COLUMN_TAGS]) for column in columns)
    return len(facts.get("owners") or ()), tags
