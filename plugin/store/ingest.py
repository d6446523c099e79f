"""The door of a sync: what the catalog has of one integration, the record of syncs, and the merge of what was read.

Enters: a `Stage` of masked records. Leaves: the catalog as the source has it, in one transaction: a reader sees it
before or after. Keeps law 2: every row that is read or written carries this door's workspace.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, func, select

from plugin.catalog.classify import classified_as
from plugin.errors import NotFound
from plugin.store._context import Context
from plugin.store._flags import flag_imported
from plugin.store._merge import Merge, Merged, Rank
from plugin.store._models.catalog import FrequentQueryRow, ResourceRow
from plugin.store._models.integrations import IntegrationRow
from plugin.store._rows import chunks
from plugin.store._told_before import stated_edges, would_lose
from plugin.store.drift import forget_old
from plugin.store.listing import IS_COLUMN, NOT_COLUMN
from plugin.store.search_index import renew
from plugin.store.staging import FORMAT, Known, Stage
from plugin.store.syncs import SyncRecord
from plugin.store.zones import hold_still


@dataclass(frozen=True, slots=True)
class Source:
    """What a sync must know of its integration."""

    id: int
    workspace_id: int
    name: str
    type: str
    settings: Mapping[str, Any]
    import_mode: str
    keep_stale: bool
    shrink_stop: bool
    keep_literals: bool
    service_accounts: tuple[str, ...] = ()
    """Names or patterns of accounts whose queries do not count."""
    reads_from: str = ""
    """Names of the integrations whose tables are meant where several have one of the same name."""


class Ingest:
    """The door of one integration's sync. Made by `store.ingest`."""

    def __init__(self, context: Context, integration_id: int) -> None:
        self._context = context
        self._integration_id = integration_id
        self.syncs = SyncRecord(context)
        """The record of syncs, with progress and cancelling."""

    def source(self) -> Source:
        """The integration's name, settings and options. NotFound where it is gone."""
        row = self._context.session.scalar(
            select(IntegrationRow).where(
                IntegrationRow.id == self._integration_id,
                IntegrationRow.workspace_id == self._context.workspace_id,
            )
        )
        if row is None:
            raise NotFound("no such integration")
        options = row.options or {}
        return Source(
            id=row.id,
            workspace_id=row.workspace_id,
            name=row.name,
            type=row.type,
            settings=dict(row.settings or {}),
            import_mode=options.get("import_mode", "smart"),
            keep_stale=bool(options.get("keep_stale", False)),
            shrink_stop=bool(options.get("shrink_stop", True)),
            keep_literals=bool(options.get("keep_literals", False)),
            reads_from=options.get("reads_from", ""),
            service_accounts=tuple(
                part.strip() for part in options.get("service_accounts", "").split(",") if part.strip()
            ),
        )

    def renew_search(self) -> None:
        """Build the workspace's search index anew if a release before this one wrote it, and nobody does so yet."""
        renew(self._context)

    def known(self) -> Known:
        """The fingerprints of everything that the catalog has of this integration."""
        source = self.source()
        # What is stale has no fingerprint that counts: when it comes back it is merged again.
        counts = case((ResourceRow.stale_since.is_(None), ResourceRow.fingerprint))
        is_stale = ResourceRow.stale_since.is_not(None)
        rows = self._context.session.execute(
            select(ResourceRow.source_key, func.coalesce(counts, b""), is_stale).where(
                ResourceRow.integration_id == self._integration_id,
                ResourceRow.workspace_id == self._context.workspace_id,
                NOT_COLUMN,
                ResourceRow.source_key.is_not(None),
            )
        )
        prints: dict[str, bytes] = {}
        stale: set[str] = set()
        for key, mark, is_gone in rows:
            prints[key] = mark
            if is_gone:
                stale.add(key)
        terms = (
            f"{FORMAT}:{self._integration_id}:{source.import_mode}:{source.keep_literals}:{classified_as()}"
        )
        if source.reads_from:
            terms += f":{source.reads_from}"  # what edges lead to depends on it
        secret = self._context.vault.mark("fingerprint", terms).encode()[-64:]
        return Known(prints, secret, stale)

    def columns_of(self, keys: Iterable[str]) -> dict[str, tuple[tuple[str, str], ...]]:
        """(name, type) of the columns of tables that the catalog has, by the tables' keys."""
        found: dict[str, list[tuple[str, str]]] = {}
        for part in chunks(keys):
            ids: dict[int, str] = {}
            for id_, key in self._context.session.execute(
                select(ResourceRow.id, ResourceRow.source_key).where(
                    ResourceRow.integration_id == self._integration_id,
                    ResourceRow.workspace_id == self._context.workspace_id,
                    NOT_COLUMN,
                    ResourceRow.source_key.in_(part),
                )
            ):
                ids[id_] = key or ""
                found[key or ""] = []
            rows = self._context.session.execute(
                select(ResourceRow.parent_id, ResourceRow.name, ResourceRow.native_type)
                .where(IS_COLUMN, ResourceRow.parent_id.in_(list(ids)))
                .order_by(ResourceRow.parent_id, ResourceRow.position)
            )
            for parent_id, name, native_type in rows:
                found[ids[parent_id or 0]].append((name, native_type or ""))
        return {key: tuple(columns) for key, columns in found.items()}

    def stated_sources(self) -> set[str]:
        """The sources of lineage that this integration told of ("dbt", "unity", ...), as far as an edge came of it."""
        return set(stated_edges(self._context, self._integration_id))

    def statements(self) -> set[str]:
        """The texts of the frequent statements that are kept of this integration."""
        return set(
            self._context.session.scalars(
                select(FrequentQueryRow.sql).where(
                    FrequentQueryRow.integration_id == self._integration_id,
                    FrequentQueryRow.workspace_id == self._context.workspace_id,
                )
            )
        )

    def would_lose(self, stage: Stage, told: Mapping[str, int] | None) -> dict[str, int]:
        """How many owners, tags and edges a merge of `stage` would take away; `told` counts the edges by source."""
        return would_lose(self._context, self._integration_id, stage, told)

    def merge(
        self,
        stage: Stage,
        *,
        rank: Rank | None = None,
        partial: bool = False,
        force: bool = False,
        only_schema: str | None = None,
    ) -> Merged:
        """Bring the catalog to what was staged.

        `partial`: what was not staged stays; `only_schema`: so does what is not of that schema. `force`: also where
        the source returned far less than before; without it such a merge writes nothing and says "stopped". `rank`
        turns usage signals into popularity.
        """
        hold_still(self._context, change=False)
        merge = Merge(self._context, self.source(), stage, rank)
        done = merge.run(partial=partial, force=force, only_schema=only_schema)
        if merge.drift:
            forget_old(self._context, merge.at)
        flag_imported(
            self._context, self._integration_id, merge.changed - merge.indexed - set(merge.gone), merge.told
        )
        return done


__all__ = ["Ingest", "Merged", "Source"]
