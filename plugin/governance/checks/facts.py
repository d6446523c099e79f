"""What a check of a promise gets and gives: facts that were read once, and a finding with its evidence.

A finding's `shown` is what a member may read where the evidence would tell of things that they may not know (how many
integrations there are, who was granted what); by default they read the evidence itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from plugin.config import Config

if TYPE_CHECKING:
    from plugin.governance.ai_settings import AiSettings
    from plugin.governance.pages import Pages
    from plugin.store.beats import Beat
    from plugin.store.evidence import Found
    from plugin.store.shapes import Integration, ProviderHost

KEPT, PARTLY, OPERATOR, MISSING, BROKEN = "kept", "partly", "operator", "not yet", "broken"
STATES = (KEPT, PARTLY, OPERATOR, MISSING, BROKEN)
RAN, READ, SOURCE = (
    "a probe was run just now",
    "read from the running system just now",
    "the source of this installation was read",
)
LEFT_UNDONE = {
    "syncs": "no sync is started",
    "expiry": "nothing expires",
    "watch": "nobody looks for unusual use",
    "search": "a search index of an older release is not built anew",
}
"""For each task of the clock what does not happen without it."""
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
    clock: Mapping[str, Beat] = field(default_factory=dict)
    """When each task of the clock last ended well."""
    made_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    """When the workspace was made."""
    pages: Pages | None = None
    """How the web pages answered just now; None where no web is at hand."""
    admins: int = 0
    """Active admins."""
    keys: Mapping[str, Any] = field(default_factory=dict)
    """What the admin's door says of each provider's own key: when it was set, never the key; empty for members."""
    same_login: tuple[str, ...] = ()
    """Integrations whose credential for queries signs in as the one that reads metadata does."""

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


def clock_fault(facts: Facts, task: str) -> Finding | None:
    """What is wrong with a task of the clock; None where it ran a moment ago.

    A workspace that was just made may wait for its first round; after that a clock that is not seen to run is one that
    does not run.
    """
    seen = facts.clock.get(task)
    moment = datetime.now(UTC)
    if seen is not None and not seen.late(moment):
        return None
    from plugin.store.beats import STALE

    what = LEFT_UNDONE[task]
    if seen is not None and seen.fault and seen.fault_at and moment - seen.fault_at <= STALE:
        return broken(f"the clock fails at it ({seen.fault}), so {what}; look at the worker's log")
    if seen is None or seen.at is None:
        said = f"no worker has run yet, so {what}: start `docent worker` or `docent serve`"
        return Finding(OPERATOR, said, READ) if moment - facts.made_at <= STALE else broken(said)
    return broken(
        f"no worker runs since {seen.at:%d %B %Y %H:%M} UTC, so {what}: start `docent worker` or `docent serve`"
    )


def clock_said(facts: Facts, task: str) -> str:
    """When a task of the clock last ended, for the evidence."""
    seen = facts.clock.get(task)
    return f"the clock last did it at {seen.at:%H:%M:%S} UTC" if seen and seen.at else "no clock has run"
