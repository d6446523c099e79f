"""Where a member's text goes, in words: the chip in every composer and the four lines it opens.

Made from the workspace's AI settings; the settings decide, this only says it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from web.words import provider_word


@dataclass(frozen=True)
class EgressWords:
    """What the chip shows. `leaves` is False where nothing goes to anybody."""

    tone: str
    chip: str
    flow: tuple[tuple[str, str], ...]
    leaves: bool
    provider: str = "Built-in"
    place: str = ""


def egress_words(ai: Any) -> EgressWords:
    """Say where text goes under these settings."""
    kept = {
        "off": ("Nothing is saved.", "The chat ends with its page."),
        "explicit": ("Nothing is saved unless you save it.", "Encrypted, only you."),
    }.get(ai.history, ("The answer is saved in your history.", "30 days, encrypted, only you."))
    if not ai.enabled:
        return EgressWords(
            "plain", "Assistant is off · nothing leaves",
            (("The assistant is off for this workspace.", "No question is answered, on any surface."),), False,
        )  # fmt: skip
    if ai.provider in ("builtin", "", None):
        return EgressWords(
            "green", "Built-in · nothing leaves",
            (
                ("Your question is read here.", "No model, no network."),
                ("A planner searches the metadata you may see.", "Names, types, descriptions, lineage."),
                ("Nothing is sent.", "No provider is configured for this workspace."),
                kept,
            ),
            False,
        )  # fmt: skip
    name = provider_word(ai.provider)
    place = _place(ai)
    return EgressWords(
        "green", f"{name} · {place} · metadata only",
        (
            ("Your question is redacted here.", "Personal data becomes stand-ins, secrets are removed."),
            ("Metadata that you may see is added.", "Names, types, descriptions, lineage. Never a row."),
            (f"Both go to {name}, {place}.", "Asked not to store and not to train."),
            ("The answer comes back the same way.", f"{kept[0]} {kept[1]}"),
        ),
        True, name, place,
    )  # fmt: skip


def _place(ai: Any) -> str:
    region = getattr(ai, "provider_region", None) or getattr(ai, "region", None) or ""
    known = {"US": "United States", "EU": "European Union", "DE": "Germany", "GB": "United Kingdom", "local": "your network"}
    if ai.provider in ("openai_compatible", "scripted"):
        return "your own address"
    return known.get(str(region), str(region)) or "United States"
