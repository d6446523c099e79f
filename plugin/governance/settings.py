"""The registry of a workspace's settings: every key with its title, its one-line effect, default, type and check.

Enters: a key and a value from a form, the command line or a file. Leaves: the value in its own type, or BadInput that
names what is allowed. Settings pages, `docent settings` and the API all walk this registry, so a setting added here is
everywhere.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from plugin.access.ai_rules import parse_rules
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


def spec_of(key: str) -> SettingSpec:
    """The setting of that key. BadInput names the known ones that are near."""
    spec = SETTINGS.get(key)
    if spec is None:
        stem = key.split(".")[0]
        near = [known for known in SETTINGS if known.startswith(f"{stem}.")] or list(SETTINGS)
        raise BadInput(f"there is no setting {key!r}; there are {', '.join(near)}", field=key)
    return spec


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


def _check_filters(value: Any, _values: Values) -> Any:
    parse_rules(value)
    return value


def _check_patterns(value: Any, _values: Values) -> Any:
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
            compiled = re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            raise BadInput(
                f"{where} is not a regular expression: {error}", field="ai.redaction.patterns"
            ) from error
        if compiled.match(""):
            raise BadInput(
                f"{where} matches nothing at all, so it would match everywhere", field="ai.redaction.patterns"
            )
    return [{"name": each["name"], "pattern": each["pattern"]} for each in value]


def _check_regions(value: list[str], _values: Values) -> list[str]:
    upper = [code.upper() for code in value]
    for code in upper:
        if not re.fullmatch(r"[A-Z]{2}", code):
            raise BadInput(
                f"{code!r} is not a country code of two letters, such as US or DE",
                field="ai.redaction.regions",
            )
    return upper


def _check_hosts(value: list[str], _values: Values) -> list[str]:
    lower = [host.lower() for host in value]
    for host in lower:
        if not re.fullmatch(r"\[?[a-z0-9_.:-]+\]?", host) or "//" in host:
            raise BadInput(
                f"{host!r} is not a host name; write it without https:// and without a path",
                field="ai.internal_hosts",
            )
    return lower


def _check_region(value: str, _values: Values) -> str:
    if value and not re.fullmatch(r"[a-z0-9-]{2,40}", value.lower()):
        raise BadInput("ai.region is a short name such as eu or us", field="ai.region")
    return value.lower()


def _check_base_url(value: str, values: Values) -> str:
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


def is_loopback(host: str) -> bool:
    """Does that host name mean this machine? Names are not resolved."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


