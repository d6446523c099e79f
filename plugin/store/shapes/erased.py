"""What every deletion leaves. See the package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Erased:
    """A receipt: what was deleted, by kind, and when."""

    at: datetime
    what: Mapping[str, int]
