"""The plan that says whether a thing is tested, and whether its tests and its last run held."""

from __future__ import annotations

from plugin.providers.builtin.phrases import named, plain
from plugin.providers.builtin.resolve import lead, not_found, resolve, tail
from plugin.providers.builtin.talk import Plan, Talk, Thing, Want, things
from plugin.providers.builtin.understand import Intent

TOLD_BY = ("model", "dataset")
"""Kinds that a tool with tests knows a table as."""
LOOKED_AT = 3


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
