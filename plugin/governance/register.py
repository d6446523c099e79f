"""The register of sub-processors: who may get something, what for, where, and how each stands now (P44, P46).

Enters: what the workspace has in its own register of hosts, its settings, and the declared endpoints. Leaves: one
`Processor` a host, the same for the page, the API and the exports. Nothing here is written by hand per workspace: a
host is "in use" because the settings point at it, "on hold" because the notice period runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

from plugin.egress.endpoints import ENDPOINTS, OWN_NETWORK, REGION_WORDS, default_endpoint, endpoint_of
from plugin.governance.ai_settings import AiSettings
from plugin.providers import VENDORS
from plugin.store.shapes import ProviderHost

IN_USE, ON_HOLD, EARLIER, NOT_USED = "in use", "on hold", "used before", "not used"
PURPOSE = "Answers questions about the catalog from redacted questions and metadata; never rows"
OBJECTIONS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Claim:
    """An attestation that an operator or an admin lists. Never claimed by Docent."""

    name: str
    link: str
    noted: str
    by: str
    """"operator" as Docent wrote it down, or "admin" of this workspace."""
    seen: str = ""
    """The operator's own page on which Docent's authors read it; "" where they could not: not checked."""


@dataclass(frozen=True, slots=True)
class Processor:
    """One host of a provider."""

    host: str
    operator: str
    provider: str
    purpose: str
    region: str
    region_words: str
    state: str
    terms_link: str
    noted: date | None
    options: tuple[str, ...]
    notes: str
    claims: tuple[Claim, ...]
    declared_at: datetime | None = None
    usable_from: datetime | None = None
    accepted_by: str | None = None
    accepted_reason: str | None = None
    objections: tuple[Mapping[str, Any], ...] = ()
    registered: bool = False
    """Is it in the workspace's own register, so that members can object?"""


def processors(ai: AiSettings, hosts: Sequence[ProviderHost]) -> tuple[Processor, ...]:
    """The register: what is in use first, then what is on hold, then what was used, then what could be chosen."""
    current = host_in_use(ai)
    found = {each.host: _registered(each, current) for each in hosts}
    if current and current not in found:
        found[current] = _declared(current, ai.provider, IN_USE)
    for endpoint in ENDPOINTS:
        if endpoint.host not in found:
            found[endpoint.host] = _declared(endpoint.host, endpoint.provider, NOT_USED)
    order = (IN_USE, ON_HOLD, EARLIER, NOT_USED)
    return tuple(sorted(found.values(), key=lambda each: (order.index(each.state), each.host)))


def host_in_use(ai: AiSettings) -> str | None:
    """The host that the settings point at; None where nothing leaves, or the operator's environment decides."""
    if not ai.enabled or ai.provider not in VENDORS:
        return None
    if ai.base_url:
        return (urlsplit(ai.base_url).hostname or "").rstrip(".").lower() or None
    endpoint = default_endpoint(ai.provider)
    return endpoint.host if endpoint else None


def _registered(row: ProviderHost, current: str | None) -> Processor:
    state = ON_HOLD if row.on_hold else IN_USE if row.host == current else EARLIER
    base = _declared(row.host, row.provider, state, row.region)
    noted = tuple(Claim(c["name"], c["link"], c["noted"], "admin") for c in row.attestations)
    return Processor(
        **{name: getattr(base, name) for name in ("host", "operator", "provider", "purpose", "state")},
        region=base.region,
        region_words=base.region_words,
        terms_link=base.terms_link,
        noted=base.noted,
        options=base.options,
        notes=base.notes,
        claims=base.claims + noted,
        declared_at=row.declared_at,
        usable_from=row.usable_from,
        accepted_by=row.accepted_by,
        accepted_reason=row.accepted_reason,
        objections=row.objections[-OBJECTIONS_SHOWN:],
        registered=True,
    )


def _declared(host: str, provider: str, state: str, region: str = "") -> Processor:
    known = endpoint_of(host)
    where = region or (known.region if known else "unknown")
    inside = where == OWN_NETWORK
    return Processor(
        host=host,
        operator=known.operator
        if known
        else "this organisation"
        if inside
        else "not declared; ask your admin",
        provider=provider,
        purpose=PURPOSE,
        region=where,
        region_words=REGION_WORDS.get(where, where),
        state=state,
        terms_link=known.terms_link if known else "",
        noted=known.noted if known else None,
        options=known.options if known else (),
        notes=known.notes if known else "",
        claims=tuple(
            Claim(each.name, each.link, each.noted.isoformat(), "operator", each.seen)
            for each in (known.attestations if known else ())
        ),
    )
