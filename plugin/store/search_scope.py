"""Asking the full-text index, inside what one viewer may see.

Enters: words and a viewer's context. Leaves: ids of documents and where they have each word. The zones of the viewer
are part of every statement: on SQLite they are ranges of the rowid, so that only the viewer's part of the index is
walked; on PostgreSQL they are lexemes of the query. Law 3 is kept here for finding, and again when hits are loaded.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from plugin.catalog.retrieval import COLUMN, MANY, NAME, NOTE, TEXT, VERY_MANY
from plugin.store._context import Context
from plugin.store._models.catalog import ZoneRow
from plugin.store._visible import sees_everything, visible_zones
from plugin.store.search_ddl import ZONE_SHIFT

MARKS = (("n_", NAME), ("d_", TEXT), ("c_", COLUMN), ("e_", MANY), ("f_", VERY_MANY), ("", NOTE))
MOST = 20_000
"""Documents of one word in one place that are looked at; a word beyond that says nothing in that place."""
MOST_RANGES = 6
MOST_LEXEMES = 64
LAST = 1 << 62
ID_MASK = (1 << ZONE_SHIFT) - 1


class FullText(ABC):
    """The index as one viewer may read it."""

    def __init__(self, context: Context, zones: Sequence[int]) -> None:
        self.context = context
        self.zones = zones
        self.connection: Connection = context.session.connection()

    @property
    def nothing(self) -> bool:
        """Does this viewer see no zone at all?"""
        return not self.zones

    def evidence(self, words: Sequence[str]) -> dict[str, dict[int, int]]:
        """For each word the documents that have it, and where, as bits of `plugin.catalog.retrieval`."""
        found: dict[str, dict[int, int]] = {}
        for word, lists in self._marked(words).items():
            bits: dict[int, int] = {}
            for (_mark, bit), ids in zip(MARKS, lists, strict=True):
                if bit == NOTE:
                    if len(ids) < MOST:
                        for id_ in ids:
                            bits.setdefault(id_, NOTE)
                else:
                    for id_ in ids:
                        bits[id_] = bits.get(id_, 0) | bit
            if bits:
                found[word] = bits
        return found

    @abstractmethod
    def _marked(self, words: Sequence[str]) -> dict[str, list[list[int]]]:
        """For each word the documents per mark, in the order of MARKS."""

    @abstractmethod
    def having_all(self, lexemes: Sequence[str], limit: int, *, prefix: bool = False) -> list[int]:
        """Documents with every one of these lexemes; with `prefix` the last one may go on."""

    def having_each(self, wanted: Sequence[Sequence[str]], limit: int) -> list[list[int]]:
        """The same for several lists of lexemes at once."""
        return [self.having_all(lexemes, limit) for lexemes in wanted]

    @abstractmethod
    def bodies(self, keys: Sequence[tuple[int, int]]) -> list[tuple[int, str]]:
        """All words of documents given by (id, zone), with blanks around each."""

    @abstractmethod
    def docs(self, ids: Sequence[int], columns: str) -> Sequence[Any]:
        """Rows of `search_docs` by id, of the viewer's zones only."""

    @abstractmethod
    def inside(self, containers: Sequence[int]) -> dict[int, tuple[int, int]]:
        """For each container: how many documents the viewer sees in it, and how large they are together."""

    @abstractmethod
    def siblings(self, containers: Sequence[int], limit: int) -> Sequence[Any]:
        """(id, container, name) of what the viewer sees in these containers, one for each family."""

    @abstractmethod
    def members(self, families: Sequence[int]) -> Sequence[Any]:
        """(id, family, name) of the shards of these families that the viewer sees, the first ones too."""

    @abstractmethod
    def words_like(self, start: str) -> list[str]:
        """Words of names that begin like this; what is hidden may be among them, so ask for hits before showing one."""


