"""What the Trust report knows of the web pages: how they answered a moment ago, and what their scripts may do.

The web room makes it (`web/evidence.py`), this room judges it. Where no web is at hand it is None, and the report says
that the operator must look at the Trust page itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from plugin.config import Config

if TYPE_CHECKING:
    from plugin.store import Store


@dataclass(frozen=True, slots=True)
class Pages:
    """Answers of the running application to requests made just now, and a reading of the files that it serves."""

    policies: Mapping[str, str]
    """Address -> its content-security policy."""
    caching: Mapping[str, str]
    """Address -> what it says about keeping it (Cache-Control)."""
    health: Mapping[str, int]
    """Address of a health page -> the status that it answered with."""
    scripts: int
    """Scripts that were read."""
    stores: tuple[str, ...]
    """Where a script writes to the browser's storage beyond the width of a panel: "file: what"."""
    calls_out: tuple[str, ...]
    """Where a script names a foreign address to fetch from: "file: what"."""
    kept_by_browser: tuple[str, ...] = ()
    """Fields to type a question in that let the browser remember what was typed."""


@runtime_checkable
class SeesPages(Protocol):
    """Whoever can look at the pages without a server: the command `serve`."""

    def look(self, config: Config, store: Store) -> Pages:
        """Build the application and ask it."""
