"""Ranking a question over the index: evidence, then the pure ranking, then who stands for a family of shards.

Enters: a question and the index as its viewer may read it. Leaves: an ordered list of `Ranked`. Every statistic is
counted over what came out of the viewer's zones and passed the AI filters, so what is hidden moves nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, literal_column, select

from plugin.catalog.retrieval import NAME, TEXT, Card, Ranking, Scored, Weights, pointed_at
from plugin.catalog.words import Question, Term, name_core
from plugin.store._context import Context
from plugin.store._models.catalog import ResourceRow, ZoneCountRow
from plugin.store._visible import visible
from plugin.store.search_scope import FullText
from plugin.store.search_sql import parts

CONTAINER_KINDS = frozenset(("database", "schema", "dashboard_group"))
DOC = (
    "id, asset_id, family_id, container_id, kind, integration_id, sample_id,"
    " name_words, text_words, columns_count, notes_words, shape, zone_id"
)
PLACES = 60
"""Containers whose size is looked at."""
FILLED_PLACES = 3
POINTING = 15
MOST_SIBLINGS = 3000
MOST_RANKED = 5000
EXPLAINED = 600
"""Hits that carry which word they have where; columns are looked for in these."""
A_QUESTION = 5
"""So many words ask a question; then tables that stand beside the best count too, without a word in common."""
TERM_KINDS = ("term",)


@dataclass(slots=True)
class Doc:
    """A row of `search_docs`."""

    id: int
    asset_id: int
    family_id: int
    container_id: int | None
    kind: str
    integration_id: int | None
    sample_id: int | None
    name_words: int
    text_words: int
    columns_count: int
    notes_words: int
    shape: int | None
    zone_id: int


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
    members: set[int] = field(default_factory=set)
    """Shards of the family that were found by a word of their own, such as a date."""
    whole: bool = False
    """Does its own name have every word of the question?"""
    shards: int = 1


class Places:
    """What is known of the containers that a search met."""

    def __init__(self) -> None:
        self.parents: dict[int, int | None] = {}

    def chain(self, container: int | None) -> list[int]:
        """A container and those above it."""
        found: list[int] = []
        while container is not None and container not in found:
            found.append(container)
            container = self.parents.get(container)
        return found


class Search:
    """One question of one viewer."""

    def __init__(
        self,
        context: Context,
        index: FullText,
        question: Question,
        only: Collection[int] | None = None,
        weights: Weights | None = None,
    ) -> None:
        self.context = context
        self.index = index
        self.question = question
        self.weights = weights or Weights()
        self.only = None if only is None else set(only)
        self.filtered = bool(context.for_ai and context.ai_rules)
        self.docs: dict[int, Doc] = {}
        self.places = Places()
        self.bits: dict[str, dict[int, int]] = {}
        """word -> family -> bits"""
        self.members: dict[int, set[int]] = defaultdict(set)
        self._columns_shown: set[int] = set()
        self._families_within: set[int] | None = None

    def ranked(self, fill: bool | None = None) -> list[Ranked]:
        """Everything that the question's words find, best first."""
        if self.index.nothing or not self.question.terms:
            return []
        terms = list(self.question.terms)
        self.gather(terms)
        terms += self._synonyms(terms)
        if not self.bits:
            return []
        fill = len(self.question.content) >= A_QUESTION if fill is None else fill
        return self._rank(terms, fill)

    # --- evidence ----------------------------------------------------------------------------------------------

    def gather(self, terms: Iterable[Term]) -> None:
        """Ask the index for these terms and keep what may be counted."""
        raw = self.index.evidence([term.word for term in terms if term.word not in self.bits])
        self.load({id_ for bits in raw.values() for id_ in bits})
        for word, found in raw.items():
            kept: dict[int, int] = {}
            for id_, places in found.items():
                doc = self.docs.get(id_)
                if doc is None:
                    continue
                if self.filtered and doc.kind != "column" and doc.id not in self._columns_shown:
                    places &= NAME | TEXT
                    if not places:
                        continue
                family = doc.family_id
                if doc.id != family and doc.kind != "column":
                    self.members[family].add(doc.id)
                kept[family] = kept.get(family, 0) | places
            if kept:
                self.bits[word] = kept

    def load(self, ids: Collection[int], containers: bool = True) -> None:
        """Read the rows of documents, of those that this viewer may count, and of the families they stand for."""
        fresh = self._read(set(ids) - set(self.docs))
        firsts = {doc.family_id for doc in fresh} - set(self.docs) - {doc.id for doc in fresh}
        known = {doc.id for doc in fresh} | set(self.docs)
        if firsts:
            more = self._read(firsts)
            known |= {doc.id for doc in more}
            fresh += more
        for doc in fresh:
            if doc.family_id not in known:
                # The first of the family is hidden from this reader: the shard stands for itself.
                doc.family_id = doc.id
            self.docs[doc.id] = doc
        if containers:
            self._load_containers()

    def _read(self, ids: set[int]) -> list[Doc]:
        found: list[Doc] = []
        for part in parts(sorted(ids), 20_000):
            found += [Doc(*row) for row in self.index.docs(part, DOC)]
        if self.only is not None:
            within = self._within()
            found = [doc for doc in found if doc.family_id in within or doc.kind in CONTAINER_KINDS]
        if self.filtered:
            samples = {doc.sample_id for doc in found if doc.sample_id is not None}
            seen = self.seen({doc.id for doc in found} | samples)
            self._columns_shown.update(doc.id for doc in found if doc.sample_id in seen)
            found = [doc for doc in found if doc.id in seen]
        return found

    def seen(self, ids: Collection[int]) -> set[int]:
        """Those of `ids` that the one sentence on visibility lets through, AI filters included."""
        found: set[int] = set()
        for part in parts(sorted(ids)):
            found.update(
                self.context.session.scalars(
                    select(ResourceRow.id).where(ResourceRow.id.in_(part), visible(self.context))
                )
            )
        return found

    def _within(self) -> set[int]:
        if self._families_within is None:
            self._families_within = set()
            for part in parts(sorted(self.only or ()), 20_000):
                self._families_within.update(row[0] for row in self.index.docs(part, "family_id"))
        return self._families_within

    def _load_containers(self) -> None:
        missing = {doc.container_id for doc in self.docs.values()} - set(self.places.parents) - {None}
        while missing:
            for part in parts(sorted(id_ for id_ in missing if id_ is not None), 20_000):
                for id_, parent in self.index.docs(part, "id, container_id"):
                    self.places.parents[id_] = parent
                for id_ in part:
                    self.places.parents.setdefault(id_, None)
            missing = set(self.places.parents.values()) - set(self.places.parents) - {None}

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
            select(ResourceRow.name, ResourceRow.properties).where(
                ResourceRow.id.in_(best), visible(self.context)
            )
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

    # --- order -------------------------------------------------------------------------------------------------

    def _rank(self, terms: Sequence[Term], fill: bool) -> list[Ranked]:
        named = {
            id_
            for found in self.bits.values()
            for id_, places in found.items()
            if places & NAME and id_ in self.places.parents
        }
        inside = self.index.inside(sorted(named | self._below(named))) if named else {}
        ranking = Ranking(
            self._cards(), self.places.parents, self._total(), len(self.places.parents), self.weights
        )
        for term in terms:
            found = self.bits.get(term.word)
            if found:
                ranking.add(term, found, lambda container: inside.get(container, (0, 0))[0])
        best = ranking.best_places(PLACES)
        sizes = self.index.inside(best)
        ranking.place_sizes({place: float(size) for place, (_count, size) in sizes.items()})
        siblings = self._siblings(ranking.best_places(FILLED_PLACES)) if fill else {}
        ranking.cards = self._cards()
        ranking.fill(id_ for tables in siblings.values() for id_, _name in tables)
        order = ranking.order()
        if fill:
            order = self._with_pointed_at(order, siblings)
        return [self._ranked(each, at < EXPLAINED) for at, each in enumerate(order[:MOST_RANKED])]

    def _cards(self) -> dict[int, Card]:
        return {
            doc.id: Card(
                doc.id, doc.container_id, doc.name_words, doc.text_words, doc.columns_count, doc.notes_words
            )
            for doc in self.docs.values()
            if doc.id == doc.family_id and doc.kind != "column"
        }

    def _below(self, containers: set[int]) -> set[int]:
        return {id_ for id_, parent in self.places.parents.items() if parent in containers}

    def _total(self) -> int:
        """How many documents the viewer has, to judge how rare a word is."""
        if self.only is not None:
            return len(self._within())
        if self.filtered:
            return sum(1 for doc in self.docs.values() if doc.id == doc.family_id)
        total = 0
        for part in parts(self.index.zones):
            total += (
                self.context.session.scalar(
                    select(func.sum(ZoneCountRow.resources)).where(
                        ZoneCountRow.zone_id.in_(part), ZoneCountRow.kind != "column"
                    )
                )
                or 0
            )
        return int(total)

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

    def _ranked(self, scored: Scored, explained: bool) -> Ranked:
        doc = self.docs[scored.id]
        return Ranked(
            id=doc.id,
            score=scored.score,
            kind=doc.kind,
            container_id=doc.container_id,
            integration_id=doc.integration_id,
            shape=doc.shape,
            matched={word: found[doc.id] for word, found in self.bits.items() if doc.id in found}
            if explained
            else {},
            members=self.members.get(doc.id, set()),
        )

    def doc(self, id_: int) -> Any:
        """The row of a document that was loaded."""
        return self.docs[id_]
