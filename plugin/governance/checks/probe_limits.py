"""A probe that is over every limit, put before the gateway's own decision: is it refused, and told clearly (P39)?"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

from plugin.errors import LimitReached
from plugin.governance.ai_settings import AiLimits

MOST = 7
NONE = AiLimits(0, 0, 0, 0, 0, 0, 0)
PROBES = {
    "questions a minute": replace(NONE, requests_per_minute=MOST),
    "a member's tokens a day": replace(NONE, tokens_per_day_member=MOST),
    "the workspace's tokens a day": replace(NONE, tokens_per_day_workspace=MOST),
    "a team's tokens a day": replace(NONE, tokens_per_day_teams=(("Probe", MOST),)),
}


def unclear() -> list[str]:
    """The limits at which a probe was let through, or refused without the number and when it opens again."""
    from plugin.egress.policy import check_limits

    record = SimpleNamespace(
        questions_since=lambda _since: MOST,
        tokens_today=lambda: (MOST, MOST),
        team_tokens_today=lambda _team: MOST,
    )
    door = cast(Any, SimpleNamespace(record=record))
    wrong = []
    for name, limits in PROBES.items():
        try:
            check_limits(door, cast(Any, SimpleNamespace(limits=limits)), True)
        except LimitReached as error:
            words = str(error)
            if str(MOST) in words and ("Wait" in words or "midnight" in words) and error.retry_after:
                continue
        wrong.append(name)
    return wrong
