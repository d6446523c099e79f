"""Asks a source to stop a statement until it has ended.

A server forgets a request to cancel that reaches it before the statement does: MariaDB and MySQL clear a KILL QUERY
when the next command begins, PostgreSQL ignores a cancel of an idle session, DuckDB clears the interrupt as it starts.
On a busy machine the request does overtake the statement, so one request is not enough.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

FIRST, MOST, SECONDS = 0.05, 0.5, 30.0
"""Seconds until it is asked again, at the most, and for how long."""


class Asking:
    """`begin` asks now, and again in a thread of its own until `over`; a second `begin` asks once more."""

    def __init__(self, ask: Callable[[], None]) -> None:
        """`ask` sends one request; it swallows what goes wrong on the way, since it is called again."""
        self._ask = ask
        self._over = threading.Event()
        self._begun = False

    def begin(self) -> None:
        """Returns after the first request."""
        again = not self._begun
        self._begun = True
        self._ask()
        if again and not self._over.is_set():
            threading.Thread(target=self._again, name="docent-ask-to-stop", daemon=True).start()

    def over(self) -> None:
        """The statement has ended, or its connection."""
        self._over.set()

    def _again(self) -> None:
        until, wait = time.monotonic() + SECONDS, FIRST
        while time.monotonic() < until and not self._over.wait(wait):
            self._ask()
            wait = min(2 * wait, MOST)
