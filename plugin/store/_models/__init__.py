"""All tables of the store. Private to plugin/store. A room that reads or writes rows imports the file of its subject.

Mapping a table costs half a millisecond and 0.3 MB of every command's start, and most commands need a few of them: so a
subject is mapped when its file is imported. Whoever looks at all tables asks this package for `Base`, whose metadata
is complete then. Workspaces, people and integrations are always there, since the other tables refer to them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from plugin.store._models import integrations, people

if TYPE_CHECKING:
    from plugin.store._models.base import Base

SUBJECTS = ("catalog", "clock", "governance", "history", "pushes", "settings")
"""The other files with tables; a test holds them against the folder."""

__all__ = ["Base", "integrations", "people"]


def __getattr__(name: str) -> Any:
    """`Base`, when every table is mapped and says of its indexes what PostgreSQL wants to know."""
    if name != "Base":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    for subject in SUBJECTS:
        import_module(f"{__name__}.{subject}")
    base = import_module(f"{__name__}.base")
    base.also_on_postgresql()
    return base.Base
