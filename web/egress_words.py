"""Where a member's text goes, in words: the chip in every composer and the four lines it opens.

Made from the workspace's AI settings; the settings decide, this only says it.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from plugin.governance.ai_settings import AiSettings
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


def egress_words(ai: AiSettings) -> EgressWords:
    """Say where text goes under these settings."""
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


def _place(ai: AiSettings) -> str:
    if ai.base_url or ai.provider == "openai_compatible":
        return urlsplit(ai.base_url or "").hostname or "your own address"
    return "United States"
