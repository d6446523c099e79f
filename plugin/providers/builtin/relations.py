"""Plans that follow lineage, both ways: what feeds a thing, what depends on it and whom to tell before a change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterable, Mapping
from typing import Any

from plugin.providers.builtin.phrases import count, kind_word, listed, named, plain
from plugin.providers.builtin.resolve import Meant, lead, not_found, resolve, tail
from plugin.providers.builtin.talk import Given, Plan, Talk, Thing, Want, rows_of, things
from plugin.providers.builtin.understand import Intent, kind_of

MOST = 25
MOST_OWNED = 5
"""Things of one owner that are named; the rest are counted."""


def upstream(talk: Talk, intent: Intent) -> Plan:
    """What feeds it."""
    meant, term = yield from _traced(talk, intent.slot("s"))
    if meant.thing is None:
        return not_found(meant)
    start, rows, _known, note = yield from _around(meant.thing, "upstream")
    return (term or lead(meant)) + note + _upstream(start, rows) + tail(meant)


def downstream(talk: Talk, intent: Intent) -> Plan:
    """What depends on it, with whom to tell."""
    meant, term = yield from _traced(talk, intent.slot("s"))
    if meant.thing is None:
        return not_found(meant)
    start, rows, known, note = yield from _around(meant.thing, "downstream")
    kind = kind_of(intent.slots.get("kind") or "")
    if start.kind == "column" and kind not in (None, "column", "integration"):
        text = yield from _that_may_show(start, rows, kind)
    else:
        text = _downstream(start, rows, known, kind)
    if start.kind == "column" and not kind:
        text += yield from _may_name(start, rows)
    return (term or lead(meant)) + note + text + tail(meant)


def whom_to_tell(talk: Talk, intent: Intent) -> Plan:
    """Who is to know of a change: the owners of it and of what depends on it, and what nobody answers for."""
    meant, term = yield from _traced(talk, intent.slot("s"))
    if meant.thing is None:
        return not_found(meant)
    start, rows, known, note = yield from _around(meant.thing, "downstream")
    own = start
    if start.kind == "column" and not start.texts("owners"):
        table = yield Want("retrieve", {"resource": start.qualified.rsplit(".", 1)[0]})
        own = next(iter(things(table.fragments)), start)
    owned: dict[str, list[str]] = defaultdict(list)
    for owner in own.texts("owners"):
        owned[owner].append(named(own))
    ownerless: list[str] = [] if own.texts("owners") else [named(own)]
    readers = dict.fromkeys(_end(row, "downstream", start) for row in rows)
    for name in readers:
        if name in (start.qualified, own.qualified):
            continue
        owners = known[name].texts("owners") if name in known else ()
        for owner in owners:
            owned[owner].append(cite(name))
        if not owners:
            ownerless.append(cite(name))
    text = f"Nobody is known to own {named(own)} or what depends on it."
    if owned:
        told = [f"- {plain(owner)}, who owns {_some(names)}" for owner, names in owned.items()]
        text = f"Before changing {named(start)}, tell:\n\n" + "\n".join(told)
        if ownerless:
            text += f"\n\nNobody answers for {_some(ownerless)}."
    text += "" if readers else f"\n\nNothing that I know of depends on {named(start)}."
    return (term or lead(meant)) + note + text + tail(meant)


def _some(names: list[str]) -> str:
    more = [count(len(names) - MOST_OWNED, "more")] if len(names) > MOST_OWNED else []
    return listed(names[:MOST_OWNED] + more)


def downstream_of(thing: Thing) -> Generator[Want, Given, str]:
    """What depends on a thing, in words, with whom to tell."""
    start, rows, known, note = yield from _around(thing, "downstream")
    return note + _downstream(start, rows, known, None)


def _traced(talk: Talk, phrase: str) -> Generator[Want, Given, tuple[Meant, str]]:
    """What to follow, and a word where a term of the glossary, which has no lineage, shares its name with data."""
    meant = yield from resolve(talk, phrase, column=True)
    if meant.thing is not None and meant.thing.kind == "term":
        data = yield from resolve(talk, phrase, kinds=("table", "view"))
        if data.thing is not None and data.thing.kind != "term":
            said = (
                f"{named(meant.thing)} is a glossary term; the data nearest to it is {named(data.thing)}.\n\n"
            )
            return data, said
        columns = yield from resolve(talk, phrase, kinds=("column",))
        if columns.thing is not None and not columns.loose and columns.thing.kind == "column":
            return columns, f"{named(meant.thing)} is a glossary term; this is for a column of that name.\n\n"
    return meant, ""


def may_drop(talk: Talk, intent: Intent) -> Plan:
    """May it be deleted: the verdict first, then what would break and whom to tell."""
    meant = yield from resolve(talk, intent.slot("s"), column=True)
    if meant.thing is None:
        return not_found(meant)
    start, rows, known, note = yield from _around(meant.thing, "downstream")
    keys: list[str] = []
    if start.is_table:
        given = yield Want("find_joins", {"table": str(start.id)})
        keys = list(
            dict.fromkeys(
                str(hop["left"])
                for hop in rows_of(given.fragments, "joins")
                if str(hop["right"]) == start.qualified and hop.get("source") == "foreign key"
            )
        )
    readers = {_end(row, "downstream", start) for row in rows} - {start.qualified}
    owners = start.texts("owners")
    if not readers and not keys:
        verdict = f"Nothing in this catalog stands in the way of deleting {named(start)}. "
    else:
        broken = [count(len(readers), "resource")] if readers else []
        broken += [f"foreign keys of {count(len(keys), 'table')}"] if keys else []
        verdict = f"Not without breaking {listed(broken)}. "
    text = lead(meant) + note + verdict + _downstream(start, rows, known, None)
    if keys:
        text += f"\n\nForeign keys lead to it from {listed([cite(each) for each in keys[:MOST]])}."
    text += (
        f"\n\nIts own owner: {plain(listed(owners))}." if owners else "\n\nIt has no owner of its own to ask."
    )
    return text + tail(meant)


def _may_name(column: Thing, rows: list[Mapping[str, Any]]) -> Generator[Want, Given, str]:
    """What reads the column's table without giving the column on: a filter or a join in it may name the column."""
    table = yield Want("retrieve", {"resource": column.qualified.rsplit(".", 1)[0]})
    found = next(iter(things(table.fragments)), None)
    if found is None:
        return ""
    given = yield Want("lineage", {"resource": str(found.id), "direction": "downstream", "depth": 1})
    sure = {str(row.get("downstream", "")) for row in rows}
    readers = dict.fromkeys(str(row.get("downstream", "")) for row in rows_of(given.fragments, "edges"))
    maybe = [name for name in readers if name not in sure and name != found.qualified]
    if not maybe:
        return ""
    owners = sorted(
        {
            owner
            for each in things(given.fragments)
            if each.qualified in maybe
            for owner in each.texts("owners")
        }
    )
    text = (
        "\n\nThese read its table without giving it on, and may name it in a filter or a join: "
        f"{listed([cite(name) for name in maybe[:MOST]])}."
    )
    return text + (f" Their owners: {plain(listed(owners))}." if owners else "")


