"""Which plan answers which intent, and how a question leans on the one before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from plugin.providers.builtin import (
    about,
    columns_named,
    drift,
    facts,
    find,
    joins,
    lists,
    negation,
    places,
    relations,
    sayings,
    sql_plan,
    stale,
    tested,
    usage,
)
from plugin.providers.builtin.phrases import words_of
from plugin.providers.builtin.talk import CITED, Plan, Talk, Thing, things
from plugin.providers.builtin.two_parts import parts
from plugin.providers.builtin.understand import Intent, follow_up, is_pronoun, understand

PLANS: dict[str, Callable[[Talk, Intent], Plan]] = {
    "about": find.find,
    "foreign": sayings.foreign,
    "inside": places.inside,
    "changes": drift.changes,
    "stale": stale.which,
    "tables_with": columns_named.tables_with,
    "column_uses": columns_named.column_uses,
    "kind_about": columns_named.kind_about,
    "may_drop": relations.may_drop,
    "change": sayings.change,
    "chat": sayings.chat,
    "find": find.find,
    "describe": find.describe,
    "meaning": about.meaning,
    "glossary": about.glossary,
    "owner": facts.owner,
    "type": facts.column_type,
    "nullable": facts.nullable,
    "columns": facts.columns,
    "count_columns": facts.count_columns,
    "has_column": facts.has_column,
    "keys": facts.keys,
    "freshness": facts.freshness,
    "last_sync": stale.last_sync,
    "tested": tested.tested,
    "failing": tested.failing,
    "untested": tested.untested,
    "size": facts.size,
    "tags_of": facts.tags_of,
    "in_use": lists.in_use,
    "is_verified": facts.is_verified,
    "is_personal": facts.is_personal,
    "definition": about.definition,
    "queries": usage.queries,
    "compare": about.compare,
    "upstream": relations.upstream,
    "downstream": relations.downstream,
    "whom_to_tell": relations.whom_to_tell,
    "lineage": relations.lineage,
    "join": joins.join,
    "joins_of": joins.joins_of,
    "use": usage.use,
    "unused": usage.unused,
    "popular": lists.popular,
    "largest": lists.largest,
    "smallest": lists.smallest,
    "not_tagged": negation.not_tagged,
    "not_owned_by": negation.not_owned_by,
    "not_verified": negation.not_verified,
    "not_using": negation.not_using,
    "unread_negation": negation.cannot,
    "undocumented": lists.undocumented,
    "unowned": lists.unowned,
    "personal": lists.personal,
    "recent": lists.recent,
    "idle": lists.idle,
    "verified": lists.verified,
    "tagged": lists.tagged,
    "owned_by": lists.owned_by,
    "count": lists.count,
    "per_place": lists.per_place,
    "list": lists.list_kind,
    "where_column": lists.where_column,
    "data": sql_plan.data,
    "maybe_data": sql_plan.data,
    "propose_tag": sayings.propose_tag,
    "propose_owner": sayings.propose_owner,
    "propose_description": sayings.propose_description,
    "needs_model_text": sayings.needs_model_text,
    "needs_model": sayings.needs_model,
    "model": sayings.turn_on_model,
    "help": sayings.help_text,
    "greeting": sayings.greeting,
    "thanks": sayings.thanks,
    "activity": sayings.activity,
}

SUBJECTS = ("s", "o", "in")
"""Phrases that name a thing."""


def plan(talk: Talk) -> Plan:
    """The plan for the question at the end of this talk."""
    several = parts(talk.question, known_words(talk))
    if several:
        answer = yield from _each(talk, several)
    else:
        intent = intent_of(talk)
        answer = yield from PLANS[intent.name](talk, intent)
    return answer + tested.note(answer, talk) + stale.note(answer, talk)


def _each(talk: Talk, several: tuple[Intent, ...]) -> Plan:
    """Each part's answer; "it" in a later one is what the answer before was about."""
    answers: list[str] = []
    focus = ""
    for intent in several:
        slots = dict(intent.slots)
        pointing = [name for name, value in slots.items() if name in SUBJECTS and is_pronoun(value)]
        if pointing and answers and not focus:
            break  # what it would be about was not found, as the answer before says
        if answers:
            slots.update(dict.fromkeys(pointing, focus))
        answer = yield from PLANS[intent.name](talk, replace(intent, slots=slots))
        answers.append(answer)
        cited = CITED.search(answer)
        if not (pointing and focus):
            focus = cited.group(1) if cited else ""
    return "\n\n".join(dict.fromkeys(answers))


def intent_of(talk: Talk) -> Intent:
    """What the last question asks, with what it leaves out filled in from those before it."""
    before: Intent | None = None
    known = known_words(talk)
    for turn in talk.earlier[-6:]:
        before = follow_up(turn.question, before, known) or understand(turn.question, known)
    leaning = follow_up(talk.question, before, known)
    return leaning or understand(talk.question, known)


def known_words(talk: Talk) -> frozenset[str]:
    """The words of every name that the question's own search found: they win over mending typing errors."""
    names = [name for each in things(talk.context) for name in (each.qualified, *_column_names(each))]
    return frozenset(word for name in names for word in words_of(name))


def _column_names(thing: Thing) -> list[str]:
    return [str(column.get("name", "")) for column in thing.columns]
