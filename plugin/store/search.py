"""Search: the one retrieval behind the search box, the assistant, MCP and `builtin`.

Enters: a context (whose search it is), a text, filters. Leaves: a `Found` page. A few words are taken as words that
all must be there, and only when that finds too little as words of which some may; a question is ranked by all it says.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from plugin.catalog.retrieval import COLUMN
from plugin.catalog.words import Question, read_question
from plugin.store._context import Context
from plugin.store._rows import load
from plugin.store.search_columns import TABLES, find_columns
from plugin.store.search_evidence import CONTAINER_KINDS, FEW_WORDS, WEIGHED, Doc
from plugin.store.search_family import Entry, choose_members
from plugin.store.search_filters import (
    COUNTED,
    Filters,
    integration_ids,
    labelled,
    passing,
    schema_ids,
    zones_within,
)
from plugin.store.search_page import first_copies, merged, page_of
from plugin.store.search_phrases import exact_names, holding
from plugin.store.search_rank import TERM_KINDS, Ranked, Search
from plugin.store.search_scope import FullText, full_text
from plugin.store.search_spelling import spelled
from plugin.store.search_together import ENOUGH, MOST, asked_first, together
from plugin.store.shapes import Found

MOST_HITS = 1000
MOST_READ = 2000
"""Hits in whose texts a phrase is looked for."""
MOST_LABELLED = 2000
"""With more resources than this under a tag or an owner, what has the words is looked through for them."""
BESIDE = 8
"""Tables whose columns are shown among other hits."""


def search(
    context: Context,
    text: str,
    *,
    kinds: Sequence[str] = (),
    integrations: Sequence[int | str] = (),
    tags: Sequence[str] = (),
    owners: Sequence[str] = (),
    verified: bool | None = None,
    schema: str | None = None,
    under: int | None = None,
    limit: int = 20,
    offset: int = 0,
    facets: bool = False,
    only: Collection[int] | None = None,
    fold_copies: bool = False,
    beside: int = 0,
) -> Found:
    """Find what `text` asks for, best first, among what the context's viewer may see.

    `only`: ids of tables to search in, none outside. `fold_copies`: show a table that is in several databases once.
    `beside`: of so many hits without any filter, those that are of none of `kinds`, columns excepted, come along.
    The index is asked in the viewer's zones, and what is shown is loaded through `_visible` again.
    """
    limit, offset = max(0, min(limit, MOST_HITS)), max(0, offset)
    filters = Filters(tuple(kinds), tuple(integrations), tuple(tags), tuple(owners), verified, schema, under)
    question = read_question(text)
    integration_set = integration_ids(context, filters.integrations) if filters.integrations else None
    schema_set = schema_ids(context, filters.schema) if filters.schema is not None else None
    within = zones_within(context, integration_set, schema_set, under)
    every = not (context.for_ai and context.ai_rules) and "column" not in kinds
    index = full_text(context, within, asked_first(question, every=every))
    if index.nothing or not question.terms:
        return Found((), 0)
    places = Places(integration_set, schema_set)
    reading = Reading(context, index, text, filters, places, only, fold_copies, limit + offset, facets)
    entries = reading.entries()
    page = page_of(context, entries, reading.question.terms, limit, offset, facets)
    page = replace(page, total=page.total + reading.more, did_you_mean=reading.meant)
    if not beside:
        return page
    other = Reading(context, index, text, Filters(), Places(None, None), None, False, beside, False, reading)
    told = {*kinds, "column"}
    # Of what was ranked the kind is known; a column and what is called like the text may be of any.
    wanted = [id_ for id_, _score, each in other.entries()[:beside] if each is None or each.kind not in told]
    found = load(context, wanted)
    return replace(
        page, beside=tuple(found[id_] for id_ in wanted if id_ in found and found[id_].kind not in told)
    )


class Reading:
    """A text as it was written, and where that finds too little as it may have been meant."""

    def __init__(
        self,
        context: Context,
        index: FullText,
        text: str,
        filters: Filters,
        places: Places,
        only: Collection[int] | None,
        fold_copies: bool,
        needed: int,
        facets: bool,
        before: Reading | None = None,
    ) -> None:
        self.context, self.index, self.text = context, index, text
        self.question = read_question(text)
        self.narrowed = (filters, places, only, fold_copies, needed, facets)
        self.meant: str | None = None
        self.more = 0
        self.runs: dict[str, Search] = before.runs if before is not None else {}
        """What was gathered and ranked for each text by a reading without a filter on more than kinds."""
        self.better: dict[str, str | None] = before.better if before is not None else {}

    def entries(self) -> list[Entry]:
        """Everything that is found, best first."""
        asked = self._asked(self.text)
        entries = asked.named(self.text, asked.entries())
        self.more = asked.more
        # Spelling looks words up by zone only; for a reader whom AI filters narrow it could propose a hidden one.
        if (not entries or asked.poor) and not (self.context.for_ai and self.context.ai_rules):
            if self.text not in self.better:
                self.better[self.text] = spelled(self.index, self.question, self.text)
            better = self.better[self.text]
            if better is not None:
                found = self._asked(better).entries()
                if found:
                    self.meant, known = better, {id_ for id_, _score, _each in found}
                    entries = found + [entry for entry in entries if entry[0] not in known]
        return entries

    def _asked(self, text: str) -> Asked:
        question = self.question if text == self.text else read_question(text)
        asked = Asked(self.context, self.index, question, *self.narrowed)
        if not asked.run.few and asked.run.only is None:
            # Of many words everything is weighed, whatever the filter: once is enough.
            asked.run = self.runs.setdefault(text, asked.run)
        return asked


class Places(NamedTuple):
    """Where the filters on place say that a hit must be; None is anywhere."""

    integrations: set[int] | None
    schemas: set[int] | None


class Asked:
    """One reading of one text, with its filters."""

    def __init__(
        self,
        context: Context,
        index: FullText,
        question: Question,
        filters: Filters,
        places: Places,
        only: Collection[int] | None,
        fold_copies: bool,
        needed: int,
        facets: bool,
    ) -> None:
        self.context = context
        self.index = index
        self.question = question
        self.filters = filters
        self.places = places
        self.only = only
        self.fold_copies = fold_copies
        self.needed = needed
        self.more = 0
        """Hits beyond those that were looked at."""
        self.poor = False
        """Did some word that counts find nothing at all?"""
        self.passed: dict[int, bool] = {}
        """Ids whose rows were asked, and whether they pass the filters."""
        self.run = Search(context, index, question, only)
        narrowed = filters != Filters() or bool(question.phrases)
        if narrowed:
            self.run.keep = self._leaves
        self.countable = (
            not facets
            and needed <= WEIGHED // 2
            and only is None
            and not (fold_copies or self.run.filtered or question.phrases or "column" in filters.kinds)
            and places == Places(None, None)
            and filters.under is None
        )
        """Is what a filter leaves beyond the first page only counted?"""
        if narrowed and self.countable:
            self.run.left = self._left
        if self._by_row and not self.run.filtered:
            self.run.narrow = self._narrowed
        if filters.tags or filters.owners:
            self._begin_with_labels()
        # Facets count hits, a filter may take them away.
        self.look_at = COUNTED if facets else needed
        if narrowed and not self.countable:
            self.look_at = MOST
        self.run.look_at = max(WEIGHED, min(self.look_at, COUNTED))

    def entries(self) -> list[Entry]:
        """Everything that is found, best first."""
        short = len(self.question.content) <= FEW_WORDS
        first: list[Ranked] = []
        if short and not self.run.filtered:
            first = self._together()
        ranked = first
        if len(first) < min(self.needed, ENOUGH) or "column" in self.filters.kinds:
            known = {each.id for each in first}
            rest = [each for each in self._kept(self.run.ranked()) if each.id not in known]
            if first and rest:
                # What has every word comes first; scores of the two ways are not comparable.
                shift = first[-1].score / (1 + max(each.score for each in rest))
                for each in rest:
                    each.score *= shift
            ranked = first + rest
            self.more = self.run.more
            self.poor = any(
                term.word not in self.run.bits for term in self.question.content if not term.word.isdigit()
            )
        if self.fold_copies:
            ranked = first_copies(ranked)
        entries: list[Entry] = [(each.id, each.score, each) for each in self._of_kinds(ranked)]
        entries = choose_members(self.index, self.question, entries, self.only, self.needed)
        columns = self._columns(ranked, short)
        return merged(entries, columns) if columns else entries

    def _begin_with_labels(self) -> None:
        """Few things have a tag or an owner: documents of these are looked at, not all that have the words."""
        if self._by_row and not self.run.filtered:
            found = labelled(self.context, self.filters, MOST_LABELLED)
            if found is not None:
                self.run.candidates = frozenset(found).union(self.index.others_of(sorted(found)))

    def _together(self) -> list[Ranked]:
        """What has every word and passes the filters."""
        found, rest = together(self.run, self.look_at)
        first = self._kept(found)
        if self.run.left is not None and rest:
            if len(first) >= self.needed:
                self.more = self._left(rest)
                return first
            found, rest = together(self.run, MOST)
            first = self._kept(found)
        self.more = len(rest)
        return first

    def _left(self, ids: Sequence[int]) -> int:
        """How many resources the filters leave of documents that were not looked at, beyond those that were.

        As `_leaves` would say, for filters that the resource's own row answers: without reading the documents whole.
        """
        found = set(self._families(self.index.docs(ids, "id, family_id")).values())
        found -= {doc.family_id for doc in self.run.docs.values()}
        return len(passing(self.context, self.filters, found, self.filters.kinds)) if found else 0

    def _families(self, rows: Sequence[Any]) -> dict[int, int]:
        """The family of each document of these rows, (id, family)."""
        own = {row[0] for row in rows} | self.run.docs.keys()
        firsts = sorted({row[1] for row in rows} - own)
        if firsts:
            own |= {id_ for (id_,) in self.index.docs(firsts, "id")}
        # Where the first of a family is hidden from this reader, the shard stands for itself.
        return {row[0]: row[1] if row[1] in own else row[0] for row in rows}

    def _narrowed(self, ids: Sequence[int]) -> list[int]:
        """Those of many documents that `_leaves` may leave, asked of rows alone: to read them all whole takes long."""
        rows = self.index.docs(ids, "id, family_id, kind")
        families = self._families(rows)
        left = self._passing(set(families.values()))
        kept = {id_ for id_, family in families.items() if family in left}
        kept |= {row[0] for row in rows if row[2] in CONTAINER_KINDS or row[2] in TERM_KINDS}
        return [id_ for id_ in ids if id_ in kept]

    def named(self, text: str, entries: list[Entry]) -> list[Entry]:
        """The entries with what is called exactly like the text before them."""
        exact = exact_names(self.context, text)
        if self.only is not None:
            exact = [id_ for id_ in exact if id_ in self.only]
        if exact and self.filters != Filters():
            self.run.load(exact)
            left = self._leaves([self.run.docs[id_] for id_ in exact if id_ in self.run.docs])
            kinds = set(self.filters.kinds)
            exact = [id_ for id_ in exact if id_ in left and (not kinds or self.run.docs[id_].kind in kinds)]
        known = {id_: (score, each) for id_, score, each in entries}
        top = max((score for score, _each in known.values()), default=1.0)
        first = [
            (id_, max(top, known.get(id_, (0.0, None))[0]), known.get(id_, (0.0, None))[1]) for id_ in exact
        ]
        return [*first, *(entry for entry in entries if entry[0] not in exact)]

    def _of_kinds(self, ranked: Sequence[Ranked]) -> list[Ranked]:
        kinds = set(self.filters.kinds)
        return [each for each in ranked if not kinds or each.kind in kinds]

    def _kept(self, ranked: Sequence[Ranked]) -> list[Ranked]:
        """Those that pass the filters on place, and where the row decides, those on the row."""
        kept = self._placed(ranked)
        under = self.filters.under
        if under is not None and set(self.filters.kinds) != {"column"}:
            kept = [each for each in kept if each.id != under] or kept
        if self._by_row:
            rows = self._passing([each.id for each in kept])
            kept = [each for each in kept if each.id in rows]
        if self.question.phrases:
            kept = kept[:MOST_READ]
            rows = holding(self.context, self.question.phrases, [each.id for each in kept])
            kept = [each for each in kept if each.id in rows]
        return kept

    def _leaves(self, docs: Sequence[Doc]) -> set[int]:
        """The families of those documents that the filters leave, and what helps to rank: containers, terms."""
        kinds = set(self.filters.kinds)
        helping = {doc.id for doc in docs if doc.kind in CONTAINER_KINDS or doc.kind in TERM_KINDS}
        if kinds and "column" not in kinds:
            docs = [doc for doc in docs if doc.kind in kinds or doc.kind == "column"]
        families = {doc.family_id for doc in docs}
        kept = self._placed([self.run.docs[id_] for id_ in families if id_ in self.run.docs])
        left = {each.id for each in kept}
        if self._by_row:
            left = self._passing(left)
        if self.question.phrases:
            left = holding(self.context, self.question.phrases, left)
        return helping | left

    def _passing(self, ids: Collection[int]) -> set[int]:
        """Those whose rows pass the filters; each row is asked once a search."""
        fresh = [id_ for id_ in ids if id_ not in self.passed]
        if fresh:
            left = passing(self.context, self.filters, fresh)
            self.passed.update((id_, id_ in left) for id_ in fresh)
        return {id_ for id_ in ids if self.passed[id_]}

    @property
    def _by_row(self) -> bool:
        return self.filters.of_rows and "column" not in self.filters.kinds

    def _placed(self, found: Sequence[Any]) -> list[Any]:
        """Those hits or documents that are where the filters on place say."""
        kept = list(found)
        integrations, schemas = self.places
        under = self.filters.under
        if integrations is not None:
            kept = [each for each in kept if each.integration_id in integrations]
        chain = self.run.places.chain
        if schemas is not None:
            kept = [each for each in kept if schemas.intersection(chain(each.container_id))]
        if under is not None:
            kept = [each for each in kept if under in (each.id, *chain(each.container_id))]
        return kept

    def _columns(self, ranked: Sequence[Ranked], short: bool) -> list[Entry]:
        """Columns: where they are asked for, and for a few words those whose name has all of them."""
        kinds = self.filters.kinds
        asked = "column" in kinds
        if kinds and not asked:
            return []
        if not asked and (not short or self.fold_copies or self.only is not None):
            return []
        places = [each for each in ranked if each.matched or asked]
        if not asked:
            if sum(each.whole for each in ranked) >= self.needed:
                return []
            words = [term.word for term in self.question.content]
            places = [each for each in places if _all_in_columns(each, words)]
        tables = TABLES if asked else BESIDE
        wanted = max(self.needed, 50)
        found = find_columns(
            self.context,
            places,
            self.question.terms,
            wanted,
            tables=tables,
            complete=not asked,
            said=self.question.said,
        )
        left = {each.id for each in found}
        if self.filters.of_rows:
            left = passing(self.context, self.filters, left)
        if self.question.phrases:
            left = holding(self.context, self.question.phrases, left)
        return [(each.id, each.score, None) for each in found if each.id in left]


def _all_in_columns(each: Ranked, words: Sequence[str]) -> bool:
    matched = each.matched
    for word in words:
        if not matched.get(word, 0) & COLUMN:
            return False
    return True
