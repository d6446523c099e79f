"""Plans of the glossary, of a thing's SQL, and of two things side by side."""

from __future__ import annotations

import re

from rapidfuzz import fuzz

from plugin.providers.builtin.find import columns_called, describe
from plugin.providers.builtin.phrases import code, count, line, lines, listed, named, words_of
from plugin.providers.builtin.resolve import lead, not_found, resolve, tail
from plugin.providers.builtin.talk import Plan, Talk, Want, things
from plugin.providers.builtin.told import term_text, terms_text
from plugin.providers.builtin.understand import Intent

_WANTS_SQL = re.compile(r"\b(?:sql|query|select)\b", re.I)


def meaning(talk: Talk, intent: Intent) -> Plan:
    """What a term means here; where there is no such term, what is called that."""
    phrase = intent.slot("s")
    given = yield Want("glossary", {"term": phrase})
    terms = things(given.fragments)
    if terms:
        return terms_text(terms)
    meant = yield from resolve(talk, phrase)
    if meant.thing is not None and not meant.loose:
        return (yield from describe(talk, intent))
    columns = yield from columns_called(phrase)
    if columns:
        return f"The glossary has no term {code(phrase)}. {columns}"
    whole = yield Want("glossary", {})
    spoken = set(words_of(phrase))
    near = [
        each
        for each in things(whole.fragments)
        if spoken & set(words_of(each.name)) or fuzz.ratio(phrase.lower(), each.name.lower()) >= 70
    ]
    given = yield Want("search", {"text": phrase, "limit": 6})
    found = [each for each in things(given.fragments) if each.id not in {term.id for term in near}]
    text = f"The glossary has no term {code(phrase)}, and nothing that you can see is called that."
    if near or found:
        return f"{text} What comes closest:\n\n{lines([*near[:4], *found])}"
    return f"{text} An editor can add it on the Glossary page."


def glossary(talk: Talk, intent: Intent) -> Plan:
    """The whole glossary."""
    given = yield Want("glossary", {})
    terms = things(given.fragments)
    if not terms:
        return "The glossary is empty. An editor can add terms on the Glossary page."
    return f"The glossary has {count(len(terms), 'term')}:\n\n{lines(terms)}"


def definition(talk: Talk, intent: Intent) -> Plan:
    """How a view is made: its SQL with literals masked; for a term its words; otherwise what feeds it."""
    from plugin.providers.builtin.relations import upstream

    meant = yield from resolve(talk, intent.slot("s"))
    if meant.thing is None:
        return not_found(meant)
    thing = meant.thing
    if thing.kind == "term":
        return term_text(thing)
    text = thing.text("definition")
    if (not text or meant.loose) and _WANTS_SQL.search(intent.question):
        from plugin.providers.builtin.sql_plan import data

        return (yield from data(talk, Intent("data", intent.slots, intent.question, intent.quoted)))
    if not text:
        return (yield from upstream(talk, Intent("upstream", {"s": str(thing.id)}, intent.question)))
    body = text.replace("```", "'''").replace("{{", "{ {")
    return f"{lead(meant)}{named(thing)} is defined as (literals are masked):\n\n```text\n{body}\n```{tail(meant)}"


def compare(talk: Talk, intent: Intent) -> Plan:
    """Two things side by side: what they are and which columns they share."""
    left = yield from resolve(talk, intent.slot("s"))
    right = yield from resolve(talk, intent.slot("o"))
    for each in (left, right):
        if each.thing is None:
            return not_found(each)
    assert left.thing is not None and right.thing is not None
    one, other = left.thing, right.thing
    out = [line(one), line(other)]
    mine = {str(each["name"]).lower() for each in one.columns}
    theirs = {str(each["name"]).lower() for each in other.columns}
    text = "\n".join(out)
    if mine and theirs:
        shared = sorted(mine & theirs)
        names = listed([code(each) for each in shared[:20]])
        text += (
            f"\n\nThey share {count(len(shared), 'column name')}: {names}."
            if shared
            else "\n\nThey share no column name."
        )
        only = [code(str(each["name"])) for each in one.columns if str(each["name"]).lower() not in theirs]
        others = [code(str(each["name"])) for each in other.columns if str(each["name"]).lower() not in mine]
        text += f" Only in {code(one.qualified)}: {listed(only[:15]) or 'nothing'}."
        text += f" Only in {code(other.qualified)}: {listed(others[:15]) or 'nothing'}."
    return text
