"""The full-text index on PostgreSQL: tsvector under a GIN index.

A word stands in a document with its workspace before it (`w1.order`), for who sees the whole workspace, and again with
the document's zone (`12.order`). Who sees some zones asks for the word in each of them, so that the index gives nothing
else; asked for words and workspaces or zones apart, it walks over everything in these for each word.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection

from plugin.store._context import Context
from plugin.store._driven import array
from plugin.store.search_ddl import MOST_LEXEMES
from plugin.store.search_facts import DESCRIBED, POPULAR, VERIFIED
from plugin.store.search_scope import CONTAINER_KINDS, DOC, LISTED, TOGETHER, Around, Expected, FullText

FEW_ROWS = 500
"""Of more documents than this without their words only the best few are asked how they stand with people: later."""
D_DOC = ", ".join(f"d.{name}" for name in DOC.split(", "))
STANDING = (
    f"({POPULAR} * r.popularity + CASE WHEN r.verified THEN {VERIFIED} ELSE 0 END"
    f" + CASE WHEN r.description IS NOT NULL THEN {DESCRIBED} ELSE 0 END)::float8"
)
ASKED = f"""
CASE WHEN %(everything)s OR cardinality(mine.zones) > {MOST_LEXEMES}
    THEN format('''w%%s.%%s''', %(workspace)s::integer, q.lexeme)
    ELSE (SELECT string_agg(format('''%%s.%%s''', zone, q.lexeme), ' | ') FROM unnest(mine.zones) AS zone)
