"""Which table a question about data means."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from plugin.providers.builtin.phrases import words_of
from plugin.providers.builtin.resolve import best, resolve
from plugin.providers.builtin.sql_draft import Draft
from plugin.providers.builtin.sql_parse import Ask
from plugin.providers.builtin.sql_text import Sql
from plugin.providers.builtin.talk import Given, Talk, Thing, Want, things
from plugin.providers.builtin.understand import is_pronoun


def table_for(talk: Talk, ask: Ask) -> Generator[Want, Given, Draft | None]:
    """The table that the question is about, read in full."""
    counted = ask.measure == "count"  # "prescriptions for controlled drugs" counts prescriptions, not drugs
    for phrase in (ask.subject, ask.of) if counted else (ask.of, ask.subject):
        if not phrase:
            continue
        if is_pronoun(phrase):
            meant = yield from resolve(talk, phrase)
            if meant.thing is not None and meant.thing.is_table:
                return Draft(Sql(meant.thing.text("dialect")), meant.thing)
            continue
        given = yield Want("search", {"text": phrase, "kinds": ["table", "view"], "limit": 10})
        found = [each for each in things(given.fragments) if each.is_table]
        chosen = best(phrase, found, ()) or _within(phrase, found)
        if chosen is None and phrase.lower() in _SAME:
            given = yield Want(
                "search", {"text": _SAME[phrase.lower()], "kinds": ["table", "view"], "limit": 10}
            )
            chosen = _measuring(phrase, [each for each in things(given.fragments) if each.is_table])
        if chosen is None and phrase == ask.subject and not ask.of and ask.measure not in ("rows", "count"):
            chosen = yield from by_column(phrase)
        if chosen is not None:
            read = yield Want("retrieve", {"resource": str(chosen.id)})
            thing = next(iter(things(read.fragments)), None)
            if thing is not None:
                return Draft(Sql(thing.text("dialect")), thing)
    return None


_SAME = {"sales": "revenue", "turnover": "revenue", "income": "revenue", "revenue": "revenue"}


def _measuring(phrase: str, found: Sequence[Thing]) -> Thing | None:
    """A table that is made to report this measure; a verified one first, then the finest grain."""
    wanted = _SAME[phrase.lower()]
    fitting = [each for each in found if wanted in words_of(each.name)]
    return min(
        fitting, key=lambda each: (not each.flag("verified"), "day" not in each.name and "daily" not in each.name),
        default=None,
    )  # fmt: skip


def _within(phrase: str, found: Sequence[Thing]) -> Thing | None:
    """A table whose name is part of the phrase: "order total" speaks of orders."""
    spoken = set(words_of(phrase))
    fitting = [each for each in found if set(words_of(each.name)) <= spoken]
    return max(fitting, key=lambda each: len(words_of(each.name)), default=None)


def by_column(phrase: str, near: str = "") -> Generator[Want, Given, Thing | None]:
    """The table of the most fitting column, where the question names only a column; `near` must be in its name."""
    given = yield Want("search", {"text": phrase, "kinds": ["column"], "limit": 15})
    spoken = set(words_of(phrase))
    for each in things(given.fragments):
        owner = each.qualified.rpartition(".")[0]
        if not set(words_of(near)) <= set(words_of(owner.rpartition(".")[2])):
            continue
        if spoken <= set(words_of(each.name)) and owner:
            read = yield Want("retrieve", {"resource": each.qualified.rsplit(".", 1)[0]})
            table = next(iter(things(read.fragments)), None)
            if table is not None and table.is_table:
                return table
    return None
