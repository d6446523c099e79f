"""Texts that people type into the catalog: tidied, and refused where they are no text or too long."""

from __future__ import annotations

import unicodedata

from plugin.errors import BadInput

LONGEST_LINE = 300
LONGEST_TEXT = 50_000


def clean_line(value: object, *, field: str, longest: int = LONGEST_LINE) -> str:
    """A name or tag: one line, without characters that cannot be seen. BadInput where nothing is left."""
    if not isinstance(value, str):
        raise BadInput(f"{field} is a text", field=field)
    tidy = " ".join("".join(char if _seen(char) else " " for char in value).split())
    if not tidy or len(tidy) > longest:
        raise BadInput(f"{field} has 1 to {longest} characters", field=field)
    return tidy


def clean_text(value: object, *, field: str, longest: int = LONGEST_TEXT) -> str:
    """A text of several lines. BadInput where it is too long."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadInput(f"{field} is a text", field=field)
    tidy = "".join(char for char in value.replace("\r\n", "\n") if char in "\n\t" or _seen(char)).strip()
    if len(tidy) > longest:
        raise BadInput(f"{field} has at most {longest} characters", field=field)
    return tidy


def _seen(char: str) -> bool:
    return char == " " or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
