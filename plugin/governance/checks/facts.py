"""What a check of a promise gets and gives: facts that were read once, and a finding with its evidence.

A finding's `shown` is what a member may read where the evidence would tell of things that they may not know (how many
integrations there are, who was granted what); by default they read the evidence itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plugin.config import Config

if TYPE_CHECKING:
    from plugin.governance.ai_settings import AiSettings
    from plugin.store.evidence import Found
    from plugin.store.shapes import Integration, ProviderHost

KEPT, PARTLY, OPERATOR, MISSING, BROKEN = "kept", "partly", "operator", "not yet", "broken"
STATES = (KEPT, PARTLY, OPERATOR, MISSING, BROKEN)
RAN, READ, STATIC = (
    "a probe was run just now",
    "read from the running system just now",
    "held by a test of the code",
)
PROBE_MAIL = "ann" + "@" + "example.org"
PROBE_KEY = "AKIA" + "Q3EGZLH7" + "W2KXNPV5"
PROBE_CARD = "4111 1111 " + "1111 1111"


@dataclass(frozen=True, slots=True)
class Finding:
    """How one promise stands. `how` says how that was established."""

    state: str
    evidence: str
    how: str
    shown: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What every check may look at, read once."""

    ai: AiSettings
    settings: Mapping[str, Any]
    database: Found
    hosts: tuple[ProviderHost, ...]
    tools: frozenset[str]
    """The tools that the assistant is offered for whoever asks for the report."""
    counts: tuple[int, int]
    """How many resources the asker sees as a person, and through the assistant."""
    config: Config
    integrations: tuple[Integration, ...] | None = None
    """None where the asker is no admin."""
    permissions: int | None = None
    """Query permissions that were given beyond the admins' own; None where the asker is no admin."""

    def setting(self, key: str) -> Any:
        """One setting's present value."""
        return self.settings[key]


Check = Callable[[Facts], Finding]


def kept(evidence: str, how: str = READ, shown: str | None = None) -> Finding:
    """The promise is kept."""
    return Finding(KEPT, evidence, how, shown)


def broken(evidence: str, how: str = READ, shown: str | None = None) -> Finding:
    """The promise does not hold now."""
    return Finding(BROKEN, evidence, how, shown)
