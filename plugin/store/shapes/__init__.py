"""The frozen values that leave the store. No ORM row ever does.

Times are timezone-aware UTC datetimes. `id` is the row's integer key, unique in the database; a caller can only reach
what their door shows, so an id is never a capability.

Making a frozen class takes a third of a millisecond, and most commands need a few of the sixty: so the values of a
subject are made when one of them is imported from here. A room that every command loads, but that makes a value only
when it is asked for one, imports this package and names the value behind it (`shapes.Resource`).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plugin.store.shapes.catalog import *  # noqa: F403
    from plugin.store.shapes.erased import *  # noqa: F403
    from plugin.store.shapes.governance import *  # noqa: F403
    from plugin.store.shapes.history import *  # noqa: F403
    from plugin.store.shapes.integrations import *  # noqa: F403
    from plugin.store.shapes.people import *  # noqa: F403

SUBJECTS = {
    "catalog": (
        "Activity AiUse CHANGES Drift Edge Found FrequentQuery Hit Index Join Key Lineage Owner Page "
        "PlainColumn Proposal Resource TableUse"
    ),
    "erased": "Erased",
    "governance": (
        "ApprovedQuery AuditEntry AuditPage LedgerEntry LedgerPage ProviderHost QueryParameter Receipt "
        "Setting UsageLine"
    ),
    "history": "Chat ChatPage Memory Monitored MonitoredPage Notice Prompt PromptPage Reading Share Template",
    "integrations": "Integration QueryPermission Sync",
    "people": "Grant Group Invitation Member SessionInfo Team Token Workspace",
}
"""The values of each file; a test holds them against it."""
_FILES = {name: subject for subject, names in SUBJECTS.items() for name in names.split()}


if not TYPE_CHECKING:  # which would take any name for one of these

    def __getattr__(name: str) -> object:
        """One value, with the others of its subject."""
        if name not in _FILES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"{__name__}.{_FILES[name]}"), name)
        return value
