"""How often somebody may try: sign-ins by address and by account, questions by member.

In memory for one process, in Redis where the operator names one (DOCENT_LIMITER_URL).
"""

from __future__ import annotations

import time
from typing import Any

from flask import Flask, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import current_user
from limits.storage import MemoryStorage

from plugin.config import Config

SIGN_INS = "20 per minute"
SIGN_INS_OF_ACCOUNT = "8 per minute"
ASKS = "40 per minute"
QUESTIONS = "1000 per minute"
"""Stops a flood before any work is done; the limit that people meet is the workspace's own, counted by the gateway."""


class Memory(MemoryStorage):
    """The counts of one process, forgotten in passing when they are old.

    The library starts a thread for that at each try: a tenth of what a question costs before it shows anything.
    """

    STORAGE_SCHEME = ["memory"]  # so this is what memory:// names from now on
    SWEEPS = 10.0
    """Seconds between two looks for what is old; what counts is decided at each try, whatever still lies here."""

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, **given: Any) -> None:
        self._swept = time.monotonic()
        super().__init__(uri, wrap_exceptions, **given)

    def _MemoryStorage__schedule_expiry(self) -> None:
        now = time.monotonic()
        if now - self._swept >= self.SWEEPS:
            self._swept = now
            self._MemoryStorage__expire_events()
            self._forget_names()

    def _forget_names(self) -> None:
        # The library keeps the name of everybody who ever tried, and anybody may type any address into a sign-in.
        for key in [key for key, tries in list(self.events.items()) if not tries]:
            with self.locks[key]:
                if not self.events.get(key):
                    self.events.pop(key, None)
                    self.locks.pop(key, None)


def by_account() -> str:
    """The account that a sign-in names, so that many addresses cannot try one password list."""
    return "account:" + request.form.get("email", "").strip().lower()[:320]


def by_member() -> str:
    """The member who asks, whatever the surface."""
    if current_user and current_user.is_authenticated:
        return f"member:{current_user.viewer.workspace_id}:{current_user.viewer.member_id}"
    return "address:" + (get_remote_address() or "")


limiter = Limiter(get_remote_address, default_limits=[], headers_enabled=False)


def register(app: Flask, config: Config) -> None:
    """Count tries where the operator said."""
    app.config.setdefault("RATELIMIT_STORAGE_URI", config.limiter_url)
    app.config.setdefault("RATELIMIT_STRATEGY", "moving-window")
    limiter.init_app(app)
