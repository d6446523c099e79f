"""The plan for "what changed": the differences that syncs found at the sources."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

from plugin.egress.parts import Fragment
from plugin.providers.builtin.phrases import code, count, kind_word, plain
from plugin.providers.builtin.resolve import not_found, resolve
from plugin.providers.builtin.talk import Plan, Talk, Thing, Want
from plugin.providers.builtin.understand import Intent, kind_of

_DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_UNITS = {"hour": 1, "day": 1, "night": 1, "week": 7, "month": 31, "quarter": 92, "year": 365}
_SPAN = re.compile(
    r"(?P<n>\d+|a|one|two|three|few|couple of)? ?(?P<unit>hour|day|night|week|month|quarter|year)s?\b", re.I
)
_WORDS = {"a": 1, "one": 1, "two": 2, "three": 3, "few": 4, "couple of": 2}
_WHAT = {
    "added": "added", "new": "added", "created": "added", "appeared": "added",
    "removed": "removed", "dropped": "removed", "deleted": "removed", "gone": "removed", "disappeared": "removed",
    "retyped": "retyped",
}  # fmt: skip
_SAID = {
    "added": "was added", "removed": "was removed", "retyped": "has another type",
    "redescribed": "has another description", "required": "is NOT NULL now", "optional": "may be NULL now",
    "rekeyed": "has other keys",
    "redefined": "has another definition",
}  # fmt: skip


def changes(talk: Talk, intent: Intent, known: str = "") -> Plan:
    """What syncs found different; `known` is what was said before looking here."""
    days = days_of(intent.slots.get("time") or "", datetime.now(UTC).date())
    wanted: dict[str, Any] = {"days": days, "limit": 40}
    change = _WHAT.get((intent.slots.get("change") or "").lower())
    if change:
        wanted["change"] = change
    place = intent.slot("in") or intent.slot("s")
    where = ""
    if place and place.lower() not in ("catalog", "warehouse", "workspace", "data"):
        meant = yield from resolve(talk, place)
        if meant.thing is None or meant.loose:
            return not_found(meant)
        wanted["under"], where = meant.thing.qualified, f" in {code(meant.thing.qualified)}"
    given = yield Want("changes", wanted)
    kind = kind_of(intent.slots.get("kind") or "")
    found = [each for each in given.fragments if kind is None or each.kind.endswith(kind)]
    span = count(days, "day")
    if not found:
        what = f"anything {change}" if change else "a change"
        text = f"No sync found {what}{where} at the sources in the last {span}."
        return f"{known} {text}".strip() + " The first sync of a source counts as no change."
    head = f"{known}\n\n" if known else ""
    more = f"\n\n{plain(given.said)}" if "in all" in given.said else ""
    rows = "\n".join(_line(each) for each in found)
    return f"{head}Syncs found {count(len(found), 'change')}{where} in the last {span}, newest first:\n\n{rows}{more}"


def days_of(time: str, today: date) -> int:
    """How many days back "since Monday", "in the last 2 weeks", "since 2026-01-31" or nothing at all means."""
    said = time.lower()
    stated = re.search(r"\d{4}-\d\d-\d\d", said)
    if stated:
        try:
            return max(1, min((today - date.fromisoformat(stated.group())).days + 1, 365))
        except ValueError:
            return 7
    for number, name in enumerate(_DAYS):
        if name in said:
            return (today.weekday() - number) % 7 + 1
    if "today" in said:
        return 1
    if "yesterday" in said:
        return 2
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
