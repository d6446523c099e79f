"""Posting a notice to the workspace's webhook: https only, checked addresses, no redirect, no text of anybody.

Enters: an address and the figures of a notice. Leaves: one request over the same line as a provider's (TLS verified,
the address checked after resolution and pinned, sent once). What is posted holds a rule, a member's address and two
numbers. It is entered in the audit log by the caller before the bytes leave.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from plugin.egress.addresses import Destination, destination
from plugin.egress.transport import Line, Timeouts
from plugin.errors import Misconfigured, ProviderFailed, Refused

TIMEOUTS = Timeouts(connect=5.0, read=10.0, total=15.0)


def webhook_target(url: str) -> Destination:
    """Where a webhook leads. Misconfigured or Refused where it is not https to a public host."""
    if not url.startswith("https://"):
        raise Misconfigured("A webhook's address begins with https://.")
    target = destination(url, ())
    if target.trusted:
        raise Refused("A webhook leads to another machine, not to this one.", rule="egress.address")
    return target


def post(url: str, values: Mapping[str, Any], *, opening: Callable[[str], None]) -> None:
    """Post one JSON object. `opening` is told the host just before it leaves. Refused, ProviderFailed."""
    import httpx2

    target = webhook_target(url)
    body = json.dumps(values, sort_keys=True).encode()
    with Line(target, opening=lambda leaving: opening(leaving.host), timeouts=TIMEOUTS) as line:
        try:
            answer = line.client.post(url, content=body, headers={"content-type": "application/json"})
        except httpx2.HTTPError as error:
            raise ProviderFailed(f"The webhook at {target.host} cannot be reached.") from error
        if answer.status_code >= 300:
            raise ProviderFailed(f"The webhook at {target.host} answered {answer.status_code}.")
