"""What was found becomes a page: copies of one table once, columns in their place, each hit with why it is one.

Enters: entries that a search ranked. Leaves: a `Found` with resources that were loaded through `_visible` again.
"""

from __future__ import annotations

from collections.abc import Sequence

from plugin.catalog.retrieval import COLUMN, NAME, NOTE
from plugin.catalog.words import Term, excerpt
from plugin.store._context import Context
from plugin.store._rows import load
from plugin.store.search_family import Entry
from plugin.store.search_filters import facet_counts
from plugin.store.search_rank import Ranked
from plugin.store.shapes import Found, Hit


def first_copies(ranked: Sequence[Ranked]) -> list[Ranked]:
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


def merged(entries: list[Entry], columns: list[Entry]) -> list[Entry]:
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


def page_of(
    context: Context,
    entries: Sequence[Entry],
    terms: Sequence[Term],
    limit: int,
    offset: int,
    facets: bool,
) -> Found:
    """The hits from `offset` on, each with why it is one."""
    shown = entries[offset : offset + limit]
    resources = load(context, [id_ for id_, _score, _each in shown])
    words = [term.word for term in terms]
    as_written = {term.word: term.written for term in terms if not term.joined}

    def written(stem: str) -> str:
        return as_written.get(stem) or stem

    hits = []
    for rank, (id_, score, each) in enumerate(shown, start=offset + 1):
        resource = resources.get(id_)
        if resource is None:
            continue
        why = []
        if each is not None:
            named = [written(word) for word in sorted(each.matched) if each.matched[word] & NAME]
            inside = [written(word) for word in sorted(each.matched) if each.matched[word] & (COLUMN | NOTE)]
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
        counts = facet_counts(context, [id_ for id_, _score, _each in entries])
    return Found(tuple(hits), len(entries), counts)