def _that_may_show(column: Thing, rows: list[Mapping[str, Any]], kind: str) -> Generator[Want, Given, str]:
    """Things of a kind behind the tables that a column goes into: of a dashboard no source tells the columns."""
    table = column.qualified.rsplit(".", 1)[0]
    given = yield Want("lineage", {"resource": table, "direction": "downstream", "depth": 5})
    ways: dict[str, list[str]] = defaultdict(list)
    for row in rows_of(given.fragments, "edges"):
        ways[str(row.get("upstream", ""))].append(str(row.get("downstream", "")))
    known = {each.qualified: each for each in things(given.fragments)}
    through = dict.fromkeys(str(row.get("downstream", "")) for row in rows)
    reached = dict.fromkeys(
        name for each in (table, *through) for level in _levels(each, ways) for name in level
    )
    found = [known[name] for name in (*through, *reached) if name in known and _is(known[name], kind)]
    found = list({each.qualified: each for each in found}.values())
    if not found:
        return (
            f"No {kind_word(kind)} that I know of depends on {named(column)}. Uses outside the connected sources are "
            "unknown here."
        )
    what = count(len(found), kind_word(kind))
    verb = "is" if len(found) == 1 else "are"
    text = f"{what} {verb} built on what holds {named(column)} and may show it:\n\n"
    text += "\n".join(f"- {named(each)}" for each in found[:MOST])
    owners = sorted({owner for each in found for owner in each.texts("owners")})
    return text + (f"\n\nOwners to tell before changing it: {plain(listed(owners))}." if owners else "")


def _is(thing: Thing, kind: str) -> bool:
    return thing.kind == kind or thing.kind.endswith(f"_{kind}")


def _around(
    thing: Thing, direction: str
) -> Generator[Want, Given, tuple[Thing, list[Mapping[str, Any]], dict[str, Thing], str]]:
    """The edges around a thing; for a column without edges of its own, those of its table, with a word about it."""
    given = yield Want("lineage", {"resource": str(thing.id), "direction": direction, "depth": 5})
    rows = rows_of(given.fragments, "edges")
    note = ""
    if thing.kind == "column" and not rows and "." in thing.qualified:
        table = yield Want("retrieve", {"resource": thing.qualified.rsplit(".", 1)[0]})
        found = next(iter(things(table.fragments)), None)
        if found is not None:
            note = f"For the column {named(thing)} alone nothing is known; this is for its table.\n\n"
            thing = found
            given = yield Want("lineage", {"resource": str(thing.id), "direction": direction, "depth": 5})
            rows = rows_of(given.fragments, "edges")
    return thing, rows, {each.qualified: each for each in things(given.fragments)}, note


