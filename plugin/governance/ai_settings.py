"""A workspace's AI settings as one frozen value, read from the registry's keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from plugin.access.ai_rules import AiRule, parse_rules


@dataclass(frozen=True, slots=True)
class SqlLimits:
    """What one run of SQL may use."""

    rows: int
    bytes: int
    seconds: float
    concurrent: int
    """How many runs of one member at once."""
    concurrent_integration: int = 8
    """How many runs of all members at once on one integration."""


@dataclass(frozen=True, slots=True)
class AiLimits:
    """What one question, one member and the workspace may use. 0 means: no such limit."""

    steps: int
    seconds: int
    tokens_per_question: int
    context_tokens: int
    requests_per_minute: int
    tokens_per_day_member: int
    tokens_per_day_workspace: int
    tokens_per_day_teams: tuple[tuple[str, int], ...] = ()
    """Team names with what their members may use together."""


@dataclass(frozen=True, slots=True)
class RedactionPattern:
    """A pattern of the admin's own: what it finds is replaced by a stand-in named after it."""

    name: str
    pattern: str


@dataclass(frozen=True, slots=True)
class AiSettings:
    """Everything that decides whether and how the assistant works in a workspace."""

    enabled: bool
    provider: str
    model: str | None
    base_url: str | None
    run_sql: bool
    sql_sensitive: str
    """What Run SQL does with columns marked sensitive: refuse, mask or allow."""
    history: str
    """off, explicit or always."""
    history_max_prompts: int
    history_days: int
    instructions: str
    region: str
    """The workspace's home region; "" where none was chosen."""
    allow_other_regions: bool
    filters: tuple[AiRule, ...]
    redaction_patterns: tuple[RedactionPattern, ...]
    redaction_regions: tuple[str, ...]
    """Countries whose telephone numbers and identifiers are looked for, as ISO 3166 codes."""
    internal_hosts: tuple[str, ...]
    guests_may_ask: bool
    limits: AiLimits
    sql_limits: SqlLimits
    notice_days: int
    """How long a further provider host is on hold."""
    monitoring: bool = False
    """May admins read what is asked and answered from now on (promise P40)?"""
    monitoring_days: int = 30

    @property
    def ai_rules(self) -> tuple[AiRule, ...]:
        """The AI filters, under their other name."""
        return self.filters


def read_ai_settings(value: Callable[[str], Any]) -> AiSettings:
    """Build the value from the registry's keys; `value` gives what a key is set to."""
    return AiSettings(
        enabled=value("ai.enabled"),
        provider=value("ai.provider"),
        model=value("ai.model") or None,
        base_url=value("ai.base_url") or None,
        run_sql=value("ai.run_sql"),
        sql_sensitive=value("ai.sql_sensitive"),
        history=value("ai.history"),
        history_max_prompts=value("history.max_prompts"),
        history_days=value("history.days"),
        instructions=value("ai.instructions"),
        region=value("ai.region"),
        allow_other_regions=value("ai.allow_other_regions"),
        filters=parse_rules(value("ai.filters")),
        redaction_patterns=tuple(
            RedactionPattern(each["name"], each["pattern"]) for each in value("ai.redaction.patterns")
        ),
        redaction_regions=tuple(value("ai.redaction.regions")),
        internal_hosts=tuple(value("ai.internal_hosts")),
        guests_may_ask=value("ai.guests_may_ask"),
        limits=AiLimits(
            steps=value("ai.limits.steps"),
            seconds=value("ai.limits.seconds"),
            tokens_per_question=value("ai.limits.tokens_per_question"),
            context_tokens=value("ai.limits.context_tokens"),
            requests_per_minute=value("ai.limits.requests_per_minute"),
            tokens_per_day_member=value("ai.limits.tokens_per_day_member"),
            tokens_per_day_workspace=value("ai.limits.tokens_per_day_workspace"),
            tokens_per_day_teams=tuple(
                (team.strip(), int(tokens))
                for team, _, tokens in (entry.rpartition("=") for entry in value("ai.limits.teams"))
            ),
        ),
        sql_limits=SqlLimits(
            rows=value("sql.limits.rows"),
            bytes=value("sql.limits.bytes"),
            seconds=float(value("sql.limits.seconds")),
            concurrent=value("sql.limits.concurrent"),
            concurrent_integration=value("sql.limits.concurrent_integration"),
        ),
        notice_days=value("providers.notice_days"),
        monitoring=value("monitoring.content"),
        monitoring_days=value("monitoring.days"),
    )
