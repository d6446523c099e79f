"""What a setting is, and how a value from a form, the command line or a file becomes one, or is refused.

A refusal (BadInput) names what is allowed.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from plugin.access.ai_rules import parse_rules
from plugin.access.conditions import parse_conditions
from plugin.access.personas import parse_personas
from plugin.egress.admin_patterns import checked_pattern
from plugin.errors import BadInput

Values = Callable[[str], Any]
"""Gives what another key is set to, for checks across keys."""

TRUE, FALSE = ("true", "on", "yes", "1"), ("false", "off", "no", "0")
TEXT_LIMIT, LONG_TEXT_LIMIT, LIST_LIMIT = 500, 8000, 200


@dataclass(frozen=True, slots=True)
class SettingSpec:
    """One setting. `kind`: bool, int, choice, text, long_text, list or json."""

    key: str
    title: str
    effect: str
    default: Any
    kind: str
    choices: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
    check: Callable[[Any, Values], Any] | None = None
    """Takes the value in its type and returns it, perhaps tidied, or raises BadInput."""


def parse(spec: SettingSpec, value: Any, values: Values) -> Any:
    """A value as it is stored. BadInput names what is allowed."""
    parsed = PARSERS[spec.kind](spec, value)
    return spec.check(parsed, values) if spec.check else parsed


def _bool(spec: SettingSpec, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in TRUE:
        return True
    if text in FALSE:
        return False
    raise BadInput(f"{spec.key} is true or false, not {_short(value)}", field=spec.key)


def _int(spec: SettingSpec, value: Any) -> int:
    number: int | None
    try:
        number = int(str(value).strip().replace("_", ""))
    except ValueError:
        number = None
    low, high = spec.least or 0, spec.most
    if number is None or isinstance(value, bool) or number < low or (high is not None and number > high):
        span = f"from {low:,} to {high:,}" if high is not None else f"of at least {low:,}"
        raise BadInput(f"{spec.key} is a whole number {span}, not {_short(value)}", field=spec.key)
    return number


def _choice(spec: SettingSpec, value: Any) -> str:
    # YAML-minded readers turn a bare off into false: where "off" is a choice, false means it.
    text = "off" if value is False and "off" in spec.choices else str(value).strip().lower()
    if text not in spec.choices and (spec.key, text) not in HIDDEN_CHOICES:
        raise BadInput(f"{spec.key} is one of {', '.join(spec.choices)}, not {_short(value)}", field=spec.key)
    return text


def _text(spec: SettingSpec, value: Any) -> str:
    if isinstance(value, list | dict):
        raise BadInput(f"{spec.key} is a text", field=spec.key)
    limit = TEXT_LIMIT if spec.kind == "text" else LONG_TEXT_LIMIT
    text = str(value).strip() if spec.kind == "text" else str(value)
    if len(text) > limit or "\0" in text:
        raise BadInput(f"{spec.key} has at most {limit:,} characters", field=spec.key)
    return text


def _list(spec: SettingSpec, value: Any) -> list[str]:
    items = re.split(r"[,\n]", value) if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
        raise BadInput(f"{spec.key} is a list of texts", field=spec.key)
    tidy = list(dict.fromkeys(item.strip() for item in items if item.strip()))
    if len(tidy) > LIST_LIMIT:
        raise BadInput(f"{spec.key} has at most {LIST_LIMIT} entries", field=spec.key)
    return tidy


def _json(spec: SettingSpec, value: Any) -> Any:
    if not isinstance(value, list | tuple):
        raise BadInput(f"{spec.key} is a JSON list", field=spec.key)
    return list(value)


PARSERS: Mapping[str, Callable[[SettingSpec, Any], Any]] = {
    "bool": _bool,
    "int": _int,
    "choice": _choice,
    "text": _text,
    "long_text": _text,
    "list": _list,
    "json": _json,
}
HIDDEN_CHOICES = {("ai.provider", "scripted")}
"""Works, for tests, but no form offers it."""


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def check_filters(value: Any, _values: Values) -> Any:
    parse_rules(value)
    return value


def check_personas(value: Any, _values: Values) -> Any:
    parse_personas(value)
    return value


def check_patterns(value: Any, _values: Values) -> Any:
    seen: set[str] = set()
    for number, each in enumerate(value, start=1):
        where = f"pattern {number} of ai.redaction.patterns"
        if not isinstance(each, Mapping) or set(each) != {"name", "pattern"}:
            raise BadInput(f"{where} needs exactly a name and a pattern", field="ai.redaction.patterns")
        name, pattern = each["name"], each["pattern"]
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_ -]{0,39}", name):
            raise BadInput(f"{where}: its name is letters, digits, _ and -", field="ai.redaction.patterns")
        if name.lower() in seen:
            raise BadInput(f"{where}: the name {name!r} is used twice", field="ai.redaction.patterns")
        seen.add(name.lower())
        if not isinstance(pattern, str) or not 0 < len(pattern) <= 500:
            raise BadInput(f"{where}: a pattern has 1 to 500 characters", field="ai.redaction.patterns")
        try:
            checked_pattern(name.strip(), pattern)
        except BadInput as error:
            raise BadInput(f"{where}: {error}", field="ai.redaction.patterns") from error
    return [{"name": each["name"], "pattern": each["pattern"]} for each in value]


def check_regions(value: list[str], _values: Values) -> list[str]:
    upper = [code.upper() for code in value]
    for code in upper:
        if not re.fullmatch(r"[A-Z]{2}", code):
            raise BadInput(
                f"{code!r} is not a country code of two letters, such as US or DE",
                field="ai.redaction.regions",
            )
    return upper


def check_hosts(value: list[str], _values: Values) -> list[str]:
    lower = [host.lower() for host in value]
    for host in lower:
        if not re.fullmatch(r"\[?[a-z0-9_.:-]+\]?", host) or "//" in host:
            raise BadInput(
                f"{host!r} is not a host name; write it without https:// and without a path",
                field="ai.internal_hosts",
            )
    return lower


def check_origins(value: list[str], _values: Values) -> list[str]:
    tidy = [each.rstrip("/").lower() for each in value]
    for origin in tidy:
        found = re.fullmatch(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?", origin)
        if not found or (found[1] == "http" and not is_loopback(found[2])):
            raise BadInput(
                f"{origin!r} is not an origin; write it as https://app.example.org, without a path",
                field="embed.origins",
            )
    return tidy


def check_region(value: str, _values: Values) -> str:
    if value and not re.fullmatch(r"[a-z0-9-]{2,40}", value.lower()):
        raise BadInput("ai.region is a short name such as eu or us", field="ai.region")
    return value.lower()


def check_base_url(value: str, values: Values) -> str:
    if not value:
        return value
    try:
        parts = urlsplit(value)
        host, _port = (parts.hostname or "").lower(), parts.port
    except ValueError as error:
        raise BadInput("ai.base_url is not a URL", field="ai.base_url") from error
    if parts.scheme not in ("https", "http") or not host:
        raise BadInput("ai.base_url is a URL such as https://llm.example.com/v1", field="ai.base_url")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise BadInput(
            "ai.base_url has no user, password, query or fragment; a key is set as ai.key",
            field="ai.base_url",
        )
    if parts.scheme == "http" and not is_loopback(host) and host not in values("ai.internal_hosts"):
        raise BadInput(
            "ai.base_url must be https, unless its host is this machine or listed in ai.internal_hosts",
            field="ai.base_url",
        )
    return value


def check_team_budgets(value: list[str], _values: Values) -> list[str]:
    for entry in value:
        team, _, tokens = entry.rpartition("=")
        if not team.strip() or not tokens.strip().isdecimal() or not int(tokens):
            raise BadInput(
                f"{entry!r} is not a team and its tokens a day, such as Finance=200000",
                field="ai.limits.teams",
            )
    return value


def check_conditions(value: list[str], _values: Values) -> list[str]:
    parse_conditions(value)
    return value


def check_webhook(value: str, values: Values) -> str:
    if not value:
        return value
    try:
        parts = urlsplit(value)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise BadInput("watch.webhook is not a URL", field="watch.webhook") from error
    inside = parts.scheme == "http" and host in values("ai.internal_hosts")
    if (
        not (parts.scheme == "https" or inside)
        or not host
        or parts.username
        or parts.password
        or parts.fragment
    ):
        raise BadInput(
            "watch.webhook is a URL that begins with https:// (or http:// to a host listed in ai.internal_hosts) and "
            "holds no user or password",
            field="watch.webhook",
        )
    return value


def is_loopback(host: str) -> bool:
    """Does that host name mean this machine? Names are not resolved."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
