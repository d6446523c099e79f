"""Keeping the full-text index in step with the catalog, inside the transaction that changes it.

Enters: ids of resources that changed or went. Leaves: rows of `search_docs` and of the full-text index. The index
is local: what is written for a resource comes from the resource alone and from the family of shards it joins, so a
grant moves the documents of the tables whose zone changed and nothing else.
"""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from sqlalchemy import literal_column, select
from sqlalchemy.orm import Session

from plugin.store._behind import Behind
from plugin.store._context import Context
from plugin.store._models.catalog import OwnerRow, ResourceRow, TagRow
from plugin.store.search_rows import (
    TABLE_KINDS,
    AssetFacts,
    Document,
    alike,
    documents,
    names_of,
)
from plugin.store.search_sql import IndexWriter, index_writer

BATCH = 500
READ = 2000
"""Assets that are read at once."""


def index_changes(
    session: Session, workspace_id: int, changed_ids: Iterable[int], removed_ids: Iterable[int]
) -> None:
    """Index these resources again, and forget those that are gone. Columns count as a change of their table."""
    removed = set(removed_ids)
    changed = _assets(session, workspace_id, set(changed_ids) - removed)
    if not changed and not removed:
        return
    session.flush()
    writer = index_writer(session, workspace_id)
    orphans = writer.forget(changed | removed, gone=removed)
    if orphans:
        writer.forget(orphans, gone=set())
        changed |= orphans
    Indexing(session, workspace_id, writer).run(changed)


def indexing(session: Session, workspace_id: int, behind: Behind | None, *, new: bool) -> Indexing:
    """For a writer that knows its new assets whole: nothing of what it has just written is read back.

    `new`: nothing of the integration is in the index yet, so what families there are this very run has made.
    """
    return Indexing(session, workspace_id, index_writer(session, workspace_id, behind), new=new)


def reindex(session: Session, workspace_id: int) -> int:
    """Build the workspace's index anew; returns how many assets it has."""
    session.flush()
    connection = session.connection()
    behind = Behind(connection) if connection.dialect.name == "sqlite" else None
    writer = index_writer(session, workspace_id, behind, gather=True)
    writer.clear()
    # As in a merge: millions of tuples and not one cycle.
    was_on = gc.isenabled()
    gc.disable()
    try:
        with behind or nullcontext():
            done = Indexing(session, workspace_id, writer, new=True).run(None)
            writer.finish()
            if behind is not None:
                behind.wait()
    finally:
        if was_on:
            gc.enable()
    return done


def forget_integration(context: Context, integration_id: int) -> None:
    """Forget everything of an integration that is being removed."""
    index_writer(context.session, context.workspace_id).clear(integration_id)


def forget_workspace(session: Session, workspace_id: int) -> None:
    """Forget everything of a workspace that is being deleted, its words too."""
    index_writer(session, workspace_id).clear(words=True)


def _assets(session: Session, workspace_id: int, ids: set[int]) -> set[int]:
    found: set[int] = set()
    for part in _parts(sorted(ids)):
        found.update(
            session.scalars(
                select(ResourceRow.asset_id)
                .where(ResourceRow.id.in_(part), ResourceRow.workspace_id == workspace_id)
                .distinct()
            )
        )
    return found


