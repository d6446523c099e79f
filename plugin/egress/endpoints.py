"""The declared endpoints of providers: operator, host, region, terms, attestations (promises P15, P18, P20, P44, P46).

A region stands here only where its operator promises that questions are both processed and stored there. What is said
of an operator is its own word, with the page where it was read on `noted`; an attestation that was not found on such a
page says so (`seen` is empty) and has the link where to look. A host that is not here is only reached where an admin
entered it as a base URL, and its region is then unknown, unless it is this machine or a listed host of your network.

Read on 2026-11-21: developers.openai.com/api/docs/guides/your-data (no training since March 2023, abuse logs up to 30
days, store=false, table of regional storage and processing: only us and eu process in their region, api.openai.com
promises none); openai.com/security-and-privacy (SOC 2 Type 2, addendum, HIPAA); platform.claude.com, data residency
(inference anywhere unless a request asks for us) and API data retention; privacy.anthropic.com article 7996866 (deleted
within 30 days). The terms themselves, ISO certificates and the Anthropic trust portal could not be opened: not checked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from plugin.egress.addresses import Destination

OWN_NETWORK = "own network"
UNKNOWN = "unknown"
WORLDWIDE = "worldwide"
"""Its operator promises no region: a question may be processed anywhere."""
IN_PROCESS = "in process"
_NOTED = date(2026, 11, 21)


@dataclass(frozen=True, slots=True)
class Attestation:
    """What an operator says it holds, and where to look. Never claimed by Docent."""

    name: str
    link: str
    noted: date = _NOTED
    seen: str = ""
    """The operator's page on which it was read on `noted`; "" where no such page was read: not checked."""


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


_OPENAI_PAGE = "https://openai.com/security-and-privacy/"
_OPENAI_DATA = "https://developers.openai.com/api/docs/guides/your-data"
_OPENAI_SAYS = (
    Attestation("SOC 2 Type 2", "https://trust.openai.com/", seen=_OPENAI_PAGE),
    Attestation("ISO/IEC 27001", "https://trust.openai.com/"),
    Attestation("ISO/IEC 42001", "https://trust.openai.com/"),
    Attestation("DPA", "https://openai.com/policies/data-processing-addendum/", seen=_OPENAI_PAGE),
    Attestation("HIPAA BAA on request", "https://openai.com/enterprise-privacy/", seen=_OPENAI_DATA),
)
_ANTHROPIC_SAYS = (
    *(
        Attestation(name, "https://trust.anthropic.com/")
        for name in ("SOC 2 Type 2", "ISO/IEC 27001", "ISO/IEC 42001")
    ),
    Attestation("DPA", "https://www.anthropic.com/legal/data-processing-addendum"),
    Attestation(
        "HIPAA BAA on request",
        "https://trust.anthropic.com/",
        seen="https://privacy.claude.com/en/articles/8956058",
    ),
)
_OPENAI_OPTIONS = ("store=false: the response is not kept for later retrieval",)
_OPENAI_NOTES = (
    "OpenAI says that data sent to the API is not used for training unless one opts in, and that abuse monitoring logs "
    f"are kept up to 30 days, or longer where the law requires ({_OPENAI_DATA}). Zero data retention is agreed with "
    "OpenAI."
)
_STORES_ONLY = (
    "OpenAI stores in this region and may process elsewhere, so it counts as no promised region. "
    "It needs an agreement with OpenAI and a project of that region."
)


def _openai(host: str, region: str, more: str = "") -> Endpoint:
    return Endpoint(
        provider="openai",
        operator="OpenAI",
        host=host,
        base_url=f"https://{host}/v1",
        region=region,
        terms_link="https://openai.com/policies/services-agreement/",
        options=_OPENAI_OPTIONS,
        notes=f"{_OPENAI_NOTES} {more}".rstrip(),
        attestations=_OPENAI_SAYS,
    )


ENDPOINTS: tuple[Endpoint, ...] = (
    _openai("api.openai.com", WORLDWIDE, "Without a project of a region no region is promised."),
    _openai(
        "us.api.openai.com", "us", "Stored and processed in the region, for a project that was made there."
    ),
    _openai(
        "eu.api.openai.com",
        "eu",
        "Stored and processed in the EEA and Switzerland, for a project made there.",
    ),
    *(
        _openai(f"{code}.api.openai.com", WORLDWIDE, _STORES_ONLY)
        for code in ("ae", "au", "ca", "gb", "in", "jp", "kr", "sg")
    ),
    Endpoint(
        provider="anthropic",
        operator="Anthropic",
        host="api.anthropic.com",
        base_url="https://api.anthropic.com",
        region=WORLDWIDE,
        terms_link="https://www.anthropic.com/legal/commercial-terms",
        options=("no metadata.user_id: no person is named", "prompt caching of at most five minutes"),
        notes=(
            "Anthropic says that it does not train on API data unless that is agreed, and deletes inputs and outputs "
            "within 30 days unless its usage policy or the law needs longer (https://privacy.anthropic.com/en/articles/"
            "7996866-how-long-do-you-store-personal-data). Inference may run in any geography unless a request or the "
            "workspace's default at Anthropic asks for us. Zero data retention is agreed with Anthropic."
        ),
        attestations=_ANTHROPIC_SAYS,
    ),
)

REGION_WORDS = {
    "us": "United States",
    "eu": "European Union",
    WORLDWIDE: "no promised region",
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
