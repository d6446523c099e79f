"""Finding columns: from the tables whose columns have the words, the columns themselves.

Enters: what a `Search` ranked. Leaves: columns with scores. A column is found by its own name and description, helped
by its table; its statistics are those of the columns that were looked at, which are all visible to the reader.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import literal_column, select

from plugin.catalog.retrieval import COLUMN, NAME, NOTE
from plugin.catalog.words import Term, identifier_words, joined_words, text_words
from plugin.store._context import Context
from plugin.store._models.catalog import ResourceRow
from plugin.store._visible import visible
from plugin.store.search_rank import Ranked
from plugin.store.search_sql import parts

TABLES = 200
"""Tables whose columns are looked at."""
COLUMNS = 12_000
NAME_SHARE, NOTE_SHARE, TABLE_SHARE = 1.0, 0.7, 0.35


@dataclass(slots=True)
class FoundColumn:
    """A column with its score; `complete` when its own name has every content word of the question."""

    id: int
    score: float
    complete: bool


def find_columns(
    context: Context,
    ranked: Sequence[Ranked],
    terms: Sequence[Term],
    limit: int,
    tables: int = TABLES,
    *,
    complete: bool = False,
) -> list[FoundColumn]:
    """The columns that the terms mean, best first. `complete`: only those whose own name has every content word."""
    content = {term.word for term in terms if not term.joined}
    wanted = {term.word: term.weight for term in terms}
    places = sorted(
        (each for each in ranked if any(bits & (COLUMN | NOTE) for bits in each.matched.values())),
        key=lambda each: -_column_weight(each, wanted),
    )[:tables]
    if not places:
        return []
    top = max(each.score for each in places) or 1.0
    context_of = {each.id: each for each in places}
    rows: list[tuple[int, int, frozenset[str], frozenset[str], int]] = []
    for part in parts([each.id for each in places]):
        found = context.session.execute(
            select(ResourceRow.id, ResourceRow.parent_id, ResourceRow.name, ResourceRow.description)
            .where(
                ResourceRow.parent_id.in_(part),
                ResourceRow.kind == literal_column("'column'"),
                visible(context),
            )
            .limit(COLUMNS)
        )
        for id_, parent, name, description in found:
            named = frozenset((*identifier_words(name), *joined_words(name)))
            if complete and not content <= named:
                continue
            noted = frozenset(text_words(description[:2000])) if description else frozenset()
            if wanted.keys() & named or wanted.keys() & noted:
                rows.append((id_, parent or 0, named, noted, len(identifier_words(name))))
    having: dict[str, int] = defaultdict(int)
    for _id, _parent, named, noted, _length in rows:
        for word in wanted.keys() & (named | noted):
            having[word] += 1
    rarity = {word: math.log(1 + (len(rows) + 1) / (count + 0.5)) for word, count in having.items()}
    scored = []
    for id_, parent, named, noted, length in rows:
        table = context_of[parent]
        hits = wanted.keys() & named
        score = sum(wanted[word] * rarity[word] for word in hits) * NAME_SHARE
        score += sum(wanted[word] * rarity[word] for word in (wanted.keys() & noted) - hits) * NOTE_SHARE
        # The table's name stands for what the column's name leaves out: "customer name" is customers.name.
        beside = {word for word, bits in table.matched.items() if bits & NAME} - named - noted
        score += sum(wanted.get(word, 0.0) * rarity.get(word, 0.5) for word in beside) * TABLE_SHARE
        score *= 1 + min(1.0, len(hits) / max(1, length))
        score *= 1 + TABLE_SHARE * table.score / top
        scored.append(FoundColumn(id_, score, content <= named))
    scored.sort(key=lambda each: (-each.score, each.id))
    return scored[:limit]


def _column_weight(each: Ranked, wanted: dict[str, float]) -> float:
    strong = sum(wanted.get(word, 0.0) for word, bits in each.matched.items() if bits & COLUMN)
    weak = sum(wanted.get(word, 0.0) for word, bits in each.matched.items() if bits & NOTE)
    return strong + 0.5 * weak + 0.001 * each.score
