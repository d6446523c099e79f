"""Ranking a question over the index: evidence, then the pure ranking, then who stands for a family of shards.

Enters: a question and the index as its viewer may read it. Leaves: an ordered list of `Ranked`. Every statistic is
counted over what came out of the viewer's zones and passed the AI filters, so what is hidden moves nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import literal_column, select

from plugin.catalog.retrieval import NAME, TEXT, Card, Ranking, Scored, Weights, pointed_at
from plugin.catalog.synonyms import WEIGHT, near_words
from plugin.catalog.words import Question, Term, name_core
from plugin.store._models.catalog import ResourceRow
from plugin.store._visible import visible
from plugin.store.search_evidence import CONTAINER_KINDS, FEW_WORDS, WEIGHED, Evidence
from plugin.store.search_few import lexemes

PLACES = 60
"""Containers whose size is looked at."""
FILLED_PLACES = 3
POINTING = 15
MOST_SIBLINGS = 3000
MOST_RANKED = 5000
STANDING = 60
"""Hits whose popularity and verification are looked at."""
TIES = 0.05
"""So much more a hit scores at most for them: enough where words say the same, too little to outdo a word."""
EXPLAINED = 600
"""Hits that carry which word they have where; columns are looked for in these."""
A_QUESTION = 5
"""So many words ask a question; then tables that stand beside the best count too, without a word in common."""
TERM_KINDS = ("term",)


@dataclass(slots=True)
class Ranked:
    """Something found. `id` is a resource, the first of its family; `matched` says which terms are where, as bits."""

    id: int
    score: float
    kind: str
    container_id: int | None
    integration_id: int | None
    shape: int | None
    matched: dict[str, int] = field(default_factory=dict)
    near: Mapping[str, int] = field(default_factory=dict)
    """Where it has words of nearly the same meaning as one of the question that it has not."""
    members: set[int] = field(default_factory=set)
    """Shards of the family that were found by a word of their own, such as a date."""
    whole: bool = False
    """Does its own name have every word of the question?"""
    shards: int = 1
    grouped: bool = True
    """May it be one of a family of shards?"""


def near(terms: Sequence[Term]) -> dict[str, list[Term]]:
    """Words of nearly the same meaning that are not among these, and for which of them each stands."""
    asked = {term.word for term in terms}
    typed = {term.word: term for term in terms if not term.joined}
    said = near_words(typed)
    return {word: [typed[each] for each in behind] for word, behind in said.items() if word not in asked}


def with_near(terms: Sequence[Term]) -> list[Term]:
    """A question's words and those of nearly the same meaning: of few, both make one choice of what to weigh."""
    return [*terms, *(Term(word, WEIGHT, word) for word in near(terms))]


def expected(question: Question) -> list[str]:
    """What the index will be asked for first, where the question has few words."""
    if len(question.content) > FEW_WORDS:
        return []
    return lexemes(with_near(question.terms))


