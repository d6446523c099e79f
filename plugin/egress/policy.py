"""May this request leave, and where to: the workspace's policy as one decision, made anew for each request.

Enters: a viewer and what they want. Leaves: a `Route` (provider, model, host, region, key) or an error that names the
rule and who can change it. Every refusal is in the audit log with its rule. Nothing here falls back to anything: the
provider and the model are the ones that the admin chose (promises P18, P20, P22, P39, P44).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from plugin.access.viewer import Viewer
from plugin.config import Config
from plugin.egress.addresses import Destination, destination
from plugin.egress.admin_patterns import AdminPattern
from plugin.egress.endpoints import (
    IN_PROCESS,
    OWN_NETWORK,
    REGION_WORDS,
    UNKNOWN,
    WORLDWIDE,
    default_endpoint,
    region_of,
)
from plugin.errors import BadInput, LimitReached, Misconfigured, Refused
from plugin.providers import PROVIDERS, VENDORS

if TYPE_CHECKING:
    from plugin.governance.ai_settings import AiSettings
    from plugin.store import Store, ViewerDoor

TITLES = {
    "openai": "OpenAI",
    "anthropic": "Anthropic",
    "openai_compatible": "The model server",
    "builtin": "The built-in assistant",
    "scripted": "The script",
}
_ENV = {
    "openai": ("OPENAI_API_KEY", "OPENAI_BASE_URL"),
    "openai_compatible": ("OPENAI_API_KEY", "OPENAI_BASE_URL"),
    "anthropic": ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
}


@dataclass(frozen=True, slots=True)
class Route:
    """Where one request goes. `provider` is what the admin chose, `speaks` whose API is spoken there."""

    provider: str
    speaks: str
    title: str
    host: str
    region: str
    model: str
    base_url: str | None = None
    key: str | None = field(default=None, repr=False)
    target: Destination | None = None
    in_process: bool = False


def route_for(
    store: Store,
    config: Config,
    viewer: Viewer,
    *,
    provider: str | None = None,
    begins: bool = False,
    models: bool = False,
    dry: bool = False,
    key: str | None = None,
    base_url: str | None = None,
) -> tuple[Route, AiSettings]:
    """Decide. `begins`: this request starts a question, so rates count. `models`: an admin lists models or tests a key.

    `dry`: only for a preview, so limits do not matter. `key`, `base_url`: to be tested before they are saved.
    """
    with store.as_viewer(viewer) as mine:
        settings = mine.policy.ai()
        try:
            route = _decide(store, config, mine, settings, provider, models, dry, key, base_url)
            if not route.in_process and not dry:
                check_limits(mine, settings, begins)
        except (Refused, LimitReached) as error:
            rule = getattr(error, "rule", "") or "egress.limit"
            mine.record.audit("egress", "deny", rule=rule, target=provider or settings.provider)
            raise
    return route, settings


def patterns_of(settings: AiSettings) -> tuple[AdminPattern, ...]:
    """The workspace's own patterns. Misconfigured where one cannot be used: nothing leaves until an admin mends it."""
    made = tuple(
        AdminPattern(each.name, each.pattern, reversible=True) for each in settings.redaction_patterns
    )
    for pattern in made:
        try:
            next(pattern.find("x"), None)
        except BadInput as error:
            raise Misconfigured(
                f"The redaction pattern {pattern.name!r} cannot be used, so nothing is sent; an admin can mend it."
            ) from error
    return made


# --- the decision ----------------------------------------------------------------------------------------------


def _decide(
    store: Store,
    config: Config,
    mine: ViewerDoor,
    settings: AiSettings,
    provider: str | None,
    models: bool,
    dry: bool,
    key: str | None,
    base_url: str | None,
) -> Route:
    viewer = mine.viewer
    if not settings.enabled:
        raise Refused("The assistant is off for this workspace.", rule="ai.enabled", who=_who(mine))
    if (models or (provider and provider != settings.provider)) and not viewer.is_admin:
        raise Refused("Only an admin can choose another provider.", rule="ai.provider", who=_who(mine))
    name = provider or settings.provider
    if name not in PROVIDERS:
        raise BadInput(
            f"there is no provider {name!r}; choose one of {', '.join(sorted(PROVIDERS))}", field="provider"
        )
    if name not in VENDORS:
        inside = name == "builtin"
        place = IN_PROCESS if inside else OWN_NETWORK
        return Route(
            name,
            name,
            TITLES[name],
            place if inside else name,
            place,
            settings.model or name,
            in_process=inside,
        )
    own_url = (
        (base_url or None) if key is not None else settings.base_url if name == settings.provider else None
    )
    used_key, used_url, from_operator = _credentials(store, config, viewer, name, own_url, key)
    internal = list(settings.internal_hosts)
    if from_operator and used_url:
        internal.append(urlsplit(used_url).hostname or "")
    endpoint = default_endpoint(name)
    url = used_url or (endpoint.base_url if endpoint else None)
    if url is None:
        raise Misconfigured("A model server needs a base URL. An admin can enter one in AI settings.")
    target = destination(url, internal)
    region = region_of(target)
    _region(mine, settings, target, region)
    route = Route(
        name,
        _spoken(name, target),
        TITLES[name],
        _shown(target),
        region,
        "" if models else settings.model or "",
        url,
        used_key,
        target,
    )
    if not models and not route.model:
        raise Misconfigured(f"No model of {route.title} is chosen. An admin can choose one in AI settings.")
    if not dry:
        mine.hosts.use(target.host, name, region, trusted=target.trusted)
    return route


