"""Plans that answer about one thing: what it is, who owns it, its columns, keys, freshness; and the plain words."""

from __future__ import annotations

from collections.abc import Callable

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
from plugin.providers.builtin.resolve import Meant, best, resolve
from plugin.providers.builtin.talk import Given, Plan, Talk, Thing, Want, rows_of, things
from plugin.providers.builtin.understand import Intent

NEEDS_MODEL = (
    "The built-in assistant has no language model: it answers from the catalog by rules. An admin can turn a model on "
    "under Settings, AI settings, Provider and model (or with `docent settings ai.provider`)."
)
HELP = """I answer from this catalog alone; nothing you type leaves this server. You can ask, for example:

- Where can I find data about refunds?
- What is `sales.orders`? Who owns it? How fresh is it?
- What does "active customer" mean?
- What feeds it, what depends on it, what breaks if I drop it?
- How do orders and customers join?
- Which tables are the most popular, undocumented, or without an owner?
- Which columns look personal?
- How many tables are in sales? Which table has `customer_id`?
- How many orders per month? (I write the SQL, you press Run.)"""
_COLUMN_HEADS = {"name": "Column", "type": "Type", "pk": "Key", "description": "Description"}


def not_found(meant: Meant) -> str:
    """The same words for what does not exist and for what this person may not see."""
    if not meant.phrase or meant.phrase.lower() in ("it", "that", "this", "they", "them"):
        return "Which resource do you mean? Name a table, a view, a dashboard or a term."
    text = f"I found nothing called {code(meant.phrase)} in what you can see."
    if meant.others:
        text += " These come closest:\n\n" + lines(meant.others)
    return text


def lead(meant: Meant) -> str:
    """A sentence before an answer that rests on a guess."""
    if not meant.loose or meant.thing is None:
        return ""
    return f"Nothing is called {code(meant.phrase)}; the closest is {named(meant.thing)}.\n\n"


def tail(meant: Meant) -> str:
    """Other things of the same name, which the question may have meant."""
    if not meant.others:
        return ""
    return f"\n\nThere is also {listed([named(each) for each in meant.others])}."


def of_table(thing: Thing) -> tuple[Thing, str]:
    """What to read for a column: its table's name; for anything else, itself."""
    return thing, thing.qualified.rsplit(".", 1)[0] if thing.kind == "column" else thing.qualified


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
    columns = [each for each in found if each.kind == "column"]
    parts: list[str] = []
    spoken = set(words_of(phrase))
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
        parts.append(first + (f": {plain(said)}" if said else ".") + _trust(best_one))
    if len(top) > 1:
        parts.append("Also related:\n\n" + lines(top[1:8]))
    if columns and not named_so:
        parts.append("Columns that match:\n\n" + lines(columns[:6]))
    honest = _honest(intent)
    if honest:
        parts.append(honest)
    return "\n\n".join(parts)


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
        if intent.name == "about":
            return (yield from find(talk, Intent("find", intent.slots, intent.question, intent.quoted)))
        if meant.thing is None:
            return not_found(meant)
    if meant.thing is None:
        return not_found(meant)
    text = lead(meant) + _description(meant.thing) + tail(meant)
    if meant.thing.kind != "term" and len(words_of(phrase)) <= 3 and "." not in phrase:
        defined = yield Want("glossary", {"term": phrase})
        terms = [each for each in things(defined.fragments) if words_of(each.name) == words_of(phrase)]
        if terms:
            text += f"\n\nIn the glossary, {_term(terms[0])}"
    return text


def _description(thing: Thing) -> str:
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
        out.append(table(shown, _COLUMN_HEADS) + rest)
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
    keys = [_key(key) for key in thing.keys if key.get("kind") == "primary"]
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
    return (yield from describe(talk, intent))


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


# --- one fact --------------------------------------------------------------------------------------------------------


def _fact(answer: Callable[[Thing], str]) -> Callable[[Talk, Intent], Plan]:
    def planned(talk: Talk, intent: Intent) -> Plan:
        meant = yield from resolve(talk, intent.slot("s"), column=True)
        if meant.thing is None:
            return not_found(meant)
        return lead(meant) + answer(meant.thing) + tail(meant)

    return planned


def _owner(thing: Thing) -> str:
    owners = thing.texts("owners")
    if owners:
        return f"{named(thing)} is owned by {plain(listed(owners))}."
    if thing.kind == "column":
        return f"{named(thing)} has no owner of its own; ask who owns its table."
    return f"{named(thing)} has no owner yet. You can propose one: “make <name> the owner of {plain(thing.qualified)}”."


