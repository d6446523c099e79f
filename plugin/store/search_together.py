"""A few words that all must be there: the quick way, for a search box over a large catalog.

Enters: a `Search`. Leaves: what has every word, best first: all in the name, then anywhere. Nothing but the documents
themselves decides, no count over the catalog, so nothing that is hidden can.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain

from plugin.catalog.retrieval import COLUMN, NAME, NOTE, TEXT
from plugin.catalog.words import Question
from plugin.store.search_rank import Ranked, Search, expected
from plugin.store.search_scope import TOGETHER, Expected, places_in

MOST = TOGETHER
ENOUGH = 8
"""So many hits with every word make hits with some of them needless."""
LOOKED_AT = 120
"""Candidates that are weighed one by one."""
SHARES = {NAME: 4.0, TEXT: 1.5, COLUMN: 1.5}


def _share(places: int) -> float:
    strength = sum(share for bit, share in SHARES.items() if places & bit) or 0.5
    return strength / (1 + strength)


WORTH = tuple(_share(places) for places in range(NOTE << 1))
"""What a word is worth by the places where it stands, for each that there may be: asked hundreds of times a search."""


def asked_first(question: Question, *, every: bool) -> Expected | None:
    """What the index will be asked for first, where the question has few words.

    `every`: what has every word will be asked for, and the rest only where that is too little.
    """
    lexemes = expected(question)
    words = _content(question)
    if not lexemes or not every or len(words) < 2:
        return Expected(lexemes) if lexemes else None
    return Expected(lexemes, [words, _in_name(words), *_nearly_named(words)], ENOUGH, LOOKED_AT)


def _content(question: Question) -> list[str]:
    return list(dict.fromkeys(term.word for term in question.content))


def _in_name(words: list[str]) -> list[str]:
    return [f"n_{word}" for word in words]


def together(search: Search, look_at: int) -> tuple[list[Ranked], list[int]]:
    """What has every content word of the question, and the documents beyond those that were looked at."""
    words = _content(search.question)
    if not words:
        return [], []
    index = search.index
    if not index.knows(words):
        index.expect([*words, *_in_name(words), *search.expected])
    named, anywhere = index.having_each([_in_name(words), words], MOST)
    if not anywhere and all(index.having_each([[word] for word in words[:-1]], 1)):
        anywhere = index.having_all(words, MOST, prefix=True)
    if not anywhere:
        return [], []
    ids = list(dict.fromkeys([*named, *anywhere]))
    if search.candidates is not None:
        ids = [id_ for id_ in ids if id_ in search.candidates]
    whole = set(named)
    if len(named) < LOOKED_AT < len(ids):
        ids = _by_name(index.having_each(_nearly_named(words), MOST), ids)
    rest = ids[max(LOOKED_AT, look_at) :]
    ids = ids[: len(ids) - len(rest)]
    looked = ids[:LOOKED_AT]
    beside = search.likely() if len(ids) < ENOUGH else []
    search.load([*looked, *beside], words=True, sizes=bool(beside) and search.all_weighed())
    search.load(ids[LOOKED_AT:])
    bits = _bits(search, words, looked)
    facts = search.standing(_families(search, looked))
    found: dict[int, Ranked] = {}
    for id_ in ids:
        doc = search.docs.get(id_)
        if doc is None:
            continue
        family = doc.family_id
        places = bits.get(id_, {})
        score = _score(doc.name_words, places, id_ in whole, facts.get(family, facts.get(id_, 0.0)))
        known = found.get(family)
        if known is not None:
            known.members.add(id_)
            known.score = max(known.score, score)
            continue
        owner = search.docs.get(family, doc)
        found[family] = Ranked(
            id=family,
            score=score,
            kind=owner.kind,
            container_id=owner.container_id,
            integration_id=owner.integration_id,
            shape=owner.shape,
            matched=places,
            members={id_},
            whole=id_ in whole,
            grouped=search.grouped(doc),
        )
    return sorted(found.values(), key=lambda each: (not each.whole, -each.score, each.id)), rest


def _nearly_named(words: list[str]) -> list[list[str]]:
    """What to ask for to learn how many of the words are in a name: for each word, it there and the others anywhere."""
    if len(words) < 2:
        return []
    return [[f"n_{word}", *(other for other in words if other != word)] for word in words]


def _by_name(nearly: list[list[int]], ids: list[int]) -> list[int]:
    """The more of the words are in the name, the earlier it is looked at."""
    count = Counter(chain.from_iterable(nearly))
    named = sorted(count.keys() & set(ids), key=lambda id_: (-count[id_], id_))
    return named + [id_ for id_ in ids if id_ not in count]


def _bits(search: Search, words: list[str], looked: list[int]) -> dict[int, dict[str, int]]:
    """Where each word stands in the candidates."""
    found: dict[int, dict[str, int]] = {}
    places = [(word, places_in(word)) for word in words]
    for id_ in looked:
        if id_ in search.docs:
            own = f" {search.words.get(id_, '')} "
            found[id_] = {word: where(own) for word, where in places}
    return found


def _families(search: Search, looked: list[int]) -> set[int]:
    return {search.docs[id_].family_id for id_ in looked if id_ in search.docs}


def _score(name_words: int, bits: dict[str, int], whole: bool, facts: float) -> float:
    score = 0.0
    for places in bits.values():
        score += WORTH[places]
    count = max(1, len(bits))
    score /= count
    if whole:
        score += min(1.0, count / name_words)
    return score + 0.25 * facts
