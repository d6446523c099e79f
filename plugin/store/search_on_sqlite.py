"""The full-text index on SQLite: FTS5, walked by ranges of rowids, so that only the viewer's part of it is read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from plugin.store._context import Context
from plugin.store.search_ddl import ZONE_SHIFT
from plugin.store.search_scope import DOC, Around, FullText

MOST_RUNS = 100
"""With more runs of zones than this, everything between the first and the last is walked, and what is not theirs is
left out."""
A_RUN = 8000
"""Documents that are walked in the time in which a run of zones is looked for: with fewer for each run, the same."""
FEW_TIMES = 4
ID_MASK = (1 << ZONE_SHIFT) - 1
BY_RUNS = (
    "SELECT {what} FROM json_each(?) AS r CROSS JOIN search_fts AS f WHERE f.search_fts MATCH ?"
    " AND f.rowid BETWEEN json_extract(r.value, '$[0]') AND json_extract(r.value, '$[1]')"
)
BY_SPAN = (
    "SELECT {what} FROM search_fts AS f WHERE (f.rowid >> "
    + str(ZONE_SHIFT)
    + ") IN (SELECT value FROM json_each(?)) AND f.search_fts MATCH ? AND f.rowid BETWEEN ? AND ?"
)
THESE = "IN (SELECT value FROM json_each(?)) AND zone_id IN (SELECT value FROM json_each(?))"


class SqliteText(FullText):
    """FTS5, walked by ranges of rowids."""

    def __init__(self, context: Context, zones: Sequence[int], total: int, everything: bool) -> None:
        super().__init__(context, zones, total, everything)
        # Plain tuples from the driver: a question reads tens of thousands of them.
        self._raw: Any = self.connection.connection.driver_connection
        self._zones_json = json.dumps(list(zones))
        runs = self._runs()
        self._runs_count = len(runs)
        between = total * self._zones_between // max(1, len(zones))
        self._by_runs = len(runs) <= MOST_RUNS and between > A_RUN * (len(runs) - 1)
        self._runs_json = json.dumps(runs)
        self._span = (runs[0][0], runs[-1][1]) if runs else (0, 0)

    def _runs(self) -> list[tuple[int, int]]:
        """Runs of zones with no zone of somebody else between them, as ranges of rowids; all zones are counted."""
        self._zones_between = 0
        if not self.zones:
            return []
        mine = set(self.zones)
        every = self._raw.execute(
            "SELECT id FROM zones WHERE id BETWEEN ? AND ? ORDER BY id", (self.zones[0], self.zones[-1])
        )
        runs: list[tuple[int, int]] = []
        fresh = True
        for (zone,) in every:
            self._zones_between += 1
            if zone not in mine:
                fresh = True
            elif fresh:
                runs.append((zone, zone))
                fresh = False
            else:
                runs[-1] = (runs[-1][0], zone)
        return [(first << ZONE_SHIFT, ((last + 1) << ZONE_SHIFT) - 1) for first, last in runs]

    def _ids(self, match: str, limit: int, *, by_runs: bool = True) -> list[int]:
        """The first of those that match, by id: by rowid a table that others were granted too would come later."""
        what = f"f.rowid & {ID_MASK} AS id"
        if self.everything:
            # Nothing is hidden from this viewer, so no cut can tell of it: as the rows lie, twice as fast at a million.
            return sorted(id_ for (id_,) in self._matching(what, match, limit, by_runs=by_runs))
        # A few times as many are sorted here, in less time than SQLite sorts them; of far more it gives the first.
        every = len(self.zones) > 1 and self.total <= FEW_TIMES * limit
        rows = self._matching(what, match, -1 if every else limit + 1, by_runs=by_runs)
        if not every and len(rows) > limit and len(self.zones) > 1:
            rows = self._matching(what, match, limit, by_runs=by_runs, order="ORDER BY id")
        return sorted(id_ for (id_,) in rows)[:limit]

    def _matching(
        self, what: str, match: str, limit: int, *, by_runs: bool = True, order: str = ""
    ) -> list[tuple[int]]:
        if self._by_runs and (by_runs or self._runs_count == 1):
            given: tuple[Any, ...] = (self._runs_json, match, limit)
            statement = BY_RUNS.format(what=what)
        else:
            given = (self._zones_json, match, *self._span, limit)
            statement = BY_SPAN.format(what=what)
        found: list[tuple[int]] = self._raw.execute(f"{statement} {order} LIMIT ?", given).fetchall()
        return found

    def having_any(self, lexemes: Sequence[str], limit: int) -> set[int]:
        ids = BY_SPAN.format(what=f"f.rowid & {ID_MASK} AS id").replace("MATCH ?", "MATCH l.value")
        found = self._raw.execute(
            f"SELECT (SELECT json_group_array(id) FROM ({ids} ORDER BY id LIMIT ?)) FROM json_each(?) AS l",
            (self._zones_json, *self._span, limit, json.dumps([f'"{each}"' for each in lexemes])),
        )
        return {id_ for (listed,) in found for id_ in json.loads(listed)}

    def listed(self, lexemes: Sequence[str], limit: int) -> list[list[int]]:
        return [self._ids(f'"{each}"', limit) for each in lexemes]

    def having_all(self, lexemes: Sequence[str], limit: int, *, prefix: bool = False) -> list[int]:
        match = " AND ".join(f'"{lexeme}"' for lexeme in lexemes) + ("*" if prefix else "")
        # FTS5 looks for the first match of several words, or of a start of words, from the start of the index: once
        # is enough, and not in each run of zones again.
        by_runs = len(lexemes) == 1 and not prefix
        return self._ids(match, limit, by_runs=by_runs)

    def count_each(self, lexemes: Sequence[str]) -> list[int]:
        return [self._matching("count(*)", f'"{lexeme}"', 1)[0][0] for lexeme in lexemes]

    def around(self, ids: Sequence[int], *, words: bool, sizes: bool = False) -> Around:
        docs = self.docs(ids, DOC)
        known = {row[0] for row in docs}
        firsts = self.docs(sorted({row[2] for row in docs} - known), DOC)
        places: dict[int, int | None] = {}
        wanted = {row[3] for row in (*docs, *firsts)} - {None}
        while wanted:
            found = dict(self.docs(sorted(wanted), "id, container_id"))
            places.update(found)
            wanted = set(found.values()) - places.keys() - {None}
        texts = self.words([(row[0], row[12]) for row in (*docs, *firsts)]) if words else ()
        return Around(docs, firsts, list(places.items()), texts)

    def words(self, docs: Sequence[tuple[int, int]]) -> Sequence[tuple[int, str]]:
        rowids = json.dumps([zone << ZONE_SHIFT | id_ for id_, zone in docs])
        statement = (
            f"SELECT rowid & {ID_MASK}, body FROM search_fts WHERE rowid IN (SELECT value FROM json_each(?))"
        )
        found: list[tuple[int, str]] = self._raw.execute(statement, (rowids,)).fetchall()
        return found

    def docs(self, ids: Sequence[int], columns: str) -> Sequence[Any]:
        statement = f"SELECT {columns} FROM search_docs WHERE id {THESE}"
        found: list[Any] = self._raw.execute(statement, (json.dumps(list(ids)), self._zones_json)).fetchall()
        return found

    def inside(self, containers: Sequence[int]) -> dict[int, tuple[int, int]]:
        rows = self._raw.execute(
            "SELECT container_id, count(*), sum(min(columns_count, 60) + 4) FROM search_docs"
            f" WHERE family_id = id AND container_id {THESE} GROUP BY container_id",
            (json.dumps(list(containers)), self._zones_json),
        )
        return {container: (count, size) for container, count, size in rows}

    def siblings(self, containers: Sequence[int], limit: int) -> Sequence[Any]:
        return list(
            self._raw.execute(
                "SELECT d.id, d.container_id, r.name FROM search_docs d JOIN resources r ON r.id = d.id"
                " WHERE d.container_id IN (SELECT value FROM json_each(?)) AND d.family_id = d.id"
                " AND d.zone_id IN (SELECT value FROM json_each(?)) ORDER BY d.id LIMIT ?",
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

    def others_of(self, families: Sequence[int]) -> list[int]:
        given = (json.dumps(list(families)), self._zones_json)
        rows = self._raw.execute(
            f"SELECT id FROM search_docs WHERE family_id <> id AND family_id {THESE}", given
        )
        return [id_ for (id_,) in rows]

    def words_like(self, start: str) -> list[str]:
        rows = self._raw.execute(
            "SELECT word FROM search_words WHERE workspace_id = ? AND word >= ? AND word < ?",
            (self.context.workspace_id, start, start + "\U0010ffff"),
        )
        return [word for (word,) in rows]
