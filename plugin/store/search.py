"""Search: the one retrieval behind the search box, the assistant, MCP and `builtin`.

Enters: a context (whose search it is), a text, filters. Leaves: a `Found` page. A few words are taken as words that
all must be there, and only when that finds too little as words of which some may; a question is ranked by all it says.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from plugin.catalog.retrieval import COLUMN, NAME, NOTE
from plugin.catalog.words import Question, excerpt, read_question
from plugin.store._context import Context
from plugin.store._rows import integration_names, load
from plugin.store.search_columns import TABLES, find_columns
from plugin.store.search_evidence import CONTAINER_KINDS, FEW_WORDS, WEIGHED, Doc
from plugin.store.search_family import choose_members
from plugin.store.search_filters import (
    COUNTED,
    Filters,
    facet_counts,
    integration_ids,
    passing,
    schema_ids,
    zones_within,
)
from plugin.store.search_phrases import exact_names, holding
from plugin.store.search_rank import TERM_KINDS, Ranked, Search
from plugin.store.search_scope import FullText, full_text
from plugin.store.search_spelling import spelled
from plugin.store.search_together import ENOUGH, MOST, together
from plugin.store.shapes import Found, Hit

MOST_HITS = 1000
MOST_READ = 2000
"""Hits in whose texts a phrase is looked for."""
BESIDE = 8
"""Tables whose columns are shown among other hits."""


def search(
    context: Context,
    allowed: Any,
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
) -> Found:
    """Find what `text` asks for, best first, among what the context's viewer may see.

    `only`: ids of tables to search in, none outside. `fold_copies`: show a table that is in several databases once.
    `allowed` (the visible ids as a select) is not needed: the index is asked in the viewer's zones, and what is shown
    is loaded through `_visible` again.
    """
    limit, offset = max(0, min(limit, MOST_HITS)), max(0, offset)
    filters = Filters(tuple(kinds), tuple(integrations), tuple(tags), tuple(owners), verified, schema, under)
    question = read_question(text)
    integration_set = integration_ids(context, filters.integrations) if filters.integrations else None
    schema_set = schema_ids(context, filters.schema) if filters.schema is not None else None
    index = full_text(context, zones_within(context, integration_set, schema_set, under))
    places = Places(integration_set, schema_set)
    if index.nothing or not question.terms:
        return Found((), 0)
    asked = Asked(context, index, question, filters, places, only, fold_copies, limit + offset, facets)
    entries = asked.named(text, asked.entries())
    meant = None
    # Spelling looks words up by zone only; for a reader whom AI filters narrow as well it could propose a hidden one.
    if (not entries or asked.poor) and not (context.for_ai and context.ai_rules):
        better = spelled(index, question, text)
        if better is not None:
            spelled_right = read_question(better)
            again = Asked(
                context, index, spelled_right, filters, places, only, fold_copies, limit + offset, facets
            )
            found = again.entries()
            if found:
                meant, known = better, {id_ for id_, _score, _each in found}
                entries = found + [entry for entry in entries if entry[0] not in known]
    return _page(context, entries, question, limit, offset, facets, meant, asked.more)


Entry = tuple[int, float, Ranked | None]
"""A resource to show, its score, and what is known of why (None for a column)."""


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
        self.run = Search(context, index, question, only)
        narrowed = filters != Filters() or bool(question.phrases)
        if narrowed:
            self.run.keep = self._leaves
        # Facets count hits, a filter may take them away.
        self.look_at = MOST if narrowed else COUNTED if facets else needed
        self.run.look_at = max(WEIGHED, min(self.look_at, COUNTED))

    def entries(self) -> list[Entry]:
        """Everything that is found, best first."""
        short = len(self.question.content) <= FEW_WORDS
        first: list[Ranked] = []
        if short and not self.run.filtered:
            together_, self.more = together(self.run, self.look_at)
            first = self._kept(together_)
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
            ranked = _first_copies(ranked)
        entries: list[Entry] = [(each.id, each.score, each) for each in self._of_kinds(ranked)]
        entries = choose_members(self.index, self.question, entries, self.only, self.needed)
        columns = self._columns(ranked, short)
        return _merged(entries, columns) if columns else entries

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
            rows = passing(self.context, self.filters, [each.id for each in kept])
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
            left = passing(self.context, self.filters, left)
        if self.question.phrases:
            left = holding(self.context, self.question.phrases, left)
        return helping | left

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
            places = [each for each in places if _all_in_columns(each, self.question)]
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


def _all_in_columns(each: Ranked, question: Question) -> bool:
    return all(each.matched.get(term.word, 0) & COLUMN for term in question.content)


def _first_copies(ranked: Sequence[Ranked]) -> list[Ranked]:
    """The same table in several databases once, at its best place."""
    seen: set[int] = set()
    kept = []
    for each in ranked:
        if each.shape is not None:
            if each.shape in seen:
                continue
            seen.add(each.shape)
        kept.append(each)
    return kept


def _merged(entries: list[Entry], columns: list[Entry]) -> list[Entry]:
    """Columns among the rest: they follow what has every word in its own name, and come before weaker hits."""
    if not entries:
        return columns
    strong = [entry for entry in entries if entry[2] is not None and entry[2].whole]
    weak = [entry for entry in entries if entry[2] is None or not entry[2].whole]
    top = max(score for _id, score, _each in columns) or 1.0
    ceiling = strong[-1][1] if strong else max(entry[1] for entry in weak) * 1.01 if weak else 1.0
    floor = weak[0][1] if weak else 0.0
    shifted = [(id_, floor + (ceiling - floor) * score / top * 0.99, None) for id_, score, _each in columns]
    return [*strong, *shifted, *weak]


def _page(
    context: Context,
    entries: Sequence[Entry],
    question: Question,
    limit: int,
    offset: int,
    facets: bool,
    meant: str | None,
    more: int,
) -> Found:
    shown = entries[offset : offset + limit]
    resources = load(context, [id_ for id_, _score, _each in shown])
    words = [term.word for term in question.terms]
    hits = []
    for rank, (id_, score, each) in enumerate(shown, start=offset + 1):
        resource = resources.get(id_)
        if resource is None:
            continue
        why = []
        if each is not None:
            named = sorted(word for word, bits in each.matched.items() if bits & NAME)
            inside = sorted(word for word, bits in each.matched.items() if bits & (COLUMN | NOTE))
            if named:
                why.append(("name", " ".join(named)))
            if inside:
                why.append(("columns", " ".join(inside)))
            if each.shards > 1:
                why.append(("family", f"one of {each.shards} tables alike"))
        if resource.description:
            why.append(("description", excerpt(resource.description, words)))
        hits.append(Hit(rank, round(score, 4), resource, tuple(why)))
    counts = {}
    if facets and entries:
        counts = facet_counts(context, [id_ for id_, _score, _each in entries], integration_names(context))
    return Found(tuple(hits), len(entries) + more, counts, meant)
