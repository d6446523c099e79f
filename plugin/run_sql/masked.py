"""A statement for the record: without its literals, which may be data."""

from __future__ import annotations

from plugin.catalog.mask import mask_literals


def masked(sql: str, dialect: str | None) -> str:
    """`sql` with every literal replaced. Never raises."""
    return mask_literals(sql, dialect or "")