def _freshness(thing: Thing) -> str:
    if thing.text("stale_since"):
        return (
            f"{named(thing)} is stale: it has not been at its source since {thing.text('stale_since')} UTC."
        )
    changed, synced, analyzed = (thing.text(each) for each in ("changed_at", "synced_at", "analyzed_at"))
    said = []
    if changed:
        said.append(f"{named(thing)} last changed at its source on {changed} UTC.")
    else:
        said.append(f"The source does not say when {named(thing)} last changed.")
    if analyzed:
        said.append(f"Its statistics are from {analyzed} UTC.")
    if synced:
        said.append(f"Its metadata was last synced on {synced} UTC.")
    return " ".join(said)


def _size(thing: Thing) -> str:
    rows, size = thing.text("row_estimate"), thing.text("size_bytes")
    if not rows and not size:
        text = f"The source gives no size for {named(thing)}."
    else:
        facts = []
        if rows:
            facts.append(f"about {int(rows):,} rows")
        if size:
            facts.append(_bytes(int(size)))
        text = f"{named(thing)} has {listed(facts)}, as the source estimates."
    if thing.is_table:
        text += f" For the exact number, ask “how many {plain(thing.name)} are there” and press Run."
    return text


def _bytes(size: int) -> str:
    value = float(size)
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            return f"{value:,.0f} {unit}" if unit == "bytes" else f"{value:,.1f} {unit}"
        value /= 1000
    return f"{size} bytes"


def _tags(thing: Thing) -> str:
    tags = thing.texts("tags")
    return (
        f"{named(thing)} is tagged {listed([code(tag) for tag in tags])}."
        if tags
        else f"{named(thing)} has no tags."
    )


def _verified(thing: Thing) -> str:
    owners = thing.texts("owners")
    if thing.flag("verified"):
        return f"Yes, {named(thing)} is verified by a person." + (
            f" It is owned by {plain(listed(owners))}." if owners else ""
        )
    ask = f" Ask its owner, {plain(listed(owners))}." if owners else " It has no owner to ask either."
    return f"Nobody has verified {named(thing)} yet.{ask}"


owner = _fact(_owner)
freshness = _fact(_freshness)
size = _fact(_size)
tags_of = _fact(_tags)
is_verified = _fact(_verified)


# --- columns ---------------------------------------------------------------------------------------------------------


def columns(talk: Talk, intent: Intent) -> Plan:
    """All columns of a table."""
    meant = yield from resolve(talk, intent.slot("s"))
    if meant.thing is None:
        return not_found(meant)
    if not meant.thing.columns:
        if not meant.thing.is_table:
            return lead(meant) + _description(meant.thing)
        return f"{lead(meant)}No columns of {named(meant.thing)} are known."
    shown = meant.thing.columns[:100]
    text = f"{named(meant.thing)} has {count(len(meant.thing.columns), 'column')}:\n\n{table(shown, _COLUMN_HEADS)}"
    if len(meant.thing.columns) > len(shown):
        text += f"\n\n{count(len(meant.thing.columns) - len(shown), 'more column')} on its page."
    return lead(meant) + text + tail(meant)


def count_columns(talk: Talk, intent: Intent) -> Plan:
    """How many columns a table has."""
    meant = yield from resolve(talk, intent.slot("s"))
    if meant.thing is None:
        return not_found(meant)
    if not meant.thing.is_table:
        return (yield from _count_below(meant.thing))
    return f"{lead(meant)}{named(meant.thing)} has {count(len(meant.thing.columns), 'column')}.{tail(meant)}"


def _count_below(thing: Thing) -> Plan:
    given = yield Want("count", {"by": "kind", "under": str(thing.id)})
    counts = {row["name"]: int(row["number"]) for row in rows_of(given.fragments, "counts")}
    return f"There are {count(counts.get('column', 0), 'column')} in {named(thing)}."


