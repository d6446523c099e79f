"""The full-text index on PostgreSQL: tsvector under a GIN index.

A word stands in a document plain, for who sees the whole workspace, and again with the document's zone before it
(`12.order`). Who sees some zones asks for the word in each of them, so that the index gives nothing else; asked for
plain words and zones apart, it walks over everything in the zones for each word.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plugin.store.search_facts import DESCRIBED, POPULAR, VERIFIED
from plugin.store.search_scope import DOC, Around, FullText

MOST_LEXEMES = 64
"""With more zones than this, the rows decide instead of the lexemes."""
D_DOC = ", ".join(f"d.{name}" for name in DOC.split(", "))
STANDING = (
    f"({POPULAR} * r.popularity + CASE WHEN r.verified THEN {VERIFIED} ELSE 0 END"
    f" + CASE WHEN r.description IS NOT NULL THEN {DESCRIBED} ELSE 0 END)::float8"
)
AROUND = """
WITH hit AS MATERIALIZED (
    SELECT {columns} FROM search_docs d JOIN resources r ON r.id = d.id
    WHERE d.id = ANY(%(ids)s::bigint[]) AND d.zone_id = ANY(%(zones)s::integer[])
), first AS MATERIALIZED (
    SELECT {columns} FROM search_docs d JOIN resources r ON r.id = d.id
    WHERE d.id IN (SELECT family_id FROM hit WHERE family_id <> id)
    AND d.id <> ALL (%(ids)s::bigint[]) AND d.zone_id = ANY(%(zones)s::integer[])
), place AS MATERIALIZED (
    SELECT d.id, d.container_id FROM search_docs d
    WHERE d.id IN (SELECT container_id FROM hit UNION SELECT container_id FROM first)
    AND d.zone_id = ANY(%(zones)s::integer[])
), above AS (
    SELECT d.id, d.container_id FROM search_docs d WHERE d.id IN (SELECT container_id FROM place)
    AND d.zone_id = ANY(%(zones)s::integer[])
)
SELECT 'hit', * FROM hit UNION ALL SELECT 'first', * FROM first
UNION ALL SELECT 'place', {place} FROM place UNION ALL SELECT 'above', {place} FROM above
UNION ALL SELECT DISTINCT 'many', {many} FROM search_docs d
    WHERE d.family_id IN (SELECT family_id FROM hit) AND d.family_id <> d.id AND d.kind <> 'column'
    AND d.zone_id = ANY(%(zones)s::integer[])
