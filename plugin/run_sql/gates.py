"""The gates of law 6, in order, checked on the server each time something is about to run.

    AI is on -> Run SQL is on -> query permission -> query credential -> every table and column visible
    -> proven read-only -> limits

Each gate that is closed says which it is and who can open it. None says whether something hidden exists: a table
that one may not see is refused in the words for a table that is not there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from plugin.access.viewer import Role
from plugin.errors import NotFound, Refused
from plugin.governance.ai_settings import AiSettings
from plugin.run_sql.dialects import engine_of
from plugin.run_sql.guard import check, tables_named
from plugin.run_sql.verdict import Verdict, VisibleTable, VisibleTables
from plugin.store.shapes import ApprovedQuery, Integration, Resource

if TYPE_CHECKING:
    from plugin.store._doors import ViewerDoor

GATES = ("ai", "toggle", "permission", "credential", "visible", "read_only", "sensitive", "confirm", "limits")
_VISIBILITY_RULES = frozenset({"table", "column", "scope"})
_NOBODY = "nobody: this protects the source; change the statement"
MASK = "[masked]"


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate and how it stood. `who` says who can open it where it is closed."""

    gate: str
    open: bool
    reason: str = ""
    who: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As a receipt keeps it."""
        return {"gate": self.gate, "open": self.open, "reason": self.reason, "who": self.who}


@dataclass(frozen=True, slots=True)
class Decision:
    """What the gates said about one attempt. `verdict` is the guard's, None where it did not come to that."""

    integration: Integration
    dialect: str | None
    gates: tuple[Gate, ...]
    verdict: Verdict | None = None
    sensitive: tuple[str, ...] = ()
    """Columns marked sensitive that the statement touches."""
    masked: bool = False
    limits: Mapping[str, Any] = field(default_factory=dict)
    run_mode: str = "confirm"

    @property
    def closed(self) -> Gate | None:
        """The first closed gate, None where all are open."""
        return next((gate for gate in self.gates if not gate.open), None)

    @property
    def allowed(self) -> bool:
        """May it run?"""
        return self.closed is None

    def refusal(self) -> Refused:
        """The error for the first closed gate."""
        gate = self.closed
        if gate is None:
            raise ValueError("every gate is open")
        return Refused(gate.reason, rule=f"run_sql.{gate.gate}", who=gate.who)


def decide(
    door: ViewerDoor,
    integration_id: int,
    sql: str,
    *,
    dialect: str | None,
    default_schema: str | None = None,
    confirmed: bool = True,
    row_limit: int | None = None,
    query: ApprovedQuery | None = None,
    parameters: Collection[str] = (),
) -> Decision:
    """Check every gate for the door's viewer, up to the first closed one. NotFound for an unknown integration.

    `dialect` and `default_schema` are what the integration's connector says. `confirmed` is whether a person pressed
    Run; where nobody did, the integration must allow the assistant to run by itself. `query` is the saved statement
    that `sql` is: one that is approved for a team of the viewer opens the gate of permission, and no other gate.
    `parameters` are the names that may stand for values.
    """
    integration = integration_of(door, integration_id)
    settings = door.policy.ai()
    limits: dict[str, Any] = {
        "rows": settings.sql_limits.rows,
        "bytes": settings.sql_limits.bytes,
        "seconds": settings.sql_limits.seconds,
        "concurrent": settings.sql_limits.concurrent,
        "concurrent_integration": settings.sql_limits.concurrent_integration,
    }
    run_mode = str(integration.options.get("run_mode", "confirm"))
    gates = policy_gates(door, settings, integration, dialect, query)
    if not gates[-1].open:
        return Decision(integration, dialect, tuple(gates), limits=limits, run_mode=run_mode)
    wanted = limits["rows"] + 1 if row_limit is None else min(row_limit, limits["rows"]) + 1
    tables, marked, database = _visible(door, integration_id, sql, str(dialect), settings.sql_sensitive)
    verdict = check(
        sql,
        dialect=str(dialect),
        tables=tables,
        default_schema=default_schema
        if default_schema is not None
        else _default_schema(str(dialect), tables),
        database=database,
        row_limit=wanted,
        parameters=parameters,
    )
    gates += _verdict_gates(door, verdict)
    touched = tuple(column for column in verdict.columns if column in marked)
    if gates[-1].open:
        gates.append(_sensitive_gate(door, touched, settings.sql_sensitive))
    if gates[-1].open:
        gates.append(_confirm_gate(door, confirmed, run_mode))
    if gates[-1].open:
        gates.append(_limits_gate(door, limits))
    return Decision(
        integration,
        dialect,
        tuple(gates),
        verdict,
        touched,
        masked=bool(touched) and settings.sql_sensitive == "mask",
        limits=limits,
        run_mode=run_mode,
    )


def integration_of(door: ViewerDoor, integration_id: int) -> Integration:
    """The integration, if the viewer sees something of it or may query it. NotFound otherwise."""
    for integration in (*door.catalog.integrations(), *door.me.query_integrations()):
        if integration.id == integration_id:
            return integration
    raise NotFound("no such integration")


