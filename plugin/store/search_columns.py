"""Finding columns: from the tables whose columns have the words, the columns themselves.

Enters: what a `Search` ranked. Leaves: columns with scores. All statistics are those of the columns that were looked
at, which are all visible to the reader. What is weighed:
- words of the column's name, of its description, and of its table's name ("customer name" is customers.name);
- what is said of columns of the same name elsewhere, for many tables repeat a column and describe it once;
- how much of the name the question covers, rare words more, with the words that only mark a kind of column
  ("shipped_at" for "when it was shipped").
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, literal_column, select

from plugin.catalog.column_names import USAGE, ways
from plugin.catalog.retrieval import COLUMN, NAME, NOTE
from plugin.catalog.synonyms import initials_in, with_initials
from plugin.catalog.words import STOP, Term, identifier_words, joined_words, text_words
from plugin.store._around_rows import is_one_of, rows_of
from plugin.store._chunks import chunks
from plugin.store._context import Context
from plugin.store._models.catalog import ResourceRow
from plugin.store._visible import visible
from plugin.store.search_rank import Ranked

TABLES = 200
"""Tables whose columns are looked at."""
COLUMNS = 12_000
LONGEST_NOTE = 2000
NAME_SHARE, NOTE_SHARE, ELSEWHERE_SHARE, TABLE_SHARE = 1.0, 0.5, 0.5, 0.8
USAGE_SHARE = 0.5
COVERED = 2.5
"""A name that the question covers whole makes the score so much larger."""
ANSWERED = 3.0
"""So does a column whose own name and description have every word of the question; half of the words say little."""
GOOD_TABLE = 0.35


@dataclass(slots=True)
class FoundColumn:
    """A column with its score; `complete` when its own name has every content word of the question."""

    id: int
    score: float
    complete: bool


@dataclass(slots=True)
class _Column:
    id: int
    table: Ranked
    name: str
    named: frozenset[str]
    noted: frozenset[str]


def find_columns(
    context: Context,
    ranked: Sequence[Ranked],
    terms: Sequence[Term],
    limit: int,
    tables: int = TABLES,
    *,
    complete: bool = False,
    said: frozenset[str] = frozenset(),
) -> list[FoundColumn]:
    """The columns that the terms mean, best first. `complete`: only those whose own name has every content word.

    `said`: the stems of everything that was asked, small words too.
    """
    content = {term.word for term in terms if not term.joined}
    wanted = {term.word: term.weight for term in terms}
    initials = initials_in(content)
    spelled_out = set(initials).union(*initials.values())
    places = sorted(
        (each for each in ranked if _may_have(each, spelled_out)),
        key=lambda each: -_column_weight(each, wanted),
    )[:tables]
    if not places:
        return []
    columns = _read(context, places, content if complete else set(), initials)
    scored = _Weighed(columns, wanted, said, max(each.score for each in places) or 1.0).scored()
    found = [FoundColumn(each.id, score, content <= each.named) for each, score in scored]
    found.sort(key=lambda each: (-each.score, each.id))
    return found[:limit]


def _may_have(each: Ranked, spelled_out: set[str]) -> bool:
    """May one of its columns be meant: has one a word of the question, or one that its initials stand for?"""
    return any(bits & (COLUMN | NOTE) for bits in each.matched.values()) or any(
        bits & COLUMN for word, bits in each.near.items() if word in spelled_out
    )


def _read(
    context: Context,
    places: Sequence[Ranked],
    content: set[str],
    initials: Mapping[str, frozenset[str]],
) -> list[_Column]:
    """The columns of these tables whose own name has every word of `content`."""
    tables = {each.id: each for each in places}
    columns: list[_Column] = []
    for part in chunks([each.id for each in places]):
        rows = rows_of(context, _of_tables, part, most=COLUMNS + 1)
        if len(rows) > COLUMNS:
            # As they lie, what is hidden between them would decide which come.
            rows = rows_of(context, _first_of_tables, part, most=COLUMNS)
        for id_, parent, name, description in rows:
            named = with_initials((*identifier_words(name), *joined_words(name)), initials)
            if not content <= named:
                continue
            noted = frozenset(text_words(description[:LONGEST_NOTE])) if description else frozenset()
            columns.append(_Column(id_, tables[parent], name, named, noted))
    return columns


def _of_tables(context: Context) -> Select[Any]:
    return (
        select(ResourceRow.id, ResourceRow.parent_id, ResourceRow.name, ResourceRow.description)
        .where(
            is_one_of(context, ResourceRow.parent_id),
            ResourceRow.kind == literal_column("'column'"),
            visible(context),
        )
        .limit(bindparam("most"))
    )


def _first_of_tables(context: Context) -> Select[Any]:
    return _of_tables(context).order_by(ResourceRow.id)


class _Weighed:
    """The columns that have a word of the question, or whose namesakes have one, and how rare each word is there."""

    def __init__(
        self, columns: Sequence[_Column], wanted: dict[str, float], said: frozenset[str], top: float
    ) -> None:
        self.wanted = wanted
        self.said = said
        self.top = top
        words = wanted.keys()
        elsewhere: dict[str, set[str]] = defaultdict(set)
        for each in columns:
            if each.noted:
                elsewhere[each.name.lower()].update(words & each.noted)
        self.elsewhere = elsewhere
        self.columns = [
            each
            for each in columns
            if words & each.named or words & each.noted or elsewhere.get(each.name.lower())
        ]
        having: Counter[str] = Counter()
        names: Counter[str] = Counter()
        for each in self.columns:
            having.update(words & (each.named | each.noted))
            names.update(stem for _word, stems in ways(each.name) for stem in stems)
        self.rarity = {word: self._rare(count) for word, count in having.items()}
        self.asked = sum(self._worth({word}) for word in words) or 1.0
        self.rarity_of_names = {word: self._rare(count) for word, count in names.items()}

    def scored(self) -> list[tuple[_Column, float]]:
        return [(each, self._score(each)) for each in self.columns]

    def _rare(self, count: int) -> float:
        return math.log(1 + (len(self.columns) + 1) / (count + 0.5))

    def _worth(self, words: set[str] | frozenset[str]) -> float:
        return sum(self.wanted.get(word, 0.0) * self.rarity.get(word, 0.5) for word in words)

    def _score(self, each: _Column) -> float:
        words = self.wanted.keys()
        named = words & each.named
        noted = (words & each.noted) - named
        namesakes = self.elsewhere.get(each.name.lower(), set()) - named - noted
        table = {word for word, bits in each.table.matched.items() if bits & NAME}
        score = (
            NAME_SHARE * self._worth(named)
            + NOTE_SHARE * self._worth(noted)
            + ELSEWHERE_SHARE * self._worth(namesakes)
            + TABLE_SHARE * self._worth(table - each.named - each.noted)
        )
        length = covered = 0.0
        for word, stems in ways(each.name):
            weight = max(self.rarity_of_names[stem] for stem in stems)
            length += weight
            if stems & words or stems & table or (word in STOP and word in self.said):
                covered += weight
            elif USAGE.get(word, frozenset()) & self.said:
                covered += USAGE_SHARE * weight
                score += USAGE_SHARE * weight / 4
        score *= 1 + COVERED * (covered / length if length else 0.0)
        answered = (self._worth(named) + self._worth(noted)) / self.asked
        score *= 1 + ANSWERED * answered**3
        return score * (1 + GOOD_TABLE * each.table.score / self.top)


def _column_weight(each: Ranked, wanted: dict[str, float]) -> float:
    strong = weak = 0.0
    for word, bits in each.matched.items():
        if bits & COLUMN:
            strong += wanted.get(word, 0.0)
        if bits & NOTE:
            weak += wanted.get(word, 0.0)
    return strong + 0.5 * weak + 0.001 * each.score
