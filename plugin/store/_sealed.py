"""Every sealed column of every table, and what binds a value to its row. Rotation of a workspace's key walks this list.

A test holds it against the tables: a new column of bytes is here or is named there as not sealed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from plugin.store._models.catalog import FullTextRow
from plugin.store._models.history import BreakGlassRow, ChatRow, MemoryRow, PromptRow, TemplateRow
from plugin.store._models.integrations import ApprovedQueryRow, IntegrationRow
from plugin.store._models.pushes import PushCredentialRow
from plugin.store._models.settings import ProviderKeyRow


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """`row` gives what a value is bound to beside workspace, table and column."""

    model: Any
    column: str
    row: Callable[[Any], str | int]


SEALED = (
    SealedColumn(ProviderKeyRow, "sealed", lambda row: row.provider),
    SealedColumn(IntegrationRow, "sealed_secrets", lambda row: row.id),
    SealedColumn(IntegrationRow, "sealed_query", lambda row: row.id),
    SealedColumn(PushCredentialRow, "sealed", lambda row: row.integration_id),
    SealedColumn(ApprovedQueryRow, "sealed", lambda row: row.uid),
    SealedColumn(ChatRow, "title", lambda row: row.uid),
    SealedColumn(PromptRow, "text", lambda row: row.uid),
    SealedColumn(PromptRow, "sealed", lambda row: row.uid),
    SealedColumn(TemplateRow, "sealed", lambda row: row.uid),
    SealedColumn(MemoryRow, "sealed", lambda row: row.uid),
    SealedColumn(BreakGlassRow, "reason", lambda row: row.uid),
    SealedColumn(FullTextRow, "sealed", lambda row: row.resource_id),
)
