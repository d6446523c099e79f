"""All tables of the store. Private to plugin/store; importing this room makes `Base.metadata` complete."""

from __future__ import annotations

from plugin.store._models import catalog, clock, governance, history, integrations, people, pushes, settings
from plugin.store._models.base import Base

__all__ = [
    "Base",
    "catalog",
    "clock",
    "governance",
    "history",
    "integrations",
    "people",
    "pushes",
    "settings",
]