_SPECS = (
    SettingSpec(
        "ai.enabled",
        "Assistant",
        "Turns the assistant on for everybody in this workspace. Off: nobody can ask, nothing is sent.",
        True,
        "bool",
    ),
    SettingSpec(
        "ai.provider",
        "Provider",
        "Who answers. builtin answers from the catalog in this process and sends nothing anywhere.",
        "builtin",
        "choice",
        choices=("builtin", "openai", "anthropic", "openai_compatible"),
    ),
    SettingSpec(
        "ai.model", "Model", "The provider's model. Only this one is used; nothing else is tried.", "", "text"
    ),
    SettingSpec(
        "ai.base_url",
        "Base URL",
        "Where the provider's API is, if not at its usual address; for a model server of your own.",
        "",
        "text",
        check=_check_base_url,
    ),
    SettingSpec(
        "ai.run_sql",
        "Run SQL",
        "Lets people with query permission run read-only SQL. Rows go to their browser, never to a provider.",
        False,
        "bool",
    ),
    SettingSpec(
        "ai.sql_sensitive",
        "Sensitive columns in Run SQL",
        "What happens when SQL touches a column marked personal or secret: refuse it, mask its values, or allow it.",
        "mask",
        "choice",
        choices=("refuse", "mask", "allow"),
    ),
    SettingSpec(
        "ai.history",
        "History",
        "always saves each prompt for its author; explicit saves only what its author saves; off saves nothing.",
        "always",
        "choice",
        choices=("off", "explicit", "always"),
    ),
    SettingSpec(
        "ai.instructions",
        "Custom instructions",
        "Text added to every question, such as your naming rules. It goes to the provider.",
        "",
        "long_text",
    ),
    SettingSpec(
        "ai.region",
        "Home region",
        "The region a provider must be in, such as eu or us. Empty: any region of a declared provider.",
        "",
        "text",
        check=_check_region,
    ),
    SettingSpec(
        "ai.allow_other_regions",
        "Allow other regions",
        "Lets requests go to a provider outside the home region. Off: they are refused.",
        False,
        "bool",
    ),
    SettingSpec(
        "ai.filters",
        "AI filters",
        "Include and exclude rules for what the assistant may use. People still see everything they may see.",
        [],
        "json",
        check=_check_filters,
    ),
    SettingSpec(
        "ai.redaction.patterns",
        "Redaction patterns",
        "Your own patterns, replaced by stand-ins in whatever is sent, beside the built-in ones.",
        [],
        "json",
        check=_check_patterns,
    ),
    SettingSpec(
        "ai.redaction.regions",
        "Redaction regions",
        "Countries whose telephone numbers and identifiers are recognised, as two-letter codes.",
        ["US"],
        "list",
        check=_check_regions,
    ),
    SettingSpec(
        "ai.internal_hosts",
        "Internal hosts",
        "Hosts of your own network that a base URL may name, also over http and with private addresses.",
        [],
        "list",
        check=_check_hosts,
    ),
    SettingSpec(
        "ai.guests_may_ask",
        "Guests may ask",
        "Lets guests use the assistant, within their teams.",
        False,
        "bool",
    ),
    SettingSpec(
        "ai.limits.steps",
        "Steps per question",
        "How many times the assistant may call its tools for one question before it must answer.",
        12,
        "int",
        least=1,
        most=40,
    ),
    SettingSpec(
        "ai.limits.tokens_per_question",
        "Tokens per question",
        "When one question has used this many tokens, it ends with what it has.",
        120_000,
        "int",
        least=1_000,
        most=2_000_000,
    ),
    SettingSpec(
        "ai.limits.context_tokens",
        "Context budget",
        "How many tokens of metadata go along with a question. What was cut is shown in the steps.",
        12_000,
        "int",
        least=500,
        most=200_000,
    ),
    SettingSpec(
        "ai.limits.requests_per_minute",
        "Questions per minute",
        "How many questions one member may ask in a minute.",
        30,
        "int",
        least=1,
        most=1_000,
    ),
    SettingSpec(
        "ai.limits.tokens_per_day_member",
        "Tokens per member and day",
        "When a member has used this many tokens today, asking waits until tomorrow (UTC). 0: no such limit.",
        2_000_000,
        "int",
        least=0,
    ),
    SettingSpec(
        "ai.limits.tokens_per_day_workspace",
        "Tokens per workspace and day",
        "When everybody together has used this many tokens today, asking waits until tomorrow (UTC). 0: no such limit.",
        20_000_000,
        "int",
        least=0,
    ),
    SettingSpec(
        "sql.limits.rows",
        "Rows per run",
        "A run of SQL stops at this many rows.",
        1_000,
        "int",
        least=1,
        most=100_000,
    ),
    SettingSpec(
        "sql.limits.bytes",
        "Bytes per run",
        "A run of SQL stops when its result is this large.",
        10_000_000,
        "int",
        least=10_000,
        most=200_000_000,
    ),
    SettingSpec(
        "sql.limits.seconds",
        "Seconds per run",
        "A run of SQL is cancelled on its server after this time.",
        30,
        "int",
        least=1,
        most=600,
    ),
    SettingSpec(
        "sql.limits.concurrent",
        "Runs at once",
        "How many runs one member may have at a time.",
        2,
        "int",
        least=1,
        most=20,
    ),
    SettingSpec(
        "history.max_prompts",
        "Prompts kept",
        "The most prompts a chat keeps; the oldest go first. At most 500.",
        500,
        "int",
        least=1,
        most=500,
    ),
    SettingSpec(
        "history.days",
        "Days kept",
        "Prompts are deleted after this many days. At most 30.",
        30,
        "int",
        least=1,
        most=30,
    ),
    SettingSpec(
        "providers.notice_days",
        "Notice for new providers",
        "How long a further provider's host waits before it is used, unless an admin accepts it with a reason.",
        10,
        "int",
        least=0,
        most=90,
    ),
)
SETTINGS: Mapping[str, SettingSpec] = {spec.key: spec for spec in _SPECS}
