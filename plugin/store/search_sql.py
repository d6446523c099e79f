"""Writing the full-text index: FTS5 on SQLite, tsvector on PostgreSQL, behind one small interface."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from operator import attrgetter
from typing import Any, TypeVar

from sqlalchemy import Connection, event, text
from sqlalchemy.orm import Session

from plugin.store._behind import Behind
from plugin.store._bulk import MOST_PARAMETERS, insert_groups
from plugin.store._chunks import chunks
from plugin.store.search_ddl import FTS, FTS_MEMORY, ZONE_SHIFT
from plugin.store.search_reading import Run
from plugin.store.search_rows import Document

FIELDS = (
    "id", "workspace_id", "integration_id", "zone_id", "asset_id", "container_id", "kind", "family_id", "group_key",
    "shape", "sample_id", "name_words", "text_words", "columns_count", "notes_words",
)  # fmt: skip

GATHERED = 16_000_000
"""Characters of words that are held back while an index is built, then put away by one statement: FTS5 writes out what
it has collected before each statement of several rows, and wherever a rowid is lower than the one before."""

_fields = attrgetter(*FIELDS)
Found = TypeVar("Found")


def index_writer(
    session: Session, workspace_id: int, behind: Behind | None = None, *, gather: bool = False
) -> IndexWriter:
    """The writer for this database; on SQLite documents are written `behind` the caller if there is one.

    `gather`: words may be held back to be put away many documents at a time; the caller calls `finish` at the end.
    """
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        return SqliteWriter(connection, workspace_id, behind, gather)
    writer = PostgresWriter(connection, workspace_id)
    event.listen(session, "before_commit", lambda _session: writer.finish(), once=True)
    return writer


class IndexWriter(ABC):
    """Writes one workspace's part of the index, in the caller's transaction."""

    def __init__(self, connection: Connection, workspace_id: int) -> None:
        self.connection = connection
        self.workspace_id = workspace_id
        self._known_words: set[str] = set()

    # --- what is the same on both ------------------------------------------------------------------------------

    def forget(self, assets: Collection[int], gone: Collection[int]) -> dict[int, int]:
        """Take these assets out of the index. Returns shards that lost the first member of their family to `gone`.

        Of each such family the oldest member is returned with the first that it had, to be indexed again as the first;
        the others follow it.
        """
        orphans: dict[int, int] = {}
        for part in chunks(sorted(assets)):
            rows = self.rows("SELECT id, zone_id FROM search_docs WHERE asset_id IN ", part)
            if rows:
                self.delete([(id_, zone) for id_, zone in rows])
        for part in chunks(sorted(gone)):
            rows = self.rows(
                "SELECT family_id, min(id) FROM search_docs WHERE family_id <> id AND kind <> 'column'"
                " AND family_id IN ",
                part,
                " GROUP BY family_id",
            )
            for old, first in rows:
                self.connection.execute(
                    text(
                        "UPDATE search_docs SET family_id = :new WHERE family_id = :old AND family_id <> id"
                    ),
                    {"new": first, "old": old},
                )
                orphans[first] = old
        return orphans

    def first_members(self, groups: Collection[int]) -> list[tuple[int, int]]:
        """(first member, group) of the families that these groups already have."""
        found: list[tuple[int, int]] = []
        for part in chunks(sorted(groups)):
            found += [
                (first, group)
                for first, group in self.rows(
                    "SELECT DISTINCT family_id, group_key FROM search_docs WHERE group_key IN ", part
                )
            ]
        return found

    def write(self, documents: Sequence[Document], words: Collection[str]) -> None:
        """Add documents that are not in the index, and words for "did you mean"."""
        if documents:
            self.insert(documents)
        fresh = [word for word in words if word not in self._known_words]
        self._known_words.update(fresh)
        if fresh:
            self.insert_words(sorted(fresh))

    def clear(self, integration_id: int | None = None, *, words: bool = False) -> None:
        """Take everything of the workspace, or of one integration, out of the index."""
        where, values = "workspace_id = :workspace", {"workspace": self.workspace_id}
        if integration_id is not None:
            where, values = (
                where + " AND integration_id = :integration",
                {**values, "integration": integration_id},
            )
        self.delete_where(where, values)
        if words or integration_id is None:
            self.connection.execute(
                text("DELETE FROM search_words WHERE workspace_id = :workspace"),
                {"workspace": self.workspace_id},
            )

    # --- what differs ------------------------------------------------------------------------------------------

    @abstractmethod
    def rows(self, before: str, values: Collection[int], after: str = "") -> Sequence[Any]:
        """Rows of a statement whose last condition is `IN` these values."""

    @abstractmethod
    def soon(self, reading: Callable[[Run], Found]) -> Callable[[], Found]:
        """Have something read after what was written; what is returned waits for it, once."""

    @abstractmethod
    def insert(self, documents: Sequence[Document]) -> None:
        """Insert documents."""

    @abstractmethod
    def finish(self) -> None:
        """Put away what was held back."""

    @abstractmethod
    def insert_words(self, words: Sequence[str]) -> None:
        """Insert words that may be there already."""

    @abstractmethod
    def delete(self, keys: Sequence[tuple[int, int]]) -> None:
        """Delete documents by (id, zone)."""

    @abstractmethod
    def delete_where(self, where: str, values: dict[str, int]) -> None:
        """Delete documents by a condition."""


class SqliteWriter(IndexWriter):
    """FTS5: the words of a document under a rowid that starts with its zone."""

    def __init__(
        self, connection: Connection, workspace_id: int, behind: Behind | None = None, gather: bool = False
    ) -> None:
        super().__init__(connection, workspace_id)
        self._behind = behind
        self._most_held = GATHERED if gather else 0
        self._held: list[tuple[int, str]] = []
        self._held_characters = 0

    def rows(self, before: str, values: Collection[int], after: str = "") -> Sequence[Any]:
        statement = f"{before}(SELECT value FROM json_each(?)){after}"
        return self.connection.exec_driver_sql(statement, (json.dumps(list(values)),)).all()

    def soon(self, reading: Callable[[Run], Found]) -> Callable[[], Found]:
        if self._behind is None:
            return lambda: reading(self.connection.exec_driver_sql)
        raw: Any = self.connection.connection.driver_connection
        return self._behind.ask(lambda: reading(raw.execute)).result

    def insert(self, documents: Sequence[Document]) -> None:
        self._write(lambda run: self._insert(run, documents))

    def finish(self) -> None:
        self._write(self._put_away)

    def _insert(self, run: Run, documents: Sequence[Document]) -> None:
        insert_groups(run, "search_docs", FIELDS, [_fields(each) for each in documents])
        rows = [(each.zone_id << ZONE_SHIFT | each.id, each.words) for each in documents]
        self._held += rows
        self._held_characters += sum(len(words) for _rowid, words in rows)
        if self._held_characters >= self._most_held:
            self._put_away(run)

    def _put_away(self, run: Run) -> None:
        self._held.sort()
        insert_groups(run, "search_fts", ("rowid", "body"), self._held, group=MOST_PARAMETERS)
        self._held.clear()
        self._held_characters = 0

    def insert_words(self, words: Sequence[str]) -> None:
        rows, same = [(word,) for word in words], {"workspace_id": self.workspace_id}
        self._write(
            lambda run: insert_groups(run, "search_words", ("word",), rows, same, verb="INSERT OR IGNORE")
        )

    def _write(self, work: Callable[[Run], None]) -> None:
        """Now, or behind the caller: then on the driver's connection, which the caller has made a writer."""
        if self._behind is None:
            work(self.connection.exec_driver_sql)
        else:
            raw: Any = self.connection.connection.driver_connection
            self._behind.do(lambda: work(raw.execute))

    def delete(self, keys: Sequence[tuple[int, int]]) -> None:
        self.connection.exec_driver_sql(
            "DELETE FROM search_fts WHERE rowid = ?", [(zone << ZONE_SHIFT | id_,) for id_, zone in keys]
        )
        self.connection.exec_driver_sql(
            "DELETE FROM search_docs WHERE id = ?", [(id_,) for id_, _zone in keys]
        )

    def clear(self, integration_id: int | None = None, *, words: bool = False) -> None:
        others = "SELECT 1 FROM search_docs WHERE workspace_id <> ? LIMIT 1"
        if integration_id is None and not self.connection.exec_driver_sql(others, (self.workspace_id,)).all():
            # Deleted row by row, every word stays behind as a mark of its deletion, which each search then walks over.
            self.connection.exec_driver_sql("DROP TABLE search_fts")
            self.connection.exec_driver_sql(FTS)
            self.connection.exec_driver_sql(FTS_MEMORY)
            # Without a condition, and so without a look at each row and its place in each index.
            self.connection.exec_driver_sql("DELETE FROM search_docs")
        super().clear(integration_id, words=words)

    def delete_where(self, where: str, values: dict[str, int]) -> None:
        rowids = f"SELECT zone_id << {ZONE_SHIFT} | id FROM search_docs WHERE {where}"
        self.connection.execute(text(f"DELETE FROM search_fts WHERE rowid IN ({rowids})"), values)
        self.connection.execute(text(f"DELETE FROM search_docs WHERE {where}"), values)


