"""Values of a custom metadata line, each read with a reason for what cannot be used."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from plugin.errors import BadInput

LONGEST_NAME = 1000
LONGEST_TEXT = 1_000_000
LARGEST_NUMBER = 2_000_000_000


def text(line: Mapping[str, Any], name: str, longest: int = LONGEST_NAME) -> str | None:
    """A text, trimmed; None for none. BadInput."""
    value = line.get(name)
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise BadInput(f"{name} is not a text")
    if len(value) > longest:
        raise BadInput(f"{name} is longer than {longest} characters")
    return value.replace("\x00", "").strip() or None


def whole(line: Mapping[str, Any], name: str) -> int | None:
    """A whole number that a database can hold, or None. BadInput."""
    value = line.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | str) or not str(value).lstrip("-").isdecimal():
        raise BadInput(f"{name} is not a whole number")
    digits = str(value)
    if len(digits) > 10 or abs(int(digits)) > LARGEST_NUMBER:
        raise BadInput(f"{name} is above {LARGEST_NUMBER}")
    return int(digits)


def flag(line: Mapping[str, Any], name: str) -> bool:
    """True or false, false for none. BadInput."""
    value = line.get(name)
    if isinstance(value, str) and value.lower() in ("true", "false", ""):
        value = value.lower() == "true"
    if value is not None and not isinstance(value, bool):
        raise BadInput(f"{name} is not true or false")
    return bool(value)


def names(line: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A list of texts, each once. BadInput."""
    value = line.get(name)
    if value is None:
        return ()
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise BadInput(f"{name} is not a list of texts")
    plain = (each.replace("\x00", "").strip()[:200] for each in value)
    return tuple(dict.fromkeys(each for each in plain if each))


def url(line: Mapping[str, Any]) -> str | None:
    """A web address or None. BadInput."""
    url = text(line, "url", 2000)
    if url is not None and not url.lower().startswith(("https://", "http://")):
        raise BadInput("url does not start with http:// or https://")
    return url


def moment(line: Mapping[str, Any], name: str) -> datetime | None:
    """A time from ISO 8601 or seconds since 1970. BadInput."""
    value = line.get(name)
    if value is None or value == "":
        return None
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
        at = datetime.fromisoformat(str(value))
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError) as error:
        reason = f"{name} is neither ISO 8601 (2026-05-31T12:00:00Z) nor seconds since 1970"
        raise BadInput(reason) from error
