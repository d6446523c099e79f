"""Asking the full-text index, inside what one viewer may see.

Enters: words and a viewer's context. Leaves: ids of documents and where they have each word. The zones of the viewer
are part of every statement: on SQLite they are ranges of the rowid (`search_on_sqlite`), on PostgreSQL they are part of
each lexeme (`search_on_postgres`), so that what the viewer does not see is not even walked over. Law 3 is kept here for
finding, and again when hits are loaded.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, and_, func, literal_column, select

from plugin.catalog.retrieval import COLUMN, MANY, NAME, NOTE, TEXT, VERY_MANY
from plugin.store._context import Context
from plugin.store._models.catalog import ZoneCountRow, ZoneRow, ZoneTeamRow
from plugin.store._visible import sees_everything

MARKS = (("n_", NAME), ("d_", TEXT), ("c_", COLUMN), ("e_", MANY), ("f_", VERY_MANY), ("", NOTE))


_BITS = {f" {mark[0]}": bit for mark, bit in MARKS if mark}


def places_in(word: str) -> Callable[[str], int]:
    """Asked for the words of a document that has this one, with blanks around each: where it stands, as bits."""
    marked = f"_{word} "

    def where(words: str) -> int:
        # From one marked form to the next: to look for each of them would be a walk over all the words each.
        bits, at = 0, words.find(marked)
        while at > 0:
            bits |= _BITS.get(words[at - 2 : at], 0)
            at = words.find(marked, at + 1)
        if not bits & COLUMN:
            bits &= NAME | TEXT
        return bits or NOTE

    return where


MOST = 20_000
"""Documents of one word in one place that are looked at; a word beyond that says nothing in that place."""
LISTED = 5000
"""Documents of one lexeme that are kept to be put together with those of another."""
TOGETHER = 10_000
"""Documents with every word of a question that are known."""
CONTAINER_KINDS = frozenset(("database", "schema", "dashboard_group"))
DOC = (
    "id, asset_id, family_id, container_id, kind, integration_id, sample_id,"
    " name_words, text_words, columns_count, notes_words, shape, zone_id, group_key"
)
"""What `Around` has of a document, in the order of `search_rank.Doc`."""


class Expected(NamedTuple):
    """What a search will ask for first: an index that answers a round trip at a time reads it at once."""

    lexemes: Sequence[str]
    """Lexemes whose documents will be asked for."""
    every: Sequence[Sequence[str]] = ()
    """Lexemes that will be asked for together: where the first of these finds `enough`, these instead."""
    enough: int = 0
    looked_at: int = 0
    """Where the first finds more than this, all of `every`; else the first two."""


class Around(NamedTuple):
    """What is around some documents: rows as DOC has them, containers with their parents, and words."""

    docs: Sequence[Any]
    firsts: Sequence[Any]
    """First members of the families of `docs`, where they are visible and not among them."""
    places: Sequence[tuple[int, int | None]]
    """Containers of all these, and those above, with their parents."""
    words: Sequence[tuple[int, str]]
    """The words of `docs` and `firsts`, where they were asked for, with blanks between them."""
    standing: Mapping[int, float] | None = None
    """How well each of `docs` and `firsts` stands with people, where that came along (see `search_facts`)."""
    many: Collection[int] | None = None
    """Which of their families have more members than one that the viewer sees, where that came along."""


class FullText(ABC):
    """The index as one viewer may read it."""

    def __init__(self, context: Context, zones: Sequence[int], total: int, everything: bool) -> None:
        self.context = context
        self.zones = zones
        self.total = total
        """How many resources other than columns these zones have."""
        self.everything = everything
        """Are these all zones of the workspace?"""
        self.connection: Connection = context.session.connection()
        self._lists: dict[str, list[int]] = {}
        """Lexeme -> documents, at most LISTED: what was asked for in this search."""
        self._sets: dict[str, frozenset[int]] = {}
        """The same as sets, of those that were put together with others."""
        self._every: dict[tuple[str, ...], list[int]] = {}
        """Lexemes -> the documents that have all of them, at most TOGETHER: what was read when this was opened."""

    @property
    def nothing(self) -> bool:
        """Does this viewer see no zone at all?"""
        return not self.zones

    def evidence(self, words: Sequence[str]) -> dict[str, dict[int, int]]:
        """For each word the documents that have it, and where, as bits of `plugin.catalog.retrieval`."""
        found: dict[str, dict[int, int]] = {}
        marks = len(MARKS)
        lists = self.listed([f"{mark}{word}" for word in words for mark, _bit in MARKS], MOST)
        for at, word in enumerate(words):
            bits: dict[int, int] = {}
            for (_mark, bit), ids in zip(MARKS, lists[at * marks : (at + 1) * marks], strict=True):
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

    def having_each(self, wanted: Sequence[Sequence[str]], limit: int) -> list[list[int]]:
        """For each list of lexemes the documents that have every one of them.

        Put together here from the lists of single lexemes where these are short: an index finds the documents of one
        word in one zone at once, and of several words together only by walking from the first document it has.
        """
        self._list([each for lexemes in wanted if not self.knows(lexemes) for each in lexemes])
        found = [self._having(lexemes, limit) for lexemes in wanted]
        crowded = [lexemes for lexemes, ids in zip(wanted, found, strict=True) if ids is None]
        asked = iter(self.having_all_each(crowded, limit) if crowded else ())
        return [next(asked) if ids is None else ids for ids in found]

    def knows(self, lexemes: Sequence[str]) -> bool:
        """Were the documents that have all of these read already?"""
        return tuple(lexemes) in self._every

    def _list(self, lexemes: Sequence[str]) -> None:
        fresh = list(dict.fromkeys(each for each in lexemes if each not in self._lists))
        if fresh:
            self._lists.update(zip(fresh, self.listed(fresh, LISTED), strict=True))

    def expect(self, lexemes: Sequence[str]) -> None:  # noqa: B027  most indexes have nothing to gain
        """These will be asked for in all likelihood: an index that answers a round trip at a time reads them now."""

    def shown(self, ids: Collection[int]) -> set[int]:
        """Those of some resources of the viewer's zones that exist for this reader."""
        return set(ids)

    def scale(self, counts: Iterable[int]) -> int:
        """How many documents there are, to judge how rare words are that so many have."""
        return self.total

    def _having(self, lexemes: Sequence[str], limit: int) -> list[int] | None:
        """None where a list is too long to be put together here."""
        known = self._every.get(tuple(lexemes))
        if known is not None:
            return known[:limit]
        shortest, *rest = sorted(lexemes, key=lambda lexeme: len(self._lists[lexeme]))
        ids = self._lists[shortest]
        if not rest or not ids:
            return ids[:limit]
        if len(self._lists[rest[-1]]) >= LISTED:
            return None
        # Sets of both: two of them are put together in the time of the shorter one.
        every = self._set(shortest).intersection(*map(self._set, rest))
        return [id_ for id_ in ids if id_ in every][:limit]

    def _set(self, lexeme: str) -> frozenset[int]:
        found = self._sets.get(lexeme)
        if found is None:
            found = self._sets[lexeme] = frozenset(self._lists[lexeme])
        return found

    def known_to_have(self, lexeme: str) -> frozenset[int] | None:
        """The documents that have a lexeme, where all of them were read in this search; None where they were not."""
        ids = self._lists.get(lexeme)
        return None if ids is None or len(ids) >= LISTED else self._set(lexeme)

    @abstractmethod
    def listed(self, lexemes: Sequence[str], limit: int) -> list[list[int]]:
        """For each lexeme the documents that have it, by id; of more than `limit` the first.

        By id, so that what is cut off depends on what the viewer sees alone: not on where it lies among what is hidden.
        From whom nothing is hidden, the list may be cut as the rows lie, which depends on who else was granted them.
        """

    @abstractmethod
    def having_any(self, lexemes: Sequence[str], limit: int) -> set[int]:
        """The first `limit` documents of each lexeme, by id, in one statement however many lexemes there are."""

    @abstractmethod
    def having_all(self, lexemes: Sequence[str], limit: int, *, prefix: bool = False) -> list[int]:
        """Documents with every one of these lexemes, as `listed` has them; with `prefix` the last one may go on."""

    def having_all_each(self, wanted: Sequence[Sequence[str]], limit: int) -> list[list[int]]:
        """The same for several lists of lexemes, at once where each would be a round trip."""
        return [self.having_all(lexemes, limit) for lexemes in wanted]

    @abstractmethod
    def count_each(self, lexemes: Sequence[str]) -> list[int]:
        """How many documents have each of these lexemes."""

    @abstractmethod
    def around(self, ids: Sequence[int], *, words: bool, sizes: bool = False) -> Around:
        """Documents by id, of the viewer's zones only, with what ranking needs beside them.

        `sizes`: `inside` will be asked of their containers: an index that answers a round trip at a time reads it now.
        """

    @abstractmethod
    def words(self, docs: Sequence[tuple[int, int]]) -> Sequence[tuple[int, str]]:
        """The words of documents given by (id, zone)."""

    @abstractmethod
    def docs(self, ids: Sequence[int], columns: str) -> Sequence[Any]:
        """Rows of `search_docs` by id, of the viewer's zones only."""

    @abstractmethod
    def inside(self, containers: Sequence[int]) -> dict[int, tuple[int, int]]:
        """For each container: how many documents the viewer sees in it, and how large they are together."""

    @abstractmethod
    def siblings(self, containers: Sequence[int], limit: int) -> Sequence[Any]:
        """(id, container, name) of what the viewer sees in these containers, one for each family, the first by id."""

    @abstractmethod
    def members(self, families: Sequence[int]) -> Sequence[Any]:
        """(id, family, name) of the shards of these families that the viewer sees, the first ones too."""

    @abstractmethod
    def others_of(self, families: Sequence[int]) -> list[int]:
        """The further documents of these families: shards, and columns that stand apart."""

    @abstractmethod
    def words_like(self, start: str) -> list[str]:
        """Words of names that begin like this; what is hidden may be among them, so ask for hits before showing one."""


