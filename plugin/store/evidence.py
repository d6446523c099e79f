"""What the database says of itself, for the Trust page: counts of what must not be there, never what is there.

Enters: a door's transaction. Leaves: a frozen `Found`. Each figure is asked of the tables now; nothing is remembered.
It holds no text, no name and no count of things that only some members may know, so a member's door may ask it too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    case,
    false,
    func,
    literal_column,
    or_,
    select,
    union_all,
)

from plugin.store import _chain
from plugin.store._context import Context
from plugin.store._isolation import Isolation, isolation
from plugin.store._models.catalog import ResourceRow, ZoneRow
from plugin.store._models.governance import AuditRow, LedgerRow, NoticeRow, ReceiptRow
from plugin.store._models.history import ChatRow, PromptRow
from plugin.store._models.people import MemberRow, WorkspaceKeyRow, WorkspaceRow
from plugin.store._models.settings import HostRow, SettingRow
from plugin.store._personal_rows import Personal, personal_tables
from plugin.store._sealed import SEALED
from plugin.store._settings_audited import unaudited
from plugin.store.beats import Beat, beats
from plugin.store.logins import same_login
from plugin.store.policy import stored_values, value_of
from plugin.vault import sealed_prefix

CLOCK_MAY_LAG = timedelta(hours=1)
LONGEST_WORD = 200
"""A manifest of the ledger holds ids, counts and short fixed words; anything longer would be somebody's text."""
MANIFESTS_READ = 500


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that the checks of the Trust page ask the database, read in one transaction."""

    isolation: Isolation
    ledger: tuple[bool, str]
    audit: tuple[bool, str]
    without_zone: int
    """Resources that are in no zone of this workspace."""
    open_values: Mapping[str, int]
    """Column -> values that no living key of this workspace sealed."""
    sealed_values: int
    stray_prompts: int
    """Prompts in another member's chat."""
    late_prompts: int
    """Prompts that the clock should have deleted more than an hour ago."""
    full_chats: int
    """Chats with more prompts than allowed."""
    wordy_manifests: int
    unregistered_hosts: tuple[str, ...]
    early_hosts: tuple[str, ...]
    """Hosts that were reached while on hold."""
    foreign_regions: int
    """Requests that left the home region since the settings forbid it."""
    providers: tuple[str, ...]
    """What answered in the last 30 days, as provider/model."""
    runs: int
    """Attempts to run SQL in the audit log."""
    receipts: int
    monitored: int | None
    """What the monitoring store holds; None where there is none."""
    untold: int
    """Active members who were never told that monitoring is on."""
    personal: Personal
    """How the tables stand that name a person."""
    unaudited: tuple[str, ...]
    """Settings in force that are not what the audit log says was set."""
    orphaned: bool
    """Is there a monitoring store of a workspace that is gone?"""
    other_providers: int
    """Requests to another provider or model than the settings name, since they do and without an admin's wish."""


