"""When a chain was last verified in this process, so that a page about it does not read every entry at each look.

Verifying takes some 30 microseconds an entry: nothing for a young workspace, half a minute for a million entries. So
a short chain is verified at each look; a long one when somebody asks for it, and the page says when that was. The
commands `docent audit verify` and `docent ledger verify` always read everything.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

SHORT = 20_000
"""Entries that are verified while a page waits: well under a second."""
A_SECOND = 30_000
"""Entries verified in a second, for the estimate that a person reads before asking."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What verifying found. `whole` is None where nobody has asked for it yet; `at` is then None, too."""

    whole: bool | None
    text: str
    at: datetime | None = None
    asks: bool = False
    """Is it for a person to ask for a new look, because it takes a while?"""


class LatestVerified:
    """The last verdict on each chain that is too long to be verified at each look."""

    def __init__(self, short: int = SHORT) -> None:
        self._short = short
        self._lock = threading.Lock()
        self._known: dict[tuple[int, str], Verified] = {}

    def of(
        self,
        workspace_id: int,
        name: str,
        entries: int,
        verify: Callable[[], tuple[bool, str]],
        *,
        now: bool = False,
    ) -> Verified:
        """The verdict on a chain of so many entries; `verify` reads it whole where it is short or `now` is said."""
        if now or entries <= self._short:
            whole, text = verify()
            made = Verified(whole, text, datetime.now(UTC), entries > self._short)
            with self._lock:
                self._known[workspace_id, name] = made
            return made
        with self._lock:
            known = self._known.get((workspace_id, name))
        if known is not None:
            return Verified(known.whole, known.text, known.at, asks=True)
        wait = max(1, round(entries / A_SECOND))
        return Verified(
            None,
            f"The {name} has {entries:,} entries and was not verified since Docent started; that takes about {wait} s.",
            asks=True,
        )
