"""Where a workspace's questions would go, for people to read: operator, host, region, terms (promises P15, P18, P46).

Enters: the AI settings and what the operator decided. Leaves: a `Whereabouts`, made from the declared endpoints and by
the rules that `policy.route_for` decides with; it decides nothing itself, sends nothing and writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from plugin.config import Config
from plugin.egress.addresses import destination
from plugin.egress.endpoints import (
    IN_PROCESS,
    OWN_NETWORK,
    REGION_WORDS,
    UNKNOWN,
    default_endpoint,
    endpoint_of,
    region_of,
)
from plugin.egress.policy import TITLES, base_url_of, refused_region
from plugin.errors import DocentError
from plugin.providers import VENDORS

if TYPE_CHECKING:
    from plugin.governance.ai_settings import AiSettings
    from plugin.store import Store


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """One place that questions go to. `refused` says why nothing would go there as things are, "" where it would."""

    provider: str
    operator: str
    host: str
    region: str
    place: str
    """The region in words."""
    leaves: bool
    declared: bool = False
    terms_link: str = ""
    noted: date | None = None
    options: tuple[str, ...] = ()
    notes: str = ""
    refused: str = ""


def whereabouts(
    store: Store, config: Config, workspace_id: int, ai: AiSettings, provider: str | None = None
) -> Whereabouts:
    """Where questions go under these settings, or would with another `provider`. Raises nothing for a bad address."""
    name = provider or ai.provider
    title = TITLES.get(name, name)
    if name not in VENDORS:
        region = IN_PROCESS if name in ("builtin", "") else OWN_NETWORK
        return Whereabouts(name, title, "", region, REGION_WORDS[region], leaves=False)
    url, from_operator = base_url_of(store, config, workspace_id, ai, name)
    usual = default_endpoint(name)
    url = url or (usual.base_url if usual else None)
    nowhere = Whereabouts(name, title, "", UNKNOWN, REGION_WORDS[UNKNOWN], leaves=True)
    if url is None:
        return replace(nowhere, refused="A model server needs a base URL, and none is entered yet.")
    try:
        host = urlsplit(url).hostname or ""
        listed = [*ai.internal_hosts, host] if from_operator else ai.internal_hosts
        target = destination(url, listed)
    except (DocentError, ValueError) as error:
        said = str(error) if isinstance(error, DocentError) else "The base URL is not a URL."
        return replace(nowhere, refused=said)
    region = region_of(target)
    known = endpoint_of(target.host)
    return Whereabouts(
        name,
        known.operator if known else title,
        target.host,
        region,
        REGION_WORDS.get(region, region),
        leaves=True,
        declared=known is not None,
        terms_link=known.terms_link if known else "",
        noted=known.noted if known else None,
        options=known.options if known else (),
        notes=known.notes if known else "",
        refused=refused_region(ai, target.host, region),
    )