class Search(Evidence):
    """One question of one viewer."""

    weights = Weights()
    _ranked_before: list[Ranked] | None = None

    def ranked(self) -> list[Ranked]:
        """Everything that the question's words find, best first; ranked once."""
        if self._ranked_before is None:
            self._ranked_before = self._all_ranked()
        return list(self._ranked_before)

    def _all_ranked(self, fill: bool | None = None) -> list[Ranked]:
        if self.index.nothing or not self.question.terms:
            return []
        terms = list(self.question.terms)
        self.gather(self._with_near if self.few else terms)
        terms += self._synonyms(terms)
        related = self._related(terms)
        if not self.bits and not related:
            return []
        fill = len(self.question.content) >= A_QUESTION if fill is None else fill
        return self._rank(terms, related, fill)

    @cached_property
    def _with_near(self) -> list[Term]:
        return with_near(self.question.terms)

    @property
    def expected(self) -> list[str]:
        """What the index is asked for where the question has few words, as `expected` has it."""
        return lexemes(self._with_near) if self.few else []

    def likely(self) -> list[int]:
        """What will be weighed then, unless a filter changes it: to be read in one go with what has every word."""
        return self.promising(self._with_near).ids[:WEIGHED] if self.keep is None else []

    def all_weighed(self) -> bool:
        """Are there so few documents with a word of the question that each of them is weighed?"""
        return self.keep is None and len(self.promising(self._with_near).ids) <= WEIGHED

    def _synonyms(self, terms: Sequence[Term]) -> list[Term]:
        """Words that the glossary gives for terms which the question names in full, at half weight."""
        named: dict[int, set[str]] = defaultdict(set)
        for word, found in self.bits.items():
            for id_, places in found.items():
                if self.docs[id_].kind in TERM_KINDS and places & (NAME | TEXT):
                    named[id_].add(word)
        if not named:
            return []
        best = sorted(named, key=lambda id_: (-len(named[id_]), id_))[:20]
        rows = self.context.session.execute(
            select(ResourceRow.name, ResourceRow.properties)
            .where(ResourceRow.id.in_(best), visible(self.context))
            .order_by(ResourceRow.id)
        )
        asked = {term.word for term in terms}
        added: dict[str, Term] = {}
        for name, properties in rows:
            synonyms = (properties or {}).get("synonyms") or ()
            if isinstance(synonyms, str):
                synonyms = synonyms.split(",")
            ways = [name_core(str(way)) for way in (name, *synonyms)]
            if not any(way and asked.issuperset(way) for way in ways):
                continue
            for way in ways:
                for word in way:
                    if word not in asked:
                        added[word] = Term(word, 0.5, word)
        self.gather(added.values())
        return list(added.values())

    def _related(self, terms: Sequence[Term]) -> list[tuple[Term, dict[int, int]]]:
        """Words of nearly the same meaning as those of the question, each in what has not the word itself."""
        said = near(terms)
        self.gather(Term(word, WEIGHT, word) for word in said)
        found = []
        for word, behind in said.items():
            ways = [self.bits.get(term.word, {}) for term in behind]
            kept = {
                id_: places
                for id_, places in self.bits.pop(word, {}).items()
                if not any(id_ in way for way in ways)
            }
            if kept:
                weight = WEIGHT * max(term.weight for term in behind)
                found.append((Term(word, weight, word, joined=True), kept))
        return found

    # --- order -------------------------------------------------------------------------------------------------

    def _rank(
        self, terms: Sequence[Term], related: Sequence[tuple[Term, Mapping[int, int]]], fill: bool
    ) -> list[Ranked]:
        evidence = [(term, self.bits[term.word]) for term in terms if term.word in self.bits] + [*related]
        named = {
            id_
            for _term, found in evidence
            for id_, places in found.items()
            if places & NAME and id_ in self.places.parents
        }
        inside = self._inside(named | self._below(named))
        ranking = Ranking(
            self._cards(), self.places.parents, self._total(), len(self.places.parents), self.weights
        )
        for term, found in evidence:
            ranking.add(
                term,
                found,
                lambda container: inside.get(container, (0, 0))[0],
                self._counts.get(term.word),
            )
        if not self._counts:
            # Of a choice of documents no place has all it covers: to divide that by its whole size would say nothing.
            best = ranking.best_places(PLACES)
            inside.update(self._inside([place for place in best if place not in inside]))
            ranking.place_sizes({place: float(inside[place][1]) for place in best if place in inside})
        siblings = self._siblings(ranking.best_places(FILLED_PLACES)) if fill else {}
        ranking.cards.update(self._cards(ranking.cards))
        ranking.fill(id_ for tables in siblings.values() for id_, _name in tables)
        order = ranking.order()
        if fill:
            order = self._with_pointed_at(order, siblings)
        self._break_ties(order)
        explained = {each.id for each in order[:EXPLAINED]}
        matched = _by_document(self.bits, explained)
        beside = _by_document({term.word: found for term, found in related}, explained)
        ranked = [
            self._ranked(each, matched.get(each.id, {}), beside.get(each.id, {}))
            for each in order[:MOST_RANKED]
        ]
        return ranked + self._rest({each.id for each in ranked})

    def _rest(self, known: set[int]) -> list[Ranked]:
        """What was looked at and not weighed, behind the rest."""
        found = []
        for id_ in self._unweighed:
            family = self.docs[id_].family_id
            if family not in known:
                known.add(family)
                found.append(self._ranked(Scored(family, 0.0, 0.0), {}, {}))
        return found

    def _inside(self, containers: Collection[int]) -> dict[int, tuple[int, int]]:
        """For each container: how many documents this reader sees in it, and how large they are together."""
        return self.index.inside(sorted(containers)) if containers else {}

    def _cards(self, known: Collection[int] = ()) -> dict[int, Card]:
        """A card of each document that was loaded and is not known yet."""
        cards = {}
        for id_, doc in self.docs.items():
            if id_ == doc.family_id and doc.kind != "column" and id_ not in known:
                card = Card(
                    id_, doc.container_id, doc.name_words, doc.text_words, doc.columns_count, doc.notes_words
                )
                if self.filtered and id_ not in self._columns_shown:
                    # Columns that are hidden from this reader make no document longer.
                    card.columns = card.notes_words = 0
                cards[id_] = card
        return cards

    def _below(self, containers: set[int]) -> set[int]:
        return {id_ for id_, parent in self.places.parents.items() if parent in containers}

    def _total(self) -> int:
        """How many documents the viewer has, to judge how rare a word is."""
        if self.only is not None:
            return len(self._within())
        if self.filtered:
            return sum(1 for doc in self.docs.values() if doc.id == doc.family_id)
        return self.index.total

    def _siblings(self, containers: Sequence[int]) -> dict[int, list[tuple[int, tuple[str, ...]]]]:
        found: dict[int, list[tuple[int, tuple[str, ...]]]] = defaultdict(list)
        rows = self.index.siblings(containers, MOST_SIBLINGS)
        self.load({id_ for id_, _container, _name in rows})
        for id_, container, name in rows:
            doc = self.docs.get(id_)
            if doc is not None and doc.kind not in CONTAINER_KINDS and doc.id == doc.family_id:
                found[container].append((id_, name_core(name)))
        return found

    def _with_pointed_at(
        self, order: list[Scored], siblings: Mapping[int, Sequence[tuple[int, tuple[str, ...]]]]
    ) -> list[Scored]:
        best = order[:POINTING]
        ids = [each.id for each in best if not self.filtered or each.id in self._columns_shown]
        columns: dict[int, list[str]] = defaultdict(list)
        rows = self.context.session.execute(
            select(ResourceRow.parent_id, ResourceRow.name).where(
                ResourceRow.parent_id.in_(ids),
                ResourceRow.kind == literal_column("'column'"),
                visible(self.context),
            )
        )
        for table, name in rows:
            columns[table].append(name)
        containers = {doc.id: doc.container_id for doc in self.docs.values()}
        missing = [
            place for each in best if (place := containers.get(each.id)) is not None and place not in siblings
        ]
        every = {**siblings, **(self._siblings(sorted(set(missing))) if missing else {})}
        bonus = pointed_at(best, columns, every, containers, self.weights.pointed_at)
        present = {each.id for each in order}
        for each in order:
            each.score += bonus.get(each.id, 0.0)
        order += [Scored(id_, added, 0.0) for id_, added in bonus.items() if id_ not in present]
        order.sort(key=lambda each: (-each.score, each.id))
        return order

    def _break_ties(self, order: list[Scored]) -> None:
        """Let what people use, verified or described come before what is as good by its words."""
        best = order[:STANDING]
        facts = self.standing([each.id for each in best])
        for each in best:
            each.score *= 1 + TIES * facts.get(each.id, 0.0)
        best.sort(key=lambda each: (-each.score, each.id))
        order[:STANDING] = best

    def _ranked(self, scored: Scored, matched: dict[str, int], beside: dict[str, int]) -> Ranked:
        doc = self.docs[scored.id]
        return Ranked(
            id=doc.id,
            score=scored.score,
            kind=doc.kind,
            container_id=doc.container_id,
            integration_id=doc.integration_id,
            shape=doc.shape,
            matched=matched,
            near=beside,
            members=self.members.get(doc.id, set()),
            grouped=self.grouped(doc),
        )

    def doc(self, id_: int) -> Any:
        """The row of a document that was loaded."""
        return self.docs[id_]


def _by_document(
    evidence: Mapping[str, Mapping[int, int]], ids: Collection[int]
) -> dict[int, dict[str, int]]:
    """Which word each of these documents has where."""
    found: dict[int, dict[str, int]] = {id_: {} for id_ in ids}
    for word, having in evidence.items():
        for id_ in having.keys() & found.keys():
            found[id_][word] = having[id_]
    return found
