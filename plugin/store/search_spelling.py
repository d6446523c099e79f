"""Did you mean: words of the catalog's own names for words that find nothing.

Enters: a question of which some word finds nothing. Leaves: the text with those words spelled as the catalog spells
them, or None. A word is proposed only as it is written in what the reader sees: what is hidden is no help.
"""

from __future__ import annotations

import re

from sqlalchemy import and_, literal_column, or_, select

from plugin.catalog.words import Question, Term, stem, typed_words
from plugin.store._chunks import chunks
from plugin.store._models.catalog import ResourceRow, TagRow
from plugin.store._visible import visible
from plugin.store.search_reading import synonyms_in
from plugin.store.search_scope import FullText

CLOSE = 74.0
"""Likeness in percent from which a word is proposed."""
SHORTEST = 4
LONG = 7
"""From so many letters a word may be two slips away; a shorter one only one, or `margin` would become `main`."""
LOOKED_AT = 20
"""Documents of a near word that are read to see how they write it."""


def spelled(index: FullText, question: Question, text: str) -> str | None:
    """The text with unknown words replaced by the nearest words that the reader's catalog has."""
    unknown = [
        term
        for term in question.content
        if len(term.written) >= SHORTEST and not term.word.isdigit() and not _known(index, term.word)
    ]
    better = text
    for term in unknown[:3]:
        near = _nearest(index, term)
        if near is not None:
            better = re.sub(rf"(?i)(?<![^\W_]){re.escape(term.written)}(?![^\W_])", near, better)
    return better if better.lower() != text.lower() else None


def _known(index: FullText, word: str) -> bool:
    return bool(index.having_each([[word]], 1)[0])


def _nearest(index: FullText, term: Term) -> str | None:
    from rapidfuzz import fuzz, process

    written = term.written
    # Most slips keep the first letter; where the first two letters changed places the second one leads.
    starts = dict.fromkeys((written[0], written[1]))
    candidates = [
        word for start in starts for word in index.words_like(start) if abs(len(word) - len(written)) <= 3
    ]
    # Every near word of the workspace, however many: a limit would let hidden ones crowd out visible ones.
    near = process.extract(written, candidates, scorer=fuzz.ratio, limit=None, score_cutoff=CLOSE)
    stems = {stem(word) for word, _likeness, _at in near if word != written}
    # The word itself too, which nothing has: that no word is near would else show in a statement less.
    visible_forms = _forms(index, stems | {term.word})
    best = process.extract(written, sorted(visible_forms), scorer=fuzz.ratio, limit=None, score_cutoff=CLOSE)
    return next(
        (str(word) for word, _likeness, _at in best if word != written and _slip(written, word)), None
    )


def _slip(written: str, meant: str) -> bool:
    """Is it one or two slips of the keyboard away, the ending (plural, tense) not counted?"""
    from rapidfuzz.distance import DamerauLevenshtein

    most = 2 if len(written) >= LONG else 1
    pairs = ((written, meant), (stem(written), stem(meant)))
    return any(DamerauLevenshtein.distance(one, other, score_cutoff=most) <= most for one, other in pairs)


def _forms(index: FullText, stems: set[str]) -> set[str]:
    """How these stems are written in what the reader sees: in names, of columns too, in tags and synonyms.

    The words of the workspace know no zone. A hidden table may write a visible word in another form, which must not be
    proposed; and all stems are looked up in one go, so that the number of statements does not tell how many are hidden.
    """
    wanted = sorted(stems)
    ids = index.having_any(wanted, LOOKED_AT)
    session, forms = index.context.session, set[str]()
    for part in chunks(sorted(ids)):
        rows = session.execute(
            select(ResourceRow.name, ResourceRow.properties).where(
                or_(
                    ResourceRow.id.in_(part),
                    and_(ResourceRow.parent_id.in_(part), ResourceRow.kind == literal_column("'column'")),
                ),
                visible(index.context),
            )
        )
        for name, properties in rows:
            forms.update(typed_words(name))
            for synonym in synonyms_in(properties):
                forms.update(typed_words(synonym))
        for tag in session.scalars(select(TagRow.tag).where(TagRow.resource_id.in_(part))):
            forms.update(typed_words(tag))
    return {form for form in forms if stem(form) in stems}
