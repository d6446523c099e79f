"""The registry of a workspace's settings: every key with its title, its one-line effect, default, type and check.

Enters: a key and a value from a form, the command line or a file. Leaves: the value in its own type, or BadInput that
names what is allowed. Settings pages, `docent settings` and the API all walk this registry, so a setting added here is
everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping

from plugin.errors import BadInput
from plugin.governance.setting_checks import (
    SettingSpec,
    check_base_url,
    check_conditions,
    check_filters,
    check_hosts,
    check_origins,
    check_patterns,
    check_personas,
    check_region,
    check_regions,
    check_team_budgets,
    check_webhook,
    is_loopback,
    parse,
)

__all__ = ["SETTINGS", "SettingSpec", "is_loopback", "parse", "spec_of"]

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
        check=check_base_url,
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
        check=check_region,
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
        check=check_filters,
    ),
    SettingSpec(
        "ai.personas",
        "Personas",
        "Ways of answering that people may choose: a name, words for the model, AI filters and teams of its own.",
        [],
        "json",
        check=check_personas,
    ),
    SettingSpec(
        "ai.redaction.patterns",
        "Redaction patterns",
        "Your own patterns, replaced by stand-ins in whatever is sent, beside the built-in ones.",
        [],
        "json",
        check=check_patterns,
    ),
    SettingSpec(
        "ai.redaction.regions",
        "Redaction regions",
        "Countries whose telephone numbers and identifiers are recognised, as two-letter codes.",
        ["US"],
        "list",
        check=check_regions,
    ),
    SettingSpec(
        "ai.internal_hosts",
        "Internal hosts",
        "Hosts of your own network that a base URL may name, also over http and with private addresses.",
        [],
        "list",
        check=check_hosts,
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
        "ai.limits.seconds",
        "Seconds per question",
        "When an answer has taken this long, it ends with what it has.",
        180,
        "int",
        least=10,
        most=1_800,
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
        "How many questions one member may put to a provider in a minute. The built-in assistant has no limit.",
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
        "ai.limits.teams",
        "Tokens per team and day",
        "A budget for a team's members together, as Finance=200000. Asking waits until tomorrow (UTC) at the limit.",
        [],
        "list",
        check=check_team_budgets,
    ),
    SettingSpec(
        "access.rules",
        "Conditional access",
        "Who comes in only from where and how: role=guest network=10.0.0.0/8, or team=Finance method=session.",
        [],
        "list",
        check=check_conditions,
    ),
    SettingSpec(
        "embed.origins",
        "Embedding",
        "Applications whose pages may show the assistant in a frame, as https://app.example.org. Empty: none.",
        [],
        "list",
        check=check_origins,
    ),
    SettingSpec(
        "watch.requests_per_hour",
        "Unusual rate",
        "Admins are told when one member causes this many requests to a provider in an hour. 0: not watched.",
        300,
        "int",
        least=0,
    ),
    SettingSpec(
        "watch.megabytes_per_hour",
        "Unusual volume",
        "Admins are told when one member's requests send this many megabytes in an hour. 0: not watched.",
        20,
        "int",
        least=0,
    ),
    SettingSpec(
        "watch.denials_per_hour",
        "Repeated denials",
        "Admins are told when one member is denied this often in an hour. 0: not watched.",
        20,
        "int",
        least=0,
    ),
    SettingSpec(
        "watch.teams_per_hour",
        "Sweeps across teams",
        "Admins are told when one member's requests use metadata of this many teams in an hour. 0: not watched.",
        5,
        "int",
        least=0,
    ),
    SettingSpec(
        "watch.webhook",
        "Webhook for notices",
        "Unusual use is also posted here, signed: the rule and its figures, no text. `docent keys webhook-secret` "
        "prints what a receiver checks it with. Empty: only in the app.",
        "",
        "text",
        check=check_webhook,
    ),
    SettingSpec(
        "sql.limits.rows",
        "Rows per run",
        "A run of SQL stops at this many rows.",
        1_000,
        "int",
        least=1,
        most=10_000_000,
    ),
    SettingSpec(
        "sql.limits.bytes",
        "Bytes per run",
        "A run of SQL stops when its result is this large.",
        10_000_000,
        "int",
        least=10_000,
        most=2_000_000_000,
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
        "sql.limits.concurrent_integration",
        "Runs at once on one integration",
        "How many runs of all members together one integration may have at a time, over the web "
        "processes of one machine.",
        8,
        "int",
        least=1,
        most=100,
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
        "monitoring.content",
        "Monitoring of content",
        "Lets admins read what is asked and answered from now on, in any history mode, kept apart. Every member is "
        "told; turning it off deletes all of it.",
        False,
        "bool",
    ),
    SettingSpec(
        "monitoring.days",
        "Days monitored content is kept",
        "What monitoring holds is deleted after this many days.",
        30,
        "int",
        least=1,
        most=90,
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


def spec_of(key: str) -> SettingSpec:
    """The setting of that key. BadInput names the known ones that are near."""
    spec = SETTINGS.get(key)
    if spec is None:
        stem = key.split(".")[0]
        near = [known for known in SETTINGS if known.startswith(f"{stem}.")] or list(SETTINGS)
        raise BadInput(f"there is no setting {key!r}; there are {', '.join(near)}", field=key)
    return spec