def _admins(door: ViewerDoor) -> str:
    names = door.policy.admins()
    return "an admin of the workspace" + (f": {', '.join(names[:5])}" if names else "")


def policy_gates(
    door: ViewerDoor,
    settings: AiSettings,
    integration: Integration,
    dialect: str | None,
    query: ApprovedQuery | None = None,
) -> list[Gate]:
    """The gates that do not look at the statement, up to the first closed one. `query` as in `decide`."""
    admins = _admins(door)
    gates: list[Gate] = []

    def add(name: str, is_open: bool, reason: str, who: str = admins) -> bool:
        gates.append(Gate(name, True) if is_open else Gate(name, False, reason, who))
        return is_open

    guest = door.viewer.role is Role.GUEST
    (
        add("ai", settings.enabled, "AI is off in this workspace")
        and add("toggle", settings.run_sql, "Run SQL is off in this workspace")
        and add(
            "permission",
            not guest
            and "query" in door.viewer.scopes
            and ((query is not None and query.for_me) or door.me.can_query(integration.id)),
            "guests never run SQL"
            if guest
            else (
                f"you have no query permission on {integration.name}"
                + ("" if query is None else ", and this query is approved for no team of yours")
            )
            if "query" in door.viewer.scopes
            else "this token was made without the scope query",
        )
        and add(
            "credential",
            integration.has_query_credential and dialect is not None and engine_of(dialect) is not None,
            f"{integration.name} has no credential for queries"
            if not integration.has_query_credential
            else f"{integration.name} is of a type on which Docent does not run SQL",
        )
    )
    return gates


def _verdict_gates(door: ViewerDoor, verdict: Verdict) -> list[Gate]:
    if verdict.accepted:
        return [Gate("visible", True), Gate("read_only", True)]
    reason = verdict.reasons[0] if verdict.reasons else "the statement is refused"
    if verdict.rule in _VISIBILITY_RULES:
        return [Gate("visible", False, reason, _admins(door))]
    return [Gate("visible", True), Gate("read_only", False, reason, _NOBODY)]


def _sensitive_gate(door: ViewerDoor, touched: tuple[str, ...], rule: str) -> Gate:
    if touched and rule == "refuse":
        named = ", ".join(touched[:5])
        return Gate(
            "sensitive", False, f"columns marked sensitive are not queried here: {named}", _admins(door)
        )
    return Gate("sensitive", True)


def _confirm_gate(door: ViewerDoor, confirmed: bool, run_mode: str) -> Gate:
    if confirmed or run_mode == "run":
        return Gate("confirm", True)
    return Gate("confirm", False, "on this integration a person presses Run first", "you, by pressing Run")


def _limits_gate(door: ViewerDoor, limits: Mapping[str, Any]) -> Gate:
    if limits["rows"] > 0 and limits["bytes"] > 0 and limits["seconds"] > 0:
        return Gate("limits", True)
    return Gate("limits", False, "no limits are set for Run SQL", _admins(door))


def _visible(
    door: ViewerDoor, integration_id: int, sql: str, dialect: str, rule: str
) -> tuple[VisibleTables, frozenset[str], str | None]:
    """The visible tables that the statement could mean, their sensitive columns, the one database they are in."""
    engine = engine_of(dialect)
    named = tables_named(sql, dialect)
    if not named or engine is None:
        return VisibleTables(()), frozenset(), None
    found = door.catalog.visible_columns(integration_id, named)
    tables: list[VisibleTable] = []
    marked: set[str] = set()
    for qualified in found:
        resource = door.catalog.by_name(qualified, integration=integration_id)
        columns = door.catalog.columns(resource.id)
        parts = (*resource.path, resource.name)
        label = ".".join(parts)
        sensitive = [column for column in columns if column.sensitivity]
        marked.update(f"{label}.{column.name}" for column in sensitive)
        tables.append(
            VisibleTable(
                parts,
                tuple(column.name for column in columns),
                {column.name: _mask(column) for column in sensitive} if rule == "mask" else {},
                partial=True,
            )
        )
    databases = {table.parts[0] for table in tables if len(table.parts) > 2}
    return VisibleTables(tables), frozenset(marked), databases.pop() if len(databases) == 1 else None


def _mask(column: Resource) -> str:
    """What stands in a masked column's place: a text for texts, NULL ("") for everything else."""
    type_ = (column.native_type or "").lower()
    return MASK if any(word in type_ for word in ("char", "text", "string", "clob")) else ""


def _default_schema(dialect: str, tables: VisibleTables) -> str | None:
    """The engine's own default schema; for engines that have none, the schema if there is only one."""
    engine = engine_of(dialect)
    if engine is None:
        return None
    if engine.default_schemas:
        return engine.default_schemas[0]
    schemas = tables.schemas()
    return next(iter(schemas)) if len(schemas) == 1 else None


def hash_of(sql: str) -> str:
    """What a receipt keeps of the text itself."""
    return hashlib.sha256(sql.encode("utf-8", "surrogatepass")).hexdigest()
