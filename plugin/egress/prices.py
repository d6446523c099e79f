"""What a million tokens cost in US dollars: list prices as read on a date. Unknown stays unknown (None).

Models change faster than releases, so a model that is not here has no cost in the ledger; tokens are always there.
`seen` says where a price was read: on the operator's own page, or in other people's tables only, since the operator's
page could not be opened; such a price is marked as not checked where it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

NOTED = date(2026, 11, 21)
ANTHROPIC = "https://docs.anthropic.com/en/docs/about-claude/pricing"
OPENAI = "https://developers.openai.com/api/docs/pricing"


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars for a million tokens: read, read from the provider's cache, written. `link` is where to look."""

    input: float
    cached: float
    output: float
    link: str = OPENAI
    checked: bool = False
    """Was it read on the operator's own page?"""


PRICES: dict[str, Price] = {
    "gpt-4o": Price(2.50, 1.25, 10.00),
    "gpt-4o-mini": Price(0.15, 0.075, 0.60),
    "gpt-4.1": Price(2.00, 0.50, 8.00),
    "gpt-4.1-mini": Price(0.40, 0.10, 1.60),
    "gpt-4.1-nano": Price(0.10, 0.025, 0.40),
    "gpt-5": Price(1.25, 0.125, 10.00),
    "gpt-5-mini": Price(0.25, 0.025, 2.00),
    "gpt-5-nano": Price(0.05, 0.005, 0.40),
    "claude-opus-4-1": Price(15.00, 1.50, 75.00, ANTHROPIC, True),
    "claude-sonnet-4": Price(3.00, 0.30, 15.00, ANTHROPIC, True),
    "claude-sonnet-4-5": Price(3.00, 0.30, 15.00, ANTHROPIC),
    "claude-haiku-4-5": Price(1.00, 0.10, 5.00, ANTHROPIC),
    "claude-3-5-haiku": Price(0.80, 0.08, 4.00, ANTHROPIC, True),
}


def cost_of(model: str, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> float | None:
    """The cost in dollars, or None where the model's price is not known."""
    price = PRICES.get(model) or PRICES.get(_undated(model))
    if price is None:
        return None
    fresh = max(0, input_tokens - cached_tokens)
    return round(
        (fresh * price.input + cached_tokens * price.cached + output_tokens * price.output) / 1_000_000, 6
    )


def _undated(model: str) -> str:
    """`gpt-4o-2024-11-20` and `claude-sonnet-4-5-20250929` without their dates."""
    import re

    return re.sub(r"-(?:20\d{2}-\d{2}-\d{2}|20\d{6}|latest)\Z", "", model)


def unchecked(model: str) -> bool:
    """Is the price of this model one that was not read on its operator's own page?"""
    price = PRICES.get(model) or PRICES.get(_undated(model))
    return price is not None and not price.checked
