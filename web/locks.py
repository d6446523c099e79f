"""The lock beside a statement: open, or closed with the first closed gate and who can open it.

The gates decide (`plugin.run_sql.gates`); this only asks them for whoever is signed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from plugin.errors import DocentError
from web.services import services, viewer


@dataclass(frozen=True)
class Lock:
    """How the lock shows. `open` lets the Run button work; the gates are asked again when it is pressed."""

    open: bool
    text: str
    more: str = ""
    gate: str = ""
    """The closed gate's name, "" where the gates were not asked."""


def lock_of(entry: Mapping[str, Any]) -> Lock:
    """The lock of a statement of an answer."""
    if entry.get("unknown"):
        count = len(entry["unknown"])
        names = "one name is unknown" if count == 1 else f"{count} names are unknown"
        return Lock(False, f"Run SQL is closed: {names}", "Use the nearest real name, then ask again.")
    integration_id = entry.get("integration_id")
    if not integration_id:
        return Lock(False, "Run SQL is closed: it is not clear which integration this is for", "")
    if not entry.get("ok", True):
        reasons = entry.get("problems") or ("the statement did not pass the check",)
        return Lock(False, "Run SQL is closed: the statement did not pass the check", str(reasons[0]))
    from plugin.run_sql.run import preview  # brings every engine's driver along

    try:
        decision = preview(
            services().store, viewer(), int(integration_id), str(entry.get("sql", "")), cost=False
        ).decision
    except DocentError as error:
        return Lock(False, "Run SQL is closed", str(error))
    closed = decision.closed
    if closed is None:
        limits = decision.limits
        return Lock(
            True, "Run SQL is open for you", f"Read-only, {limits['rows']:,} rows, {limits['seconds']:g} s"
        )
    reason = closed.reason[:1].upper() + closed.reason[1:]
    return Lock(
        False,
        f"Run SQL is closed: {closed.reason}" if closed.gate == "read_only" else reason,
        _who(closed.who),
        closed.gate,
    )


def _who(who: str) -> str:
    return f"{who[:1].upper()}{who[1:]} can open it" if who and not who.startswith("nobody") else ""
