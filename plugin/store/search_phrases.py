"""What people put in quotes, and names written in full: found as they stand, not by their words.

Enters: a phrase ("money given back") or a name ("shop.sales.refunds"). Leaves: ids of what has the phrase, its words
side by side in one name or text of it, and of what is called exactly so. Both are read from rows through `_visible`,
since the index knows words, not their order.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import func, literal_column, or_, select

from plugin.catalog.words import pieces, stem
from plugin.store._chunks import chunks
from plugin.store._context import Context
from plugin.store._models.catalog import ResourceRow
from plugin.store._visible import visible

LONGEST = 4000
"""Characters of a text that are read."""
BLOCK = 200


def holding(context: Context, phrases: Sequence[str], ids: Collection[int]) -> set[int]:
    """Those of `ids` that have every phrase in a name or a text, of their own or of one of their columns."""
    wanted = [words for phrase in phrases if (words := _stems(phrase))]
    left = set(ids)
    for words in wanted:
        left = _holding(context, words, left)
    return left


def _holding(context: Context, words: str, ids: Collection[int]) -> set[int]:
    found: set[int] = set()
    column = ResourceRow.kind == literal_column("'column'")
    for part in chunks(sorted(ids), BLOCK):
        # Two reads, since each kind has an index of its own.
        for owner, condition in ((ResourceRow.id, ResourceRow.id.in_(part)), (ResourceRow.parent_id, None)):
            rows = context.session.execute(
                select(
                    owner, ResourceRow.name, ResourceRow.description, ResourceRow.definition, ResourceRow.kind
                ).where(
                    condition if condition is not None else ResourceRow.parent_id.in_(part) & column,
                    visible(context),
                )
            )
            for id_, name, description, definition, kind in rows:
                texts = [name, description, definition if kind in ("term", "document") else None]
                if id_ not in found and any(text and words in _stems(text) for text in texts):
                    found.add(id_)
    return found


def _stems(text: str) -> str:
    """The words of a text in their order, each between blanks, so that one text can be looked for in another."""
    words = " ".join(stem(word) for word in pieces(text[:LONGEST]))
    return f" {words} " if words else ""


def exact_names(context: Context, text: str, limit: int = 20) -> list[int]:
    """Ids of what is called exactly like this: by its whole qualified name, or by the end of it."""
    folded = text.strip().strip("\"'`").lower()
    if not folded or any(sign.isspace() for sign in folded) or not ("." in folded or "_" in folded):
        return []
    whole = func.coalesce(ResourceRow.qualified_folded, "")
    found = context.session.scalars(
        select(ResourceRow.id)
        .where(
            ResourceRow.workspace_id == context.workspace_id,
            ResourceRow.kind != literal_column("'column'"),
            ResourceRow.name_folded == folded.rsplit(".", 1)[-1],
            visible(context),
            or_(
                whole == folded,
                whole.like(f"%.{_escaped(folded)}", escape="\\"),
                ResourceRow.name_folded == folded,
            ),
        )
        .order_by(func.length(whole), ResourceRow.id)
        .limit(limit)
    )
    return list(found)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
