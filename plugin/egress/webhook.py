"""Posting a notice to the workspace's webhook: signed, checked addresses, no redirect, no text of anybody.

Enters: an address, its secret and the figures of a notice. Leaves: one request over the same line as a provider's (TLS
verified, the address checked after resolution and pinned, sent once), signed as Standard Webhooks has it
(https://github.com/standard-webhooks/standard-webhooks), so that a receiver knows whose it is and drops a repeated one.
What is posted holds a rule, a member's address and two numbers. It is entered in the audit log by the caller before the
bytes leave. It goes to a public host by https, or to a host that the admin has listed as internal.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from plugin.egress.addresses import Destination, destination
from plugin.egress.transport import HEADERS, Line, Timeouts
from plugin.errors import Misconfigured, ProviderFailed, Refused

TIMEOUTS = Timeouts(connect=5.0, read=10.0, total=15.0)
SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")


@dataclass(frozen=True, slots=True)
class Hook:
    """Where notices go, the key that signs them, and the hosts that the admin listed as internal."""

    url: str
    key: bytes = field(repr=False)
    internal_hosts: tuple[str, ...] = ()

    @property
    def secret(self) -> str:
        """The key as receivers take it."""
        return f"whsec_{base64.b64encode(self.key).decode()}"


def webhook_target(url: str, internal_hosts: tuple[str, ...] = ()) -> Destination:
    """Where a webhook leads. Misconfigured or Refused where it is neither https to a public host nor a listed one."""
    if not url.startswith("https://") and urlsplit(url).hostname not in internal_hosts:
        raise Misconfigured("A webhook's address begins with https://.")
    target = destination(url, internal_hosts)
    listed = target.host in internal_hosts or f"{target.host}:{target.port}" in internal_hosts
    if target.trusted and not listed:
        raise Refused(
            "A webhook leads to another machine; this one must be listed as internal.", rule="egress.address"
        )
    return target


def signature(key: bytes, number: str, moment: str, body: bytes) -> str:
    """The signature of one message, as a receiver makes it again to compare."""
    signed = hmac.new(key, f"{number}.{moment}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


def post(hook: Hook, values: Mapping[str, Any], *, opening: Callable[[str], None]) -> None:
    """Post one JSON object. `opening` is told the host just before it leaves. Refused, ProviderFailed."""
    import httpx2

    target = webhook_target(hook.url, hook.internal_hosts)
    body = json.dumps(values, sort_keys=True).encode()
    number, moment = f"msg_{secrets.token_hex(12)}", str(int(time.time()))
    headers = dict(zip(SIGNED, (number, moment, signature(hook.key, number, moment, body)), strict=True))
    line = Line(
        target,
        opening=lambda leaving: opening(leaving.host),
        timeouts=TIMEOUTS,
        headers=HEADERS | frozenset(SIGNED),
    )
    with line:
        try:
            answer = line.client.post(
                hook.url, content=body, headers={"content-type": "application/json"} | headers
            )
        except httpx2.HTTPError as error:
            raise ProviderFailed(f"The webhook at {target.host} cannot be reached.") from error
        if answer.status_code >= 300:
            raise ProviderFailed(f"The webhook at {target.host} answered {answer.status_code}.")
