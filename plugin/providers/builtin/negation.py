"""Lists of what is not: "tables not tagged core", "which tables does Tomas not own". What was excluded is never shown.

Enters: a cleaned question, or an intent made of one. Leaves: an intent's name and its phrases, or the answer. A list
question whose negation nothing here reads is said to be unread: a best match would be what was excluded.
"""

# ruff: noqa: E501 - one pattern is one line: broken up they cannot be read beside each other

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING

from plugin.providers.builtin.phrases import code, count, kind_word, lines, named
from plugin.providers.builtin.talk import Plan, Talk, Thing, Want, rows_of, things

if TYPE_CHECKING:
    from plugin.providers.builtin.understand import Intent

LONGEST = 400
"""Characters of a question that is held against these patterns."""
MOST_EDGES = 120
"""Where lineage ends to be told: beyond it nobody knows here what is missing."""
PAGE = 50
_KIND = r"(?P<kind>tables and views|views and tables|tables?|views?|schemas?|columns?|fields?|dashboards?|reports?|charts?|models?|metrics?)"
_ASK = r"(?:(?:which|what|list|show|find|give|display|get|are|is|there|do|we|have|me|all|any|the|our|of) )*"
_IN = r"(?: (?:in|of|under|from) (?:the )?(?P<in>\S+)(?: schema| database| integration)?)?"
_IN_2 = r"(?: (?:in|under|within) (?:the )?(?P<in2>\S+)(?: schema| database| integration)?)?"
_BE = r"(?: (?:that|which|are|is|do|does|have|has|were|was))*"
_HEAD = rf"{_ASK}{_KIND}{_IN}{_BE}"
_GOOD = r"(?:verified|trusted|certified|approved)"
_RULES = tuple(
    (name, re.compile(pattern, re.I))
    for name, pattern in (
        ("not_tagged", rf"{_HEAD} (?:untagged|not tagged|no tags?|without(?: any| a)? tags?|with no tags?){_IN_2}"),
        ("not_tagged", rf"{_ASK}untagged {_KIND}{_IN_2}"),
        ("not_tagged", rf"{_HEAD} (?:not|without|lacking)(?: have| carry)?(?: the| a)? (?:tagged|labelled|tag|label)(?: as| with)? (?P<tag>\S+){_IN_2}"),
        ("not_tagged", rf"{_HEAD} (?:not|without|lacking)(?: have| carry)?(?: the| a)? (?P<tag>\S+) tag{_IN_2}"),
        ("not_owned_by", rf"{_HEAD} not (?:owned by|belong to|belonging to) (?!(?:any|some|no)(?:one|body)\b)(?P<who>[^\s]+(?: [^\s]+)?){_IN_2}"),
        ("not_owned_by", rf"{_HEAD} (?P<who>[^\s]+(?: [^\s]+)?) (?:does|do) not own{_IN_2}"),
        ("not_verified", rf"{_HEAD}(?: not(?: yet)?(?: been)? {_GOOD}(?: yet)?| un(?:verified|trusted|certified)){_IN_2}"),
        ("not_verified", rf"{_ASK}un(?:verified|trusted|certified) {_KIND}{_IN_2}"),
        ("unused", rf"{_HEAD} (?:not|never)(?: been)? (?:used|queried|read)(?: by anyone| by anybody)? (?P<time>lately|recently|for a while|in a while){_IN_2}"),
        ("not_using", rf"{_HEAD} not (?:use|using|read|reading|depend on|depending on|rely on|built on|based on)(?: from)?(?: the)? (?P<s>\S+)(?: table| view)?"),
    )
)  # fmt: skip
_LIST = re.compile(rf"{_ASK}(?:\w+ )?{_KIND}\b", re.I)
_NEGATION = re.compile(
    r"\b(?<!called )(?<!named )(not|without|except|excluding|never|no|neither|nor|nobody|lacking|lacks?|missing|cannot|other than|besides)\b",
    re.I,
)
_PLAIN = frozenset(
    """find about describe list where_column tables_with kind_about tagged verified owned_by popular largest downstream
    upstream recent personal joins_of column_uses columns keys meaning join data maybe_data""".split()
)
"""What would be answered as if nothing had been negated."""
_DATA = re.compile(r"tables?|views?|schemas?|columns?|dashboards?|tables and views|views and tables", re.I)


def negated(question: str) -> tuple[str, dict[str, str]] | None:
    """What a list question with a negation asks, where the catalog can answer it."""
    if len(question) > LONGEST:
        return None
    for name, pattern in _RULES:
        match = pattern.fullmatch(question)
        if match:
            slots: dict[str, str] = {}
            for group, value in match.groupdict().items():
                if value:
                    slots.setdefault(group.rstrip("2"), value)
            return name, slots
    return None


