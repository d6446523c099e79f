"""How popular a table is, 0 to 1, from how it is used: queries first, then what reads it, then foreign keys.

Enters: signals per resource. Leaves: a score that means the same in a workspace of ten tables and of a million: it
grows with the logarithm of use and does not depend on what else is in the catalog, so nobody's score tells of
tables that they cannot see.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import log1p
from typing import Protocol

FULL_RUNS = 10_000
FULL_READERS = 50
FULL_REFERENCES = 50


class Usage(Protocol):
    """What is counted of one table."""

    downstream: int
    references: int
    runs: int
    users: int


def popularity(signals: Mapping[int, Usage]) -> dict[int, float]:
    """The score of each resource."""
    return {id_: score(each) for id_, each in signals.items()}


def score(usage: Usage) -> float:
    """One score. A table that nothing uses has 0."""
    queried = min(1.0, log1p(usage.runs * max(1, usage.users) ** 0.5) / log1p(FULL_RUNS))
    read = min(1.0, log1p(usage.downstream) / log1p(FULL_READERS))
    referred = min(1.0, log1p(usage.references) / log1p(FULL_REFERENCES))
    return 1 - (1 - 0.9 * queried) * (1 - 0.7 * read) * (1 - 0.6 * referred)