def lineage(talk: Talk, intent: Intent) -> Plan:
    """Both directions."""
    meant = yield from resolve(talk, intent.slot("s"), column=True)
    if meant.thing is None:
        return not_found(meant)
    given = yield Want("lineage", {"resource": str(meant.thing.id), "direction": "both", "depth": 4})
    rows = rows_of(given.fragments, "edges")
    if not rows:
        return f"{lead(meant)}No lineage of {named(meant.thing)} is known.{tail(meant)}"
    kinds = {each.qualified: each for each in things(given.fragments)}
    up, down = _upstream(meant.thing, rows), _downstream(meant.thing, rows, kinds, None)
    return f"{lead(meant)}{up}\n\n{down}{tail(meant)}"


def _upstream(thing: Thing, rows: Iterable[Mapping[str, Any]]) -> str:
    feeds: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in rows:
        feeds[_end(row, "downstream", thing)].append(
            (_end(row, "upstream", thing), str(row.get("source", "")))
        )
    direct, further = _levels(thing.qualified, {to: [name for name, _ in ends] for to, ends in feeds.items()})
    if not direct:
        return f"Nothing is known to feed {named(thing)}."
    sources = dict(feeds[thing.qualified])
    text = f"{named(thing)} is fed directly by {count(len(direct), 'resource')}:\n\n"
    text += "\n".join(_hop(name, sources.get(name, "")) for name in direct[:MOST])
    if further:
        text += f"\n\nFurther upstream: {listed([cite(name) for name in further[:MOST]])}."
    return text


def _downstream(
    thing: Thing, rows: Iterable[Mapping[str, Any]], known: Mapping[str, Thing], kind: str | None
) -> str:
    uses: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in rows:
        uses[_end(row, "upstream", thing)].append(
            (_end(row, "downstream", thing), str(row.get("source", "")))
        )
    direct, further = _levels(thing.qualified, {of: [name for name, _ in ends] for of, ends in uses.items()})
    if kind not in (None, "integration"):

        def wanted(name: str) -> bool:
            found = known.get(name)
            return found is None or _is(found, str(kind))

        direct, further = (
            [each for each in direct if wanted(each)],
            [each for each in further if wanted(each)],
        )
    if not direct and not further:
        what = f"No {kind_word(kind)}" if kind else "Nothing"
        return f"{what} that I know of depends on {named(thing)}. Uses outside the connected sources are unknown here."
    sources = dict(uses[thing.qualified])
    text = ""
    if direct:
        verb = "depends" if len(direct) == 1 else "depend"
        text = f"{count(len(direct), 'resource')} {verb} directly on {named(thing)}:\n\n"
        text += "\n".join(_hop(name, sources.get(name, ""), known.get(name)) for name in direct[:MOST])
    if further:
        start = "\n\nThrough those" if direct else f"Indirectly, through others, on {named(thing)} depend"
        text += f"{start}: {listed([cite(name) for name in further[:MOST]])}."
    owners = sorted(
        {owner for name in (*direct, *further) if name in known for owner in known[name].texts("owners")}
    )
    if owners:
        text += f"\n\nOwners to tell before changing it: {plain(listed(owners))}."
    return text


def _end(row: Mapping[str, Any], side: str, thing: Thing) -> str:
    name = str(row.get(side, ""))
    column = row.get(f"{side}_column")
    return f"{name}.{column}" if column and thing.kind == "column" else name


def _levels(start: str, ways: Mapping[str, list[str]]) -> tuple[list[str], list[str]]:
    """Neighbours, then everything behind them, each once."""
    direct = [each for each in dict.fromkeys(ways.get(start, ())) if each != start]
    seen = {start, *direct}
    further: list[str] = []
    level = direct
    while level:
        level = [each for name in level for each in dict.fromkeys(ways.get(name, ())) if each not in seen]
        level = list(dict.fromkeys(level))
        seen.update(level)
        further += level
    return direct, further


def cite(name: str) -> str:
    """A qualified name as code with its citation."""
    safe = name.replace("]", "").replace("[", "").replace("`", "'")
    return f"`{safe}` [[{safe}]]"


def _hop(name: str, source: str, thing: Thing | None = None) -> str:
    text = f"- {named(thing)}" if thing is not None and thing.id else f"- {cite(name)}"
    if thing is not None and not thing.is_table:
        text += f" ({kind_word(thing.kind)})"
    words = {
        "view": "its definition",
        "dbt": "dbt",
        "query_log": "queries that were run",
        "manual": "a person",
    }
    return f"{text}, known from {words.get(source, plain(source))}" if source else text