def unread(name: str, question: str, known: frozenset[str]) -> bool:
    """Would this intent answer a list question as if its negation were not there? `known`: words of real names."""
    match = _LIST.match(question)
    if name not in _PLAIN or match is None:
        return False
    if name in ("data", "maybe_data") and not _DATA.fullmatch(match["kind"]):
        return False
    return any(each.lower() not in known for each in _NEGATION.findall(question))


def cannot(talk: Talk, intent: Intent) -> Plan:
    """Said instead of a best match."""
    yield from ()
    return (
        "I cannot tell what is to be left out there, so I list nothing rather than what you excluded. Of what is not, I "
        "can answer, for example: tables not tagged `x`, tables that <name> does not own, tables not verified, tables "
        "without an owner, tables without a description, tables that nobody uses, tables not updated for 30 days, "
        "dashboards that do not use `x`. The Browse page has more filters."
    )


def _folded(name: str) -> str:
    apart = unicodedata.normalize("NFKD", name.lower())
    return "".join(each for each in apart if not unicodedata.combining(each))


def _rest(intent: Intent, keep: Callable[[Thing], bool], said: str) -> Plan:
    """What of a kind, as far as it was looked at, is to be kept."""
    from plugin.providers.builtin.places import place_of
    from plugin.providers.builtin.resolve import not_found
    from plugin.providers.builtin.understand import kind_of

    place, missing = yield from place_of(Talk(intent.question), intent)
    if missing is not None:
        return not_found(missing)
    word = intent.slots.get("kind", "tables").lower()
    kind = kind_of(word)
    kinds = ["table", "view"] if "and" in word or kind is None else [kind]
    given = yield Want("browse", {"what": "all", "kinds": kinds, "limit": PAGE, **place.narrow()})
    seen = things(given.fragments)
    found = [each for each in seen if keep(each)]
    noun = " and ".join(f"{kind_word(each)}s" for each in kinds)
    part = ""
    if "in all" in given.said:
        part = f"\n\nOnly the first {PAGE} by name were looked at, of more; ask for one schema."
    if not found:
        return f"No {noun.replace(' and ', ' or ')}{place.where} that you can see {said} came up.{part}"
    return f"{count(len(found), 'resource')} ({noun}{place.where}) {said}:\n\n{lines(found)}{part}"


def not_tagged(talk: Talk, intent: Intent) -> Plan:
    """Without this tag, or without any."""
    tag = intent.slot("tag").lower()
    if not tag:
        return (yield from _rest(intent, lambda each: not each.texts("tags"), "without a tag"))
    return (
        yield from _rest(
            intent,
            lambda each: tag not in (own.lower() for own in each.texts("tags")),
            f"not tagged {code(tag)}",
        )
    )


def not_owned_by(talk: Talk, intent: Intent) -> Plan:
    """What this person is no owner of, with what has no owner."""
    who = intent.slot("who")
    if who.lower() in ("i", "me", "myself"):
        return "Here, ask by name: “which tables does <name> not own?”"
    given = yield Want("count", {"by": "owner"})
    wanted = _folded(who).split("@")[0]
    names = {str(row["name"]) for row in rows_of(given.fragments, "counts")}
    close = {name for name in names if wanted in _folded(name)}
    if not close:
        return f"I found nothing owned by {code(who)} in what you can see, so nothing to leave out."
    text = yield from _rest(
        intent,
        lambda each: not close & set(each.texts("owners")),
        f"not owned by {code(', '.join(sorted(close)))}",
    )
    return text


def not_verified(talk: Talk, intent: Intent) -> Plan:
    """What nobody has verified."""
    return (yield from _rest(intent, lambda each: not each.flag("verified"), "not verified"))


def not_using(talk: Talk, intent: Intent) -> Plan:
    """What is not known to be downstream of a thing."""
    from plugin.providers.builtin.resolve import not_found, resolve

    meant = yield from resolve(talk, intent.slot("s"))
    if meant.thing is None or meant.loose:
        return not_found(meant)
    given = yield Want("lineage", {"resource": str(meant.thing.id), "direction": "downstream", "depth": 10})
    rows = rows_of(given.fragments, "edges")
    if len(rows) >= MOST_EDGES:
        return f"Too much depends on {named(meant.thing)} to tell here what does not; its page shows the lineage."
    users = {str(row.get("downstream", "")) for row in rows} | {meant.thing.qualified}
    text = yield from _rest(
        intent, lambda each: each.qualified not in users, f"not known to use {named(meant.thing)}"
    )
    return f"{text}\n\nUses outside the connected sources are unknown here."
