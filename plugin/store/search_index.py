"""Keeping the full-text index in step with the catalog, inside the transaction that changes it.

Enters: ids of resources that changed or went. Leaves: rows of `search_docs` and of the full-text index. The index
is local: what is written for a resource comes from the resource alone and from the family of shards it joins, so a
grant moves the documents of the tables whose zone changed and nothing else. After an upgrade that makes words another
way, `renew` builds a workspace's index anew.
"""

from __future__ import annotations

import gc
import logging
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from itertools import chain
from typing import Any

from sqlalchemy import bindparam, func, literal_column, select, text
from sqlalchemy.orm import Session

from plugin.catalog.words import WORDS, typed_words
from plugin.store._behind import Behind
from plugin.store._context import Context
from plugin.store._models.catalog import ResourceRow
from plugin.store._models.settings import SettingRow
from plugin.store.search_alike import Families
from plugin.store.search_reading import Read, assets_of, read
from plugin.store.search_rows import AssetFacts, Document, alike, documents, labels_of
from plugin.store.search_sql import IndexWriter, index_writer

log = logging.getLogger("docent.search")
WORDS_KEY = "search.words"
"""Among a workspace's settings, though nobody sets it: which way of making words its documents were written with."""
RENEWING = 4_471_002
"""Names advisory locks of PostgreSQL, one for each workspace: shared by who writes documents, alone for all anew."""
BATCH = 500
READ, READ_COLUMNS = 2000, 40_000
"""Assets that are read at once, with so many columns at most unless one table alone has more."""
WAITING = 12
"""Pieces of work that may wait for the writer: so many are made while one statement puts away all that was gathered."""
AHEAD = 3
"""So many times that are read while words are found: a statement that puts words away takes as long as two."""
WITH_TAGS = (
    "SELECT DISTINCT parent_id FROM resources WHERE kind = 'column'"
    " AND id IN (SELECT resource_id FROM resource_tags WHERE workspace_id = {})"
)

_IDS: Any = bindparam("ids", expanding=True)
STANDING = text(
    "SELECT id, group_key, shape FROM search_docs WHERE id IN :ids"
    " AND EXISTS (SELECT 1 FROM search_docs m WHERE m.family_id = search_docs.id"
    " AND m.family_id <> m.id AND m.kind <> 'column')"
).bindparams(_IDS)
STANDS = text("SELECT id, group_key, shape, family_id FROM search_docs WHERE id IN :ids").bindparams(_IDS)
MEMBERS = text(
    "SELECT id FROM search_docs WHERE family_id IN :ids AND family_id <> id AND kind <> 'column'"
).bindparams(_IDS)


def index_changes(
    session: Session, workspace_id: int, changed_ids: Iterable[int], removed_ids: Iterable[int]
) -> None:
    """Index these resources again, and forget those that are gone. Columns count as a change of their table."""
    removed = set(removed_ids)
    changed = _assets(session, workspace_id, set(changed_ids) - removed)
    if not changed and not removed:
        return
    session.flush()
    writer = _writer(session, workspace_id)
    stood = _stand_for_others(session, changed | removed)
    orphans = writer.forget(changed | removed, gone=removed)
    if orphans:
        writer.forget(orphans, gone=set())
        changed |= orphans.keys()
    # Who follows a first that is gone is held against what that was.
    heirs = {heir: stood[gone] for heir, gone in orphans.items() if gone in stood}
    stood = {id_: was for id_, was in stood.items() if id_ not in removed} | heirs
    Indexing(session, workspace_id, writer).run(changed)
    left = _left(session, stood) - changed
    if left:
        writer.forget(left, gone=set())
        Indexing(session, workspace_id, writer).run(left)


Stood = dict[int, tuple[int | None, int | None]]
"""By id of a family's first member: its group and its shape."""