def column_type(talk: Talk, intent: Intent) -> Plan:
    """The type of a column, or of all columns of a table."""
    wanted = intent.slot("c")
    meant = yield from resolve(talk, intent.slot("s"), column=True)
    if meant.thing is None:
        return not_found(meant)
    thing = meant.thing
    if thing.kind == "column":
        return (
            f"{lead(meant)}{named(thing)} is {code(thing.text('type') or 'of an unknown type')}.{tail(meant)}"
        )
    if wanted:
        for each in thing.columns:
            if words_of(str(each.get("name"))) == words_of(wanted):
                kind = code(str(each.get("type") or "unknown"))
                return f"Column {code(str(each['name']))} of {named(thing)} is {kind}."
        has = listed([code(str(each["name"])) for each in thing.columns[:40]])
        return f"{named(thing)} has no column {code(wanted)}. It has {has}."
    return (yield from columns(talk, intent))


def nullable(talk: Talk, intent: Intent) -> Plan:
    """Can a column be empty?"""
    meant = yield from resolve(talk, intent.slot("s"), column=True)
    if meant.thing is None:
        return not_found(meant)
    thing = meant.thing
    if thing.kind != "column":
        required = [code(str(each["name"])) for each in thing.columns if each.get("nullable") is False]
        if not required:
            return f"Every column of {named(thing)} may be null, as far as the source says."
        return f"In {named(thing)} these columns may not be null: {listed(required)}."
    return f"{lead(meant)}{named(thing)} {'may be null' if thing.flag('nullable') else 'may not be null'}."


def keys(talk: Talk, intent: Intent) -> Plan:
    """The keys of a table."""
    meant = yield from resolve(talk, intent.slot("s"))
    if meant.thing is None:
        return not_found(meant)
    wanted = (intent.slots.get("key") or "").lower()
    found = [key for key in meant.thing.keys if not wanted or key.get("kind") == wanted]
    if not found:
        return f"{lead(meant)}No {wanted + ' ' if wanted else ''}keys of {named(meant.thing)} are known.{tail(meant)}"
    out = [f"- {str(key.get('kind', '')).capitalize()} key: {_key(key)}" for key in found]
    return f"{lead(meant)}Keys of {named(meant.thing)}:\n\n" + "\n".join(out) + tail(meant)


def _key(key: object) -> str:
    row = dict(key) if hasattr(key, "keys") else {}  # type: ignore[call-overload]
    text = code(str(row.get("columns", "")))
    if row.get("ref"):
        text += f" references {code(str(row['ref']))} ({code(str(row.get('ref_columns') or ''))})"
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
        blocks.append(f"Run {count(int(row.get('runs', 0)), 'time')}:\n\n```text\n{body}\n```")
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


# --- proposals and plain words ---------------------------------------------------------------------------------------


def _propose(field: str) -> Callable[[Talk, Intent], Plan]:
    def planned(talk: Talk, intent: Intent) -> Plan:
        meant = yield from resolve(talk, intent.slot("s"), column=True)
        if meant.thing is None or meant.loose:
            return not_found(meant)
        value = intent.slot("value")
        given: Given = yield Want(
            "propose", {"resource": str(meant.thing.id), "field": field, "value": value}
        )
        if given.failed:
            return plain(given.said)
        return (
            f"Proposed for {named(meant.thing)}: {field} {code(value)}. It waits for a person to accept it."
        )

    return planned


propose_tag = _propose("tag")
propose_owner = _propose("owner")
propose_description = _propose("description")


def needs_model_text(talk: Talk, intent: Intent) -> Plan:
    """Writing a text needs a model; show what there is."""
    meant = yield from resolve(talk, intent.slot("s"), column=True)
    said = _description(meant.thing) if meant.thing is not None else not_found(meant)
    return f"Writing a text needs a language model. {NEEDS_MODEL}\n\nWhat the catalog has: {said}"


def needs_model(talk: Talk, intent: Intent) -> Plan:
    """Reasons, forecasts and advice need a model; offer what the catalog has about the topic."""
    text = f"That needs a language model. {NEEDS_MODEL}"
    phrase = intent.slot("s")
    if not phrase:
        return text
    given = yield Want("search", {"text": phrase, "limit": 5})
    found = [each for each in things(given.fragments) if each.kind != "column"]
    return f"{text}\n\nFrom the catalog, these may help:\n\n{lines(found)}" if found else text


def _said(text: str) -> Callable[[Talk, Intent], Plan]:
    def planned(talk: Talk, intent: Intent) -> Plan:
        yield from ()
        return text

    return planned


turn_on_model = _said(
    NEEDS_MODEL + " Text then goes to that provider, redacted; the chip beside the question says where."
)
help_text = _said(HELP)
greeting = _said(
    "Hello. Ask me what data there is, what it means, where it comes from and how to query it.\n\n" + HELP
)
thanks = _said("You are welcome.")