def _parts(ids: Sequence[Any], size: int = BATCH) -> Iterator[Sequence[Any]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def synonyms_in(properties: Mapping[str, Any] | None) -> list[str]:
    """The synonyms among a term's properties: a list, or a text with commas."""
    synonyms = (properties or {}).get("synonyms") or ()
    if isinstance(synonyms, str):
        synonyms = [part.strip() for part in synonyms.split(",")]
    return [str(word) for word in synonyms]


class Indexing:
    """One run over some assets, in the order of their names, so that shards of a table follow each other."""

    def __init__(
        self, session: Session, workspace_id: int, writer: IndexWriter, *, new: bool = False
    ) -> None:
        self.session = session
        self.workspace_id = workspace_id
        self.writer = writer
        self.families: dict[int, list[tuple[int, frozenset[str]]]] = {}
        """Group -> its families: first member and columns. Only groups that were met lately are kept."""
        self.met: set[int] | None = set() if new else None
        """Every group so far, where no other can be in the index."""
        self.names: set[str] = set()
        """Names of columns whose words were handed to the writer."""

    def run(self, ids: Iterable[int] | None) -> int:
        """Index these assets; None is all of the workspace. Returns how many there are."""
        ours = select(ResourceRow.parent_id, ResourceRow.name_folded, ResourceRow.id).where(
            ResourceRow.workspace_id == self.workspace_id
        )
        if ids is None:
            wanted = [ours.where(ResourceRow.kind != literal_column("'column'"))]
        else:
            wanted = [ours.where(ResourceRow.id.in_(part)) for part in _parts(sorted(ids))]
        ordered = [
            (parent or 0, name, id_) for each in wanted for parent, name, id_ in self.session.execute(each)
        ]
        ordered.sort()
        for batch in _parts(ordered, READ):
            assets = self._load([id_ for _parent, _name, id_ in batch])
            # Where rows are put away behind, those of one part are while the words of the next are found.
            for part in _parts(assets, BATCH):
                self.take(part)
        return len(ordered)

    def take(self, assets: Sequence[AssetFacts]) -> None:
        """Index assets of which nothing is in the index yet, from what the caller knows of them."""
        groups = {group for asset in assets if (group := asset.group()) is not None}
        self.families = {group: found for group, found in self.families.items() if group in groups}
        self._load_families(groups - set(self.families))
        if self.met is not None:
            self.met |= groups
        written: list[Document] = []
        words: set[str] = set()
        for asset in assets:
            written += documents(asset, self._family(asset))
            words |= names_of(asset, self.names)
        self.writer.write(written, words)

    def _family(self, asset: AssetFacts) -> int | None:
        """The first member of the family that an asset joins; its own id where it starts one."""
        group = asset.group()
        if group is None:
            return None
        columns = asset.column_set()
        families = self.families.setdefault(group, [])
        for first, theirs in families:
            if first == asset.id or alike(columns, theirs):
                return first
        families.append((asset.id, columns))
        return asset.id

    def _load_families(self, groups: set[int]) -> None:
        firsts = self.writer.first_members(groups if self.met is None else groups & self.met)
        names: dict[int, set[str]] = defaultdict(set)
        for part in _parts(sorted({first for first, _group in firsts})):
            rows = self.session.execute(
                select(ResourceRow.parent_id, ResourceRow.name).where(
                    ResourceRow.parent_id.in_(part), ResourceRow.kind == literal_column("'column'")
                )
            )
            for parent, name in rows:
                names[parent].add(name.lower())
        for group in groups:
            self.families[group] = []
        for first, group in firsts:
            self.families[group].append((first, frozenset(names[first])))

    def _load(self, ids: list[int]) -> list[AssetFacts]:
        rows = self.session.execute(
            select(
                ResourceRow.id,
                ResourceRow.integration_id,
                ResourceRow.zone_id,
                ResourceRow.kind,
                ResourceRow.name,
                ResourceRow.parent_id,
                ResourceRow.description,
                ResourceRow.verified,
                ResourceRow.published,
                ResourceRow.sensitivity,
                ResourceRow.columns_count,
            ).where(ResourceRow.id.in_(ids), ResourceRow.workspace_id == self.workspace_id)
        ).all()
        texts = self._texts([row.id for row in rows if row.kind in ("term", "document")])
        tables = [row.id for row in rows if row.columns_count is not None or row.kind in TABLE_KINDS]
        columns = self.writer.columns(tables)
        column_tags = self._column_tags(tables)
        tags = self._tags(ids)
        owners = self._owners(ids)
        found = {}
        for id_, integration, zone, kind, name, parent, about, verified, published, marked, _columns in rows:
            body, synonyms = texts.get(id_, (None, ()))
            found[id_] = AssetFacts(
                id=id_,
                workspace_id=self.workspace_id,
                integration_id=integration,
                zone_id=zone,
                kind=kind,
                name=name,
                parent_id=parent,
                description=about,
                body=body,
                apart=bool(verified or not published or marked),
                tags=tags.get(id_, ()),
                owners=owners.get(id_, ()),
                synonyms=synonyms,
                columns=columns.get(id_, ()),
                column_tags=column_tags.get(id_, {}),
            )
        return [found[id_] for id_ in ids if id_ in found]

    def _texts(self, ids: list[int]) -> dict[int, tuple[str | None, Sequence[str]]]:
        if not ids:
            return {}
        rows = self.session.execute(
            select(ResourceRow.id, ResourceRow.definition, ResourceRow.properties).where(
                ResourceRow.id.in_(ids)
            )
        )
        found: dict[int, tuple[str | None, Sequence[str]]] = {}
        for id_, definition, properties in rows:
            found[id_] = (definition, synonyms_in(properties))
        return found

    def _column_tags(self, tables: list[int]) -> dict[int, dict[int, list[str]]]:
        found: dict[int, dict[int, list[str]]] = defaultdict(dict)
        if not tables:
            return found
        rows = self.session.execute(
            select(ResourceRow.parent_id, TagRow.resource_id, TagRow.tag)
            .join(ResourceRow, ResourceRow.id == TagRow.resource_id)
            .where(ResourceRow.parent_id.in_(tables), ResourceRow.kind == literal_column("'column'"))
            .order_by(TagRow.tag)
        )
        for parent, id_, tag in rows:
            found[parent].setdefault(id_, []).append(tag)
        return found

    def _tags(self, ids: list[int]) -> dict[int, list[str]]:
        found: dict[int, list[str]] = defaultdict(list)
        rows = self.session.execute(select(TagRow.resource_id, TagRow.tag).where(TagRow.resource_id.in_(ids)))
        for id_, tag in rows:
            found[id_].append(tag)
        return found

    def _owners(self, ids: list[int]) -> dict[int, list[str]]:
        found: dict[int, list[str]] = defaultdict(list)
        rows = self.session.execute(
            select(OwnerRow.resource_id, OwnerRow.name).where(OwnerRow.resource_id.in_(ids))
        )
        for id_, name in rows:
            found[id_].append(name)
        return found