def _credentials(
    store: Store, config: Config, viewer: Viewer, name: str, own_url: str | None, key: str | None
) -> tuple[str | None, str | None, bool]:
    """Key, base URL, and whether the operator gave them.

    The operator's key goes only to the operator's address or the vendor's own, never to one that a workspace entered.
    """
    if key is None:
        with store.secrets(viewer.workspace_id) as secrets:
            key = secrets.provider_key(name)
    if key:
        return key, own_url, False
    key_name, url_name = _ENV[name]
    if own_url and urlsplit(own_url).hostname not in _vendor_hosts(name):
        return None, own_url, False
    operator_url = None if own_url else config.provider_env.get(url_name)
    return config.provider_env.get(key_name), own_url or operator_url, operator_url is not None


def _vendor_hosts(name: str) -> set[str]:
    from plugin.egress.endpoints import ENDPOINTS

    return {endpoint.host for endpoint in ENDPOINTS if endpoint.provider == name}


def _spoken(name: str, target: Destination) -> str:
    """OpenAI's Responses API at OpenAI, Chat Completions wherever a base URL points elsewhere."""
    if name == "openai" and target.host not in _vendor_hosts("openai"):
        return "openai_compatible"
    return name


def _shown(target: Destination) -> str:
    usual = {"https": 443, "http": 80}[target.scheme]
    return target.host if target.port == usual else f"{target.host}:{target.port}"


def _region(mine: ViewerDoor, settings: AiSettings, target: Destination, region: str) -> None:
    refused = refused_region(settings, target.host, region)
    if refused:
        raise Refused(refused, rule="egress.region", who=_who(mine))


def refused_region(settings: AiSettings, host: str, region: str) -> str:
    """Why the workspace's home region forbids this host; "" where it does not."""
    home = settings.region
    if not home or settings.allow_other_regions or region in (home, OWN_NETWORK):
        return ""
    where = REGION_WORDS.get(region, region)
    words = {
        UNKNOWN: f"the region of {host} is not known",
        WORLDWIDE: f"the operator of {host} promises no region",
    }.get(region, f"{host} is in {where}")
    return f"Nothing was sent: {words}, and this workspace keeps to {REGION_WORDS.get(home, home)}."


def base_url_of(
    store: Store, config: Config, workspace_id: int, settings: AiSettings, name: str
) -> tuple[str | None, bool]:
    """The base URL that a question to this provider would use, and whether the operator gave it. For display only.

    None stands for the vendor's own address. The vault is opened only where the operator's address depends on it.
    """
    own_url = settings.base_url or None if name == settings.provider else None
    operator_url = config.provider_env.get(_ENV[name][1])
    if own_url or not operator_url:
        return own_url, False
    with store.secrets(workspace_id) as secrets:
        return (None, False) if secrets.provider_key(name) else (operator_url, True)


def check_limits(mine: ViewerDoor, settings: AiSettings, begins: bool) -> None:
    """Rates and budgets. LimitReached says which limit, how much it is, and when asking works again."""
    limits = settings.limits
    if begins and limits.requests_per_minute:
        asked = mine.record.questions_since(datetime.now(UTC) - timedelta(seconds=60))
        if asked >= limits.requests_per_minute:
            raise LimitReached(
                f"You have asked {asked} question{'s' if asked > 1 else ''} in a minute, the most that this workspace "
                "allows. Wait a moment.",
                retry_after=60,
            )
    for team, most in limits.tokens_per_day_teams:
        used = mine.record.team_tokens_today(team)
        if used is not None and used >= most:
            raise LimitReached(
                f"Your team {team} has used today's {most:,} tokens. Asking works again after midnight UTC; "
                "an admin can raise the limit.",
                retry_after=_until_midnight(),
            )
    if not (limits.tokens_per_day_member or limits.tokens_per_day_workspace):
        return
    mine_used, all_used = mine.record.tokens_today()
    tomorrow = _until_midnight()
    if limits.tokens_per_day_member and mine_used >= limits.tokens_per_day_member:
        raise LimitReached(
            f"You have used today's {limits.tokens_per_day_member:,} tokens. Asking works again after midnight UTC; "
            "an admin can raise the limit.",
            retry_after=tomorrow,
        )
    if limits.tokens_per_day_workspace and all_used >= limits.tokens_per_day_workspace:
        raise LimitReached(
            f"This workspace has used today's {limits.tokens_per_day_workspace:,} tokens. Asking works again after "
            "midnight UTC; an admin can raise the limit.",
            retry_after=tomorrow,
        )


def _until_midnight() -> int:
    moment = datetime.now(UTC)
    tomorrow = (moment + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return max(1, int((tomorrow - moment).total_seconds()))


def _who(mine: ViewerDoor) -> str:
    names: Sequence[str] = mine.policy.admins()
    return ", ".join(names[:3]) or "an admin"
