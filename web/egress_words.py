"""Where a member's text goes, in words: the chip in every composer and the four lines it opens.

Made from the workspace's AI settings and the declared endpoints (plugin/egress/endpoints.py); they decide, this only
says it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from plugin.egress.endpoints import OWN_NETWORK
from plugin.egress.whereabouts import Whereabouts
from plugin.governance.ai_settings import AiSettings
from plugin.store.shapes import ProviderHost
from web.words import plural, provider_word


@dataclass(frozen=True)
class EgressWords:
    """What the chip shows. `leaves` is False where nothing goes to anybody."""

    tone: str
    chip: str
    flow: tuple[tuple[str, str], ...]
    leaves: bool
    provider: str = "Built-in"
    place: str = ""


def egress_words(ai: AiSettings, where: Whereabouts, hosts: Sequence[ProviderHost] = ()) -> EgressWords:
    """Say where text goes under these settings; `where` is what the declared endpoints say of that place.

    `hosts` is the workspace's register: a host in it may be on hold. Monitoring of content is said on every chip.
    """
    said = _words(ai, where, next((each for each in hosts if each.host == where.host and each.on_hold), None))
    if not (ai.enabled and ai.monitoring):
        return said
    line = (
        "Admins can read your question and the answer.",
        f"Monitoring is on: kept apart for {plural(ai.monitoring_days, 'day')}, whatever else is saved.",
    )
    # Before what a narrow screen cuts off.
    first, dot, rest = said.chip.partition(" · ")
    return replace(said, tone="amber", chip=f"{first} · admins can read{dot}{rest}", flow=(*said.flow, line))


def _words(ai: AiSettings, where: Whereabouts, hold: ProviderHost | None) -> EgressWords:
    kept = {
        "off": ("Nothing is saved.", "The chat ends with its page."),
        "explicit": ("Nothing is saved unless you save it.", "Encrypted, only you."),
    }.get(
        ai.history,
        ("The answer is saved in your history.", f"{plural(ai.history_days, 'day')}, encrypted, only you."),
    )
    if not ai.enabled:
        return EgressWords(
            "plain", "Assistant is off · nothing leaves",
            (("The assistant is off for this workspace.", "No question is answered, on any surface."),), False,
        )  # fmt: skip
    name = provider_word(ai.provider or "builtin")
    if not where.leaves:
        return EgressWords(
            "green", f"{name} · nothing leaves",
            (
                ("Your question is read here.", "No model, no network."),
                ("A planner searches the metadata you may see.", "Names, types, descriptions, lineage."),
                ("Nothing is sent.", "No provider is configured for this workspace."),
                kept,
            ),
            False, name,
        )  # fmt: skip
    if where.refused:
        return EgressWords(
            "amber", f"{name} · refused here · nothing leaves",
            (
                ("Nothing is sent as the settings are.", where.refused),
                ("A question is refused before it leaves.", "Nothing else is asked instead."),
            ),
            False, name, where.place,
        )  # fmt: skip
    if hold is not None:
        day = f"{hold.usable_from:%d %B %Y}"
        return EgressWords(
            "amber", f"{name} · on hold until {hold.usable_from:%d %b} · nothing leaves",
            (
                (f"Nothing is sent to {where.host} until {day}.", "It is a new provider host, so members may object."),
                ("You can object in the register.", "An admin can accept it at once, with a reason that you see."),
                ("A question is refused before it leaves.", "Nothing else is asked instead."),
            ),
            False, name, where.place,
        )  # fmt: skip
    to = f"{where.operator} at {where.host}" if where.declared else where.host
    return EgressWords(
        "green", f"{name} · {where.place} · metadata only",
        (
            ("Your question is redacted here.", "Personal data becomes stand-ins, secrets are removed."),
            ("Metadata that you may see is added.", "Names, types, descriptions, lineage. Never a row."),
            (f"Both go to {to}, in {where.place}.", asked_of(where)),
            ("The answer comes back the same way.", f"{kept[0]} {kept[1]}"),
        ),
        True, where.operator if where.declared else where.host, where.place,
    )  # fmt: skip


def asked_of(where: Whereabouts) -> str:
    """What is asked of an operator with every request, in one line; of an unknown one nothing is known."""
    if where.options:
        return f"With every request: {'; '.join(where.options)}."
    if where.region == OWN_NETWORK:
        return "A host that is listed as your own."
    return "Its operator and its terms are not known to Docent."