"""
EMPTY = {"kind": "NULL::varchar", "id": "id", "container_id": "container_id"}
PLACE = ", ".join(
    EMPTY.get(name, "NULL::bigint" if name.endswith(("_id", "shape", "key")) else "NULL::integer")
    for name in DOC.split(", ")
)
MANY = PLACE.replace("id, ", "d.family_id AS id, ", 1).replace(", container_id,", ", NULL::bigint,", 1)


class PostgresText(FullText):
    """tsvector under a GIN index, with the zone in each lexeme."""

    def _query(self, lexemes: Sequence[str], prefix: bool = False) -> str:
        end = ":*" if prefix else ""
        if self.everything or len(self.zones) > MOST_LEXEMES:
            words = " & ".join(f"'{lexeme}'" for lexeme in lexemes)
            return f"{words}{end} & '_w{self.context.workspace_id}'"
        each = (" & ".join(f"'{zone}.{lexeme}'" for lexeme in lexemes) for zone in self.zones)
        return " | ".join(f"({words}{end})" for words in each)

    @property
    def _rows_decide(self) -> list[int] | None:
        """Zones that the rows must be in where the lexemes do not say so."""
        return list(self.zones) if not self.everything and len(self.zones) > MOST_LEXEMES else None

    def expect(self, lexemes: Sequence[str]) -> None:
        self._list(lexemes)

    def listed(self, lexemes: Sequence[str], limit: int) -> list[list[int]]:
        found: list[list[int]] = [[] for _ in lexemes]
        if not found:
            return found
        # One round trip, and one row for each list rather than for each document.
        rows = self.connection.exec_driver_sql(
            "SELECT q.at, array(SELECT docent_found(q.query::tsquery, %s::integer[], %s))"
            " FROM unnest(%s::text[]) WITH ORDINALITY AS q(query, at)",
            (self._rows_decide, limit, [self._query([lexeme]) for lexeme in lexemes]),
        )
        for at, ids in rows:
            found[at - 1] = ids
        return found

    def having_any(self, lexemes: Sequence[str], limit: int) -> set[int]:
        return {id_ for ids in self.listed(lexemes, limit) for id_ in ids}

    def having_all(self, lexemes: Sequence[str], limit: int, *, prefix: bool = False) -> list[int]:
        rows = self.connection.exec_driver_sql(
            "SELECT docent_found(%s::tsquery, %s::integer[], %s)",
            (self._query(lexemes, prefix), self._rows_decide, limit),
        )
        return [id_ for (id_,) in rows]

    def count_each(self, lexemes: Sequence[str]) -> list[int]:
        rows = self.connection.exec_driver_sql(
            "SELECT (SELECT count(*) FROM docent_found(q.query::tsquery, %s::integer[], NULL))"
            " FROM unnest(%s::text[]) WITH ORDINALITY AS q(query, at) ORDER BY q.at",
            (self._rows_decide, [self._query([lexeme]) for lexeme in lexemes]),
        )
        return [count for (count,) in rows]

    def around(self, ids: Sequence[int], *, words: bool) -> Around:
        statement = AROUND.format(
            columns=f"{D_DOC}, {STANDING} AS standing, {'d.words' if words else 'NULL::text AS words'}",
            place=f"{PLACE}, NULL::float8, NULL::text",
            many=f"{MANY}, NULL::float8, NULL::text",
        )
        rows = self.connection.exec_driver_sql(statement, {"ids": list(ids), "zones": list(self.zones)})
        docs: list[Any] = []
        firsts: list[Any] = []
        places: dict[int, int | None] = {}
        wanted: set[int | None] = set()
        texts: list[tuple[int, str]] = []
        standing: dict[int, float] = {}
        many: set[int] = set()
        for what, *row, stands, text in rows:
            if what in ("hit", "first"):
                standing[row[0]] = stands
                (docs if what == "hit" else firsts).append(row)
                if text is not None:
                    texts.append((row[0], text))
            elif what == "many":
                many.add(row[0])
            else:
                places[row[0]] = row[3]
                if what == "above":
                    wanted.add(row[3])
        wanted -= places.keys() | {None}
        while wanted:
            found: dict[int, int | None] = dict(self.docs([id_ for id_ in wanted if id_], "id, container_id"))
            places.update(found)
            wanted = set(found.values()) - places.keys() - {None}
        return Around(docs, firsts, list(places.items()), texts, standing, many)

    def words(self, docs: Sequence[tuple[int, int]]) -> Sequence[tuple[int, str]]:
        return [
            (id_, words)
            for id_, words in self.connection.exec_driver_sql(
                "SELECT id, words FROM search_docs WHERE id = ANY(%s::bigint[])",
                ([id_ for id_, _zone in docs],),
            )
        ]

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
            # Two reads, since the planner answers one with an OR by reading every document.
            ", alike AS (SELECT id, family_id, zone_id FROM search_docs WHERE id IN (SELECT family_id FROM many)"
            " UNION ALL SELECT id, family_id, zone_id FROM search_docs WHERE family_id <> id AND kind <> 'column'"
            " AND family_id IN (SELECT family_id FROM many))"
            " SELECT d.id, d.family_id, r.name FROM alike d JOIN resources r ON r.id = d.id"
            " WHERE d.zone_id = ANY(%(zones)s::integer[])",
            {"families": list(families), "zones": list(self.zones)},
        ).all()

    def words_like(self, start: str) -> list[str]:
        rows = self.connection.exec_driver_sql(
            "SELECT word FROM search_words WHERE workspace_id = %s AND word LIKE %s",
            (self.context.workspace_id, start.replace("\\", "").replace("%", "").replace("_", "\\_") + "%"),
        )
        return [word for (word,) in rows]
