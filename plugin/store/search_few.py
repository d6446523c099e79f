"""Few words: which documents are worth weighing, out of all that have some of them.

Enters: the terms of a short question and the index as its viewer may read it. Leaves: every document with a word of it,
the most promising first, and how many have each word. Promising is what has more of the words, rarer ones, and in its
name; counted is over the viewer's own zones only. Weighing costs a hundred times what this does, and a page shows few.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from plugin.catalog.words import Term
from plugin.store.search_scope import LISTED, FullText

MOST = LISTED
"""Documents of one word that are looked at one by one; a word beyond that is told by its pairs and by names."""
ANYWHERE, IN_NAME = 0.5, 0.4


@dataclass(frozen=True, slots=True)
class Promising:
    """Documents with some of the words, the best first, and in how many each word is."""

    ids: list[int]
    counts: dict[str, int]
    known: frozenset[int]
    """The same ids, to ask whether one is among them."""


def lexemes(terms: Sequence[Term]) -> list[str]:
    """What is asked of the index for these terms."""
    return [term.word for term in terms] + [f"n_{term.word}" for term in terms if not term.joined]


def promising(index: FullText, terms: Sequence[Term]) -> Promising:
    """Everything with a word of `terms` in it."""
    words = [term.word for term in terms]
    typed = [term.word for term in terms if not term.joined]
    lists = index.having_each([[lexeme] for lexeme in lexemes(terms)], MOST)
    anywhere = dict(zip(words, lists, strict=False))
    named = dict(zip(typed, lists[len(words) :], strict=True))
    counts = {word: len(ids) for word, ids in anywhere.items()}
    crowded = [word for word in words if counts[word] >= MOST]
    pairs: list[tuple[str, str]] = []
    if crowded:
        counts.update(zip(crowded, index.count_each(crowded), strict=True))
        pairs = [pair for pair in combinations(typed, 2) if counts[pair[0]] and counts[pair[1]]]
    together = index.having_each(pairs, MOST) if pairs else []
    total = index.scale(counts.values())
    worth: list[float] = []
    bits: dict[int, int] = {}
    """Which of the words each document has, and which in its name."""
    for term in terms:
        count = min(counts[term.word], total)
        rarity = term.weight * math.log(1 + (total - count + 0.5) / (count + 0.5))
        at = len(worth)
        worth += [ANYWHERE * rarity, IN_NAME * rarity]
        _add(bits, anywhere[term.word], 1 << at)
        _add(bits, named.get(term.word, ()), 3 << at)
    for (one, other), ids in zip(pairs, together, strict=True):
        _add(bits, ids, 1 << 2 * words.index(one) | 1 << 2 * words.index(other))
    alike: dict[int, list[int]] = defaultdict(list)
    for id_, had in bits.items():
        alike[had].append(id_)
    value = {had: sum(worth[at] for at in range(len(worth)) if had >> at & 1) for had in alike}
    ordered: list[int] = []
    for had in sorted(alike, key=lambda had: (-value[had], had)):
        ordered += sorted(alike[had])
    return Promising(ordered, counts, frozenset(bits))


def _add(bits: dict[int, int], ids: Iterable[int], added: int) -> None:
    known = bits.get
    for id_ in ids:
        bits[id_] = known(id_, 0) | added
