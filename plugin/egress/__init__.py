"""The gateway: the one door out of the building.

Enters: typed parts of a conversation (`parts.py`), a viewer, tools. Leaves: a redacted request to the one provider
that the admin chose, recorded in the ledger before its first byte is sent, and the answer with stand-ins restored.
Keeps laws 4, 5 and 7: no other room may import a vendor's SDK or open a connection to one.

    gateway = Gateway(store, config)
    for event in gateway.answer(viewer, Conversation(parts), tools): ...
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plugin.egress.gateway import Gateway, Sent

__all__ = ["Gateway", "Sent"]


def __getattr__(name: str) -> Any:
    """The gateway is loaded when it is first asked for: redaction alone needs neither it nor a provider."""
    if name in __all__:
        from plugin.egress import gateway

        return getattr(gateway, name)
    raise AttributeError(name)
