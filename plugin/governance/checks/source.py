"""The source of this very installation, read: who can open a connection, and who can open the secret store.

Enters: nothing. Leaves: places that should not be there. What is read is what runs: the files that Python imported its
packages from. Read once a process, since a process does not change its code.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("plugin", "web", "connectors")
NETWORK = re.compile(
    r"^[ \t]*(?:import|from)[ \t]+(socket|smtplib|ftplib|http\.client|urllib\.request|urllib3|requests|httpx2?"
    r"|httpcore2?|aiohttp|websockets?|grpc|sentry_sdk|opentelemetry|posthog|statsd|segment|analytics)\b",
    re.MULTILINE,
)
SPEAKERS = ("plugin/egress/", "plugin/providers/", "connectors/")
"""The rooms that may open a connection: the gateway's, the providers' and the connectors'."""
WRITES_CODE = ("plugin/history/export.py",)
"""Holds the text of a program that its reader may run; the import stands in that text."""
OPENS = re.compile(r"\.secrets\(|\bstore\.secrets import\b")
OPENERS = ("plugin/egress/policy.py", "plugin/catalog/sync/", "plugin/run_sql/execute.py", "plugin/store/")
"""Who may open the secret store: the gateway's decision, the sync and the push, Run SQL's own connection."""


def strangers_on_the_network() -> tuple[str, ...]:
    """Files outside the rooms that may speak to a network, with what they import for it."""
    return tuple(
        f"{place} ({found[1]})"
        for place, text in _files()
        if not place.startswith((*SPEAKERS, *WRITES_CODE))
        for found in [NETWORK.search(text)]
        if found
    )


def strangers_to_secrets() -> tuple[str, ...]:
    """Files that open the secret store and are not on the short list."""
    return tuple(
        place
        for place, text in _files()
        if not place.startswith((*OPENERS, "plugin/governance/checks/source.py")) and OPENS.search(text)
    )


def read() -> int:
    """How many files were read."""
    return len(_files())


@cache
def _files() -> tuple[tuple[str, str], ...]:
    found = []
    for name in PACKAGES:
        spec = find_spec(name)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            for path in sorted(Path(folder).rglob("*.py")):
                place = f"{name}/{path.relative_to(folder).as_posix()}"
                found.append((place, path.read_text("utf-8")))
    return tuple(found)