def full_text(context: Context) -> FullText:
    """The index for this viewer, on the database of this context."""
    if sees_everything(context):
        wanted = select(ZoneRow.id).where(ZoneRow.workspace_id == context.workspace_id)
    else:
        wanted = visible_zones(context)
    context.session.flush()
    zones = sorted(context.session.connection().scalars(wanted))
    return SqliteText(context, zones) if context.dialect == "sqlite" else PostgresText(context, zones)


class SqliteText(FullText):
    """FTS5, walked by ranges of rowids."""

    def __init__(self, context: Context, zones: Sequence[int]) -> None:
        super().__init__(context, zones)
        # Plain tuples from the driver: a question reads tens of thousands of them.
        self._raw: Any = self.connection.connection.driver_connection
        self.ranges = self._runs()
        self._zones_json = json.dumps(list(zones))

    def _runs(self) -> list[tuple[int, int]]:
        """Runs of zones with no zone of somebody else between them, as ranges of rowids."""
        if not self.zones:
            return []
        mine = set(self.zones)
        every = self._raw.execute(
            "SELECT id FROM zones WHERE id BETWEEN ? AND ? ORDER BY id", (self.zones[0], self.zones[-1])
        )
        runs: list[tuple[int, int]] = []
        fresh = True
        for (zone,) in every:
            if zone not in mine:
                fresh = True
            elif fresh:
                runs.append((zone, zone))
                fresh = False
            else:
                runs[-1] = (runs[-1][0], zone)
        return [(first << ZONE_SHIFT, ((last + 1) << ZONE_SHIFT) - 1) for first, last in runs]

    def _where(self) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Conditions on the rowid, each for a statement of its own; together they are what the viewer sees."""
        if len(self.ranges) <= MOST_RANGES:
            return ["rowid BETWEEN ? AND ?"] * len(self.ranges), list(self.ranges)
        span = (self.ranges[0][0], self.ranges[-1][1], self._zones_json)
        inside = f"rowid BETWEEN ? AND ? AND (rowid >> {ZONE_SHIFT}) IN (SELECT value FROM json_each(?))"
        return [inside], [span]

    def _marked(self, words: Sequence[str]) -> dict[str, list[list[int]]]:
        conditions, values = self._where()
        found: dict[str, list[list[int]]] = {}
        statement = " UNION ALL ".join(
            f"SELECT {at}, id FROM (SELECT rowid & {ID_MASK} AS id FROM search_fts"
            f" WHERE search_fts MATCH ? AND {condition} LIMIT {MOST})"
            for at in range(len(MARKS))
            for condition in conditions
        )
        for word in words:
            given: list[Any] = []
            for mark, _bit in MARKS:
                for value in values:
                    given += [f'"{mark}{word}"', *value]
            lists: list[list[int]] = [[] for _ in MARKS]
            for at, id_ in self._raw.execute(statement, tuple(given)):
                lists[at].append(id_)
            if any(lists):
                found[word] = lists
        return found

    def having_all(self, lexemes: Sequence[str], limit: int, *, prefix: bool = False) -> list[int]:
        match = " AND ".join(f'"{lexeme}"' for lexeme in lexemes) + ("*" if prefix else "")
        conditions, values = self._where()
        statement = " UNION ALL ".join(
            f"SELECT rowid & {ID_MASK} FROM search_fts WHERE search_fts MATCH ? AND {condition}"
            for condition in conditions
        )
        given = [each for value in values for each in (match, *value)]
        return [id_ for (id_,) in self._raw.execute(f"{statement} LIMIT ?", (*given, limit))]

    def bodies(self, keys: Sequence[tuple[int, int]]) -> list[tuple[int, str]]:
        rowids = json.dumps([zone << ZONE_SHIFT | id_ for id_, zone in keys])
        rows = self._raw.execute(
            f"SELECT rowid & {ID_MASK}, body FROM search_fts WHERE rowid IN (SELECT value FROM json_each(?))",
            (rowids,),
        )
        return [(id_, f" {body} ") for id_, body in rows]

    def docs(self, ids: Sequence[int], columns: str) -> Sequence[Any]:
        return list(
            self._raw.execute(
                f"SELECT {columns} FROM search_docs WHERE id IN (SELECT value FROM json_each(?))"
                " AND zone_id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(ids)), self._zones_json),
            )
        )

    def inside(self, containers: Sequence[int]) -> dict[int, tuple[int, int]]:
        rows = self._raw.execute(
            "SELECT container_id, count(*), sum(min(columns_count, 60) + 4) FROM search_docs"
            " WHERE container_id IN (SELECT value FROM json_each(?)) AND family_id = id"
            " AND zone_id IN (SELECT value FROM json_each(?)) GROUP BY container_id",
            (json.dumps(list(containers)), self._zones_json),
        )
        return {container: (count, size) for container, count, size in rows}

    def siblings(self, containers: Sequence[int], limit: int) -> Sequence[Any]:
        return list(
            self._raw.execute(
                "SELECT d.id, d.container_id, r.name FROM search_docs d JOIN resources r ON r.id = d.id"
                " WHERE d.container_id IN (SELECT value FROM json_each(?)) AND d.family_id = d.id"
                " AND d.zone_id IN (SELECT value FROM json_each(?)) LIMIT ?",
                (json.dumps(list(containers)), self._zones_json, limit),
            )
        )

    def members(self, families: Sequence[int]) -> Sequence[Any]:
        # Most tables are no family: the partial index says so without a look at their rows.
        given = json.dumps(list(families))
        return list(
            self._raw.execute(
                "WITH many AS (SELECT DISTINCT family_id FROM search_docs WHERE family_id <> id AND kind <> 'column'"
                " AND family_id IN (SELECT value FROM json_each(?)))"
                " SELECT d.id, d.family_id, r.name FROM search_docs d JOIN resources r ON r.id = d.id"
                " WHERE (d.id IN (SELECT family_id FROM many) OR (d.family_id <> d.id AND d.kind <> 'column'"
                " AND d.family_id IN (SELECT family_id FROM many)))"
                " AND d.zone_id IN (SELECT value FROM json_each(?))",
                (given, self._zones_json),
            )
        )

    def words_like(self, start: str) -> list[str]:
        rows = self._raw.execute(
            "SELECT word FROM search_words WHERE workspace_id = ? AND word >= ? AND word < ?",
            (self.context.workspace_id, start, start + "\U0010ffff"),
        )
        return [word for (word,) in rows]


class PostgresText(FullText):
    """tsvector under a GIN index, with the zones among the lexemes."""

    def _scope(self) -> tuple[str, list[int] | None]:
        """A piece of tsquery and zones of the row that together are what the viewer sees."""
        if sees_everything(self.context):
            return f"& '_w{self.context.workspace_id}'", None
        if len(self.zones) <= MOST_LEXEMES:
            return "& (" + " | ".join(f"'_z{zone}'" for zone in self.zones) + ")", None
        return f"& '_w{self.context.workspace_id}'", list(self.zones)

    def _marked(self, words: Sequence[str]) -> dict[str, list[list[int]]]:
        scope, zones = self._scope()
        queries = [f"'{mark}{word}' {scope}" for word in words for mark, _bit in MARKS]
        found: dict[str, list[list[int]]] = {}
        rows = self.connection.exec_driver_sql(
            "SELECT q.at, d.id FROM unnest(%s::text[]) WITH ORDINALITY AS q(query, at)"
            " CROSS JOIN LATERAL docent_found(q.query::tsquery, %s::integer[], %s) AS d(id)",
            (queries, zones, MOST),
        )
        for at, id_ in rows:
            word, mark = divmod(at - 1, len(MARKS))
            lists = found.get(words[word])
            if lists is None:
                lists = found[words[word]] = [[] for _ in MARKS]
            lists[mark].append(id_)
        return found

    def having_all(self, lexemes: Sequence[str], limit: int, *, prefix: bool = False) -> list[int]:
        scope, zones = self._scope()
        query = " & ".join(f"'{lexeme}'" for lexeme in lexemes) + (":*" if prefix else "") + " " + scope
        rows = self.connection.exec_driver_sql(
            "SELECT docent_found(%s::tsquery, %s::integer[], %s)", (query, zones, limit)
        )
        return [id_ for (id_,) in rows]

    def having_each(self, wanted: Sequence[Sequence[str]], limit: int) -> list[list[int]]:
        scope, zones = self._scope()
        queries = [" & ".join(f"'{lexeme}'" for lexeme in lexemes) + " " + scope for lexemes in wanted]
        found: list[list[int]] = [[] for _ in wanted]
        # One round trip, and one row for each list rather than for each document.
        rows = self.connection.exec_driver_sql(
            "SELECT q.at, array(SELECT docent_found(q.query::tsquery, %s::integer[], %s))"
            " FROM unnest(%s::text[]) WITH ORDINALITY AS q(query, at)",
            (zones, limit, queries),
        )
        for at, ids in rows:
            found[at - 1] = ids
        return found

    def bodies(self, keys: Sequence[tuple[int, int]]) -> list[tuple[int, str]]:
        rows = self.connection.exec_driver_sql(
            "SELECT id, array_to_string(tsvector_to_array(body), ' ') FROM search_docs WHERE id = ANY(%s::bigint[])",
            ([id_ for id_, _zone in keys],),
        )
        return [(id_, f" {body} ") for id_, body in rows]

    def docs(self, ids: Sequence[int], columns: str) -> Sequence[Any]:
        return self.connection.exec_driver_sql(
            f"SELECT {columns} FROM search_docs WHERE id = ANY(%s::bigint[]) AND zone_id = ANY(%s::integer[])",
            (list(ids), list(self.zones)),
        ).all()

    def inside(self, containers: Sequence[int]) -> dict[int, tuple[int, int]]:
        rows = self.connection.exec_driver_sql(
            "SELECT container_id, count(*), sum(least(columns_count, 60) + 4) FROM search_docs"
            " WHERE container_id = ANY(%s::bigint[]) AND family_id = id AND zone_id = ANY(%s::integer[])"
            " GROUP BY container_id",
            (list(containers), list(self.zones)),
        )
        return {container: (count, size) for container, count, size in rows}

    def siblings(self, containers: Sequence[int], limit: int) -> Sequence[Any]:
        return self.connection.exec_driver_sql(
            "SELECT d.id, d.container_id, r.name FROM search_docs d JOIN resources r ON r.id = d.id"
            " WHERE d.container_id = ANY(%s::bigint[]) AND d.family_id = d.id AND d.zone_id = ANY(%s::integer[])"
            " LIMIT %s",
            (list(containers), list(self.zones), limit),
        ).all()

    def members(self, families: Sequence[int]) -> Sequence[Any]:
        return self.connection.exec_driver_sql(
            "WITH many AS (SELECT DISTINCT family_id FROM search_docs WHERE family_id <> id AND kind <> 'column'"
            " AND family_id = ANY(%(families)s::bigint[]))"
            " SELECT d.id, d.family_id, r.name FROM search_docs d JOIN resources r ON r.id = d.id"
            " WHERE (d.id IN (SELECT family_id FROM many) OR (d.family_id <> d.id AND d.kind <> 'column'"
            " AND d.family_id IN (SELECT family_id FROM many))) AND d.zone_id = ANY(%(zones)s::integer[])",
            {"families": list(families), "zones": list(self.zones)},
        ).all()

    def words_like(self, start: str) -> list[str]:
        rows = self.connection.exec_driver_sql(
            "SELECT word FROM search_words WHERE workspace_id = %s AND word LIKE %s",
            (self.context.workspace_id, start.replace("\\", "").replace("%", "").replace("_", "\\_") + "%"),
        )
        return [word for (word,) in rows]
