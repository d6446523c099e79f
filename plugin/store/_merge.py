"""The merge of a sync: staged records become rows, in the one transaction of the ingest door.

New things are written in bulk with ids given out beforehand; a changed table is compared with its rows column by
column, so only what differs is written; what is gone goes with everything that hung on it. Search is brought up to
date in the same transaction. One file because making, changing and removing rows share one run's state.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from plugin.store import search_index, search_reading, zones
from plugin.store._bulk import Bulk
from plugin.store._context import Context
from plugin.store._flags import WRITTEN
from plugin.store._merge_entries import Entry, asset_entry, primary_key, table_entry
from plugin.store._models.base import now
from plugin.store._models.catalog import (
    DriftRow,
    EdgeRow,
    FrequentQueryRow,
    FullTextRow,
    ResourceRow,
    ZoneRow,
    ZoneTeamRow,
)
from plugin.store._rows import chunks
from plugin.store.listing import IS_COLUMN, NOT_COLUMN
from plugin.store.removal import remove_resources
from plugin.store.search_rows import AssetFacts, ColumnFacts
from plugin.store.staging import Stage, database_key, schema_key, schema_of

if TYPE_CHECKING:
    from plugin.store._merge_links import Signals
    from plugin.store.ingest import Source

Rank = Callable[["Mapping[int, Signals]"], Mapping[int, float]]
FEWER_BY = 20
"""A source may lose this many things without anybody being asked."""
FLUSH = 1000
"""Columns, or things, that are handed to the writer at once. Four times as many took as long and more memory."""
MUCH = 20_000
"""Resources from which on the end of a merge does not wait until the database's file has them."""

ASSET = (
    "id", "kind", "parent_id", "asset_id", "zone_id", "source_key", "name",
    "name_folded", "qualified_name", "qualified_folded", "description", "definition", "row_estimate",
    "size_bytes", "changed_at", "analyzed_at", "url", "dialect", "columns_count", "fingerprint",
    "properties", "popularity",
)  # fmt: skip
COLUMN = (
    "id", "parent_id", "asset_id", "zone_id", "name", "name_folded",
    "qualified_name", "description", "native_type", "position", "nullable", "default_sql", "is_pk",
    "sensitivity", "sensitivity_confidence",
)  # fmt: skip

_TAGS = itemgetter(6)
"""The tags of a staged column."""
_ID, _NAME, _NOTES, _SENSITIVITY = itemgetter(0), itemgetter(4), itemgetter(7), itemgetter(13)
"""Of a column's row as it is written."""


@dataclass(slots=True)
class Merged:
    """What a merge did, counted in resources, columns included. `status` is "done" or "stopped"."""

    status: str = "done"
    seen: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    errors: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Place:
    """Where a thing of the integration stands in the catalog."""

    id: int
    zone_id: int
    qualified: str
    kind: str
    stale: bool = False


