"""After a deletion that a person asked for: no word of what went stays in the full-text index or in its spellings.

FTS5 deletes by writing a mark beside the old words, which live on in the file until segments are merged; `optimize`
merges them all (0.16 s for 100,000 documents) and SQLite's secure_delete zeroes what they were in. FTS5's own option
`secure-delete` would do that at each change, but needs SQLite 3.42. The words that "did you mean" chooses from are
shared by all names, so those that no name has any more are looked for. On PostgreSQL the words lie in rows and go
with them.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import bindparam, select, text

from plugin.catalog.words import typed_words
from plugin.store._context import Context
from plugin.store._models.catalog import ResourceRow, TagRow
from plugin.store.search_reading import synonyms_in

SOME = 500
_GONE = text("DELETE FROM search_words WHERE workspace_id = :workspace AND word IN :words").bindparams(
    bindparam("words", expanding=True)
)


def scrub_index(context: Context, names: Iterable[str] | None = None) -> None:
    """Take the words of what was deleted out for good. `names`: what they were called; None: look at every word."""
    candidates = None if names is None else {word for name in names for word in typed_words(name)}
    unused = _words(context) - _used(context) if candidates is None else _unused(context, candidates)
    listed = sorted(unused)
    for start in range(0, len(listed), SOME):
        context.session.execute(
            _GONE, {"workspace": context.workspace_id, "words": listed[start : start + SOME]}
        )
    if context.dialect == "sqlite":
        context.session.execute(text("INSERT INTO search_fts (search_fts) VALUES ('optimize')"))
    context.scrub_after()


def _words(context: Context) -> set[str]:
    return set(
        context.session.scalars(
            text("SELECT word FROM search_words WHERE workspace_id = :w"), {"w": context.workspace_id}
        )
    )


def _used(context: Context) -> set[str]:
    """Every word of every name, tag and synonym that is left."""
    found: set[str] = set()
    ours = ResourceRow.workspace_id == context.workspace_id
    for query in (
        select(ResourceRow.name).where(ours).distinct(),
        select(TagRow.tag).where(TagRow.workspace_id == context.workspace_id).distinct(),
    ):
        for name in context.session.scalars(query.execution_options(yield_per=5000)):
            found.update(typed_words(name))
    for properties in context.session.scalars(
        select(ResourceRow.properties).where(ours, ResourceRow.kind.in_(("term", "document")))
    ):
        for label in synonyms_in(properties):
            found.update(typed_words(label))
    return found


def _unused(context: Context, words: set[str]) -> set[str]:
    """Those of a few words that no name and no tag holds any more."""
    left = set()
    for word in words:
        like = f"%{word}%"
        named = select(ResourceRow.id).where(
            ResourceRow.workspace_id == context.workspace_id, ResourceRow.name_folded.like(like)
        )
        tagged = select(TagRow.resource_id).where(
            TagRow.workspace_id == context.workspace_id, TagRow.tag.ilike(like)
        )
        if context.session.scalar(named.limit(1)) is None and context.session.scalar(tagged.limit(1)) is None:
            left.add(word)
    return left