def _stand_for_others(session: Session, ids: Iterable[int]) -> Stood:
    """Those of some assets whose documents answer for other members of a family."""
    found: Stood = {}
    for part in _parts(sorted(ids)):
        for id_, group, shape in session.connection().execute(STANDING, {"ids": part}):
            found[id_] = group, shape
    return found


def _left(session: Session, stood: Stood) -> set[int]:
    """The members of families whose first member is another table now and may no longer answer for them."""
    others: set[int] = set()
    for part in _parts(sorted(stood)):
        now = {
            id_: (group, shape)
            for id_, group, shape, family in session.connection().execute(STANDS, {"ids": part})
            if family == id_
        }
        changed = [id_ for id_ in part if now.get(id_) != stood[id_]]
        if changed:
            others.update(session.connection().execute(MEMBERS, {"ids": changed}).scalars())
    return others


def indexing(session: Session, workspace_id: int, behind: Behind | None, *, new: bool) -> Indexing:
    """For a writer that knows its new assets whole: nothing of what it has just written is read back.

    `new`: nothing of the integration is in the index yet, so what families there are this very run has made.
    """
    return Indexing(session, workspace_id, _writer(session, workspace_id, behind), new=new)


def renew(context: Context) -> int | None:
    """Build the workspace's index anew where its words were made another way; returns how many assets it has.

    None where that is not due, or not now: another process does it, or a sync or an edit is under way, and whoever
    asks next finds out. All is one transaction: searches find the old documents until it ends. A newer way than ours
    is left, or two releases that run side by side would take turns.
    """
    session, workspace_id = context.session, context.workspace_id
    if not _outdated(session, workspace_id):
        return None
    context.begin_write()
    if context.dialect == "postgresql":
        alone = select(func.pg_try_advisory_xact_lock(RENEWING, workspace_id))
        if not session.connection().execute(alone).scalar():
            return None
    if not _outdated(session, workspace_id):
        return None  # another process was first
    log.info("the search index is built anew for this release", extra={"workspace_id": workspace_id})
    began = time.monotonic()
    context.put_away_after()
    done = reindex(session, workspace_id)
    note_words(session, workspace_id)
    milliseconds = round(1000 * (time.monotonic() - began))
    log.info(
        "the search index was built anew",
        extra={"workspace_id": workspace_id, "milliseconds": milliseconds},
    )
    return done


def note_words(session: Session, workspace_id: int) -> None:
    """Note that every document of the workspace has the words of today: all are new, or there is none yet."""
    session.merge(SettingRow(workspace_id=workspace_id, key=WORDS_KEY, value=WORDS))
    session.flush()


def _outdated(session: Session, workspace_id: int) -> bool:
    noted = session.connection().execute(
        select(SettingRow.value).where(SettingRow.workspace_id == workspace_id, SettingRow.key == WORDS_KEY)
    )
    # A workspace of before there was a note has none.
    return (noted.scalar() or 0) < WORDS


def reindex(session: Session, workspace_id: int) -> int:
    """Build the workspace's index anew; returns how many assets it has."""
    session.flush()
    connection = session.connection()
    behind = Behind(connection, WAITING) if connection.dialect.name == "sqlite" else None
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
    _writer(context.session, context.workspace_id).clear(integration_id)


def forget_workspace(session: Session, workspace_id: int) -> None:
    """Forget everything of a workspace that is being deleted, its words too."""
    _writer(session, workspace_id).clear(words=True)


def _writer(session: Session, workspace_id: int, behind: Behind | None = None) -> IndexWriter:
    """A writer for some of the documents. On PostgreSQL it waits while all of them are written anew, and would else
    neither see those nor be seen; on SQLite there is one writer.
    """
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock_shared(RENEWING, workspace_id)))
    return index_writer(session, workspace_id, behind)


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


def _some(ordered: Sequence[tuple[int, str, int, int]]) -> Iterator[list[int]]:
    """The ids, so many at a time as are read at once; the last of each tuple is the number of its columns."""
    some: list[int] = []
    columns = 0
    for _parent, _name, id_, own in ordered:
        if some and (len(some) == READ or columns + own > READ_COLUMNS):
            yield some
            some, columns = [], 0
        some.append(id_)
        columns += own
    if some:
        yield some