class Merge:
    """One merge. Made and run once."""

    def __init__(self, context: Context, source: Source, stage: Stage, rank: Rank | None) -> None:
        self.context = context
        self.session = context.session
        self.source = source
        self.workspace_id = source.workspace_id
        self.stage = stage
        self.rank = rank
        self.at = now()
        self.done = Merged()
        self.places: dict[str, Place] = {}
        self.changed: set[int] = set()
        self.touched_zones: set[int] = set()
        self.assets: list[tuple[Any, ...]] = []
        self.columns: list[tuple[Any, ...]] = []
        self.fresh: list[AssetFacts] = []
        """What was made and is not in the index yet."""
        self.indexed: set[int] = set()
        """What was made and is in the index as it is."""
        self.told: list[tuple[int, str]] = []
        """Texts of what was made, by id: descriptions, and what people wrote."""
        self.tags: list[tuple[int, str]] = []
        self.owners: list[tuple[int, str]] = []
        self.keys: list[tuple[int, str | None, Sequence[tuple[Any, ...]]]] = []
        """(table, its database, its keys) of what was made or changed."""
        self.full_texts: list[tuple[int, str]] = []
        """SQL with its literals that is not sealed and written yet."""
        self.popular: set[int] = set()
        """New things of which the source told a popularity."""
        self.drift: list[dict[str, Any]] = []
        self.added: set[str] = set()
        self.widened: set[int] = set()
        """Tables that were there and have new columns."""
        self.linked = {
            key for edge in stage.edges if edge.upstream_column for key in (edge.upstream, edge.downstream)
        }
        """Tables whose columns' ids lineage will ask for; remembered while they are written."""
        self.edges_changed = False
        self.column_ids: dict[int, dict[str, int]] = {}
        """Of `linked` tables: the ids of their columns, by name."""
        self.gone: dict[int, Place] = {}
        """What was removed, by id."""
        self.moved: list[tuple[Entry, Place]] = []
        """What has another name or stands elsewhere now."""
        self.released: set[int] = set()
        """Tables of any integration that something removed had lent a description to."""

    def run(self, *, partial: bool, force: bool, only_schema: str | None = None) -> Merged:
        """Merge everything, or stop without having written anything."""
        # Hundreds of thousands of tuples and not one cycle: looking for cycles would take a fifth of the time.
        was_on = gc.isenabled()
        gc.disable()
        try:
            return self._run(partial, force, only_schema)
        finally:
            if was_on:
                # The next object made would have all of them looked at: they count as looked at instead.
                if gc.get_freeze_count() == 0:
                    gc.freeze()
                    gc.unfreeze()
                gc.enable()

    def _run(self, partial: bool, force: bool, only_schema: str | None) -> Merged:
        def in_scope(key: str) -> bool:
            return not partial and (only_schema is None or schema_of(key) == only_schema)

        if self._is_unchanged(in_scope):
            self.done.unchanged = self.done.seen = self.stage.unchanged
            self.done.errors += self.stage.problems
            return self.done
        self.context.begin_write()
        self._load_places()
        self.first = not self.places
        scope = [key for key in self.places if in_scope(key)]
        before = len(scope)
        gone = [key for key in scope if key not in self.stage.seen]
        if not force and self.source.shrink_stop:
            there = before - len(gone)
            # A right that was narrowed looks like an empty source, however little there was.
            nothing = before > 0 and not self.stage.seen
            if nothing or (before - there > FEWER_BY and there * 2 < before):
                self.done.status = "stopped"
                self.done.errors.append(
                    f"the source returned {there} of the {before} things it had before; nothing was changed. "
                    "If that is right, sync again with --full"
                )
                return self.done
        self.done.errors += self.stage.problems
        self.done.unchanged = self.stage.unchanged
        if self.stage.weight > MUCH:
            self.context.put_away_after()
        self.root_zone = zones.integration_zone(self.session, self.workspace_id, self.source.id)
        with Bulk(self.session) as self.bulk:
            self.index = search_index.indexing(
                self.session, self.workspace_id, self.bulk.behind, new=self.first
            )
            if self.first:
                self.bulk.expect(self.stage.weight)
            self._write_records()
            self._move()
            gone = [
                key for key in gone if self.places[key].kind not in zones.CONTAINERS or key not in self.kept
            ]
            self._remove(gone)
            if self.wrote:
                self._finish()
            self.bulk.wait()
        self.done.seen = self.done.created + self.done.updated + self.done.unchanged
        return self.done

    def _is_unchanged(self, in_scope: Callable[[str], bool]) -> bool:
        """Has the catalog everything as the source has it? Told by fingerprints, without reading a resource."""
        stage = self.stage
        if stage.staged or stage.edges or stage.query_edges or stage.relinked or stage.stated_sources:
            return False
        known = stage.known.fingerprints
        if not known or any(key not in stage.seen and in_scope(key) for key in known):
            return False
        if stage.queries is None:
            return True
        # A query log that tells nothing is no change only where it told nothing the last time.
        mine = (FrequentQueryRow.integration_id == self.source.id,)
        drawn = (EdgeRow.integration_id == self.source.id, EdgeRow.source == "query_log")
        return not stage.queries and not (
            self.session.scalar(select(FrequentQueryRow.id).where(*mine).limit(1))
            or self.session.scalar(select(EdgeRow.id).where(*drawn).limit(1))
        )

    @property
    def wrote(self) -> bool:
        """Is there anything to bring up to date besides?"""
        return bool(
            self.changed
            or self.done.removed
            or self.stage.edges
            or self.stage.relinked
            or self.stage.stated_sources
            or self.stage.queries is not None
        )

    def _load_places(self) -> None:
        rows = self.session.execute(
            select(
                ResourceRow.source_key,
                ResourceRow.id,
                ResourceRow.zone_id,
                ResourceRow.qualified_name,
                ResourceRow.kind,
                ResourceRow.stale_since,
            ).where(
                ResourceRow.integration_id == self.source.id,
                ResourceRow.workspace_id == self.workspace_id,
                NOT_COLUMN,
                ResourceRow.source_key.is_not(None),
            )
        )
        for key, id_, zone_id, qualified, kind, stale in rows:
            self.places[key] = Place(id_, zone_id, qualified, kind, stale is not None)
        self.kept: set[str] = set()
        """Containers that a table implies, though the source did not name them."""

    # --- writing -----------------------------------------------------------------------------------------------

    def _write_records(self) -> None:
        changed: list[Entry] = []
        for kind, key, fingerprint, facts, extra in self.stage:
            entry = (
                table_entry(key, fingerprint, facts, extra, key in self.stage.complete)
                if kind == "t"
                else asset_entry(key, fingerprint, facts, key in self.stage.complete)
            )
            if key in self.places:
                changed.append(entry)
                if len(changed) >= 300:
                    self._update(changed)
                    changed = []
            else:
                self._create(entry)
        self._update(changed)
        self._flush()
        self._keep_implied_containers()

    def _keep_implied_containers(self) -> None:
        for key in self.stage.seen:
            if not key.startswith("t:"):
                continue
            database, schema, _name = key[2:].split("\x1f", 2)
            self.kept.add(database_key(database))
            self.kept.add(schema_key(database or None, schema))

    def _create(self, entry: Entry) -> None:
        parent = self._parent(entry)
        id_ = self.bulk.new_id("resources")
        qualified = f"{parent.qualified}.{entry.name}" if parent and parent.qualified else entry.name
        zone_id = parent.zone_id if parent else self.root_zone
        if entry.kind in zones.CONTAINERS:
            zone_id = self._new_zone(id_, zone_id)
        self.places[entry.key] = Place(id_, zone_id, qualified, entry.kind)
        self.added.add(entry.key)
        values = self._imported(entry)
        moment = self.bulk.moment
        self.assets.append(
            (
                id_, entry.kind, parent.id if parent else None, id_, zone_id,
                entry.key, entry.name, entry.name.lower(), qualified, qualified.lower(),
                values.get("description"), values.get("definition"), values.get("row_estimate"),
                values.get("size_bytes"), moment(values.get("changed_at")), moment(values.get("analyzed_at")),
                values.get("url"), values.get("dialect"),
                None if entry.columns is None else len(entry.columns), entry.fingerprint,
                self.bulk.json(values.get("properties")), values.get("popularity") or 0.0,
            )
        )  # fmt: skip
        if values.get("popularity"):
            self.popular.add(id_)
        self.done.created += 1
        self.changed.add(id_)
        self.touched_zones.add(zone_id)
        self.tags += [(id_, tag) for tag in entry.tags]
        self.owners += [(id_, owner) for owner in entry.owners]
        if entry.full_text is not None:
            self.full_texts.append((id_, entry.full_text))
        columns: list[tuple[Any, ...]] = []
        if entry.columns:
            columns = self._create_columns(id_, zone_id, qualified, entry.columns, primary_key(entry))
            if entry.key in self.linked:
                self.column_ids[id_] = dict(zip(map(_NAME, columns), map(_ID, columns), strict=True))
            self.told += [(row[0], row[7]) for row in columns if row[7]]
        if values.get("description"):
            self.told.append((id_, values["description"]))
        if entry.kind in WRITTEN and values.get("definition"):
            self.told.append((id_, values["definition"]))
        self._to_index(id_, zone_id, parent, entry, values, columns)
        if entry.keys:
            self.keys.append((id_, entry.database, entry.keys))
        self._note("added", entry.kind, id_, zone_id, qualified)
        if len(self.columns) >= FLUSH or len(self.assets) >= FLUSH:
            self._flush()

    def _create_columns(
        self, table_id: int, zone_id: int, table: str, columns: Sequence[tuple[Any, ...]], pk: set[str]
    ) -> list[tuple[Any, ...]]:
        ids = self.bulk.new_ids("resources", len(columns))
        keep_text = self.source.import_mode != "never"
        before = f"{table}."
        flag = self.bulk.flags
        made = [
            (
                id_, table_id, table_id, zone_id, name, name.lower(), before + name,
                description if keep_text else None, type_, position, flag[nullable], default, flag[name in pk],
                sensitivity, confidence,
            )
            for id_, (name, position, type_, nullable, default, description, _tags, sensitivity, confidence)
            in zip(ids, columns, strict=True)
        ]  # fmt: skip
        self.columns += made
        if keep_text and any(map(_TAGS, columns)):
            self.tags += [
                (id_, tag) for id_, column in zip(ids, columns, strict=True) for tag in column[6] or ()
            ]
        self.done.created += len(columns)
        return made

    def _to_index(
        self,
        id_: int,
        zone_id: int,
        parent: Place | None,
        entry: Entry,
        values: Mapping[str, Any],
        columns: Sequence[tuple[Any, ...]],
    ) -> None:
        """Keep what the index wants of a new thing until its rows are written."""
        written = entry.kind in WRITTEN
        ordinary = list(columns)
        apart: list[ColumnFacts] = []
        texts = self.source.import_mode != "never"
        tagged = texts and any(map(_TAGS, entry.columns or ()))
        if tagged or any(map(_SENSITIVITY, columns)):
            ordinary = []
            for row, column in zip(columns, entry.columns or (), strict=True):
                tags = sorted(column[6]) if texts and column[6] else ()
                if tags or row[13] is not None:
                    apart.append(ColumnFacts(row[0], row[4], row[7], tags))
                else:
                    ordinary.append(row)
        self.fresh.append(
            AssetFacts(
                id=id_,
                workspace_id=self.workspace_id,
                integration_id=self.source.id,
                zone_id=zone_id,
                kind=entry.kind,
                name=entry.name,
                parent_id=parent.id if parent else None,
                description=values.get("description"),
                body=values.get("definition") if written else None,
                tags=[tag[:200] for tag in entry.tags],
                owners=entry.owners,
                synonyms=search_reading.synonyms_in(values.get("properties")) if written else (),
                columns=list(map(_NAME, ordinary)),
                notes=list(filter(None, map(_NOTES, ordinary))),
                sample_id=ordinary[0][0] if ordinary else None,
                columns_apart=apart,
            )
        )

    def _flush(self) -> None:
        same = {
            "workspace_id": self.workspace_id,
            "integration_id": self.source.id,
            "synced_at": self.bulk.moment(self.at),
        }
        if self.assets:
            self.bulk.insert("resources", ASSET, self.assets, same)
        if self.columns:
            self.bulk.insert("resources", COLUMN, self.columns, {**same, "kind": "column"})
        self.assets, self.columns = [], []
        self._keep_full_texts()
        self.index.take(self.fresh)
        self.indexed.update(asset.id for asset in self.fresh)
        self.fresh = []

    def _parent(self, entry: Entry) -> Place | None:
        if entry.parent_key is None:
            return None
        place = self.places.get(entry.parent_key)
        if place is not None:
            return place
        if not entry.parent_key.startswith(("s:", "d:")):
            return None
        # A table of a schema that the source never named: the container is made for it.
        if entry.parent_key.startswith("d:"):
            implied = Entry(entry.parent_key, "database", entry.parent_key[2:], None, {}, b"")
        else:
            database, schema = entry.parent_key[2:].split("\x1f", 1)
            above = database_key(database) if database else None
            implied = Entry(entry.parent_key, "schema", schema, above, {}, b"")
        self._create(implied)
        return self.places[entry.parent_key]

    def _new_zone(self, resource_id: int, parent_zone: int) -> int:
        zone_id = self.session.execute(
            insert(ZoneRow)
            .values(
                workspace_id=self.workspace_id,
                integration_id=self.source.id,
                resource_id=resource_id,
                parent_id=parent_zone,
            )
            .returning(ZoneRow.id)
        ).scalar_one()
        teams = self.session.scalars(
            select(ZoneTeamRow.team_id).where(ZoneTeamRow.zone_id == parent_zone)
        ).all()
        if teams:
            self.session.execute(
                insert(ZoneTeamRow),
                [{"zone_id": zone_id, "team_id": team, "workspace_id": self.workspace_id} for team in teams],
            )
        return zone_id

    def _imported(self, entry: Entry) -> dict[str, Any]:
        """The values of a new row under the import mode."""
        if self.source.import_mode != "never":
            return entry.values
        entry.tags, entry.owners = (), ()
        return {**entry.values, "description": None}

    def _keep_full_texts(self) -> None:
        for part in chunks([] if self.first else [id_ for id_, _text in self.full_texts]):
            self.session.execute(delete(FullTextRow).where(FullTextRow.resource_id.in_(part)))
        seal = self.context.vault.seal_text
        sealed = [
            {
                "resource_id": id_,
                "workspace_id": self.workspace_id,
                "sealed": seal("resource_full_texts", "sealed", text, row=id_),
            }
            for id_, text in self.full_texts
        ]
        if sealed:
            self.session.execute(insert(FullTextRow), sealed)
        self.full_texts = []

    def _note(
        self,
        change: str,
        kind: str,
        id_: int,
        zone_id: int,
        name: str,
        before: str | None = None,
        after: str | None = None,
    ) -> None:
        """Remember a difference for the drift report; the first sync of a source is not a difference."""
        if not self.first:
            self.drift.append(
                {
                    "workspace_id": self.workspace_id,
                    "integration_id": self.source.id,
                    "zone_id": zone_id,
                    "at": self.at,
                    "change": change,
                    "kind": kind,
                    "resource_id": id_,
                    "qualified_name": name,
                    "before": before,
                    "after": after,
                }
            )

    # --- changing ----------------------------------------------------------------------------------------------

    def _update(self, entries: list[Entry]) -> None:
        from plugin.store._merge_changes import update_entries

        if entries:
            update_entries(self, entries)
        if len(self.full_texts) >= FLUSH:
            self._keep_full_texts()
        for entry in entries:
            place = self.places[entry.key]
            if place.stale:  # told as removed when it went
                self._note("added", place.kind, place.id, place.zone_id, place.qualified)

    def _move(self) -> None:
        """Before anything is removed: what stood in a folder that is gone may be in another."""
        from plugin.store._merge_moves import move

        if self.moved:
            self.bulk.wait()
            move(self, self.moved)

    # --- removing ----------------------------------------------------------------------------------------------

    def _remove(self, keys: list[str]) -> None:
        from plugin.store._merge_borrowed import tied_tables
        from plugin.store._merge_gone import tell_above

        if not keys:
            return
        self.released = tied_tables(self, [self.places[key].id for key in keys])
        if self.source.keep_stale:
            fresh = [place for key in keys if not (place := self.places[key]).stale]
            ids = [place.id for place in fresh]
            for place in fresh:
                self._note("removed", place.kind, place.id, place.zone_id, place.qualified)
            for part in chunks(ids):
                self.session.execute(
                    update(ResourceRow).where(ResourceRow.id.in_(part)).values(stale_since=self.at)
                )
            self.changed.update(ids)
            self.done.removed += len(ids)
            return
        for key in keys:
            place = self.places.pop(key)
            self.touched_zones.add(place.zone_id)
            self._note("removed", place.kind, place.id, place.zone_id, place.qualified)
            self.gone[place.id] = place
        ids = list(self.gone)
        self.done.removed += len(ids)
        tell_above(self, ids)
        for part in chunks(ids):
            columns = list(
                self.session.scalars(select(ResourceRow.id).where(IS_COLUMN, ResourceRow.parent_id.in_(part)))
            )
            self.done.removed += len(columns)
            self.remove_rows([*part, *columns])

    def remove_rows(self, ids: Iterable[int]) -> None:
        """Remove rows with everything that hangs on them; lineage that loses its upper end becomes a loose end."""
        from plugin.store._merge_loose import loosen

        for part in chunks(ids, 400):
            loosen(self, part)
            remove_resources(self.context, part)

    # --- the rest ----------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        from plugin.store._merge_borrowed import lend
        from plugin.store._merge_links import link

        self._write_tags_and_owners()
        link(self)
        lend(self, self.released)
        if self.drift:
            for start in range(0, len(self.drift), 2000):
                self.session.execute(insert(DriftRow), self.drift[start : start + 2000])
        zones.recount(self.session, self.workspace_id, self.touched_zones)
        removed = list(self.gone)
        self.bulk.wait()
        search_index.index_changes(
            self.session, self.workspace_id, sorted(self.changed - self.indexed - set(removed)), removed
        )

    def _write_tags_and_owners(self) -> None:
        self.bulk.insert(
            "resource_tags",
            ("resource_id", "tag", "workspace_id", "origin"),
            [
                (id_, tag, self.workspace_id, "source")
                for id_, tag in dict.fromkeys((id_, tag[:200]) for id_, tag in self.tags)
            ],
        )
        self.bulk.insert(
            "resource_owners",
            ("resource_id", "workspace_id", "name", "email", "origin"),
            [
                (id_, self.workspace_id, owner, owner if "@" in owner else None, "source")
                for id_, owner in dict.fromkeys(self.owners)
            ],
        )
