"""Plans about columns of a name wherever they are: which tables hold them, which keys lead to them."""

from __future__ import annotations

import re

from plugin.providers.builtin.find import find
from plugin.providers.builtin.phrases import (
    POINTING,
    VAGUE,
    code,
    count,
    line,
    lines,
    listed,
    named,
    plain,
    words_of,
)
from plugin.providers.builtin.talk import Plan, Talk, Thing, Want, rows_of, things
from plugin.providers.builtin.understand import Intent

MOST = 20


def tables_with(talk: Talk, intent: Intent) -> Plan:
    """Which tables hold such a thing: those with a column named so, with its classification; else a search."""
    phrase = re.sub(r" (?:column|field)s?$", "", intent.slot("c"), flags=re.I)
    spoken = set(words_of(phrase))
    given = yield Want("search", {"text": phrase, "kinds": ["column"], "limit": 25})
    telling = spoken - VAGUE or spoken
    found = (
        [each for each in things(given.fragments) if each.name.lower() == phrase.lower()]
        or [each for each in things(given.fragments) if spoken <= set(words_of(each.name))]
        or [each for each in things(given.fragments) if _holds(each, telling, spoken)]
    )
    if not found and len(telling) > 1:
        found = [
            each
            for each in things(given.fragments)
            if telling <= set(words_of(" ".join(each.qualified.split(".")[-2:])))
            and telling & set(words_of(each.name))
        ]
    if not found and len(telling) == 1 and not telling & VAGUE:
        word = next(iter(telling))
        given = yield Want("search", {"text": word, "kinds": ["column"], "limit": 25})
        found = [each for each in things(given.fragments) if _holds(each, telling, spoken)]
    if not found:
        return (yield from find(talk, Intent("find", {"s": phrase}, intent.question, intent.quoted)))
    tables: dict[str, list[Thing]] = {}
    for each in found:
        tables.setdefault(each.qualified.rpartition(".")[0], []).append(each)
    rows = [f"- {code(table)}: {listed([_column(each) for each in its])}" for table, its in tables.items()]
    verb = "has" if len(tables) == 1 else "have"
    text = (
        f"{count(len(tables), 'table')} {verb} a column for {code(phrase)}, by its name; no value was read:"
    )
    return f"{text}\n\n" + "\n".join(rows[:MOST])


def _holds(column: Thing, telling: set[str], spoken: set[str]) -> bool:
    """Does the column's name say all that tells, and is it more than a pointer at what was left out?"""
    own = set(words_of(column.name))
    return telling <= own and (telling == spoken or not own & POINTING)


def _column(thing: Thing) -> str:
    marked = thing.text("sensitivity")
    return f"{code(thing.name)} [[{thing.id}]]" + (f" (marked {plain(marked)})" if marked else "")


def column_uses(talk: Talk, intent: Intent) -> Plan:
    """Which columns carry this name, and which foreign keys lead to it; a table of that name: what depends on it."""
    from plugin.providers.builtin.relations import downstream

    phrase = intent.slot("c")
    given = yield Want("search", {"text": phrase, "kinds": ["column"], "limit": 25})
    same = [each for each in things(given.fragments) if words_of(each.name) == words_of(phrase)]
    if not same:
        return (
            yield from downstream(talk, Intent("downstream", {**intent.slots, "s": phrase}, intent.question))
        )
    text = f"{count(len(same), 'column')} called {code(phrase)}:\n\n" + "\n".join(
        line(each) for each in same[:MOST]
    )
    for each in same:
        owner = each.qualified.rpartition(".")[0]
        if set(words_of(owner.rpartition(".")[2])) & set(words_of(phrase)):
            hops = yield Want("find_joins", {"table": owner})
            led = [
                f"- {code(str(hop['left']))} on {code(str(hop['on']))}"
                for hop in rows_of(hops.fragments, "joins")
                if str(hop["right"]) == owner and str(hop["on"]).endswith(f"= {each.name}")
            ]
            if led:
                text += f"\n\nThese refer to {named(each)}:\n\n" + "\n".join(led[:MOST])
            break
    return text


def kind_about(talk: Talk, intent: Intent) -> Plan:
    """Things of one kind about a topic; where there are none, that first, then what comes near."""
    from plugin.providers.builtin.phrases import kind_word
    from plugin.providers.builtin.understand import kind_of

    kind, phrase = kind_of(intent.slots.get("kind") or "") or "table", intent.slot("s")
    if kind == "integration":
        return (yield from find(talk, Intent("find", {"s": phrase}, intent.question, intent.quoted)))
    kinds = [kind, "chart"] if kind == "dashboard" else [kind]
    given = yield Want("search", {"text": phrase, "kinds": kinds, "limit": 15})
    found = things(given.fragments)
    if found:
        return f"{count(len(found), kind_word(kind))} about {code(phrase)}:\n\n{lines(found)}"
    near = yield from find(talk, Intent("find", {"s": phrase}, intent.question, intent.quoted))
    none = f"There is no {kind_word(kind)} about {code(phrase)} that you can see."
    return none if near.startswith("I found nothing") else f"{none} What comes near:\n\n{near}"