END::tsquery
"""
ROWS_DECIDE = f"CASE WHEN NOT %(everything)s AND cardinality(mine.zones) > {MOST_LEXEMES} THEN mine.zones END"
"""What is asked of the index for a lexeme, put together there: from here it would be longer than what comes back."""
GIVEN = "WITH mine AS (SELECT %(zones)s::integer[] AS zones)"
COUNTS = (
    f"{GIVEN} SELECT (SELECT count(*) FROM docent_found({ASKED}, {ROWS_DECIDE}, NULL))"
    " FROM mine, unnest(%(lexemes)s::text[]) WITH ORDINALITY AS q(lexeme, at) ORDER BY q.at"
)
OPENED = (
    "SELECT at, ids, counts FROM docent_opened(%(lexemes)s::text[], %(queries)s::text[], %(everything)s,"
    " %(teams)s::integer[], %(workspace)s::integer, %(most)s::integer, %(together)s::integer,"
    " %(enough)s::integer, %(looked_at)s::integer)"
)
"""`search_scope._zones` and what is asked first in one round trip."""
ALL_EACH = (
    "SELECT at, ids FROM docent_together(%(queries)s::text[], %(everything)s, %(zones)s::integer[],"
    " %(workspace)s::integer, %(most)s::integer)"
)
LISTS = (
    "SELECT at, ids FROM docent_listed(%(lexemes)s::text[], %(everything)s, %(zones)s::integer[],"
    " %(workspace)s::integer, %(most)s::integer)"
)
AROUND = """
WITH hit AS MATERIALIZED (
    SELECT {columns} FROM search_docs d{rows}
    WHERE d.id = ANY(%(ids)s::bigint[]) AND d.zone_id = ANY(%(zones)s::integer[])
), first AS MATERIALIZED (
    SELECT {columns} FROM search_docs d{rows}
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
    WHERE d.family_id IN (SELECT family_id FROM hit WHERE group_key IS NOT NULL)
    AND d.family_id <> d.id AND d.kind <> 'column' AND d.zone_id = ANY(%(zones)s::integer[])
"""
SIZES = """
UNION ALL SELECT 'size', {size} FROM search_docs d
    WHERE d.container_id IN ({of}) AND d.family_id = d.id AND d.zone_id = ANY(%(zones)s::integer[])
    GROUP BY d.container_id
"""
_containers = ", ".join(f"'{kind}'" for kind in sorted(CONTAINER_KINDS))
NAMED = (
    f"SELECT id FROM hit WHERE kind IN ({_containers}) UNION SELECT id FROM place"
    # An array: the planner, who expects a few hits, would look through all of them for each place.
    f" WHERE container_id = ANY (ARRAY(SELECT id FROM hit WHERE kind IN ({_containers})))"
)
"""Containers that were found themselves, and those below: ranking asks for the size of these in any case."""
EVERY = f"SELECT id FROM place UNION SELECT id FROM above UNION {NAMED}"
EMPTY = {"kind": "NULL::varchar", "id": "id", "container_id": "container_id"}
PLACE = ", ".join(
    EMPTY.get(name, "NULL::bigint" if name.endswith(("_id", "shape", "key")) else "NULL::integer")
    for name in DOC.split(", ")
)
SIZE = (
    PLACE.replace("id, ", "d.container_id AS id, ", 1)
    .replace(", container_id,", ", NULL::bigint,", 1)
    .replace(
        "NULL::integer, NULL::integer,", "count(*)::integer, sum(least(d.columns_count, 60) + 4)::integer,", 1
    )
)
MANY = PLACE.replace("id, ", "d.family_id AS id, ", 1).replace(", container_id,", ", NULL::bigint,", 1)


def _texts(texts: Iterable[str]) -> str:
    """Texts as PostgreSQL writes an array of them: lexemes, and queries of them, hold no double quote."""
    quoted = '","'.join(texts)
    return f'{{"{quoted}"}}' if quoted else "{}"


def _fetched(connection: Connection, statement: str, given: dict[str, Any]) -> list[Any]:
    """Rows as the driver gives them, which is asked itself as on SQLite: a search reads hundreds, and to wrap each
    takes longer than to read it; and what SQLAlchemy does around a statement takes as long as the driver for it.
    """
    raw: Any = connection.connection.driver_connection
    with raw.cursor() as cursor:
        # Numbers in hundreds are read in less time as they are than as text.
        rows: list[Any] = cursor.execute(statement, given, binary=True).fetchall()
    return rows


def _queries(wanted: Iterable[Sequence[str]]) -> str:
    """Lexemes that are asked for together, as `docent_together` takes them."""
    return _texts(" & ".join(f"'%1$s.{lexeme}'" for lexeme in lexemes) for lexemes in wanted)


class PostgresText(FullText):
    """tsvector under a GIN index, with the zone in each lexeme."""

    def __init__(self, context: Context, zones: Sequence[int], total: int, everything: bool) -> None:
        super().__init__(context, zones, total, everything)
        self._zones = array(zones)
        self._sizes: dict[int, tuple[int, int]] = {}
        """Container -> how many documents the viewer sees in it, and how large they are together; what was read."""

    @classmethod
    def opened(cls, context: Context, everything: bool, expected: Expected) -> PostgresText:
        """The index for this viewer, with what is asked first read already."""
        teams = [] if everything else sorted(context.member.team_ids)
        rows = _fetched(
            context.session.connection(),
            OPENED,
            {
                "workspace": context.workspace_id,
                "everything": everything,
                "teams": array(teams),
                "most": LISTED,
                "together": TOGETHER,
                "enough": expected.enough,
                "looked_at": expected.looked_at,
                "lexemes": _texts(expected.lexemes),
                "queries": _queries(expected.every),
            },
        )
        lists: dict[int, list[int]] = {}
        counts: list[int] = []
        for at, ids, told in rows:
            lists[at] = ids
            counts = told or counts
        opened = cls(context, lists.pop(0), int(sum(counts)), everything)
        for at, ids in lists.items():
            if at < 0:
                opened._every[tuple(expected.every[-1 - at])] = ids
            else:
                opened._lists[expected.lexemes[at - 1]] = ids
        return opened

    def _query(self, lexemes: Sequence[str], prefix: bool = False) -> str:
        end = ":*" if prefix else ""
        if self.everything or len(self.zones) > MOST_LEXEMES:
            return " & ".join(f"'w{self.context.workspace_id}.{lexeme}'" for lexeme in lexemes) + end
        each = (" & ".join(f"'{zone}.{lexeme}'" for lexeme in lexemes) for zone in self.zones)
        return " | ".join(f"({words}{end})" for words in each)

    @property
    def _rows_decide(self) -> list[int] | None:
        """Zones that the rows must be in where the lexemes do not say so."""
        return list(self.zones) if not self.everything and len(self.zones) > MOST_LEXEMES else None

    def _rows(self, statement: str, given: dict[str, Any]) -> list[Any]:
        return _fetched(self.connection, statement, given)

    def expect(self, lexemes: Sequence[str]) -> None:
        self._list(lexemes)

    def listed(self, lexemes: Sequence[str], limit: int) -> list[list[int]]:
        found: list[list[int]] = [[] for _ in lexemes]
        if not found:
            return found
        # One round trip, and one row for each list rather than for each document.
        for at, ids in self._rows(LISTS, {**self._given(lexemes), "most": limit}):
            found[at - 1] = ids
        return found

    def _given(self, lexemes: Sequence[str]) -> dict[str, Any]:
        """What a statement over single lexemes is told."""
        return {
            "zones": self._zones,
            "everything": self.everything,
            "workspace": self.context.workspace_id,
            "lexemes": _texts(lexemes),
        }

    def having_any(self, lexemes: Sequence[str], limit: int) -> set[int]:
        return {id_ for ids in self.listed(lexemes, limit) for id_ in ids}

    def having_all(self, lexemes: Sequence[str], limit: int, *, prefix: bool = False) -> list[int]:
        rows = self.connection.exec_driver_sql(
            "SELECT docent_found(%s::tsquery, %s::integer[], %s)",
            (self._query(lexemes, prefix), self._rows_decide, limit),
        )
        return [id_ for (id_,) in rows.all()]

    def having_all_each(self, wanted: Sequence[Sequence[str]], limit: int) -> list[list[int]]:
        given = {"queries": _queries(wanted), "most": limit, "zones": self._zones}
        given |= {"everything": self.everything, "workspace": self.context.workspace_id}
        rows = sorted(self._rows(ALL_EACH, given))
        return [ids for _at, ids in rows]

    def count_each(self, lexemes: Sequence[str]) -> list[int]:
        rows = self.connection.exec_driver_sql(COUNTS, self._given(lexemes))
        return [count for (count,) in rows.all()]

    def around(self, ids: Sequence[int], *, words: bool, sizes: bool = False) -> Around:
        stands = words or len(ids) <= FEW_ROWS
        statement = (AROUND + SIZES if sizes or words else AROUND).format(
            rows=" JOIN resources r ON r.id = d.id" if stands else "",
            of=EVERY if sizes else NAMED,
            columns=f"{D_DOC}, {STANDING if stands else 'NULL::float8'} AS standing,"
            f" {'d.words' if words else 'NULL::text AS words'}",
            place=f"{PLACE}, NULL::float8, NULL::text",
            many=f"{MANY}, NULL::float8, NULL::text",
            size=f"{SIZE}, NULL::float8, NULL::text",
        )
        rows = self._rows(statement, {"ids": array(ids), "zones": self._zones})
        docs: list[Any] = []
        firsts: list[Any] = []
        places: dict[int, int | None] = {}
        wanted: set[int | None] = set()
        texts: list[tuple[int, str]] = []
        standing: dict[int, float] = {}
        many: set[int] = set()
        for row in rows:
            what, id_ = row[0], row[1]
            if what in ("hit", "first"):
                (docs if what == "hit" else firsts).append(row[1:-2])
                if row[-2] is not None:
                    standing[id_] = row[-2]
                if row[-1] is not None:
                    texts.append((id_, row[-1]))
            elif what == "many":
                many.add(id_)
            elif what == "size":
                self._sizes[id_] = (row[8], row[9])
            else:
                places[id_] = row[4]
                if what == "above":
                    wanted.add(row[4])
        if sizes or words:
            named = {row[0] for row in docs if row[4] in CONTAINER_KINDS}
            asked = named.union(place for place, parent in places.items() if sizes or parent in named)
            for place in asked:
                self._sizes.setdefault(place, (0, 0))
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
                (array(id_ for id_, _zone in docs),),
            )
        ]

    def docs(self, ids: Sequence[int], columns: str) -> Sequence[Any]:
        return self.connection.exec_driver_sql(
            f"SELECT {columns} FROM search_docs WHERE id = ANY(%s::bigint[]) AND zone_id = ANY(%s::integer[])",
            (array(ids), self._zones),
        ).all()

    def inside(self, containers: Sequence[int]) -> dict[int, tuple[int, int]]:
        missing = [container for container in containers if container not in self._sizes]
        if missing:
            rows = self.connection.exec_driver_sql(
                "SELECT container_id, count(*), sum(least(columns_count, 60) + 4) FROM search_docs"
                " WHERE container_id = ANY(%s::bigint[]) AND family_id = id AND zone_id = ANY(%s::integer[])"
                " GROUP BY container_id",
                (array(missing), self._zones),
            )
            self._sizes.update((container, (count, size)) for container, count, size in rows.all())
        return {each: self._sizes[each] for each in containers if self._sizes.get(each, (0, 0))[0]}

    def siblings(self, containers: Sequence[int], limit: int) -> Sequence[Any]:
        return self.connection.exec_driver_sql(
            "SELECT s.id, s.container_id, r.name FROM (SELECT d.id, d.container_id FROM search_docs d"
            " WHERE d.container_id = ANY(%s::bigint[]) AND d.family_id = d.id AND d.zone_id = ANY(%s::integer[])"
            " OFFSET 0) AS s JOIN resources r ON r.id = s.id ORDER BY s.id LIMIT %s",
            (array(containers), self._zones, limit),
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
            {"families": array(families), "zones": self._zones},
        ).all()

    def others_of(self, families: Sequence[int]) -> list[int]:
        rows = self.connection.exec_driver_sql(
            "SELECT id FROM search_docs WHERE family_id <> id AND family_id = ANY(%s::bigint[])"
            " AND zone_id = ANY(%s::integer[])",
            (array(families), self._zones),
        )
        return [id_ for (id_,) in rows.all()]

    def words_like(self, start: str) -> list[str]:
        rows = self.connection.exec_driver_sql(
            "SELECT word FROM search_words WHERE workspace_id = %s AND word LIKE %s",
            (self.context.workspace_id, start.replace("\\", "").replace("%", "").replace("_", "\\_") + "%"),
        )
        return [word for (word,) in rows]
