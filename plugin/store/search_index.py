"""Keeping the full-text index in step with the catalog, inside the transaction that changes it."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.orm import Session


def index_changes(
    session: Session, workspace_id: int, changed_ids: Iterable[int], removed_ids: Iterable[int]
) -> None:
    """Index these resources again, and forget those that are gone. Columns count as a change of their table."""