def _parts(ids: Sequence[Any], size: int = BATCH) -> Iterator[Sequence[Any]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


class Indexing:
    """One run over some assets, in the order of their names, so that shards of a table follow each other."""

    def __init__(
        self, session: Session, workspace_id: int, writer: IndexWriter, *, new: bool = False
    ) -> None:
        self.session = session
        self.workspace_id = workspace_id
        self.writer = writer
        self.families: dict[int, Families] = {}
        """By group. Only groups that were met lately are kept."""
        self.met: set[int] | None = set() if new else None
        """Every group so far, where no other can be in the index."""
        self.tagged: set[int] | None = None
        """Tables of which a column has a tag, where all of them were looked for."""
        self.named: set[str] = set()
        """Names whose words were handed to the writer."""

    def run(self, ids: Iterable[int] | None) -> int:
        """Index these assets; None is all of the workspace. Returns how many there are."""
        ours = select(
            ResourceRow.parent_id, ResourceRow.name_folded, ResourceRow.id, ResourceRow.columns_count
        ).where(ResourceRow.workspace_id == self.workspace_id)
        if ids is None:
            found = self.session.connection().exec_driver_sql(WITH_TAGS.format(self.workspace_id))
            self.tagged = {table for (table,) in found}
            wanted = [ours.where(ResourceRow.kind != literal_column("'column'"))]
        else:
            wanted = [ours.where(ResourceRow.id.in_(part)) for part in _parts(sorted(ids))]
        ordered = [
            (parent or 0, name, id_, columns or 0)
            for each in wanted
            for parent, name, id_, columns in self.session.execute(each)
        ]
        ordered.sort()
        # Where rows are put away behind, those of one part are while the words of the next are found, and what comes
        # after it is read there too.
        waiting: deque[tuple[list[int], Callable[[], Read]]] = deque()
        for some in _some(ordered):
            waiting.append((some, self._soon(some)))
            if len(waiting) > AHEAD:
                self._take(*waiting.popleft())
        while waiting:
            self._take(*waiting.popleft())
        return len(ordered)

    def _soon(self, ids: list[int]) -> Callable[[], Read]:
        tables = ids if self.tagged is None else self.tagged.intersection(ids)
        dialect = self.session.connection().dialect.name
        return self.writer.soon(lambda run: read(run, dialect, self.workspace_id, ids, tables))

    def _take(self, ids: list[int], found: Callable[[], Read]) -> None:
        assets = {asset.id: asset for asset in assets_of(found(), self.workspace_id)}
        for part in _parts([assets[id_] for id_ in ids if id_ in assets], BATCH):
            self.take(part)

    def take(self, assets: Sequence[AssetFacts]) -> None:
        """Index assets of which nothing is in the index yet, from what the caller knows of them."""
        groups = {group for asset in assets if (group := asset.group()) is not None}
        self.families = {group: found for group, found in self.families.items() if group in groups}
        self._load_families(groups - set(self.families))
        if self.met is not None:
            self.met |= groups
        written: list[Document] = []
        named: set[str] = set()
        for asset in assets:
            written += documents(asset, self._family(asset))
            named.update(labels_of(asset), asset.names())
        named -= self.named
        self.named |= named
        self.writer.write(written, set(chain.from_iterable(map(typed_words, named))))

    def _family(self, asset: AssetFacts) -> int | None:
        """The first member of the family that an asset joins; its own id where it starts one."""
        group = asset.group()
        if group is None:
            return None
        if group not in self.families:
            self.families[group] = Families(alike)
        return self.families[group].join(asset.id, asset.column_set())

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
            self.families[group] = Families(alike)
        for first, group in firsts:
            self.families[group].add(first, frozenset(names[first]))
