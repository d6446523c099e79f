"""Plans that list and count: popular, undocumented, personal, tagged, owned, by kind, and where a column is.

It is one file because they share the listing, its places and its words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from plugin.providers.builtin.phrases import (
    POINTING,
    VAGUE,
    code,
    kind_word,
    line,
    lines,
    listed,
    named,
    plain,
    popularity,
    words_of,
)
from plugin.providers.builtin.phrases import (
    count as number_of,
)
from plugin.providers.builtin.places import place_of
from plugin.providers.builtin.resolve import not_found
from plugin.providers.builtin.talk import Plan, Talk, Thing, Want, rows_of, things
from plugin.providers.builtin.understand import Intent, is_pronoun, kind_of

MOST = 20
_TABLES = ("table", "view")


def _kinds(intent: Intent, default: tuple[str, ...] = ()) -> tuple[str, ...]:
    word = (intent.slots.get("kind") or "").lower()
    if "and" in word:
        return _TABLES
    kind = (
        kind_of(word)
        if word and word not in ("data", "things", "resources", "assets", "dataset", "datasets")
        else None
    )
    return (kind,) if kind and kind != "integration" else default


def _listing(
    what: str, *, title: str, none: str, default: tuple[str, ...] = _TABLES
) -> Callable[[Talk, Intent], Plan]:
    def planned(talk: Talk, intent: Intent) -> Plan:
        place, missing = yield from place_of(talk, intent)
        if missing is not None:
            return not_found(missing)
        wanted: dict[str, Any] = {"what": what, "limit": _limit(intent, 10 if what == "popular" else MOST)}
        kinds = _kinds(intent, default)
        if kinds == ("table",) and what in ("verified", "popular", "recent"):
            kinds = _TABLES
        if kinds:
            wanted["kinds"] = list(kinds)
        wanted |= place.narrow()
        given = yield Want("browse", wanted)
        found = things(given.fragments)
        if kinds == ("table",) and what in ("unowned", "undocumented") and not found:
            kinds = _TABLES  # "all tables have an owner" says nothing of a schema of views
            given = yield Want("browse", {**wanted, "kinds": list(kinds)})
            found = things(given.fragments)
        where = place.where
        noun = " and ".join(f"{kind_word(each)}s" for each in kinds) or "resources"
        if what == "popular" and found and not any(each.text("popularity") for each in found):
            return f"Nothing is known yet about how often {noun}{where} are used; a sync reads that from query logs."
        if not found:
            return none.format(noun=noun, where=where)
        more = f"\n\n{plain(given.said)}" if "in all" in given.said else ""
        return f"{title.format(noun=noun, where=where)}\n\n{_lines(what, found)}{more}"

    return planned


def _lines(what: str, found: list[Thing]) -> str:
    if what == "personal":
        return "\n".join(_personal_line(each) for each in found)
    if what == "recent":
        return "\n".join(f"- {named(each)}" for each in found)
    if what == "popular":
        used = [each for each in found if each.text("popularity")]
        return "\n".join(f"{line(each)} (popularity {popularity(each)} of 100)" for each in used)
    return lines(found, describe=what != "undocumented")


def _personal_line(thing: Thing) -> str:
    why = f"marked {plain(thing.text('sensitivity'))}" if thing.text("sensitivity") else "by its name"
    return f"- {named(thing)} ({why})"


def _limit(intent: Intent, default: int) -> int:
    digits = (intent.slots.get("n") or "").strip()
    return max(1, min(int(digits), 50)) if digits.isdecimal() else default


popular = _listing(
    "popular", title="The most popular {noun}{where}:", none="There are no {noun}{where} that you can see."
)
undocumented = _listing(
    "undocumented",
    title="These {noun}{where} have no description:",
    none="All {noun}{where} have a description.",
)
unowned = _listing(
    "unowned", title="These {noun}{where} have no owner:", none="All {noun}{where} have an owner."
)
_recent = _listing(
    "recent",
    title="Changed last at their source:",
    none="No {noun}{where} say when they last changed; not every source tells.",
)


def recent(talk: Talk, intent: Intent) -> Plan:
    """What changed last at its source; where no source tells, what syncs found to be different."""
    from plugin.providers.builtin.drift import changes

    text = yield from _recent(talk, intent)
    if not text.startswith("No "):
        return text
    return (yield from changes(talk, intent, known=text))


def idle(talk: Talk, intent: Intent) -> Plan:
    """What has not changed at its source for so long, as far as sources tell; a sync that is old is another matter."""
    from plugin.providers.builtin.drift import day_of, days_of

    place, missing = yield from place_of(talk, intent)
    if missing is not None:
        return not_found(missing)
    time, today = intent.slots.get("time") or "", datetime.now(UTC).date()
    since = day_of(time, today)
    days = max(1, (today - since).days) if since else days_of(time, today)
    kinds = _kinds(intent, _TABLES)
    kinds = _TABLES if kinds == ("table",) else kinds
    given = yield Want(
        "browse", {"what": "idle", "days": days, "kinds": list(kinds), "limit": MOST, **place.narrow()}
    )
    found = things(given.fragments)
    noun = " and ".join(f"{kind_word(each)}s" for each in kinds)
    span = number_of(days, "day")
    if not found:
        return (
            f"No {noun.replace(' and ', ' or ')}{place.where} that you can see is said by its source to be "
            f"unchanged for {span}. Not every source tells when rows change."
        )
    rows = "\n".join(f"- {named(each)}: last changed on {each.text('changed_at')} UTC" for each in found)
    more = f"\n\n{plain(given.said)}" if "in all" in given.said else ""
    return (
        f"Unchanged at their source for {span} or more, the longest first ({noun}{place.where}):\n\n{rows}{more}\n\n"
        "What no source tells is not among them."
    )


verified = _listing("verified", title="Verified {noun}{where}:", none="No {noun}{where} are verified yet.")
_personal = _listing(
    "personal",
    title="These columns{where} look personal. That is judged by name, type and classification; no value was read:",
    none="No column{where} looks personal by its name or classification. No value was read to say so.",
    default=("column",),
)


def personal(talk: Talk, intent: Intent) -> Plan:
    """Columns that look personal, always columns whatever word the question used."""
    slots = {key: value for key, value in intent.slots.items() if key == "in"}
    if not slots and is_pronoun(intent.slots.get("s", "-")):
        slots = {"in": "it"}
    return (yield from _personal(talk, Intent(intent.name, slots, intent.question, intent.quoted)))


def largest(talk: Talk, intent: Intent) -> Plan:
    """The tables with the most rows, or with more than so many, as far as the sources estimate them."""
    place, missing = yield from place_of(talk, intent)
    if missing is not None:
        return not_found(missing)
    least = _rows_meant(intent.slot("rows"))
    wanted: dict[str, Any] = {"what": "largest", "limit": _limit(intent, 10) if least is None else MOST}
    wanted |= place.narrow()
    given = yield Want("browse", wanted)
    found = things(given.fragments)
    where = place.where
    found = [each for each in found if each.text("row_estimate")]
    if not found:
        return f"No table{where} has an estimate of its rows; not every source gives one."
    start = f"The largest tables{where}, as their sources estimate"
    if least is not None:
        largest_one = found[0]
        found = [each for each in found if int(each.text("row_estimate")) >= least]
        start = f"Tables{where} with {least:,} rows or more, as their sources estimate"
        if not found:
            rows_there = f"{int(largest_one.text('row_estimate')):,}"
            return f"No table{where} has so many rows; the largest is {named(largest_one)} with about {rows_there}."
    rows = [f"- {named(each)}: about {int(each.text('row_estimate')):,} rows" for each in found]
    return f"{start}:\n\n" + "\n".join(rows)


def smallest(talk: Talk, intent: Intent) -> Plan:
    """The tables with the fewest rows, where all that have an estimate fit one page: it comes largest first."""
    place, missing = yield from place_of(talk, intent)
    if missing is not None:
        return not_found(missing)
    given = yield Want("browse", {"what": "largest", "limit": 50, **place.narrow()})
    found = [each for each in things(given.fragments) if each.text("row_estimate")]
    if not found:
        return f"No table{place.where} has an estimate of its rows; not every source gives one."
    if len(found) >= 50:
        return f"There are too many tables{place.where} to tell the smallest here; ask for one schema."
    found = found[::-1][: _limit(intent, 10)]
    rows = [f"- {named(each)}: about {int(each.text('row_estimate')):,} rows" for each in found]
    start = f"The smallest tables{place.where}, as their sources estimate; those without an estimate are not among them"
    return f"{start}:\n\n" + "\n".join(rows)


_SCALES = {"k": 10**3, "thousand": 10**3, "m": 10**6, "million": 10**6, "b": 10**9, "billion": 10**9}


def _rows_meant(text: str) -> int | None:
    """ "more than 1.5 million" -> 1500001; None where no number is said."""
    match = re.fullmatch(r"(more than|over|above|exceeding)?.*?([\d.,]+) ?([a-z]+)?", text, re.I)
    if match is None:
        return None
    beyond, digits, scale = match.groups()
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+", digits):
        digits = digits.replace(",", "")
    try:
        number = float(digits) * _SCALES.get((scale or "").lower(), 1)
    except ValueError:
        return None
    return int(number) + (1 if beyond else 0)


def tagged(talk: Talk, intent: Intent) -> Plan:
    """What carries a tag; what belongs to a group of dbt has one of that name."""
    of_group = intent.slots.get("group")
    tag = f"group:{of_group}" if of_group else intent.slot("tag")
    found: list[Thing] = []
    for kinds in (
        [*_kinds(intent)] or ["table", "view", "dashboard", "model", "metric", "term", "schema"],
        ["column"],
    ):
        given = yield Want("browse", {"what": "all", "tag": tag, "kinds": kinds, "limit": MOST})
        found += things(given.fragments)
    if not found:
        given = yield Want("count", {"by": "tag"})
        tags = [str(row["name"]) for row in rows_of(given.fragments, "counts")]
        near = [each for each in tags if each.lower() == tag.lower()]
        if near and near[0] != tag:
            slots = {**intent.slots, "tag": near[0]}
            slots.pop("group", None)
            return (yield from tagged(talk, Intent(intent.name, slots, intent.question, intent.quoted)))
        known = f" Tags in use: {listed([code(each) for each in tags[:20]])}." if tags else ""
        return f"Nothing that you can see is tagged {code(tag)}.{known}"
    return f"{number_of(len(found), 'resource')} tagged {code(tag)}:\n\n{lines(found)}"


def in_use(talk: Talk, intent: Intent) -> Plan:
    """Every tag, or every owner, with how much carries it."""
    by = "owner" if intent.slots.get("by", "").lower().startswith("owner") else "tag"
    given = yield Want("count", {"by": by})
    rows = rows_of(given.fragments, "counts")
    if not rows:
        return f"No {by}s are in use on what you can see."
    said = [
        f"- {plain(str(row['name'])) if by == 'owner' else code(str(row['name']))}: "
        f"{number_of(int(row['number']), 'resource')}"
        for row in rows[:MOST]
    ]
    more = f"\n\nThere are {len(rows)} in all." if len(rows) > MOST else ""
    return f"{by.capitalize()}s in use:\n\n" + "\n".join(said) + more


def _folded(name: str) -> str:
    """Lower case without accents: people type Tomas for Tomás."""
    apart = unicodedata.normalize("NFKD", name.lower())
    return "".join(each for each in apart if not unicodedata.combining(each))


def owned_by(talk: Talk, intent: Intent) -> Plan:
    """What a person or group owns."""
    who = intent.slot("who")
    if who.lower() in ("i", "me", "myself"):
        return "The Home page lists what you own. Here, ask by name: “what does <name> own?”"
    given = yield Want("count", {"by": "owner"})
    owners = {str(row["name"]): int(row["number"]) for row in rows_of(given.fragments, "counts")}
    wanted = _folded(who).split("@")[0]
    close = [
        name
        for name in owners
        if wanted in _folded(name) or set(words_of(wanted)) <= set(words_of(_folded(name)))
    ]
    if not close:
        return f"I found nothing owned by {code(who)} in what you can see."
    out = []
    for name in close[:3]:
        listing = yield Want(
            "browse",
            {
                "what": "all",
                "owner": name,
                "limit": MOST,
                "kinds": ["table", "view", "dashboard", "term", "model", "metric"],
            },
        )
        found = things(listing.fragments)
        if found:
            out.append(f"{plain(name)} owns {number_of(len(found), 'resource')}:\n\n{lines(found)}")
    return (
        "\n\n".join(out)
        or f"{plain(close[0])} owns {number_of(owners[close[0]], 'resource')} of other kinds."
    )


def count(talk: Talk, intent: Intent) -> Plan:
    """How many things the catalog has, as far as this person sees."""
    kind = kind_of(intent.slots.get("kind") or "")
    place, missing = yield from place_of(talk, intent)
    if missing is not None:
        return not_found(missing)
    where = place.where
    if kind == "integration":
        given = yield Want("browse", {"what": "integrations"})
        rows = rows_of(given.fragments, "counts")
        verb = "is" if len(rows) == 1 else "are"
        return f"There {verb} {number_of(len(rows), 'integration')} with something you can see."
    within = place.thing
    given = yield Want("count", {"by": "kind", **place.narrow()})
    counts = {str(row["name"]): int(row["number"]) for row in rows_of(given.fragments, "counts")}
    if kind is None:
        if not counts:
            return "The catalog is empty, or nothing in it is visible to you yet."
        said = listed(
            [
                number_of(number, kind_word(name))
                for name, number in sorted(counts.items(), key=lambda c: -c[1])
            ]
        )
        schemas = yield Want("count", {"by": "schema"})
        top = rows_of(schemas.fragments, "counts")[:12]
        text = f"You can see {said}."
        if top:
            text += "\n\nBy schema:\n\n" + "\n".join(
                f"- {code(str(r['name']))}: {int(r['number']):,}" for r in top
            )
        return text
    if within is not None and within.kind == kind:
        return f"{named(within)} is one {kind_word(kind)}."
    of_kind = {name: number for name, number in counts.items() if name == kind or name.endswith(f"_{kind}")}
    number = sum(of_kind.values())
    also = kind_of(intent.slots.get("kind2") or "")
    text = (
        f"There {'is' if number == 1 else 'are'} {number_of(number, kind_word(kind))}{where} that you can see"
    )
    if also and also != kind:
        others = sum(n for k, n in counts.items() if k == also or k.endswith(f"_{also}"))
        text += f", and {number_of(others, kind_word(also))}"
    elif kind == "table" and counts.get("view"):
        views = sum(n for k, n in counts.items() if k.endswith("view"))
        text += f", and {number_of(views, 'view')}"
    return text + "."


def per_place(talk: Talk, intent: Intent) -> Plan:
    """How much each schema or integration holds, the fullest first."""
    by = "schema" if intent.slots.get("by", "schema") in ("schema", "database") else "integration"
    given = yield Want("count", {"by": by})
    rows = sorted(rows_of(given.fragments, "counts"), key=lambda row: -int(row["number"]))
    if not rows:
        return "The catalog is empty, or nothing in it is visible to you yet."
    said = [f"- {code(str(row['name']))}: {number_of(int(row['number']), 'resource')}" for row in rows[:MOST]]
    more = f"\n\nThere are {len(rows)} in all." if len(rows) > MOST else ""
    return f"What you can see by {by}, tables, views and the like:\n\n" + "\n".join(said) + more


def list_kind(talk: Talk, intent: Intent) -> Plan:
    """Everything of a kind, or everything in a container."""
    kind = kind_of(intent.slots.get("kind") or "")
    if kind == "integration":
        given = yield Want("browse", {"what": "integrations"})
        rows = rows_of(given.fragments, "counts")
        if not rows:
            return (
                "No integration has anything that you can see. An admin connects sources under Integrations."
            )
        return "Connected sources:\n\n" + "\n".join(
            f"- {plain(str(row['name']))}: {number_of(int(row['number']), 'resource')}" for row in rows
        )
    place, missing = yield from place_of(talk, intent)
    if missing is not None:
        return not_found(missing)
    within = place.thing
    if kind == "column" and within is not None and within.is_table:
        from plugin.providers.builtin.facts import columns

        return (yield from columns(talk, Intent("columns", {"s": str(within.id)}, intent.question)))
    word = (intent.slots.get("kind") or "").lower()
    kinds = _TABLES if "and" in word else (kind,) if kind else _TABLES
    wanted: dict[str, Any] = {"what": "all", "kinds": list(kinds), "limit": 50}
    wanted |= place.narrow()
    given = yield Want("browse", wanted)
    found = things(given.fragments)
    where = place.where
    noun = " and ".join(f"{kind_word(each)}s" for each in kinds)
    if not found and kinds == ("table",):
        given = yield Want("browse", {**wanted, "kinds": ["view"]})
        found = things(given.fragments)
        noun = "tables, but views" if found else noun
    if not found and kind == "database" and not where:
        sources = yield from list_kind(talk, Intent("list", {"kind": "integrations"}, intent.question))
        return f"You see no database as a whole. {sources}"
    if not found:
        return f"There are no {noun}{where} that you can see."
    more = f"\n\n{plain(given.said)}" if "in all" in given.said else ""
    start = f"No {noun}{where}:" if noun.startswith("tables, but") else f"{noun.capitalize()}{where}:"
    if kind == "database" and within is None and not place.integration:
        more += yield from _sources_of(found)
    return f"{start}\n\n{lines(found)}{more}"


def _sources_of(databases: list[Thing]) -> Plan:
    """The connected sources that have no database of their own: a file of SQLite, a dbt project, a BI tool."""
    given = yield Want("browse", {"what": "integrations"})
    known = {each.text("integration") for each in databases}
    rest = [
        str(row["name"])
        for row in rows_of(given.fragments, "counts")
        if str(row["name"]).rpartition(" (")[0] not in known
    ]
    return f"\n\nConnected beside them: {listed([plain(each) for each in rest[:MOST]])}." if rest else ""


def where_column(talk: Talk, intent: Intent) -> Plan:
    """Which tables have a column of this name."""
    phrase = intent.slot("c")
    given = yield Want("search", {"text": phrase, "kinds": ["column"], "limit": 25})
    found = things(given.fragments)
    spoken = words_of(phrase)
    exact = [each for each in found if words_of(each.name) == spoken]
    telling = set(spoken) - VAGUE - POINTING or set(spoken)
    partly = [each for each in found if each not in exact and telling & set(words_of(each.name))]
    if not exact and not partly:
        if found:
            return f"No column is called {code(phrase)}. These come closest:\n\n{lines(found[:8])}"
        return f"I found no column like {code(phrase)} in what you can see."
    if not exact:
        return f"No column is called exactly {code(phrase)}. These come closest:\n\n{lines(partly[:12])}"
    text = f"{number_of(len(exact), 'column')} called {code(phrase)}:\n\n" + "\n".join(
        line(each) for each in exact
    )
    if partly:
        text += "\n\nSimilar:\n\n" + lines(partly[:6])
    return text
