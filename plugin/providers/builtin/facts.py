"""Plans that answer with one fact about one thing: owner, freshness, size, tags, columns, types, keys."""

from __future__ import annotations

import re
from collections.abc import Callable

from plugin.providers.builtin.find import find
from plugin.providers.builtin.phrases import code, count, listed, named, plain, table, words_of
from plugin.providers.builtin.resolve import lead, not_found, resolve, tail
from plugin.providers.builtin.talk import Plan, Talk, Thing, Want, rows_of, things
from plugin.providers.builtin.told import COLUMN_HEADS, description, key_text
from plugin.providers.builtin.understand import Intent

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
        return f"{named(thing)} has no owner of its own."
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
    if thing.text("freshness"):
        said.append(f"This may be out of date: {thing.text('freshness')}.")
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
        text += f" For the exact number, ask “how many {plain(thing.name)} are there”: I write the SQL."
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


def _personal(thing: Thing) -> str:
    if thing.kind != "column":
        marked = [each for each in thing.columns if each.get("sensitivity")]
        if not marked:
            return (
                f"No column of {named(thing)} is marked as personal or secret. No value was read to say so."
            )
        said = [f"{code(str(each['name']))} ({plain(str(each['sensitivity']))})" for each in marked]
        return f"Of {named(thing)} these columns are marked: {listed(said)}. No value was read to say so."
    if thing.text("sensitivity"):
        return (
            f"Yes, {named(thing)} is marked {plain(thing.text('sensitivity'))}. No value was read to say so."
        )
    return f"No, {named(thing)} is not marked as personal or secret. No value was read to say so."


def _parent(thing: Thing) -> str:
    return thing.qualified.rpartition(".")[0]


def _who_owns(owned: list[Thing]) -> str:
    return listed([f"{plain(listed(each.texts('owners')))} owns {named(each)}" for each in owned[:3]])


def owner(talk: Talk, intent: Intent) -> Plan:
    """Who owns it; where nobody does, who owns what is near it."""
    meant = yield from resolve(talk, intent.slot("s"), column=True)
    if meant.thing is None:
        known = [each for each in meant.others if each.texts("owners")]
        return not_found(meant) + (f"\n\nOf these, {_who_owns(known)}." if known else "")
    thing = meant.thing
    text = lead(meant) + _owner(thing)
    if thing.kind == "column" and not thing.texts("owners"):
        given = yield Want("retrieve", {"resource": _parent(thing)})
        for thing in things(given.fragments)[:1]:
            owners = plain(listed(thing.texts("owners")))
            text += f" Its table {named(thing)} {f'is owned by {owners}' if owners else 'has none either'}."
    if not thing.texts("owners"):
        given = yield Want("lineage", {"resource": str(thing.id), "direction": "both", "depth": 2})
        near = {each.id: each for each in things(given.fragments)}
        given = yield Want("search", {"text": intent.slot("s") or thing.name, "limit": 10})
        near |= {each.id: each for each in things(given.fragments)}
        if thing.is_table and "." in thing.qualified:
            given = yield Want("browse", {"what": "popular", "under": _parent(thing), "limit": 10})
            near |= {each.id: each for each in things(given.fragments)}
        owned = [each for each in near.values() if each.id != thing.id and each.texts("owners")]
        if owned:
            text += f" Nearest to it, {_who_owns(owned)}."
    return text + tail(meant)


freshness = _fact(_freshness)
size = _fact(_size)
tags_of = _fact(_tags)
is_verified = _fact(_verified)
is_personal = _fact(_personal)


# --- columns ---------------------------------------------------------------------------------------------------------


def columns(talk: Talk, intent: Intent) -> Plan:
    """All columns of a table."""
    meant = yield from resolve(talk, intent.slot("s"))
    if meant.thing is None:
        return not_found(meant)
    if not meant.thing.columns:
        if not meant.thing.is_table:
            return lead(meant) + description(meant.thing)
        return f"{lead(meant)}No columns of {named(meant.thing)} are known."
    shown = meant.thing.columns[:100]
    text = f"{named(meant.thing)} has {count(len(meant.thing.columns), 'column')}:\n\n{table(shown, COLUMN_HEADS)}"
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


def has_column(talk: Talk, intent: Intent) -> Plan:
    """Whether a table has a column, by its words; where the first is no table, what is found about both."""
    asked = re.sub(r"^(?:columns?|fields?) (?:called|named) ", "", intent.slot("c"), flags=re.I)
    wanted = set(words_of(asked))
    meant = yield from resolve(talk, intent.slot("s"), kinds=("table", "view"))
    if meant.thing is None or not meant.thing.columns or not wanted:
        both = f"{intent.slot('s')} {intent.slot('c')}".strip()
        return (yield from find(talk, Intent("find", {"s": both}, intent.question, intent.quoted)))
    names = [str(each["name"]) for each in meant.thing.columns]
    exact = [name for name in names if set(words_of(name)) == wanted]
    near = exact or [name for name in names if wanted & set(words_of(name))]
    if exact:
        types = {str(each["name"]): str(each.get("type") or "unknown") for each in meant.thing.columns}
        said = listed([f"{code(name)} ({code(types[name])})" for name in exact])
        return f"{lead(meant)}Yes, {named(meant.thing)} has {said}.{tail(meant)}"
    text = f"{lead(meant)}No column of {named(meant.thing)} is called {code(asked)}."
    if near:
        return f"{text} These come closest: {listed([code(name) for name in near[:8]])}."
    return f"{text} It has {listed([code(name) for name in names[:40]])}."


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
    out = [f"- {str(key.get('kind', '')).capitalize()} key: {key_text(key)}" for key in found]
    return f"{lead(meant)}Keys of {named(meant.thing)}:\n\n" + "\n".join(out) + tail(meant)
