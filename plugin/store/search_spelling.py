"""Did you mean: words of the catalog's own names for words that find nothing.

Enters: a question of which some word finds nothing. Leaves: the text with those words spelled as the catalog spells
them, or None. A word is proposed only when it finds something in the reader's own zones: what is hidden is no help.
"""

from __future__ import annotations

import re

from plugin.catalog.words import Question, Term, stem
from plugin.store.search_scope import FullText

CLOSE = 74.0
"""Likeness in percent from which a word is proposed."""
SHORTEST = 4
MOST_TRIED = 100
"""Near words of the whole workspace that are looked up among what the reader sees, so that hidden ones do not crowd
out visible ones."""


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
    return bool(index.having_all([word], 1))


def _nearest(index: FullText, term: Term) -> str | None:
    from rapidfuzz import fuzz, process

    written = term.written
    # Most slips keep the first letter; where the first two letters changed places the second one leads.
    starts = dict.fromkeys((written[0], written[1]))
    candidates = [
        word for start in starts for word in index.words_like(start) if abs(len(word) - len(written)) <= 3
    ]
    best = process.extract(written, candidates, scorer=fuzz.ratio, limit=MOST_TRIED, score_cutoff=CLOSE)
    for word, _likeness, _at in best:
        if word != written and _known(index, stem(word)):
            return str(word)
    return None
