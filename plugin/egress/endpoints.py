"""The declared endpoints of providers: operator, host, region, terms, attestations (promises P15, P18, P20, P44, P46).

What stands here was written down on `noted` from what the operator publishes; it is their word, not ours, and every
line carries the link where it can be checked. A host that is not here is only reached where an admin entered it as a
base URL, and its region is then unknown, unless it is this machine or a listed host of your own network.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from plugin.egress.addresses import Destination

OWN_NETWORK = "own network"
UNKNOWN = "unknown"
IN_PROCESS = "in process"
_NOTED = date(2026, 11, 21)


@dataclass(frozen=True, slots=True)
class Attestation:
    """What an operator says it holds, and where it says so. Never claimed by Docent."""

    name: str
    link: str
    noted: date = _NOTED


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address of a provider and what is known about it."""

    provider: str
    operator: str
    host: str
    base_url: str
    region: str
    terms_link: str
    noted: date = _NOTED
    options: tuple[str, ...] = ()
    """What we ask for with every request so that nothing is stored or used for training."""
    notes: str = ""
    attestations: tuple[Attestation, ...] = field(default=())


_OPENAI_SAYS = tuple(
    Attestation(name, "https://trust.openai.com/")
    for name in ("SOC 2 Type 2", "ISO/IEC 27001", "ISO/IEC 42001")
) + (
    Attestation("DPA", "https://openai.com/policies/data-processing-addendum/"),
    Attestation("HIPAA BAA on request", "https://openai.com/enterprise-privacy/"),
)
_ANTHROPIC_SAYS = tuple(
    Attestation(name, "https://trust.anthropic.com/")
    for name in ("SOC 2 Type 2", "ISO/IEC 27001", "ISO/IEC 42001")
) + (
    Attestation("DPA", "https://www.anthropic.com/legal/data-processing-addendum"),
    Attestation("HIPAA BAA on request", "https://trust.anthropic.com/"),
)
_OPENAI_OPTIONS = ("store=false: the response is not kept for later retrieval",)
_OPENAI_NOTES = (
    "By its business terms OpenAI does not train on API data by default and may keep it up to 30 days to detect abuse; "
    "zero data retention is agreed with OpenAI."
)


def _openai(host: str, region: str) -> Endpoint:
    return Endpoint(
        provider="openai",
        operator="OpenAI",
        host=host,
        base_url=f"https://{host}/v1",
        region=region,
        terms_link="https://openai.com/policies/services-agreement/",
        options=_OPENAI_OPTIONS,
        notes=_OPENAI_NOTES,
        attestations=_OPENAI_SAYS,
    )


ENDPOINTS: tuple[Endpoint, ...] = (
    _openai("api.openai.com", "us"),
    _openai("us.api.openai.com", "us"),
    _openai("eu.api.openai.com", "eu"),
    _openai("ae.api.openai.com", "ae"),
    _openai("au.api.openai.com", "au"),
    _openai("in.api.openai.com", "in"),
    _openai("jp.api.openai.com", "jp"),
    Endpoint(
        provider="anthropic",
        operator="Anthropic",
        host="api.anthropic.com",
        base_url="https://api.anthropic.com",
        region="us",
        terms_link="https://www.anthropic.com/legal/commercial-terms",
        options=("no metadata.user_id: no person is named", "prompt caching of at most five minutes"),
        notes=(
            "By its commercial terms Anthropic does not train on API data and deletes it after a limited time; "
            "zero data retention is agreed with Anthropic."
        ),
        attestations=_ANTHROPIC_SAYS,
    ),
)

REGION_WORDS = {
    "us": "United States",
    "eu": "European Union",
    "ae": "United Arab Emirates",
    "au": "Australia",
    "in": "India",
    "jp": "Japan",
    OWN_NETWORK: "your own network",
    UNKNOWN: "an unknown region",
    IN_PROCESS: "this process",
}


def endpoint_of(host: str) -> Endpoint | None:
    """The declared endpoint at a host."""
    return next((endpoint for endpoint in ENDPOINTS if endpoint.host == host), None)


def default_endpoint(provider: str) -> Endpoint | None:
    """Where a provider is unless an admin says otherwise."""
    return next((endpoint for endpoint in ENDPOINTS if endpoint.provider == provider), None)


def region_of(target: Destination) -> str:
    """The region of a destination: declared, your own network, or unknown."""
    if target.trusted:
        return OWN_NETWORK
    known = endpoint_of(target.host)
    return known.region if known else UNKNOWN
