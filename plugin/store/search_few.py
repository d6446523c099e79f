"""Few words: which documents are worth weighing, out of all that have some of them.

Enters: the terms of a short question and the index as its viewer may read it. Leaves: every document with a word of it,
the most promising first, and how many have each word. Promising is what has more of the words, rarer ones, and in its
name; counted is over the viewer's own zones only. Weighing costs a hundred times what this does, and a page shows few.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
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
    has = _Having()
    worth: list[float] = []
    for term in terms:
        count = min(counts[term.word], index.total)
        rarity = term.weight * math.log(1 + (index.total - count + 0.5) / (count + 0.5))
        at = len(worth)
        worth += [ANYWHERE * rarity, IN_NAME * rarity]
        in_name = set(named.get(term.word, ()))
        has.add(in_name, 3 << at)
        has.add(set(anywhere[term.word]) - in_name, 1 << at)
    for (one, other), ids in zip(pairs, together, strict=True):
        has.add(set(ids), 1 << 2 * words.index(one) | 1 << 2 * words.index(other))
    value = {bits: sum(worth[at] for at in range(len(worth)) if bits >> at & 1) for bits in has.alike}
    ordered = [
        id_
        for bits in sorted(has.alike, key=lambda bits: (-value[bits], bits))
        for id_ in sorted(has.alike[bits])
    ]
    return Promising(ordered, counts, frozenset(has.bits))


class _Having:
    """Which documents have which of the words, as bits: most have one, and are not looked at one by one."""

    def __init__(self) -> None:
        self.bits: dict[int, int] = {}
        self.alike: dict[int, set[int]] = defaultdict(set)
        """The same the other way round."""

    def add(self, ids: set[int], bits: int) -> None:
        """These documents have this too."""
        known = ids & self.bits.keys()
        fresh = ids - known
        self.alike[bits] |= fresh
        self.bits.update(dict.fromkeys(fresh, bits))
        for id_ in known:
            before = self.bits[id_]
            self.bits[id_] = before | bits
            self.alike[before].discard(id_)
            self.alike[before | bits].add(id_)
