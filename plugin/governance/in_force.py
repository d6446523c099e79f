"""The whole AI policy of a workspace in plain sentences, made from its settings: the card "In force now".

Enters: the settings as they are. Leaves: sentences, each with the section of the settings page that decides it. Law 9:
nobody writes these by hand, so they cannot say something else than what holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from plugin.access.personas import Persona
from plugin.governance.ai_settings import AiSettings

NAMES = {
    "builtin": "Built-in",
    "openai": "OpenAI",
    "anthropic": "Anthropic",
    "openai_compatible": "your own server",
    "scripted": "the scripted provider",
}
MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence. `strong` is the part that links to `section`; `rest` follows it."""

    section: str
    strong: str
    rest: str


def in_force(ai: AiSettings, personas: Sequence[Persona] = ()) -> tuple[Sentence, ...]:
    """The policy, sentence by sentence, with the personas that its reader may choose or set.

    A workspace without the assistant has a single sentence.
    """
    if not ai.enabled:
        return (Sentence("assistant", "The assistant is off.", "No question is answered, on any surface."),)
    return (
        _who(ai),
        _where(ai),
        Sentence(
            "send",
            "Names, types, keys, descriptions, tags and lineage",
            "may be used. Owners go out as stand-ins. Rows never go.",
        ),
        _redaction(ai),
        _run_sql(ai),
        _history(ai),
        *_monitoring(ai),
        *_personas(personas),
        _limits(ai),
    )


def _who(ai: AiSettings) -> Sentence:
    rules = len(ai.filters)
    narrowed = f", narrowed by {rules} {'rule' if rules == 1 else 'rules'}." if rules else "."
    guests = "Members and guests may ask." if ai.guests_may_ask else "Members may ask; guests may not."
    return Sentence("assistant", guests, f"The assistant sees what the asker may see{narrowed}")


def _where(ai: AiSettings) -> Sentence:
    if ai.provider == "builtin":
        return Sentence(
            "provider", "Questions are answered in this process.", "No model, no network: nothing leaves."
        )
    name = NAMES.get(ai.provider, ai.provider)
    model = f", {ai.model}" if ai.model else ", with no model chosen yet"
    host = urlsplit(ai.base_url).hostname if ai.base_url else None
    at = f" at {host}" if host else ""
    home = (
        f"Only in the region {ai.region}."
        if ai.region and not ai.allow_other_regions
        else "Any region of a declared provider."
    )
    return Sentence(
        "provider",
        f"Questions go to {name}{model}{at}.",
        f"{home} If it does not answer, nothing else is asked.",
    )


def _redaction(ai: AiSettings) -> Sentence:
    own = len(ai.redaction_patterns)
    more = f" {own} {'pattern' if own == 1 else 'patterns'} of your own apply too." if own else ""
    return Sentence(
        "redaction",
        "Personal data becomes stand-ins,",
        f"secrets are removed, before anything is sent.{more}",
    )


def _run_sql(ai: AiSettings) -> Sentence:
    if not ai.run_sql:
        return Sentence("run-sql", "Run SQL is off.", "Statements are shown, never run.")
    limits = ai.sql_limits
    sensitive = {
        "refuse": "Sensitive columns are refused.",
        "mask": "Sensitive columns are masked.",
        "allow": "Sensitive columns are shown.",
    }[ai.sql_sensitive]
    return Sentence(
        "run-sql",
        "Run SQL is on",
        f"for people with query permission: read-only, {limits.rows:,} rows, {limits.seconds:g} seconds. {sensitive}",
    )


def _history(ai: AiSettings) -> Sentence:
    if ai.history == "off":
        return Sentence("history", "No prompt is kept.", "A chat ends with its page.")
    kept = "Prompts are kept" if ai.history == "always" else "Prompts that their author saves are kept"
    days = "1 day" if ai.history_days == 1 else f"{ai.history_days} days"
    return Sentence(
        "history",
        f"{kept} {days},",
        f"at most {ai.history_max_prompts:,} in a chat, for their author only. Rows never are.",
    )


def _monitoring(ai: AiSettings) -> tuple[Sentence, ...]:
    if not ai.monitoring:
        return ()
    return (
        Sentence(
            "monitoring",
            "Admins can read what is asked and answered,",
            f"in every history mode; it is kept apart for {ai.monitoring_days} days, and each reading is audited.",
        ),
    )


def _limits(ai: AiSettings) -> Sentence:
    return Sentence(
        "limits",
        f"One question takes at most {ai.limits.steps} steps",
        f"and {ai.limits.tokens_per_question:,} tokens; "
        f"a member may put {ai.limits.requests_per_minute} questions a minute to a provider.",
    )


def _personas(personas: Sequence[Persona]) -> tuple[Sentence, ...]:
    if not personas:
        return ()
    names = ", ".join(each.name for each in personas[:MOST_NAMED])
    more = f" and {len(personas) - MOST_NAMED} more" if len(personas) > MOST_NAMED else ""
    count = "One persona" if len(personas) == 1 else f"{len(personas)} personas"
    return (
        Sentence(
            "instructions",
            f"{count} can be chosen beside a question:",
            f"{names}{more}. A persona adds words and only narrows what the assistant sees.",
        ),
    )