def full_text(
    context: Context, within: Collection[int] | None = None, expected: Expected | None = None
) -> FullText:
    """The index for this viewer, on the database of this context; `within` narrows it to some zones."""
    if context.for_ai and context.ai_rules:
        from plugin.store.search_for_ai import AllowedText

        return AllowedText(_of_zones(context, within, None))
    return _of_zones(context, within, expected)


def _of_zones(context: Context, within: Collection[int] | None, expected: Expected | None) -> FullText:
    """The same as far as zones tell, which know nothing of AI filters."""
    everything = sees_everything(context)
    if expected is not None and within is None and context.dialect == "postgresql":
        from plugin.store.search_on_postgres import PostgresText

        context.session.flush()
        return PostgresText.opened(context, everything, expected)
    wanted = _zones(None if everything else context.member.team_ids, context.workspace_id)
    context.session.flush()
    rows = context.session.connection().execute(wanted).all()
    if within is not None:
        rows = [row for row in rows if row[0] in within]
    zones = sorted(zone for zone, _count in rows)
    total = int(sum(count for _zone, count in rows))
    everything = everything and within is None
    if context.dialect == "sqlite":
        from plugin.store.search_on_sqlite import SqliteText

        return SqliteText(context, zones, total, everything)
    from plugin.store.search_on_postgres import PostgresText

    return PostgresText(context, zones, total, everything)


@lru_cache(maxsize=1024)
def _zones(team_ids: frozenset[int] | None, workspace_id: int) -> Select[tuple[int, int]]:
    """Zones with how much they hold. Kept, since putting a statement together costs more than running it."""
    counted = and_(ZoneCountRow.zone_id == ZoneRow.id, ZoneCountRow.kind != literal_column("'column'"))
    found = (
        select(ZoneRow.id, func.coalesce(func.sum(ZoneCountRow.resources), 0))
        .outerjoin(ZoneCountRow, counted)
        .where(ZoneRow.workspace_id == workspace_id)
        .group_by(ZoneRow.id)
    )
    if team_ids is None:
        return found
    held = select(ZoneTeamRow.zone_id).where(ZoneTeamRow.team_id.in_(sorted(team_ids)))
    return found.where(ZoneRow.id.in_(held))
