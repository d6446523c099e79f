"""Plans that find: a search for a topic, and what a thing is, which is a search again where nothing is called so."""

from __future__ import annotations

import re
from collections.abc import Generator

from plugin.providers.builtin.phrases import (
    VAGUE,
    code,
    count,
    kind_word,
    lines,
    listed,
    named,
    plain,
    words_of,
)
from plugin.providers.builtin.resolve import NEEDS_MODEL, best, lead, not_found, resolve, tail
from plugin.providers.builtin.talk import Given, Plan, Talk, Thing, Want, things
from plugin.providers.builtin.told import description, term_text, terms_text, trust
from plugin.providers.builtin.understand import Intent

_SAY_NOTHING = frozenset("the a an our all any of in on for and or most least many more".split())
_WANTS_TABLE = re.compile(r"\b(?:which|what|best|right|correct) (?:tables?|views?|datasets?)\b", re.I)


def find(talk: Talk, intent: Intent) -> Plan:
    """Search for a topic and say what there is."""
    phrase = intent.slot("s")
    given = yield Want("search", {"text": phrase or talk.question[:200], "limit": 12})
    found = things(given.fragments)
    if phrase and len(words_of(phrase)) <= 3 and not any(each.kind == "column" for each in found):
        more = yield Want("search", {"text": phrase, "kinds": ["column"], "limit": 8})
        found += things(more.fragments)
    if not found:
        asked = code(phrase) if phrase else "that"
        text = f"I found nothing about {asked} in what you can see."
        if given.said and "Did you mean" in given.said:
            text += f" {plain(given.said[given.said.index('Did you mean') :])}"
        return f"{text}\n\n{_honest(intent)}".strip()
    exact = best(phrase, found, ()) if phrase else None
    if exact is not None and intent.name == "about" and exact.kind != "column":
        return (yield from describe(talk, intent))
    top = [each for each in found if each.kind != "column"]
    if _WANTS_TABLE.search(intent.question):
        top.sort(key=lambda each: not each.is_table)
    columns = [each for each in found if each.kind == "column"]
    parts: list[str] = []
    spoken = set(words_of(phrase))
    if len(spoken - VAGUE) > 1:
        spoken -= VAGUE
    named_so = [
        each
        for each in columns
        if set(words_of(each.name)) == spoken or len(spoken) > 1 and _says(each, spoken)
    ]
    if named_so and not any(set(words_of(each.name)) >= spoken for each in top):
        parts.append("These columns fit:\n\n" + lines(named_so[:8]))
        columns = [each for each in columns if each not in named_so]
    if top:
        best_one = top[0]
        said = best_one.text("description") or best_one.text("definition")
        first = f"{'Of tables and other things, the' if parts else 'The'} best match is {named(best_one)}"
        if not best_one.is_table:
            first += f", a {kind_word(best_one.kind)}"
        trusted = trust(best_one)
        ended = "." if trusted and said and not said.rstrip().endswith((".", "!", "?")) else ""
        parts.append(first + (f": {plain(said)}{ended}" if said else ".") + trusted)
    if len(top) > 1:
        parts.append("Also related:\n\n" + lines(top[1:8]))
    if columns and not named_so:
        parts.append("Columns that match:\n\n" + lines(columns[:6]))
    unsaid = _unsaid(phrase, found)
    if unsaid:
        parts.append(unsaid)
    honest = _honest(intent)
    if honest:
        parts.append(honest)
    return "\n\n".join(parts)


def _unsaid(phrase: str, found: list[Thing]) -> str:
    """Which of two or three telling words no result carries in its name or its words: what matched was the rest."""
    asked = dict.fromkeys(word for word in phrase.lower().split() if word not in _SAY_NOTHING)
    spoken = {word: words_of(word) for word in asked if word.isalpha() and len(word) > 2}
    if not 2 <= len(spoken) <= 3 or len(spoken) != len(asked):
        return ""
    said = " ".join(
        part.lower()
        for each in found
        for part in (
            each.qualified,
            each.text("description"),
            each.text("definition"),
            *each.texts("synonyms"),
        )
    )
    # by the beginning of a word: "readmitted" and "readmission" are said by each other
    missing = [word for word, words in spoken.items() if words and words[0][:5] not in said]
    if not missing or len(missing) == len(spoken):
        return ""
    return f"None of these says {listed([code(each) for each in missing])} in its name or its description."


def _says(column: Thing, spoken: set[str]) -> bool:
    """Do the names of a column and its table say all of these words? "customer email" means customers.email."""
    parts = column.qualified.split(".")[-2:]
    own = set(words_of(column.name))
    return (
        spoken <= {word for part in parts for word in words_of(part)} and bool(own & spoken) and own <= spoken
    )


def describe(talk: Talk, intent: Intent) -> Plan:
    """What something is, from its description, owners, columns and keys."""
    phrase = intent.slot("s")
    meant = yield from resolve(talk, phrase)
    if meant.thing is None or meant.loose:
        if meant.thing is None and not meant.phrase:
            return not_found(meant)
        glossary_given = yield Want("glossary", {"term": phrase})
        terms = things(glossary_given.fragments)
        if terms:
            return terms_text(terms)
        columns = yield from columns_called(phrase)
        if columns:
            return columns
        if intent.name == "about":
            return (yield from find(talk, Intent("find", intent.slots, intent.question, intent.quoted)))
        if meant.thing is None:
            return not_found(meant)
    if meant.thing is None:
        return not_found(meant)
    text = lead(meant) + description(meant.thing) + tail(meant)
    if meant.thing.kind in ("schema", "database"):
        inside = yield Want("browse", {"what": "popular", "under": str(meant.thing.id), "limit": 12})
        if inside.fragments:
            text += f"\n\nIn it, the most used first:\n\n{lines(things(inside.fragments))}"
    if meant.thing.kind != "term" and len(words_of(phrase)) <= 3 and "." not in phrase:
        defined = yield Want("glossary", {"term": phrase})
        terms = [each for each in things(defined.fragments) if words_of(each.name) == words_of(phrase)]
        if terms:
            text += f"\n\nIn the glossary, {term_text(terms[0])}"
    return text


def columns_called(phrase: str) -> Generator[Want, Given, str]:
    """What columns of this very name hold; nothing where there is none."""
    given = yield Want("search", {"text": phrase, "kinds": ["column"], "limit": 12})
    spoken = words_of(phrase)
    same = [each for each in things(given.fragments) if words_of(each.name) == spoken]
    if not same:
        return ""
    if len(same) == 1:
        return description(same[0])
    return f"{count(len(same), 'column')} are called {code(phrase)}:\n\n{lines(same[:8])}"


def _honest(intent: Intent) -> str:
    return NEEDS_MODEL if len(intent.question.split()) > 9 and intent.name == "about" else ""
