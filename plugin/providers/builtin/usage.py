"""Plans about use: what runs most often, how much a table is used and by how many, and what nothing uses."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from typing import Any

from plugin.providers.builtin.phrases import code, count, listed, named, plain, popularity
from plugin.providers.builtin.places import integration_called, place_of
from plugin.providers.builtin.relations import downstream_of
from plugin.providers.builtin.resolve import Meant, lead, not_found, resolve, tail
from plugin.providers.builtin.talk import Given, Plan, Talk, Thing, Want, rows_of, things
from plugin.providers.builtin.understand import Intent

NOBODY_NAMED = "Who runs a query is never kept here: people are counted, not named."
_HOW_MANY = re.compile(r"(?:how many|number of)\b", re.I)


def queries(talk: Talk, intent: Intent) -> Plan:
    """Statements that are run often: on a table, in a schema or database, or anywhere."""
    limit = (intent.slots.get("n") or "").strip()
    wanted = {"limit": max(1, min(int(limit), 10))} if limit.isdecimal() else {}
    phrase = intent.slot("s")
    if not phrase:
        given = yield Want("frequent_queries", wanted)
        rows = rows_of(given.fragments, "queries")
        if not rows:
            return "No queries are known yet. A sync reads them from query logs; not every source tells them."
        return f"The queries that run most often, literals masked:\n\n{_blocks(rows)}"
    meant = yield from _used_thing(talk, phrase)
    if meant.thing is None:
        if (yield from integration_called(phrase)):
            return f"{code(phrase)} is an integration; ask for a table, a schema, a database of it, or for all queries."
        return not_found(meant)
    given = yield Want("frequent_queries", {"table": str(meant.thing.id), **wanted})
    rows = rows_of(given.fragments, "queries")
    if not rows:
        return f"{lead(meant)}No queries on {named(meant.thing)} are known. {_why(given)}{tail(meant)}"
    blocks = _blocks(rows)
    return f"{lead(meant)}Frequent queries on {named(meant.thing)}, literals masked:\n\n{blocks}{tail(meant)}"


def _blocks(rows: Sequence[Mapping[str, Any]]) -> str:
    blocks = []
    for row in rows:
        body = str(row.get("sql", "")).replace("```", "'''").replace("{{", "{ {")
        people = f" by {_people(int(row['people']))}" if row.get("people") else ""
        cost = f", {row['cost']} in all" if row.get("cost") else ""
        blocks.append(f"Run {count(int(row.get('runs', 0)), 'time')}{people}{cost}:\n\n```text\n{body}\n```")
    return "\n\n".join(blocks)


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number:,} people"


def _why(given: Given) -> str:
    """What the tool says beside that there is none."""
    return plain(given.said).removeprefix("No queries on it are known.").strip()


def _used_thing(talk: Talk, phrase: str) -> Generator[Want, Given, Meant]:
    """What a phrase means; of a column its table, since statements are known by the tables that they are over."""
    meant = yield from resolve(talk, phrase)
    if meant.thing is not None and meant.thing.kind == "column" and "." in meant.thing.qualified:
        given = yield Want("retrieve", {"resource": meant.thing.qualified.rpartition(".")[0]})
        found = things(given.fragments)
        return Meant(meant.phrase, found[0] if found else meant.thing, meant.loose, meant.others)
    if meant.thing is not None and meant.thing.kind == "term":
        data = yield from resolve(talk, phrase, kinds=("table", "view"))
        if data.thing is not None and data.thing.is_table:
            return data
    return meant


def use(talk: Talk, intent: Intent) -> Plan:
    """How often a table is queried and by how many, what reads it, and who knows more."""
    phrase = intent.slot("s")
    meant = yield from _used_thing(talk, phrase)
    if (meant.thing is None or meant.loose) and _HOW_MANY.match(intent.question):
        from plugin.providers.builtin.sql_plan import data

        return (yield from data(talk, Intent("data", {"s": intent.question}, intent.question, intent.quoted)))
    if meant.thing is None:
        return not_found(meant)
    thing = meant.thing
    if thing.kind in ("schema", "database"):
        from plugin.providers.builtin.lists import popular

        return (yield from popular(talk, Intent("popular", {"in": str(thing.id)}, intent.question)))
    said = [NOBODY_NAMED] if intent.slots.get("who") else []
    if thing.is_table:
        said.append((yield from _queried(thing)))
    if thing.text("popularity"):
        said.append(f"Its popularity is {popularity(thing)} of 100.")
    reads = yield from downstream_of(thing)
    owners = thing.texts("owners")
    more = f"\n\nIts owner may know more: {plain(listed(owners))}." if owners else ""
    return f"{lead(meant)}{' '.join(said)}\n\n{reads}{more}{tail(meant)}"


def _queried(thing: Thing) -> Generator[Want, Given, str]:
    told = next(iter(thing.rows("use")), None)
    if told is None:
        given = yield Want("frequent_queries", {"table": str(thing.id), "limit": 1})
        told = next(iter(rows_of(given.fragments, "use")), None)
        if told is None:
            return f"No query on {named(thing)} is known. {_why(given)}"
    runs, statements = count(int(told["runs"]), "time"), count(int(told["statements"]), "statement")
    text = f"{named(thing)} was queried {runs} by {statements} of the query log that you can see"
    if told.get("people"):
        return f"{text}, from at least {_people(int(told['people']))}; accounts of services do not count."
    return f"{text}. Its source does not tell accounts, so those of services count, too."


def unused(talk: Talk, intent: Intent) -> Plan:
    """What nothing is known to query, read or refer to, the largest first."""
    place, missing = yield from place_of(talk, intent)
    if missing is not None:
        return not_found(missing)
    word = (intent.slots.get("kind") or "tables").lower()
    kinds = {"view": ["view"], "dash": ["dashboard"], "mode": ["model"]}.get(word[:4], ["table", "view"])
    if word.startswith("table") and "view" not in word:
        kinds = ["table"]
    noun = " and ".join(f"{each}s" for each in kinds)
    given = yield Want("browse", {"what": "unused", "kinds": kinds, "limit": 20, **place.narrow()})
    found = things(given.fragments)
    if not found:
        return f"All {noun}{place.where} that you can see have some known use."
    rows = [f"- {named(each)}{_rows(each)}" for each in found]
    total = re.search(r"There are [\d,]+ in all\.", given.said)
    more = f"\n\n{total.group()}" if total else ""
    unlogged = [code(each.name) for each in map(Thing, given.fragments) if each.kind == "unlogged"]
    caveat = (
        "Accounts of services do not count, nor does a view, a dashboard or a key that not all who see a table may see;"
        " uses outside the connected sources are unknown here."
    )
    if unlogged:
        caveat += f" Of {listed(unlogged)} no query log is known: there only lineage and foreign keys tell."
    if intent.slots.get("time"):
        caveat = f"What was used once but not lately is not among them: when a query ran is not told here. {caveat}"
    text = f"Nothing is known to query, read or refer to these {noun}{place.where}"
    return f"{text}:\n\n" + "\n".join(rows) + f"{more}\n\n{caveat}"


def _rows(thing: Thing) -> str:
    rows = thing.text("row_estimate")
    return f": about {int(rows):,} rows" if rows else ""