class Evidence:
    """What the database says of itself."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._session = context.session
        self._workspace_id = context.workspace_id

    def beats(self) -> dict[str, Beat]:
        """When each task of the clock last ended well."""
        return beats(self._session)

    def made_at(self) -> datetime:
        """When this workspace was made: before it, no clock can have been late."""
        return self._session.scalars(
            select(WorkspaceRow.created).where(WorkspaceRow.id == self._workspace_id)
        ).one()

    def found(self) -> Found:
        """All of it, now."""
        from plugin.store.audit import AuditLog
        from plugin.store.ledger import Ledger
        from plugin.store.monitoring import held, orphaned

        stored = stored_values(self._session, self._workspace_id)
        sealed, open_values = self._sealed()
        hosts = self._hosts()
        return Found(
            isolation=self.isolation(),
            ledger=Ledger(self._context).verify(),
            audit=AuditLog(self._context).verify(),
            without_zone=self._without_zone(),
            open_values=open_values,
            sealed_values=sealed,
            stray_prompts=self._count(
                select(func.count())
                .select_from(PromptRow)
                .join(ChatRow, ChatRow.id == PromptRow.chat_id)
                .where(
                    PromptRow.workspace_id == self._workspace_id,
                    or_(
                        ChatRow.member_id != PromptRow.member_id,
                        ChatRow.workspace_id != PromptRow.workspace_id,
                    ),
                )
            ),
            late_prompts=self._late(int(value_of(stored, "history.days"))),
            full_chats=self._full(int(value_of(stored, "history.max_prompts"))),
            wordy_manifests=self._wordy(),
            unregistered_hosts=hosts[0],
            early_hosts=hosts[1],
            foreign_regions=self._foreign(stored),
            providers=self._providers(),
            runs=self._count(
                select(func.count()).where(
                    AuditRow.workspace_id == self._workspace_id, AuditRow.action == "run_sql"
                )
            ),
            receipts=self._count(select(func.count()).where(ReceiptRow.workspace_id == self._workspace_id)),
            monitored=held(self._context),
            untold=self._untold(),
            personal=personal_tables(self._context),
            unaudited=unaudited(self._context, stored),
            orphaned=orphaned(self._context),
            other_providers=self._others(stored),
        )

    # --- isolation ------------------------------------------------------------------------------------------------

    def isolation(self) -> Isolation:
        """Which tables are keyed by workspace, which PostgreSQL locks by row, whether a row is where it must not be."""
        return isolation(self._context)

    def _without_zone(self) -> int:
        ours = select(ZoneRow.id).where(ZoneRow.workspace_id == self._workspace_id)
        return self._count(
            select(func.count()).where(
                ResourceRow.workspace_id == self._workspace_id, ResourceRow.zone_id.not_in(ours)
            )
        )

    # --- what is sealed, and for how long -------------------------------------------------------------------------

    def _sealed(self) -> tuple[int, dict[str, int]]:
        """How many values are sealed, and per column how many do not begin as a living key of ours would begin them."""
        keys = self._session.scalars(
            select(WorkspaceKeyRow.key_id).where(
                WorkspaceKeyRow.workspace_id == self._workspace_id, WorkspaceKeyRow.purpose == "seal"
            )
        ).all()
        prefixes = [sealed_prefix(key) for key in keys]
        counted = []
        for each in SEALED:
            column = getattr(each.model, each.column)
            good = or_(false(), *(func.substr(column, 1, len(prefix)) == prefix for prefix in prefixes))
            name: Any = literal_column(f"'{each.model.__tablename__}.{each.column}'")
            counted.append(
                select(name, func.count(), func.count(case((good, 1)))).where(
                    each.model.workspace_id == self._workspace_id, column.is_not(None)
                )
            )
        total, unsealed = 0, {}
        for name, count, sealed in self._session.execute(union_all(*counted)):
            total += sealed
            if count != sealed:
                unsealed[name] = count - sealed
        return total, unsealed

    def _late(self, days: int) -> int:
        oldest = datetime.now(UTC) - timedelta(days=days) - CLOCK_MAY_LAG
        return self._count(
            select(func.count()).where(PromptRow.workspace_id == self._workspace_id, PromptRow.at < oldest)
        )

    def _full(self, most: int) -> int:
        full = (
            select(PromptRow.chat_id)
            .where(PromptRow.workspace_id == self._workspace_id)
            .group_by(PromptRow.chat_id)
            .having(func.count() > most)
            .subquery()
        )
        return self._count(select(func.count()).select_from(full))

    # --- what left ------------------------------------------------------------------------------------------------

    def _wordy(self) -> int:
        manifests = self._session.scalars(
            select(LedgerRow.manifest)
            .where(LedgerRow.workspace_id == self._workspace_id)
            .order_by(LedgerRow.seq.desc())
            .limit(MANIFESTS_READ)
        )
        return sum(any(len(word) > LONGEST_WORD for word in _words(each)) for each in manifests)

    def _hosts(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        known = {
            row.host: row
            for row in self._session.scalars(
                select(HostRow).where(HostRow.workspace_id == self._workspace_id)
            )
        }
        reached = self._session.execute(
            select(LedgerRow.host, func.max(LedgerRow.at))
            .where(LedgerRow.workspace_id == self._workspace_id, LedgerRow.region != "own network")
            .group_by(LedgerRow.host)
        )
        unknown, early = [], []
        for host, last in reached:
            row = known.get(host) or known.get(host.rpartition(":")[0])
            if row is None:
                unknown.append(host)
                continue
            # Accepting moves the moment to the acceptance, so only what left during a running hold shows here.
            usable = row.usable_from if row.usable_from.tzinfo else row.usable_from.replace(tzinfo=UTC)
            if datetime.now(UTC) < usable and last >= _chain.moment_text(row.declared_at):
                early.append(host)
        return tuple(unknown), tuple(early)

    def _foreign(self, stored: Mapping[str, Any]) -> int:
        home = value_of(dict(stored), "ai.region")
        if not home or value_of(dict(stored), "ai.allow_other_regions"):
            return 0
        since = self._session.scalar(
            select(func.max(SettingRow.changed_at)).where(
                SettingRow.workspace_id == self._workspace_id,
                SettingRow.key.in_(("ai.region", "ai.allow_other_regions")),
            )
        )
        if since is None:
            return 0
        return self._count(
            select(func.count()).where(
                LedgerRow.workspace_id == self._workspace_id,
                LedgerRow.region.not_in((home, "own network", "in process")),
                LedgerRow.at > _chain.moment_text(since if since.tzinfo else since.replace(tzinfo=UTC)),
            )
        )

    def _providers(self) -> tuple[str, ...]:
        since = _chain.moment_text(datetime.now(UTC) - timedelta(days=30))
        name = LedgerRow.provider + "/" + LedgerRow.model
        rows = self._session.scalars(
            select(name)
            .where(
                LedgerRow.workspace_id == self._workspace_id,
                LedgerRow.at >= since,
                LedgerRow.purpose == "chat",
            )
            .distinct()
            .order_by(name)
        )
        return tuple(rows)

    def _others(self, stored: Mapping[str, Any]) -> int:
        """What went elsewhere since the choice was made. An admin may ask another provider once; that is audited."""
        since = self._session.scalar(
            select(func.max(SettingRow.changed_at)).where(
                SettingRow.workspace_id == self._workspace_id,
                SettingRow.key.in_(("ai.provider", "ai.model", "ai.base_url")),
            )
        )
        moment = _chain.moment_text(
            (since if since.tzinfo else since.replace(tzinfo=UTC)) if since else self.made_at()
        )
        wishes = select(AuditRow.member_id).where(
            AuditRow.workspace_id == self._workspace_id,
            AuditRow.action == "ask.provider",
            AuditRow.at >= moment,
            AuditRow.member_id.is_not(None),
        )
        chosen = value_of(dict(stored), "ai.provider"), value_of(dict(stored), "ai.model")
        return self._count(
            select(func.count()).where(
                LedgerRow.workspace_id == self._workspace_id,
                LedgerRow.purpose == "chat",
                LedgerRow.at > moment,
                or_(LedgerRow.provider != chosen[0], LedgerRow.model != chosen[1]),
                LedgerRow.member_id.not_in(wishes),
            )
        )

    def same_login(self) -> tuple[str, ...]:
        """Integrations with one credential for queries and metadata. For admins: it opens both and tells names."""
        return same_login(self._context)

    # --- monitoring -----------------------------------------------------------------------------------------------

    def _untold(self) -> int:
        since = self._session.scalar(
            select(SettingRow.changed_at).where(
                SettingRow.workspace_id == self._workspace_id, SettingRow.key == "monitoring.content"
            )
        )
        if since is None:
            return 0
        told = select(NoticeRow.member_id).where(
            NoticeRow.workspace_id == self._workspace_id,
            NoticeRow.kind == "monitoring",
            NoticeRow.member_id.is_not(None),
        )
        return self._count(
            select(func.count()).where(
                MemberRow.workspace_id == self._workspace_id,
                MemberRow.state == "active",
                MemberRow.id.not_in(told),
            )
        )

    def _count(self, query: Any) -> int:
        return int(self._session.scalar(query) or 0)


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield str(key)
            yield from _words(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _words(each)
