"""P43 to P48: saying so."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from plugin.governance.checklist import ASK, DONE, OPEN, checklist
from plugin.governance.checks.facts import (
    OPERATOR,
    RAN,
    READ,
    Check,
    Facts,
    Finding,
    broken,
    clock_fault,
    clock_said,
    kept,
)
from plugin.governance.checks.out import NO_PAGES
from plugin.governance.in_force import in_force
from plugin.governance.register import NOT_USED, processors

STALE = timedelta(days=365)
WORST = 8
"""Lines of the checklist that must be open where nothing at all was done."""


def this_page(_facts: Facts) -> Finding:
    """P43: every promise has its check."""
    from plugin.governance.checks import CHECKS
    from plugin.governance.promises import PROMISES

    without = [each.id for each in PROMISES if each.id not in CHECKS]
    if without:
        return broken(f"promises without a check: {', '.join(without)}", RAN)
    return kept(f"made for this request by {len(CHECKS)} checks; no state on it is written by hand", RAN)


def register(facts: Facts) -> Finding:
    """P44: nothing went to a host that is on hold."""
    if facts.database.early_hosts:
        return broken(f"requests left to a host that is on hold: {', '.join(facts.database.early_hosts)}")
    if facts.database.unregistered_hosts:
        return broken(
            f"hosts that are not in the register were reached: {', '.join(facts.database.unregistered_hosts)}"
        )
    held = [each.host for each in facts.hosts if each.on_hold]
    now = f"on hold: {', '.join(held)}" if held else "none is on hold"
    return kept(
        f"the register is a page and JSON; a further host waits {facts.ai.notice_days} days or for an admin's reason; "
        f"{now}"
    )


def data_flow(facts: Facts) -> Finding:
    """P45: the sentences are made from the settings."""
    sentences = in_force(facts.ai)
    # The page must say something else where something else holds: the same settings with the assistant turned over.
    other = in_force(replace(facts.ai, enabled=not facts.ai.enabled, run_sql=not facts.ai.run_sql))
    if not sentences or sentences == other:
        return broken("what the data-flow page says does not follow the settings", RAN)
    return kept(
        f"{len(sentences)} sentences were just made from the settings; `docent trust --export md` prints the record",
        RAN,
    )


def attestations(facts: Facts) -> Finding:
    """P46: listed and dated; how old the oldest is."""
    listed = [
        claim for each in processors(facts.ai, facts.hosts) if each.state != NOT_USED for claim in each.claims
    ]
    bare = [each.name for each in listed if not each.link.startswith("https://") or not each.noted]
    if bare:
        return broken(f"listed without a link or a date: {', '.join(sorted(bare))}")
    old = [
        each for each in listed if each.noted and each.noted < (datetime.now(UTC) - STALE).date().isoformat()
    ]
    said = f"{len(listed)} are listed for the hosts in use, each with a link and a date"
    unread = sum(each.by == "operator" and not each.seen for each in listed)
    if unread:
        said += f"; {unread} were not read on the operator's own page: not checked"
    if old:
        said += f"; {len(old)} were noted more than a year ago: look again"
    return Finding(OPERATOR, f"{said}; they are the operators' word, check them with the provider", READ)


def status(facts: Facts) -> Finding:
    """P47: the health pages were just asked, and the clock's work that no other promise speaks of is done."""
    if facts.pages is None:
        return Finding(OPERATOR, NO_PAGES, READ)
    wrong = [f"{path} answered {code}" for path, code in facts.pages.health.items() if code != 200]
    if wrong or not facts.pages.health:
        return broken(", ".join(wrong) or "no health page was found", RAN)
    for task in ("syncs", "search"):
        late = clock_fault(facts, task)
        if late:
            return late
    return kept(
        f"{', '.join(facts.pages.health)} were just asked and answered; syncs that are due and search indexes: "
        f"{clock_said(facts, 'search')}",
        RAN,
    )


def practice(facts: Facts) -> Finding:
    """P48: the list, run now."""
    items = checklist(
        facts.ai,
        watched=any(
            facts.setting(f"watch.{name}_per_hour") for name in ("requests", "megabytes", "denials", "teams")
        ),
        rules=len(facts.setting("access.rules")),
        own_master_key=bool(facts.config.master_key),
        admins=facts.admins,
        metadata_only=not facts.ai.run_sql
        or all(each.has_query_credential for each in facts.integrations or ()),
    )
    worst = checklist(
        replace(facts.ai, enabled=True, provider="openai", region="", filters=()), watched=False, rules=0,
        own_master_key=False, admins=1, metadata_only=False,
    )  # fmt: skip
    if sum(each.state == OPEN for each in worst) < WORST:
        return broken("the list calls a probe of bad practice good", RAN)
    done, ask = sum(each.state == DONE for each in items), sum(each.state == ASK for each in items)
    return kept(
        f"the list on the settings page checks itself: {len(items) - ask} lines by machine, of which {done} are done, "
        f"and {ask} by a person; a probe of bad practice was told as such",
        RAN if done else READ,
    )


CHECKS: tuple[Check, ...] = (this_page, register, data_flow, attestations, status, practice)
