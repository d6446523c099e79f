"""Plans that answer about one thing: what it is, who owns it, its columns, keys, freshness; and the plain words."""

from __future__ import annotations

import re
from collections.abc import Generator

from rapidfuzz import fuzz

from plugin.providers.builtin.columns_named import VAGUE
from plugin.providers.builtin.facts import COLUMN_HEADS, key_text
from plugin.providers.builtin.phrases import (
    code,
    count,
    kind_word,
    line,
    lines,
    listed,
    named,
    plain,
    table,
    words_of,
)
from plugin.providers.builtin.resolve import NEEDS_MODEL, best, lead, not_found, resolve, tail
from plugin.providers.builtin.talk import Given, Plan, Talk, Thing, Want, rows_of, things
from plugin.providers.builtin.understand import Intent

_WANTS_SQL = re.compile(r"\b(?:sql|query|select)\b", re.I)
_SAY_NOTHING = frozenset("the a an our all any of in on for and or most least many more".split())
_WANTS_TABLE = re.compile(r"\b(?:which|what|best|right|correct) (?:tables?|views?|datasets?)\b", re.I)

# --- finding and describing ------------------------------------------------------------------------------------------


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
        trust = _trust(best_one)
        ended = "." if trust and said and not said.rstrip().endswith((".", "!", "?")) else ""
        parts.append(first + (f": {plain(said)}{ended}" if said else ".") + trust)
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
            return _terms(terms)
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
            text += f"\n\nIn the glossary, {_term(terms[0])}"
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


def description(thing: Thing) -> str:
    if thing.kind == "term":
        return _term(thing)
    article = "an" if kind_word(thing.kind)[0] in "aeiou" else "a"
    where = f" in {plain(thing.text('integration'))}" if thing.text("integration") else ""
    out = [f"{named(thing)} is {article} {kind_word(thing.kind)}{where}."]
    said = thing.text("description")
    out[0] += f" {plain(said, 900)}" if said else " It has no description yet."
    facts = _facts(thing)
    if facts:
        out.append("\n".join(f"- {each}" for each in facts))
    if thing.columns:
        shown = thing.columns[:12]
        more = len(thing.columns) - len(shown)
        rest = f"\n\n{count(more, 'more column')} not shown." if more > 0 else ""
        out.append(table(shown, COLUMN_HEADS) + rest)
    return "\n\n".join(out)


def _facts(thing: Thing) -> list[str]:
    facts = []
    if thing.kind == "column":
        facts.append(f"Type: {code(thing.text('type') or 'unknown')}")
        if thing.flag("pk"):
            facts.append("Part of the primary key")
    owners = thing.texts("owners")
    if thing.kind != "column":
        facts.append(f"Owner: {plain(listed(owners))}" if owners else "Owner: nobody yet")
    if thing.texts("tags"):
        facts.append(f"Tags: {listed([code(tag) for tag in thing.texts('tags')])}")
    if thing.text("sensitivity"):
        facts.append(f"Sensitivity: {plain(thing.text('sensitivity'))}")
    if thing.flag("verified"):
        facts.append("Verified")
    if thing.text("row_estimate"):
        facts.append(f"About {int(thing.text('row_estimate')):,} rows, as the source estimates")
    if thing.text("changed_at"):
        facts.append(f"Last changed at the source: {thing.text('changed_at')} UTC")
    if thing.text("stale_since"):
        facts.append(f"Stale: no longer at the source since {thing.text('stale_since')} UTC")
    keys = [key_text(key) for key in thing.keys if key.get("kind") == "primary"]
    if keys:
        facts.append(f"Primary key: {listed(keys)}")
    return facts


def _trust(thing: Thing) -> str:
    owners = thing.texts("owners")
    said = []
    if thing.flag("verified"):
        said.append("verified")
    if owners:
        said.append(f"owned by {plain(listed(owners))}")
    return f" It is {listed(said)}." if said else ""


def _honest(intent: Intent) -> str:
    return NEEDS_MODEL if len(intent.question.split()) > 9 and intent.name == "about" else ""


# --- the glossary ----------------------------------------------------------------------------------------------------


def meaning(talk: Talk, intent: Intent) -> Plan:
    """What a term means here; where there is no such term, what is called that."""
    phrase = intent.slot("s")
    given = yield Want("glossary", {"term": phrase})
    terms = things(given.fragments)
    if terms:
        return _terms(terms)
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


def _terms(terms: list[Thing]) -> str:
    if len(terms) == 1:
        return _term(terms[0])
    return _term(terms[0]) + "\n\nRelated terms:\n\n" + lines(terms[1:6])


def _term(term: Thing) -> str:
    said = plain(term.text("definition") or term.text("description"), 1200)
    text = f"**{plain(term.name)}** [[{term.id}]] means: {said or 'it has no definition yet.'}"
    if term.texts("synonyms"):
        text += f"\n\nAlso called {plain(listed(term.texts('synonyms')))}."
    if term.texts("owners"):
        text += f" Owned by {plain(listed(term.texts('owners')))}."
    return text


def definition(talk: Talk, intent: Intent) -> Plan:
    """How a view is made: its SQL with literals masked; for a term its words; otherwise what feeds it."""
    from plugin.providers.builtin.relations import upstream

    meant = yield from resolve(talk, intent.slot("s"))
    if meant.thing is None:
        return not_found(meant)
    thing = meant.thing
    if thing.kind == "term":
        return _term(thing)
    text = thing.text("definition")
    if (not text or meant.loose) and _WANTS_SQL.search(intent.question):
        from plugin.providers.builtin.sql_plan import data

        return (yield from data(talk, Intent("data", intent.slots, intent.question, intent.quoted)))
    if not text:
        return (yield from upstream(talk, Intent("upstream", {"s": str(thing.id)}, intent.question)))
    body = text.replace("```", "'''").replace("{{", "{ {")
    return f"{lead(meant)}{named(thing)} is defined as (literals are masked):\n\n```text\n{body}\n```{tail(meant)}"


def queries(talk: Talk, intent: Intent) -> Plan:
    """Statements that are run often on a table."""
    meant = yield from resolve(talk, intent.slot("s"))
    if meant.thing is None:
        return not_found(meant)
    given = yield Want("frequent_queries", {"table": str(meant.thing.id)})
    rows = rows_of(given.fragments, "queries")
    if not rows:
        return f"{lead(meant)}No queries on {named(meant.thing)} are known. Not every source tells them."
    blocks = []
    for row in rows:
        body = str(row.get("sql", "")).replace("```", "'''").replace("{{", "{ {")
        cost = f", {row['cost']} in all" if row.get("cost") else ""
        blocks.append(f"Run {count(int(row.get('runs', 0)), 'time')}{cost}:\n\n```text\n{body}\n```")
    return f"{lead(meant)}Frequent queries on {named(meant.thing)}, literals masked:\n\n" + "\n\n".join(
        blocks
    )


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