class PostgresWriter(IndexWriter):
    """tsvector: the words of a document as lexemes, with its workspace and with its zone before them."""

    _inserted = False

    def finish(self) -> None:
        """Sort what was inserted into the index, at once: until then each search reads all of it, unsorted."""
        if self._inserted:
            self._inserted = False
            self.connection.exec_driver_sql(
                "SELECT CASE WHEN pg_has_role(relowner, 'USAGE') THEN gin_clean_pending_list('search_docs_body') END"
                " FROM pg_class WHERE oid = 'search_docs_body'::regclass"
            )

    def rows(self, before: str, values: Collection[int], after: str = "") -> Sequence[Any]:
        statement = f"{before}(SELECT unnest(%s::bigint[])){after}"
        return self.connection.exec_driver_sql(statement, (list(values),)).all()

    def soon(self, reading: Callable[[Run], Found]) -> Callable[[], Found]:
        return lambda: reading(self.connection.exec_driver_sql)

    def insert(self, documents: Sequence[Document]) -> None:
        raw: Any = self.connection.connection.driver_connection
        columns = ", ".join((*FIELDS, "words", "body"))
        if not self._inserted:
            self._inserted = True
            self.connection.exec_driver_sql("SET LOCAL gin_pending_list_limit = '256MB'")
            self.connection.exec_driver_sql("SET LOCAL maintenance_work_mem = '128MB'")
        with raw.cursor() as cursor, cursor.copy(f"COPY search_docs ({columns}) FROM STDIN") as copy:
            for each in documents:
                # Words are letters, digits and underscores, so the text form of a tsvector needs no quoting.
                words, ours, here = each.words, f" w{each.workspace_id}.", f" {each.zone_id}."
                body = f"{ours}{words.replace(' ', ours)}{here}{words.replace(' ', here)}" if words else ""
                copy.write_row((*_fields(each), words, body))

    def insert_words(self, words: Sequence[str]) -> None:
        self.connection.exec_driver_sql(
            "INSERT INTO search_words (workspace_id, word) SELECT %s, unnest(%s::text[]) ON CONFLICT DO NOTHING",
            (self.workspace_id, list(words)),
        )

    def delete(self, keys: Sequence[tuple[int, int]]) -> None:
        self.connection.exec_driver_sql(
            "DELETE FROM search_docs WHERE id = ANY(%s::bigint[])", ([id_ for id_, _zone in keys],)
        )

    def delete_where(self, where: str, values: dict[str, int]) -> None:
        self.connection.execute(text(f"DELETE FROM search_docs WHERE {where}"), values)
