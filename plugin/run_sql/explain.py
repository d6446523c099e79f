"""A decision receipt against today's settings: what would be decided now, and what changed since."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plugin.access.viewer import Viewer
from plugin.errors import NotFound
from plugin.run_sql.decisions import WITHHELD, ShownReceipt, shown
from plugin.run_sql.dialects import engine_of
from plugin.run_sql.execute import dialect_of
from plugin.run_sql.gates import integration_of, policy_gates
from plugin.store.shapes import Receipt

if TYPE_CHECKING:
    from plugin.store import Store
    from plugin.store._doors import ViewerDoor


@dataclass(frozen=True, slots=True)
class Explained:
    """`then` and `now` are gate -> open (None: not reached); `changes` are sentences, none where all is as it was."""

    receipt: Receipt
    shown: ShownReceipt
    """The receipt as whoever asks may read it: what is told of it comes from here."""
    then: Mapping[str, bool]
    now: Mapping[str, bool]
    verdict_now: str
    reason_now: str | None
    changes: tuple[str, ...]
    who_now: str = ""
    """Who can open the gate that is closed today."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            **self.shown.as_dict(),
            "now": dict(self.now),
            "verdict_now": self.verdict_now,
            "reason_now": self.reason_now,
            "who_now": self.who_now or None,
            "changes": list(self.changes),
        }


def explain_decision(store: Store, viewer: Viewer, receipt_id: int) -> Explained:
    """Replay one of the viewer's receipts (an admin: anybody's) against today's gates. NotFound.

    The gates are those of the viewer who asks; an admin who explains another member's receipt is told so. The
    statement itself is not kept, so what the guard said about its form stands; tables and columns are looked up again.
    """
    with store.as_viewer(viewer) as door:
        receipt = next(iter(door.record.receipts(1, id=receipt_id)), None)
        if receipt is None:
            raise NotFound("there is no such decision")
        then = {str(gate["gate"]): bool(gate["open"]) for gate in receipt.gates}
        (told,) = shown(door, (receipt,))
        now, reason, who = _gates_now(door, receipt, told)
        changes = _changes(then, now)
        settings = door.policy.ai().sql_limits
        for key in ("rows", "bytes", "seconds", "concurrent", "concurrent_integration"):
            before, after = receipt.limits.get(key), getattr(settings, key)
            if before is not None and float(before) != float(after):
                changes.append(f"the limit of {key} was {before:g} and is {after:g}")
        if receipt.member != door.viewer.email:
            changes.append(f"this was a decision about {receipt.member}; the gates of today are yours")
    refused = reason is not None
    verdict = "refused" if refused else "allowed"
    return Explained(receipt, told, then, now, verdict, reason, tuple(changes), who)


def _gates_now(
    door: ViewerDoor, receipt: Receipt, told: ShownReceipt
) -> tuple[dict[str, bool], str | None, str]:
    """The gates of today as far as they come, why the first closed one is closed, and who can open it."""
    try:
        integration = integration_of(door, receipt.integration_id)
    except NotFound:
        return {"integration": False}, "the integration is gone, or you see nothing of it any more", ""
    settings = door.policy.ai()
    dialect = dialect_of(integration.type)
    now: dict[str, bool] = {}
    query = None
    if receipt.limits.get("query") is not None:
        try:
            query = door.queries.get(int(receipt.limits["query"]))
        except NotFound:
            return {"permission": False}, "the saved query is gone, or not approved for you any more", ""
    for gate in policy_gates(door, settings, integration, dialect, query):
        now[gate.gate] = gate.open
        if not gate.open:
            return now, gate.reason, gate.who
    if dialect is None or engine_of(dialect) is None:
        return now, "Docent does not run SQL on this type", ""
    missing, sensitive = missing_of(door, receipt.integration_id, receipt.tables, receipt.columns)
    then = {str(gate["gate"]): gate for gate in receipt.gates}
    visible_then = then.get("visible")
    if visible_then is not None and not visible_then["open"]:
        return now, "the tables and columns of a refused statement are not kept; run it again to see", ""
    now["visible"] = not missing
    if missing:
        return now, WITHHELD, ""
    form = next((gate for gate in told.gates if gate["gate"] == "read_only"), None)
    now["read_only"] = bool(form is None or form["open"])
    if not now["read_only"] and form is not None:
        return now, str(form["reason"]), ""
    now["sensitive"] = not (sensitive and settings.sql_sensitive == "refuse")
    if not now["sensitive"]:
        return now, f"columns marked sensitive are not queried here: {', '.join(sensitive[:5])}", ""
    return now, None, ""


def missing_of(
    door: ViewerDoor, integration_id: int, tables: Iterable[str], columns: Collection[str]
) -> tuple[list[str], list[str]]:
    """Of the tables and columns of a run: those that the viewer does not see today; those marked sensitive today."""
    missing: list[str] = []
    sensitive: list[str] = []
    known: set[str] = set()
    for label in tables:
        try:
            table = door.catalog.by_name(label, integration=integration_id)
        except NotFound:
            missing.append(label)
            continue
        if table.qualified_name != label:
            # A name that only ends so is another table: the one that ran is hidden, or gone.
            missing.append(label)
            continue
        for column in door.catalog.columns(table.id):
            known.add(f"{label}.{column.name}")
            if column.sensitivity and f"{label}.{column.name}" in columns:
                sensitive.append(f"{label}.{column.name}")
    absent = [column for column in columns if column not in known and not missing]
    return missing + absent, sensitive


TITLES = {
    "ai": "AI",
    "toggle": "Run SQL",
    "permission": "query permission",
    "credential": "the credential for queries",
    "visible": "visibility of every table and column",
    "read_only": "the statement's form",
    "sensitive": "the rule for sensitive columns",
    "confirm": "pressing Run",
    "limits": "the limits",
    "integration": "the integration",
}


def _changes(then: Mapping[str, bool], now: Mapping[str, bool]) -> list[str]:
    found = []
    for gate, is_open in now.items():
        before = then.get(gate)
        if before is not None and before != is_open:
            title = TITLES.get(gate, gate)
            found.append(
                f"{title}: was {'open' if before else 'closed'}, is {'open' if is_open else 'closed'}"
            )
        elif before is None and gate == "integration":
            found.append("the integration is gone, or you see nothing of it any more")
    return found
