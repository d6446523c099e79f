"""Good practice on the settings page, each line checked against the running system (promise P48).

Enters: the facts of the Trust report. Leaves: lines that are done, open, or for the operator to look at.
"""

from __future__ import annotations

from dataclasses import dataclass

from plugin.governance.ai_settings import AiSettings

DONE, OPEN, ASK = "done", "open", "for you to check"


@dataclass(frozen=True, slots=True)
class Item:
    """One line. `what` says what to do where it is open."""

    title: str
    state: str
    what: str
    section: str


def checklist(
    ai: AiSettings, *, watched: bool, rules: int, own_master_key: bool, admins: int, metadata_only: bool
) -> tuple[Item, ...]:
    """Every line with its present state."""
    leaves = ai.enabled and ai.provider != "builtin"
    limits = ai.limits
    return (
        _item("A home region is chosen", bool(ai.region) or not leaves, "Choose where a provider must be.", "region"),
        _item(
            "Requests stay in the home region", not leaves or (bool(ai.region) and not ai.allow_other_regions),
            "Choose a home region and leave other regions off.", "region",
        ),
        _item(
            "Members, teams or the workspace have a budget",
            bool(limits.tokens_per_day_member or limits.tokens_per_day_workspace or limits.tokens_per_day_teams),
            "Set tokens a day.", "limits",
        ),
        _item("Unusual use is watched", watched, "Set at least one limit that is not 0.", "watch"),
        _item(
            "AI filters say what the assistant may use", bool(ai.filters),
            "Leave out what the assistant never needs, for example a tag or a schema.", "send",
        ),
        _item("Conditional access is in force", rules > 0, "Say from which network guests come in.", "other"),
        _item("More than one admin", admins > 1, "Name a second admin, for the day the first is away.", "assistant"),
        _item(
            "The master key is kept apart from the database", own_master_key,
            "Set DOCENT_MASTER_KEY; a key file beside the database protects a copied database only.", "key",
        ),
        _item(
            "Run SQL has credentials of its own, or is off", metadata_only,
            "Give each integration a query credential, or turn Run SQL off.", "run-sql",
        ),
        _item("Guests may not run up costs", not ai.guests_may_ask or bool(limits.tokens_per_day_member),
              "Set tokens per member and day.", "limits"),
        Item("TLS stands in front of Docent", ASK, "Look at the address bar: https.", "other"),
        Item("The provider's contract is signed and its retention known", ASK, "See the register.", "provider"),
    )  # fmt: skip


def _item(title: str, done: bool, what: str, section: str) -> Item:
    return Item(title, DONE if done else OPEN, what, section)
