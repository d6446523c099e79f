"""What a step says to a person: one short line for each tool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TITLES = {
    "search": ("Search the catalog for", "text"),
    "retrieve": ("Read", "resource"),
    "lineage": ("Follow lineage of", "resource"),
    "glossary": ("Look up in the glossary", "term"),
    "find_joins": ("Find joins of", "table"),
    "browse": ("List resources", "what"),
    "changes": ("List what changed at the sources", ""),
    "count": ("Count resources by", "by"),
    "frequent_queries": ("Read frequent queries on", "table"),
    "check_sql": ("Check the SQL", ""),
    "run_sql": ("Run SQL", ""),
    "propose": ("Propose a change to", "resource"),
    "remember": ("Remember a preference", ""),
}


def title_of(tool: str, arguments: Mapping[str, Any]) -> str:
    """The line for a call, with the one argument that says most."""
    words, key = _TITLES.get(tool, (f"Call {tool[:40]}", ""))
    value = str(arguments.get(key, "")).strip() if key else ""
    return f"{words} {value[:80]}".strip() if value else words.removesuffix(" on")
