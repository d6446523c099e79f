"""The admin's side of integrations: what is connected and how, schedules, syncs, who may run SQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table, delete, func, select

from plugin.access.viewer import Role
from plugin.errors import BadInput, Conflict, NotFound
from plugin.store._context import Context
from plugin.store._models.base import now
from plugin.store._models.catalog import FullTextRow, ResourceRow, ZoneCountRow, ZoneRow
from plugin.store._models.integrations import IntegrationRow, QueryPermissionRow
from plugin.store._models.people import AccountRow, GroupRow, MemberRow, TeamRow
from plugin.store._people import clean_name
from plugin.store.secrets import seal_query, seal_secrets
from plugin.store.shapes import Erased, Integration, QueryPermission, Sync
from plugin.store.syncs import SyncRecord, clean_schedule, next_time

OPTIONS: Mapping[str, tuple[Any, ...]] = {
    "keep_stale": (False, True),
    "import_mode": ("smart", "never", "always"),
    "shrink_stop": (True, False),
    "keep_literals": (False, True),
    "run_mode": ("confirm", "run"),
}
"""Each option with its values, the default first."""
TEXTS = ("service_accounts", "reads_from")
"""Names: accounts whose queries tell nothing of people (patterns), integrations that are read where several fit."""
LONGEST_OPTION = 4000


class Integrations:
    """The integrations of one workspace. Secrets go in and never come out; every change is audited."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._session = context.session
        self._workspace_id = context.workspace_id
        self._syncs = SyncRecord(context)

    def list(self) -> tuple[Integration, ...]:
        """Every integration by name."""
        rows = self._session.scalars(
            select(IntegrationRow)
            .where(IntegrationRow.workspace_id == self._workspace_id)
            .order_by(func.lower(IntegrationRow.name))
        ).all()
        counts = self._counts()
        return tuple(integration_shape(row, counts.get(row.id, {})) for row in rows)

    def get(self, integration_id: int) -> Integration:
        """One integration. NotFound."""
        return integration_shape(self._row(integration_id), self._counts().get(integration_id, {}))

    def by_name(self, name: str) -> Integration:
        """The integration of that name, in any case. NotFound."""
        found = self._session.scalar(
            select(IntegrationRow.id).where(
                IntegrationRow.workspace_id == self._workspace_id,
                func.lower(IntegrationRow.name) == name.strip().lower(),
            )
        )
        if found is None:
            raise NotFound(f"no integration {name!r}")
        return self.get(found)

    def add(
        self,
        name: str,
        type: str,
        settings: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
        *,
        secrets: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        schedule: str | None = None,
    ) -> Integration:
        """Add one. `settings` hold no secret; `query` is the whole query credential, sealed.

        BadInput for a bad name, option or schedule, Conflict where the name is taken. Whether the connector can use
        the settings is for the caller to check with it.
        """
        wanted = clean_name(name, "an integration")
        tidy, cron = clean_options(options or {}), clean_schedule(schedule)
        self._context.begin_write()
        self._free_name(wanted)
        row = IntegrationRow(
            workspace_id=self._workspace_id,
            name=wanted,
            type=type,
            settings=dict(settings or {}),
            options=tidy,
            schedule=cron,
            next_sync_at=next_time(cron, now()) if cron else None,
        )
        self._session.add(row)
        self._session.flush()
        if secrets:
            seal_secrets(self._context, row, secrets)
        if query is not None:
            seal_query(self._context, row, query)
        self._audit("integration.add", row.id, type=type, query_credential=query is not None)
        return self.get(row.id)

    def update(
        self,
        integration_id: int,
        *,
        name: str | None = None,
        settings: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
        secrets: Mapping[str, str | None] | None = None,
        paused: bool | None = None,
    ) -> Integration:
        """Change what is given. `settings` replace the old ones; of `options` and `secrets` those named change.

        A secret of None is removed. BadInput, Conflict as `add`.
        """
        self._context.begin_write()
        row = self._row(integration_id)
        changed: dict[str, Any] = {}
        if name is not None and clean_name(name, "an integration") != row.name:
            wanted = clean_name(name, "an integration")
            self._free_name(wanted, but=row.id)
            row.name, changed["name"] = wanted, True
        if settings is not None and dict(settings) != row.settings:
            changed["settings"] = sorted(
                key for key in {*settings, *row.settings} if settings.get(key) != row.settings.get(key)
            )
            row.settings = dict(settings)
        if options is not None:
            if row.options.get("keep_literals") and clean_options(options).get("keep_literals") is False:
                self._forget_literals(row.id)
            row.options = {**row.options, **clean_options(options)}
            changed["options"] = clean_options(options)
        if secrets:
            kept = self._context.vault
            old = (
                kept.open_json("integrations", "sealed_secrets", row.sealed_secrets, row=row.id)
                if row.sealed_secrets
                else {}
            )
            merged = {**old, **secrets}
            seal_secrets(
                self._context, row, {key: value for key, value in merged.items() if value is not None}
            )
            changed["secrets"] = sorted(secrets)
        if paused is not None and paused != row.paused:
            row.paused, changed["paused"] = paused, paused
            row.state = "paused" if paused else ("ok" if row.last_sync_at else "new")
        self._session.flush()
        if changed:
            self._audit("integration.change", row.id, **changed)
        return self.get(integration_id)

    def set_query_credential(self, integration_id: int, query: Mapping[str, str] | None) -> None:
        """Seal the credential that Run SQL uses, or remove it with None."""
        self._context.begin_write()
        seal_query(self._context, self._row(integration_id), query)
        self._audit("integration.query_credential", integration_id, set=query is not None)

    def set_schedule(self, integration_id: int, schedule: str | None) -> Integration:
        """Sync by a cron expression (UTC), or only by hand with None. BadInput where it is not one."""
        cron = clean_schedule(schedule)
        row = self._row(integration_id)
        row.schedule = cron
        row.next_sync_at = next_time(cron, now()) if cron else None
        self._session.flush()
        self._audit("integration.schedule", row.id, schedule=cron)
        return self.get(integration_id)

    def remove(self, integration_id: int) -> Erased:
        """Remove an integration with its credentials and everything the catalog has from it; returns the receipt."""
        from plugin.store.monitoring import forget_integration as forget_monitored
        from plugin.store.removal import run_deletes
        from plugin.store.search_index import forget_integration
        from plugin.store.search_scrub import scrub_index

        self._context.begin_write()
        row = self._row(integration_id)
        forget_integration(self._context, integration_id)
        gone = run_deletes(self._session, _belongings(integration_id, self._workspace_id))
        gone["integrations"], gone["monitored"] = 1, forget_monitored(self._context, integration_id)
        self._session.delete(row)
        self._session.flush()
        scrub_index(self._context)
        self._context.forget_after()
        self._audit("integration.remove", integration_id, type=row.type, deleted=gone)
        return Erased(now(), gone)

    # --- syncs --------------------------------------------------------------------------------------------------

    def syncs(self, integration_id: int | None = None, limit: int = 20) -> tuple[Sync, ...]:
        """The latest syncs, newest first."""
        return self._syncs.syncs(integration_id, limit)

    def sync(self, sync_id: int) -> Sync:
        """One sync. NotFound."""
        return self._syncs.sync(sync_id)

    def start_sync(self, integration_id: int, *, full: bool = False, only_schema: str | None = None) -> Sync:
        """Enter a sync as queued; putting it on the queue of jobs is the caller's. Conflict where one is under way."""
        queued = self._syncs.queue(integration_id, full=full, only_schema=only_schema)
        self._audit("integration.sync", integration_id, sync=queued.id, full=full, schema=only_schema)
        return queued

    def cancel_sync(self, sync_id: int) -> Sync:
        """Ask a sync to stop."""
        cancelled = self._syncs.cancel(sync_id)
        self._audit("integration.sync_cancel", cancelled.integration_id, sync=sync_id)
        return cancelled

    # --- query permission ---------------------------------------------------------------------------------------

    def query_permissions(self, integration_id: int) -> tuple[QueryPermission, ...]:
        """Who may run SQL on it: admins by their role, then those it was given to."""
        self._row(integration_id)
        rows = self._session.scalars(
            select(QueryPermissionRow)
            .where(QueryPermissionRow.integration_id == integration_id)
            .order_by(QueryPermissionRow.id)
        )
        given = [
            QueryPermission(
                integration_id, row.subject, row.subject_id, self._subject(row.subject, row.subject_id)
            )
            for row in rows
        ]
        return (QueryPermission(integration_id, "role", None, Role.ADMIN.value), *given)

    def grant_query(self, integration_id: int, subject: str, subject_id: int) -> None:
        """Let a member, team or group run SQL on it. NotFound where there is no such subject."""
        self._context.begin_write()
        self._row(integration_id)
        if not self._subject(subject, subject_id):
            raise NotFound(f"no such {subject}")
        if self._permission(integration_id, subject, subject_id) is None:
            self._session.add(
                QueryPermissionRow(
                    workspace_id=self._workspace_id,
                    integration_id=integration_id,
                    subject=subject,
                    subject_id=subject_id,
                )
            )
            self._session.flush()
            self._audit("integration.query_grant", integration_id, subject=subject, subject_id=subject_id)

    def revoke_query(self, integration_id: int, subject: str, subject_id: int) -> None:
        """Take the permission back; admins keep theirs by their role."""
        row = self._permission(integration_id, subject, subject_id)
        if row is not None:
            self._session.delete(row)
            self._session.flush()
            self._audit("integration.query_revoke", integration_id, subject=subject, subject_id=subject_id)

    def _forget_literals(self, integration_id: int) -> None:
        """What was kept for people to read goes at once when it is no longer to be kept."""
        mine = select(ResourceRow.id).where(
            ResourceRow.integration_id == integration_id, ResourceRow.workspace_id == self._workspace_id
        )
        self._session.execute(delete(FullTextRow).where(FullTextRow.resource_id.in_(mine)))
        self._context.scrub_after()

    # --- inside -------------------------------------------------------------------------------------------------

    def _audit(self, action: str, integration_id: int, **detail: Any) -> None:
        self._context.audit(action, "done", target=f"integration:{integration_id}", detail=detail)

    def _row(self, integration_id: int) -> IntegrationRow:
        row = self._session.scalar(
            select(IntegrationRow).where(
                IntegrationRow.id == integration_id, IntegrationRow.workspace_id == self._workspace_id
            )
        )
        if row is None:
            raise NotFound("no such integration")
        return row

    def _free_name(self, name: str, but: int = 0) -> None:
        taken = select(IntegrationRow.id).where(
            IntegrationRow.workspace_id == self._workspace_id,
            func.lower(IntegrationRow.name) == name.lower(),
            IntegrationRow.id != but,
        )
        if self._session.scalar(taken) is not None:
            raise Conflict(f"there is an integration {name} already", field="name")

    def _permission(self, integration_id: int, subject: str, subject_id: int) -> QueryPermissionRow | None:
        return self._session.scalar(
            select(QueryPermissionRow).where(
                QueryPermissionRow.workspace_id == self._workspace_id,
                QueryPermissionRow.integration_id == integration_id,
                QueryPermissionRow.subject == subject,
                QueryPermissionRow.subject_id == subject_id,
            )
        )

    def _subject(self, subject: str, subject_id: int) -> str:
        """The name of a member, team or group of this workspace; "" where there is none. BadInput for another kind."""
        if subject == "member":
            query = (
                select(AccountRow.email)
                .join(MemberRow, MemberRow.account_id == AccountRow.id)
                .where(MemberRow.id == subject_id, MemberRow.workspace_id == self._workspace_id)
            )
        elif subject in ("team", "group"):
            table = TeamRow if subject == "team" else GroupRow
            query = select(table.name).where(table.id == subject_id, table.workspace_id == self._workspace_id)
        else:
            raise BadInput("query permission is given to a member, a team or a group", field="subject")
        return self._session.scalar(query) or ""

    def _counts(self) -> dict[int, dict[str, int]]:
        rows = self._session.execute(
            select(ZoneRow.integration_id, ZoneCountRow.kind, func.sum(ZoneCountRow.resources))
            .join(ZoneCountRow, ZoneCountRow.zone_id == ZoneRow.id)
            .where(ZoneRow.workspace_id == self._workspace_id, ZoneRow.integration_id.is_not(None))
            .group_by(ZoneRow.integration_id, ZoneCountRow.kind)
        )
        counts: dict[int, dict[str, int]] = {}
        for integration_id, kind, number in rows:
            counts.setdefault(integration_id, {})[kind] = int(number)
        return counts


