"""The audit log: every allow and deny with its rule, every change with before and after; no text, no secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugin.store._context import Context


def append(
    context: Context,
    action: str,
    outcome: str,
    *,
    rule: str | None = None,
    target: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write one line: in this transaction, or for a deny in one of its own when this ends."""


def append_line(context: Context, line: Mapping[str, Any]) -> None:
    """Write a line that was put together earlier."""
