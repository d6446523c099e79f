"""What can go wrong at a vendor, as one clear sentence each. Both vendors' files turn their SDK's errors into these.

A vendor's own error text is never shown or kept: it may repeat what was sent. Its code (`rate_limit_exceeded`) is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from plugin.errors import DocentError, Misconfigured, ProviderBusy, ProviderFailed

_CREDIT = re.compile(
    r"insufficient_quota|billing|credit balance|payment|out of credit|exceeded your current quota",
    re.IGNORECASE,
)
_TOO_LONG = re.compile(
    r"context_length|context window|too long|too large|maximum context|string_above_max_length|request_too_large",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(
    r"model_not_found|model .*(?:does not exist|not found)|unknown model|not_found_error", re.IGNORECASE
)


def from_status(name: str, model: str, status: int, body: object, headers: Mapping[str, str]) -> DocentError:
    """The error for an HTTP status of a vendor called `name`."""
    code, hint = codes_of(body)
    wait = seconds(headers)
    if status == 402 or _CREDIT.search(hint):
        return ProviderFailed(
            f"The {name} account is out of credit. An admin must top it up with {name}; nothing was charged for this."
        )
    if status == 401:
        return Misconfigured(f"{name} does not accept the API key. An admin can replace it in AI settings.")
    if status == 404 or (status == 400 and _NO_MODEL.search(hint)):
        return Misconfigured(
            f"{name} does not offer the model {model!r}. An admin can choose another in AI settings."
        )
    if status == 403:
        return Misconfigured(
            f"{name} does not let this API key do that. An admin can check the key's rights and the model {model!r}."
        )
    if status == 413 or (status in (400, 422) and _TOO_LONG.search(hint)):
        return ProviderFailed(
            f"That is too long for {model or name}. Ask about fewer things at once, or start a new chat."
        )
    if status == 429:
        return ProviderBusy(f"{name} limits how fast this workspace may ask.{_again(wait)}", retry_after=wait)
    if status in (503, 529) or "overloaded" in hint:
        return ProviderBusy(f"{name} is overloaded at the moment.{_again(wait)}", retry_after=wait)
    if 300 <= status < 400:
        return ProviderFailed(
            f"{name} answered with a redirect, which is not followed. An admin can check the base URL."
        )
    if status >= 500:
        return ProviderFailed(
            f"{name} has an error of its own ({status}). Nothing is sent again by itself; you can retry."
        )
    return ProviderFailed(f"{name} refused the request ({status}{', ' + code if code else ''}).")


def from_event(name: str, model: str, body: object) -> DocentError:
    """The error that came inside a stream, after the answer had begun."""
    code, hint = codes_of(body)
    if _CREDIT.search(hint):
        return from_status(name, model, 402, body, {})
    if "overloaded" in hint:
        return ProviderBusy(f"{name} became overloaded in the middle of the answer. You can retry.")
    if "rate_limit" in hint:
        return ProviderBusy(
            f"{name} limits how fast this workspace may ask; the answer broke off. You can retry."
        )
    if _TOO_LONG.search(hint):
        return from_status(name, model, 413, body, {})
    return ProviderFailed(f"{name} broke off with an error{f' ({code})' if code else ''}. You can retry.")


def slow(name: str, *, begun: bool) -> ProviderFailed:
    """Nothing came for too long."""
    if begun:
        return ProviderFailed(
            f"{name} stopped sending in the middle of the answer. What arrived is kept; you can retry."
        )
    return ProviderFailed(f"{name} did not answer in time. You can retry.")


def cut_off(name: str, *, begun: bool) -> ProviderFailed:
    """The connection ended before the answer did."""
    if begun:
        return ProviderFailed(
            f"{name} broke the connection in the middle of the answer. What arrived is kept; you can retry."
        )
    return ProviderFailed(f"{name} broke the connection before an answer came. You can retry.")


def unreachable(name: str) -> ProviderFailed:
    """No connection could be made."""
    return ProviderFailed(f"{name} cannot be reached. Check the network or the base URL, then retry.")


def nonsense(name: str) -> ProviderFailed:
    """What came back is not the vendor's API."""
    return ProviderFailed(
        f"{name} answered something that is not its API. An admin can check the base URL; you can retry."
    )


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Around the reading of what a vendor sent: whatever cannot be read is nonsense, not a traceback."""
    try:
        yield
    except (ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
        raise nonsense(name) from error


def empty(name: str) -> ProviderFailed:
    """A complete answer with nothing in it."""
    return ProviderFailed(f"{name} answered with nothing. You can retry.")


def codes_of(body: object) -> tuple[str, str]:
    """A code that can be shown, and everything worth matching, from an error body."""
    error: Any = body
    if isinstance(error, Mapping) and isinstance(error.get("error"), (Mapping, str)):
        error = error["error"]
    if isinstance(error, str):
        return "", error[:500]
    if not isinstance(error, Mapping):
        return "", ""
    parts = [str(error.get(key) or "") for key in ("code", "type", "message")]
    shown = next((part for part in parts[:2] if re.fullmatch(r"[a-zA-Z0-9_.\-]{2,60}", part)), "")
    return shown, " ".join(parts)[:800]


def seconds(headers: Mapping[str, str]) -> int | None:
    """How long the vendor asks to wait, from `retry-after` in its forms."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name)
        if value:
            try:
                return max(1, min(3600, round(float(value) * unit)))
            except ValueError:
                return _until(value)
    return None


def _until(value: str) -> int | None:
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    try:
        wait = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError):
        return None
    return max(1, min(3600, round(wait)))


def _again(wait: int | None) -> str:
    return f" Try again in {wait} seconds." if wait else " Try again in a moment."