def clean_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options with allowed values. BadInput names the allowed ones."""
    tidy: dict[str, Any] = {}
    for key, value in options.items():
        if key in TEXTS:
            if not isinstance(value, str) or len(value) > LONGEST_OPTION:
                raise BadInput(f"{key} is a text of at most {LONGEST_OPTION:,} characters", field=key)
            tidy[key] = ", ".join(names_in(value))
            continue
        if key not in OPTIONS:
            raise BadInput(
                f"there is no option {key!r}; there are {', '.join((*OPTIONS, *TEXTS))}", field=key
            )
        if not any(value == allowed and type(value) is type(allowed) for allowed in OPTIONS[key]):
            raise BadInput(f"{key} is one of {', '.join(str(each) for each in OPTIONS[key])}", field=key)
        tidy[key] = value
    return tidy


def names_in(text: str) -> list[str]:
    """The names or patterns of a text with commas or lines."""
    return [part.strip() for part in text.replace("\n", ",").split(",") if part.strip()]


def integration_shape(
    row: IntegrationRow, counts: Mapping[str, int], *, stripped: bool = False
) -> Integration:
    """An integration as it leaves the store; `stripped` of its settings for those who are no admins."""
    return Integration(
        id=row.id,
        name=row.name,
        type=row.type,
        settings={} if stripped else dict(row.settings),
        secret_names=() if stripped else tuple(row.secret_names or ()),
        has_query_credential=row.sealed_query is not None,
        schedule=row.schedule,
        options={
            **{key: values[0] for key, values in OPTIONS.items()},
            **dict.fromkeys(TEXTS, ""),
            **row.options,
        },
        state=row.state,
        last_sync_at=row.last_sync_at,
        last_error=None if stripped else row.last_error,
        counts=dict(counts),
    )


def _belongings(integration_id: int, workspace_id: int) -> list[Any]:
    """Deletes of every row that hangs on an integration or on its resources, children first."""
    from plugin.store._models import Base

    resources = Base.metadata.tables["resources"]
    ours = (resources.c.integration_id == integration_id, resources.c.workspace_id == workspace_id)
    mine = select(resources.c.id).where(*ours)
    by_resource, by_integration = [], []
    table: Table
    for table in reversed(Base.metadata.sorted_tables):
        if table.name in ("integrations", "resources"):
            continue
        for column in ("resource_id", "table_id", "upstream_id", "downstream_id", "left_id", "right_id"):
            if column in table.c:
                by_resource.append(delete(table).where(table.c[column].in_(mine)))
        if "integration_id" in table.c and table.name != "receipts":
            by_integration.append(delete(table).where(table.c.integration_id == integration_id))
    # Logged lineage of others over these tables goes first: what would be left of its names might be seen by anybody.
    edges, named = (Base.metadata.tables[name] for name in ("edges", "frequent_query_tables"))
    over = select(named.c.query_id).where(named.c.resource_id.in_(mine), named.c.query_id < 0)
    by_resource[:0] = [delete(each).where(each.c.query_id.in_(over)) for each in (edges, named)]
    # What refers to a resource goes while the resources are still there to ask.
    return [*by_resource, *by_integration, delete(resources).where(*ours)]
