"""The admin's side of push back: its credential, what people edited of one integration, and each plan with its outcome.

Enters and leaves: `Push` and `Edited`. A credential goes in and never comes out of this door. Changes are audited by
counts; the texts themselves stand in the plan. Nothing here speaks to a source: `plugin.catalog.sync.push` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import aliased

from plugin.errors import Conflict, NotFound
from plugin.store._context import Context
from plugin.store._models.base import now
from plugin.store._models.catalog import ResourceRow, TagRow
from plugin.store._models.integrations import IntegrationRow
from plugin.store._models.pushes import PushCredentialRow, PushRow

KINDS = (
    "table",
    "view",
    "materialized_view",
    "foreign_table",
    "partitioned_table",
    "external_table",
    "column",
)
KEPT = 50
"""How many plans of one integration are kept."""


@dataclass(frozen=True, slots=True)
class Edited:
    """What people wrote about a database, schema, table or column, beside what its source said at its sync."""

    resource_id: int
    qualified_name: str
    database: str | None
    schema: str
    """Empty where it is the database."""
    table: str | None
    """None where it is the schema or the database."""
    column: str | None
    described: bool
    """Whether a person wrote (or emptied) the description."""
    description: str | None
    source_description: str | None
    tags: tuple[str, ...] = ()
    """Tags that people put; those of the source are not here."""


@dataclass(frozen=True, slots=True)
class PushItem:
    """One step of a plan. `done` is "", "applied", "undone" or "failed"; `reason` says why it did not run."""

    resource_id: int
    qualified_name: str
    what: str
    state: str
    reason: str
    before: str | None
    after: str | None
    expected: str | None
    place: tuple[str | None, str, str | None, str | None]
    tags: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    done: str = ""


@dataclass(frozen=True, slots=True)
class Push:
    """One plan of an integration. `state`: planned, running, applied, undoing, undone."""

    id: int
    integration_id: int
    state: str
    planned_by: str
    created: datetime
    applied: datetime | None
    undone: datetime | None
    items: tuple[PushItem, ...]

    def count(self, state: str) -> int:
        """How many steps are in a state (ready, same, conflict, missing, cannot)."""
        return sum(1 for item in self.items if item.state == state)


class Pushes:
    """Push back of one workspace's integrations. Made by the admin's door."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._session = context.session

    def has_credential(self, integration_id: int) -> bool:
        """Whether push back is on for an integration: whether it has a credential of its own."""
        return self._session.scalar(self._credential(integration_id)) is not None

    def set_credential(self, integration_id: int, values: Mapping[str, str] | None) -> None:
        """Seal the credential that writes, or turn push back off with None. NotFound."""
        self._context.begin_write()
        self._integration(integration_id)
        self._session.execute(
            delete(PushCredentialRow).where(
                PushCredentialRow.integration_id == integration_id,
                PushCredentialRow.workspace_id == self._context.workspace_id,
            )
        )
        if values is not None:
            sealed = self._context.vault.seal_json(
                "push_credentials", "sealed", dict(values), row=integration_id
            )
            self._session.add(
                PushCredentialRow(
                    integration_id=integration_id, workspace_id=self._context.workspace_id, sealed=sealed
                )
            )
        self._session.flush()
        self._audit("push.credential", integration_id, set=values is not None)

    def edited(self, integration_id: int) -> tuple[Edited, ...]:
        """Everything of an integration that people described or tagged, by name. NotFound."""
        self._integration(integration_id)
        one, up = aliased(ResourceRow), aliased(ResourceRow)
        base = aliased(ResourceRow)
        mine = (
            ResourceRow.workspace_id == self._context.workspace_id,
            ResourceRow.integration_id == integration_id,
        )
        tagged = select(TagRow.resource_id).where(
            TagRow.workspace_id == self._context.workspace_id, TagRow.origin == "person"
        )
        # The table itself, or that of a column; its schema; its database where there is one.
        rows = self._session.execute(
            select(ResourceRow, one.name, up.name, base.name)
            .join(one, one.id == ResourceRow.asset_id)
            .join(up, up.id == one.parent_id)
            .outerjoin(base, base.id == up.parent_id)
            .where(
                *mine,
                ResourceRow.kind.in_(KINDS),
                ResourceRow.stale_since.is_(None),
                ResourceRow.edited.like("%description%") | ResourceRow.id.in_(tagged),
            )
            .order_by(ResourceRow.qualified_name, ResourceRow.id)
        ).all()
        schemas = self._session.execute(
            select(ResourceRow, up.name)
            .outerjoin(up, up.id == ResourceRow.parent_id)
            .where(
                *mine,
                ResourceRow.kind.in_(("database", "schema")),
                ResourceRow.stale_since.is_(None),
                ResourceRow.edited.like("%description%"),
            )
            .order_by(ResourceRow.qualified_name, ResourceRow.id)
        ).all()
        places = [
            (row, row.name, "", None) if row.kind == "database" else (row, base_, row.name, None)
            for row, base_ in schemas
        ]
        places += [(row, base_, schema, table) for row, table, schema, base_ in rows]
        tags: dict[int, list[str]] = {}
        for resource_id, tag in self._session.execute(
            select(TagRow.resource_id, TagRow.tag)
            .join(ResourceRow, ResourceRow.id == TagRow.resource_id)
            .where(*mine, TagRow.origin == "person")
            .order_by(TagRow.tag)
        ):
            tags.setdefault(resource_id, []).append(tag)
        return tuple(
            Edited(
                row.id,
                row.qualified_name,
                database,
                schema,
                table,
                row.name if row.kind == "column" else None,
                "description" in (row.edited or "").split(","),
                row.description,
                row.source_description,
                tuple(tags.get(row.id, ())),
            )
            for row, database, schema, table in places
        )

    def save(self, integration_id: int, items: Sequence[PushItem]) -> Push:
        """Keep a plan, and let go of the oldest."""
        self._context.begin_write()
        self._integration(integration_id)
        row = PushRow(
            workspace_id=self._context.workspace_id,
            integration_id=integration_id,
            state="planned",
            planned_by=self._context.member.name,
            items=[asdict(item) for item in items],
        )
        self._session.add(row)
        self._session.flush()
        kept = (
            select(PushRow.id)
            .where(
                PushRow.integration_id == integration_id, PushRow.workspace_id == self._context.workspace_id
            )
            .order_by(PushRow.id.desc())
            .limit(KEPT)
        )
        old = list(self._session.scalars(kept))
        self._session.execute(
            delete(PushRow).where(
                PushRow.integration_id == integration_id,
                PushRow.workspace_id == self._context.workspace_id,
                PushRow.id.not_in(old),
            )
        )
        self._audit("push.plan", integration_id, push=row.id, ready=_shape(row).count("ready"), of=len(items))
        return _shape(row)

    def plan(self, push_id: int) -> Push:
        """One plan. NotFound."""
        return _shape(self._row(push_id))

    def list(self, integration_id: int, limit: int = 10) -> tuple[Push, ...]:
        """The latest plans of an integration, newest first."""
        rows = self._session.scalars(
            select(PushRow)
            .where(
                PushRow.integration_id == integration_id, PushRow.workspace_id == self._context.workspace_id
            )
            .order_by(PushRow.id.desc())
            .limit(limit)
        )
        return tuple(_shape(row) for row in rows)

    def begin(self, push_id: int, *, was: str, now_: str) -> Push:
        """Take a plan from one state to the next, so that nobody runs it twice. Conflict where it is in another."""
        self._context.begin_write()
        row = self._row(push_id)
        taken = self._session.execute(
            update(PushRow).where(PushRow.id == push_id, PushRow.state == was).values(state=now_)
        )
        if taken.rowcount != 1:  # type: ignore[attr-defined]
            raise Conflict(f"this plan is {row.state}, not {was}", field="push")
        self._audit(f"push.{'undo' if was == 'applied' else 'apply'}", row.integration_id, push=push_id)
        return _shape(row)

    def finish(self, push_id: int, state: str, items: Sequence[PushItem]) -> Push:
        """Write what became of each step, and say so in the audit log."""
        self._context.begin_write()
        row = self._row(push_id)
        row.state, row.items = state, [asdict(item) for item in items]
        if state == "applied":
            row.applied = now()
        if state == "undone":
            row.undone = now()
        self._session.flush()
        counts = {word: sum(item.done == word for item in items) for word in ("applied", "undone", "failed")}
        self._audit("push.done", row.integration_id, push=push_id, state=state, **counts)
        return _shape(row)

    def _audit(self, action: str, integration_id: int, **detail: Any) -> None:
        self._context.audit(action, "done", target=f"integration:{integration_id}", detail=detail)

    def _credential(self, integration_id: int) -> Any:
        return select(PushCredentialRow.integration_id).where(
            PushCredentialRow.integration_id == integration_id,
            PushCredentialRow.workspace_id == self._context.workspace_id,
        )

    def _integration(self, integration_id: int) -> None:
        found = select(IntegrationRow.id).where(
            IntegrationRow.id == integration_id, IntegrationRow.workspace_id == self._context.workspace_id
        )
        if self._session.scalar(found) is None:
            raise NotFound("no such integration")

    def _row(self, push_id: int) -> PushRow:
        row = self._session.scalar(
            select(PushRow).where(PushRow.id == push_id, PushRow.workspace_id == self._context.workspace_id)
        )
        if row is None:
            raise NotFound("no such plan")
        return row


def _shape(row: PushRow) -> Push:
    items = tuple(
        PushItem(
            **{
                **item,
                **{name: tuple(item[name]) for name in ("place", "tags", "statements", "undo")},
            }
        )
        for item in row.items
    )
    return Push(
        row.id, row.integration_id, row.state, row.planned_by, row.created, row.applied, row.undone, items
    )
