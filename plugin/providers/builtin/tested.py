"""Plans about dbt's tests and runs: whether a thing is tested and its tests held, what fails, what nobody tests."""

from __future__ import annotations

import re

from plugin.providers.builtin.phrases import named, plain
from plugin.providers.builtin.places import place_of
from plugin.providers.builtin.resolve import lead, not_found, resolve, tail
from plugin.providers.builtin.talk import CITED, Plan, Talk, Thing, Want, things
from plugin.providers.builtin.understand import Intent

TOLD_BY = ("model", "dataset")
"""Kinds that a tool with tests knows a table as."""
LOOKED_AT = 3
SHOWN = 20
_FAILING = re.compile(r"\b\d+ (?:failing|warning)\b")
_BAD_RUN = re.compile(
    r"^(?:error|runtime error|fail|skipped)\b|freshness of the source: (?:warn|error|runtime error)"
)
_TOTAL = re.compile(r"There are [\d,]+ in all\.")
_PARTLY = re.compile(r"Only the first [\d,]+ by name were looked at\.")


def tested(talk: Talk, intent: Intent) -> Plan:
    """Its tests; of a table, those of the model that makes it or of the source that it is."""
    meant = yield from resolve(talk, intent.slot("s"))
    if meant.thing is None:
        return not_found(meant)
    told = meant.thing
    if not told.text("tests") and not told.text("last_run"):
        given = yield Want("lineage", {"resource": str(told.id), "direction": "both", "depth": 1})
        near = [each for each in things(given.fragments) if each.kind in TOLD_BY]
        for each in near[:LOOKED_AT]:
            given = yield Want("retrieve", {"resource": str(each.id)})
            with_tests = [one for one in things(given.fragments) if one.id == each.id and one.text("tests")]
            if with_tests:
                told = with_tests[0]
                break
    return lead(meant) + _said(meant.thing, told) + tail(meant)


def _said(thing: Thing, told: Thing) -> str:
    tests, run = told.text("tests"), told.text("last_run")
    if not tests:
        text = f"Nothing here says that {named(thing)} is tested."
    elif told.id == thing.id:
        text = f"{named(thing)} has {plain(tests)}."
    else:
        text = f"{named(thing)} is tested as the {told.kind} {named(told)}, which has {plain(tests)}."
    return text + (f" Its last run: {plain(run)}." if run else "")


def failing(talk: Talk, intent: Intent) -> Plan:
    """Models and sources whose tests or last run did not hold, the worst first."""
    return (yield from _listed(talk, intent, "failing"))


def untested(talk: Talk, intent: Intent) -> Plan:
    """Models and sources that have no test."""
    return (yield from _listed(talk, intent, "untested"))


def _listed(talk: Talk, intent: Intent, what: str) -> Plan:
    place, missing = yield from place_of(talk, intent)
    if missing is not None:
        return not_found(missing)
    word = (intent.slots.get("kind") or "").lower()
    kinds = {"mode": ["model"], "sour": ["dataset"]}.get(word[:4], list(TOLD_BY))
    noun = {"mode": "models", "sour": "sources"}.get(word[:4], "models and sources")
    given = yield Want("browse", {"what": what, "kinds": kinds, "limit": SHOWN, **place.narrow()})
    found = [each for each in things(given.fragments) if each.kind in TOLD_BY]
    partly = _PARTLY.search(given.said)
    if not found and partly:
        return f"No {'untested' if what == 'untested' else 'failed'} {noun}{place.where} were found. {partly.group()}"
    if not found:
        there = yield Want("browse", {"what": "all", "kinds": kinds, "limit": 1, **place.narrow()})
        if not things(there.fragments):
            return f"No {noun} of dbt are known{place.where}: a dbt project is an integration of its own."
        if what == "untested":
            return f"All {noun}{place.where} that you can see have a test."
        return (
            f"None of the {noun}{place.where} that you can see failed, as far as dbt's last results tell. They are "
            "those of one command: what it did not run, they do not tell of."
        )
    if what == "untested":
        rows = [f"- {named(each)}" for each in found]
        text = f"No test is known of these {noun}{place.where}"
    else:
        rows = [f"- {named(each)}: {_state(each)}" for each in found]
        text = f"Of these {noun}{place.where} tests or the last run did not hold, by dbt's last results"
    total = partly or _TOTAL.search(given.said)
    return f"{text}:\n\n" + "\n".join(rows) + (f"\n\n{total.group()}" if total else "")


def note(answer: str, talk: Talk) -> str:
    """Below an answer on a table: that the model which makes it, or the source that it is, does not fare well; below
    one on a model or source: that it does not itself.
    """
    cited = set(CITED.findall(answer))
    said: dict[str, None] = {}
    for given in talk.given:
        read = things(given.fragments)
        if read and read[0].kind in TOLD_BY and all(each.kind == "column" for each in read[1:]):
            own = read[0]
            told_already = own.text("tests") and plain(own.text("tests")) in answer
            if _is_unwell(own) and not told_already and cited & {str(own.id), own.qualified}:
                said[f"Not all is well with it in dbt: {_state(own)}."] = None
        if len(read) != 2 or read[1].kind not in TOLD_BY or read[0].kind in TOLD_BY:
            continue
        table, told = read
        if not _state(told):
            continue  # what lineage or a search gave, of which nothing is told
        if cited & {str(table.id), table.qualified} and not cited & {str(told.id), told.qualified}:
            said[f"Not all is well with it, as the {told.kind} {named(told)} in dbt: {_state(told)}."] = None
    return "".join(f"\n\n{each}" for each in said)


def _is_unwell(thing: Thing) -> bool:
    return bool(_FAILING.search(thing.text("tests")) or _BAD_RUN.search(thing.text("last_run")))


def _state(thing: Thing) -> str:
    told = [
        f"last run: {plain(thing.text('last_run'))}" if thing.text("last_run") else "",
        plain(thing.text("tests")),
    ]
    return "; ".join(each for each in told if each)
