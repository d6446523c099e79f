"""The plan for "what changed": the differences that syncs found at the sources."""

from __future__ import annotations

import re
from collections.abc import Generator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from plugin.egress.parts import Fragment
from plugin.providers.builtin.phrases import code, count, kind_word, plain
from plugin.providers.builtin.places import EVERYWHERE, integration_called, place_of
from plugin.providers.builtin.resolve import Meant, not_found
from plugin.providers.builtin.talk import Given, Plan, Talk, Thing, Want
from plugin.providers.builtin.understand import Intent, kind_of

_DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_UNITS = {"hour": 1, "day": 1, "night": 1, "week": 7, "month": 31, "quarter": 92, "year": 365}
_SPAN = re.compile(
    r"(?P<n>\d+|a|one|two|three|few|couple of)? ?(?P<unit>hour|day|night|week|month|quarter|year)s?\b", re.I
)
_WORDS = {"a": 1, "one": 1, "two": 2, "three": 3, "few": 4, "couple of": 2}
RENAMED = "renamed"
_SAID = {
    "added": "was added", "removed": "was removed", "retyped": "has another type",
    "redescribed": "has another description", "required": "is NOT NULL now", "optional": "may be NULL now",
    "rekeyed": "has other keys",
    "redefined": "has another definition",
}  # fmt: skip


def changes(talk: Talk, intent: Intent, known: str = "") -> Plan:
    """What syncs found different; `known` is what was said before looking here."""
    today = datetime.now(UTC).date()
    time = intent.slots.get("time") or ""
    days, since = days_of(time, today), day_of(time, today)
    change = intent.slots.get("change") or ""
    wanted: dict[str, Any] = {"limit": 40} | ({"since": f"{since}"} if since else {"days": days})
    if change in _SAID:
        wanted["change"] = change
    kind = kind_of(intent.slots.get("kind") or "")
    if kind is not None and kind != "integration":
        wanted["kinds"] = ["table", "view"] if "and" in intent.slots["kind"] else [kind]
    narrowed, where, missing = yield from _place(talk, intent)
    if missing is not None:
        # What was removed is no resource any more, but its name is told to who saw it.
        narrowed, where = {"under": missing.phrase}, f" of {code(missing.phrase)}"
    given = yield Want("changes", wanted | narrowed)
    found = [each for each in given.fragments if change != RENAMED or _change(each) in ("added", "removed")]
    if missing is not None and not found:
        return not_found(missing)
    span = f"since {since:%A}, {since} (UTC)" if since else f"in the last {count(days, 'day')}"
    if not found:
        what = f"anything {change}" if change in ("added", "removed", "retyped") else "a change"
        if change in _SAID and change not in ("added", "removed", "retyped"):
            what = f"anything that {_SAID[change]}"
        text = f"No sync found {what}{where} at the sources {span}."
        return f"{known} {text}".strip() + " The first sync of a source counts as no change."
    head = f"{known}\n\n" if known else ""
    if change == RENAMED:
        head += "A sync sees a rename as one thing removed and another added.\n\n"
    more = f"\n\n{plain(given.said)}" if "in all" in given.said else ""
    rows = "\n".join(_line(each) for each in found)
    what = count(len(found), "change")
    newest = f"the newest {what}" if more else what
    return f"{head}Syncs found {newest}{where} {span}, newest first:\n\n{rows}{more}"


def _place(talk: Talk, intent: Intent) -> Generator[Want, Given, tuple[dict[str, Any], str, Meant | None]]:
    """What narrows `changes` to the place that is asked about, and how that is said."""
    phrase = intent.slot("in")
    if phrase.lower() in EVERYWHERE:  # also a usual name of an integration
        name = (yield from integration_called(phrase)) if phrase else ""
        return ({"integration": name}, f" in the integration {code(name)}", None) if name else ({}, "", None)
    place, missing = yield from place_of(talk, intent)
    if missing is not None or place.thing is None:
        return ({"integration": place.integration} if place.integration else {}), place.where, missing
    narrowed = {"under": place.thing.qualified}
    if place.thing.text("integration"):
        narrowed["integration"] = place.thing.text("integration")
    return narrowed, f" in {code(place.thing.qualified)}", None


def _change(fragment: Fragment) -> str:
    return Thing(fragment).text("change")


def day_of(time: str, today: date) -> date | None:
    """The day that "since Monday", "yesterday", "since 2026-01-31" begins with; None where no day is said."""
    said = time.lower()
    stated = re.search(r"\d{4}-\d\d-\d\d", said)
    if stated:
        try:
            return date.fromisoformat(stated.group())
        except ValueError:
            return None
    for number, name in enumerate(_DAYS):
        if name in said:
            return today - timedelta(days=(today.weekday() - number) % 7)
    back = next((back for back, word in enumerate(("today", "yesterday")) if word in said), None)
    return None if back is None else today - timedelta(days=back)


def days_of(time: str, today: date) -> int:
    """How many days back "in the last 2 weeks", or nothing at all, means."""
    said = time.lower()
    span = _SPAN.search(said)
    if span is None:
        return 30 if not said else 7
    said = str(span.group("n") or "1")
    times = int(said) if said.isdecimal() else _WORDS.get(said.lower(), 1)
    return max(1, min(times * _UNITS[span.group("unit").lower()], 365))


def _line(fragment: Fragment) -> str:
    thing = Thing(fragment)
    cited = f" [[{thing.id}]]" if thing.id else ""
    text = f"- {thing.text('changed_at')} UTC: {kind_word(thing.kind)} {code(thing.qualified)}{cited} "
    text += _SAID.get(thing.text("change"), plain(thing.text("change")))
    if thing.text("after"):
        text += f": {code(thing.text('before'))} became {code(thing.text('after'))}"
    return text
