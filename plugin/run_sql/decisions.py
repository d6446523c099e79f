"""Decision receipts as somebody may read them today.

A receipt keeps names of tables and columns, and reasons that quote them. Who lost sight of one of these since then is
not told it again: what is hidden reads like what is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from plugin.errors import NotFound
from plugin.run_sql.dialects import engine_of
from plugin.run_sql.execute import dialect_of
from plugin.run_sql.gates import integration_of
from plugin.run_sql.guard import tables_named
from plugin.store.shapes import Receipt

if TYPE_CHECKING:
    from plugin.store._doors import ViewerDoor

LIMITS = {
    "rows": "rows", "bytes": "bytes", "seconds": "seconds",
    "concurrent": "queries at once per member", "concurrent_integration": "queries at once on the integration",
}  # fmt: skip
"""The limits that a receipt keeps, and what each counts."""
WITHHELD = "it names something that is gone, or that you do not see any more"
_NAMING = frozenset({"visible", "read_only", "sensitive"})
"""Gates whose reasons quote names of the statement."""


@dataclass(frozen=True, slots=True)
class ShownReceipt:
    """One receipt for one reader. `integration` is None, and no reason is told, where they see nothing of it."""

    id: int
    at: datetime
    member: str
    integration_id: int | None
    integration: str | None
    kind: str
    """The class of the statement: select, set operation, values, pivot; "" where the guard did not get so far."""
    verdict: str
    gate: str | None
    """The first gate that was closed."""
    reason: str | None
    gates: tuple[Mapping[str, Any], ...]
    tables: tuple[str, ...]
    columns: tuple[str, ...]
    sensitive: tuple[str, ...]
    limits: Mapping[str, float]
    withheld: bool
    """Is there a name that is not told?"""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "id": self.id,
            "at": self.at.isoformat(),
            "member": self.member,
            "integration_id": self.integration_id,
            "integration": self.integration,
            "statement": self.kind,
            "verdict": self.verdict,
            "gate": self.gate,
            "reason": self.reason,
            "gates": [dict(gate) for gate in self.gates],
            "tables": list(self.tables),
            "columns": list(self.columns),
            "sensitive": list(self.sensitive),
            "limits": dict(self.limits),
            "withheld": self.withheld,
        }


class _Sight:
    """What the reader sees of the tables that receipts name; each is looked up once."""

    def __init__(self, door: ViewerDoor) -> None:
        self._door = door
        self._integrations: dict[int, tuple[str, str | None] | None] = {}
        self._columns: dict[tuple[int, str], frozenset[str] | None] = {}
        self._named: dict[tuple[int, str], bool] = {}

    def integration(self, integration_id: int) -> tuple[str, str | None] | None:
        """Its name and dialect; None where the reader sees nothing of it."""
        if integration_id not in self._integrations:
            try:
                found = integration_of(self._door, integration_id)
            except NotFound:
                self._integrations[integration_id] = None
            else:
                self._integrations[integration_id] = (found.name, dialect_of(found.type))
        return self._integrations[integration_id]

    def columns(self, integration_id: int, label: str) -> frozenset[str] | None:
        """The columns of a table by its whole name, or None."""
        key = (integration_id, label)
        if key not in self._columns:
            self._columns[key] = self._look(integration_id, label, whole=True)
        return self._columns[key]

    def named(self, integration_id: int, name: str) -> bool:
        """Does a name of a statement mean a table that the reader sees?"""
        key = (integration_id, name)
        if key not in self._named:
            self._named[key] = self._look(integration_id, name, whole=False) is not None
        return self._named[key]

    def _look(self, integration_id: int, name: str, *, whole: bool) -> frozenset[str] | None:
        try:
            table = self._door.catalog.by_name(name, integration=integration_id)
        except NotFound:
            return None
        if whole and table.qualified_name != name:
            return None  # another table whose name ends so
        return frozenset(column.name for column in self._door.catalog.columns(table.id))


def shown(door: ViewerDoor, receipts: Iterable[Receipt]) -> tuple[ShownReceipt, ...]:
    """These receipts as the door's viewer may read them now."""
    sight = _Sight(door)
    return tuple(_shown(sight, receipt) for receipt in receipts)


def _shown(sight: _Sight, receipt: Receipt) -> ShownReceipt:
    found = sight.integration(receipt.integration_id)
    tables: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    if found is not None:
        seen = {label: sight.columns(receipt.integration_id, label) for label in receipt.tables}
        tables = tuple(label for label in receipt.tables if seen[label] is not None)
        columns = tuple(
            column
            for column in receipt.columns
            if column.rpartition(".")[2] in (seen.get(column.rpartition(".")[0]) or ())
        )
    whole = found is not None and len(tables) == len(receipt.tables) and len(columns) == len(receipt.columns)
    told = whole and (bool(receipt.tables) or _names_seen(sight, receipt, found[1] if found else None))
    gates = tuple(_gate(gate, found is not None, told) for gate in receipt.gates)
    closed = next((gate for gate in gates if not gate["open"]), None)
    limits = {
        key: float(receipt.limits[key]) for key in LIMITS if isinstance(receipt.limits.get(key), int | float)
    }
    return ShownReceipt(
        id=receipt.id,
        at=receipt.at,
        member=receipt.member,
        integration_id=receipt.integration_id if found else None,
        integration=found[0] if found else None,
        kind=str(receipt.limits.get("kind") or ""),
        verdict=receipt.verdict,
        gate=str(closed["gate"]) if closed else None,
        reason=str(closed["reason"]) if closed else None,
        gates=gates,
        tables=tables,
        columns=columns,
        sensitive=tuple(column for column in receipt.limits.get("sensitive") or () if column in columns),
        limits=limits,
        withheld=not whole,
    )


def _names_seen(sight: _Sight, receipt: Receipt, dialect: str | None) -> bool:
    """Does the reader see every table that a refused statement names? A receipt keeps no list of these."""
    if dialect is None or engine_of(dialect) is None:
        return True  # such a statement was not read
    return all(
        sight.named(receipt.integration_id, ".".join(parts))
        for parts in tables_named(receipt.statement, dialect)
    )


def _gate(gate: Mapping[str, Any], seen: bool, told: bool) -> dict[str, Any]:
    reason = str(gate.get("reason") or "")
    name = str(gate["gate"])
    if reason and (not seen or (name in _NAMING and not told)):
        reason = WITHHELD
    return {"gate": name, "open": bool(gate["open"]), "reason": reason, "who": str(gate.get("who") or "")}
