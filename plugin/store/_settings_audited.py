"""Are the settings in force those that the audit log says were set?

Enters: a door's transaction. Leaves: the keys of settings that somebody changed behind the log. Every change by a door
is a line with what it was and what it became; of the few whose text is content (`PRIVATE`) the log has only that they
changed, so of those only the moment can be compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from plugin.governance.settings import SETTINGS
from plugin.store import _chain
from plugin.store._context import Context
from plugin.store._models.governance import AuditRow
from plugin.store._models.settings import SettingRow
from plugin.store.policy import value_of

APART = timedelta(minutes=1)
"""A setting's row and its line of the log are written in one transaction, moments apart."""


def unaudited(context: Context, stored: Mapping[str, Any]) -> tuple[str, ...]:
    """Keys of settings whose value, or whose last change, no line of the audit log explains."""
    ours = AuditRow.workspace_id == context.workspace_id, AuditRow.action == "settings.change"
    latest = select(func.max(AuditRow.seq)).where(*ours).group_by(AuditRow.target)
    told = {
        str(target): (at, detail)
        for target, at, detail in context.session.execute(
            select(AuditRow.target, AuditRow.at, AuditRow.detail).where(*ours, AuditRow.seq.in_(latest))
        )
    }
    changed: dict[str, datetime] = {
        key: at if at.tzinfo else at.replace(tzinfo=UTC)
        for key, at in context.session.execute(
            select(SettingRow.key, SettingRow.changed_at).where(
                SettingRow.workspace_id == context.workspace_id
            )
        )
    }
    return tuple(
        key
        for key in sorted((told.keys() | changed.keys()) & SETTINGS.keys())
        if not _explained(value_of(dict(stored), key), changed.get(key), told.get(key))
    )


def _explained(value: Any, changed: datetime | None, told: tuple[str, Mapping[str, Any]] | None) -> bool:
    if told is None:
        return False
    at, detail = told
    if "after" in detail:
        return _chain.plain({"v": value}) == {"v": detail["after"]}
    return changed is not None and abs(datetime.fromisoformat(at) - changed) < APART
