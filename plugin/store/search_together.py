"""A few words that all must be there: the quick way, for a search box over a large catalog.

Enters: a `Search`. Leaves: what has every word, best first: all in the name, then anywhere. Nothing but the documents
themselves decides, no count over the catalog, so nothing that is hidden can.
"""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import select

from plugin.catalog.retrieval import COLUMN, MANY, NAME, TEXT
from plugin.store._models.catalog import ResourceRow
from plugin.store.search_rank import Ranked, Search
from plugin.store.search_scope import MARKS
from plugin.store.search_sql import parts

MOST = 10_000
LOOKED_AT = 600
"""Candidates that are weighed one by one."""
SHARES = {NAME: 4.0, TEXT: 1.5, COLUMN: 1.5}


def together(search: Search) -> list[Ranked]:
    """Documents that have every content word of the question."""
    words = [term.word for term in search.question.content]
    if not words:
        return []
    index = search.index
    named = index.having_all([f"n_{word}" for word in words], MOST)
    anywhere = named if len(named) >= LOOKED_AT else index.having_all(words, MOST)
    if not anywhere and len(words[-1]) >= 2:
        anywhere = index.having_all(words, MOST, prefix=True)
    if not anywhere:
        return []
    first = dict.fromkeys([*named, *anywhere])
    ids = list(first)
    search.load(ids[:LOOKED_AT] if len(named) >= LOOKED_AT else ids)
    whole = set(named)
    looked = ids[:LOOKED_AT]
    bits = _bits(search, words, looked, whole)
    facts = _facts(search, looked)
    found: dict[int, Ranked] = {}
    for id_ in ids:
        doc = search.docs.get(id_)
        if doc is None:
            continue
        family = doc.family_id
        score = _score(search, id_, bits.get(id_, {}), id_ in whole, facts.get(family, facts.get(id_, 0.0)))
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
            matched=bits.get(id_, {}),
            members={id_},
            whole=id_ in whole,
        )
    return sorted(found.values(), key=lambda each: (not each.whole, -each.score, each.id))


def _bits(search: Search, words: list[str], looked: list[int], whole: set[int]) -> dict[int, dict[str, int]]:
    """Where each word stands in the candidates."""
    wanted = set(looked)
    found: dict[int, dict[str, int]] = defaultdict(dict)
    if len(whole) >= LOOKED_AT:
        return {id_: dict.fromkeys(words, NAME) for id_ in looked}
    for word in words:
        for mark, bit in MARKS[:4]:
            if bit == MANY:
                continue
            rest = [other for other in words if other != word]
            for id_ in search.index.having_all([f"{mark}{word}", *rest], MOST):
                if id_ in wanted:
                    found[id_][word] = found[id_].get(word, 0) | bit
    for id_ in looked:
        for word in words:
            found[id_].setdefault(word, 32)
    return found


def _facts(search: Search, looked: list[int]) -> dict[int, float]:
    """What breaks ties: popular, verified and described things come first."""
    found: dict[int, float] = {}
    ids = {search.docs[id_].family_id for id_ in looked if id_ in search.docs}
    for part in parts(sorted(ids)):
        rows = search.context.session.execute(
            select(
                ResourceRow.id,
                ResourceRow.popularity,
                ResourceRow.verified,
                ResourceRow.description.is_not(None),
            ).where(ResourceRow.id.in_(part))
        )
        for id_, popularity, verified, described in rows:
            found[id_] = 0.6 * popularity + (0.3 if verified else 0.0) + (0.1 if described else 0.0)
    return found


def _score(search: Search, id_: int, bits: dict[str, int], whole: bool, facts: float) -> float:
    doc = search.docs[id_]
    score = 0.0
    for places in bits.values():
        strength = sum(share for bit, share in SHARES.items() if places & bit) or 0.5
        score += strength / (1 + strength)
    count = max(1, len(bits))
    score /= count
    if whole:
        score += min(1.0, count / doc.name_words)
    return score + 0.25 * facts
