"""What statements cost, in words that people and models read.

Enters: amounts by unit, as the source told them. Leaves: "1.2 TB billed, 3.4 hours of slots". Money is never made of
them here: what a unit costs is in a contract that nobody told us.
"""

from __future__ import annotations

from collections.abc import Mapping

WINDOW = "30 days"
"""The window of every log that tells costs, back from the last sync."""
_SIZES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
_BYTES = {"bytes_billed": "billed", "bytes_scanned": "scanned", "bytes_read": "read"}
_TIMES = {"slot_seconds": "of slots", "task_seconds": "of tasks", "seconds": "of the engine"}


def cost_words(costs: Mapping[str, float]) -> str:
    """One phrase; "" where there is nothing to say."""
    said = [f"{_bytes(costs[unit])} {word}" for unit, word in _BYTES.items() if costs.get(unit)]
    if costs.get("credits"):
        said.append(f"{_few(costs['credits'])} credits")
    said += [f"{_time(costs[unit])} {word}" for unit, word in _TIMES.items() if costs.get(unit)]
    return ", ".join(said)


def _bytes(number: float) -> str:
    for step, word in _SIZES:
        if number >= step:
            return f"{_few(number / step)} {word}"
    return f"{number:,.0f} bytes"


def _time(seconds: float) -> str:
    for step, word in ((3600, "hours"), (60, "minutes")):
        if seconds >= 2 * step:
            return f"{_few(seconds / step)} {word}"
    return f"{_few(seconds)} seconds"


def _few(number: float) -> str:
    """Three figures are enough for a cost, and none below a thousandth."""
    if number >= 100:
        return f"{number:,.0f}"
    return "less than 0.001" if number < 0.001 else f"{number:.3g}"
