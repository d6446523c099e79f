"""Two questions in one: "what is orders, who owns it and what depends on it?"

Enters: a question as typed. Leaves: what each part of it asks; one part where it is one question. A sentence is taken
apart only where each part by itself is a question about the catalog: "orders and refunds" names two things, and "how
many orders and what they cost" is one question about data.
"""

from __future__ import annotations

import re
from dataclasses import replace

from plugin.providers.builtin.understand import Intent, clean, follow_up, understand

MOST = 3
"""Parts of one question: each is looked up by itself."""
LONGEST = 400
_BEGINS = r"(?:who|whom|whose|what|which|where|when|how|is|are|does|do|can|may|has|list|show|describe)"
_RELATIVE = r"which (?:is|are|was|were|has|have)"
"""After a comma no question of its own: "list the tables in sales, which are stale"."""
_JOINT = re.compile(
    rf"(?:\s*[?;.!]\s+(?:and\s+|also\s+)*|,?\s+and\s+(?:also\s+|then\s+)?|,\s+(?!{_RELATIVE}\b))"
    rf"(?!which of\b)(?={_BEGINS}\b)"
    r"|,?\s+and\s+(?:also\s+|then\s+)?(?=(?:its|their|the) [a-z]+(?: [a-z]+)?$)",
    re.I,
)
_ABOUT_ONE = frozenset(
    """describe meaning owner columns count_columns keys type nullable has_column freshness tested size tags_of
    is_verified is_personal definition queries upstream downstream whom_to_tell lineage join joins_of use may_drop
    inside""".split()
)
_ABOUT_MANY = frozenset(
    """changes stale unused unowned undocumented popular personal largest verified tagged owned_by list count glossary
    recent smallest not_tagged not_owned_by not_verified not_using unread_negation""".split()
)
_MANY = re.compile(r"\b(?:they|them|their|theirs|these|those|each)\b", re.I)


def parts(question: str, known: frozenset[str] = frozenset()) -> tuple[Intent, ...]:
    """What each part asks, in order; empty where the question is one. `known`: words of real names."""
    if len(question) > LONGEST:
        return ()
    cleaned, quoted = clean(question, known)
    said = [each for each in _JOINT.split(cleaned) if each.strip()]
    if not 1 < len(said) <= MOST:
        return ()
    found: list[Intent] = []
    for each in said:
        before = found[-1] if found else None
        intent = follow_up(each, before, known) or understand(each, known)
        if intent.name not in _ABOUT_ONE | _ABOUT_MANY:
            return ()
        if before is not None and before.name in _ABOUT_MANY | {"join"} and _MANY.search(each):
            return ()  # of each of several things: not two questions
        found.append(replace(intent, quoted=quoted))
    return tuple(found)
