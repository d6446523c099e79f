"""What a search counts: the documents that have its words, and where, as far as its reader may count them.

Enters: terms, and the index as its viewer may read it. Leaves: documents, containers, and for each word the families
that have it. Of many words every document is weighed; of few words the most promising, since few words are in half a
warehouse. Every statistic is counted over what came out of the viewer's zones and passed the AI filters, so what is
hidden moves nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from plugin.catalog.retrieval import NAME, TEXT
from plugin.catalog.words import Question, Term
from plugin.store._chunks import chunks
from plugin.store._context import Context
from plugin.store.search_facts import standing
from plugin.store.search_few import Promising, promising
from plugin.store.search_scope import CONTAINER_KINDS as CONTAINER_KINDS
from plugin.store.search_scope import FullText, places_in

WEIGHED = 160
"""Of few words, so many of the most promising documents are weighed; the rest follow as they come."""
FEW_WORDS = 4


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
    group_key: int | None


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


class Evidence:
    """What one viewer's search has gathered."""

    def __init__(
        self,
        context: Context,
        index: FullText,
        question: Question,
        only: Collection[int] | None = None,
    ) -> None:
        self.context = context
        self.index = index
        self.question = question
        self.only = None if only is None else set(only)
        self.filtered = bool(context.for_ai and context.ai_rules)
        self.docs: dict[int, Doc] = {}
        self.places = Places()
        self.bits: dict[str, dict[int, int]] = {}
        """word -> family -> bits"""
        self.members: dict[int, set[int]] = defaultdict(set)
        self.few = len(question.content) <= FEW_WORDS
        self.look_at = WEIGHED
        """Of few words: how many documents to look at, weighed or not."""
        self.keep: Callable[[Sequence[Doc]], Collection[int]] | None = None
        """What a filter leaves of documents, by family: asked before they are weighed, so that what it takes away
        takes nobody's place."""
        self.candidates: frozenset[int] | None = None
        """Documents that can pass the filter, where that is known before; None where any may."""
        self.narrow: Callable[[Sequence[int]], list[int]] | None = None
        """Those of many documents that `keep` may leave, where that is known without reading them."""
        self.left: Callable[[Sequence[int]], int] | None = None
        """How many hits a filter leaves of documents that nobody will look at; None where all must be looked at."""
        self.more = 0
        """Hits beyond those that were looked at."""
        self.words: dict[int, str] = {}
        """The words of documents that were read."""
        self._found: dict[tuple[Term, ...], Promising] = {}
        self._many: set[int] = set()
        self._many_known = True
        self._standing: dict[int, float] = {}
        """How well documents stand with people, of those that were read with it."""
        self._counts: dict[str, int] = {}
        self._asked: set[str] = set()
        self._unweighed: list[int] = []
        self._columns_shown: set[int] = set()
        self._families_within: set[int] | None = None

    def gather(self, terms: Iterable[Term]) -> None:
        """Ask the index for these terms and keep what may be counted."""
        fresh = [term for term in terms if term.word not in self._asked]
        if not fresh:
            return
        self._asked.update(term.word for term in fresh)
        if self.few:
            raw = self._of_few(fresh)
        else:
            raw = self.index.evidence([term.word for term in fresh])
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

    def promising(self, terms: Sequence[Term]) -> Promising:
        """Every document with one of these terms, the most promising first; found once."""
        key = tuple(terms)
        if key not in self._found:
            self._found[key] = promising(self.index, terms)
        return self._found[key]

    def _of_few(self, terms: Sequence[Term]) -> dict[str, dict[int, int]]:
        """Evidence for a few words: of the most promising documents only, read from their own words."""
        found = self.promising(terms)
        if len(found.ids) <= WEIGHED and self.keep is None:
            self.load(found.ids, words=True, sizes=True)
        else:
            self._load_best(found)
        texts = {id_: f" {self.words[id_]} " for id_ in self.docs if id_ in self.words}
        raw: dict[str, dict[int, int]] = {}
        for term in terms:
            there = self.index.known_to_have(term.word)
            # Looked for in the text as it is: taking it apart costs more than a few words are worth.
            where = places_in(term.word)
            if there is None:
                word = f" {term.word} "
                bits = {id_: where(own) for id_, own in texts.items() if word in own}
            else:
                bits = {id_: where(texts[id_]) for id_ in texts if id_ in there}
            if bits:
                raw[term.word] = bits
        return raw

    def _load_best(self, found: Promising) -> None:
        """Load the most promising documents until enough of them pass the filters."""
        if not self.filtered:
            # How rare a word is, is counted over all that the viewer sees, weighed or not.
            self._counts.update(found.counts)
        ids = found.ids
        if self.candidates is not None:
            # The first block as it is: among it are the containers and terms that the question names.
            ids = ids[:WEIGHED] + [id_ for id_ in ids[WEIGHED:] if id_ in self.candidates]
        passed: set[int] = set()
        at, block, narrowed = 0, WEIGHED, False
        while at < len(ids) and len(passed) < WEIGHED:
            part = ids[at : at + block]
            at, block = at + len(part), 1000
            passed |= self._passing(part)
            if narrowed:
                block = WEIGHED
            elif self.narrow is not None and WEIGHED < at < len(ids) and len(passed) < WEIGHED:
                # The filter leaves few: the rows of all others at once, not block by block.
                narrowed, block, ids = True, WEIGHED, ids[:at] + self.narrow(ids[at:])
        rest = ids[at:]
        # A table whose column was found may have other words itself, and was not reached yet.
        beside = {self.docs[id_].family_id for id_ in passed} & found.known
        self.load(passed | beside, words=True)
        look_at = self.look_at - len(passed)
        if look_at > 0 and rest:
            self._unweighed += sorted(self._passing(rest[:look_at]))
            rest = rest[look_at:]
        if self.keep is None:
            self.more = max(self.more, len(rest))
        elif rest and self.left is not None:
            self.more = max(self.more, self.left(rest))

    def _passing(self, ids: Sequence[int]) -> set[int]:
        """Those of these documents that may be counted and that the filters leave."""
        self.load(ids, words=self.keep is None and len(ids) <= WEIGHED)
        docs = [self.docs[id_] for id_ in ids if id_ in self.docs]
        if self.keep is None:
            return {doc.id for doc in docs}
        families = set(self.keep(docs))
        return {doc.id for doc in docs if doc.family_id in families}

    def load(self, ids: Collection[int], words: bool = False, sizes: bool = False) -> None:
        """Read the rows of documents, of those that this viewer may count, and of the families they stand for.

        `words`: read their words too; `sizes`: those of their containers, which ranking needs of few documents.
        """
        for part in chunks(sorted(set(ids) - set(self.docs)), 20_000):
            around = self.index.around(part, words=words, sizes=sizes and not self.filtered)
            hits = [Doc(*row) for row in around.docs]
            firsts = [doc for row in around.firsts if (doc := Doc(*row)).id not in self.docs]
            seen = self._may_count([*hits, *firsts])
            hits = [doc for doc in hits if doc.id in seen]
            wanted = {doc.family_id for doc in hits}
            firsts = [doc for doc in firsts if doc.id in seen and doc.id in wanted]
            known = {doc.id for doc in hits} | {doc.id for doc in firsts} | set(self.docs)
            for doc in (*hits, *firsts):
                if doc.family_id not in known:
                    # The first of the family is hidden from this reader: the shard stands for itself.
                    doc.family_id = doc.id
                self.docs[doc.id] = doc
            self._add_places((*hits, *firsts), dict(around.places))
            self.words.update((id_, text) for id_, text in around.words if id_ in self.docs)
            self._standing.update(around.standing or {})
            if around.many is None:
                self._many_known = False
            else:
                self._many.update(around.many)
        if words:
            missing = [
                (id_, self.docs[id_].zone_id) for id_ in ids if id_ in self.docs and id_ not in self.words
            ]
            if missing:
                self.words.update(self.index.words(missing))

    def grouped(self, doc: Doc) -> bool:
        """May this document stand for several shards?"""
        return doc.group_key is not None and (not self._many_known or doc.family_id in self._many)

    def standing(self, ids: Collection[int]) -> dict[int, float]:
        """How well each of these stands with people, as a number between 0 and 1."""
        missing = [id_ for id_ in ids if id_ not in self._standing]
        self._standing.update(standing(self.context.session, missing))
        return {id_: self._standing[id_] for id_ in ids if id_ in self._standing}

    def _add_places(self, docs: Iterable[Doc], parents: Mapping[int, int | None]) -> None:
        known = self.places.parents
        for place in {doc.container_id for doc in docs}:
            at = place
            while at is not None and at not in known:
                known[at] = parents.get(at)
                at = known[at]

    def _may_count(self, docs: Sequence[Doc]) -> set[int]:
        """Ids of those that `only` and the AI filters leave."""
        kept = list(docs)
        if self.only is not None:
            within = self._within()
            kept = [doc for doc in kept if doc.family_id in within or doc.kind in CONTAINER_KINDS]
        if self.filtered:
            samples = {doc.sample_id for doc in kept if doc.sample_id is not None}
            seen = self.index.shown({doc.id for doc in kept} | samples)
            self._columns_shown.update(doc.id for doc in kept if doc.sample_id in seen)
            kept = [doc for doc in kept if doc.id in seen]
        return {doc.id for doc in kept}

    def _within(self) -> set[int]:
        if self._families_within is None:
            self._families_within = set()
            for part in chunks(sorted(self.only or ()), 20_000):
                self._families_within.update(row[0] for row in self.index.docs(part, "family_id"))
        return self._families_within
