"""What may no longer hold: a line below each answer that rests on it, and the answer to "which tables are stale?".

Enters: an answer with its citations and the talk that it rests on, or such a question. Leaves: a note or nothing, or
the list of what is gone at its source, synced long ago or from before a sync that failed.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import chain

from plugin.providers.builtin.phrases import code, count, kind_word, listed, named, plain
from plugin.providers.builtin.places import integration_called, place_of
from plugin.providers.builtin.resolve import not_found
from plugin.providers.builtin.talk import CITED, Plan, Talk, Thing, Want, things
from plugin.providers.builtin.understand import Intent, kind_of

MOST = 5
SAID = ("Stale: ", " is stale: ", "This may be out of date: ")
"""How answers about one thing say it themselves."""


def note(answer: str, talk: Talk) -> str:
    """Which cited things are gone at their source, were synced long ago or are from before a sync that failed."""
    cited = set(CITED.findall(answer))
    if not cited or any(said in answer for said in SAID):
        return ""
    names: dict[str, dict[str, None]] = defaultdict(dict)
    for each in things(chain(talk.context, *(given.fragments for given in talk.given))):
        if each.text("freshness") and cited & {str(each.id), each.qualified}:
            names[each.text("freshness")][each.qualified] = None
    lines = []
    for words, which in names.items():
        shown = [code(name) for name in which][:MOST]
        more = f" and {len(which) - MOST} more" if len(which) > MOST else ""
        lines.append(f"This may be out of date: {listed(shown)}{more} ({plain(words)}).")
    return "\n\n" + "\n\n".join(lines) if lines else ""


def which(talk: Talk, intent: Intent) -> Plan:
    """What of the catalog may no longer hold, and why; asked for sources, these."""
    place, missing = yield from place_of(talk, intent)
    if missing is not None:
        return not_found(missing)
    word = (intent.slots.get("kind") or "").lower()
    kind = kind_of(word) if "and" not in word else None
    if kind == "integration" or word.startswith("sync"):
        return (yield from _sources())
    kinds = ["table", "view"] if kind is None else [kind]
    given = yield Want("browse", {"what": "stale", "limit": 20, "kinds": kinds, **place.narrow()})
    found = things(given.fragments)
    if not found:
        noun = " or ".join(kind_word(each) for each in kinds)
        return (
            f"No {noun}{place.where} that you can see is stale: none is gone at its source, and each was synced within "
            "the last two days by a sync that ended well. When rows last changed is another matter; ask “what changed "
            "recently?”"
        )
    nouns = " and ".join(f"{kind_word(each)}s" for each in kinds)
    rows = "\n".join(f"- {named(each)}: {plain(each.text('freshness'))}" for each in found)
    more = f"\n\n{plain(given.said)}" if "in all" in given.said else ""
    return f"{SAID[0]}these {nouns}{place.where} may no longer be as the catalog says:\n\n{rows}{more}"


def last_sync(talk: Talk, intent: Intent) -> Plan:
    """Of an integration whether its last sync is recent and ended well; of anything else when it last changed."""
    from plugin.providers.builtin.facts import freshness

    name = yield from integration_called(intent.slot("s"))
    if not name:
        return (yield from freshness(talk, intent))
    given = yield Want("browse", {"what": "integrations"})
    late = [each for each in map(Thing, given.fragments) if each.kind == "integration"]
    told = next((each.text("freshness") for each in late if each.text("name") == name), "")
    said = plain(told) if told else "it was synced within the last two days, and its last sync ended well"
    return f"Of the integration {code(name)}: {said}. The Integrations page tells the minute."


def _sources() -> Plan:
    given = yield Want("browse", {"what": "integrations"})
    late = [each for each in map(Thing, given.fragments) if each.kind == "integration"]
    if not late:
        return (
            "No source of what you can see is stale: each was synced within the last two days, and its last sync "
            "ended well."
        )
    rows = "\n".join(f"- {code(each.text('name'))}: {plain(each.text('freshness'))}" for each in late)
    return f"{SAID[0]}{count(len(late), 'source')} of what you can see:\n\n{rows}"
